/* layer: kernel */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

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
    se->deadline = vruntime + (int64_t)calc_delta_fair(SLICE, se->weight, se->inv_weight);
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

static void
the_earliest_deadline_loses_when_it_is_not_eligible(void **state)
{
    struct fixture *f = *state;

    assert_false(entity_eligible(&f->cfs, &f->c));
    assert_true(entity_eligible(&f->cfs, &f->a));
    assert_ptr_equal(pick_eevdf(&f->cfs, true), &f->a);
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
    assert_ptr_equal(pick_eevdf(&f->cfs, true), &y);
}

static void
the_running_entity_keeps_its_slice_while_eligible(void **state)
{
    struct fixture *f = *state;

    cfs_rq_remove(&f->cfs, &f->b);
    f->cfs.curr = &f->b; /* latest deadline, but eligible and protected */
    protect_slice(&f->b);
    assert_ptr_equal(pick_eevdf(&f->cfs, true), &f->b);
    cancel_protect_slice(&f->b);
    assert_ptr_equal(pick_eevdf(&f->cfs, true), &f->a);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_average_is_the_worked_one),
        CASE(the_earliest_deadline_loses_when_it_is_not_eligible),
        CASE(placing_keeps_the_lag),
        CASE(a_new_task_starts_at_the_average_with_half_a_slice),
        CASE(a_relative_deadline_is_carried_over),
        CASE(lag_is_limited_to_two_slices_or_a_tick),
        CASE(ties_go_to_the_first_inserted_even_after_removals),
        CASE(the_running_entity_keeps_its_slice_while_eligible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
