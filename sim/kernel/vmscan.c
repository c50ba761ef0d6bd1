/*
 * Reclaim. Anonymous memory without swap has nowhere to go: nothing is reclaimed.
 */
#include "kernel/vmscan.h"

void
wakeup_kswapd(struct kernel *k, int node)
{
    (void)k, (void)node;
}

bool
try_to_free_pages(struct kernel *k, struct task *p, int start, nodemask nodes)
{
    (void)k, (void)p, (void)start, (void)nodes;
    return false;
}
