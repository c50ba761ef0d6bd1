/*
 * The scheduling cycle of a CPU: look for work (balance), pick, switch (sched-ext.md 5).
 *
 * The balances of the classes are asked from that of prev down, until one says that there is
 * something: so with an ext or an idle prev the policy's dispatch is called also when a task of a
 * higher class is about to be picked, and with a prev of a higher class only if the fair class has
 * nothing, and does not only pretend to (bal_pending).
 */
#include "kernel/ext_impl.h"

#include "kernel/balance.h"

/* ---- moving tasks between queues ---- */

/* Offline CPUs stay in masks of tasks, though not in those of cpusets: they are no error. */
bool
task_can_run_on(struct scx *x, const struct task *p, int cpu, bool error)
{
    bool online = x->rqs[cpu].online && x->k->machine->cpus[cpu].online;

    if (!cpumask_test(p->affinity, (uint32_t)cpu) ||
        (online && !cpumask_test(p->group->cpus, (uint32_t)cpu))) {
        if (error)
            scx_ops_error(x, "SCX_DSQ_LOCAL[_ON] target CPU %d not allowed for %s[%u]", cpu,
                          p->name, task_pid(p));
        return false;
    }
    if (error && !online)
        x->events.DISPATCH_LOCAL_DSQ_OFFLINE++;
    return online;
}

/* From another CPU's queue of runnable tasks into this one's local DSQ. */
static void
move_remote(struct scx *x, struct scx_task *s, int cpu, uint64_t enq_flags)
{
    struct kernel *k = x->k;
    struct task *p = s->p;
    struct rq *from = &k->rqs[p->cpu], *to = &k->rqs[cpu];
    sim_time queued_at = p->queued_at;

    deactivate_task(k, from, p, DEQUEUE_MIGRATING);
    set_task_cpu(k, p, cpu);
    s->sticky_cpu = cpu;
    x->rqs[cpu].extra_enq_flags = enq_flags;
    activate_task(k, to, p, ENQUEUE_MIGRATED);
    x->rqs[cpu].extra_enq_flags = 0;
    p->queued_at = queued_at;
}

/* From a queue that is not local into the local one of the CPU whose task it is. */
static void
move_local(struct scx *x, struct scx_task *s, uint64_t enq_flags)
{
    struct scx_dsq *to = &x->rqs[s->p->cpu].local;

    dsq_unlink(x, s);
    if (enq_flags & (SCX_ENQ_HEAD | SCX_ENQ_PREEMPT))
        list_push_front(&to->list, &s->node);
    else
        list_push_back(&to->list, &s->node);
    to->nr++;
    s->dsq = to;
    local_dsq_post_enq(x, to, s, enq_flags);
}

bool
consume_dsq(struct scx *x, struct rq *rq, struct scx_dsq *q)
{
    if (q->nr == 0)
        return false;
    scx_touch(x, &q->last_cpu, &q->last_touch);
    for (struct scx_task *s = dsq_first(q); s != NULL; s = dsq_next(q, s, false)) {
        if (s->p->cpu == rq->cpu) {
            move_local(x, s, 0);
            return true;
        }
        if (task_can_run_on(x, s->p, rq->cpu, false)) {
            move_remote(x, s, rq->cpu, 0);
            return true;
        }
    }
    return false;
}

bool
move_between_dsqs(struct scx *x, struct scx_task *s, struct scx_dsq *to, uint64_t enq_flags)
{
    if (to->cpu >= 0 && s->p->cpu != to->cpu && !task_can_run_on(x, s->p, to->cpu, true))
        to = dsq_global_of(x, s->p);
    if (to->cpu < 0) {
        dsq_unlink(x, s);
        dsq_enqueue(x, to, s, enq_flags);
    } else if (s->p->cpu == to->cpu) {
        move_local(x, s, enq_flags);
    } else {
        move_remote(x, s, to->cpu, enq_flags);
    }
    return true;
}

void
dispatch_to_local(struct scx *x, struct scx_dsq *q, struct scx_task *s, uint64_t enq_flags)
{
    struct kernel *k = x->k;

    if (s->p->cpu == q->cpu) {
        dsq_enqueue(x, q, s, enq_flags | SCX_ENQ_CLEAR_OPSS);
    } else if (!task_can_run_on(x, s->p, q->cpu, true)) {
        dsq_enqueue(x, dsq_global_of(x, s->p), s, enq_flags | SCX_ENQ_CLEAR_OPSS);
        return;
    } else {
        s->ops_state = SCX_OPSS_NONE;
        move_remote(x, s, q->cpu, enq_flags);
    }
    if (k->rqs[q->cpu].curr == NULL && !x->rqs[q->cpu].in_balance)
        resched_curr(k, &k->rqs[q->cpu]);
}

/* A verdict counts if the policy has had the task all the time since it gave it. */
static void
finish_dispatch(struct scx *x, int cpu, const struct scx_verdict *v)
{
    struct scx_task *s = v->p->scx;

    if (s->ops_state != SCX_OPSS_QUEUED || s->ops_qseq != v->qseq) {
        x->events.INSERT_NOT_OWNED++;
        return;
    }
    struct scx_dsq *q = dsq_find_for(x, cpu, v->id, v->p);
    if (q->cpu >= 0)
        dispatch_to_local(x, q, s, v->enq_flags);
    else
        dsq_enqueue(x, q, s, v->enq_flags | SCX_ENQ_CLEAR_OPSS);
}

void
flush_verdicts(struct scx *x, struct scx_rq *er)
{
    for (uint32_t i = 0; i < er->cursor; i++)
        finish_dispatch(x, er->rq->cpu, &er->buf[i]);
    er->nr_dispatched += er->cursor;
    er->cursor = 0;
}

/* ---- balance ---- */

static void
dispatch_once(struct scx *x, struct scx_rq *er, struct task *prev)
{
    struct scx_frame f;

    er->nr_dispatched = 0;
    scx_op_begin(x, &f, SCX_OP_dispatch, prev);
    x->ops->dispatch(x, er->rq->cpu, prev);
    scx_op_end(x, &f);
    if (unlikely(f.overran && x->k->params.ext.on_overrun == EXT_OVERRUN_DEFAULT))
        er->cursor = 0;
    flush_verdicts(x, er);
}

/* Asks the policy until there is something. keep: prev goes on. */
static bool
dispatch_loop(struct scx *x, struct scx_rq *er, struct task *prev, bool prev_on_rq)
{
    struct rq *rq = er->rq;
    int loops = SCX_DSP_MAX_LOOPS;

    do {
        dispatch_once(x, er, prev);
        if (prev_on_rq && prev->scx->slice > 0) {
            er->bal_keep = true;
            return true;
        }
        if (er->local.nr > 0 || consume_dsq(x, rq, &x->global[rq->node]))
            return true;
        if (--loops == 0) {
            scx_kick(x, rq->cpu, rq->cpu, 0);
            break;
        }
    } while (er->nr_dispatched > 0);
    return false;
}

static void
balance_requested(struct scx *x, struct scx_rq *er)
{
    struct kernel *k = x->k;
    const struct machine *m = k->machine;
    int home = er->rq->node;

    er->wants_balance = false;
    if (!SCX_HAS(x, balance))
        return;
    for (int rank = 0; rank < (int)m->nr_nodes; rank++) {
        int node = scx_nearest_node(x, home, rank);

        for_each_cpu (src, m->nodes[node].cpus) {
            bool moved = false;

            if (src == er->rq->cpu || !m->cpus[src].online)
                continue;
            SCX_CALL_RET(x, moved, balance, NULL, er->rq->cpu, src);
            flush_verdicts(x, er);
            if (moved)
                return;
        }
    }
}

static bool
look_for_work(struct scx *x, struct scx_rq *er, struct task *prev, bool prev_on_scx)
{
    struct kernel *k = x->k;
    struct rq *rq = er->rq;
    bool prev_on_rq = prev_on_scx && rq->curr == prev && prev->scx->queued;

    if (x->cpu_preempt && unlikely(er->cpu_released)) {
        static const struct scx_cpu_acquire_args args;

        if (SCX_HAS(x, cpu_acquire))
            SCX_CALL(x, cpu_acquire, NULL, rq->cpu, &args);
        er->cpu_released = false;
    }
    if (prev_on_rq) {
        update_curr_scx(k, rq);
        if (prev->scx->slice > 0 && !scx_bypassing(x)) {
            er->bal_keep = true;
            return true;
        }
    }
    if (er->local.nr > 0 || consume_dsq(x, rq, &x->global[rq->node]))
        return true;
    if (!scx_bypassing(x) && er->online) {
        if (unlikely(er->wants_balance))
            balance_requested(x, er);
        if (er->local.nr > 0)
            return true;
        if (SCX_HAS(x, dispatch) && dispatch_loop(x, er, prev_on_scx ? prev : NULL, prev_on_rq))
            return true;
    }
    if (prev_on_rq && (!x->enq_last || scx_bypassing(x))) {
        x->events.DISPATCH_KEEP_LAST++;
        er->bal_keep = true;
        return true;
    }
    return false;
}

static void
balance_scx(struct scx *x, struct scx_rq *er, struct task *prev)
{
    bool prev_on_scx = prev != NULL && is_ext(prev) && !er->stopped;

    er->in_balance = true;
    er->bal_pending = er->bal_keep = false;
    look_for_work(x, er, prev, prev_on_scx);
    er->in_balance = false;
}

/* Is there a task of the class or of one above? */
static bool
class_has_tasks(const struct rq *rq, const struct sched_class *class)
{
    if (rq->dl.nr > 0)
        return true;
    if (class == &dl_sched_class)
        return false;
    if (rq->rt.nr_running > 0 && !rq->rt.throttled)
        return true;
    return class == &fair_sched_class && rq->cfs.nr_queued > 0;
}

/* From prev's class down, until one has something. */
static void
balance_classes(struct scx *x, struct scx_rq *er, struct task *prev)
{
    struct kernel *k = x->k;
    struct rq *rq = er->rq;
    int from = er->stopped ? RANK_SCRIPT : prev != NULL ? prev->class->rank : RANK_EXT;

    er->bal_pending = true;
    for (const struct sched_class *const *class = sched_classes; *class != NULL; class ++) {
        /* when all tasks are ext the fair class is not asked any more */
        if ((*class)->rank > from || (*class == &fair_sched_class && x->switched_all))
            continue;
        if ((*class)->balance != NULL)
            (*class)->balance(k, rq, prev);
        if (*class != &script_sched_class && class_has_tasks(rq, *class))
            return;
        if (*class == &fair_sched_class && sched_balance_newidle(k, rq))
            return;
    }
    balance_scx(x, er, prev);
}

/* ---- pick ---- */

static struct task *
pick_task_scx(struct scx *x, struct scx_rq *er)
{
    struct rq *rq = er->rq;
    struct task *prev = rq->curr;
    bool keep = er->bal_keep, kick_idle = false;

    if (unlikely(er->bal_pending)) { /* a balance above said yes, but there was nothing */
        keep = prev != NULL && is_ext(prev) && prev->scx->queued;
        kick_idle = !keep;
    }
    if (keep && prev != NULL) {
        if (prev->scx->slice == 0) {
            prev->scx->slice = SCX_SLICE_DFL;
            x->events.REFILL_SLICE_DFL++;
        }
        return prev;
    }
    struct scx_task *s = dsq_first(&er->local);
    if (s == NULL) {
        if (kick_idle)
            scx_kick(x, rq->cpu, rq->cpu, SCX_KICK_IDLE);
        return NULL;
    }
    if (s->slice == 0) {
        if (!scx_bypassing(x) && !x->warned_zero_slice) {
            kernel_note(x->k, "ext: %s had no slice when it was picked, and got the default",
                        s->p->name);
            x->warned_zero_slice = true;
        }
        s->slice = SCX_SLICE_DFL;
        x->events.REFILL_SLICE_DFL++;
    }
    return s->p;
}

struct task *
ext_pick_next_task(struct kernel *k, struct rq *rq, struct task *prev)
{
    struct scx *x = k->scx;
    struct scx_rq *er = scx_rq_of(x, rq->cpu);

    er->in_cycle = true;
    balance_classes(x, er, prev);
    for (const struct sched_class *const *class = sched_classes; *class != NULL; class ++) {
        struct task *p = (*class)->pick_task(k, rq);

        if (p != NULL)
            return p;
    }
    return pick_task_scx(x, er);
}

/* ---- switch ---- */

static enum scx_cpu_preempt_reason
preempt_reason(const struct sched_class *class)
{
    if (class == &dl_sched_class)
        return SCX_CPU_PREEMPT_DL;
    return class == &rt_sched_class ? SCX_CPU_PREEMPT_RT : SCX_CPU_PREEMPT_UNKNOWN;
}

/* A higher class has taken the CPU from ext. */
static void
cpu_released(struct scx *x, struct scx_rq *er, enum scx_cpu_preempt_reason reason,
             struct task *next)
{
    if (!x->cpu_preempt || er->cpu_released)
        return;
    if (SCX_HAS(x, cpu_release)) {
        struct scx_cpu_release_args args = { .reason = reason, .task = next };

        SCX_CALL(x, cpu_release, NULL, er->rq->cpu, &args);
    }
    er->cpu_released = true;
}

/* prev could go on, and does not. idle: nobody follows. */
static void
put_prev(struct scx *x, struct scx_rq *er, struct scx_task *s, bool idle)
{
    if (SCX_HAS(x, stopping))
        SCX_CALL(x, stopping, s->p, s->p, true);
    set_task_runnable(x, er, s);
    if (s->slice > 0 && !scx_bypassing(x)) {
        dsq_enqueue(x, &er->local, s, SCX_ENQ_HEAD);
        return;
    }
    do_enqueue_task(x, er->rq, s, idle ? SCX_ENQ_LAST : 0, -1);
    if (idle && s->dsq == &er->local)
        resched_curr(x->k, er->rq);
}

void
ext_switch(struct kernel *k, struct rq *rq, struct task *prev, struct task *next)
{
    struct scx *x = k->scx;
    struct scx_rq *er = scx_rq_of(x, rq->cpu);

    scx_put_off(x, er, next);
    if (!x->enabled)
        return;
    if (prev == NULL) {
        scx_update_idle(x, rq, false, true);
        return;
    }
    if (is_ext(prev) && !er->stopped) {
        if (!rq->left && prev->scx->queued) {
            er->putting = true;
            put_prev(x, er, prev->scx, next == NULL);
            er->putting = false;
        }
        if (next != NULL && !is_ext(next))
            cpu_released(x, er, preempt_reason(next->class), next);
    }
    er->stopped = false;
    if (next == NULL)
        scx_update_idle(x, rq, true, true);
}

void
ext_schedule_end(struct kernel *k, struct rq *rq, bool still_idle)
{
    struct scx *x = k->scx;
    struct scx_rq *er = scx_rq_of(x, rq->cpu);

    if (still_idle && x->enabled)
        scx_update_idle(x, rq, true, false);
    er->stopped = false;
    ext_charge_decision(k, rq);
    if (!list_empty(&er->deferred))
        run_deferred(x, rq);
}

/* The stopper is a task of the highest class: it takes the CPU, and moves what ran. */
void
ext_stop_and_move(struct kernel *k, struct rq *rq, struct task *p, int to)
{
    struct scx *x = k->scx;
    struct scx_rq *er = scx_rq_of(x, rq->cpu);

    er->in_cycle = true;
    balance_scx(x, er, p);
    er->putting = true;
    put_prev(x, er, p->scx, false);
    er->putting = false;
    cpu_released(x, er, SCX_CPU_PREEMPT_STOP, NULL);
    er->moving = true;
    migrate_task_to(k, p, to);
    er->moving = false;
    er->stopped = true;
    if (!er->online)
        er->cost = 0; /* it leaves: nobody's time */
    ext_charge_decision(k, rq);
}
