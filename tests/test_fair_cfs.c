/* layer: kernel */
#include "sim_fixture.h"

#include "kernel/fair_cfs.h"

/*
 * The classic CFS by its published rules (sched-design-CFS, Linux 6.1): a period of 6 ms on one
 * CPU, slices of at least 0.75 ms, a wake-up granularity of 1 ms.
 */

static void
open_cfs(struct fixture *f, uint32_t cores, const char *key, const char *value)
{
    struct kernel_params kp;
    struct kernel_limits limits = { .max_tasks = 100, .nr_groups = 8 };
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, 1, cores, 1, 20);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    assert_true(kernel_params_set(&kp, "sched.fair", "cfs", f->arena, why, sizeof(why)));
    assert_true(kernel_params_set(&kp, "sched.hz", "1000", f->arena, why, sizeof(why)));
    if (key != NULL)
        assert_true(kernel_params_set(&kp, key, value, f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

static struct task *
started_hog(struct fixture *f, int nice)
{
    struct task *p = fixture_hog(f, "hog", nice);

    task_start(f->k, p, NULL);
    return p;
}

static void
assert_about(uint64_t got, uint64_t expected, uint64_t tolerance)
{
    if (got + tolerance < expected || got > expected + tolerance)
        fail_msg("%llu, expected %llu +- %llu", (unsigned long long)got,
                 (unsigned long long)expected, (unsigned long long)tolerance);
}

static void
tunables_grow_with_the_logarithm_of_the_cpus(void **state)
{
    static const struct {
        uint32_t cpus;
        uint64_t factor;
    } rows[] = { { 1, 1 }, { 2, 2 }, { 4, 3 }, { 8, 4 }, { 16, 4 } };

    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;

        open_cfs(&f, rows[i].cpus, NULL, NULL);
        const struct sched_params *sp = &f.k->params.sched;
        assert_int_equal(sp->latency_ns, MSEC(6) * rows[i].factor);
        assert_int_equal(sp->min_granularity_ns, USEC(750) * rows[i].factor);
        assert_int_equal(sp->wakeup_granularity_ns, MSEC(1) * rows[i].factor);
        assert_int_equal(sp->idle_min_granularity_ns, USEC(750));
        assert_int_equal(sp->nr_latency, 8);
        fixture_close(&f);
    }
}

/* latency / nr up to eight tasks; then everybody gets the minimum and the period stretches. */
static void
slices_divide_the_period_and_then_stretch_it(void **state)
{
    struct task *p[16];
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    for (uint32_t nr = 1; nr <= 16; nr++) {
        p[nr - 1] = started_hog(&f, 0);
        uint64_t expected = nr <= 8 ? MSEC(6) / nr : USEC(750);
        for (uint32_t i = 0; i < nr; i++)
            assert_about(cfs_sched_slice(f.k, &p[i]->se), expected, 8);
    }
    fixture_close(&f);
}

/* 6 ms in the proportion of weights 1024 : 3121 : 335; not below 0.75 ms. */
static void
slices_follow_weights(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct task *a = started_hog(&f, 0), *b = started_hog(&f, -5), *c = started_hog(&f, 5);
    uint64_t sum = 1024 + 3121 + 335;
    assert_about(cfs_sched_slice(f.k, &a->se), MSEC(6) * 1024 / sum, 8);
    assert_about(cfs_sched_slice(f.k, &b->se), MSEC(6) * 3121 / sum, 8);
    assert_int_equal(cfs_sched_slice(f.k, &c->se), USEC(750)); /* its part would be 449 us */
    fixture_close(&f);
}

/* A task in a group of two, beside a task: half of half of the period of three tasks. */
static void
slices_are_parts_of_the_groups_slice(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct task_group *tg = task_group_new(f.k, NULL, "g");
    struct task *a = fixture_hog(&f, "a", 0), *b = fixture_hog(&f, "b", 0);
    task_set_group(f.k, a, tg);
    task_set_group(f.k, b, tg);
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    struct task *c = started_hog(&f, 0);
    assert_about(cfs_sched_slice(f.k, &c->se), MSEC(3), 8);
    assert_about(cfs_sched_slice(f.k, &a->se), USEC(1500), 8);
    fixture_run(&f, SEC(12));
    assert_about(c->stats.run_ns, SEC(6), MSEC(10));
    assert_about(a->stats.run_ns, SEC(3), MSEC(10));
    fixture_close(&f);
}

/* The first tick, of 1 ms, that finds more than the slice used up. Of 5 ms two tasks get 2.5, so
 * they are switched every 3 ms; 12 tasks get 0.75 ms, so each tick switches. */
static void
a_tick_ends_the_slice_once_it_is_used_up(void **state)
{
    static const struct {
        uint32_t nr, turns;
    } rows[] = { { 2, 333 }, { 3, 500 }, { 4, 500 }, { 6, 1000 }, { 7, 1000 }, { 12, 1000 } };

    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct task *p[12];
        uint64_t turns = 0;

        open_cfs(&f, 1, "sched.latency", "5ms");
        for (uint32_t j = 0; j < rows[i].nr; j++)
            p[j] = started_hog(&f, 0);
        fixture_run(&f, SEC(1));
        for (uint32_t j = 0; j < rows[i].nr; j++)
            turns += p[j]->stats.nr_slices;
        assert_about(turns, rows[i].turns, rows[i].nr);
        fixture_close(&f);
    }
}

static void
shares_follow_weights(void **state)
{
    static const int nice[] = { -5, 0, 10 };
    struct task *p[3];
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    for (int i = 0; i < 3; i++)
        p[i] = started_hog(&f, nice[i]);
    fixture_run(&f, SEC(60));
    for (int i = 0; i < 3; i++)
        assert_about(p[i]->stats.run_ns, SEC(60) * nice_weight(nice[i]) / (3121 + 1024 + 110),
                     MSEC(60));
    fixture_close(&f);
}

/* ---- placing ---- */

static const struct action nap_actions[] = { { .kind = ACTION_RUN, .work = USEC(100) },
                                             { .kind = ACTION_SLEEP, .until = SEC(1) } };

/* What a wakee was given: min_vruntime less its vruntime. */
static void
note_credit(void *priv, struct kernel *k, struct task *p, int waker_cpu)
{
    int64_t *credit = priv;

    (void)k, (void)waker_cpu;
    if (p->stats.nr_wakeups > 0)
        *credit = p->se.cfs_rq->zero - p->se.vruntime;
}

static int64_t
credit_of_a_sleeper(const char *key, const char *value, enum task_policy policy)
{
    struct fixture f;
    int64_t credit = -1;
    struct observer o = { .priv = &credit, .task_wakeup = note_credit };

    open_cfs(&f, 1, key, value);
    kernel_observe(f.k, &o);
    started_hog(&f, 0);
    struct task *p = fixture_task(&f, "nap", 0, nap_actions, 2);
    struct task_attr attr = { .policy = policy };
    assert_null(task_set_scheduler(f.k, p, &attr));
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(1900));
    assert_int_equal(p->stats.nr_wakeups, 1);
    fixture_close(&f);
    return credit;
}

static void
a_sleeper_is_placed_half_a_latency_back(void **state)
{
    (void)state;
    assert_int_equal(credit_of_a_sleeper(NULL, NULL, POLICY_NORMAL), MSEC(3));
    assert_int_equal(credit_of_a_sleeper("sched.latency", "20ms", POLICY_NORMAL), MSEC(10));
    assert_int_equal(
        credit_of_a_sleeper("sched.features", "NO_GENTLE_FAIR_SLEEPERS", POLICY_NORMAL), MSEC(6));
    assert_int_equal(credit_of_a_sleeper(NULL, NULL, POLICY_IDLE), USEC(375));
}

/* Whoever slept for less than that comes back where it was. */
static void
a_short_sleep_gains_nothing(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct task *p = started_hog(&f, 0);
    struct cfs_rq *cfs = p->se.cfs_rq;
    cfs->zero = MSEC(100);
    p->se.vruntime = MSEC(99);
    cfs_enqueue(f.k, cfs, &p->se, ENQUEUE_WAKEUP);
    assert_int_equal(p->se.vruntime, MSEC(99));
    p->se.vruntime = MSEC(97) - 1;
    cfs_enqueue(f.k, cfs, &p->se, ENQUEUE_WAKEUP);
    assert_int_equal(p->se.vruntime, MSEC(97));
    fixture_close(&f);
}

/* A new task begins one slice behind what is queued: with one task there, 6 ms / 2. */
static void
a_new_task_waits_for_its_turn(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct task *a = started_hog(&f, 0);
    struct task *b = fixture_hog(&f, "b", 0), *c = fixture_hog(&f, "c", 5);
    task_start(f.k, b, NULL);
    assert_about((uint64_t)(b->se.vruntime - a->se.cfs_rq->zero), MSEC(3), 8);
    /* weight 335 of 2383: 844 us of run time, 2578 us of its virtual time */
    task_start(f.k, c, NULL);
    assert_about((uint64_t)(c->se.vruntime - a->se.cfs_rq->zero), MSEC(6) * 1024 / 2383, 16);
    fixture_close(&f);
}

/* Queued tasks keep their distance from min_vruntime when they move. */
static void
a_task_that_moves_takes_its_distance_along(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 2, "sched.periodic_balance", "no");
    struct task *a = fixture_hog(&f, "a", 0), *b = fixture_hog(&f, "b", 0);
    struct task *c = fixture_hog(&f, "c", 10);
    task_set_affinity(f.k, a, fixture_cpus(&f, "0"));
    task_set_affinity(f.k, b, fixture_cpus(&f, "0"));
    task_set_affinity(f.k, c, fixture_cpus(&f, "1"));
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    task_start(f.k, c, NULL);
    fixture_run(&f, MSEC(105));
    struct task *waits = f.k->rqs[0].curr == a ? b : a;
    const struct cfs_rq *from = &f.k->rqs[0].cfs, *to = &f.k->rqs[1].cfs;
    assert_true(to->zero - from->zero >
                (int64_t)MSEC(500)); /* nice 10: virtual time goes 9 times as fast */
    int64_t distance = waits->se.vruntime - from->zero;
    task_set_affinity(f.k, waits, fixture_cpus(&f, "1"));
    assert_int_equal(waits->cpu, 1);
    assert_int_equal(waits->se.vruntime - to->zero, distance);
    fixture_close(&f);
}

/* ---- wake-up preemption ---- */

/* The granularity is the wakee's: 1 ms of its own run time, so light ones need more. */
static void
the_wake_up_granularity_is_scaled_by_the_wakees_weight(void **state)
{
    static const struct {
        int nice;
        int64_t gran; /* 1 ms * 1024 / weight */
    } rows[] = { { 0, 1000000 },  { -5, 328099 },   { 5, 3056716 },
                 { 10, 9309090 }, { 19, 68266666 }, { -20, 11536 } };
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sched_entity curr = { .vruntime = SEC(1) };
        struct sched_entity se = { .weight = nice_weight(rows[i].nice),
                                   .inv_weight = nice_inv_weight(rows[i].nice) };

        assert_about(cfs_wakeup_gran(f.k, &se), (uint64_t)rows[i].gran, 1);
        int64_t gran = (int64_t)cfs_wakeup_gran(f.k, &se);
        se.vruntime = curr.vruntime - gran;
        assert_int_equal(cfs_wakeup_preempt_entity(f.k, &curr, &se), 0);
        se.vruntime--;
        assert_int_equal(cfs_wakeup_preempt_entity(f.k, &curr, &se), 1);
        se.vruntime = curr.vruntime;
        assert_int_equal(cfs_wakeup_preempt_entity(f.k, &curr, &se), -1);
    }
    fixture_close(&f);
}

/* A credit of 3 ms exceeds the granularity of nice 0, but not the 3.06 ms of nice 5. */
static uint64_t
wait_of_a_sleeper(const char *key, const char *value, int nice)
{
    struct fixture f;

    open_cfs(&f, 1, key, value);
    started_hog(&f, 0);
    struct task *p = fixture_task(&f, "nap", nice, nap_actions, 2);
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(500));
    uint64_t before = p->stats.wait_ns;
    fixture_run(&f, MSEC(1500));
    uint64_t waited = p->stats.wait_ns - before;
    assert_int_equal(p->stats.nr_wakeups, 1);
    fixture_close(&f);
    return waited;
}

static void
a_sleeper_preempts_if_its_credit_exceeds_the_granularity(void **state)
{
    (void)state;
    assert_int_equal(wait_of_a_sleeper(NULL, NULL, 0), 0);
    assert_true(wait_of_a_sleeper(NULL, NULL, 5) > 0);
    assert_int_equal(wait_of_a_sleeper("sched.wakeup_granularity", "2999999ns", 0), 0);
    assert_true(wait_of_a_sleeper("sched.wakeup_granularity", "3ms", 0) > 0);
}

/* ---- buddies ---- */

static const struct action yield_actions[] = { { .kind = ACTION_RUN, .work = USEC(10) },
                                               { .kind = ACTION_YIELD } };

/* Who yields is skipped while the other is within the wake-up granularity, here 1 ms: beyond it
 * the CPU stays, although it was given away. */
static void
a_yield_is_obeyed_within_the_granularity(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct task *a = fixture_task(&f, "a", 0, yield_actions, 2);
    struct task *b = started_hog(&f, 0);
    task_start(f.k, a, NULL);
    fixture_run(&f, MSEC(400));
    assert_true(a->stats.nr_voluntary + a->stats.nr_involuntary > 50);
    assert_about(a->stats.run_ns, MSEC(200), MSEC(6)); /* fairness comes first */
    assert_true(b->stats.run_ns > MSEC(190));
    fixture_close(&f);
}

/* Picks by name, of entities whose virtual times are set by hand. */
static void
buddies_are_taken_unless_that_is_unfair(void **state)
{
    struct fixture f;
    struct task *p[3];

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct cfs_rq *cfs = &f.k->rqs[0].cfs;
    for (int i = 0; i < 3; i++) {
        p[i] = fixture_hog(&f, "p", 0);
        p[i]->se.vruntime = USEC(600) * i;
        p[i]->se.on_rq = true;
        cfs_rq_insert(cfs, f.arena, &p[i]->se);
        cfs->nr_queued++;
    }
    assert_ptr_equal(cfs_pick_next_entity(f.k, cfs), &p[0]->se);
    assert_string_equal(f.k->cfs_rule, "leftmost");
    cfs->skip = &p[0]->se;
    assert_ptr_equal(cfs_pick_next_entity(f.k, cfs), &p[1]->se);
    assert_string_equal(f.k->cfs_rule, "skip_buddy");
    cfs->last = &p[1]->se;
    cfs->skip = NULL;
    assert_ptr_equal(cfs_pick_next_entity(f.k, cfs), &p[1]->se);
    assert_string_equal(f.k->cfs_rule, "last_buddy");
    cfs->next = &p[2]->se; /* 1.2 ms behind: too much */
    assert_ptr_equal(cfs_pick_next_entity(f.k, cfs), &p[1]->se);
    cfs->next = &p[1]->se;
    cfs->last = &p[0]->se;
    assert_ptr_equal(cfs_pick_next_entity(f.k, cfs), &p[1]->se);
    assert_string_equal(f.k->cfs_rule, "next_buddy");
    fixture_close(&f);
}

/* Of two CPUs the latency is 12 ms and the granularity 1.5 ms. A hog of nice 0 (1024) beside 20 of
 * nice 19 (15) may run 31.5 x 1024 / 1324 = 24.4 ms; when 12 of them are gone, 13.5 x 1024 / 1144 =
 * 12.1 ms, and the next tick ends its turn. */
static void
a_turn_gets_shorter_when_others_leave(void **state)
{
    struct task *light[20];
    struct fixture f;

    (void)state;
    open_cfs(&f, 2, NULL, NULL);
    struct task *hog = fixture_hog(&f, "hog", 0);
    task_set_affinity(f.k, hog, fixture_cpus(&f, "0"));
    task_start(f.k, hog, NULL);
    for (int i = 0; i < 20; i++) {
        light[i] = fixture_hog(&f, "light", 19);
        task_set_affinity(f.k, light[i], fixture_cpus(&f, "0"));
        task_start(f.k, light[i], NULL);
    }
    fixture_run(&f, MSEC(5));
    for (int i = 8; i < 20; i++)
        task_set_affinity(f.k, light[i], fixture_cpus(&f, "1"));
    fixture_run(&f, MSEC(13) - 1);
    uint64_t asked = f.k->rqs[0].stat.sched_count;
    fixture_run(&f, MSEC(13) + 1);
    assert_int_equal(hog->se.sum_exec, MSEC(13) + 1);
    assert_int_equal(f.k->rqs[0].stat.sched_count, asked + 1); /* and nobody is before it yet */
    fixture_close(&f);
}

/* A task wakes at the very instant of a tick, by an interrupt that takes time; whoever runs has run
 * too long already. It is this tick that ends its turn, not the next. */
static void
a_turn_that_is_over_ends_at_the_tick_that_an_interrupt_delays(void **state)
{
    static const struct action acts[] = { { .kind = ACTION_SLEEP, .until = MSEC(10) },
                                          { .kind = ACTION_RUN, .work = MSEC(10) } };

    (void)state;
    for (int eevdf = 0; eevdf < 2; eevdf++) {
        struct script script = { .actions = acts, .nr = 2 };
        struct fixture f;

        open_cfs(&f, 1, eevdf ? "sched.fair" : NULL, "eevdf");
        f.k->params.cost.wakeup = USEC(1);
        struct task *p = task_new(
            f.k, f.process,
            &(struct task_attr){
                .name = "batch", .policy = POLICY_BATCH, .ops = &script_ops, .prog = &script });
        task_start(f.k, p, NULL);
        fixture_run(&f, USEC(100));
        started_hog(&f, 0);
        fixture_run(&f, MSEC(10) - 1);
        uint64_t before = f.k->rqs[0].nr_ticks;
        fixture_run(&f, MSEC(10) + USEC(10));
        assert_int_equal(p->stats.nr_wakeups, 1);
        assert_int_equal(f.k->rqs[0].nr_ticks, before + 1);
        fixture_close(&f);
    }
}

/* The protection of slices, which came with 6.17, is EEVDF's: turns end by the old rules. */
static void
versions_after_6_12_change_nothing(void **state)
{
    static const struct action naps[] = { { .kind = ACTION_RUN, .work = USEC(300) },
                                          { .kind = ACTION_SLEEP, .until = USEC(900) } };
    static const char *const versions[] = { "6.12.117", "6.18" };
    uint64_t ran[ARRAY_LEN(versions)][3], switches[ARRAY_LEN(versions)];

    (void)state;
    for (size_t v = 0; v < ARRAY_LEN(versions); v++) {
        struct fixture f;

        open_cfs(&f, 2, "sched.kernel", versions[v]);
        struct task *all[] = { started_hog(&f, 0), started_hog(&f, 3),
                               fixture_task(&f, "napper", 0, naps, 2) };
        task_start(f.k, all[2], NULL);
        for (sim_time t = MSEC(10); t < MSEC(200); t += MSEC(10)) { /* from CPU to CPU */
            task_set_affinity(f.k, all[t / MSEC(10) % 2], fixture_cpus(&f, "0"));
            task_set_affinity(f.k, all[1 - t / MSEC(10) % 2], fixture_cpus(&f, "0-1"));
            fixture_run(&f, t);
        }
        switches[v] = f.k->stats.context_switches;
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            ran[v][i] = all[i]->se.sum_exec;
        fixture_close(&f);
    }
    assert_true(switches[0] > 200);
    assert_int_equal(switches[0], switches[1]);
    assert_memory_equal(ran[0], ran[1], sizeof(ran[0]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tunables_grow_with_the_logarithm_of_the_cpus),
        cmocka_unit_test(slices_divide_the_period_and_then_stretch_it),
        cmocka_unit_test(slices_follow_weights),
        cmocka_unit_test(slices_are_parts_of_the_groups_slice),
        cmocka_unit_test(a_tick_ends_the_slice_once_it_is_used_up),
        cmocka_unit_test(shares_follow_weights),
        cmocka_unit_test(a_sleeper_is_placed_half_a_latency_back),
        cmocka_unit_test(a_short_sleep_gains_nothing),
        cmocka_unit_test(a_new_task_waits_for_its_turn),
        cmocka_unit_test(a_task_that_moves_takes_its_distance_along),
        cmocka_unit_test(the_wake_up_granularity_is_scaled_by_the_wakees_weight),
        cmocka_unit_test(a_sleeper_preempts_if_its_credit_exceeds_the_granularity),
        cmocka_unit_test(a_yield_is_obeyed_within_the_granularity),
        cmocka_unit_test(buddies_are_taken_unless_that_is_unfair),
        cmocka_unit_test(a_turn_gets_shorter_when_others_leave),
        cmocka_unit_test(a_turn_that_is_over_ends_at_the_tick_that_an_interrupt_delays),
        cmocka_unit_test(versions_after_6_12_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
