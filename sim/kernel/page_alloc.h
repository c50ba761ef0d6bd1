/* An allocation in two steps, so that the choice of a node can be reported in between. */
#pragma once

#include "kernel/mm.h"

struct page_walk {
    int start, cpu_node;
    nodemask allowed;
    uint32_t scale;
    enum mempolicy_mode mode;
    bool strict;  /* never outside `allowed` */
    bool indexed; /* the next page has another start */
};

struct page_walk page_walk_of(const struct mempolicy *policy, int cpu_node, uint64_t index,
                              uint32_t scale);
/* The node that gives the next page; -1: none, and the run has failed. */
int page_walk_find(struct kernel *k, const struct page_walk *w);
/* Takes up to `want` entries from it; how many it gave. */
uint64_t page_walk_take(struct kernel *k, const struct page_walk *w, int node, uint64_t want);
