/* The options that run and compare share: the table that parses them and prints their help. */
#include "cli/options.h"

void
options_clear(struct options *o)
{
    char *texts[] = { o->topology, o->workload, o->policy,    o->seed_text,      o->until,
                      o->warmup,   o->out,      o->decisions, o->force_decision, o->trace_filter };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_strfreev(o->set);
    g_strfreev(o->memory);
    g_strfreev(o->trace);
    *o = (struct options){ 0 };
}

void
options_entries(struct options *o, GOptionEntry entries[OPTION_ENTRIES_MAX])
{
    const GOptionEntry all[] = {
        { "topology", 't', 0, G_OPTION_ARG_STRING, &o->topology,
          "a shipped machine, a file (YAML, hwloc XML, numactl listing), or hwloc:\"...\"",
          "TOPOLOGY" },
        { "workload", 'w', 0, G_OPTION_ARG_STRING, &o->workload, "a shipped workload or a file",
          "WORKLOAD" },
        { "policy", 'p', 0, G_OPTION_ARG_STRING, &o->policy,
          "a preset or a file; compare takes several: A,B,C or all", "POLICY" },
        { "seed", 0, 0, G_OPTION_ARG_STRING, &o->seed_text, "of all chance in the run (default 1)",
          "N" },
        { "until", 0, 0, G_OPTION_ARG_STRING, &o->until,
          "end of the run in simulated time, as in 10s", "TIME" },
        { "warmup", 0, 0, G_OPTION_ARG_STRING, &o->warmup, "what is earlier counts in no metric",
          "TIME" },
        { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->set,
          "a parameter: of the kernel (numasim policy show), workload.X, memory.model,"
          " report.sample_interval",
          "KEY=VALUE" },
        { "replay-placement", 0, 0, G_OPTION_ARG_NONE, &o->replay_placement,
          "a trace as workload: keep its CPUs and instants", NULL },
        { "memory", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->memory,
          "a trace as workload: how tasks use memory, as in \"postgres*: oltp\"",
          "PATTERN: PROFILE" },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->out, "folder of the results", "DIR" },
        { "force", 0, 0, G_OPTION_ARG_NONE, &o->force, "write into a folder that exists", NULL },
        { "decisions", 0, 0, G_OPTION_ARG_STRING, &o->decisions,
          "record decisions, all or of some kinds: --decisions=wake,hint_fault", "[KIND,...]" },
        { "force-decision", 0, 0, G_OPTION_ARG_STRING, &o->force_decision,
          "replay a run with one decision changed", "SEQ=CHOICE" },
        { "check", 0, 0, G_OPTION_ARG_NONE, &o->check, "verify all invariants after every event",
          NULL },
        { "schedstat", 0, 0, G_OPTION_ARG_NONE, &o->schedstat,
          "schedstat, sched.txt and sched_tasks.csv as /proc/schedstat and /proc/PID/sched have "
          "them (--set sched.schedstats=yes)",
          NULL },
        { "wasted-cores", 0, 0, G_OPTION_ARG_NONE, &o->wasted_cores,
          "wasted_cores.csv: CPUs that idled while a task waited that could have run there (--set "
          "sched.wasted_cores=yes)",
          NULL },
        { "no-plot", 0, 0, G_OPTION_ARG_NONE, &o->no_plot, "no pictures", NULL },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &o->quiet, "errors and warnings only", NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &o->verbose, "say what was assumed", NULL },
        { .long_name = NULL },
    };
    G_STATIC_ASSERT(G_N_ELEMENTS(all) <= OPTION_ENTRIES_MAX);
    memcpy(entries, all, sizeof(all));
}

void
options_trace_entries(struct options *o, GOptionEntry entries[OPTION_TRACE_MAX])
{
    const GOptionEntry all[] = {
        { "trace", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->trace,
          "what ran where: .json and .pftrace for Perfetto, .txt is ftrace's text, .dat for "
          "trace-cmd; .gz packs each",
          "FILE" },
        { "trace-filter", 0, 0, G_OPTION_ARG_STRING, &o->trace_filter,
          "a part of it: task=GLOB,cpu=LIST,node=LIST,from=TIME,to=TIME,limit=EVENTS",
          "KEY=VALUE,..." },
        { "trace-ns", 0, 0, G_OPTION_ARG_NONE, &o->trace_ns,
          "nanoseconds in ftrace's text, which has microseconds", NULL },
        { "tables", 0, 0, G_OPTION_ARG_NONE, &o->tables,
          "latency.txt, timehist.txt and map.txt as perf sched prints them", NULL },
        { .long_name = NULL },
    };
    G_STATIC_ASSERT(G_N_ELEMENTS(all) <= OPTION_TRACE_MAX);
    memcpy(entries, all, sizeof(all));
}
