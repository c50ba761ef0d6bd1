/*
 * Pages under NUMA scans. The goals are absolute, ns of CPU time and bytes, unlike those of other
 * parts; the least of many rounds counts.
 */
#include <gio/gio.h>

#include "cli/bench_pages.h"

enum { BYTES = -1, PASS = -2, WINDOW = 65536 };

static const struct {
    const char *representation, *what;
    int line; /* that the program prints; BYTES; PASS: marks and faults of a scan window, in us */
    double goal;
} rows[] = {
    { "exact", "exact: ns to mark a page", 0, 0.1 },
    { "exact", "exact: ns to mark one, local pages skipped", 1, 0 },
    { "exact", "exact: ns of a fault that moves the page", 2, 8 },
    { "exact", "exact: ns of a fault that leaves it", 3, 8 },
    { "exact", "exact: ns of one at random, by itself", 4, 0 },
    { "exact", "exact: bytes a page (0.05 for its 2 MiB)", BYTES, 4.1 },
    { "block", "block: ns to mark a page", 0, 0.15 },
    { "block", "block: ns of a fault, 512 in a row", 2, 0 },
    { "block", "block: us of a pass of 256 MiB, all of it moves", PASS, 10 },
    { "block", "block: ns of one at random, by itself", 4, 0 },
    { "block", "block: bytes a page", BYTES, 0.07 },
};
enum { NR_LINES = 5 };

struct pages_reading {
    double ns[NR_LINES], bytes; /* 0: not measured */
};

/* One run prints lines of "name ns bytes". */
static void
run_once(const char *dir, const char *representation, struct pages_reading *best)
{
    g_autofree char *program = g_build_filename(dir, "bench_pages", NULL);
    g_autofree char *which = g_strdup(representation);
    char rounds[] = "30";
    char *argv[] = { program, which, rounds, NULL };
    g_autofree char *out = NULL;
    int status;

    if (!g_file_test(program, G_FILE_TEST_IS_EXECUTABLE) ||
        !g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, &status,
                      NULL) ||
        !g_spawn_check_wait_status(status, NULL))
        return;
    g_auto(GStrv) lines = g_strsplit(g_strstrip(out), "\n", 0);
    for (guint i = 0; lines[i] != NULL && i < NR_LINES; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", 0);
        if (g_strv_length(words) != 3)
            return;
        double ns = g_ascii_strtod(words[1], NULL);
        if (best->ns[i] == 0 || ns < best->ns[i])
            best->ns[i] = ns;
        best->bytes = g_ascii_strtod(words[2], NULL);
    }
}

GArray *
bench_pages(const char *dir, guint rounds)
{
    GArray *result = g_array_new(FALSE, TRUE, sizeof(struct bench_row));
    struct pages_reading best = { .bytes = 0 };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct bench_row row = {
            .id = "P1", .what = rows[i].what, .goal = rows[i].goal, .at_most = true
        };

        if (i == 0 || strcmp(rows[i].representation, rows[i - 1].representation) != 0) {
            best = (struct pages_reading){ .bytes = 0 };
            for (guint round = 0; round < rounds; round++)
                run_once(dir, rows[i].representation, &best);
        }
        row.value = rows[i].line == BYTES  ? best.bytes
                    : rows[i].line == PASS ? (best.ns[0] + best.ns[2]) * WINDOW / 1000
                                           : best.ns[rows[i].line];
        if (row.value == 0)
            g_snprintf(row.missing, sizeof(row.missing), "bench_pages is not here");
        g_array_append_val(result, row);
    }
    return result;
}
