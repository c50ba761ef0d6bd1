/*
 * What a simulated context switch costs.
 *
 * The yardstick is minisim, the smallest simulator that could be believed, on machines and tasks of
 * the same shape. Nanoseconds of one machine say nothing on another, ratios within one sitting do:
 * the programs take turns, CPU time is counted and not wall time, and each keeps its best round,
 * because noise only ever adds.
 */
#include <gio/gio.h>

#include "cli/bench_whole.h"

/* The times give each size about as many context switches. */
static const struct size {
    const char *topology, *until, *minisim;
} sizes[] = {
    { "bench-8", "60s", "8 2 1 1" },
    { "bench-64", "8s", "64 2 1 1" },
    { "bench-512", "1s", "512 2 1 1" },
    { "bench-4096", "300ms", "4096 2 1 2" },
};
enum { NR_SIZES = G_N_ELEMENTS(sizes), PROBED_SIZE = 1 };

/* ns per context switch; 0: not measured. */
struct readings {
    double whole[NR_SIZES], minisim[NR_SIZES], noprobe;
    double pages; /* ns of CPU time */
};

static char *
output_of(const char *dir, const char *program, const char *arguments)
{
    g_autofree char *path = g_build_filename(dir, program, NULL);
    g_autofree char *line = g_strdup_printf("%s %s", program, arguments);
    g_auto(GStrv) argv = NULL;
    char *out = NULL;
    int status;

    if (!g_file_test(path, G_FILE_TEST_IS_EXECUTABLE) ||
        !g_shell_parse_argv(line, NULL, &argv, NULL))
        return NULL;
    g_free(argv[0]);
    argv[0] = g_steal_pointer(&path);
    if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, &status,
                      NULL))
        return NULL;
    if (!g_spawn_check_wait_status(status, NULL))
        g_clear_pointer(&out, g_free);
    return out;
}

void
bench_keep_best(double *best, double ns)
{
    if (ns > 0 && (!(*best > 0) || ns < *best))
        *best = ns;
}

double
bench_switch(const char *dir, const char *program, const char *arguments, double *cpu)
{
    g_autofree char *out = output_of(dir, program, arguments);

    if (out == NULL)
        return 0;
    g_auto(GStrv) words = g_strsplit(out, " ", -1);
    double switches = g_strv_length(words) >= 4 ? g_ascii_strtod(words[0], NULL) : 0;
    *cpu = switches > 0 ? g_ascii_strtod(words[2], NULL) : 0;
    return switches > 0 ? *cpu / switches : 0;
}

static double
measure_load(const char *dir, const char *program, const char *load, const struct size *size,
             double *cpu)
{
    g_autofree char *arguments =
        g_strdup_printf("%s %s autonuma %s", size->topology, load, size->until);

    return bench_switch(dir, program, arguments, cpu);
}

static double
measure_whole(const char *dir, const char *program, const struct size *size)
{
    double cpu;

    return measure_load(dir, program, "bench-mix", size, &cpu);
}

/* 64 tasks with a gigabyte each under NUMA balancing, 60 seconds on eight nodes, all of them. */
static void
measure_pages(const char *dir, double *best)
{
    const struct size size = { .topology = "eight-node", .until = "60s all" };
    double cpu = 0;

    measure_load(dir, "bench_whole", "bench-pages", &size, &cpu);
    bench_keep_best(best, cpu);
}

/* "... NUMBER ns/switch ..." */
static double
measure_minisim(const char *dir, const struct size *size)
{
    g_autofree char *out = output_of(dir, "bench_minisim", size->minisim);
    g_autoptr(GRegex) number = g_regex_new("([0-9.]+) ns/switch", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    if (out == NULL || !g_regex_match(number, out, 0, &match))
        return 0;
    g_autofree char *text = g_match_info_fetch(match, 1);
    return g_ascii_strtod(text, NULL);
}

static void
measure(const char *dir, struct readings *r)
{
    for (guint i = 0; i < NR_SIZES; i++) {
        bench_keep_best(&r->whole[i], measure_whole(dir, "bench_whole", &sizes[i]));
        bench_keep_best(&r->minisim[i], measure_minisim(dir, &sizes[i]));
    }
    /* Three times in turn: a few per cent are looked for. */
    for (guint i = 0; i < 3; i++) {
        bench_keep_best(&r->noprobe, measure_whole(dir, "bench_noprobe", &sizes[PROBED_SIZE]));
        bench_keep_best(&r->whole[PROBED_SIZE],
                        measure_whole(dir, "bench_whole", &sizes[PROBED_SIZE]));
    }
}

static void
add_row(GArray *rows, const char *id, const char *what, double over, double under, double goal)
{
    struct bench_row row = { .id = id, .what = what, .goal = goal, .at_most = true };

    if (over > 0 && under > 0)
        row.value = over / under;
    else
        g_strlcpy(row.missing, "a program beside numasim is not here", sizeof(row.missing));
    g_array_append_val(rows, row);
}

GArray *
bench_whole(const char *dir, guint rounds)
{
    static const char *const titles[NR_SIZES] = {
        "context switch: numasim / minisim, 8 CPUs",
        "context switch: numasim / minisim, 64 CPUs",
        "context switch: numasim / minisim, 512 CPUs",
        "context switch: numasim / minisim, 4096 CPUs",
    };
    GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct bench_row));
    struct readings r = { 0 };

    for (guint i = 0; i < rounds; i++)
        measure(dir, &r);
    measure_pages(dir, &r.pages);
    for (guint i = 0; i < NR_SIZES; i++)
        add_row(rows, "S1", titles[i], r.whole[i], r.minisim[i], 2.5);
    add_row(rows, "S2", "growth: 512 CPUs / 8 CPUs", r.whole[2], r.whole[0], 1.6);
    add_row(rows, "S2", "growth: 4096 CPUs / 8 CPUs", r.whole[3], r.whole[0], 2.5);
    add_row(rows, "probe", "compiled in and off / compiled out, 64 CPUs", r.whole[PROBED_SIZE],
            r.noprobe, 1.03);
    add_row(rows, "pages", "s of CPU: 64 tasks x 1 GiB, AutoNUMA, 60 s on 8 nodes", r.pages, 1e9,
            10);
    return rows;
}
