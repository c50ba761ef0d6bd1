/*
 * whole_run TOPOLOGY WORKLOAD POLICY TIME [all] [PARAMETER=VALUE...]: simulates TIME of a workload
 * and prints what it cost in CPU time: "SWITCHES switches CPU_NS ns EVENTS events". The first tenth
 * of the time is not counted, but with `all`. A policy "ext:models/..." is a file of the sources.
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
    if (!all)
        simulation_run(s, spec.until / 10);
    uint64_t began = cpu_time(), switches = s->kernel->stats.context_switches;
    uint64_t events = s->kernel->engine.nr_events;
    simulation_run(s, SIM_NEVER);
    printf("%" PRIu64 " switches %" PRIu64 " ns %" PRIu64 " events\n",
           s->kernel->stats.context_switches - switches, cpu_time() - began,
           s->kernel->engine.nr_events - events);
    arena_free(a);
    diag_clear(&d);
    return 0;
}
