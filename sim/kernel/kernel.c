/*
 * Building a kernel: domains, run queues, the slots of its events; and what the whole of it can be
 * asked for at the end.
 */
#include "kernel/kernel.h"

#include "kernel/balance.h"
#include "kernel/burst.h"
#include "kernel/caches.h"
#include "kernel/cfs_rq.h"
#include "kernel/copies.h"
#include "kernel/core.h"
#include "kernel/deadline.h"
#include "kernel/device.h"
#include "kernel/dl_server.h"
#include "kernel/ext.h"
#include "kernel/fair_cfs.h"
#include "kernel/fetch.h"
#include "kernel/group.h"
#include "kernel/host_turns.h"
#include "kernel/hotplug.h"
#include "kernel/memory_model.h"
#include "kernel/mm.h"
#include "kernel/numa.h"
#include "kernel/push.h"
#include "kernel/requests.h"
#include "kernel/rt.h"
#include "kernel/sched_stats.h"
#include "kernel/timer_slack.h"

static void
engine_slots(struct kernel *k, const struct kernel_limits *limits)
{
    uint32_t cpus = k->machine->nr_cpus;
    uint32_t nr[EVENT_KIND_NR] = {
        [EVENT_BURST] = cpus,
        [EVENT_TICK] = cpus,
        [EVENT_BALANCE] = cpus,
        [EVENT_KICK] = cpus,
        [EVENT_TASK] = limits->max_tasks,
        [EVENT_SOURCE] = limits->nr_sources,
        [EVENT_DL] = 2 * cpus + limits->max_tasks, /* fair servers, rt periods, tasks */
        [EVENT_CGROUP] = 2 * limits->nr_groups,    /* period and slack */
        [EVENT_RATES] = 1,
        [EVENT_SAMPLER] = limits->nr_samplers,
        [EVENT_NOHZ] = 1,
        [EVENT_HOST] = 1 + (k->params.sched.host_turn > 0 ? cpus : 0),
        [EVENT_HOTPLUG] = limits->nr_hotplug,
        [EVENT_KSWAPD] = k->machine->nr_nodes,
        [EVENT_KHUGEPAGED] = 1,
        [EVENT_POLICY] = limits->nr_policy_timers,
        [EVENT_EXT] = limits->ext ? cpus + 8 : 0,
        [EVENT_COPIES] = 1,
        [EVENT_MOVED] = limits->max_tasks,
    };

    devices_slots(k->machine, limits, &nr[EVENT_DEVICE]);
    engine_init(&k->engine, k->arena, nr, ENGINE_QUEUE_AUTO);
    k->engine.owner = k;
}

static void
rq_init(struct kernel *k, struct rq *rq, int cpu)
{
    uint32_t index = (uint32_t)cpu;

    rq->cpu = cpu;
    rq->node = k->machine->cpus[cpu].node;
    rq->rate = rq->speed = RATE_FULL;
    rq->next_balance = jiffies(k) + 1;
    cfs_rq_init(&rq->cfs, k->arena);
    list_init(&rq->cfs_tasks);
    rt_rq_init(k, rq);
    dl_rq_init(k, rq);
    dl_server_init(k, rq);
    list_init(&rq->leaf_cfs_rqs);
    list_init(&rq->cfs.leaf_node);
    list_init(&rq->cfs.throttled_node);
    rq->unseen_tick = SIM_NEVER;
    rq->capacity_orig = rq->cpu_capacity = k->machine->cpus[cpu].capacity;
    rng_init(&rq->rng, k->seed, "cpu", index);
    event_init(&k->engine, &rq->burst_ev, EVENT_BURST, index, PHASE_COMPLETE, burst_fire);
    event_init(&k->engine, &rq->tick_ev, EVENT_TICK, index, PHASE_TICK, tick_fire);
    event_init(&k->engine, &rq->balance_ev, EVENT_BALANCE, index, PHASE_BALANCE, balance_fire);
    event_init(&k->engine, &rq->kick_ev, EVENT_KICK, index, PHASE_RESCHED, kick_fire);
}

uint64_t
sched_tunable_factor(const struct kernel *k)
{
    uint32_t cpus = SIM_MIN(k->nr_online, 8);
    uint64_t factor = 1;

    if (k->params.sched.tunable_scaling == SCALING_LINEAR)
        factor = cpus;
    else if (k->params.sched.tunable_scaling == SCALING_LOG)
        for (; cpus > 1; cpus /= 2)
            factor++;
    return factor;
}

/* What the seed decides besides the workload's draws. */
static void
draw_noise(struct kernel *k)
{
    int start = cpumask_first(k->machine->online);
    struct rng r;

    rng_init(&r, k->seed, "noise", 0);
    uint64_t phase = rng_below(&r, k->tick_ns), nth = rng_below(&r, k->nr_online);
    if (k->params.noise.tick_phase)
        k->tick_phase = k->coming_tick = phase;
    if (k->params.noise.start_cpu)
        while (nth-- > 0)
            start = cpumask_next(k->machine->online, (uint32_t)start + 1);
    k->start_cpu = start;
    k->forker = -1;
}

static void
init_rqs(struct kernel *k)
{
    const struct machine *m = k->machine;

    k->rqs = arena_new_array(k->arena, struct rq, m->nr_cpus);
    k->idle_cpus = cpumask_clone(k->arena, m->online);
    k->quiet_cpus = cpumask_new(k->arena, m->nr_cpus);
    k->overloaded_cpus = cpumask_new(k->arena, m->nr_cpus);
    k->reduced_cpus = cpumask_new(k->arena, m->nr_cpus);
    for (uint32_t cpu = 0; cpu < m->nr_cpus; cpu++)
        rq_init(k, &k->rqs[cpu], (int)cpu);
}

struct domains *
kernel_build_domains(struct kernel *k, bool without_numa)
{
    const struct sched_params *sp = &k->params.sched;
    struct domains_rules rules = {
        .asym_packing = sp->asym_packing != ASYM_PACKING_OFF,
        .groups_from_first_cpu = sp->domain_groups == DOMAIN_GROUPS_FIRST_CPU,
        .without_numa = without_numa,
    };

    return domains_build_by(k->arena, k->machine, &rules);
}

struct kernel *
kernel_new(struct arena *a, const struct machine *m, const struct kernel_params *kp, uint64_t seed,
           const struct kernel_limits *limits, const struct memory_model_ops *memory)
{
    struct kernel *k = arena_new_object(a, struct kernel);

    k->arena = a;
    k->params = *kp;
    k->possible = m->online;
    k->machine = limits->nr_hotplug > 0 ? hotplug_init(k, m, limits->nr_hotplug) : m;
    k->fetches = m->nr_cpus >= FETCH_MIN_CPUS;
    k->seed = seed;
    k->nr_online = cpumask_weight(m->online);
    k->tick_ns = SEC(1) / kp->sched.hz;
    k->by_tick = divisor_of(k->tick_ns);
    if (k->params.sched.base_slice_ns == 0)
        k->params.sched.base_slice_ns = 700000 * sched_tunable_factor(k);
    fair_cfs_init(k);
    rng_init(&k->rng, seed, "kernel", 0);
    draw_noise(k);
    engine_slots(k, limits);
    if (m->nr_cpus >= FETCH_SOON_CPUS)
        engine_foresee(&k->engine, a, fetch_soon);
    k->max_tasks = limits->max_tasks;
    k->nr_policy_timers = limits->nr_policy_timers;
    k->free_slots = cpumask_new(a, limits->max_tasks);
    for (uint32_t i = 0; i < limits->max_tasks; i++)
        cpumask_set(k->free_slots, i);
    k->domains = kernel_build_domains(k, false);
    init_rqs(k);
    host_turns_init(k);
    timer_slack_init(k);
    select_init(k);
    push_init(k);
    dl_bw_init(k);
    task_groups_init(k, limits->nr_groups);
    sums_init(k);
    balance_init(k);
    k->served = arena_new_array(a, struct node_served, m->nr_nodes);
    copies_init(k);
    k->traffic = arena_new_array(a, uint64_t, m->nr_nodes * m->nr_nodes);
    event_init(&k->engine, &k->rates_ev, EVENT_RATES, 0, PHASE_RATES, rates_fire);
    mm_init(k);
    caches_init(k);
    numa_init(k);
    k->memory = memory;
    k->memory_priv = arena_alloc(a, memory->priv_size);
    memory->init(k);
    k->this_cpu = k->start_cpu;
    if (limits->ext)
        ext_init(k);
    return k;
}

void
kernel_observe(struct kernel *k, struct observer *o)
{
    o->next = k->observers;
    k->observers = o;
}

static void
settle_waiting(struct kernel *k, struct task *p)
{
    sim_time now = k->engine.now;

    if (p->state == TASK_RUNNABLE) {
        p->stats.wait_ns += now - p->queued_at;
        p->queued_at = now;
    } else if (p->state == TASK_SLEEPING || p->state == TASK_BLOCKED) {
        p->stats.sleep_ns += now - p->slept_at;
        p->stats.io_wait_ns += p->io_sleep ? now - p->slept_at : 0;
        p->slept_at = now;
    }
}

void
kernel_settle(struct kernel *k)
{
    for_each_cpu (cpu, k->machine->online) {
        struct rq *rq = &k->rqs[cpu];

        burst_settle(k, rq);
        if (rq->curr == NULL)
            continue;
        update_rq_clock(k, rq);
        rq->curr->class->update_curr(k, rq);
        rq->busy_ns += k->engine.now - rq->busy_since;
        rq->busy_since = k->engine.now;
    }
    devices_settle(k);
    sched_stats_settle(k);
    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        struct task *p = k->tasks[i];

        settle_waiting(k, p);
        p->stats.run_ns = p->se.sum_exec - p->run_before_warmup;
    }
}

void
kernel_reset_stats(struct kernel *k)
{
    kernel_settle(k);
    sched_stats_reset(k);
    k->warmup_at = k->engine.now;
    memset(&k->stats, 0, sizeof(k->stats));
    memset(k->traffic, 0, sizeof(uint64_t) * k->machine->nr_nodes * k->machine->nr_nodes);
    memset(k->served, 0, sizeof(*k->served) * k->machine->nr_nodes);
    mm_reset_stats(k);
    devices_reset_stats(k);
    cfs_bandwidth_reset_stats(k);
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++) {
        struct rq *rq = &k->rqs[cpu];

        rq->busy_ns = rq->nr_switches = rq->nr_ticks = rq->nr_balance_passes = 0;
        memset(rq->kernel_ns, 0, sizeof(rq->kernel_ns));
    }
    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        memset(&k->tasks[i]->stats, 0, sizeof(k->tasks[i]->stats));
        k->tasks[i]->run_before_warmup = k->tasks[i]->se.sum_exec;
    }
    for (uint32_t i = 0; i < k->nr_processes; i++) {
        struct process_stats *s = &k->processes[i]->stats;
        struct process_stats fresh = { 0 };

        histogram_init(&fresh.wait, k->arena);
        histogram_init(&fresh.wakeup, k->arena);
        histogram_init(&fresh.request, k->arena);
        *s = fresh;
    }
    requests_reset(k);
}
