/*
 * A policy comes and goes (sched-ext.md 3).
 *
 * Loading takes no time: init, then in bypass mode every task is initialized and switched, and at
 * the end the policy is asked about all that wait. Leaving takes ext.unload_time, as the kernel
 * waits for its own grace periods: in bypass mode the tasks go on, first come first served, their
 * slices end at every tick, and only then they are given back to the fair class. Before that
 * ext.disable_delay passes, in which nothing changes but that further errors count no more. All
 * this is work of the CPU that programs are started from, whose time the operations take.
 */
#include "kernel/ext_impl.h"

#include <errno.h>

#include "kernel/balance.h"
#include "kernel/sched_change.h"

/* Operations that are called from init on, and those that wait for the rest of loading. */
#define HOTPLUG_OPS ((uint64_t)1 << SCX_OP_cpu_online | (uint64_t)1 << SCX_OP_cpu_offline)

bool
task_should_scx(const struct kernel *k, enum task_policy policy)
{
    const struct scx *x = k->scx;

    if (x == NULL || !x->enabled || x->state == SCX_DISABLING)
        return false;
    return x->switching_all || policy == POLICY_EXT;
}

/* ---- tasks ---- */

/* Those that the kernel knows of: started, and not dead. */
static bool
exists(const struct task *p)
{
    return p->state != TASK_NEW && p->state != TASK_DEAD;
}

static int
init_task(struct scx *x, struct task *p, bool fork)
{
    struct scx_task *s = p->scx != NULL ? p->scx : scx_task_new(x, p);
    struct scx_init_task_args args = { .fork = fork, .cgroup = p->group };
    int err = 0;

    s->disallow = false;
    if (x->ops->task_size > 0)
        s->data = arena_alloc(x->arena, x->ops->task_size);
    if (SCX_HAS(x, init_task))
        SCX_CALL_RET(x, err, init_task, p, p, &args);
    if (err != 0)
        return err < 0 ? err : -EPROTO;
    s->state = SCX_TASK_INIT;
    if (s->disallow && fork && p->policy == POLICY_EXT) {
        scx_ops_error(x, "ops.init_task() set task->scx.disallow for %s[%u] during fork", p->name,
                      task_pid(p));
    } else if (s->disallow && p->policy == POLICY_EXT) {
        p->policy = POLICY_NORMAL;
        x->nr_rejected++;
    }
    s->reset_runnable_at = true;
    return 0;
}

void
scx_enable_task(struct scx *x, struct task *p)
{
    p->scx->weight = scx_weight_of(p);
    if (SCX_HAS(x, enable))
        SCX_CALL(x, enable, p, p);
    p->scx->state = SCX_TASK_ENABLED;
    if (SCX_HAS(x, set_weight))
        SCX_CALL(x, set_weight, p, p, p->scx->weight);
}

void
scx_disable_task(struct scx *x, struct task *p)
{
    clear_direct_dispatch(p->scx);
    if (SCX_HAS(x, disable))
        SCX_CALL(x, disable, p, p);
    p->scx->state = SCX_TASK_READY;
}

void
scx_exit_task_now(struct scx *x, struct task *p)
{
    struct scx_task *s = p->scx;
    struct scx_exit_task_args args = { .cancelled = false };

    if (s == NULL || s->state == SCX_TASK_NONE)
        return;
    if (s->state == SCX_TASK_INIT)
        args.cancelled = true;
    else if (s->state == SCX_TASK_ENABLED)
        scx_disable_task(x, p);
    if (SCX_HAS(x, exit_task))
        SCX_CALL(x, exit_task, p, p, &args);
    s->state = SCX_TASK_NONE;
    s->data = NULL;
}

/* The fork has failed: nothing of the task has run. */
static void
abort_fork(struct kernel *k, struct task *p, int err)
{
    kernel_note(k, "ext: the policy refused %s (%d): it never ran", p->name, err);
    if (p->ops->exited != NULL)
        p->ops->exited(k, p);
    task_bury(k, p);
}

bool
ext_may_fork(struct kernel *k, struct task *p)
{
    struct scx *x = k->scx;
    int err = 0;

    if (p->class == &ext_sched_class || p->class == &fair_sched_class)
        p->class = task_should_scx(k, p->policy) ? &ext_sched_class : &fair_sched_class;
    if (!x->init_task_enabled)
        return true;
    err = init_task(x, p, true);
    if (err != 0) {
        abort_fork(k, p, err);
        return false;
    }
    p->scx->state = SCX_TASK_READY;
    if (is_ext(p))
        scx_enable_task(x, p);
    return true;
}

void
ext_task_exiting(struct task *p)
{
    p->scx->exiting = true;
}

/* exit_task is called when the last one has let go of the task, some time after its end. */
void
ext_task_dead(struct kernel *k, struct task *p)
{
    struct scx *x = k->scx;
    struct scx_task *s = p->scx;

    if (s == NULL || s->state == SCX_TASK_NONE)
        return;
    s->next_dead = NULL;
    s->dead_at = k->engine.now + k->params.ext.exit_delay;
    if (x->dead == NULL)
        engine_at(&k->engine, &x->dead_ev, s->dead_at);
    *x->dead_tail = s;
    x->dead_tail = &s->next_dead;
}

void
scx_dead_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct scx *x = k->scx;
    (void)ev;

    while (x->dead != NULL && x->dead->dead_at <= k->engine.now) {
        struct scx_task *s = x->dead;

        x->dead = s->next_dead;
        if (x->dead == NULL)
            x->dead_tail = &x->dead;
        k->this_cpu = hotplug_interrupt_cpu(k, s->p->cpu);
        scx_exit_task_now(x, s->p);
    }
    if (x->dead != NULL)
        engine_at(&k->engine, &x->dead_ev, x->dead->dead_at);
}

/* ---- bypass ---- */

void
scx_bypass(struct scx *x, bool on)
{
    struct kernel *k = x->k;

    if (on && x->bypass_depth++ > 0)
        return;
    if (!on && --x->bypass_depth > 0)
        return;
    if (on) {
        x->bypass_since = k->engine.now;
        x->events.BYPASS_ACTIVATE++;
    } else {
        x->events.BYPASS_DURATION += k->engine.now - x->bypass_since;
    }
    if (!x->enabled)
        return;
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++) {
        struct scx_rq *er = &x->rqs[cpu];
        struct list *node = er->runnable.prev;

        while (node != &er->runnable) { /* each one goes to the tail: backwards none is met twice */
            struct list *before = node->prev;
            struct scx_task *s = list_entry(node, struct scx_task, runnable_node);

            dequeue_task(k, er->rq, s->p, DEQUEUE_SAVE | DEQUEUE_MOVE);
            enqueue_task(k, er->rq, s->p, ENQUEUE_RESTORE);
            node = before;
        }
        if (k->machine->cpus[cpu].online)
            resched_curr(k, er->rq);
        if (er->rq->curr != NULL) /* each tick counts, one of this instant too */
            tick_update(k, er->rq);
    }
}

/* ---- loading ---- */

static uint64_t
ops_present(const struct sched_ops *ops)
{
    uint64_t has = 0;

#define X(name, context)                                                                           \
    if (ops->name != NULL)                                                                         \
        has |= (uint64_t)1 << SCX_OP_##name;
    SCX_OPS(X)
#undef X
    return has;
}

static void
new_policy(struct scx *x, const struct sched_ops *ops, const void *params)
{
    struct kernel *k = x->k;

    scx_keep_past(x);
    x->arena = arena_new_below(k->arena);
    x->ops = ops;
    x->loaded_at = k->engine.now;
    x->priv = arena_alloc(x->arena, ops->priv_size + 1);
    if (params != NULL)
        memcpy(x->priv, params, ops->priv_size);
    else if (ops->params != NULL)
        fields_init(ops->params, x->priv, x->arena);
    x->state = SCX_ENABLING;
    x->exit_kind = SCX_EXIT_NONE;
    x->warned_zero_slice = false;
    x->nr_rejected = 0;
    x->has_op = 0;
    x->enq_last = ops->flags & SCX_OPS_ENQ_LAST;
    x->enq_exiting = ops->flags & SCX_OPS_ENQ_EXITING;
    x->cpu_preempt = ops->cpu_acquire != NULL || ops->cpu_release != NULL;
    x->per_node_idle = ops->flags & SCX_OPS_BUILTIN_IDLE_PER_NODE;
    x->builtin_idle = ops->update_idle == NULL || ops->flags & SCX_OPS_KEEP_BUILTIN_IDLE;
    x->max_batch = ops->dispatch_max_batch != 0 ? ops->dispatch_max_batch : SCX_DSP_BATCH;
    idle_reset(x);
    memset(&x->events, 0, sizeof(x->events));
    memset(x->calls, 0, sizeof(x->calls));
    x->overruns = 0;
    x->node_data = arena_new_array(x->arena, void *, k->machine->nr_nodes);
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        x->node_data[n] = arena_alloc(x->arena, ops->node_size + 1);
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++) {
        struct scx_rq *er = &x->rqs[cpu];

        er->online = k->machine->cpus[cpu].online;
        er->cpu_released = er->stopped = er->wants_balance = er->idle_known = false;
        er->cursor = 0;
        er->buf = arena_new_array(x->arena, struct scx_verdict, x->max_batch);
        er->data = arena_alloc(x->arena, ops->cpu_size + 1);
    }
    scx_store_new(x);
}

/* False: it has erred, and leaves. */
static bool
call_init(struct scx *x)
{
    int err = 0;

    if (x->ops->init != NULL) {
        struct scx_frame f;

        scx_op_begin(x, &f, SCX_OP_init, NULL);
        err = x->ops->init(x);
        scx_op_end(x, &f);
    }
    if (err != 0)
        scx_ops_error(x, "ops.init() failed (%d)", err < 0 ? err : -EPROTO);
    x->has_op |= ops_present(x->ops) & HOTPLUG_OPS;
    if (x->exit_kind == SCX_EXIT_NONE && x->enq_last && x->ops->enqueue == NULL)
        scx_ops_error(x, "SCX_OPS_ENQ_LAST requires ops.enqueue() to be implemented");
    return x->exit_kind == SCX_EXIT_NONE;
}

static bool
init_all_tasks(struct scx *x)
{
    struct kernel *k = x->k;

    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        struct task *p = k->tasks[i];
        int err;

        if (!exists(p))
            continue;
        err = init_task(x, p, false);
        if (err != 0) {
            scx_ops_error(x, "ops.init_task() failed (%d) for %s[%u]", err, p->name, task_pid(p));
            return false;
        }
        p->scx->state = SCX_TASK_READY;
    }
    return true;
}

static void
switch_all_tasks(struct scx *x)
{
    struct kernel *k = x->k;

    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        struct task *p = k->tasks[i];

        if (!exists(p))
            continue;
        p->scx->slice = SCX_SLICE_DFL;
        sched_class_refresh(k, p);
    }
}

bool
ext_load(struct kernel *k, const struct sched_ops *ops, const void *params)
{
    struct scx *x = k->scx;

    if (x->state != SCX_DISABLED)
        return false;
    new_policy(x, ops, params);
    if (!call_init(x))
        return false;
    uint64_t timeout = ops->timeout_ms != 0 ? MSEC(ops->timeout_ms) : SCX_WATCHDOG_MAX;
    x->watchdog_jiffies = div_round_up_u64(timeout, k->tick_ns);
    scx_watchdog_arm(x);
    scx_bypass(x, true);
    x->has_op = ops_present(ops);
    x->init_task_enabled = true;
    if (scx_cgroup_init_all(x) != 0 || !init_all_tasks(x)) {
        scx_bypass(x, false);
        return false;
    }
    k->higher_classes = true;
    x->switching_all = !(ops->flags & SCX_OPS_SWITCH_PARTIAL);
    x->enabled = true;
    switch_all_tasks(x);
    scx_bypass(x, false);
    if (x->exit_kind != SCX_EXIT_NONE)
        return false;
    x->state = SCX_ENABLED;
    x->switched_all = x->switching_all;
    x->enable_seq++;
    return true;
}

/* ---- leaving ---- */

void
ext_unload(struct kernel *k)
{
    if (k->scx != NULL)
        scx_fail(k->scx, SCX_EXIT_UNREG, 0, "%s", "");
}

/* An interrupt shows what it was; the thread that it wakes comes a little later. */
static bool
waits_for_thread(struct scx *x)
{
    uint64_t delay = x->k->params.ext.disable_delay;

    if (!x->exit_is_new)
        return false;
    x->exit_is_new = false;
    if (x->exit.kind >= SCX_EXIT_ERROR)
        scx_dump_state(x);
    if (delay > 0)
        engine_at(&x->k->engine, &x->disable_ev, x->k->engine.now + delay);
    return delay > 0;
}

/* It has erred, or is to leave: from now on the tasks do without it. */
void
scx_disable_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct scx *x = k->scx;
    bool tasks = x->enabled;
    (void)ev;

    k->this_cpu = k->start_cpu;
    if (waits_for_thread(x))
        return;
    scx_bypass(x, true);
    x->state = SCX_DISABLING;
    x->switched_all = x->switching_all = false;
    nohz_balance_resume(k);
    engine_at(&k->engine, &x->finish_ev, k->engine.now + (tasks ? k->params.ext.unload_time : 0));
}

static void
return_all_tasks(struct scx *x)
{
    struct kernel *k = x->k;

    x->init_task_enabled = false;
    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        struct task *p = k->tasks[i];

        if (exists(p) && is_ext(p))
            sched_class_refresh(k, p);
        scx_exit_task_now(x, p);
    }
    x->dead = NULL;
    x->dead_tail = &x->dead;
    engine_cancel(&k->engine, &x->dead_ev);
}

/* Its memory goes; what it counted is still asked for. */
static void
keep_stats(struct scx *x)
{
    uint64_t value;

    for (uint32_t i = 0; i < SCX_STATS_MAX && ext_stat(x->k, i, &value) != NULL; i++)
        x->last_stats[i] = value;
}

void
scx_finish_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct scx *x = k->scx;
    (void)ev;

    k->this_cpu = k->start_cpu;
    scx_cgroup_exit_all(x);
    return_all_tasks(x);
    x->enabled = false;
    x->has_op = 0;
    if (x->ops->exit != NULL)
        SCX_CALL(x, exit, NULL, &x->exit);
    engine_cancel(&k->engine, &x->watchdog_ev);
    scx_timers_cancel(x);
    dsq_destroy_all(x);
    keep_stats(x);
    x->state = SCX_DISABLED;
    scx_bypass(x, false);
    arena_free(x->arena);
    x->arena = NULL;
    x->priv = NULL;
    (void)scx_load_due(x);
}
