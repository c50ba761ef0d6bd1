/* layer: engine */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Every event writes one letter when it fires. */
struct letter {
    struct event ev;
    char c;
    char *log;
    /* what else it does */
    struct letter *then;
    sim_time delay;
    uint32_t times;
};

struct fixture {
    struct arena *arena;
    struct engine eng;
    char log[64];
};

static void
fixture_reset(struct fixture *fx, enum engine_queue which)
{
    static const uint32_t nr[EVENT_KIND_NR] = { [EVENT_BURST] = 8,
                                                [EVENT_TICK] = 8,
                                                [EVENT_KICK] = 200,
                                                [EVENT_TASK] = 300,
                                                [EVENT_RATES] = 1 };

    memset(fx->log, 0, sizeof(fx->log));
    engine_init(&fx->eng, fx->arena, nr, which);
}

static int
setup(void **state)
{
    static struct fixture fx;

    fx.arena = arena_new();
    fixture_reset(&fx, ENGINE_QUEUE_AUTO);
    *state = &fx;
    return 0;
}

static int
teardown(void **state)
{
    arena_free(((struct fixture *)*state)->arena);
    return 0;
}

static void
letter_fire(struct engine *eng, struct event *ev)
{
    struct letter *l = container_of(ev, struct letter, ev);
    size_t n = strlen(l->log);

    if (n < 63)
        l->log[n] = l->c;
    if (l->then != NULL && l->times-- > 0)
        engine_at(eng, &l->then->ev, eng->now + l->delay);
}

static struct letter
letter(struct fixture *fx, char c)
{
    return (struct letter){ .c = c, .log = fx->log };
}

static void
start(struct fixture *fx, struct letter *l, enum event_kind kind, uint32_t index,
      enum event_phase phase, sim_time when)
{
    event_init(&fx->eng, &l->ev, kind, index, phase, letter_fire);
    engine_at(&fx->eng, &l->ev, when);
}

static void
the_same_instant_fires_by_phase_then_kind_then_index(void **state)
{
    struct fixture *fx = *state;

    for (int which = ENGINE_QUEUE_AUTO; which <= ENGINE_QUEUE_SIMPLE; which++) {
        fixture_reset(fx, (enum engine_queue)which);
        struct letter r = letter(fx, 'r'), a = letter(fx, 'a'), b = letter(fx, 'b');
        struct letter k = letter(fx, 'k');

        start(fx, &r, EVENT_BURST, 0, PHASE_RESCHED, MSEC(1));
        start(fx, &a, EVENT_TASK, 2, PHASE_ARRIVE, MSEC(1));
        start(fx, &b, EVENT_TASK, 1, PHASE_ARRIVE, MSEC(1));
        start(fx, &k, EVENT_KICK, 199, PHASE_ARRIVE, MSEC(1));
        assert_int_equal(engine_run(&fx->eng, MSEC(10)), ENGINE_DRAINED);
        assert_string_equal(fx->log, "kbar");
        assert_int_equal(fx->eng.now, MSEC(1));
        assert_int_equal(fx->eng.nr_events, 4);
    }
}

static void
time_comes_before_phase(void **state)
{
    struct fixture *fx = *state;
    struct letter s = letter(fx, 's'), c = letter(fx, 'c');

    start(fx, &c, EVENT_BURST, 0, PHASE_COMPLETE, 101);
    start(fx, &s, EVENT_TASK, 0, PHASE_SAMPLE, 100);
    assert_int_equal(engine_run(&fx->eng, SIM_NEVER), ENGINE_DRAINED);
    assert_string_equal(fx->log, "sc");
}

static void
a_moved_event_fires_once_at_its_new_time_in_its_old_place(void **state)
{
    struct fixture *fx = *state;
    struct letter a = letter(fx, 'a'), b = letter(fx, 'b');

    start(fx, &a, EVENT_TASK, 1, PHASE_ARRIVE, 10);
    start(fx, &b, EVENT_TASK, 2, PHASE_ARRIVE, 20);
    engine_at(&fx->eng, &a.ev, 30);
    engine_at(&fx->eng, &a.ev, 20); /* scheduled last, but its slot comes first */
    assert_int_equal(engine_when(&fx->eng, &a.ev), 20);
    assert_int_equal(engine_run(&fx->eng, SIM_NEVER), ENGINE_DRAINED);
    assert_string_equal(fx->log, "ab");
    assert_false(engine_pending(&fx->eng, &a.ev));
}

static void
a_cancelled_event_leaves_nothing_behind(void **state)
{
    struct fixture *fx = *state;
    struct letter a = letter(fx, 'a'), b = letter(fx, 'b'), c = letter(fx, 'c');

    start(fx, &a, EVENT_TASK, 1, PHASE_ARRIVE, 0); /* due now */
    start(fx, &b, EVENT_TASK, 2, PHASE_ARRIVE, 5);
    start(fx, &c, EVENT_TASK, 3, PHASE_ARRIVE, 5);
    engine_cancel(&fx->eng, &a.ev);
    engine_cancel(&fx->eng, &b.ev);
    engine_at(&fx->eng, &c.ev, SIM_NEVER);
    engine_cancel(&fx->eng, &c.ev); /* twice is once */
    assert_false(engine_pending(&fx->eng, &a.ev));
    assert_int_equal(engine_run(&fx->eng, SIM_NEVER), ENGINE_DRAINED);
    assert_string_equal(fx->log, "");
    assert_int_equal(fx->eng.now, 0);
    engine_at(&fx->eng, &a.ev, 1);
    assert_int_equal(engine_run(&fx->eng, SIM_NEVER), ENGINE_DRAINED);
    assert_string_equal(fx->log, "a");
}

static void
an_event_may_cancel_another_of_its_instant(void **state)
{
    struct fixture *fx = *state;
    struct letter a = letter(fx, 'a'), b = letter(fx, 'b');

    a.then = &b;
    a.delay = 7;
    a.times = 1;
    start(fx, &a, EVENT_TASK, 0, PHASE_ARRIVE, 3);
    start(fx, &b, EVENT_TASK, 1, PHASE_ARRIVE, 3);
    assert_int_equal(engine_run(&fx->eng, 4), ENGINE_UNTIL);
    assert_string_equal(fx->log, "a");
    assert_int_equal(engine_run(&fx->eng, 11), ENGINE_DRAINED);
    assert_string_equal(fx->log, "ab");
    assert_int_equal(fx->eng.now, 10);
}

/* A CPU that picks may wake a task: the arrival fires next, before the other picks. */
static void
an_earlier_phase_at_now_fires_next(void **state)
{
    struct fixture *fx = *state;
    struct letter pick0 = letter(fx, '0'), pick1 = letter(fx, '1'), wake = letter(fx, 'w');

    pick0.then = &wake;
    pick0.times = 1;
    start(fx, &pick0, EVENT_KICK, 0, PHASE_RESCHED, 50);
    start(fx, &pick1, EVENT_KICK, 1, PHASE_RESCHED, 50);
    event_init(&fx->eng, &wake.ev, EVENT_TASK, 0, PHASE_ARRIVE, letter_fire);
    assert_int_equal(engine_run(&fx->eng, SIM_NEVER), ENGINE_DRAINED);
    assert_string_equal(fx->log, "0w1");
}

static void
kicking_twice_in_an_instant_picks_once(void **state)
{
    struct fixture *fx = *state;
    struct letter a = letter(fx, 'a'), b = letter(fx, 'b'), kick = letter(fx, 'k');

    a.then = b.then = &kick;
    a.times = b.times = 1;
    start(fx, &a, EVENT_TASK, 0, PHASE_ARRIVE, 50);
    start(fx, &b, EVENT_TASK, 1, PHASE_ARRIVE, 50);
    event_init(&fx->eng, &kick.ev, EVENT_KICK, 3, PHASE_RESCHED, letter_fire);
    assert_int_equal(engine_run(&fx->eng, SIM_NEVER), ENGINE_DRAINED);
    assert_string_equal(fx->log, "abk");
}

static void
the_limit_itself_belongs_to_the_next_run(void **state)
{
    struct fixture *fx = *state;

    for (int which = ENGINE_QUEUE_AUTO; which <= ENGINE_QUEUE_SIMPLE; which++) {
        fixture_reset(fx, (enum engine_queue)which);
        struct letter a = letter(fx, 'a'), b = letter(fx, 'b'), c = letter(fx, 'c');
        struct letter d = letter(fx, 'd');

        start(fx, &a, EVENT_TASK, 5, PHASE_ARRIVE, 99);
        start(fx, &b, EVENT_TASK, 4, PHASE_ARRIVE, 100);
        start(fx, &c, EVENT_TASK, 6, PHASE_TICK, 100000);
        assert_int_equal(engine_run(&fx->eng, 100), ENGINE_UNTIL);
        assert_string_equal(fx->log, "a");
        assert_int_equal(fx->eng.now, 100);
        /* what is scheduled at the limit now takes its place among what was there */
        start(fx, &d, EVENT_TASK, 3, PHASE_ARRIVE, 100);
        assert_int_equal(engine_run(&fx->eng, 100), ENGINE_UNTIL);
        assert_string_equal(fx->log, "a");
        assert_int_equal(engine_run(&fx->eng, 101), ENGINE_UNTIL);
        assert_string_equal(fx->log, "adb");
        assert_int_equal(fx->eng.now, 101);
        /* the clock may wait anywhere, and early events still find their place */
        assert_int_equal(engine_run(&fx->eng, 5000), ENGINE_UNTIL);
        engine_at(&fx->eng, &a.ev, 5001);
        assert_int_equal(engine_run(&fx->eng, SIM_NEVER), ENGINE_DRAINED);
        assert_string_equal(fx->log, "adbac");
        assert_int_equal(fx->eng.now, 100000);
    }
}

static void
stop_fire(struct engine *eng, struct event *ev)
{
    letter_fire(eng, ev);
    engine_stop(eng);
}

static void
a_stopped_run_can_go_on(void **state)
{
    struct fixture *fx = *state;
    struct letter a = letter(fx, 'a'), b = letter(fx, 'b');

    event_init(&fx->eng, &a.ev, EVENT_TASK, 0, PHASE_ARRIVE, stop_fire);
    engine_at(&fx->eng, &a.ev, 5);
    start(fx, &b, EVENT_TASK, 1, PHASE_ARRIVE, 5);
    assert_int_equal(engine_run(&fx->eng, 10), ENGINE_STOPPED);
    assert_string_equal(fx->log, "a");
    assert_int_equal(engine_run(&fx->eng, 10), ENGINE_DRAINED);
    assert_string_equal(fx->log, "ab");
}

static void
time_standing_still_is_noticed_and_named(void **state)
{
    struct fixture *fx = *state;
    struct letter burst = letter(fx, 'b'), kick = letter(fx, 'k');

    burst.then = &kick;
    kick.then = &burst;
    burst.times = kick.times = UINT32_MAX;
    start(fx, &burst, EVENT_BURST, 3, PHASE_COMPLETE, 77);
    event_init(&fx->eng, &kick.ev, EVENT_KICK, 3, PHASE_RESCHED, letter_fire);
    fx->eng.same_instant_limit = 1000;
    assert_int_equal(engine_run(&fx->eng, SIM_NEVER), ENGINE_STUCK);
    assert_int_equal(fx->eng.nr_events, 1000);
    assert_int_equal(fx->eng.now, 77);
    assert_string_equal(engine_stuck_report(&fx->eng, fx->arena),
                        "burst 3, kick 3, burst 3, kick 3, burst 3, kick 3, burst 3, kick 3, "
                        "burst 3, kick 3, burst 3, kick 3, burst 3, kick 3, burst 3, kick 3");
}

static void
a_long_instant_is_not_standing_still(void **state)
{
    struct fixture *fx = *state;
    struct letter a = letter(fx, 'a');

    a.then = &a;
    a.times = 998;
    start(fx, &a, EVENT_BURST, 3, PHASE_COMPLETE, 77);
    fx->eng.same_instant_limit = 1000;
    assert_int_equal(engine_run(&fx->eng, SIM_NEVER), ENGINE_DRAINED);
    a.times = 999;
    engine_at(&fx->eng, &a.ev, 78);
    assert_int_equal(engine_run(&fx->eng, SIM_NEVER), ENGINE_DRAINED);
    a.times = 1000;
    engine_at(&fx->eng, &a.ev, 79);
    assert_int_equal(engine_run(&fx->eng, SIM_NEVER), ENGINE_STUCK);
}

static void
two_engines_know_nothing_of_each_other(void **state)
{
    struct fixture *fx = *state;
    struct fixture *other = arena_new_object(fx->arena, struct fixture);

    other->arena = fx->arena;
    fixture_reset(other, ENGINE_QUEUE_SIMPLE);
    struct letter a = letter(fx, 'a'), b = letter(other, 'b');
    a.then = &a;
    b.then = &b;
    a.times = b.times = 5;
    a.delay = b.delay = 10;
    start(fx, &a, EVENT_TASK, 0, PHASE_ARRIVE, 0);
    start(other, &b, EVENT_TASK, 0, PHASE_ARRIVE, 5);
    for (sim_time t = 1; t < 45; t += 2) {
        assert_int_equal(engine_run(&fx->eng, t), ENGINE_UNTIL);
        assert_int_equal(engine_run(&other->eng, t), ENGINE_UNTIL);
        assert_int_equal(strlen(fx->log), 1 + (t - 1) / 10);
        assert_int_equal(strlen(other->log), t > 5 ? 1 + (t - 6) / 10 : 0);
    }
}

static void
count_after(struct engine *eng, struct event *ev)
{
    (void)ev;
    ++*(uint32_t *)eng->owner;
}

static void
the_hook_runs_after_every_handler(void **state)
{
    struct fixture *fx = *state;
    struct letter a = letter(fx, 'a');
    uint32_t calls = 0;

    a.then = &a;
    a.times = 9;
    a.delay = 3;
    fx->eng.owner = &calls;
    fx->eng.after = count_after;
    start(fx, &a, EVENT_TASK, 0, PHASE_ARRIVE, 0);
    engine_run(&fx->eng, SIM_NEVER);
    assert_int_equal(calls, 10);
}

static void
a_slot_can_be_taken_over(void **state)
{
    struct fixture *fx = *state;
    struct letter a = letter(fx, 'a'), b = letter(fx, 'b');

    start(fx, &a, EVENT_TASK, 0, PHASE_ARRIVE, 1);
    engine_run(&fx->eng, 2);
    memset(&a, 0, sizeof(a)); /* the old owner is gone */
    start(fx, &b, EVENT_TASK, 0, PHASE_TICK, 3);
    engine_run(&fx->eng, SIM_NEVER);
    assert_string_equal(fx->log, "ab");
}

static void
kinds_and_phases_have_names(void **state)
{
    (void)state;
    assert_string_equal(event_kind_name(EVENT_BURST), "burst");
    assert_string_equal(event_kind_name(EVENT_SAMPLER), "sampler");
    assert_string_equal(event_phase_name(PHASE_SAMPLE), "sample");
    for (int i = 0; i < EVENT_KIND_NR; i++)
        assert_non_null(event_kind_name((enum event_kind)i));
}

/* Who asks within an instant is told whose turn has been, also of those who were not due. */
static bool seen[3];
static struct letter *asked[3];

static void
ask_fire(struct engine *eng, struct event *ev)
{
    (void)ev;
    for (int i = 0; i < 3; i++)
        seen[i] = engine_passed(eng, &asked[i]->ev);
}

static void
places_are_passed_in_order(void **state)
{
    struct fixture *fx = *state;
    struct letter t[3], early;

    for (uint32_t i = 0; i < 3; i++) {
        t[i] = letter(fx, (char)('a' + i));
        asked[i] = &t[i];
        event_init(&fx->eng, &t[i].ev, EVENT_TICK, i, PHASE_TICK, i == 1 ? ask_fire : letter_fire);
    }
    engine_at(&fx->eng, &t[1].ev, 10);
    engine_at(&fx->eng, &t[2].ev, 10);
    engine_run(&fx->eng, 11);
    assert_true(seen[0] && seen[1]);
    assert_false(seen[2]);
    assert_true(engine_passed(&fx->eng, &t[2].ev));
    assert_false(engine_reached(&fx->eng, PHASE_BALANCE));
    /* in the next instant nothing has been yet */
    early = letter(fx, 'e');
    event_init(&fx->eng, &early.ev, EVENT_BURST, 0, PHASE_COMPLETE, ask_fire);
    engine_at(&fx->eng, &early.ev, 20);
    engine_run(&fx->eng, 21);
    assert_false(seen[0] || seen[1] || seen[2]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(the_same_instant_fires_by_phase_then_kind_then_index),
        CASE(time_comes_before_phase),
        CASE(a_moved_event_fires_once_at_its_new_time_in_its_old_place),
        CASE(a_cancelled_event_leaves_nothing_behind),
        CASE(an_event_may_cancel_another_of_its_instant),
        CASE(an_earlier_phase_at_now_fires_next),
        CASE(kicking_twice_in_an_instant_picks_once),
        CASE(the_limit_itself_belongs_to_the_next_run),
        CASE(a_stopped_run_can_go_on),
        CASE(time_standing_still_is_noticed_and_named),
        CASE(a_long_instant_is_not_standing_still),
        CASE(two_engines_know_nothing_of_each_other),
        CASE(the_hook_runs_after_every_handler),
        CASE(a_slot_can_be_taken_over),
        CASE(kinds_and_phases_have_names),
        CASE(places_are_passed_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
