/* NUMA groups: begun, joined, left; see numa_group.h. */
#include "kernel/numa_group.h"

/* MEM and CPU, shared and private. */
static uint32_t
nr_stats(const struct kernel *k)
{
    return 4 * k->machine->nr_nodes;
}

uint64_t
group_faults_kind(const struct kernel *k, const struct numa_group *g, int kind)
{
    uint64_t sum = 0;

    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        if (k->machine->nodes[n].online)
            sum += g->faults[2 * (NUMA_MEM * k->machine->nr_nodes + n) + (uint32_t)kind];
    return sum;
}

static struct numa_group *
group_alloc(struct kernel *k)
{
    struct numa_state *s = k->numa;
    struct numa_group *g = s->free_groups;

    if (g == NULL) {
        g = arena_new_object(k->arena, struct numa_group);
        g->faults = arena_new_array(k->arena, uint64_t, nr_stats(k));
    } else {
        s->free_groups = g->next;
    }
    g->next = s->groups;
    g->prev = &s->groups;
    if (g->next != NULL)
        g->next->prev = &g->next;
    s->groups = g;
    g->order = s->nr_groups_made++;
    return g;
}

static void
group_free(struct kernel *k, struct numa_group *g)
{
    *g->prev = g->next;
    if (g->next != NULL)
        g->next->prev = g->prev;
    g->next = k->numa->free_groups;
    k->numa->free_groups = g;
}

static void
group_begin(struct kernel *k, struct task *p)
{
    struct task_numa *n = p->numa;
    struct numa_group *g = group_alloc(k);

    g->gid = task_pid(p);
    g->nr_tasks = 1;
    g->active_nodes = 1;
    g->max_faults_cpu = 0;
    g->total_faults = n->total_faults;
    memcpy(g->faults, n->faults, nr_stats(k) * sizeof(*g->faults));
    n->group = g;
}

/* Smaller groups join larger ones; of two equal ones the older joins (the kernel: the one at the
 * lower address). */
static bool
yields_to(const struct kernel *k, const struct numa_group *mine, const struct numa_group *other)
{
    if (mine->nr_tasks != other->nr_tasks)
        return mine->nr_tasks < other->nr_tasks;
    return numa_quirk(k, GROUP_TIE) ? mine->order < other->order : mine->order > other->order;
}

static void
probe_join(struct kernel *k, const struct task *p, const struct task *other)
{
    const struct numa_group *mine = p->numa->group, *theirs = other->numa->group;

    probe_input(k, "other", other->id);
    probe_input(k, "group", mine->gid);
    probe_input(k, "group_tasks", mine->nr_tasks);
    probe_input(k, "group_order", mine->order);
    probe_input(k, "other_group", theirs->gid);
    probe_input(k, "other_tasks", theirs->nr_tasks);
    probe_input(k, "other_order", theirs->order);
    probe_input(k, "same_mm", p->mm == other->mm);
}

static void
group_join(struct kernel *k, struct task *p, struct numa_group *to)
{
    struct task_numa *n = p->numa;
    struct numa_group *from = n->group;

    for (uint32_t i = 0; i < nr_stats(k); i++) {
        from->faults[i] -= n->faults[i];
        to->faults[i] += n->faults[i];
    }
    from->total_faults -= n->total_faults;
    to->total_faults += n->total_faults;
    to->nr_tasks++;
    n->group = to;
    if (--from->nr_tasks == 0)
        group_free(k, from);
}

int
task_numa_group(struct kernel *k, struct task *p, int last_cpu, int last_pid, bool shared)
{
    if (!k->params.numa.groups)
        return NUMA_SHARED;
    if (p->numa->group == NULL)
        group_begin(k, p);
    const struct task *other = k->rqs[last_cpu].curr;
    if (other == NULL || numa_pid_bits(k, other) != last_pid || other->numa == NULL)
        return NUMA_SHARED;
    struct numa_group *to = other->numa->group;
    if (to == NULL || to == p->numa->group)
        return NUMA_SHARED;
    bool related = other->mm == p->mm || shared;
    bool yields = yields_to(k, p->numa->group, to);
    if (probe_wants(k, DECISION_NUMA_GROUP))
        probe_join(k, p, other);
    bool join = probe_decide(k, DECISION_NUMA_GROUP,
                             !yields    ? "other_yields"
                             : !related ? "unrelated"
                                        : "join",
                             p, p->cpu, yields && related) == 1;
    if (join)
        group_join(k, p, to);
    return yields && !related ? NUMA_PRIVATE : NUMA_SHARED;
}

void
numa_group_leave(struct kernel *k, struct task *p)
{
    struct task_numa *n = p->numa;
    struct numa_group *g = n->group;

    if (g == NULL)
        return;
    for (uint32_t i = 0; i < nr_stats(k); i++)
        g->faults[i] -= n->faults[i];
    g->total_faults -= n->total_faults;
    n->group = NULL;
    if (--g->nr_tasks == 0)
        group_free(k, g);
}

void
numa_group_count_active_nodes(struct kernel *k, struct numa_group *g)
{
    nodemask with_cpus = machine_cpu_nodes(k->machine);
    uint64_t most = 0;

    for_each_node (n, with_cpus)
        most = SIM_MAX(most, group_faults_cpu(k, g, n));
    g->max_faults_cpu = most;
    g->active_nodes = 0;
    for_each_node (n, with_cpus)
        g->active_nodes += numa_is_active_node(k, g, n);
}
