/*
 * Reclaim: how room is made on a full node (mm/vmscan.c). Facts: numa-balancing.md 2.4, 2.8, 2.9.
 */
#pragma once

#include "kernel/mm.h"

void kswapd_init(struct kernel *k);
/* A walk found the node below its low watermark, or a promotion found no room: reclaim up to high,
 * with tiering to promo. */
void wakeup_kswapd(struct kernel *k, int node);
/* Pages [first, first + n) leave memory now, used or not, as far as there is anywhere for them to
 * go: p asked for it (MADV_PAGEOUT). How many. */
uint64_t reclaim_range(struct kernel *k, struct task *p, struct region *r, uint64_t first,
                       uint64_t n);
/* p reclaims on `nodes` before it gives up. False: there is nothing more to gain. */
bool try_to_free_pages(struct kernel *k, struct task *p, int start, nodemask nodes);
