/* layer: kernel */
/* Groups of domains and what is in them; the fields of domains. */
#include "domains_kit.h"

/* "SMT 0 MC 0 NUMA 4" */
static const char *
imbalance_of(const struct domains *d, int cpu)
{
    struct text t = { .len = 0 };

    for_each_domain (sd, d->cpus[cpu].sd)
        put(&t, "%s%s %u", t.len > 0 ? " " : "", sd->name, sd->imb_numa_nr);
    return arena_strdup(a, t.bytes);
}

static const char *
flags_text(uint32_t flags)
{
    static const struct {
        uint32_t flag;
        const char *word;
    } words[] = {
        { SD_BALANCE_NEWIDLE, "NEWIDLE" },
        { SD_BALANCE_EXEC, "EXEC" },
        { SD_BALANCE_FORK, "FORK" },
        { SD_BALANCE_WAKE, "WAKE" },
        { SD_WAKE_AFFINE, "AFFINE" },
        { SD_ASYM_CPUCAPACITY, "ASYM" },
        { SD_ASYM_CPUCAPACITY_FULL, "FULL" },
        { SD_SHARE_CPUCAPACITY, "CAPACITY" },
        { SD_CLUSTER, "CLUSTER" },
        { SD_SHARE_LLC, "LLC" },
        { SD_SERIALIZE, "SERIALIZE" },
        { SD_ASYM_PACKING, "PACKING" },
        { SD_PREFER_SIBLING, "PREFER" },
        { SD_OVERLAP, "OVERLAP" },
        { SD_NUMA, "NUMA" },
    };
    struct text t = { .len = 0 };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (flags & words[i].flag)
            put(&t, "%s%s", t.len > 0 ? " " : "", words[i].word);
    return arena_strdup(a, t.bytes);
}

/* "MC 117 1 8/16/8 NEWIDLE ...": what the fixture table of the spec lists. */
static const char *
summary_of(const struct domains *d, int cpu, const char *name, int which)
{
    const struct sched_domain *sd = domain_named(d, cpu, name, which);

    return arena_printf(a, "%s %u %u %u/%u/%u %s", sd->name, sd->imbalance_pct,
                        sd->cache_nice_tries, sd->min_interval, sd->max_interval,
                        sd->balance_interval, flags_text(sd->flags));
}

/* ---- groups */

static void
a_ring_of_four_nodes_has_overlapping_groups_at_its_second_level(void **state)
{
    assert_string_equal(groups_of(build("4x8: " RING), 0),
                        "MC 0-7 {0}{1}{2}{3}{4}{5}{6}{7}; "
                        "NUMA 0-15,24-31 {0-7}{8-15}{24-31}; "
                        "NUMA 0-31 {0-15,24-31|0-7}{8-31|16-23}");
}

static void
a_line_of_four_nodes_needs_the_descent_and_has_trees_of_different_height(void **state)
{
    struct domains *d = build("4x2: " LINE);

    assert_string_equal(groups_of(d, 0), "MC 0-1 {0}{1}; NUMA 0-3 {0-1}{2-3}; "
                                         "NUMA 0-5 {0-3|0-1}{4-5}; NUMA 0-7 {0-5|0-1}{2-7|6-7}");
    assert_string_equal(groups_of(d, 2), "MC 2-3 {2}{3}; NUMA 0-5 {2-3}{4-5}{0-1}; "
                                         "NUMA 0-7 {0-5|2-3}{4-7|6-7}");
}

static void
groups_of_equal_cpus_share_their_capacity(void **state)
{
    struct domains *d = build("4x8: " RING);
    struct sched_group *from_0 = domain_named(d, 0, "NUMA", 1)->groups;
    struct sched_group *from_1 = domain_named(d, 1, "NUMA", 1)->groups;
    struct sched_group *from_8 = domain_named(d, 8, "NUMA", 0)->groups;

    assert_ptr_equal(from_0, from_1); /* of one node, with the same order */
    assert_ptr_not_equal(domain_named(d, 0, "NUMA", 0)->groups, from_8);
    assert_ptr_equal(domain_named(d, 0, "NUMA", 0)->groups->sgc, from_8->next->next->sgc);
    assert_int_equal(from_0->sgc->capacity, 24 * 1024);
    assert_int_equal(from_0->cores, 24);
    assert_int_equal(group_balance_cpu(from_0->next), 16);
    assert_ptr_equal(domain_named(d, 0, "MC", 0)->groups->next,
                     domain_named(d, 1, "MC", 0)->groups);
}

static void
the_ring_is_the_walk_of_the_highest_cpu(void **state)
{
    static const int32_t core[] = { 0, 1, 2, 2, 1, 0 };
    struct machine *m = machine_from_text(a, "1x6");

    for (uint32_t i = 0; i < 6; i++)
        m->cpus[i].core = m->cpus[i].l2 = core[i];
    assert_string_equal(groups_of(build_machine(m), 3), "SMT 2-3 {3}{2}; MC 0-5 {2-3}{0,5}{1,4}");
}

static void
groups_count_cores(void **state)
{
    struct domains *d = build("2x8 smt 2: 10 21/21 10");

    assert_int_equal(domain_named(d, 0, "SMT", 0)->groups->cores, 1);
    assert_int_equal(domain_named(d, 0, "MC", 0)->groups->cores, 1);
    assert_int_equal(domain_named(d, 0, "NUMA", 0)->groups->cores, 4);
    assert_int_equal(domain_named(d, 0, "NUMA", 0)->groups->weight, 8);
}

static void
remote_groups_of_the_first_numa_level_prefer_siblings(void **state)
{
    struct domains *d = build("4x8 llc 4: " RING);
    const struct sched_domain *first = domain_named(d, 0, "NUMA", 0);

    assert_string_equal(names_of(d, 0), "MC PKG NUMA NUMA");
    assert_string_equal(flags_text(first->groups->flags), "NEWIDLE EXEC FORK AFFINE PREFER");
    assert_string_equal(flags_text(first->groups->next->flags), "NEWIDLE EXEC FORK AFFINE PREFER");
    assert_string_equal(flags_text(first->parent->groups->next->flags),
                        "NEWIDLE EXEC FORK AFFINE SERIALIZE OVERLAP NUMA");
    /* One cache a node: the own group got MC's flags when NODE and PKG went, the others kept
     * NODE's. */
    first = domain_named(build("4x8: " RING), 0, "NUMA", 0);
    assert_string_equal(flags_text(first->groups->flags), "NEWIDLE EXEC FORK AFFINE LLC PREFER");
    assert_string_equal(flags_text(first->groups->next->flags), "NEWIDLE EXEC FORK AFFINE PREFER");
}

/* ---- fields */

static void
kept_levels_have_the_fields_of_the_table(void **state)
{
    struct domains *d = build("2x16 smt 2 llc 8: 10 21/21 10");

    assert_string_equal(summary_of(d, 0, "SMT", 0), "SMT 110 0 2/4/2 NEWIDLE EXEC FORK AFFINE "
                                                    "CAPACITY LLC PREFER");
    assert_string_equal(summary_of(d, 0, "MC", 0),
                        "MC 117 1 8/16/8 NEWIDLE EXEC FORK AFFINE LLC PREFER");
    assert_string_equal(summary_of(d, 0, "PKG", 0),
                        "PKG 117 1 16/32/16 NEWIDLE EXEC FORK AFFINE PREFER");
    assert_string_equal(summary_of(d, 0, "NUMA", 0),
                        "NUMA 117 2 32/64/32 NEWIDLE EXEC FORK AFFINE SERIALIZE OVERLAP NUMA");
    d = build("4x8 llc 4 package 2: 10 12 40 40/12 10 40 40/40 40 10 12/40 40 12 10");
    assert_string_equal(summary_of(d, 0, "NODE", 0),
                        "NODE 117 1 8/16/8 NEWIDLE EXEC FORK AFFINE PREFER");
    assert_string_equal(summary_of(d, 0, "NUMA", 1),
                        "NUMA 117 2 32/64/32 NEWIDLE SERIALIZE OVERLAP NUMA");
}

static void
domains_begin_with_the_kernels_state(void **state)
{
    const struct sched_domain *sd = build("1x4")->cpus[0].sd;

    assert_int_equal(sd->busy_factor, 16);
    assert_int_equal(sd->nr_balance_failed, 0);
    assert_int_equal(sd->max_newidle_lb_cost, 0);
    assert_int_equal(sd->newidle_call, 512);
    assert_int_equal(sd->newidle_success, 256);
    assert_int_equal(sd->newidle_ratio, 512);
}

static void
intervals_count_the_cpus_of_the_mask_isolated_ones_too(void **state)
{
    struct machine *m = machine_from_text(a, "2x4: 10 20/20 10");
    struct domains *d;

    cpumask_set(m->isolated, 2);
    cpumask_set(m->isolated, 3);
    d = build_machine(m);
    assert_string_equal(groups_of(d, 0), "MC 0-1 {0}{1}; NUMA 0-1,4-7 {0-1}{4-7}");
    assert_int_equal(d->cpus[0].sd->min_interval, 4);
    assert_int_equal(d->cpus[0].sd->span_weight, 2);
    assert_string_equal(groups_of(d, 2), "");
    assert_int_equal(d->cpus[2].llc_size, 1);
    assert_int_equal(d->cpus[2].llc_id, 2);
}

static void
imb_numa_nr_follows_caches_and_grows_with_the_span(void **state)
{
    struct domains *d;

    assert_string_equal(imbalance_of(build("2x32 smt 2: 10 21/21 10"), 0), "SMT 0 MC 0 NUMA 4");
    assert_string_equal(imbalance_of(build("2x128 llc 16: 10 21/21 10"), 0), "MC 0 PKG 8 NUMA 8");
    assert_string_equal(imbalance_of(build("8x32 llc 16 package 4 amd: " TWO_SOCKETS_OF_FOUR), 0),
                        "MC 0 NODE 2 NUMA 2 NUMA 4");
    assert_string_equal(imbalance_of(build("4x8: " RING), 0), "MC 0 NUMA 1 NUMA 1");
    d = build("4x2: " LINE);
    assert_string_equal(imbalance_of(d, 0), "MC 0 NUMA 1 NUMA 1 NUMA 2");
    assert_string_equal(imbalance_of(d, 2), "MC 0 NUMA 1 NUMA 1");
    assert_string_equal(imbalance_of(build("4x4: " PAIRS), 0), "MC 0 NUMA 1 NUMA 2");
}

static void
different_cpu_capacities_make_a_domain_asymmetric(void **state)
{
    struct machine *m = machine_from_text(a, "1x8 l2 4 arm");
    struct domains *d;

    for (uint32_t i = 0; i < 8; i++)
        m->cpus[i].cluster = (int32_t)i / 4;
    for (uint32_t i = 0; i < 4; i++)
        m->cpus[i].capacity = 446;
    d = build_machine(m);
    assert_string_equal(names_of(d, 0), "CLS MC");
    assert_string_equal(flags_text(domain_named(d, 0, "MC", 0)->flags),
                        "NEWIDLE EXEC FORK AFFINE ASYM FULL LLC PREFER");
    assert_false(domain_named(d, 0, "CLS", 0)->flags & SD_PREFER_SIBLING);
    assert_ptr_equal(d->cpus[0].asym_cpucapacity, domain_named(d, 0, "MC", 0));
    assert_int_equal(domain_named(d, 0, "MC", 0)->groups->sgc->capacity, 4 * 446);
    assert_int_equal(domain_named(d, 0, "MC", 0)->groups->next->sgc->min_capacity, 1024);
}

static void
each_cpu_remembers_its_cache_and_its_numa_domain(void **state)
{
    struct domains *d = build("2x8 smt 2 llc 4: 10 21/21 10");

    assert_ptr_equal(d->cpus[6].llc, domain_named(d, 6, "MC", 0));
    assert_int_equal(d->cpus[6].llc_id, 4);
    assert_int_equal(d->cpus[6].share_id, 4);
    assert_int_equal(d->cpus[6].llc_size, 4);
    assert_int_equal(d->cpus[6].llc_shared->nr_busy_cpus, 4);
    assert_ptr_equal(d->cpus[6].llc_shared, d->cpus[4].llc_shared);
    assert_ptr_not_equal(d->cpus[6].llc_shared, d->cpus[3].llc_shared);
    assert_ptr_equal(d->cpus[6].numa, domain_named(d, 6, "NUMA", 0));
    assert_true(cpus_share_cache(d, 4, 7));
    assert_false(cpus_share_cache(d, 3, 4));
}

static void
the_largest_machine_builds(void **state)
{
    struct machine *m = machine_from_text(a, "64x64 smt 2 llc 16 package 4 amd");
    struct domains *d;

    m->has_distances = true;
    for (uint32_t i = 0; i < 64; i++) /* an 8 x 8 torus of nodes */
        for (uint32_t j = 0; j < 64; j++) {
            uint32_t x = (i % 8 + 8 - j % 8) % 8, y = (i / 8 + 8 - j / 8) % 8;
            uint32_t hops = SIM_MIN(x, 8 - x) + SIM_MIN(y, 8 - y);

            m->distances[i * 64 + j] = (uint8_t)(10 + 5 * hops);
        }
    d = build_machine(m);
    assert_int_equal(d->nr_distance_levels, 9);
    assert_string_equal(names_of(d, 4095), "SMT MC NODE NUMA NUMA NUMA NUMA NUMA NUMA NUMA NUMA");
    assert_int_equal(domain_named(d, 4095, "NUMA", 0)->span_weight, 5 * 64);
    assert_int_equal(domain_named(d, 4095, "NUMA", 7)->span_weight, 4096);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_ring_of_four_nodes_has_overlapping_groups_at_its_second_level),
        CASE(a_line_of_four_nodes_needs_the_descent_and_has_trees_of_different_height),
        CASE(groups_of_equal_cpus_share_their_capacity),
        CASE(the_ring_is_the_walk_of_the_highest_cpu),
        CASE(groups_count_cores),
        CASE(remote_groups_of_the_first_numa_level_prefer_siblings),
        CASE(kept_levels_have_the_fields_of_the_table),
        CASE(domains_begin_with_the_kernels_state),
        CASE(intervals_count_the_cpus_of_the_mask_isolated_ones_too),
        CASE(imb_numa_nr_follows_caches_and_grows_with_the_span),
        CASE(different_cpu_capacities_make_a_domain_asymmetric),
        CASE(each_cpu_remembers_its_cache_and_its_numa_domain),
        CASE(the_largest_machine_builds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
