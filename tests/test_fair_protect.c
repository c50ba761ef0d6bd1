/* layer: kernel */
#include "sim_fixture.h"

#include "kernel/core.h"
#include "kernel/fair.h"

/*
 * sched.kernel=6.18: the protection of a slice since Linux 6.17 (set_protect_slice,
 * update_protect_slice, check_preempt_wakeup_fair, update_curr), and the weight of a running entity
 * as 6.13 to 6.18.44 change it (reweight_entity by place_entity). Numbers are worked by hand.
 */

#define V(ns) (-((int64_t)1 << 20) + (ns))
#define FEATURE(name) ((uint64_t)1 << SCHED_FEAT_##name)

struct queue {
    struct fixture f;
    struct cfs_rq cfs;
    struct sched_entity curr, other;
};

static void
fill(struct sched_entity *se, struct cfs_rq *cfs, uint64_t slice, int64_t vruntime)
{
    *se = (struct sched_entity){ .cfs_rq = cfs,
                                 .weight = 1024,
                                 .inv_weight = nice_inv_weight(0),
                                 .load_weight = 1024 << LOAD_SHIFT,
                                 .slice = slice,
                                 .vruntime = vruntime,
                                 .deadline = vruntime + (int64_t)slice,
                                 .on_rq = true };
}

/* A running entity and one that waits, both of weight 1024, at those virtual times. */
static void
open_queue(struct queue *q, uint32_t kernel, uint64_t slice, uint64_t others, int64_t others_at)
{
    *q = (struct queue){ 0 };
    fixture_open(&q->f, 1, 1, 1, false);
    q->f.k->params.sched.kernel = kernel;
    cfs_rq_init(&q->cfs, q->f.arena);
    fill(&q->curr, &q->cfs, slice, 0);
    fill(&q->other, &q->cfs, others, others_at);
    cfs_rq_insert(&q->cfs, q->f.arena, &q->other);
    q->cfs.curr = &q->curr;
    q->cfs.nr_queued = 2;
}

static int64_t
protected_until(uint32_t kernel, uint64_t slice, uint64_t others, uint64_t features_off)
{
    struct queue q;

    open_queue(&q, kernel, slice, others, 0);
    q.f.k->params.sched.features &= ~features_off;
    set_protect_slice(q.f.k, &q.cfs, &q.curr);
    int64_t until = q.curr.vlag;
    fixture_close(&q.f);
    return until;
}

static void
the_shortest_slice_protects(void **state)
{
    (void)state;
    assert_int_equal(protected_until(KERNEL_6_18, 2800000, 1200000, 0), 1200000);
    assert_int_equal(protected_until(KERNEL_6_18, 1200000, 2800000, 0), 1200000);
    assert_int_equal(protected_until(KERNEL_6_12_117, 2800000, 1200000, 0), 2800000);
    /* without the feature a base slice, whatever the number of CPUs */
    assert_int_equal(protected_until(KERNEL_6_18, 2800000, 1200000, FEATURE(RUN_TO_PARITY)),
                     700000);
    assert_int_equal(protected_until(KERNEL_6_18, 400000, 1200000, FEATURE(RUN_TO_PARITY)), 400000);
}

/* Eligible (0.6 of a mean of 1.0 ms), and not at its deadline. */
static void
an_end_of_protection_is_noticed_though_eligible(void **state)
{
    struct queue q;

    (void)state;
    open_queue(&q, KERNEL_6_18, 2800000, 600000, 1400000);
    set_protect_slice(q.f.k, &q.cfs, &q.curr);
    q.curr.vruntime = 599999;
    assert_false(protection_ended(q.f.k, &q.cfs, &q.curr));
    q.curr.vruntime = 600000;
    assert_true(entity_eligible(&q.cfs, &q.curr));
    assert_true(protection_ended(q.f.k, &q.cfs, &q.curr));
    q.f.k->params.sched.kernel = KERNEL_6_12_117;
    set_protect_slice(q.f.k, &q.cfs, &q.curr);
    assert_false(protection_ended(q.f.k, &q.cfs, &q.curr));
    fixture_close(&q.f);
}

/* A wakee with a shorter slice that is not picked (not eligible) leaves the running entity no more
 * than that slice; 6.12 leaves it all. */
static void
a_shorter_slice_cuts_protection(void **state)
{
    struct queue q;

    (void)state;
    open_queue(&q, KERNEL_6_18, 2800000, 2800000, 500000);
    set_protect_slice(q.f.k, &q.cfs, &q.curr);
    q.curr.vruntime = 100000;
    cfs_rq_remove(&q.cfs, &q.other);
    fill(&q.other, &q.cfs, 900000, 500000);
    cfs_rq_insert(&q.cfs, q.f.arena, &q.other);
    assert_int_equal(q.curr.vlag, 2800000);
    assert_false(pick_says_preempt(q.f.k, &q.cfs, &q.other, &q.curr));
    assert_int_equal(q.curr.vlag, 100000 + 900000);
    q.f.k->params.sched.kernel = KERNEL_6_12_117;
    set_protect_slice(q.f.k, &q.cfs, &q.curr);
    assert_false(pick_says_preempt(q.f.k, &q.cfs, &q.other, &q.curr));
    assert_int_equal(q.curr.vlag, 2800000);
    fixture_close(&q.f);
}

/* One that is picked takes the CPU, and all protection with it. */
static void
a_shorter_slice_preempts(void **state)
{
    struct queue q;

    (void)state;
    open_queue(&q, KERNEL_6_18, 2800000, 900000, 0);
    q.curr.vlag = q.curr.deadline;
    assert_true(pick_says_preempt(q.f.k, &q.cfs, &q.other, &q.curr));
    assert_int_equal(q.curr.vlag, q.curr.vruntime);
    q.other.slice = q.curr.slice; /* but not as long a one, though its deadline is earlier */
    q.curr.vlag = q.curr.deadline;
    assert_false(pick_says_preempt(q.f.k, &q.cfs, &q.other, &q.curr));
    fixture_close(&q.f);
}

static const struct action hog[] = { { .kind = ACTION_RUN, .work = SEC(1) } };

static struct task *
start_hog(struct fixture *f)
{
    struct script *s = arena_new_object(f->arena, struct script);
    struct task_attr attr = { .name = "hog", .ops = &script_ops, .prog = s };

    *s = (struct script){ .actions = hog, .nr = 1 };
    struct task *p = task_new(f->k, f->process, &attr);
    task_start(f->k, p, NULL);
    return p;
}

/* After 1 ms of the first of two hogs its weight is halved. */
static struct task *
halve_weight(struct fixture *f, uint32_t kernel)
{
    fixture_open(f, 1, 1, 1, false);
    f->k->params.sched.kernel = kernel;
    f->k->params.sched.features &= ~FEATURE(PLACE_DEADLINE_INITIAL);
    f->k->params.sched.base_slice_ns = 2800000;
    f->k->tick_phase = f->k->coming_tick = MSEC(3);
    struct task *a = start_hog(f);
    start_hog(f);
    fixture_run(f, MSEC(1));
    update_rq_clock(f->k, &f->k->rqs[0]);
    reweight_entity(f->k, &f->k->rqs[0].cfs, &a->se, 512 << LOAD_SHIFT);
    return a;
}

/*
 * Lag -0.5 ms, twice that under half the weight. The mean is then 1/3 ms, with the entity in it,
 * and the lag grows by (1536 + 512) / 1536 all the same: 0.333333 + 1.333333 ms. To its deadline
 * there were 1.8 ms, 3.6 under half the weight.
 */
static void
reweighting_what_runs_moves_it_away(void **state)
{
    struct fixture f;
    struct task *a = halve_weight(&f, KERNEL_6_18);

    (void)state;
    assert_int_equal(a->se.vruntime, V(1666666));
    assert_int_equal(a->se.deadline, V(1666666 + 3600000));
    assert_false(slice_is_protected(f.k, &a->se));
    fixture_close(&f);
}

/* 6.12: the mean stays 0.5 ms, the lag doubles, and so does what is left to the deadline. */
static void
reweighting_in_6_12_keeps_the_mean(void **state)
{
    struct fixture f;
    struct task *a = halve_weight(&f, KERNEL_6_12_117);

    (void)state;
    assert_int_equal(a->se.vruntime, V(1500000));
    assert_int_equal(a->se.deadline, V(500000 + 2 * (2800000 - 500000)));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shortest_slice_protects),
        cmocka_unit_test(an_end_of_protection_is_noticed_though_eligible),
        cmocka_unit_test(a_shorter_slice_cuts_protection),
        cmocka_unit_test(a_shorter_slice_preempts),
        cmocka_unit_test(reweighting_what_runs_moves_it_away),
        cmocka_unit_test(reweighting_in_6_12_keeps_the_mean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
