/*
 * From the output of lscpu to a description: rows become CPUs, numbers become nodes, and numactl in
 * the same file adds memory and distances. What a summary only counts is laid out in
 * import_lscpu_assume.c.
 */
#include "config/import_lscpu.h"

#include <stdlib.h>

enum { LLC_LEVEL_ID = 1 << 21 };

static bool
refuse(const struct lscpu *l, const char *what)
{
    diag_error(l->diag, l->file, 0, 0, NULL, "%s; expected the output of lscpu -p, -e or -J", what);
    return false;
}

/* Without a table: the CPUs of the summary. */
static void
rows_from_summary(struct lscpu *l)
{
    struct cpumask *all = cpumask_clone(l->arena, l->online);

    cpumask_or(all, all, l->offline);
    for (guint i = 0; i < l->nr_nodes; i++)
        cpumask_or(all, all, l->node_cpus[i]);
    for (uint32_t cpu = 0; cpumask_empty(l->online) && cpu < SIM_MIN(l->nr_cpus, CPU_MAX); cpu++)
        cpumask_set(all, cpu);
    for_each_cpu (cpu, all) {
        struct lscpu_row r = { .cpu = cpu, .core = -1, .socket = -1, .cluster = -1, .node = -1 };

        for (int i = 0; i < LSCPU_LEVELS; i++)
            r.cache[i] = -1;
        g_array_append_val(l->rows, r);
    }
}

static gint
by_cpu(gconstpointer a, gconstpointer b)
{
    const struct lscpu_row *x = a, *y = b;

    return x->cpu - y->cpu;
}

/* Offline CPUs that the table leaves out, as it does without -a. */
static void
add_offline_rows(struct lscpu *l)
{
    for (guint i = 0; i < l->rows->len; i++)
        if (g_array_index(l->rows, struct lscpu_row, i).cpu < CPU_MAX)
            cpumask_clear(l->offline, (uint32_t)g_array_index(l->rows, struct lscpu_row, i).cpu);
    for_each_cpu (cpu, l->offline) {
        struct lscpu_row r = {
            .cpu = cpu, .core = -1, .socket = -1, .cluster = -1, .node = -1, .offline = true
        };

        for (int i = 0; i < LSCPU_LEVELS; i++)
            r.cache[i] = -1;
        g_array_append_val(l->rows, r);
    }
}

static bool
collect_rows(struct lscpu *l)
{
    bool has_table = l->rows->len > 0;

    if (!has_table)
        rows_from_summary(l);
    else
        add_offline_rows(l);
    if (l->rows->len == 0)
        return refuse(l, "no CPU is listed");
    g_array_sort(l->rows, by_cpu);
    for (guint i = 0; i < l->rows->len; i++) {
        struct lscpu_row *r = &g_array_index(l->rows, struct lscpu_row, i);

        r->offline |= !has_table && cpumask_test(l->offline, (uint32_t)r->cpu);
        if (r->cpu >= CPU_MAX)
            return refuse(l, "a CPU has a number above 8191");
        if (i > 0 && r[-1].cpu == r->cpu)
            return refuse(l, "a CPU is listed twice");
    }
    return true;
}

/* ---- nodes ---- */

static int
compare_ints(const void *a, const void *b)
{
    return *(const int32_t *)a - *(const int32_t *)b;
}

/* All node numbers that anybody names, ascending and once each. */
static GArray *
node_numbers(const struct lscpu_builder *b)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(int32_t));
    int32_t zero = 0;

    for (guint i = 0; i < b->l->rows->len; i++) {
        int32_t node = g_array_index(b->l->rows, struct lscpu_row, i).node;
        if (node >= 0)
            g_array_append_val(all, node);
    }
    for (guint i = 0; i < b->l->nr_nodes; i++)
        g_array_append_val(all, b->l->node_numbers[i]);
    for (guint i = 0; b->numactl != NULL && i < b->numactl->nr_nodes; i++)
        g_array_append_val(all, b->numactl->nodes[i].os_index);
    if (all->len == 0)
        g_array_append_val(all, zero);
    g_array_sort(all, compare_ints);
    for (guint i = 1; i < all->len;)
        if (g_array_index(all, int32_t, i) == g_array_index(all, int32_t, i - 1))
            g_array_remove_index(all, i);
        else
            i++;
    return all;
}

static int32_t
node_index(const struct description *h, int32_t number)
{
    for (guint i = 0; i < h->nr_nodes; i++)
        if (h->nodes[i].os_index == number)
            return (int32_t)i;
    return MACHINE_NONE;
}

static bool
add_nodes(struct lscpu_builder *b)
{
    g_autoptr(GArray) numbers = node_numbers(b);

    if (numbers->len > NODE_MAX)
        return refuse(b->l, "more than 64 NUMA nodes");
    description_set_nodes(b->h, numbers->len, b->l->arena);
    for (guint i = 0; i < numbers->len; i++)
        b->h->nodes[i] = (struct described_node){ .os_index = g_array_index(numbers, int32_t, i),
                                                  .allowed = 1,
                                                  .package = MACHINE_NONE };
    return true;
}

/* By the table, else the summary, else numactl, else the node of the CPU before. */
static int32_t
node_of(const struct lscpu_builder *b, const struct lscpu_row *r, int32_t before)
{
    if (r->node >= 0)
        return node_index(b->h, r->node);
    for (guint i = 0; i < b->l->nr_nodes; i++)
        if (cpumask_test(b->l->node_cpus[i], (uint32_t)r->cpu))
            return node_index(b->h, (int32_t)b->l->node_numbers[i]);
    for (guint i = 0; b->numactl != NULL && i < b->numactl->nr_nodes; i++)
        if (cpumask_test(b->numactl->nodes[i].cpus, (uint32_t)r->cpu))
            return node_index(b->h, (int32_t)b->numactl->nodes[i].os_index);
    return before;
}

/* ---- CPUs ---- */

static void
take_row(struct described_cpu *c, const struct lscpu_row *r)
{
    *c = (struct described_cpu){ .os_index = r->cpu,
                                 .allowed = 1,
                                 .package = r->socket,
                                 .die = MACHINE_NONE,
                                 .core = r->core,
                                 .cluster = r->cluster,
                                 .l2 = r->cache[2],
                                 .llc = MACHINE_NONE,
                                 .capacity = r->max_mhz,
                                 .offline = r->offline };
    if (r->core >= 0 && r->socket >= 0) /* physical numbers begin anew in every socket */
        c->core = r->core % CPU_MAX + r->socket % CPU_MAX * CPU_MAX;
    for (int level = 2; level < LSCPU_LEVELS; level++)
        if (r->cache[level] >= 0)
            c->llc = r->cache[level] + level * LLC_LEVEL_ID;
}

static void
add_cpus(struct lscpu_builder *b)
{
    struct description *h = b->h;
    GArray *rows = b->l->rows;
    int32_t node = 0;

    h->nr_cpus = rows->len;
    h->cpus = arena_new_array(b->l->arena, struct described_cpu, h->nr_cpus);
    for (guint i = 0; i < rows->len; i++) {
        const struct lscpu_row *r = &g_array_index(rows, struct lscpu_row, i);

        take_row(&h->cpus[i], r);
        node = h->cpus[i].node = node_of(b, r, node);
    }
    description_find_clusters(h);
    description_settle_frequencies(h);
}

/* ---- sizes, memory, distances ---- */

static int64_t
instance_bytes(const struct lscpu_cache *c)
{
    return c->nr > 0 ? c->bytes / c->nr : c->bytes;
}

static void
add_summary(struct lscpu_builder *b)
{
    const struct lscpu *l = b->l;
    struct description *h = b->h;

    h->vendor = l->vendor;
    h->model = l->model;
    h->architecture = l->architecture;
    h->family = l->family;
    h->l1d_bytes = instance_bytes(&l->cache[1]);
    h->l2_bytes = instance_bytes(&l->cache[2]);
    for (int level = 2; level < LSCPU_LEVELS; level++)
        if (l->cache[level].bytes > 0)
            h->llc_bytes = instance_bytes(&l->cache[level]);
    for (guint i = 0; i < h->nr_cpus; i++)
        if (h->nodes[h->cpus[i].node].package == MACHINE_NONE)
            h->nodes[h->cpus[i].node].package = h->cpus[i].package;
}

static bool
same_cpus(const struct lscpu_builder *b)
{
    for (guint n = 0; n < b->numactl->nr_nodes; n++) {
        const struct listed_node *node = &b->numactl->nodes[n];

        for (guint i = 0; i < b->h->nr_cpus; i++) {
            const struct described_cpu *c = &b->h->cpus[i];
            bool here = c->node == node_index(b->h, (int32_t)node->os_index);

            if (node->has_cpus && !c->offline &&
                here != cpumask_test(node->cpus, (uint32_t)c->os_index)) {
                diag_error(b->l->diag, b->l->file, node->line, node->column, NULL,
                           "numactl and lscpu disagree on CPU %d; expected listings of one machine",
                           c->os_index);
                return false;
            }
        }
    }
    return true;
}

static bool
add_numactl(struct lscpu_builder *b)
{
    struct listing *n = b->numactl;
    struct description *h = b->h;

    if (!same_cpus(b))
        return false;
    for (guint i = 0; i < n->nr_nodes; i++)
        h->nodes[node_index(h, (int32_t)n->nodes[i].os_index)].mem_bytes =
            (int64_t)MIB(n->nodes[i].size_mib);
    h->has_matrix = n->nr_columns == h->nr_nodes;
    for (guint i = 0; i < n->nr_rows && h->has_matrix; i++)
        for (guint j = 0; j < n->nr_columns; j++)
            h->matrix[node_index(h, (int32_t)n->rows[i]) * (int32_t)h->nr_nodes +
                      node_index(h, (int32_t)n->columns[j])] = n->distances[i * NODE_MAX + j];
    b->l->nr_unknown += n->nr_unknown;
    return true;
}

struct machine *
lscpu_build(struct lscpu *l, struct listing *numactl)
{
    struct description h = { .source = numactl != NULL ? "lscpu and numactl" : "lscpu" };
    struct lscpu_builder b = { .l = l, .h = &h, .numactl = numactl };
    bool has_table = l->rows->len > 0;

    if (!collect_rows(l) || !add_nodes(&b))
        return NULL;
    add_cpus(&b);
    if (!has_table)
        lscpu_assume_shape(&b);
    add_summary(&b);
    if (numactl != NULL && !add_numactl(&b))
        return NULL;
    if (l->nr_unknown > 0)
        description_note(&h, l->arena, "%u unknown lines skipped", l->nr_unknown);
    return description_build(&h, l->file, import_name(l->arena, l->file), l->arena, l->diag);
}
