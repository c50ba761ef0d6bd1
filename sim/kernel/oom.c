/*
 * Out of memory: whose process is killed, and how it goes (mm/oom_kill.c).
 *
 * The victim is the process with most pages in memory and in swap, the younger of equals. If a
 * policy or a cpuset left only some nodes, a process counts only if one of its threads may use one
 * of them: a thread with a BIND policy or a cpuset elsewhere would free nothing. Bindings of memory
 * ranges are not looked at, as in the kernel, so that a process without a hand in it may go.
 *
 * Model assumptions: the victim's memory is free at once (the kernel's reaper needs milliseconds);
 * a victim that is the process that asks frees its memory when its first thread exits. Locks that
 * its threads hold stay locked, as mutexes do that are not robust.
 */
#include "kernel/oom.h"

#include "kernel/burst.h"
#include "kernel/filemap.h"
#include "kernel/mempolicy.h"
#include "kernel/rq.h"
#include "kernel/swap.h"
#include "kernel/vma.h"

static bool
may_use(const struct kernel *k, const struct task *p, nodemask nodes)
{
    const struct mempolicy *policy = p->mem != NULL ? &p->mem->policy : NULL;

    if (p->state == TASK_DEAD || !(task_mems(k, p) & nodes))
        return false;
    return policy == NULL || policy->mode != MPOL_BIND || (policy->nodes & nodes);
}

static bool
eligible(const struct kernel *k, const struct process *pr, nodemask nodes)
{
    if (pr->killed)
        return false;
    for (uint32_t i = 0; i < pr->nr_members; i++)
        if (may_use(k, pr->members[i], nodes))
            return true;
    return false;
}

/* Pages in memory and in swap (oom_badness). */
static uint64_t
badness(const struct mm *mm)
{
    uint64_t pages = mm->rss_pages;

    for (const struct vma *v = mm->vmas; v != NULL; v = v->next)
        pages += v->first == 0 ? swap_pages(v->map->region) : 0;
    return pages;
}

static struct process *
choose_victim(struct kernel *k, nodemask nodes)
{
    struct process *victim = NULL;

    for (uint32_t i = 0; i < k->nr_processes; i++) {
        struct process *pr = k->processes[i];

        if (eligible(k, pr, nodes) && (victim == NULL || badness(pr->mm) >= badness(victim->mm)))
            victim = pr;
    }
    return victim;
}

static const char *
nodes_text(const struct kernel *k, nodemask nodes)
{
    const char *text = "";

    for_each_node (n, nodes)
        text = arena_printf(k->arena, "%s%s%u", text, text[0] != '\0' ? "," : "",
                            k->machine->nodes[n].os_index);
    return text;
}

static void
tell(struct kernel *k, const struct task *p, const struct process *victim, nodemask nodes,
     bool bound)
{
    uint64_t us = k->engine.now / 1000;

    kernel_note(k,
                "out of memory at %llu.%06llu s: %s finds no page on node %s (%s), and process %s "
                "with %llu MiB is killed",
                (unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000), p->name,
                nodes_text(k, nodes),
                bound                                       ? "bound by a policy"
                : nodes == machine_memory_nodes(k->machine) ? "all there are"
                                                            : "all that its cpuset allows",
                victim->name, (unsigned long long)(victim->mm->rss_pages >> 8));
}

static void
nobody(struct kernel *k, nodemask nodes, bool bound)
{
    uint64_t free_pages = 0;

    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        free_pages += k->mm->nodes[n].free_pages;
    kernel_fail(k,
                "out of memory: no page is left on node %s%s, and no process can be killed for "
                "one; %llu MiB are free on the machine",
                nodes_text(k, nodes), bound ? ", which a policy names" : "",
                (unsigned long long)(free_pages >> 8));
}

bool
out_of_memory(struct kernel *k, struct task *p, nodemask nodes, bool bound)
{
    if (p != NULL && p->process->killed)
        return false;
    struct process *victim = p != NULL ? choose_victim(k, nodes) : NULL;
    if (victim == NULL) {
        nobody(k, nodes, bound);
        return false;
    }
    tell(k, p, victim, nodes, bound);
    k->stats.oom_kill++;
    process_kill(k, victim);
    if (victim == p->process)
        return false;
    process_reap(k, victim);
    return true;
}

static void
kill_task(struct kernel *k, struct task *p)
{
    struct rq *rq = &k->rqs[p->cpu];

    if (p->state == TASK_NEW || p->state == TASK_DEAD)
        return;
    if (rq->curr == p) {
        burst_settle(k, rq);
        p->spinning = false;
        p->work_left = 0;
        engine_at(&k->engine, &rq->burst_ev, SIM_MAX(k->engine.now, rq->burst_at));
        return;
    }
    p->spinning = p->in_burst = false;
    task_wake(k, p, NULL, false);
}

void
process_kill(struct kernel *k, struct process *pr)
{
    pr->killed = true;
    for (uint32_t i = 0; i < pr->nr_members; i++)
        kill_task(k, pr->members[i]);
}

static bool
all_killed(const struct region *r)
{
    for (const struct mapping *m = r->maps; m != NULL; m = m->next)
        if (m->mm != NULL && !m->mm->process->killed)
            return false;
    return true;
}

/* What others map as well stays, until they are killed too. */
void
process_reap(struct kernel *k, struct process *pr)
{
    for (const struct vma *v = pr->mm->vmas; v != NULL; v = v->next)
        if (v->first == 0 && !region_is_file(v->map->region) && all_killed(v->map->region))
            region_unmap(k, v->map->region);
    pr->reaped = true;
}
