/*
 * Where a task may run: its affinity, its cpuset and the CPUs that are online.
 */
#include "kernel/core.h"
#include "kernel/ext.h"
#include "kernel/group.h"
#include "kernel/hotplug.h"
#include "kernel/push.h"

/* What an affinity leaves of a cpuset; nothing: the whole cpuset, as the kernel does. */
static const struct cpumask *
within_cpuset(struct kernel *k, const struct cpumask *affinity, const struct task_group *tg)
{
    if (tg->cpus == k->machine->online || cpumask_subset(affinity, tg->cpus))
        return affinity;
    if (!cpumask_intersects(affinity, tg->cpus))
        return tg->cpus;
    struct cpumask *both = cpumask_new(k->arena, k->machine->nr_cpus);
    for_each_cpu (cpu, affinity)
        if (cpumask_test(tg->cpus, (uint32_t)cpu))
            cpumask_set(both, (uint32_t)cpu);
    return both;
}

/* The cpuset that counts: one whose CPUs are all offline has those of the one above. */
static const struct cpumask *
cpuset_of(const struct kernel *k, const struct task_group *tg)
{
    while (tg->parent != NULL && !cpumask_intersects(tg->cpus, k->machine->online))
        tg = tg->parent;
    return tg->cpus;
}

/* In the root an affinity outlasts its CPUs; in a cpuset it is forgotten for as long. */
static const struct cpumask *
allowed_within(struct kernel *k, const struct cpumask *affinity, const struct task_group *tg)
{
    if (likely(k->hotplug == NULL))
        return within_cpuset(k, affinity, tg);
    const struct cpumask *cpus = cpuset_of(k, tg);
    if (cpus == k->machine->online)
        return hotplug_allowed(k, affinity);
    cpus = hotplug_allowed(k, cpus);
    if (!cpumask_intersects(affinity, cpus))
        return cpus;
    struct cpumask *both = cpumask_new(k->arena, k->machine->nr_cpus);
    cpumask_and(both, affinity, cpus);
    return both;
}

/* sched_setaffinity fails if nothing is left of the CPUs that are wanted. */
static bool
may_have_affinity(struct kernel *k, const struct task *p, const struct cpumask *wanted)
{
    return cpumask_intersects(wanted, hotplug_allowed(k, cpuset_of(k, p->group)));
}

/* Off a CPU that it may not use any more, to the next one of those that it may: so tasks that are
 * sent away together do not meet again on the first. As in the kernel, each new mask draws one,
 * whether or not it is needed (__set_cpus_allowed_ptr_locked). */
static void
move_to_allowed(struct kernel *k, struct task *p, const struct cpumask *before)
{
    if (p->on_rq && unlikely(k->hotplug != NULL))
        hotplug_before_placing(k, p);
    bool stays = !p->on_rq || cpumask_test(p->allowed, (uint32_t)p->cpu);
    if (p->state == TASK_NEW || (stays && cpumask_equal(before, p->allowed)))
        return;
    int to = cpumask_any_and_distribute(&k->rqs[k->this_cpu], k->machine->online, p->allowed);
    if (stays)
        return;
    if (p->state == TASK_RUNNING) {
        p->migrate_pending = true; /* it may be in the middle of an action */
        p->stop_cpu = to + 1;
        resched_curr(k, &k->rqs[p->cpu]);
    } else {
        move_queued_task(k, p, to);
    }
}

void
task_set_affinity(struct kernel *k, struct task *p, const struct cpumask *allowed)
{
    sim_assert(!cpumask_empty(allowed));
    if (p->policy == POLICY_DEADLINE && !cpumask_subset(k->machine->online, allowed)) {
        kernel_note(k, "%s is a deadline task and stays allowed on all CPUs (EBUSY)", p->name);
        return;
    }
    if (!may_have_affinity(k, p, allowed)) {
        kernel_note(k, "%s keeps its affinity: of CPUs %s none is online%s (EINVAL)", p->name,
                    cpumask_text(k->arena, allowed),
                    p->group->parent != NULL ? " and in its cpuset" : "");
        return;
    }
    const struct cpumask *before = p->allowed;
    if (unlikely(p->class == &ext_sched_class) && p->state != TASK_NEW) {
        ext_set_affinity(k, p, allowed);
    } else {
        p->affinity = allowed;
        task_see_allowed(k, p);
    }
    move_to_allowed(k, p, before);
}

void
task_find_allowed(struct kernel *k, struct task *p)
{
    p->allowed = allowed_within(k, p->affinity, p->group);
    p->nr_allowed = cpumask_weight(p->allowed);
}

void
task_see_allowed(struct kernel *k, struct task *p)
{
    struct rq *rq = &k->rqs[p->cpu];

    if (rq->curr == p)
        rq_catch_up(k, rq); /* ticks so far asked whether it fits with the CPUs of before */
    task_find_allowed(k, p);
    if (p->class->set_cpus_allowed != NULL && p->state != TASK_DEAD)
        p->class->set_cpus_allowed(k, p, p->allowed);
}

void
task_apply_cpuset(struct kernel *k, struct task *p)
{
    const struct cpumask *before = p->allowed;

    task_see_allowed(k, p);
    move_to_allowed(k, p, before);
}
