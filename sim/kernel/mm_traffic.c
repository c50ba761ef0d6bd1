/*
 * Bytes on their way: read lines from memory to a CPU, write-backs the other way, pages that move.
 */
#include "kernel/copies.h"
#include "kernel/mm.h"

static inline void
count_traffic(struct kernel *k, int from, int to, uint64_t bytes)
{
    const struct machine *m = k->machine;

    k->traffic[(uint32_t)from * m->nr_nodes + (uint32_t)to] += bytes;
    if (from == to)
        return;
    k->stats.remote_bytes += bytes;
    const struct machine_route *route = machine_route(m, (uint32_t)to, (uint32_t)from);
    for (uint32_t i = 0; i < route->nr_links; i++)
        k->link_bytes[route->links[i]] += bytes;
}

void
mm_traffic(struct kernel *k, int from, int to, uint64_t bytes)
{
    count_traffic(k, from, to, bytes);
}

void
mm_copied(struct kernel *k, int from, int to, uint64_t bytes)
{
    count_traffic(k, from, to, bytes);
    mm_served(k, from, bytes, 0);
    mm_served(k, to, 0, bytes);
    copies_add(k, from, to, bytes);
}
