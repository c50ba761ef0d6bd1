/* The files of a run's folder that are about the machine. Nodes have the machine's own numbers. */
#include "kernel/mm.h"
#include "report/run_report_impl.h"

#include <math.h>

static uint32_t
node_name(const struct kernel *k, int32_t node)
{
    return k->machine->nodes[node].os_index;
}

void
report_cpus(const struct report *r, struct csv *c)
{
    csv_text(c, "cpu");
    csv_text(c, "node");
    csv_text(c, "busy_ns");
    for (guint i = 0; i < CHARGE_KIND_NR; i++) {
        g_autofree char *name = g_strdup_printf("%s_ns", charge_kind_names[i]);
        csv_text(c, name);
    }
    csv_text(c, "context_switches");
    csv_text(c, "ticks");
    csv_end_row(c);
    for_each_cpu (cpu, r->k->possible) {
        const struct rq *rq = &r->k->rqs[cpu];
        csv_int(c, cpu);
        csv_uint(c, node_name(r->k, rq->node));
        csv_uint(c, rq->busy_ns);
        for (guint i = 0; i < CHARGE_KIND_NR; i++)
            csv_uint(c, rq->kernel_ns[i]);
        csv_uint(c, rq->nr_switches);
        csv_uint(c, rq->nr_ticks);
        csv_end_row(c);
    }
}

static uint64_t
node_busy(const struct kernel *k, const struct machine_node *n)
{
    uint64_t busy = 0;

    for_each_cpu (cpu, n->cpus)
        busy += k->rqs[cpu].busy_ns;
    return busy;
}

/* Empty: not known. */
static void
share(struct csv *c, double x)
{
    if (isfinite(x))
        csv_real(c, x);
    else
        csv_empty(c);
}

static sim_time
window_of(const struct report *r)
{
    return r->info->elapsed > r->k->warmup_at ? r->info->elapsed - r->k->warmup_at : 0;
}

static void
node_load(const struct report *r, struct csv *c, uint32_t node)
{
    csv_uint(c, r->k->machine->nodes[node].bandwidth);
    csv_uint(c, r->k->served[node].read);
    csv_uint(c, r->k->served[node].written);
    share(c, controller_load(r->k, node, window_of(r)));
    share(c, r->samples != NULL ? samples_node_load_max(r->samples, node) : NAN);
}

void
report_nodes(const struct report *r, struct csv *c)
{
    const struct kernel *k = r->k;

    csv_header(c, "node,kind,cpus,mem_bytes,free_bytes,busy_ns,numa_hit,numa_miss,numa_foreign,"
                  "interleave_hit,local_node,other_node,bandwidth_bytes_per_s,read_bytes,"
                  "written_bytes,utilisation_ratio,utilisation_max_ratio");
    for (uint32_t i = 0; i < k->machine->nr_nodes; i++) {
        const struct machine_node *n = &k->machine->nodes[i];
        csv_uint(c, n->os_index);
        csv_text(c, memory_kind_names[n->kind]);
        csv_uint(c, cpumask_weight(n->cpus));
        csv_uint(c, n->mem_bytes);
        const struct mm_node *mn = &k->mm->nodes[i];
        csv_uint(c, mn->free_pages * PAGE_4K);
        csv_uint(c, node_busy(k, n));
        const uint64_t counts[] = { mn->numa_hit,       mn->numa_miss,  mn->numa_foreign,
                                    mn->interleave_hit, mn->local_node, mn->other_node };
        for (guint j = 0; j < G_N_ELEMENTS(counts); j++)
            csv_uint(c, counts[j]);
        node_load(r, c, i);
        csv_end_row(c);
    }
}

void
report_links(const struct report *r, struct csv *c)
{
    const struct machine *m = r->k->machine;
    g_autofree uint64_t *bytes = g_new0(uint64_t, m->nr_links + 1);

    mm_link_bytes(r->k, bytes);
    csv_header(c, "link,from_node,to_node,bandwidth_bytes_per_s,bytes,utilisation_ratio,"
                  "utilisation_max_ratio");
    for (uint32_t i = 0; i < m->nr_links; i++) {
        const struct machine_link *l = &m->links[i];
        csv_text(c, l->name);
        csv_uint(c, node_name(r->k, l->from));
        csv_uint(c, node_name(r->k, l->to));
        csv_uint(c, l->bandwidth);
        csv_uint(c, bytes[i]);
        share(c, link_load(r->k, i, bytes[i], window_of(r)));
        share(c, r->samples != NULL ? samples_link_load_max(r->samples, i) : NAN);
        csv_end_row(c);
    }
}

void
report_traffic(const struct report *r, struct csv *c)
{
    const struct machine *m = r->k->machine;

    csv_header(c, "from_node,to_node,bytes");
    for (uint32_t from = 0; from < m->nr_nodes; from++)
        for (uint32_t to = 0; to < m->nr_nodes; to++) {
            csv_uint(c, m->nodes[from].os_index);
            csv_uint(c, m->nodes[to].os_index);
            csv_uint(c, r->k->traffic[from * m->nr_nodes + to]);
            csv_end_row(c);
        }
}
