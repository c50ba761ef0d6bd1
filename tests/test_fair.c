/* layer: kernel */
#include "sim_fixture.h"

#include "kernel/fair.h"

/*
 * The fair class in a running kernel, with the numbers of sched-core.md 2.2 and 2.5 to 2.8: one
 * CPU, slices of 2.8 ms, ticks of 4 ms, of which one is at 4.8 ms, and everything free of charge.
 */

#define SLICE 2800000
#define FEATURE(name) ((uint64_t)1 << SCHED_FEAT_##name)

/* fixture_run() ends before what happens at its instant; this one after it. */
#define AFTER(ns) ((ns) + 1)
/* Virtual times are told from where the queue began. */
#define V(ns) (-((int64_t)1 << 20) + (ns))

static void
open_cpus(struct fixture *f, uint32_t cpus, uint64_t features_off)
{
    fixture_open(f, 1, cpus, 1, false);
    f->k->params.sched.base_slice_ns = SLICE;
    f->k->params.sched.features &= ~(FEATURE(PLACE_DEADLINE_INITIAL) | features_off);
    f->k->tick_phase = f->k->coming_tick = USEC(800);
}

static const struct action hog[] = { { .kind = ACTION_RUN, .work = SEC(1) } };

static struct task *
start(struct fixture *f, const char *name, const struct action *actions, uint32_t nr)
{
    struct task *p = fixture_task(f, name, 0, actions, nr);

    task_set_affinity(f->k, p, fixture_cpus(f, "0"));
    task_start(f->k, p, NULL);
    return p;
}
#define START(f, name, actions) start(f, name, actions, ARRAY_LEN(actions))

static void
expect_counts(const struct rq *rq, uint32_t queued, uint32_t runnable, uint32_t delayed)
{
    assert_int_equal(rq->nr_running, queued);
    assert_int_equal(rq->cfs.nr_queued, queued);
    assert_int_equal(rq->cfs.h_nr_queued, queued);
    assert_int_equal(rq->cfs.h_nr_runnable, runnable);
    assert_int_equal(rq->cfs.h_nr_delayed, delayed);
    assert_int_equal(rq->cfs.load_weight, queued * NICE_0_LOAD);
}

/* ---- 2.2: V1 ---- */

static uint64_t
base_slice(uint32_t cpus, const char *scaling)
{
    struct arena *a = arena_new();
    struct kernel_params kp;
    struct kernel_limits limits = { .max_tasks = 1 };
    char why[256];

    kernel_params_init(&kp, a);
    assert_true(kernel_params_set(&kp, "sched.tunable_scaling", scaling, a, why, sizeof(why)));
    struct kernel *k =
        kernel_new(a, fixture_machine(a, 1, cpus, 1, 20), &kp, 1, &limits, &fixture_memory);
    uint64_t slice = k->params.sched.base_slice_ns;
    arena_free(a);
    return slice;
}

static void
base_slices_grow_with_the_cpus(void **state)
{
    static const struct {
        uint32_t cpus;
        uint64_t log, linear;
    } vectors[] = {
        { 1, 700000, 700000 },    { 2, 1400000, 1400000 },  { 3, 1400000, 2100000 },
        { 4, 2100000, 2800000 },  { 6, 2100000, 4200000 },  { 8, 2800000, 5600000 },
        { 16, 2800000, 5600000 }, { 64, 2800000, 5600000 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        assert_int_equal(base_slice(vectors[i].cpus, "log"), vectors[i].log);
        assert_int_equal(base_slice(vectors[i].cpus, "linear"), vectors[i].linear);
        assert_int_equal(base_slice(vectors[i].cpus, "none"), 700000);
    }
}

static void
a_slice_of_its_own_is_within_the_kernels_limits(void **state)
{
    static const uint64_t vectors[][2] = {
        { 0, SLICE },         { USEC(99), USEC(100) },  { USEC(100), USEC(100) },
        { MSEC(5), MSEC(5) }, { MSEC(100), MSEC(100) }, { MSEC(101), MSEC(100) },
    };
    struct fixture f;

    (void)state;
    open_cpus(&f, 1, 0);
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct script s = { .actions = hog, .nr = 1 };
        const struct task_attr attr = {
            .name = "p", .ops = &script_ops, .prog = &s, .slice_ns = vectors[i][0]
        };
        struct task *p = task_new(f.k, f.process, &attr);
        assert_int_equal(p->se.slice, vectors[i][1]);
        assert_int_equal(p->se.custom_slice, vectors[i][0] != 0);
    }
    fixture_close(&f);
}

/* ---- 2.6: V8 ---- */

/* A runs for 2 ms and sleeps for so long; B never does. */
static struct task *
sleep_after_2ms(struct fixture *f, struct task **b, sim_time pause)
{
    struct action *act = arena_new_array(f->arena, struct action, 3);

    act[0] = (struct action){ .kind = ACTION_RUN, .work = MSEC(2) };
    act[1] = (struct action){ .kind = ACTION_SLEEP, .until = pause };
    act[2] = (struct action){ .kind = ACTION_RUN, .work = SEC(1) };
    struct task *a = start(f, "A", act, 3);
    *b = START(f, "B", hog);
    return a;
}

static void
a_task_that_sleeps_ahead_of_its_share_stays_queued(void **state)
{
    struct fixture f;
    struct task *b;

    (void)state;
    open_cpus(&f, 1, 0);
    struct task *a = sleep_after_2ms(&f, &b, SEC(1));
    struct rq *rq = &f.k->rqs[0];
    fixture_run(&f, MSEC(1));
    assert_ptr_equal(rq->curr, a);
    expect_counts(rq, 2, 2, 0);
    fixture_run(&f, USEC(2500));
    assert_ptr_equal(rq->curr, b);
    assert_true(a->se.sched_delayed);
    assert_true(a->on_rq && a->se.on_rq);
    assert_int_equal(a->se.vruntime, V(MSEC(2)));
    expect_counts(rq, 2, 1, 1);
    fixture_close(&f);
}

/* A has slept since 2 ms with its dequeue delayed: the runnable sum of the queue at 2.6 ms. */
static uint64_t
runnable_beside_a_delayed_one(enum kernel_version version)
{
    struct fixture f;
    struct task *b;

    open_cpus(&f, 1, 0);
    f.k->params.sched.kernel = version;
    struct task *a = sleep_after_2ms(&f, &b, SEC(1));
    fixture_run(&f, USEC(2600));
    assert_true(a->se.sched_delayed);
    update_rq_clock(f.k, &f.k->rqs[0]);
    update_load_avg(f.k, &f.k->rqs[0].cfs, &b->se, 0);
    uint64_t sum = f.k->rqs[0].cfs.avg.runnable_sum;
    fixture_close(&f);
    return sum;
}

/* 6.12.0 counts it in the queue: 600 us in units of 1024 ns, 1024 each, that hardly decay. */
static void
a_delayed_task_is_not_runnable_but_in_6_12_0(void **state)
{
    (void)state;
    uint64_t today = runnable_beside_a_delayed_one(KERNEL_6_12_117);
    uint64_t then = runnable_beside_a_delayed_one(KERNEL_6_12_0);
    assert_in_range(then - today, 590000, 600000);
}

/* A wake-up does not charge who runs: V is that of the last tick. */
static struct task *
wake_at(struct fixture *f, struct task **b, sim_time tick, sim_time wake)
{
    open_cpus(f, 1, 0);
    f->k->tick_phase = f->k->coming_tick = tick % MSEC(4);
    struct task *a = sleep_after_2ms(f, b, wake - MSEC(2));
    fixture_run(f, AFTER(wake));
    assert_false(a->se.sched_delayed);
    expect_counts(&f->k->rqs[0], 2, 2, 0);
    return a;
}

static void
woken_in_debt_it_goes_on_where_it_was(void **state)
{
    struct fixture f;
    struct task *b;

    (void)state;
    struct task *a = wake_at(&f, &b, MSEC(3), AFTER(MSEC(3))); /* B is at 1.0, V at 1.5 */
    assert_ptr_equal(f.k->rqs[0].curr, b);
    assert_int_equal(a->se.vlag, -500000);
    assert_int_equal(a->se.vruntime, V(MSEC(2)));
    assert_int_equal(a->se.deadline, V(SLICE));
    fixture_close(&f);
    a = wake_at(&f, &b, USEC(3500), MSEC(3)); /* B is at 0 still */
    assert_int_equal(a->se.vlag, -1000000);
    fixture_close(&f);
}

static void
woken_with_credit_it_begins_anew(void **state)
{
    struct fixture f;
    struct task *b;

    (void)state;
    struct task *a = wake_at(&f, &b, USEC(4500), AFTER(USEC(4500))); /* B is at 2.5, V at 2.25 */
    assert_ptr_equal(f.k->rqs[0].curr, a); /* B has run for the nanosecond since the tick */
    assert_int_equal(a->se.vruntime, V(AFTER(USEC(2500))));
    assert_int_equal(a->se.deadline, V(USEC(2500) + SLICE));
    fixture_close(&f);
}

/* At the tick of 4.8 ms B's slice is over: V is 2.4, and A, at 2.0, is picked and gone. */
static void
expect_gone_when_picked(uint64_t features_off, int64_t vlag)
{
    struct fixture f;
    struct task *b;

    open_cpus(&f, 1, features_off);
    struct task *a = sleep_after_2ms(&f, &b, SEC(1));
    struct rq *rq = &f.k->rqs[0];
    fixture_run(&f, USEC(4800));
    expect_counts(rq, 2, 1, 1);
    fixture_run(&f, AFTER(USEC(4800)));
    assert_ptr_equal(rq->curr, b);
    assert_int_equal(b->se.vruntime, V(AFTER(SLICE)));
    assert_false(a->on_rq || a->se.on_rq || a->se.sched_delayed);
    assert_int_equal(a->se.vlag, vlag);
    expect_counts(rq, 1, 1, 0);
    fixture_close(&f);
}

static void
not_woken_it_goes_when_it_is_picked(void **state)
{
    (void)state;
    expect_gone_when_picked(0, 0);
    expect_gone_when_picked(FEATURE(DELAY_ZERO), 400000);
}

/* The other CPU idles, and A may use it by the time it wakes. */
static int
cpu_of_a_wakee(uint64_t features_off)
{
    struct fixture f;
    struct task *b;

    open_cpus(&f, 2, features_off);
    struct task *a = sleep_after_2ms(&f, &b, MSEC(1));
    fixture_run(&f, USEC(2500));
    task_set_affinity(f.k, a, fixture_cpus(&f, "0-1"));
    fixture_run(&f, AFTER(MSEC(3)));
    int cpu = a->cpu;
    fixture_close(&f);
    return cpu;
}

static void
a_delayed_task_wakes_where_it_is(void **state)
{
    (void)state;
    assert_int_equal(cpu_of_a_wakee(0), 0);
    assert_int_equal(cpu_of_a_wakee(FEATURE(DELAY_DEQUEUE)), 1);
}

/* ---- 2.5: weights that change ---- */

static void
a_queued_entity_keeps_its_lag_when_its_weight_changes(void **state)
{
    struct fixture f;

    (void)state;
    open_cpus(&f, 1, 0);
    struct task *a = START(&f, "A", hog), *b = START(&f, "B", hog);
    struct cfs_rq *cfs = &f.k->rqs[0].cfs;
    fixture_run(&f, MSEC(2));
    assert_ptr_equal(cfs->curr, &a->se);
    reweight_entity(f.k, cfs, &b->se, NICE_0_LOAD / 2); /* V 1.0: lag 1.0, deadline at V + 1.8 */
    assert_int_equal(b->se.vruntime, V(MSEC(1) - MSEC(2)));
    assert_int_equal(b->se.deadline, V(MSEC(1) + USEC(3600)));
    assert_int_equal(avg_vruntime(cfs), V(MSEC(1)));
    assert_int_equal(cfs->load_weight, NICE_0_LOAD + NICE_0_LOAD / 2);
    fixture_close(&f);
}

static void
a_sleeping_entity_keeps_its_lag_when_its_weight_changes(void **state)
{
    static const struct action sleeps[] = { { .kind = ACTION_SLEEP, .until = SEC(1) },
                                            { .kind = ACTION_RUN, .work = SEC(1) } };
    struct fixture f;

    (void)state;
    open_cpus(&f, 1, 0);
    struct task *a = START(&f, "A", sleeps);
    fixture_run(&f, MSEC(1));
    assert_false(a->on_rq);
    a->se.vlag = 300000;
    reweight_task(f.k, a, 512, weight_inverse(512));
    assert_int_equal(a->se.vlag, 600000);
    fixture_close(&f);
}

/* Lag 1 ms x 1024 / 335, so that it is that of the new weight; the rest of the slice as it was. */
static void
a_reniced_task_is_queued_anew(void **state)
{
    struct fixture f;

    (void)state;
    open_cpus(&f, 1, 0);
    struct task *a = START(&f, "A", hog), *b = START(&f, "B", hog);
    fixture_run(&f, MSEC(2));
    task_set_nice(f.k, b, 5);
    int64_t lag = 3056716, inflated = lag * (1024 + 335) / 1024;
    assert_int_equal(b->se.vlag, lag);
    assert_int_equal(b->se.vruntime, V(MSEC(2) - inflated));
    assert_int_equal(b->se.deadline, b->se.vruntime + SLICE);
    assert_ptr_equal(f.k->rqs[0].curr, a);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_slices_grow_with_the_cpus),
        cmocka_unit_test(a_slice_of_its_own_is_within_the_kernels_limits),
        cmocka_unit_test(a_task_that_sleeps_ahead_of_its_share_stays_queued),
        cmocka_unit_test(woken_in_debt_it_goes_on_where_it_was),
        cmocka_unit_test(woken_with_credit_it_begins_anew),
        cmocka_unit_test(not_woken_it_goes_when_it_is_picked),
        cmocka_unit_test(a_delayed_task_is_not_runnable_but_in_6_12_0),
        cmocka_unit_test(a_delayed_task_wakes_where_it_is),
        cmocka_unit_test(a_queued_entity_keeps_its_lag_when_its_weight_changes),
        cmocka_unit_test(a_sleeping_entity_keeps_its_lag_when_its_weight_changes),
        cmocka_unit_test(a_reniced_task_is_queued_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
