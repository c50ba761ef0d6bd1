/*
 * Address spaces and the state of a machine's memory: made with the kernel, with a process and with
 * a task.
 */
#include "kernel/mm.h"

#include "kernel/lru_batch.h"

#include "kernel/filemap.h"
#include "kernel/khugepaged.h"
#include "kernel/memory_tiers.h"
#include "kernel/migration_wait.h"
#include "kernel/oom.h"
#include "kernel/swap.h"
#include "kernel/vmscan.h"

/* The system itself holds `reserved` of each node; a node that is smaller has nothing to give. */
static void
node_init(const struct kernel *k, struct mm_node *n, const struct machine_node *hw)
{
    uint64_t bytes = hw->online ? hw->mem_bytes : 0;

    n->nr_pages = (bytes - SIM_MIN(k->params.mm.reserved, bytes)) / PAGE_4K;
    n->free_pages = n->nr_pages;
}

void
mm_init(struct kernel *k)
{
    const struct machine *m = k->machine;

    k->mm = arena_new_object(k->arena, struct mm_state);
    k->mm->nodes = arena_new_array(k->arena, struct mm_node, m->nr_nodes);
    k->mm->line_bytes = m->cache.line_bytes ? m->cache.line_bytes : 64;
    lru_batch_init(k);
    rng_init(&k->mm->rng, k->seed, "mm", 0);
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        node_init(k, &k->mm->nodes[n], &m->nodes[n]);
    memcpy(k->mm->weights, k->params.mm.weights, sizeof(k->mm->weights));
    mm_setup_watermarks(k);
    memory_tiers_init(k);
    kswapd_init(k);
    filemap_init(k);
    khugepaged_init(k);
    swap_init(k);
}

void
mm_reset_stats(struct kernel *k)
{
    for (uint32_t i = 0; i < k->machine->nr_nodes; i++) {
        struct mm_node *n = &k->mm->nodes[i];

        n->numa_hit = n->numa_miss = n->numa_foreign = 0;
        n->local_node = n->other_node = n->interleave_hit = 0;
        n->pgdemote_kswapd = n->pgdemote_direct = 0;
    }
}

struct mm *
mm_new(struct kernel *k, struct process *pr)
{
    struct mm *mm = arena_new_object(k->arena, struct mm);

    mm->process = pr;
    mm->last_region = &mm->regions;
    return mm;
}

void
mm_task_init(struct kernel *k, struct task *p)
{
    struct task_mem *mem = k->mm->free_mem;

    if (mem != NULL) {
        k->mm->free_mem = mem->next_free;
        memset(mem, 0, sizeof(*mem));
    } else {
        mem = arena_new_object(k->arena, struct task_mem);
    }
    mem->mix_node = -1;
    mem->il_prev = NODE_MAX - 1;
    for (uint32_t i = 0; i < BURST_USES_MAX; i++) {
        list_init(&mem->uses[i].user);
        mem->uses[i].task = p;
    }
    p->mem = mem;
    migration_task_init(k, p);
}

void
mm_task_begin(struct task *p)
{
    p->mm->nr_users++;
}

/* The last task is gone: what only it could use is free. What is shared between processes stays,
 * and so do files. At the end of a run everything stays where it was, to be looked at. */
static void
exit_mmap(struct kernel *k, struct mm *mm)
{
    if (k->engine.stop || k->nr_alive <= 1 || mm->process->reaped)
        return;
    for (struct region *r = mm->regions; r != NULL; r = r->next)
        if (r->sharing != REGION_GLOBAL && !region_is_file(r))
            region_unmap(k, r);
}

void
mm_task_exit(struct kernel *k, struct task *p)
{
    for (uint32_t i = 0; i < BURST_USES_MAX; i++)
        list_remove(&p->mem->uses[i].user);
    migration_task_exit(k, p);
    if (unlikely(p->process->killed && !p->process->reaped))
        process_reap(k, p->process);
    p->mem->next_free = k->mm->free_mem;
    k->mm->free_mem = p->mem;
    p->mem = NULL;
    if (--p->mm->nr_users == 0 && p->mm->nr_expected == 0)
        exit_mmap(k, p->mm);
}
