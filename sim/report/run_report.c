/*
 * The files of a run's folder. Columns that others rely on stand in product.md section 4; each
 * file is one function, and new columns go to the end of a row.
 */
#include "report/run_report.h"

#include "kernel/mm.h"
#include "report/metric.h"

struct report {
    const char *dir;
    const struct kernel *k;
    const struct run_info *info;
    const struct samples *samples;
    struct arena *arena;
};

static void
write_summary(const struct report *r, struct csv *c)
{
    struct totals t;

    metrics_header(c, true);
    totals_of_run(&t, r->k, r->info, r->arena);
    metrics_row(c, &t, true);
}

/* ---- processes.csv ---- */

static void
add_tag(GPtrArray *tags, const char *tag)
{
    for (guint i = 0; i < tags->len; i++)
        if (g_strcmp0(g_ptr_array_index(tags, i), tag) == 0)
            return;
    if (tag != NULL && *tag != '\0')
        g_ptr_array_add(tags, g_strdup(tag));
}

/* In the order of their first appearance. */
static GPtrArray *
all_tags(const struct kernel *k)
{
    GPtrArray *tags = g_ptr_array_new_with_free_func(g_free);

    for (uint32_t i = 0; i < k->nr_processes; i++) {
        const struct process *pr = k->processes[i];
        add_tag(tags, pr->tag);
        for (uint32_t j = 0; j < pr->nr_members; j++)
            add_tag(tags, pr->members[j]->tag);
    }
    return tags;
}

static void
scope_row(struct csv *c, const struct totals *t)
{
    csv_text(c, t->scope);
    csv_text(c, t->id);
    metrics_row(c, t, false);
}

static void
write_processes(const struct report *r, struct csv *c)
{
    g_autoptr(GPtrArray) tags = all_tags(r->k);
    struct totals t;

    csv_text(c, "scope");
    csv_text(c, "id");
    metrics_header(c, false);
    for (uint32_t i = 0; i < r->k->nr_processes; i++) {
        totals_of_process(&t, r->k, r->info, r->k->processes[i], r->arena);
        scope_row(c, &t);
    }
    for (guint i = 0; i < tags->len; i++) {
        totals_of_tag(&t, r->k, r->info, g_ptr_array_index(tags, i), r->arena);
        scope_row(c, &t);
    }
}

/* ---- tasks.csv ---- */

static const char *
class_of(const struct task *p)
{
    static const char *const names[] = {
        [POLICY_NORMAL] = "normal", [POLICY_BATCH] = "batch", [POLICY_IDLE] = "idle",
        [POLICY_FIFO] = "fifo",     [POLICY_RR] = "rr",       [POLICY_DEADLINE] = "deadline",
    };
    return names[p->policy];
}

static void
task_row(struct csv *c, const struct task *p, const struct process *pr)
{
    const struct task_stats *s = &p->stats;

    csv_text(c, p->name);
    csv_text(c, pr->name);
    csv_empty(c); /* cgroup: the root */
    csv_text(c, class_of(p));
    csv_int(c, p->nice);
    const uint64_t numbers[] = { s->run_ns,          s->wait_ns,
                                 s->sleep_ns,        s->stall_local_ns,
                                 s->stall_remote_ns, s->accesses_local,
                                 s->accesses_remote, s->migrations_llc,
                                 s->migrations_node, s->migrations_cross_node,
                                 s->work_done,       s->kernel_ns,
                                 s->nr_voluntary,    s->nr_involuntary,
                                 s->nr_wakeups };
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
        csv_uint(c, numbers[i]);
    csv_end_row(c);
}

static void
write_tasks(const struct report *r, struct csv *c)
{
    csv_header(c, "task,process,cgroup,class,nice,run_ns,wait_ns,sleep_ns,stall_local_ns,"
                  "stall_remote_ns,accesses_local,accesses_remote,migrations_llc,migrations_node,"
                  "migrations_cross_node,work_done,kernel_ns,voluntary_switches,"
                  "involuntary_switches,wakeups");
    for (uint32_t i = 0; i < r->k->nr_processes; i++) {
        const struct process *pr = r->k->processes[i];
        for (uint32_t j = 0; j < pr->nr_members; j++)
            task_row(c, pr->members[j], pr);
    }
}

/* ---- the machine ---- */

static uint32_t
node_name(const struct kernel *k, int32_t node)
{
    return k->machine->nodes[node].os_index;
}

static void
write_cpus(const struct report *r, struct csv *c)
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
    for_each_cpu (cpu, r->k->machine->online) {
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

static void
write_nodes(const struct report *r, struct csv *c)
{
    const struct kernel *k = r->k;

    csv_header(c, "node,kind,cpus,mem_bytes,free_bytes,busy_ns,numa_hit,numa_miss,numa_foreign,"
                  "interleave_hit,local_node,other_node");
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
        csv_end_row(c);
    }
}

static void
write_links(const struct report *r, struct csv *c)
{
    const struct machine *m = r->k->machine;
    sim_time window = r->info->elapsed > r->k->warmup_at ? r->info->elapsed - r->k->warmup_at : 0;

    csv_header(c, "link,from_node,to_node,bandwidth_bytes_per_s,bytes,utilisation_ratio");
    for (uint32_t i = 0; i < m->nr_links; i++) {
        const struct machine_link *l = &m->links[i];
        double most = (double)l->bandwidth * (double)window / 1e9;
        csv_text(c, l->name);
        csv_uint(c, node_name(r->k, l->from));
        csv_uint(c, node_name(r->k, l->to));
        csv_uint(c, l->bandwidth);
        csv_uint(c, r->k->link_bytes[i]);
        if (most > 0)
            csv_real(c, (double)r->k->link_bytes[i] / most);
        else
            csv_empty(c);
        csv_end_row(c);
    }
}

static void
write_traffic(const struct report *r, struct csv *c)
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

/* ---- latency.csv ---- */

static void
write_histogram(struct csv *c, const struct totals *t, const char *kind, const struct histogram *h)
{
    for (uint32_t slot = 0; slot < h->nr_slots; slot++) {
        if (h->counts[slot] == 0)
            continue;
        csv_text(c, t->scope);
        csv_text(c, t->id);
        csv_text(c, kind);
        csv_uint(c, histogram_slot_high(slot));
        csv_uint(c, h->counts[slot]);
        csv_end_row(c);
    }
}

static void
write_histograms(struct csv *c, const struct totals *t)
{
    write_histogram(c, t, "wait", &t->wait);
    write_histogram(c, t, "wakeup", &t->wakeup);
    write_histogram(c, t, "request", &t->request);
}

static void
write_latency(const struct report *r, struct csv *c)
{
    struct totals t;

    csv_header(c, "scope,id,kind,value_ns,count");
    totals_of_run(&t, r->k, r->info, r->arena);
    write_histograms(c, &t);
    for (uint32_t i = 0; i < r->k->nr_processes; i++) {
        totals_of_process(&t, r->k, r->info, r->k->processes[i], r->arena);
        write_histograms(c, &t);
    }
}

static const struct {
    const char *name;
    void (*write)(const struct report *r, struct csv *c);
} files[] = {
    { "summary.csv", write_summary }, { "processes.csv", write_processes },
    { "tasks.csv", write_tasks },     { "cpus.csv", write_cpus },
    { "nodes.csv", write_nodes },     { "links.csv", write_links },
    { "traffic.csv", write_traffic }, { "latency.csv", write_latency },
};

bool
run_report_write(const char *dir, const struct kernel *k, const struct run_info *info,
                 const struct samples *samples, GError **error)
{
    struct report r = { dir, k, info, samples, arena_new() };
    bool fine = true;

    for (guint i = 0; i < G_N_ELEMENTS(files) && fine; i++) {
        struct csv *c = csv_create(dir, files[i].name, error);
        fine = c != NULL;
        if (fine) {
            files[i].write(&r, c);
            fine = csv_close(c, error);
        }
    }
    if (fine && samples != NULL)
        fine = samples_write(samples, dir, error);
    arena_free(r.arena);
    return fine;
}
