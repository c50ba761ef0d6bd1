/*
 * Programmable schedulers: what a policy may call (the kfuncs of sched_ext, with its later names).
 *
 * Where a call is allowed (else the policy is ejected):
 *   S select_cpu   E enqueue and select_cpu   D dispatch and balance   R cpu_release
 *   U init, exit, init_task, cgroup ops, cpu_online, cpu_offline, timer   T timer   * anywhere
 * Errors are negative errno values. Masks and strings belong to the kernel and change under you.
 */
#pragma once

#include "numasim/policy.h"

/* ---- state ---- * */

void *scx_priv(const struct scx *scx);
/* Zeroed when the task is initialized; NULL without task_size. Likewise the others. */
void *scx_task_data(struct scx *scx, const struct task *p);
void *scx_cpu_data(struct scx *scx, int cpu);
void *scx_node_data(struct scx *scx, int node);
void *scx_cgroup_data(struct scx *scx, const struct task_group *cgrp);
void *scx_adapter(const struct scx *scx);

/* Maps from numbers to zeroed values, and bounded FIFOs. Made in init (U), else -EPERM; the result
 * is their number. Sizes in bytes; what exceeds max_memory is refused with -ENOMEM. Use of one that
 * another CPU has used just now costs more (parameter ext.contended_cost). */
int scx_map_new(struct scx *scx, uint32_t capacity, uint32_t value_size);
void *scx_map_get(struct scx *scx, int map, uint64_t key); /* NULL: none */
void *scx_map_put(struct scx *scx, int map, uint64_t key); /* found or new; NULL: full */
bool scx_map_delete(struct scx *scx, int map, uint64_t key);
uint32_t scx_map_len(struct scx *scx, int map);
/* The i-th entry in order of insertion, i below the length; NULL beyond. */
void *scx_map_at(struct scx *scx, int map, uint32_t i, uint64_t *key);
int scx_queue_new(struct scx *scx, uint32_t capacity);
bool scx_queue_push(struct scx *scx, int queue, uint64_t value); /* false: full */
bool scx_queue_pop(struct scx *scx, int queue, uint64_t *value); /* false: empty */
bool scx_queue_peek(struct scx *scx, int queue, uint64_t *value);
uint32_t scx_queue_len(struct scx *scx, int queue);

/* ---- DSQs ---- */

/* U: a user's DSQ; node (-1: any) has no effect. -EEXIST, -EINVAL. */
int scx_create_dsq(struct scx *scx, dsq_id id, int node);
/* * Must be empty. */
void scx_destroy_dsq(struct scx *scx, dsq_id id);
/* * -ENOENT: there is none. */
int scx_dsq_nr_queued(struct scx *scx, dsq_id id);
/* E, D: p waits there, FIFO (or HEAD, PREEMPT: in front) or by vtime, with this slice; 0: what is
 * left. A DSQ holds one kind at a time. In E p is the task that the op is about, once; in D it is
 * any task, at most dispatch_max_batch before the next move, and takes effect when dispatch
 * returns. */
void scx_dsq_insert(struct scx *scx, struct task *p, dsq_id id, uint64_t slice, uint64_t enq_flags);
void scx_dsq_insert_vtime(struct scx *scx, struct task *p, dsq_id id, uint64_t slice,
                          uint64_t vtime, uint64_t enq_flags);
/* D: insertions that are still possible; forgets the last one. */
uint32_t scx_dispatch_nr_slots(struct scx *scx);
void scx_dispatch_cancel(struct scx *scx);
/* D: the first task of a user's DSQ that may run on this CPU goes to its local DSQ. False: none. */
bool scx_dsq_move_to_local(struct scx *scx, dsq_id id);
/* R: tasks of this CPU's local DSQ go through enqueue again, with SCX_ENQ_REENQ. How many. */
uint32_t scx_reenqueue_local(struct scx *scx);
/* * The first task of a user's DSQ, or NULL. */
struct task *scx_dsq_peek(struct scx *scx, dsq_id id);

/* * Goes over the tasks that are in a user's DSQ when it begins; flags: SCX_DSQ_ITER_REV backwards.
 */
enum { SCX_DSQ_ITER_REV = 1 };
struct scx_dsq_iter {
    uint64_t opaque[12];
};
int scx_dsq_iter_new(struct scx *scx, struct scx_dsq_iter *it, dsq_id id, uint64_t flags);
struct task *scx_dsq_iter_next(struct scx *scx, struct scx_dsq_iter *it);
void scx_dsq_iter_destroy(struct scx *scx, struct scx_dsq_iter *it);
/* D, T: p, which the iteration found, goes to another DSQ, with what was set for this move. False:
 * it was not there any more. */
void scx_dsq_move_set_slice(struct scx *scx, struct scx_dsq_iter *it, uint64_t slice);
void scx_dsq_move_set_vtime(struct scx *scx, struct scx_dsq_iter *it, uint64_t vtime);
bool scx_dsq_move(struct scx *scx, struct scx_dsq_iter *it, struct task *p, dsq_id id,
                  uint64_t enq_flags);
bool scx_dsq_move_vtime(struct scx *scx, struct scx_dsq_iter *it, struct task *p, dsq_id id,
                        uint64_t enq_flags);

/* ---- CPUs ---- * but for the first two */

/* S: the kernel's choice. *is_idle: it is idle, and is claimed for p. */
int scx_select_cpu_dfl(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags,
                       bool *is_idle);
/* E: an idle CPU out of `mask` and what p may use, claimed; -EBUSY: none. */
int scx_select_cpu_and(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags,
                       const struct cpumask *mask, uint64_t flags);
/* The CPU thinks again, after this op: SCX_KICK_*. */
void scx_kick_cpu(struct scx *scx, int cpu, uint64_t flags);
/* Claims the CPU: true if it was idle. Idle CPUs are known unless the policy has update_idle without
 * SCX_OPS_KEEP_BUILTIN_IDLE; by node with SCX_OPS_BUILTIN_IDLE_PER_NODE, for all CPUs without. To
 * ask for what is not kept is an error. */
bool scx_test_and_clear_cpu_idle(struct scx *scx, int cpu);
/* Claims an idle CPU of the mask, -EBUSY: none; `any` falls back to one that is not idle. */
int scx_pick_idle_cpu(struct scx *scx, const struct cpumask *mask, uint64_t flags);
int scx_pick_any_cpu(struct scx *scx, const struct cpumask *mask, uint64_t flags);
/* From this node on, in order of distance; SCX_PICK_IDLE_IN_NODE: there or nowhere. */
int scx_pick_idle_cpu_node(struct scx *scx, const struct cpumask *mask, int node, uint64_t flags);
int scx_pick_any_cpu_node(struct scx *scx, const struct cpumask *mask, int node, uint64_t flags);
const struct cpumask *scx_idle_cpumask(struct scx *scx);
const struct cpumask *scx_idle_smtmask(struct scx *scx); /* CPUs of wholly idle cores */
const struct cpumask *scx_idle_cpumask_node(struct scx *scx, int node);
const struct cpumask *scx_idle_smtmask_node(struct scx *scx, int node);
uint32_t scx_nr_cpu_ids(struct scx *scx);
const struct cpumask *scx_possible_cpumask(struct scx *scx);
const struct cpumask *scx_online_cpumask(struct scx *scx);
int scx_this_cpu(struct scx *scx); /* that this op runs on */
/* What runs on the CPU, of whatever class; NULL: nothing. */
struct task *scx_cpu_curr(struct scx *scx, int cpu);
/* Of 1024: capacity; share of the highest frequency, which is all of it: frequencies do not change
 * here, and what is set has no effect. */
uint32_t scx_cpuperf_cap(struct scx *scx, int cpu);
uint32_t scx_cpuperf_cur(struct scx *scx, int cpu);
void scx_cpuperf_set(struct scx *scx, int cpu, uint32_t perf);
/* The thread that shares the core, the lowest other one; -1: none. */
int scx_cpu_sibling(struct scx *scx, int cpu);
int scx_cpu_llc(struct scx *scx, int cpu); /* 0, 1, ... */
const struct cpumask *scx_llc_cpumask(struct scx *scx, int cpu);

/* ---- nodes ---- * */

uint32_t scx_nr_nodes(struct scx *scx);
int scx_cpu_node(struct scx *scx, int cpu);
const struct cpumask *scx_node_cpumask(struct scx *scx, int node);
uint32_t scx_node_distance(struct scx *scx, int from, int to);
/* Nodes by distance from `node`, then by number; rank 0 is itself; -1 beyond the last. */
int scx_nearest_node(struct scx *scx, int node, int rank);
uint64_t scx_node_free_pages(struct scx *scx, int node);

/* ---- tasks ---- * */

/* p->scx of Linux: slice and vtime may be written. disallow: in init_task, at load; p of policy
 * `ext` becomes a normal task. */
uint64_t scx_task_slice(struct scx *scx, const struct task *p);
uint64_t scx_task_dsq_vtime(struct scx *scx, const struct task *p);
void scx_task_set_slice(struct scx *scx, struct task *p, uint64_t slice);
void scx_task_set_dsq_vtime(struct scx *scx, struct task *p, uint64_t vtime);
void scx_task_disallow(struct scx *scx, struct task *p);
uint32_t scx_task_weight(struct scx *scx, const struct task *p); /* 1 to 10000 */
bool scx_task_queued(struct scx *scx, const struct task *p);     /* runnable: SCX_TASK_QUEUED */
bool scx_task_running(struct scx *scx, const struct task *p);
int scx_task_cpu(struct scx *scx, const struct task *p);
int scx_task_pid(struct scx *scx, const struct task *p);
struct task *scx_task_from_pid(struct scx *scx, int pid); /* NULL: none that is alive */
const char *scx_task_comm(struct scx *scx, const struct task *p);
const char *scx_task_process(struct scx *scx, const struct task *p); /* name of its process */
int scx_task_tgid(struct scx *scx, const struct task *p);
int scx_task_nice(struct scx *scx, const struct task *p);
/* SCHED_NORMAL 0, FIFO 1, RR 2, BATCH 3, IDLE 5, DEADLINE 6, EXT 7 */
int scx_task_policy(struct scx *scx, const struct task *p);
const struct cpumask *scx_task_cpumask(struct scx *scx, const struct task *p);
uint32_t scx_task_nr_cpus_allowed(struct scx *scx, const struct task *p);
struct task_group *scx_task_cgroup(struct scx *scx, const struct task *p);
uint64_t scx_task_sum_exec(struct scx *scx, const struct task *p); /* ns, charged so far */
/* ns so far: waiting for a CPU, asleep, asleep for I/O */
struct scx_task_times {
    uint64_t run, wait, sleep, io;
    uint64_t nr_switches, nr_voluntary, nr_wakeups;
};
void scx_task_times(struct scx *scx, const struct task *p, struct scx_task_times *times);
/* Where its memory is: the node with most of its pages (the lowest of equals; -1: it has none),
 * pages there, NUMA hinting faults there, the share of its present accesses of 65536. */
int scx_task_node(struct scx *scx, const struct task *p);
uint64_t scx_task_pages(struct scx *scx, const struct task *p, int node);
uint64_t scx_task_faults(struct scx *scx, const struct task *p, int node);
uint32_t scx_task_access_share(struct scx *scx, const struct task *p, int node);
int scx_task_preferred_node(struct scx *scx, const struct task *p); /* of AutoNUMA, or -1 */
/* The hint of this name that is in force for the task or its present step, or NULL. */
const char *scx_task_hint(struct scx *scx, const struct task *p, const char *name);

/* ---- groups ---- * */

uint32_t scx_cgroup_id(struct scx *scx, const struct task_group *cgrp); /* the root: 0 */
const char *scx_cgroup_name(struct scx *scx, const struct task_group *cgrp);
struct task_group *scx_cgroup_parent(struct scx *scx, const struct task_group *cgrp); /* or NULL */
uint32_t scx_cgroup_weight(struct scx *scx, const struct task_group *cgrp);

/* ---- changes ---- T, D, and ops about a task that is not queued by the op itself */

/* After this op: as if the task had asked for it. */
void scx_set_nice(struct scx *scx, struct task *p, int nice);
/* balance() is called for this CPU before it next looks for work, and soon. * */
void scx_request_balance(struct scx *scx, int cpu);
/* Up to so many of p's pages, of regions that no other process maps, move from a node to another;
 * the work is charged to this CPU. How many moved. In operations of a CPU that chooses its next task
 * (dispatch, running, stopping ...) 0: they move as soon as it has; of several orders for a task the
 * last one counts. * */
uint64_t scx_migrate_pages(struct scx *scx, struct task *p, int from, int to, uint64_t pages);
/* p's memory policy from now on. * -EINVAL */
enum scx_mempolicy {
    SCX_MPOL_DEFAULT,
    SCX_MPOL_PREFERRED,
    SCX_MPOL_BIND,
    SCX_MPOL_INTERLEAVE,
    SCX_MPOL_LOCAL,
    SCX_MPOL_PREFERRED_MANY,
    SCX_MPOL_WEIGHTED_INTERLEAVE,
};
int scx_set_mempolicy(struct scx *scx, struct task *p, enum scx_mempolicy mode, nodemask nodes);

/* ---- time, chance, words ---- * */

sim_time scx_now(struct scx *scx);
uint32_t scx_hz(struct scx *scx); /* ticks a second */
/* U: timers 0 to nr - 1; once. */
int scx_timers_new(struct scx *scx, uint32_t nr);
/* The timer expires after `delay` on this CPU; whatever it was set to is forgotten. Those that expire
 * while the policy leaves are not called. */
void scx_timer_start(struct scx *scx, uint32_t timer, sim_time delay);
void scx_timer_cancel(struct scx *scx, uint32_t timer);
/* Streams of their own, from the run's seed: 0 to 15. */
uint64_t scx_random(struct scx *scx, uint32_t stream);
uint64_t scx_random_below(struct scx *scx, uint32_t stream, uint64_t n); /* n > 0 */

/* Leaves: planned, or with an error; the first one counts, the op goes on. */
void scx_exit(struct scx *scx, int64_t code, const char *fmt, ...) SIM_PRINTF(3, 4);
void scx_error(struct scx *scx, const char *fmt, ...) SIM_PRINTF(2, 3);
/* In dump ops: a line of the dump. */
void scx_dump(struct scx *scx, const char *fmt, ...) SIM_PRINTF(2, 3);

/* What has happened so far (scx_bpf_events). */
#define SCX_EVENTS(X)                                                                              \
    X(SELECT_CPU_FALLBACK, "select_cpu named a CPU that the task may not use")                     \
    X(DISPATCH_LOCAL_DSQ_OFFLINE, "an insertion for the local DSQ of an offline CPU")              \
    X(DISPATCH_KEEP_LAST, "the last task of a CPU went on, having used up its slice")              \
    X(ENQ_SKIP_EXITING, "an exiting task went to the local DSQ without enqueue")                   \
    X(ENQ_SKIP_MIGRATION_DISABLED, "never here: no task has migration disabled")                   \
    X(REENQ_IMMED, "never here: there are no immediate insertions")                                \
    X(REENQ_LOCAL_REPEAT, "never here: local DSQs are re-enqueued once")                           \
    X(REFILL_SLICE_DFL, "a slice was refilled to the default")                                     \
    X(BYPASS_DURATION, "ns in bypass mode")                                                        \
    X(BYPASS_DISPATCH, "tasks that were dispatched in bypass mode")                                \
    X(BYPASS_ACTIVATE, "times that bypass mode began")                                             \
    X(INSERT_NOT_OWNED, "an insertion of a task that was not the policy's any more")               \
    X(SUB_BYPASS_DISPATCH, "never here: there are no sub-schedulers")
struct scx_event_stats {
#define X(name, doc) uint64_t name;
    SCX_EVENTS(X)
#undef X
};
void scx_events(struct scx *scx, struct scx_event_stats *events);

/* ---- for adapters: whoever runs programs of another kind behind a table ---- * */

/* f(arg) is called when the policy's memory is returned: after exit, or when the run ends. */
void scx_at_unload(struct scx *scx, void (*f)(void *arg), void *arg);
/* Time that the program of the present op takes besides. */
void scx_charge(struct scx *scx, sim_time ns);
/* The program of the present op used up its budget: what on_overrun says. */
void scx_overrun(struct scx *scx, const char *what);
