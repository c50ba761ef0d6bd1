/* The scenarios of the ext oracle, run on our class: shared by tool_ext*.c. */
#pragma once

#include <stdio.h>

#include "kernel/ext.h"
#include "sim_fixture.h"

enum {
    STEPS_MAX = 64,
    TASKS_MAX = 24,
    ACTIONS_MAX = 64,
    CHOICES_MAX = 512,
    PIECES_MAX = 512,
    CHILDREN = 16
};

/* What the logging policy does: README.md of the oracle. */
struct logger {
    char select_cpu[32], enqueue[32], dispatch[32], kick[32], last[32];
    uint64_t arg, first_n_user, slice_ns, enq_flags_added;
    uint64_t yield_zeroes_slice, tick_zeroes_slice, reenqueue_in_release;
    uint64_t keeper; /* the housekeeping CPU, whose tasks are not the workload's */
    uint64_t vnow, nr_enqueues;
    int queue;
    sim_time zero; /* t = 0 */
    bool silent;
    struct kernel *k;
};

struct step {
    char op; /* as in the scripts; '(' begins, ')' ends a loop */
    uint64_t arg;
    uint32_t peer; /* of a bracket */
};

struct world;

struct wtask {
    struct world *w;
    struct task *p;
    char name[8], comm[48];
    int nice, policy;
    uint64_t mask;
    int64_t start_ms; /* -1: forked by another */
    int cpu;          /* where it was before, -1: the first it may use */
    struct step steps[STEPS_MAX];
    uint32_t nr_steps, at, loops[STEPS_MAX];
    uint32_t children_alive;
    bool waiting; /* for children, a futex or a pipe: with `key` */
    int parent;
    char key_op;
    uint64_t key;
    bool entered, ending;
    int chosen[CHOICES_MAX]; /* by the oracle's kernel, where several CPUs would do */
    uint32_t nr_chosen, next_chosen;
    sim_time ends[PIECES_MAX]; /* of its pieces of work, with windows */
    uint32_t nr_ends, next_end;
    sim_time due; /* of a sleep, 0: it does not come from one */
};

struct waction {
    uint64_t ms;
    char what[16];
    uint64_t task, value;
};

struct world {
    struct fixture f;
    struct sched_ops ops;
    struct logger logger;
    struct wtask tasks[TASKS_MAX];
    struct waction actions[ACTIONS_MAX];
    uint32_t nr_tasks, nr_actions, next_action;
    uint64_t posts[16], pipes[16];
    int housekeeping;
    char scheduler[16]; /* "logger", or what it is recorded with */
    bool switches;      /* print them */
    bool windows;       /* CPUs act within them only; else what a program takes counts */
    struct task *driver;
    struct task_group *group;
    struct observer observer;
};

extern const struct sched_ops logger_ops;
extern const struct task_ops wtask_ops, driver_ops;

/* CPUs act within windows only (tool_ext_windows.c); windows_begin: once all tasks are made. */
enum window_what { WINDOW_SCHEDULE = 1, WINDOW_WAKE = 2 };
void window_add(const struct logger *l, uint32_t cpu, int64_t from_us, int64_t to_us,
                uint32_t what);
void windows_begin(struct engine *eng);

/* The CPU from which to look on is as it was in the oracle: the nth choice for a task. */
void follow_choice(struct kernel *k, const struct task *p);

/* Loads the scheduler; prints each switch, if wanted; prints the CPU time of the tasks. */
void load_scheduler(struct world *w);
void watch(struct world *w);
void sample(struct world *w);
