/* Draws a case, builds it and runs it under --check. */
#include "random_case.h"
#include "random_devices.h"
#include "random_ext.h"

#include "kernel/ext.h"
#include "kernel/hotplug.h"
#include "kernel/numa_quirks.h"
#include "kernel/wasted.h"
#include "models/registry.h"

#include <stdio.h>
#include <stdlib.h>

/* One case in LONG_CASES goes on for ten times as long. */
enum { ENOUGH_DECISIONS = 30000, LONG_CASES = 16 };

const struct dimension_info dimensions[DIM_NR] = {
#define X(id, name, least, most, often, doc) { name, least, most, often, doc },
    DIMENSIONS(X)
#undef X
};

uint64_t
case_pick(const struct random_case *c, const char *purpose, uint64_t index, uint64_t bound)
{
    struct rng rng;

    rng_init(&rng, c->seed, purpose, index);
    return rng_below(&rng, bound);
}

void
case_draw(struct random_case *c, uint64_t seed)
{
    c->seed = seed;
    for (uint32_t i = 0; i < DIM_NR; i++) {
        const struct dimension_info *d = &dimensions[i];

        c->value[i] = d->least;
        if (d->often || case_pick(c, "dimension on", i, 2))
            c->value[i] += (uint32_t)case_pick(c, d->name, 0, d->most - d->least + 1);
    }
}

/* Quirks, and the variants for teaching. */
static void
set_numa_params(const struct random_case *c, struct numa_params *np)
{
    bool *variants[] = { &np->two_stage_filter, &np->migrate_pages, &np->migrate_tasks,
                         &np->groups,           &np->swap,          &np->scan_adapt,
                         &np->private_weight };

    for (uint32_t i = 0; i < c->value[DIM_NUMA]; i++) {
        uint64_t n = case_pick(c, "numa variant", i, NUMA_QUIRK_NR + ARRAY_LEN(variants) + 1);

        if (n < NUMA_QUIRK_NR)
            np->quirks ^= (uint64_t)1 << n;
        else if (n < NUMA_QUIRK_NR + ARRAY_LEN(variants))
            *variants[n - NUMA_QUIRK_NR] ^= true;
        else
            np->place ^= NUMA_PLACE_TEXTBOOK;
    }
}

static void
set_params(const struct random_case *c, struct kernel_params *kp, struct arena *a)
{
    static const uint32_t hz[] = { 250, 1000, 100, 300 };
    char why[256];

    if (c->value[DIM_NOISE] == 0)
        kernel_params_set(kp, "noise", "off", a, why, sizeof(why));
    if (c->value[DIM_COSTS] == 0) {
        memset(&kp->cost, 0, sizeof(kp->cost));
        kp->cost.zero_bandwidth = kp->cost.copy_bandwidth = 10000000000u;
    }
    kp->sched.hz = hz[c->value[DIM_HZ]];
    kp->sched.newidle_balance = !(c->value[DIM_BALANCE] & 1);
    kp->sched.periodic_balance = !(c->value[DIM_BALANCE] & 2);
    kp->sched.timer_slack = c->value[DIM_SLACK] ? USEC(50) : 0;
    if (c->value[DIM_VERSION])
        kp->sched.kernel = c->value[DIM_VERSION] == 1 ? KERNEL_6_12_0 : KERNEL_6_18;
    if (c->value[DIM_CFS])
        kp->sched.fair = FAIR_CFS;
    for (uint32_t i = 0; i < c->value[DIM_FEATURES]; i++)
        kp->sched.features ^= (uint64_t)1 << case_pick(c, "feature", i, SCHED_FEATURE_NR);
    set_numa_params(c, &kp->numa);
    kp->mm.demotion = c->value[DIM_TIERS] > 0;
    kp->mm.swap = c->value[DIM_SWAP] > 0 ? MIB(1) << 3 * c->value[DIM_SWAP] : 0;
    kp->mm.dirty_expire = MSEC(5);
    kp->mm.thp = c->value[DIM_THP] == 2 ? THP_MADVISE : THP_ALWAYS;
    kp->mm.khugepaged.scan_sleep = MSEC(7);
    kp->mm.khugepaged.alloc_sleep = MSEC(20);
    /* what takes seconds on a real machine shall happen within the run */
    kp->numa.scan_delay = MSEC(5);
    kp->numa.scan_period_min = MSEC(10);
}

/* The policy of the case, or the first if it does not fit the machine. */
static const struct placement_ops *
choose_policy(const struct random_case *c, const struct machine *m, struct kernel_params *kp,
              struct arena *a)
{
    uint32_t nr = 0;
    char why[256];

    while (placement_models[nr] != NULL)
        nr++;
    const struct placement_ops *policy = placement_models[c->value[DIM_POLICY] % nr];
    if (policy->fits != NULL && policy->fits(m) != NULL)
        policy = placement_models[0];
    for (const struct param_setting *s = policy->settings; s != NULL && s->key != NULL; s++)
        kernel_params_set(kp, s->key, s->value, a, why, sizeof(why));
    return policy;
}

/* ---- what happens during the run ---- */

static uint64_t
hash_text(uint64_t h, const char *text)
{
    size_t left = strlen(text);
    uint64_t word = left;

    for (; left > 0; text += SIM_MIN(left, sizeof(word)), left -= SIM_MIN(left, sizeof(word))) {
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
        word = 0;
        memcpy(&word, text, SIM_MIN(left, sizeof(word)));
    }
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static void
record(void *sink, const struct decision *d)
{
    struct outcome *out = sink;
    const uint64_t numbers[] = { d->seq,
                                 d->cause_seq,
                                 d->time,
                                 d->kind,
                                 (uint64_t)d->cpu,
                                 (uint64_t)d->chosen,
                                 d->task != NULL ? d->task->id : UINT64_MAX };
    uint64_t h = 0xcbf29ce484222325u;

    if (out->nr_decisions == out->enough)
        return;
    for (uint32_t i = 0; i < ARRAY_LEN(numbers); i++)
        h = rng_fold(h ^ numbers[i], 0x9e3779b97f4a7c15u);
    h = hash_text(hash_text(hash_text(h, d->rule), d->candidates), d->inputs);
    if (out->nr_decisions == out->cap_decisions) {
        out->cap_decisions = out->cap_decisions ? 2 * out->cap_decisions : 4096;
        out->decisions = realloc(out->decisions, out->cap_decisions * sizeof(uint64_t));
        sim_assert(out->decisions != NULL);
    }
    out->decisions[out->nr_decisions++] = h;
    if (out->nr_decisions == out->enough)
        engine_stop(out->engine);
    if (out->nr_decisions == out->show)
        snprintf(out->shown, sizeof(out->shown),
                 "seq %llu cause %llu at %llu ns: %s by %s, task %s, cpu %d: %lld (%s; %s)",
                 (unsigned long long)d->seq, (unsigned long long)d->cause_seq,
                 (unsigned long long)d->time, decision_kind_names[d->kind], d->rule,
                 d->task != NULL ? d->task->name : "-", d->cpu, (long long)d->chosen, d->candidates,
                 d->inputs);
}

/* Who handles an event says on which CPU: where the last one was handled tells nothing. So it is
 * another CPU with simulated ticks than with computed ones. */
static void
forget_cpu(struct kernel *k, bool computed)
{
    int cpu = cpumask_first(k->machine->online);

    k->this_cpu = cpu;
    for (; !computed && cpu >= 0; cpu = cpumask_next(k->machine->online, (uint32_t)cpu + 1))
        k->this_cpu = cpu;
}

static void
after_simulated(struct engine *eng, struct event *ev)
{
    (void)ev;
    forget_cpu(eng->owner, false);
}

static void
check_after(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    const char *broken = kernel_check(k);

    forget_cpu(k, true);

    wasted_look(k->wasted);
    if (broken == NULL)
        broken = wasted_broken(k->wasted);
    if (broken != NULL)
        kernel_fail(k, "at %llu ns, after %s %u: %s", (unsigned long long)eng->now,
                    event_kind_name(ev->kind), event_index(eng, ev), broken);
}

static uint64_t
hash_number(uint64_t h, uint64_t n)
{
    return rng_fold(h ^ n, 0x9e3779b97f4a7c15u);
}

static void
look_at_end(const struct kernel *k, struct outcome *out)
{
    const struct scx_exit_info *info = ext_exit_info(k);
    uint64_t h = hash_number(0, k->engine.nr_events);

    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        const struct task *p = k->tasks[i];

        h = hash_number(hash_number(h, p->se.sum_exec), (uint64_t)p->state);
    }
    h = hash_text(hash_text(hash_number(h, (uint64_t)info->kind), info->msg), info->dump);
    out->end = h;
    if (info->kind != SCX_EXIT_NONE)
        snprintf(out->left, sizeof(out->left), "%s: %.60s", info->reason, info->msg);
}

static void
finish(struct kernel *k, struct outcome *out)
{
    const char *broken;

    kernel_settle(k);
    look_at_end(k, out);
    broken = kernel_check(k);
    if (k->error == NULL && broken != NULL)
        kernel_fail(k, "once settled: %s", broken);
    if (k->error != NULL)
        snprintf(out->failure, sizeof(out->failure), "%s", k->error);
    if (k->wasted != NULL) {
        wasted_finish(k->wasted);
        out->nr_wasted = wasted_totals(k->wasted)->nr_stretches;
        out->wasted_ns = wasted_totals(k->wasted)->ns;
    }
    out->nr_events = k->engine.nr_events;
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++)
        out->nr_ticks += k->rqs[cpu].nr_ticks;
}

static void
plug(const struct random_case *c, struct kernel *k)
{
    sim_time end = MSEC(10) * c->value[DIM_TIME];

    for (uint32_t i = 0; i < c->value[DIM_HOTPLUG]; i++) {
        sim_time at = case_pick(c, "offline at", i, end);
        struct rng rng;

        rng_init(&rng, c->seed, "hotplug of", i);
        const struct cpumask *cpus = case_cpus(k->machine, k->arena, &rng);
        hotplug_at(k, at, cpus, false);
        hotplug_at(k, at + case_pick(c, "offline for", i, end), cpus, true);
    }
}

void
case_run(const struct random_case *c, enum tick_mode tick, struct outcome *out)
{
    struct arena *a = arena_new();
    struct kernel_limits limits = { .max_tasks = 80,
                                    .nr_groups = 16,
                                    .nr_hotplug = 2 * c->value[DIM_HOTPLUG],
                                    .nr_devices = c->value[DIM_DEVICES],
                                    .ext = c->value[DIM_EXT] > 0,
                                    .nr_policy_timers = 128 };
    struct machine *m = case_machine(c, a);
    struct kernel_params kp;

    kernel_params_init(&kp, a);
    const struct placement_ops *policy = choose_policy(c, m, &kp, a);
    set_params(c, &kp, a);
    kp.sched.tick = tick;
    struct kernel *k = kernel_new(a, m, &kp, c->seed, &limits, memory_models[0]);
    k->placement = policy;
    k->probe.wanted = (1u << DECISION_KIND_NR) - 1;
    k->probe.record = record;
    k->probe.sink = out;
    out->engine = &k->engine;
    out->enough = ENOUGH_DECISIONS * (case_pick(c, "longer", 0, LONG_CASES) == 0 ? 10 : 1);
    k->engine.after = tick == TICK_COMPUTED ? check_after : after_simulated;
    if (tick == TICK_COMPUTED)
        k->wasted = wasted_new(k);
    random_devices(c, k);
    random_ext(c, k);
    case_tasks(c, k);
    plug(c, k);
    sim_time until = MSEC(10) * c->value[DIM_TIME];
    if (k->error == NULL && engine_run(&k->engine, until) == ENGINE_STUCK)
        kernel_fail(k, "time stands still at %llu ns: %s", (unsigned long long)kernel_now(k),
                    engine_stuck_report(&k->engine, a));
    finish(k, out);
    arena_free(a);
}
