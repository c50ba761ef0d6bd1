/*
 * The files of a run's folder. Columns that others rely on stand in product.md section 4; each
 * file is one function, and new columns go to the end of a row.
 */
#include "report/run_report.h"

#include "kernel/device.h"
#include "kernel/group.h"
#include "report/metric.h"
#include "report/run_report_impl.h"
#include "report/schedstat.h"
#include "report/summary.h"
#include "report/vm_text.h"

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
scope_rows(struct csv *c, const struct kernel *k, const struct run_info *info, unsigned scopes,
           struct arena *a)
{
    g_autoptr(GPtrArray) tags = all_tags(k);
    struct totals t;

    for (uint32_t i = 0; i < k->nr_processes && (scopes & RUN_SCOPE_PROCESS) != 0; i++) {
        totals_of_process(&t, k, info, k->processes[i], a);
        scope_row(c, &t);
    }
    for (guint i = 0; i < tags->len && (scopes & RUN_SCOPE_TAG) != 0; i++) {
        totals_of_tag(&t, k, info, g_ptr_array_index(tags, i), a);
        scope_row(c, &t);
    }
    for (uint32_t i = 1; i < k->nr_groups && (scopes & RUN_SCOPE_CGROUP) != 0; i++) {
        if (k->groups[i]->autogroup)
            continue;
        totals_of_group(&t, k, info, k->groups[i], a);
        scope_row(c, &t);
    }
}

static void
write_processes(const struct report *r, struct csv *c)
{
    csv_text(c, "scope");
    csv_text(c, "id");
    metrics_header(c, false);
    scope_rows(c, r->k, r->info, RUN_SCOPE_ALL, r->arena);
}

void
run_report_rows(const struct kernel *k, const struct run_info *info, unsigned scopes, GString *out)
{
    struct arena *a = arena_new();
    struct csv *c = csv_memory(out);
    struct totals t;

    totals_of_run(&t, k, info, a);
    metrics_row(c, &t, true);
    scope_rows(c, k, info, scopes, a);
    csv_close(c, NULL);
    arena_free(a);
}

/* ---- tasks.csv ---- */

static const char *
class_of(const struct task *p)
{
    static const char *const names[] = {
        [POLICY_NORMAL] = "normal", [POLICY_BATCH] = "batch", [POLICY_IDLE] = "idle",
        [POLICY_FIFO] = "fifo",     [POLICY_RR] = "rr",       [POLICY_DEADLINE] = "deadline",
        [POLICY_EXT] = "ext",
    };
    return names[p->policy];
}

static void
task_row(struct csv *c, const struct task *p, const struct process *pr)
{
    const struct task_stats *s = &p->stats;

    csv_text(c, p->name);
    csv_text(c, pr->name);
    if (p->group->parent != NULL)
        csv_text(c, p->group->name);
    else
        csv_empty(c); /* the root */
    csv_text(c, class_of(p));
    csv_int(c, p->nice);
    const uint64_t numbers[] = { s->run_ns,          s->wait_ns,
                                 s->sleep_ns,        s->stall_local_ns,
                                 s->stall_remote_ns, s->accesses_local,
                                 s->accesses_remote, s->migrations_llc,
                                 s->migrations_node, s->migrations_cross_node,
                                 s->work_done,       s->kernel_ns,
                                 s->nr_voluntary,    s->nr_involuntary,
                                 s->nr_wakeups,      s->io_wait_ns };
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
        csv_uint(c, numbers[i]);
    if (s->run_ns > 0)
        csv_real(c, (double)(s->stall_local_ns + s->stall_remote_ns) / (double)s->run_ns);
    else
        csv_empty(c);
    csv_end_row(c);
}

static void
write_tasks(const struct report *r, struct csv *c)
{
    csv_header(c, "task,process,cgroup,class,nice,run_ns,wait_ns,sleep_ns,stall_local_ns,"
                  "stall_remote_ns,accesses_local,accesses_remote,migrations_llc,migrations_node,"
                  "migrations_cross_node,work_done,kernel_ns,voluntary_switches,"
                  "involuntary_switches,wakeups,io_wait_ns,stall_ratio");
    for (uint32_t i = 0; i < r->k->nr_processes; i++) {
        const struct process *pr = r->k->processes[i];
        for (uint32_t j = 0; j < pr->nr_members; j++)
            task_row(c, pr->members[j], pr);
    }
}

/* ---- latency.csv ---- */

static void
write_histogram(struct csv *c, const struct totals *t, const char *kind, const struct histogram *h)
{
    for (uint32_t slot = 0; slot < h->nr_slots; slot++) {
        if (histogram_count(h, slot) == 0)
            continue;
        csv_text(c, t->scope);
        csv_text(c, t->id);
        csv_text(c, kind);
        csv_uint(c, histogram_slot_high(slot));
        csv_uint(c, histogram_count(h, slot));
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
    for (uint32_t i = 0; i < devices_nr(r->k); i++) {
        t = (struct totals){ .scope = "device", .id = device_spec(r->k, i)->name };
        write_histogram(c, &t, "operation", &device_stats(r->k, i)->latency);
    }
}

/* ---- other forms of summary.csv ---- */

static bool
write_summary_texts(const struct report *r, GError **error)
{
    struct totals t;

    totals_of_run(&t, r->k, r->info, r->arena);
    return summary_write(r->dir, &t, error);
}

static const struct {
    const char *name;
    void (*write)(const struct report *r, struct csv *c);
    bool (*applies)(const struct kernel *k); /* NULL: always */
} files[] = {
    { "summary.csv", write_summary, NULL },
    { "processes.csv", write_processes, NULL },
    { "tasks.csv", write_tasks, NULL },
    { "cpus.csv", report_cpus, NULL },
    { "nodes.csv", report_nodes, NULL },
    { "links.csv", report_links, NULL },
    { "traffic.csv", report_traffic, NULL },
    { "latency.csv", write_latency, NULL },
    { "devices.csv", report_devices, report_has_devices },
    { "requests.csv", report_requests, report_has_requests },
    { "ext.csv", report_ext, report_has_ext },
};

bool
run_report_write(const char *dir, const struct kernel *k, const struct run_info *info,
                 const struct samples *samples, GError **error)
{
    struct report r = { dir, k, info, samples, arena_new() };
    bool fine = true;

    for (guint i = 0; i < G_N_ELEMENTS(files) && fine; i++) {
        if (files[i].applies != NULL && !files[i].applies(k))
            continue;
        struct csv *c = csv_create(dir, files[i].name, error);
        fine = c != NULL;
        if (fine) {
            files[i].write(&r, c);
            fine = csv_close(c, error);
        }
    }
    fine = fine && write_summary_texts(&r, error) && schedstat_write(dir, k, error) &&
           vm_text_write(dir, k, error);
    if (fine && samples != NULL)
        fine = samples_write(samples, dir, error);
    arena_free(r.arena);
    return fine;
}
