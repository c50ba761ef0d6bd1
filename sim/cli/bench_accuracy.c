/*
 * What it costs in accuracy that the memory model does not look at every change.
 *
 * Runs stop at instants that have nothing to do with their events. At each, the rate that every
 * CPU has is compared with the one that it would have if all were solved anew for what runs just
 * then, to 1e-5 (predict()). The error of a rate is the error of the speed at which a task gets on.
 */
#include <gio/gio.h>

#include "cli/bench_accuracy.h"

#include "config/load.h"
#include "config/policy_yaml.h"
#include "config/workload_yaml.h"
#include "kernel/mm.h"
#include "run/simulation.h"

enum { LOOKS = 400 };

/* Tasks that switch each millisecond or two, from hardly any memory traffic to full controllers. */
static const struct accuracy_case {
    const char *topology, *mpki;
    uint64_t until;
    double goal; /* mean error, per cent */
} cases[] = {
    { "bench-8", "mpki=2", SEC(4), 0.1 },       { "bench-8", "mpki=100", SEC(4), 0.1 },
    { "bench-64", "mpki=2", MSEC(800), 0.1 },   { "bench-64", "mpki=20", MSEC(800), 0.5 },
    { "bench-512", "mpki=10", MSEC(200), 0.5 }, { "bench-512", "mpki=40", MSEC(200), 0.5 },
};

struct errors {
    double sum, worst, rates;
};

/* Those who run now, each as a group of its own. */
static guint
collect(struct kernel *k, struct mem_guess *guesses, struct rq **of)
{
    guint nr = 0;

    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++) {
        struct rq *rq = &k->rqs[cpu];
        struct task *p = rq->curr;

        if (p == NULL || !p->in_burst || p->profile == NULL || p->profile->misses_q20 == 0 ||
            rq->awaits_rate || p->mem->mix_node != rq->node)
            continue;
        guesses[nr] = (struct mem_guess){ .node = rq->node, .nr = 1, .mix = p->mem->mix };
        of[nr++] = rq;
    }
    return nr;
}

static void
look(struct kernel *k, struct mem_guess *guesses, struct rq **of, struct errors *e)
{
    guint nr = collect(k, guesses, of);

    k->memory->predict(k, guesses, nr);
    for (guint i = 0; i < nr; i++) {
        double error = guesses[i].tau * of[i]->rate / of[i]->speed - 1;

        error = 100 * ABS(error);
        e->sum += error;
        e->worst = MAX(e->worst, error);
    }
    e->rates += nr;
}

static struct simulation *
build(const struct accuracy_case *c, struct arena *a, struct run_spec *spec)
{
    const char *settings[] = { c->mpki, NULL }, *why;
    char *reason = NULL;
    struct simulation *s = NULL;
    struct diag d;

    diag_init(&d);
    *spec = (struct run_spec){ .seed = 1, .until = c->until };
    spec->machine = load_machine(c->topology, a, &d);
    spec->workload = load_workload("bench-mix", settings, a, &d);
    if (spec->machine != NULL && spec->workload != NULL &&
        policy_preset("topology", a, &spec->policy, &reason))
        s = simulation_new(a, spec, &why);
    g_free(reason);
    diag_clear(&d);
    return s;
}

/* False: the machine or the workload is not here. */
static bool
measure_case(const struct accuracy_case *c, struct errors *e)
{
    struct arena *a = arena_new();
    struct run_spec spec;
    struct simulation *s = build(c, a, &spec);
    bool built = s != NULL;

    for (uint64_t i = 1; built && i < LOOKS; i++) {
        uint32_t nr_cpus = spec.machine->nr_cpus;
        g_autofree struct mem_guess *guesses = g_new(struct mem_guess, nr_cpus);
        g_autofree struct rq **of = g_new(struct rq *, nr_cpus);

        simulation_run(s, c->until / LOOKS * i + i * 37 % 1000);
        look(s->kernel, guesses, of, e);
    }
    arena_free(a);
    return built;
}

static void
add_row(GArray *rows, const char *what, double value, double goal, bool built)
{
    struct bench_row row = { .id = "A1", .what = what, .value = value, .goal = goal };

    row.at_most = true;
    if (!built)
        g_strlcpy(row.missing, "shipped topologies and workloads are not here",
                  sizeof(row.missing));
    g_array_append_val(rows, row);
}

GArray *
bench_accuracy(void)
{
    static char text[2 * G_N_ELEMENTS(cases)][64];
    GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct bench_row));

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct accuracy_case *c = &cases[i];
        struct errors e = { .sum = 0 };
        bool built = measure_case(c, &e);

        g_snprintf(text[2 * i], sizeof(text[0]), "rate: mean error, %%: %s, %s", c->topology,
                   c->mpki);
        g_snprintf(text[2 * i + 1], sizeof(text[0]), "rate: worst of all looks, %%");
        add_row(rows, text[2 * i], e.rates > 0 ? e.sum / e.rates : 0, c->goal, built);
        add_row(rows, text[2 * i + 1], e.worst, 0, built);
    }
    return rows;
}
