/*
 * One measurement: a workload of pinned tasks is written, built and run like any other.
 *
 * The memory of each task is bound to its node and is there before the run. After a warm-up, in
 * which the memory model settles and every task has been placed, the books are opened anew; at the
 * end of the window they say how many lines each task got. Latency is the CPU time of a chasing
 * task by its accesses, as a real checker would take it: 0.1 ns of computing for a line and the
 * ticks of the kernel are part of it.
 */
#include "cli/mlc.h"

#include "config/workload_yaml.h"
#include "run/simulation.h"

enum { BUFFER_MAX_MIB = 256, HUGE_MIB = 2 };
static const sim_time WARMUP = MSEC(10), WINDOW = MSEC(40);

/* How much memory a task of the node gets: much more than a cache holds, but half of the node will
 * do for all. */
static uint64_t
buffer_mib(const struct mlc *mlc, const GArray *tasks, uint32_t node)
{
    uint64_t nr = 0, mib;

    for (guint i = 0; i < tasks->len; i++)
        nr += g_array_index(tasks, struct mlc_task, i).node == node;
    mib = mlc->machine->nodes[node].mem_bytes / 2 / MAX(nr, 1) >> 20;
    mib -= mib % HUGE_MIB;
    return MIN(mib, BUFFER_MAX_MIB);
}

static void
add_task(const struct mlc *mlc, const struct mlc_task *t, uint64_t mib, GString *out)
{
    char flight[G_ASCII_DTOSTR_BUF_SIZE], written[G_ASCII_DTOSTR_BUF_SIZE];
    uint32_t node = mlc->machine->nodes[t->node].os_index;

    g_ascii_formatd(flight, sizeof(flight), "%.4f", t->in_flight);
    g_ascii_formatd(written, sizeof(written), "%.6f", t->written);
    g_string_append_printf(
        out,
        "      - name: c%d\n"
        "        affinity: {cpus: %d}\n"
        "        regions: [{name: b, size: %" G_GUINT64_FORMAT "MiB, page_size: 2MiB, "
        "policy: {mode: bind, nodes: %u}, initial: {mode: bind, nodes: %u}}]\n"
        "        program:\n"
        "          - loop: {count: forever, do: [stream: {region: b, pattern: %s, "
        "line: %" G_GUINT64_FORMAT "ps, mlp: %s, writes: %s}]}\n",
        t->cpu, t->cpu, mib, node, node, t->chase ? "chase" : "sequential", t->line_ps, flight,
        written);
}

static bool
fail(struct mlc *mlc, const char *text)
{
    mlc->failed = arena_strdup(mlc->machine->arena, text);
    return false;
}

static struct workload *
make_workload(struct mlc *mlc, const GArray *tasks, struct arena *a)
{
    g_autoptr(GString) text = g_string_new("version: 1\nname: mlc\nprocesses:\n"
                                           "  - name: mlc\n    threads:\n");
    struct workload *w;
    struct diag d;

    for (guint i = 0; i < tasks->len; i++) {
        const struct mlc_task *t = &g_array_index(tasks, struct mlc_task, i);
        uint64_t mib = buffer_mib(mlc, tasks, t->node);

        if (mib == 0) {
            g_autofree char *why =
                g_strdup_printf("node %u has too little memory to be measured; a task needs 4 MiB",
                                mlc->machine->nodes[t->node].os_index);
            fail(mlc, why);
            return NULL;
        }
        add_task(mlc, t, mib, text);
    }
    diag_init(&d);
    w = workload_yaml_load("mlc", text->str, text->len, NULL, a, &d);
    if (w == NULL) {
        g_autofree char *why = diag_text(&d);
        fail(mlc, why);
    }
    diag_clear(&d);
    return w;
}

/* The tasks of the kernel stand in the order of the workload. */
static void
read_books(const struct kernel *k, const GArray *tasks, struct mlc_reading *out)
{
    double chased_ns = 0, chased = 0, bytes = 0;

    for (guint i = 0; i < tasks->len; i++) {
        const struct mlc_task *t = &g_array_index(tasks, struct mlc_task, i);
        const struct task_stats *s = &k->tasks[i]->stats;
        double lines = (double)(s->accesses_local + s->accesses_remote);

        bytes += lines * (1 + t->written) * k->machine->cache.line_bytes;
        if (t->chase) {
            chased += lines;
            chased_ns += (double)s->run_ns;
        }
    }
    out->latency_ns = chased > 0 ? chased_ns / chased : 0;
    out->bytes_per_s = bytes * 1e9 / (double)WINDOW;
}

static bool
run(struct mlc *mlc, const GArray *tasks, struct arena *a, struct mlc_reading *out)
{
    const char *why = NULL;
    struct run_spec spec = {
        .machine = mlc->machine,
        .workload = make_workload(mlc, tasks, a),
        .policy = mlc->policy,
        .seed = 1,
        .until = WARMUP + WINDOW,
        .warmup = WARMUP,
    };

    if (spec.workload == NULL)
        return false;
    struct simulation *s = simulation_new(a, &spec, &why);
    if (s == NULL)
        return fail(mlc, why);
    if (simulation_run(s, SIM_NEVER) != SIMULATION_UNTIL)
        return fail(mlc, s->failure != NULL ? s->failure : "the measurement ended early");
    read_books(s->kernel, tasks, out);
    return true;
}

bool
mlc_measure(struct mlc *mlc, const GArray *tasks, struct mlc_reading *out)
{
    struct arena *a = arena_new();
    bool done = run(mlc, tasks, a, out);

    arena_free(a);
    return done;
}
