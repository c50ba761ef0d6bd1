/* layer: kernel */
/* One policy takes over from another within a run. */
#include "ext_fixture.h"

#include "numasim/policy.h"

struct counts {
    uint64_t enqueued;
};
static const struct scx_stat stats[] = { SCX_STAT(struct counts, enqueued, "how often"),
                                         { .name = NULL } };

static void
count_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    struct counts *c = scx_priv(scx);

    c->enqueued++;
    scx_dsq_insert(scx, p, Q, MSEC(4), flags);
}

#define COUNTING(name_)                                                                            \
    .name = name_, .abi = SCX_OPS_ABI, .init = make_queue, .enqueue = count_enqueue,               \
    .dispatch = dispatch_q, .priv_size = sizeof(struct counts), .stats = stats, .task_size = 4096, \
    .enable = note_enable, .disable = note_disable, .exit = note_exit, .adapter = &n

static void
plan(struct fixture *f, const struct ext_change *changes, uint32_t nr)
{
    f->k->params.ext.unload_time = MSEC(10);
    assert_true(ext_plan(f->k, changes, nr));
}

/* The first leaves, with its grace period, and in the instant in which it has the next is there. */
static void
a_policy_takes_over_when_the_one_before_has_left(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops one = { COUNTING("one") }, two = { COUNTING("two") };
    const struct ext_change changes[] = { { 0, &one, NULL }, { MSEC(20), &two, NULL } };
    struct ext_past past;
    (void)state;

    open_free(&f, 1, 1, 1);
    plan(&f, changes, 2);
    watch(&f, &h);
    struct task *a = start_hog(&f, "a", "0", 0), *b = start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(20) - 1);
    assert_ptr_equal(ext_ops(f.k), &one);
    fixture_run(&f, MSEC(30) - 1);
    assert_ptr_equal(ext_ops(f.k), &one);
    assert_int_equal(ext_state(f.k), SCX_DISABLING);
    fixture_run(&f, MSEC(30) + 1);
    assert_ptr_equal(ext_ops(f.k), &two);
    assert_stays(&f);
    assert_string_equal(n.log, "enable:a enable:b disable:a disable:b exit=64 enable:a enable:b");
    fixture_run(&f, MSEC(100));
    assert_int_equal(a->se.sum_exec + b->se.sum_exec, MSEC(100)); /* the CPU never stood still */
    assert_in_range(a->se.sum_exec, MSEC(40), MSEC(60));
    assert_non_null(strstr(h.log, "0:a 0:b 0:a 0:b"));
    assert_true(ext_policy(f.k, 0, &past));
    assert_ptr_equal(past.ops, &one);
    assert_int_equal(past.exit.kind, SCX_EXIT_UNREG);
    assert_in_range(past.stats[0], 4, 8); /* a turn each 4 ms in 20 ms, and the forks */
    assert_int_equal(past.calls[SCX_OP_enqueue], past.stats[0]);
    assert_true(ext_policy(f.k, 1, &past));
    assert_ptr_equal(past.ops, &two);
    assert_int_equal(past.loaded_at, MSEC(30));
    assert_in_range(past.stats[0], 70 / 8 - 1, 70 / 4 + 2); /* turns of one or two ticks */
    assert_false(ext_policy(f.k, 2, &past));
    fixture_close(&f);
}

/* A policy that has erred stays in the results when others come, and memory comes back. */
static int
bad_init(struct scx *scx)
{
    scx_error(scx, "not today");
    return 0;
}
static void
errors_of_the_past_are_not_forgotten(void **state)
{
    struct fixture f;
    struct notes n = { .named = true };
    struct sched_ops one = { COUNTING("one") }, bad = { COUNTING("bad") };
    const struct ext_change changes[] = { { 0, &one, NULL },
                                          { MSEC(20), &bad, NULL },
                                          { MSEC(40), NULL, NULL },
                                          { MSEC(60), &one, NULL } };
    (void)state;

    bad.init = bad_init;
    open_free(&f, 1, 1, 1);
    plan(&f, changes, 4);
    struct task *a = start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(50));
    assert_left(&f, SCX_EXIT_ERROR_BPF, "not today");
    assert_int_equal(ext_state(f.k), SCX_DISABLED);
    assert_false(ext_task_enabled(f.k, a));
    fixture_run(&f, MSEC(70));
    assert_int_equal(ext_state(f.k), SCX_ENABLED);
    assert_true(ext_task_enabled(f.k, a));
    assert_left(&f, SCX_EXIT_ERROR_BPF, "not today");
    assert_string_equal(ext_exit_word(f.k), "error_bpf");
    assert_int_equal(ext_left_at(f.k), MSEC(30));
    assert_int_equal(a->se.sum_exec, MSEC(70));
    fixture_close(&f);
}

static void
a_time_may_be_free_of_policies(void **state)
{
    struct fixture f;
    struct notes n = { .named = true };
    struct sched_ops one = { COUNTING("one") };
    const struct ext_change changes[] = { { MSEC(10), &one, NULL },
                                          { MSEC(20), NULL, NULL },
                                          { MSEC(50), &one, NULL } };
    (void)state;

    open_free(&f, 1, 1, 1);
    f.k->params.ext.unload_at = MSEC(70);
    plan(&f, changes, 3);
    struct task *a = start_hog(&f, "a", "0", 0);
    static const struct {
        sim_time at;
        bool ext;
    } looks[] = { { MSEC(5), false },
                  { MSEC(15), true },
                  { MSEC(40), false },
                  { MSEC(60), true },
                  { MSEC(90), false } };
    for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
        fixture_run(&f, looks[i].at);
        assert_int_equal(ext_task_enabled(f.k, a), looks[i].ext);
    }
    assert_null(ext_exit_word(f.k));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_takes_over_when_the_one_before_has_left),
        cmocka_unit_test(errors_of_the_past_are_not_forgotten),
        cmocka_unit_test(a_time_may_be_free_of_policies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
