/*
 * Address spaces: where regions are mapped, and in which VMAs.
 *
 * A region is mapped once into each process that uses it; the mapping has an address, marks of its
 * own (a NUMA scan marks page tables, not pages) and one VMA for each stretch with a policy of its
 * own: mbind(), madvise() or mprotect() of a part splits the VMA (and the huge page that lies
 * across), as in Linux, and what the scan knew of the new half is forgotten. Every mapping begins
 * at a multiple of 2 MiB, in order of creation.
 *
 * Model assumption: a page of a shared region is present in all of its mappings as soon as it is
 * populated. In Linux each process takes a minor fault of its own first.
 */
#pragma once

#include "kernel/mm.h"

/* The mapping of r in mm; NULL: none. */
struct mapping *region_mapping(const struct region *r, const struct mm *mm);
/* The same, mapped now if it is not yet. */
struct mapping *region_map(struct kernel *k, struct region *r, struct mm *mm);

/* The VMA that holds an address, or the next above it; NULL: none. */
struct vma *find_vma(const struct mm *mm, uint64_t address_page);
/* The VMA of a page of the region. */
struct vma *mapping_vma(const struct mapping *m, uint64_t page);
/* `page` begins a VMA from now on, in all mappings of the region. */
void split_vma(struct kernel *k, struct region *r, uint64_t page);

/* mbind() of pages [first, first + n): places no page that is there already. */
void region_set_policy(struct kernel *k, struct region *r, uint64_t first, uint64_t n,
                       const struct mempolicy *policy);
/* What madvise() says of huge pages; mprotect(). The VMAs of all processes are changed alike. */
void region_set_advice(struct kernel *k, struct region *r, uint64_t first, uint64_t n,
                       enum thp_advice advice);
struct vma_access {
    bool readable, writable, exec;
};
void region_set_access(struct kernel *k, struct region *r, uint64_t first, uint64_t n,
                       struct vma_access access);
/* May pages [first, first + n) be read, or written? */
bool mapping_allows(const struct mapping *m, uint64_t first, uint64_t n, bool write);
/* What was set for a page; MPOL_DEFAULT: nothing. */
const struct mempolicy *region_policy(const struct region *r, uint64_t page);
/* Is a policy set for any page? */
bool region_has_policy(const struct region *r);

/* First mapping of a new region: it is in no address space yet. */
void mapping_first(struct kernel *k, struct region *r, const struct region_attr *attr);
/* NULL, or what does not add up in the address space. */
const char *vma_check(struct kernel *k, const struct mm *mm);

static inline uint64_t
vma_end(const struct vma *v)
{
    return v->start + v->nr_pages;
}

/* How many pages of a group (index in the region) the mapping has marked. */
static inline uint64_t *
mapping_marked(const struct mapping *m, uint32_t group)
{
    return m->own != NULL ? &m->own->marked[group] : &m->region->groups[group].marked;
}
