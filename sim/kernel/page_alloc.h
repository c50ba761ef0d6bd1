/* An allocation in two steps, so that the choice of a node can be reported in between. */
#pragma once

#include "kernel/mm.h"

struct page_walk {
    struct task *p; /* who asks; NULL: nobody, before the run */
    int start, cpu_node;
    nodemask allowed, mems; /* of the policy; of the cpuset */
    uint32_t scale;
    enum mempolicy_mode mode;
    bool strict;     /* never outside `allowed` */
    bool indexed;    /* the next page has another start */
    bool start_only; /* a huge page: from the start node or not at all */
    bool spares;     /* nobody is killed for the page */
    bool light;      /* neither wakes kswapd nor reclaims, and may fail */
    bool reclaims;   /* with `light`: but then looks everywhere, and reclaims */
    bool wakes;      /* with `light`: but wakes kswapd */
};

/* The walk for the page that p touches on a CPU of `cpu_node`. */
struct page_walk page_walk_for(const struct kernel *k, struct task *p,
                               const struct mempolicy *policy, int cpu_node, uint64_t index,
                               uint32_t scale);
/* As a huge page, which may fail: then there are small ones, which may come from elsewhere. */
void page_walk_huge(struct page_walk *w);
/* The node that gives the next page; -1: none. Then the task is being killed, or the run has
 * failed, or the page was a huge one. The second walk of PREFERRED_MANY is without its set. */
int page_walk_find(struct kernel *k, struct page_walk *w);
/* Takes up to `want` entries from it; how many it gave. */
uint64_t page_walk_take(struct kernel *k, const struct page_walk *w, int node, uint64_t want);

/* Both in one: up to `want` pages (huge: one of 2 MiB), and the node; 0: none, as above. */
uint64_t alloc_pages(struct kernel *k, struct task *p, const struct mempolicy *policy, int cpu_node,
                     uint64_t ilx, bool huge, uint64_t want, int *node);

/* Has the node room for np pages that a hinting fault moves there? (migrate_balanced_pgdat) */
bool migrate_check_room(struct kernel *k, int node, uint32_t np);
