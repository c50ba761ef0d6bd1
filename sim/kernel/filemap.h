/*
 * Files: the page cache, and what balancing may do with its pages (mm/filemap.c).
 */
#pragma once

#include "kernel/vma.h"

/* Are the pages of a slice of a file dirty: has somebody written to them, not long ago?
 *
 * Model assumption: who writes to a slice of a file dirties all its pages, as long as they go on
 * and until writeback comes round (mm.dirty_expire). */
bool file_is_dirty(const struct kernel *k, const struct region *r, uint32_t slice);
/* Somebody begins to write to a slice of a file; a burst that does is going on. */
void file_write_begins(struct kernel *k, struct region *r, uint32_t slice);
void file_write_goes_on(struct kernel *k, const struct task_mem *mem);
