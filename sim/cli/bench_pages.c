/*
 * Pages under NUMA scans. The goals are absolute, ns of CPU time and bytes, unlike those of other
 * parts; the least of many rounds counts. A row is measured in runs in which nothing else is done,
 * so that it is what its name says: after pages have faulted at random a pass in order takes
 * longer.
 *
 * Microseconds depend on the machine of the day, so the pass of a window is printed as a multiple
 * of what the collection of references takes for it, too (its pages.c, blocks of 2 MiB), in turn.
 */
#include <gio/gio.h>

#include "cli/bench_pages.h"

/* Lines that bench_pages prints; beyond them: bytes, marks and faults of a window, in us, and that
 * by the reference's. */
enum line { MARK, MARK_SKIP, FAULT_MOVE, FAULT_STAY, FAULT_RANDOM, NR_LINES, PASS, PASS_RATIO };
enum { BYTES = NR_LINES, WINDOW = 65536 };
enum mode { MOVES, IN_ORDER, RANDOM, NR_MODES };
static const struct {
    const char *name, *rounds; /* of one run */
} modes[NR_MODES] = { { "moves", "300" }, { "in_order", "30" }, { "random", "30" } };

static const struct {
    const char *representation, *what;
    enum mode mode; /* of the runs that it is measured in */
    int line;
    double goal;
} rows[] = {
    { "exact", "exact: ns to mark a page", MOVES, MARK, 0.1 },
    { "exact", "exact: ns to mark one, local pages skipped", IN_ORDER, MARK_SKIP, 0 },
    { "exact", "exact: ns of a fault that moves the page", MOVES, FAULT_MOVE, 8 },
    { "exact", "exact: ns of a fault that leaves it", IN_ORDER, FAULT_STAY, 8 },
    { "exact", "exact: ns of one at random, by itself", RANDOM, FAULT_RANDOM, 0 },
    { "exact", "exact: bytes a page (0.05 for its 2 MiB)", MOVES, BYTES, 4.1 },
    { "block", "block: ns to mark a page", MOVES, MARK, 0.15 },
    { "block", "block: ns of a fault, 512 in a row", MOVES, FAULT_MOVE, 0 },
    { "block", "block: us of a pass of 256 MiB, all of it moves", MOVES, PASS, 10 },
    { "block", "block: that pass / the reference's blocks", MOVES, PASS_RATIO, 0 },
    { "block", "block: ns of one at random, by itself", RANDOM, FAULT_RANDOM, 0 },
    { "block", "block: bytes a page", MOVES, BYTES, 0.07 },
};

struct pages_reading {
    double ns[NR_MODES][NR_LINES], bytes; /* 0: not measured */
    double reference;                     /* us of a pass */
};

static void
keep_least(double *best, double value)
{
    if (*best == 0 || value < *best)
        *best = value;
}

/* What a program of `dir` prints, by up to three arguments; NULL: it is not there, or has failed.
 */
static char *
output_of(const char *dir, const char *name, const char *first, const char *second,
          const char *third)
{
    g_autofree char *program = g_build_filename(dir, name, NULL);
    const char *const words[] = { program, first, second, third, NULL };
    g_auto(GStrv) argv = g_strdupv((char **)(uintptr_t)words);
    char *out = NULL;
    int status;

    if (!g_file_test(program, G_FILE_TEST_IS_EXECUTABLE) ||
        !g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, &status,
                      NULL))
        return NULL;
    if (!g_spawn_check_wait_status(status, NULL))
        g_clear_pointer(&out, g_free);
    return out;
}

/* One run prints lines of "name ns bytes". */
static void
run_once(const char *dir, const char *representation, enum mode mode, struct pages_reading *best)
{
    g_autofree char *out =
        output_of(dir, "bench_pages", representation, modes[mode].rounds, modes[mode].name);

    if (out == NULL)
        return;
    g_auto(GStrv) lines = g_strsplit(g_strstrip(out), "\n", 0);
    for (guint i = 0; lines[i] != NULL && i < NR_LINES; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", 0);
        if (g_strv_length(words) != 3)
            return;
        keep_least(&best->ns[mode][i], g_ascii_strtod(words[1], NULL));
        best->bytes = g_ascii_strtod(words[2], NULL);
    }
}

/* "C 2MiB blocks ... mark 0.0012 ns/page fault(bulk binomial) 0.06 ns/page" */
static void
run_reference(const char *dir, struct pages_reading *best)
{
    g_autofree char *out = output_of(dir, "bench_ref_pages", "1", NULL, NULL); /* GiB */
    g_autoptr(GRegex) line =
        g_regex_new("^C .*mark +([0-9.]+) .*fault.* ([0-9.]+) ns/page", G_REGEX_MULTILINE, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    if (out == NULL || !g_regex_match(line, out, 0, &match))
        return;
    g_autofree char *mark = g_match_info_fetch(match, 1), *fault = g_match_info_fetch(match, 2);
    double ns = g_ascii_strtod(mark, NULL) + g_ascii_strtod(fault, NULL);
    keep_least(&best->reference, ns * WINDOW / 1000);
}

static struct pages_reading
measure(const char *dir, const char *representation, guint rounds)
{
    struct pages_reading best = { .bytes = 0 };

    for (guint round = 0; round < rounds; round++) {
        for (int mode = 0; mode < NR_MODES; mode++)
            run_once(dir, representation, (enum mode)mode, &best);
        if (strcmp(representation, "block") == 0)
            run_reference(dir, &best);
    }
    return best;
}

static double
value_of(const struct pages_reading *best, enum mode mode, int line)
{
    double pass = (best->ns[mode][MARK] + best->ns[mode][FAULT_MOVE]) * WINDOW / 1000;

    return line == BYTES        ? best->bytes
           : line == PASS       ? pass
           : line == PASS_RATIO ? (best->reference > 0 ? pass / best->reference : 0)
                                : best->ns[mode][line];
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

        if (i == 0 || strcmp(rows[i].representation, rows[i - 1].representation) != 0)
            best = measure(dir, rows[i].representation, rounds);
        row.value = value_of(&best, rows[i].mode, rows[i].line);
        if (row.value == 0)
            g_snprintf(row.missing, sizeof(row.missing), "%s is not here",
                       rows[i].line == PASS_RATIO ? "bench_ref_pages" : "bench_pages");
        g_array_append_val(result, row);
    }
    return result;
}
