/*
 * Parts of a workload file that depend on a parameter's value: a map with the key `$case` stands
 * for what it has under that value, or under `else`.
 *
 *     arrivals: {$case: $drive, open: {poisson: {rate: 5000/s}}, closed: {closed: {clients: 8}}}
 *
 * It is settled in the tree, behind the substitution of parameters, so that no reader of a part
 * knows of it and it may stand for anything: a word, a step, a list of steps. A list in a list is
 * put in place. No other key has a '$' in it: nothing that a file names can be taken for one.
 */
#include "config/workload_yaml_load.h"

#define CASE_KEY "$case"

static bool
is_case(const struct ynode *n)
{
    return n->kind == YNODE_MAP && ynode_get(n, CASE_KEY) != NULL;
}

static void
say_no_branch(struct wload *l, const struct ynode *n, const char *value)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *excerpt = diag_excerpt(value);

    for (guint i = 0; i < n->nr; i++)
        if (strcmp(n->keys[i]->text, CASE_KEY) != 0)
            g_ptr_array_add(names, (gpointer)(gsize)n->keys[i]->text);
    g_ptr_array_add(names, NULL);
    g_autofree char *known = g_strjoinv(", ", (char **)names->pdata);
    ynode_error(&l->doc, n, "there is no case '%s', and no 'else'; cases: %s", excerpt,
                known[0] != '\0' ? known : "none");
}

/* What the map stands for; NULL with an error. */
static struct ynode *
branch_of(struct wload *l, const struct ynode *n)
{
    const struct ynode *which = ynode_get(n, CASE_KEY), *chosen;

    if (ynode_string(&l->doc, which) == NULL)
        return NULL;
    chosen = ynode_get(n, which->text);
    if (chosen == NULL || chosen == which)
        chosen = ynode_get(n, "else");
    if (chosen == NULL)
        say_no_branch(l, n, which->text);
    return (struct ynode *)(gsize)chosen;
}

/* The tree below n without cases; NULL with an error. Cases in the branches that are left out stay
 * unsettled: they may ask for what this case has ruled out. */
static struct ynode *
settle(struct wload *l, struct ynode *n)
{
    struct ynode *to = n;

    for (guint depth = 0; is_case(to); depth++) {
        struct ynode *chosen = branch_of(l, to);
        if (chosen == NULL || depth > YAML_DEPTH_MAX)
            return NULL;
        chosen->parent = n->parent;
        chosen->key = n->key;
        chosen->index = n->index;
        to = chosen;
    }
    return to;
}

static bool
settle_values(struct wload *l, struct ynode *n)
{
    bool ok = true;

    for (guint i = 0; i < n->nr; i++) {
        struct ynode *value = settle(l, n->values[i]);

        ok &= value != NULL;
        n->values[i] = value != NULL ? value : n->values[i];
    }
    return ok;
}

/* Lists that a case has put into a list become part of it. */
static void
splice(struct wload *l, struct ynode *list, const bool *was_case)
{
    guint nr = 0, at = 0;

    for (guint i = 0; i < list->nr; i++)
        nr += was_case[i] && list->values[i]->kind == YNODE_SEQ ? list->values[i]->nr : 1;
    struct ynode **values = arena_new_array(l->doc.arena, struct ynode *, nr);
    for (guint i = 0; i < list->nr; i++) {
        struct ynode *v = list->values[i];
        bool many = was_case[i] && v->kind == YNODE_SEQ;

        for (guint j = 0; j < (many ? v->nr : 1); j++) {
            values[at] = many ? v->values[j] : v;
            values[at]->parent = list;
            values[at]->index = at;
            at++;
        }
    }
    list->values = values;
    list->nr = nr;
}

static bool
settle_list(struct wload *l, struct ynode *n)
{
    bool ok = true, any = true;

    for (guint round = 0; any && ok && round <= YAML_DEPTH_MAX; round++) {
        g_autofree bool *was_case = g_new0(bool, n->nr + 1);

        any = false;
        for (guint i = 0; i < n->nr; i++)
            any |= was_case[i] = is_case(n->values[i]);
        ok = settle_values(l, n);
        if (any && ok)
            splice(l, n, was_case);
    }
    return ok;
}

bool
wload_settle_cases(struct wload *l, struct ynode *n)
{
    if (n->kind == YNODE_SCALAR)
        return true;
    bool ok = n->kind == YNODE_SEQ ? settle_list(l, n) : settle_values(l, n);
    for (guint i = 0; i < n->nr; i++)
        ok &= wload_settle_cases(l, n->values[i]);
    return ok;
}
