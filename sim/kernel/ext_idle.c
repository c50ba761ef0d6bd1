/*
 * Which CPUs idle, and the kernel's own choice of a CPU (sched-ext.md 6).
 *
 * Two masks: idle CPUs, and CPUs of wholly idle cores. A bit is set when the CPU goes idle, and
 * cleared when it stops or by whoever claims it. A policy with BUILTIN_IDLE_PER_NODE gets the
 * choice of later kernels: nearer CPUs first.
 */
#include "kernel/ext_impl.h"

#include <errno.h>

#include "kernel/push.h"
#include "kernel/select.h"

bool
scx_cpu_valid(struct scx *x, int cpu, const char *where)
{
    if (likely(cpu >= 0 && (uint32_t)cpu < x->k->machine->nr_cpus &&
               cpumask_test(x->k->machine->present, (uint32_t)cpu)))
        return true;
    scx_ops_error(x, "invalid CPU %d%s%s", cpu, where != NULL ? " " : "",
                  where != NULL ? where : "");
    return false;
}

void
idle_reset(struct scx *x)
{
    cpumask_copy(x->idle_cpus, x->k->machine->online);
    cpumask_copy(x->idle_smt, x->k->machine->online);
}

/* The CPU's core is not wholly idle any more. An offline CPU is in no core. */
static void
core_is_busy(struct scx *x, int cpu)
{
    const struct cpumask *core = cpu_smt_mask(x->k, cpu);

    cpumask_clear(x->idle_smt, (uint32_t)cpu);
    if (core != NULL)
        for_each_cpu (c, core)
            cpumask_clear(x->idle_smt, (uint32_t)c);
}

static void
update_masks(struct scx *x, int cpu, bool idle)
{
    const struct cpumask *core = cpu_smt_mask(x->k, cpu);

    x->rqs[cpu].idle_known = true;
    if (idle)
        cpumask_set(x->idle_cpus, (uint32_t)cpu);
    else
        cpumask_clear(x->idle_cpus, (uint32_t)cpu);
    if (!x->k->smt_active)
        return;
    if (!idle)
        core_is_busy(x, cpu);
    else if (core != NULL && cpumask_subset(core, x->idle_cpus))
        cpumask_or(x->idle_smt, x->idle_smt, core);
}

void
scx_update_idle(struct scx *x, struct rq *rq, bool idle, bool notify)
{
    if (SCX_HAS(x, update_idle) && notify && !scx_bypassing(x))
        SCX_CALL(x, update_idle, NULL, rq->cpu, idle);
    if (x->builtin_idle)
        update_masks(x, rq->cpu, idle);
}

/* ---- claiming and picking ---- */

bool
claim_idle_cpu(struct scx *x, int cpu)
{
    if (x->k->smt_active)
        core_is_busy(x, cpu);
    if (!cpumask_test(x->idle_cpus, (uint32_t)cpu))
        return false;
    cpumask_clear(x->idle_cpus, (uint32_t)cpu);
    return true;
}

/* Any CPU of both, another one than the last time. */
static int
any_of(struct scx *x, const struct cpumask *idle, const struct cpumask *allowed)
{
    return cpumask_any_and_distribute(&x->k->rqs[x->k->this_cpu], idle, allowed);
}

int
pick_idle_cpu(struct scx *x, const struct cpumask *allowed, uint64_t flags)
{
    for (;;) {
        int cpu = -1;

        if (x->k->smt_active) {
            cpu = any_of(x, x->idle_smt, allowed);
            if (cpu < 0 && flags & SCX_PICK_IDLE_CORE)
                return -EBUSY;
        }
        if (cpu < 0)
            cpu = any_of(x, x->idle_cpus, allowed);
        if (cpu < 0)
            return -EBUSY;
        if (claim_idle_cpu(x, cpu))
            return cpu;
    }
}

int
pick_idle_cpu_from(struct scx *x, const struct cpumask *allowed, int node, uint64_t flags)
{
    const struct machine *m = x->k->machine;

    for (int rank = 0; rank < (int)m->nr_nodes; rank++) {
        int at = scx_nearest_node(x, node, rank);

        cpumask_and(x->scratch2, allowed, m->nodes[at].cpus);
        int cpu = pick_idle_cpu(x, x->scratch2, flags);
        if (cpu >= 0 || flags & SCX_PICK_IDLE_IN_NODE)
            return cpu;
    }
    return -EBUSY;
}

/* ---- the kernel's choice ---- */

static bool
waker_cpu_fits(struct scx *x, const struct task *p, uint64_t wake_flags)
{
    int cpu = x->k->this_cpu;
    const struct task *waker = x->k->rqs[cpu].curr;

    return wake_flags & SCX_WAKE_SYNC && !cpumask_empty(x->idle_cpus) &&
           !(waker != NULL && waker->scx != NULL && waker->scx->exiting) &&
           x->rqs[cpu].local.nr == 0 && cpumask_test(p->allowed, (uint32_t)cpu);
}

/* That of 6.12: no caches, no nodes. -1: none idles. */
static int
select_anywhere(struct scx *x, const struct cpumask *allowed, int prev)
{
    int cpu;

    if (x->k->smt_active) {
        if (cpumask_test(x->idle_smt, (uint32_t)prev) && claim_idle_cpu(x, prev))
            return prev;
        cpu = pick_idle_cpu(x, allowed, SCX_PICK_IDLE_CORE);
        if (cpu >= 0)
            return cpu;
    }
    if (claim_idle_cpu(x, prev))
        return prev;
    return pick_idle_cpu(x, allowed, 0);
}

/* Of the CPUs that share the cache of prev, then of its node, then of nodes by distance. */
static int
pick_near(struct scx *x, const struct cpumask *allowed, int prev, uint64_t flags)
{
    const struct cpumask *llc = scx_llc_cpumask(x, prev);

    if (llc != NULL) {
        cpumask_and(x->scratch, allowed, llc);
        int cpu = pick_idle_cpu(x, x->scratch, flags);
        if (cpu >= 0)
            return cpu;
    }
    return pick_idle_cpu_from(x, allowed, x->k->rqs[prev].node, flags);
}

/* That of later kernels. */
static int
select_near(struct scx *x, const struct cpumask *allowed, int prev)
{
    bool may_prev = cpumask_test(allowed, (uint32_t)prev);
    int cpu;

    if (x->k->smt_active) {
        if (may_prev && cpumask_test(x->idle_smt, (uint32_t)prev) && claim_idle_cpu(x, prev))
            return prev;
        cpu = pick_near(x, allowed, prev, SCX_PICK_IDLE_CORE);
        if (cpu >= 0)
            return cpu;
    }
    if (may_prev && claim_idle_cpu(x, prev))
        return prev;
    cpu = scx_cpu_sibling(x, prev);
    if (cpu >= 0 && cpumask_test(allowed, (uint32_t)cpu) && claim_idle_cpu(x, cpu))
        return cpu;
    return pick_near(x, allowed, prev, 0);
}

static int
select_idle(struct scx *x, const struct cpumask *allowed, int prev)
{
    return x->per_node_idle ? select_near(x, allowed, prev) : select_anywhere(x, allowed, prev);
}

/* That of scx_select_cpu_and(), which came with a kernel that looks at prev only where it may. */
static int
select_idle_among(struct scx *x, const struct cpumask *allowed, int prev)
{
    if (!x->per_node_idle && !cpumask_test(allowed, (uint32_t)prev))
        return pick_idle_cpu(x, allowed, 0);
    return select_idle(x, allowed, prev);
}

int
select_cpu_dfl(struct scx *x, struct task *p, int prev, uint64_t wake_flags, bool *found)
{
    int cpu;

    *found = true;
    if (waker_cpu_fits(x, p, wake_flags)) {
        if (x->per_node_idle && scx_cpu_llc(x, prev) == scx_cpu_llc(x, x->k->this_cpu) &&
            cpumask_test(p->allowed, (uint32_t)prev) && claim_idle_cpu(x, prev))
            return prev;
        return x->k->this_cpu;
    }
    cpu = select_idle(x, p->allowed, prev);
    if (cpu >= 0)
        return cpu;
    *found = false;
    return prev;
}

/* ---- for policies ---- */

static bool
tracked(struct scx *x)
{
    if (!x->builtin_idle)
        scx_ops_error(x, "built-in idle tracking is disabled");
    return x->builtin_idle;
}

/* Masks are kept by node, or for the whole machine: those of the other kind are an error. */
static bool
tracked_as(struct scx *x, bool per_node)
{
    if (!tracked(x))
        return false;
    if (x->per_node_idle != per_node)
        scx_ops_error(x, "per-node idle tracking is %s", per_node ? "disabled" : "enabled");
    return x->per_node_idle == per_node;
}

int
scx_select_cpu_dfl(struct scx *x, struct task *p, int prev_cpu, uint64_t wake_flags, bool *is_idle)
{
    scx_cost(x);
    *is_idle = false;
    if (!scx_cpu_valid(x, prev_cpu, NULL) || !tracked(x) ||
        !scx_allowed(x, SCX_CTX_SELECT_CPU, "scx_select_cpu_dfl"))
        return prev_cpu;
    return select_cpu_dfl(x, p, prev_cpu, wake_flags, is_idle);
}

int
scx_select_cpu_and(struct scx *x, struct task *p, int prev_cpu, uint64_t wake_flags,
                   const struct cpumask *mask, uint64_t flags)
{
    (void)wake_flags;
    scx_cost(x);
    if (!scx_cpu_valid(x, prev_cpu, NULL) || !tracked(x) ||
        !scx_allowed(x, SCX_CTX_ENQUEUE, "scx_select_cpu_and"))
        return -EINVAL;
    struct cpumask *both = x->mask_arg;

    cpumask_and(both, mask, p->allowed);
    if (flags & SCX_PICK_IDLE_CORE)
        return pick_near(x, both, prev_cpu, flags);
    return select_idle_among(x, both, prev_cpu);
}

bool
scx_test_and_clear_cpu_idle(struct scx *x, int cpu)
{
    scx_cost(x);
    return tracked(x) && scx_cpu_valid(x, cpu, NULL) && claim_idle_cpu(x, cpu);
}

int
scx_pick_idle_cpu(struct scx *x, const struct cpumask *mask, uint64_t flags)
{
    scx_cost(x);
    return tracked_as(x, false) ? pick_idle_cpu(x, mask, flags) : -EBUSY;
}

static int
pick_any(struct scx *x, const struct cpumask *mask)
{
    int cpu = any_of(x, mask, mask);

    return cpu < 0 ? -EBUSY : cpu;
}

int
scx_pick_any_cpu(struct scx *x, const struct cpumask *mask, uint64_t flags)
{
    int cpu = -EBUSY;

    scx_cost(x);
    if (x->builtin_idle && tracked_as(x, false))
        cpu = pick_idle_cpu(x, mask, flags);
    return cpu >= 0 ? cpu : pick_any(x, mask);
}

int
scx_pick_idle_cpu_node(struct scx *x, const struct cpumask *mask, int node, uint64_t flags)
{
    scx_cost(x);
    if (!tracked_as(x, true) || node < 0 || (uint32_t)node >= x->k->machine->nr_nodes)
        return -EINVAL;
    return pick_idle_cpu_from(x, mask, node, flags);
}

int
scx_pick_any_cpu_node(struct scx *x, const struct cpumask *mask, int node, uint64_t flags)
{
    int cpu = scx_pick_idle_cpu_node(x, mask, node, flags);

    return cpu >= 0 ? cpu : pick_any(x, mask);
}

static const struct cpumask *
idle_smt(struct scx *x)
{
    return x->k->smt_active ? x->idle_smt : x->idle_cpus;
}

const struct cpumask *
scx_idle_cpumask(struct scx *x)
{
    tracked_as(x, false);
    return x->idle_cpus;
}

const struct cpumask *
scx_idle_smtmask(struct scx *x)
{
    tracked_as(x, false);
    return idle_smt(x);
}

static const struct cpumask *
of_node(struct scx *x, struct cpumask **masks, const struct cpumask *all, int node)
{
    tracked_as(x, true);
    if (node < 0 || (uint32_t)node >= x->k->machine->nr_nodes)
        node = 0;
    cpumask_and(masks[node], all, x->k->machine->nodes[node].cpus);
    return masks[node];
}

const struct cpumask *
scx_idle_cpumask_node(struct scx *x, int node)
{
    return of_node(x, x->node_cpus, x->idle_cpus, node);
}

const struct cpumask *
scx_idle_smtmask_node(struct scx *x, int node)
{
    return of_node(x, x->node_smt, idle_smt(x), node);
}
