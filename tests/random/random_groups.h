/* What happens to the groups of a random case while it runs. */
#pragma once

#include "random_case.h"

/* Another weight, limit or cpu.idle of a group; or a process moves as a whole into it. */
void random_group_change(struct kernel *k, struct task_group *tg, struct process *pr,
                         struct rng *rng);
