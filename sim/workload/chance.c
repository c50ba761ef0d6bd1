/*
 * Distributions.
 *
 * base/rng.h draws uniform, exponential and normal numbers; the others are these, bent. A lognormal
 * number is the median times e^(sigma z), a Pareto number the smallest times e^(E / alpha), in
 * fixed point (base/exp.h).
 *
 * The two generalized ones invert their distribution functions. With E exponential, which is -ln of
 * a uniform number, and shape k:
 *
 *     Pareto           location + scale (e^(k E) - 1) / k             k = 0: location + scale E
 *     extreme value    location + scale (e^(-k ln E) - 1) / k         k = 0: location - scale ln E
 *
 * They are drawn in 1/1024 of a unit, because sizes of a few bytes must not be rounded twice, and
 * cut at 0.
 */
#include "workload/chance.h"

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

const char *const wdist_names[WDIST_NR + 1] = {
    [WDIST_CONSTANT] = "constant",
    [WDIST_UNIFORM] = "uniform",
    [WDIST_EXPONENTIAL] = "exponential",
    [WDIST_NORMAL] = "normal",
    [WDIST_LOGNORMAL] = "lognormal",
    [WDIST_PARETO] = "pareto",
    [WDIST_GENERALIZED_PARETO] = "generalized_pareto",
    [WDIST_GENERALIZED_EXTREME_VALUE] = "generalized_extreme_value",
};

#define ONE_Q32 ((uint64_t)1 << 32)
#define LN2_Q32 2977044472u /* ln 2 */

enum { FINE_SHIFT = 10 };            /* generalized distributions are drawn in 1/1024, */
#define FINE_MAX ((uint64_t)1 << 44) /* of numbers up to this: 5 hours, 16 TiB */

/* sqrt of x / 2^32, in 1/2^32. */
static uint64_t
sqrt_q32(uint64_t x)
{
    u128 n = (u128)x << 32, root = 0;

    for (u128 bit = (u128)1 << 94; bit != 0; bit >>= 2) {
        if (n >= root + bit) {
            n -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint64_t)root;
}

/* Mean and coefficient of variation to median and sigma. */
static void
lognormal_by_mean(struct chance *c, uint64_t cv_ppm)
{
    uint64_t cv = mul_div_u64(cv_ppm, ONE_Q32, 1000000);
    uint64_t one_plus =
        ONE_Q32 + (uint64_t)((u128)SIM_MIN(cv, 1000 * ONE_Q32) * SIM_MIN(cv, 1000 * ONE_Q32) >> 32);

    c->shape_q32 = sqrt_q32(ln_q32(one_plus));
    c->a = mul_div_u64(c->a, ONE_Q32, sqrt_q32(one_plus));
}

static bool
is_generalized(enum wdist_kind kind)
{
    return kind == WDIST_GENERALIZED_PARETO || kind == WDIST_GENERALIZED_EXTREME_VALUE;
}

const char *
chance_init(struct chance *c, const struct wdist *d, const struct wenv *env)
{
    const char *why;

    *c = (struct chance){ .kind = d->kind };
    if ((why = wexpr_eval(&d->a, env, &c->a)) != NULL)
        return why;
    if (d->b.nr > 0 && (why = wexpr_eval(&d->b, env, &c->b)) != NULL)
        return why;
    if (c->a > CHANCE_MAX || c->b > CHANCE_MAX)
        return "is longer than 146 years";
    if (is_generalized(d->kind) && (c->a > FINE_MAX || c->b > FINE_MAX))
        return "has a location or scale that is too large";
    if (is_generalized(d->kind))
        c->shape_q32 = mul_div_u64(d->shape_ppm, ONE_Q32, 1000000);
    if (d->kind == WDIST_UNIFORM && c->b < c->a)
        return "has a largest value below its smallest";
    if (d->kind == WDIST_PARETO)
        c->shape_q32 = mul_div_u64(ONE_Q32, 1000000, SIM_MAX(d->shape_ppm, 1u));
    if (d->kind == WDIST_LOGNORMAL && d->has_median)
        c->shape_q32 = mul_div_u64(d->shape_ppm, ONE_Q32, 1000000);
    else if (d->kind == WDIST_LOGNORMAL)
        lognormal_by_mean(c, d->shape_ppm);
    return NULL;
}

static uint64_t
draw_normal(const struct chance *c, struct rng *r)
{
    int64_t z = rng_normal_q16(r);
    uint64_t off = mul_div_u64(c->b, (uint64_t)(z < 0 ? -z : z), 1 << 16);

    if (z < 0)
        return off < c->a ? c->a - off : 0;
    return SIM_MIN(c->a + SIM_MIN(off, CHANCE_MAX), CHANCE_MAX);
}

static uint64_t
draw_pareto(const struct chance *c, struct rng *r)
{
    uint64_t e = SIM_MIN(draw_exponential(r, ONE_Q32), 64 * ONE_Q32);
    u128 y = (u128)e * c->shape_q32 >> 32;
    uint64_t x = mul_exp_q32(c->a, y > 200 * ONE_Q32 ? (int64_t)(200 * ONE_Q32) : (int64_t)y);

    return c->b > 0 ? SIM_MIN(x, c->b) : x;
}

/* ---- generalized ---- */

/* ln(e), e in 1/2^32 and above 0; may be below 0. */
static int64_t
ln_signed_q32(uint64_t e)
{
    int shift = __builtin_clzll(e) - 1; /* to a number from 2^30 on */

    return (int64_t)ln_q32(e << shift) - (int64_t)shift * (int64_t)LN2_Q32;
}

/* scale (e^(k y) - 1) / k, in 1/1024, for y in 1/2^32 of either sign; k = 0: scale y. */
static int64_t
bend(const struct chance *c, int64_t y)
{
    int64_t scale = (int64_t)c->b << FINE_SHIFT;

    if (c->shape_q32 == 0)
        return (int64_t)((i128)scale * y >> 32);
    int64_t ky = (int64_t)((i128)y * (int64_t)c->shape_q32 >> 32);
    uint64_t unit = mul_div_u64((uint64_t)scale, ONE_Q32, c->shape_q32);
    uint64_t bent = mul_exp_q32(unit, SIM_MIN(ky, (int64_t)(200 * ONE_Q32)));
    return (int64_t)SIM_MIN(bent, EXP_MAX) - (int64_t)unit;
}

static uint64_t
draw_generalized(const struct chance *c, struct rng *r)
{
    uint64_t e = SIM_MAX(draw_exponential(r, ONE_Q32), (uint64_t)1);
    int64_t y = c->kind == WDIST_GENERALIZED_PARETO ? (int64_t)e : -ln_signed_q32(e);
    int64_t x = (int64_t)(c->a << FINE_SHIFT) + bend(c, y);

    return x < 0 ? 0 : SIM_MIN(((uint64_t)x + (1 << FINE_SHIFT) / 2) >> FINE_SHIFT, CHANCE_MAX);
}

uint64_t
chance_draw_any(const struct chance *c, struct rng *r)
{
    switch (c->kind) {
    case WDIST_UNIFORM:
        return c->a + rng_below(r, c->b - c->a + 1);
    case WDIST_NORMAL:
        return draw_normal(c, r);
    case WDIST_LOGNORMAL:
        return mul_exp_q32(c->a, (rng_normal_q16(r) * (int64_t)(c->shape_q32 >> 8)) >> 8);
    case WDIST_PARETO:
        return draw_pareto(c, r);
    case WDIST_GENERALIZED_PARETO:
    case WDIST_GENERALIZED_EXTREME_VALUE:
        return draw_generalized(c, r);
    default:
        return c->a;
    }
}

/* min / (1 - 1/alpha), which a largest value bounds. */
static uint64_t
mean_pareto(const struct chance *c)
{
    uint64_t mean = SIM_MIN(c->a, CHANCE_MAX / 10) * 10;

    if (c->shape_q32 < ONE_Q32 - ONE_Q32 / 10)
        mean = mul_div_u64(SIM_MIN(c->a, CHANCE_MAX / 10), ONE_Q32, ONE_Q32 - c->shape_q32);
    return c->b > 0 ? SIM_MIN(mean, c->b) : mean;
}

uint64_t
chance_mean(const struct chance *c)
{
    switch (c->kind) {
    case WDIST_UNIFORM:
        return c->a + (c->b - c->a) / 2;
    case WDIST_LOGNORMAL: /* median * e^(sigma^2 / 2) */
        return mul_exp_q32(c->a, (int64_t)mul_div_u64(c->shape_q32, c->shape_q32, 2 * ONE_Q32));
    case WDIST_PARETO:
        return mean_pareto(c);
    default:
        return c->a;
    }
}
