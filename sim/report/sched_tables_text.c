/* latency and the summary of timehist, in perf's columns. */
#include "report/sched_tables_impl.h"

#include <inttypes.h>

#include <math.h>

static gint
by_number(gconstpointer a, gconstpointer b)
{
    uint32_t x = (*(struct sched_task *const *)a)->row.task;
    uint32_t y = (*(struct sched_task *const *)b)->row.task;

    return x < y ? -1 : x > y;
}

GPtrArray *
sched_tables_sorted(const struct sched_tables *t)
{
    GPtrArray *all = g_ptr_array_new();
    GHashTableIter at;
    gpointer p;

    g_hash_table_iter_init(&at, t->by_id);
    while (g_hash_table_iter_next(&at, NULL, &p))
        if (((struct sched_task *)p)->row.task != SCHED_TABLES_IDLE)
            g_ptr_array_add(all, p);
    g_ptr_array_sort(all, by_number);
    return all;
}

GArray *
sched_tables_rows(const struct sched_tables *t)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct sched_tables_row));
    g_autoptr(GPtrArray) all = sched_tables_sorted(t);

    for (guint i = 0; i < all->len; i++)
        g_array_append_val(rows, ((struct sched_task *)g_ptr_array_index(all, i))->row);
    return rows;
}

/* ---- latency ---- */

/* A row: a task, or all tasks of one name. */
struct merged {
    struct sched_tables_row sum;
    uint32_t nr;
    double average;
};

static void
merge(struct merged *m, const struct sched_tables_row *r)
{
    if (m->nr++ == 0) {
        m->sum = *r;
        return;
    }
    m->sum.runtime_ns += r->runtime_ns;
    m->sum.nr_delays += r->nr_delays;
    m->sum.delay_sum_ns += r->delay_sum_ns;
    if (r->max_delay_ns > m->sum.max_delay_ns) {
        m->sum.max_delay_ns = r->max_delay_ns;
        m->sum.max_start = r->max_start;
        m->sum.max_end = r->max_end;
    }
}

/* perf's order: the longest average first, then the longest maximum. */
static gint
by_delay(gconstpointer a, gconstpointer b)
{
    const struct merged *x = a, *y = b;

    if (x->average != y->average)
        return x->average > y->average ? -1 : 1;
    if (x->sum.max_delay_ns != y->sum.max_delay_ns)
        return x->sum.max_delay_ns > y->sum.max_delay_ns ? -1 : 1;
    return x->sum.task < y->sum.task ? -1 : x->sum.task > y->sum.task;
}

static GArray *
merged_rows(const struct sched_tables *t)
{
    GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct merged));
    g_autoptr(GHashTable) place = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) all = sched_tables_sorted(t);

    for (guint i = 0; i < all->len; i++) {
        const struct sched_task *p = g_ptr_array_index(all, i);
        guint at = GPOINTER_TO_UINT(g_hash_table_lookup(place, p->name));
        if (t->o.by_task || at == 0) {
            g_array_set_size(rows, rows->len + 1);
            at = rows->len;
            g_hash_table_insert(place, p->name, GUINT_TO_POINTER(at));
        }
        merge(&g_array_index(rows, struct merged, at - 1), &p->row);
    }
    for (guint i = 0; i < rows->len; i++) {
        struct merged *m = &g_array_index(rows, struct merged, i);
        if (m->sum.nr_delays > 0)
            m->average = (double)m->sum.delay_sum_ns / (double)m->sum.nr_delays;
    }
    g_array_sort(rows, by_delay);
    return rows;
}

static void
append_rule(GString *out, int width)
{
    g_string_append_c(out, ' ');
    for (int i = 0; i < width; i++)
        g_string_append_c(out, '-');
    g_string_append_c(out, '\n');
}

static void
append_seconds(GString *out, sim_time at)
{
    g_string_append_printf(out, "%5" PRIu64 ".%06" PRIu64 " s", at / 1000000000,
                           at / 1000 % 1000000);
}

static void
append_latency_row(GString *out, const struct merged *m)
{
    const struct sched_tables_row *r = &m->sum;
    g_autofree char *name = m->nr > 1 ? g_strdup_printf("%s:(%u)", r->name, m->nr)
                                      : g_strdup_printf("%s:%u", r->name, r->task);

    g_string_append_printf(
        out, "  %-21s |%11.3f ms |%9" PRIu64 " | avg:%8.3f ms | max:%8.3f ms | max start: ", name,
        (double)r->runtime_ns / 1e6, r->nr_delays, m->average / 1e6, (double)r->max_delay_ns / 1e6);
    append_seconds(out, r->max_start);
    g_string_append(out, " | max end: ");
    append_seconds(out, r->max_end);
    g_string_append_c(out, '\n');
}

enum { LATENCY_WIDTH = 139, TOTAL_WIDTH = 113, FOOT_WIDTH = 51 };

void
sched_tables_latency(const struct sched_tables *t, GString *out)
{
    g_autoptr(GArray) rows = merged_rows(t);
    uint64_t runtime = 0, delays = 0;

    append_rule(out, LATENCY_WIDTH);
    g_string_append(out, "  Task                  |   Runtime ms  | Switches | Avg delay ms    "
                         "| Max delay ms    | Max delay start           | Max delay end          "
                         "|\n");
    append_rule(out, LATENCY_WIDTH);
    for (guint i = 0; i < rows->len; i++) {
        const struct merged *m = &g_array_index(rows, struct merged, i);
        if (m->sum.nr_delays == 0)
            continue;
        append_latency_row(out, m);
        runtime += m->sum.runtime_ns;
        delays += m->sum.nr_delays;
    }
    append_rule(out, TOTAL_WIDTH);
    g_string_append_printf(out, "  TOTAL:                |%11.3f ms |%9" PRIu64 " |\n",
                           (double)runtime / 1e6, delays);
    append_rule(out, FOOT_WIDTH);
}

/* ---- summary ---- */

/* Of the mean, in percent of it, as perf means "stddev". */
static double
relative_error(const struct sched_task *p)
{
    double n = (double)p->row.nr_runs;

    if (p->row.nr_runs < 2 || p->mean_run == 0)
        return 0;
    return 100 * sqrt(p->m2_run / (n - 1) / n) / p->mean_run;
}

static void
append_ms(GString *out, int width, uint64_t ns)
{
    g_string_append_printf(out, "%*" PRIu64 ".%03" PRIu64, width - 4, ns / 1000000,
                           ns / 1000 % 1000);
}

static void
append_summary_row(GString *out, const struct sched_task *p)
{
    const struct sched_tables_row *r = &p->row;
    g_autofree char *name = g_strdup_printf("%s[%u]", p->name, r->task);

    g_string_append_printf(out, "%30s", name);
    if (p->parent != 0)
        g_string_append_printf(out, "%8u", p->parent);
    else
        g_string_append_printf(out, "%8d", -1);
    g_string_append_printf(out, "%11" PRIu64, r->nr_runs);
    append_ms(out, 13, r->run_ns);
    append_ms(out, 11, r->min_run_ns);
    append_ms(out, 12, r->run_ns / r->nr_runs);
    append_ms(out, 12, r->max_run_ns);
    g_string_append_printf(out, "%8.2f%8" PRIu64 "\n", relative_error(p), r->nr_migrations);
}

static uint64_t
append_summary_rows(GString *out, const GPtrArray *all, bool ended)
{
    uint64_t run = 0;

    for (guint i = 0; i < all->len; i++) {
        const struct sched_task *p = g_ptr_array_index(all, i);
        if (p->row.nr_runs == 0 || p->ended != ended)
            continue;
        append_summary_row(out, p);
        run += p->row.run_ns;
    }
    return run;
}

static uint32_t
append_idle(const struct sched_tables *t, GString *out)
{
    double span = (double)SIM_MAX(t->last - t->first, (sim_time)1);
    uint32_t nr = 0;

    for (uint32_t cpu = 0; cpu < t->cpus->len; cpu++) {
        const struct sched_cpu *c = &g_array_index(t->cpus, struct sched_cpu, cpu);
        if (!c->seen)
            g_string_append_printf(out, "    CPU %2u idle entire time window\n", cpu);
        else
            g_string_append_printf(out, "    CPU %2u idle for %10.3f  msec  (%6.2f%%)\n", cpu,
                                   (double)c->idle_ns / 1e6, 100 * (double)c->idle_ns / span);
        nr++;
    }
    return nr;
}

void
sched_tables_summary(const struct sched_tables *t, GString *out)
{
    g_autoptr(GPtrArray) all = sched_tables_sorted(t);

    g_string_append_printf(out, "\nRuntime summary\n%30s%8s%11s%13s%11s%12s%12s%8s%12s\n", "comm",
                           "parent", "sched-in", "run-time", "min-run", "avg-run", "max-run",
                           "stddev", "migrations");
    g_string_append_printf(out, "%30s%8s%11s%13s%11s%12s%12s%8s\n", "", "", "(count)", "(msec)",
                           "(msec)", "(msec)", "(msec)", "%");
    for (int i = 0; i < 117; i++)
        g_string_append_c(out, '-');
    g_string_append_c(out, '\n');
    uint64_t run = append_summary_rows(out, all, false);
    g_string_append(out, "\nTerminated tasks:\n");
    run += append_summary_rows(out, all, true);
    g_string_append(out, "\nIdle stats:\n");
    uint32_t nr_cpus = append_idle(t, out);
    g_string_append_printf(out,
                           "\n    Total number of unique tasks: %u\n"
                           "Total number of context switches: %" PRIu64 "\n"
                           "           Total run time"
                           " (msec): ",
                           all->len, t->nr_switches);
    append_ms(out, 7, run);
    g_string_append(out, "\n    Total scheduling time"
                         " (msec): ");
    append_ms(out, 6, t->last - t->first);
    g_string_append_printf(out, "  (x %u)\n", nr_cpus);
}
