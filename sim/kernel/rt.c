/*
 * The rt class: FIFO and RR (kernel/sched/rt.c; sched-core.md 5.2).
 *
 * One list for each of 99 priorities; the head of the best list that is not empty runs, and keeps
 * its place in the list while it does. A task that is preempted is therefore still the first of its
 * priority; one that wakes, yields, or whose RR slice has ended goes to the tail.
 *
 * RR slices are counted in ticks. A tick that finds a task alone on its list changes nothing, so it
 * is not simulated: ticks are counted when somebody looks.
 */
#include "kernel/rt.h"

#include "kernel/dl_server.h"
#include "kernel/push.h"

static struct task *
rt_task_of(struct list *node)
{
    return container_of(node, struct task, rt.run_list);
}

void
rt_rq_init(struct kernel *k, struct rq *rq)
{
    struct rt_rq *rt = &rq->rt;

    event_init(&k->engine, &rt->period_ev, EVENT_DL, k->machine->nr_cpus + (uint32_t)rq->cpu,
               PHASE_ARRIVE, rt_period_fire);
    for (int i = 0; i < MAX_RT_PRIO; i++)
        list_init(&rt->queue[i]);
    list_init(&rt->pushable);
    rt->highest_prio = rt->next_prio = NO_RT_PRIO;
}

void
update_rt_rq_load_avg(struct kernel *k, struct rq *rq, bool running)
{
    pelt_update_util(&rq->avg_rt, rq_clock_pelt(k, rq), running);
}

static uint32_t
rr_timeslice(const struct kernel *k)
{
    return (uint32_t)div_round_up_u64(k->params.sched.rr_timeslice * k->params.sched.hz, SEC(1));
}

static int
find_first_prio(const struct rt_rq *rt)
{
    if (rt->bitmap[0] != 0)
        return __builtin_ctzll(rt->bitmap[0]);
    return rt->bitmap[1] != 0 ? 64 + __builtin_ctzll(rt->bitmap[1]) : NO_RT_PRIO;
}

/* The best priority of the queue may have changed. */
static void
set_highest_prio(struct kernel *k, struct rq *rq)
{
    int before = rq->rt.highest_prio;

    rq->rt.highest_prio = find_first_prio(&rq->rt);
    if (rq->rt.highest_prio != before)
        cpupri_set(k, rq, rq->rt.highest_prio);
}

/* Others wait at the priority of the running task. */
static bool
has_company(const struct task *p)
{
    return p->rt.run_list.next != p->rt.run_list.prev;
}

static void
enqueue_task_rt(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    struct rt_rq *rt = &rq->rt;
    struct list *queue = &rt->queue[p->prio];

    if (flags & ENQUEUE_HEAD)
        list_push_front(queue, &p->rt.run_list);
    else if (list_empty(&p->rt.run_list)) /* else it has kept its place */
        list_push_back(queue, &p->rt.run_list);
    rt->bitmap[p->prio >> 6] |= (uint64_t)1 << (p->prio & 63);
    p->rt.on_list = true;
    rt->nr_running++;
    if (!rt->throttled)
        add_nr_running(k, rq, 1);
    set_highest_prio(k, rq);
    if (rq->curr != p && p->nr_allowed > 1)
        enqueue_pushable_task(k, rq, p);
    start_rt_bandwidth(k, rq);
    dl_server_watch(k, rq);
    if (rq->curr != NULL && rq->curr != p && rq->curr->policy == POLICY_RR)
        tick_update(k, rq);
}

static void
update_curr_rt(struct kernel *k, struct rq *rq)
{
    if (rq->curr == NULL || rq->curr->class != &rt_sched_class)
        return;
    uint64_t delta = update_curr_common(k, rq);
    if (delta > 0)
        account_rt_time(k, rq, delta);
}

static bool
dequeue_task_rt(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    struct rt_rq *rt = &rq->rt;

    update_curr_rt(k, rq);
    if ((flags & (DEQUEUE_SAVE | DEQUEUE_MOVE)) != DEQUEUE_SAVE)
        list_remove(&p->rt.run_list);
    if (list_empty(&rt->queue[p->prio]))
        rt->bitmap[p->prio >> 6] &= ~((uint64_t)1 << (p->prio & 63));
    p->rt.on_list = false;
    rt->nr_running--;
    if (!rt->throttled)
        sub_nr_running(k, rq, 1);
    set_highest_prio(k, rq);
    dequeue_pushable_task(k, rq, p);
    return true;
}

void
requeue_task_rt(struct rq *rq, struct task *p, bool head)
{
    struct list *queue = &rq->rt.queue[p->prio];

    if (!p->rt.on_list)
        return;
    list_remove(&p->rt.run_list);
    if (head)
        list_push_front(queue, &p->rt.run_list);
    else
        list_push_back(queue, &p->rt.run_list);
}

static void
yield_task_rt(struct kernel *k, struct rq *rq)
{
    (void)k;
    requeue_task_rt(rq, rq->curr, false);
}

static void
wakeup_preempt_rt(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    (void)flags;
    bool better = p->prio < rq->curr->prio;

    if (probe_wants(k, DECISION_PREEMPT)) {
        probe_candidate(k, "curr", rq->curr->id, rq->curr->prio);
        probe_candidate(k, "woken", p->id, p->prio);
    }
    if (probe_decide(k, DECISION_PREEMPT, "wakeup_preempt_rt", p, rq->cpu, better))
        resched_curr(k, rq);
    else if (p->prio == rq->curr->prio && !rq->need_resched)
        check_preempt_equal_prio(k, rq, p);
}

static bool
balance_rt(struct kernel *k, struct rq *rq, struct task *prev)
{
    bool queued = prev != NULL && prev->rt.on_list && prev->cpu == rq->cpu;

    if (prev != NULL && !queued && rq->rt.highest_prio > prev->prio)
        pull_rt_task(k, rq);
    return rq->rt.nr_running > 0;
}

static struct task *
pick_task_rt(struct kernel *k, struct rq *rq)
{
    (void)k;
    if (rq->rt.nr_running == 0 || rq->rt.throttled)
        return NULL;
    return rt_task_of(rq->rt.queue[find_first_prio(&rq->rt)].next);
}

/* Takes the ticks since the last look off the slice of the running RR task: true, its end is over.
 */
static bool
account_rr_slice(struct kernel *k, struct task *p)
{
    uint64_t ticks = jiffies(k) - p->rt.seen_jiffies, full = rr_timeslice(k);

    p->rt.seen_jiffies += ticks;
    if (p->policy != POLICY_RR || ticks == 0)
        return false;
    bool ended = ticks >= p->rt.time_slice;
    if (!ended)
        p->rt.time_slice -= (uint32_t)ticks;
    else
        p->rt.time_slice = (uint32_t)(full - (ticks - p->rt.time_slice) % full);
    return ended;
}

static void
put_prev_task_rt(struct kernel *k, struct rq *rq, struct task *p)
{
    update_curr_rt(k, rq);
    account_rr_slice(k, p);
    update_rt_rq_load_avg(k, rq, true);
    if (p->rt.on_list && p->nr_allowed > 1)
        enqueue_pushable_task(k, rq, p);
}

static void
set_next_task_rt(struct kernel *k, struct rq *rq, struct task *p)
{
    p->se.exec_start = rq_clock_task(k, rq);
    p->se.prev_sum_exec = p->se.sum_exec;
    p->rt.seen_jiffies = jiffies(k);
    if (p->rt.time_slice == 0 || p->rt.time_slice > rr_timeslice(k))
        p->rt.time_slice = rr_timeslice(k);
    dequeue_pushable_task(k, rq, p);
    update_rt_rq_load_avg(k, rq, false);
    if (!list_empty(&rq->rt.pushable))
        rq->balance_callback |= CALLBACK_PUSH_RT;
}

static void
task_tick_rt(struct kernel *k, struct rq *rq, struct task *p)
{
    update_curr_rt(k, rq); /* avg_rt is brought up when it is read: ticks must not show in it */
    if (!account_rr_slice(k, p) || !has_company(p))
        return;
    requeue_task_rt(rq, p, false);
    resched_curr(k, rq);
}

static sim_time
tick_due_rt(struct kernel *k, struct rq *rq)
{
    const struct task *p = rq->curr;
    sim_time due = rt_throttle_due(k, rq);

    if (p->policy != POLICY_RR || !has_company(p))
        return due;
    uint64_t ticks = jiffies(k) - p->rt.seen_jiffies;
    uint64_t left = p->rt.time_slice > ticks ? p->rt.time_slice - ticks : 1;
    return SIM_MIN(due, jiffy_time(k, jiffies(k) + left));
}

static void
reweight_task_rt(struct kernel *k, struct rq *rq, struct task *p, int nice)
{
    (void)k, (void)rq, (void)p, (void)nice; /* counts when the task is fair again */
}

static void
set_cpus_allowed_rt(struct kernel *k, struct task *p, const struct cpumask *allowed)
{
    struct rq *rq = &k->rqs[p->cpu];
    (void)allowed;

    if (!p->on_rq || rq->curr == p)
        return;
    dequeue_pushable_task(k, rq, p);
    if (p->nr_allowed > 1)
        enqueue_pushable_task(k, rq, p);
}

static void
switched_from_rt(struct kernel *k, struct rq *rq, struct task *p)
{
    (void)k;
    if (p->on_rq && rq->rt.nr_running == 0)
        rq->balance_callback |= CALLBACK_PULL_RT;
}

static void
switched_to_rt(struct kernel *k, struct rq *rq, struct task *p)
{
    if (rq->curr == p || !p->on_rq)
        return;
    if (p->nr_allowed > 1 && rq->rt.overloaded)
        rq->balance_callback |= CALLBACK_PUSH_RT;
    if (rq->curr == NULL || p->prio < rq->curr->prio)
        resched_curr(k, rq);
}

static void
prio_changed_rt(struct kernel *k, struct rq *rq, struct task *p, int old_prio)
{
    if (!p->on_rq)
        return;
    if (rq->curr != p) {
        if (rq->curr == NULL || p->prio < rq->curr->prio)
            resched_curr(k, rq);
        return;
    }
    if (old_prio < p->prio)
        rq->balance_callback |= CALLBACK_PULL_RT;
    if (p->prio > rq->rt.highest_prio)
        resched_curr(k, rq);
}

const struct sched_class rt_sched_class = {
    .name = "rt",
    .rank = RANK_RT,
    .enqueue_task = enqueue_task_rt,
    .dequeue_task = dequeue_task_rt,
    .yield_task = yield_task_rt,
    .wakeup_preempt = wakeup_preempt_rt,
    .balance = balance_rt,
    .pick_task = pick_task_rt,
    .put_prev_task = put_prev_task_rt,
    .set_next_task = set_next_task_rt,
    .select_task_rq = select_task_rq_rt,
    .task_woken = task_woken_rt,
    .set_cpus_allowed = set_cpus_allowed_rt,
    .task_tick = task_tick_rt,
    .tick_due = tick_due_rt,
    .switched_from = switched_from_rt,
    .switched_to = switched_to_rt,
    .reweight_task = reweight_task_rt,
    .prio_changed = prio_changed_rt,
    .update_curr = update_curr_rt,
};
