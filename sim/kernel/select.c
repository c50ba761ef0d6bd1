/*
 * CPU selection for wake-ups (sched-core.md 3.2 and 3.3); new tasks are placed by select_fork.c.
 *
 * A wakee goes to an idle CPU near its old CPU or near its waker. Load is the sum of weights queued
 * (no load tracking yet).
 */
#include "kernel/select.h"

static struct sched_domain *
smt_domain(const struct kernel *k, int cpu)
{
    struct sched_domain *sd = k->domains->cpus[cpu].sd;

    return sd != NULL && sd->flags & SD_SHARE_CPUCAPACITY ? sd : NULL;
}

static bool
core_idle(const struct kernel *k, int cpu)
{
    const struct sched_domain *smt = smt_domain(k, cpu);

    return smt != NULL ? cpumask_subset(smt->span, k->idle_cpus) : idle_cpu(k, cpu);
}

static void
record_wakee(struct kernel *k, struct task *waker, const struct task *p)
{
    uint64_t now = jiffies(k);

    if (now > waker->wakee_decay + k->params.sched.hz) {
        waker->wakee_flips >>= 1;
        waker->wakee_decay = now;
    }
    if (waker->last_wakee != p->id) {
        waker->last_wakee = p->id;
        waker->wakee_flips++;
    }
}

/* A waker with many wakees is not worth being near to. */
static bool
wake_wide(const struct kernel *k, const struct task *waker, const struct task *p)
{
    uint32_t master = waker->wakee_flips, slave = p->wakee_flips;
    uint32_t factor = k->domains->cpus[waker->cpu].llc_size;

    if (master < slave) {
        uint32_t t = master;
        master = slave;
        slave = t;
    }
    return slave >= factor && master >= slave * factor;
}

static int
wake_affine_idle(const struct kernel *k, int this_cpu, int prev, bool sync)
{
    if (idle_cpu(k, this_cpu) && cpus_share_cache(k->domains, this_cpu, prev))
        return idle_cpu(k, prev) ? prev : this_cpu;
    if (sync && k->rqs[this_cpu].nr_running == 1)
        return this_cpu;
    return idle_cpu(k, prev) ? prev : -1;
}

static int
wake_affine_weight(const struct kernel *k, const struct sched_domain *sd, const struct task *p,
                   int this_cpu, int prev, bool sync)
{
    int64_t here = (int64_t)k->rqs[this_cpu].cfs.load_weight >> 10,
            there = (int64_t)k->rqs[prev].cfs.load_weight >> 10;

    if (sync && k->rqs[this_cpu].curr != NULL) {
        int64_t current = k->rqs[this_cpu].curr->se.weight;
        if (current > here)
            return this_cpu;
        here -= current;
    }
    here = (here + p->se.weight) * 100;
    there = there * (100 + ((int64_t)sd->imbalance_pct - 100) / 2) + (sync ? 1 : 0);
    return here < there ? this_cpu : -1;
}

static int
wake_affine(const struct kernel *k, const struct sched_domain *sd, const struct task *p,
            int this_cpu, int prev, bool sync)
{
    int target = wake_affine_idle(k, this_cpu, prev, sync);

    if (target < 0)
        target = wake_affine_weight(k, sd, p, this_cpu, prev, sync);
    return target == this_cpu ? this_cpu : prev;
}

/* An idle CPU in the target's LLC, whole idle cores first; -1: none. */
static int
select_idle_cpu(const struct kernel *k, const struct task *p, int target,
                const struct cpumask *span)
{
    bool smt = smt_domain(k, target) != NULL;
    int any = -1;
    uint32_t from = (uint32_t)target + 1;

    for (int wrapped = 0; wrapped < 2; wrapped++) {
        for (int cpu = cpumask_next_and(span, k->idle_cpus, wrapped ? 0 : from); cpu >= 0;
             cpu = cpumask_next_and(span, k->idle_cpus, (uint32_t)cpu + 1)) {
            if (wrapped && (uint32_t)cpu >= from)
                break;
            if (!allowed_on(p, cpu))
                continue;
            if (!smt || core_idle(k, cpu))
                return cpu;
            if (any < 0)
                any = cpu;
        }
    }
    return any;
}

static int
select_idle_sibling(struct kernel *k, struct task *p, int prev, int target, const char **rule)
{
    const struct cpu_domains *cd = &k->domains->cpus[target];
    int recent = p->recent_used_cpu;

    *rule = "select_idle_sibling:target";
    if (idle_cpu(k, target) && allowed_on(p, target))
        return target;
    *rule = "select_idle_sibling:prev";
    if (prev != target && cpus_share_cache(k->domains, prev, target) && idle_cpu(k, prev) &&
        allowed_on(p, prev))
        return prev;
    p->recent_used_cpu = prev;
    *rule = "select_idle_sibling:recent_used_cpu";
    if (recent != prev && recent != target && cpus_share_cache(k->domains, recent, target) &&
        idle_cpu(k, recent) && allowed_on(p, recent))
        return recent;
    *rule = "select_idle_cpu";
    int cpu = cd->llc != NULL ? select_idle_cpu(k, p, target, cd->llc->span) : -1;
    if (cpu >= 0)
        return cpu;
    *rule = "select_idle_sibling:no_idle_cpu";
    return target;
}

/* ---- the decision ---- */

int
fallback_cpu(const struct kernel *k, const struct task *p, int cpu)
{
    int node = k->machine->cpus[p->cpu].node;

    if (allowed_on(p, cpu))
        return cpu;
    cpu = node >= 0 ? cpumask_next_and(k->machine->nodes[node].cpus, p->allowed, 0) : -1;
    return cpu >= 0 ? cpu : cpumask_first(p->allowed);
}

static void
probe_wake(struct kernel *k, const struct task *p, int cpu, int prev, bool want_affine)
{
    const struct cpu_domains *cd = &k->domains->cpus[prev];

    probe_input(k, "this_cpu", cpu);
    probe_input(k, "prev_cpu", prev);
    probe_input(k, "want_affine", want_affine);
    probe_input(k, "load_this", (int64_t)k->rqs[cpu].cfs.load_weight >> 10);
    probe_input(k, "load_prev", (int64_t)k->rqs[prev].cfs.load_weight >> 10);
    probe_input(k, "weight", p->se.weight);
    probe_input(k, "idle_this", idle_cpu(k, cpu));
    probe_input(k, "idle_prev", idle_cpu(k, prev));
    probe_input(k, "recent_used_cpu", p->recent_used_cpu);
    probe_input(k, "idle_recent", idle_cpu(k, p->recent_used_cpu));
    if (cd->llc != NULL)
        for_each_cpu (c, cd->llc->span)
            probe_candidate(k, "cpu", c, idle_cpu(k, c));
}

static int
select_for_wakeup(struct kernel *k, struct task *p, int cpu, int flags)
{
    struct task *waker = k->rqs[cpu].curr;
    int prev = p->cpu, target = prev;
    bool sync = flags & WF_SYNC, want_affine = waker == NULL;
    const char *rule;

    if (waker != NULL) {
        record_wakee(k, waker, p);
        want_affine = !wake_wide(k, waker, p);
    }
    want_affine = want_affine && allowed_on(p, cpu);
    if (want_affine && cpu != prev)
        for_each_domain (sd, k->domains->cpus[cpu].sd)
            if (sd->flags & SD_WAKE_AFFINE && cpumask_test(sd->span, (uint32_t)prev)) {
                target = wake_affine(k, sd, p, cpu, prev, sync);
                break;
            }
    if (probe_wants(k, DECISION_WAKE))
        probe_wake(k, p, cpu, prev, want_affine);
    int chosen = select_idle_sibling(k, p, prev, target, &rule);
    chosen = fallback_cpu(k, p, chosen);
    return (int)probe_decide(k, DECISION_WAKE, rule, p, cpu, chosen);
}

int
select_task_rq_fair(struct kernel *k, struct task *p, int cpu, int flags)
{
    return flags & WF_FORK ? select_for_fork(k, p, cpu) : select_for_wakeup(k, p, cpu, flags);
}
