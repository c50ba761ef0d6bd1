/* layer: kernel */
#include "memory_kit.h"

#include "kernel/group.h"
#include "kernel/page_alloc.h"

enum { NODES = 4, NODE_PAGES = 1048576 /* 4 GiB */ };

struct alloc_case {
    const char *what;
    struct mempolicy policy;
    int cpu_node;
    uint64_t index;
    int node; /* expected while everything is free */
};

static int
alloc_one(struct fixture *f, const struct mempolicy *policy, int cpu_node, uint64_t index)
{
    int node = -1;

    return page_alloc(f->k, policy, cpu_node, index, 1, 1, &node) == 1 ? node : -1;
}

/* What each policy answers on an empty machine of four equal nodes (numa-balancing.md 2.5). */
static void
each_policy_names_its_node(void **state)
{
    static const struct alloc_case cases[] = {
        { "default", { .mode = MPOL_DEFAULT }, 2, 0, 2 },
        { "local", { .mode = MPOL_LOCAL }, 3, 0, 3 },
        { "preferred 1", { .mode = MPOL_PREFERRED, .nodes = 2 }, 3, 0, 1 },
        { "preferred, empty set", { .mode = MPOL_PREFERRED }, 3, 0, 3 },
        { "many with own", { .mode = MPOL_PREFERRED_MANY, .nodes = 0xc }, 3, 0, 3 },
        { "many without own: nearest in the order of node 3", /* 3012 */
          { .mode = MPOL_PREFERRED_MANY, .nodes = 0x6 },
          3,
          0,
          1 },
        { "bind with own", { .mode = MPOL_BIND, .nodes = 0xc }, 3, 0, 3 },
        { "bind without own", { .mode = MPOL_BIND, .nodes = 0x6 }, 3, 0, 1 },
        { "interleave 0", { .mode = MPOL_INTERLEAVE, .nodes = 0xb }, 2, 0, 0 },
        { "interleave 2", { .mode = MPOL_INTERLEAVE, .nodes = 0xb }, 2, 2, 3 },
        { "interleave 3", { .mode = MPOL_INTERLEAVE, .nodes = 0xb }, 2, 3, 0 },
        { "weighted 2:1, index 1",
          { .mode = MPOL_WEIGHTED_INTERLEAVE, .nodes = 0x3, .weights = { 2, 1 } },
          2,
          1,
          0 },
        { "weighted 2:1, index 2",
          { .mode = MPOL_WEIGHTED_INTERLEAVE, .nodes = 0x3, .weights = { 2, 1 } },
          2,
          2,
          1 },
        { "weighted 2:1, index 3",
          { .mode = MPOL_WEIGHTED_INTERLEAVE, .nodes = 0x3, .weights = { 2, 1 } },
          2,
          3,
          0 },
    };
    struct fixture f;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct alloc_case *c = &cases[i];
        int node = alloc_one(&f, &c->policy, c->cpu_node, c->index);

        if (node != c->node)
            fail_msg("%s: node %d, expected %d", c->what, node, c->node);
    }
    fixture_close(&f);
}

/* Low watermark: of 4096 pages that stay free on the machine a node keeps 1024, and 1048 lie above
 * (2.4). */
static void
a_full_node_spills_at_its_low_watermark(void **state)
{
    static const struct mempolicy local = { .mode = MPOL_LOCAL };
    struct fixture f;
    int node;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    uint64_t got = page_alloc(f.k, &local, 1, 0, 1, 2 * NODE_PAGES, &node);
    assert_int_equal(node, 1);
    assert_int_equal(got, NODE_PAGES - 2072);
    assert_int_equal(alloc_one(&f, &local, 1, 0), 2); /* 1230 */
    const struct mm_node *n = f.k->mm->nodes;
    assert_int_equal(n[1].numa_hit, NODE_PAGES - 2072);
    assert_int_equal(n[2].numa_miss, 1);
    assert_int_equal(n[1].numa_foreign, 1);
    assert_int_equal(n[2].other_node, 1);
    assert_int_equal(f.k->stats.numa_hit + f.k->stats.numa_miss,
                     f.k->stats.numa_local + f.k->stats.numa_other);
    fixture_close(&f);
}

/* A page bound to a remote node is a hit and an "other", not a miss. */
static void
counters_follow_the_preferred_zone(void **state)
{
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 0x4 };
    static const struct mempolicy inter = { .mode = MPOL_INTERLEAVE, .nodes = 0xf };
    struct fixture f;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    assert_int_equal(alloc_one(&f, &bind, 0, 0), 2);
    assert_int_equal(f.k->mm->nodes[2].numa_hit, 1);
    assert_int_equal(f.k->mm->nodes[2].other_node, 1);
    assert_int_equal(f.k->stats.numa_miss, 0);
    assert_int_equal(alloc_one(&f, &inter, 0, 3), 3);
    assert_int_equal(f.k->mm->nodes[3].interleave_hit, 1);
    assert_int_equal(f.k->stats.numa_interleave, 1);
    fixture_close(&f);
}

/* Nobody asks, so that nobody can be killed: an error before the run. */
static void
bind_is_strict_and_ends_at_its_minimum(void **state)
{
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 0x6 };
    struct fixture f;
    uint64_t taken = 0, got;
    int node;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    while ((got = page_alloc(f.k, &bind, 1, 0, 1, UINT64_MAX / 2, &node)) > 0) {
        assert_in_range(node, 1, 2);
        taken += got;
    }
    assert_int_equal(taken, 2 * (NODE_PAGES - 1024));
    assert_non_null(f.k->error);
    assert_non_null(strstr(f.k->error, "out of memory: no page is left on node 1,2"));
    fixture_close(&f);
}

/* Within its set down to the minimum, then anywhere above low (alloc_pages_preferred_many). */
static void
preferred_many_uses_its_set_up_first(void **state)
{
    static const struct mempolicy many = { .mode = MPOL_PREFERRED_MANY, .nodes = 0x2 };
    struct fixture f;
    int node;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    assert_int_equal(page_alloc(f.k, &many, 0, 0, 1, NODE_PAGES, &node), NODE_PAGES - 2072);
    assert_int_equal(node, 1);
    assert_int_equal(page_alloc(f.k, &many, 0, 0, 1, NODE_PAGES, &node), 2072 - 1024);
    assert_int_equal(node, 1);
    /* the order of node 0: the second walk prefers the node that it starts from, so this is a hit
     */
    assert_int_equal(alloc_one(&f, &many, 0, 0), 0);
    assert_int_equal(f.k->mm->nodes[0].numa_hit, 1);
    assert_int_equal(f.k->mm->nodes[0].numa_miss, 0);
    assert_int_equal(f.k->mm->nodes[1].numa_foreign, 0);
    fixture_close(&f);
}

/* The home node's order, not that of the CPU's node: 3012. */
static void
a_home_node_is_where_the_walk_begins(void **state)
{
    static const struct mempolicy bind = {
        .mode = MPOL_BIND, .nodes = 0x6, .has_home = true, .home = 3
    };
    static const struct mempolicy many = {
        .mode = MPOL_PREFERRED_MANY, .nodes = 0xc, .has_home = true, .home = 2
    };
    struct fixture f;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    assert_int_equal(alloc_one(&f, &bind, 2, 0), 1);
    assert_int_equal(alloc_one(&f, &many, 3, 0), 2);
    fixture_close(&f);
}

/* From the node that the policy would begin with, or not at all; interleaved ones from the nodes
 * that the index names, and a BIND without the node from its nearest (2.2). */
static void
a_huge_page_does_not_leave_its_node(void **state)
{
    static const struct mempolicy local = { .mode = MPOL_LOCAL };
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 0x6 };
    static const struct mempolicy inter = { .mode = MPOL_INTERLEAVE, .nodes = 0x3 };
    struct fixture f;
    int node;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    f.k->mm->nodes[1].free_pages = 1024 + 511; /* of a minimum of 1024 */
    assert_int_equal(alloc_pages(f.k, NULL, &local, 1, 0, true, 1, &node), 0);
    assert_int_equal(f.k->stats.numa_miss, 0);
    assert_int_equal(alloc_pages(f.k, NULL, &local, 1, 0, false, 1, &node), 1);
    assert_int_equal(node, 2);
    assert_int_equal(alloc_pages(f.k, NULL, &inter, 2, 1, true, 1, &node), 1);
    assert_int_equal(node, 2); /* 1230 */
    assert_int_equal(alloc_pages(f.k, NULL, &bind, 3, 0, true, 1, &node), 1);
    assert_int_equal(node, 2); /* 3012: 1 would come first */
    f.k->mm->nodes[1].free_pages = 1024 + 512;
    assert_int_equal(alloc_pages(f.k, NULL, &local, 1, 0, true, 1, &node), 1);
    assert_int_equal(node, 1);
    assert_int_equal(f.k->mm->nodes[1].free_pages, 1024);
    fixture_close(&f);
}

/* PREFERRED_MANY never comes to that rule (alloc_pages_mpol): another node of its set gives one,
 * and without any in the set another node. */
static void
preferred_many_has_huge_pages_of_all_its_nodes(void **state)
{
    static const struct mempolicy many = { .mode = MPOL_PREFERRED_MANY, .nodes = 0x6 };
    struct fixture f;
    int node;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    f.k->mm->nodes[1].free_pages = 1024 + 511;
    assert_int_equal(alloc_pages(f.k, NULL, &many, 1, 0, true, 1, &node), 1);
    assert_int_equal(node, 2);
    f.k->mm->nodes[2].free_pages = 1024 + 511;
    assert_int_equal(alloc_pages(f.k, NULL, &many, 1, 0, true, 1, &node), 1);
    assert_int_equal(node, 3); /* 1230 */
    fixture_close(&f);
}

static void
node_0_has_cpus_only(struct kernel_params *kp, struct machine *m)
{
    (void)kp;
    m->nodes[0].mem_bytes = 0;
}

/* __GFP_THISNODE on a node that has no memory, or that the cpuset leaves out, finds nothing; small
 * pages come from the nearest that may give. A set without the node is walked. */
static void
a_node_that_cannot_give_has_no_huge_pages(void **state)
{
    static const struct mempolicy local = { .mode = MPOL_LOCAL };
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 0xc };
    struct fixture f;
    int node;

    (void)state;
    for (int without_memory = 0; without_memory < 2; without_memory++) {
        kit_open(&f, NODES, 1, &fixture_memory, without_memory ? node_0_has_cpus_only : NULL);
        struct task *p = fixture_hog(&f, "p", 0);
        if (!without_memory)
            p->group->mems = 0xe;
        assert_int_equal(alloc_pages(f.k, p, &local, 0, 0, true, 1, &node), 0);
        assert_int_equal(alloc_pages(f.k, p, &local, 0, 0, false, 1, &node), 1);
        assert_int_equal(node, 1);
        assert_int_equal(alloc_pages(f.k, p, &bind, 0, 0, true, 1, &node), 1);
        assert_int_equal(node, 2);
        fixture_close(&f);
    }
}

/* 1.12, 5.9: more than high and the page itself. High is 3120. */
static void
a_migration_needs_more_than_high(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    f.k->mm->nodes[1].free_pages = 3121;
    assert_false(migrate_check_room(f.k, 1, 1));
    f.k->mm->nodes[1].free_pages = 3122;
    assert_true(migrate_check_room(f.k, 1, 1));
    assert_false(migrate_check_room(f.k, 1, 512));
    fixture_close(&f);
}

/* VMA before task before the system; a part that has a policy of its own is a VMA. */
static void
the_nearest_policy_is_in_force(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    struct region *r = kit_region(&f, "data", 4 * PAGE_4K, 2);
    struct task *p = fixture_hog(&f, "p", 0);
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 1 };
    static const struct mempolicy interleave = { .mode = MPOL_INTERLEAVE, .nodes = 3 };
    const struct mapping *m = r->maps;

    assert_int_equal(get_vma_policy(p, mapping_vma(m, 3))->mode, MPOL_DEFAULT);
    p->mem->policy.mode = MPOL_LOCAL;
    assert_int_equal(get_vma_policy(p, mapping_vma(m, 3))->mode, MPOL_LOCAL);
    region_set_policy(f.k, r, 0, r->nr_pages, &interleave);
    assert_int_equal(get_vma_policy(p, mapping_vma(m, 3))->mode, MPOL_INTERLEAVE);
    region_set_policy(f.k, r, 2, 2, &bind);
    assert_int_equal(get_vma_policy(p, mapping_vma(m, 1))->mode, MPOL_INTERLEAVE);
    assert_int_equal(get_vma_policy(p, mapping_vma(m, 2))->mode, MPOL_BIND);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_policy_names_its_node),
        cmocka_unit_test(a_full_node_spills_at_its_low_watermark),
        cmocka_unit_test(counters_follow_the_preferred_zone),
        cmocka_unit_test(bind_is_strict_and_ends_at_its_minimum),
        cmocka_unit_test(preferred_many_uses_its_set_up_first),
        cmocka_unit_test(a_home_node_is_where_the_walk_begins),
        cmocka_unit_test(a_huge_page_does_not_leave_its_node),
        cmocka_unit_test(preferred_many_has_huge_pages_of_all_its_nodes),
        cmocka_unit_test(a_node_that_cannot_give_has_no_huge_pages),
        cmocka_unit_test(a_migration_needs_more_than_high),
        cmocka_unit_test(the_nearest_policy_is_in_force),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
