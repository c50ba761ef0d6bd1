/* layer: kernel */
#include "memory_kit.h"

#include "kernel/mempolicy.h"

/* Two nodes of 4096 pages. */
static void
small_nodes(struct kernel_params *kp, struct machine *m)
{
    (void)kp;
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        m->nodes[n].mem_bytes = MIB(16);
}

static struct task *
reader(struct fixture *f, struct process *pr, const char *name, const char *cpus, uint64_t mib,
       struct region **region)
{
    struct region *r =
        region_new(f->k, pr->mm,
                   &(struct region_attr){
                       .name = name, .bytes = mib << 20, .sharing = REGION_SHARED, .owner = -1 });
    struct script *s = arena_new_object(f->arena, struct script);
    struct action *acts = arena_new_array(f->arena, struct action, 2);

    acts[0] = (struct action){ .kind = ACTION_RUN,
                               .work = MSEC(50),
                               .profile = kit_profile(f, r, REGION_WHOLE, 100, 0) };
    acts[1] = (struct action){ .kind = ACTION_EXIT };
    s->actions = acts;
    s->nr = 2;
    *region = r;
    struct task *p =
        task_new(f->k, pr, &(struct task_attr){ .name = name, .ops = &script_ops, .prog = s });
    task_set_affinity(f->k, p, fixture_cpus(f, cpus));
    return p;
}

static const char *
first_note(const struct fixture *f)
{
    return f->k->notes != NULL ? f->k->notes->text : "";
}

/* The one with most memory goes, and the other, which asked, gets what it wants. A thread that
 * sleeps, and one that waits for the CPU, go with it. */
static void
the_largest_process_is_killed_and_the_run_goes_on(void **state)
{
    static const struct action sleeps[] = { { .kind = ACTION_SLEEP, .until = SEC(100) } };
    struct region *big, *small;
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, small_nodes);
    struct process *other = process_new(f.k, "other", NULL);
    struct task *hog = reader(&f, f.process, "hog", "0", 20, &big);
    struct task *waits = fixture_hog(&f, "waits", 0);
    struct task *sleeper = fixture_task(&f, "sleeper", 0, sleeps, 1);
    struct task *late = reader(&f, other, "late", "2", 15, &small);

    task_set_affinity(f.k, waits, fixture_cpus(&f, "0"));
    task_start(f.k, hog, NULL);
    task_start(f.k, waits, NULL);
    task_start(f.k, sleeper, NULL);
    task_start_at(f.k, late, MSEC(500));
    fixture_run(&f, SEC(2));
    assert_null(f.k->error);
    assert_int_equal(f.k->stats.oom_kill, 1);
    assert_int_equal(hog->state, TASK_DEAD);
    assert_int_equal(waits->state, TASK_DEAD);
    assert_int_equal(sleeper->state, TASK_DEAD);
    assert_int_equal(late->state, TASK_DEAD); /* by its own exit: all of it was touched */
    assert_int_equal(region_group_populated(region_whole(small)), 15 * 256);
    assert_int_equal(region_group_populated(region_whole(big)), 0);
    assert_non_null(strstr(first_note(&f), "late finds no page on node 0,1 (all there are), and "
                                           "process test with 20 MiB is killed"));
    fixture_close(&f);
}

static void
a_process_that_is_too_large_kills_itself(void **state)
{
    struct region *r;
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, small_nodes);
    struct task *p = reader(&f, f.process, "p", "0", 40, &r);
    struct task *other = fixture_hog(&f, "other", 0);

    (void)other; /* never started: the run is not over when p is */
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(2));
    assert_null(f.k->error);
    assert_int_equal(f.k->stats.oom_kill, 1);
    assert_int_equal(p->state, TASK_DEAD);
    assert_int_equal(f.k->mm->nodes[0].free_pages, 4096);
    assert_int_equal(f.k->mm->nodes[1].free_pages, 4096);
    fixture_close(&f);
}

/* Node 0 alone is empty: a process that is larger but bound elsewhere is spared. */
static void
who_is_bound_elsewhere_is_spared(void **state)
{
    static const struct mempolicy on_0 = { .mode = MPOL_BIND, .nodes = 1 };
    static const struct mempolicy on_1 = { .mode = MPOL_BIND, .nodes = 2 };
    struct region *big, *small;
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, small_nodes);
    struct process *other = process_new(f.k, "other", NULL);
    struct task *there = reader(&f, f.process, "there", "2", 15, &big);
    struct task *here = reader(&f, other, "here", "0", 20, &small);
    task_set_mempolicy(there, &on_1);
    task_set_mempolicy(here, &on_0);
    region_populate(f.k, big, 0, big->nr_pages, &on_1, 1);
    task_start(f.k, there, NULL);
    task_start(f.k, here, NULL);
    fixture_run(&f, MSEC(40));
    assert_int_equal(f.k->stats.oom_kill, 1);
    assert_int_equal(here->state, TASK_DEAD);
    assert_int_equal(there->state, TASK_RUNNING);
    assert_non_null(strstr(first_note(&f), "on node 0 (bound by a policy)"));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_process_is_killed_and_the_run_goes_on),
        cmocka_unit_test(a_process_that_is_too_large_kills_itself),
        cmocka_unit_test(who_is_bound_elsewhere_is_spared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
