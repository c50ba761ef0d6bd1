/*
 * One run, straight through: build, bind, start, run, settle. Nothing turns back.
 */
#include "run/simulation.h"

#include "kernel/ext.h"
#include "kernel/mm.h"
#include "kernel/wasted.h"

/* --check: the first broken invariant ends the run. */
static void
check_after(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    const char *broken = kernel_check(k);

    wasted_look(k->wasted);
    if (broken == NULL && k->params.sched.wasted_check)
        broken = wasted_broken(k->wasted);
    if (broken != NULL && k->error == NULL)
        kernel_fail(k, "invariant broken at %llu ns, after %s %u: %s", (unsigned long long)eng->now,
                    event_kind_name(ev->kind), event_index(eng, ev), broken);
}

static void
look_after(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    (void)ev;

    wasted_look(k->wasted);
}

/* Timers that a policy may have, besides one a CPU. */
enum { EXT_TIMERS = 64 };

static void
force_decision(struct kernel *k, const struct run_spec *spec)
{
    k->probe.force_seq = spec->force_seq;
    k->probe.force_choice = spec->force_choice;
}

/* The policy of the run, from ext.load_at on, and those that take over. */
static bool
plan_policies(struct kernel *k, const struct policy_spec *p)
{
    struct ext_change *all = arena_new_array(k->arena, struct ext_change, p->nr_then + 1);

    all[0] = (struct ext_change){ k->params.ext.load_at, p->ext, p->ext_params };
    for (uint32_t i = 0; i < p->nr_then; i++) /* in order of time: simulation_new() has looked */
        all[i + 1] = (struct ext_change){ p->then[i].at, p->then[i].ext, p->then[i].ext_params };
    return ext_plan(k, all, p->nr_then + 1);
}

struct simulation *
simulation_new(struct arena *a, const struct run_spec *spec, const char **why)
{
    struct simulation *s = arena_new_object(a, struct simulation);
    struct kernel_limits limits = { 0 };

    s->arena = a;
    s->spec = *spec;
    *why = workload_limits(spec->workload, spec->machine, &limits);
    if (*why == NULL)
        *why = kernel_params_conflict(&spec->policy.params);
    if (*why != NULL)
        return NULL;
    if (spec->policy.nr_then > 0 && spec->policy.then[0].at <= spec->policy.params.ext.load_at) {
        *why = "ext.load_at is not before the time at which the next policy takes over";
        return NULL;
    }
    limits.nr_samplers = 1;
    limits.ext = spec->policy.ext != NULL;
    limits.nr_policy_timers = limits.ext ? EXT_TIMERS + spec->machine->nr_cpus : 0;
    struct kernel *k = kernel_new(a, spec->machine, &spec->policy.params, spec->seed, &limits,
                                  spec->policy.memory);
    s->kernel = k;
    s->workload = workload_build(k, spec->workload, why);
    if (s->workload == NULL)
        return NULL;
    k->placement = spec->policy.placement;
    if (k->placement->place != NULL)
        k->placement->place(k);
    if (k->error != NULL) {
        *why = k->error;
        return NULL;
    }
    k->task_hint = workload_hint;
    if (spec->policy.ext != NULL && !plan_policies(k, &spec->policy)) {
        *why =
            arena_printf(a, "policy %s was refused: %s", spec->policy.name, ext_exit_info(k)->msg);
        return NULL;
    }
    force_decision(k, spec);
    if (spec->check || k->params.sched.wasted_cores)
        k->wasted = wasted_new(k);
    if (k->wasted != NULL)
        k->engine.after = spec->check ? check_after : look_after;
    workload_start(s->workload);
    return s;
}

static enum simulation_end
finish(struct simulation *s, enum simulation_end end)
{
    kernel_settle(s->kernel);
    if (s->kernel->wasted != NULL)
        wasted_finish(s->kernel->wasted);
    s->elapsed = kernel_now(s->kernel);
    if (s->spec.warmup > 0 && s->kernel->warmup_at == 0)
        kernel_note(s->kernel, "the run ended before its warm-up did: metrics count all of it");
    return end;
}

static enum simulation_end
failed(struct simulation *s, const char *why)
{
    s->failure = why;
    return finish(s, s->spec.check && strncmp(why, "invariant", 9) == 0 ? SIMULATION_BROKEN
                                                                        : SIMULATION_FAILED);
}

/* All events are gone, but not all tasks: they wait for each other, or for the end of time. */
static enum simulation_end
drained(struct simulation *s)
{
    struct kernel *k = s->kernel;

    if (workload_done(s->workload))
        return finish(s, SIMULATION_DONE);
    if (s->spec.until != SIM_NEVER) {
        kernel_note(k,
                    "from %llu ns on nothing happens: all of the %u tasks left wait, and nothing "
                    "will wake them",
                    (unsigned long long)kernel_now(k), k->nr_alive);
        k->engine.now = s->spec.until;
        return finish(s, SIMULATION_UNTIL);
    }
    return failed(
        s, arena_printf(s->arena,
                        "deadlock: all of the %u tasks left wait, and nothing will wake them",
                        k->nr_alive));
}

/* Runs to the limit or an end; the warm-up ends on the way. */
static enum engine_end
run_engine(struct simulation *s, sim_time limit)
{
    struct kernel *k = s->kernel;

    if (s->spec.warmup > 0 && k->warmup_at == 0 && s->spec.warmup <= limit) {
        enum engine_end end = engine_run(&k->engine, s->spec.warmup);

        if (end != ENGINE_UNTIL)
            return end;
        kernel_reset_stats(k);
    }
    return engine_run(&k->engine, limit);
}

enum simulation_end
simulation_run(struct simulation *s, sim_time limit)
{
    struct kernel *k = s->kernel;

    limit = SIM_MIN(limit, s->spec.until);
    switch (run_engine(s, limit)) {
    case ENGINE_UNTIL:
        return limit == s->spec.until ? finish(s, SIMULATION_UNTIL) : SIMULATION_PAUSED;
    case ENGINE_DRAINED:
        return drained(s);
    case ENGINE_STUCK:
        return failed(s,
                      arena_printf(s->arena, "time stands still at %llu ns; the last handlers: %s",
                                   (unsigned long long)kernel_now(k),
                                   engine_stuck_report(&k->engine, s->arena)));
    case ENGINE_STOPPED:
        break;
    }
    if (k->error != NULL)
        return failed(s, k->error);
    return finish(s, workload_done(s->workload) ? SIMULATION_DONE : SIMULATION_STOPPED);
}
