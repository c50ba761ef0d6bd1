/*
 * Mappings and VMAs: made when a process begins to use a region, split when a part of it gets a
 * policy of its own, and merged again when neighbours have become alike.
 *
 * The first mapping of a region exists from the start, so that a policy may be set before anybody
 * uses the region; further ones copy its cuts and its policies, which belong to the object, as the
 * policies of shared memory do in Linux.
 */
#include "kernel/pages.h"

/* Addresses of mmap() on x86-64 begin near here; a multiple of what policies may count in. */
#define MMAP_BASE ((uint64_t)0x7f0000000000 / PAGE_4K)

struct mapping *
region_mapping(const struct region *r, const struct mm *mm)
{
    struct mapping *m = r->maps;

    while (m != NULL && m->mm != mm)
        m = m->next;
    return m;
}

struct vma *
find_vma(const struct mm *mm, uint64_t address_page)
{
    struct vma *v = mm->vmas;

    while (v != NULL && vma_end(v) <= address_page)
        v = v->next;
    return v;
}

static uint32_t
vma_index(const struct mapping *m, uint64_t page)
{
    uint32_t low = 0, n = m->nr_vmas;

    while (n > 1) {
        uint32_t half = n / 2;

        low += m->vmas[low + half]->first <= page ? half : 0;
        n -= half;
    }
    return low;
}

struct vma *
mapping_vma(const struct mapping *m, uint64_t page)
{
    return m->vmas[m->nr_vmas == 1 ? 0 : vma_index(m, page)];
}

static struct vma *
vma_new(struct kernel *k)
{
    struct vma *v = k->mm->free_vmas;

    if (v == NULL)
        return arena_new_object(k->arena, struct vma);
    k->mm->free_vmas = v->next;
    return v;
}

static void
insert_vma(struct kernel *k, struct mapping *m, uint32_t at, struct vma *v)
{
    if (m->nr_vmas == m->cap_vmas) {
        uint32_t cap = m->cap_vmas ? 2 * m->cap_vmas : 1;

        m->vmas =
            arena_grow(k->arena, m->vmas, m->cap_vmas * sizeof(*m->vmas), cap * sizeof(*m->vmas));
        m->cap_vmas = cap;
    }
    memmove(&m->vmas[at + 1], &m->vmas[at], (m->nr_vmas - at) * sizeof(*m->vmas));
    m->vmas[at] = v;
    m->nr_vmas++;
}

void
mapping_first(struct kernel *k, struct region *r, const struct region_attr *attr)
{
    struct mapping *m = r->maps = arena_new_object(k->arena, struct mapping);
    struct vma *v = vma_new(k);

    m->region = r;
    *v = (struct vma){ .map = m,
                       .nr_pages = r->nr_pages,
                       .policy = attr->policy,
                       .kind = attr->kind,
                       .readable = !attr->no_access,
                       .writable = !attr->no_access && !attr->read_only,
                       .exec = !attr->no_access && attr->exec,
                       .shared = r->sharing == REGION_GLOBAL,
                       .advice = attr->advice };
    if (v->shared && v->kind == VMA_ANON)
        v->kind = VMA_SHMEM;
    if (v->kind == VMA_FILE)
        v->shared = !attr->map_private;
    insert_vma(k, m, 0, v);
}

/* A further mapping: cut as the first, with marks of its own. */
static struct mapping *
mapping_copy(struct kernel *k, struct region *r)
{
    struct mapping *m = arena_new_object(k->arena, struct mapping), **last = &r->maps;

    m->region = r;
    m->own = arena_new_object(k->arena, struct mapping_marks);
    m->own->marked = arena_new_array(k->arena, uint64_t, r->nr_groups);
    r->ops->map(k, m);
    for (uint32_t i = 0; i < r->maps->nr_vmas; i++) {
        struct vma *v = vma_new(k);

        *v = *r->maps->vmas[i];
        v->map = m;
        v->numab = (struct vma_numab){ .made = false };
        insert_vma(k, m, i, v);
    }
    while (*last != NULL)
        last = &(*last)->next;
    *last = m;
    return m;
}

/* Into the address space, above all that is there. */
static void
attach(struct mapping *m, struct mm *mm)
{
    const struct region *r = m->region;
    struct vma **last = &mm->vmas;

    m->mm = mm;
    m->start = SIM_MAX(mm->mmap_base, MMAP_BASE);
    mm->mmap_base = m->start + div_round_up_u64(r->nr_pages, CHUNK_PAGES) * CHUNK_PAGES;
    while (*last != NULL)
        last = &(*last)->next;
    for (uint32_t i = 0; i < m->nr_vmas; i++) {
        struct vma *v = m->vmas[i];

        v->start = m->start + v->first;
        v->next = NULL;
        *last = v;
        last = &v->next;
    }
    mm->rss_pages += region_group_populated(region_whole(r));
}

struct mapping *
region_map(struct kernel *k, struct region *r, struct mm *mm)
{
    struct mapping *m = r->unmapped ? r->maps : region_mapping(r, mm);

    if (m == NULL) {
        m = r->maps->mm == NULL ? r->maps : mapping_copy(k, r);
        attach(m, mm);
    }
    return m;
}

static void
split_mapping(struct kernel *k, struct mapping *m, uint64_t page)
{
    uint32_t at = vma_index(m, page);
    struct vma *v = m->vmas[at];

    if (v->first == page)
        return;
    struct vma *upper = vma_new(k);
    uint64_t n = page - v->first;
    *upper = *v;
    upper->numab = (struct vma_numab){ .made = false };
    upper->first = page;
    upper->start = v->start + n;
    upper->nr_pages = v->nr_pages - n;
    v->nr_pages = n;
    v->next = upper;
    insert_vma(k, m, at + 1, upper);
}

void
split_vma(struct kernel *k, struct region *r, uint64_t page)
{
    if (page == 0 || page >= r->nr_pages)
        return;
    if (page % CHUNK_PAGES != 0 && r->ops->split_huge(k, r, page))
        k->stats.thp_split_page++;
    for (struct mapping *m = r->maps; m != NULL; m = m->next)
        split_mapping(k, m, page);
}

static bool
policy_equal(const struct mempolicy *a, const struct mempolicy *b)
{
    return a->mode == b->mode && a->numa_balancing == b->numa_balancing &&
           a->static_nodes == b->static_nodes && a->relative_nodes == b->relative_nodes &&
           a->has_home == b->has_home && a->home == b->home && a->nodes == b->nodes &&
           a->user_nodes == b->user_nodes && a->allowed_at == b->allowed_at &&
           memcmp(a->weights, b->weights, sizeof(a->weights)) == 0;
}

static bool
vma_alike(const struct vma *a, const struct vma *b)
{
    return a->readable == b->readable && a->writable == b->writable && a->exec == b->exec &&
           a->advice == b->advice && policy_equal(&a->policy, &b->policy);
}

/* Neighbours that have become alike are one VMA again, with what is known of the lower one. */
static void
merge_mapping(struct kernel *k, struct mapping *m)
{
    uint32_t kept = 0;

    for (uint32_t i = 1; i < m->nr_vmas; i++) {
        struct vma *lower = m->vmas[kept], *v = m->vmas[i];

        if (vma_alike(lower, v)) {
            lower->nr_pages += v->nr_pages;
            lower->next = v->next;
            v->next = k->mm->free_vmas;
            k->mm->free_vmas = v;
        } else {
            m->vmas[++kept] = v;
        }
    }
    m->nr_vmas = kept + 1;
}

/* What a call says of its range. */
struct change {
    const struct mempolicy *policy; /* NULL: nothing */
    const enum thp_advice *advice;
    const struct vma_access *access;
};

static void
change_vma(struct vma *v, const struct change *c)
{
    if (c->policy != NULL)
        v->policy = *c->policy;
    if (c->advice != NULL)
        v->advice = *c->advice;
    if (c->access == NULL)
        return;
    v->readable = c->access->readable;
    v->writable = c->access->writable;
    v->exec = c->access->exec;
}

static void
change_range(struct kernel *k, struct region *r, uint64_t first, uint64_t n, const struct change *c)
{
    sim_assert(n <= r->nr_pages && first <= r->nr_pages - n);
    if (n == 0)
        return;
    split_vma(k, r, first);
    split_vma(k, r, first + n);
    for (struct mapping *m = r->maps; m != NULL; m = m->next) {
        for (uint32_t i = vma_index(m, first); i < m->nr_vmas; i++)
            if (m->vmas[i]->first < first + n)
                change_vma(m->vmas[i], c);
        merge_mapping(k, m);
    }
}

void
region_set_policy(struct kernel *k, struct region *r, uint64_t first, uint64_t n,
                  const struct mempolicy *policy)
{
    change_range(k, r, first, n, &(struct change){ .policy = policy });
}

void
region_set_advice(struct kernel *k, struct region *r, uint64_t first, uint64_t n,
                  enum thp_advice advice)
{
    change_range(k, r, first, n, &(struct change){ .advice = &advice });
}

void
region_set_access(struct kernel *k, struct region *r, uint64_t first, uint64_t n,
                  struct vma_access access)
{
    change_range(k, r, first, n, &(struct change){ .access = &access });
}

bool
mapping_allows(const struct mapping *m, uint64_t first, uint64_t n, bool write)
{
    for (uint32_t i = vma_index(m, first); i < m->nr_vmas && m->vmas[i]->first < first + n; i++)
        if (!(write ? m->vmas[i]->writable : m->vmas[i]->readable))
            return false;
    return true;
}

const struct mempolicy *
region_policy(const struct region *r, uint64_t page)
{
    return &mapping_vma(r->maps, page)->policy;
}

bool
region_has_policy(const struct region *r)
{
    for (uint32_t i = 0; i < r->maps->nr_vmas; i++)
        if (r->maps->vmas[i]->policy.mode != MPOL_DEFAULT)
            return true;
    return false;
}

const char *
vma_check(struct kernel *k, const struct mm *mm)
{
    uint64_t end = 0, rss = 0, page = 0;

    for (const struct vma *v = mm->vmas; v != NULL; v = v->next) {
        const struct region *r = v->map->region;

        page = v->first == 0 ? 0 : page;
        if (v->start < end || v->first != page || v->map->mm != mm || v->nr_pages == 0 ||
            mapping_vma(v->map, v->first + v->nr_pages - 1) != v)
            return arena_printf(k->arena, "region %s: its VMAs are not in order", r->name);
        end = vma_end(v);
        page += v->nr_pages;
        if (page == r->nr_pages)
            rss += region_group_populated(region_whole(r));
    }
    return rss == mm->rss_pages ? NULL
                                : arena_printf(k->arena,
                                               "process %s: %llu pages are resident by its sum, "
                                               "%llu by its mappings",
                                               mm->process->name, (unsigned long long)mm->rss_pages,
                                               (unsigned long long)rss);
}
