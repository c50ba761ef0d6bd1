/*
 * Swap: where anonymous and shared pages go that reclaim takes (mm/swapfile.c, mm/swap_state.c).
 *
 * There is one device of mm.swap bytes. A page that goes there gives its node its memory back and
 * is absent from then on; who touches it takes a major fault, gets a page by its own policy and
 * sleeps until it is read. Pages in swap are not scanned, and a huge page goes as a whole and comes
 * back in small ones.
 *
 * Model assumptions: writing is not waited for, and the memory is free at once; nothing is read
 * ahead; a page that comes back gives its place up, so that it is written anew when it goes again.
 * Where pages are kept in blocks, which of a slice's absent pages are in swap is not known, but how
 * many: a touch meets its share of them.
 */
#pragma once

#include "kernel/backing.h"
#include "kernel/mm.h"

struct swap_state {
    uint64_t nr_pages, free;
    struct backing device;
};
struct swap_map;

void swap_init(struct kernel *k);
/* Is there room for np pages? */
bool swap_has_room(const struct kernel *k, uint32_t np);
/* One page of a region (huge: 512) goes to swap; it is populated, and no longer then. The caller
 * tells users (region_all_closer), once for many pages. */
void swap_out(struct kernel *k, struct region *r, uint64_t page, uint32_t np);
/* n absent pages of one slice are about to be populated: how many of them were in swap, which has
 * their places back. Before they are claimed. */
uint64_t swap_in(struct kernel *k, struct region *r, uint64_t first, uint64_t n);
/* The same for a task, which sleeps until they are read. */
void swap_read(struct kernel *k, struct task *p, uint64_t n);
/* How many pages of a region are in swap; of a stretch, where each page is known. */
uint64_t swap_pages(const struct region *r);
uint64_t swap_pages_in(const struct region *r, uint64_t first, uint64_t n);
/* Nobody wants them back: none of a region's, none of a stretch. */
void swap_forget_some(struct kernel *k, struct region *r, uint64_t first, uint64_t n);
void swap_forget(struct kernel *k, struct region *r);

/* NULL, or what does not add up. */
const char *swap_check(struct kernel *k);
