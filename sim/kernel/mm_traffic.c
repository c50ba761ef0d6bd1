/*
 * Bytes on their way: read lines from memory to a CPU, write-backs the other way, pages that move.
 */
#include "kernel/copies.h"
#include "kernel/mm.h"

static inline void
count_traffic(struct kernel *k, int from, int to, uint64_t bytes)
{
    k->traffic[(uint32_t)from * k->machine->nr_nodes + (uint32_t)to] += bytes;
    if (from != to)
        k->stats.remote_bytes += bytes;
}

void
mm_traffic(struct kernel *k, int from, int to, uint64_t bytes)
{
    count_traffic(k, from, to, bytes);
}

static void
add_along(const struct machine_route *route, uint64_t bytes, uint64_t *of_links)
{
    for (uint32_t i = 0; i < route->nr_links; i++)
        of_links[route->links[i]] += bytes;
}

void
mm_link_bytes(const struct kernel *k, uint64_t *bytes)
{
    const struct machine *m = k->machine;

    for (uint32_t from = 0; from < m->nr_nodes; from++)
        for (uint32_t to = 0; to < m->nr_nodes; to++)
            if (from != to)
                add_along(machine_route(m, to, from), k->traffic[from * m->nr_nodes + to], bytes);
}

void
mm_copied(struct kernel *k, int from, int to, uint64_t bytes)
{
    count_traffic(k, from, to, bytes);
    mm_served(k, from, bytes, 0);
    mm_served(k, to, 0, bytes);
    copies_add(k, from, to, bytes);
}
