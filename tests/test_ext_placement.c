/* layer: kernel */
/* Hooks on pages, and pages that a policy moves. Linux has none of this. */
#include "ext_fixture.h"
#include "memory_kit.h"

enum { PAGES = 16 };

/* Two nodes of a CPU; a task on CPU 0 that touches all of its 16 pages. */
static struct task *
open_walker(struct fixture *f, const struct sched_ops *ops, struct region **r)
{
    open_free(f, 2, 1, 1);
    *r = kit_region(f, "data", PAGES * PAGE_4K, 1);
    load(f, ops);
    struct task *p = kit_task(f, "0", kit_profile(f, *r, REGION_WHOLE, 10, 0), SEC(1));
    task_start_at(f->k, p, 0);
    return p;
}

static uint64_t
pages_on(const struct region *r, int node)
{
    return region_whole(r)->count[node];
}

/* ---- new pages ---- */

static int
alloc_elsewhere(struct scx *scx, struct task *p, const struct scx_alloc_args *args)
{
    struct notes *n = notes_of(scx);

    note_task(scx, p, "alloc");
    assert_int_equal(args->cpu, 0);
    assert_int_equal(args->node, 0); /* first touch */
    assert_int_equal(args->usable, 0x3);
    return (int)n->result;
}

static void
new_pages_go_where_the_policy_says(void **state)
{
    static const struct {
        int64_t says;
        uint64_t on_1;
    } cases[] = { { -1, 0 }, { 0, 0 }, { 1, PAGES } };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        struct region *r;
        struct notes n = { .result = cases[i].says };
        struct sched_ops ops = { QUEUE_POLICY, .alloc = alloc_elsewhere, .adapter = &n };

        open_walker(&f, &ops, &r);
        fixture_run(&f, MSEC(10));
        assert_true(n.len > 0);
        assert_int_equal(pages_on(r, 1), cases[i].on_1);
        assert_int_equal(pages_on(r, 0), PAGES - cases[i].on_1);
        assert_stays(&f);
        fixture_close(&f);
    }
    struct fixture f;
    struct region *r;
    struct notes n = { .result = 2 };
    struct sched_ops ops = { QUEUE_POLICY, .alloc = alloc_elsewhere, .adapter = &n };

    open_walker(&f, &ops, &r);
    fixture_run(&f, MSEC(10));
    assert_left(&f, SCX_EXIT_ERROR, "ops.alloc() chose node 2, which is not usable");
    assert_int_equal(pages_on(r, 0), PAGES);
    fixture_close(&f);
}

/* ---- pages that move ---- */

static void
move_some(struct scx *scx, struct task *p)
{
    struct notes *n = notes_of(scx);

    if (scx_task_pages(scx, p, 0) == PAGES && !n->done) {
        n->done = true;
        n->number = (int64_t)scx_migrate_pages(scx, p, 0, 1, 5);
        n->result = (int64_t)scx_task_pages(scx, p, 1);
    }
}
static void
move_on_stopping(struct scx *scx, struct task *p, bool runnable)
{
    (void)runnable;
    move_some(scx, p);
}

/* From a tick they move at once; from operations of a CPU that chooses, when it has chosen. */
static void
pages_move_when_a_policy_asks(void **state)
{
    (void)state;

    for (int in_cycle = 0; in_cycle < 2; in_cycle++) {
        struct fixture f;
        struct region *r;
        struct notes n = { .len = 0 };
        struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };

        ops.tick = in_cycle ? NULL : move_some;
        ops.stopping = in_cycle ? move_on_stopping : NULL;
        struct task *p = open_walker(&f, &ops, &r);
        start_hog(&f, "other", "0", 0); /* so that turns end */
        fixture_run(&f, MSEC(60));
        assert_true(n.done);
        assert_int_equal(n.number, in_cycle ? 0 : 5);
        assert_int_equal(n.result, in_cycle ? 0 : 5);
        assert_int_equal(pages_on(r, 1), 5);
        assert_int_equal(f.k->stats.pgmigrate_success, 5);
        assert_true(p->se.sum_exec > MSEC(20));
        assert_stays(&f);
        fixture_close(&f);
    }
}

/* ---- scans and faults ---- */

static int64_t
scan_few(struct scx *scx, struct task *p, uint64_t pages)
{
    (void)p;
    assert_true(pages > 4);
    notes_of(scx)->slice++;
    return notes_of(scx)->result;
}
static int
fault_says(struct scx *scx, struct task *p, const struct scx_hint_fault_args *args)
{
    struct notes *n = notes_of(scx);

    (void)p;
    assert_int_equal(args->cpu_node, scx_cpu_node(scx, args->cpu));
    n->flags += args->pages;
    return (int)n->number;
}

/* Remote pages that fault: they stay if the policy says so, and come if it does, whatever the
 * kernel's own rules are. No scan, no fault; a scan marks whole stretches of 2 MiB. */
static void
faults_and_scans_ask_the_policy(void **state)
{
    (void)state;

    for (int64_t says = 0; says <= 2; says++) {
        struct fixture f;
        struct notes n = { .number = says, .result = says == 2 ? 0 : 4 };
        struct sched_ops ops = { QUEUE_POLICY, .scan = scan_few, .hint_fault = fault_says,
                                 .adapter = &n };

        open_with(&f, 2, 1, 1, "numa_balancing.mode", "on");
        struct region *r = kit_region(&f, "data", PAGES * PAGE_4K, 1);
        static const struct mempolicy remote = { .mode = MPOL_BIND, .nodes = 0x2 };
        region_populate(f.k, r, 0, PAGES, &remote, 1);
        load(&f, &ops);
        struct task *p = kit_task(&f, "0", kit_profile(&f, r, REGION_WHOLE, 10, 0), SEC(100));
        task_start_at(f.k, p, 0);
        fixture_run(&f, SEC(20));
        assert_stays(&f);
        assert_true(n.slice > 0);
        assert_in_range(n.flags, says == 2 ? 0 : PAGES, says == 2 ? 0 : PAGES * n.slice);
        assert_int_equal(pages_on(r, says == 1 ? 0 : 1), PAGES);
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_pages_go_where_the_policy_says),
        cmocka_unit_test(pages_move_when_a_policy_asks),
        cmocka_unit_test(faults_and_scans_ask_the_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
