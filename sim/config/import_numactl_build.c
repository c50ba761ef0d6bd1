/*
 * From a numactl listing to a machine.
 *
 * A listing knows nodes, their CPUs and sizes, and distances. Below the node it knows nothing, and
 * pasted listings have holes besides. What is missing is assumed by these rules, each with a note:
 *
 *   a cpus line       one node without, and unused CPU numbers below the highest: they are its
 * CPUs; is missing        otherwise the node has no CPUs no cpus line      4 CPUs on each node that
 * has memory (on every node if sizes are missing too) no size           16 GiB on each node whose
 * size line is missing, or if every size is 0 no distances      10 to itself, 20 to others: what
 * Linux takes without a SLIT (machine_finish) SMT               two threads a core (CPU k and k +
 * N/2) only where the numbers show the way x86 firmware counts: N CPUs without holes, each node
 * with CPUs holding k and k + N/2 together, two or more such nodes, and node lists that are neither
 * one run of numbers nor dealt to the nodes in turn (these look the same without SMT) package, LLC
 * one a node (import.c)
 */
#include "config/import_numactl.h"

enum { ASSUMED_CPUS = 4 };

static guint
count_missing_cpus(const struct listing *l)
{
    guint nr = 0;

    for (guint i = 0; i < l->nr_nodes; i++)
        nr += !l->nodes[i].has_cpus;
    return nr;
}

static uint32_t
cpus_end(const struct listing *l)
{
    uint32_t end = 0;

    for (guint i = 0; i < l->nr_nodes; i++)
        for_each_cpu (cpu, l->nodes[i].cpus)
            end = SIM_MAX(end, (uint32_t)cpu + 1);
    return end;
}

/* Nobody told of any CPU: a few on every node that could feed them. */
static void
assume_all_cpus(struct listing *l, GString *note)
{
    bool any_memory = false;
    uint32_t next = 0;

    for (guint i = 0; i < l->nr_nodes; i++)
        any_memory |= l->nodes[i].size_mib > 0;
    for (guint i = 0; i < l->nr_nodes; i++)
        for (int k = 0; k < ASSUMED_CPUS; k++)
            if (!any_memory || l->nodes[i].size_mib > 0)
                cpumask_set(l->nodes[i].cpus, next++);
    g_string_printf(note, "assumed: %d CPUs on each node%s (the listing names no CPU)",
                    ASSUMED_CPUS, any_memory ? " that has memory" : "");
}

/* The numbers that nobody has go to the one node whose line is missing. */
static void
assume_cpus(struct listing *l, GString *note)
{
    guint missing = count_missing_cpus(l);
    struct cpumask *used = cpumask_new(l->arena, CPU_MAX);
    uint32_t end = cpus_end(l), gaps = 0;

    if (end == 0) {
        assume_all_cpus(l, note);
        return;
    }
    for (guint i = 0; i < l->nr_nodes; i++)
        cpumask_or(used, used, l->nodes[i].cpus);
    for (guint i = 0; i < l->nr_nodes && missing == 1; i++)
        for (uint32_t cpu = 0; cpu < end && !l->nodes[i].has_cpus; cpu++)
            if (!cpumask_test(used, cpu)) {
                cpumask_set(l->nodes[i].cpus, cpu);
                gaps++;
            }
    if (gaps > 0)
        g_string_printf(note,
                        "assumed: the %u unused CPU numbers belong to the node without a cpus line",
                        gaps);
    else if (missing > 0)
        g_string_printf(note, "assumed: no CPUs on the %u nodes without a cpus line", missing);
}

/* Do all nodes hold k and k + half together, in a way that does not hold without SMT too? */
static bool
counts_threads_last(const struct machine *m, uint32_t *half)
{
    uint32_t nr = cpumask_weight(m->present), nr_nodes = 0, turns = 0;
    bool dealt = true, runs = true;

    *half = nr / 2;
    if (nr != m->nr_cpus || nr % 2 != 0)
        return false;
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        nr_nodes += !cpumask_empty(m->nodes[i].cpus);
    turns = SIM_MAX(nr_nodes, 1);
    for (uint32_t cpu = 0; cpu < nr; cpu++) {
        if (cpu < *half && m->cpus[cpu].node != m->cpus[cpu + *half].node)
            return false;
        if (cpu >= turns && m->cpus[cpu].node != m->cpus[cpu - turns].node)
            dealt = false;
        if (cpu > 0 && m->cpus[cpu].node < m->cpus[cpu - 1].node)
            runs = false;
    }
    return nr_nodes >= 2 && !dealt && !runs;
}

static void
assume_smt(struct machine *m)
{
    uint32_t half;

    if (!counts_threads_last(m, &half))
        return;
    for_each_cpu (cpu, m->present)
        m->cpus[cpu].core = cpu % (int)half;
    machine_note(m,
                 "assumed: two threads a core, CPU k and k + %u (every node holds both, as x86 "
                 "firmware counts)",
                 half);
}

static void
add_node(struct machine *m, const struct listing *l, guint i)
{
    const struct listed_node *from = &l->nodes[i];
    struct machine_node *n = &m->nodes[i];

    n->os_index = from->os_index;
    n->online = true;
    n->mem_bytes = MIB(from->size_mib);
    for_each_cpu (cpu, from->cpus) {
        m->cpus[cpu].present = m->cpus[cpu].online = true;
        m->cpus[cpu].node = (int32_t)i;
        cpumask_set(n->cpus, (uint32_t)cpu);
        cpumask_set(m->present, (uint32_t)cpu);
        cpumask_set(m->online, (uint32_t)cpu);
    }
}

/* Rows stand in the order of the columns, which need not be that of the numbers. */
static void
set_distances(struct machine *m, struct listing *l)
{
    uint32_t unreachable = 0;

    if (l->nr_columns == 0) {
        machine_note(m, "no distances: %s",
                     l->says_no_distances ? "the listing says so" : "no table is listed");
        return;
    }
    m->has_distances = true;
    for (guint i = 0; i < l->nr_rows; i++)
        for (guint j = 0; j < l->nr_columns; j++) {
            gsize from = (gsize)(listing_node(l, l->rows[i]) - l->nodes);
            gsize to = (gsize)(listing_node(l, l->columns[j]) - l->nodes);
            uint8_t distance = l->distances[i * NODE_MAX + j];

            m->distances[from * m->nr_nodes + to] = distance;
            unreachable += distance == 255;
        }
    if (unreachable > 0)
        machine_note(m, "%u distances are 255: unreachable or unknown, kept as they are",
                     unreachable);
}

static void
assume_sizes(struct machine *m, const struct listing *l)
{
    nodemask missing = 0, all = 0;
    bool any = false;

    for (guint i = 0; i < l->nr_nodes; i++) {
        all |= NODE_BIT(i);
        missing |= l->nodes[i].has_size ? 0 : NODE_BIT(i);
        any |= l->nodes[i].size_mib > 0;
    }
    if (missing != 0)
        import_assume_memory(m, missing, "no size line");
    else if (!any)
        import_assume_memory(m, all, "every size is 0");
}

struct machine *
import_numactl(const char *path, const char *text, gsize len, struct arena *a, struct diag *d)
{
    struct listing *l = arena_new_object(a, struct listing);
    g_autoptr(GString) cpus_note = g_string_new(NULL);

    l->file = path;
    l->arena = a;
    l->diag = d;
    if (!listing_read(l, text, len))
        return NULL;
    assume_cpus(l, cpus_note);
    struct machine *m = machine_new(a, cpus_end(l), l->nr_nodes);
    m->name = import_name(a, path);
    m->title = "imported from numactl --hardware";
    for (guint i = 0; i < l->nr_nodes; i++)
        add_node(m, l, i);
    if (cpus_note->len > 0)
        machine_note(m, "%s", cpus_note->str);
    assume_sizes(m, l);
    set_distances(m, l);
    assume_smt(m);
    import_assume_llcs(m);
    if (l->nr_unknown > 0)
        machine_note(m, "%u unknown line%s skipped", l->nr_unknown, l->nr_unknown == 1 ? "" : "s");
    return import_finish(m, path, d);
}
