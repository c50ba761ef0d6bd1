/* A replay while it runs: shared by the files of replay, and by nobody else. */
#pragma once

#include "workload/replay.h"

struct replay_thread {
    struct task *task;
    const struct replay_task *spec;
    struct replay_run *run;
    const uint8_t *at, *end; /* in its story */
    uint64_t kernel_seen, debt;
    /* wake-ups: bit i of `woken` is number first_wake + i */
    uint64_t first_wake, woken, furthest_wake, waits_for;
    bool waits, started, first_op;
    bool has_memory;
    uint32_t work_q20; /* work in a ns of recorded CPU time, in 1/2^20 */
    struct burst_profile profile;
    struct burst_use uses[2];
    struct cpumask *only; /* placement: the CPU where it is; else where a kernel thread belongs */
};

struct replay_run {
    struct kernel *k;
    const struct replay *spec;
    struct replay_thread *threads;
    uint32_t nr_unfinished;
    /* placement */
    struct event ev;
    const uint8_t *at, *end;
    sim_time at_time;
    uint64_t nr_misfits; /* events that did not fit the state that was reached */
};

extern const struct task_ops replay_ops, script_ops;
void replay_exited(struct kernel *k, struct task *p);

/* replay_memory.c */
void replay_memory_build(struct replay_run *run, struct process *const *processes);

/* replay_sessions.c: the task group of each session; NULL: the root. */
struct task_group **replay_sessions(struct kernel *k, const struct replay *r);

/* replay_script.c */
void script_build(struct replay_run *run);
void script_start(struct replay_run *run);
