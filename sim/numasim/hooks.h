/*
 * The five hooks of textbooks, on top of the operations of policy.h.
 *
 * A program says what happens when a task is new, can run (`enqueue`), can not run any more
 * (`dequeue`), when a CPU needs work (`pick_next`) and at each tick. It keeps its own queue.
 * Several programs can be put behind one another: each hears of every task, and they are asked in
 * their order who runs next. If none has an opinion, the decision is what the kernel's own would
 * be: the task that has waited longest on the CPU's node.
 *
 * Who wakes up is sent to an idle CPU if there is one (the kernel's default), and waits there.
 */
#pragma once

#include "numasim/policy.h"

enum { HOOKS_PROGRAMS_MOST = 4, HOOKS_STATE_MOST = 32 << 10, HOOKS_TASK_DATA = 64 };

struct sched_hooks {
    const char *name;
    sim_time slice;    /* of the tasks that it picks; 0: SCX_SLICE_DFL */
    size_t state_size; /* of zeroed state, for all hooks; all programs together HOOKS_STATE_MOST */
    void (*task_new)(struct scx *scx, void *state, struct task *p);
    /* p can run and waits: it has woken up, is new, or its turn is over. */
    void (*enqueue)(struct scx *scx, void *state, struct task *p);
    /* p sleeps, ends or leaves: forget it. It may have run meanwhile, or wait still. */
    void (*dequeue)(struct scx *scx, void *state, struct task *p);
    /* Who runs next on this CPU: a task that waits and may run there. NULL: no opinion. */
    struct task *(*pick_next)(struct scx *scx, void *state, int cpu);
    /* True: p's turn is over. */
    bool (*task_tick)(struct scx *scx, void *state, struct task *p);
};

/* HOOKS_TASK_DATA zeroed bytes of the program for each task; `program` is its place, from 0. */
void *hooks_task_data(struct scx *scx, const struct task *p, int program);
/* Does p wait, and may it run there? What pick_next may return. */
bool hooks_may_pick(struct scx *scx, const struct task *p, int cpu);

/* Behind an operations table's name and doc: const struct sched_ops x = { .name = "x",
 * .doc = "...", SCHED_HOOKS(programs) }, where `programs` is an array of pointers that ends with
 * NULL. */
#define SCHED_HOOKS(programs)                                                                      \
    .abi = SCX_OPS_ABI, .adapter = (void *)(uintptr_t)(programs), .priv_size = HOOKS_PRIV_SIZE,    \
    .task_size = HOOKS_TASK_SIZE, .stats = hooks_stats, .init = hooks_init,                        \
    .init_task = hooks_init_task, .exit_task = hooks_exit_task, .enqueue = hooks_enqueue,          \
    .select_cpu = hooks_select_cpu, .dequeue = hooks_dequeue, .quiescent = hooks_quiescent,        \
    .dispatch = hooks_dispatch, .tick = hooks_tick

enum {
    HOOKS_PRIV_SIZE = HOOKS_STATE_MOST + 4096,
    HOOKS_TASK_SIZE = HOOKS_PROGRAMS_MOST * HOOKS_TASK_DATA + 64
};
extern const struct scx_stat hooks_stats[];
int hooks_init(struct scx *scx);
int hooks_init_task(struct scx *scx, struct task *p, const struct scx_init_task_args *args);
void hooks_exit_task(struct scx *scx, struct task *p, const struct scx_exit_task_args *args);
int hooks_select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags);
void hooks_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags);
void hooks_dequeue(struct scx *scx, struct task *p, uint64_t deq_flags);
void hooks_quiescent(struct scx *scx, struct task *p, uint64_t deq_flags);
void hooks_dispatch(struct scx *scx, int cpu, struct task *prev);
void hooks_tick(struct scx *scx, struct task *p);
