/*
 * What is compared is a minimum: of many short windows of thread CPU time in one process, and of
 * many processes run in turn. On a shared machine the clock rate changes by half from one second to
 * the next; taking turns lets every program see a good second, and a minimum forgets the bad ones.
 * Only ratios leave this file.
 *
 * The measured programs are separate so that none is compiled, laid out or warmed up by another.
 */
#include "cli/bench_queue.h"

#include <gio/gio.h>

/* A cell is one program under one workload. */
enum cell {
    QUEUE_EXP,
    QUEUE_SCHED,
    QUEUE_SCHED_256,
    QUEUE_SCHED_65536,
    ENGINE_EXP,
    ENGINE_SCHED,
    NULL_EXP,
    NULL_SCHED,
    WHEEL64_EXP,
    TOURN8_EXP,
    LADDER_EXP,
    CALENDAR_EXP,
    D4A_EXP,
    BIN16_EXP,
    GTREE_SCHED,
    MULTIMAP_SCHED,
    PQ_SCHED,
    NR_CELLS,
};

static const struct {
    const char *program, *arguments;
} cells[NR_CELLS] = {
    [QUEUE_EXP] = { "bench_queue", "exp 4096" },
    [QUEUE_SCHED] = { "bench_queue", "sched 4096" },
    [QUEUE_SCHED_256] = { "bench_queue", "sched 256" },
    [QUEUE_SCHED_65536] = { "bench_queue", "sched 65536" },
    [ENGINE_EXP] = { "bench_engine", "auto exp 4096" },
    [ENGINE_SCHED] = { "bench_engine", "auto sched 4096" },
    [NULL_EXP] = { "bench_ref_null", "exp 4096" },
    [NULL_SCHED] = { "bench_ref_null", "sched 4096" },
    [WHEEL64_EXP] = { "bench_ref_wheel64", "exp 4096" },
    [TOURN8_EXP] = { "bench_ref_tourn8", "exp 4096" },
    [LADDER_EXP] = { "bench_ref_ladder", "exp 4096" },
    [CALENDAR_EXP] = { "bench_ref_calendar", "exp 4096" },
    [D4A_EXP] = { "bench_ref_d4a", "exp 4096" },
    [BIN16_EXP] = { "bench_ref_bin16", "exp 4096" },
    [GTREE_SCHED] = { "bench_containers", "gtree sched 4096" },
    [MULTIMAP_SCHED] = { "bench_containers", "multimap sched 4096" },
    [PQ_SCHED] = { "bench_containers", "pq sched 4096" },
};

/*
 * value = over / under, each less its driver's cost where `net` says so. The goals are for the
 * queue alone, like with like; "event loop" is the same with handlers and the order within an
 * instant.
 */
static const struct {
    const char *id, *what;
    enum cell over, under;
    double goal;
    bool at_most, net;
} rows[] = {
    { "Q1", "hold(4096): queue / wheel64", QUEUE_EXP, WHEEL64_EXP, 1.3, true, false },
    { "Q1", "hold(4096): queue / tournament tree", QUEUE_EXP, TOURN8_EXP, 0, true, false },
    { "Q1", "hold(4096): queue / ladder queue", QUEUE_EXP, LADDER_EXP, 0, true, false },
    { "Q1", "hold(4096): queue / calendar queue", QUEUE_EXP, CALENDAR_EXP, 0, true, false },
    { "Q1", "hold(4096): queue / 4-ary heap", QUEUE_EXP, D4A_EXP, 0, true, false },
    { "Q1", "hold(4096): queue / binary heap", QUEUE_EXP, BIN16_EXP, 0, true, false },
    { "Q1", "hold(4096): event loop / wheel64", ENGINE_EXP, WHEEL64_EXP, 0, true, false },
    { "Q3", "sched(4096): GTree / queue", GTREE_SCHED, QUEUE_SCHED, 14, false, false },
    { "Q3", "sched(4096): std::multimap / queue", MULTIMAP_SCHED, QUEUE_SCHED, 5, false, false },
    { "Q3", "sched(4096): std::priority_queue / queue", PQ_SCHED, QUEUE_SCHED, 5, false, false },
    { "Q3", "sched(4096): GTree / event loop", GTREE_SCHED, ENGINE_SCHED, 0, false, false },
    { "Q4", "sched(65536) / sched(256)", QUEUE_SCHED_65536, QUEUE_SCHED_256, 2.2, true, false },
    { "Q5", "sched(4096) / hold(4096), net", QUEUE_SCHED, QUEUE_EXP, 1.6, true, true },
    { "Q5", "the same, event loop", ENGINE_SCHED, ENGINE_EXP, 0, true, true },
};

struct reading {
    double ns, stale;
};

/* One run: "queue cancel workload n ns_min ns_median hash rearm/ev x stale/ev y". */
static bool
run_cell(const char *dir, enum cell cell, struct reading *r)
{
    g_autofree char *program = g_build_filename(dir, cells[cell].program, NULL);
    g_autofree char *line = g_strdup_printf("'%s' %s 20", program, cells[cell].arguments);
    g_auto(GStrv) argv = NULL;
    g_auto(GStrv) env = g_environ_setenv(g_get_environ(), "H", "20000", TRUE);
    g_autofree char *out = NULL;
    int status;

    if (!g_file_test(program, G_FILE_TEST_IS_EXECUTABLE) ||
        !g_shell_parse_argv(line, NULL, &argv, NULL) ||
        !g_spawn_sync(NULL, argv, env, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, &status,
                      NULL) ||
        !g_spawn_check_wait_status(status, NULL))
        return false;
    g_auto(GStrv) words = g_regex_split_simple("\\s+", g_strstrip(out), 0, 0);
    if (g_strv_length(words) != 11)
        return false;
    r->ns = g_ascii_strtod(words[4], NULL);
    r->stale = g_ascii_strtod(words[10], NULL);
    return r->ns > 0;
}

static void
measure(const char *dir, guint rounds, struct reading best[NR_CELLS])
{
    for (guint round = 0; round < rounds; round++)
        for (guint c = 0; c < NR_CELLS; c++) {
            struct reading r;

            if (!run_cell(dir, (enum cell)c, &r))
                continue;
            if (best[c].ns == 0 || r.ns < best[c].ns)
                best[c] = r;
        }
}

static double
net_of_driver(const struct reading *best, enum cell cell)
{
    return best[cell].ns - best[cell == QUEUE_EXP || cell == ENGINE_EXP ? NULL_EXP : NULL_SCHED].ns;
}

static void
add_missing(struct bench_row *row, const struct reading *best, enum cell cell)
{
    if (best[cell].ns == 0)
        g_snprintf(row->missing, sizeof(row->missing), "%s is not here", cells[cell].program);
}

GArray *
bench_queue(const char *dir, guint rounds)
{
    struct reading best[NR_CELLS] = { { 0 } };
    GArray *result = g_array_new(FALSE, TRUE, sizeof(struct bench_row));

    measure(dir, rounds, best);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct bench_row row = {
            .id = rows[i].id, .what = rows[i].what, .goal = rows[i].goal, .at_most = rows[i].at_most
        };

        add_missing(&row, best, rows[i].under);
        add_missing(&row, best, rows[i].over);
        if (rows[i].net) {
            add_missing(&row, best, NULL_EXP);
            add_missing(&row, best, NULL_SCHED);
        }
        if (row.missing[0] == '\0')
            row.value = rows[i].net
                            ? net_of_driver(best, rows[i].over) / net_of_driver(best, rows[i].under)
                            : best[rows[i].over].ns / best[rows[i].under].ns;
        g_array_append_val(result, row);
    }
    struct bench_row stale = { .id = "Q5",
                               .what = "stale events per event",
                               .value = best[ENGINE_SCHED].stale,
                               .goal = 0.001,
                               .at_most = true };
    add_missing(&stale, best, ENGINE_SCHED);
    g_array_append_val(result, stale);
    return result;
}

static bool
row_print(const struct bench_row *row, GString *out)
{
    g_string_append_printf(out, "%-4s %-44s ", row->id, row->what);
    if (row->missing[0] != '\0') {
        g_string_append_printf(out, "not measured: %s\n", row->missing);
        return true;
    }
    g_string_append_printf(out, "%7.2f", row->value);
    if (row->goal == 0) {
        g_string_append_c(out, '\n');
        return true;
    }
    bool met = row->at_most ? row->value <= row->goal : row->value >= row->goal;
    g_string_append_printf(out, "   goal %s %g   %s\n", row->at_most ? "<=" : ">=", row->goal,
                           met ? "met" : "missed");
    return met;
}

bool
bench_rows_print(GArray *all, GString *out)
{
    bool met = true;

    for (guint i = 0; i < all->len; i++)
        met &= row_print(&g_array_index(all, struct bench_row, i), out);
    return met;
}

char *
bench_own_dir(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);

    return self == NULL ? g_strdup(".") : g_path_get_dirname(self);
}
