/*
 * Files: the page cache, and what balancing may do with its pages (mm/filemap.c).
 *
 * A region of a file is the part of it that is in memory. A process maps it (mmap(), shared or
 * private) or reads and writes it by calls; then it is in no address space, and NUMA scans never
 * meet it. Who touches a page that is not there brings it in, on a node that the policy of the
 * task says (policies of mappings do not apply to files), and sleeps until it is read. Pages stay
 * when processes end, until reclaim wants their memory.
 *
 * Model assumptions. Who writes to a slice of a file dirties all its pages, as long as they go on
 * and until writeback comes round (mm.dirty_expire). A page that reclaim takes while it is dirty is
 * written first, and nobody waits for that. What calls write need not be read before. Pages are
 * present in all mappings of a file as soon as they are in memory (Linux maps 16 around a fault). A
 * mapped file is read in aligned windows of mm.readahead; a stretch that is walked through is read
 * with one latency, for its next windows are asked for ahead. Pages of files are 4 KiB. What a
 * private mapping writes to would be memory of its own; such a region is refused.
 */
#pragma once

#include "kernel/backing.h"
#include "kernel/vma.h"

struct page_stretch;

struct filemap {
    struct backing device;
};
void filemap_init(struct kernel *k);

static inline bool
region_is_file(const struct region *r)
{
    return r->maps->vmas[0]->kind == VMA_FILE;
}

/* Are the pages of a slice dirty? */
bool file_is_dirty(const struct kernel *k, const struct region *r, uint32_t slice);
/* Somebody begins to write to a slice of a file; a burst that does is going on. */
void file_write_begins(struct kernel *k, struct region *r, uint32_t slice);
void file_write_goes_on(struct kernel *k, const struct task_mem *mem);

/* How many processes have the region mapped. */
uint32_t region_nr_mappers(const struct region *r);
/* May a scan mark pages of a slice through the VMA? Not those that are dirty, nor what a private
 * mapping shares with other processes (change_pte_range). */
bool file_may_mark(const struct kernel *k, const struct vma *v, uint32_t slice);
/* May a hinting fault move them? Not what several processes execute, nor dirty ones
 * (migrate_misplaced_folio_prepare). */
bool file_may_migrate(const struct kernel *k, const struct vma *v, uint32_t slice);

/* Whose policy a new page of the VMA follows: of a file, the task's. */
const struct mempolicy *file_policy(const struct task *p, const struct vma *v);
/* What is read besides when a page of the stretch is: the windows around it, in v and its slice. */
void file_read_around(const struct kernel *k, const struct vma *v, struct page_stretch *st);
/* p has brought n pages in: it sleeps until they are read. How many faults that took. */
uint64_t file_read(struct kernel *k, struct task *p, const struct region *r, uint64_t n);
/* A page leaves memory. */
void file_drop(struct kernel *k, const struct region *r, uint32_t slice);
/* Populated pages of all files; of those that are mapped. */
uint64_t file_pages(const struct kernel *k, int node, uint64_t *mapped);
