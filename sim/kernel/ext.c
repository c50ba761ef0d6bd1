/*
 * The ext class: tasks that a programmable policy schedules (kernel/sched/ext.c; sched-ext.md 3).
 *
 * A runnable task is in exactly one place: in a DSQ, with the policy (its ops_state is QUEUED), on
 * its way to another CPU's local DSQ (deferred), or running. A dequeue takes it from wherever that
 * is; a verdict of dispatch counts only if the policy still has it, by the number of its stay.
 */
#include "kernel/ext_impl.h"

#include "kernel/load.h"
#include "kernel/push.h"
#include "kernel/select.h"
#include "kernel/weight.h"

struct scx_task *
scx_task_new(struct scx *x, struct task *p)
{
    struct scx_task *s = arena_new_object(x->k->arena, struct scx_task);

    s->p = p;
    list_init(&s->node);
    list_init(&s->runnable_node);
    s->sticky_cpu = -1;
    s->ddsp_dsq_id = SCX_DSQ_INVALID;
    s->slice = SCX_SLICE_DFL;
    s->runnable_at = jiffies(x->k);
    p->scx = s;
    return s;
}

void
clear_direct_dispatch(struct scx_task *s)
{
    s->ddsp_dsq_id = SCX_DSQ_INVALID;
    s->ddsp_enq_flags = 0;
}

void
set_task_runnable(struct scx *x, struct scx_rq *er, struct scx_task *s)
{
    if (s->reset_runnable_at) {
        s->runnable_at = jiffies(x->k);
        s->reset_runnable_at = false;
    }
    list_push_back(&er->runnable, &s->runnable_node);
}

static void
use_slice(struct scx_task *s, uint64_t delta)
{
    if (s->slice == SCX_SLICE_INF || delta == 0)
        return;
    /* A turn begins a little after the tick that ended the one before, also where the simulated
     * decision takes no time: what is used up to the nanosecond is not over yet for the tick. */
    bool to_the_nanosecond = delta == s->slice;
    s->slice = to_the_nanosecond ? 1 : s->slice - SIM_MIN(s->slice, delta);
}

void
update_curr_scx(struct kernel *k, struct rq *rq)
{
    use_slice(rq->curr->scx, update_curr_common(k, rq));
}

void
ext_see_tick(struct rq *rq)
{
    use_slice(rq->curr->scx, update_curr_until(rq, rq->clock_task));
}

/* ---- enqueue ---- */

/* The verdict that select_cpu or enqueue gave. One for another CPU's local DSQ is carried out when
 * this wake-up is over. */
static void
direct_dispatch(struct scx *x, struct rq *rq, struct scx_task *s, uint64_t enq_flags)
{
    struct scx_rq *er = scx_rq_of(x, rq->cpu);
    struct scx_dsq *q = dsq_find_for(x, rq->cpu, s->ddsp_dsq_id, s->p);

    s->ddsp_enq_flags |= enq_flags;
    if (q->cpu >= 0 && q->cpu != rq->cpu) {
        s->ops_state = SCX_OPSS_NONE;
        list_push_back(&er->deferred, &s->node);
        schedule_deferred(x, rq);
        return;
    }
    uint64_t flags = s->ddsp_enq_flags;
    clear_direct_dispatch(s);
    dsq_enqueue(x, q, s, flags | SCX_ENQ_CLEAR_OPSS);
}

/* Where no policy is asked. */
static void
enqueue_builtin(struct scx *x, struct scx_dsq *q, struct scx_task *s, uint64_t enq_flags,
                bool refill)
{
    if (refill)
        s->slice = SCX_SLICE_DFL;
    clear_direct_dispatch(s);
    dsq_enqueue(x, q, s, enq_flags);
}

/* ops.enqueue decides. */
static void
enqueue_by_policy(struct scx *x, struct rq *rq, struct scx_task *s, uint64_t enq_flags)
{
    struct scx_frame f;
    struct task *outer = x->ddsp_task;
    bool outer_spoiled = x->ddsp_spoiled;

    s->ops_qseq++;
    s->ops_state = SCX_OPSS_QUEUEING;
    x->ddsp_task = s->p;
    x->ddsp_spoiled = false;
    scx_op_begin(x, &f, SCX_OP_enqueue, s->p);
    x->ops->enqueue(x, s->p, enq_flags);
    scx_op_end(x, &f);
    x->ddsp_task = outer;
    x->ddsp_spoiled = outer_spoiled;
    if (unlikely(f.overran && x->k->params.ext.on_overrun == EXT_OVERRUN_DEFAULT)) {
        s->ops_state = SCX_OPSS_NONE;
        enqueue_builtin(x, dsq_global_of(x, s->p), s, enq_flags, true);
    } else if (s->ddsp_dsq_id != SCX_DSQ_INVALID) {
        direct_dispatch(x, rq, s, enq_flags);
    } else {
        s->ops_state = SCX_OPSS_QUEUED;
    }
}

void
do_enqueue_task(struct scx *x, struct rq *rq, struct scx_task *s, uint64_t enq_flags,
                int sticky_cpu)
{
    struct scx_rq *er = scx_rq_of(x, rq->cpu);

    sim_assert(s->queued);
    if (sticky_cpu == rq->cpu) {
        enqueue_builtin(x, &er->local, s, enq_flags, false);
    } else if (unlikely(!er->online)) {
        enqueue_builtin(x, &er->local, s, enq_flags, true);
    } else if (unlikely(scx_bypassing(x))) {
        x->events.BYPASS_DISPATCH++;
        enqueue_builtin(x, dsq_global_of(x, s->p), s, enq_flags, true);
    } else if (s->ddsp_dsq_id != SCX_DSQ_INVALID) {
        direct_dispatch(x, rq, s, enq_flags);
    } else if (unlikely(s->exiting) && !x->enq_exiting) {
        x->events.ENQ_SKIP_EXITING++;
        enqueue_builtin(x, &er->local, s, enq_flags, true);
    } else if (!SCX_HAS(x, enqueue)) {
        enqueue_builtin(x, dsq_global_of(x, s->p), s, enq_flags, true);
    } else {
        enqueue_by_policy(x, rq, s, enq_flags);
    }
}

/* The kernel's values of the flags: what policies see. */
static uint64_t
kernel_enq_flags(struct scx_task *s, int flags)
{
    uint64_t f = 0;

    if (flags & ENQUEUE_WAKEUP)
        f |= SCX_ENQ_WAKEUP | SCX_ENQ_NOCLOCK | (s->cpu_selected ? SCX_ENQ_CPU_SELECTED : 0);
    if (flags & ENQUEUE_INITIAL)
        f |= SCX_ENQ_INITIAL | SCX_ENQ_NOCLOCK;
    if (flags & ENQUEUE_RESTORE)
        f |= SCX_ENQ_RESTORE | SCX_ENQ_NOCLOCK | (s->deq_move ? SCX_ENQ_MOVE : 0);
    if (flags & ENQUEUE_HEAD)
        f |= SCX_ENQ_HEAD;
    if (flags & ENQUEUE_MIGRATED && s->sticky_cpu < 0)
        f |= SCX_ENQ_MIGRATED;
    s->cpu_selected = s->deq_move = false;
    return f;
}

static void
enqueue_task_scx(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    struct scx *x = k->scx;
    struct scx_rq *er = scx_rq_of(x, rq->cpu);
    struct scx_task *s = p->scx;
    bool migrating = (flags & (ENQUEUE_MIGRATED | ENQUEUE_WAKEUP)) == ENQUEUE_MIGRATED;
    uint64_t enq_flags = kernel_enq_flags(s, flags) | er->extra_enq_flags;
    int sticky = s->sticky_cpu;

    er->in_wakeup = flags & ENQUEUE_WAKEUP;
    s->sticky_cpu = -1;
    if (flags & ENQUEUE_RESTORE && rq->curr == p)
        sticky = rq->cpu; /* it runs: only a local DSQ is a place for it */
    sim_assert(!s->queued);
    set_task_runnable(x, er, s);
    s->queued = true;
    er->nr_running++;
    add_nr_running(k, rq, 1);
    if (SCX_HAS(x, runnable) && !migrating)
        SCX_CALL(x, runnable, p, p, enq_flags);
    do_enqueue_task(x, rq, s, enq_flags, sticky);
    er->in_wakeup = false;
    sums_update(k, rq);
}

/* ---- dequeue ---- */

static uint64_t
kernel_deq_flags(int flags)
{
    uint64_t f = SCX_DEQ_NOCLOCK;

    if (flags & DEQUEUE_SLEEP)
        f |= SCX_DEQ_SLEEP;
    if (flags & DEQUEUE_SPECIAL)
        f |= SCX_DEQ_SPECIAL;
    if (flags & DEQUEUE_SAVE)
        f |= SCX_DEQ_SAVE;
    if (flags & DEQUEUE_MOVE)
        f |= SCX_DEQ_MOVE;
    return f;
}

static void
ops_dequeue(struct scx *x, struct scx_task *s, uint64_t deq_flags)
{
    list_remove(&s->runnable_node);
    sim_assert(s->ops_state != SCX_OPSS_QUEUEING);
    if (s->ops_state == SCX_OPSS_QUEUED && SCX_HAS(x, dequeue))
        SCX_CALL(x, dequeue, s->p, s->p, deq_flags);
    s->ops_state = SCX_OPSS_NONE;
}

static bool
dequeue_task_scx(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    struct scx *x = k->scx;
    struct scx_rq *er = scx_rq_of(x, rq->cpu);
    struct scx_task *s = p->scx;
    uint64_t deq_flags = kernel_deq_flags(flags);

    if (!s->queued)
        return true;
    ops_dequeue(x, s, deq_flags);
    if (rq->curr == p && !er->moving) {
        update_curr_scx(k, rq);
        if (SCX_HAS(x, stopping))
            SCX_CALL(x, stopping, p, p, false);
    }
    if (SCX_HAS(x, quiescent) && !(flags & DEQUEUE_MIGRATING))
        SCX_CALL(x, quiescent, p, p, deq_flags);
    s->deq_move = flags & DEQUEUE_MOVE;
    s->queued = false;
    er->nr_running--;
    sub_nr_running(k, rq, 1);
    dsq_dequeue(x, s);
    clear_direct_dispatch(s);
    sums_update(k, rq);
    return true;
}

/* ---- on the CPU ---- */

static void
yield_task_scx(struct kernel *k, struct rq *rq)
{
    struct scx *x = k->scx;

    update_curr_scx(k, rq);
    if (SCX_HAS(x, yield)) {
        bool ignored;

        SCX_CALL_RET(x, ignored, yield, rq->curr, rq->curr, NULL);
        (void)ignored;
    } else {
        rq->curr->scx->slice = 0;
    }
}

static void
wakeup_preempt_scx(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    (void)k, (void)rq, (void)p, (void)flags; /* an ext task never preempts one */
}

/* Puts are carried out by ext_switch(), which knows who is next. */
static void
put_prev_task_scx(struct kernel *k, struct rq *rq, struct task *p)
{
    (void)k, (void)rq, (void)p;
}

static void
set_next_task_scx(struct kernel *k, struct rq *rq, struct task *p)
{
    struct scx *x = k->scx;
    struct scx_task *s = p->scx;

    if (s->queued) {
        if (s->ops_state == SCX_OPSS_QUEUED) /* forced onto the CPU while the policy has it */
            ops_dequeue(x, s, SCX_DEQ_CORE_SCHED_EXEC);
        dsq_dequeue(x, s);
    }
    p->se.exec_start = rq_clock_task(k, rq);
    p->se.prev_sum_exec = p->se.sum_exec;
    if (SCX_HAS(x, running) && s->queued)
        SCX_CALL(x, running, p, p);
    list_remove(&s->runnable_node);
    s->reset_runnable_at = true;
}

static void
task_tick_scx(struct kernel *k, struct rq *rq, struct task *p)
{
    struct scx *x = k->scx;

    update_curr_scx(k, rq);
    if (scx_bypassing(x))
        p->scx->slice = 0;
    else if (SCX_HAS(x, tick))
        SCX_CALL(x, tick, p, p);
    if (p->scx->slice == 0)
        resched_curr(k, rq);
}

/* The first tick that finds the slice used up. */
static sim_time
tick_due_scx(struct kernel *k, struct rq *rq)
{
    struct scx *x = k->scx;
    const struct task *p = rq->curr;
    sim_time now = k->engine.now;
    uint64_t slice = p->scx->slice;

    if (scx_bypassing(x) || SCX_HAS(x, tick))
        return now;
    if (slice >= SIM_NEVER / 2)
        return SIM_NEVER;
    uint64_t pending = rq_clock_task(k, rq) - p->se.exec_start;
    if (slice == 0 || slice < pending)
        return now; /* whatever work of the kernel is still ahead of the task */
    sim_time stolen = rq->irq_until > now ? rq->irq_until - now : 0;
    return now + stolen + slice - pending + 1;
}

static void
task_woken_scx(struct kernel *k, struct rq *rq, struct task *p)
{
    (void)p;
    if (!list_empty(&k->scx->rqs[rq->cpu].deferred))
        run_deferred(k->scx, rq);
}

/* ---- changes ---- */

uint32_t
scx_weight_of(const struct task *p)
{
    uint32_t weight = p->policy == POLICY_IDLE ? SCHED_IDLE_WEIGHT : nice_weight(p->nice);

    return SIM_CLAMP((weight * 100 + 512) / 1024, SCX_WEIGHT_MIN, SCX_WEIGHT_MAX);
}

void
ext_reweight(struct kernel *k, struct task *p)
{
    struct scx *x = k->scx;

    p->scx->weight = scx_weight_of(p);
    if (SCX_HAS(x, set_weight))
        SCX_CALL(x, set_weight, p, p, p->scx->weight);
}

static void
reweight_task_scx(struct kernel *k, struct rq *rq, struct task *p, int nice)
{
    (void)rq;
    bool idle = p->policy == POLICY_IDLE;
    uint32_t weight = idle ? SCHED_IDLE_WEIGHT : nice_weight(nice);

    p->se.weight = weight;
    p->se.inv_weight = idle ? weight_inverse(weight) : nice_inv_weight(nice);
    p->se.load_weight = weight << LOAD_SHIFT;
    ext_reweight(k, p);
}

void
ext_set_affinity(struct kernel *k, struct task *p, const struct cpumask *allowed)
{
    struct scx *x = k->scx;
    struct rq *rq = &k->rqs[p->cpu];
    bool queued = p->scx->queued, running = rq->curr == p;

    if (cpumask_equal(p->affinity, allowed))
        return;
    if (queued)
        dequeue_task(k, rq, p, DEQUEUE_SAVE);
    p->affinity = allowed;
    task_see_allowed(k, p);
    if (SCX_HAS(x, set_cpumask))
        SCX_CALL(x, set_cpumask, p, p, p->allowed);
    if (queued)
        enqueue_task(k, rq, p, ENQUEUE_RESTORE);
    if (running) {
        set_next_task_scx(k, rq, p);
        tick_update(k, rq);
    }
}

static void
switching_to_scx(struct kernel *k, struct rq *rq, struct task *p)
{
    struct scx *x = k->scx;
    (void)rq;

    p->scx->deq_move = true; /* changes of class are moves */
    scx_enable_task(x, p);
    if (SCX_HAS(x, set_cpumask))
        SCX_CALL(x, set_cpumask, p, p, p->allowed);
}

static void
switched_from_scx(struct kernel *k, struct rq *rq, struct task *p)
{
    (void)rq;
    scx_disable_task(k->scx, p);
}

static void
switched_to_scx(struct kernel *k, struct rq *rq, struct task *p)
{
    (void)k, (void)rq, (void)p;
}

const struct sched_class ext_sched_class = {
    .name = "ext",
    .rank = RANK_EXT,
    .enqueue_task = enqueue_task_scx,
    .dequeue_task = dequeue_task_scx,
    .yield_task = yield_task_scx,
    .wakeup_preempt = wakeup_preempt_scx,
    .put_prev_task = put_prev_task_scx,
    .set_next_task = set_next_task_scx,
    .select_task_rq = select_task_rq_scx,
    .task_woken = task_woken_scx,
    .task_tick = task_tick_scx,
    .tick_due = tick_due_scx,
    .switching_to = switching_to_scx,
    .switched_from = switched_from_scx,
    .switched_to = switched_to_scx,
    .reweight_task = reweight_task_scx,
    .update_curr = update_curr_scx,
};
