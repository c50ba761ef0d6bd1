/*
 * What a grid names: machines, workloads, policies.
 *
 * Each is loaded once, however many points use it; a workload once for each set of values of its
 * parameters. The loaders know nothing of grids, so what they say without a place (there is no such
 * name) gets the place of the entry here.
 */
#include "config/grid_impl.h"
#include "config/load.h"
#include "config/policy_yaml.h"
#include "config/workload_yaml.h"

/* ---- messages ---- */

/* The same workload may be loaded many times, with the same mistake in it. */
static bool
was_said(const struct grid *g, const char *text)
{
    for (guint i = 0; i < g->doc->diag->errors->len; i++) {
        const struct diag_message *m = g_ptr_array_index(g->doc->diag->errors, i);
        if (g_str_has_suffix(m->text, text))
            return true;
    }
    return false;
}

/* Moves what a loader said to the grid's messages. */
static void
take_messages(const struct grid *g, const struct ynode *node, struct diag *from)
{
    for (guint i = 0; i < from->errors->len; i++) {
        const struct diag_message *m = g_ptr_array_index(from->errors, i);

        if (was_said(g, m->text))
            continue;
        if (m->file == NULL)
            ynode_error(g->doc, node != NULL ? node : g->doc->root, "%s", m->text);
        else
            diag_error(g->doc->diag, NULL, 0, 0, NULL, "%s", m->text);
    }
    for (guint i = 0; i < from->notes->len; i++)
        diag_note(g->doc->diag, "%s", (const char *)g_ptr_array_index(from->notes, i));
    g->doc->diag->nr_left_out += from->nr_left_out;
    diag_clear(from);
}

static void
begin_messages(const struct grid *g, struct diag *d)
{
    diag_init(d);
    d->data_dir = g->doc->diag->data_dir;
}

/* A path that is seen from the file; a name that is shipped stays a name. */
static const char *
seen_from_file(const struct grid *g, const char *folder, const char *base)
{
    g_autofree char *file = base != NULL ? g_strconcat(base, ".yaml", NULL) : NULL;
    g_autofree char *shipped =
        file != NULL ? g_build_filename(g->doc->diag->data_dir, folder, file, NULL) : NULL;

    if (base == NULL || g_path_is_absolute(base) || strcmp(g->dir, ".") == 0 ||
        g_file_test(shipped, G_FILE_TEST_EXISTS))
        return base;
    const char *prefix = g_str_has_prefix(base, "ext:") ? "ext:" : ""; /* ext:DIR/two.lua */
    g_autofree char *beside = g_build_filename(g->dir, base + strlen(prefix), NULL);
    return g_file_test(beside, G_FILE_TEST_EXISTS)
               ? arena_printf(g->doc->arena, "%s%s", prefix, beside)
               : base;
}

static bool
refuse_stdin(const struct grid *g, const struct grid_value *v)
{
    if (g_strcmp0(v->base, "-") != 0)
        return false;
    ynode_error(g->doc, v->node, "standard input can be read only once; write a file");
    return true;
}

/* ---- machines ---- */

static void
load_machines(struct grid *g)
{
    struct grid_axis *axis = &g->axes[GRID_TOPOLOGY];

    g->machines = arena_new_array(g->doc->arena, struct machine *, axis->nr);
    for (guint i = 0; i < axis->nr && !diag_full(g->doc->diag); i++) {
        struct grid_value *v = &axis->values[i];
        struct diag d;
        if (refuse_stdin(g, v))
            continue;
        begin_messages(g, &d);
        struct machine *m =
            load_machine(seen_from_file(g, "topologies", v->base), g->doc->arena, &d);
        take_messages(g, v->node, &d);
        if (m != NULL && v->label != NULL)
            m->name = v->label;
        if (v->label == NULL)
            v->label = m != NULL ? m->name : v->base != NULL ? v->base : "";
        g->machines[i] = m;
    }
}

/* ---- policies ---- */

static void
apply(const struct grid *g, struct policy_spec *p, const struct grid_setting *s)
{
    char *why = NULL;

    if (!g_str_has_prefix(s->key, "workload.") &&
        !policy_set(p, s->key, s->value, g->doc->arena, &why))
        ynode_error(g->doc, s->node, "%s", why);
    g_free(why);
}

static bool
load_base_policy(struct grid *g, struct grid_value *v, struct policy_spec *p)
{
    struct diag d;
    char *why = NULL;

    if (refuse_stdin(g, v))
        return false;
    begin_messages(g, &d);
    bool fine = load_policy(seen_from_file(g, "policies", v->base), g->doc->arena, p, &d);
    take_messages(g, v->node, &d);
    if (fine && v->memory != NULL && !policy_set_memory(p, v->memory, &why))
        ynode_error(g->doc, ynode_get(v->node, "memory"), "%s", why);
    g_free(why);
    return fine;
}

static void
load_policies(struct grid *g)
{
    struct grid_axis *axis = &g->axes[grid_policy_axis(g)];

    g->policies = arena_new_array(g->doc->arena, struct policy_spec, axis->nr);
    for (guint i = 0; i < axis->nr && !diag_full(g->doc->diag); i++) {
        struct grid_value *v = &axis->values[i];
        struct policy_spec *p = &g->policies[i];
        bool fine = load_base_policy(g, v, p);
        for (guint j = 0; fine && j < v->nr_settings; j++)
            apply(g, p, &v->settings[j]);
        if (v->label == NULL)
            v->label = fine ? p->name : v->base != NULL ? v->base : "";
        p->name = v->label;
    }
}

/* Parameters have one table for all policies: a value that suits one suits all. */
static void
try_settings(struct grid *g)
{
    g_autofree struct policy_spec *p = g_new0(struct policy_spec, 1);
    char *why = NULL;

    if (!policy_preset("topology", g->doc->arena, p, &why))
        g_error("%s", why);
    for (guint i = 0; i < g->nr_constants; i++)
        apply(g, p, &g->constants[i]);
    for (guint i = 0; i < g->nr_axes; i++)
        for (guint j = 0; j < g->axes[i].nr && i != grid_policy_axis(g); j++)
            for (guint k = 0; k < g->axes[i].values[j].nr_settings; k++)
                apply(g, p, &g->axes[i].values[j].settings[k]);
}

/* ---- workloads ---- */

static void
add_workload_setting(GPtrArray *all, const struct grid_setting *s)
{
    if (g_str_has_prefix(s->key, "workload."))
        g_ptr_array_add(all, g_strdup_printf("%s=%s", s->key + strlen("workload."), s->value));
}

/* "X=VALUE" of all settings of the point that are the workload's. */
static GPtrArray *
workload_settings(const struct grid *g, guint point)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < g->nr_constants; i++)
        add_workload_setting(all, &g->constants[i]);
    for (guint axis = 0; axis < g->nr_axes; axis++) {
        const struct grid_value *v = &g->axes[axis].values[grid_digit(g, point, axis)];
        for (guint i = 0; i < v->nr_settings; i++)
            add_workload_setting(all, &v->settings[i]);
    }
    g_ptr_array_add(all, NULL);
    return all;
}

static void
check_end(const struct grid *g, const struct ynode *node, const struct workload *w)
{
    sim_time until = g->until != SIM_NEVER || w->duration == 0 ? g->until : w->duration;

    node = node != NULL ? node : g->doc->root;
    if (until == SIM_NEVER && workload_endless(w))
        ynode_error(g->doc, node,
                    "the workload %s never ends by itself; write how long to run, as in until: 10s",
                    w->name);
    if (g->warmup > 0 && g->warmup >= until)
        ynode_error(g->doc, node, "the run ends before the warm-up does");
}

static struct workload *
load_one_workload(struct grid *g, struct grid_value *v, const char *const *settings)
{
    struct diag d;

    begin_messages(g, &d);
    struct workload *w =
        load_workload(seen_from_file(g, "workloads", v->base), settings, g->doc->arena, &d);
    take_messages(g, v->node, &d);
    if (w != NULL && v->label != NULL)
        w->name = v->label;
    if (w != NULL && g->nr_points > 0)
        check_end(g, v->node, w);
    if (v->label == NULL)
        v->label = w != NULL         ? arena_strdup(g->doc->arena, w->name)
                   : v->base != NULL ? v->base
                                     : "";
    return w;
}

static const struct workload *
find_workload(struct grid *g, guint point)
{
    guint which = grid_digit(g, point, GRID_WORKLOAD);
    struct grid_value *v = &g->axes[GRID_WORKLOAD].values[which];
    g_autoptr(GPtrArray) settings = workload_settings(g, point);
    g_autofree char *joined = g_strjoinv("\n", (char **)settings->pdata);
    g_autofree char *key = g_strdup_printf("%u\n%s", which, joined);
    gpointer found = NULL;

    if (g_hash_table_lookup_extended(g->workloads, key, NULL, &found))
        return found;
    if (g_hash_table_size(g->workloads) == GRID_WORKLOADS_MAX) {
        ynode_error(g->doc, g->doc->root,
                    "more than %d workloads with their parameters; make "
                    "several grids of it",
                    GRID_WORKLOADS_MAX);
        return NULL;
    }
    found = load_one_workload(g, v, (const char *const *)settings->pdata);
    g_hash_table_insert(g->workloads, g_steal_pointer(&key), found);
    return found;
}

/* Axes that say something of the workload. */
static void
find_shaping(const struct grid *g, bool shaping[GRID_AXES_MAX])
{
    for (guint axis = 0; axis < g->nr_axes; axis++) {
        shaping[axis] = axis == GRID_WORKLOAD;
        for (guint i = 0; i < g->axes[axis].nr; i++)
            for (guint j = 0; j < g->axes[axis].values[i].nr_settings; j++)
                shaping[axis] |=
                    g_str_has_prefix(g->axes[axis].values[i].settings[j].key, "workload.");
    }
}

/* The place of a point in the cross product of these axes alone. */
static guint
shape_of(const struct grid *g, guint point, const bool *shaping)
{
    guint shape = 0;

    for (guint axis = 0; axis < g->nr_axes; axis++)
        if (shaping[axis])
            shape = shape * g->axes[axis].nr + grid_digit(g, point, axis);
    return shape;
}

static bool
too_many_workloads(const struct grid *g)
{
    return g_hash_table_size(g->workloads) == GRID_WORKLOADS_MAX && diag_failed(g->doc->diag);
}

static void
load_workloads(struct grid *g)
{
    const struct grid_axis *axis = &g->axes[GRID_WORKLOAD];

    for (guint i = 0; i < axis->nr; i++)
        if (refuse_stdin(g, &axis->values[i]))
            return;
    g->workloads = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) by_shape = g_hash_table_new(NULL, NULL);
    bool shaping[GRID_AXES_MAX];
    find_shaping(g, shaping);
    for (guint i = 0; i < g->nr_points && !diag_full(g->doc->diag) && !too_many_workloads(g); i++) {
        gpointer shape = GUINT_TO_POINTER(shape_of(g, i, shaping)), found;
        if (!g_hash_table_lookup_extended(by_shape, shape, NULL, &found)) {
            found = (gpointer)(gsize)find_workload(g, i);
            g_hash_table_insert(by_shape, shape, found);
        }
        g->points[i].workload = found;
    }
}

/* There are no points, since something else is wrong: what is wrong here is said all the same. */
static void
read_workloads(struct grid *g)
{
    const struct grid_axis *axis = &g->axes[GRID_WORKLOAD];

    for (guint i = 0; i < axis->nr && !diag_full(g->doc->diag); i++) {
        struct grid_value *v = &axis->values[i];
        g_autoptr(GPtrArray) settings = g_ptr_array_new_with_free_func(g_free);

        if (refuse_stdin(g, v))
            continue;
        for (guint j = 0; j < v->nr_settings; j++)
            add_workload_setting(settings, &v->settings[j]);
        g_ptr_array_add(settings, NULL);
        load_one_workload(g, v, (const char *const *)settings->pdata);
    }
}

/* ---- together ---- */

static void
check_labels(struct grid *g, guint index)
{
    const struct grid_axis *axis = &g->axes[index];
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < axis->nr; i++) {
        const struct grid_value *v = &axis->values[i];
        if (v->label != NULL && !g_hash_table_add(seen, (gpointer)(gsize)v->label)) {
            g_autofree char *shown = diag_excerpt(v->label);
            ynode_error(g->doc, v->node != NULL ? v->node : g->doc->root,
                        "the %s '%s' stands twice%s", axis->name, shown,
                        index <= GRID_WORKLOAD || index == grid_policy_axis(g)
                            ? "; write another name after 'as'"
                            : "");
        }
    }
}

void
grid_load_inputs(struct grid *g)
{
    g->sums = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g->cells = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    load_machines(g);
    load_policies(g);
    try_settings(g);
    for (guint i = 0; i < g->nr_axes; i++)
        if (i != GRID_WORKLOAD)
            check_labels(g, i);
    if (grid_make_points(g) && g->nr_points > 0)
        load_workloads(g);
    else
        read_workloads(g);
    check_labels(g, GRID_WORKLOAD);
}
