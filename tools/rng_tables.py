#!/usr/bin/env python3
"""Writes sim/base/rng_tables.inc: the quantile tables of sim/base/rng.c (see the comment there)."""
from decimal import Decimal, getcontext
from statistics import NormalDist

getcontext().prec = 50
LOG_STEPS, OCTAVES, OCTAVE_STEPS = 1024, 40, 64


def rows(values, per_row, suffix):
    text = [f"{v}{suffix}" for v in values]
    return ",\n".join("    " + ", ".join(text[i : i + per_row]) for i in range(0, len(text), per_row))


def normal_upper(step):
    """z with P(Z > z) = p, in 2^-24, for the step counted from p = 1/2 downwards."""
    octave, part = divmod(step, OCTAVE_STEPS)
    p = 2.0 ** -(octave + 1) * (1 - part / (2 * OCTAVE_STEPS))
    return round(-NormalDist().inv_cdf(p) * 2**24)


log = [round((1 + Decimal(i) / LOG_STEPS).ln() * 2**56) for i in range(LOG_STEPS + 1)]
normal = [normal_upper(i) for i in range(OCTAVES * OCTAVE_STEPS + 1)]
print("/* Written by tools/rng_tables.py. */")
print(f"enum {{ LOG_STEPS = {LOG_STEPS}, OCTAVES = {OCTAVES}, OCTAVE_STEPS = {OCTAVE_STEPS} }};\n")
print(f"#define LN2_Q56 UINT64_C({log[-1]})\n")
print("/* ln(1 + i / LOG_STEPS) in 2^-56 */")
print("static const uint64_t log_table[LOG_STEPS + 1] = {\n" + rows(log, 5, "u") + "\n};\n")
print("/* the upper normal quantile of 2^-(o + 1) * (1 - i / (2 * OCTAVE_STEPS)) in 2^-24, o major */")
print(f"static const uint32_t normal_table[OCTAVES * OCTAVE_STEPS + 1] = {{\n" + rows(normal, 9, "u") + "\n};")
