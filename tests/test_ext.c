/* layer: kernel */
/* Policies of a few lines, one for each behaviour of sched-ext.md sections 3 to 8. */
#include "ext_fixture.h"

#include "kernel/hotplug.h"

enum { Q = 0 };

/* ---- parts of policies ---- */

static int
make_queue(struct scx *scx)
{
    return scx_create_dsq(scx, Q, -1);
}

static void
enqueue_q(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, Q, SCX_SLICE_DFL, flags);
}

static void
dispatch_q(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu, (void)prev;
    scx_dsq_move_to_local(scx, Q);
}

#define QUEUE_POLICY                                                                               \
    .name = "test", .abi = SCX_OPS_ABI, .init = make_queue, .enqueue = enqueue_q,                  \
    .dispatch = dispatch_q

#define WORD(op)                                                                                   \
    static void note_##op(struct scx *scx, struct task *p)                                         \
    {                                                                                              \
        (void)p;                                                                                   \
        note(scx, #op);                                                                            \
    }
WORD(running)
WORD(enable)
WORD(disable)

static void
note_stopping(struct scx *scx, struct task *p, bool runnable)
{
    (void)p;
    note(scx, runnable ? "stopping(1)" : "stopping(0)");
}
static void
note_runnable(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)p, (void)flags;
    note(scx, "runnable");
}
static void
note_quiescent(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)p, (void)flags;
    note(scx, "quiescent");
}
static void
note_weight(struct scx *scx, struct task *p, uint32_t weight)
{
    char word[32];

    (void)p;
    snprintf(word, sizeof(word), "weight=%u", weight);
    note(scx, word);
}
static int
note_select(struct scx *scx, struct task *p, int prev, uint64_t wake_flags)
{
    (void)p, (void)wake_flags;
    note(scx, "select_cpu");
    return prev;
}
static void
note_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    char word[32];

    snprintf(word, sizeof(word), "enqueue=0x%llx", (unsigned long long)flags);
    note(scx, word);
    enqueue_q(scx, p, flags);
}
static void
note_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    note(scx, prev != NULL ? "dispatch(prev)" : "dispatch");
    dispatch_q(scx, cpu, prev);
}
static int
note_init_task(struct scx *scx, struct task *p, const struct scx_init_task_args *args)
{
    (void)p;
    note(scx, args->fork ? "init_task(fork)" : "init_task");
    return 0;
}
static void
note_exit_task(struct scx *scx, struct task *p, const struct scx_exit_task_args *args)
{
    (void)p, (void)args;
    note(scx, "exit_task");
}
static void
note_idle(struct scx *scx, int cpu, bool idle)
{
    (void)cpu;
    note(scx, idle ? "idle(1)" : "idle(0)");
}
static void
note_exit(struct scx *scx, const struct scx_exit_info *info)
{
    char word[32];

    snprintf(word, sizeof(word), "exit=%d", (int)info->kind);
    note(scx, word);
}

#define NOTING                                                                                     \
    .runnable = note_runnable, .running = note_running, .stopping = note_stopping,                 \
    .quiescent = note_quiescent, .enable = note_enable, .disable = note_disable,                   \
    .set_weight = note_weight, .select_cpu = note_select, .init_task = note_init_task,             \
    .exit_task = note_exit_task, .update_idle = note_idle, .exit = note_exit

static const struct action nap[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                     { .kind = ACTION_SLEEP, .until = MSEC(5) },
                                     { .kind = ACTION_RUN, .work = MSEC(1) },
                                     { .kind = ACTION_EXIT } };

/* ---- life cycle ---- */

static void
a_policy_with_a_name_only_shares_a_cpu_evenly(void **state)
{
    struct fixture f;
    const struct sched_ops ops = { .name = "minimal", .abi = SCX_OPS_ABI };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0", 0), *b = start_hog(&f, "b", "0", 10);
    fixture_run(&f, SEC(1));
    assert_stays(&f);
    assert_in_range(a->se.sum_exec, MSEC(470), MSEC(530)); /* weights are the policy's business */
    assert_in_range(b->se.sum_exec, MSEC(470), MSEC(530));
    fixture_close(&f);
}

static void
a_task_lives_in_the_order_of_sched_ext(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, NOTING, .adapter = &n };
    (void)state;

    ops.enqueue = note_enqueue;
    ops.dispatch = note_dispatch;
    open_with(&f, 1, 2, 1, "ext.exit_delay", "1ms");
    assert_true(ext_load(f.k, &ops, NULL));
    start_script(&f, "nap", "0-1", nap, ARRAY_LEN(nap));
    start_hog(&f, "keeps-the-run-going", "1", 0);
    n.len = 0;
    n.log[0] = '\0';

    fixture_run(&f, USEC(10));
    assert_string_equal(n.log, "init_task(fork) enable weight=100 select_cpu runnable enqueue=0x88 "
                               "init_task(fork) enable weight=100 runnable enqueue=0x88 "
                               "dispatch idle(0) running dispatch idle(0) running");
    fixture_close(&f);
}

static void
sleep_and_wake_up_have_their_flags(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, NOTING, .adapter = &n };
    (void)state;

    ops.enqueue = note_enqueue;
    ops.dispatch = note_dispatch;
    open_with(&f, 1, 1, 1, "ext.exit_delay", "1ms");
    assert_true(ext_load(f.k, &ops, NULL));
    start_script(&f, "nap", "0", nap, ARRAY_LEN(nap));
    fixture_run(&f, MSEC(20));
    assert_string_equal(n.log, "init_task(fork) enable weight=100 runnable enqueue=0x88 dispatch "
                               "idle(0) running stopping(0) quiescent dispatch(prev) idle(1) "
                               "runnable enqueue=0x9 dispatch idle(0) running stopping(0) "
                               "quiescent");
    fixture_close(&f);
}

static void
an_empty_dispatch_keeps_the_task_without_a_word(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, NOTING, .adapter = &n };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    start_hog(&f, "hog", "0", 0);
    fixture_run(&f, SEC(1));
    assert_string_equal(n.log, "init_task(fork) enable weight=100 runnable idle(0) running");
    struct scx_event_stats events = { 0 };
    ext_events(f.k, &events);
    assert_in_range(events.DISPATCH_KEEP_LAST, 40, 51); /* a slice each 20 or 24 ms */
    assert_int_equal(events.DISPATCH_KEEP_LAST, events.REFILL_SLICE_DFL);
    fixture_close(&f);
}

static void
loading_finds_the_tasks_and_unloading_gives_them_back(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, NOTING, .adapter = &n };
    (void)state;

    open_with(&f, 1, 1, 1, "ext.unload_time", "10ms");
    struct task *a = start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(2));
    assert_true(ext_load(f.k, &ops, NULL));
    assert_true(ext_task_enabled(f.k, a));
    fixture_run(&f, MSEC(3));
    ext_unload(f.k);
    fixture_run(&f, MSEC(100));
    assert_false(ext_task_enabled(f.k, a));
    assert_left(&f, SCX_EXIT_UNREG, "");
    assert_null(ext_exit_word(f.k));
    assert_int_equal(ext_state(f.k), SCX_DISABLED);
    assert_string_equal(n.log, "init_task enable weight=100 runnable running stopping(0) quiescent "
                               "disable exit_task exit=64");
    assert_in_range(a->se.sum_exec, MSEC(100) - USEC(5), MSEC(100)); /* less what deciding cost */
    fixture_close(&f);
}

static void
partial_takes_tasks_of_policy_ext_only(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY, .flags = SCX_OPS_SWITCH_PARTIAL };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *fair = start_hog(&f, "fair", "0", 0);
    struct task *ext =
        task_new(f.k, f.process,
                 &(struct task_attr){
                     .name = "ext", .policy = POLICY_EXT, .ops = &script_ops, .prog = fair->prog });
    task_start_at(f.k, ext, 0);
    fixture_run(&f, MSEC(100));
    assert_true(ext_task_enabled(f.k, ext));
    assert_false(ext_task_enabled(f.k, fair));
    assert_int_equal(ext->se.sum_exec, 0); /* any fair task is before all of them */
    fixture_close(&f);
}

/* ---- slices ---- */

static uint64_t
length_of_turns(const char *slice_ms, uint64_t slice)
{
    struct fixture f;
    (void)slice_ms;
    struct sched_ops ops = { QUEUE_POLICY };

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    (void)slice;
    struct task *a = start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, SEC(1));
    uint64_t length = a->se.sum_exec / a->stats.nr_slices;
    fixture_close(&f);
    return length;
}

static void
a_slice_of_a_multiple_of_the_tick_lasts_one_tick_more(void **state)
{
    (void)state;
    assert_in_range(length_of_turns("20", SCX_SLICE_DFL), MSEC(23), MSEC(24)); /* HZ 250 */
}

/* ---- DSQs ---- */

static void
vtime_first(struct scx *scx, struct task *p, uint64_t flags)
{
    uint64_t vtime = strcmp(scx_task_comm(scx, p), "last") == 0 ? 5 : UINT64_MAX - 5;

    scx_dsq_insert_vtime(scx, p, Q, SCX_SLICE_DFL, vtime, flags);
}
static void
note_name(struct scx *scx, struct task *p)
{
    note(scx, scx_task_comm(scx, p));
}

static void
virtual_times_wrap_and_equals_keep_their_order(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .running = note_name, .adapter = &n };
    (void)state;

    ops.enqueue = vtime_first;
    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                          { .kind = ACTION_EXIT } };
    start_script(&f, "last", "0", once, 2);
    start_script(&f, "one", "0", once, 2);
    start_script(&f, "two", "0", once, 2);
    start_script(&f, "three", "0", once, 2);
    fixture_run(&f, MSEC(10));
    assert_string_equal(n.log, "one two three last");
    fixture_close(&f);
}

static void
mixed_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    if (notes_of(scx)->number++ == 0)
        scx_dsq_insert_vtime(scx, p, Q, SCX_SLICE_DFL, 1, flags);
    else
        scx_dsq_insert(scx, p, Q, SCX_SLICE_DFL, flags);
}
static void
vtime_global(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert_vtime(scx, p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, 1, flags);
}
static void
to_nowhere(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, 77, SCX_SLICE_DFL, flags);
}
static void
to_no_cpu(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL_OF(999), SCX_SLICE_DFL, flags);
}
static void
to_forbidden_cpu(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL_OF(1), SCX_SLICE_DFL, flags);
}
static void
twice(struct scx *scx, struct task *p, uint64_t flags)
{
    enqueue_q(scx, p, flags);
    enqueue_q(scx, p, flags);
}
static void
internal_flag(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, Q, SCX_SLICE_DFL, flags | UINT64_C(1) << 60);
}
static void
own_error(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)p, (void)flags;
    scx_error(scx, "no more of %s", "this");
}
static void
own_exit(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)p, (void)flags;
    scx_exit(scx, 7, "enough");
}
static void
moves_in_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)p, (void)flags;
    scx_dsq_move_to_local(scx, Q);
}
static void
kicks_wrongly(struct scx *scx, struct task *p, uint64_t flags)
{
    enqueue_q(scx, p, flags);
    scx_kick_cpu(scx, 1, SCX_KICK_IDLE | SCX_KICK_PREEMPT);
}
static void
destroys_in_use(struct scx *scx, struct task *p, uint64_t flags)
{
    if (notes_of(scx)->number++ > 0)
        scx_destroy_dsq(scx, Q);
    enqueue_q(scx, p, flags);
}

/* Whatever a policy does wrong, it leaves with the reason, and its tasks get the whole CPU. */
static void
errors_eject_and_the_tasks_go_on(void **state)
{
    static const struct {
        void (*enqueue)(struct scx *scx, struct task *p, uint64_t flags);
        enum scx_exit_kind kind;
        const char *words;
    } errors[] = {
        { mixed_enqueue, SCX_EXIT_ERROR, "already had PRIQ-enqueued tasks" },
        { vtime_global, SCX_EXIT_ERROR, "cannot use vtime ordering for built-in DSQs" },
        { to_nowhere, SCX_EXIT_ERROR, "non-existent DSQ 0x4d" },
        { to_no_cpu, SCX_EXIT_ERROR, "invalid CPU 999 in SCX_DSQ_LOCAL_ON dispatch verdict" },
        { to_forbidden_cpu, SCX_EXIT_ERROR, "target CPU 1 not allowed for a" },
        { twice, SCX_EXIT_ERROR, "already direct-dispatched" },
        { internal_flag, SCX_EXIT_ERROR, "invalid enq_flags" },
        { own_error, SCX_EXIT_ERROR_BPF, "no more of this" },
        { own_exit, SCX_EXIT_UNREG_BPF, "enough" },
        { moves_in_enqueue, SCX_EXIT_ERROR, "is not allowed in ops.enqueue()" },
        { kicks_wrongly, SCX_EXIT_ERROR, "PREEMPT/WAIT cannot be used with SCX_KICK_IDLE" },
        { destroys_in_use, SCX_EXIT_ERROR, "attempting to destroy in-use dsq" },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        struct fixture f;
        struct notes n = { .len = 0 };
        struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };

        ops.enqueue = errors[i].enqueue;
        open_with(&f, 1, 2, 1, NULL, NULL);
        assert_true(ext_load(f.k, &ops, NULL));
        struct task *a = start_hog(&f, "a", "0", 0), *b = start_hog(&f, "b", "0", 0);
        fixture_run(&f, MSEC(500));
        assert_left(&f, errors[i].kind, errors[i].words);
        assert_int_equal(ext_state(f.k), SCX_DISABLED);
        assert_in_range(a->se.sum_exec + b->se.sum_exec, MSEC(499), MSEC(500));
        assert_in_range(a->se.sum_exec, MSEC(200), MSEC(300));
        fixture_close(&f);
    }
}

static void
keep_it(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)scx, (void)p, (void)flags;
}

static void
a_lost_task_stalls_between_one_and_one_and_a_half_timeouts(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY, .timeout_ms = 1000 };
    (void)state;

    ops.enqueue = keep_it;
    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "lost", "0", 0);
    fixture_run(&f, SEC(2));
    assert_left(&f, SCX_EXIT_ERROR_STALL, "lost[1] failed to run for 1.");
    assert_in_range(ext_left_at(f.k), SEC(1), MSEC(1500));
    assert_true(strstr(ext_exit_info(f.k)->dump, "lost[1]") != NULL);
    assert_int_equal(a->se.sum_exec > MSEC(400), 1);
    fixture_close(&f);
}

static void
a_global_queue_is_its_nodes(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY };
    (void)state;

    ops.init = NULL;
    ops.enqueue = NULL;
    ops.dispatch = NULL;
    ops.select_cpu = note_select;
    struct notes n = { .len = 0 };
    ops.adapter = &n;
    open_with(&f, 2, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0-1", 0), *b = start_hog(&f, "b", "0-1", 0);
    fixture_run(&f, MSEC(480));
    assert_int_equal(a->cpu, 0); /* both wait on node 0, and CPU 1 idles */
    assert_int_equal(b->cpu, 0);
    assert_int_equal(f.k->rqs[1].busy_ns, 0);
    fixture_close(&f);
}

static void
last_local(struct scx *scx, struct task *p, uint64_t flags)
{
    if (flags & SCX_ENQ_LAST)
        note(scx, "LAST");
    scx_dsq_insert(scx, p, flags & SCX_ENQ_LAST ? SCX_DSQ_LOCAL : Q, SCX_SLICE_DFL, flags);
}

static void
the_last_task_makes_a_round_through_idle(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY,
                             .flags = SCX_OPS_ENQ_LAST,
                             .adapter = &n,
                             .update_idle = note_idle,
                             .running = note_running,
                             .stopping = note_stopping };
    (void)state;

    ops.enqueue = last_local;
    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(30));
    assert_string_equal(n.log, "idle(0) running stopping(1) LAST idle(1) idle(0) running");
    fixture_close(&f);
}

/* ---- verdicts ---- */

static void
overflowing(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu;
    if (prev == NULL)
        return;
    for (uint32_t i = scx_dispatch_nr_slots(scx); i > 0; i--)
        scx_dsq_insert(scx, prev, SCX_DSQ_LOCAL, 1, 0);
    assert_int_equal(scx_dispatch_nr_slots(scx), 0);
    scx_dispatch_cancel(scx);
    assert_int_equal(scx_dispatch_nr_slots(scx), 1);
    scx_dsq_insert(scx, prev, SCX_DSQ_LOCAL, 1, 0);
    scx_dsq_insert(scx, prev, SCX_DSQ_LOCAL, 1, 0);
}

static void
verdicts_have_so_many_slots(void **state)
{
    struct fixture f;
    struct sched_ops ops = {
        .name = "test", .abi = SCX_OPS_ABI, .dispatch = overflowing, .dispatch_max_batch = 5
    };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(200));
    assert_left(&f, SCX_EXIT_ERROR, "dispatch buffer overflow");
    fixture_close(&f);
}

/* A running task is not the policy's: the verdict is dropped, but the slice counts. */
static void
stale(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu;
    if (prev != NULL && scx_task_queued(scx, prev)) {
        scx_dsq_insert(scx, prev, Q, MSEC(100), 0);
        notes_of(scx)->number++;
    }
}

static void
a_stale_verdict_is_dropped_but_its_slice_counts(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };
    (void)state;

    ops.dispatch = stale;
    ops.enqueue = NULL;
    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(1000));
    struct scx_event_stats events = { 0 };
    ext_events(f.k, &events);
    assert_stays(&f);
    assert_in_range(n.number, 9, 10); /* 20 ms, then 100 ms each */
    assert_int_equal(events.INSERT_NOT_OWNED, n.number);
    fixture_close(&f);
}

/* ---- storage ---- */

static int
try_storage(struct scx *scx)
{
    uint64_t value;
    int map = scx_map_new(scx, 2, sizeof(uint64_t)), queue = scx_queue_new(scx, 2);

    assert_int_equal(scx_create_dsq(scx, 5, -1), 0);
    assert_int_equal(scx_create_dsq(scx, 5, -1), -EEXIST);
    assert_int_equal(scx_create_dsq(scx, SCX_DSQ_LOCAL, -1), -EINVAL);
    assert_int_equal(scx_create_dsq(scx, UINT64_C(1) << 40, -1), 0);
    assert_int_equal(scx_dsq_nr_queued(scx, UINT64_C(1) << 40), 0);
    assert_int_equal(scx_dsq_nr_queued(scx, 6), -ENOENT);
    assert_int_equal(scx_dsq_nr_queued(scx, SCX_DSQ_GLOBAL), -ENOENT);
    assert_null(scx_map_get(scx, map, 9));
    *(uint64_t *)scx_map_put(scx, map, 9) = 90;
    *(uint64_t *)scx_map_put(scx, map, 8) = 80;
    assert_null(scx_map_put(scx, map, 7));
    assert_int_equal(*(uint64_t *)scx_map_at(scx, map, 1, &value), 80);
    assert_true(scx_map_delete(scx, map, 9));
    assert_int_equal(*(uint64_t *)scx_map_get(scx, map, 8), 80);
    assert_int_equal(scx_map_len(scx, map), 1);
    assert_true(scx_queue_push(scx, queue, 1) && scx_queue_push(scx, queue, 2));
    assert_false(scx_queue_push(scx, queue, 3));
    assert_true(scx_queue_pop(scx, queue, &value) && value == 1);
    assert_true(scx_queue_push(scx, queue, 3));
    assert_true(scx_queue_pop(scx, queue, &value) && value == 2);
    assert_int_equal(scx_map_new(scx, 1 << 20, 1 << 10), -ENOMEM);
    assert_int_equal(scx_nearest_node(scx, 1, 0), 1);
    assert_int_equal(scx_nearest_node(scx, 1, 1), 0);
    assert_int_equal(scx_nearest_node(scx, 1, 3), -1);
    assert_int_equal(scx_timers_new(scx, 2), 0);
    scx_timer_start(scx, 1, MSEC(3));
    notes_of(scx)->done = true;
    return 0;
}
static void
note_timer(struct scx *scx, uint32_t timer)
{
    assert_int_equal(timer, 1);
    notes_of(scx)->number = (int64_t)scx_now(scx);
}

static void
maps_queues_and_timers_keep_their_word(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = {
        .name = "test", .abi = SCX_OPS_ABI, .init = try_storage, .timer = note_timer, .adapter = &n
    };
    (void)state;

    open_with(&f, 3, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    assert_true(n.done);
    start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(10));
    assert_int_equal(n.number, MSEC(3));
    fixture_close(&f);
}

/* ---- refusals ---- */

static int
bad_init(struct scx *scx)
{
    (void)scx;
    return -ENOMEM;
}
static int
bad_init_task(struct scx *scx, struct task *p, const struct scx_init_task_args *args)
{
    (void)scx;
    return args->fork && strcmp(scx_task_comm(scx, p), "b") == 0 ? -EPERM : 0;
}

static void
a_failing_init_is_a_refusal(void **state)
{
    struct fixture f;
    struct sched_ops ops = { .name = "test", .abi = SCX_OPS_ABI, .init = bad_init };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_false(ext_load(f.k, &ops, NULL));
    assert_left(&f, SCX_EXIT_ERROR, "ops.init() failed (-12)");
    fixture_close(&f);
}

static void
a_refused_fork_never_runs(void **state)
{
    struct fixture f;
    struct sched_ops ops = { .name = "test", .abi = SCX_OPS_ABI, .init_task = bad_init_task };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0", 0), *b = start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(10));
    assert_int_equal(a->se.sum_exec > MSEC(9), 1);
    assert_int_equal(b->state, TASK_DEAD);
    assert_stays(&f);
    fixture_close(&f);
}

/* ---- attributes ---- */

static void
weights_follow_nice(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = {
        .name = "test", .abi = SCX_OPS_ABI, .set_weight = note_weight, .adapter = &n
    };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0", -20);
    fixture_run(&f, MSEC(1));
    task_set_nice(f.k, a, 19);
    task_set_nice(f.k, a, 5);
    assert_string_equal(n.log, "weight=8668 weight=1 weight=33");
    fixture_close(&f);
}

static void
note_cpumask(struct scx *scx, struct task *p, const struct cpumask *mask)
{
    char word[32];

    (void)p;
    snprintf(word, sizeof(word), "mask=%llx", (unsigned long long)mask->bits[0]);
    note(scx, word);
}
static void
note_release(struct scx *scx, int cpu, const struct scx_cpu_release_args *args)
{
    (void)cpu;
    note(scx, args->reason == SCX_CPU_PREEMPT_STOP ? "release(STOP)" : "release");
}

static void
an_affinity_that_excludes_the_cpu_sends_the_stopper(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY,
                             .adapter = &n,
                             .running = note_running,
                             .stopping = note_stopping,
                             .runnable = note_runnable,
                             .quiescent = note_quiescent,
                             .set_cpumask = note_cpumask,
                             .cpu_release = note_release };
    (void)state;

    ops.enqueue = note_enqueue;
    open_with(&f, 1, 2, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0-1", 0);
    fixture_run(&f, MSEC(1));
    int to = 1 - a->cpu;
    n.len = 0;
    n.log[0] = '\0';
    task_set_affinity(f.k, a, fixture_cpus(&f, to == 1 ? "1" : "0"));
    fixture_run(&f, MSEC(2));
    char want[256];
    snprintf(want, sizeof(want),
             "stopping(0) quiescent mask=%x runnable running stopping(1) release(STOP) "
             "enqueue=0x40 running",
             1 << to);
    assert_string_equal(n.log, want);
    assert_int_equal(a->cpu, to);
    fixture_close(&f);
}

/* ---- limits ---- */

static void
slow_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_charge(scx, MSEC(1));
    enqueue_q(scx, p, flags);
}

static void
over_budget_a_policy_leaves_or_is_done_without(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY };
    (void)state;

    ops.enqueue = slow_enqueue;
    open_with(&f, 1, 1, 1, "ext.max_runtime", "100us");
    assert_true(ext_load(f.k, &ops, NULL));
    start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(100));
    assert_left(&f, SCX_EXIT_ERROR, "ops.enqueue() took");
    fixture_close(&f);

    open_with(&f, 1, 1, 1, "ext.max_runtime", "100us");
    f.k->params.ext.on_overrun = EXT_OVERRUN_DEFAULT;
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(100));
    assert_stays(&f);
    assert_in_range(a->se.sum_exec, MSEC(40), MSEC(60)); /* from the global queue */
    fixture_close(&f);
}

static void
hotplug_without_the_ops_ends_the_policy(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY };
    (void)state;

    open_with(&f, 1, 2, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0-1", 0);
    hotplug_at(f.k, MSEC(5), fixture_cpus(&f, "1"), false);
    fixture_run(&f, MSEC(100));
    assert_left(&f, SCX_EXIT_UNREG_KERN, "cpu 1 going offline, exiting scheduler");
    assert_int_equal(ext_exit_info(f.k)->exit_code, SCX_ECODE_ACT_RESTART | SCX_ECODE_RSN_HOTPLUG);
    assert_int_equal(a->se.sum_exec > MSEC(98), 1);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_with_a_name_only_shares_a_cpu_evenly),
        cmocka_unit_test(a_task_lives_in_the_order_of_sched_ext),
        cmocka_unit_test(sleep_and_wake_up_have_their_flags),
        cmocka_unit_test(an_empty_dispatch_keeps_the_task_without_a_word),
        cmocka_unit_test(loading_finds_the_tasks_and_unloading_gives_them_back),
        cmocka_unit_test(partial_takes_tasks_of_policy_ext_only),
        cmocka_unit_test(a_slice_of_a_multiple_of_the_tick_lasts_one_tick_more),
        cmocka_unit_test(virtual_times_wrap_and_equals_keep_their_order),
        cmocka_unit_test(errors_eject_and_the_tasks_go_on),
        cmocka_unit_test(a_lost_task_stalls_between_one_and_one_and_a_half_timeouts),
        cmocka_unit_test(a_global_queue_is_its_nodes),
        cmocka_unit_test(the_last_task_makes_a_round_through_idle),
        cmocka_unit_test(verdicts_have_so_many_slots),
        cmocka_unit_test(a_stale_verdict_is_dropped_but_its_slice_counts),
        cmocka_unit_test(maps_queues_and_timers_keep_their_word),
        cmocka_unit_test(a_failing_init_is_a_refusal),
        cmocka_unit_test(a_refused_fork_never_runs),
        cmocka_unit_test(weights_follow_nice),
        cmocka_unit_test(an_affinity_that_excludes_the_cpu_sends_the_stopper),
        cmocka_unit_test(over_budget_a_policy_leaves_or_is_done_without),
        cmocka_unit_test(hotplug_without_the_ops_ends_the_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
