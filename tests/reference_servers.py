"""servers: latency of a key-value store against its load, with theory beside it; max-jOPS and critical-jOPS.
"""
import os

from reference_plot import Picture
from reference_table import Run, Table

TEXT = """
**Key-value store** (`workloads/redis.yaml`, one instance on the machine `two-node`, Poisson arrivals; open loop, so that queueing is in every latency).
How long a request keeps the server busy is measured in a closed loop of 64 clients that never think; with it, an open loop is M/D/1: mean
response s + rho s / (2 (1 - rho)). Below saturation the server also sleeps and is woken, which theory does not know of: allowed for by 2 us.

![latency over load](servers.svg)

**SPECjbb-like** (`workloads/specjbb.yaml`, a group a node, 20 steps of 2 s): max-jOPS is the rate of the last step half of which
was answered within 100 ms; critical-jOPS the geometric mean of the rates up to which the 99th percentile stays under 10, 25, 50, 75 and
100 ms (0 counts as the half of the first step). A collection that stops the world costs critical-jOPS, hardly max-jOPS.
"""
RATES = [20000, 40000, 60000, 80000, 90000, 100000, 105000, 110000, 115000, 120000, 122000, 124000]
LIMITS = [10e6, 25e6, 50e6, 75e6, 100e6]


def requests(numasim, workload, settings):
    with Run(numasim, "two-node", workload, settings=["workload." + s for s in settings]) as run:
        return run.csv("requests.csv")


def whole(rows):
    return next(r for r in rows if r["scope"] == "run" and not r["request"])


def store(table, numasim):
    closed = whole(requests(numasim, "redis", ["instances=1", "drive=closed", "clients=64", "think=0ns", "requests=100000"]))
    s = float(closed["mean_ns"]) / 64  # Little's law, without thinking
    table.add("redis, one instance", "requests/s at saturation", "100000 to 150000", round(1e9 / s), 100000, 150000,
              "workloads.md 7")
    curve = []
    for rate in RATES:
        row = whole(requests(numasim, "redis", ["instances=1", "rate=%d" % rate, "requests=150000"]))
        rho = rate * s / 1e9
        expected = s + rho * s / 2 / (1 - rho)
        if rho < 0.95:  # nearer to saturation a run of this length says little
            table.add("redis, %d requests/s" % rate, "mean response, us", "%.4g" % (expected / 1000),
                      float(row["mean_ns"]) / 1000, 0.95 * expected / 1000, 1.1 * expected / 1000 + 2, "-5 %, +10 % and 2 us")
        curve.append((rate, [int(row[p + "_ns"]) for p in ("p50", "p90", "p99", "p999")]))
    beyond = next((rate for rate, p in curve if p[2] > 1e6), None)
    lines = ["", "Latency against load, us; the 99th percentile exceeds 1 ms %s:" % ("at %d" % beyond if beyond else
             "beyond %d requests/s" % RATES[-1]), "", "| requests/s | p50 | p90 | p99 | p99.9 |", "|---|---|---|---|---|"]
    lines += ["| %d | %s |" % (rate, " | ".join("%.1f" % (ns / 1000) for ns in p)) for rate, p in curve]
    return curve, lines


def steps_of(numasim, gc):
    rows = requests(numasim, "specjbb", ["steps=20", "step=2s", "gc_every=" + gc])
    return [r for r in rows if r["scope"] == "run" and r["request"].startswith("step")]


def max_jops(steps):
    # beyond capacity the queue grows all through the step
    return max([float(r["arrival_rate"]) for r in steps if int(r["p50_ns"]) < 100e6], default=0)


def critical_jops(steps):
    product = 1.0
    for limit in LIMITS:
        good = 0.5 * float(steps[0]["arrival_rate"])
        for r in steps:
            if int(r["p99_ns"]) > limit:
                break
            good = float(r["arrival_rate"])
        product *= good
    return product ** (1 / len(LIMITS))


def jbb(table, numasim):
    figures = {}
    for name, gc in (("collections every 3 s", "3s"), ("no collections", "1h")):
        steps = steps_of(numasim, gc)
        figures[name] = (max_jops(steps), critical_jops(steps))
        case = "specjbb, " + name
        table.add(case, "max-jOPS", "8000 to 20000", round(figures[name][0]), 8000, 20000, "8 CPUs, 400 us and misses")
    with_gc, without = figures.values()
    table.add("specjbb", "critical-jOPS, with / without collections", "well below 1", with_gc[1] / without[1], 0, 0.8, "pauses")
    table.add("specjbb", "max-jOPS, with / without collections", "near 1", with_gc[0] / without[0], 0.8, 1.01, "a few percent of time")


class WithPicture(Table):
    svg = ""

    def write(self, folder):
        super().write(folder)
        with open(os.path.join(folder, "servers.svg"), "w", newline="\n") as f:
            f.write(self.svg)


def build(numasim, shared, only=()):
    table = WithPicture("servers", "Latency of servers under load", TEXT, {})
    curve, lines = store(table, numasim)
    jbb(table, numasim)
    picture = Picture("redis: latency, us", 1, 1, ["p50", "p90", "p99", "p99.9"])
    series = [[(rate / 1000, p[i] / 1000) for rate, p in curve] for i in range(4)]
    picture.lines(0, 0, "one instance", series, 125, "thousand requests a second", 200, "")
    table.svg, table.after = picture.svg(), "\n".join(lines)
    return table
