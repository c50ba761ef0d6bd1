/*
 * Should a page that a task has just faulted on move to the task's node (mpol_misplaced and
 * should_numa_migrate_memory; numa-balancing.md 1.9 and 1.10)?
 *
 * The access tag of the page remembers who faulted last, and from where. Under the default policy a
 * fault on a local page is decided before the tag is looked at, so the tag remembers the last
 * remote access: "two in a row" means among remote faults.
 */
#include "kernel/numa_group.h"
#include "kernel/numa_tier.h"

enum { EARLY_PASSES = 4 };

static inline bool
answer(struct numa_fault *f, const char *rule, bool yes)
{
    f->rule = rule;
    return yes;
}

/* Steps 9 and 10: does the group use the page's new node more than it would miss the old one? */
static bool
group_wants(struct kernel *k, struct numa_fault *f)
{
    const struct numa_group *g = f->p->numa->group;
    int src = f->src, dst = f->rq->node;
    uint64_t cpu_dst = group_faults_cpu(k, g, dst), cpu_src = group_faults_cpu(k, g, src);

    if (cpu_dst > 3 * cpu_src)
        return answer(f, "group_node", true);
    return answer(f, "group_balance",
                  cpu_dst * group_faults(k, g, src) * 3 > cpu_src * group_faults(k, g, dst) * 4);
}

static inline __attribute__((always_inline)) bool
should_migrate(struct kernel *k, struct numa_fault *f)
{
    const struct task_numa *n = f->p->numa;
    int dst = f->rq->node;

    if (k->mm->nodes[dst].nr_pages == 0)
        return answer(f, "no_memory", false);
    if (numa_uses_access_time(k, f->src))
        return numa_should_promote(k, f);
    uint32_t last = f->tag;
    f->tag = numa_tag(k, f->rq->cpu, f->p);
    if (last != 0 && numa_tag_cpu(k, last) >= (int)k->machine->nr_cpus)
        return answer(f, "stale_time", false); /* from when tiering was on */
    bool unset = numa_tag_pid_unset(k, last), mine = numa_tag_matches(k, last, f->p);
    if ((n->preferred == NUMA_NO_NODE || n->scan_seq <= EARLY_PASSES) && (unset || mine))
        return answer(f, "early_life", true);
    if (k->params.numa.two_stage_filter && !unset && k->rqs[numa_tag_cpu(k, last)].node != dst)
        return answer(f, "two_stage_filter", false);
    if (mine)
        return answer(f, "private", true);
    if (n->group == NULL)
        return answer(f, "no_group", true);
    return group_wants(k, f);
}

bool
should_numa_migrate_memory(struct kernel *k, struct numa_fault *f)
{
    return should_migrate(k, f);
}

/* Under the default policy a page belongs to whoever uses it. */
static inline bool
policy_lets_move(struct kernel *k, struct numa_fault *f)
{
    int here = f->rq->node;

    if (!mempolicy_migrates(f->policy))
        return answer(f, "no_mof", false);
    if (f->policy->mode != MPOL_DEFAULT)
        return answer(f, "policy_place", (f->policy->nodes & NODE_BIT(here)) != 0);
    if (f->src == here && !numa_quirk(k, LOCAL_TAG))
        f->tag = numa_tag(k, f->rq->cpu, f->p);
    return answer(f, "policy_place", f->src != here);
}

bool
numa_misplaced(struct kernel *k, struct numa_fault *f)
{
    if (!policy_lets_move(k, f) || !should_migrate(k, f))
        return false;
    if (f->src == f->rq->node)
        return answer(f, "already_here", false);
    if (!k->params.numa.migrate_pages)
        return answer(f, "migrate_pages_off", false);
    return true;
}
