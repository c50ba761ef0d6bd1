/*
 * The block representation of pages, for regions that are too large to know each page: counts by
 * node of what is there and of what is marked, for blocks of 2 MiB, and the access tags of 32
 * blocks together. It takes 0.07 bytes a page on eight nodes.
 *
 * Counts are exact; which page of a block is which is made up: first those that are in order, by
 * node, then those that are not there, then the marked ones, by node. So the pages that need
 * attention are the last of their block, and a walk that begins at the start of a block finds them
 * as it would in truth. A walk that begins inside finds as many of them as lie behind it, and the
 * rest when it comes again. A page that is drawn among those that need attention is marked, absent
 * or of a node with the chances that it has in truth.
 *
 * The tag of a marked page is drawn from those of the marked pages on its node in its slab, without
 * replacement. A slab remembers eight pairs of tag and node; a ninth takes the place of the one
 * with the fewest pages of its node.
 *
 * Model assumptions beside these: who marks or moves part of a block takes its share of each node.
 * A page that moves loses the marks of other processes, which it has as often as pages of its block
 * on its node do, and more if more of its slab's pages with its tag do. No
 * slab lies in two slices. Regions of huge pages are never kept in blocks: a huge page is one
 * word.
 */
#include "kernel/page_block.h"

static uint64_t
block_index(const struct region *r, uint64_t page)
{
    uint32_t slice = region_slice_of(r, page);

    return blocks_before(r, slice) +
           ((page - (r->nr_slices == 1 ? 0 : region_slice_first(r, slice))) >> CHUNK_SHIFT);
}

/* ---- the operations ---- */

/* Slices have other users, so pages of two do not share the tags of a slab. */
static uint64_t
slab_up(uint64_t blocks)
{
    return div_round_up_u64(blocks, 1 << SLAB_SHIFT) << SLAB_SHIFT;
}

static uint64_t
nr_blocks_of(const struct region *r)
{
    uint64_t n = 0;

    for (uint32_t s = 0; s < r->nr_slices; s++)
        n = slab_up(n) + div_round_up_u64(region_slice_pages(r, s), CHUNK_PAGES);
    return n;
}

static uint32_t
stride_of(const struct kernel *k)
{
    return (k->machine->nr_nodes + 3) & ~3u;
}

static uint64_t
block_bytes(const struct kernel *k, uint64_t nr_pages, bool thp)
{
    uint64_t blocks = div_round_up_u64(nr_pages, CHUNK_PAGES);
    (void)thp;

    return blocks * 2 * stride_of(k) * sizeof(uint16_t) +
           div_round_up_u64(blocks, 1 << SLAB_SHIFT) *
               (sizeof(struct slab) + (SLAB_TAGS + 2 * k->machine->nr_nodes) * sizeof(uint16_t)) +
           blocks / 8;
}

static uint64_t *
attention_new(struct kernel *k, uint64_t nr_blocks)
{
    uint64_t words = div_round_up_u64(nr_blocks, 64);
    uint64_t *bits = arena_new_array(k->arena, uint64_t, words);

    memset(bits, 0xff, words * sizeof(*bits));
    return bits;
}

static void
marks_init(struct kernel *k, const struct block_pages *x, struct block_marks *marks)
{
    marks->marked = arena_new_array(k->arena, uint16_t, x->nr_blocks * x->stride);
    marks->slab_marked = arena_new_array(k->arena, uint16_t, x->nr_slabs * x->nr_nodes);
    marks->tagged = arena_alloc(k->arena, x->nr_slabs * sizeof(*marks->tagged));
    memset(marks->tagged, 0, x->nr_slabs * sizeof(*marks->tagged));
    marks->attention = attention_new(k, x->nr_blocks);
}

static void
block_init(struct kernel *k, struct region *r)
{
    struct block_pages *x = r->pages = arena_new_object(k->arena, struct block_pages);

    x->nr_nodes = k->machine->nr_nodes;
    x->stride = stride_of(k);
    x->nr_blocks = nr_blocks_of(r);
    x->nr_slabs = div_round_up_u64(x->nr_blocks, 1 << SLAB_SHIFT);
    x->count = arena_new_array(k->arena, uint16_t, x->nr_blocks * x->stride);
    x->slabs = arena_new_array(k->arena, struct slab, x->nr_slabs);
    x->slab_count = arena_new_array(k->arena, uint16_t, x->nr_slabs * x->nr_nodes);
    marks_init(k, x, &x->marks);
    rng_init(&x->rng, k->seed, "blocks", r->id);
    if (r->nr_slices == 1)
        return;
    x->before = arena_new_array(k->arena, uint64_t, r->nr_slices);
    for (uint32_t s = 1; s < r->nr_slices; s++)
        x->before[s] =
            slab_up(x->before[s - 1] + div_round_up_u64(region_slice_pages(r, s - 1), CHUNK_PAGES));
}

static void
block_map(struct kernel *k, struct mapping *m)
{
    const struct block_pages *x = blocks_of(m->region);

    marks_init(k, x, m->own->pages = arena_new_object(k->arena, struct block_marks));
}

static void
block_claim(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int node, bool huge)
{
    (void)k, (void)huge;
    count_claim(r, first, n, node);
    for (uint64_t page = first, stop; page < first + n; page = stop) {
        struct block b = block_at(r->maps, page);

        stop = SIM_MIN(first + n, block_end(&b));
        add_count(r, &b, node, (int32_t)(stop - page));
    }
}

static bool
block_can_be_huge(const struct vma *v, uint64_t page)
{
    (void)v, (void)page;
    return false;
}

/* Of n pages that lie evenly; the parts of a block add up. */
static uint32_t
part_of(uint32_t n, const struct block *b, uint64_t page, uint64_t stop)
{
    return (uint32_t)(n * (stop - b->first) / b->span - n * (page - b->first) / b->span);
}

static uint64_t
block_next(const struct mapping *m, uint64_t from, uint64_t to)
{
    uint64_t *attention = block_attention(m);

    while (from < to) {
        struct block b = block_at(m, from);
        uint64_t found = SIM_MAX(from, first_needing(m, &b)), *word = &attention[b.index / 64];

        if (found < block_end(&b))
            return SIM_MIN(found, to);
        if (first_needing(m, &b) == block_end(&b))
            *word &= ~((uint64_t)1 << (b.index % 64));
        from = block_end(&b);
        /* blocks that are known to be in order, as far as they are whole */
        for (uint64_t i = b.index + 1;
             b.span == CHUNK_PAGES && i % 64 == 0 && attention[i / 64] == 0 &&
             region_slice_end(m->region, from - 1, to) >= from + 64 * CHUNK_PAGES;
             i += 64)
            from += 64 * CHUNK_PAGES;
    }
    return to;
}

static bool
block_look(const struct mapping *m, uint64_t page, int *node)
{
    struct block b = block_at(m, page);
    bool marked = page >= first_marked(m, &b);
    uint64_t nth = marked ? page - first_marked(m, &b) : page - b.first;

    *node = -1;
    if (!marked && page >= first_needing(m, &b))
        return true;
    for (uint32_t n = 0; n < blocks_of(m->region)->nr_nodes; n++) {
        uint64_t here = marked ? b.marked[n] : (uint64_t)b.count[n] - b.marked[n];

        *node = (int)n;
        if (nth < here)
            return marked;
        nth -= here;
    }
    return marked;
}

static uint64_t
block_move(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int from, int to,
           uint64_t most)
{
    uint64_t moved = 0;
    int only = from;

    if (n == 1)
        block_look(r->maps, first, &only);
    if (n == 1 && (only < 0 || (from >= 0 && only != from)))
        return 0;
    for (uint64_t page = first, stop; page < first + n; page = stop) {
        struct block b = block_at(r->maps, page);

        stop = SIM_MIN(first + n, block_end(&b));
        for (uint32_t i = 0; i < blocks_of(r)->nr_nodes && moved < most; i++) {
            uint64_t some = n == 1 ? 1 : part_of(b.count[i], &b, page, stop);

            if ((int)i == to || (only >= 0 && (int)i != only) || b.count[i] == 0)
                continue;
            some = SIM_MIN(some, most - moved);
            if (some > 0) {
                retag_some(r, &b,
                           &(struct retagged){ .from = (int)i, .to = to, .nr = (uint32_t)some },
                           KEEP_TAG);
                move_counts(k, r, &b, (uint32_t)some, (int)i, to);
            }
            moved += some;
        }
    }
    return moved;
}

static bool
block_split_huge(struct kernel *k, struct region *r, uint64_t page)
{
    (void)k, (void)r, (void)page;
    return false;
}

static uint64_t
block_lot(const struct region *r, uint64_t page, int node)
{
    return block_index(r, page) * NODE_MAX + (uint64_t)node;
}

static uint32_t
block_lot_size(const struct region *r, uint64_t page, int node, uint32_t tag)
{
    struct block b = block_at(r->maps, page);

    return tag_share(r, &b, node, tag);
}

static uint32_t
block_lot_tags(const struct region *r, uint64_t page, int node, uint32_t tags[LOT_TAGS])
{
    struct block b = block_at(r->maps, page);

    return tags_on(r, &b, node, tags);
}

static void
block_clear(struct kernel *k, struct region *r)
{
    struct block_pages *x = blocks_of(r);
    size_t counts = x->nr_blocks * x->stride * sizeof(*x->count);
    (void)k;

    memset(x->count, 0, counts);
    memset(x->slabs, 0, x->nr_slabs * sizeof(*x->slabs));
    memset(x->slab_count, 0, x->nr_slabs * x->nr_nodes * sizeof(*x->slab_count));
    for (struct mapping *m = r->maps; m != NULL; m = m->next) {
        struct block_marks *marks = block_marks_of(m);

        memset(marks->marked, 0, counts);
        memset(marks->slab_marked, 0, x->nr_slabs * x->nr_nodes * sizeof(*marks->slab_marked));
        memset(marks->tagged, 0, x->nr_slabs * sizeof(*marks->tagged));
        memset(marks->attention, 0xff, div_round_up_u64(x->nr_blocks, 64) * sizeof(uint64_t));
    }
}

static uint64_t
block_nr_huge(const struct region *r, uint64_t first, uint64_t n)
{
    (void)r, (void)first, (void)n;
    return 0;
}

static void
block_count(const struct region *r, uint64_t first, uint64_t n, uint64_t *count)
{
    for (uint64_t page = first, stop; page < first + n; page = stop) {
        struct block b = block_at(r->maps, page);

        stop = SIM_MIN(first + n, block_end(&b));
        for (uint32_t i = 0; i < blocks_of(r)->nr_nodes; i++)
            count[i] += part_of(b.count[i], &b, page, stop);
    }
}

static void
block_retag(struct region *r, uint64_t page, uint32_t tag)
{
    struct block b = block_at(r->maps, page);

    int node;

    block_look(r->maps, page, &node);
    if (node >= 0)
        retag_some(r, &b, &(struct retagged){ .from = node, .to = node, .nr = 1 }, tag);
}

const struct page_ops page_block = {
    .name = "block",
    .init = block_init,
    .bytes = block_bytes,
    .map = block_map,
    .claim = block_claim,
    .can_be_huge = block_can_be_huge,
    .mark = block_mark,
    .next = block_next,
    .needs = block_needs,
    .draw = block_draw,
    .look = block_look,
    .stretch_end = block_stretch_end,
    .marked_unit = block_marked_unit,
    .absent_run = block_absent_run,
    .settle = block_settle,
    .move = block_move,
    .split_huge = block_split_huge,
    .lot = block_lot,
    .lot_size = block_lot_size,
    .lot_tags = block_lot_tags,
    .release = block_release,
    .clear = block_clear,
    .nr_huge = block_nr_huge,
    .count = block_count,
    .retag = block_retag,
    .check = block_check,
};
