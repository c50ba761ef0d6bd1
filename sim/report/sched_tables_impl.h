/* What sched_tables.c gathers and sched_tables_text.c prints. */
#pragma once

#include "report/sched_tables.h"

/* What latency believes a task does. */
enum delay_state { DELAY_UNKNOWN, DELAY_ASLEEP, DELAY_WAITS, DELAY_RUNS };

struct sched_task {
    struct sched_tables_row row;
    char *name;
    uint32_t parent;
    bool named, ended, runtime_told;
    enum delay_state state;
    sim_time waits_since; /* DELAY_WAITS */
    bool has_left;        /* timehist: left_at is known */
    sim_time left_at, ready_at;
    bool ready;
    double mean_run, m2_run; /* Welford, of the lengths of runs */
    char letter[3];          /* in the map; "": not yet shown */
};

struct sched_cpu {
    bool seen, switched;
    sim_time last_switch;
    uint32_t curr;
    uint64_t idle_ns;
};

struct sched_tables {
    struct sched_tables_options o;
    GHashTable *by_id; /* uint32_t -> struct sched_task */
    GArray *cpus;      /* struct sched_cpu */
    GString *line;     /* being written */
    uint32_t nr_letters;
    uint64_t nr_switches;
    bool begun;
    sim_time first, last;
};

/* Sorted by number, without idle. */
GPtrArray *sched_tables_sorted(const struct sched_tables *t);
