/*
 * From a stream of events to a replay: what each task did, and who woke it. Also what `workload
 * show` says about a recording.
 */
#pragma once

#include "config/import_trace.h"
#include "workload/replay.h"

struct trace_options {
    enum replay_mode mode;
    bool placement;
    bool drop_kthreads;
    bool drain;
    GPtrArray *memory; /* "PATTERN: PROFILE", checked; the first that matches counts */
};

/* What was understood of one task. */
struct trace_story {
    char comm[TRACE_COMM];
    int32_t pid, tgid, prio;
    bool kthread;
    uint64_t bursts, run_ns; /* between switches, pieces parted by preemption joined */
    uint64_t woken_by_tasks, woken_from_outside;
    uint64_t wakes, forks; /* what it did to others */
};

struct trace_story_counts {
    uint64_t mismatches; /* switches whose previous task was not the one that we knew to run */
    uint64_t length;     /* ns */
    uint32_t nr_cpus;
};

/* The CPU that a kernel thread belongs to, by its name (kworker/3:1); -1: none. */
int32_t trace_kthread_cpu(const char *comm);

struct trace_compiler;

struct trace_compiler *trace_compiler_new(const struct trace_options *o);
void trace_compiler_event(void *compiler, const struct trace_event *e); /* for a trace_sink */
/* The recording is over. Stories in order of their first event (struct trace_story). */
GArray *trace_compiler_stories(struct trace_compiler *c, struct trace_story_counts *counts);
/* Everything is the arena's; the compiler is used up. */
struct replay *trace_compiler_replay(struct trace_compiler *c, struct arena *a);
void trace_compiler_free(struct trace_compiler *c);

/* Kernel threads are known by their names: a recording does not mark them. */
bool trace_is_kthread(const char *comm);
