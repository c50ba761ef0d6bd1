#include "random_groups.h"

#include "kernel/group.h"

static void
change_limit(struct kernel *k, struct task_group *tg, struct rng *rng)
{
    uint64_t period = MSEC(1 + rng_below(rng, 50));
    uint64_t quota = rng_below(rng, 3) == 0 ? CFS_NO_QUOTA : MSEC(1) + rng_below(rng, 4 * period);
    uint64_t burst = quota == CFS_NO_QUOTA || rng_below(rng, 2) ? 0 : rng_below(rng, quota);

    task_group_set_bandwidth(k, tg, quota, period, burst);
}

void
random_group_change(struct kernel *k, struct task_group *tg, struct process *pr, struct rng *rng)
{
    uint64_t what = rng_below(rng, 8);

    if (tg->parent == NULL || what == 0)
        process_set_group(k, pr, tg);
    else if (what == 1)
        task_group_set_idle(k, tg, rng_below(rng, 2));
    else if (what == 2 && !tg->idle)
        task_group_set_nice(k, tg, (int)rng_below(rng, 40) - 20);
    else if (what < 5 && !tg->idle)
        task_group_set_weight(k, tg, 1 + (uint32_t)rng_below(rng, CPU_WEIGHT_MAX));
    else
        change_limit(k, tg, rng);
}
