/* layer: kernel */
#include "memory_kit.h"

#include "kernel/cpuset.h"
#include "kernel/mempolicy.h"
#include "kernel/migrate.h"
#include "kernel/vma.h"

enum { NODES = 8, PAGES = 8 };

/* One page on each node, in order; p runs on CPU 0, one CPU a node. */
struct kit {
    struct fixture f;
    struct region *r;
    struct task *p;
};

static void
kit_of_pages(struct kit *kit)
{
    kit_open(&kit->f, NODES, 1, &fixture_memory, NULL);
    kit->r = region_new(kit->f.k, kit->f.process->mm,
                        &(struct region_attr){ .name = "data",
                                               .bytes = PAGES * PAGE_4K,
                                               .sharing = REGION_SHARED,
                                               .owner = -1,
                                               .nr_slices = 2 });
    for (int n = 0; n < NODES; n++) {
        struct mempolicy bind = { .mode = MPOL_BIND, .nodes = NODE_BIT(n) };

        region_populate(kit->f.k, kit->r, (uint64_t)n, 1, &bind, n);
    }
    kit->p = fixture_hog(&kit->f, "p", 0);
}

static void
assert_pages(const struct kit *kit, const char *expected)
{
    char got[PAGES + 1] = "";

    for (int i = 0; i < PAGES; i++)
        got[i] = (char)('0' + page_node(page_word(kit->r, i)));
    assert_string_equal(got, expected);
    const char *why = mm_check(kit->f.k);
    if (why != NULL)
        fail_msg("%s", why);
}

struct mbind_case {
    struct mempolicy policy;
    uint32_t flags;
    const char *error, *pages;
    enum mempolicy_mode mode; /* in force afterwards */
};

/* Only what lies on no node that the call names moves; a strict call without MOVE changes nothing
 * if there is such a page, not even the policy. */
static void
mbind_moves_what_is_misplaced(void **state)
{
#define ON(m, n)                                                                                   \
    {                                                                                              \
        .mode = (m), .user_nodes = (n)                                                             \
    }
    static const struct mbind_case cases[] = {
        { ON(MPOL_BIND, 0x3), 0, NULL, "01234567", MPOL_BIND },
        { ON(MPOL_BIND, 0x3), MBIND_STRICT, "EIO", "01234567", MPOL_DEFAULT },
        { ON(MPOL_BIND, 0xff), MBIND_STRICT, NULL, "01234567", MPOL_BIND },
        { ON(MPOL_BIND, 0x3), MBIND_STRICT | MBIND_MOVE, NULL, "01000000", MPOL_BIND },
        { ON(MPOL_PREFERRED, 0x10), MBIND_MOVE, NULL, "44444444", MPOL_PREFERRED },
        { ON(MPOL_DEFAULT, 0), MBIND_MOVE, NULL, "00000000", MPOL_DEFAULT },
        { ON(MPOL_BIND, 0x100), MBIND_MOVE, "EINVAL", "01234567", MPOL_DEFAULT },
    };
#undef ON

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct mbind_case *c = &cases[i];
        struct kit kit;

        kit_of_pages(&kit);
        const char *error = mbind_pages(kit.f.k, kit.p, kit.r, 0, PAGES, &c->policy, c->flags);
        assert_string_equal(error != NULL ? error : "-", c->error != NULL ? c->error : "-");
        assert_pages(&kit, c->pages);
        assert_int_equal(region_policy(kit.r, 0)->mode, c->mode);
        fixture_close(&kit.f);
    }
}

/* The index of each page counts, not of those that move: pages 4 to 7 of an interleave over 0,1. */
static void
mbind_of_a_slice_interleaves_by_index(void **state)
{
    static const struct mempolicy inter = { .mode = MPOL_INTERLEAVE, .user_nodes = 0x3 };
    struct kit kit;

    (void)state;
    kit_of_pages(&kit);
    assert_null(mbind_pages(kit.f.k, kit.p, kit.r, 4, 4, &inter, MBIND_MOVE));
    assert_pages(&kit, "01230101");
    assert_int_equal(region_policy(kit.r, 3)->mode, MPOL_DEFAULT);
    assert_int_equal(region_policy(kit.r, 4)->mode, MPOL_INTERLEAVE);
    assert_int_equal(kit.f.k->stats.pgmigrate_success, 4);
    fixture_close(&kit.f);
}

/* The examples of do_migrate_pages(): as many targets as sources move everything by position; else
 * what is on a target stays. */
static void
migrate_pages_keeps_positions(void **state)
{
    uint64_t failed;
    struct kit kit;

    (void)state;
    kit_of_pages(&kit);
    assert_null(migrate_pages(kit.f.k, kit.p, 0x1c, 0x38, false, &failed));
    assert_pages(&kit, "01345567");
    fixture_close(&kit.f);
    kit_of_pages(&kit);
    assert_null(migrate_pages(kit.f.k, kit.p, 0xff, 0x38, false, &failed));
    assert_pages(&kit, "34534534");
    assert_int_equal(failed, 0);
    fixture_close(&kit.f);
}

/* Strictly to the node: pages for which there is no room stay. */
static void
move_pages_goes_nowhere_else(void **state)
{
    uint64_t failed;
    struct kit kit;

    (void)state;
    kit_of_pages(&kit);
    struct mm_node *target = &kit.f.k->mm->nodes[3];
    target->nr_pages -= target->free_pages - target->min_watermark - 2;
    target->free_pages = target->min_watermark + 2;
    assert_null(move_pages(kit.f.k, kit.p, kit.r, 0, PAGES, 3, false, &failed));
    assert_pages(&kit, "33234567");
    assert_int_equal(failed, 5);
    assert_int_equal(kit.f.k->stats.pgmigrate_success, 2);
    assert_int_equal(kit.f.k->stats.pgmigrate_fail, 5);
    assert_int_equal(kit.f.k->stats.oom_kill, 0);
    fixture_close(&kit.f);
}

/* Of move_pages() each page has an answer (EACCES); the other calls pass over them, and that is no
 * failure, not even where all must move (migrate_folio_add). No migration was tried. */
static void
shared_pages_move_only_if_all_may(void **state)
{
    static const struct mempolicy bind = { .mode = MPOL_BIND, .user_nodes = 0x1 };
    uint64_t failed;
    struct kit kit;

    (void)state;
    kit_of_pages(&kit);
    struct process *other = process_new(kit.f.k, "other", NULL);
    region_map(kit.f.k, kit.r, other->mm);
    kit.p->mm->nr_users = other->mm->nr_users = 1;
    assert_null(move_pages(kit.f.k, kit.p, kit.r, 0, PAGES, 3, false, &failed));
    assert_pages(&kit, "01234567");
    assert_int_equal(failed, 7);
    assert_null(migrate_pages(kit.f.k, kit.p, 0xf, 0xf0, false, &failed));
    assert_int_equal(failed, 0);
    assert_null(mbind_pages(kit.f.k, kit.p, kit.r, 0, PAGES, &bind, MBIND_STRICT | MBIND_MOVE));
    assert_pages(&kit, "01234567");
    assert_int_equal(kit.f.k->stats.pgmigrate_fail, 0);
    assert_null(move_pages(kit.f.k, kit.p, kit.r, 0, PAGES, 3, true, &failed));
    assert_pages(&kit, "33333333");
    other->mm->nr_users = 0; /* it has ended: nobody else maps them */
    assert_null(move_pages(kit.f.k, kit.p, kit.r, 0, PAGES, 2, false, &failed));
    assert_pages(&kit, "22222222");
    fixture_close(&kit.f);
}

/* A cpuset of 0-3 becomes 4-7: policies and pages follow by position; pages elsewhere stay. */
static void
memory_follows_its_cpuset(void **state)
{
    static const struct mempolicy bind = { .mode = MPOL_BIND, .user_nodes = 0x5 };
    struct mempolicy inter = { .mode = MPOL_INTERLEAVE, .user_nodes = 0x6 };
    struct kit kit;

    (void)state;
    fixture_open(&kit.f, NODES, 1, 1, false);
    struct kernel *k = kit.f.k;
    kit.r = region_new(
        k, kit.f.process->mm,
        &(struct region_attr){
            .name = "data", .bytes = PAGES * PAGE_4K, .sharing = REGION_SHARED, .owner = -1 });
    for (int n = 0; n < NODES; n++)
        region_populate(k, kit.r, (uint64_t)n, 1,
                        &(struct mempolicy){ .mode = MPOL_BIND, .nodes = NODE_BIT(n) }, n);
    struct task_group *tg = task_group_new(k, NULL, "job"), *inner = task_group_new(k, tg, "in");
    task_group_set_mems(k, tg, 0xf);
    assert_int_equal(inner->mems, 0xf);
    kit.p = fixture_hog(&kit.f, "p", 0);
    task_set_group(k, kit.p, inner); /* from all eight: those beyond the fourth have no place */
    assert_pages(&kit, "01230123");
    assert_null(mbind_pages(k, kit.p, kit.r, 0, PAGES, &bind, 0));
    assert_true(mempolicy_apply(&inter, task_mems(k, kit.p)));
    task_set_mempolicy(kit.p, &inter);
    task_group_set_mems(k, tg, 0xf0);
    assert_pages(&kit, "45674567");
    assert_int_equal(region_policy(kit.r, 0)->nodes, 0x50);
    assert_int_equal(kit.p->mem->policy.nodes, 0x60);
    task_group_set_mems(k, tg, 0);
    assert_int_equal(inner->mems, 0xff);
    fixture_close(&kit.f);
}

/* Allocations stay in the cpuset: the nearest allowed node first, and a full set is not left. */
static void
allocations_stay_in_the_cpuset(void **state)
{
    static const struct mempolicy local = { .mode = MPOL_LOCAL };
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 0x7 };
    static const struct mempolicy out = { .mode = MPOL_BIND, .nodes = 0x3 };
    struct fixture f;
    int node;

    (void)state;
    fixture_open(&f, 4, 1, 1, false);
    struct task_group *tg = task_group_new(f.k, NULL, "job");
    struct task *p = fixture_hog(&f, "p", 0);
    task_group_set_mems(f.k, tg, 0xc);
    task_set_group(f.k, p, tg);
    alloc_pages(f.k, p, &local, 0, 0, false, 1, &node);
    assert_int_equal(node, 2);                       /* 0123 */
    assert_int_equal(f.k->mm->nodes[2].numa_hit, 1); /* the first that the walk may use */
    alloc_pages(f.k, p, &bind, 0, 0, false, 1, &node);
    assert_int_equal(node, 2);
    alloc_pages(f.k, p, &out, 0, 0, false, 1, &node); /* nothing in common: as without a set */
    assert_int_equal(node, 2);
    fixture_close(&f);
}

/* One page: 58 us for the lists, 2 us and 1 us for page and flush, and 4096 bytes at 10.24 GB/s. */
static void
prices(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->cost.lru_drain = USEC(58);
    kp->cost.page_move = USEC(2);
    kp->cost.tlb_shootdown = USEC(1);
    kp->cost.copy_bandwidth = 10240000000u;
}

static void
a_call_costs_more_than_its_pages(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, prices);
    struct region *r = kit_region(&f, "data", 600 * PAGE_4K, 1);
    struct task *p = fixture_hog(&f, "p", 0);
    kit_populate(&f, r, 0);
    struct mempolicy on_1 = { .mode = MPOL_BIND, .nodes = 2 };
    struct page_walk w = page_walk_for(f.k, p, &on_1, 0, 0, 1);
    struct page_mover one = page_mover_begin(f.k, p, p->mm, 0);
    page_mover_move(&one, r, 0, &w);
    page_mover_end(&one, CHARGE_TASK);
    assert_int_equal(f.k->stats.sched_overhead_ns, 58000 + 2000 + 1000 + 400);
    struct page_mover rest = page_mover_begin(f.k, p, p->mm, 0); /* 599: two batches */
    for (uint64_t page = 1; page < 600; page++)
        page_mover_move(&rest, r, page, &w);
    page_mover_end(&rest, CHARGE_TASK);
    assert_int_equal(f.k->stats.sched_overhead_ns - 61400, 58000 + 599 * 2400 + 2 * 1000);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mbind_moves_what_is_misplaced),
        cmocka_unit_test(mbind_of_a_slice_interleaves_by_index),
        cmocka_unit_test(migrate_pages_keeps_positions),
        cmocka_unit_test(move_pages_goes_nowhere_else),
        cmocka_unit_test(shared_pages_move_only_if_all_may),
        cmocka_unit_test(memory_follows_its_cpuset),
        cmocka_unit_test(allocations_stay_in_the_cpuset),
        cmocka_unit_test(a_call_costs_more_than_its_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
