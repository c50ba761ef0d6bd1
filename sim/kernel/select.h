/* What the two halves of CPU selection share: select.c for wake-ups, select_fork.c for new tasks.
 */
#pragma once

#include "kernel/balance.h"

static inline bool
allowed_on(const struct task *p, int cpu)
{
    return cpumask_test(p->allowed, (uint32_t)cpu);
}

/* cpu if p may run there, else a CPU of p's node, else any (select_fallback_rq). */
int fallback_cpu(const struct kernel *k, const struct task *p, int cpu);

/* The CPU for a new task that is forked on `cpu`. */
int select_for_fork(struct kernel *k, struct task *p, int cpu);
