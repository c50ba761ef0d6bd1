/*
 * The parts of the virtual memory latency checker: which tasks are needed for which figure.
 *
 *   idle latency   one task on a CPU of the row chases through memory of the column
 *   bandwidths     all CPUs of the row stream from the column; nobody else runs
 *   peak           all CPUs stream from their own node, by read-write mix
 *   loaded latency a task chases on the first core, one thread of each other core streams from its
 *                  own node, with a delay between groups of lines: one row for each delay. Its
 *                  bandwidth is that of all tasks, the chasing one included
 */
#include <math.h>

#include "cli/mlc.h"
#include "cli/run_one.h"

const guint mlc_delays[] = { 0,   2,    8,    15,   50,   100,  200,  300,  400,  500,
                             700, 1000, 1300, 1700, 2500, 3500, 5000, 9000, 20000 };
const guint mlc_nr_delays = G_N_ELEMENTS(mlc_delays);

/* The model knows no stores that pass the caches by: two streams read and one written are 2:1. */
const struct mlc_mix mlc_mixes[] = {
    { "ALL Reads        ", 0 }, { "3:1 Reads-Writes ", 1.0 / 3 }, { "2:1 Reads-Writes ", 0.5 },
    { "1:1 Reads-Writes ", 1 }, { "Stream-triad like", 0.5 },
};
const guint mlc_nr_mixes = G_N_ELEMENTS(mlc_mixes);

struct progress {
    guint done, all;
};

static bool
step(struct progress *p)
{
    progress_show("mlc", p->done++ / (double)MAX(p->all, 1));
    return !interrupted();
}

int
mlc_first_cpu(const struct mlc *mlc, uint32_t node)
{
    for_each_cpu (cpu, mlc->machine->nodes[node].cpus)
        if (cpumask_test(mlc->machine->online, cpu))
            return cpu;
    return -1;
}

static bool
has_memory(const struct machine *m, uint32_t node)
{
    return m->nodes[node].online && m->nodes[node].mem_bytes > 0;
}

int
mlc_own_memory(const struct mlc *mlc, uint32_t node)
{
    const struct machine *m = mlc->machine;
    int best = -1;

    if (has_memory(m, node))
        return (int)node;
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        if (has_memory(m, n) &&
            (best < 0 || machine_distance(m, node, n) < machine_distance(m, node, (uint32_t)best)))
            best = (int)n;
    return best;
}

/* Threads of the CPU's core; *first: it is the first of them. */
static uint32_t
threads_of_core(const struct machine *m, int cpu, bool *first)
{
    uint32_t nr = 0;

    *first = false;
    for_each_cpu (c, m->online)
        if (m->cpus[c].core == m->cpus[cpu].core)
            *first |= nr++ == 0 && c == cpu;
    return nr;
}

static void
add_chase(GArray *tasks, int cpu, uint32_t node)
{
    struct mlc_task t = { .cpu = cpu, .node = node, .chase = true, .in_flight = 1 };

    t.line_ps = MLC_CHASE_LINE_PS;
    g_array_append_val(tasks, t);
}

/* How cores stream. */
struct streams {
    int spare;       /* not on the core of this CPU; -1: on all */
    bool one_a_core; /* on the first thread of each core, else on all */
    double written;
    uint64_t wait_ps; /* of a core between two lines */
};

static void
add_streams(const struct mlc *mlc, GArray *tasks, uint32_t from, uint32_t to,
            const struct streams *s)
{
    const struct machine *m = mlc->machine;

    for_each_cpu (cpu, m->nodes[from].cpus) {
        bool first;
        uint32_t threads = threads_of_core(m, cpu, &first);

        if (!cpumask_test(m->online, cpu) || (s->one_a_core && !first) ||
            (s->spare >= 0 && m->cpus[cpu].core == m->cpus[s->spare].core))
            continue;
        struct mlc_task t = {
            .cpu = cpu,
            .node = to,
            .in_flight = s->one_a_core ? mlc->in_flight : MAX(mlc->in_flight / threads, 1),
            .written = s->written,
            .line_ps = MLC_STREAM_LINE_PS + s->wait_ps,
        };
        g_array_append_val(tasks, t);
    }
}

/* All nodes that take part, or the one that was asked for. */
static void
add_machine(const struct mlc *mlc, GArray *tasks, const struct streams *s)
{
    for (uint32_t n = 0; n < mlc->machine->nr_nodes; n++) {
        int memory = mlc->to >= 0 ? mlc->to : mlc_own_memory(mlc, n);

        if (memory >= 0 && (mlc->from < 0 || mlc->from == (int)n))
            add_streams(mlc, tasks, n, (uint32_t)memory, s);
    }
}

static GArray *
new_tasks(void)
{
    return g_array_new(FALSE, TRUE, sizeof(struct mlc_task));
}

/* ---- the parts ---- */

static bool
measure_pair(struct mlc *mlc, uint32_t i, uint32_t j, bool latency, double *out)
{
    g_autoptr(GArray) tasks = new_tasks();
    struct mlc_reading reading;
    int cpu = mlc_first_cpu(mlc, i);

    *out = NAN;
    if (cpu < 0 || !has_memory(mlc->machine, j))
        return true;
    if (latency)
        add_chase(tasks, cpu, j);
    else
        add_streams(mlc, tasks, i, j, &(struct streams){ .spare = -1 });
    if (!mlc_measure(mlc, tasks, &reading))
        return false;
    *out = latency ? reading.latency_ns : reading.bytes_per_s;
    return true;
}

static bool
measure_matrix(struct mlc *mlc, bool latency, double **out, struct progress *p)
{
    uint32_t nr = mlc->machine->nr_nodes;

    *out = g_new0(double, nr *nr);
    for (uint32_t i = 0; i < nr; i++)
        for (uint32_t j = 0; j < nr; j++)
            if (!step(p) || !measure_pair(mlc, i, j, latency, &(*out)[i * nr + j]))
                return false;
    return true;
}

static bool
measure_peak(struct mlc *mlc, double **out, struct progress *p)
{
    *out = g_new0(double, mlc_nr_mixes);
    for (guint i = 0; i < mlc_nr_mixes; i++) {
        g_autoptr(GArray) tasks = new_tasks();
        struct streams s = { .spare = -1, .written = mlc_mixes[i].written };
        struct mlc_reading reading;

        add_machine(mlc, tasks, &s);
        if (!step(p) || !mlc_measure(mlc, tasks, &reading))
            return false;
        (*out)[i] = reading.bytes_per_s;
    }
    return true;
}

static int
first_node(const struct mlc *mlc)
{
    if (mlc->from >= 0)
        return mlc->from;
    for (uint32_t n = 0; n < mlc->machine->nr_nodes; n++)
        if (mlc_first_cpu(mlc, n) >= 0)
            return (int)n;
    return 0; /* a machine has CPUs */
}

static bool
measure_loaded(struct mlc *mlc, struct mlc_reading **out, struct progress *p)
{
    uint32_t node = (uint32_t)first_node(mlc);
    int cpu = mlc_first_cpu(mlc, node), to = mlc->to >= 0 ? mlc->to : mlc_own_memory(mlc, node);
    double hz = mlc->machine->freq_hz > 0 ? (double)mlc->machine->freq_hz : 2.5e9;

    *out = g_new0(struct mlc_reading, mlc->delays->len);
    for (guint i = 0; i < mlc->delays->len; i++) {
        g_autoptr(GArray) tasks = new_tasks();
        double cycles = g_array_index(mlc->delays, guint, i);
        struct streams s = { .spare = cpu, .one_a_core = true };

        s.wait_ps = (uint64_t)(cycles * 1e12 / hz / MLC_LINES_PER_DELAY + 0.5);
        add_chase(tasks, cpu, (uint32_t)to);
        add_machine(mlc, tasks, &s);
        if (!step(p) || !mlc_measure(mlc, tasks, &(*out)[i]))
            return false;
    }
    return true;
}

bool
mlc_measure_parts(struct mlc *mlc, struct mlc_parts parts, struct mlc_results *out)
{
    guint pairs = mlc->machine->nr_nodes * mlc->machine->nr_nodes;
    bool all = !parts.latency && !parts.peak && !parts.bandwidth && !parts.loaded, done = true;

    *out = (struct mlc_results){ 0 };
    struct progress p = { .all = (all || parts.latency ? pairs : 0) +
                                 (all || parts.bandwidth ? pairs : 0) +
                                 (all || parts.peak ? mlc_nr_mixes : 0) +
                                 (all || parts.loaded ? mlc->delays->len : 0) };
    if (all || parts.latency)
        done = measure_matrix(mlc, true, &out->latency, &p);
    if (done && (all || parts.peak))
        done = measure_peak(mlc, &out->peak, &p);
    if (done && (all || parts.bandwidth))
        done = measure_matrix(mlc, false, &out->bandwidth, &p);
    if (done && (all || parts.loaded))
        done = measure_loaded(mlc, &out->loaded, &p);
    progress_show("", -1);
    return done;
}

void
mlc_results_clear(struct mlc_results *r)
{
    g_free(r->latency);
    g_free(r->bandwidth);
    g_free(r->peak);
    g_free(r->loaded);
}
