/*
 * CPU selection of the fair class: the ways in (select_task_rq_fair; sched-core.md 3.1, 3.2, 3.5).
 *
 * A wake-up takes the fast path: near the waker or the old CPU, then an idle CPU close to that. No
 * domain has SD_BALANCE_WAKE, so it never takes the slow one. Fork and exec do: down the domain
 * tree, from the highest domain that has the flag.
 */
#include "kernel/select.h"

/* Threads of a core, shared by them all. */
static void
join_core(struct kernel *k, const int *first, int cpu)
{
    struct cpu_domains *own = &k->domains->cpus[cpu];

    if (first[cpu] == cpu)
        own->smt_mask = cpumask_new(k->arena, k->machine->nr_cpus);
    else
        own->smt_mask = k->domains->cpus[first[cpu]].smt_mask;
    cpumask_set(own->smt_mask, (uint32_t)cpu);
    k->smt_active |= first[cpu] != cpu;
}

/* The first online CPU of the core of each, by CPU. */
static int *
first_of_cores(struct kernel *k)
{
    const struct machine *m = k->machine;
    int *first = arena_new_array(k->arena, int, m->nr_cpus), last = 0;

    for_each_cpu (cpu, m->online)
        last = SIM_MAX(last, m->cpus[cpu].core);
    int *of_core = arena_new_array(k->arena, int, (size_t)last + 1);
    for (int i = 0; i <= last; i++)
        of_core[i] = -1;
    for_each_cpu (cpu, m->online) {
        int32_t core = m->cpus[cpu].core;

        if (core >= 0 && of_core[core] < 0)
            of_core[core] = cpu;
        first[cpu] = core >= 0 ? of_core[core] : cpu;
    }
    return first;
}

/* Which of the CPUs that idle from the start is taken to have become idle last: the seed's. */
static void
draw_idle_ranks(struct kernel *k)
{
    struct rng r;

    rng_init(&r, k->seed, "tie rotor", 0);
    for_each_cpu (cpu, k->machine->online)
        k->rqs[cpu].idle_rank = k->params.noise.tie_rotor ? (uint32_t)rng_below(&r, 1 << 30) : 0;
}

void
select_rebuild(struct kernel *k)
{
    const int *first = first_of_cores(k);

    k->smt_active = k->asym_cpucapacity = false;
    for_each_cpu (cpu, k->machine->online) {
        join_core(k, first, cpu);
        k->asym_cpucapacity |= k->domains->cpus[cpu].asym_cpucapacity != NULL;
    }
    for_each_cpu (cpu, k->machine->online)
        if (first[cpu] == cpu)
            cpumask_trim(k->domains->cpus[cpu].smt_mask);
}

void
select_init(struct kernel *k)
{
    select_rebuild(k);
    for_each_cpu (cpu, k->machine->online) {
        struct cpu_domains *cd = &k->domains->cpus[cpu];

        if (k->params.select.settled && cd->llc_shared != NULL) {
            cd->llc_shared->nr_idle_scan = cd->llc_size;
            cd->llc_shared->has_idle_cores = true;
        }
    }
    draw_idle_ranks(k);
}

int
select_fallback_rq(const struct kernel *k, const struct task *p)
{
    int node = k->machine->cpus[p->cpu].node, cpu;

    cpu = node >= 0 ? cpumask_next_and(k->machine->nodes[node].cpus, p->allowed, 0) : -1;
    return cpu >= 0 ? cpu : cpumask_first(p->allowed);
}

/* The lowest domain of the waker's CPU that contains the old one, if wakees may be pulled there. */
static struct sched_domain *
affine_domain(const struct kernel *k, const struct wakeup *w)
{
    for_each_domain (sd, k->domains->cpus[w->this_cpu].sd)
        if (sd->flags & SD_WAKE_AFFINE && cpumask_test(sd->span, (uint32_t)w->prev))
            return sd;
    return NULL;
}

/* The kernel's fast path, or what a variant puts in its place. */
static int
wakeup_cpu(struct kernel *k, struct wakeup *w)
{
    struct sched_domain *sd = w->want_affine && w->this_cpu != w->prev ? affine_domain(k, w) : NULL;
    int cpu = -1;

    if (unlikely(k->params.select.wake != WAKE_LINUX))
        cpu = wake_variant_cpu(k, w);
    if (likely(cpu < 0) && sd != NULL)
        wake_affine(k, sd, w);
    if (k->asym_cpucapacity)
        sync_entity_load_avg(k, &w->p->se);
    if (probe_wants(k, DECISION_WAKE))
        probe_wake(k, w);
    if (unlikely(cpu >= 0))
        return cpu;
    if (likely(k->params.select.idle_sibling))
        return select_idle_sibling(k, w);
    w->rule = w->target == w->this_cpu ? "wake_affine:this_cpu" : "wake_affine:prev";
    return w->target;
}

static int
select_for_wakeup(struct kernel *k, struct task *p, int cpu, int flags)
{
    struct wakeup w; /* its loads are not cleared: they mean something once it is weighed */

    w.p = p;
    w.this_cpu = cpu;
    w.prev = w.target = p->cpu;
    w.sync = flags & WF_SYNC;
    w.kthread = flags & WF_KTHREAD;
    w.waker_flips = 0;
    w.sd = NULL;
    w.affine_rule = AFFINE_NONE;
    w.weighed = false;
    w.rule = NULL;
    record_wakee(k, cpu, p);
    w.wide = wake_wide(k, &w);
    w.want_affine = !w.wide && allowed_on(p, cpu);
    int chosen = wakeup_cpu(k, &w);
    if (unlikely(!allowed_on(p, chosen))) {
        w.rule = "select_fallback_rq";
        chosen = select_fallback_rq(k, p);
    }
    return (int)probe_decide(k, DECISION_WAKE, w.rule, p, cpu, chosen);
}

/* The highest domain, from the lowest on, up to which all have the flag. */
static struct sched_domain *
highest_with_flag(const struct kernel *k, const struct task *p, int cpu, uint32_t flag)
{
    bool stay = flag == SD_BALANCE_FORK && k->params.select.fork == FORK_PARENT_NODE &&
                cpumask_intersects(k->machine->nodes[k->rqs[cpu].node].cpus, p->allowed);
    struct sched_domain *found = NULL;

    for_each_domain (sd, k->domains->cpus[cpu].sd) {
        if (!(sd->flags & flag) || (stay && sd->flags & SD_NUMA))
            break;
        found = sd;
    }
    return found;
}

/* Fork and exec. */
static int
select_slow(struct kernel *k, struct task *p, int cpu, uint32_t flag)
{
    enum decision_kind kind = flag == SD_BALANCE_FORK ? DECISION_FORK : DECISION_EXEC;
    struct sched_domain *sd = highest_with_flag(k, p, cpu, flag);
    const char *rule = sd != NULL ? "sched_balance_find_dst_cpu" : "no_domain";

    k->select_kind = kind;
    if (probe_wants(k, kind)) {
        probe_input(k, "this_cpu", cpu);
        probe_input(k, "prev_cpu", p->cpu);
        probe_input(k, "fallback", select_fallback_rq(k, p));
    }
    int chosen = sd != NULL ? sched_balance_find_dst_cpu(k, sd, p, cpu, p->cpu, flag) : p->cpu;
    if (unlikely(!allowed_on(p, chosen))) {
        rule = "select_fallback_rq";
        chosen = select_fallback_rq(k, p);
    }
    return (int)probe_decide(k, kind, rule, p, cpu, chosen);
}

int
select_task_rq_fair(struct kernel *k, struct task *p, int cpu, int flags)
{
    if (likely(flags & WF_TTWU))
        return select_for_wakeup(k, p, cpu, flags);
    return select_slow(k, p, cpu, flags & WF_FORK ? SD_BALANCE_FORK : SD_BALANCE_EXEC);
}
