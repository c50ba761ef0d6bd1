/*
 * cpu.max: a group may use no more than a quota of CPU time in each period (sched-core.md 2.11; the
 * names are those of kernel/sched/fair.c).
 *
 * The group has a pool that a timer refills. Each of its queues takes a slice out of the pool, uses
 * it up, and comes back for more, so that CPUs seldom meet at the pool; what a queue has left when
 * its last entity leaves goes back. A queue that gets nothing is throttled: its entity leaves the
 * queue of the parent with all tasks below, whose averages stand still until a refill lets it back.
 * Nobody watches the clock for a queue: that its time is up is seen when its running entity is
 * charged, at ticks mostly, so a queue runs up to a tick over, and pays it back in the next period.
 *
 * Model assumptions: timers fire on time, so the kernel's remedy for overruns (period and quota
 * doubled) never applies; a CPU that lets a queue run again for another one's timer does it in the
 * same instant and pays for the interrupt.
 */
#include "kernel/fair.h"

#include "kernel/charge.h"
#include "kernel/dl_server.h"
#include "kernel/ext.h"

/* What a queue keeps when it has nothing to run; how long slack is gathered before it is dealt; and
 * how near a refill makes that pointless. */
#define MIN_CFS_RQ_RUNTIME MSEC(1)
#define CFS_BANDWIDTH_SLACK_PERIOD MSEC(5)
#define MIN_BANDWIDTH_EXPIRATION MSEC(2)

/* ---- the pool ---- */

static void
refill_cfs_bandwidth_runtime(struct cfs_bandwidth *b)
{
    if (b->quota == CFS_NO_QUOTA)
        return;
    b->runtime += b->quota;
    if (b->runtime_snap > b->runtime) { /* more than a quota has been used since the last refill */
        b->burst_ns += b->runtime_snap - b->runtime;
        b->nr_bursts++;
    }
    b->runtime = SIM_MIN(b->runtime, b->quota + b->burst);
    b->runtime_snap = b->runtime;
}

/* Refills come at fixed instants, whether or not the timer stood still in between. */
static void
start_cfs_bandwidth(struct kernel *k, struct cfs_bandwidth *b, int cpu)
{
    sim_time now = k->engine.now, since = (now + b->period - b->phase) % b->period;

    if (b->period_active)
        return;
    b->period_active = true;
    b->timer_cpu = cpu;
    engine_at(&k->engine, &b->period_ev, now - since + b->period);
}

/* Tops the queue up to `target`; false: it is still without. */
static bool
assign_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs, uint64_t target)
{
    struct cfs_bandwidth *b = &cfs->tg->bandwidth;
    uint64_t amount = target - (uint64_t)cfs->runtime_remaining;

    if (b->quota != CFS_NO_QUOTA) {
        start_cfs_bandwidth(k, b, cfs->rq->cpu);
        amount = SIM_MIN(amount, b->runtime);
        b->runtime -= amount;
        if (amount > 0)
            b->idle = false;
    }
    cfs->runtime_remaining += (int64_t)amount;
    return cfs->runtime_remaining > 0;
}

/* ---- throttling ---- */

/* How many tasks a queue takes out of the counts above it, or brings back. */
struct h_delta {
    uint32_t queued, runnable, idle, delayed;
};

static struct h_delta
h_delta_of(const struct cfs_rq *cfs)
{
    return (struct h_delta){ cfs->h_nr_queued, cfs->h_nr_runnable, cfs->idle_h_nr_running,
                             cfs->h_nr_delayed };
}

static void
count_above(struct sched_entity *se, struct h_delta *d, uint32_t sign)
{
    struct cfs_rq *cfs = se->cfs_rq;

    if (cfs_rq_is_idle(se->my_q))
        d->idle = d->queued;
    cfs->h_nr_queued += sign * d->queued;
    cfs->h_nr_runnable += sign * d->runnable;
    cfs->idle_h_nr_running += sign * d->idle;
    cfs->h_nr_delayed += sign * d->delayed;
}

/* The group's queues on this CPU, and those of the groups in it, one level deeper in trouble. */
static void
tg_throttle_down(struct kernel *k, struct task_group *tg, struct rq *rq)
{
    struct cfs_rq *cfs = tg->cfs_rq[rq->cpu];

    if (cfs == NULL) /* when it is made it follows its parent */
        return;
    if (cfs->throttle_count++ == 0) {
        cfs->throttled_pelt_at = rq->clock_pelt;
        list_remove(&cfs->leaf_node);
        list_init(&cfs->leaf_node);
        if (cfs->nr_queued > 0)
            cfs->throttled_clock_self = k->engine.now;
    }
    for (struct task_group *below = tg->children; below != NULL; below = below->sibling)
        tg_throttle_down(k, below, rq);
}

static void
tg_unthrottle_up(struct kernel *k, struct task_group *tg, struct rq *rq)
{
    struct cfs_rq *cfs = tg->cfs_rq[rq->cpu];

    if (cfs == NULL)
        return;
    for (struct task_group *below = tg->children; below != NULL; below = below->sibling)
        tg_unthrottle_up(k, below, rq);
    if (--cfs->throttle_count > 0)
        return;
    cfs->throttled_pelt_ns += rq->clock_pelt - cfs->throttled_pelt_at;
    if (!cfs_rq_is_decayed(cfs))
        list_add_leaf_cfs_rq(cfs);
    if (cfs->throttled_clock_self != 0)
        tg->bandwidth.throttled_self_ns += k->engine.now - cfs->throttled_clock_self;
    cfs->throttled_clock_self = 0;
}

/* The entity, and those above it that are left without others, leave their queues; above that only
 * counts and averages change. False: a queue on the way up is out itself. */
static bool
dequeue_throttled(struct kernel *k, struct sched_entity *se, struct h_delta *d)
{
    bool leaves = true;

    for_each_sched_entity (se) {
        struct cfs_rq *cfs = se->cfs_rq;

        if (!se->on_rq)
            return false;
        if (leaves) {
            dequeue_entity(k, cfs, se,
                           DEQUEUE_SLEEP | DEQUEUE_SPECIAL |
                               (se->sched_delayed ? DEQUEUE_DELAYED : 0));
            leaves = cfs->load_weight == 0;
        } else {
            update_load_avg(k, cfs, se, 0);
            se_update_runnable(k, se);
        }
        count_above(se, d, UINT32_MAX);
    }
    return true;
}

static bool
runs_below(const struct rq *rq, const struct cfs_rq *cfs)
{
    if (rq->curr == NULL || rq->curr->class != &fair_sched_class)
        return false;
    const struct sched_entity *se = &rq->curr->se;
    for_each_sched_entity (se)
        if (se->cfs_rq == cfs)
            return true;
    return false;
}

/* Who runs and is queued anew (another nice level, other CPUs) is put for that and so may throttle
 * itself: it runs on, since nobody asks the CPU to choose anew. False: there was a nanosecond left
 * in the pool after all, so that whoever asks again agrees. */
static bool
throttle_cfs_rq(struct kernel *k, struct cfs_rq *cfs)
{
    struct h_delta d = h_delta_of(cfs);
    struct rq *rq = cfs->rq;

    if (assign_cfs_rq_runtime(k, cfs, 1))
        return false;
    list_push_back(&cfs->tg->bandwidth.throttled, &cfs->throttled_node);
    tg_throttle_down(k, cfs->tg, rq);
    if (dequeue_throttled(k, cfs->se, &d))
        sub_nr_running(k, rq, d.queued);
    cfs->throttled = true;
    cfs->throttled_itself = runs_below(rq, cfs) ? rq->curr : NULL;
    if (cfs->nr_queued > 0)
        cfs->throttled_clock = k->engine.now;
    sums_update(k, rq);
    return true;
}

/* Queues the entity again and what is needed above it. False: up to a queue that is out itself. */
static bool
enqueue_unthrottled(struct kernel *k, struct sched_entity *se, struct h_delta *d)
{
    bool joins = true;

    for_each_sched_entity (se) {
        struct cfs_rq *cfs = se->cfs_rq;

        if (joins && se->sched_delayed)
            dequeue_entity(k, cfs, se, DEQUEUE_SLEEP | DEQUEUE_DELAYED);
        joins &= !se->on_rq;
        if (joins) {
            enqueue_entity(k, cfs, se, ENQUEUE_WAKEUP);
        } else {
            update_load_avg(k, cfs, se, UPDATE_TG);
            se_update_runnable(k, se);
        }
        count_above(se, d, 1);
        if (cfs_rq_throttled(cfs))
            return false;
    }
    return true;
}

static void
unthrottle_cfs_rq(struct kernel *k, struct cfs_rq *cfs)
{
    struct h_delta d = h_delta_of(cfs);
    struct rq *rq = cfs->rq;
    bool had_tasks = rq->cfs.h_nr_queued > 0;

    update_rq_clock(k, rq);
    cfs->throttled = false;
    cfs->throttled_itself = NULL;
    if (cfs->throttled_clock != 0)
        cfs->tg->bandwidth.throttled_ns += k->engine.now - cfs->throttled_clock;
    cfs->throttled_clock = 0;
    list_remove(&cfs->throttled_node);
    list_init(&cfs->throttled_node);
    tg_unthrottle_up(k, cfs->tg, rq);
    if (cfs->load_weight > 0 && enqueue_unthrottled(k, cfs->se, &d))
        add_nr_running(k, rq, d.queued);
    if (!had_tasks && rq->cfs.h_nr_queued > 0)
        dl_server_start(k, rq);
    sums_update(k, rq);
    if (rq->curr != NULL)
        tick_update(k, rq); /* it is not alone any more */
    else if (rq->cfs.nr_queued > 0)
        resched_curr(k, rq);
}

/* Pays the debts of queues that are out, first come, first served, until the pool is empty. */
static void
distribute_cfs_runtime(struct kernel *k, struct cfs_bandwidth *b)
{
    struct list *next;

    for (struct list *node = b->throttled.next; node != &b->throttled && b->runtime > 0;
         node = next) {
        struct cfs_rq *cfs = list_entry(node, struct cfs_rq, throttled_node);
        uint64_t amount = SIM_MIN((uint64_t)(1 - cfs->runtime_remaining), b->runtime);

        next = node->next;
        b->runtime -= amount;
        cfs->runtime_remaining += (int64_t)amount;
        if (cfs->runtime_remaining <= 0)
            continue;
        if (cfs->rq->cpu != b->timer_cpu)
            charge(k, cfs->rq->cpu, k->params.cost.ipi, CHARGE_IRQ);
        unthrottle_cfs_rq(k, cfs);
    }
}

/* ---- what queues ask for ---- */

void
account_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs, uint64_t delta)
{
    if (!cfs->runtime_enabled)
        return;
    cfs->runtime_remaining -= (int64_t)delta;
    if (cfs->runtime_remaining > 0 || cfs->throttled)
        return;
    if (!assign_cfs_rq_runtime(k, cfs, k->params.sched.cfs_bandwidth_slice) && cfs->curr != NULL)
        resched_curr(k, cfs->rq);
}

bool
check_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs)
{
    if (!cfs->runtime_enabled || cfs->runtime_remaining > 0)
        return false;
    return cfs->throttled || throttle_cfs_rq(k, cfs);
}

/* A queue that is out is not let in by the back door; and from now on somebody waits in it. */
void
check_enqueue_throttle(struct kernel *k, struct cfs_rq *cfs)
{
    if (cfs->runtime_enabled && cfs->curr == NULL && !cfs->throttled) {
        account_cfs_rq_runtime(k, cfs, 0);
        if (cfs->runtime_remaining <= 0)
            throttle_cfs_rq(k, cfs);
    }
    if (cfs->throttled && cfs->throttled_clock == 0)
        cfs->throttled_clock = k->engine.now;
    if (cfs->throttle_count > 0 && cfs->throttled_clock_self == 0)
        cfs->throttled_clock_self = k->engine.now;
}

static bool
runtime_refresh_within(const struct kernel *k, const struct cfs_bandwidth *b, uint64_t least)
{
    sim_time due = engine_when(&k->engine, &b->period_ev);

    return due == SIM_NEVER || due - k->engine.now < least;
}

void
return_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs)
{
    struct cfs_bandwidth *b = &cfs->tg->bandwidth;
    int64_t slack = cfs->runtime_remaining - (int64_t)MIN_CFS_RQ_RUNTIME;

    if (!cfs->runtime_enabled || cfs->nr_queued > 0 || slack <= 0)
        return;
    cfs->runtime_remaining -= slack;
    if (b->quota == CFS_NO_QUOTA)
        return;
    b->runtime += (uint64_t)slack;
    if (b->runtime <= k->params.sched.cfs_bandwidth_slice || list_empty(&b->throttled) ||
        b->slack_started ||
        runtime_refresh_within(k, b, CFS_BANDWIDTH_SLACK_PERIOD + MIN_BANDWIDTH_EXPIRATION))
        return;
    b->slack_started = true;
    engine_at(&k->engine, &b->slack_ev, k->engine.now + CFS_BANDWIDTH_SLACK_PERIOD);
}

/* ---- timers ---- */

static void
slack_fire(struct engine *eng, struct event *ev)
{
    struct cfs_bandwidth *b = container_of(ev, struct cfs_bandwidth, slack_ev);
    struct kernel *k = eng->owner;

    b->slack_started = false;
    if (runtime_refresh_within(k, b, MIN_BANDWIDTH_EXPIRATION))
        return;
    if (b->quota != CFS_NO_QUOTA && b->runtime > k->params.sched.cfs_bandwidth_slice)
        distribute_cfs_runtime(k, b);
}

/* False: nobody has asked for runtime since the last refill, and the timer may rest. */
static bool
do_sched_cfs_period_timer(struct kernel *k, struct cfs_bandwidth *b)
{
    bool throttled = !list_empty(&b->throttled);

    if (b->quota == CFS_NO_QUOTA)
        return false;
    b->nr_periods++;
    refill_cfs_bandwidth_runtime(b);
    if (!throttled) {
        bool was_idle = b->idle;
        b->idle = true;
        return !was_idle;
    }
    b->nr_throttled++;
    distribute_cfs_runtime(k, b);
    b->idle = false;
    return true;
}

static void
period_fire(struct engine *eng, struct event *ev)
{
    struct cfs_bandwidth *b = container_of(ev, struct cfs_bandwidth, period_ev);

    engine_at(eng, ev, eng->now + b->period);
    if (do_sched_cfs_period_timer(eng->owner, b))
        return;
    b->period_active = false;
    engine_cancel(eng, ev);
}

/* ---- what a user sets ---- */

/* Each group's refills come at their own time: the kernel draws it so that timers do not meet. */
static void
init_cfs_bandwidth(struct kernel *k, struct task_group *tg, uint64_t period)
{
    struct cfs_bandwidth *b = &tg->bandwidth;
    uint32_t slot = 2 * (tg->id - 1);
    struct rng rng;

    rng_init(&rng, k->seed, "cfs bandwidth", tg->id);
    b->phase = k->params.noise.bandwidth_phase ? rng_below(&rng, period) : 0;
    event_init(&k->engine, &b->period_ev, EVENT_CGROUP, slot, PHASE_ARRIVE, period_fire);
    event_init(&k->engine, &b->slack_ev, EVENT_CGROUP, slot + 1, PHASE_ARRIVE, slack_fire);
    b->has_timers = true;
}

const char *
task_group_set_bandwidth(struct kernel *k, struct task_group *tg, uint64_t quota, uint64_t period,
                         uint64_t burst)
{
    struct cfs_bandwidth *b = &tg->bandwidth;
    const char *why = cfs_bandwidth_refusal(quota, period, burst);

    if (why != NULL)
        return why;
    if (!b->has_timers)
        init_cfs_bandwidth(k, tg, period);
    b->quota = quota;
    b->period = period;
    b->burst = burst;
    b->phase %= period;
    refill_cfs_bandwidth_runtime(b);
    if (quota != CFS_NO_QUOTA)
        start_cfs_bandwidth(k, b, k->start_cpu);
    for_each_cpu (cpu, k->machine->online) {
        struct cfs_rq *cfs = tg->cfs_rq[cpu];

        if (cfs == NULL)
            continue;
        cfs->runtime_enabled = quota != CFS_NO_QUOTA;
        cfs->runtime_remaining = 0;
        if (cfs->throttled)
            unthrottle_cfs_rq(k, cfs);
    }
    if (unlikely(k->scx != NULL))
        ext_cgroup_bandwidth(k, tg);
    return NULL;
}

/* Its tasks must go, and its runtime is not needed: nothing holds them until the CPU is back
 * (unthrottle_offline_cfs_rqs). */
void
rq_offline_bandwidth(struct kernel *k, struct rq *rq)
{
    for (uint32_t i = 1; i < k->nr_groups; i++) {
        struct cfs_rq *cfs = k->groups[i]->cfs_rq[rq->cpu];

        if (cfs == NULL || !cfs->runtime_enabled)
            continue;
        cfs->runtime_remaining = 1;
        cfs->runtime_enabled = false;
        if (cfs->throttled)
            unthrottle_cfs_rq(k, cfs);
    }
}

void
rq_online_bandwidth(struct kernel *k, struct rq *rq)
{
    for (uint32_t i = 1; i < k->nr_groups; i++) {
        struct cfs_rq *cfs = k->groups[i]->cfs_rq[rq->cpu];

        if (cfs != NULL)
            cfs->runtime_enabled = k->groups[i]->bandwidth.quota != CFS_NO_QUOTA;
    }
}

/* Made below a queue that is out, it is out as well (sync_throttle). Linux makes it with its group,
 * before anything is throttled: its clock has stood still whenever its parent's has. */
void
init_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs)
{
    const struct cfs_rq *parent = cfs->se->cfs_rq;

    (void)k;
    cfs->runtime_enabled = cfs->tg->bandwidth.quota != CFS_NO_QUOTA;
    cfs->throttle_count = parent->throttle_count;
    cfs->throttled_pelt_at = parent->throttled_pelt_at;
    cfs->throttled_pelt_ns = parent->throttled_pelt_ns;
}
