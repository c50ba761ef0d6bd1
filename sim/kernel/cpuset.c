/*
 * cpuset.mems. Facts: numa-balancing.md 2.5, 2.6.
 *
 * What a group may use is what it asks for and its parent has; if that is nothing, all that its
 * parent has. When it changes, task policies and VMA policies are bound anew, and the memory of
 * each process that has a thread in the group moves by position, as always in cgroup v2. The moving
 * is done by a kernel worker, which takes its time from a CPU of the process.
 */
#include "kernel/cpuset.h"

#include "kernel/mempolicy.h"
#include "kernel/migrate.h"
#include "kernel/region.h"

/* The address space of p sees a change. */
static void
mm_follows(struct kernel *k, struct task *p, nodemask before)
{
    for (struct vma *v = p->mm->vmas; v != NULL; v = v->next)
        if (!v->shared) /* the policy of a shared object is not of this process */
            mempolicy_rebind(k, &v->policy, p->group->mems);
    migrate_mm(k, p->mm, p->cpu, before, p->group->mems);
}

static struct task *
first_member(struct kernel *k, const struct process *pr, const struct task_group *tg)
{
    for (uint32_t i = 0; i < pr->nr_members; i++)
        if (pr->members[i]->group == tg && pr->members[i]->state != TASK_DEAD)
            return pr->members[i];
    (void)k;
    return NULL;
}

static void
tasks_follow(struct kernel *k, struct task_group *tg, nodemask before)
{
    for (uint32_t i = 0; i < k->nr_processes; i++) {
        const struct process *pr = k->processes[i];

        for (uint32_t t = 0; t < pr->nr_members; t++)
            if (pr->members[t]->group == tg && pr->members[t]->mem != NULL)
                mempolicy_rebind(k, &pr->members[t]->mem->policy, tg->mems);
        struct task *first = first_member(k, pr, tg);
        if (first != NULL)
            mm_follows(k, first, before);
    }
}

static void
update_tree(struct kernel *k, struct task_group *tg)
{
    nodemask before = tg->mems, above = tg->parent->mems;

    tg->mems = tg->mems_wanted & above;
    if (tg->mems == 0)
        tg->mems = above;
    if (tg->mems == before)
        return;
    tasks_follow(k, tg, before);
    for (struct task_group *child = tg->children; child != NULL; child = child->sibling)
        update_tree(k, child);
}

void
task_group_set_mems(struct kernel *k, struct task_group *tg, nodemask mems)
{
    sim_assert(tg->parent != NULL);
    tg->mems_wanted = mems;
    update_tree(k, tg);
}

void
cpuset_attach_mems(struct kernel *k, struct task *p, nodemask before)
{
    if (before == p->group->mems || p->mem == NULL)
        return;
    mempolicy_rebind(k, &p->mem->policy, p->group->mems);
    mm_follows(k, p, before);
}
