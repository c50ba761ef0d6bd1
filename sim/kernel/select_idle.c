/*
 * An idle CPU near the target of a wake-up (sched-core.md 3.3): the first hit wins.
 *
 * CPUs that run only SCHED_IDLE work count as idle almost everywhere; a whole core that idles must
 * really do so. Where the kernel would look whether the waker is a per-CPU kernel thread, there is
 * nothing here: no such threads are simulated.
 */
#include "kernel/select.h"

void
update_idle_core(struct kernel *k, struct rq *rq)
{
    struct sched_domain_shared *sds = k->domains->cpus[rq->cpu].llc_shared;

    if (!k->smt_active || sds == NULL || sds->has_idle_cores)
        return;
    sds->has_idle_cores = core_idle(k, rq->cpu);
}

bool
asym_fits_cpu(const struct kernel *k, const struct task *p, int cpu)
{
    return !k->asym_cpucapacity || fits_capacity(wakee_util(p), capacity_of(&k->rqs[cpu]));
}

/* Idle, or as good as, and large enough. */
static bool
suits(const struct kernel *k, const struct task *p, int cpu)
{
    return idle_or_sched_idle(k, cpu) && asym_fits_cpu(k, p, cpu);
}

/* With clusters a CPU of the same LLC is second choice unless it is in the same cluster. */
static bool
near_enough(const struct kernel *k, int cpu, int target)
{
    return !k->domains->cluster_active || cpus_share_resources(k->domains, cpu, target);
}

static bool
recent_suits(const struct kernel *k, const struct wakeup *w, int recent)
{
    return recent != w->prev && recent != w->target &&
           cpus_share_cache(k->domains, recent, w->target) && idle_or_sched_idle(k, recent) &&
           allowed_on(w->p, recent) && asym_fits_cpu(k, w->p, recent);
}

/* The wakee queued work for its CPU, and the worker there, which runs alone, says that it is done:
 * it will sleep. */
static bool
finishes_here(const struct kernel *k, const struct wakeup *w)
{
    return w->prev == w->this_cpu && k->rqs[w->prev].nr_running <= 1 &&
           asym_fits_cpu(k, w->p, w->prev);
}

static int
hit(struct wakeup *w, const char *rule, int cpu)
{
    w->rule = rule;
    return cpu;
}

/* An idle CPU in the LLC of the target, or -1. */
static int
scan_llc(struct kernel *k, struct wakeup *w, const struct sched_domain *llc)
{
    bool has_idle_core = k->smt_active && test_idle_cores(k, w->target);

    if (k->smt_active && !has_idle_core && cpus_share_cache(k->domains, w->prev, w->target)) {
        int cpu = select_idle_smt(k, w->p, llc, w->prev);
        if (cpu >= 0)
            return hit(w, "select_idle_smt", cpu);
    }
    return hit(w, has_idle_core ? "select_idle_core" : "select_idle_cpu",
               select_idle_cpu(k, w->p, llc, has_idle_core, w->target));
}

int
select_idle_sibling(struct kernel *k, struct wakeup *w)
{
    const struct cpu_domains *cd = &k->domains->cpus[w->target];
    int prev_aff = -1, recent = w->p->recent_used_cpu;

    if (suits(k, w->p, w->target))
        return hit(w, "select_idle_sibling:target", w->target);
    if (w->prev != w->target && cpus_share_cache(k->domains, w->prev, w->target) &&
        suits(k, w->p, w->prev)) {
        if (near_enough(k, w->prev, w->target))
            return hit(w, "select_idle_sibling:prev", w->prev);
        prev_aff = w->prev;
    }
    if (unlikely(w->kthread) && finishes_here(k, w))
        return hit(w, "select_idle_sibling:per_cpu_kthread", w->prev);
    w->p->recent_used_cpu = w->prev;
    if (!recent_suits(k, w, recent))
        recent = -1;
    else if (near_enough(k, recent, w->target))
        return hit(w, "select_idle_sibling:recent_used_cpu", recent);
    if (cd->asym_cpucapacity != NULL) {
        int cpu = select_idle_capacity(k, w->p, cd->asym_cpucapacity, w->target);
        return hit(w, "select_idle_capacity", cpu >= 0 ? cpu : w->target);
    }
    int cpu = cd->llc != NULL ? scan_llc(k, w, cd->llc) : -1;
    if (cpu >= 0)
        return cpu;
    if (prev_aff >= 0)
        return hit(w, "select_idle_sibling:prev_aff", prev_aff);
    if (recent >= 0)
        return hit(w, "select_idle_sibling:recent_aff", recent);
    return hit(w, "select_idle_sibling:no_idle_cpu", w->target);
}
