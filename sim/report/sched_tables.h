/*
 * The tables that users of `perf sched` know by heart: latency, timehist with its summary, map.
 *
 * Fed with plain events in order of time, whether they come from a simulation or from a recording;
 * a task is a number and a name. timehist and map are written while events arrive, so that memory
 * grows with tasks only; latency and summary are asked for at the end. What counts as a delay or a
 * run is what perf counts: see sched_tables.c.
 */
#pragma once

#include <glib.h>
#include <stdio.h>

#include "base/base.h"

struct sched_tables;

/* Task 0 is idle, on every CPU. */
enum { SCHED_TABLES_IDLE = 0 };

struct sched_tables_options {
    uint32_t nr_cpus; /* columns of the map; 0: as many as have been seen */
    FILE *timehist;   /* NULL: not wanted; never closed here */
    FILE *map;
    /* latency: being preempted ('+') begins no wait. perf 6.1 loses these waits in the recordings
     * of kernels that write R+; with this set its tables of such a recording are met to the digit.
     */
    bool skip_preempted;
    bool by_task; /* latency: a row for each task; else tasks of one name share a row */
};
struct sched_tables *sched_tables_new(const struct sched_tables_options *o);
void sched_tables_free(struct sched_tables *t);

/* All CPUs of the map are known to be idle from `now` on, as at the start of a simulation. A
 * recording begins in the middle of things and leaves this out. */
void sched_tables_begin(struct sched_tables *t, sim_time now);

/* Names a task; the last name counts. parent: 0 if nobody knows. A task that was never named is
 * called by its number. */
void sched_tables_name(struct sched_tables *t, uint32_t task, const char *name);
void sched_tables_fork(struct sched_tables *t, uint32_t parent, uint32_t child);

/* sched_switch. state is the kernel's letter: 'R' could go on, '+' likewise and was preempted
 * (R+), 'X' or 'Z' has ended, any other sleeps. */
void sched_tables_switch(struct sched_tables *t, sim_time now, uint32_t cpu, uint32_t prev,
                         char state, uint32_t next);
/* sched_wakeup and sched_wakeup_new (not sched_waking). */
void sched_tables_wakeup(struct sched_tables *t, sim_time now, uint32_t task);
void sched_tables_migrate(struct sched_tables *t, sim_time now, uint32_t task, uint32_t from,
                          uint32_t to);
/* sched_stat_runtime. A task that has one such event takes its run time in latency from them; all
 * others from the time between switches. */
void sched_tables_runtime(struct sched_tables *t, sim_time now, uint32_t task, uint64_t ns);
/* The recording or the run ends: what runs has run up to now. A recording may leave this out, as
 * perf does. */
void sched_tables_end(struct sched_tables *t, sim_time now);

/* What was counted for one task, for callers that compare numbers rather than text. */
struct sched_tables_row {
    uint32_t task;
    const char *name;
    uint64_t runtime_ns; /* of latency */
    uint64_t nr_delays;  /* "Switches" of latency: times it waited for its CPU */
    uint64_t delay_sum_ns, max_delay_ns;
    sim_time max_start, max_end;
    uint64_t nr_runs, run_ns, min_run_ns, max_run_ns; /* of timehist */
    uint64_t nr_migrations;
};
/* In order of numbers; the rows are freed with the array. */
GArray *sched_tables_rows(const struct sched_tables *t);

void sched_tables_latency(const struct sched_tables *t, GString *out);
void sched_tables_summary(const struct sched_tables *t, GString *out);
