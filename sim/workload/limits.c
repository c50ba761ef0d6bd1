/*
 * Does the workload fit the machine? Asked before anything is built, so that a file which wants
 * 10^9 threads costs nothing but a message.
 */
#include "kernel/group.h"
#include "workload/replay.h"
#include "workload/run.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    COPIES_MAX = 1 << 20,
    NUMBER_MAX = 1 << 24, /* of anything that takes no more than a few words */
    OBJECTS_MAX = 1 << 20,
    PAGES_MAX = 1 << 28,
    SLICES_MAX = 1 << 20,
    REASONS_MAX = 20,
};

struct check {
    const struct workload *w;
    const struct machine *m;
    struct wenv env;
    char *why; /* what does not fit, a line each */
    uint32_t nr_reasons;
    struct arena *scratch;
    struct cpumask **cgroup_cpus; /* effective; by cgroup */
    uint64_t tasks, processes, pages, regions, slices, objects, sources, requests, bursts, names;
};

/* One more thing that does not fit: `name`, which stands at a place of the file. */
static void SIM_PRINTF(4, 5)
    refuse(struct check *c, const struct wplace *at, const char *name, const char *fmt, ...)
{
    char text[400], place[400] = "";
    va_list args;

    if (++c->nr_reasons > REASONS_MAX)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (at != NULL && at->line > 0 && c->w->file != NULL)
        snprintf(place, sizeof(place), "%s:%u:%u: %s: ", c->w->file, at->line, at->column,
                 at->path);
    c->why = arena_printf(c->w->arena, "%s%s%s%s: %s", c->why != NULL ? c->why : "",
                          c->why != NULL ? "\n" : "", place, name, text);
}

/* 0, and a refusal, if the number is none, 0 or above `most`. */
static uint64_t
number(struct check *c, const struct wexpr *e, uint64_t most, const struct wplace *at,
       const char *name, const char *what)
{
    uint64_t n = 0;
    const char *why = wexpr_eval(e, &c->env, &n);

    if (why == NULL && n > 0 && n <= most)
        return n;
    if (why != NULL)
        refuse(c, at, name, "the %s %s", what, why);
    else if (n == 0)
        refuse(c, at, name, "the %s is 0 on this machine", what);
    else
        refuse(c, at, name, "the %s is %llu; the most is %llu", what, (unsigned long long)n,
               (unsigned long long)most);
    return 0;
}

/* Adds n for each of so many copies to a total that has a limit. */
static void
add(struct check *c, uint64_t *total, uint64_t n, uint64_t copies, uint64_t most,
    const struct wplace *at, const char *name, const char *what)
{
    uint64_t more = 0;

    if (__builtin_mul_overflow(n, copies, &more) || more > most || *total + more > most)
        refuse(c, at, name, "with it there are more than %llu %s", (unsigned long long)most, what);
    else
        *total += more;
}

/* The numbers that files may name. */
static const char *
nodes_text(struct check *c)
{
    struct cpumask *all = cpumask_new(c->scratch, CPU_MAX);

    for (uint32_t i = 0; i < c->m->nr_nodes; i++)
        cpumask_set(all, c->m->nodes[i].os_index);
    return cpumask_text(c->scratch, all);
}

static void
check_policy(struct check *c, const struct wpolicy *p, const char *name)
{
    for (uint32_t i = 0; i < p->nr_nodes; i++) {
        int n = machine_node_by_os(c->m, p->nodes[i]);
        if (n < 0)
            refuse(c, &p->at, name, "the machine has no node %u; it has %s", p->nodes[i],
                   nodes_text(c));
        else if (c->m->nodes[n].mem_bytes == 0)
            refuse(c, &p->at, name, "node %u has no memory", p->nodes[i]);
    }
    if (p->has_home && machine_node_by_os(c->m, p->home) < 0)
        refuse(c, &p->at, name, "the machine has no node %u to be a home; it has %s", p->home,
               nodes_text(c));
}

/* The CPUs that are meant, online or not; all must be the machine's. NULL: one is not. */
static struct cpumask *
cpus_meant(struct check *c, const struct waffinity *a, const char *name)
{
    struct cpumask *cpus = cpumask_new(c->scratch, c->m->nr_cpus);

    if (a->kind == WAFFINITY_ALL)
        cpumask_copy(cpus, c->m->online);
    for (int n = a->set != NULL ? cpumask_first(a->set) : -1; n >= 0;
         n = cpumask_next(a->set, (uint32_t)n + 1)) {
        bool nodes = a->kind == WAFFINITY_NODES;
        int node = nodes ? machine_node_by_os(c->m, (uint32_t)n) : 0;

        if (nodes ? node < 0 : (uint32_t)n >= c->m->nr_cpus || !c->m->cpus[n].present) {
            refuse(c, &a->at, name, "the machine has no %s %d; it has %s", nodes ? "node" : "CPU",
                   n, nodes ? nodes_text(c) : cpumask_text(c->scratch, c->m->present));
            return NULL;
        }
        if (nodes)
            cpumask_or(cpus, cpus, c->m->nodes[node].cpus);
        else
            cpumask_set(cpus, (uint32_t)n);
    }
    return cpus;
}

/* NULL: there are none. */
static struct cpumask *
cpus_of_affinity(struct check *c, const struct waffinity *a, const char *name)
{
    struct cpumask *cpus = cpus_meant(c, a, name);

    if (cpus == NULL)
        return NULL;
    cpumask_and(cpus, cpus, c->m->online);
    if (!cpumask_empty(cpus))
        return cpus;
    refuse(c, &a->at, name, "none of the CPUs that it may use is online");
    return NULL;
}

static void
check_affinity(struct check *c, const struct waffinity *a, const char *name, int32_t cgroup)
{
    if (a->kind == WAFFINITY_ALL)
        return;
    const struct cpumask *cpus = cpus_of_affinity(c, a, name);
    if (cgroup < 0 || cpus == NULL || c->cgroup_cpus[cgroup] == NULL ||
        cpumask_intersects(cpus, c->cgroup_cpus[cgroup]))
        return;
    refuse(c, &a->at, name, "its affinity is CPUs %s, and its cgroup '%s' has only CPUs %s",
           cpumask_text(c->scratch, cpus), c->w->cgroups[cgroup].name,
           cpumask_text(c->scratch, c->cgroup_cpus[cgroup]));
}

/* ---- cgroups ---- */

static uint64_t
time_of(struct check *c, const struct wexpr *e, uint64_t def, const struct wcgroup *g,
        const char *what)
{
    uint64_t ns = def;
    const char *why = e->nr > 0 ? wexpr_eval(e, &c->env, &ns) : NULL;

    if (why != NULL)
        refuse(c, &g->at, g->name, "the %s of 'cpu.max' %s", what, why);
    return ns;
}

static void
check_bandwidth(struct check *c, const struct wcgroup *g)
{
    uint64_t quota = time_of(c, &g->quota, CFS_NO_QUOTA, g, "quota");
    uint64_t period = time_of(c, &g->period, CFS_PERIOD_DEFAULT, g, "period");
    uint64_t burst = time_of(c, &g->burst, 0, g, "burst");
    const char *why = cfs_bandwidth_refusal(quota, period, burst);

    if (why != NULL)
        refuse(c, &g->at, g->name, "cpu.max: %s", why);
}

static void
check_cgroups(struct check *c)
{
    c->cgroup_cpus = arena_new_array(c->scratch, struct cpumask *, c->w->nr_cgroups);
    for (uint32_t i = 0; i < c->w->nr_cgroups; i++) {
        const struct wcgroup *g = &c->w->cgroups[i];
        const struct cpumask *above = g->parent < 0 ? c->m->online : c->cgroup_cpus[g->parent];
        struct cpumask *cpus = cpus_of_affinity(c, &g->cpus, g->name);

        check_bandwidth(c, g);
        check_policy(c, &g->mems, g->name);
        if (cpus == NULL || above == NULL)
            continue;
        if (!cpumask_intersects(cpus, above))
            refuse(c, &g->cpus.at, g->name,
                   "its cpuset is CPUs %s, and the group above it has only CPUs %s",
                   cpumask_text(c->scratch, cpus), cpumask_text(c->scratch, above));
        cpumask_and(cpus, cpus, above);
        c->cgroup_cpus[i] = cpus;
    }
}

static void
check_region(struct check *c, const struct wregion *r, uint64_t copies)
{
    uint64_t size = number(c, &r->size, UINT64_MAX >> 8, &r->at, r->name, "size");
    uint64_t pages = div_round_up_u64(size, r->page_size), slices = 1;

    if (r->slices.nr > 0)
        slices = number(c, &r->slices, SLICES_MAX, &r->at, r->name, "number of slices");
    else if (r->slices_of >= 0)
        slices = number(c, &c->w->groups[r->slices_of].count, SLICES_MAX, &r->at, r->name,
                        "number of slices");
    if (slices > pages && size > 0)
        refuse(c, &r->at, r->name, "there are more slices than pages");
    check_policy(c, &r->policy, r->name);
    check_policy(c, &r->initial, r->name);
    add(c, &c->regions, 1, copies, OBJECTS_MAX, &r->at, r->name, "regions");
    add(c, &c->slices, slices, copies, 2 * SLICES_MAX, &r->at, r->name, "slices");
    add(c, &c->pages, pages, copies, PAGES_MAX, &r->at, r->name, "pages; use page_size: 2MiB");
}

static void
check_times(struct check *c, const struct wgroup *g)
{
    uint64_t ns;
    const char *why = NULL;

    c->env.v[WVAR_THREAD] = 0;
    if (g->start.nr > 0)
        why = wexpr_eval(&g->start, &c->env, &ns);
    if (why == NULL && g->stagger.nr > 0)
        why = wexpr_eval(&g->stagger, &c->env, &ns);
    if (why != NULL)
        refuse(c, &g->at, g->name, "the time of its start %s", why);
}

static void
check_group(struct check *c, const struct wgroup *g, uint64_t copies)
{
    uint64_t n = number(c, &g->count, WORKLOAD_TASKS_MAX, &g->at, g->name, "number of threads");

    c->env.v[WVAR_THREADS] = n;
    add(c, &c->tasks, n, copies, WORKLOAD_TASKS_MAX, &g->at, g->name, "threads");
    check_affinity(c, &g->affinity, g->name, g->cgroup);
    check_policy(c, &g->mempolicy, g->name);
    check_times(c, g);
    for (uint32_t i = 0; i < g->nr_steps; i++) {
        if (g->steps[i].affinity != NULL)
            check_affinity(c, g->steps[i].affinity, g->name, g->cgroup);
        if (g->steps[i].policy != NULL)
            check_policy(c, g->steps[i].policy, g->name);
        if (g->steps[i].from != NULL)
            check_policy(c, g->steps[i].from, g->name);
        if (g->steps[i].mem != NULL)
            add(c, &c->bursts, n, copies, NUMBER_MAX, &g->at, g->name, "steps that use memory");
    }
    for (uint32_t i = 0; i < c->w->nr_regions; i++) {
        const struct wregion *r = &c->w->regions[i];
        if (r->group >= 0 && &c->w->groups[r->group] == g)
            check_region(c, r, n * copies);
    }
}

static void
check_object(struct check *c, const struct wobject *o, uint64_t copies)
{
    uint64_t n = 1, room = 1, clients = 0;

    if (o->count.nr > 0)
        n = number(c, &o->count, OBJECTS_MAX, &o->at, o->name, "number of copies");
    if (o->kind == WOBJECT_QUEUE) {
        if (o->size.nr > 0)
            room = number(c, &o->size, NUMBER_MAX, &o->at, o->name, "capacity");
        if (o->arrivals.clients.nr > 0)
            clients =
                number(c, &o->arrivals.clients, OBJECTS_MAX, &o->at, o->name, "number of clients");
        add(c, &c->sources, n, copies, OBJECTS_MAX, &o->at, o->name, "queues");
        add(c, &c->requests, n * (room + clients), copies, 2 * NUMBER_MAX, &o->at, o->name,
            "places in queues");
    }
    add(c, &c->objects, n, copies, OBJECTS_MAX, &o->at, o->name, "locks, channels and the like");
}

static void
check_process(struct check *c, uint32_t index)
{
    const struct wprocess *p = &c->w->processes[index];
    uint64_t copies = number(c, &p->count, COPIES_MAX, &p->at, p->name, "number of copies");

    c->processes += copies;
    add(c, &c->names, c->w->nr_objects + c->w->nr_regions, copies, NUMBER_MAX, &p->at, p->name,
        "names in all copies of processes");
    c->env.v[WVAR_PROCESSES] = copies;
    c->env.v[WVAR_PROCESS] = 0;
    for (uint32_t i = 0; i < p->nr_groups; i++)
        check_group(c, &c->w->groups[p->first_group + i], copies);
    for (uint32_t i = 0; i < c->w->nr_regions; i++)
        if (c->w->regions[i].process == (int32_t)index && c->w->regions[i].group < 0)
            check_region(c, &c->w->regions[i], copies);
    for (uint32_t i = 0; i < c->w->nr_objects; i++)
        if (c->w->objects[i].process == (int32_t)index)
            check_object(c, &c->w->objects[i], copies);
}

static void
check_all(struct check *c)
{
    const struct workload *w = c->w;

    wenv_init(&c->env, c->m);
    check_cgroups(c);
    for (uint32_t i = 0; i < w->nr_hotplug; i++) {
        const struct cpumask *cpus = cpus_meant(c, &w->hotplug[i].cpus, "hotplug");

        if (cpus != NULL && cpumask_empty(cpus))
            refuse(c, &w->hotplug[i].cpus.at, "hotplug", "the nodes that are meant have no CPUs");
    }
    for (uint32_t i = 0; i < w->nr_regions; i++)
        if (w->regions[i].process < 0)
            check_region(c, &w->regions[i], 1);
    for (uint32_t i = 0; i < w->nr_objects; i++)
        if (w->objects[i].process < 0)
            check_object(c, &w->objects[i], 1);
    for (uint32_t i = 0; i < w->nr_processes; i++)
        check_process(c, i);
}

const char *
workload_limits(const struct workload *w, const struct machine *m, struct kernel_limits *out)
{
    struct check c = { .w = w, .m = m };

    out->nr_devices = m->nr_devices;
    if (w->replay != NULL)
        return replay_limits(w->replay, m, w->arena, out);
    c.scratch = arena_new();
    check_all(&c);
    arena_free(c.scratch);
    if (c.nr_reasons > REASONS_MAX)
        c.why = arena_printf(w->arena, "%s\nand %u more", c.why, c.nr_reasons - REASONS_MAX);
    if (c.why != NULL)
        return c.why;
    const char *why = count_devices(w, m, &c.env, w->arena, &out->nr_devices);
    if (why != NULL)
        return why;
    out->max_tasks = (uint32_t)c.tasks;
    out->nr_sources = (uint32_t)c.sources;
    out->nr_hotplug = w->nr_hotplug;
    out->nr_groups = w->nr_cgroups + (uint32_t)c.processes; /* autogroups */
    return NULL;
}
