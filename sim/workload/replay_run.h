/* A replay while it runs: shared by the files of replay, and by nobody else. */
#pragma once

#include "workload/replay.h"

struct replay_thread {
    struct task *task;
    const struct replay_task *spec;
    struct replay_run *run;
    const uint8_t *at, *end; /* in its story */
    uint64_t kernel_seen, debt;
    uint64_t *given;                  /* wake-ups, by source */
    uint64_t waits_source, waits_for; /* so many of them */
    uint64_t reached;                 /* number of the wake-up of its last wait */
    bool waits, started, first_op, ended;
    /* held up at a wake-up until another has reached a wait: replay_pairs.c */
    struct replay_thread *held, *next_held;
    uint64_t held_for;
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
    struct replay_pair **pairs; /* by number; NULL: without a limit */
    /* placement */
    struct event ev;
    const uint8_t *at, *end;
    sim_time at_time;
    uint64_t nr_misfits; /* events that did not fit the state that was reached */
};

extern const struct task_ops replay_ops, script_ops;
void replay_exited(struct kernel *k, struct task *p);

/* replay_pairs.c */
void replay_pairs_build(struct replay_run *run);
/* Whether the thread may give wake-up n of that pair to `other` now; else it has to block, and
 * tries again when it is woken. */
bool replay_may_wake(struct replay_thread *t, struct replay_thread *other, uint64_t n,
                     uint64_t pair);
/* The thread has come to the wait for wake-up n, or to its end: who is held up by it goes on. */
void replay_reached(struct replay_thread *t, uint64_t n);

/* replay_memory.c */
void replay_memory_build(struct replay_run *run, struct process *const *processes);

/* replay_sessions.c: the task group of each session; NULL: the root. */
struct task_group **replay_sessions(struct kernel *k, const struct replay *r);

/* replay_script.c */
void script_build(struct replay_run *run);
void script_start(struct replay_run *run);
