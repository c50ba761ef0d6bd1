/*
 * `hotplug`: when CPUs go offline or come online. A list of moments, each with the CPUs or the
 * nodes that are meant:
 *
 *     hotplug:
 *       - {at: 1s, cpus: 3, online: no}
 *       - {at: 2s, nodes: 1, online: yes}
 */
#include "config/workload_yaml_load.h"

enum { HOTPLUG_MAX = 1000 };

static bool
read_cpus(struct wload *l, const struct ynode *n, struct whotplug *h)
{
    const struct ynode *cpus = ynode_get(n, "cpus"), *nodes = ynode_get(n, "nodes");
    struct cpumask *set = cpumask_new(l->doc.arena, CPU_MAX);

    if ((cpus == NULL) == (nodes == NULL)) {
        ynode_error(&l->doc, n, "write which CPUs: 'cpus: 0-3' or 'nodes: 1'");
        return false;
    }
    h->cpus.kind = cpus != NULL ? WAFFINITY_CPUS : WAFFINITY_NODES;
    h->cpus.set = set;
    h->cpus.at = wload_place(l, cpus != NULL ? cpus : nodes);
    if (!ynode_cpulist(&l->doc, cpus != NULL ? cpus : nodes, set))
        return false;
    if (cpumask_empty(set))
        ynode_error(&l->doc, cpus != NULL ? cpus : nodes, "the list is empty; write 0-3");
    return true;
}

static void
read_moment(struct wload *l, const struct ynode *n, struct whotplug *h)
{
    static const char *const keys[] = { "at", "cpus", "nodes", "online", NULL };
    const struct ynode *at = ynode_get(n, "at"), *online = ynode_get(n, "online");

    if (ynode_expect(&l->doc, n, YNODE_MAP) == NULL)
        return;
    ynode_check_keys(&l->doc, n, NULL, keys);
    if (at == NULL)
        ynode_error(&l->doc, n, "'at' is missing: the time, as in 1s");
    else
        ynode_quantity(&l->doc, at, FIELD_TIME, &h->at);
    if (online == NULL)
        ynode_error(&l->doc, n, "'online' is missing: no, or yes when they are back");
    h->online = wload_bool_at(l, n, "online", true);
    read_cpus(l, n, h);
}

void
wload_hotplug(struct wload *l, const struct ynode *map)
{
    const struct ynode *list = wload_list_at(l, map, "hotplug");

    if (list == NULL || wload_is_enough(l))
        return;
    if (list->nr > HOTPLUG_MAX) {
        ynode_error(&l->doc, list, "there are more than %d moments", HOTPLUG_MAX);
        return;
    }
    l->w->hotplug = arena_new_array(l->doc.arena, struct whotplug, list->nr);
    l->w->nr_hotplug = list->nr;
    for (guint i = 0; i < list->nr; i++)
        read_moment(l, list->values[i], &l->w->hotplug[i]);
}
