/*
 * lscpu without a table only counts, and which CPU is where is assumed, each with a note:
 *
 *   cores      CPUs k and k + N/T, k + 2N/T... are the T threads of a core if every node holds them
 *              together, as x86 firmware counts; else T CPUs in a row of a node
 *   packages   nodes in a row share a package, as many as there are for each; one node that is
 *              several packages is cut into equal parts
 *   L3         as many equal parts of a node as there are instances; one a node and package if they
 *              do not fit
 */
#include "config/import_lscpu.h"

/* CPU k of the machine and CPU k + nr/threads are in one node, for all k. */
static bool
counts_threads_last(const struct description *h, guint threads)
{
    guint cores = h->nr_cpus / threads;

    if (h->nr_cpus % threads != 0 || (guint)h->cpus[h->nr_cpus - 1].os_index + 1 != h->nr_cpus)
        return false;
    for (guint i = 0; i + cores < h->nr_cpus; i++)
        if (h->cpus[i].node != h->cpus[i + cores].node)
            return false;
    return true;
}

static void
assume_cores(struct lscpu_builder *b)
{
    struct description *h = b->h;
    guint threads = (guint)SIM_CLAMP(b->l->threads_per_core, 1, CPU_MAX), seen[NODE_MAX] = { 0 };
    bool last = counts_threads_last(h, threads);

    if (b->l->threads_per_core == 0)
        return;
    for (guint i = 0; i < h->nr_cpus; i++) {
        struct described_cpu *c = &h->cpus[i];

        c->core = last ? (int32_t)(i % (h->nr_cpus / threads))
                       : c->node * CPU_MAX + (int32_t)(seen[c->node]++ / threads);
    }
    if (threads > 1)
        description_note(h, b->l->arena,
                         "assumed: the %u threads of a core are %s (lscpu only "
                         "counts them)",
                         threads,
                         last ? "CPU k and those a share of all CPUs further" : "CPUs in a row");
}

/* Which of `parts` equal parts of its node's cores a CPU is in. */
static int32_t
part_of_node(const struct description *h, guint cpu, guint parts)
{
    guint nr = 0, before = 0;

    for (guint i = 0; i < h->nr_cpus; i++) {
        const struct described_cpu *c = &h->cpus[i];

        nr += c->node == h->cpus[cpu].node;
        before += c->node == h->cpus[cpu].node && c->core < h->cpus[cpu].core;
    }
    return (int32_t)(before * parts / nr);
}

static guint
nodes_with_cpus(const struct description *h)
{
    guint nr = 0;

    for (guint i = 0; i < h->nr_nodes; i++)
        for (guint k = 0; k < h->nr_cpus; k++)
            if (h->cpus[k].node == (int32_t)i) {
                nr++;
                break;
            }
    return nr;
}

static void
assume_packages(struct lscpu_builder *b)
{
    struct description *h = b->h;
    guint nodes = nodes_with_cpus(h), sockets = (guint)SIM_CLAMP(b->l->nr_sockets, 1, CPU_MAX);
    guint rank[NODE_MAX], next = 0;
    int32_t seen = MACHINE_NONE;

    if (nodes % sockets != 0 && sockets % nodes != 0)
        return;
    for (guint i = 0; i < NODE_MAX; i++)
        rank[i] = NODE_MAX;
    for (guint n = 0; n < h->nr_nodes; n++) /* nodes with CPUs are counted in their order */
        for (guint k = 0; k < h->nr_cpus && rank[n] == NODE_MAX; k++)
            if (h->cpus[k].node == (int32_t)n)
                rank[n] = next++;
    for (guint k = 0; k < h->nr_cpus; k++) {
        struct described_cpu *c = &h->cpus[k];

        c->package = sockets <= nodes ? (int32_t)(rank[c->node] / (nodes / sockets))
                                      : c->node * CPU_MAX + part_of_node(h, k, sockets / nodes);
        seen = SIM_MAX(seen, c->package);
    }
    if (seen > 0)
        description_note(h, b->l->arena,
                         "assumed: which CPUs are in which of %u packages (lscpu only counts them)",
                         sockets);
}

static void
assume_caches(struct lscpu_builder *b)
{
    struct description *h = b->h;
    int64_t nr = b->l->cache[3].nr;
    guint nodes = nodes_with_cpus(h), cores = h->nr_cpus;

    cores /= (guint)SIM_CLAMP(b->l->threads_per_core, 1, CPU_MAX);
    if (nr < nodes || nr % nodes != 0 || nr >= cores)
        return; /* import_assume_llcs() takes one a node and package */
    for (guint k = 0; k < h->nr_cpus; k++)
        h->cpus[k].llc = h->cpus[k].node * CPU_MAX + part_of_node(h, k, (guint)nr / nodes);
    description_note(h, b->l->arena,
                     "assumed: which CPUs share which of %d L3 caches (lscpu only "
                     "counts them)",
                     (int)nr);
}

void
lscpu_assume_shape(struct lscpu_builder *b)
{
    assume_cores(b);
    assume_packages(b);
    assume_caches(b);
}
