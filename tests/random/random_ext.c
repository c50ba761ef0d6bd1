/*
 * A policy that decides by the dice: whatever the operations allow, in any order, now and then what
 * they do not. It may lose tasks (the watchdog finds them) or leave; the invariants hold all the
 * time, and no task is lost for good.
 */
#include "random_ext.h"
#include "random_script.h"

#include "kernel/ext.h"
#include "models/registry.h"

enum { FIRST_SCRIPT = 17, FIFOS = 3, VTIMES = 2, ONE_IN_MANY = 4000 };

struct chaos {
    uint32_t badness; /* one in so many steps breaks a rule; 0: none does */
    int kept;         /* queue of pids that wait with the policy */
};

static uint64_t
dice(struct scx *scx, uint64_t n)
{
    return scx_random_below(scx, 0, n);
}

static bool
errs(struct scx *scx)
{
    const struct chaos *c = scx_priv(scx);

    return c->badness > 0 && dice(scx, c->badness) == 0;
}

static uint64_t
any_slice(struct scx *scx)
{
    switch (dice(scx, 6)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return SCX_SLICE_INF;
    default:
        return dice(scx, MSEC(10)) + 1;
    }
}

/* One that p may use; sometimes one that does not exist. */
static int
any_cpu(struct scx *scx, const struct task *p)
{
    const struct cpumask *allowed = scx_task_cpumask(scx, p);
    uint32_t from = (uint32_t)dice(scx, scx_nr_cpu_ids(scx));

    return errs(scx) ? 12345 : cpumask_next_wrap(allowed, from);
}

static void
insert_anywhere(struct scx *scx, struct task *p, uint64_t flags)
{
    uint64_t slice = any_slice(scx);

    if (dice(scx, 8) == 0)
        flags |= dice(scx, 2) ? SCX_ENQ_HEAD : SCX_ENQ_PREEMPT;
    switch (dice(scx, 8)) {
    case 0:
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, slice, flags);
        return;
    case 1:
        scx_dsq_insert(scx, p, SCX_DSQ_GLOBAL, slice, flags);
        return;
    case 2:
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL_OF(any_cpu(scx, p)), slice, flags);
        return;
    case 3:
    case 4:
        scx_dsq_insert_vtime(scx, p, FIFOS + dice(scx, VTIMES), slice, scx_random(scx, 1), flags);
        return;
    default:
        scx_dsq_insert(scx, p, errs(scx) ? 999 : dice(scx, FIFOS), slice, flags);
    }
}

static void
kick_somebody(struct scx *scx)
{
    static const uint64_t flags[] = { 0, SCX_KICK_IDLE, SCX_KICK_PREEMPT, SCX_KICK_WAIT };

    if (dice(scx, 4) == 0)
        scx_kick_cpu(scx, (int)dice(scx, scx_nr_cpu_ids(scx)), flags[dice(scx, 4)]);
}

static int
chaos_init(struct scx *scx)
{
    struct chaos *c = scx_priv(scx);

    for (dsq_id id = 0; id < FIFOS + VTIMES; id++)
        if (scx_create_dsq(scx, id, -1) != 0)
            return -1;
    c->kept = scx_queue_new(scx, 256);
    return scx_timers_new(scx, 1);
}

static int
chaos_select_cpu(struct scx *scx, struct task *p, int prev, uint64_t wake_flags)
{
    bool idle = false;
    int cpu = prev;

    if (dice(scx, 2))
        cpu = scx_select_cpu_dfl(scx, p, prev, wake_flags, &idle);
    else if (dice(scx, 2))
        cpu = any_cpu(scx, p);
    if (dice(scx, 3) == 0)
        insert_anywhere(scx, p, 0);
    if (dice(scx, 10) == 0)
        scx_timer_start(scx, 0, dice(scx, MSEC(5)));
    return cpu;
}

static void
chaos_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    const struct chaos *c = scx_priv(scx);

    if (dice(scx, 3) == 0)
        scx_queue_push(scx, c->kept, (uint64_t)scx_task_pid(scx, p));
    else
        insert_anywhere(scx, p, flags);
    kick_somebody(scx);
    if (errs(scx))
        insert_anywhere(scx, p, flags);
}

static void
move_some(struct scx *scx, dsq_id id)
{
    struct scx_dsq_iter it;
    struct task *p;

    if (scx_dsq_iter_new(scx, &it, id, dice(scx, 2)) != 0)
        return;
    while ((p = scx_dsq_iter_next(scx, &it)) != NULL && dice(scx, 4) > 0) {
        if (dice(scx, 2))
            scx_dsq_move_set_slice(scx, &it, any_slice(scx));
        if (dice(scx, 3) == 0)
            scx_dsq_move(scx, &it, p, SCX_DSQ_LOCAL_OF(any_cpu(scx, p)), 0);
        else if (dice(scx, 2))
            scx_dsq_move(scx, &it, p, dice(scx, FIFOS), 0);
        else
            scx_dsq_move_vtime(scx, &it, p, FIFOS + dice(scx, VTIMES), 0);
    }
    if (dice(scx, 2))
        scx_dsq_iter_destroy(scx, &it);
}

static void
chaos_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    const struct chaos *c = scx_priv(scx);
    uint64_t pid;
    (void)cpu;

    for (uint64_t n = dice(scx, 4); n > 0 && scx_queue_pop(scx, c->kept, &pid); n--) {
        struct task *p = scx_task_from_pid(scx, (int)pid);

        if (p != NULL)
            insert_anywhere(scx, p, 0);
        if (dice(scx, 8) == 0)
            scx_dispatch_cancel(scx);
    }
    if (prev != NULL && dice(scx, 4) == 0)
        scx_dsq_insert(scx, prev, SCX_DSQ_LOCAL, any_slice(scx), 0);
    for (uint64_t n = dice(scx, FIFOS + VTIMES + 1); n > 0; n--)
        scx_dsq_move_to_local(scx, dice(scx, FIFOS + VTIMES));
    if (dice(scx, 4) == 0)
        move_some(scx, dice(scx, FIFOS + VTIMES));
    kick_somebody(scx);
    if (errs(scx))
        scx_exit(scx, 1, "enough");
}

static void
chaos_running(struct scx *scx, struct task *p)
{
    if (dice(scx, 10) == 0)
        scx_task_set_slice(scx, p, any_slice(scx));
    if (dice(scx, 50) == 0)
        scx_set_nice(scx, p, (int)dice(scx, 40) - 20);
}

static void
chaos_release(struct scx *scx, int cpu, const struct scx_cpu_release_args *args)
{
    (void)cpu, (void)args;
    if (dice(scx, 2))
        scx_reenqueue_local(scx);
}

static void
chaos_timer(struct scx *scx, uint32_t timer)
{
    kick_somebody(scx);
    move_some(scx, dice(scx, FIFOS + VTIMES));
    if (dice(scx, 4) > 0)
        scx_timer_start(scx, timer, dice(scx, MSEC(5)));
}

static const struct sched_ops chaos_ops = {
    .name = "chaos",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct chaos),
    .init = chaos_init,
    .select_cpu = chaos_select_cpu,
    .enqueue = chaos_enqueue,
    .dispatch = chaos_dispatch,
    .running = chaos_running,
    .cpu_release = chaos_release,
    .timer = chaos_timer,
};

/* What is loaded: its operations, and in *params what it begins with. */
static const struct sched_ops *
script_of(const struct random_case *c, struct kernel *k, const void **params)
{
    const char *why = NULL;
    const struct sched_ops *ops = random_script(c, k->arena, params, &why);

    if (ops == NULL)
        kernel_fail(k, "the random script is refused: %s", why);
    return ops;
}

static const struct sched_ops *
chaos_of(const struct random_case *c, struct kernel *k, const void **params)
{
    struct chaos *chaos = arena_new_object(k->arena, struct chaos);
    struct sched_ops *ops = arena_new_object(k->arena, struct sched_ops);

    chaos->badness = case_pick(c, "chaos errs", 0, 2) ? ONE_IN_MANY : 0;
    *params = chaos;
    *ops = chaos_ops;
    ops->flags = case_pick(c, "chaos flags", 0, 128) & ~(uint64_t)0x30;
    ops->timeout_ms = 50 + (uint32_t)case_pick(c, "chaos timeout", 0, 200);
    if (case_pick(c, "chaos ops", 0, 2))
        ops->cpu_release = NULL;
    if (case_pick(c, "chaos ops", 1, 4) == 0)
        ops->select_cpu = NULL;
    return ops;
}

static const struct sched_ops *
policy_of(const struct random_case *c, struct kernel *k, const void **params)
{
    uint32_t nr = 0, number = c->value[DIM_EXT];

    while (sched_models[nr] != NULL)
        nr++;
    if (random_ext_is_script(c))
        return script_of(c, k, params);
    return number <= nr ? sched_models[number - 1] : chaos_of(c, k, params);
}

/* When it comes and goes, how long that takes, and what becomes of operations that take long. */
static void
set_ext_params(const struct random_case *c, struct ext_params *ep)
{
    static const uint64_t delays[] = { 0, USEC(30), MSEC(3), MSEC(40) };
    static const uint64_t budgets[] = { 0, USEC(1), USEC(20), MSEC(1) };
    sim_time end = MSEC(10) * c->value[DIM_TIME];

    if (c->value[DIM_EXT_PLAN] & 1)
        ep->load_at = case_pick(c, "load at", 0, end / 2 + 1);
    if (c->value[DIM_EXT_PLAN] & 2)
        ep->unload_at = ep->load_at + 1 + case_pick(c, "unload at", 0, end);
    if (c->value[DIM_EXT_PLAN] & 4) {
        ep->unload_time = delays[case_pick(c, "unload time", 0, ARRAY_LEN(delays))];
        ep->disable_delay = delays[case_pick(c, "disable delay", 0, ARRAY_LEN(delays))];
        ep->max_runtime = budgets[case_pick(c, "max runtime", 0, ARRAY_LEN(budgets))];
        ep->on_overrun = (uint32_t)case_pick(c, "on overrun", 0, EXT_OVERRUN_RESUME + 1);
    }
}

/* Built-in policies, or none, that take over. */
static uint32_t
successors(const struct random_case *c, struct ext_change *all)
{
    sim_time end = MSEC(10) * c->value[DIM_TIME];
    uint32_t nr = 0, nr_models = 0;

    while (sched_models[nr_models] != NULL)
        nr_models++;
    if (c->value[DIM_EXT_PLAN] & 4)
        nr = (uint32_t)case_pick(c, "successors", 0, 3);
    for (uint32_t i = 0; i < nr; i++) {
        sim_time at = all[i].at + 1 + case_pick(c, "successor at", i, end / 2 + 1);

        all[i + 1] =
            (struct ext_change){ at, sched_models[case_pick(c, "successor", i, nr_models + 1)],
                                 NULL };
    }
    return nr;
}

bool
random_ext_is_script(const struct random_case *c)
{
    return c->value[DIM_EXT] >= FIRST_SCRIPT;
}

void
random_ext(const struct random_case *c, struct kernel *k)
{
    const void *params = NULL;

    if (c->value[DIM_EXT] == 0)
        return;
    const struct sched_ops *ops = policy_of(c, k, &params);
    set_ext_params(c, &k->params.ext);
    if (ops == NULL)
        return;
    struct ext_change *all = arena_new_array(k->arena, struct ext_change, 3);
    all[0] = (struct ext_change){ k->params.ext.load_at, ops, params };
    (void)ext_plan(k, all, 1 + successors(c, all));
}
