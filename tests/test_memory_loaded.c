/* layer: models */
#include "memory_kit.h"

#include "models/memory/curve.h"
#include "models/memory/models.h"

#include <stdio.h>

static double
rate(const struct fixture *f, int cpu)
{
    return (double)f->k->rqs[cpu].rate / RATE_FULL;
}

static void
settle(struct fixture *f)
{
    engine_run(&f->k->engine, kernel_now(f->k) + MSEC(1));
    assert_null(kernel_check(f->k));
}

/* ---- curves ---- */

/* memory-model.md 1.1: what the default gives. */
static void
the_default_curve_is_the_published_fit(void **state)
{
    static const double fit[][2] = { { 0.5, 1.16 }, { 0.8, 1.45 }, { 0.9, 1.67 }, { 1, 2.1 } };
    const struct load_curve c = { .a = 0.225, .d = 0.20 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fit); i++) {
        assert_close(1 + curve_growth(&c, fit[i][0]), fit[i][1], 0.015);
        assert_close(curve_use(&c, curve_growth(&c, fit[i][0])), fit[i][0], 1e-12);
    }
    assert_true(curve_use(&c, -1) <= 0);
    assert_true(curve_use(&c, 10) >= 1);
}

static void
a_measured_curve_is_straight_between_its_points(void **state)
{
    struct machine_curve_point points[] = { { 10, 1000000 }, { 50, 1200000 }, { 80, 2000000 } };
    struct arena *a = arena_new();
    struct load_curve c = { .nr = 0 };

    (void)state;
    curve_from_points(&c, a, points, 3, 100);
    assert_close(1 + curve_growth(&c, 0.05), 1, 1e-12);
    assert_close(1 + curve_growth(&c, 0.3), 1.1, 1e-12);
    assert_close(1 + curve_growth(&c, 0.65), 1.6, 1e-12);
    assert_close(1 + curve_growth(&c, 1), 2 + 0.8 / 0.3 * 0.2, 1e-12); /* goes on as it ends */
    assert_close(curve_use(&c, 0.1), 0.3, 1e-12);
    assert_close(curve_slope(&c, 0.6), 0.8 / 0.3, 1e-12);
    arena_free(a);
}

/* The checker's own line is in what it measures: from its load on latencies grow. */
static void
growth_counts_from_where_idle_was_measured(void **state)
{
    struct load_curve c = { .a = 1, .d = 1 };

    (void)state;
    curve_start(&c, 0.1);
    assert_true(curve_growth(&c, 0) <= 0 && curve_growth(&c, 0.1) <= 0);
    assert_close(curve_growth(&c, 0.5), 1.0 / 3 - 1.0 / 19, 1e-12);
    assert_close(curve_growth(&c, 1), 1 - 1.0 / 19, 1e-12);
    assert_close(curve_use(&c, 0), 0.1, 1e-12); /* as far as nothing is added */
    assert_close(curve_use(&c, 1.0 / 3 - 1.0 / 19), 0.5, 1e-12);
    curve_start(&c, 3); /* one line is more than it can take */
    assert_true(curve_growth(&c, 1) <= 0);
}

/* ---- the fixed point, found another way ---- */

enum { REF_CPUS = 12, REF_NODES = 4 };

struct ref_cpu {
    int node;
    double q[REF_NODES], stall, lines, written; /* per ns of work; written: lines back per line */
};

/* Each resource has a pressure: up to 1 the part that is in use, above it the factor that slows. */
struct ref {
    const struct machine *m;
    uint32_t nr_cpus, nr_resources;
    struct ref_cpu cpus[REF_CPUS];
    double pressure[2 * REF_NODES + REF_NODES * REF_NODES];
};

static void
ref_numbers(const struct ref *ref, uint32_t r, double *capacity, double *idle, double *a, double *d)
{
    const struct machine *m = ref->m;
    uint32_t n = m->nr_nodes;

    *idle = *a = 0, *d = 1;
    if (r < n) {
        *capacity = (double)m->nodes[r].bandwidth / 1e9;
        *idle = machine_latency_ps(m, r, r) / 1e3, *a = m->nodes[r].curve_a;
        *d = m->nodes[r].curve_d;
    } else if (r < 2 * n) {
        *capacity = (double)m->nodes[r - n].injection / 1e9;
    } else {
        const struct machine_link *l = &m->links[r - 2 * n];

        *capacity = (double)l->bandwidth / 1e9;
        *idle = machine_latency_ps(m, (uint32_t)l->to, (uint32_t)l->from) / 1e3;
        *a = l->curve_a, *d = l->curve_d;
    }
}

/* Lines over resource r for each line that CPU c reads of node j; *reads: reads pass it. */
static double
ref_passes(const struct ref *ref, const struct ref_cpu *c, uint32_t j, uint32_t r, bool *reads)
{
    const struct machine *m = ref->m;
    uint32_t n = m->nr_nodes, i = (uint32_t)c->node;
    double lines = 0;

    *reads = false;
    if (r == j || (r == n + i && m->nodes[i].injection > 0)) {
        double k = r == j ? m->nodes[j].write_derate_ppm / 1e6 : 0;

        *reads = true;
        return (1 + c->written) / (1 - k * c->written / (1 + c->written));
    }
    for (uint32_t l = 0; r >= 2 * n && i != j && l < machine_route(m, i, j)->nr_links; l++)
        if (machine_route(m, i, j)->links[l] == r - 2 * n)
            *reads = true, lines += 1;
    for (uint32_t l = 0; r >= 2 * n && i != j && l < machine_route(m, j, i)->nr_links; l++)
        if (machine_route(m, j, i)->links[l] == r - 2 * n)
            lines += c->written;
    return lines;
}

/* What the load adds to a latency that was measured with one line under way, a load of u0. */
static double
ref_more(double a, double d, double u, double u0)
{
    u0 = u0 < 1 ? u0 : 1;
    return u > u0 ? a * u / (1 + d - u) - a * u0 / (1 + d - u0) : 0;
}

static double
ref_tau(const struct ref *ref, const struct ref_cpu *c)
{
    double tau = 1;

    for (uint32_t j = 0; j < ref->m->nr_nodes; j++) {
        double ns = machine_latency_ps(ref->m, (uint32_t)c->node, j) / 1e3, factor = 1;

        for (uint32_t r = 0; r < ref->nr_resources; r++) {
            double p = ref->pressure[r], u = p < 1 ? p : 1, capacity, idle, a, d;
            bool reads;

            if (ref_passes(ref, c, j, r, &reads) <= 0)
                continue;
            ref_numbers(ref, r, &capacity, &idle, &a, &d);
            ns += reads ? ref_more(a, d, u, idle > 0 ? 64 / (idle * capacity) : 0) * idle : 0;
            factor *= p > 1 ? p : 1;
        }
        tau += c->stall * c->q[j] * ns * factor;
    }
    return tau;
}

/* Part of the capacity that is asked for at these pressures. */
static double
ref_use(const struct ref *ref, uint32_t r)
{
    double bytes = 0, capacity, idle, a, d;
    bool reads;

    ref_numbers(ref, r, &capacity, &idle, &a, &d);
    for (uint32_t t = 0; t < ref->nr_cpus; t++) {
        const struct ref_cpu *c = &ref->cpus[t];
        double lines = 0;

        for (uint32_t j = 0; j < ref->m->nr_nodes; j++)
            lines += c->q[j] * ref_passes(ref, c, j, r, &reads);
        if (lines > 0)
            bytes += c->lines * lines * 64 / ref_tau(ref, c);
    }
    return capacity > 0 ? bytes / capacity : 0;
}

/* Bisection of one resource at a time, all of them in turn until nothing moves. */
static void
ref_solve(struct ref *ref)
{
    double moved = 1;

    for (int sweep = 0; sweep < 3000 && moved > 1e-7; sweep++) {
        moved = 0;
        for (uint32_t r = 0; r < ref->nr_resources; r++) {
            double low = 0, high = 4096, before = ref->pressure[r];

            ref->pressure[r] = 0;
            if (ref_use(ref, r) <= 0)
                continue;
            for (int i = 0; i < 45; i++) {
                double middle = ref->pressure[r] = (low + high) / 2;

                *(ref_use(ref, r) > (middle < 1 ? middle : 1) ? &low : &high) = middle;
            }
            double change = ref->pressure[r] - before;
            change = change < 0 ? -change : change;
            moved = change > moved ? change : moved;
        }
    }
}

/* ---- random machines and mixes ---- */

static struct rng machine_rng;
static bool one_controller;

static double
between(struct rng *rng, double low, double high)
{
    return low + (high - low) * (double)rng_below(rng, 10001) / 10000;
}

static void
random_machine(struct kernel_params *kp, struct machine *m)
{
    struct rng *rng = &machine_rng;

    kp->memory.tolerance_ppm = 1;
    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        struct machine_node *node = &m->nodes[n];

        node->bandwidth = (uint64_t)between(rng, 1e9, 20e9);
        node->write_derate_ppm = rng_below(rng, 600001);
        node->curve_a = between(rng, 0, 1);
        node->curve_d = between(rng, 0.06, 1);
        if (rng_below(rng, 2) == 0)
            node->injection = (uint64_t)between(rng, 1e9, 30e9);
    }
    for (uint32_t l = 0; l < m->nr_links; l++) {
        m->links[l].bandwidth = (uint64_t)between(rng, 0.5e9, 8e9);
        m->links[l].curve_a = between(rng, 0, 0.3);
        m->links[l].curve_d = between(rng, 0.05, 0.5);
    }
}

/* A task on CPU `cpu` whose pages are dealt to nodes by chance; the same for the reference. */
static void
add_task(struct fixture *f, struct ref *ref, struct rng *rng, uint32_t cpu, uint32_t cores)
{
    struct ref_cpu *c = &ref->cpus[ref->nr_cpus++];
    struct region *r = kit_region(f, "data", 64 * PAGE_4K, 1);
    struct mempolicy bind = { .mode = MPOL_BIND };
    uint64_t done = 0;
    char list[12];

    c->node = (int)(cpu / cores);
    for (uint32_t n = 0; n < ref->m->nr_nodes; n++) {
        uint64_t pages =
            n + 1 == ref->m->nr_nodes ? 64 - done : rng_below(rng, 65 - (uint32_t)done);

        bind.nodes = NODE_BIT(n);
        if (pages > 0)
            region_populate(f->k, r, done, pages, &bind, (int)n);
        done += pages;
        c->q[n] = (double)pages / 64;
    }
    struct burst_profile *p =
        kit_profile(f, r, REGION_WHOLE, 1 + rng_below(rng, 200), rng_below(rng, 257));
    p->mlp_q8 = 256 + rng_below(rng, 10 * 256);
    c->lines = (double)p->misses_q20 / (1 << 20);
    c->written = p->write_q8 / 256.0;
    c->stall = c->lines / (p->mlp_q8 / 256.0);
    snprintf(list, sizeof(list), "%u", cpu);
    task_start(f->k, kit_task(f, list, p, SEC(1000)), NULL);
}

static void
open_case(struct fixture *f, struct ref *ref, struct rng *rng, uint32_t seed, uint32_t *cores)
{
    uint32_t nodes = one_controller ? 1 : 1 + seed % REF_NODES;

    *cores = REF_CPUS / nodes;
    rng_init(&machine_rng, seed, "machine", 0);
    rng_init(rng, seed, "tasks", 0);
    kit_open(f, nodes, *cores, &memory_loaded, random_machine);
    *ref = (struct ref){ .m = f->machine, .nr_resources = 2 * nodes + f->machine->nr_links };
}

static void
rates_are_those_of_bisection(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 24; seed++) {
        struct fixture f;
        struct ref ref;
        struct rng rng;
        uint32_t cores;

        one_controller = false;
        open_case(&f, &ref, &rng, seed, &cores);
        for (uint32_t cpu = 0; cpu < cores * ref.m->nr_nodes; cpu++) {
            add_task(&f, &ref, &rng, cpu, cores);
            settle(&f);
        }
        ref_solve(&ref);
        for (uint32_t cpu = 0; cpu < ref.nr_cpus; cpu++) {
            double expected = 1 / ref_tau(&ref, &ref.cpus[cpu]), got = rate(&f, (int)cpu);

            if (!(got < expected * 1.001 && got > expected * 0.999))
                fail_msg("seed %u, CPU %u: %g, expected %g", seed, cpu, got, expected);
        }
        fixture_close(&f);
    }
}

/* On one controller. (Over several a third may gain: who is slowed by the new task on one of them
 * leaves room on the other.) */
static void
a_task_that_is_added_never_speeds_up_another(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 60; seed++) {
        struct fixture f;
        struct ref ref;
        struct rng rng;
        uint32_t cores, before[REF_CPUS] = { 0 };

        one_controller = true;
        open_case(&f, &ref, &rng, seed, &cores);
        for (uint32_t cpu = 0; cpu < cores; cpu++) {
            add_task(&f, &ref, &rng, cpu, cores);
            settle(&f);
            for (uint32_t c = 0; c < cpu; c++)
                if (f.k->rqs[c].rate > before[c] * (1 + 1e-5) + 2)
                    fail_msg("seed %u: CPU %u adds, CPU %u gains", seed, cpu, c);
            for (uint32_t c = 0; c <= cpu; c++)
                before[c] = f.k->rqs[c].rate;
        }
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_curve_is_the_published_fit),
        cmocka_unit_test(a_measured_curve_is_straight_between_its_points),
        cmocka_unit_test(growth_counts_from_where_idle_was_measured),
        cmocka_unit_test(rates_are_those_of_bisection),
        cmocka_unit_test(a_task_that_is_added_never_speeds_up_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
