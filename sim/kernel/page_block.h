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
sum_lanes(uint64_t four)
{
    four += four >> 32;
    return (uint32_t)(four + (four >> 16)) & UINT16_MAX;
}
static inline uint32_t
sum_counts(const uint16_t *counts, uint32_t stride)
{
    uint64_t sum = 0, four;

    for (uint32_t i = 0; i < stride; i += 4) {
        memcpy(&four, &counts[i], sizeof(four));
        sum += four;
    }
    return sum_lanes(sum);
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

/* The block of a page, as a mapping sees it; `sliced`: is the region? */
static inline struct block
block_at_in(const struct mapping *m, uint64_t page, bool sliced)
{
    const struct region *r = m->region;
    const struct block_pages *x = blocks_of(r);
    uint64_t first = 0, end = r->nr_pages, before = 0;
    struct block b;

    if (unlikely(sliced)) {
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

static inline struct block
block_at(const struct mapping *m, uint64_t page)
{
    return block_at_in(m, page, m->region->nr_slices > 1);
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

/* ---- counts by node; a block may have been found by another mapping ---- */

static inline uint64_t
slab_index(const struct block *b)
{
    return b->index >> SLAB_SHIFT;
}
/* Pages of a slab on a node; and those that a mapping has marked. */
static inline uint16_t *
slab_count(const struct region *r, const struct block *b, int node)
{
    const struct block_pages *x = blocks_of(r);

    return &x->slab_count[slab_index(b) * x->nr_nodes + (uint32_t)node];
}
static inline uint16_t *
slab_marked(const struct mapping *m, const struct block *b, int node)
{
    return &block_marks_of(m)
                ->slab_marked[slab_index(b) * blocks_of(m->region)->nr_nodes + (uint32_t)node];
}
static inline uint16_t *
marked_of(const struct mapping *m, const struct block *b)
{
    return &block_marks_of(m)->marked[b->index * blocks_of(m->region)->stride];
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

/* ---- tags of slabs ---- */

static inline struct slab *
slab_of(const struct region *r, const struct block *b)
{
    return &blocks_of(r)->slabs[slab_index(b)];
}
/* Of the marked pages of a mapping, how many have which tag. */
static inline uint16_t *
tagged_of(const struct mapping *m, const struct block *b)
{
    return block_marks_of(m)->tagged[slab_index(b)];
}
static inline uint32_t
tag_key(uint32_t tag, int node)
{
    return tag << 8 | (uint32_t)node;
}
static inline bool
is_on(const struct slab *s, int i, int node)
{
    return s->n[i] > 0 && (int)(s->key[i] & 255) == node;
}
/* Where pages with a tag are counted; -1: nowhere. */
static inline int
find_tag(const struct slab *s, uint32_t tag, int node)
{
    uint32_t key = tag_key(tag, node);

    for (int i = 0; i < SLAB_TAGS && tag != 0; i++)
        if (s->key[i] == key && s->n[i] > 0)
            return i;
    return -1;
}

/* All that a visit looks at and changes. */
static inline struct page_spot
spot_of(const struct mapping *m, uint64_t block)
{
    const struct block_pages *x = blocks_of(m->region);
    const struct block_marks *marks = block_marks_of(m);
    uint64_t at = block * x->stride, slab = block >> SLAB_SHIFT, sums = slab * x->nr_nodes;

    return (struct page_spot){ .count = &x->count[at],
                               .marked = &marks->marked[at],
                               .slab_count = &x->slab_count[sums],
                               .slab_marked = &marks->slab_marked[sums],
                               .tagged = marks->tagged[slab],
                               .slab = &x->slabs[slab] };
}

/* ---- page_block_attend.c: operations ---- */

uint64_t block_stretch_end(const struct mapping *m, uint64_t page);
bool block_marked_unit(const struct mapping *m, struct page_stretch *st, struct page_unit *u);
uint64_t block_absent_run(const struct mapping *m, struct page_stretch *st, uint64_t *first);
void block_settle(struct kernel *k, struct mapping *m, const struct page_unit *u, uint32_t nr,
                  int node, uint32_t tag);

/* ---- page_block_look.c ---- */

uint64_t block_needs(const struct mapping *m, uint64_t first, uint64_t n);
void block_draw(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng,
                uint64_t *pages, uint32_t nr);
const char *block_check(struct kernel *k, const struct region *r);

/* ---- page_block_free.c ---- */

uint64_t block_release(struct kernel *k, struct region *r, uint64_t first, uint64_t n);

/* ---- page_block_tags.c: the access tags of slabs ---- */

/* Pages of a block on a node, and marked ones: more or fewer of them. */
static inline void
add_count(const struct region *r, const struct block *b, int node, int32_t n)
{
    b->count[node] += (uint16_t)n;
    *slab_count(r, b, node) += (uint16_t)n;
}
static inline void
add_marked(const struct mapping *m, const struct block *b, int node, int32_t n)
{
    marked_of(m, b)[node] += (uint16_t)n;
    *slab_marked(m, b, node) += (uint16_t)n;
}
/* Pages of a block that go from one node to another: what is counted of them. */
static inline void
move_counts(struct kernel *k, struct region *r, const struct block *b, uint32_t nr, int from,
            int to)
{
    add_count(r, b, from, -(int32_t)nr);
    add_count(r, b, to, (int32_t)nr);
    count_move(k, r, b->first, nr, from, to);
}

/* x more pages of a node get the mapping's mark, before they are counted. */
void deal_marks(const struct mapping *m, const struct block *b, int node, uint32_t x);
/* All pages of a slab have the mapping's mark now, but for those of nodes that are left out: how
 * many more than before. */
uint32_t mark_slab(const struct mapping *m, uint64_t slab, nodemask left_out);
/* nr more pages of a slab on a node have a tag: in which entry; -1: of tag 0 none is kept. If one
 * has to make room, it is not `keep`. */
int put_tag(struct region *r, uint64_t slab, uint32_t tag, int node, uint32_t nr, int keep);
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
