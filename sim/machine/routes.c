/*
 * Links between nodes, and which of them data takes.
 *
 * Without any link given, each ordered pair of nodes gets a link of its own, which is all that can
 * be said of an unknown interconnect; a real one shares its links, so who cares about congestion
 * should describe them. Its bandwidth is that of the controllers at its source within a package,
 * and 0.47 of that across packages (what two-socket machines show).
 *
 * Given links without given routes are used along shortest paths: fewest links, and among those the
 * path whose link numbers come first. One path a pair, as in machines with static routing tables.
 */
#include "machine/derive.h"

enum { UNREACHED = UINT32_MAX };

static uint64_t
assumed_bandwidth(const struct machine *m, const struct machine_link *l)
{
    uint64_t source = m->nodes[l->from].bandwidth;
    const struct machine_node *to = &m->nodes[l->to];

    if (source == 0) /* a node without memory sends write-backs to the other's controllers */
        source = to->bandwidth > 0 ? to->bandwidth : (uint64_t)100 * 1000 * 1000 * 1000;
    if (m->nodes[l->from].kind == MEMORY_CXL || to->kind == MEMORY_CXL ||
        machine_same_package(m, (uint32_t)l->from, (uint32_t)l->to))
        return source;
    return source / 100 * 47;
}

static void
link_all_pairs(struct machine *m)
{
    m->links = arena_new_array(m->arena, struct machine_link, m->nr_nodes * m->nr_nodes);
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        for (uint32_t j = 0; j < m->nr_nodes; j++) {
            struct machine_link *l = &m->links[m->nr_links];

            if (i == j)
                continue;
            l->from = (int32_t)i;
            l->to = (int32_t)j;
            m->nr_links++;
        }
}

void
machine_assume_links(struct machine *m)
{
    bool all_pairs = m->nr_links == 0 && m->nr_nodes > 1;
    uint32_t missing = 0;

    if (all_pairs)
        link_all_pairs(m);
    for (uint32_t i = 0; i < m->nr_links; i++) {
        struct machine_link *l = &m->links[i];

        if (l->name == NULL)
            l->name = arena_printf(m->arena, "n%u>n%u", m->nodes[l->from].os_index,
                                   m->nodes[l->to].os_index);
        if (!l->has_curve) {
            l->curve_a = 0.085;
            l->curve_d = 0.06;
        }
        if (l->bandwidth == 0 && l->nr_points > 0)
            l->bandwidth = l->points[l->nr_points - 1].bandwidth;
        if (l->bandwidth > 0)
            continue;
        l->bandwidth = assumed_bandwidth(m, l);
        missing++;
    }
    if (all_pairs)
        machine_note(m, "assumed: a link for each ordered pair of nodes");
    if (missing > 0)
        machine_note(m, "assumed: bandwidth of %u links, 0.47 of the memory's across packages",
                     missing);
}

/* Hops from every node to `target`; nodes are few, so rounds over all links will do. */
static void
hops_to(const struct machine *m, uint32_t target, uint32_t hops[NODE_MAX])
{
    bool changed = true;

    for (uint32_t i = 0; i < m->nr_nodes; i++)
        hops[i] = i == target ? 0 : UNREACHED;
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < m->nr_links; i++) {
            uint32_t behind = hops[m->links[i].to];

            if (behind == UNREACHED || hops[m->links[i].from] <= behind + 1)
                continue;
            hops[m->links[i].from] = behind + 1;
            changed = true;
        }
    }
}

/* The lowest-numbered link out of `at` that lies on a shortest path. */
static uint32_t
next_link(const struct machine *m, uint32_t at, const uint32_t hops[NODE_MAX])
{
    for (uint32_t i = 0; i < m->nr_links; i++)
        if ((uint32_t)m->links[i].from == at && hops[m->links[i].to] == hops[at] - 1)
            return i;
    sim_assert(!"a node that reaches the target has a link towards it");
    return 0;
}

static const char *
check_route(const struct machine *m, uint32_t cpu, uint32_t mem)
{
    const struct machine_route *r = &m->routes[cpu * m->nr_nodes + mem];
    uint32_t at = mem;

    for (uint32_t i = 0; i < r->nr_links; i++) {
        if (r->links[i] >= m->nr_links || (uint32_t)m->links[r->links[i]].from != at)
            break;
        at = (uint32_t)m->links[r->links[i]].to;
        if (i + 1 == r->nr_links && at == cpu)
            return NULL;
    }
    return arena_printf(m->arena, "the route from node %u to node %u is not a chain of links",
                        m->nodes[mem].os_index, m->nodes[cpu].os_index);
}

static void
find_route(struct machine *m, uint32_t cpu, uint32_t mem, const uint32_t hops[NODE_MAX])
{
    struct machine_route *r = &m->routes[cpu * m->nr_nodes + mem];
    uint32_t at = mem;

    r->nr_links = hops[mem];
    r->links = arena_new_array(m->arena, uint32_t, r->nr_links);
    for (uint32_t i = 0; i < r->nr_links; i++) {
        r->links[i] = next_link(m, at, hops);
        at = (uint32_t)m->links[r->links[i]].to;
    }
}

/* Routes that are given are checked, the others found. */
const char *
machine_find_routes(struct machine *m)
{
    uint32_t hops[NODE_MAX] = { 0 };

    if (m->routes == NULL)
        m->routes = arena_new_array(m->arena, struct machine_route, m->nr_nodes * m->nr_nodes);
    for (uint32_t cpu = 0; cpu < m->nr_nodes; cpu++) {
        hops_to(m, cpu, hops);
        for (uint32_t mem = 0; mem < m->nr_nodes; mem++) {
            const char *wrong = NULL;

            if (m->routes[cpu * m->nr_nodes + mem].nr_links > 0)
                wrong = check_route(m, cpu, mem);
            else if (hops[mem] == UNREACHED)
                wrong = arena_printf(m->arena, "no links lead from node %u to node %u",
                                     m->nodes[mem].os_index, m->nodes[cpu].os_index);
            else
                find_route(m, cpu, mem, hops);
            if (wrong != NULL)
                return wrong;
        }
    }
    return NULL;
}
