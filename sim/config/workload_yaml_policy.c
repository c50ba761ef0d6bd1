/*
 * Where things may be: mempolicies and affinities; and hints. Numbers of nodes and CPUs are kept as
 * written, because the machine that they must exist on is not known yet.
 */
#include "config/workload_yaml_load.h"

bool
wload_nodes(struct wload *l, const struct ynode *n, struct wpolicy *p)
{
    struct cpumask *nodes = cpumask_new(l->doc.arena, CPU_MAX);
    uint32_t *numbers;

    p->all_nodes = n->kind == YNODE_SCALAR && strcmp(n->text, "all") == 0;
    p->random_node = n->kind == YNODE_SCALAR && strcmp(n->text, "random") == 0;
    if (p->all_nodes || p->random_node)
        return true;
    if (!ynode_cpulist(&l->doc, n, nodes))
        return false;
    if (cpumask_empty(nodes) || cpumask_weight(nodes) > NODE_MAX) {
        ynode_error(&l->doc, n, "name from 1 to %d nodes, or 'all', or 'random'", NODE_MAX);
        return false;
    }
    p->nodes = numbers = arena_new_array(l->doc.arena, uint32_t, cpumask_weight(nodes));
    for_each_cpu (node, nodes)
        numbers[p->nr_nodes++] = (uint32_t)node;
    return true;
}

static bool
read_weights(struct wload *l, const struct ynode *n, struct wpolicy *p)
{
    uint32_t *weights = arena_new_array(l->doc.arena, uint32_t, NODE_MAX);

    if (ynode_expect(&l->doc, n, YNODE_SEQ) == NULL)
        return false;
    if (n->nr != p->nr_nodes) {
        ynode_error(&l->doc, n, "there are %u weights for %u nodes; write one a node", n->nr,
                    p->nr_nodes);
        return false;
    }
    for (guint i = 0; i < n->nr; i++) {
        uint64_t weight;
        if (!ynode_number(&l->doc, n->values[i], 1, 255, &weight))
            return false;
        weights[i] = (uint32_t)weight;
    }
    p->weights = weights;
    return true;
}

/* `flags: static`, or a list; as in set_mempolicy(2). */
static bool
read_flag(struct wload *l, const struct ynode *n, struct wpolicy *p)
{
    static const char *const names[] = { "static", "relative", "numa_balancing", NULL };
    int flag = ynode_enum(&l->doc, n, names);

    if (flag == 0)
        p->static_nodes = true;
    else if (flag == 1)
        p->relative_nodes = true;
    else if (flag == 2)
        p->numa_balancing = true;
    return flag >= 0;
}

static bool
read_flags(struct wload *l, const struct ynode *n, struct wpolicy *p)
{
    bool ok = n->kind == YNODE_SEQ || read_flag(l, n, p);

    for (guint i = 0; n->kind == YNODE_SEQ && i < n->nr; i++)
        ok &= read_flag(l, n->values[i], p);
    if (!ok)
        return false;
    if (p->static_nodes && p->relative_nodes) {
        ynode_error(&l->doc, n, "nodes are 'static' or 'relative', not both; write one of them");
        return false;
    }
    if ((p->static_nodes || p->relative_nodes) &&
        (p->mode == MPOL_DEFAULT || p->mode == MPOL_LOCAL)) {
        ynode_error(&l->doc, n, "the mode '%s' has no nodes that could be static or relative",
                    mempolicy_names[p->mode]);
        return false;
    }
    if (p->numa_balancing && p->mode != MPOL_BIND && p->mode != MPOL_PREFERRED_MANY) {
        ynode_error(&l->doc, n,
                    "only 'bind' and 'preferred_many' can be balanced; leave 'numa_balancing' out");
        return false;
    }
    return true;
}

/* set_mempolicy_home_node(2). */
static bool
read_home(struct wload *l, const struct ynode *n, struct wpolicy *p)
{
    uint64_t home;

    if (p->mode != MPOL_BIND && p->mode != MPOL_PREFERRED_MANY) {
        ynode_error(&l->doc, n, "only 'bind' and 'preferred_many' have a home node");
        return false;
    }
    if (!ynode_number(&l->doc, n, 0, UINT16_MAX, &home))
        return false;
    p->has_home = true;
    p->home = (uint32_t)home;
    return true;
}

struct wplace
wload_place(struct wload *l, const struct ynode *n)
{
    g_autofree char *path = ynode_path(n);

    return (struct wplace){ n->line, n->column, arena_strdup(l->doc.arena, path) };
}

bool
wload_policy(struct wload *l, const struct ynode *n, struct wpolicy *p)
{
    static const char *const keys[] = { "mode", "nodes", "weights", "flags", "home", NULL };
    const struct ynode *nodes = ynode_get(n, "nodes"), *weights = ynode_get(n, "weights");
    const struct ynode *flags = ynode_get(n, "flags"), *home = ynode_get(n, "home");
    const struct ynode *mode_node = n->kind == YNODE_MAP ? ynode_get(n, "mode") : n;

    *p = (struct wpolicy){ .at = wload_place(l, n) };
    if (n->kind == YNODE_MAP)
        ynode_check_keys(&l->doc, n, NULL, keys);
    if (mode_node == NULL) {
        ynode_error(&l->doc, n, "'mode' is missing: bind, interleave, preferred...");
        return false;
    }
    int mode = ynode_enum(&l->doc, mode_node, mempolicy_names);
    if (mode < 0)
        return false;
    p->mode = (enum mempolicy_mode)mode;
    bool takes_nodes = mode != MPOL_DEFAULT && mode != MPOL_LOCAL;
    bool needs_nodes = mode == MPOL_BIND || mode == MPOL_PREFERRED || mode == MPOL_PREFERRED_MANY;
    if (nodes == NULL && needs_nodes) {
        ynode_error(&l->doc, n, "'nodes' is missing: a list of nodes, 'all' or 'random'");
        return false;
    }
    if (nodes != NULL && !takes_nodes) {
        ynode_error(&l->doc, nodes, "the mode '%s' takes no nodes", mempolicy_names[mode]);
        return false;
    }
    if (weights != NULL && mode != MPOL_WEIGHTED_INTERLEAVE) {
        ynode_error(&l->doc, weights, "only the mode 'weighted_interleave' has weights");
        return false;
    }
    p->all_nodes = takes_nodes && nodes == NULL;
    return (nodes == NULL || wload_nodes(l, nodes, p)) &&
           (weights == NULL || read_weights(l, weights, p)) &&
           (flags == NULL || read_flags(l, flags, p)) && (home == NULL || read_home(l, home, p));
}

bool
wload_affinity(struct wload *l, const struct ynode *n, struct waffinity *a)
{
    static const char *const keys[] = { "cpus", "nodes", NULL };
    const struct ynode *cpus = ynode_get(n, "cpus"), *nodes = ynode_get(n, "nodes");
    struct cpumask *set = cpumask_new(l->doc.arena, CPU_MAX);

    *a = (struct waffinity){ .at = wload_place(l, n), .kind = WAFFINITY_ALL };
    if (n->kind == YNODE_SCALAR && strcmp(n->text, "all") == 0)
        return true;
    if (n->kind == YNODE_MAP)
        ynode_check_keys(&l->doc, n, NULL, keys);
    if ((cpus == NULL) == (nodes == NULL)) {
        ynode_error(&l->doc, n, "write 'all', {cpus: 0-3} or {nodes: 0}");
        return false;
    }
    a->kind = cpus != NULL ? WAFFINITY_CPUS : WAFFINITY_NODES;
    a->set = set;
    if (!ynode_cpulist(&l->doc, cpus != NULL ? cpus : nodes, set))
        return false;
    if (!cpumask_empty(set))
        return true;
    ynode_error(&l->doc, n, "the list is empty; write 'all' or leave 'affinity' out");
    return false;
}

const struct whint *
wload_hints(struct wload *l, const struct ynode *n, uint32_t *nr)
{
    struct whint *hints;

    *nr = 0;
    if (n == NULL || ynode_expect(&l->doc, n, YNODE_MAP) == NULL)
        return NULL;
    hints = arena_new_array(l->doc.arena, struct whint, n->nr);
    for (guint i = 0; i < n->nr; i++) {
        const char *value = ynode_string(&l->doc, n->values[i]);
        if (value != NULL)
            hints[(*nr)++] = (struct whint){ n->keys[i]->text, value };
    }
    return hints;
}
