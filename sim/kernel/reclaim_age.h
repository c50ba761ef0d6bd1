/* Which pages are cold: the accessed bits that reclaim reads (folio_check_references). */
#pragma once

#include "kernel/mm.h"

/* Has the page been accessed since reclaim looked at it last? It is looked at now. */
bool page_referenced(struct kernel *k, struct region *r, uint64_t page);
