/* The page cache: see filemap.h. */
#include "kernel/filemap.h"

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
        if (mem->uses[i].map->vmas[0]->kind == VMA_FILE)
            file_write_begins(k, mem->uses[i].region, mem->uses[i].slice);
}
