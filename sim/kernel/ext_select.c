/*
 * On which CPU a task of the ext class is queued: what ops.select_cpu() says, or the built-in
 * choice among idle CPUs (sched-ext.md 3, 6).
 */
#include "kernel/ext_impl.h"

#include "kernel/select.h"

static uint64_t
kernel_wake_flags(int flags)
{
    return (flags & WF_FORK ? SCX_WAKE_FORK : 0) | (flags & WF_TTWU ? SCX_WAKE_TTWU : 0) |
           (flags & WF_SYNC ? SCX_WAKE_SYNC : 0);
}

static int
select_by_policy(struct scx *x, struct task *p, uint64_t wake_flags)
{
    struct scx_frame f;
    int cpu;

    x->ddsp_task = p;
    x->ddsp_spoiled = false;
    scx_op_begin(x, &f, SCX_OP_select_cpu, p);
    cpu = x->ops->select_cpu(x, p, p->cpu, wake_flags);
    scx_op_end(x, &f);
    x->ddsp_task = NULL;
    x->ddsp_spoiled = false;
    if (unlikely(f.overran && x->k->params.ext.on_overrun == EXT_OVERRUN_DEFAULT)) {
        clear_direct_dispatch(p->scx);
        return -1;
    }
    return scx_cpu_valid(x, cpu, "from ops.select_cpu()") ? cpu : p->cpu;
}

static int
select_builtin(struct scx *x, struct task *p, uint64_t wake_flags)
{
    bool found;
    int cpu = select_cpu_dfl(x, p, p->cpu, wake_flags, &found);

    if (found) {
        p->scx->slice = SCX_SLICE_DFL;
        p->scx->ddsp_dsq_id = SCX_DSQ_LOCAL;
    }
    return cpu;
}

int
select_task_rq_scx(struct kernel *k, struct task *p, int this_cpu, int flags)
{
    struct scx *x = k->scx;
    bool asks = SCX_HAS(x, select_cpu) && !scx_bypassing(x);
    uint64_t wake_flags = kernel_wake_flags(flags);
    int cpu = -1;

    if (flags & WF_EXEC)
        return p->cpu;
    if (asks)
        cpu = select_by_policy(x, p, wake_flags);
    if (cpu < 0)
        cpu = select_builtin(x, p, wake_flags);
    p->scx->cpu_selected = flags & WF_TTWU;
    if (unlikely(!cpumask_test(p->allowed, (uint32_t)cpu) || !k->machine->cpus[cpu].online)) {
        cpu = select_fallback_rq(k, p);
        x->events.SELECT_CPU_FALLBACK++;
    }
    return (int)probe_decide(k, flags & WF_FORK ? DECISION_FORK : DECISION_WAKE,
                             asks ? "ops.select_cpu" : "scx_select_cpu_dfl", p, this_cpu, cpu);
}
