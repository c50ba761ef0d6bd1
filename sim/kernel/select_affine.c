/*
 * Near the waker, or near the CPU where the task ran before (sched-core.md 3.2).
 *
 * A waker that wakes many others is not worth being near to (wake_wide). Otherwise the waker's CPU
 * is the target if it idles or is about to, or if it would be less loaded than the old one.
 */
#include "kernel/select.h"

#include "kernel/fair.h"

/* An idle CPU, whose interrupts wake tasks, has a record of its own: the idle task's. */
static struct wakee_record *
record_of_current(struct kernel *k, int cpu)
{
    struct task *waker = k->rqs[cpu].curr;

    return waker != NULL ? &waker->wakee : &k->rqs[cpu].idle_wakee;
}

void
record_wakee(struct kernel *k, int cpu, const struct task *p)
{
    struct wakee_record *r = record_of_current(k, cpu);

    if (unlikely(k->engine.now >= r->decay_at)) { /* more than HZ jiffies since the last time */
        r->flips >>= 1;
        r->decay_at = jiffy_time(k, jiffies(k) + k->params.sched.hz + 1);
    }
    if (r->last != p->id + 1) {
        r->last = p->id + 1;
        r->flips++;
    }
}

bool
wake_wide(const struct kernel *k, struct wakeup *w)
{
    const struct rq *rq = &k->rqs[w->this_cpu];
    uint32_t waker = rq->curr != NULL ? rq->curr->wakee.flips : rq->idle_wakee.flips;
    uint32_t wakee = w->p->wakee.flips, factor = k->domains->cpus[w->this_cpu].llc_size;
    uint32_t master = SIM_MAX(waker, wakee), slave = SIM_MIN(waker, wakee);

    w->waker_flips = waker;
    return slave >= factor && master >= slave * factor;
}

/* A synchronous waker that is alone on its CPU leaves it idle; delayed tasks sleep already,
 * which 6.12.0 did not consider. */
static bool
waker_is_alone(const struct kernel *k, const struct rq *rq)
{
    return rq->nr_running - (rq->cfs.h_nr_queued - cfs_rq_runnable(k, &rq->cfs)) == 1;
}

/* The target, or -1: loads decide. */
static int
wake_affine_idle(const struct kernel *k, const struct wakeup *w)
{
    if (idle_cpu(k, w->this_cpu) && cpus_share_cache(k->domains, w->this_cpu, w->prev))
        return idle_cpu(k, w->prev) ? w->prev : w->this_cpu;
    if (w->sync && waker_is_alone(k, &k->rqs[w->this_cpu]))
        return w->this_cpu;
    return idle_cpu(k, w->prev) ? w->prev : -1;
}

bool
affine_weight_pulls(const struct affine_loads *l)
{
    int64_t here = (int64_t)l->this_load, there = (int64_t)l->prev_load - (int64_t)l->task_load;

    if (l->sync) {
        if (l->current_load > l->this_load)
            return true;
        here -= (int64_t)l->current_load;
    }
    here += (int64_t)l->task_load;
    if (l->bias) {
        here *= 100;
        there *= 100 + ((int64_t)l->imbalance_pct - 100) / 2;
    }
    here *= (int64_t)l->prev_capacity;
    there *= (int64_t)l->this_capacity;
    return here < there + (l->sync ? 1 : 0);
}

/* The part of the waker in its CPU's load. The idle task keeps the load that it was made with. */
static uint64_t
current_h_load(struct kernel *k, struct rq *rq, uint64_t load)
{
    return rq->curr != NULL ? task_h_load(k, rq->curr) : 1024 * load / (load + 1);
}

static bool
wake_affine_weight(struct kernel *k, const struct sched_domain *sd, struct wakeup *w)
{
    struct rq *here = &k->rqs[w->this_cpu], *there = &k->rqs[w->prev];
    struct affine_loads *l = &w->loads;

    w->weighed = true;
    l->sync = w->sync;
    l->bias = sched_feat(k, WA_BIAS);
    l->imbalance_pct = sd->imbalance_pct;
    l->this_load = cpu_load(k, here);
    l->current_load = w->sync ? current_h_load(k, here, l->this_load) : 0;
    l->task_load = task_h_load(k, w->p);
    l->prev_load = cpu_load(k, there);
    l->this_capacity = capacity_of(here);
    l->prev_capacity = capacity_of(there);
    return affine_weight_pulls(l);
}

/* The kernel's rule, of which the feature switches leave out parts. */
static int
affine_target(struct kernel *k, struct sched_domain *sd, struct wakeup *w)
{
    int target = sched_feat(k, WA_IDLE) ? wake_affine_idle(k, w) : -1;

    w->affine_rule = target >= 0 ? AFFINE_IDLE : AFFINE_NONE;
    if (target < 0 && sched_feat(k, WA_WEIGHT)) {
        w->affine_rule = AFFINE_WEIGHT;
        target = wake_affine_weight(k, sd, w) ? w->this_cpu : -1;
    }
    return target;
}

static bool
pulls(struct kernel *k, struct sched_domain *sd, struct wakeup *w)
{
    enum affinity_rule rule = k->params.select.affinity;

    if (likely(rule == AFFINITY_LINUX) ||
        (rule == AFFINITY_SAME_NODE && k->rqs[w->this_cpu].node == k->rqs[w->prev].node))
        return affine_target(k, sd, w) == w->this_cpu;
    w->affine_rule = AFFINE_VARIANT;
    return rule != AFFINITY_SAME_NODE && affine_variant_pulls(k, sd, w);
}

void
wake_affine(struct kernel *k, struct sched_domain *sd, struct wakeup *w)
{
    w->sd = sd;
    w->p->sched.nr_wakeups_affine_attempts++;
    w->target = w->prev;
    if (!pulls(k, sd, w))
        return;
    w->target = w->this_cpu;
    w->p->sched.nr_wakeups_affine++;
    sd->stat.ttwu_move_affine++;
}
