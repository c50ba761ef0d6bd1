/*
 * In which order a node's memory is replaced by that of others.
 *
 * Nearest first. Among nodes that are equally near, the order turns with the node that asks (a
 * lower number counts one more), and a load term makes different nodes lead their groups, so that
 * not all machines' overflow goes to node 0. Nodes are served in ascending order with one load
 * array, so the list of a node depends on the lists before it. The load never outweighs a step of
 * distance.
 */
#include "kernel/domains.h"

enum { LOAD_SCALE = 1024 }; /* the kernel's MAX_NUMNODES */

struct order {
    const uint8_t *distances;
    uint32_t nr_nodes;
    nodemask memory, cpus;
    uint32_t load[NODE_MAX];
};

static uint32_t
order_distance(const struct order *o, int from, int to)
{
    return o->distances[(uint32_t)from * o->nr_nodes + (uint32_t)to];
}

static int
next_best(const struct order *o, int home, nodemask used)
{
    uint32_t best_value = UINT32_MAX;
    int best = -1;

    if (o->memory & ~used & NODE_BIT(home))
        return home;
    for_each_node (n, o->memory & ~used) {
        uint32_t value = order_distance(o, home, n) + (n < home) + ((o->cpus >> n) & 1);

        value = value * LOAD_SCALE + o->load[n];
        if (value >= best_value)
            continue;
        best_value = value;
        best = n;
    }
    return best;
}

static int32_t *
fallback_of(struct arena *a, struct order *o, int home)
{
    int32_t *list = arena_new_array(a, int32_t, o->nr_nodes + 1);
    nodemask used = 0;
    int previous = home, best;
    uint32_t nr = 0;

    while ((best = next_best(o, home, used)) >= 0) {
        if (order_distance(o, home, best) != order_distance(o, home, previous))
            o->load[best]++;
        used |= NODE_BIT(best);
        list[nr++] = best;
        previous = best;
    }
    list[nr] = -1;
    return list;
}

int32_t **
zonelist_build(struct arena *a, const struct machine *m, const uint8_t *distances,
               nodemask cpu_nodes)
{
    struct order o = { .distances = distances, .nr_nodes = m->nr_nodes, .cpus = cpu_nodes };
    int32_t **lists = arena_new_array(a, int32_t *, m->nr_nodes);

    o.memory = machine_memory_nodes(m);
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        if (m->nodes[n].online)
            lists[n] = fallback_of(a, &o, (int)n);
    return lists;
}
