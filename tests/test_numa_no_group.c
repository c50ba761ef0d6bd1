/* layer: models */
#include "numa_kit.h"

#include "kernel/filemap.h"
#include "kernel/region.h"

enum { PAGES = 2048, REMEMBERED = 65 /* written, and tags stay */ };

/* Two threads on two nodes use one region at random for some passes of the scanner. Do they form a
 * group? numa-balancing.md 1.8: an entry that would not be writable again adds NO_GROUP. */
static bool
two_users_form_a_group(const struct region_attr *attr, uint32_t write_q8)
{
    struct fixture f;

    kit_open(&f, 2, 2, &fixture_memory, balancing);
    if (write_q8 == REMEMBERED)
        f.k->params.numa.quirks &= ~((uint64_t)1 << NUMA_QUIRK_WRITE_FORGETS);
    struct region_attr a = *attr;
    a.name = "r";
    a.bytes = (uint64_t)PAGES * PAGE_4K;
    a.sharing = REGION_SHARED;
    a.owner = -1;
    struct region *r = region_new(f.k, f.process->mm, &a);
    kit_populate(&f, r, 0);
    struct burst_profile *profile = kit_profile(&f, r, REGION_WHOLE, 10, write_q8);
    struct burst_use use = profile->uses[0];
    use.pattern = ACCESS_RANDOM;
    profile->uses = &use;
    struct task *p = kit_task(&f, "0", profile, SEC(20)), *q = kit_task(&f, "2", profile, SEC(20));
    task_start(f.k, p, NULL);
    task_start(f.k, q, NULL);
    engine_run(&f.k->engine, SEC(10));
    assert_true(f.k->stats.numa_hint_faults > 1000);
    bool grouped = p->numa->group != NULL || q->numa->group != NULL;
    fixture_close(&f);
    return grouped;
}

static void
memory_that_is_only_read_groups_nobody(void **state)
{
    (void)state;
    assert_true(two_users_form_a_group(&(struct region_attr){ .kind = VMA_ANON }, 0));
    /* what is written is private to whoever has moved it last: its tag is unset */
    assert_false(two_users_form_a_group(&(struct region_attr){ .kind = VMA_ANON }, 64));
    assert_true(two_users_form_a_group(&(struct region_attr){ .kind = VMA_ANON }, REMEMBERED));
    assert_true(two_users_form_a_group(&(struct region_attr){ .kind = VMA_SHMEM }, 64));
    assert_true(two_users_form_a_group(&(struct region_attr){ .kind = VMA_SHMEM }, 0));
    assert_false(
        two_users_form_a_group(&(struct region_attr){ .kind = VMA_ANON, .read_only = true }, 0));
}

/* A page of a file that may be written but is clean: the entry waits for a fault of its own. */
static void
clean_pages_of_a_file_group_nobody(void **state)
{
    (void)state;
    assert_false(two_users_form_a_group(&(struct region_attr){ .kind = VMA_FILE }, 0));
    assert_false(
        two_users_form_a_group(&(struct region_attr){ .kind = VMA_FILE, .map_private = true }, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_is_only_read_groups_nobody),
        cmocka_unit_test(clean_pages_of_a_file_group_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
