/*
 * Should a page that a task has just faulted on move to the task's node (mpol_misplaced and
 * should_numa_migrate_memory; numa-balancing.md 1.9 and 1.10)?
 *
 * The access tag of the page remembers who faulted last, and from where. Under the default policy a
 * fault on a local page is decided before the tag is looked at, so the tag remembers the last
 * remote access: "two in a row" means among remote faults.
 *
 * Inline, since faults ask for every unit of pages; whoever asks for one only uses
 * numa_misplaced().
 */
#pragma once

#include "kernel/numa_group.h"
#include "kernel/numa_tier.h"

enum { NUMA_EARLY_PASSES = 4 };

static inline bool
numa_answer(struct numa_fault *f, const char *rule, bool yes)
{
    f->rule = rule;
    return yes;
}

/* Steps 9 and 10: does the group use the page's new node more than it would miss the old one? */
bool numa_group_wants(struct kernel *k, struct numa_fault *f);

/* Does the tag name a CPU (cpupid_valid)? One that is unset has all bits set, and names none; nor
 * does a time from when tiering was on. */
static inline bool
numa_tag_has_cpu(const struct kernel *k, const struct numa_fault *f, uint32_t tag)
{
    return tag != 0 && (tag - 1) >> f->self.shift < k->machine->nr_cpus;
}

/* Such a tag of a page on a slow node may be a time: it is not judged by. So without tiering, too,
 * the first fault on a page of a slow node moves nothing, and is not accounted. */
static inline bool
numa_tag_stale(const struct kernel *k, const struct numa_fault *f, uint32_t tag, int node)
{
    return !numa_tag_has_cpu(k, f, tag) && unlikely(!node_is_toptier(k, node));
}

/* `mine`: numa_tag_is_mine() of the tag; `timed`: numa_uses_access_time() of the page's node. */
static inline __attribute__((always_inline)) bool
numa_should_migrate(struct kernel *k, struct numa_fault *f, bool mine, bool timed)
{
    const struct task_numa *n = f->p->numa;
    int dst = f->rq->node;

    if (k->mm->nodes[dst].nr_pages == 0)
        return numa_answer(f, "no_memory", false);
    if (unlikely(timed))
        return numa_should_promote(k, f);
    uint32_t last = f->tag;
    f->tag = f->self.own;
    if (numa_tag_stale(k, f, last, f->src))
        return numa_answer(f, "stale_time", false);
    bool unset = numa_tag_pid_unset(k, last);
    if ((n->preferred == NUMA_NO_NODE || n->scan_seq <= NUMA_EARLY_PASSES) && (unset || mine))
        return numa_answer(f, "early_life", true);
    if (k->params.numa.two_stage_filter && !unset &&
        k->rqs[(last - 1) >> f->self.shift].node != dst)
        return numa_answer(f, "two_stage_filter", false);
    if (mine)
        return numa_answer(f, "private", true);
    if (n->group == NULL)
        return numa_answer(f, "no_group", true);
    return numa_group_wants(k, f);
}

/* Under the default policy a page belongs to whoever uses it. */
static inline __attribute__((always_inline)) bool
numa_policy_lets_move(struct kernel *k, struct numa_fault *f)
{
    int here = f->rq->node;

    if (!mempolicy_migrates(f->policy))
        return numa_answer(f, "no_mof", false);
    if (f->policy->mode != MPOL_DEFAULT)
        return (f->policy->nodes & NODE_BIT(here)) || numa_answer(f, "policy_place", false);
    if (f->src != here)
        return true;
    if (!numa_quirk(k, LOCAL_TAG))
        f->tag = f->self.own;
    return numa_answer(f, "policy_place", false);
}

static inline __attribute__((always_inline)) bool
numa_is_misplaced(struct kernel *k, struct numa_fault *f, bool mine, bool timed)
{
    if (!numa_policy_lets_move(k, f) || !numa_should_migrate(k, f, mine, timed))
        return false;
    if (f->src == f->rq->node)
        return numa_answer(f, "already_here", false);
    if (!k->params.numa.migrate_pages)
        return numa_answer(f, "migrate_pages_off", false);
    return true;
}
