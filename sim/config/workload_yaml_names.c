/*
 * Names in a workload file: what is declared, in the order of the file, and how a name finds it.
 * The numbers of names are limited, so that looking each up in a list stays cheap for hostile
 * files, too.
 */
#include "config/workload_yaml_load.h"

enum { LIST_MAX = 1000, NAMES_MAX = 2000 };

/* The list under a key: NULL if it is absent or no list of maps. */
const struct ynode *
wload_list_at(struct wload *l, const struct ynode *map, const char *key)
{
    const struct ynode *list = ynode_get(map, key);

    if (list == NULL || ynode_expect(&l->doc, list, YNODE_SEQ) == NULL)
        return NULL;
    if (list->nr <= LIST_MAX)
        return list;
    ynode_error(&l->doc, list, "the list has more than %d entries", LIST_MAX);
    return NULL;
}

/* The name of an entry, which none before it in the list may have. */
static const char *
name_of(struct wload *l, const struct ynode *list, guint i)
{
    const struct ynode *n = ynode_get(list->values[i], "name");

    if (ynode_expect(&l->doc, list->values[i], YNODE_MAP) == NULL)
        return NULL;
    if (n == NULL)
        ynode_error(&l->doc, list->values[i], "'name' is missing");
    const char *name = n == NULL ? NULL : wload_name(l, n);
    for (guint j = 0; name != NULL && j < i; j++) {
        const struct ynode *other = ynode_get(list->values[j], "name");
        if (other != NULL && other->kind == YNODE_SCALAR && strcmp(other->text, name) == 0) {
            ynode_error(&l->doc, n, "'%s' stands on line %u already", name, other->line);
            break;
        }
    }
    return name;
}

bool
wload_is_enough(const struct wload *l)
{
    return l->doc.diag->nr_left_out > 0 || l->too_many;
}

static int32_t
say_no(struct wload *l, const struct ynode *n, const char *what, GPtrArray *names)
{
    g_autofree char *excerpt = diag_excerpt(n->text);

    if (names->len == 0 || wload_is_enough(l)) {
        ynode_error(&l->doc, n, "there is no %s '%s' here", what, excerpt);
        return -1;
    }
    g_ptr_array_add(names, NULL);
    g_autofree char *hint = did_you_mean(n->text, (const char *const *)names->pdata);
    ynode_error(&l->doc, n, "there is no %s '%s'%s", what, excerpt, hint);
    return -1;
}

static bool
region_is_visible(const struct wload *l, const struct wregion *r)
{
    return r->name != NULL && (r->process < 0 || r->process == l->process) &&
           (r->group < 0 || r->group == l->group);
}

int32_t
wload_find_region(struct wload *l, const struct ynode *n)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    int32_t found = -1;

    if (ynode_expect(&l->doc, n, YNODE_SCALAR) == NULL)
        return -1;
    for (uint32_t i = 0; i < l->w->nr_regions; i++) {
        const struct wregion *r = &l->w->regions[i];

        if (!region_is_visible(l, r))
            continue;
        g_ptr_array_add(names, (gpointer)(gsize)r->name);
        /* the nearest one: the thread's own, the process's, everybody's */
        if (strcmp(r->name, n->text) == 0 && (found < 0 || r->group > l->w->regions[found].group ||
                                              r->process > l->w->regions[found].process))
            found = (int32_t)i;
    }
    return found >= 0 ? found : say_no(l, n, "region", names);
}

int32_t
wload_find_group(struct wload *l, const struct ynode *n)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const struct wprocess *p = &l->w->processes[l->process];

    if (ynode_expect(&l->doc, n, YNODE_SCALAR) == NULL)
        return -1;
    for (uint32_t i = p->first_group; i < p->first_group + p->nr_groups; i++) {
        if (l->w->groups[i].name == NULL)
            continue;
        if (strcmp(l->w->groups[i].name, n->text) == 0)
            return (int32_t)i;
        g_ptr_array_add(names, (gpointer)(gsize)l->w->groups[i].name);
    }
    return say_no(l, n, "group of threads", names);
}

/* ---- the first pass: names ---- */

struct declared {
    GArray *groups, *regions, *objects;
};

static void
declare_regions(struct wload *l, const struct ynode *list, struct declared *d)
{
    for (guint i = 0; list != NULL && i < list->nr; i++) {
        struct wregion r = {
            .name = name_of(l, list, i), .process = l->process, .group = l->group, .slices_of = -1
        };
        g_array_append_val(d->regions, r);
    }
}

static void
declare_process(struct wload *l, const struct ynode *n, struct wprocess *p, struct declared *d)
{
    const struct ynode *threads = wload_list_at(l, n, "threads");

    wload_declare_objects(l, ynode_get(n, "sync"), d->objects);
    declare_regions(l, wload_list_at(l, n, "regions"), d);
    p->first_group = d->groups->len;
    p->nr_groups = threads == NULL ? 0 : threads->nr;
    if (n->kind == YNODE_MAP &&
        (ynode_get(n, "threads") == NULL || (threads != NULL && threads->nr == 0)))
        ynode_error(&l->doc, n, "a process has at least one entry in its list of 'threads'");
    for (guint i = 0; threads != NULL && i < threads->nr; i++) {
        const struct ynode *start = ynode_get(threads->values[i], "start");
        struct wgroup g = { .name = name_of(l, threads, i), .process = (uint32_t)l->process };

        g.by_fork =
            start != NULL && start->kind == YNODE_SCALAR && strcmp(start->text, "fork") == 0;
        l->group = (int32_t)d->groups->len;
        g_array_append_val(d->groups, g);
        declare_regions(l, wload_list_at(l, threads->values[i], "regions"), d);
    }
    l->group = -1;
}

void *
wload_to_arena(struct wload *l, GArray *array, uint32_t *nr)
{
    gsize bytes = (gsize)array->len * g_array_get_element_size(array);
    void *copy = arena_alloc(l->doc.arena, bytes);

    if (bytes > 0)
        memcpy(copy, array->data, bytes);
    *nr = array->len;
    return copy;
}

void
wload_declare(struct wload *l, const struct ynode *processes)
{
    struct declared d = { g_array_new(FALSE, TRUE, sizeof(struct wgroup)),
                          g_array_new(FALSE, TRUE, sizeof(struct wregion)),
                          g_array_new(FALSE, TRUE, sizeof(struct wobject)) };
    struct workload *w = l->w;

    l->process = l->group = -1;
    wload_declare_objects(l, ynode_get(l->doc.root, "sync"), d.objects);
    declare_regions(l, wload_list_at(l, l->doc.root, "regions"), &d);
    w->nr_processes = processes->nr;
    w->processes = arena_new_array(l->doc.arena, struct wprocess, processes->nr);
    for (guint i = 0; i < processes->nr; i++) {
        l->process = (int32_t)i;
        w->processes[i].name = name_of(l, processes, i);
        declare_process(l, processes->values[i], &w->processes[i], &d);
    }
    l->process = -1;
    if (d.regions->len > NAMES_MAX || d.groups->len > NAMES_MAX || d.objects->len > NAMES_MAX) {
        l->too_many = true;
        ynode_error(&l->doc, processes,
                    "the file names more than %d regions, groups of threads or "
                    "things to meet at; write 'count' for many alike",
                    NAMES_MAX);
    }
    w->groups = wload_to_arena(l, d.groups, &w->nr_groups);
    w->regions = wload_to_arena(l, d.regions, &w->nr_regions);
    w->objects = wload_to_arena(l, d.objects, &w->nr_objects);
    g_array_unref(d.groups);
    g_array_unref(d.regions);
    g_array_unref(d.objects);
}
