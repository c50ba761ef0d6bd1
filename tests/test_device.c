/* layer: models */
#include "memory_kit.h"

#include "kernel/device.h"
#include "kernel/hotplug.h"
#include "models/memory/models.h"

#define GB UINT64_C(1000000000)
#define MB UINT64_C(1000000)

enum { MOST = 64 };

/* A task that gives its operations at their times and waits for all of them. */
struct giver {
    struct {
        sim_time at;
        struct device_request rq;
    } ops[MOST];
    uint32_t nr, given, nr_done;
    sim_time done_at[MOST]; /* by completion */
    int cpu[MOST];
    bool waits;
};

struct world {
    struct fixture f;
    struct machine_device spec;
    struct giver giver;
    struct task *task;
    int woken_from;
};

static void
op_done(struct kernel *k, void *owner, struct task *p, int cpu)
{
    struct giver *g = owner;

    g->done_at[g->nr_done] = kernel_now(k);
    g->cpu[g->nr_done++] = cpu;
    if (g->waits && g->nr_done == g->nr)
        task_wake_irq(k, p, cpu);
}

static struct action
giver_next(struct kernel *k, struct task *p)
{
    struct giver *g = p->prog;

    for (; g->given < g->nr && g->ops[g->given].at <= kernel_now(k); g->given++) {
        g->ops[g->given].rq.task = p;
        assert_null(device_submit(k, 0, &g->ops[g->given].rq));
    }
    if (g->given < g->nr)
        return (struct action){ .kind = ACTION_SLEEP, .until = g->ops[g->given].at };
    g->waits = g->nr_done < g->nr;
    return (struct action){ .kind = g->waits ? ACTION_BLOCK : ACTION_EXIT, .io = true };
}

static const struct task_ops giver_ops = { .next = giver_next };

/* Two nodes with two CPUs each, bandwidths of 100 GB/s everywhere, no costs; the task on CPU 0. */
static void
open_world(struct world *w, const struct machine_device *spec)
{
    struct kernel_limits limits = { .max_tasks = 8, .nr_devices = 1, .nr_hotplug = 4 };
    struct kernel_params kp;
    char why[256];

    *w = (struct world){ .spec = *spec, .woken_from = -1 };
    w->spec.name = "dev";
    w->spec.nr_queues = SIM_MAX(w->spec.nr_queues, 1u);
    w->spec.parallel = SIM_MAX(w->spec.parallel, w->spec.nr_queues);
    w->spec.bandwidth = spec->bandwidth > 0 ? spec->bandwidth : GB;
    w->f.arena = arena_new();
    w->f.machine = fixture_machine(w->f.arena, 2, 2, 1, 20);
    for (uint32_t n = 0; n < 2; n++) {
        w->f.machine->nodes[n].bandwidth = 100 * GB;
        w->f.machine->nodes[n].write_derate_ppm = 0;
        w->f.machine->links[n].bandwidth = 100 * GB;
    }
    kernel_params_init(&kp, w->f.arena);
    assert_true(kernel_params_set(&kp, "noise", "off", w->f.arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 1000 * GB;
    w->f.k = kernel_new(w->f.arena, w->f.machine, &kp, 1, &limits, &memory_loaded);
    w->f.process = process_new(w->f.k, "test", NULL);
    devices_init(w->f.k, (const struct machine_device *[]){ &w->spec }, 1);
    w->task = task_new(w->f.k, w->f.process,
                       &(struct task_attr){ .name = "giver",
                                            .ops = &giver_ops,
                                            .prog = &w->giver,
                                            .allowed = fixture_cpus(&w->f, "0") });
}

static struct device_request *
give(struct world *w, sim_time at, uint64_t in, uint64_t service, uint64_t out)
{
    struct giver *g = &w->giver;

    g->ops[g->nr].at = at;
    g->ops[g->nr].rq = (struct device_request){
        .bytes_in = in,
        .bytes_out = out,
        .service = service,
        .queue = -1,
        .done = op_done,
        .owner = g,
    };
    return &g->ops[g->nr++].rq;
}

static void
run(struct world *w)
{
    task_start(w->f.k, w->task, NULL);
    fixture_run(&w->f, SEC(1000));
    assert_int_equal(w->task->state, TASK_DEAD);
    assert_int_equal(w->giver.nr_done, w->giver.nr);
    assert_int_equal(device_in_flight(w->f.k, 0), 0);
}

/* ---- service ---- */

/* One server: 3 operations of 100 us at once wait 0, 100 and 200 us; two servers: 0, 0 and 100. */
static void
operations_queue_for_servers_in_order(void **state)
{
    struct world w;

    (void)state;
    for (uint32_t servers = 1; servers <= 2; servers++) {
        open_world(&w, &(struct machine_device){ .parallel = servers });
        for (int i = 0; i < 3; i++)
            give(&w, 0, 0, USEC(100), 0);
        run(&w);
        const struct device_stats *s = device_stats(w.f.k, 0);
        assert_int_equal(w.giver.done_at[0], USEC(100));
        assert_int_equal(w.giver.done_at[1], servers == 1 ? USEC(200) : USEC(100));
        assert_int_equal(w.giver.done_at[2], servers == 1 ? USEC(300) : USEC(200));
        assert_int_equal(s->queue_ns, servers == 1 ? USEC(300) : USEC(100));
        assert_int_equal(s->service_ns, USEC(300));
        assert_int_equal(s->busy_ns, servers == 1 ? USEC(300) : USEC(200));
        assert_int_equal(s->operations, 3);
        assert_int_equal(s->latency.max, w.giver.done_at[2]);
        fixture_close(&w.f);
    }
}

/* Arrivals by Poisson, a fixed service time: the mean wait of M/D/1 is rho D / (2 (1 - rho)). */
struct poisson {
    struct rng rng;
    uint32_t left, in_flight;
    bool waits;
};

static void
poisson_done(struct kernel *k, void *owner, struct task *p, int cpu)
{
    struct poisson *g = owner;

    if (--g->in_flight == 0 && g->waits)
        task_wake_irq(k, p, cpu);
}

static struct action
poisson_next(struct kernel *k, struct task *p)
{
    struct poisson *g = p->prog;
    struct device_request rq = { .task = p, .service = USEC(100), .queue = -1 };

    rq.done = poisson_done;
    rq.owner = g;
    if (g->left > 0) {
        g->left--;
        g->in_flight++;
        assert_null(device_submit(k, 0, &rq));
        return (struct action){ .kind = ACTION_SLEEP,
                                .until = kernel_now(k) + rng_exponential(&g->rng, USEC(125)) };
    }
    g->waits = g->in_flight > 0;
    return (struct action){ .kind = g->waits ? ACTION_BLOCK : ACTION_EXIT };
}

static const struct task_ops poisson_ops = { .next = poisson_next };

static void
the_wait_is_that_of_m_d_1(void **state)
{
    enum { OPERATIONS = 200000 };
    struct world w;
    struct poisson g = { .left = OPERATIONS };

    (void)state;
    open_world(&w, &(struct machine_device){ .parallel = 1 });
    rng_init(&g.rng, 7, "test", 0);
    w.task->ops = &poisson_ops;
    w.task->prog = &g;
    task_start(w.f.k, w.task, NULL);
    engine_run(&w.f.k->engine, SEC(1000));
    kernel_settle(w.f.k);
    double rho = 0.8, wait = (double)device_stats(w.f.k, 0)->queue_ns / OPERATIONS;
    double expected = rho * 100000 / (2 * (1 - rho)); /* 200 us */
    assert_true(wait > 0.96 * expected && wait < 1.04 * expected);
    assert_int_equal(device_stats(w.f.k, 0)->service_ns, (uint64_t)OPERATIONS * USEC(100));
    fixture_close(&w.f);
}

/* ---- transfers ---- */

/* 1 GB/s each way: 1 MB in 1 ms. In one after the other; service meanwhile; out the other way. */
static void
bytes_go_one_after_the_other(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, &(struct machine_device){ .parallel = 1 });
    give(&w, 0, MB, MSEC(3), MB / 2);   /* in 0-1, 1-4, out 4-4.5 */
    give(&w, 0, 2 * MB, MSEC(1), MB);   /* in 1-3, waits to 4, 4-5, out 5-6 */
    give(&w, MSEC(5), MB, MSEC(1), MB); /* in 5-6, 6-7, out 7-8 */
    run(&w);
    assert_int_equal(w.giver.done_at[0], USEC(4500));
    assert_int_equal(w.giver.done_at[1], MSEC(6));
    assert_int_equal(w.giver.done_at[2], MSEC(8));
    const struct device_stats *s = device_stats(w.f.k, 0);
    assert_int_equal(s->bytes_in, 4 * MB);
    assert_int_equal(s->bytes_out, 2 * MB + MB / 2);
    assert_int_equal(s->queue_ns, MSEC(1));
    assert_int_equal(s->busy_ns, MSEC(8));
    fixture_close(&w.f);
}

/* 3 : 1 from nodes 0 and 1 to a device at node 1; to the byte. */
static void
traffic_is_that_of_the_memory(void **state)
{
    struct world w;
    uint64_t *t;

    (void)state;
    open_world(&w, &(struct machine_device){ .parallel = 1, .node = 1 });
    struct device_request *rq = give(&w, 0, 1000003, 0, 1001);
    rq->nodes = NODE_BIT(0) | NODE_BIT(1);
    rq->share_q16[0] = 49152;
    rq->share_q16[1] = 16384;
    run(&w);
    t = w.f.k->traffic;
    assert_int_equal(t[0 * 2 + 1], 750002); /* in, from node 0 */
    assert_int_equal(t[1 * 2 + 0], 750);    /* out, to node 0 */
    assert_int_equal(t[1 * 2 + 1], 250001 + 251);
    assert_int_equal(w.f.k->stats.remote_bytes, 750752);
    assert_int_equal(w.f.process->stats.remote_bytes, 750752);
    fixture_close(&w.f);
}

/* The device could take 4 GB/s, the controller has 1: 1 MB in 1 ms. */
static void
a_full_controller_slows_transfers(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, &(struct machine_device){ .parallel = 1, .bandwidth = 4 * GB });
    w.f.machine->nodes[0].bandwidth = GB;
    w.f.k->memory->init(w.f.k);
    give(&w, 0, MB, 0, 0);
    run(&w);
    assert_in_range(w.giver.done_at[0], MSEC(1) - 20, MSEC(1) + 20);
    fixture_close(&w.f);
}

/* 1 GB of its own: the second operation's 600 MB come when the first one's are gone. */
static void
own_memory_is_shared_by_operations(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, &(struct machine_device){ .parallel = 2, .mem_bytes = GB });
    give(&w, 0, 500 * MB, MSEC(200), 100 * MB); /* 0-500, 700, 800 */
    give(&w, 0, 600 * MB, MSEC(10), 0);         /* 800-1400, 1410 */
    give(&w, 0, 100 * MB, MSEC(10), 0);         /* behind it: 1500, 1510 */
    run(&w);
    assert_int_equal(w.giver.done_at[0], MSEC(800));
    assert_int_equal(w.giver.done_at[1], MSEC(1410));
    assert_int_equal(w.giver.done_at[2], MSEC(1510));
    struct device_request rq = { .task = w.task, .bytes_in = 600 * MB, .bytes_out = 401 * MB };
    assert_string_equal(device_submit(w.f.k, 0, &rq), "has more bytes than the device has memory");
    fixture_close(&w.f);
}

/* ---- interrupts ---- */

static void
see_waking(void *priv, struct kernel *k, struct task *p, int waker_cpu, bool by_task)
{
    struct world *w = priv;

    (void)k, (void)p;
    w->woken_from = by_task ? -2 : waker_cpu;
}

/* Three completions at once, on queues of CPUs 2, 3 and 2: those of one CPU are served in order,
 * 1 us each and 4 us of softirq; the task is woken from the last one's CPU. */
static void
interrupts_take_time_on_their_cpu(void **state)
{
    struct world w;
    struct observer look = { .priv = &w, .task_waking = see_waking };

    (void)state;
    open_world(&w, &(struct machine_device){ .nr_queues = 3, .node = 1 });
    w.f.k->params.cost.interrupt = USEC(1);
    kernel_observe(w.f.k, &look);
    for (int i = 0; i < 3; i++) {
        struct device_request *rq = give(&w, 0, 0, USEC(100), 0);
        rq->queue = i;
        rq->cost = USEC(4);
    }
    run(&w);
    const struct rq *two = &w.f.k->rqs[2], *three = &w.f.k->rqs[3];
    assert_int_equal(two->kernel_ns[CHARGE_IRQ], USEC(2));
    assert_int_equal(two->kernel_ns[CHARGE_SOFTIRQ], USEC(8));
    assert_int_equal(three->kernel_ns[CHARGE_IRQ], USEC(1));
    assert_int_equal(three->kernel_ns[CHARGE_SOFTIRQ], USEC(4));
    assert_int_equal(w.giver.done_at[0], USEC(105));
    assert_int_equal(w.giver.done_at[1], USEC(105));
    assert_int_equal(w.giver.done_at[2], USEC(110));
    assert_int_equal(w.giver.cpu[0], 2);
    assert_int_equal(w.giver.cpu[1], 3);
    assert_int_equal(w.woken_from, 2);
    assert_int_equal(w.task->stats.sleep_ns, USEC(110));
    fixture_close(&w.f);
}

/* The time is stolen from what runs there. */
static void
whoever_runs_there_is_held_up(void **state)
{
    static const struct action work[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                          { .kind = ACTION_EXIT } };
    struct world w;

    (void)state;
    open_world(&w, &(struct machine_device){ .irq_cpus = NULL, .node = 1 });
    w.f.k->params.cost.interrupt = USEC(3);
    struct task *other = fixture_task(&w.f, "other", 0, work, ARRAY_LEN(work));
    task_set_affinity(w.f.k, other, fixture_cpus(&w.f, "2"));
    task_start(w.f.k, other, NULL);
    give(&w, 0, 0, USEC(100), 0)->cost = USEC(7);
    run(&w);
    assert_int_equal(other->exited_at, MSEC(1) + USEC(10));
    fixture_close(&w.f);
}

static void
queues_follow_the_cpus_that_take_interrupts(void **state)
{
    struct world w;
    struct machine_device spec = { .nr_queues = 2, .node = 0 };

    (void)state;
    open_world(&w, &spec); /* CPUs 0 and 1, the node's, take them */
    for (int cpu = 0; cpu < 4; cpu++)
        assert_int_equal(device_queue_of(w.f.k, 0, cpu), cpu % 2);
    spec.irq_cpus = cpumask_clone(w.f.arena, fixture_cpus(&w.f, "1,2-3"));
    spec.nr_queues = 3;
    struct world v;
    open_world(&v, &spec);
    assert_int_equal(device_queue_of(v.f.k, 0, 0), 0); /* node 0 has CPU 1's alone */
    for (int cpu = 1; cpu < 4; cpu++) {
        assert_int_equal(device_queue_of(v.f.k, 0, cpu), cpu - 1);
        assert_int_equal(device_irq_cpu(v.f.k, 0, (uint32_t)cpu - 1), cpu);
    }
    fixture_close(&v.f);
    fixture_close(&w.f);
}

static void
an_offline_cpu_hands_its_interrupts_on(void **state)
{
    struct world w;
    struct machine_device spec = { .nr_queues = 2, .node = 1 };

    (void)state;
    open_world(&w, &spec);
    assert_int_equal(device_irq_cpu(w.f.k, 0, 0), 2);
    hotplug_now(w.f.k, fixture_cpus(&w.f, "2"), false);
    assert_int_equal(device_irq_cpu(w.f.k, 0, 0), 3); /* the device's other one */
    hotplug_now(w.f.k, fixture_cpus(&w.f, "3"), false);
    assert_int_equal(device_irq_cpu(w.f.k, 0, 0), 0); /* any */
    hotplug_now(w.f.k, fixture_cpus(&w.f, "2"), true);
    assert_int_equal(device_irq_cpu(w.f.k, 0, 1), 2);
    give(&w, 0, 0, USEC(10), 0)->queue = 1;
    run(&w);
    assert_int_equal(w.giver.cpu[0], 2);
    fixture_close(&w.f);
}

/* What is under way when the warm-up ends counts from then on. */
static void
the_books_begin_anew_after_the_warm_up(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, &(struct machine_device){ .parallel = 1 });
    give(&w, 0, 4 * MB, MSEC(2), 0);
    task_start(w.f.k, w.task, NULL);
    fixture_run(&w.f, MSEC(3));
    kernel_reset_stats(w.f.k);
    fixture_run(&w.f, SEC(1));
    assert_int_equal(w.f.k->traffic[0], MB);
    assert_int_equal(device_stats(w.f.k, 0)->busy_ns, MSEC(3));
    assert_int_equal(device_stats(w.f.k, 0)->service_ns, MSEC(2));
    fixture_close(&w.f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_queue_for_servers_in_order),
        cmocka_unit_test(the_wait_is_that_of_m_d_1),
        cmocka_unit_test(bytes_go_one_after_the_other),
        cmocka_unit_test(traffic_is_that_of_the_memory),
        cmocka_unit_test(a_full_controller_slows_transfers),
        cmocka_unit_test(own_memory_is_shared_by_operations),
        cmocka_unit_test(interrupts_take_time_on_their_cpu),
        cmocka_unit_test(whoever_runs_there_is_held_up),
        cmocka_unit_test(queues_follow_the_cpus_that_take_interrupts),
        cmocka_unit_test(an_offline_cpu_hands_its_interrupts_on),
        cmocka_unit_test(the_books_begin_anew_after_the_warm_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
