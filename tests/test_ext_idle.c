/* layer: kernel */
/* Which CPUs idle, and which of them a task gets: sched-ext.md 6, and 9 for nodes. */
#include "ext_fixture.h"

/* Two threads a core, next to each other. */
static int
core_of(int cpu)
{
    return cpu / 2;
}

/* ---- claims and picks ---- */

static int
pick_all(struct scx *scx)
{
    const struct cpumask *all = scx_possible_cpumask(scx);
    int first = scx_pick_idle_cpu(scx, all, 0), second = scx_pick_idle_cpu(scx, all, 0);

    assert_true(first >= 0 && second >= 0);
    assert_int_not_equal(core_of(first), core_of(second)); /* whole cores first */
    assert_int_equal(cpumask_weight(scx_idle_smtmask(scx)), 0);
    assert_int_equal(cpumask_weight(scx_idle_cpumask(scx)), 2);
    assert_int_equal(scx_pick_idle_cpu(scx, all, SCX_PICK_IDLE_CORE), -EBUSY);
    int third = scx_pick_idle_cpu(scx, all, 0), fourth = scx_pick_idle_cpu(scx, all, 0);
    assert_int_equal(first + second + third + fourth, 0 + 1 + 2 + 3); /* each once */
    assert_int_equal(scx_pick_idle_cpu(scx, all, 0), -EBUSY);
    assert_in_range(scx_pick_any_cpu(scx, all, 0), 0, 3); /* then it need not idle */
    assert_false(scx_test_and_clear_cpu_idle(scx, first));
    notes_of(scx)->done = true;
    return 0;
}

static void
picks_take_whole_cores_first_and_claim_what_they_take(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { .name = "test", .abi = SCX_OPS_ABI, .init = pick_all, .adapter = &n };
    (void)state;

    begin(&f, 1, 2, 2, &ops);
    assert_true(n.done);
    assert_stays(&f);
    fixture_close(&f);
}

static int
claim_one(struct scx *scx)
{
    assert_true(scx_test_and_clear_cpu_idle(scx, 2));
    assert_false(scx_test_and_clear_cpu_idle(scx, 2));
    assert_false(cpumask_test(scx_idle_cpumask(scx), 2));
    assert_true(cpumask_test(scx_idle_cpumask(scx), 3)); /* the sibling idles, the core does not */
    assert_false(cpumask_test(scx_idle_smtmask(scx), 3));
    assert_true(cpumask_test(scx_idle_smtmask(scx), 0));
    assert_int_equal(scx_cpu_sibling(scx, 3), 2);
    notes_of(scx)->done = true;
    return 0;
}

static void
a_claim_takes_the_core_and_leaves_the_sibling(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { .name = "test", .abi = SCX_OPS_ABI, .init = claim_one, .adapter = &n };
    (void)state;

    begin(&f, 1, 2, 2, &ops);
    assert_true(n.done);
    fixture_close(&f);
}

/* ---- the kernel's choice ---- */

/* A task wakes with some CPUs taken: where does it go? */
static int
choose(struct scx *scx, struct task *p, int prev, uint64_t wake_flags)
{
    struct notes *n = notes_of(scx);
    bool idle;

    assert_int_equal(prev, 0);
    for_each_cpu (cpu, n->busy)
        scx_test_and_clear_cpu_idle(scx, cpu);
    if (n->mask != NULL) {
        n->result = scx_select_cpu_and(scx, p, prev, wake_flags, n->mask, n->flags);
        return prev;
    }
    n->result = scx_select_cpu_dfl(scx, p, prev, wake_flags, &idle);
    n->done = idle;
    if (idle)
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
    return (int)n->result;
}

struct choice {
    const char *busy, *want; /* sets of CPUs; prev is 0 */
    bool idle;
};

/* Two nodes of two cores of two threads: 0-3, 4-7. */
static void
try_choice(uint64_t flags, const struct choice *c)
{
    struct fixture f;
    struct history h;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .flags = flags, .select_cpu = choose, .adapter = &n };
    char ran[32];

    open_free(&f, 2, 2, 2);
    n.busy = fixture_cpus(&f, c->busy);
    load(&f, &ops);
    watch(&f, &h);
    start_hog(&f, "p", "0-7", 0);
    fixture_run(&f, MSEC(1));
    if (!cpumask_test(fixture_cpus(&f, c->want), (uint32_t)n.result) || n.done != c->idle)
        fail_msg("busy %s: it chose CPU %d", c->busy, (int)n.result);
    snprintf(ran, sizeof(ran), "%d:p", (int)n.result);
    assert_string_equal(h.log, ran);
    fixture_close(&f);
}

/* Linux 6.12: no caches, no nodes. */
static void
the_choice_of_6_12_knows_cores_and_nothing_else(void **state)
{
    static const struct choice choices[] = {
        { "", "0", true },              /* prev's core idles */
        { "1", "2-7", true },           /* an idle core, wherever it is */
        { "1-2", "4-7", true },         /* the last idle cores are remote */
        { "1,2,4,6", "0", true },       /* no idle core: prev */
        { "0,2,4,6", "1,3,5,7", true }, /* any thread */
        { "0-6", "7", true },
        { "0-7", "0", false }, /* none: prev, and it does not idle */
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        try_choice(0, &choices[i]);
}

/* Later kernels, by node: cache, node, distance; the sibling of prev before its cache. */
static void
the_later_choice_stays_near(void **state)
{
    static const struct choice choices[] = {
        { "", "0", true },          { "1", "2-3", true },     { "1-2", "4-7", true },
        { "1,2,4,6", "0", true },   { "0,2,4,6", "1", true }, { "0,1,2,4,6", "3", true },
        { "0-3,4,6", "5,7", true }, { "0-7", "0", false },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        try_choice(SCX_OPS_BUILTIN_IDLE_PER_NODE, &choices[i]);
}

static void
a_choice_within_a_mask_stays_in_it(void **state)
{
    static const struct {
        const char *busy, *mask;
        uint64_t flags;
        int64_t least, most;
    } choices[] = {
        { "", "4-7", 0, 4, 7 },
        { "0", "0,3", 0, 3, 3 },
        { "4-7", "4-7", 0, -EBUSY, -EBUSY },
        { "4", "4-5", SCX_PICK_IDLE_CORE, -EBUSY, -EBUSY },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        struct fixture f;
        struct notes n = { .flags = choices[i].flags };
        struct sched_ops ops = { QUEUE_POLICY, .flags = SCX_OPS_BUILTIN_IDLE_PER_NODE,
                                 .select_cpu = choose, .adapter = &n };

        open_free(&f, 2, 2, 2);
        n.busy = fixture_cpus(&f, choices[i].busy);
        n.mask = fixture_cpus(&f, choices[i].mask);
        load(&f, &ops);
        start_hog(&f, "p", "0-7", 0);
        fixture_run(&f, MSEC(1));
        assert_true(n.result >= choices[i].least && n.result <= choices[i].most);
        assert_stays(&f);
        fixture_close(&f);
    }
}

/* ---- by node ---- */

static int
pick_by_node(struct scx *scx)
{
    const struct cpumask *all = scx_possible_cpumask(scx);
    char where[16] = "";

    for (int i = 0; i < 6; i++) {
        int cpu = scx_pick_idle_cpu_node(scx, all, 1, 0);

        where[i] = (char)('0' + scx_cpu_node(scx, cpu));
        if (i == 1) {
            assert_int_equal(scx_pick_idle_cpu_node(scx, all, 1, SCX_PICK_IDLE_IN_NODE), -EBUSY);
            assert_int_equal(cpumask_weight(scx_idle_cpumask_node(scx, 1)), 0);
            assert_int_equal(cpumask_weight(scx_idle_smtmask_node(scx, 2)), 2);
        }
    }
    assert_string_equal(where, "112200"); /* node 2 is nearer to node 1 than node 0 */
    assert_int_equal(scx_pick_idle_cpu_node(scx, all, 1, 0), -EBUSY);
    assert_int_equal(scx_cpu_node(scx, scx_pick_any_cpu_node(scx, all, 1, 0)) >= 0, 1);
    notes_of(scx)->done = true;
    return 0;
}

static void
picks_by_node_go_on_by_distance(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { .name = "test",
                             .abi = SCX_OPS_ABI,
                             .flags = SCX_OPS_BUILTIN_IDLE_PER_NODE,
                             .init = pick_by_node,
                             .adapter = &n };
    static const uint8_t far[] = { 10, 30, 40, 30, 10, 20, 40, 20, 10 };
    (void)state;

    fixture_distances = far;
    begin(&f, 3, 2, 1, &ops);
    fixture_distances = NULL;
    assert_true(n.done);
    assert_stays(&f);
    fixture_close(&f);
}

static int
ask_by_node(struct scx *scx)
{
    scx_pick_idle_cpu_node(scx, scx_possible_cpumask(scx), 0, 0);
    return 0;
}
static int
ask_for_all(struct scx *scx)
{
    scx_idle_cpumask(scx);
    return 0;
}
static int
ask_without_masks(struct scx *scx)
{
    scx_pick_idle_cpu(scx, scx_possible_cpumask(scx), 0);
    return 0;
}

/* Each kind of mask is there for policies that asked for it. */
static void
masks_that_are_not_kept_are_an_error(void **state)
{
    const struct sched_ops wrong[] = {
        { .name = "a", .abi = SCX_OPS_ABI, .init = ask_by_node },
        { .name = "b",
          .abi = SCX_OPS_ABI,
          .init = ask_for_all,
          .flags = SCX_OPS_BUILTIN_IDLE_PER_NODE },
        { .name = "c", .abi = SCX_OPS_ABI, .init = ask_without_masks, .update_idle = note_idle },
    };
    static const char *const words[] = { "per-node idle tracking is disabled",
                                         "per-node idle tracking is enabled",
                                         "built-in idle tracking is disabled" };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct fixture f;

        open_free(&f, 2, 1, 1);
        assert_false(ext_load(f.k, &wrong[i], NULL));
        assert_left(&f, SCX_EXIT_ERROR, words[i]);
        fixture_close(&f);
    }
    struct fixture f;
    struct sched_ops keeps = wrong[2];
    keeps.flags = SCX_OPS_KEEP_BUILTIN_IDLE;
    begin(&f, 2, 1, 1, &keeps);
    fixture_close(&f);
}

/* ---- wake-ups that hand over ---- */

static const struct action sleeper_actions[] = { { .kind = ACTION_BLOCK },
                                                 { .kind = ACTION_RUN, .work = MSEC(1) } };
static const struct action waker_actions[] = { { .kind = ACTION_RUN, .work = MSEC(2) },
                                               { .kind = ACTION_RUN, .work = MSEC(1) },
                                               { .kind = ACTION_BLOCK } };
static struct task *sleeper; /* of the waker */

static void
wake_sync(struct kernel *k, struct task *p, uint32_t step)
{
    if (step == 1)
        task_wake(k, sleeper, p, true);
}

/* SYNC: the waker's CPU, no idle bit is claimed, though its own CPU idles. */
static void
a_sync_wakeup_goes_to_the_waker(void **state)
{
    struct fixture f;
    struct history h;
    struct sched_ops ops = { .name = "test", .abi = SCX_OPS_ABI };
    (void)state;

    begin(&f, 1, 4, 1, &ops);
    watch(&f, &h);
    sleeper = start_script(&f, "s", "0-3", sleeper_actions, 2);
    struct task *w = start_as(&f, "w", "2", &(struct task_attr){ .nice = 0 }, waker_actions, 3, 0);
    ((struct script *)w->prog)->before = wake_sync;
    fixture_run(&f, MSEC(10));
    const char *after = strstr(h.log, "2:w");
    assert_non_null(after);
    assert_string_equal(after, "2:w 2:s 2:-"); /* it waits for the waker, then takes its CPU */
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_take_whole_cores_first_and_claim_what_they_take),
        cmocka_unit_test(a_claim_takes_the_core_and_leaves_the_sibling),
        cmocka_unit_test(the_choice_of_6_12_knows_cores_and_nothing_else),
        cmocka_unit_test(the_later_choice_stays_near),
        cmocka_unit_test(a_choice_within_a_mask_stays_in_it),
        cmocka_unit_test(picks_by_node_go_on_by_distance),
        cmocka_unit_test(masks_that_are_not_kept_are_an_error),
        cmocka_unit_test(a_sync_wakeup_goes_to_the_waker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
