/*
 * Inside of the block representation: counts for blocks of 2 MiB, none of which lies in two slices.
 */
#pragma once

#include "base/rng.h"
#include "kernel/pages.h"

struct block_pages {
    uint32_t nr_nodes;
    uint64_t nr_blocks, nr_slabs;
    uint16_t *count, *marked; /* [block][node]: pages; those that the first mapping has marked */
    void *slabs;              /* of 32 blocks: their access tags */
    uint16_t *slab_count, *slab_marked; /* [slab][node]: sums of those */
    uint64_t *attention;                /* bit per block, as in the exact representation */
    uint64_t *before;                   /* blocks of the slices before each; NULL: one slice */
    struct rng rng;
};

/* Of a further mapping. */
struct block_marks {
    uint16_t *marked;
    uint64_t *attention;
};
