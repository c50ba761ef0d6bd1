/* The page cache: see filemap.h. */
#include "kernel/filemap.h"

#include "kernel/pages.h"

void
filemap_init(struct kernel *k)
{
    k->mm->files = arena_new_object(k->arena, struct filemap);
    k->mm->files->device.params = &k->params.mm.file_device;
}

/* ---- dirty pages ---- */

static bool
group_is_dirty(const struct kernel *k, const struct region_group *g)
{
    return g->written_at != 0 && k->engine.now < g->written_at - 1 + k->params.mm.dirty_expire;
}

bool
file_is_dirty(const struct kernel *k, const struct region *r, uint32_t slice)
{
    return group_is_dirty(k, &r->groups[slice]) || group_is_dirty(k, region_whole(r));
}

void
file_write_begins(struct kernel *k, struct region *r, uint32_t slice)
{
    r->groups[region_group_index(r, slice)].written_at = k->engine.now + 1;
}

void
file_write_goes_on(struct kernel *k, const struct task_mem *mem)
{
    for (uint32_t i = 0; i < mem->nr_uses; i++)
        if (region_is_file(mem->uses[i].region))
            file_write_begins(k, mem->uses[i].region, mem->uses[i].slice);
}

/* ---- balancing ---- */

uint32_t
region_nr_mappers(const struct region *r)
{
    uint32_t n = 0;

    for (const struct mapping *m = r->maps; m != NULL; m = m->next)
        n += m->mm != NULL && (m->mm->nr_users > 0 || m->mm->nr_expected > 0);
    return n;
}

bool
file_may_mark(const struct kernel *k, const struct vma *v, uint32_t slice)
{
    if (!v->shared && region_nr_mappers(v->map->region) > 1)
        return false;
    return !file_is_dirty(k, v->map->region, slice);
}

bool
file_may_migrate(const struct kernel *k, const struct vma *v, uint32_t slice)
{
    if (v->exec && region_nr_mappers(v->map->region) > 1)
        return false;
    return !file_is_dirty(k, v->map->region, slice);
}

/* ---- pages come and go ---- */

const struct mempolicy *
file_policy(const struct task *p, const struct vma *v)
{
    static const struct mempolicy none = { .mode = MPOL_DEFAULT };

    if (v->kind != VMA_FILE)
        return get_vma_policy(p, v);
    return p->mem != NULL ? &p->mem->policy : &none;
}

static uint64_t
window_pages(const struct kernel *k)
{
    return SIM_MAX(k->params.mm.readahead / PAGE_4K, (uint64_t)1);
}

void
file_read_around(const struct kernel *k, const struct vma *v, struct page_stretch *st)
{
    const struct region *r = v->map->region;
    uint64_t window = window_pages(k), end = v->first + v->nr_pages;
    uint64_t first = v->first;

    if (r->nr_slices > 1) {
        uint32_t slice = region_slice_of(r, st->at);

        first = SIM_MAX(first, region_slice_first(r, slice));
        end = region_slice_end(r, st->at, end);
    }
    st->at = SIM_MAX(first, st->at / window * window);
    st->end = SIM_MIN(end, div_round_up_u64(st->end, window) * window);
}

uint64_t
file_read(struct kernel *k, struct task *p, const struct region *r, uint64_t n)
{
    uint64_t faults = r->unmapped ? 0 : div_round_up_u64(n, window_pages(k));

    if (r->unmapped && p->mem->profile != NULL && p->mem->profile->write_q8 == 256)
        return 0;
    sim_time until = backing_transfer(k, &k->mm->files->device, n * PAGE_4K);
    mm_await_page(p, until);
    k->stats.pgmajfault += faults;
    return faults;
}

void
file_drop(struct kernel *k, const struct region *r, uint32_t slice)
{
    if (file_is_dirty(k, r, slice))
        backing_transfer(k, &k->mm->files->device, PAGE_4K);
}

uint64_t
file_pages(const struct kernel *k, int node, uint64_t *mapped)
{
    uint64_t n = 0;

    *mapped = 0;
    for (uint32_t i = 0; i < k->mm->nr_regions; i++) {
        const struct region *r = k->mm->regions[i];
        uint64_t here = region_whole(r)->count[node];

        if (!region_is_file(r))
            continue;
        n += here;
        *mapped += r->maps->mm != NULL ? here : 0;
    }
    return n;
}
