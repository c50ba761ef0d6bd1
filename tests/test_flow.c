/* layer: models */
#include "memory_kit.h"

#include "kernel/flow.h"
#include "models/memory/models.h"

#define GB UINT64_C(1000000000)

/* Controllers of 1 GB/s, node 1's of 2; links of 0.5 GB/s. Latency does not grow before they are
 * full. */
static void
slow(struct kernel_params *kp, struct machine *m)
{
    kp->memory.tolerance_ppm = 10;
    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        m->nodes[n].bandwidth = (n + 1) * GB;
        m->nodes[n].write_derate_ppm = 500000;
        m->nodes[n].curve_a = 0;
    }
    for (uint32_t l = 0; l < m->nr_links; l++) {
        m->links[l].bandwidth = GB / 2;
        m->links[l].curve_a = 0;
    }
}

static void
open_machine(struct fixture *f)
{
    kit_open(f, 2, 2, &memory_loaded, slow);
}

static struct flow
between(int node, int memory, bool out)
{
    struct flow f = { .node = node, .out = out, .nodes = NODE_BIT(memory) };

    f.share_q16[memory] = MIX_ALL;
    return f;
}

static void
settle(struct fixture *f)
{
    engine_run(&f->k->engine, kernel_now(f->k) + USEC(1));
    assert_null(kernel_check(f->k));
}

static void
where_there_is_room_a_flow_gets_what_it_wants(void **state)
{
    struct fixture f;
    struct flow a = between(0, 0, false), b = between(0, 0, false);

    (void)state;
    open_machine(&f);
    flow_set(f.k, &a, GB / 4);
    assert_int_equal(a.rate, 0); /* not before the end of the instant */
    settle(&f);
    assert_int_equal(a.rate, GB / 4);
    assert_int_equal(f.k->memory->node_load(f.k, 0), 250);
    flow_set(f.k, &b, 3 * GB / 4);
    settle(&f);
    assert_int_equal(a.rate + b.rate, GB); /* just full */
    flow_set(f.k, &a, 0);
    flow_set(f.k, &b, 0);
    settle(&f);
    assert_int_equal(f.k->memory->node_load(f.k, 0), 0);
    fixture_close(&f);
}

/* What is asked for beyond the capacity is taken from all in proportion. */
static void
a_full_controller_is_shared_in_proportion(void **state)
{
    struct fixture f;
    struct flow a = between(0, 0, false), b = between(0, 0, false);

    (void)state;
    open_machine(&f);
    flow_set(f.k, &a, 3 * GB);
    settle(&f);
    assert_close((double)a.rate, GB, 1e-5);
    flow_set(f.k, &b, 6 * GB);
    settle(&f);
    assert_close((double)a.rate, GB / 3.0, 1e-5);
    assert_close((double)b.rate, 2 * GB / 3.0, 1e-5);
    flow_set(f.k, &a, 0);
    settle(&f);
    assert_close((double)b.rate, GB, 1e-5);
    flow_set(f.k, &b, GB / 2);
    settle(&f);
    assert_int_equal(b.rate, GB / 2);
    fixture_close(&f);
}

static void
coarse(struct kernel_params *kp, struct machine *m)
{
    slow(kp, m);
    kp->memory.tolerance_ppm = 10000;
}

/* A coarse solution may give out up to a hundredth more than there is. What is said of the
 * controller is that it is full. */
static void
nothing_is_more_than_full(void **state)
{
    struct fixture f;
    struct flow flows[7];

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, coarse);
    for (uint32_t i = 0; i < 200; i++) {
        struct flow *one = &flows[i % ARRAY_LEN(flows)];

        if (i < ARRAY_LEN(flows))
            *one = between(0, 0, false);
        flow_set(f.k, one, GB / 4 + i * 7919 % 31 * (GB / 300));
        settle(&f);
        assert_in_range(f.k->memory->node_load(f.k, 0), i < 4 ? 0 : 990, 1000);
    }
    fixture_close(&f);
}

/* Writing takes half of what the controller gives (k = 0.5). */
static void
writing_costs_a_controller_more(void **state)
{
    struct fixture f;
    struct flow a = between(0, 0, true);

    (void)state;
    open_machine(&f);
    flow_set(f.k, &a, GB);
    settle(&f);
    assert_close((double)a.rate, GB / 2.0, 1e-5);
    fixture_close(&f);
}

/* Links of one direction, the controllers at both ends. */
static void
a_flow_loads_its_way_and_nothing_else(void **state)
{
    struct fixture f;
    struct flow in = between(0, 1, false);

    (void)state;
    open_machine(&f);
    flow_set(f.k, &in, GB / 4);
    settle(&f);
    for (uint32_t l = 0; l < f.machine->nr_links; l++)
        assert_int_equal(f.k->memory->link_load(f.k, l), f.machine->links[l].from == 1 ? 500 : 0);
    assert_int_equal(f.k->memory->node_load(f.k, 1), 125);
    assert_int_equal(f.k->memory->node_load(f.k, 0), 0);
    in.out = in.node_memory = true; /* a copy of pages from 0 to 1: read there, written here */
    flow_set(f.k, &in, GB / 4);
    settle(&f);
    for (uint32_t l = 0; l < f.machine->nr_links; l++)
        assert_int_equal(f.k->memory->link_load(f.k, l), f.machine->links[l].from == 0 ? 500 : 0);
    assert_int_equal(f.k->memory->node_load(f.k, 1), 250);
    assert_int_equal(f.k->memory->node_load(f.k, 0), 250);
    fixture_close(&f);
}

/* Half of the bytes from each node, and the halves keep step: the link gives its half 0.5 GB/s of
 * the 1 GB/s that is wanted of it, so the other half, whose controller would give all, gets no more
 * than 0.5 either. */
static void
the_slowest_share_decides(void **state)
{
    struct fixture f;
    struct flow a = between(0, 0, false);

    (void)state;
    open_machine(&f);
    a.nodes = NODE_BIT(0) | NODE_BIT(1);
    a.share_q16[0] = a.share_q16[1] = MIX_ALL / 2;
    flow_set(f.k, &a, 2 * GB);
    settle(&f);
    assert_close((double)a.rate / 2, GB / 2.0, 1e-4);
    assert_in_range(f.k->memory->node_load(f.k, 0), 499, 501); /* half of what it could give */
    fixture_close(&f);
}

static void
slow_with_wide_links(struct kernel_params *kp, struct machine *m)
{
    slow(kp, m);
    for (uint32_t l = 0; l < m->nr_links; l++)
        m->links[l].bandwidth = 100 * GB;
}

/* A task that stalls all the time is slowed by the factor by which a flow is. */
static void
tasks_and_flows_share_alike(void **state)
{
    struct fixture f;
    struct flow a = between(1, 0, false);

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, slow_with_wide_links);
    struct region *r = kit_region(&f, "data", 64 * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    task_start(f.k, kit_task(&f, "0", kit_profile(&f, r, REGION_WHOLE, 100, 0), SEC(1000)), NULL);
    settle(&f);
    double alone = (double)f.k->rqs[0].rate / RATE_FULL;
    double mpn = (double)((100u << 20) / 1000) / (1 << 20);
    assert_close(alone, 1 / (1 + mpn * 85), 1e-5);
    flow_set(f.k, &a, GB / 2);
    settle(&f);
    double rate = (double)f.k->rqs[0].rate / RATE_FULL;
    double factor = (1 / rate - 1) / (mpn * 85);
    assert_true(factor > 1.1);
    assert_close((double)GB / 2 / (double)a.rate, factor, 1e-4);
    assert_close(rate * mpn * 64 + (double)a.rate / 1e9, 1, 1e-3); /* the controller is full */
    flow_set(f.k, &a, 0);
    settle(&f);
    assert_close((double)f.k->rqs[0].rate / RATE_FULL, alone, 1e-6);
    fixture_close(&f);
}

/* As a machine that says nothing of curves: those of the default. */
static void
slow_with_curves(struct kernel_params *kp, struct machine *m)
{
    kp->memory.tolerance_ppm = 10;
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        m->nodes[n].bandwidth = 10 * GB;
    for (uint32_t l = 0; l < m->nr_links; l++)
        m->links[l].bandwidth = 5 * GB;
}

enum { MISSES = 1 };

/* memory-model.md 1.1, less what the one line of the idle measurement adds; beyond full, the end.
 */
static double
grown(double idle, double a, double d, double gb, double of)
{
    double one = 64 / idle / of, u = gb < of ? gb : of;

    return u / of > one ? a * (u / of) / (1 + d - u / of) - a * one / (1 + d - one) : 0;
}

/* The latency that a task with MISSES in 1000 ns of work sees. */
static double
seen_by(const struct fixture *f, int cpu)
{
    double misses = (double)((MISSES << 20) / 1000) / (1 << 20);

    return ((double)RATE_FULL / f->k->rqs[cpu].rate - 1) / misses;
}

static void
start_reader(struct fixture *f, const char *cpus, struct region *r)
{
    task_start(f->k, kit_task(f, cpus, kit_profile(f, r, REGION_WHOLE, MISSES, 0), SEC(1000)),
               NULL);
}

/* Below capacity a flow gets all that it wants, and accesses that pass where it does take longer by
 * what the curves say. */
static void
flows_slow_accesses_before_anything_is_full(void **state)
{
    static const double part[] = { 0, 0.1, 0.25, 0.5, 0.75, 0.95 };
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, slow_with_curves);
    struct region *r = kit_region(&f, "data", 64 * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    start_reader(&f, "0", r);
    start_reader(&f, "2", r);
    double local = (double)machine_latency_ps(f.machine, 0, 0) / 1000;
    double remote = (double)machine_latency_ps(f.machine, 1, 0) / 1000;
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        struct flow here = between(0, 0, false), there = between(1, 0, false);
        double want = part[i] * 5, all = part[i] * 10;

        flow_set(f.k, &there, (uint64_t)(want * 1e9));
        flow_set(f.k, &here, (uint64_t)((all - want) * 1e9));
        settle(&f);
        assert_close((double)there.rate, want * 1e9, 1e-6);
        assert_close((double)here.rate, (all - want) * 1e9, 1e-6);
        double near = 0.064 * f.k->rqs[0].rate / RATE_FULL; /* GB/s of the readers */
        double far = 0.064 * f.k->rqs[2].rate / RATE_FULL;
        double controller = local * grown(local, 0.225, 0.20, all + near + far, 10);
        double link = remote * grown(remote, 0.085, 0.06, want + far, 5);
        assert_close(seen_by(&f, 0), local + controller, 1e-4);
        assert_close(seen_by(&f, 2), remote + controller + link, 1e-4);
        flow_set(f.k, &here, 0);
        flow_set(f.k, &there, 0);
    }
    fixture_close(&f);
}

/* What is full is shared as without curves. */
static void
with_curves_a_full_controller_is_shared_alike(void **state)
{
    struct fixture f;
    struct flow a = between(0, 0, false), b = between(0, 0, false);

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, slow_with_curves);
    flow_set(f.k, &a, 8 * GB);
    flow_set(f.k, &b, 32 * GB);
    settle(&f);
    assert_close((double)a.rate, 2e9, 1e-4);
    assert_close((double)b.rate, 8e9, 1e-4);
    flow_set(f.k, &b, GB);
    settle(&f);
    assert_int_equal(a.rate, 8 * GB);
    assert_int_equal(b.rate, GB);
    flow_set(f.k, &a, 0);
    flow_set(f.k, &b, 0);
    fixture_close(&f);
}

static void
a_model_without_load_gives_all_that_is_wanted(void **state)
{
    struct fixture f;
    struct flow a = between(0, 1, false);

    (void)state;
    kit_open(&f, 2, 2, &memory_idle, slow);
    flow_set(f.k, &a, 100 * GB);
    assert_int_equal(a.rate, 100 * GB);
    flow_set(f.k, &a, 0);
    fixture_close(&f);
}

/* 100 KB copied in a window of 1 ms are 0.1 GB/s of both controllers and of the link in the next:
 * read at a tenth of 1 GB/s; written at a twentieth of 2 GB/s, of which writing takes half. */
static void
copies_load_their_way_for_a_window(void **state)
{
    struct fixture f;

    (void)state;
    open_machine(&f);
    mm_copied(f.k, 0, 1, 60000);
    mm_copied(f.k, 0, 1, 40000);
    assert_int_equal(f.k->traffic[1], 100000);
    assert_int_equal(f.k->served[0].read, 100000);
    assert_int_equal(f.k->served[1].written, 100000);
    engine_run(&f.k->engine, MSEC(1));
    assert_int_equal(f.k->memory->node_load(f.k, 0), 0); /* not before the window is over */
    engine_run(&f.k->engine, MSEC(1) + 1);
    assert_int_equal(f.k->memory->node_load(f.k, 0), 100);
    assert_int_equal(f.k->memory->node_load(f.k, 1), 100);
    for (uint32_t l = 0; l < f.machine->nr_links; l++)
        assert_int_equal(f.k->memory->link_load(f.k, l), f.machine->links[l].from == 0 ? 200 : 0);
    engine_run(&f.k->engine, MSEC(2) + 1);
    assert_int_equal(f.k->memory->node_load(f.k, 0), 0);
    assert_int_equal(engine_run(&f.k->engine, SEC(1)), ENGINE_DRAINED); /* nothing ticks on */
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_there_is_room_a_flow_gets_what_it_wants),
        cmocka_unit_test(a_full_controller_is_shared_in_proportion),
        cmocka_unit_test(nothing_is_more_than_full),
        cmocka_unit_test(writing_costs_a_controller_more),
        cmocka_unit_test(a_flow_loads_its_way_and_nothing_else),
        cmocka_unit_test(the_slowest_share_decides),
        cmocka_unit_test(tasks_and_flows_share_alike),
        cmocka_unit_test(copies_load_their_way_for_a_window),
        cmocka_unit_test(flows_slow_accesses_before_anything_is_full),
        cmocka_unit_test(with_curves_a_full_controller_is_shared_alike),
        cmocka_unit_test(a_model_without_load_gives_all_that_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
