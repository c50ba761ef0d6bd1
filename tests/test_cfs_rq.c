/* layer: kernel */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "kernel/cfs_rq.h"
#include "kernel/weight.h"

/* Vectors: the worked pick of sched-core.md 2.4 and the placement of 2.5; slice 2.8 ms. */

enum { SLICE = 2800000 };

static void
entity(struct sched_entity *se, int nice, int64_t vruntime)
{
    *se = (struct sched_entity){ .weight = nice_weight(nice),
                                 .inv_weight = nice_inv_weight(nice),
                                 .slice = SLICE };
    se->vruntime = vruntime;
    se->deadline = vruntime + (int64_t)calc_delta_fair(SLICE, se->inv_weight);
    se->on_rq = true;
}

struct fixture {
    struct arena *arena;
    struct cfs_rq cfs;
    struct sched_entity a, b, c;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->arena = arena_new();
    cfs_rq_init(&f->cfs, f->arena);
    entity(&f->a, 0, 10000000);
    entity(&f->b, 5, 8000000);
    entity(&f->c, -5, 11000000);
    cfs_rq_insert(&f->cfs, f->arena, &f->a);
    cfs_rq_insert(&f->cfs, f->arena, &f->b);
    cfs_rq_insert(&f->cfs, f->arena, &f->c);
    f->cfs.nr_queued = 3;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    arena_free(f->arena);
    free(f);
    return 0;
}

static void
the_average_is_the_worked_one(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(avg_vruntime(&f->cfs), 10547098); /* floor(47251e6 / 4480) */
    assert_int_equal(f->b.deadline, 16558806);
    assert_int_equal(f->c.deadline, 11918679);
}

/* 12920e6 / 1359 = 9506990.4, seen from a reference point ahead of it: floor, not towards zero. */
static void
an_average_behind_the_reference_point_is_rounded_down(void **state)
{
    struct fixture *f = *state;

    avg_vruntime(&f->cfs);
    cfs_rq_remove(&f->cfs, &f->c);
    assert_int_equal(avg_vruntime(&f->cfs), 9506990);
}

static void
the_earliest_deadline_loses_when_it_is_not_eligible(void **state)
{
    struct fixture *f = *state;

    assert_false(entity_eligible(&f->cfs, &f->c));
    assert_true(entity_eligible(&f->cfs, &f->a));
    assert_ptr_equal(pick_eevdf(&f->cfs, PROTECT_DEADLINE), &f->a);
}

static void
placing_keeps_the_lag(void **state)
{
    struct fixture *f = *state;
    struct sched_entity d;

    entity(&d, 0, 0);
    d.vlag = 1000000;
    place_entity(&f->cfs, &d, false, ~(uint64_t)0);
    assert_int_equal(d.vruntime, 9318527);
    assert_int_equal(d.deadline, 12118527);
    cfs_rq_insert(&f->cfs, f->arena, &d);
    assert_int_equal(avg_vruntime(&f->cfs), 10318526);
    assert_int_equal(entity_lag(&f->cfs, &d, 4000000), 999999);
}

static void
a_new_task_starts_at_the_average_with_half_a_slice(void **state)
{
    struct fixture *f = *state;
    struct sched_entity d;

    entity(&d, 0, 0);
    place_entity(&f->cfs, &d, true, ~(uint64_t)0);
    assert_int_equal(d.vruntime, 10547098);
    assert_int_equal(d.deadline, 10547098 + SLICE / 2);
}

static void
a_relative_deadline_is_carried_over(void **state)
{
    struct fixture *f = *state;
    struct sched_entity d;

    entity(&d, 0, 0);
    d.deadline = 1234567;
    d.rel_deadline = true;
    place_entity(&f->cfs, &d, false, ~(uint64_t)0);
    assert_int_equal(d.deadline, 10547098 + 1234567);
    assert_false(d.rel_deadline);
}

static void
lag_is_limited_to_two_slices_or_a_tick(void **state)
{
    struct fixture *f = *state;

    f->a.vruntime = f->cfs.vruntime[f->a.rq_index]; /* unchanged; b far behind */
    cfs_rq_remove(&f->cfs, &f->b);
    f->b.vruntime = -900000000;
    cfs_rq_insert(&f->cfs, f->arena, &f->b);
    assert_int_equal(entity_lag(&f->cfs, &f->b, 4000000), 17117612); /* 5.6 ms at nice 5 */
    f->b.slice = 700000; /* twice that is less than a tick */
    assert_int_equal(entity_lag(&f->cfs, &f->b, 4000000), 12226865); /* 4 ms at nice 5 */
    cfs_rq_remove(&f->cfs, &f->a);
    f->a.vruntime = 900000000; /* in debt, at nice 0 */
    cfs_rq_insert(&f->cfs, f->arena, &f->a);
    assert_int_equal(entity_lag(&f->cfs, &f->a, 4000000), -5600000);
}

static void
ties_go_to_the_first_inserted_even_after_removals(void **state)
{
    struct fixture *f = *state;
    struct sched_entity x, y, z;

    cfs_rq_remove(&f->cfs, &f->a);
    cfs_rq_remove(&f->cfs, &f->b);
    cfs_rq_remove(&f->cfs, &f->c);
    entity(&x, 0, 5);
    entity(&y, 0, 5);
    entity(&z, 0, 5);
    cfs_rq_insert(&f->cfs, f->arena, &x);
    cfs_rq_insert(&f->cfs, f->arena, &y);
    cfs_rq_insert(&f->cfs, f->arena, &z);
    cfs_rq_remove(&f->cfs, &x); /* z moves into the gap */
    assert_ptr_equal(pick_eevdf(&f->cfs, PROTECT_DEADLINE), &y);
}

static void
the_running_entity_keeps_its_slice_while_eligible(void **state)
{
    struct fixture *f = *state;

    cfs_rq_remove(&f->cfs, &f->b);
    f->cfs.curr = &f->b; /* latest deadline, but eligible and protected */
    f->b.vlag = f->b.deadline;
    assert_ptr_equal(pick_eevdf(&f->cfs, PROTECT_DEADLINE), &f->b);
    f->b.vlag++;
    assert_ptr_equal(pick_eevdf(&f->cfs, PROTECT_DEADLINE), &f->a);
}

/* ---- against a search through everybody, of all lengths ---- */

__extension__ typedef __int128 i128;

/* By the definitions: all sums anew, in 128 bits; ties to who was inserted first. */
static const struct sched_entity *
searched_pick(struct sched_entity *const *queued, const uint64_t *order, uint32_t nr)
{
    i128 sum = 0, weight = 0;
    uint32_t best = UINT32_MAX;

    for (uint32_t i = 0; i < nr; i++) {
        sum += (i128)queued[i]->vruntime * queued[i]->weight;
        weight += queued[i]->weight;
    }
    for (uint32_t i = 0; i < nr; i++) {
        if (queued[i]->vruntime * weight > sum)
            continue;
        if (best == UINT32_MAX || queued[i]->deadline < queued[best]->deadline ||
            (queued[i]->deadline == queued[best]->deadline && order[i] < order[best]))
            best = i;
    }
    return queued[best];
}

enum { MANY = 5000 };

struct crowd {
    struct cfs_rq cfs;
    struct arena *arena;
    struct rng rng;
    uint32_t grain; /* of times: the coarser, the more ties */
    uint32_t nr;
    struct sched_entity all[MANY];
    struct sched_entity *queued[MANY], *away[MANY];
    uint64_t order[MANY], next_order;
};

static void
crowd_insert(struct crowd *c, int64_t from)
{
    struct sched_entity *se = c->away[MANY - 1 - c->nr];
    uint32_t mix = (uint32_t)(rng_u64(&c->rng) % 8);

    entity(se, mix < 4 ? 0 : (int)mix * 3 - 15, 0);
    se->vruntime = from + (int64_t)(rng_u64(&c->rng) % 40 * c->grain);
    se->deadline = se->vruntime + (int64_t)((1 + rng_u64(&c->rng) % 3 * mix) * c->grain);
    cfs_rq_insert(&c->cfs, c->arena, se);
    c->queued[c->nr] = se;
    c->order[c->nr++] = c->next_order++;
}

static void
crowd_remove(struct crowd *c, uint32_t i)
{
    struct sched_entity *se = c->queued[i];

    cfs_rq_remove(&c->cfs, se);
    c->nr--;
    c->queued[i] = c->queued[c->nr];
    c->order[i] = c->order[c->nr];
    c->away[MANY - 1 - c->nr] = se;
}

/* Who is picked leaves, as do others; who comes, comes about the average. */
static void
crowd_step(struct crowd *c, uint32_t goal)
{
    const struct sched_entity *expected = searched_pick(c->queued, c->order, c->nr);
    const struct sched_entity *picked = pick_eevdf(&c->cfs, PROTECT_NOT);

    assert_ptr_equal(picked, expected);
    for (uint32_t i = 0; i < c->nr; i++)
        if (c->queued[i] == picked && (rng_u64(&c->rng) & 7) != 0) {
            crowd_remove(c, i);
            break;
        }
    if (c->nr > 1 && (c->nr > goal || (rng_u64(&c->rng) & 3) == 0))
        crowd_remove(c, (uint32_t)(rng_u64(&c->rng) % c->nr));
    int64_t from = avg_vruntime(&c->cfs) - 20 * (int64_t)c->grain;
    do {
        crowd_insert(c, from);
    } while (c->nr < goal);
}

static void
crowd_run(uint32_t grain, const uint32_t *goals, const uint32_t *steps, uint32_t nr_goals)
{
    struct crowd *c = calloc(1, sizeof(*c));

    c->arena = arena_new();
    c->grain = grain;
    rng_init(&c->rng, 7 + grain, "crowd", 0);
    for (uint32_t i = 0; i < MANY; i++)
        c->away[i] = &c->all[i];
    cfs_rq_init(&c->cfs, c->arena);
    crowd_insert(c, 0);
    for (uint32_t g = 0; g < nr_goals; g++)
        for (uint32_t i = 0; i < steps[g]; i++)
            crowd_step(c, goals[g]);
    arena_free(c->arena);
    free(c);
}

static void
a_pick_is_what_a_search_finds(void **state)
{
    static const uint32_t goals[] = { 1, 2, 5, 31, 33, 70, 4, 300, 4900, 40, 1 };
    static const uint32_t steps[] = { 50, 200, 500, 1000, 1000, 2000, 500, 4000, 2000, 9000, 200 };

    (void)state;
    for (uint32_t grain = 1; grain <= 1000000; grain *= 1000)
        crowd_run(grain, goals, steps, sizeof(goals) / sizeof(goals[0]));
}

/* All equal: each pick is the next in line, however long the line is. */
static void
equals_are_picked_in_the_order_of_their_insertion(void **state)
{
    struct cfs_rq cfs = { 0 };
    struct arena *arena = arena_new();
    struct sched_entity *all = calloc(MANY, sizeof(*all));

    (void)state;
    cfs_rq_init(&cfs, arena);
    for (uint32_t i = 0; i < MANY; i++) {
        entity(&all[i], 0, 5);
        cfs_rq_insert(&cfs, arena, &all[i]);
    }
    for (uint32_t i = 0; i < 3 * MANY; i++) {
        struct sched_entity *se = pick_eevdf(&cfs, PROTECT_NOT);
        assert_ptr_equal(se, &all[i % MANY]);
        cfs_rq_remove(&cfs, se);
        cfs_rq_insert(&cfs, arena, se);
    }
    free(all);
    arena_free(arena);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_average_is_the_worked_one),
        CASE(an_average_behind_the_reference_point_is_rounded_down),
        CASE(the_earliest_deadline_loses_when_it_is_not_eligible),
        CASE(placing_keeps_the_lag),
        CASE(a_new_task_starts_at_the_average_with_half_a_slice),
        CASE(a_relative_deadline_is_carried_over),
        CASE(lag_is_limited_to_two_slices_or_a_tick),
        CASE(ties_go_to_the_first_inserted_even_after_removals),
        CASE(the_running_entity_keeps_its_slice_while_eligible),
        cmocka_unit_test(a_pick_is_what_a_search_finds),
        cmocka_unit_test(equals_are_picked_in_the_order_of_their_insertion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
