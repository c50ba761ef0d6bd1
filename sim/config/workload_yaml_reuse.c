/*
 * How often a step uses memory again before a cache has lost it.
 *
 *   working_set: 32MiB            references spread evenly over so much; left out: all of its
 * slices miss_min: 5%                  of the references miss whatever the cache reuse: uniform |
 * streaming    streaming: nothing is used again reuse: {1MiB: 80%, 32MiB: 5%} the part that misses
 * a cache of a size, straight lines between these and all of it without a cache; the last one is
 * the set
 */
#include "config/workload_yaml_steps.h"

enum { REUSE_UNIFORM, REUSE_STREAMING };
static const char *const reuse_names[] = { "uniform", "streaming", NULL };

/* Beside a table, or where nothing is used again, there is nothing to add. */
static void
refuse_beside(struct wload *l, const struct ynode *n, const char *why)
{
    static const char *const keys[] = { "working_set", "miss_min" };

    for (guint i = 0; i < ARRAY_LEN(keys); i++)
        if (ynode_get(n, keys[i]) != NULL)
            ynode_error(&l->doc, ynode_get(n, keys[i]), "%s", why);
}

static bool
read_point(struct wload *l, const struct ynode *key, const struct ynode *value,
           struct wreuse_point *last, struct wreuse_point *to)
{
    uint64_t bytes = 0, ppm = 0;

    if (!ynode_quantity(&l->doc, key, FIELD_SIZE, &bytes) ||
        !ynode_quantity(&l->doc, value, FIELD_RATIO, &ppm))
        return false;
    *to = (struct wreuse_point){ .bytes = bytes, .miss_ppm = (uint32_t)ppm };
    if (bytes <= last->bytes || bytes >> 50 > 0)
        ynode_error(&l->doc, key, "sizes ascend, from 1B to 1PiB");
    else if (ppm > last->miss_ppm)
        ynode_error(&l->doc, value,
                    "a larger cache misses no more often than a smaller one; write at most %g%%",
                    last->miss_ppm / 1e4);
    else
        return true;
    return false;
}

static void
read_table(struct wload *l, const struct ynode *table, struct wreuse *r)
{
    struct wreuse_point last = { .miss_ppm = 1000000 };
    struct wreuse_point *points;

    if (table->nr < 1 || table->nr > WORKLOAD_REUSE_MAX) {
        ynode_error(&l->doc, table, "write from 1 to %d sizes with the part that misses",
                    WORKLOAD_REUSE_MAX);
        return;
    }
    points = arena_new_array(l->doc.arena, struct wreuse_point, table->nr);
    for (guint i = 0; i < table->nr; i++) {
        if (!read_point(l, table->keys[i], table->values[i], &last, &points[i]))
            return;
        last = points[i];
    }
    r->kind = WREUSE_TABLE;
    r->nr_points = table->nr;
    r->points = points;
}

static void
read_uniform(struct wload *l, const struct ynode *n, struct wreuse *r)
{
    r->kind = WREUSE_UNIFORM;
    if (ynode_get(n, "working_set") != NULL)
        wload_number(l, ynode_get(n, "working_set"), FIELD_SIZE, WEXPR_THREAD, &r->working_set);
    if (wload_ratio_at(l, n, "miss_min", "0", &r->miss_min_ppm) && r->miss_min_ppm > 1000000)
        ynode_error(&l->doc, ynode_get(n, "miss_min"), "out of range; write a share up to 100%%");
}

void
read_reuse(struct wload *l, const struct ynode *n, bool uniform, struct wreuse *r)
{
    const struct ynode *reuse = n->kind == YNODE_MAP ? ynode_get(n, "reuse") : NULL;

    *r = (struct wreuse){ .kind = WREUSE_NONE };
    if (n->kind != YNODE_MAP)
        return;
    if (reuse != NULL && reuse->kind == YNODE_MAP) {
        refuse_beside(l, n, "a table of 'reuse' says that itself");
        read_table(l, reuse, r);
        return;
    }
    bool given = ynode_get(n, "working_set") != NULL || ynode_get(n, "miss_min") != NULL;
    int kind = wload_enum_at(l, n, "reuse", reuse_names,
                             uniform || given ? REUSE_UNIFORM : REUSE_STREAMING);
    if (kind == REUSE_UNIFORM)
        read_uniform(l, n, r);
    else
        refuse_beside(l, n, "with 'reuse: streaming' nothing is used again");
}
