/*
 * The points of a grid: which there are, what run each one is, and its key.
 *
 * A point is one number, its place in the cross product; everything else is computed from it when
 * it is needed, so that a grid of a hundred thousand points is a few megabytes.
 *
 * The key of a point hashes what the run's resolved.yaml would hold, with the hashes of machine and
 * workload in place of their texts: those are as long as a book and the same for thousands of
 * points.
 */
#include "config/grid_impl.h"
#include "config/load.h"
#include "config/policy_yaml.h"
#include "config/workload_yaml.h"

enum { TRIALS_MAX = 100000000 }; /* of a rule on a cell */

static guint
digit_of_cell(const struct grid *g, guint cell, guint axis)
{
    for (guint i = g->nr_axes; i-- > axis + 1;)
        cell /= g->axes[i].nr;
    return cell % g->axes[axis].nr;
}

guint
grid_digit(const struct grid *g, guint point, guint axis)
{
    return digit_of_cell(g, g->points[point].cell, axis);
}

/* ---- what is left out ---- */

static guint
find_axis(const struct grid *g, const struct ynode *key)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < g->nr_axes; i++) {
        if (strcmp(g->axes[i].name, key->text) == 0)
            return i;
        g_ptr_array_add(names, (gpointer)(gsize)g->axes[i].name);
    }
    g_ptr_array_add(names, NULL);
    g_autofree char *hint = did_you_mean(key->text, (const char *const *)names->pdata);
    g_autofree char *shown = diag_excerpt(key->text);
    ynode_error(g->doc, key, "'%s' is not varied in this grid%s", shown, hint);
    return g->nr_axes;
}

/* A workload's label may not be known yet: what stands in its list does as well. */
static bool
mark_base(const struct grid_axis *axis, const char *name, bool *marked)
{
    bool found = false;

    for (guint i = 0; i < SIM_MIN(axis->nr, GRID_ENTRIES_MAX); i++)
        if (g_strcmp0(axis->values[i].base, name) == 0)
            found = marked[i] = true;
    return found;
}

static void
unknown_value(const struct grid *g, const struct grid_axis *axis, const struct ynode *n)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < axis->nr && !diag_full(g->doc->diag); i++) {
        const struct grid_value *v = &axis->values[i];
        const char *shown = v->label != NULL ? v->label : v->base;
        if (shown != NULL)
            g_ptr_array_add(names, (gpointer)(gsize)shown);
    }
    g_ptr_array_add(names, NULL);
    g_autofree char *hint = did_you_mean(n->text, (const char *const *)names->pdata);
    g_autofree char *excerpt = diag_excerpt(n->text);
    ynode_error(g->doc, n, "there is no '%s' among the values of %s%s", excerpt, axis->name, hint);
}

/* `labels`: of the axis, to one more than their place. */
static void
mark(const struct grid *g, const struct grid_axis *axis, GHashTable *labels, const struct ynode *n,
     bool *marked)
{
    const char *name = ynode_string(g->doc, n);

    if (name == NULL)
        return;
    guint found = GPOINTER_TO_UINT(g_hash_table_lookup(labels, name));
    if (found > 0)
        marked[found - 1] = true;
    else if (!mark_base(axis, name, marked))
        unknown_value(g, axis, n);
}

static GHashTable *
labels_of(const struct grid_axis *axis)
{
    GHashTable *labels = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < axis->nr; i++)
        if (axis->values[i].label != NULL)
            g_hash_table_insert(labels, (gpointer)(gsize)axis->values[i].label,
                                GUINT_TO_POINTER(i + 1));
    return labels;
}

static void
read_rule(struct grid *g, const struct ynode *map, struct grid_rule *rule)
{
    rule->marked = arena_new_array(g->doc->arena, bool *, g->nr_axes);
    if (ynode_expect(g->doc, map, YNODE_MAP) == NULL)
        return;
    if (map->nr == 0)
        ynode_error(g->doc, map, "an empty rule would leave out everything");
    for (guint i = 0; i < map->nr; i++) {
        guint axis = find_axis(g, map->keys[i]);
        const struct ynode *n = map->values[i];
        if (axis == g->nr_axes)
            continue;
        g_autoptr(GHashTable) labels = labels_of(&g->axes[axis]);
        rule->marked[axis] = arena_new_array(g->doc->arena, bool, g->axes[axis].nr);
        if (n->kind == YNODE_SCALAR)
            mark(g, &g->axes[axis], labels, n, rule->marked[axis]);
        else if (ynode_expect(g->doc, n, YNODE_SEQ) != NULL)
            for (guint j = 0; j < n->nr; j++)
                mark(g, &g->axes[axis], labels, n->values[j], rule->marked[axis]);
    }
}

/* Each is tried on each of `nr` cells. */
static void
read_rules(struct grid *g, gsize nr)
{
    const struct ynode *list = ynode_get(g->doc->root, "exclude");

    if (list == NULL || ynode_expect(g->doc, list, YNODE_SEQ) == NULL)
        return;
    if (list->nr > GRID_RULES_MAX || list->nr * nr > TRIALS_MAX) {
        ynode_error(g->doc, list, "%u rules are too many for a grid of %" G_GSIZE_FORMAT " points",
                    list->nr, nr);
        return;
    }
    g->rules = arena_new_array(g->doc->arena, struct grid_rule, list->nr);
    for (guint i = 0; i < list->nr && !diag_full(g->doc->diag); i++)
        read_rule(g, list->values[i], &g->rules[g->nr_rules++]);
}

static bool
rule_holds(const struct grid *g, const struct grid_rule *rule, const guint *digits)
{
    bool any = false;

    for (guint axis = 0; axis < g->nr_axes; axis++) {
        if (rule->marked[axis] == NULL)
            continue;
        if (!rule->marked[axis][digits[axis]])
            return false;
        any = true;
    }
    return any;
}

static bool
is_excluded(const struct grid *g, const guint *digits)
{
    for (guint i = 0; i < g->nr_rules; i++)
        if (rule_holds(g, &g->rules[i], digits))
            return true;
    return false;
}

/* ---- misfits ---- */

static const char *
misfit(const struct grid *g, guint machine, guint policy)
{
    const struct policy_spec *p = &g->policies[policy];

    if (g->machines[machine] == NULL || p->placement == NULL || p->placement->fits == NULL)
        return NULL;
    return p->placement->fits(g->machines[machine]);
}

/* Said once for a machine and policy. `said`: a bool for each pair. */
static bool
is_misfit(const struct grid *g, const guint *digits, bool *said)
{
    guint machine = digits[GRID_TOPOLOGY], policy = digits[grid_policy_axis(g)];
    const char *why = misfit(g, machine, policy);
    const struct grid_value *v = &g->axes[grid_policy_axis(g)].values[policy];
    bool *pair = &said[machine * g->axes[grid_policy_axis(g)].nr + policy];

    if (why == NULL || g->skip_unfit || g->all_policies)
        return why != NULL;
    if (!*pair)
        ynode_error(g->doc, v->node != NULL ? v->node : g->doc->root,
                    "the policy %s does not fit %s: %s; exclude it there, or write unfit: skip",
                    g->policies[policy].name, g->machines[machine]->name, why);
    *pair = true;
    return false;
}

/* ---- all points ---- */

static gsize
count_cells(const struct grid *g)
{
    gsize nr = 1;

    for (guint i = 0; i < g->nr_axes && nr <= GRID_POINTS_MAX; i++)
        nr *= g->axes[i].nr;
    return nr;
}

/* Counts on, the last axis fastest. */
static void
next_cell(const struct grid *g, guint *digits)
{
    for (guint i = g->nr_axes; i-- > 0;) {
        if (++digits[i] < g->axes[i].nr)
            return;
        digits[i] = 0;
    }
}

bool
grid_make_points(struct grid *g)
{
    gsize nr = count_cells(g);

    if (nr > GRID_POINTS_MAX) {
        ynode_error(g->doc, g->doc->root, "more than %d points; make several grids of it",
                    GRID_POINTS_MAX);
        return false;
    }
    if (g->nr_axes > GRID_AXES_MAX) {
        ynode_error(g->doc, g->doc->root, "more than %d things are varied", GRID_AXES_MAX - 4);
        return false;
    }
    read_rules(g, nr);
    bool *said = arena_new_array(
        g->doc->arena, bool, (gsize)g->axes[GRID_TOPOLOGY].nr * g->axes[grid_policy_axis(g)].nr);
    g->points = arena_new_array(g->doc->arena, struct grid_point, nr);
    guint digits[GRID_AXES_MAX] = { 0 };
    for (guint cell = 0; cell < nr; cell++, next_cell(g, digits))
        if (!is_excluded(g, digits) && !is_misfit(g, digits, said))
            g->points[g->nr_points++] = (struct grid_point){ .cell = cell };
    if (g->nr_points == 0 && !diag_failed(g->doc->diag))
        ynode_error(g->doc, g->doc->root, "all points are left out");
    return true;
}

/* ---- one point ---- */

static void
apply(struct policy_spec *p, const struct grid_setting *settings, guint nr, struct arena *a)
{
    char *why = NULL;

    for (guint i = 0; i < nr; i++)
        if (!g_str_has_prefix(settings[i].key, "workload."))
            sim_assert(policy_set(p, settings[i].key, settings[i].value, a, &why));
}

void
grid_resolve(const struct grid *g, guint point, struct arena *a, struct resolved *out)
{
    const struct workload *w = g->points[point].workload;
    struct run_spec *spec = &out->spec;

    *out = (struct resolved){
        .spec = { .machine = g->machines[grid_digit(g, point, GRID_TOPOLOGY)],
                  .workload = w,
                  .policy = g->policies[grid_digit(g, point, grid_policy_axis(g))],
                  .seed = g->seeds[grid_digit(g, point, grid_seed_axis(g))],
                  .until = g->until == SIM_NEVER && w->duration > 0 ? w->duration : g->until,
                  .warmup = g->warmup,
                  .check = g->check },
    };
    apply(&spec->policy, g->constants, g->nr_constants, a);
    for (guint axis = 0; axis < g->nr_axes; axis++) {
        const struct grid_value *v = &g->axes[axis].values[grid_digit(g, point, axis)];
        if (axis != grid_policy_axis(g)) /* whose settings are in the policy already */
            apply(&spec->policy, v->settings, v->nr_settings, a);
    }
}

/* ---- keys ---- */

/* The hash of a text that is made once for the thing at `address`. */
static const char *
sum_of(const struct grid *g, const void *address,
       void (*write)(const struct grid *g, const void *thing, GString *out))
{
    const char *sum = g_hash_table_lookup(g->sums, address);

    if (sum != NULL)
        return sum;
    g_autoptr(GString) text = g_string_new(NULL);
    write(g, address, text);
    char *fresh = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text->str, (gssize)text->len);
    g_hash_table_insert(g->sums, (gpointer)(gsize)address, fresh);
    return fresh;
}

static void
write_machine(const struct grid *g, const void *machine, GString *out)
{
    (void)g;
    topology_yaml_write(machine, out);
}

/* Traces are named as seen from the grid: the same tree elsewhere has the same keys. */
static void
write_workload(const struct grid *g, const void *workload, GString *out)
{
    workload_yaml_write(workload, g->dir, 0, out);
}

/* All but the seed: the same for the repeats of a point, which are neighbours. */
static const char *
sum_of_cell(const struct grid *g, guint point, const struct resolved *run, const char *version)
{
    gpointer cell = GUINT_TO_POINTER(g->points[point].cell / g->axes[grid_seed_axis(g)].nr + 1);
    const char *sum = g_hash_table_lookup(g->cells, cell);

    if (sum != NULL)
        return sum;
    g_autoptr(GString) text = g_string_new(NULL);
    struct resolved all = *run;
    all.spec.seed = 0;
    g_string_append_printf(text, "program: %s\nscopes: %u\nfolders: %d\ncheck: %d\n", version,
                           g->scopes, g->folders, g->check);
    resolved_write_head(&all, g->dir, text);
    g_string_append_printf(text, "topology: %s\n", sum_of(g, run->spec.machine, write_machine));
    g_string_append_printf(text, "workload: %s\n", sum_of(g, run->spec.workload, write_workload));
    char *fresh = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text->str, (gssize)text->len);
    g_hash_table_insert(g->cells, cell, fresh);
    return fresh;
}

void
grid_key(const struct grid *g, guint point, const char *version, char key[GRID_KEY_SIZE])
{
    struct arena *a = arena_new();
    struct resolved run;

    grid_resolve(g, point, a, &run);
    g_autofree char *text = g_strdup_printf("%s seed %" G_GUINT64_FORMAT "\n",
                                            sum_of_cell(g, point, &run, version), run.spec.seed);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    g_strlcpy(key, sum, GRID_KEY_SIZE);
    arena_free(a);
}
