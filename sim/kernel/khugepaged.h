/*
 * khugepaged: small pages that lie together become huge ones (mm/khugepaged.c).
 *
 * A daemon wakes every mm.khugepaged_scan_sleep, looks at mm.khugepaged_pages_to_scan pages of the
 * VMAs that may have huge pages, and goes on there the next time. A chunk of 2 MiB inside one VMA
 * is collapsed if it is not huge already, at most max_ptes_none of its pages are absent and
 * max_ptes_swap in swap (which are read), one was used since the last look (with pages in swap
 * half of them), it may be written, is anonymous, no page waits on a CPU's batch, and the node that
 * has most of it (of several with as many, any) has a huge page. Pages that were absent are there
 * then.
 *
 * Model assumptions: it sleeps while no VMA has small pages where huge ones may be, and while
 * nobody runs; it runs on an idle CPU of the machine, else takes its time from the first one; a
 * page counts as used if reclaim would find it so (reclaim_age.h), and a chunk is asked as a whole.
 * Shared memory and files are not collapsed.
 */
#pragma once

#include "kernel/thp.h"

void khugepaged_init(struct kernel *k);
/* Small pages are where huge ones may be: it has work. */
void khugepaged_enter(struct kernel *k, const struct vma *v);
/* Somebody runs again (mm_state.khugepaged_dozes). */
void khugepaged_stir(struct kernel *k);
/* The chunk of a page becomes huge, whoever asks (MADV_COLLAPSE: whatever its pages). NULL, or why
 * not, as the kernel's trace events say it. *cost: of looking and copying. */
const char *collapse_chunk(struct kernel *k, struct vma *v, uint64_t page, bool daemon,
                           sim_time *cost);
