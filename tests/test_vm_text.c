/* layer: report */
/* vmstat, numastat and numa_maps of a machine whose pages were placed by hand. */
#include "memory_kit.h"
#include "report/vm_text.h"

static void
place(struct fixture *f, struct region *r, uint64_t first, uint64_t n, int node, int seen_from)
{
    struct mempolicy bind = { .mode = MPOL_BIND, .nodes = NODE_BIT(node) };

    region_populate(f->k, r, first, n, &bind, seen_from);
}

/* 30 pages on node 0 from CPUs of node 0, 12 on node 1 from node 0. */
static struct fixture *
placed(struct fixture *f)
{
    kit_open(f, 2, 1, &fixture_memory, NULL);
    struct region *r = kit_region(f, "data", 50 * PAGE_4K, 1);
    place(f, r, 0, 30, 0, 0);
    place(f, r, 30, 12, 1, 0);
    return f;
}

static void
vmstat_has_a_line_for_each_counter(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL), start = g_string_new(NULL);
    struct fixture f;

    (void)state;
    placed(&f);
    f.k->stats.numa_pages_migrated = 77;
    vmstat_text(f.k, text);
    g_string_printf(start, "nr_free_pages %" G_GUINT64_FORMAT "\nnuma_hit 42\nnuma_miss 0\n",
                    f.k->mm->nodes[0].nr_pages + f.k->mm->nodes[1].nr_pages - 42);
    assert_true(g_str_has_prefix(text->str, start->str));
    assert_non_null(strstr(text->str, "\nnuma_local 30\nnuma_other 12\n"));
    assert_non_null(strstr(text->str, "\nnuma_pages_migrated 77\n"));
    fixture_close(&f);
}

/* Those of the NUMA block that mm/vmstat.c of 6.12 prints, one after the other: counters of nodes,
 * then events, with NUMA_BALANCING and MIGRATION compiled in. */
static void
the_counters_of_numa_come_in_the_kernels_order(void **state)
{
    static const char *const nodes[] = { "pgpromote_success", "pgpromote_candidate",
                                         "pgdemote_kswapd", "pgdemote_direct",
                                         "pgdemote_khugepaged" };
    static const char *const events[] = {
        "oom_kill",           "numa_pte_updates",       "numa_huge_pte_updates",
        "numa_hint_faults",   "numa_hint_faults_local", "numa_pages_migrated",
        "pgmigrate_success",  "pgmigrate_fail",         "thp_migration_success",
        "thp_migration_fail", "thp_migration_split"
    };
    g_autoptr(GString) text = g_string_new(NULL), expected = g_string_new(NULL);
    struct fixture f;

    (void)state;
    placed(&f);
    vmstat_text(f.k, text);
    for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++)
        g_string_append_printf(expected, "\n%s 0", nodes[i]);
    assert_non_null(strstr(text->str, expected->str));
    g_string_truncate(expected, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(events); i++)
        g_string_append_printf(expected, "\n%s 0", events[i]);
    assert_non_null(strstr(text->str, expected->str));
    fixture_close(&f);
}

static void
numastat_has_a_column_for_each_node(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct fixture f;

    (void)state;
    placed(&f);
    numastat_text(f.k, text);
    assert_string_equal(text->str, "                           node0           node1\n"
                                   "numa_hit                      30              12\n"
                                   "numa_miss                      0               0\n"
                                   "numa_foreign                   0               0\n"
                                   "interleave_hit                 0               0\n"
                                   "local_node                    30               0\n"
                                   "other_node                     0              12\n");
    fixture_close(&f);
}

/* mbind() of pages 20 to 39 makes three VMAs; each counts its own pages. */
static void
numa_maps_has_a_line_for_each_vma(void **state)
{
    struct mempolicy both = { .mode = MPOL_INTERLEAVE, .nodes = NODE_BIT(0) | NODE_BIT(1) };
    g_autoptr(GString) text = g_string_new(NULL), expected = g_string_new(NULL);
    struct fixture f;

    (void)state;
    placed(&f);
    struct region *r = f.process->mm->regions;
    uint64_t at = r->maps->start * PAGE_4K;
    region_set_policy(f.k, r, 20, 20, &both);
    numa_maps_text(f.k, text);
    g_string_printf(expected,
                    "# test\n"
                    "%08lx default anon=20 dirty=20 active=0 N0=20 kernelpagesize_kB=4\n"
                    "%08lx interleave:0-1 anon=20 dirty=20 active=0 N0=10 N1=10 "
                    "kernelpagesize_kB=4\n"
                    "%08lx default anon=2 dirty=2 active=0 N1=2 kernelpagesize_kB=4\n",
                    (unsigned long)at, (unsigned long)at + 20 * PAGE_4K,
                    (unsigned long)at + 40 * PAGE_4K);
    assert_string_equal(text->str, expected->str);
    fixture_close(&f);
}

/* show_numa_map(), mpol_to_str(): flags; shared memory has a file and no anonymous pages; a VMA
 * without a policy shows that of the process; without pages nothing follows. */
static void
numa_maps_shows_what_linux_would(void **state)
{
    static const struct mempolicy balanced = {
        .mode = MPOL_BIND, .nodes = NODE_BIT(1), .static_nodes = true, .numa_balancing = true
    };
    static const struct mempolicy nowhere = { .mode = MPOL_PREFERRED };
    g_autoptr(GString) text = g_string_new(NULL), expected = g_string_new(NULL);
    struct fixture f;

    (void)state;
    placed(&f);
    struct region *r = f.process->mm->regions;
    struct region *g = region_new(
        f.k, f.process->mm,
        &(struct region_attr){
            .name = "table", .bytes = 2 * PAGE_4K, .sharing = REGION_GLOBAL, .owner = -1 });
    struct process *other = process_new(f.k, "other", NULL);
    struct task *p = fixture_hog(&f, "p", 0);
    uint64_t at = r->maps->start * PAGE_4K;

    p->mem->policy = (struct mempolicy){ .mode = MPOL_PREFERRED_MANY,
                                         .nodes = NODE_BIT(0) | NODE_BIT(1),
                                         .numa_balancing = true };
    region_set_policy(f.k, r, 20, 10, &balanced);
    region_set_policy(f.k, r, 30, r->nr_pages - 30, &nowhere);
    f.process->mm->nr_users = other->mm->nr_users = 1;
    uint64_t shared = region_map(f.k, g, f.process->mm)->start * PAGE_4K;
    uint64_t there = region_map(f.k, g, other->mm)->start * PAGE_4K;
    numa_maps_text(f.k, text);
    g_string_printf(
        expected,
        "# test\n"
        "%08lx prefer (many)=balancing:0-1 anon=20 dirty=20 active=0 N0=20 kernelpagesize_kB=4\n"
        "%08lx bind=static|balancing:1 anon=10 dirty=10 active=0 N0=10 kernelpagesize_kB=4\n"
        "%08lx local anon=12 dirty=12 active=0 N1=12 kernelpagesize_kB=4\n"
        "%08lx prefer (many)=balancing:0-1 file=/dev/shm/table\n"
        "# other\n"
        "%08lx default file=/dev/shm/table\n",
        (unsigned long)at, (unsigned long)at + 20 * PAGE_4K, (unsigned long)at + 30 * PAGE_4K,
        (unsigned long)shared, (unsigned long)there);
    assert_string_equal(text->str, expected->str);
    place(&f, g, 0, 2, 1, 0);
    g_string_truncate(text, 0);
    numa_maps_text(f.k, text);
    assert_non_null(strstr(text->str, " default file=/dev/shm/table dirty=2 mapmax=2 active=0 N1=2 "
                                      "kernelpagesize_kB=4\n"));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vmstat_has_a_line_for_each_counter),
        cmocka_unit_test(the_counters_of_numa_come_in_the_kernels_order),
        cmocka_unit_test(numastat_has_a_column_for_each_node),
        cmocka_unit_test(numa_maps_has_a_line_for_each_vma),
        cmocka_unit_test(numa_maps_shows_what_linux_would),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
