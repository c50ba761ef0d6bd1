/* layer: kernel */
/* What policies do wrong, and how they are told: sched-ext.md 4 and 8. */
#include "ext_fixture.h"

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

/* ---- where calls are allowed ---- */

static void
select_in_tick(struct scx *scx, struct task *p)
{
    bool idle;

    scx_select_cpu_dfl(scx, p, 0, 0, &idle);
}
static void
insert_in_tick(struct scx *scx, struct task *p)
{
    scx_dsq_insert(scx, p, Q, 1, 0);
}
static void
reenqueue_in_tick(struct scx *scx, struct task *p)
{
    (void)p;
    scx_reenqueue_local(scx);
}
static void
create_in_tick(struct scx *scx, struct task *p)
{
    (void)p;
    assert_int_equal(scx_create_dsq(scx, 5, -1), -EPERM);
}
static void
slots_in_tick(struct scx *scx, struct task *p)
{
    (void)p;
    assert_int_equal(scx_dispatch_nr_slots(scx), 0);
}
static void
dump_in_tick(struct scx *scx, struct task *p)
{
    (void)p;
    scx_dump(scx, "not now");
}
static void
cpu_in_tick(struct scx *scx, struct task *p)
{
    (void)p;
    scx_kick_cpu(scx, -1, 0);
}
static void
peek_in_tick(struct scx *scx, struct task *p)
{
    (void)p;
    assert_null(scx_dsq_peek(scx, SCX_DSQ_GLOBAL));
}

static void
calls_out_of_place_are_errors(void **state)
{
    static const struct {
        void (*tick)(struct scx *scx, struct task *p);
        const char *words;
    } calls[] = {
        { select_in_tick, "scx_select_cpu_dfl() is not allowed in ops.tick()" },
        { insert_in_tick, "scx_dsq_insert() is not allowed in ops.tick()" },
        { reenqueue_in_tick, "scx_reenqueue_local() is not allowed in ops.tick()" },
        { create_in_tick, "scx_create_dsq() is not allowed in ops.tick()" },
        { slots_in_tick, "scx_dispatch_nr_slots() is not allowed in ops.tick()" },
        { dump_in_tick, "scx_dump() must be called from" },
        { cpu_in_tick, "invalid CPU -1" },
        { peek_in_tick, "peek on non-existent DSQ" },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct fixture f;
        struct sched_ops ops = { QUEUE_POLICY, .tick = calls[i].tick };

        begin(&f, 1, 1, 1, &ops);
        struct task *a = start_hog(&f, "a", "0", 0);
        fixture_run(&f, MSEC(20));
        assert_left(&f, SCX_EXIT_ERROR, calls[i].words);
        assert_int_equal(a->se.sum_exec, MSEC(20));
        fixture_close(&f);
    }
}

static void
consume_builtin(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu, (void)prev;
    scx_dsq_move_to_local(scx, SCX_DSQ_GLOBAL);
}
static void
cancel_nothing(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu, (void)prev;
    scx_dispatch_cancel(scx);
}
static void
what_dispatch_may_not_do(void **state)
{
    static const struct {
        void (*dispatch)(struct scx *scx, int cpu, struct task *prev);
        const char *words;
    } calls[] = {
        { consume_builtin, "invalid DSQ ID" },
        { cancel_nothing, "dispatch buffer underflow" },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct fixture f;
        struct sched_ops ops = { QUEUE_POLICY };

        ops.dispatch = calls[i].dispatch;
        begin(&f, 1, 1, 1, &ops);
        start_hog(&f, "a", "0", 0);
        struct task *b = start_hog(&f, "b", "0", 0);
        fixture_run(&f, MSEC(100));
        assert_left(&f, SCX_EXIT_ERROR, calls[i].words);
        assert_true(b->se.sum_exec > MSEC(30));
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_eject_and_the_tasks_go_on),
        cmocka_unit_test(calls_out_of_place_are_errors),
        cmocka_unit_test(what_dispatch_may_not_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
