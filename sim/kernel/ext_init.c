/*
 * Room for programmable policies in a run, and when one comes and goes.
 */
#include "kernel/ext_impl.h"

/* ---- the machine as policies see it ---- */

static const struct cpumask **
llc_masks(struct kernel *k)
{
    const struct machine *m = k->machine;
    const struct cpumask **by_cpu = arena_new_array(k->arena, const struct cpumask *, m->nr_cpus);
    struct cpumask **by_llc = arena_new_array(k->arena, struct cpumask *, m->nr_llcs + 1);

    for_each_cpu (cpu, m->present) {
        int llc = m->cpus[cpu].llc;

        if (llc < 0 || (uint32_t)llc >= m->nr_llcs)
            continue;
        if (by_llc[llc] == NULL)
            by_llc[llc] = cpumask_new(k->arena, m->nr_cpus);
        cpumask_set(by_llc[llc], (uint32_t)cpu);
        by_cpu[cpu] = by_llc[llc];
    }
    return by_cpu;
}

/* Insertion sort: equals stay in the order of their numbers; a node comes first in its own list. */
static int32_t *
nodes_by_distance(struct kernel *k)
{
    const struct machine *m = k->machine;
    int32_t *all = arena_new_array(k->arena, int32_t, m->nr_nodes * m->nr_nodes);

    for (uint32_t from = 0; from < m->nr_nodes; from++) {
        int32_t *list = &all[from * m->nr_nodes];
        uint32_t nr = 1;

        list[0] = (int32_t)from;
        for (uint32_t n = 0; n < m->nr_nodes; n++) {
            uint32_t at = nr;

            if (n == from)
                continue;
            while (at > 1 && machine_distance(m, from, (uint32_t)list[at - 1]) >
                                 machine_distance(m, from, n)) {
                list[at] = list[at - 1];
                at--;
            }
            list[at] = (int32_t)n;
            nr++;
        }
    }
    return all;
}

/* ---- at given times ---- */

static void
arm_change(struct scx *x)
{
    if (x->nr_changes > 0)
        engine_at(&x->k->engine, &x->change_ev, x->changes->at);
}

bool
scx_load_due(struct scx *x)
{
    const struct ext_change *c = x->due;

    x->due = NULL;
    if (c == NULL || c->ops == NULL)
        return true;
    x->k->this_cpu = x->k->start_cpu;
    return ext_load(x->k, c->ops, c->params);
}

/* The next policy's turn: as soon as there is none. One that is still waited for is skipped. */
static bool
change(struct scx *x)
{
    x->due = x->changes++;
    x->nr_changes--;
    arm_change(x);
    if (x->state == SCX_DISABLED)
        return scx_load_due(x);
    ext_unload(x->k);
    return true;
}

static void
change_fire(struct engine *eng, struct event *ev)
{
    const struct kernel *k = eng->owner;
    (void)ev;

    (void)change(k->scx);
}

static void
unload_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    (void)ev;

    k->scx->due = NULL;
    ext_unload(k);
}

bool
ext_plan(struct kernel *k, const struct ext_change *changes, uint32_t nr)
{
    struct scx *x = k->scx;

    x->changes = changes;
    x->nr_changes = x->max_past = nr;
    x->past = arena_new_array(k->arena, struct ext_past, nr);
    if (k->params.ext.unload_at != 0)
        engine_at(&k->engine, &x->unload_ev, k->params.ext.unload_at);
    if (nr > 0 && changes->at == 0)
        return change(x);
    arm_change(x);
    return true;
}

/* ---- once for a run ---- */

void
ext_init(struct kernel *k)
{
    const struct machine *m = k->machine;
    struct arena *a = k->arena;
    struct scx *x = arena_new_object(a, struct scx);

    x->k = k;
    x->dead_tail = &x->dead;
    x->rqs = arena_new_array(a, struct scx_rq, m->nr_cpus);
    for (uint32_t cpu = 0; cpu < m->nr_cpus; cpu++) {
        struct scx_rq *er = &x->rqs[cpu];

        er->rq = &k->rqs[cpu];
        dsq_init(&er->local, SCX_DSQ_LOCAL, (int)cpu);
        list_init(&er->runnable);
        list_init(&er->deferred);
        er->kick = cpumask_new(a, m->nr_cpus);
        er->kick_if_idle = cpumask_new(a, m->nr_cpus);
        er->preempt = cpumask_new(a, m->nr_cpus);
        event_init(&k->engine, &er->kick_ev, EVENT_EXT, cpu, PHASE_ARRIVE, scx_kick_fire);
    }
    x->global = arena_new_array(a, struct scx_dsq, m->nr_nodes);
    x->node_cpus = arena_new_array(a, struct cpumask *, m->nr_nodes);
    x->node_smt = arena_new_array(a, struct cpumask *, m->nr_nodes);
    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        dsq_init(&x->global[n], SCX_DSQ_GLOBAL, -1);
        x->node_cpus[n] = cpumask_new(a, m->nr_cpus);
        x->node_smt[n] = cpumask_new(a, m->nr_cpus);
    }
    x->idle_cpus = cpumask_new(a, m->nr_cpus);
    x->idle_smt = cpumask_new(a, m->nr_cpus);
    x->scratch = cpumask_new(a, m->nr_cpus);
    x->scratch2 = cpumask_new(a, m->nr_cpus);
    x->mask_arg = cpumask_new(a, m->nr_cpus);
    event_init(&k->engine, &x->disable_ev, EVENT_EXT, m->nr_cpus, PHASE_ARRIVE, scx_disable_fire);
    event_init(&k->engine, &x->finish_ev, EVENT_EXT, m->nr_cpus + 1, PHASE_ARRIVE, scx_finish_fire);
    event_init(&k->engine, &x->watchdog_ev, EVENT_EXT, m->nr_cpus + 2, PHASE_BALANCE,
               scx_watchdog_fire);
    event_init(&k->engine, &x->dead_ev, EVENT_EXT, m->nr_cpus + 3, PHASE_ARRIVE, scx_dead_fire);
    event_init(&k->engine, &x->nice_ev, EVENT_EXT, m->nr_cpus + 4, PHASE_ARRIVE, scx_nice_fire);
    event_init(&k->engine, &x->change_ev, EVENT_EXT, m->nr_cpus + 5, PHASE_ARRIVE, change_fire);
    event_init(&k->engine, &x->move_ev, EVENT_EXT, m->nr_cpus + 7, PHASE_ARRIVE, scx_move_fire);
    event_init(&k->engine, &x->unload_ev, EVENT_EXT, m->nr_cpus + 6, PHASE_ARRIVE, unload_fire);
    x->llc_cpus = llc_masks(k);
    x->nearest = nodes_by_distance(k);
    k->scx = x;
}
