/*
 * How the CPUs were shared, and what that tells about groups.
 *
 * Fair scheduling has a law: of a CPU, tasks that want it have parts as their weights, and a task
 * of a group has the group's weight times its own over that of all tasks of the group that want a
 * CPU now, wherever. A session (autogroup) weighs as much as one task. So a recording shows who
 * shares a session: who has half as much as others is one of two. Every set of sessions predicts
 * the run times; here is how far from the recorded ones.
 *
 * The recording is cut into cells, and of each task is known for how long it wanted and had a CPU
 * in it. There are never more than CELLS_MOST: then two become one.
 */
#include "config/import_trace_shares.h"

#include "kernel/weight.h"

enum { CELLS_MOST = 64 };
#define CELL_NS (40 * 1000 * 1000) /* several turns of several tasks */

struct shares {
    uint64_t cell_ns;
    GPtrArray *cells; /* of GHashTable: a struct share_use is key and value */
};

static guint
use_hash(gconstpointer key)
{
    const struct share_use *u = key;

    return u->task * 31 + u->cpu;
}

static gboolean
use_equal(gconstpointer a, gconstpointer b)
{
    const struct share_use *x = a, *y = b;

    return x->task == y->task && x->cpu == y->cpu;
}

static void
free_cell(gpointer cell)
{
    g_hash_table_unref(cell);
}

struct shares *
shares_new(void)
{
    struct shares *s = g_new0(struct shares, 1);

    s->cell_ns = CELL_NS;
    s->cells = g_ptr_array_new_with_free_func(free_cell);
    return s;
}

void
shares_free(struct shares *s)
{
    g_ptr_array_unref(s->cells);
    g_free(s);
}

static void
add_use(GHashTable *cell, const struct share_use *more)
{
    struct share_use *u = g_hash_table_lookup(cell, more);

    if (u == NULL) {
        u = g_new0(struct share_use, 1);
        u->task = more->task;
        u->cpu = more->cpu;
        g_hash_table_add(cell, u);
    }
    u->wanted += more->wanted;
    u->had += more->had;
}

/* Two cells become one. */
static void
halve(struct shares *s)
{
    GPtrArray *old = s->cells;

    s->cells = g_ptr_array_new_with_free_func(free_cell);
    s->cell_ns *= 2;
    for (guint i = 0; i < old->len; i++) {
        GHashTableIter it;
        gpointer use;

        if (i % 2 == 0) {
            g_ptr_array_add(s->cells, g_hash_table_ref(old->pdata[i]));
            continue;
        }
        g_hash_table_iter_init(&it, old->pdata[i]);
        while (g_hash_table_iter_next(&it, &use, NULL)) /* sums: the order does not matter */
            add_use(s->cells->pdata[i / 2], use);
    }
    g_ptr_array_unref(old);
}

static GHashTable *
cell_of(struct shares *s, uint64_t at)
{
    while (at / s->cell_ns >= CELLS_MOST)
        halve(s);
    while (s->cells->len <= at / s->cell_ns)
        g_ptr_array_add(s->cells, g_hash_table_new_full(use_hash, use_equal, g_free, NULL));
    return s->cells->pdata[at / s->cell_ns];
}

void
shares_add(struct shares *s, uint32_t task, uint32_t cpu, uint64_t from, uint64_t to, bool had)
{
    while (from < to) {
        GHashTable *cell = cell_of(s, from);
        uint64_t end = MIN(to, (from / s->cell_ns + 1) * s->cell_ns);
        const struct share_use u = {
            .task = task, .cpu = cpu, .wanted = end - from, .had = had ? end - from : 0
        };

        add_use(cell, &u);
        from = end;
    }
}

/* ---- what is known ---- */

static gint
by_place(gconstpointer x, gconstpointer y)
{
    const struct share_use *a = x, *b = y;

    if (a->cell != b->cell)
        return a->cell < b->cell ? -1 : 1;
    if (a->cpu != b->cpu)
        return a->cpu < b->cpu ? -1 : 1;
    return (a->task > b->task) - (a->task < b->task);
}

GArray *
shares_uses(const struct shares *s)
{
    GArray *uses = g_array_new(FALSE, FALSE, sizeof(struct share_use));

    for (guint i = 0; i < s->cells->len; i++) {
        GHashTableIter it;
        gpointer use;

        g_hash_table_iter_init(&it, s->cells->pdata[i]);
        while (g_hash_table_iter_next(&it, &use, NULL)) {
            struct share_use u = *(struct share_use *)use;
            u.cell = i;
            g_array_append_val(uses, u);
        }
    }
    g_array_sort(uses, by_place); /* all are different */
    return uses;
}

/* ---- the law ---- */

/* The weight by which a use competes: its task's part of its group. */
static double
weight_of(const struct shares_law *law, const struct share_use *u)
{
    double own = law->weight[u->task];
    uint32_t group = law->group[u->task];

    if (group == SHARES_NO_GROUP)
        return own / 1024;
    /* beside it, the others of its group, for as long as they wanted a CPU */
    return own / (own + law->wants[group] - law->own_wants[u->task]);
}

/* Uses of one CPU in one cell. */
static double
misfit_of_cpu(const struct shares_law *law, const struct share_use *u, guint n)
{
    double had = 0, all = 0, sum = 0;

    for (guint i = 0; i < n; i++) {
        if (law->weight[u[i].task] <= 0)
            continue;
        had += (double)u[i].had;
        all += (double)u[i].wanted * weight_of(law, &u[i]);
    }
    for (guint i = 0; i < n && all > 0; i++) {
        if (law->weight[u[i].task] <= 0)
            continue;
        double due = had * (double)u[i].wanted * weight_of(law, &u[i]) / all;
        double off = ((double)u[i].had - MIN(due, (double)u[i].wanted)) / 1e6;
        sum += off < 0 ? -off : off;
    }
    return sum;
}

/* What groups and tasks want in the cell of these uses, in weights; `sign` -1: forgotten. */
static void
add_wants(const struct shares_law *law, const struct share_use *u, guint n, double cell_ns)
{
    for (guint i = 0; i < n; i++)
        if (law->group[u[i].task] != SHARES_NO_GROUP) {
            double w = law->weight[u[i].task] * (double)u[i].wanted / cell_ns;
            law->wants[law->group[u[i].task]] += w;
            law->own_wants[u[i].task] += w;
        }
}

static void
forget_wants(const struct shares_law *law, const struct share_use *u, guint n)
{
    for (guint i = 0; i < n; i++)
        if (law->group[u[i].task] != SHARES_NO_GROUP)
            law->wants[law->group[u[i].task]] = law->own_wants[u[i].task] = 0;
}

double
shares_misfit(const struct shares *s, const GArray *uses, const struct shares_law *law)
{
    const struct share_use *u = (const struct share_use *)(void *)uses->data;
    double sum = 0;

    for (guint i = 0, end; i < uses->len; i = end) {
        for (end = i; end < uses->len && u[end].cell == u[i].cell;)
            end++;
        add_wants(law, u + i, end - i, (double)s->cell_ns);
        for (guint at = i, next; at < end; at = next) {
            for (next = at; next < end && u[next].cpu == u[at].cpu;)
                next++;
            sum += misfit_of_cpu(law, u + at, next - at);
        }
        forget_wants(law, u + i, end - i);
    }
    return sum;
}
