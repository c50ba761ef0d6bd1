/* Promotion; see numa_tier.h. */
#include "kernel/numa_tier.h"

enum { ADJUST_STEPS = 16, GIB_PAGES = 262144 };
/* Times are kept in as many bits as a tag has: 21, of which one value means unset. */
enum { TIME_MASK = (1 << 21) - 1 };

static uint64_t
now_ms(const struct kernel *k)
{
    return jiffies(k) * 1000 / k->params.sched.hz;
}

uint32_t
numa_access_time(const struct kernel *k)
{
    return (uint32_t)(now_ms(k) & TIME_MASK) + 1;
}

static bool
free_space_enough(const struct kernel *k, int node)
{
    const struct mm_node *n = &k->mm->nodes[node];
    uint64_t enough = SIM_MAX((uint64_t)GIB_PAGES, n->nr_pages >> 4);

    return n->free_pages > n->promo_watermark + enough;
}

/* Once a scan_period_max: fewer pages count as hot if there were too many candidates for the rate,
 * more if there were too few (numa_promotion_adjust_threshold). */
static void
adjust_threshold(struct kernel *k, struct numa_tier_node *t, uint64_t rate, uint64_t usual)
{
    uint64_t period = k->params.numa.scan_period_max / 1000000, now = now_ms(k);

    if (now - t->th_start <= period)
        return;
    uint64_t wanted = rate * period / 1000, had = t->candidates - t->th_candidates;
    uint64_t unit = usual * 2 / ADJUST_STEPS, th = t->threshold ? t->threshold : usual;

    if (had > wanted * 11 / 10)
        th = SIM_MAX(th > unit ? th - unit : 0, unit);
    else if (had < wanted * 9 / 10)
        th = SIM_MIN(th + unit, usual * 2);
    t->th_start = now;
    t->th_candidates = t->candidates;
    t->threshold = th;
}

/* True: this second has had its share. */
static bool
rate_limited(struct kernel *k, struct numa_tier_node *t, uint64_t rate, uint32_t np)
{
    uint64_t now = now_ms(k);

    t->candidates += np;
    k->stats.pgpromote_candidate += np;
    if (now - t->rl_start > 1000) {
        t->rl_start = now;
        t->rl_candidates = t->candidates;
    }
    return t->candidates - t->rl_candidates >= rate;
}

bool
numa_should_promote(struct kernel *k, struct numa_fault *f)
{
    struct numa_tier_node *t = &k->numa->tiers[f->rq->node];
    uint64_t usual = k->params.numa.hot_threshold / 1000000;
    uint64_t rate = k->params.numa.promote_rate_limit / PAGE_4K;

    if (free_space_enough(k, f->rq->node)) {
        t->threshold = 0;
        if (!numa_quirk(k, CANDIDATES_HOT))
            k->stats.pgpromote_candidate += f->np;
        f->rule = "promote_free_space";
        return true;
    }
    adjust_threshold(k, t, rate, usual);
    uint32_t now = numa_access_time(k), latency = (now - f->tag) & TIME_MASK;
    f->tag = now;
    if (latency >= (t->threshold ? t->threshold : usual)) {
        f->rule = "promote_cold";
        return false;
    }
    bool limited = rate_limited(k, t, rate, f->np);
    f->rule = limited ? "promote_rate_limit" : "promote_hot";
    return !limited;
}
