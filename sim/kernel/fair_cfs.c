/*
 * The classic CFS (kernel/sched/fair.c of Linux 6.1): virtual time alone decides.
 *
 * The entity with the least vruntime runs, for its share by weight of a period in which everybody
 * runs once. The period is sched.latency, and grows beyond it when slices would get shorter than
 * sched.min_granularity. A sleeper comes back half a latency before min_vruntime, so it is served
 * soon; it takes the CPU at once only if it is behind the running entity by more than
 * sched.wakeup_granularity, so that switches stay worth their cost. Three hints may bend the order
 * within that granularity: `next` (who preempts, or whose group someone left), `last` (who was
 * preempted), `skip` (who yielded).
 *
 * Nothing is owed over a sleep: an entity has no lag, and no deadline says how soon it must run. A
 * task that changes queues takes along its distance from min_vruntime.
 */
#include "kernel/fair_cfs.h"

#include "kernel/core.h"
#include "kernel/features.h"

/* What EEVDF brought. */
#define EEVDF_FEATURES                                                                             \
    ((uint64_t)1 << SCHED_FEAT_PLACE_LAG | (uint64_t)1 << SCHED_FEAT_PLACE_DEADLINE_INITIAL |      \
     (uint64_t)1 << SCHED_FEAT_PLACE_REL_DEADLINE | (uint64_t)1 << SCHED_FEAT_RUN_TO_PARITY |      \
     (uint64_t)1 << SCHED_FEAT_PREEMPT_SHORT | (uint64_t)1 << SCHED_FEAT_DELAY_DEQUEUE |           \
     (uint64_t)1 << SCHED_FEAT_DELAY_ZERO)

static uint64_t
asked_or_scaled(const struct kernel *k, uint64_t asked, uint64_t normalized)
{
    return asked != 0 ? asked : normalized * sched_tunable_factor(k);
}

void
fair_cfs_scale(struct kernel *k)
{
    struct sched_params *sp = &k->params.sched;

    sp->latency_ns = asked_or_scaled(k, k->cfs_latency, 6000000);
    sp->min_granularity_ns = asked_or_scaled(k, k->cfs_min_granularity, 750000);
    sp->wakeup_granularity_ns = asked_or_scaled(k, k->cfs_wakeup_granularity, 1000000);
    sp->nr_latency = (uint32_t)div_round_up_u64(sp->latency_ns, sp->min_granularity_ns);
}

void
fair_cfs_init(struct kernel *k)
{
    struct sched_params *sp = &k->params.sched;

    k->cfs_latency = sp->latency_ns;
    k->cfs_min_granularity = sp->min_granularity_ns;
    k->cfs_wakeup_granularity = sp->wakeup_granularity_ns;
    fair_cfs_scale(k);
    if (fair_is_cfs(k))
        sp->features &= ~EEVDF_FEATURES;
}

/* ---- periods and slices ---- */

static uint64_t
sched_period(const struct kernel *k, uint64_t nr_running)
{
    const struct sched_params *sp = &k->params.sched;

    return nr_running > sp->nr_latency ? nr_running * sp->min_granularity_ns : sp->latency_ns;
}

/* Only idle entities are queued beside it. */
static bool
sched_idle_cfs_rq(const struct cfs_rq *cfs)
{
    if (cfs->curr != NULL && cfs->curr->on_rq && !se_is_idle(cfs->curr))
        return false;
    for (uint32_t i = 0; i < cfs->nr; i++)
        if (!se_is_idle(cfs->entity[i]))
            return false;
    return cfs->nr_queued > 0;
}

uint64_t
cfs_sched_slice(struct kernel *k, const struct sched_entity *se)
{
    const struct sched_params *sp = &k->params.sched;
    const struct cfs_rq *own = se->cfs_rq;
    bool idle = se_is_idle(se);
    uint64_t nr = sched_feat(k, ALT_PERIOD) ? own->rq->cfs.h_nr_queued : own->nr_queued;
    uint64_t slice = sched_period(k, nr + !se->on_rq);

    for_each_sched_entity (se) {
        uint64_t load = se->cfs_rq->load_weight + (se->on_rq ? 0 : se->load_weight);
        uint64_t weight = SIM_MAX(2, load >> LOAD_SHIFT);

        slice = calc_delta(slice, se->weight, weight_inverse(weight));
    }
    if (!sched_feat(k, BASE_SLICE))
        return slice;
    bool low = idle && !sched_idle_cfs_rq(own);
    return SIM_MAX(slice, low ? sp->idle_min_granularity_ns : sp->min_granularity_ns);
}

/* ---- virtual time ---- */

static bool
entity_before(const struct sched_entity *a, const struct sched_entity *b)
{
    return a->vruntime < b->vruntime;
}

struct sched_entity *
cfs_first_entity(const struct cfs_rq *cfs, const struct sched_entity *but)
{
    int best = -1;

    for (uint32_t i = 0; i < cfs->nr; i++) {
        if (cfs->entity[i] == but)
            continue;
        if (best < 0 || cfs->vruntime[i] < cfs->vruntime[best] ||
            (cfs->vruntime[i] == cfs->vruntime[best] && cfs->order[i] < cfs->order[best]))
            best = (int)i;
    }
    return best < 0 ? NULL : cfs->entity[best];
}

static const struct sched_entity *
curr_on_rq(const struct cfs_rq *cfs)
{
    return cfs->curr != NULL && cfs->curr->on_rq ? cfs->curr : NULL;
}

void
cfs_update_min_vruntime(struct cfs_rq *cfs)
{
    const struct sched_entity *curr = curr_on_rq(cfs), *left = cfs_first_entity(cfs, NULL);

    if (left == NULL || (curr != NULL && entity_before(curr, left)))
        left = curr;
    if (left == NULL || left->vruntime <= cfs->zero)
        return;
    cfs->avg_key -= (left->vruntime - cfs->zero) * (int64_t)cfs->avg_weight;
    cfs->zero = left->vruntime;
}

/* ---- placing ---- */

static void
place_new(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se)
{
    uint64_t slice = sched_feat(k, START_DEBIT) ? cfs_sched_slice(k, se) : 0;
    int64_t vslice = (int64_t)calc_delta_fair(slice, se->inv_weight);

    se->vruntime = SIM_MAX(se->vruntime, cfs->zero + vslice);
}

/* Sleeps count up to a latency, and gently only half of it. */
static void
place_sleeper(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se)
{
    const struct sched_params *sp = &k->params.sched;
    uint64_t credit = se_is_idle(se) ? sp->min_granularity_ns : sp->latency_ns;

    if (sched_feat(k, GENTLE_FAIR_SLEEPERS))
        credit /= 2;
    se->vruntime = SIM_MAX(se->vruntime, cfs->zero - (int64_t)credit);
}

void
cfs_enqueue(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags)
{
    if (!(flags & ENQUEUE_WAKEUP) || flags & ENQUEUE_MIGRATED)
        se->vruntime += cfs->zero;
    if (flags & ENQUEUE_WAKEUP)
        place_sleeper(k, cfs, se);
}

void
cfs_dequeue(struct cfs_rq *cfs, struct sched_entity *se, int flags)
{
    cfs_clear_buddies(cfs, se);
    if (!(flags & DEQUEUE_SLEEP))
        se->vruntime -= cfs->zero;
    if ((flags & (DEQUEUE_SAVE | DEQUEUE_MOVE)) != DEQUEUE_SAVE)
        cfs_update_min_vruntime(cfs);
}

void
cfs_task_fork(struct kernel *k, struct task *p, const struct task *parent)
{
    struct rq *rq = &k->rqs[p->cpu];

    if (p->class != &fair_sched_class)
        return;
    set_task_rq(k, p, p->cpu);
    struct cfs_rq *cfs = p->se.cfs_rq;
    rq_catch_up(k, rq);
    p->se.vruntime = cfs->zero; /* nobody simulated forks it */
    if (parent != NULL && rq->curr == parent && cfs->curr == &parent->se) {
        update_rq_clock(k, rq);
        update_curr(k, cfs);
        p->se.vruntime = parent->se.vruntime;
    }
    place_new(k, cfs, &p->se);
    p->se.vruntime -= cfs->zero;
}

/* Off its queue, and not asleep: its virtual time is relative already. */
static bool
vruntime_normalized(const struct task *p)
{
    return p->on_rq || p->se.sum_exec == 0;
}

void
cfs_leave_asleep(struct kernel *k, struct task *p)
{
    if (vruntime_normalized(p))
        return;
    rq_catch_up(k, p->se.cfs_rq->rq);
    place_sleeper(k, p->se.cfs_rq, &p->se);
    p->se.vruntime -= p->se.cfs_rq->zero;
}

void
cfs_join_asleep(struct kernel *k, struct task *p)
{
    if (vruntime_normalized(p))
        return;
    rq_catch_up(k, p->se.cfs_rq->rq);
    p->se.vruntime += p->se.cfs_rq->zero;
}

void
cfs_wakee_moves(struct kernel *k, struct task *p)
{
    rq_catch_up(k, p->se.cfs_rq->rq);
    p->se.vruntime -= p->se.cfs_rq->zero;
}
