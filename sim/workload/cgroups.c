/*
 * The workload's cgroups, the groups that the kernel makes by itself for sessions, and when CPUs go
 * and come.
 *
 * Limits are set before there are tasks, as a container's are. workload_limits() has looked at
 * every number.
 */
#include "kernel/cpuset.h"
#include "kernel/hotplug.h"
#include "workload/run.h"

static uint64_t
value_of(const struct workload_run *r, const struct wexpr *e, uint64_t def)
{
    uint64_t value = def;

    if (e->nr > 0)
        wexpr_eval(e, &r->env, &value);
    return value;
}

static void
set_share(struct kernel *k, struct task_group *tg, const struct wcgroup *g)
{
    if (g->idle)
        task_group_set_idle(k, tg, true);
    else if (g->by_nice)
        task_group_set_nice(k, tg, g->nice);
    else if (g->weight != CPU_WEIGHT_DEFAULT)
        task_group_set_weight(k, tg, g->weight);
}

static const char *
build_cgroup(struct workload_run *r, const struct wcgroup *g, struct task_group **to)
{
    struct kernel *k = r->k;
    struct task_group *parent = g->parent >= 0 ? r->cgroups[g->parent] : NULL;
    const char *leaf = strrchr(g->name, '/');
    struct task_group *tg = task_group_new(k, parent, leaf != NULL ? leaf + 1 : g->name);
    const char *why = NULL;
    struct mempolicy mems;

    *to = tg;
    set_share(k, tg, g);
    if (g->cpus.kind != WAFFINITY_ALL)
        task_group_set_cpus(k, tg, resolve_affinity(r, &g->cpus));
    resolve_policy(r, &g->mems, &mems);
    if (mems.user_nodes != 0)
        task_group_set_mems(k, tg, mems.user_nodes);
    if (g->quota.nr > 0)
        why = task_group_set_bandwidth(k, tg, value_of(r, &g->quota, CFS_NO_QUOTA),
                                       value_of(r, &g->period, CFS_PERIOD_DEFAULT),
                                       value_of(r, &g->burst, 0));
    return why == NULL ? NULL
                       : arena_printf(k->arena, "%s: %s: cpu.max: %s", r->w->file, g->name, why);
}

const char *
build_cgroups(struct workload_run *r)
{
    const char *why = NULL;

    r->cgroups = arena_new_array(r->k->arena, struct task_group *, r->w->nr_cgroups);
    for (uint32_t i = 0; i < r->w->nr_cgroups && why == NULL; i++)
        why = build_cgroup(r, &r->w->cgroups[i], &r->cgroups[i]);
    return why;
}

void
build_hotplug(struct workload_run *r)
{
    for (uint32_t i = 0; i < r->w->nr_hotplug; i++) {
        const struct whotplug *h = &r->w->hotplug[i];

        hotplug_at(r->k, h->at, resolve_cpus(r, &h->cpus, r->k->machine->present), h->online);
    }
}

struct task_group *
build_autogroup(struct kernel *k, uint32_t number)
{
    struct task_group *tg = task_group_new(k, NULL, arena_printf(k->arena, "autogroup-%u", number));

    tg->autogroup = true;
    return tg;
}

const struct cpumask *
resolve_affinity_in(struct workload_run *r, const struct waffinity *from, int32_t cgroup)
{
    const struct cpumask *cpus = resolve_affinity(r, from), *within;

    if (cgroup < 0)
        return cpus;
    within = r->cgroups[cgroup]->cpus;
    if (cpus == NULL || cpumask_subset(within, cpus))
        return within;
    if (cpumask_subset(cpus, within))
        return cpus;
    struct cpumask *both = cpumask_new(r->k->arena, r->k->machine->nr_cpus);
    cpumask_and(both, cpus, within);
    return both;
}
