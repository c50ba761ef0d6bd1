/*
 * From the kernel into a script: for each operation that a script has, a function that puts its
 * arguments on the stack, calls, and reads the result.
 *
 * What a script leaves out of a result is not an error: select_cpu without one is the kernel's own
 * choice, and the placement hooks without one say "as the kernel would".
 */
#include "script/script_impl.h"

static void
push_u64(lua_State *L, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
}

/* ---- the operations ---- */

enum { NO_CPU = -1000 };

static int
op_select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    lua_State *L = script_begin(scx, SCX_OP_select_cpu, p);
    bool is_idle = false;

    script_push_task(L, p);
    lua_pushinteger(L, prev_cpu);
    push_u64(L, wake_flags);
    int64_t cpu = script_call_for_number(scx, 3, NO_CPU);
    if (cpu != NO_CPU)
        return cpu < 0 || cpu > INT_MAX ? -1 : (int)cpu;
    cpu = scx_select_cpu_dfl(scx, p, prev_cpu, wake_flags, &is_idle);
    if (is_idle)
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
    return (int)cpu;
}

static void
with_flags(struct scx *scx, enum scx_op op, struct task *p, uint64_t flags)
{
    lua_State *L = script_begin(scx, op, p);

    script_push_task(L, p);
    push_u64(L, flags);
    script_call(scx, 2, 0);
}

#define OP_FLAGS(op)                                                                               \
    static void op_##op(struct scx *scx, struct task *p, uint64_t flags)                           \
    {                                                                                              \
        with_flags(scx, SCX_OP_##op, p, flags);                                                    \
    }
OP_FLAGS(enqueue)
OP_FLAGS(dequeue)
OP_FLAGS(runnable)
OP_FLAGS(quiescent)

#define OP_TASK(op)                                                                                \
    static void op_##op(struct scx *scx, struct task *p)                                           \
    {                                                                                              \
        script_push_task(script_begin(scx, SCX_OP_##op, p), p);                                    \
        script_call(scx, 1, 0);                                                                    \
    }
OP_TASK(tick)
OP_TASK(running)
OP_TASK(enable)
OP_TASK(disable)

static void
op_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    lua_State *L = script_begin(scx, SCX_OP_dispatch, prev);

    lua_pushinteger(L, cpu);
    script_push_task(L, prev);
    script_call(scx, 2, 0);
}

static void
op_stopping(struct scx *scx, struct task *p, bool runnable)
{
    lua_State *L = script_begin(scx, SCX_OP_stopping, p);

    script_push_task(L, p);
    lua_pushboolean(L, runnable);
    script_call(scx, 2, 0);
}

static bool
op_yield(struct scx *scx, struct task *from, struct task *to)
{
    lua_State *L = script_begin(scx, SCX_OP_yield, from);

    script_push_task(L, from);
    script_push_task(L, to);
    return script_call_for_bool(scx, 2);
}

static void
op_set_weight(struct scx *scx, struct task *p, uint32_t weight)
{
    with_flags(scx, SCX_OP_set_weight, p, weight);
}

/* The mask itself would have to be made outside of a call: scx.task_cpumask(p) gives it. */
static void
op_set_cpumask(struct scx *scx, struct task *p, const struct cpumask *allowed)
{
    (void)allowed;
    script_push_task(script_begin(scx, SCX_OP_set_cpumask, p), p);
    script_call(scx, 1, 0);
}

static void
op_update_idle(struct scx *scx, int cpu, bool idle)
{
    lua_State *L = script_begin(scx, SCX_OP_update_idle, NULL);

    lua_pushinteger(L, cpu);
    lua_pushboolean(L, idle);
    script_call(scx, 2, 0);
}

static void
op_cpu_acquire(struct scx *scx, int cpu, const struct scx_cpu_acquire_args *args)
{
    (void)args;
    lua_pushinteger(script_begin(scx, SCX_OP_cpu_acquire, NULL), cpu);
    script_call(scx, 1, 0);
}

static void
op_cpu_release(struct scx *scx, int cpu, const struct scx_cpu_release_args *args)
{
    lua_State *L = script_begin(scx, SCX_OP_cpu_release, args->task);

    lua_pushinteger(L, cpu);
    lua_pushinteger(L, args->reason);
    script_push_task(L, args->task);
    script_call(scx, 3, 0);
}

static int
op_init_task(struct scx *scx, struct task *p, const struct scx_init_task_args *args)
{
    lua_State *L = script_begin(scx, SCX_OP_init_task, p);

    script_push_task(L, p);
    lua_pushboolean(L, args->fork);
    script_push_cgroup(L, scx, args->cgroup);
    return (int)script_call_for_number(scx, 3, 0);
}

static void
op_exit_task(struct scx *scx, struct task *p, const struct scx_exit_task_args *args)
{
    lua_State *L = script_begin(scx, SCX_OP_exit_task, p);

    script_push_task(L, p);
    lua_pushboolean(L, args->cancelled);
    script_call(scx, 2, 0);
}

static void
op_cpu_online(struct scx *scx, int cpu)
{
    lua_pushinteger(script_begin(scx, SCX_OP_cpu_online, NULL), cpu);
    script_call(scx, 1, 0);
}

static void
op_cpu_offline(struct scx *scx, int cpu)
{
    lua_pushinteger(script_begin(scx, SCX_OP_cpu_offline, NULL), cpu);
    script_call(scx, 1, 0);
}

static void
op_timer(struct scx *scx, uint32_t timer)
{
    lua_pushinteger(script_begin(scx, SCX_OP_timer, NULL), timer);
    script_call(scx, 1, 0);
}

static bool
op_balance(struct scx *scx, int dst, int src)
{
    lua_State *L = script_begin(scx, SCX_OP_balance, NULL);

    lua_pushinteger(L, dst);
    lua_pushinteger(L, src);
    return script_call_for_bool(scx, 2);
}

static int
op_alloc(struct scx *scx, struct task *p, const struct scx_alloc_args *args)
{
    lua_State *L = script_begin(scx, SCX_OP_alloc, p);

    script_push_task(L, p);
    lua_pushinteger(L, args->cpu);
    lua_pushinteger(L, args->node);
    push_u64(L, args->pages);
    push_u64(L, args->usable);
    return (int)script_call_for_number(scx, 5, -1);
}

static int
op_hint_fault(struct scx *scx, struct task *p, const struct scx_hint_fault_args *args)
{
    lua_State *L = script_begin(scx, SCX_OP_hint_fault, p);

    script_push_task(L, p);
    lua_pushinteger(L, args->cpu);
    lua_pushinteger(L, args->cpu_node);
    lua_pushinteger(L, args->page_node);
    push_u64(L, args->pages);
    lua_pushboolean(L, args->migrate);
    return (int)script_call_for_number(scx, 6, -1);
}

static int64_t
op_scan(struct scx *scx, struct task *p, uint64_t pages)
{
    lua_State *L = script_begin(scx, SCX_OP_scan, p);

    script_push_task(L, p);
    push_u64(L, pages);
    return script_call_for_number(scx, 2, -1);
}

/* ---- groups ---- */

static int
op_cgroup_init(struct scx *scx, struct task_group *cgrp, const struct scx_cgroup_init_args *args)
{
    lua_State *L = script_begin(scx, SCX_OP_cgroup_init, NULL);

    script_push_cgroup(L, scx, cgrp);
    lua_pushinteger(L, args->weight);
    push_u64(L, args->bw_period_us);
    push_u64(L, args->bw_quota_us);
    push_u64(L, args->bw_burst_us);
    return (int)script_call_for_number(scx, 5, 0);
}

static void
op_cgroup_exit(struct scx *scx, struct task_group *cgrp)
{
    script_push_cgroup(script_begin(scx, SCX_OP_cgroup_exit, NULL), scx, cgrp);
    script_call(scx, 1, 0);
}

static lua_State *
begin_move(struct scx *scx, enum scx_op op, struct task *p, struct task_group *from,
           struct task_group *to)
{
    lua_State *L = script_begin(scx, op, p);

    script_push_task(L, p);
    script_push_cgroup(L, scx, from);
    script_push_cgroup(L, scx, to);
    return L;
}

static int
op_cgroup_prep_move(struct scx *scx, struct task *p, struct task_group *from, struct task_group *to)
{
    begin_move(scx, SCX_OP_cgroup_prep_move, p, from, to);
    return (int)script_call_for_number(scx, 3, 0);
}

static void
op_cgroup_move(struct scx *scx, struct task *p, struct task_group *from, struct task_group *to)
{
    begin_move(scx, SCX_OP_cgroup_move, p, from, to);
    script_call(scx, 3, 0);
}

static void
op_cgroup_cancel_move(struct scx *scx, struct task *p, struct task_group *from,
                      struct task_group *to)
{
    begin_move(scx, SCX_OP_cgroup_cancel_move, p, from, to);
    script_call(scx, 3, 0);
}

static void
op_cgroup_set_weight(struct scx *scx, struct task_group *cgrp, uint32_t weight)
{
    lua_State *L = script_begin(scx, SCX_OP_cgroup_set_weight, NULL);

    script_push_cgroup(L, scx, cgrp);
    lua_pushinteger(L, weight);
    script_call(scx, 2, 0);
}

static void
op_cgroup_set_bandwidth(struct scx *scx, struct task_group *cgrp, uint64_t period_us,
                        uint64_t quota_us, uint64_t burst_us)
{
    lua_State *L = script_begin(scx, SCX_OP_cgroup_set_bandwidth, NULL);

    script_push_cgroup(L, scx, cgrp);
    push_u64(L, period_us);
    push_u64(L, quota_us);
    push_u64(L, burst_us);
    script_call(scx, 4, 0);
}

static void
op_cgroup_set_idle(struct scx *scx, struct task_group *cgrp, bool idle)
{
    lua_State *L = script_begin(scx, SCX_OP_cgroup_set_idle, NULL);

    script_push_cgroup(L, scx, cgrp);
    lua_pushboolean(L, idle);
    script_call(scx, 2, 0);
}

/* ---- dumps ---- */

static void
op_dump(struct scx *scx, const struct scx_dump_ctx *ctx)
{
    lua_pushinteger(script_begin(scx, SCX_OP_dump, NULL), ctx->kind);
    script_call(scx, 1, 0);
}

static void
op_dump_cpu(struct scx *scx, const struct scx_dump_ctx *ctx, int cpu, bool idle)
{
    lua_State *L = script_begin(scx, SCX_OP_dump_cpu, NULL);

    (void)ctx;
    lua_pushinteger(L, cpu);
    lua_pushboolean(L, idle);
    script_call(scx, 2, 0);
}

static void
op_dump_task(struct scx *scx, const struct scx_dump_ctx *ctx, struct task *p)
{
    (void)ctx;
    script_push_task(script_begin(scx, SCX_OP_dump_task, p), p);
    script_call(scx, 1, 0);
}

void
script_set_ops(struct script *s, struct sched_ops *ops)
{
#define op_init script_op_init
#define op_exit script_op_exit
#define X(op, context)                                                                             \
    if (s->present & UINT64_C(1) << SCX_OP_##op)                                                   \
        ops->op = op_##op;
    SCX_OPS(X)
#undef X
    ops->init = script_op_init;
    ops->exit = script_op_exit;
}
