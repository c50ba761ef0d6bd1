#include "kernel/group.h"

struct task_group *
task_group_new(struct kernel *k, struct task_group *parent, const char *name)
{
    (void)k, (void)parent, (void)name;
    return NULL;
}
