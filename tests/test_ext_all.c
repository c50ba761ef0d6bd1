/* layer: kernel */
/* A policy with every operation, and a run in which each of them is called: nobody loses anything
 * by having them all. The placement hooks need memory: test_ext_placement.c. */
#include "ext_fixture.h"

#include "kernel/hotplug.h"

static int
select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    bool idle;
    int cpu = scx_select_cpu_dfl(scx, p, prev_cpu, wake_flags, &idle);

    return cpu;
}
static void
enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    struct notes *n = notes_of(scx);

    if (p->name[0] == 'k' && n->other == NULL)
        n->other = p; /* kept for a while: dequeue */
    else if (scx_task_weight(scx, p) > 100)
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL_OF(scx_task_cpu(scx, p)), MSEC(5), flags);
    else
        scx_dsq_insert(scx, p, Q, MSEC(5), flags);
}
static void
dequeue(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)flags;
    assert_ptr_equal(notes_of(scx)->other, p);
}
static void
dispatch(struct scx *scx, int cpu, struct task *prev)
{
    assert_int_equal(cpu, scx_this_cpu(scx));
    assert_true(prev == NULL || scx_task_cpu(scx, prev) == cpu);
    scx_dsq_move_to_local(scx, Q);
}
static void
of_task(struct scx *scx, struct task *p)
{
    assert_true(scx_task_pid(scx, p) > 0);
}
static void
of_task_flags(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)flags;
    of_task(scx, p);
}
static void
stopping(struct scx *scx, struct task *p, bool runnable)
{
    (void)runnable;
    assert_true(scx_task_queued(scx, p));
}
static bool
yield(struct scx *scx, struct task *from, struct task *to)
{
    assert_null(to);
    scx_task_set_slice(scx, from, 0);
    return false;
}
static void
set_weight(struct scx *scx, struct task *p, uint32_t weight)
{
    assert_int_equal(scx_task_weight(scx, p), weight);
}
static void
set_cpumask(struct scx *scx, struct task *p, const struct cpumask *allowed)
{
    assert_true(cpumask_equal(scx_task_cpumask(scx, p), allowed));
}
static void
update_idle(struct scx *scx, int cpu, bool idle)
{
    (void)idle;
    assert_int_equal(cpu, scx_this_cpu(scx));
}
static void
acquire(struct scx *scx, int cpu, const struct scx_cpu_acquire_args *args)
{
    (void)args;
    assert_int_equal(cpu, scx_this_cpu(scx));
}
static void
release(struct scx *scx, int cpu, const struct scx_cpu_release_args *args)
{
    assert_int_equal(cpu, scx_this_cpu(scx));
    /* a real-time task, or the stopper of a CPU that goes offline */
    assert_true(args->reason == SCX_CPU_PREEMPT_RT || args->reason == SCX_CPU_PREEMPT_STOP);
}
static int
init_task(struct scx *scx, struct task *p, const struct scx_init_task_args *args)
{
    (void)args;
    assert_int_equal(*(uint64_t *)scx_task_data(scx, p), 0);
    *(uint64_t *)scx_task_data(scx, p) = (uint64_t)scx_task_pid(scx, p);
    return 0;
}
static void
exit_task(struct scx *scx, struct task *p, const struct scx_exit_task_args *args)
{
    assert_false(args->cancelled);
    assert_int_equal(*(uint64_t *)scx_task_data(scx, p), scx_task_pid(scx, p));
}
static void
dump(struct scx *scx, const struct scx_dump_ctx *ctx)
{
    assert_int_equal(ctx->kind, SCX_EXIT_ERROR_BPF);
    scx_dump(scx, "all of it");
}
static void
dump_cpu(struct scx *scx, const struct scx_dump_ctx *ctx, int cpu, bool idle)
{
    (void)ctx, (void)idle;
    scx_dump(scx, "about CPU %d", cpu);
}
static void
dump_task(struct scx *scx, const struct scx_dump_ctx *ctx, struct task *p)
{
    (void)ctx;
    scx_dump(scx, "about %s", scx_task_comm(scx, p));
}
static int
group_init(struct scx *scx, struct task_group *tg, const struct scx_cgroup_init_args *args)
{
    assert_int_equal(scx_cgroup_weight(scx, tg), args->weight);
    return 0;
}
static void
group_exit(struct scx *scx, struct task_group *tg)
{
    assert_non_null(scx_cgroup_name(scx, tg));
}
static int
group_prep(struct scx *scx, struct task *p, struct task_group *from, struct task_group *to)
{
    (void)scx, (void)from, (void)to;
    return p->name[0] == 'y' ? -EPERM : 0;
}
static void
group_move(struct scx *scx, struct task *p, struct task_group *from, struct task_group *to)
{
    (void)scx, (void)p;
    assert_ptr_not_equal(from, to);
}
static void
group_weight(struct scx *scx, struct task_group *tg, uint32_t weight)
{
    assert_int_equal(scx_cgroup_weight(scx, tg), weight);
}
static void
group_bandwidth(struct scx *scx, struct task_group *tg, uint64_t period, uint64_t quota,
                uint64_t burst)
{
    (void)scx, (void)tg, (void)burst;
    assert_true(period == 100000 && quota == 50000);
}
static void
group_idle(struct scx *scx, struct task_group *tg, bool idle)
{
    (void)scx, (void)tg;
    assert_true(idle);
}
static void
of_cpu(struct scx *scx, int cpu)
{
    assert_in_range(cpu, 0, scx_nr_cpu_ids(scx) - 1);
}
static int
init(struct scx *scx)
{
    assert_int_equal(scx_timers_new(scx, 1), 0);
    scx_timer_start(scx, 0, MSEC(3));
    return make_queue(scx);
}
static void
leave(struct scx *scx, const struct scx_exit_info *info)
{
    assert_string_equal(info->msg, "that is all");
    assert_string_equal(info->reason, "scx_bpf_error");
    notes_of(scx)->done = true;
}
static void
timer(struct scx *scx, uint32_t number)
{
    assert_int_equal(number, 0);
    if (scx_now(scx) > MSEC(40)) {
        scx_error(scx, "that is %s", "all");
        return;
    }
    scx_request_balance(scx, 1);
    scx_timer_start(scx, 0, MSEC(38));
}
static bool
balance(struct scx *scx, int dst, int src)
{
    assert_int_not_equal(dst, src);
    return scx_dsq_move_to_local(scx, Q);
}

static const struct sched_ops all_ops = {
    .name = "maximal",
    .abi = SCX_OPS_ABI,
    .flags = SCX_OPS_KEEP_BUILTIN_IDLE | SCX_OPS_ENQ_LAST | SCX_OPS_ENQ_EXITING |
             SCX_OPS_HAS_CGROUP_WEIGHT,
    .dispatch_max_batch = 7,
    .timeout_ms = 1000,
    .exit_dump_len = 4096,
    .task_size = sizeof(uint64_t),
    .select_cpu = select_cpu,
    .enqueue = enqueue,
    .dequeue = dequeue,
    .dispatch = dispatch,
    .tick = of_task,
    .runnable = of_task_flags,
    .running = of_task,
    .stopping = stopping,
    .quiescent = of_task_flags,
    .yield = yield,
    .set_weight = set_weight,
    .set_cpumask = set_cpumask,
    .update_idle = update_idle,
    .cpu_acquire = acquire,
    .cpu_release = release,
    .init_task = init_task,
    .exit_task = exit_task,
    .enable = of_task,
    .disable = of_task,
    .dump = dump,
    .dump_cpu = dump_cpu,
    .dump_task = dump_task,
    .cgroup_init = group_init,
    .cgroup_exit = group_exit,
    .cgroup_prep_move = group_prep,
    .cgroup_move = group_move,
    .cgroup_cancel_move = group_move,
    .cgroup_set_weight = group_weight,
    .cgroup_set_bandwidth = group_bandwidth,
    .cgroup_set_idle = group_idle,
    .cpu_online = of_cpu,
    .cpu_offline = of_cpu,
    .init = init,
    .exit = leave,
    .timer = timer,
    .balance = balance,
};

static const struct action naps[] = { { .kind = ACTION_RUN, .work = USEC(300) },
                                      { .kind = ACTION_SLEEP, .until = MSEC(1) },
                                      { .kind = ACTION_RUN, .work = USEC(300) },
                                      { .kind = ACTION_YIELD } };
static const struct action short_life[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                            { .kind = ACTION_EXIT } };

static void
every_operation_is_called_and_nobody_loses_by_it(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = all_ops;
    static const struct task_attr normal = { .nice = 0 };
    (void)state;

    ops.adapter = &n;
    open_with(&f, 1, 3, 1, "ext.exit_delay", "1ms");
    f.k->params.ext.op_cost = f.k->params.ext.call_cost = 0;
    struct task_group *web = task_group_new(f.k, NULL, "web");
    load(&f, &ops);
    struct task *hogs[3];
    for (int i = 0; i < 3; i++)
        hogs[i] = start_hog(&f, "hog", "0-2", 0);
    start_hog(&f, "y", "0-2", 0);
    struct task *kept = start_as(&f, "kept", "0-2", &normal, naps, 4, 0);
    start_as(&f, "nap", "0-2", &normal, naps, 4, 0);
    start_as(&f, "short", "0-2", &normal, short_life, 2, MSEC(1));
    start_as(&f, "rt", "2", &(struct task_attr){ .policy = POLICY_RR, .rt_priority = 1 },
             short_life, 2, MSEC(10));
    hotplug_at(f.k, MSEC(20), fixture_cpus(&f, "1"), false);
    hotplug_at(f.k, MSEC(25), fixture_cpus(&f, "1"), true);
    fixture_run(&f, MSEC(5));
    task_set_nice(f.k, kept, -5); /* back from the policy */
    task_set_affinity(f.k, hogs[0], fixture_cpus(&f, "0-1"));
    task_set_group(f.k, hogs[0], web);
    assert_false(process_set_group(f.k, f.process, web));
    task_group_set_weight(f.k, web, 10);
    assert_null(task_group_set_bandwidth(f.k, web, MSEC(50), MSEC(100), 0));
    task_group_set_idle(f.k, web, true);
    fixture_run(&f, MSEC(40));
    assert_stays(&f);
    fixture_run(&f, MSEC(200));
    assert_left(&f, SCX_EXIT_ERROR_BPF, "that is all");
    assert_true(n.done);
    assert_non_null(strstr(ext_exit_info(f.k)->dump, "all of it"));
    assert_non_null(strstr(ext_exit_info(f.k)->dump, "about CPU 0"));
    assert_non_null(strstr(ext_exit_info(f.k)->dump, "about hog"));
    uint64_t sum = 0;
    for (int i = 0; i < 3; i++)
        sum += hogs[i]->se.sum_exec;
    assert_true(sum > MSEC(300)); /* they ran all the time, under both */
    for (enum scx_op op = 0; op < SCX_OP_NR; op++) {
        bool placement = op == SCX_OP_alloc || op == SCX_OP_hint_fault || op == SCX_OP_scan;

        if (!placement && ext_op_calls(f.k, op) == 0)
            fail_msg("%s was never called", scx_op_names[op]);
    }
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_is_called_and_nobody_loses_by_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
