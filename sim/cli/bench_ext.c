/*
 * What a programmable policy costs: context switches in a second of CPU time, of those of the fair
 * class on the same machine with the same tasks. Eight tasks a CPU run for 1 ms and sleep for 7.7:
 * CPUs are 92 % busy, and queues are as long as servers have them.
 */
#include "cli/bench_ext.h"

#include "cli/bench_whole.h"

static const struct {
    const char *topology, *tasks, *until, *what;
} sizes[] = {
    { "bench-8", "64", "20s", "8 CPUs, 64 tasks" },
    { "bench-64", "512", "3s", "64 CPUs, 512 tasks" },
};
/* The first is what the others are measured by. */
static const struct {
    const char *policy, *what;
    double goal;
} policies[] = {
    { "topology", "fair", 0 },
    { "ext:fifo", "ext:fifo", 0.8 },
    { "ext:models/sched/fifo.lua", "fifo.lua", 0.2 },
};
enum { NR_SIZES = G_N_ELEMENTS(sizes), NR_POLICIES = G_N_ELEMENTS(policies) };

static void
measure(const char *dir, double best[NR_SIZES][NR_POLICIES])
{
    for (guint i = 0; i < NR_SIZES; i++)
        for (guint j = 0; j < NR_POLICIES; j++) {
            g_autofree char *arguments =
                g_strdup_printf("%s bench-mix %s %s tasks=%s sleep=7700us", sizes[i].topology,
                                policies[j].policy, sizes[i].until, sizes[i].tasks);
            double cpu;

            bench_keep_best(&best[i][j], bench_switch(dir, "bench_whole", arguments, &cpu));
        }
}

GArray *
bench_ext(const char *dir, guint rounds)
{
    static char text[NR_SIZES][NR_POLICIES][64];
    GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct bench_row));
    double best[NR_SIZES][NR_POLICIES] = { { 0 } };

    for (guint i = 0; i < rounds; i++)
        measure(dir, best);
    for (guint i = 0; i < NR_SIZES; i++)
        for (guint j = 1; j < NR_POLICIES; j++) {
            struct bench_row row = { .id = "E1", .what = text[i][j], .goal = policies[j].goal };

            g_snprintf(text[i][j], sizeof(text[i][j]), "switches a second: %s / %s, %s",
                       policies[j].what, policies[0].what, sizes[i].what);
            if (best[i][j] > 0 && best[i][0] > 0)
                row.value = best[i][0] / best[i][j];
            else
                g_strlcpy(row.missing, "a program beside numasim is not here, or has failed",
                          sizeof(row.missing));
            g_array_append_val(rows, row);
        }
    return rows;
}
