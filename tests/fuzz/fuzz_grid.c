/*
 * Any bytes are a grid or messages, and never both; a grid that is written in its canonical form is
 * read as the same; and one that names no files has points whose keys are always the same.
 */
#include <stdlib.h>

#include "config/grid_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_written(const struct grid *g, struct arena *a, struct diag *d)
{
    struct grid again;

    if (!grid_parse("fuzz.yaml", g->canonical, strlen(g->canonical), a, &again, d) ||
        strcmp(g->canonical, again.canonical) != 0 || g->nr_axes != again.nr_axes)
        abort();
    grid_clear(&again);
}

static void
check_points(const struct grid *g)
{
    char key[GRID_KEY_SIZE], again[GRID_KEY_SIZE];

    if (g->nr_points == 0)
        abort();
    for (guint axis = 0; axis < g->nr_axes; axis++)
        if (grid_label(g, 0, axis) == NULL || grid_label(g, g->nr_points - 1, axis) == NULL)
            abort();
    grid_key(g, g->nr_points - 1, "v", key);
    grid_key(g, g->nr_points - 1, "v", again);
    if (strcmp(key, again) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct grid g;
    struct diag d;

    diag_init(&d);
    d.data_dir = "/nonexistent"; /* nothing is shipped, so that only the bytes count */
    bool fine = grid_parse("fuzz.yaml", (const char *)data, size, a, &g, &d);
    if (fine == diag_failed(&d))
        abort();
    if (fine)
        check_written(&g, a, &d);
    if (fine && memchr(data, '/', size) == NULL && memchr(data, '.', size) == NULL) {
        grid_load_inputs(&g);
        if (!diag_failed(&d))
            check_points(&g);
    }
    grid_clear(&g);
    diag_clear(&d);
    arena_free(a);
    return 0;
}
