/*
 * /proc/PID/sched (kernel/sched/debug.c: proc_sched_show_task): a block of text for each task, and
 * a row of sched_tasks.csv. Times are in ms with six decimals in the text, as the kernel has them,
 * and in ns in the table. Left out is what is not modelled: uclamp, ext, core scheduling.
 */
#include "kernel/kernel.h"
#include "kernel/mm.h"
#include "kernel/numa_group.h"
#include "report/schedstat.h"

/* set_task_cpu() to another CPU; the placement of a new task is none. */
static uint64_t
nr_migrations(const struct task *p)
{
    return p->stats.migrations_llc + p->stats.migrations_node + p->stats.migrations_cross_node;
}

/* One number of a task. */
struct put {
    void (*number)(struct put *put, const char *name, int64_t value, bool ns);
    GString *text;
    struct csv *csv;
};

static int64_t
average(uint64_t sum, uint64_t n)
{
    return n > 0 ? (int64_t)(sum / n) : -1;
}

/* Of user and kernel: 0..99 real time, 100..139 fair, -1 deadline. */
static int64_t
prio(const struct task *p)
{
    if (p->policy == POLICY_DEADLINE)
        return -1;
    if (p->policy == POLICY_FIFO || p->policy == POLICY_RR)
        return 99 - (int64_t)p->rt_priority;
    return 120 + p->nice;
}

/* SCHED_NORMAL and the others, as numbers of the system call. */
static int64_t
policy_number(const struct task *p)
{
    static const int64_t numbers[] = {
        [POLICY_NORMAL] = 0, [POLICY_FIFO] = 1,     [POLICY_RR] = 2,  [POLICY_BATCH] = 3,
        [POLICY_IDLE] = 5,   [POLICY_DEADLINE] = 6, [POLICY_EXT] = 7,
    };
    return numbers[p->policy];
}

static void
put_statistics(struct put *put, const struct task *p)
{
    const struct sched_statistics *s = &p->sched;
    uint64_t nr_switches = p->stats.nr_voluntary + p->stats.nr_involuntary;
    const struct {
        const char *name;
        uint64_t value;
        bool ns;
    } all[] = {
        { "sum_sleep_runtime", s->sum_sleep_runtime, true },
        { "sum_block_runtime", s->sum_block_runtime, true },
        { "wait_start", s->wait_start, true },
        { "sleep_start", s->sleep_start, true },
        { "block_start", s->block_start, true },
        { "sleep_max", s->sleep_max, true },
        { "block_max", s->block_max, true },
        { "exec_max", s->exec_max, true },
        { "slice_max", s->slice_max, true },
        { "wait_max", s->wait_max, true },
        { "wait_sum", s->wait_sum, true },
        { "wait_count", s->wait_count, false },
        { "iowait_sum", s->iowait_sum, true },
        { "iowait_count", s->iowait_count, false },
        { "nr_migrations_cold", 0, false },
        { "nr_failed_migrations_affine", s->nr_failed_migrations_affine, false },
        { "nr_failed_migrations_running", s->nr_failed_migrations_running, false },
        { "nr_failed_migrations_hot", s->nr_failed_migrations_hot, false },
        { "nr_forced_migrations", s->nr_forced_migrations, false },
        { "nr_wakeups", s->nr_wakeups, false },
        { "nr_wakeups_sync", s->nr_wakeups_sync, false },
        { "nr_wakeups_migrate", s->nr_wakeups_migrate, false },
        { "nr_wakeups_local", s->nr_wakeups_local, false },
        { "nr_wakeups_remote", s->nr_wakeups_remote, false },
        { "nr_wakeups_affine", s->nr_wakeups_affine, false },
        { "nr_wakeups_affine_attempts", s->nr_wakeups_affine_attempts, false },
        { "nr_wakeups_passive", 0, false },
        { "nr_wakeups_idle", 0, false },
    };

    for (guint i = 0; i < G_N_ELEMENTS(all); i++)
        put->number(put, all[i].name, (int64_t)all[i].value, all[i].ns);
    put->number(put, "avg_atom", average(p->stats.run_ns, nr_switches), true);
    put->number(put, "avg_per_cpu", average(p->stats.run_ns, nr_migrations(p)), true);
    put->number(put, "nr_switches", (int64_t)nr_switches, false);
}

static void
put_averages(struct put *put, const struct task *p)
{
    const struct sched_avg *a = &p->se.avg;

    put->number(put, "se.load.weight", p->se.load_weight, false);
    put->number(put, "se.avg.load_sum", (int64_t)a->load_sum, false);
    put->number(put, "se.avg.runnable_sum", (int64_t)a->runnable_sum, false);
    put->number(put, "se.avg.util_sum", a->util_sum, false);
    put->number(put, "se.avg.load_avg", (int64_t)a->load_avg, false);
    put->number(put, "se.avg.runnable_avg", a->runnable_avg, false);
    put->number(put, "se.avg.util_avg", a->util_avg, false);
    put->number(put, "se.avg.last_update_time", (int64_t)a->last_update_time, false);
    put->number(put, "se.avg.util_est", a->util_est, false);
}

/* all: those of other policies too, since a table has the same columns for everybody. */
static void
put_parameters(struct put *put, const struct task *p, bool all)
{
    bool deadline = p->policy == POLICY_DEADLINE;
    bool fair = p->policy <= POLICY_IDLE || p->policy == POLICY_EXT;

    put->number(put, "policy", policy_number(p), false);
    put->number(put, "prio", prio(p), false);
    if (deadline || all) {
        put->number(put, "dl.runtime", deadline ? p->dl.runtime : 0, false);
        put->number(put, "dl.deadline", deadline ? (int64_t)p->dl.deadline : 0, false);
    }
    if (fair || all)
        put->number(put, "se.slice", fair ? (int64_t)p->se.slice : 0, false);
    put->number(put, "clock-delta", 0, false);
}

static void
put_numa(struct put *put, const struct task *p)
{
    const struct task_numa *n = p->numa;

    put->number(put, "mm->numa_scan_seq", (int64_t)p->mm->numa_scan_seq, false);
    put->number(put, "numa_pages_migrated", n != NULL ? (int64_t)n->pages_migrated : 0, false);
    put->number(put, "numa_preferred_nid", n != NULL ? n->preferred : NUMA_NO_NODE, false);
    put->number(put, "total_numa_faults", n != NULL ? (int64_t)n->total_faults : 0, false);
}

static void
put_task(struct put *put, const struct task *p, bool all)
{
    put->number(put, "se.exec_start", (int64_t)p->se.exec_start, true);
    put->number(put, "se.vruntime", p->se.vruntime, true);
    put->number(put, "se.sum_exec_runtime", (int64_t)p->stats.run_ns, true);
    put->number(put, "se.nr_migrations", (int64_t)nr_migrations(p), false);
    put_statistics(put, p);
    put->number(put, "nr_voluntary_switches", (int64_t)p->stats.nr_voluntary, false);
    put->number(put, "nr_involuntary_switches", (int64_t)p->stats.nr_involuntary, false);
    put_averages(put, p);
    put_parameters(put, p, all);
    put_numa(put, p);
}

/* ---- text ---- */

static void
number_as_text(struct put *put, const char *name, int64_t value, bool ns)
{
    if (!ns) {
        g_string_append_printf(put->text, "%-45s:%21" G_GINT64_FORMAT "\n", name, value);
        return;
    }
    int64_t ms = value / 1000000, rest = value % 1000000;
    g_string_append_printf(put->text, "%-45s:%14" G_GINT64_FORMAT ".%06" G_GINT64_FORMAT "\n", name,
                           ms, rest < 0 ? -rest : rest);
}

static void
numa_text(const struct kernel *k, const struct task *p, GString *out)
{
    const struct task_numa *n = p->numa;
    const struct numa_group *g = n != NULL ? n->group : NULL;

    g_string_append_printf(out, "current_node=%u, numa_group_id=%u\n",
                           k->machine->nodes[k->machine->cpus[p->cpu].node].os_index,
                           g != NULL ? g->gid : 0);
    for (uint32_t node = 0; node < k->machine->nr_nodes; node++) {
        static const uint64_t none[2];
        const uint64_t *f = none, *gf = none;

        if (n != NULL && n->faults != NULL)
            f = numa_faults(k, n, NUMA_MEM, (int)node);
        if (g != NULL)
            gf = &g->faults[2 * ((uint32_t)NUMA_MEM * k->machine->nr_nodes + node)];
        g_string_append_printf(out,
                               "numa_faults node=%u task_private=%" G_GUINT64_FORMAT
                               " task_shared=%" G_GUINT64_FORMAT " group_private=%" G_GUINT64_FORMAT
                               " group_shared=%" G_GUINT64_FORMAT "\n",
                               k->machine->nodes[node].os_index, f[NUMA_PRIVATE], f[NUMA_SHARED],
                               gf[NUMA_PRIVATE], gf[NUMA_SHARED]);
    }
}

void
proc_sched_text(const struct kernel *k, const struct task *p, GString *out)
{
    struct put put = { .number = number_as_text, .text = out };

    g_string_append_printf(out, "%s (%d, #threads: %u)\n", p->comm != NULL ? p->comm : p->name,
                           (int32_t)task_pid(p), p->process->nr_tasks);
    for (int i = 0; i < 67; i++)
        g_string_append_c(out, '-');
    g_string_append_c(out, '\n');
    put_task(&put, p, false);
    numa_text(k, p, out);
}

/* ---- table ---- */

static void
name_as_column(struct put *put, const char *name, int64_t value, bool ns)
{
    (void)value, (void)ns;
    csv_text(put->csv, name);
}

static void
number_as_field(struct put *put, const char *name, int64_t value, bool ns)
{
    (void)name, (void)ns;
    csv_int(put->csv, value);
}

static void
write_row(struct put *put, const struct task *p)
{
    csv_text(put->csv, p->name);
    csv_text(put->csv, p->process->name);
    csv_int(put->csv, (int32_t)task_pid(p));
    csv_uint(put->csv, p->info.run_delay);
    csv_uint(put->csv, p->info.pcount);
    put_task(put, p, true);
    csv_end_row(put->csv);
}

static void
write_table(const struct kernel *k, struct csv *c)
{
    struct put put = { .number = name_as_column, .csv = c };
    static const char *const names[] = { "task", "process", "pid", "run_delay", "pcount" };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        csv_text(c, names[i]);
    if (k->nr_tasks > 0)
        put_task(&put, k->tasks[0], true);
    csv_end_row(c);
    put.number = number_as_field;
    for (uint32_t i = 0; i < k->nr_tasks; i++)
        write_row(&put, k->tasks[i]);
}

bool
proc_sched_write(const char *dir, const struct kernel *k, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        if (i > 0)
            g_string_append_c(text, '\n');
        proc_sched_text(k, k->tasks[i], text);
    }
    if (!write_whole_file(dir, "sched.txt", text->str, error))
        return false;
    struct csv *c = csv_create(dir, "sched_tasks.csv", error);
    if (c == NULL)
        return false;
    write_table(k, c);
    return csv_close(c, error);
}
