/*
 * The reasons of CPU selection, for the probe: a row of decisions.csv suffices to make the choice
 * again (results/README.md, "Decisions about CPUs").
 *
 * Nothing here may change what it looks at. Values that the kernel computes when it needs them
 * (loads, which it refreshes once per jiffy) are shown only if the decision needed them.
 */
#include "base/text.h"
#include "kernel/select.h"

#include "kernel/fair.h"

/* 0: busy, 1: idle, 2: runs only SCHED_IDLE work. */
static int
idle_state(const struct kernel *k, int cpu)
{
    return idle_cpu(k, cpu) ? 1 : sched_idle_cpu(k, cpu) ? 2 : 0;
}

static void
probe_switches(struct kernel *k)
{
    probe_input(k, "wa_idle", sched_feat(k, WA_IDLE));
    probe_input(k, "wa_weight", sched_feat(k, WA_WEIGHT));
    probe_input(k, "wa_bias", sched_feat(k, WA_BIAS));
    probe_input(k, "sis_util", sched_feat(k, SIS_UTIL));
    probe_input(k, "smt_active", k->smt_active);
    probe_input(k, "cluster_active", k->domains->cluster_active);
    probe_input(k, "select.affinity", k->params.select.affinity);
    probe_input(k, "select.idle_sibling", k->params.select.idle_sibling);
}

static void
probe_weights(struct kernel *k, const struct wakeup *w)
{
    const struct task *waker = k->rqs[w->this_cpu].curr;
    const uint8_t *row =
        &k->domains->distances[(uint32_t)k->rqs[w->prev].node * k->machine->nr_nodes];

    probe_input(k, "imbalance_pct", w->sd->imbalance_pct);
    probe_input(k, "weight_this", (int64_t)(k->rqs[w->this_cpu].cfs.load_weight >> 10));
    probe_input(k, "weight_prev", (int64_t)(k->rqs[w->prev].cfs.load_weight >> 10));
    probe_input(k, "weight_current", waker != NULL ? waker->se.weight : 0);
    probe_input(k, "weight", w->p->se.weight);
    probe_input(k, "distance_this", row[k->rqs[w->this_cpu].node]);
    probe_input(k, "distance_prev", row[k->rqs[w->prev].node]);
}

static void
probe_loads(struct kernel *k, const struct affine_loads *l)
{
    probe_input(k, "imbalance_pct", l->imbalance_pct);
    probe_input(k, "load_this", (int64_t)l->this_load);
    probe_input(k, "load_current", (int64_t)l->current_load);
    probe_input(k, "h_load", (int64_t)l->task_load);
    probe_input(k, "load_prev", (int64_t)l->prev_load);
    probe_input(k, "capacity_this", (int64_t)l->this_capacity);
    probe_input(k, "capacity_prev", (int64_t)l->prev_capacity);
}

/* Which of the two CPUs: wake_affine. */
static void
probe_affine(struct kernel *k, const struct wakeup *w)
{
    const struct rq *rq = &k->rqs[w->this_cpu];

    probe_input(k, "this_cpu", w->this_cpu);
    probe_input(k, "prev_cpu", w->prev);
    probe_input(k, "sync", w->sync);
    probe_input(k, "waker_flips", w->waker_flips);
    probe_input(k, "wakee_flips", w->p->wakee.flips);
    probe_input(k, "llc_size", k->domains->cpus[w->this_cpu].llc_size);
    probe_input(k, "wake_wide", w->wide);
    probe_input(k, "allowed_this", allowed_on(w->p, w->this_cpu));
    probe_input(k, "want_affine", w->want_affine);
    probe_input(k, "affine_domain", w->sd != NULL);
    probe_input(k, "idle_this", idle_cpu(k, w->this_cpu));
    probe_input(k, "idle_prev", idle_cpu(k, w->prev));
    probe_input(k, "share_cache_this_prev", cpus_share_cache(k->domains, w->this_cpu, w->prev));
    probe_input(k, "nr_running_this", rq->nr_running);
    probe_input(k, "nr_delayed_this", rq->cfs.h_nr_queued - cfs_rq_runnable(k, &rq->cfs));
    probe_input(k, "node_this", rq->node);
    probe_input(k, "node_prev", k->rqs[w->prev].node);
    if (w->weighed)
        probe_loads(k, &w->loads);
    else if (w->affine_rule == AFFINE_VARIANT)
        probe_weights(k, w);
    probe_input(k, "target", w->target);
}

/* One CPU that may be found, in bits: idle_state, 4: its whole core idles, 8: in the target's
 * cluster. */
static void
probe_idle_candidate(struct kernel *k, const struct sched_domain *sd, int cpu)
{
    bool cluster = k->domains->cluster_active && sd->groups->flags & SD_CLUSTER &&
                   cpumask_test(sd->groups->span, (uint32_t)cpu);

    probe_candidate(k, "cpu", cpu, idle_state(k, cpu) | core_idle(k, cpu) << 2 | cluster << 3);
    if (k->smt_active)
        probe_input_of(k, "core_of_cpu", cpu, cpumask_first(cpu_smt_mask(k, cpu)));
    if (k->asym_cpucapacity)
        probe_input_of(k, "capacity_of_cpu", cpu, (int64_t)capacity_of(&k->rqs[cpu]));
}

static void
input_about(struct kernel *k, const char *before, const char *name, const char *after,
            int64_t value)
{
    char text[64], *end = text + sizeof(text);

    text_add(text_add(text_add(text, end, before), end, name), end, after);
    probe_input(k, text, value);
}

/* A CPU that is tried before the scan. */
static void
probe_tried(struct kernel *k, const struct wakeup *w, const char *name, int cpu)
{
    input_about(k, "state_", name, "", idle_state(k, cpu));
    input_about(k, "allowed_", name, "", allowed_on(w->p, cpu));
    input_about(k, "share_cache_", name, "_target", cpus_share_cache(k->domains, cpu, w->target));
    input_about(k, "share_cluster_", name, "_target",
                cpus_share_resources(k->domains, cpu, w->target));
    if (k->asym_cpucapacity)
        input_about(k, "capacity_", name, "", (int64_t)capacity_of(&k->rqs[cpu]));
}

/* An idle CPU near it: select_idle_sibling. */
static void
probe_sibling(struct kernel *k, const struct wakeup *w)
{
    const struct cpu_domains *cd = &k->domains->cpus[w->target];
    const struct sched_domain *sd = cd->asym_cpucapacity != NULL ? cd->asym_cpucapacity : cd->llc;

    probe_tried(k, w, "target", w->target);
    probe_tried(k, w, "prev", w->prev);
    probe_input(k, "recent_used_cpu", w->p->recent_used_cpu);
    probe_tried(k, w, "recent", w->p->recent_used_cpu);
    probe_input(k, "has_idle_cores", test_idle_cores(k, w->target));
    probe_input(k, "nr_idle_scan",
                cd->llc_shared != NULL ? (int64_t)cd->llc_shared->nr_idle_scan : -1);
    probe_input(k, "asym", k->asym_cpucapacity + (cd->asym_cpucapacity != NULL));
    if (k->asym_cpucapacity)
        probe_input(k, "util", (int64_t)wakee_util(w->p));
    if (sd == NULL)
        return;
    for (int cpu = cpumask_next_and(sd->span, w->p->allowed, 0); cpu >= 0;
         cpu = cpumask_next_and(sd->span, w->p->allowed, (uint32_t)cpu + 1))
        probe_idle_candidate(k, sd, cpu);
}

void
probe_wake(struct kernel *k, const struct wakeup *w)
{
    probe_switches(k);
    probe_affine(k, w);
    probe_sibling(k, w);
    probe_input(k, "fallback", select_fallback_rq(k, w->p));
}

/* ---- the slow path ---- */

/* A domain by name and level: "MC1.nr_running_of_group". */
static const char *
in_domain(char *text, size_t size, const struct sched_domain *sd, const char *what)
{
    const char *end = text + size;
    char *at = text_add(text, end, sd != NULL ? sd->name : "NODE");

    at = text_add_int(at, end, sd != NULL ? sd->level : 0);
    text_add(text_add(at, end, "."), end, what);
    return text;
}

static void
group_input(struct kernel *k, const struct sched_domain *sd, const char *what, uint32_t group,
            uint64_t value)
{
    char text[64];

    probe_input_of(k, in_domain(text, sizeof(text), sd, what), group, (int64_t)value);
}

void
probe_dst_group(struct kernel *k, const struct sched_domain *sd, const struct dst_stats *s,
                uint32_t index, bool local)
{
    int first = cpumask_first(s->group->span);
    char text[64];

    probe_candidate(k, in_domain(text, sizeof(text), sd, "idle_of_group"), index, s->idle_cpus);
    group_input(k, sd, "first_of_group", index, (uint64_t)first);
    group_input(k, sd, "local_of_group", index, local);
    group_input(k, sd, "weight_of_group", index, s->weight);
    group_input(k, sd, "nr_running_of_group", index, s->nr_running);
    group_input(k, sd, "load_of_group", index, s->load);
    group_input(k, sd, "util_of_group", index, s->util);
    group_input(k, sd, "runnable_of_group", index, s->runnable);
    group_input(k, sd, "capacity_of_group", index, s->capacity);
    group_input(k, sd, "imbalance_of_group", index, s->group->sgc->imbalance);
    group_input(k, sd, "misfit_of_group", index, s->misfit);
    group_input(k, sd, "max_capacity_of_group", index, s->group->sgc->max_capacity);
    group_input(k, sd, "node_of_group", index, (uint64_t)k->rqs[first].node);
}

void
probe_dst_domain(struct kernel *k, const struct sched_domain *sd, const struct task *p,
                 int this_cpu, const struct sched_group *local)
{
    char text[64];

    probe_input(k, in_domain(text, sizeof(text), sd, "imbalance_pct"), sd->imbalance_pct);
    probe_input(k, in_domain(text, sizeof(text), sd, "numa"), (sd->flags & SD_NUMA) != 0);
    probe_input(k, in_domain(text, sizeof(text), sd, "imb_numa_nr"), sd->imb_numa_nr);
    probe_input(k, in_domain(text, sizeof(text), sd, "allowed_in_local"),
                local != NULL ? allowed_in(p, local->span) : 0);
    probe_input(k, in_domain(text, sizeof(text), sd, "this_cpu"), this_cpu);
    probe_input(k, in_domain(text, sizeof(text), sd, "this_node"), k->rqs[this_cpu].node);
    probe_input(k, in_domain(text, sizeof(text), sd, "preferred_node"), preferred_node(p));
}

void
probe_idle_cpu(struct kernel *k, const struct sched_domain *sd, const struct rq *rq)
{
    char text[64];

    probe_candidate(k, in_domain(text, sizeof(text), sd, "idle_since_of_cpu"), rq->cpu,
                    (int64_t)rq->idle_since);
    if (rq->idle_rank != 0)
        probe_input_of(k, in_domain(text, sizeof(text), sd, "idle_rank_of_cpu"), rq->cpu,
                       rq->idle_rank);
}

void
probe_load_of_cpu(struct kernel *k, const struct sched_domain *sd, int cpu, uint64_t load)
{
    char text[64];

    probe_candidate(k, in_domain(text, sizeof(text), sd, "load_of_cpu"), cpu, (int64_t)load);
}

void
probe_sched_idle_cpu(struct kernel *k, const struct sched_domain *sd, int cpu)
{
    char text[64];

    probe_input(k, in_domain(text, sizeof(text), sd, "sched_idle_cpu"), cpu);
}
