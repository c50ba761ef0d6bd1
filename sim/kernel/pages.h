/*
 * The pages of a region, whatever represents them.
 *
 * Pages are numbered by 4 KiB, huge or not, and so are all counts. Pages are kept in chunks of
 * 2 MiB; a huge page (THP) is a chunk. Nothing outside page_*.c knows how a page is stored: the
 * files of memory and of NUMA balancing claim, mark, find and settle pages through these calls,
 * which keep the counts of slices and of the whole, the marks of each mapping and the free pages of
 * nodes right.
 *
 * A stretch of pages that is attended to is asked first for its marked pages, as units of equal
 * ones, and then for those that are not there yet.
 */
#pragma once

#include "kernel/vma.h"

enum {
    CHUNK_PAGES = PAGE_2M / PAGE_4K,
    CHUNK_SHIFT = 9,
    NODE_MIXED = 0xff,
    DRAWS_MOST = 32,
    LOT_TAGS = 8
};

/* How a scan marks. */
struct mark_how {
    int32_t skip_node;      /* 4 KiB pages of this node stay as they are; -1: none */
    int32_t skip_huge_node; /* and huge ones of this */
    nodemask skip;          /* all pages of these nodes: the top tier */
    nodemask timed;         /* pages of these get `time` as their tag */
    uint32_t time;
};

/* For page_block: where the pages of a block, of its slab and those that a mapping has marked are
 * counted, by node; and tags. */
struct slab;
struct page_spot {
    uint16_t *count, *marked, *slab_count, *slab_marked;
    uint16_t *tagged;
    struct slab *slab;
};

/* Equal pages side by side: `nr` of `np` 4 KiB pages each. */
struct page_unit {
    uint64_t first;
    uint32_t nr, np;
    int32_t node;
    uint32_t tag;
    int32_t entry; /* for page_block: where pages with this tag are counted; -1: nowhere; */
    struct page_spot spot;
};

/* What is left of a stretch. */
struct page_stretch {
    uint64_t at, end;
    uint64_t run; /* for page_block: where the pages of this node end, */
    int dealt;    /* and how many of their tags have had their turn */
};

struct page_ops {
    const char *name;
    void (*init)(struct kernel *k, struct region *r);
    /* Bytes that it takes to represent a region. */
    uint64_t (*bytes)(const struct kernel *k, uint64_t nr_pages, bool thp);
    /* State of marks for a further mapping. */
    void (*map)(struct kernel *k, struct mapping *m);
    /* Unpopulated pages now live on a node; huge: the whole chunk does, as one page. The node has
     * given them already. */
    void (*claim)(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int node,
                  bool huge);
    /* May the chunk of this page become a huge page: is nothing there yet, and all inside v? */
    bool (*can_be_huge)(const struct vma *v, uint64_t page);
    /* Marks in [first, end). How many 4 KiB pages; *huge: huge ones among them. */
    uint64_t (*mark)(struct mapping *m, uint64_t first, uint64_t end, const struct mark_how *how,
                     uint64_t *huge);
    /* The first page in [from, to) that needs attention of who uses the mapping, or `to`. */
    uint64_t (*next)(const struct mapping *m, uint64_t from, uint64_t to);
    /* How many of the pages in [first, first + n) do. */
    uint64_t (*needs)(const struct mapping *m, uint64_t first, uint64_t n);
    /* nr times one of the pages in [first, first + n) that do, each with the same chance; there is
     * one. The same may come twice. At most DRAWS_MOST. */
    void (*draw)(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng,
                 uint64_t *pages, uint32_t nr);
    /* Does a page need attention? And its node; -1: it is not there. */
    bool (*look)(const struct mapping *m, uint64_t page, int *node);
    /* Where the stretch ends that is attended to together when a page is come to. */
    uint64_t (*stretch_end)(const struct mapping *m, uint64_t page);
    /* The next unit of marked pages in the stretch; false: none is left. */
    bool (*marked_unit)(const struct mapping *m, struct page_stretch *st, struct page_unit *u);
    /* The next run of unpopulated pages, and how many; 0: none is left. */
    uint64_t (*absent_run)(const struct mapping *m, struct page_stretch *st, uint64_t *first);
    /* The first nr pages of the unit lose their mark, and are on `node` with `tag`. */
    void (*settle)(struct kernel *k, struct mapping *m, const struct page_unit *u, uint32_t nr,
                   int node, uint32_t tag);
    /* Pages of [first, first + n) that are on node `from` (-1: on any) go to node `to`, at most
     * `most`; huge ones whole. How many went. */
    uint64_t (*move)(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int from,
                     int to, uint64_t most);
    /* The huge page becomes 512 small ones; false: there is none. */
    bool (*split_huge)(struct kernel *k, struct region *r, uint64_t page);
    /* Pages that cannot be told apart but by their tag: a number below 2^39 for those on a node in
     * the block of this page; see page_lot(). NULL: each page is known. */
    uint64_t (*lot)(const struct region *r, uint64_t page, int node);
    /* How many of them have the tag, about; and which tags they may have besides 0. */
    uint32_t (*lot_size)(const struct region *r, uint64_t page, int node, uint32_t tag);
    uint32_t (*lot_tags)(const struct region *r, uint64_t page, int node, uint32_t tags[LOT_TAGS]);
    /* Pages of [first, first + n) are no longer there, and their nodes have them back: how many. A
     * huge one lies inside. Users are told by region_changed(),
     * region_all_closer(). */
    uint64_t (*release)(struct kernel *k, struct region *r, uint64_t first, uint64_t n);
    /* The pages of this page's chunk become a huge one on `node`, which has 512 free pages. NULL:
     * of a representation without huge pages. */
    void (*collapse)(struct kernel *k, struct region *r, uint64_t page, int node);
    void (*clear)(struct kernel *k, struct region *r);
    /* How many huge pages are in [first, first + n). */
    uint64_t (*nr_huge)(const struct region *r, uint64_t first, uint64_t n);
    /* Adds the pages of [first, first + n) to count[node]. */
    void (*count)(const struct region *r, uint64_t first, uint64_t n, uint64_t *count);
    /* The access tag of a page. */
    void (*retag)(struct region *r, uint64_t page, uint32_t tag);
    const char *(*check)(struct kernel *k, const struct region *r);
};

extern const struct page_ops page_exact, page_block;

/* The node of a page, -1: it is not there. *np: of how many 4 KiB pages it is, which may begin
 * before this one. */
static inline int
region_page_at(const struct region *r, uint64_t page, uint32_t *np)
{
    int node;

    r->ops->look(r->maps, page, &node);
    *np = r->thp && r->ops->nr_huge(r, page, 1) ? CHUNK_PAGES : 1;
    return node;
}
/* The first page behind it. */
static inline uint64_t
page_after(uint64_t page, uint32_t np)
{
    return (page | (np - 1)) + 1;
}

/* `lot` of page_ops: blocks of regions that are not sliced are their chunks. */
static inline uint64_t
page_lot(const struct region *r, uint64_t page, int node)
{
    return likely(r->nr_slices == 1) ? (page >> CHUNK_SHIFT) * NODE_MAX + (uint64_t)node
                                     : r->ops->lot(r, page, node);
}

/* The chunk of mm.touch_chunk that holds a page ends here. */
static inline uint64_t
chunk_end(const struct region *r, uint64_t page)
{
    return ((page >> r->chunk_shift) + 1) << r->chunk_shift;
}

/* The first page in [from, to) that is unpopulated or that the mapping has marked, or `to`. */
static inline uint64_t
region_next_attention(const struct mapping *m, uint64_t from, uint64_t to)
{
    return m->region->ops->next(m, from, to);
}
static inline bool
mapping_needs_attention(const struct mapping *m, uint64_t page)
{
    int node;

    return m->region->ops->look(m, page, &node);
}

/* ---- page_exact: one word a page, for tests ---- */

/* Node and tag of a page; the mark of the first mapping. PAGE_NOWHERE: unpopulated. */
uint32_t page_word(const struct region *r, uint64_t page);

/* ---- page_count.c: counts of slices and of the whole, for page_*.c ---- */

void count_claim(struct region *r, uint64_t first, uint64_t n, int node);
void count_release(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int node);
/* Those of slices. */
void count_move_slices(struct region *r, uint64_t first, uint64_t n, int from, int to);
void count_marks_slices(struct mapping *m, uint64_t first, uint64_t span, int64_t n);

static inline void
group_move(struct region_group *g, uint64_t n, int from, int to)
{
    uint64_t *count = g->count;

    count[from] -= n;
    count[to] += n;
}
/* `sliced`: has the region slices? */
static inline void
count_move_in(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int from, int to,
              bool sliced)
{
    struct mm_node *nodes = k->mm->nodes;

    nodes[from].free_pages += n;
    nodes[to].free_pages -= n;
    group_move(sliced ? region_whole(r) : r->groups, n, from, to);
    if (sliced)
        count_move_slices(r, first, n, from, to);
}
static inline void
count_move(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int from, int to)
{
    count_move_in(k, r, first, n, from, to, r->nr_groups > 1);
}
/* Either the span lies in one slice, or each page of it gets or loses a mark. n may be negative. */
static inline void
count_marks_in(struct mapping *m, uint64_t first, uint64_t span, int64_t n, bool sliced)
{
    *mapping_marked(m, sliced ? m->region->nr_groups - 1 : 0) += (uint64_t)n;
    if (sliced)
        count_marks_slices(m, first, span, n);
}
static inline void
count_marks(struct mapping *m, uint64_t first, uint64_t span, int64_t n)
{
    count_marks_in(m, first, span, n, m->region->nr_groups > 1);
}

/* The next slice after that of `page` begins here, or `end`. */
uint64_t region_slice_end(const struct region *r, uint64_t page, uint64_t end);

/* What the pages of a slice add up to, found by looking at each. */
struct page_tally {
    uint64_t count[NODE_MAX], unpopulated;
};
bool tally_agrees(const struct page_tally *t, const struct region_group *g, uint32_t nr_nodes);
