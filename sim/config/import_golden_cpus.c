/*
 * The CPUs of a topology file.
 *
 * Cores and caches come as lists of CPUs; the lowest CPU of a list is taken as the number of the
 * core or cache, so lists that overlap without being equal cannot be meant and are refused. CPUs
 * that maxcpus= kept offline do not appear; how many they are comes from the shape of `machine`.
 */
#include "config/import_golden.h"

/*
 * The number of the core or cache that a list describes, or MACHINE_NONE where there is no list.
 * All CPUs of the list must give the same one; `lists` remembers what the first of them gave.
 */
static bool
read_shared(struct golden *g, JsonObject *cpu, const char *path, const char *name, guint number,
            struct cpumask **lists, int32_t *id)
{
    JsonNode *node = json_object_get_member(cpu, name);
    struct cpumask *list;

    *id = MACHINE_NONE;
    if (node == NULL || JSON_NODE_HOLDS_NULL(node))
        return true;
    list = golden_list(g, cpu, path, name);
    if (list == NULL || cpumask_empty(list))
        return list != NULL;
    *id = cpumask_first(list);
    for_each_cpu (other, list) {
        if (lists[other] == NULL)
            lists[other] = list;
        if (cpumask_test(list, number) &&
            (lists[other] == list || cpumask_equal(lists[other], list)))
            continue;
        json_doc_error(&g->doc, node, path, "%s of CPU %u does not agree with that of other CPUs",
                       name, number);
        return false;
    }
    return true;
}

struct list_tables {
    struct cpumask *threads[CPU_MAX], *l2[CPU_MAX], *l3[CPU_MAX], *die[CPU_MAX];
};

static bool
read_places(struct golden *g, JsonObject *cpu, const char *path, struct machine_cpu *c)
{
    gint64 node, package = MACHINE_NONE;
    int dense;

    if (!json_doc_int(&g->doc, cpu, path, "node", 0, 1023, &node) ||
        !json_doc_maybe_int(&g->doc, cpu, path, "package", -1, INT16_MAX, &package))
        return false;
    dense = machine_node_by_os(g->m, (uint32_t)node);
    if (dense < 0) {
        json_doc_error(&g->doc, json_object_get_member(cpu, "node"), path,
                       "there is no node %d in nodes", (int)node);
        return false;
    }
    c->node = dense;
    c->package = (int32_t)package;
    return true;
}

static bool
read_cpu(struct golden *g, guint element, struct list_tables *lists)
{
    g_autofree char *path = g_strdup_printf("cpus[%u]", element);
    JsonObject *cpu = json_doc_element(&g->doc, g->cpus, element, path);
    struct machine_cpu *c;
    gint64 number;

    if (cpu == NULL || !json_doc_int(&g->doc, cpu, path, "cpu", 0, CPU_MAX - 1, &number))
        return false;
    c = &g->m->cpus[number];
    if (c->present) {
        json_doc_error(&g->doc, json_object_get_member(cpu, "cpu"), path, "CPU %d is there twice",
                       (int)number);
        return false;
    }
    c->present = true;
    c->online = cpumask_test(g->online, (uint32_t)number);
    return read_places(g, cpu, path, c) &&
           read_shared(g, cpu, path, "threads", (guint)number, lists->threads, &c->core) &&
           read_shared(g, cpu, path, "die_cpus", (guint)number, lists->die, &c->die) &&
           read_shared(g, cpu, path, "l2", (guint)number, lists->l2, &c->l2) &&
           read_shared(g, cpu, path, "l3", (guint)number, lists->l3, &c->llc);
}

guint
golden_count_cpus(struct golden *g)
{
    guint nr = g->max_cpus != UINT_MAX ? g->shape_cpus : 0;

    for_each_cpu (cpu, g->online)
        nr = MAX(nr, (guint)cpu + 1);
    for (guint i = 0; i < json_array_get_length(g->cpus); i++) {
        JsonNode *node = json_array_get_element(g->cpus, i);
        gint64 number = -1;

        if (JSON_NODE_HOLDS_OBJECT(node))
            number = json_object_get_int_member_with_default(json_node_get_object(node), "cpu", -1);
        if (number >= 0 && number < CPU_MAX)
            nr = MAX(nr, (guint)number + 1);
    }
    return nr;
}

bool
golden_read_cpus(struct golden *g)
{
    struct list_tables *lists = arena_new_object(g->scratch, struct list_tables);
    bool good = true;

    for (guint i = 0; i < json_array_get_length(g->cpus); i++)
        good &= read_cpu(g, i, lists);
    if (!good)
        return false;
    for_each_cpu (cpu, g->online) {
        if (g->m->cpus[cpu].present)
            continue;
        json_doc_error(&g->doc, json_object_get_member(g->doc.root, "online"), "online",
                       "CPU %d is online, but cpus does not describe it", cpu);
        return false;
    }
    return true;
}

/* Where a CPU that never came up would have been does not matter: nothing is built for it. */
void
golden_add_offline_cpus(struct golden *g)
{
    const struct machine_cpu *boot = &g->m->cpus[cpumask_first(g->online)];

    for (guint i = 0; g->max_cpus != UINT_MAX && i < g->shape_cpus; i++) {
        if (g->m->cpus[i].present)
            continue;
        g->m->cpus[i].present = true;
        g->m->cpus[i].node = boot->node;
        g->m->cpus[i].package = boot->package;
    }
}
