/* layer: kernel */
#include "sim_fixture.h"

#include "kernel/core.h"
#include "kernel/fair.h"

/*
 * Who runs next (sched-core.md 2.4, 2.7, 2.8): a hog with a slice of 2.8 ms on one CPU, and a
 * wakee at 1.0 ms. It is placed at the hog's virtual time, so both are eligible; the next tick is
 * at 4.8 ms.
 */

#define SLICE 2800000
#define FEATURE(name) ((uint64_t)1 << SCHED_FEAT_##name)
#define V(ns) (-((int64_t)1 << 20) + (ns))

static const struct action hog[] = { { .kind = ACTION_RUN, .work = SEC(1) } };
static const struct action wakee[] = { { .kind = ACTION_SLEEP, .until = MSEC(1) },
                                       { .kind = ACTION_RUN, .work = SEC(1) } };

static void
open_one_cpu(struct fixture *f, uint64_t features_off)
{
    fixture_open(f, 1, 1, 1, false);
    f->k->params.sched.base_slice_ns = SLICE;
    f->k->params.sched.features &= ~(FEATURE(PLACE_DEADLINE_INITIAL) | features_off);
    f->k->tick_phase = f->k->coming_tick = USEC(800);
}

static struct task *
start(struct fixture *f, const struct action *actions, uint32_t nr, struct task_attr attr)
{
    struct script *s = arena_new_object(f->arena, struct script);

    *s = (struct script){ .actions = actions, .nr = nr };
    attr.name = "p";
    attr.ops = &script_ops;
    attr.prog = s;
    struct task *p = task_new(f->k, f->process, &attr);
    task_start(f->k, p, NULL);
    return p;
}
#define START(f, actions, ...)                                                                     \
    start(f, actions, ARRAY_LEN(actions), (struct task_attr){ __VA_ARGS__ })

/* Does the wakee run at once, though the hog's slice is not over? */
static bool
preempts(uint64_t features_off, struct task_attr running, struct task_attr woken)
{
    struct fixture f;

    open_one_cpu(&f, features_off);
    struct task *p = start(&f, wakee, ARRAY_LEN(wakee), woken);
    struct task *curr = start(&f, hog, ARRAY_LEN(hog), running);
    fixture_run(&f, USEC(900));
    assert_ptr_equal(f.k->rqs[0].curr, curr);
    fixture_run(&f, USEC(1200));
    bool yes = f.k->rqs[0].curr == p;
    fixture_close(&f);
    return yes;
}
#define PREEMPTS(off, running, ...)                                                                \
    preempts(off, (struct task_attr){ running }, (struct task_attr){ __VA_ARGS__ })

static void
a_slice_is_run_to_its_end(void **state)
{
    (void)state;
    assert_false(PREEMPTS(0, .nice = 0, .nice = 0));
    assert_false(
        PREEMPTS(0, .nice = 0, .nice = -5)); /* its deadline is earlier, but parity counts */
    assert_false(PREEMPTS(FEATURE(RUN_TO_PARITY), .nice = 0, .nice = 0)); /* 3.8 after 2.8 */
    assert_true(PREEMPTS(FEATURE(RUN_TO_PARITY), .nice = 0, .nice = -5)); /* 1.9 before 2.8 */
    assert_false(
        PREEMPTS(FEATURE(RUN_TO_PARITY) | FEATURE(WAKEUP_PREEMPTION), .nice = 0, .nice = -5));
}

static void
a_shorter_slice_cuts_a_longer_one(void **state)
{
    (void)state;
    assert_true(PREEMPTS(0, .nice = 0, .slice_ns = USEC(700))); /* 1.7 before 2.8 */
    assert_false(PREEMPTS(FEATURE(PREEMPT_SHORT), .nice = 0, .slice_ns = USEC(700)));
    assert_false(PREEMPTS(0, .nice = 0, .slice_ns = USEC(2000)));     /* 3.0 after 2.8 */
    assert_true(PREEMPTS(0, .slice_ns = MSEC(5), .slice_ns = SLICE)); /* 3.8 before 5.0 */
    assert_false(PREEMPTS(0, .slice_ns = MSEC(5), .slice_ns = MSEC(5)));
}

static void
sched_idle_gives_way_and_never_takes(void **state)
{
    (void)state;
    assert_true(PREEMPTS(0, .policy = POLICY_IDLE, .nice = 0));
    assert_true(PREEMPTS(0, .policy = POLICY_IDLE, .nice = 19));
    assert_true(PREEMPTS(0, .policy = POLICY_IDLE, .policy = POLICY_BATCH));
    assert_false(PREEMPTS(FEATURE(RUN_TO_PARITY), .nice = 19, .policy = POLICY_IDLE));
    assert_false(PREEMPTS(FEATURE(RUN_TO_PARITY), .policy = POLICY_IDLE, .policy = POLICY_IDLE));
    assert_false(PREEMPTS(FEATURE(WAKEUP_PREEMPTION), .policy = POLICY_IDLE, .nice = 0));
}

static void
batch_tasks_do_not_preempt(void **state)
{
    (void)state;
    assert_false(PREEMPTS(FEATURE(RUN_TO_PARITY), .nice = 0, .nice = -5, .policy = POLICY_BATCH));
    assert_false(PREEMPTS(0, .nice = 0, .slice_ns = USEC(700), .policy = POLICY_BATCH));
    assert_true(PREEMPTS(FEATURE(RUN_TO_PARITY), .policy = POLICY_BATCH, .nice = -5));
}

/* ---- yield ---- */

static const struct action early[] = { { .kind = ACTION_RUN, .work = MSEC(2) },
                                       { .kind = ACTION_YIELD },
                                       { .kind = ACTION_RUN, .work = SEC(1) } };
static const struct action late[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                      { .kind = ACTION_YIELD },
                                      { .kind = ACTION_RUN, .work = SEC(1) } };

/* At 2.0 A, which is ahead, yields to B; at 3.0 B, which is behind, yields. */
static void
who_is_behind_gives_up_the_rest_of_its_slice(void **state)
{
    struct fixture f;

    (void)state;
    open_one_cpu(&f, 0);
    struct task *a = START(&f, early, 0), *b = START(&f, late, 0);
    fixture_run(&f, USEC(2500));
    assert_ptr_equal(f.k->rqs[0].curr, b);
    assert_int_equal(a->se.vruntime, V(MSEC(2)));
    assert_int_equal(a->se.deadline, V(SLICE)); /* not eligible: no change */
    fixture_run(&f, USEC(3200));
    assert_ptr_equal(f.k->rqs[0].curr, a);
    assert_int_equal(b->se.vruntime, V(SLICE)); /* up to its deadline, and a slice more */
    assert_int_equal(b->se.deadline, V(2 * SLICE));
    fixture_close(&f);
}

static void
before_6_12_117_only_the_deadline_moved(void **state)
{
    struct fixture f;

    (void)state;
    open_one_cpu(&f, 0);
    f.k->params.sched.kernel = KERNEL_6_12_0;
    struct task *a = START(&f, early, 0), *b = START(&f, late, 0);
    fixture_run(&f, USEC(2500));
    assert_ptr_equal(f.k->rqs[0].curr, b);
    assert_int_equal(a->se.deadline, V(2 * SLICE));
    fixture_run(&f, USEC(3200));
    assert_ptr_equal(f.k->rqs[0].curr, b); /* V 1.5: the only one that is eligible */
    assert_int_equal(b->se.vruntime, V(USEC(1200)));
    assert_int_equal(b->se.deadline, V(2 * SLICE));
    fixture_close(&f);
}

static void
alone_a_yield_is_nothing(void **state)
{
    struct fixture f;

    (void)state;
    open_one_cpu(&f, 0);
    struct task *b = START(&f, late, 0);
    fixture_run(&f, MSEC(2));
    assert_int_equal(b->se.vruntime, V(MSEC(2)));
    assert_int_equal(b->se.deadline, V(SLICE));
    fixture_close(&f);
}

/* ---- buddies ---- */

/* Of three hogs the first has run for 0.5 ms when the buddy is named and all is decided anew. */
static uint32_t
next_after_buddy(uint64_t features_off, uint32_t buddy)
{
    struct fixture f;
    struct task *p[3];

    open_one_cpu(&f, features_off);
    for (int i = 0; i < 3; i++)
        p[i] = START(&f, hog, 0);
    fixture_run(&f, USEC(500));
    set_next_buddy(&p[buddy]->se);
    resched_curr(f.k, &f.k->rqs[0]);
    fixture_run(&f, USEC(600));
    uint32_t next = f.k->rqs[0].curr->id;
    assert_ptr_not_equal(f.k->rqs[0].cfs.next, &p[next]->se); /* it has had its turn */
    fixture_close(&f);
    return next;
}

static void
an_eligible_buddy_is_next(void **state)
{
    (void)state;
    assert_int_equal(next_after_buddy(0, 2), 2);
    assert_int_equal(next_after_buddy(0, 1), 1);
    assert_int_equal(next_after_buddy(0, 0), 1); /* it is ahead: the first of the others */
    assert_int_equal(next_after_buddy(FEATURE(PICK_BUDDY), 2), 1);
}

/* One of a group's two tasks leaves for good: the group is named at every level above. */
static struct sched_entity *
buddy_after_dequeue(struct fixture *f, bool idle, struct task_group **tg)
{
    open_one_cpu(f, FEATURE(DELAY_DEQUEUE));
    struct task_group *above = task_group_new(f->k, NULL, "above");
    *tg = task_group_new(f->k, above, "below");
    task_group_set_idle(f->k, above, idle);
    struct task *a = START(f, hog, .group = *tg);
    START(f, hog, .group = *tg);
    START(f, hog, 0);
    fixture_run(f, USEC(100));
    dequeue_task(f->k, &f->k->rqs[0], a, DEQUEUE_SLEEP);
    return f->k->rqs[0].cfs.next;
}

static void
a_group_that_loses_a_sleeper_is_the_buddy(void **state)
{
    struct fixture f;
    struct task_group *tg;

    (void)state;
    const struct sched_entity *buddy = buddy_after_dequeue(&f, false, &tg);
    assert_ptr_equal(buddy, tg->parent->se[0]);
    assert_ptr_equal(tg->parent->cfs_rq[0]->next, tg->se[0]);
    fixture_close(&f);
    assert_null(buddy_after_dequeue(&f, true, &tg)); /* not an idle group */
    fixture_close(&f);
}

/* ---- groups ---- */

static void
a_group_wants_the_shortest_slice_in_it(void **state)
{
    struct fixture f;

    (void)state;
    open_one_cpu(&f, 0);
    struct task_group *above = task_group_new(f.k, NULL, "above");
    struct task_group *tg = task_group_new(f.k, above, "below");
    START(&f, hog, .group = tg);
    assert_int_equal(tg->se[0]->slice, SLICE);
    struct task *b = START(&f, hog, .group = tg, .slice_ns = USEC(500));
    assert_int_equal(tg->se[0]->slice, 500000);
    assert_int_equal(above->se[0]->slice, 500000);
    START(&f, hog, .group = tg, .slice_ns = MSEC(20));
    assert_int_equal(above->se[0]->slice, 500000);
    fixture_run(&f, USEC(100));
    task_set_group(f.k, b, f.k->groups[0]);
    assert_int_equal(tg->se[0]->slice, SLICE);
    assert_int_equal(above->se[0]->slice, SLICE);
    fixture_close(&f);
}

/* prio_changed_fair: who runs and gets less important is looked at again; not if the root queue has
 * one entity only, though tasks wait below it. */
static void
a_lower_priority_asks_again(void **state)
{
    struct fixture f;

    (void)state;
    for (int grouped = 0; grouped < 2; grouped++) {
        open_one_cpu(&f, 0);
        struct task_group *tg = grouped ? task_group_new(f.k, NULL, "g") : NULL;
        struct task *a = START(&f, hog, .group = tg);
        START(&f, hog, .group = tg);
        fixture_run(&f, MSEC(1));
        assert_ptr_equal(f.k->rqs[0].curr, a);
        task_set_nice(f.k, a, -5);
        assert_false(f.k->rqs[0].need_resched);
        task_set_nice(f.k, a, 5);
        assert_int_equal(f.k->rqs[0].need_resched, !grouped);
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_is_run_to_its_end),
        cmocka_unit_test(a_shorter_slice_cuts_a_longer_one),
        cmocka_unit_test(sched_idle_gives_way_and_never_takes),
        cmocka_unit_test(batch_tasks_do_not_preempt),
        cmocka_unit_test(who_is_behind_gives_up_the_rest_of_its_slice),
        cmocka_unit_test(before_6_12_117_only_the_deadline_moved),
        cmocka_unit_test(alone_a_yield_is_nothing),
        cmocka_unit_test(an_eligible_buddy_is_next),
        cmocka_unit_test(a_group_that_loses_a_sleeper_is_the_buddy),
        cmocka_unit_test(a_group_wants_the_shortest_slice_in_it),
        cmocka_unit_test(a_lower_priority_asks_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
