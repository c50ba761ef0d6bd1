/* Memory of a random case: policies and calls. */
#pragma once

#include "kernel/group.h"
#include "kernel/vma.h"

void random_task_policy(struct kernel *k, struct task *p, struct rng *rng);
void random_mems(struct kernel *k, struct task_group *tg, struct rng *rng);
void random_memory_call(struct kernel *k, struct task *p, struct rng *rng);
