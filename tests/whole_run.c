/*
 * whole_run TOPOLOGY WORKLOAD POLICY TIME [all] [PARAMETER=VALUE...]: simulates TIME of a workload
 * and prints what it cost in CPU time: "SWITCHES switches CPU_NS ns EVENTS events". With `all` that
 * is the whole run; else, as in the yardstick minisim, the cheapest by switch of five windows of
 * equal length after a warm-up of the same: noise only ever adds, and first touches are over. A
 * policy "ext:models/..." is a file of the sources.
 * For `numasim bench`; built twice, with the probe and with NUMASIM_NO_PROBE.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "config/load.h"
#include "config/policy_yaml.h"
#include "config/workload_yaml.h"
#include "run/simulation.h"

static uint64_t
cpu_time(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int
fail(const struct diag *d, const char *why)
{
    g_autofree char *text = diag_text(d);

    fprintf(stderr, "%s%s\n", text, why != NULL ? why : "");
    return 1;
}

static const char *
find_policy(const char *name, struct arena *a)
{
    const char *file = g_str_has_prefix(name, "ext:models/") ? name + strlen("ext:") : NULL;

    return file == NULL ? name : arena_printf(a, "ext:%s/%s", SOURCE_DIR, file);
}

struct cost {
    uint64_t switches, ns, events;
};

/* What it costs to go on to `until`. */
static struct cost
cost_until(struct simulation *s, sim_time until)
{
    const struct kernel *k = s->kernel;
    struct cost c = { k->stats.context_switches, cpu_time(), k->engine.nr_events };

    simulation_run(s, until);
    return (struct cost){ k->stats.context_switches - c.switches, cpu_time() - c.ns,
                          k->engine.nr_events - c.events };
}

static bool
is_cheaper(const struct cost *a, const struct cost *b)
{
    return (double)a->ns * (double)b->switches < (double)b->ns * (double)a->switches;
}

static struct cost
cheapest_window(struct simulation *s, sim_time until)
{
    enum { NR_WINDOWS = 6 }; /* with the warm-up */
    struct cost best = { 0 };

    for (unsigned i = 1; i <= NR_WINDOWS; i++) {
        struct cost c = cost_until(s, i < NR_WINDOWS ? until / NR_WINDOWS * i : SIM_NEVER);

        if (i == 2 || (i > 2 && is_cheaper(&c, &best)))
            best = c;
    }
    return best;
}

int
main(int argc, char **argv)
{
    struct arena *a = arena_new();
    struct run_spec spec = { .seed = 1 };
    struct diag d;
    char why[128] = "";
    const char *reason = NULL;

    diag_init(&d);
    bool all = argc > 5 && strcmp(argv[5], "all") == 0;
    if (argc < 5 || !parse_quantity(FIELD_TIME, argv[4], &spec.until, why, sizeof(why)) ||
        !load_policy(find_policy(argv[3], a), a, &spec.policy, &d))
        return fail(&d, why);
    spec.machine = load_machine(argv[1], a, &d);
    spec.workload = load_workload(argv[2], (const char *const *)argv + 5 + all, a, &d);
    if (spec.machine == NULL || spec.workload == NULL)
        return fail(&d, NULL);
    struct simulation *s = simulation_new(a, &spec, &reason);
    if (s == NULL)
        return fail(&d, reason);
    struct cost c = all ? cost_until(s, SIM_NEVER) : cheapest_window(s, spec.until);
    printf("%" PRIu64 " switches %" PRIu64 " ns %" PRIu64 " events\n", c.switches, c.ns, c.events);
    arena_free(a);
    diag_clear(&d);
    return 0;
}
