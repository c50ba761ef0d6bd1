/*
 * Inside of the block representation: counts for blocks of 2 MiB, none of which lies in two slices.
 */
#pragma once

#include "base/rng.h"
#include "kernel/pages.h"

enum { SLAB_TAGS = 8, SLAB_SHIFT = 5 };

struct slab {
    uint32_t key[SLAB_TAGS];             /* a tag and a node */
    uint16_t n[SLAB_TAGS], m[SLAB_TAGS]; /* pages with both, marked ones; all others have no tag */
};

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

/* Counts of the pages of one block, and of those marked by one mapping, by node. */
struct block {
    uint64_t index, first, span;
    uint16_t *count, *marked;
    uint32_t populated, nr_marked;
};

static inline struct block_pages *
blocks_of(const struct region *r)
{
    return r->pages;
}

/* The block of a page, as a mapping sees it. */
struct block block_at(const struct mapping *m, uint64_t page);

static inline uint64_t *
block_attention(const struct mapping *m)
{
    return m->own != NULL ? ((struct block_marks *)m->own->pages)->attention
                          : blocks_of(m->region)->attention;
}

static inline uint64_t
block_end(const struct block *b)
{
    return b->first + b->span;
}

/* The first page that needs attention; those behind it do, too. */
static inline uint64_t
first_needing(const struct block *b)
{
    return b->first + b->populated - b->nr_marked;
}
static inline uint64_t
first_marked(const struct block *b)
{
    return block_end(b) - b->nr_marked;
}

/* ---- page_block_look.c ---- */

void block_draw(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng,
                uint64_t *pages, uint32_t nr);
const char *block_check(struct kernel *k, const struct region *r);

/* ---- page_block_tags.c: the access tags of slabs ---- */

/* Pages of a block on a node, and marked ones: more or fewer of them. */
void add_count(const struct region *r, const struct block *b, int node, int32_t n);
void add_marked(const struct mapping *m, const struct block *b, int node, int32_t n);
/* x more pages of a node get the first mapping's mark, or lose it, before they are counted. */
void deal_marks(struct region *r, const struct block *b, int node, uint32_t x);
void take_marks(struct region *r, const struct block *b, int node, uint32_t x);
/* How many of up to `most` marked pages of a node have the same tag one after the other, and which.
 */
uint32_t run_of_tags(const struct mapping *m, const struct block *b, int node, uint32_t most,
                     uint32_t *tag);
/* nr pages have another tag, and are on another node; the first mapping had marked `marked`. */
void slab_take(struct slab *s, uint32_t tag, int node, uint32_t nr, uint32_t marked);
void slab_put(struct slab *s, uint32_t tag, int node, uint32_t nr);
struct slab *slab_of(const struct region *r, const struct block *b);
/* nr unmarked pages of a node, any of the slab's, get another tag (KEEP_TAG: keep theirs) and are
 * on node `to`; before they are counted there. */
enum { KEEP_TAG = UINT32_MAX };
void retag_some(struct region *r, const struct block *b, int node, uint32_t nr, uint32_t tag,
                int to);
