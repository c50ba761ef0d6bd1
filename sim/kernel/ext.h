/*
 * The ext class: programmable policies (kernel/sched/ext.c; sched-ext.md). What the rest of the
 * kernel asks of it; policies see numasim/policy.h, the parts of it ext_impl.h.
 *
 * k->scx is there from ext_init() on; it is NULL in a run that loads no policy, and nothing here
 * costs anything then.
 */
#pragma once

#include "kernel/kernel.h"
#include "numasim/policy.h"

enum { RANK_EXT = 0 };
extern const struct sched_class ext_sched_class;

enum scx_state { SCX_DISABLED, SCX_ENABLING, SCX_ENABLED, SCX_DISABLING };
extern const char *const scx_state_names[];

/* Room for programmable policies in this run. Before tasks are started. */
void ext_init(struct kernel *k);

/*
 * Loads a policy; `params` is what its private state begins as (NULL: defaults, zeroes). False: one
 * is loaded already, or it was refused: ext_exit_info() says why.
 */
bool ext_load(struct kernel *k, const struct sched_ops *ops, const void *params);
/* A policy comes at a given time: whichever is loaded then leaves, and as soon as it has, this one
 * is loaded; ops NULL: none is. */
struct ext_change {
    sim_time at;
    const struct sched_ops *ops;
    const void *params;
};
/*
 * The policies of a run, in order of time; the array is the caller's and stays. At ext.unload_at
 * the one that is loaded leaves. False: one that begins at 0 was refused at once.
 */
bool ext_plan(struct kernel *k, const struct ext_change *changes, uint32_t nr);

/* What a policy was and did. Strings of `exit` are there as long as the kernel. */
enum { SCX_STATS_MAX = 64 };
struct ext_past {
    const struct sched_ops *ops;
    enum scx_state state;
    sim_time loaded_at;
    struct scx_exit_info exit; /* kind NONE: it has not left */
    sim_time left_at;
    struct scx_event_stats events;
    uint64_t calls[SCX_OP_NR];
    uint64_t stats[SCX_STATS_MAX]; /* in the order of ops->stats */
};
/* The i-th policy of the run in order of loading, the present one last; false: there is none. */
bool ext_policy(const struct kernel *k, uint32_t i, struct ext_past *p);
/* The queue's clock is that of a tick at which nothing but the slice of its ext task changed. */
void ext_see_tick(struct rq *rq);
/* Planned unloading, ended after ext.unload_time. */
void ext_unload(struct kernel *k);
enum scx_state ext_state(const struct kernel *k);
/* The policy that is loaded, or NULL. */
const struct sched_ops *ext_ops(const struct kernel *k);
/* How the present or last policy left; kind NONE: it has not. If it has not, or as was planned, and
 * one before it has erred: how the first of those did. */
const struct scx_exit_info *ext_exit_info(const struct kernel *k);
/* Its name in results: "error_stall"; NULL: none has left, or as was planned. When it began to. */
const char *ext_exit_word(const struct kernel *k);
const char *scx_exit_word(enum scx_exit_kind kind);
sim_time ext_left_at(const struct kernel *k);
/* The loaded, or last, policy; NULL: there was none. */
const struct sched_ops *ext_last_ops(const struct kernel *k);
/* What the loaded, or last, policy counts; NULL beyond the last one. */
const struct scx_stat *ext_stat(const struct kernel *k, uint32_t i, uint64_t *value);
void ext_events(const struct kernel *k, struct scx_event_stats *events);
/* All tasks but those of higher classes are the policy's. */
bool ext_switched_all(const struct kernel *k);
bool ext_task_enabled(const struct kernel *k, const struct task *p);
uint64_t ext_op_calls(const struct kernel *k, enum scx_op op);
extern const char *const scx_op_names[SCX_OP_NR + 1];

/* Is p, of neither rt nor deadline, of the ext class? */
bool task_should_scx(const struct kernel *k, enum task_policy policy);

/* ---- hooks; k->scx is not NULL ---- */

/* p is about to be placed for the first time; false: the policy does not want it, the fork fails,
 * and p is dead. */
bool ext_may_fork(struct kernel *k, struct task *p);
void ext_task_exiting(struct task *p);
void ext_task_dead(struct kernel *k, struct task *p);
/* Is the class in use? */
bool ext_is_on(const struct kernel *k);
/* The next task of the CPU, of any class; prev: who ran, NULL: nobody. */
struct task *ext_pick_next_task(struct kernel *k, struct rq *rq, struct task *prev);
/* prev has been taken off the CPU (NULL: it idled), next is about to be put on it (NULL: none). */
void ext_switch(struct kernel *k, struct rq *rq, struct task *prev, struct task *next);
/* What deciding cost is put in front of what the CPU does next. */
void ext_charge_decision(struct kernel *k, struct rq *rq);
/* The end of schedule(): deferred work; an idle CPU stays idle. */
void ext_schedule_end(struct kernel *k, struct rq *rq, bool still_idle);
/* The stopper takes p, which runs, to another CPU. */
void ext_stop_and_move(struct kernel *k, struct rq *rq, struct task *p, int to);
/* sched_setaffinity of a task of the class, queued or not. */
void ext_set_affinity(struct kernel *k, struct task *p, const struct cpumask *allowed);
void ext_reweight(struct kernel *k, struct task *p);
void ext_cpu_hotplug(struct kernel *k, int cpu, bool online);

/* ext_placement.c: each is given what the kernel would do, and returns what is done. The node of
 * new pages (of `scale` small ones each) out of those usable; whether a page moves to the CPU's
 * node after a hinting fault; how many pages a scan may mark. k->scx may be NULL. */
/* Has the policy hooks that need scans? Then tasks of the ext class are scanned too, if
 * numa_balancing.mode is on. */
bool ext_places_pages(const struct kernel *k);
int ext_alloc_node(struct kernel *k, struct rq *rq, struct task *p, nodemask usable, uint64_t pages,
                   uint32_t scale, int node);
bool ext_hint_fault(struct kernel *k, struct rq *rq, struct task *p, int page_node, uint64_t pages,
                    bool move);
int64_t ext_scan_pages(struct kernel *k, struct rq *rq, struct task *p, int64_t pages);

void ext_cgroup_online(struct kernel *k, struct task_group *tg);
/* Its shares were `before`, its limit another one. */
void ext_cgroup_weight(struct kernel *k, struct task_group *tg, uint64_t before);
void ext_cgroup_idle(struct kernel *k, struct task_group *tg);
void ext_cgroup_bandwidth(struct kernel *k, struct task_group *tg);
/* Before the task is off its queue: false, it may not; it may, but others may not, and it stays
 * where it is; when it is off. */
bool ext_cgroup_can_move(struct kernel *k, struct task *p, struct task_group *to);
void ext_cgroup_stays(struct kernel *k, struct task *p, struct task_group *to);
void ext_cgroup_moved(struct kernel *k, struct task *p, struct task_group *from);

uint32_t ext_nr_running(const struct kernel *k, int cpu);
/* NULL, or the invariant that is broken. */
const char *ext_check(const struct kernel *k);
