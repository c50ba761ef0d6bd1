/* layer: kernel */
/*
 * What a scan pass costs by the clock of its task (numa-balancing.md 1.5, step 11), and how long it
 * takes in a guest, whose CPUs answer in their turns.
 */
#include <stdio.h>

#include "numa_kit.h"

#include "kernel/host_turns.h"
#include "kernel/region.h"

enum { PAGES = 1024, HZ = 250 };
#define TICK MSEC(4)

static sim_time per_page;
static const char *turn;

static void
slow_marks(struct kernel_params *kp, struct machine *m)
{
    balancing(kp, m);
    kp->sched.hz = HZ;
    kp->sched.host_turn = turn != NULL ? TICK : 0;
    memset(&kp->cost, 0, sizeof(kp->cost));
    kp->cost.zero_bandwidth = kp->cost.copy_bandwidth = 10000000000u;
    kp->cost.scan_per_page = per_page;
}

/* By how much a pass over PAGES remote pages, begun at a tick, put off the next one. */
static uint64_t
put_off(sim_time page)
{
    struct fixture f;

    per_page = page;
    turn = NULL;
    kit_open(&f, 2, 1, &fixture_memory, slow_marks);
    kit_populate(&f, kit_region(&f, "r", (uint64_t)PAGES * PAGE_4K, 1), 1);
    struct task *p = numa_task(&f, "0", 0);
    fixture_run(&f, f.k->tick_phase + 5 * TICK);
    uint64_t before = p->numa->node_stamp;
    p->mm->numa_next_scan = jiffies(f.k);
    task_numa_work(f.k, &f.k->rqs[0], p);
    assert_int_equal(f.k->stats.numa_pte_updates, PAGES);
    uint64_t stamp = p->numa->node_stamp - before;
    fixture_close(&f);
    return stamp;
}

/* sum_exec_runtime advances at ticks, and the pass begins right behind one. */
static void
only_ticks_tell_how_long_a_pass_took(void **state)
{
    (void)state;
    assert_int_equal(put_off(1000), 2 * TICK);                  /* 1.024 ms */
    assert_int_equal(put_off(3900), 2 * TICK);                  /* 3.994 ms */
    assert_int_equal(put_off(3910), 2 * TICK + 32 * TICK);      /* 4.004 ms */
    assert_int_equal(put_off(10000), 2 * TICK + 32 * 2 * TICK); /* 10.24 ms */
}

/* ---- in a guest ---- */

struct guest {
    struct fixture f;
    struct region *low, *high;
    struct task *p, *other;
};

/* Two threads of a process on CPUs of their own, `strangers` of another on the rest. */
static void
open_guest(struct guest *g, uint32_t strangers)
{
    char cpu[16];

    per_page = 0;
    turn = "4ms";
    kit_open(&g->f, 1, 2 + strangers, &fixture_memory, slow_marks);
    g->low = kit_region(&g->f, "low", (uint64_t)PAGES * PAGE_4K, 1);
    g->high = kit_region(&g->f, "high", (uint64_t)PAGES * PAGE_4K, 1);
    kit_populate(&g->f, g->low, 0);
    kit_populate(&g->f, g->high, 0);
    g->p = numa_task(&g->f, "0", 0);
    g->other = numa_task(&g->f, "1", 0);
    g->f.process = process_new(g->f.k, "strangers", NULL);
    for (uint32_t i = 0; i < strangers; i++) {
        snprintf(cpu, sizeof(cpu), "%u", 2 + i);
        numa_task(&g->f, cpu, 0);
    }
}

/* Until CPU 0 has the turn, and a little longer. */
static void
until_its_turn(struct guest *g)
{
    struct kernel *k = g->f.k;

    fixture_run(&g->f, k->tick_phase + 20 * TICK + USEC(10));
    while (!host_has_turn(k, &k->rqs[0]))
        fixture_run(&g->f, k->engine.now + TICK);
}

/* The other thread has a TLB, too: the pass waits for its turn behind each VMA, and marks the next
 * one only then. */
static void
a_pass_waits_for_answers_and_goes_on(void **state)
{
    struct guest g;

    (void)state;
    open_guest(&g, 0);
    struct kernel *k = g.f.k;
    until_its_turn(&g);
    k->rqs[0].curr->mm->numa_next_scan = jiffies(k);
    uint64_t stamp = g.p->numa->node_stamp;
    sim_time began = k->engine.now, turn_ends = began - USEC(10) + TICK;
    task_numa_work(k, &k->rqs[0], g.p);
    assert_int_equal(k->stats.numa_pte_updates, 0); /* it is not over */
    assert_true(kit_marked(g.low->maps, 0));
    assert_false(kit_marked(g.high->maps, 0));
    fixture_run(&g.f, turn_ends - 1);
    assert_false(host_has_turn(k, &k->rqs[0])); /* who waits gives up its turn */
    assert_false(kit_marked(g.high->maps, 0));
    fixture_run(&g.f, began + SEC(1));
    assert_true(kit_marked(g.high->maps, 0) || k->stats.numa_hint_faults > 0);
    assert_int_equal(k->stats.numa_pte_updates, 2 * PAGES);
    /* two turns at least, each until a tick; it began 10 us behind one */
    uint64_t put_off_by = g.p->numa->node_stamp - stamp - 2 * TICK + 32 * USEC(10);
    assert_int_equal(put_off_by % (32 * TICK), 0);
    assert_true(put_off_by >= 32 * 2 * TICK);
    fixture_close(&g.f);
}

/* One of `others` is drawn at each end of a turn: a geometric distribution, the first turn being
 * what is left of one's own. Its mean is others - 1 more turns. */
static void
an_answer_comes_with_a_turn(void **state)
{
    enum { DRAWS = 4000 };

    (void)state;
    for (uint32_t others = 1; others < 4; others++) {
        struct guest g;
        sim_time sum = 0, rest;

        open_guest(&g, others - 1);
        struct kernel *k = g.f.k;
        until_its_turn(&g);
        rest = TICK - USEC(10);
        for (int i = 0; i < DRAWS; i++) {
            struct host_span s = host_span_begin(k);
            host_ask(k, 1);
            host_span_answer(k, &s);
            assert_true(s.spun >= rest);
            assert_int_equal((s.spun - rest) % TICK, 0);
            assert_true(s.end >= k->engine.now + s.spun);
            assert_int_equal(s.ends - s.end, TICK);
            sum += s.spun - rest;
        }
        assert_in_range(sum / DRAWS, (others - 1) * TICK * 95 / 100,
                        (others - 1) * TICK * 105 / 100);
        fixture_close(&g.f);
    }
}

/* Work that its own turn does not suffice for waits as often as others are drawn. */
static void
work_waits_for_turns_of_its_own(void **state)
{
    enum { DRAWS = 4000 };
    struct guest g;
    sim_time sum = 0;

    (void)state;
    open_guest(&g, 2);
    struct kernel *k = g.f.k;
    until_its_turn(&g);
    for (int i = 0; i < DRAWS; i++) {
        struct host_span s = host_span_begin(k);
        host_span_work(k, &s, TICK); /* all but 10 us of it in this turn */
        sum += s.end - k->engine.now - TICK;
    }
    assert_in_range(sum / DRAWS, 3 * TICK * 95 / 100, 3 * TICK * 105 / 100);
    fixture_close(&g.f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_ticks_tell_how_long_a_pass_took),
        cmocka_unit_test(a_pass_waits_for_answers_and_goes_on),
        cmocka_unit_test(an_answer_comes_with_a_turn),
        cmocka_unit_test(work_waits_for_turns_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
