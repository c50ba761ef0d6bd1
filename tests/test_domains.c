/* layer: kernel */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernel/domains.h"
#include "machine_text.h"

#define RING "10 20 30 20/20 10 20 30/30 20 10 20/20 30 20 10"
#define LINE "10 20 30 40/20 10 20 30/30 20 10 20/40 30 20 10"
#define PAIRS "10 20 30 30/20 10 30 30/30 30 10 20/30 30 20 10"
#define TWO_SOCKETS_OF_FOUR                                                                        \
    "10 12 12 12 32 32 32 32/12 10 12 12 32 32 32 32/12 12 10 12 32 32 32 32/"                     \
    "12 12 12 10 32 32 32 32/32 32 32 32 10 12 12 12/32 32 32 32 12 10 12 12/"                     \
    "32 32 32 32 12 12 10 12/32 32 32 32 12 12 12 10"

static struct arena *a;

static int
setup(void **state)
{
    a = arena_new();
    return 0;
}

static int
teardown(void **state)
{
    arena_free(a);
    return 0;
}

static struct domains *
build_machine(struct machine *m)
{
    assert_null(machine_finish(m));
    return domains_build(a, m);
}

static struct domains *
build(const char *text)
{
    return build_machine(machine_from_text(a, text));
}

/* ---- domains as text, bottom first */

struct text {
    char bytes[8192];
    size_t len;
};

static void SIM_PRINTF(2, 3) put(struct text *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    t->len += (size_t)vsnprintf(t->bytes + t->len, sizeof(t->bytes) - t->len, fmt, ap);
    va_end(ap);
    sim_assert(t->len < sizeof(t->bytes));
}

/* "MC 0-1 {0}{1}; NUMA 0-3 {0-1}{2-3}"; "{0-3|0-1}": a group and its balance mask. */
static const char *
groups_of(const struct domains *d, int cpu)
{
    struct text t = { .len = 0 };

    for_each_domain (sd, d->cpus[cpu].sd) {
        put(&t, "%s%s %s ", t.len > 0 ? "; " : "", sd->name, cpumask_text(a, sd->span));
        for_each_group(sg, sd->groups)
        {
            put(&t, "{%s", cpumask_text(a, sg->span));
            if (!cpumask_equal(sg->span, sg->sgc->balance_mask))
                put(&t, "|%s", cpumask_text(a, sg->sgc->balance_mask));
            put(&t, "}");
        }
    }
    return arena_strdup(a, t.bytes);
}

static const char *
names_of(const struct domains *d, int cpu)
{
    struct text t = { .len = 0 };

    for_each_domain (sd, d->cpus[cpu].sd)
        put(&t, "%s%s", t.len > 0 ? " " : "", sd->name);
    return arena_strdup(a, t.bytes);
}

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

static struct sched_domain *
domain_named(const struct domains *d, int cpu, const char *name, int which)
{
    for_each_domain (sd, d->cpus[cpu].sd)
        if (strcmp(sd->name, name) == 0 && which-- == 0)
            return sd;
    fail_msg("CPU %d has no such domain %s", cpu, name);
    return NULL;
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

/* ---- distances */

static void
topology_types_follow_the_first_farthest_pair(void **state)
{
    assert_int_equal(build("2x2: 10 21/21 10")->topology_type, NUMA_DIRECT);
    assert_int_equal(build("4x2: " RING)->topology_type, NUMA_GLUELESS_MESH);
    assert_int_equal(build("4x2: " PAIRS)->topology_type, NUMA_BACKPLANE);
    assert_int_equal(build("8x2: " TWO_SOCKETS_OF_FOUR)->topology_type, NUMA_BACKPLANE);
    assert_int_equal(build("4x2: " LINE)->topology_type, NUMA_GLUELESS_MESH);
    assert_int_equal(build("1x2")->topology_type, NUMA_DIRECT);
}

static void
a_machine_with_two_remote_distances_is_not_direct(void **state)
{
    /* Node 1 is nearer to both 0 and 2 than they are to each other. */
    assert_int_equal(build("3x2: 10 21 31/21 10 21/31 21 10")->topology_type, NUMA_GLUELESS_MESH);
    /* Fully connected, 0-1 near, all else far: nobody is between 0 and 2. */
    assert_int_equal(build("3x2: 10 21 31/21 10 31/31 31 10")->topology_type, NUMA_BACKPLANE);
}

static void
memory_only_nodes_make_no_level(void **state)
{
    struct domains *d = build("2x2 memory 2: 10 21 17 28/21 10 28 17/17 28 10 28/28 17 28 10");

    assert_int_equal(d->nr_distance_levels, 2);
    assert_int_equal(d->distance_levels[1], 21);
    assert_int_equal(d->max_distance, 21);
    assert_string_equal(names_of(d, 0), "MC NUMA");
}

static void
nodes_whose_cpus_are_offline_make_no_level(void **state)
{
    struct machine *m = machine_from_text(a, "3x2: 10 20 30/20 10 40/30 40 10");

    m->cpus[4].online = m->cpus[5].online = false;
    assert_string_equal(groups_of(build_machine(m), 0), "MC 0-1 {0}{1}; NUMA 0-3 {0-1}{2-3}");
    assert_int_equal(domains_build(a, m)->nr_distance_levels, 2);
}

static void
a_table_with_a_remote_distance_of_10_is_refused_whole(void **state)
{
    struct domains *d = build("3x1: 10 10 30/10 10 30/30 30 10");

    assert_int_equal(d->distances[1], 20);
    assert_int_equal(d->distances[2], 20);
    assert_int_equal(d->max_distance, 20);
    assert_string_equal(d->messages[0], "ACPI: SLIT table looks invalid. Not used.");
    assert_int_equal(build("3x1: 10 11 30/11 10 30/30 30 10")->nr_messages, 0);
    assert_int_equal(build("2x1: 11 20/20 10")->nr_messages, 1);
}

/*
 * Node 0 reaches all at 21 and ends there; node 1 reaches node 0 a level later, where node 0 has no
 * domain to make a group of. What is left is one group, and that is kept only for affine wakeups.
 */
static void
a_node_uses_its_own_row(void **state)
{
    struct domains *d = build("2x2: 10 21/30 10");

    assert_int_equal(d->nr_distance_levels, 3);
    assert_string_equal(d->messages[0], "ERROR: Node-distance not symmetric");
    assert_string_equal(groups_of(d, 0), "MC 0-1 {0}{1}; NUMA 0-3 {0-1}{2-3}");
    assert_string_equal(groups_of(d, 2), "MC 2-3 {2}{3}; NUMA 0-3 {2-3}");
    d = build("2x2: 10 21/31 10");
    assert_string_equal(groups_of(d, 0), "MC 0-1 {0}{1}; NUMA 0-3 {0-1}{2-3}");
    assert_string_equal(groups_of(d, 2), "MC 2-3 {2}{3}");
}

static void
beyond_the_reclaim_distance_nothing_is_placed(void **state)
{
    static const struct {
        const char *machine;
        bool placed;
    } cases[] = {
        { "2x2: 10 30/30 10", true },     { "2x2: 10 31/31 10", false },
        { "2x2 amd: 10 32/32 10", true }, { "2x2 amd: 10 33/33 10", false },
        { "2x2 arm: 10 30/30 10", true }, { "2x2 arm: 10 31/31 10", false },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t flags = domain_named(build(cases[i].machine), 0, "NUMA", 0)->flags;

        assert_int_equal((flags & SD_BALANCE_EXEC) != 0, cases[i].placed);
        assert_int_equal((flags & SD_BALANCE_FORK) != 0, cases[i].placed);
        assert_int_equal((flags & SD_WAKE_AFFINE) != 0, cases[i].placed);
        assert_true(flags & SD_BALANCE_NEWIDLE);
    }
}

static void
an_old_amd_machine_and_a_setting_have_their_own_reclaim_distance(void **state)
{
    struct machine *m = machine_from_text(a, "2x2 amd");

    m->amd_pre_zen = true;
    assert_int_equal(build_machine(m)->node_reclaim_distance, 30);
    m->node_reclaim_distance = 40;
    assert_int_equal(domains_build(a, m)->node_reclaim_distance, 40);
}

/* ---- levels */

static void
levels_that_add_nothing_are_removed(void **state)
{
    assert_string_equal(names_of(build("2x8 smt 2: 10 21/21 10"), 0), "SMT MC NUMA");
    assert_string_equal(names_of(build("2x8: 10 21/21 10"), 0), "MC NUMA");
    assert_string_equal(names_of(build("2x16 smt 2 llc 4: 10 21/21 10"), 0), "SMT MC PKG NUMA");
    assert_string_equal(names_of(build("4x8 llc 1: " RING), 0), "PKG NUMA NUMA");
    assert_string_equal(names_of(build("1x8 smt 2"), 0), "SMT MC");
    assert_string_equal(names_of(build("1x8 smt 2 llc 4"), 0), "SMT MC PKG");
    assert_string_equal(names_of(build("1x1"), 0), "");
}

static void
nodes_within_a_package_drop_pkg_on_the_whole_machine(void **state)
{
    assert_string_equal(names_of(build("8x32 smt 2 llc 16 package 4 amd: " TWO_SOCKETS_OF_FOUR), 0),
                        "SMT MC NODE NUMA NUMA");
    assert_string_equal(names_of(build("8x4 smt 2 package 4: " TWO_SOCKETS_OF_FOUR), 0),
                        "SMT MC NUMA NUMA");
    /* The generic code of other architectures keeps the level. */
    assert_string_equal(names_of(build("8x8 llc 4 package 4 arm: " TWO_SOCKETS_OF_FOUR), 0),
                        "MC PKG NUMA NUMA");
}

static void
only_cpus_that_are_up_decide_whether_a_package_has_several_nodes(void **state)
{
    struct machine *m = machine_from_text(a, "2x4 llc 2 package 2: 10 21/21 10");

    assert_string_equal(names_of(build_machine(m), 0), "MC NODE NUMA");
    for (uint32_t i = 4; i < 8; i++)
        m->cpus[i].online = false;
    assert_string_equal(names_of(build_machine(m), 0), "MC PKG");
}

static void
a_shared_l2_is_a_level_but_not_on_amd(void **state)
{
    struct domains *d = build("1x8 l2 4 llc 8");

    assert_string_equal(groups_of(d, 5), "CLS 4-7 {5}{6}{7}{4}; MC 0-7 {4-7}{0-3}");
    assert_true(d->cluster_active);
    assert_int_equal(d->cpus[5].share_id, 4);
    assert_int_equal(d->cpus[5].llc_id, 0);
    d = build("1x8 l2 4 llc 8 amd");
    assert_string_equal(names_of(d, 5), "MC");
    assert_false(d->cluster_active);
    assert_int_equal(d->cpus[5].share_id, 0);
}

static void
without_an_l3_the_l2_is_the_last_level_except_on_amd(void **state)
{
    static const char *const machines[] = { "1x8 l2 4", "1x8 l2 4 amd" };
    static const char *const want[] = { "CLS PKG", "PKG" };

    for (size_t k = 0; k < ARRAY_LEN(machines); k++) {
        struct machine *m = machine_from_text(a, machines[k]);

        for (uint32_t i = 0; i < 8; i++)
            m->cpus[i].llc = MACHINE_NONE;
        assert_string_equal(names_of(build_machine(m), 0), want[k]);
    }
}

static void
a_cache_that_spans_nodes_is_cut_at_the_node(void **state)
{
    struct domains *d = build("2x4 llc 8 package 2 amd: 10 12/12 10");

    assert_string_equal(groups_of(d, 0), "MC 0-3 {0}{1}{2}{3}; NUMA 0-7 {0-3}{4-7}");
    assert_int_equal(d->cpus[5].llc_id, 4);
    assert_string_equal(d->messages[0], "sched: CPU #4's llc-sibling CPU #0 is not on the same "
                                        "node! [node: 1 != 0]. Ignoring dependency.");
    /* Sub-NUMA clusters of an Intel package are cut silently. */
    assert_int_equal(build("2x4 llc 8 package 2: 10 12/12 10")->nr_messages, 0);
}

static void
masks_that_overlap_leave_the_machine_without_domains(void **state)
{
    struct machine *m = machine_from_text(a, "1x4 smt 2");
    struct domains *d;

    m->cpus[1].l2 = MACHINE_NONE; /* its L2 is its core, {0,1}, but CPU 0's is {0} */
    d = build_machine(m);
    assert_true(d->refused);
    assert_string_equal(names_of(d, 0), "");
    assert_string_equal(names_of(d, 3), "");
    assert_int_equal(d->nr_messages, 1);
    m->cpus[0].l2 = MACHINE_NONE;
    assert_false(domains_build(a, m)->refused);
}

static void
the_generic_last_level_is_the_package_or_node_where_no_cache_is_known(void **state)
{
    struct machine *m = machine_from_text(a, "1x8 arm");

    for (uint32_t i = 0; i < 8; i++) {
        m->cpus[i].llc = MACHINE_NONE;
        m->cpus[i].cluster = (int32_t)i / 4;
        m->cpus[i].package = (int32_t)i / 4;
    }
    assert_string_equal(names_of(build_machine(m), 0), "MC PKG"); /* the cluster is all of MC */
    for (uint32_t i = 0; i < 8; i++)
        m->cpus[i].package = 0;
    assert_string_equal(names_of(build_machine(m), 0), "CLS MC");
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

    assert_ptr_not_equal(from_0, from_1);
    assert_ptr_equal(from_0->sgc, from_1->sgc);
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(topology_types_follow_the_first_farthest_pair),
        CASE(a_machine_with_two_remote_distances_is_not_direct),
        CASE(memory_only_nodes_make_no_level),
        CASE(nodes_whose_cpus_are_offline_make_no_level),
        CASE(a_table_with_a_remote_distance_of_10_is_refused_whole),
        CASE(a_node_uses_its_own_row),
        CASE(beyond_the_reclaim_distance_nothing_is_placed),
        CASE(an_old_amd_machine_and_a_setting_have_their_own_reclaim_distance),
        CASE(levels_that_add_nothing_are_removed),
        CASE(nodes_within_a_package_drop_pkg_on_the_whole_machine),
        CASE(only_cpus_that_are_up_decide_whether_a_package_has_several_nodes),
        CASE(a_shared_l2_is_a_level_but_not_on_amd),
        CASE(without_an_l3_the_l2_is_the_last_level_except_on_amd),
        CASE(a_cache_that_spans_nodes_is_cut_at_the_node),
        CASE(masks_that_overlap_leave_the_machine_without_domains),
        CASE(the_generic_last_level_is_the_package_or_node_where_no_cache_is_known),
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
