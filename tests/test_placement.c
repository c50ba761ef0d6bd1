/* layer: models */
#include "memory_kit.h"

#include "models/memory/models.h"
#include "models/registry.h"

/* Processes named a, b, ... with so many threads each. */
static void
add_process(struct fixture *f, uint32_t threads)
{
    f->process = process_new(f->k, "p", NULL);
    for (uint32_t i = 0; i < threads; i++)
        fixture_hog(f, "t", 0);
}

/* "0011" for four threads of a process, by the node that each is bound to; "*": not bound. */
static void
assert_nodes(struct fixture *f, uint32_t process, const char *expected)
{
    const struct process *pr = f->k->processes[process];
    char got[64] = "";

    for (uint32_t i = 0; i < pr->nr_members; i++) {
        const struct task *p = pr->members[i];
        int node = f->machine->cpus[cpumask_first(p->allowed)].node;

        got[i] = (char)('0' + node);
        if (p->nr_allowed == f->k->nr_online)
            got[i] = '*';
        else
            assert_true(cpumask_equal(p->allowed, f->machine->nodes[node].cpus));
    }
    assert_string_equal(got, expected);
}

static void
assert_policy(const struct mempolicy *p, enum mempolicy_mode mode, nodemask nodes)
{
    assert_int_equal(p->mode, mode);
    assert_int_equal(p->nodes, nodes);
}

static void
place(struct fixture *f, const char *name)
{
    const struct placement_ops *ops = placement_find(name);

    assert_non_null(ops);
    if (ops->place != NULL)
        ops->place(f->k);
}

static struct region *
owned(struct fixture *f, const char *name, int owner, uint64_t bytes)
{
    return region_new(
        f->k, f->process->mm,
        &(struct region_attr){
            .name = name, .bytes = bytes, .sharing = REGION_PRIVATE, .owner = owner });
}

/* 4 nodes of 4 CPUs. a (6 threads) takes the emptiest node and its nearest; b (2) finds nodes 2 and
 * 3 emptier than the rest of 1; c (7) begins on 3, goes on on the nearest with room: 1, then 2; all
 * are dealt after 15 + 1, so d begins anew after one thread on node 2. */
static void
pack_fills_the_fewest_nodes(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 4, &memory_loaded, NULL);
    add_process(&f, 6);
    add_process(&f, 2);
    add_process(&f, 7);
    add_process(&f, 3);
    place(&f, "static:pack");
    assert_nodes(&f, 1, "000011");
    assert_nodes(&f, 2, "22");
    assert_nodes(&f, 3, "3333112");
    assert_nodes(&f, 4, "222"); /* the last free CPU, then all count as free again */
    fixture_close(&f);
}

static void
pack_goes_on_on_the_nearest_node(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 2, &memory_loaded, NULL);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            if (i != j)
                f.machine->distances[i * 4 + j] = (i ^ j) == 2 ? 16 : 30;
    add_process(&f, 4);
    add_process(&f, 3);
    place(&f, "static:pack");
    assert_nodes(&f, 1, "0022");
    assert_nodes(&f, 2, "113");
    fixture_close(&f);
}

static void
spread_deals_over_all_nodes_in_turn(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 3, 2, &memory_loaded, NULL);
    add_process(&f, 4);
    add_process(&f, 3);
    place(&f, "static:spread");
    assert_nodes(&f, 1, "0120");
    assert_nodes(&f, 2, "120");
    fixture_close(&f);
}

static void
memory_goes_with_its_thread(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 1, &memory_loaded, NULL);
    add_process(&f, 3);
    struct region *mine = owned(&f, "mine", 1, MIB(1));
    struct region *sliced = kit_region(&f, "sliced", MIB(3), 3);
    struct region *shared = kit_region(&f, "shared", MIB(1), 1);
    place(&f, "static:pack");
    assert_nodes(&f, 1, "012");
    assert_policy(region_policy(mine, 0), MPOL_BIND, NODE_BIT(1));
    for (int i = 0; i < 3; i++)
        assert_policy(region_policy(sliced, region_slice_first(sliced, (uint32_t)i)), MPOL_BIND,
                      NODE_BIT(i));
    assert_policy(region_policy(shared, 0), MPOL_INTERLEAVE, 0x7);
    fixture_close(&f);
}

/* Equal distances: (node + 4/2) mod 4. */
static void
inverse_puts_memory_on_the_farthest_node(void **state)
{
    static const int far[] = { 2, 3, 0, 1 };
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 1, &memory_loaded, NULL);
    add_process(&f, 4);
    struct region *sliced = kit_region(&f, "sliced", MIB(4), 4);
    place(&f, "static:inverse");
    assert_nodes(&f, 1, "0123");
    for (int i = 0; i < 4; i++)
        assert_policy(region_policy(sliced, region_slice_first(sliced, (uint32_t)i)), MPOL_BIND,
                      NODE_BIT(far[i]));
    fixture_close(&f);
}

static void
inverse_prefers_distance_to_numbers(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 1, &memory_loaded, NULL);
    f.machine->distances[0 * 4 + 1] = f.machine->distances[1 * 4 + 0] = 30;
    add_process(&f, 1);
    struct region *r = owned(&f, "mine", 0, MIB(1));
    place(&f, "static:inverse");
    assert_policy(region_policy(r, 0), MPOL_BIND, NODE_BIT(1));
    fixture_close(&f);
}

static void
interleave_leaves_threads_free_and_overrides_bindings(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 2, &memory_loaded, NULL);
    add_process(&f, 2);
    struct region *r = owned(&f, "mine", 0, MIB(1));
    struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 1 };
    region_set_policy(f.k, r, 0, r->nr_pages, &bind);
    task_set_affinity(f.k, f.process->members[1], fixture_cpus(&f, "3"));
    place(&f, "static:interleave");
    assert_nodes(&f, 1, "**");
    assert_policy(region_policy(r, 0), MPOL_INTERLEAVE, 0xf);
    assert_non_null(strstr(f.k->notes->text, "of 1 threads"));
    assert_non_null(strstr(f.k->notes->next->text, "of 1 regions"));
    assert_null(f.k->notes->next->next);
    fixture_close(&f);
}

/* 240, 80, 160 and 30 GB/s: 8, 3 (of 2.7), 5 (of 5.3) and 1. */
static void
uneven_bandwidths(struct kernel_params *kp, struct machine *m)
{
    static const uint64_t gb[] = { 240, 80, 160, 30 };

    (void)kp;
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        m->nodes[n].bandwidth = gb[n] * 1000000000;
}

static void
weighted_follows_bandwidth(void **state)
{
    static const uint8_t expected[] = { 8, 3, 5, 1 };
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 2, &memory_loaded, uneven_bandwidths);
    add_process(&f, 2);
    struct region *r = owned(&f, "mine", 0, MIB(1));
    place(&f, "static:weighted");
    assert_nodes(&f, 1, "**");
    assert_policy(region_policy(r, 0), MPOL_WEIGHTED_INTERLEAVE, 0xf);
    for (int n = 0; n < 4; n++)
        assert_int_equal(region_policy(r, 0)->weights[n], expected[n]);
    fixture_close(&f);
}

/* Tiering is for machines with slow memory. */
static void
tiering_fits_where_memory_is_slow(void **state)
{
    struct fixture f;
    const struct placement_ops *ops = placement_find("tiering");

    (void)state;
    kit_open(&f, 2, 1, &memory_loaded, NULL);
    assert_non_null(strstr(ops->fits(f.machine), "no slow memory"));
    cpumask_clear(f.machine->online, 1);
    assert_non_null(ops->fits(f.machine)); /* plain memory without CPUs is as fast as any */
    f.machine->nodes[1].kind = MEMORY_CXL;
    assert_null(ops->fits(f.machine));
    fixture_close(&f);
}

/* 4 GiB a node: 3 GiB fit beside nothing else, and of two such only one. */
static void
memory_that_does_not_fit_spills_to_the_nearest(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, NULL);
    add_process(&f, 2);
    struct region *a = owned(&f, "a", 0, GIB(3)), *b = owned(&f, "b", 1, GIB(3));
    place(&f, "static:pack");
    assert_nodes(&f, 1, "00");
    assert_policy(region_policy(a, 0), MPOL_BIND, 0x1);
    assert_policy(region_policy(b, 0), MPOL_BIND, 0x3);
    assert_non_null(strstr(f.k->notes->text, "do not fit"));
    fixture_close(&f);
}

static void
a_thread_made_later_is_dealt_on(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, NULL);
    add_process(&f, 1);
    struct region *r = owned(&f, "later", 2, MIB(1));
    place(&f, "static:pack");
    fixture_hog(&f, "t", 0);
    fixture_hog(&f, "t", 0);
    assert_nodes(&f, 1, "001");
    assert_policy(region_policy(r, 0), MPOL_BIND, NODE_BIT(1));
    fixture_close(&f);
}

static void
presets_without_bindings_bind_nothing(void **state)
{
    static const char *const names[] = { "topology", "static:workload", "autonuma" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct fixture f;

        kit_open(&f, 2, 2, &memory_loaded, NULL);
        add_process(&f, 2);
        struct region *r = kit_region(&f, "r", MIB(1), 1);
        place(&f, names[i]);
        assert_nodes(&f, 1, "**");
        assert_int_equal(region_policy(r, 0)->mode, MPOL_DEFAULT);
        fixture_close(&f);
    }
}

static void
settings_of_presets_are_parameters_that_exist(void **state)
{
    struct arena *a = arena_new();
    struct kernel_params kp;
    char why[256];

    (void)state;
    kernel_params_init(&kp, a);
    for (const struct placement_ops *const *p = placement_models; *p != NULL; p++) {
        assert_ptr_equal(placement_find((*p)->name), *p);
        for (const struct param_setting *s = (*p)->settings; s != NULL && s->key != NULL; s++)
            assert_true(kernel_params_set(&kp, s->key, s->value, a, why, sizeof(why)));
        assert_int_equal(kp.numa.mode != NUMA_BALANCING_DISABLED, (*p)->level == 3);
    }
    arena_free(a);
}

static sim_time
run_two_slices(const char *policy)
{
    struct fixture f;

    kit_open(&f, 2, 1, &memory_loaded, NULL);
    struct region *r = kit_region(&f, "data", MIB(2), 2);
    for (uint32_t i = 0; i < 2; i++)
        kit_task(&f, NULL, kit_profile(&f, r, i, 10, 0), MSEC(100));
    place(&f, policy);
    for (uint32_t i = 0; i < 2; i++)
        task_start(f.k, f.process->members[i], NULL);
    engine_run(&f.k->engine, SEC(10));
    assert_null(kernel_check(f.k));
    assert_int_equal(f.k->nr_alive, 0);
    sim_time end = kernel_now(f.k);
    fixture_close(&f);
    return end;
}

/* Local 85 ns, remote 135 ns; 0.01 misses a ns; clearing 1 MiB at 1 TB/s takes 1048 ns. */
static void
policies_are_ordered_as_their_latencies(void **state)
{
    double miss = (double)((10u << 20) / 1000) / (1 << 20);
    sim_time local = (sim_time)(1e8 * (1 + miss * 85)) + 1048;
    sim_time remote = (sim_time)(1e8 * (1 + miss * 135)) + 1048;
    sim_time inter = run_two_slices("static:interleave");

    (void)state;
    assert_in_range(run_two_slices("static:pack"), local - 100, local + 100);
    assert_in_range(run_two_slices("static:spread"), local - 100, local + 100);
    /* before its first page is there, a slice counts as local */
    assert_in_range(run_two_slices("static:inverse"), remote - 10000, remote + 100);
    assert_true(inter > local + 1000 && inter < remote - 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pack_fills_the_fewest_nodes),
        cmocka_unit_test(pack_goes_on_on_the_nearest_node),
        cmocka_unit_test(spread_deals_over_all_nodes_in_turn),
        cmocka_unit_test(memory_goes_with_its_thread),
        cmocka_unit_test(inverse_puts_memory_on_the_farthest_node),
        cmocka_unit_test(inverse_prefers_distance_to_numbers),
        cmocka_unit_test(interleave_leaves_threads_free_and_overrides_bindings),
        cmocka_unit_test(memory_that_does_not_fit_spills_to_the_nearest),
        cmocka_unit_test(a_thread_made_later_is_dealt_on),
        cmocka_unit_test(presets_without_bindings_bind_nothing),
        cmocka_unit_test(weighted_follows_bandwidth),
        cmocka_unit_test(tiering_fits_where_memory_is_slow),
        cmocka_unit_test(settings_of_presets_are_parameters_that_exist),
        cmocka_unit_test(policies_are_ordered_as_their_latencies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
