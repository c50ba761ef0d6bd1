/*
 * Views: the pages of a slice by popularity.
 *
 * Pages are ranked: page i of the slice is the i-th most popular one, or ranks are scattered over
 * the slice by a multiplication modulo a power of two (and again, while the result lies outside).
 * Ranks form classes whose pages have the same weight: of Zipf's law four an octave, each with the
 * weight of its middle; of a hot part two. So the weight of what needs attention, which is the
 * chance of a hit, and the weight on each node are sums over a hundred classes at most.
 *
 * A view counts its pages when it finds that somebody else has changed them, which is a look at
 * each page, and keeps the counts up to date while only its own users do.
 */
#include "kernel/mm_view.h"

#include "base/exp.h"
#include "kernel/page_set.h"

enum { CLASSES_MAX = 128, STEPS_PER_OCTAVE = 4, WEIGHT_BITS = 62 };
/* Pages of a class that need attention are listed if they are fewer than one in so many. */
enum { SPARSE = 16 };

struct view_class {
    uint64_t first, n; /* ranks */
    uint64_t weight;   /* of a page */
    uint64_t needs;    /* pages that need attention */
    bool listed;       /* lists[first_listed ...] has all of them, and some that did */
    uint32_t first_listed, nr_listed;
};

struct access_view {
    struct arena *arena;
    const struct mapping *map;
    const struct region_group *group;
    const uint64_t *marked; /* by the mapping, of the group */
    uint32_t nr_nodes;
    enum access_pattern pattern;
    struct access_shape shape;
    uint64_t first, nr_pages, mask, factor; /* rank to page */
    uint64_t version, counted;              /* of the group and its needs when this was counted */
    uint64_t released;                      /* and how many pages had gone from it */
    bool counted_anew;                      /* since a page was drawn: reclaim tells all users */
    uint64_t all, open, populated;          /* weights */
    uint64_t on_node[NODE_MAX];             /* weights */
    uint64_t page;                          /* the one that was drawn last, */
    struct view_class *drawn;               /* its class, */
    int drawn_node;                         /* and its node then */
    uint64_t visits;                        /* for reclaim */
    uint8_t *class_of;                      /* by page; NULL: not made yet */
    uint32_t *lists;                        /* pages of the slice, by class; NULL: not made yet */
    uint64_t *chunk_weight;                 /* by 2 MiB; NULL: not made yet */
    uint32_t nr_classes;
    struct view_class classes[CLASSES_MAX];
    struct access_view *next;
};

/* ---- weights ---- */

static void
add_class(struct access_view *v, uint64_t first, uint64_t end, uint64_t weight)
{
    end = SIM_MIN(end, v->nr_pages);
    if (first >= end)
        return;
    sim_assert(v->nr_classes < CLASSES_MAX);
    v->classes[v->nr_classes++] =
        (struct view_class){ .first = first, .n = end - first, .weight = SIM_MAX(weight, 1u) };
    v->all += (end - first) * SIM_MAX(weight, 1u);
}

/* 1 / i^skew, i the middle of the ranks [first, end) counted from 1. */
static uint64_t
zipf_weight(const struct access_view *v, uint64_t one, uint64_t first, uint64_t end)
{
    uint64_t twice = first + end + 1; /* twice the middle */
    uint64_t ln = ln_q32(twice << 31);

    return mul_exp_q32(one, -(int64_t)mul_div_u64(ln, v->shape.skew_ppm, 1000000));
}

static void
make_zipf(struct access_view *v)
{
    uint64_t one = (uint64_t)1 << (WEIGHT_BITS - 64 + __builtin_clzll(v->nr_pages));

    for (uint64_t octave = 1; octave <= v->nr_pages; octave *= 2)
        for (uint64_t step = 0; step < STEPS_PER_OCTAVE; step++) {
            uint64_t first = octave + octave * step / STEPS_PER_OCTAVE - 1;
            uint64_t end = octave + octave * (step + 1) / STEPS_PER_OCTAVE - 1;

            end = SIM_MIN(end, v->nr_pages);
            if (first < end)
                add_class(v, first, end, zipf_weight(v, one, first, end));
        }
}

static void
make_hot(struct access_view *v)
{
    uint64_t hot = SIM_MAX(mul_div_u64(v->nr_pages, v->shape.hot_ppm, 1000000), 1u);
    uint64_t share = mul_div_u64((uint64_t)1 << (WEIGHT_BITS - 2), v->shape.skew_ppm, 1000000);
    uint64_t rest = ((uint64_t)1 << (WEIGHT_BITS - 2)) - share;

    add_class(v, 0, hot, share / hot);
    add_class(v, hot, v->nr_pages, rest / SIM_MAX(v->nr_pages - SIM_MIN(hot, v->nr_pages), 1u));
}

static uint64_t
page_of_rank(const struct access_view *v, uint64_t rank)
{
    if (!v->shape.scattered)
        return v->first + rank;
    do
        rank = rank * v->factor & v->mask;
    while (rank >= v->nr_pages);
    return v->first + rank;
}

static struct access_view *
view_new(struct kernel *k, const struct mem_use *u)
{
    struct access_view *v = arena_new_object(k->arena, struct access_view);
    uint32_t bits = u->nr_pages > 1 ? 64 - (uint32_t)__builtin_clzll(u->nr_pages - 1) : 1;

    v->arena = k->arena;
    v->map = u->map;
    v->group = u->group;
    v->marked = u->marked;
    v->nr_nodes = k->machine->nr_nodes;
    v->pattern = u->pattern;
    v->shape = u->shape;
    v->first = u->first;
    v->nr_pages = u->nr_pages;
    v->mask = ((uint64_t)1 << bits) - 1;
    v->factor = (0x9e3779b97f4a7c15u >> (64 - bits)) | 1;
    if (v->nr_pages > 0 && v->pattern == ACCESS_ZIPF)
        make_zipf(v);
    else if (v->nr_pages > 0)
        make_hot(v);
    v->next = k->mm->views;
    k->mm->views = v;
    return v;
}

struct access_view *
view_get(struct kernel *k, const struct mem_use *u)
{
    for (struct access_view *v = k->mm->views; v != NULL; v = v->next)
        if (v->map == u->map && v->group == u->group && v->pattern == u->pattern &&
            memcmp(&v->shape, &u->shape, sizeof(v->shape)) == 0)
            return v;
    return view_new(k, u);
}

/* ---- counts ---- */

static uint64_t
view_needs(const struct access_view *v)
{
    return v->group->unpopulated + *v->marked;
}

static void
add_nodes(struct access_view *v, const struct view_class *c, const uint64_t *count)
{
    for (uint32_t n = 0; n < v->nr_nodes; n++) {
        v->on_node[n] += count[n] * c->weight;
        v->populated += count[n] * c->weight;
    }
}

/* Pages side by side are counted as such. */
static void
count_class(struct access_view *v, struct view_class *c)
{
    uint64_t count[NODE_MAX] = { 0 };

    c->needs = 0;
    c->listed = false;
    if (!v->shape.scattered) {
        const struct page_ops *ops = v->map->region->ops;

        ops->count(v->map->region, v->first + c->first, c->n, count);
        c->needs = ops->needs(v->map, v->first + c->first, c->n);
    }
    for (uint64_t rank = c->first; v->shape.scattered && rank < c->first + c->n; rank++) {
        int node;

        c->needs += page_set_look(v->map, page_of_rank(v, rank), &node);
        if (node >= 0)
            count[node]++;
    }
    add_nodes(v, c, count);
    v->open += c->needs * c->weight;
}

static void
view_count(struct access_view *v)
{
    uint64_t needs = view_needs(v);

    if (v->version == v->group->version && v->counted == needs && v->released == v->group->released)
        return;
    v->open = v->populated = 0;
    memset(v->on_node, 0, v->nr_nodes * sizeof(*v->on_node));
    for (uint32_t i = 0; i < v->nr_classes; i++)
        count_class(v, &v->classes[i]);
    v->version = v->group->version;
    v->counted = needs;
    v->released = v->group->released;
    v->counted_anew = true;
}

uint64_t
view_all(const struct access_view *v)
{
    return v->all;
}

uint64_t
view_open(struct access_view *v)
{
    view_count(v);
    return v->open;
}

uint64_t
view_mean_hit(struct access_view *v)
{
    __extension__ typedef unsigned __int128 u128;
    u128 squares = 0;

    view_count(v);
    for (uint32_t i = 0; i < v->nr_classes; i++)
        squares += (u128)v->classes[i].needs * v->classes[i].weight * v->classes[i].weight >> 32;
    return v->open == 0 ? 0 : SIM_MAX((uint64_t)((squares << 32) / v->open), 1u);
}

const uint64_t *
view_nodes(struct access_view *v)
{
    view_count(v);
    return v->on_node;
}

uint64_t
view_populated(struct access_view *v)
{
    view_count(v);
    return v->populated;
}

/* ---- hits ---- */

static void
name_classes(struct access_view *v)
{
    v->class_of = arena_new_array(v->arena, uint8_t, v->nr_pages);
    for (uint32_t i = 0; i < v->nr_classes; i++)
        for (uint64_t rank = 0; rank < v->classes[i].n; rank++)
            v->class_of[page_of_rank(v, v->classes[i].first + rank) - v->first] = (uint8_t)i;
}

static struct view_class *
class_of_page(struct access_view *v, uint64_t page)
{
    if (v->class_of == NULL)
        name_classes(v);
    return &v->classes[v->class_of[page - v->first]];
}

/* Classes of which few pages need attention: one look at all that do lists them. */
static void
list_sparse(struct access_view *v)
{
    uint64_t end = v->first + v->nr_pages;
    uint32_t at = 0;

    if (v->lists == NULL)
        v->lists = arena_new_array(v->arena, uint32_t, v->nr_pages / SPARSE + 1);
    for (uint32_t i = 0; i < v->nr_classes; i++) {
        struct view_class *c = &v->classes[i];

        c->listed = c->needs > 0 && c->needs * SPARSE < c->n;
        c->first_listed = at;
        c->nr_listed = 0;
        at += c->listed ? (uint32_t)c->needs : 0;
    }
    for (uint64_t page = region_next_attention(v->map, v->first, end); page < end;
         page = region_next_attention(v->map, page + 1, end)) {
        struct view_class *c = class_of_page(v, page);

        if (c->listed && c->nr_listed < c->needs)
            v->lists[c->first_listed + c->nr_listed++] = (uint32_t)(page - v->first);
    }
}

/* Those of the list that others have dealt with go when they are drawn. */
static uint64_t
draw_listed(struct access_view *v, struct view_class *c, struct rng *rng)
{
    if (!c->listed)
        list_sparse(v);
    for (;;) {
        sim_assert(c->nr_listed > 0);
        uint32_t *entry = &v->lists[c->first_listed + rng_below(rng, c->nr_listed)];

        if (page_set_look(v->map, v->first + *entry, &v->drawn_node))
            return v->first + *entry;
        *entry = v->lists[c->first_listed + --c->nr_listed];
    }
}

/* A page of the class that needs attention, each with the same chance. The pages of a class lie
 * side by side, unless ranks are scattered: then it is any of the class until one does or, where
 * far fewer need attention than the class has pages, any of those until it is of the class. A try
 * of the first kind costs a part of one of the second. */
static uint64_t
draw_of_class(struct access_view *v, struct view_class *c, struct rng *rng)
{
    enum { TRIES_A_DRAW = 8 };
    uint64_t page;

    if (!v->shape.scattered) {
        page = page_set_draw(v->map, v->first + c->first, c->n, rng);
        page_set_look(v->map, page, &v->drawn_node);
        return page;
    }
    if (c->needs * SPARSE < c->n)
        return draw_listed(v, c, rng);
    if (c->n <= view_needs(v) * TRIES_A_DRAW) {
        do
            page = page_of_rank(v, c->first + rng_below(rng, c->n));
        while (!page_set_look(v->map, page, &v->drawn_node));
        return page;
    }
    do
        page = page_set_draw(v->map, v->first, v->nr_pages, rng);
    while (class_of_page(v, page) != c);
    page_set_look(v->map, page, &v->drawn_node);
    return page;
}

uint64_t
view_draw(struct access_view *v, struct rng *rng)
{
    view_count(v);
    uint64_t x = rng_below(rng, v->open);
    struct view_class *c = v->classes;

    for (; x >= c->needs * c->weight; c++)
        x -= c->needs * c->weight;
    v->drawn = c;
    v->counted_anew = false;
    v->page = draw_of_class(v, c, rng);
    return v->page;
}

/* A page that was drawn, or part of one that is huge, needs attention no more. */
static void
deal_page(struct access_view *v, struct view_class *c, int node)
{
    c->needs--;
    v->open -= c->weight;
    if (v->drawn_node >= 0)
        v->on_node[v->drawn_node] -= c->weight;
    else
        v->populated += c->weight;
    v->on_node[node] += c->weight;
}

/* The whole chunk of the page was dealt with at once, as a huge page is. */
static void
deal_chunk(struct access_view *v, int node)
{
    uint64_t first = v->page & ~(uint64_t)(CHUNK_PAGES - 1), end = first + CHUNK_PAGES;

    for (uint64_t page = SIM_MAX(first, v->first); page < SIM_MIN(end, v->first + v->nr_pages);
         page++)
        deal_page(v, class_of_page(v, page), node);
}

static uint64_t
pages_in_chunk(const struct access_view *v)
{
    uint64_t first = v->page & ~(uint64_t)(CHUNK_PAGES - 1), end = first + CHUNK_PAGES;

    return SIM_MIN(end, v->first + v->nr_pages) - SIM_MAX(first, v->first);
}

uint64_t
view_dealt(struct access_view *v)
{
    const struct region *r = v->map->region;
    uint64_t needs = view_needs(v), heavy, gone = v->counted - needs;
    int node;
    bool huge = r->thp && gone > 1 && r->ops->nr_huge(r, v->page, 1) > 0;

    if (page_set_look(v->map, v->page, &node) || gone != (huge ? pages_in_chunk(v) : 1) ||
        v->released != v->group->released || v->counted_anew)
        return 0; /* the next look counts anew */
    heavy = mul_div_u64(v->counted, v->drawn->weight, v->open);
    if (huge)
        deal_chunk(v, node);
    else
        deal_page(v, v->drawn, node);
    v->counted = needs;
    v->version = v->group->version;
    return heavy > 1 ? heavy - 1 : 0;
}

/* ---- visits ---- */

uint64_t *
view_visits_of(struct access_view *v)
{
    return &v->visits;
}

/* The weight of a huge page is that of its parts. */
static void
sum_chunks(struct kernel *k, struct access_view *v)
{
    uint64_t last = (v->first + v->nr_pages - 1) >> CHUNK_SHIFT, first = v->first >> CHUNK_SHIFT;

    v->chunk_weight = arena_new_array(k->arena, uint64_t, last - first + 1);
    for (uint32_t i = 0; i < v->nr_classes; i++)
        for (uint64_t rank = 0; rank < v->classes[i].n; rank++) {
            uint64_t page = page_of_rank(v, v->classes[i].first + rank);

            v->chunk_weight[(page >> CHUNK_SHIFT) - first] += v->classes[i].weight;
        }
}

static uint64_t
weight_of_page(struct kernel *k, struct access_view *v, uint64_t page, uint32_t np)
{
    if (np > 1 && v->chunk_weight == NULL)
        sum_chunks(k, v);
    if (np > 1)
        return v->chunk_weight[(page >> CHUNK_SHIFT) - (v->first >> CHUNK_SHIFT)];
    return class_of_page(v, page)->weight;
}

uint64_t
view_visits(struct kernel *k, const struct region *r, uint64_t page, uint32_t np)
{
    uint64_t sum = 0;

    for (struct access_view *v = k->mm->views; v != NULL; v = v->next) {
        if (v->map->region != r || page + np <= v->first || page >= v->first + v->nr_pages)
            continue;
        sum += mul_div_u64(v->visits, weight_of_page(k, v, SIM_MAX(page, v->first), np), v->all);
    }
    return sum;
}
