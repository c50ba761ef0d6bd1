/* cpuset.mems: the nodes that tasks of a group may take memory from (cgroup v2). */
#pragma once

#include "kernel/group.h"

/* cpuset.mems of a group, at any time; 0: what the group above has. Policies of its tasks are bound
 * anew, and their memory follows. */
void task_group_set_mems(struct kernel *k, struct task_group *tg, nodemask mems);
/* p has come from a group that allows other nodes. */
void cpuset_attach_mems(struct kernel *k, struct task *p, nodemask before);
