/* layer: models */
#include "numa_kit.h"

/* Who comes to a page in migration (migration_wait.h). A fault takes 10 us, a migration 20 us and
 * its copy 10 us: a page that moves is mapped, and its entry marked, for 20 us, and then an entry
 * of migration for 20 us. What do_numa_page() does meanwhile: it isolates the page and lets go of
 * the page table's lock, so whoever comes before the entry is exchanged faults, too, in vain. */

static void
slow_faults(struct kernel_params *kp, struct machine *m)
{
    balancing(kp, m);
    kp->cost.hint_fault = USEC(10);
    kp->cost.page_migration = USEC(20);
    kp->cost.copy_bandwidth = PAGE_4K * 100000u;
    kp->mm.touch_chunk = PAGE_4K;
}

static const struct burst_profile *
walk(struct fixture *f, struct region *r)
{
    struct burst_profile *profile = kit_profile(f, r, REGION_WHOLE, 10, 0);
    struct burst_use *use = arena_new_object(f->arena, struct burst_use);

    *use = profile->uses[0];
    use->pattern = ACCESS_STRIDED;
    profile->uses = use;
    return profile;
}

/* Two walks over one region whose pages are on node 0: one from node 1, which moves them, and a
 * second one that begins so much later. How long did that one wait, if it did not fault? */
static sim_time
second_waits(const char *cpu, uint64_t later, uint64_t pages, sim_time chunk, uint64_t faults)
{
    struct fixture f;

    kit_open(&f, 2, 2, &fixture_memory, slow_faults);
    f.k->params.mm.touch_chunk = chunk;
    struct region *r = kit_region(&f, "data", pages * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    struct task *p = kit_task(&f, "2", walk(&f, r), MSEC(10));
    struct task *q = kit_task(&f, cpu, walk(&f, r), MSEC(10));
    kit_mark(r->maps, 0, pages);
    task_start(f.k, p, NULL);
    task_start_at(f.k, q, later);
    engine_run(&f.k->engine, MSEC(5));
    assert_int_equal(f.k->stats.numa_hint_faults, pages + faults);
    assert_int_equal(f.k->stats.numa_hint_faults_local, cpu[0] == '0' ? faults : 0);
    assert_int_equal(p->numa->pages_migrated, pages);
    assert_int_equal(region_whole(r)->count[1], pages);
    assert_int_equal(q->stats.sleep_ns, q->stats.io_wait_ns);
    assert_int_equal(q->stats.nr_voluntary, q->stats.io_wait_ns > 0);
    assert_null(mm_check(f.k));
    sim_time waited = q->stats.io_wait_ns;
    fixture_close(&f);
    return waited;
}

static void
a_page_in_migration_is_waited_for(void **state)
{
    static const struct {
        uint64_t later;
        sim_time waits;
        uint64_t faults;
    } rows[] = {
        { USEC(5), 0, 1 },         { USEC(19), 0, 1 },       { USEC(20), USEC(20), 0 },
        { USEC(25), USEC(15), 0 }, { USEC(39), USEC(1), 0 }, { USEC(41), 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(second_waits("0", rows[i].later, 1, PAGE_4K, rows[i].faults),
                         rows[i].waits);
        assert_int_equal(second_waits("3", rows[i].later, 1, PAGE_4K, rows[i].faults),
                         rows[i].waits);
    }
}

/* 16 pages in one go take 640 us; who comes meets the one that is moved then, and no other. */
static void
a_stretch_is_waited_for_once(void **state)
{
    (void)state;
    assert_int_equal(second_waits("0", USEC(105), 16, 16 * PAGE_4K, 0), USEC(15));
    assert_int_equal(second_waits("0", USEC(635), 16, 16 * PAGE_4K, 0), USEC(5));
    assert_int_equal(second_waits("0", USEC(90), 16, 16 * PAGE_4K, 1), 0);
}

/* The fault in vain finds the mover's tag: shared, so the task begins a group; a failed migration
 * for who is not on the page's node (numa_faults_locality[2]). */
static void
a_fault_in_vain_is_shared(void **state)
{
    (void)state;
    for (int node = 0; node < 2; node++) {
        struct fixture f;

        kit_open(&f, 2, 2, &fixture_memory, slow_faults);
        struct region *r = kit_region(&f, "data", PAGE_4K, 1);
        kit_populate(&f, r, 0);
        struct task *p = kit_task(&f, "2", walk(&f, r), MSEC(10));
        struct task *q = kit_task(&f, node == 0 ? "0" : "3", walk(&f, r), MSEC(10));
        kit_mark(r->maps, 0, 1);
        task_start(f.k, p, NULL);
        task_start_at(f.k, q, USEC(5));
        engine_run(&f.k->engine, MSEC(5));
        const uint64_t *mem = numa_faults(f.k, q->numa, NUMA_MEMBUF, 0);
        assert_int_equal(mem[NUMA_SHARED], 1);
        assert_int_equal(mem[NUMA_PRIVATE], 0);
        assert_int_equal(q->numa->locality[NUMA_FAILED], node);
        assert_non_null(q->numa->group);
        assert_null(p->numa->group);
        fixture_close(&f);
    }
}

/* Faults that move nothing hold up nobody. */
static void
local_faults_hold_up_nobody(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, slow_faults);
    struct region *r = kit_region(&f, "data", PAGE_4K, 1);
    kit_populate(&f, r, 0);
    struct task *p = kit_task(&f, "0", walk(&f, r), MSEC(10));
    struct task *q = kit_task(&f, "1", walk(&f, r), MSEC(10));
    kit_mark(r->maps, 0, 1);
    task_start(f.k, p, NULL);
    task_start_at(f.k, q, USEC(5));
    engine_run(&f.k->engine, MSEC(5));
    assert_int_equal(f.k->stats.numa_hint_faults_local, 1);
    assert_int_equal(q->stats.sleep_ns, 0);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_in_migration_is_waited_for),
        cmocka_unit_test(a_stretch_is_waited_for_once),
        cmocka_unit_test(a_fault_in_vain_is_shared),
        cmocka_unit_test(local_faults_hold_up_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
