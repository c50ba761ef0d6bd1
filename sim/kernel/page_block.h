/*
 * Inside of the block representation: counts for blocks of 2 MiB, none of which lies in two slices.
 */
#pragma once

#include "base/rng.h"
#include "kernel/pages.h"

enum { SLAB_TAGS = LOT_TAGS, SLAB_SHIFT = 5 };

/* What is known of 32 blocks together. */
struct slab {
    uint32_t key[SLAB_TAGS]; /* a tag and a node */
    uint16_t n[SLAB_TAGS];   /* pages with both; all others have no tag */
};

/* Of a mapping. */
struct block_marks {
    uint16_t *marked;              /* [block][node] */
    uint16_t *slab_marked;         /* [slab][node]: sums of those */
    uint16_t (*tagged)[SLAB_TAGS]; /* [slab]: marked pages with the slab's tags */
    uint64_t *attention;           /* bit per block, as in the exact representation */
};

struct block_pages {
    uint32_t nr_nodes, stride; /* counts of a block: four are added at once */
    uint64_t nr_blocks, nr_slabs;
    uint16_t *count; /* [block][node]: pages */
    struct slab *slabs;
    uint16_t *slab_count;     /* [slab][node]: sums of those */
    struct block_marks marks; /* of the first mapping */
    uint64_t *before;         /* blocks of the slices before each; NULL: one slice */
    struct rng rng;
};

/* Counts of the pages of one block, and of those marked by one mapping, by node. */
struct block {
    uint64_t index, first, span;
    uint16_t *count, *marked;
};

static inline struct block_pages *
blocks_of(const struct region *r)
{
    return r->pages;
}

/* The sum of a block's counts: below 2^16, so no lane runs over. */
static inline uint32_t
sum_counts(const uint16_t *counts, uint32_t stride)
{
    uint64_t sum = 0, four;

    for (uint32_t i = 0; i < stride; i += 4) {
        memcpy(&four, &counts[i], sizeof(four));
        sum += four;
    }
    return (uint32_t)(sum * 0x0001000100010001u >> 48);
}

/* page_block_mark.c: the operation `mark` (pages.h). */
uint64_t block_mark(struct mapping *m, uint64_t first, uint64_t end, const struct mark_how *how,
                    uint64_t *huge);

static inline struct block_marks *
block_marks_of(const struct mapping *m)
{
    return m->own != NULL ? m->own->pages : &blocks_of(m->region)->marks;
}
static inline uint64_t *
block_attention(const struct mapping *m)
{
    return block_marks_of(m)->attention;
}

/* Blocks of the slices before this one, and what fills their last slabs. */
static inline uint64_t
blocks_before(const struct region *r, uint32_t slice)
{
    return r->nr_slices == 1 ? 0 : blocks_of(r)->before[slice];
}

/* The block of a page, as a mapping sees it. */
static inline struct block
block_at(const struct mapping *m, uint64_t page)
{
    const struct region *r = m->region;
    const struct block_pages *x = blocks_of(r);
    uint64_t first = 0, end = r->nr_pages, before = 0;
    struct block b;

    if (unlikely(r->nr_slices > 1)) {
        uint32_t slice = region_slice_of(r, page);

        first = region_slice_first(r, slice);
        end = first + region_slice_pages(r, slice);
        before = blocks_before(r, slice);
    }
    uint64_t nth = (page - first) >> CHUNK_SHIFT;
    b.index = before + nth;
    b.first = first + (nth << CHUNK_SHIFT);
    b.span = SIM_MIN((uint64_t)CHUNK_PAGES, end - b.first);
    b.count = &x->count[b.index * x->stride];
    b.marked = &block_marks_of(m)->marked[b.index * x->stride];
    return b;
}

static inline uint32_t
block_populated(const struct mapping *m, const struct block *b)
{
    return sum_counts(b->count, blocks_of(m->region)->stride);
}
static inline uint32_t
block_marked(const struct mapping *m, const struct block *b)
{
    return sum_counts(b->marked, blocks_of(m->region)->stride);
}

static inline uint64_t
block_end(const struct block *b)
{
    return b->first + b->span;
}

/* The first page that needs attention; those behind it do, too. */
static inline uint64_t
first_needing(const struct mapping *m, const struct block *b)
{
    return b->first + block_populated(m, b) - block_marked(m, b);
}
static inline uint64_t
first_marked(const struct mapping *m, const struct block *b)
{
    return block_end(b) - block_marked(m, b);
}

/* ---- page_block_look.c ---- */

uint64_t block_needs(const struct mapping *m, uint64_t first, uint64_t n);
void block_draw(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng,
                uint64_t *pages, uint32_t nr);
const char *block_check(struct kernel *k, const struct region *r);

/* ---- page_block_free.c ---- */

uint64_t block_release(struct kernel *k, struct region *r, uint64_t first, uint64_t n);

/* ---- page_block_tags.c: the access tags of slabs ---- */

/* Pages of a block on a node, and marked ones: more or fewer of them. */
void add_count(const struct region *r, const struct block *b, int node, int32_t n);
void add_marked(const struct mapping *m, const struct block *b, int node, int32_t n);
/* x more pages of a node get the mapping's mark, before they are counted. */
void deal_marks(const struct mapping *m, const struct block *b, int node, uint32_t x);
/* All pages of a slab have the mapping's mark now, but for those of nodes that are left out. */
void mark_slab(const struct mapping *m, uint64_t slab, nodemask left_out);
/* How many of the next `most` marked pages of a unit's node have the tag whose turn it is, and
 * which that is, go to the unit. *dealt: where it goes on. */
void run_of_tags(const struct mapping *m, const struct block *b, uint32_t most, int *dealt,
                 struct page_unit *u);
/* The first nr pages of a unit, which the mapping has marked, get a tag and may go to a node. */
void retag_unit(const struct mapping *m, const struct block *b, const struct page_unit *u,
                uint32_t nr, int node, uint32_t tag);
/* Of the pages of a block on a node, how many have a tag, if they are as those of their slab; and
 * the tags that there are. */
uint32_t tag_share(const struct region *r, const struct block *b, int node, uint32_t tag);
uint32_t tags_on(const struct region *r, const struct block *b, int node, uint32_t tags[SLAB_TAGS]);

/* Pages of a block, of which `m` has marked all or none; m NULL: of that nothing is known. */
struct retagged {
    int from, to; /* nodes */
    uint32_t nr;
    const struct mapping *m;
    bool marked;
};
/* Pages with a tag get another, and may go to another node, where nobody's mark is left; before
 * they are counted there. */
void retag_pages(struct region *r, const struct block *b, const struct retagged *what, uint32_t old,
                 uint32_t tag);
/* The same for any pages of the node, whatever their tags; KEEP_TAG: they keep theirs. */
enum { KEEP_TAG = UINT32_MAX };
void retag_some(struct region *r, const struct block *b, const struct retagged *what, uint32_t tag);
