/* numasim topo mlc: measures a machine from within, as Intel's Memory Latency Checker would. */
#include <math.h>

#include "cli/mlc.h"
#include "cli/options.h"
#include "cli/run_one.h"
#include "cli/topo.h"
#include "config/policy_yaml.h"

static const struct command page = {
    .name = "topo mlc",
    .arguments = "T",
    .summary = "Measures latencies and bandwidths of a machine inside the simulation.",
    .page =
        "Tasks that are pinned to CPUs, with memory bound to nodes, run under the scheduler and\n"
        "the memory model; what they got done is printed in the layout of Intel's Memory\n"
        "Latency Checker, never what the machine's file says. Without a choice of parts all\n"
        "are measured. With --from and --to the sweep and the mixes are of one node's CPUs\n"
        "and one node's memory; otherwise all CPUs use the memory of their own nodes.",
};

struct mlc_options {
    struct mlc_parts parts;
    gboolean csv;
    double in_flight;
    char *from, *to, *delays, *policy, *output;
    char **set;
};

static void
options_free(struct mlc_options *o)
{
    g_free(o->from);
    g_free(o->to);
    g_free(o->delays);
    g_free(o->policy);
    g_free(o->output);
    g_strfreev(o->set);
}

static bool
parse(struct mlc_options *o, int argc, char **argv, GStrv *rest, int *code)
{
    const GOptionEntry entries[] = {
        { "latency_matrix", 0, 0, G_OPTION_ARG_NONE, &o->parts.latency, "idle latencies", NULL },
        { "peak_injection_bandwidth", 0, 0, G_OPTION_ARG_NONE, &o->parts.peak,
          "bandwidth of the whole machine, by mix of reads and writes", NULL },
        { "bandwidth_matrix", 0, 0, G_OPTION_ARG_NONE, &o->parts.bandwidth,
          "bandwidths between nodes", NULL },
        { "loaded_latency", 0, 0, G_OPTION_ARG_NONE, &o->parts.loaded,
          "latency while all other cores load the memory, by inject delay", NULL },
        { "delays", 'd', 0, G_OPTION_ARG_STRING, &o->delays,
          "inject delays, cycles (default 0,2,8,15,50,100,...,20000)", "N,N,..." },
        { "from", 0, 0, G_OPTION_ARG_STRING, &o->from, "only the CPUs of this node load", "NODE" },
        { "to", 0, 0, G_OPTION_ARG_STRING, &o->to, "they use the memory of this node", "NODE" },
        { "in-flight", 0, 0, G_OPTION_ARG_DOUBLE, &o->in_flight,
          "cache lines that a streaming core has in flight (default: cpu.misses_in_flight)", "N" },
        { "policy", 'p', 0, G_OPTION_ARG_STRING, &o->policy, "policy (default topology)", "P" },
        { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->set,
          "a parameter of the kernel or memory.model", "KEY=VALUE" },
        { "csv", 0, 0, G_OPTION_ARG_NONE, &o->csv, "a row for each figure", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output, "write to FILE", "FILE" },
        { .long_name = NULL },
    };
    const GOptionEntry *tables[] = { entries, NULL };

    return cli_parse(&page, tables, argc, argv, rest, code);
}

/* ---- what is asked for, checked in one go ---- */

static int
node_of(const struct machine *m, const char *option, const char *text, struct diag *d)
{
    guint64 os;
    int node = -1;

    if (text == NULL)
        return -1;
    if (g_ascii_string_to_unsigned(text, 10, 0, UINT32_MAX, &os, NULL))
        node = machine_node_by_os(m, (uint32_t)os);
    if (node < 0)
        diag_error(d, NULL, 0, 0, option, "there is no node '%s' in %s", text, m->name);
    return node;
}

static void
check_nodes(const struct mlc *mlc, struct diag *d)
{
    const struct machine *m = mlc->machine;

    if (mlc->from >= 0 && mlc_first_cpu(mlc, (uint32_t)mlc->from) < 0)
        diag_error(d, NULL, 0, 0, "--from", "node %u has no CPUs", m->nodes[mlc->from].os_index);
    if (mlc->to >= 0 && mlc_own_memory(mlc, (uint32_t)mlc->to) != mlc->to)
        diag_error(d, NULL, 0, 0, "--to", "node %u has no memory", m->nodes[mlc->to].os_index);
}

static GArray *
delays_of(const char *text, struct diag *d)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(guint));
    g_auto(GStrv) words = text != NULL ? g_strsplit(text, ",", -1) : NULL;

    if (text == NULL)
        g_array_append_vals(out, mlc_delays, mlc_nr_delays);
    for (guint i = 0; words != NULL && words[i] != NULL; i++) {
        guint64 value;
        guint delay;

        if (!g_ascii_string_to_unsigned(g_strstrip(words[i]), 10, 0, 1000000, &value, NULL)) {
            diag_error(d, NULL, 0, 0, "--delays",
                       "'%s' is not a delay; write cycles from 0 to 1000000, as in 0,100,1000",
                       words[i]);
            continue;
        }
        delay = (guint)value;
        g_array_append_val(out, delay);
    }
    return out;
}

static void
load_policy_and_settings(struct mlc *mlc, const struct mlc_options *o, struct arena *a,
                         struct diag *d)
{
    const char *quiet[] = { "noise=off", NULL };

    if (!load_policy(o->policy != NULL ? o->policy : "topology", a, &mlc->policy, d))
        return;
    for (guint list = 0; list < 2; list++) {
        const char *const *set = list == 0 ? quiet : (const char *const *)o->set;
        for (guint i = 0; set != NULL && set[i] != NULL; i++) {
            g_auto(GStrv) pair = g_strsplit(set[i], "=", 2);
            g_autofree char *why = NULL;

            if (pair[0] == NULL || pair[1] == NULL)
                diag_error(d, NULL, 0, 0, "--set", "%s: write KEY=VALUE", set[i]);
            else if (!policy_set(&mlc->policy, pair[0], pair[1], a, &why))
                diag_error(d, NULL, 0, 0, "--set", "%s", why);
        }
    }
}

/* A core cannot have more misses under way than the kernel's parameter says. */
static void
set_in_flight(struct mlc *mlc, const struct mlc_options *o, struct diag *d)
{
    uint32_t *most = &mlc->policy.params.cache.misses_in_flight;

    if (isnan(o->in_flight)) {
        mlc->in_flight = *most;
    } else if (o->in_flight >= 1 && o->in_flight <= 1000) {
        mlc->in_flight = o->in_flight;
        *most = (uint32_t)ceil(o->in_flight);
    } else {
        diag_error(d, NULL, 0, 0, "--in-flight", "out of range; write a number from 1 to 1000");
    }
}

static bool
load_all(struct mlc *mlc, const struct mlc_options *o, const char *name, struct arena *a)
{
    struct diag d;

    mlc->machine = topo_load(name, a, false);
    if (mlc->machine == NULL)
        return false;
    inputs_diag_init(&d);
    mlc->from = node_of(mlc->machine, "--from", o->from, &d);
    mlc->to = node_of(mlc->machine, "--to", o->to, &d);
    check_nodes(mlc, &d);
    mlc->delays = delays_of(o->delays, &d);
    load_policy_and_settings(mlc, o, a, &d);
    set_in_flight(mlc, o, &d);
    g_autofree char *text = diag_text(&d);
    bool fine = !diag_failed(&d);
    g_printerr("%s", text);
    diag_clear(&d);
    return fine;
}

static int
measure(struct mlc *mlc, const struct mlc_options *o)
{
    g_autoptr(GString) s = g_string_new(NULL);
    struct mlc_results results;
    int code;

    interrupt_catch();
    if (mlc_measure_parts(mlc, o->parts, &results)) {
        (o->csv ? mlc_print_csv : mlc_print_text)(mlc, &results, s);
        code = topo_write(o->output, s);
    } else if (mlc->failed != NULL) {
        code = cli_fail(EXIT_INPUT, "%s: %s", mlc->machine->name, mlc->failed);
    } else {
        code = cli_fail(EXIT_INTERRUPTED, "interrupted; nothing was written");
    }
    mlc_results_clear(&results);
    return code;
}

int
topo_mlc(int argc, char **argv)
{
    struct mlc_options o = { .in_flight = NAN };
    g_auto(GStrv) rest = NULL;
    int code;

    if (parse(&o, argc, argv, &rest, &code)) {
        struct arena *a = arena_new();
        struct mlc mlc = { 0 };

        if (g_strv_length(rest) != 1)
            code = cli_usage(&page, "name one machine");
        else
            code = load_all(&mlc, &o, rest[0], a) ? measure(&mlc, &o) : EXIT_INPUT;
        if (mlc.delays != NULL)
            g_array_unref(mlc.delays);
        arena_free(a);
    }
    options_free(&o);
    return code;
}
