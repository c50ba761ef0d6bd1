/*
 * Views: the pages of a slice by popularity. For mm_draw.c and mm_mix.c.
 */
#pragma once

#include "kernel/mm.h"

/* The view of a use, whose region, slice and shape are known; uses that see alike share it. */
struct access_view *view_get(struct kernel *k, const struct mem_use *u);

/* Sum of the weights of all pages; of those that need attention. */
uint64_t view_all(const struct access_view *v);
uint64_t view_open(struct access_view *v);
/* What the next hit takes from the latter, on average. */
uint64_t view_mean_hit(struct access_view *v);

/* A page that needs attention, drawn by weight; there is one. */
uint64_t view_draw(struct access_view *v, struct rng *rng);
/* It has been dealt with. Returns the pages of average weight that it was more than one. */
uint64_t view_dealt(struct access_view *v);

/* Where its users count visits, in 1/4096; and what all views of a page's region expect of them. */
uint64_t *view_visits_of(struct access_view *v);
uint64_t view_visits(struct kernel *k, const struct region *r, uint64_t page, uint32_t np);

/* Sums of the weights of populated pages: by node, and all. */
const uint64_t *view_nodes(struct access_view *v);
uint64_t view_populated(struct access_view *v);
