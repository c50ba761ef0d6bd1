/* layer: engine */
/*
 * The queues against each other and against a list that is searched from end to end: 100,000 random
 * operations a run, over several shapes of time. A failure prints the seed and shape that replay
 * it.
 */
#include "base/rng.h"
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = 100, OPS = 100000 };

/* How far ahead an event is scheduled. */
struct shape {
    const char *name;
    uint64_t range;   /* below this */
    uint64_t grid;    /* a multiple of this: many ties */
    uint64_t far_one; /* one in so many is scheduled anywhere up to 2^62; 0: none */
};

static const struct shape shapes[] = {
    { "dense", 40, 1, 0 },     { "ties", 4000000, 1000000, 0 }, { "usual", 1000000, 1, 0 },
    { "far", 100000, 1, 50 },  { "edges", 1u << 19, 64, 0 },    { "now", 3, 1, 0 },
    { "few", 1u << 22, 1, 0 },
};

/* The engine and the list get the same operations, decided by one stream. */
struct twin {
    struct arena *arena;
    struct engine eng;
    struct event events[SLOTS];
    sim_time when[SLOTS]; /* the list */
    uint8_t phase[SLOTS];
    struct rng rng;
    const struct shape *shape;
    uint64_t nr_ops, hash, nr_fired, nr_foreseen;
    const char *wrong;
};

/* What is run: a queue, and whether somebody hears of events ahead. */
struct kind {
    enum engine_queue queue;
    bool foresees;
};

static uint64_t
draw_delay(struct twin *t)
{
    const struct shape *s = t->shape;

    if (s->far_one && rng_below(&t->rng, s->far_one) == 0)
        return rng_u64(&t->rng) >> (2 + rng_below(&t->rng, 40));
    return (rng_below(&t->rng, s->range) + s->grid - 1) / s->grid * s->grid;
}

static void
do_one(struct twin *t)
{
    uint32_t i = (uint32_t)rng_below(&t->rng, SLOTS);

    t->nr_ops++;
    if (rng_below(&t->rng, 5) == 0) {
        engine_cancel(&t->eng, &t->events[i]);
        t->when[i] = SIM_NEVER;
        return;
    }
    t->when[i] = t->eng.now + draw_delay(t);
    engine_at(&t->eng, &t->events[i], t->when[i]);
}

/* The first of the list by (time, phase, slot). */
static uint32_t
list_first(const struct twin *t)
{
    uint32_t first = 0;

    for (uint32_t i = 1; i < SLOTS; i++)
        if (t->when[i] < t->when[first] ||
            (t->when[i] == t->when[first] && t->phase[i] < t->phase[first]))
            first = i;
    return first;
}

static void
twin_fire(struct engine *eng, struct event *ev)
{
    struct twin *t = eng->owner;
    uint32_t first = list_first(t);

    if (first != ev->slot)
        t->wrong = "another event was first";
    else if (t->when[first] != eng->now)
        t->wrong = "the clock is wrong";
    else if (engine_pending(eng, ev))
        t->wrong = "a fired event is still pending";
    t->when[ev->slot] = SIM_NEVER;
    t->nr_fired++;
    t->hash = (t->hash ^ eng->now ^ ev->slot) * UINT64_C(0x9e3779b97f4a7c15);
    if (t->wrong != NULL || t->nr_ops >= OPS) {
        engine_stop(eng);
        return;
    }
    for (uint64_t n = rng_below(&t->rng, 4); n > 0; n--)
        do_one(t);
}

/* All pending, not in the past, and within one stretch of 4096 ns. */
static void
twin_soon(struct engine *eng, struct event *const *ev, uint32_t nr)
{
    struct twin *t = eng->owner;

    if (nr == 0 || nr > ENGINE_SOON_MAX)
        t->wrong = "a group of no size";
    for (uint32_t i = 0; i < nr; i++)
        if (t->when[ev[i]->slot] != ev[i]->when || ev[i]->when < eng->now ||
            ev[i]->when / 4096 != ev[0]->when / 4096)
            t->wrong = "an event was foreseen that is not due soon";
    t->nr_foreseen += nr;
}

static uint64_t
twin_run(struct twin *t, const struct shape *shape, uint64_t seed, struct kind kind)
{
    static const uint32_t nr[EVENT_KIND_NR] = { [EVENT_TASK] = SLOTS };

    *t = (struct twin){ .arena = arena_new(), .shape = shape };
    rng_init(&t->rng, seed, "queue", 0);
    engine_init(&t->eng, t->arena, nr, kind.queue);
    t->eng.owner = t;
    if (kind.foresees)
        engine_foresee(&t->eng, t->arena, twin_soon);
    for (uint32_t i = 0; i < SLOTS; i++) {
        t->when[i] = SIM_NEVER;
        t->phase[i] = (uint8_t)rng_below(&t->rng, PHASE_NR);
        event_init(&t->eng, &t->events[i], EVENT_TASK, i, (enum event_phase)t->phase[i], twin_fire);
    }
    while (t->wrong == NULL && t->nr_ops < OPS) {
        for (int i = 0; i < 20; i++)
            do_one(t);
        /* the clock also stops between events, at them and far beyond the next */
        sim_time until = t->eng.now + rng_below(&t->rng, 2 * shape->range);
        enum engine_end end = engine_run(&t->eng, until);

        if (end == ENGINE_UNTIL && (t->eng.now != until || t->when[list_first(t)] < until))
            t->wrong = "the run ended too early";
        if (end == ENGINE_DRAINED && t->when[list_first(t)] != SIM_NEVER)
            t->wrong = "events are left";
    }
    if (t->wrong != NULL)
        fail_msg("%s (shape %s, seed %llu, queue %d, operation %llu)", t->wrong, shape->name,
                 (unsigned long long)seed, (int)kind.queue, (unsigned long long)t->nr_ops);
    arena_free(t->arena);
    return t->hash;
}

static void
both_queues_fire_what_a_list_would(void **state)
{
    (void)state;
    static struct twin t;

    for (uint32_t s = 0; s < ARRAY_LEN(shapes); s++) {
        uint64_t wheel =
            twin_run(&t, &shapes[s], s + 1, (struct kind){ ENGINE_QUEUE_WHEEL, false });
        uint64_t simple =
            twin_run(&t, &shapes[s], s + 1, (struct kind){ ENGINE_QUEUE_SIMPLE, false });

        assert_true(wheel == simple);
    }
}

/* Who listens changes nothing; a queue of a hundred events tells of those that share a stretch of
 * 4096 ns when they come near. */
static void
events_are_foreseen_before_they_fire(void **state)
{
    (void)state;
    static struct twin t;

    for (uint32_t s = 0; s < ARRAY_LEN(shapes); s++) {
        uint64_t alone = twin_run(&t, &shapes[s], s + 1, (struct kind){ ENGINE_QUEUE_AUTO, false });
        assert_true(t.nr_foreseen == 0);
        uint64_t heard = twin_run(&t, &shapes[s], s + 1, (struct kind){ ENGINE_QUEUE_AUTO, true });
        assert_true(alone == heard);
        if (strcmp(shapes[s].name, "far") == 0)
            assert_true(t.nr_foreseen > t.nr_fired / 2);
    }
}

static void
count_fire(struct engine *eng, struct event *ev)
{
    (void)eng;
    (void)ev;
}

/* Times that differ in their topmost bit, and the last one that is not never. */
static void
the_whole_range_of_time_is_usable(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    static const uint32_t nr[EVENT_KIND_NR] = { [EVENT_TASK] = 66 };
    struct event *events = arena_new_array(a, struct event, 66);

    for (int which = ENGINE_QUEUE_AUTO; which <= ENGINE_QUEUE_SIMPLE; which++) {
        struct engine eng;

        engine_init(&eng, a, nr, (enum engine_queue)which);
        for (uint32_t i = 0; i < 66; i++) {
            sim_time when = i < 64 ? UINT64_C(1) << i : SIM_NEVER - (66 - i);

            event_init(&eng, &events[i], EVENT_TASK, i, PHASE_TICK, count_fire);
            engine_at(&eng, &events[i], when);
        }
        for (uint32_t i = 0; i < 64; i++) {
            assert_int_equal(engine_run(&eng, (UINT64_C(1) << i) + 1), ENGINE_UNTIL);
            assert_int_equal(eng.nr_events, i + 1);
        }
        assert_int_equal(engine_run(&eng, SIM_NEVER), ENGINE_DRAINED);
        assert_true(eng.now == SIM_NEVER - 1);
        assert_int_equal(eng.nr_events, 66);
    }
    arena_free(a);
}

/* 10,000 ticks in each of 100 instants: quadratic ties would take minutes. */
static void
tick_fire(struct engine *eng, struct event *ev)
{
    sim_assert(eng->owner == NULL || ((struct event *)eng->owner)->slot < ev->slot ||
               ev->slot == 0);
    eng->owner = ev;
    if (eng->now < MSEC(400))
        engine_at(eng, ev, eng->now + MSEC(4));
}

static void
many_ties_cost_no_more_than_few(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    static const uint32_t nr[EVENT_KIND_NR] = { [EVENT_TICK] = 10000 };
    struct event *events = arena_new_array(a, struct event, 10000);
    struct engine eng;

    engine_init(&eng, a, nr, ENGINE_QUEUE_AUTO);
    for (uint32_t i = 0; i < 10000; i++) {
        event_init(&eng, &events[i], EVENT_TICK, i, PHASE_TICK, tick_fire);
        engine_at(&eng, &events[i], MSEC(4));
    }
    assert_int_equal(engine_run(&eng, SIM_NEVER), ENGINE_DRAINED);
    assert_int_equal(eng.nr_events, 1000000);
    arena_free(a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_queues_fire_what_a_list_would),
        cmocka_unit_test(events_are_foreseen_before_they_fire),
        cmocka_unit_test(the_whole_range_of_time_is_usable),
        cmocka_unit_test(many_ties_cost_no_more_than_few),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
