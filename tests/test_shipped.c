/* layer: config */
/*
 * Shipped workloads against what is known of them (workloads.md): each has a law that holds on any
 * machine.
 */
#include <glib.h>

#include "config/workload_yaml.h"
#include "sim_fixture.h"
#include "workload/run.h"

struct run {
    struct arena *arena;
    struct machine *machine;
    struct kernel *k;
    struct workload_run *r;
    struct process *process; /* the only one */
};

/* Settings are "name=value", the last one NULL. Runs to its end or to `until`. */
static void
run_shipped(struct run *x, const char *name, uint32_t cores, sim_time until,
            const char *const *settings)
{
    g_autofree char *path = g_strdup_printf(SOURCE_DIR "/workloads/%s.yaml", name);
    g_autofree char *text = NULL;
    struct kernel_params kp;
    struct kernel_limits limits = { 0 };
    struct diag d;
    gsize len;
    const char *why;

    assert_true(g_file_get_contents(path, &text, &len, NULL));
    x->arena = arena_new();
    x->machine = fixture_machine(x->arena, 1, cores, 1, 20);
    diag_init(&d);
    struct workload *w = workload_yaml_load(path, text, len, settings, x->arena, &d);
    g_autofree char *messages = diag_text(&d);
    diag_clear(&d);
    assert_string_equal(messages, "");
    why = workload_limits(w, x->machine, &limits);
    assert_null(why);
    kernel_params_init(&kp, x->arena);
    x->k = kernel_new(x->arena, x->machine, &kp, 1, &limits, &fixture_memory);
    x->r = workload_build(x->k, w, &why);
    assert_non_null(x->r);
    workload_start(x->r);
    engine_run(&x->k->engine, until);
    kernel_settle(x->k);
    assert_null(x->k->error);
    x->process = x->k->processes[0];
}

static uint64_t
work_of(const struct run *x)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < x->k->nr_tasks; i++)
        n += x->k->tasks[i]->stats.work_done;
    return n;
}

static uint64_t
cpu_time_of(const struct run *x)
{
    uint64_t ns = 0;

    for (uint32_t i = 0; i < x->k->nr_tasks; i++)
        ns += x->k->tasks[i]->stats.run_ns;
    return ns;
}

/* ---- schbench ---- */

/* A worker a CPU: requests take their two sleeps and their work, and no CPU rests for long. */
static void
schbench_with_a_worker_a_cpu_wakes_at_once_and_loses_nothing(void **state)
{
    (void)state;
    struct run x;
    const struct histogram *request, *wakeup;

    run_shipped(&x, "schbench", 4, SEC(5), NULL);
    request = &x.process->stats.request;
    wakeup = &x.process->stats.wakeup;
    assert_in_range(histogram_percentile(request, 5000), USEC(16700), USEC(16900));
    assert_in_range(histogram_percentile(request, 9900), USEC(16700), USEC(17200));
    assert_in_range(work_of(&x), SEC(5) * 4 * 97 / 100 / USEC(16700), SEC(5) * 4 / USEC(16700));
    assert_true(histogram_percentile(wakeup, 9900) < USEC(20));
    arena_free(x.arena);
}

/* Twice the workers: whoever is preempted has its CPU's lock, and the next one spins for it. */
static void
schbench_overloaded_pays_for_every_preemption(void **state)
{
    (void)state;
    static const char *const more[] = { "workers=2 * cpus", NULL };
    struct run x;

    run_shipped(&x, "schbench", 4, SEC(5), more);
    assert_in_range(work_of(&x), SEC(5) * 4 * 40 / 100 / USEC(16700),
                    SEC(5) * 4 * 95 / 100 / USEC(16700));
    assert_true(histogram_percentile(&x.process->stats.request, 9900) > USEC(25000));
    assert_in_range(cpu_time_of(&x), SEC(5) * 4 * 98 / 100, SEC(5) * 4);
    arena_free(x.arena);
}

/* ---- sysbench ---- */

static void
sysbench_threads_do_all_their_events_one_lock_at_a_time(void **state)
{
    (void)state;
    static const char *const one[] = { "locks=1", "threads=4", "events=2", NULL };
    struct run x;

    run_shipped(&x, "sysbench-threads", 4, SIM_NEVER, one);
    assert_int_equal(work_of(&x), 8);
    /* a round holds the lock for 200 ns and a yield */
    assert_true(kernel_now(x.k) >= 8 * 1000 * 200);
    arena_free(x.arena);
}

static void
contention_on_one_mutex_costs_switches_and_spinning_saves_them(void **state)
{
    (void)state;
    static const char *const many[] = { "locks=3000", "threads=4", NULL };
    static const char *const one[] = { "locks=3000", "threads=4", "mutexes=1", "hold=1us", NULL };
    static const char *const spin[] = { "locks=3000", "threads=4",  "mutexes=1",
                                        "hold=1us",   "spin=100us", NULL };
    struct run free, blocked, spun;

    run_shipped(&free, "sysbench-mutex", 4, SIM_NEVER, many);
    run_shipped(&blocked, "sysbench-mutex", 4, SIM_NEVER, one);
    run_shipped(&spun, "sysbench-mutex", 4, SIM_NEVER, spin);
    assert_true(free.k->stats.context_switches < 100);
    assert_true(blocked.k->stats.context_switches > 1000);
    assert_true(spun.k->stats.context_switches < blocked.k->stats.context_switches / 10);
    assert_true(kernel_now(spun.k) >= 4 * 3000 * USEC(1)); /* they hold it in turn */
    arena_free(free.arena);
    arena_free(blocked.arena);
    arena_free(spun.arena);
}

/* ---- make ---- */

/* No schedule beats total work over CPUs or the longest job; none that leaves no CPU idle while
 * jobs wait is slower than both together. */
static void
make_takes_as_long_as_its_work_allows(void **state)
{
    (void)state;
    static const char *const settings[] = { "jobs=40", "at_once=4", "heap=1MiB", NULL };
    struct run x;
    uint64_t longest = 0;

    run_shipped(&x, "make", 4, SIM_NEVER, settings);
    assert_int_equal(work_of(&x), 41);
    for (uint32_t i = 0; i < x.k->nr_tasks; i++)
        longest = SIM_MAX(longest, x.k->tasks[i]->stats.run_ns);
    uint64_t share = (cpu_time_of(&x) - MSEC(200)) / 4, end = kernel_now(x.k) - MSEC(200);
    assert_true(end >= share && end >= longest);
    assert_true(end <= (share + longest) * 105 / 100);
    arena_free(x.arena);
}

/* ---- a closed loop ---- */

/* To the histogram's three digits. */
static double
mean_of(const struct histogram *h)
{
    double sum = 0;

    for (uint32_t slot = 0; slot < h->nr_slots; slot++)
        sum += (double)histogram_count(h, slot) * (double)histogram_slot_high(slot);
    return sum / (double)h->total;
}

/* Little's law for a loop: clients = rate x (response + thinking). */
static void
a_closed_loop_obeys_the_response_time_law(void **state)
{
    (void)state;
    static const char *const loads[] = { "clients=8", "clients=32", "clients=100" };

    for (guint i = 0; i < G_N_ELEMENTS(loads); i++) {
        const char *const settings[] = { loads[i], NULL };
        struct run x;

        run_shipped(&x, "server-closed", 4, SIM_NEVER, settings);
        const struct histogram *h = &x.process->stats.request;
        double rate = (double)work_of(&x) / (double)kernel_now(x.k);
        double clients = rate * (mean_of(h) + (double)MSEC(10));
        double expected = g_ascii_strtod(loads[i] + strlen("clients="), NULL);
        assert_int_equal(work_of(&x), 20000);
        if (clients < 0.98 * expected || clients > 1.02 * expected)
            fail_msg("%s: rate x (response + thinking) = %.3f", loads[i], clients);
        assert_true(rate <= 4.0 / (double)MSEC(1) * 1.03); /* what four CPUs can serve */
        arena_free(x.arena);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schbench_with_a_worker_a_cpu_wakes_at_once_and_loses_nothing),
        cmocka_unit_test(schbench_overloaded_pays_for_every_preemption),
        cmocka_unit_test(sysbench_threads_do_all_their_events_one_lock_at_a_time),
        cmocka_unit_test(contention_on_one_mutex_costs_switches_and_spinning_saves_them),
        cmocka_unit_test(make_takes_as_long_as_its_work_allows),
        cmocka_unit_test(a_closed_loop_obeys_the_response_time_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
