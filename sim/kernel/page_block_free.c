/*
 * Pages that go, in the block representation: of one page the node is what page_block.c makes up
 * for its number, of more each node gives its share. They lose marks as often as other pages of
 * their block and tag do.
 */
#include "kernel/page_block.h"

enum { NOWHERE = -1 };

static void
free_some(struct kernel *k, struct region *r, const struct block *b, int node, uint32_t nr)
{
    retag_some(r, b, &(struct retagged){ .from = node, .to = NOWHERE, .nr = nr }, 0);
    add_count(r, b, node, -(int32_t)nr);
    for (const struct mapping *m = r->maps; m != NULL; m = m->next)
        block_marks_of(m)->attention[b->index / 64] |= (uint64_t)1 << (b->index % 64);
    count_release(k, r, b->first, nr, node);
}

static uint32_t
share(uint32_t count, const struct block *b, uint64_t page, uint64_t stop)
{
    return (uint32_t)(count * (stop - b->first) / b->span - count * (page - b->first) / b->span);
}

uint64_t
block_release(struct kernel *k, struct region *r, uint64_t first, uint64_t n)
{
    uint64_t released = 0;
    int only = NOWHERE;

    if (n == 1) {
        r->ops->look(r->maps, first, &only);
        if (only < 0)
            return 0;
    }
    for (uint64_t page = first, stop; page < first + n; page = stop) {
        struct block b = block_at(r->maps, page);

        stop = SIM_MIN(first + n, block_end(&b));
        for (int node = 0; node < (int)blocks_of(r)->nr_nodes; node++) {
            uint32_t nr = n == 1 ? node == only : share(b.count[node], &b, page, stop);

            if (nr == 0)
                continue;
            free_some(k, r, &b, node, nr);
            released += nr;
        }
    }
    return released;
}
