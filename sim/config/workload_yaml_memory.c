/*
 * Steps that say where memory is, mbind, move_pages, migrate_pages, set_mems, and what may be done
 * with it, madvise, mprotect. Where a step moves
 * pages, `move: all` (or `all: yes`) means those that other processes use as well.
 */
#include "config/workload_yaml_steps.h"

/* `region` and perhaps `slice`; NULL with an error. */
static const struct wuse *
read_range(struct wload *l, const struct ynode *n)
{
    struct wuse *range = arena_new_object(l->doc.arena, struct wuse);
    const struct ynode *region = ynode_get(n, "region");

    if (region == NULL) {
        ynode_error(&l->doc, n, "'region' is missing: the memory that is meant");
        return NULL;
    }
    int32_t found = wload_find_region(l, region);
    if (found < 0)
        return NULL;
    range->region = (uint32_t)found;
    wload_slice(l, n, range);
    if (l->w->regions[found].file == WFILE_UNMAPPED)
        ynode_error(&l->doc, region, "%s is not mapped; such a call is about mappings",
                    l->w->regions[found].name);
    if (range->slice != WSLICE_NEIGHBOURS)
        return range;
    ynode_error(&l->doc, ynode_get(n, "slice"), "a call is about one slice; write 'own'");
    return NULL;
}

const char *const waccess_names[] = { "read_write", "read", "read_exec", "none", NULL };

/* What is missing under a key; NULL with an error. */
static const struct ynode *
read_word(struct wload *l, const struct ynode *n, const char *key, const char *what)
{
    const struct ynode *word = ynode_get(n, key);

    if (word == NULL)
        ynode_error(&l->doc, n, "'%s' is missing: %s", key, what);
    return word;
}

void
read_madvise(struct wload *l, const struct ynode *n, const struct verb *v)
{
    const struct wuse *range = read_range(l, n);
    const struct ynode *advice = read_word(l, n, "advice", "hugepage, dontneed or another");
    int what = advice != NULL ? ynode_enum(&l->doc, advice, madvise_names) : -1;

    if (range == NULL || what < 0)
        return;
    struct wregion *r = &l->w->regions[range->region];
    bool huge = what == MADV_HUGEPAGE || what == MADV_NOHUGEPAGE || what == MADV_COLLAPSE;
    if (huge && r->file != WFILE_NONE)
        ynode_error(&l->doc, advice, "pages of a file are never huge here; leave the step out");
    else if (huge && what != MADV_NOHUGEPAGE && r->page_size != PAGE_2M)
        ynode_error(&l->doc, advice, "%s has pages of 4 KiB only; give it page_size: 2MiB",
                    r->name);
    r->advised |= what == MADV_HUGEPAGE || what == MADV_COLLAPSE;
    struct wstep *s = step_add(l, n, v->kind);
    s->range = range;
    s->advice = (enum madvise_advice)what;
}

void
read_mprotect(struct wload *l, const struct ynode *n, const struct verb *v)
{
    const struct wuse *range = read_range(l, n);
    const struct ynode *access = read_word(l, n, "access", "what is allowed from now on");
    int what = access != NULL ? ynode_enum(&l->doc, access, waccess_names) : -1;

    if (range == NULL || what < 0)
        return;
    struct wstep *s = step_add(l, n, v->kind);
    s->range = range;
    s->access = (enum waccess)what;
}

/* A set of nodes under a key; NULL with an error. */
static const struct wpolicy *
read_set(struct wload *l, const struct ynode *n, const char *key, const char *what)
{
    struct wpolicy *set = arena_new_object(l->doc.arena, struct wpolicy);
    const struct ynode *nodes = ynode_get(n, key);

    set->mode = MPOL_BIND;
    set->at = wload_place(l, n);
    if (nodes == NULL)
        ynode_error(&l->doc, n, "'%s' is missing: %s, as in 0-1", key, what);
    return nodes != NULL && wload_nodes(l, nodes, set) ? set : NULL;
}

void
read_mbind(struct wload *l, const struct ynode *n, const struct verb *v)
{
    static const char *const moves[] = { "no", "yes", "all", NULL };
    struct wpolicy *p = arena_new_object(l->doc.arena, struct wpolicy);
    const struct ynode *policy = ynode_get(n, "policy"), *move = ynode_get(n, "move");
    const struct wuse *range = read_range(l, n);
    int how = move != NULL ? ynode_enum(&l->doc, move, moves) : 0;

    if (policy == NULL)
        ynode_error(&l->doc, n, "'policy' is missing: {mode: bind, nodes: 0}");
    if (range == NULL || policy == NULL || how < 0 || !wload_policy(l, policy, p))
        return;
    struct wstep *s = step_add(l, n, v->kind);
    s->policy = p;
    s->range = range;
    s->move = how > 0;
    s->all = how > 1;
    s->strict = wload_bool_at(l, n, "strict", false);
}

void
read_move_pages(struct wload *l, const struct ynode *n, const struct verb *v)
{
    const struct wuse *range = read_range(l, n);
    const struct wpolicy *to = read_set(l, n, "node", "where the pages go");

    if (range == NULL || to == NULL)
        return;
    if (to->all_nodes || to->nr_nodes > 1) {
        ynode_error(&l->doc, ynode_get(n, "node"), "pages go to one node; write its number");
        return;
    }
    struct wstep *s = step_add(l, n, v->kind);
    s->policy = to;
    s->range = range;
    s->all = wload_bool_at(l, n, "all", false);
}

void
read_migrate_pages(struct wload *l, const struct ynode *n, const struct verb *v)
{
    const struct wpolicy *from = read_set(l, n, "from", "the nodes that are left");
    const struct wpolicy *to = read_set(l, n, "to", "the nodes that take their place");

    if (from == NULL || to == NULL)
        return;
    struct wstep *s = step_add(l, n, v->kind);
    s->policy = to;
    s->from = from;
    s->all = wload_bool_at(l, n, "all", false);
}

void
read_set_mems(struct wload *l, const struct ynode *n, const struct verb *v)
{
    const struct ynode *cgroup = ynode_get(n, "cgroup");
    const struct wpolicy *mems = read_set(l, n, "mems", "what the group may use from now on");
    int32_t found = -1;

    if (cgroup == NULL)
        ynode_error(&l->doc, n, "'cgroup' is missing: the group whose memory it is");
    else if ((found = wload_find_cgroup(l, cgroup)) < 0 && strcmp(cgroup->text, "/") == 0)
        ynode_error(&l->doc, cgroup, "the root group has all nodes; name a group below it");
    if (found < 0 || mems == NULL)
        return;
    struct wstep *s = step_add(l, n, v->kind);
    s->policy = mems;
    s->cgroup = found;
}
