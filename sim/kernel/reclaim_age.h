/* Which pages are cold: the accessed bits that reclaim reads (folio_check_references). */
#pragma once

#include "kernel/pages.h"

/* Has the page (of np 4 KiB pages, from `page` on) been accessed since reclaim looked at it last?
 * It is looked at now. */
bool page_referenced(struct kernel *k, struct region *r, uint64_t page, uint32_t np);
