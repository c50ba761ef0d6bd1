/*
 * Memory of a random case: regions, policies of tasks and ranges, calls that move pages, cpusets
 * that change.
 */
#include "random_memory.h"

#include "kernel/cpuset.h"
#include "kernel/madvise.h"
#include "kernel/mempolicy.h"
#include "kernel/migrate.h"

static nodemask
some_nodes(const struct kernel *k, struct rng *rng)
{
    nodemask all = machine_memory_nodes(k->machine), some = rng_u64(rng) & all;

    return some != 0 ? some : all;
}

static struct mempolicy
some_policy(const struct kernel *k, struct rng *rng)
{
    struct mempolicy p = { .mode = (enum mempolicy_mode)rng_below(rng, MPOL_NR) };
    bool has_nodes = p.mode != MPOL_DEFAULT && p.mode != MPOL_LOCAL;
    bool many = p.mode == MPOL_BIND || p.mode == MPOL_PREFERRED_MANY;

    if (has_nodes)
        p.user_nodes = p.nodes = some_nodes(k, rng);
    p.numa_balancing = many && rng_below(rng, 2);
    p.static_nodes = has_nodes && rng_below(rng, 4) == 0;
    p.relative_nodes = has_nodes && !p.static_nodes && rng_below(rng, 4) == 0;
    return p;
}

void
random_task_policy(struct kernel *k, struct task *p, struct rng *rng)
{
    struct mempolicy policy = some_policy(k, rng);

    if (mempolicy_apply(&policy, task_mems(k, p)))
        task_set_mempolicy(p, &policy);
}

void
random_mems(struct kernel *k, struct task_group *tg, struct rng *rng)
{
    if (tg->parent != NULL)
        task_group_set_mems(k, tg, rng_below(rng, 4) == 0 ? 0 : some_nodes(k, rng));
}

/* One call of p's, about a region of its own or one that it shares. */
void
random_memory_call(struct kernel *k, struct task *p, struct rng *rng)
{
    struct region *r = k->mm->regions[rng_below(rng, k->mm->nr_regions)];
    uint64_t first = rng_below(rng, r->nr_pages), n = 1 + rng_below(rng, r->nr_pages - first);
    uint64_t failed;

    if (r->unmapped)
        return;
    region_map(k, r, p->mm);
    switch (rng_below(rng, 7)) {
    case 0:
        random_task_policy(k, p, rng);
        break;
    case 1: {
        struct mempolicy policy = some_policy(k, rng);

        mbind_pages(k, p, r, first, n, &policy, (uint32_t)rng_below(rng, 8));
        break;
    }
    case 2:
        move_pages(k, p, r, first, n, __builtin_ctzll(some_nodes(k, rng)), rng_below(rng, 2),
                   &failed);
        break;
    case 3:
        migrate_pages(k, p, some_nodes(k, rng), some_nodes(k, rng), rng_below(rng, 2), &failed);
        break;
    case 4:
    case 5:
        madvise_pages(k, p, r, first, n, (enum madvise_advice)rng_below(rng, MADV_NR));
        break;
    default:
        random_mems(k, k->groups[rng_below(rng, k->nr_groups)], rng);
    }
}
