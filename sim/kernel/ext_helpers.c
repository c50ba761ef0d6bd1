/*
 * What policies may ask of the machine: CPUs, nodes, caches; and what they may ask for besides.
 */
#include "kernel/ext_impl.h"

#include <errno.h>

#include "kernel/mempolicy.h"
#include "kernel/migrate.h"
#include "kernel/mm.h"
#include "kernel/select.h"

static bool
is_node(const struct scx *x, int node)
{
    return node >= 0 && (uint32_t)node < x->k->machine->nr_nodes;
}

uint32_t
scx_nr_cpu_ids(struct scx *x)
{
    return x->k->machine->nr_cpus;
}

const struct cpumask *
scx_possible_cpumask(struct scx *x)
{
    return x->k->machine->present;
}

const struct cpumask *
scx_online_cpumask(struct scx *x)
{
    return x->k->machine->online;
}

int
scx_this_cpu(struct scx *x)
{
    return x->k->this_cpu;
}

struct task *
scx_cpu_curr(struct scx *x, int cpu)
{
    scx_cost(x);
    return scx_cpu_valid(x, cpu, NULL) ? x->k->rqs[cpu].curr : NULL;
}

uint32_t
scx_cpuperf_cap(struct scx *x, int cpu)
{
    return scx_cpu_valid(x, cpu, NULL) ? x->k->machine->cpus[cpu].capacity : 1024;
}

uint32_t
scx_cpuperf_cur(struct scx *x, int cpu)
{
    scx_cpu_valid(x, cpu, NULL);
    return 1024;
}

void
scx_cpuperf_set(struct scx *x, int cpu, uint32_t perf)
{
    scx_cost(x);
    if (perf > 1024)
        scx_ops_error(x, "Invalid cpuperf target %u for CPU %d", perf, cpu);
    else
        scx_cpu_valid(x, cpu, NULL);
}

int
scx_cpu_sibling(struct scx *x, int cpu)
{
    const struct cpumask *core = scx_cpu_valid(x, cpu, NULL) ? cpu_smt_mask(x->k, cpu) : NULL;

    if (core != NULL)
        for_each_cpu (c, core)
            if (c != cpu)
                return c;
    return -1;
}

int
scx_cpu_llc(struct scx *x, int cpu)
{
    return scx_cpu_valid(x, cpu, NULL) ? x->k->machine->cpus[cpu].llc : -1;
}

const struct cpumask *
scx_llc_cpumask(struct scx *x, int cpu)
{
    return x->llc_cpus[cpu];
}

/* ---- nodes ---- */

uint32_t
scx_nr_nodes(struct scx *x)
{
    return x->k->machine->nr_nodes;
}

int
scx_cpu_node(struct scx *x, int cpu)
{
    return scx_cpu_valid(x, cpu, NULL) ? x->k->rqs[cpu].node : -1;
}

const struct cpumask *
scx_node_cpumask(struct scx *x, int node)
{
    return x->k->machine->nodes[is_node(x, node) ? node : 0].cpus;
}

uint32_t
scx_node_distance(struct scx *x, int from, int to)
{
    return is_node(x, from) && is_node(x, to)
               ? machine_distance(x->k->machine, (uint32_t)from, (uint32_t)to)
               : 255;
}

int
scx_nearest_node(struct scx *x, int node, int rank)
{
    uint32_t nr = x->k->machine->nr_nodes;

    if (!is_node(x, node) || rank < 0 || (uint32_t)rank >= nr)
        return -1;
    return x->nearest[(uint32_t)node * nr + (uint32_t)rank];
}

uint64_t
scx_node_free_pages(struct scx *x, int node)
{
    scx_cost(x);
    return is_node(x, node) ? x->k->mm->nodes[node].free_pages : 0;
}

/* ---- changes ---- */

/* Nice levels change when the operation is over: it may stand in the middle of a queue. */
void
scx_set_nice(struct scx *x, struct task *p, int nice)
{
    struct scx_task *s = p->scx;

    scx_cost(x);
    if (s == NULL)
        return;
    if (nice < -20 || nice > 19) {
        scx_ops_error(x, "there is no nice level %d", nice);
        return;
    }
    s->new_nice = (int8_t)nice;
    s->nice_cpu = x->k->this_cpu;
    if (s->nice_due)
        return;
    s->nice_due = true;
    s->next_nice = x->nice_due;
    x->nice_due = s;
    engine_at(&x->k->engine, &x->nice_ev, x->k->engine.now);
}

void
scx_nice_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct scx *x = k->scx;
    (void)ev;

    while (x->nice_due != NULL) {
        struct scx_task *s = x->nice_due;

        x->nice_due = s->next_nice;
        s->nice_due = false;
        k->this_cpu = hotplug_interrupt_cpu(k, s->nice_cpu);
        if (s->p->state != TASK_DEAD)
            task_set_nice(k, s->p, s->new_nice);
    }
}

void
scx_request_balance(struct scx *x, int cpu)
{
    scx_cost(x);
    if (!scx_cpu_valid(x, cpu, NULL))
        return;
    x->rqs[cpu].wants_balance = true;
    scx_kick(x, x->k->this_cpu, cpu, SCX_KICK_IDLE);
}

int
scx_set_mempolicy(struct scx *x, struct task *p, enum scx_mempolicy mode, nodemask nodes)
{
    static const enum mempolicy_mode modes[] = {
        [SCX_MPOL_DEFAULT] = MPOL_DEFAULT,
        [SCX_MPOL_PREFERRED] = MPOL_PREFERRED,
        [SCX_MPOL_BIND] = MPOL_BIND,
        [SCX_MPOL_INTERLEAVE] = MPOL_INTERLEAVE,
        [SCX_MPOL_LOCAL] = MPOL_LOCAL,
        [SCX_MPOL_PREFERRED_MANY] = MPOL_PREFERRED_MANY,
        [SCX_MPOL_WEIGHTED_INTERLEAVE] = MPOL_WEIGHTED_INTERLEAVE,
    };

    scx_cost(x);
    if ((uint32_t)mode >= ARRAY_LEN(modes) || p->mem == NULL)
        return -EINVAL;
    struct mempolicy policy = { .mode = modes[mode], .user_nodes = nodes };
    if (mode != SCX_MPOL_DEFAULT && mode != SCX_MPOL_LOCAL &&
        !mempolicy_apply(&policy, task_mems(x->k, p)))
        return -EINVAL;
    task_set_mempolicy(p, &policy);
    return 0;
}

/* ---- what has happened ---- */

void
scx_events(struct scx *x, struct scx_event_stats *events)
{
    *events = x->events;
    if (scx_bypassing(x))
        events->BYPASS_DURATION += x->k->engine.now - x->bypass_since;
}

/* ---- for adapters ---- */

void
scx_at_unload(struct scx *x, void (*f)(void *arg), void *arg)
{
    arena_on_free(x->arena, f, arg);
}

void
scx_charge(struct scx *x, sim_time ns)
{
    if (x->frame != NULL)
        x->frame->cost += ns;
}

void
scx_overrun(struct scx *x, const char *what)
{
    if (x->frame == NULL)
        return;
    x->frame->overran = true;
    x->overruns++;
    if (x->k->params.ext.on_overrun == EXT_OVERRUN_EJECT)
        scx_ops_error(x, "ops.%s(): %s", scx_op_names[x->frame->op], what);
}
