/*
 * The fair run queue by length. Both programs do the same operations and print a hash of their
 * picks, which must agree. As elsewhere, the best of many short windows of CPU time counts.
 */
#include <gio/gio.h>

#include "cli/bench_rq.h"

static const struct {
    const char *n, *what;
    double goal; /* of ours / tree */
} lengths[] = {
    { "1", "EEVDF op, n = 1: queue / augmented tree", 1.1 },
    { "4", "EEVDF op, n = 4: queue / augmented tree", 0.8 },
    { "16", "EEVDF op, n = 16: queue / augmented tree", 0.7 },
    { "64", "EEVDF op, n = 64: queue / augmented tree", 1.1 },
    { "256", "EEVDF op, n = 256: queue / augmented tree", 0.6 },
    { "1024", "EEVDF op, n = 1024: queue / augmented tree", 1.1 },
    { "4096", "EEVDF op, n = 4096: queue / augmented tree", 1.1 },
};
enum { NR_LENGTHS = G_N_ELEMENTS(lengths) };

struct rq_reading {
    double ns; /* 0: not measured */
    guint64 picks;
};

/* One run prints "n ns_min picks". */
static void
run_once(const char *dir, const char *name, const char *n, struct rq_reading *best)
{
    g_autofree char *program = g_build_filename(dir, name, NULL);
    g_autofree char *length = g_strdup(n);
    char windows[] = "40";
    char *argv[] = { program, length, windows, NULL };
    g_autofree char *out = NULL;
    int status;

    if (!g_file_test(program, G_FILE_TEST_IS_EXECUTABLE) ||
        !g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, &status,
                      NULL) ||
        !g_spawn_check_wait_status(status, NULL))
        return;
    g_auto(GStrv) words = g_strsplit(g_strstrip(out), " ", 0);
    if (g_strv_length(words) != 3)
        return;
    double ns = g_ascii_strtod(words[1], NULL);
    if (best->ns == 0 || ns < best->ns)
        best->ns = ns;
    best->picks = g_ascii_strtoull(words[2], NULL, 16);
}

GArray *
bench_rq(const char *dir, guint rounds)
{
    struct rq_reading ours[NR_LENGTHS] = { { 0 } }, tree[NR_LENGTHS] = { { 0 } };
    GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct bench_row));

    for (guint round = 0; round < rounds; round++)
        for (guint i = 0; i < NR_LENGTHS; i++) {
            run_once(dir, "bench_rq", lengths[i].n, &ours[i]);
            run_once(dir, "bench_rq_tree", lengths[i].n, &tree[i]);
        }
    for (guint i = 0; i < NR_LENGTHS; i++) {
        struct bench_row row = {
            .id = "R1", .what = lengths[i].what, .goal = lengths[i].goal, .at_most = true
        };

        if (ours[i].ns == 0 || tree[i].ns == 0)
            g_snprintf(row.missing, sizeof(row.missing), "%s is not here",
                       ours[i].ns == 0 ? "bench_rq" : "bench_rq_tree");
        else if (ours[i].picks != tree[i].picks)
            g_snprintf(row.missing, sizeof(row.missing), "the two make different picks");
        else
            row.value = ours[i].ns / tree[i].ns;
        g_array_append_val(rows, row);
    }
    return rows;
}
