/*
 * madvise(): what a program tells the kernel about its pages (mm/madvise.c).
 *
 *   hugepage, nohugepage   chunks touched from now on may become huge, or not (thp.h)
 *   collapse               chunks inside become huge now; absent pages of theirs are there then
 *   dontneed               private memory is given back, and touched anew; a huge page that lies
 *                          across is split. Shared memory and files stay as they are
 *   pageout                pages go: of files they are dropped, others go to swap if there is room
 *
 * Model assumption: a page that is partly unmapped is split at once (Linux puts it on a queue until
 * memory is short: thp_deferred_split_page), so that what was unmapped is free at once.
 */
#pragma once

#include "kernel/thp.h"

enum madvise_advice {
    MADV_HUGEPAGE,
    MADV_NOHUGEPAGE,
    MADV_COLLAPSE,
    MADV_DONTNEED,
    MADV_PAGEOUT,
    MADV_NR
};
extern const char *const madvise_names[MADV_NR + 1];

/* Pages [first, first + n), by p, who pays for it. NULL, or the name of the error. */
const char *madvise_pages(struct kernel *k, struct task *p, struct region *r, uint64_t first,
                          uint64_t n, enum madvise_advice advice);
