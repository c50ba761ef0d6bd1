/*
 * Programmable schedulers: what a policy gives to the kernel.
 *
 * A policy is a table of operations, with the names and the call order of Linux sched_ext (6.12;
 * later helpers under their later names). The kernel keeps the mechanism: which CPU looks for work
 * when, dispatch queues (DSQs), slices, idle CPUs; it asks the policy to decide. Every operation is
 * optional; a policy with a name only is a FIFO on each node. What a policy may call is in
 * numasim/calls.h.
 *
 * A policy has no globals. The kernel gives it zeroed state of the sizes that it asks for, for the
 * policy, each task, CPU, node and group, and calls it on one CPU at a time. Nothing that depends
 * on addresses, wall-clock time or foreign randomness may reach a decision.
 *
 * Who breaks a rule (an unknown DSQ, a CPU that does not exist, a task that never runs) is
 * ejected: its tasks go on under the fair class, and the results say why.
 */
#pragma once

#include "base/cpumask.h"
#include "base/field.h"

/* Of this header: a plugin built against another one is refused. */
#define SCX_OPS_ABI 1

struct scx;
struct task;
struct task_group; /* a cgroup */

typedef uint64_t dsq_id;

/* A user's DSQ has bit 63 clear. */
#define SCX_DSQ_BUILTIN ((dsq_id)1 << 63)
#define SCX_DSQ_INVALID SCX_DSQ_BUILTIN
#define SCX_DSQ_GLOBAL (SCX_DSQ_BUILTIN | 1)                               /* of the task's node */
#define SCX_DSQ_LOCAL (SCX_DSQ_BUILTIN | 2)                                /* of this CPU */
#define SCX_DSQ_LOCAL_ON (SCX_DSQ_BUILTIN | (dsq_id)1 << 62)               /* | cpu */
#define SCX_DSQ_LOCAL_OF(cpu) (SCX_DSQ_LOCAL_ON | (dsq_id)(uint32_t)(cpu)) /* that CPU's */

#define SCX_SLICE_DFL MSEC(20)
#define SCX_SLICE_INF UINT64_MAX
enum { SCX_WEIGHT_MIN = 1, SCX_WEIGHT_DFL = 100, SCX_WEIGHT_MAX = 10000 };

/* Flags of enqueue and runnable, and of insertions. The kernel's own pass through. */
#define SCX_ENQ_WAKEUP UINT64_C(0x1)
#define SCX_ENQ_RESTORE UINT64_C(0x2)
#define SCX_ENQ_MOVE UINT64_C(0x4)
#define SCX_ENQ_NOCLOCK UINT64_C(0x8)
#define SCX_ENQ_HEAD UINT64_C(0x10)
#define SCX_ENQ_MIGRATED UINT64_C(0x40)
#define SCX_ENQ_INITIAL UINT64_C(0x80)
#define SCX_ENQ_CPU_SELECTED UINT64_C(0x400)
#define SCX_ENQ_PREEMPT (UINT64_C(1) << 32)
#define SCX_ENQ_REENQ (UINT64_C(1) << 40)
#define SCX_ENQ_LAST (UINT64_C(1) << 41)

/* Flags of dequeue and quiescent. */
#define SCX_DEQ_SLEEP UINT64_C(0x1)
#define SCX_DEQ_SAVE UINT64_C(0x2)
#define SCX_DEQ_MOVE UINT64_C(0x4)
#define SCX_DEQ_NOCLOCK UINT64_C(0x8)
#define SCX_DEQ_SPECIAL UINT64_C(0x10) /* it dies */
#define SCX_DEQ_CORE_SCHED_EXEC (UINT64_C(1) << 32)

enum { SCX_WAKE_FORK = 0x4, SCX_WAKE_TTWU = 0x8, SCX_WAKE_SYNC = 0x10 };
enum { SCX_KICK_IDLE = 1, SCX_KICK_PREEMPT = 2, SCX_KICK_WAIT = 4 };
enum { SCX_PICK_IDLE_CORE = 1, SCX_PICK_IDLE_IN_NODE = 2 };

/* sched_ops.flags */
#define SCX_OPS_KEEP_BUILTIN_IDLE UINT64_C(0x1) /* although update_idle is there */
#define SCX_OPS_ENQ_LAST UINT64_C(0x2)          /* the last task of a CPU is enqueued, not kept */
#define SCX_OPS_ENQ_EXITING UINT64_C(0x4)       /* exiting tasks are enqueued like others */
#define SCX_OPS_SWITCH_PARTIAL UINT64_C(0x8)    /* tasks of policy `ext` only */
#define SCX_OPS_ENQ_MIGRATION_DISABLED UINT64_C(0x10) /* accepted: no task of ours is ever that */
#define SCX_OPS_ALLOW_QUEUED_WAKEUP UINT64_C(0x20)    /* accepted: wake-ups are never queued */
#define SCX_OPS_BUILTIN_IDLE_PER_NODE UINT64_C(0x40)  /* idle masks by node; selection is NUMA's */
#define SCX_OPS_HAS_CGROUP_WEIGHT UINT64_C(0x10000)

enum scx_exit_kind {
    SCX_EXIT_NONE = 0,
    SCX_EXIT_DONE = 1,
    SCX_EXIT_UNREG = 64,      /* unloaded as planned */
    SCX_EXIT_UNREG_BPF = 65,  /* scx_exit() */
    SCX_EXIT_UNREG_KERN = 66, /* the kernel: a CPU went or came */
    SCX_EXIT_SYSRQ = 67,
    SCX_EXIT_ERROR = 1024,       /* a rule was broken */
    SCX_EXIT_ERROR_BPF = 1025,   /* scx_error() */
    SCX_EXIT_ERROR_STALL = 1026, /* a task did not run for timeout_ms */
};
/* exit_code of UNREG_KERN */
#define SCX_ECODE_RSN_HOTPLUG (INT64_C(1) << 32)
#define SCX_ECODE_ACT_RESTART (INT64_C(1) << 48)

struct scx_exit_info {
    enum scx_exit_kind kind;
    int64_t exit_code;
    const char *reason; /* fixed text of the kind */
    const char *msg;    /* details; may be empty */
    const char *dump;   /* queues and tasks at the time of the error; may be empty */
};

struct scx_init_task_args {
    bool fork;                       /* else: it was there when the policy was loaded */
    const struct task_group *cgroup; /* that it is in */
};
struct scx_exit_task_args {
    bool cancelled; /* the fork failed */
};
struct scx_cgroup_init_args {
    uint32_t weight;
    uint64_t bw_period_us, bw_quota_us, bw_burst_us; /* quota UINT64_MAX: no limit */
};
enum scx_cpu_preempt_reason {
    SCX_CPU_PREEMPT_RT,
    SCX_CPU_PREEMPT_DL,
    SCX_CPU_PREEMPT_STOP,
    SCX_CPU_PREEMPT_UNKNOWN, /* the fair class */
};
struct scx_cpu_acquire_args {
    int reserved;
};
struct scx_cpu_release_args {
    enum scx_cpu_preempt_reason reason;
    struct task *task; /* that takes the CPU */
};
struct scx_dump_ctx {
    enum scx_exit_kind kind;
    int64_t exit_code;
    const char *reason;
    sim_time at_ns;
    uint64_t at_jiffies;
};

/* What the placement hooks are asked about. */
struct scx_alloc_args {
    int cpu;         /* where the task touches its new pages */
    int node;        /* what the kernel's own rules choose */
    uint64_t pages;  /* of 4 KiB */
    nodemask usable; /* nodes that the memory policy and the cpuset leave */
};
struct scx_hint_fault_args {
    int cpu, cpu_node; /* where the task runs */
    int page_node;     /* where the page is */
    uint64_t pages;    /* 1, or those of a huge page */
    bool migrate;      /* what the kernel's own rules decide */
};

/* A number that a policy exports: a uint64_t in its private state, in the results by this name. */
struct scx_stat {
    const char *name; /* NULL: the end */
    const char *doc;
    size_t offset;
};
#define SCX_STAT(struct_type, member, text)                                                        \
    {                                                                                              \
        .name = #member, .doc = (text), .offset = offsetof(struct_type, member)                    \
    }

/*
 * Every operation: name, and the contexts that its calls are allowed in (numasim/calls.h).
 */
#define SCX_OPS(X)                                                                                 \
    X(select_cpu, SELECT_CPU)                                                                      \
    X(enqueue, ENQUEUE)                                                                            \
    X(dequeue, REST)                                                                               \
    X(dispatch, DISPATCH)                                                                          \
    X(tick, REST)                                                                                  \
    X(runnable, REST)                                                                              \
    X(running, REST)                                                                               \
    X(stopping, REST)                                                                              \
    X(quiescent, REST)                                                                             \
    X(yield, REST)                                                                                 \
    X(set_weight, REST)                                                                            \
    X(set_cpumask, REST)                                                                           \
    X(update_idle, REST)                                                                           \
    X(cpu_acquire, REST)                                                                           \
    X(cpu_release, CPU_RELEASE)                                                                    \
    X(init_task, SLEEPABLE)                                                                        \
    X(exit_task, REST)                                                                             \
    X(enable, REST)                                                                                \
    X(disable, REST)                                                                               \
    X(dump, DUMP)                                                                                  \
    X(dump_cpu, DUMP)                                                                              \
    X(dump_task, DUMP)                                                                             \
    X(cgroup_init, SLEEPABLE)                                                                      \
    X(cgroup_exit, SLEEPABLE)                                                                      \
    X(cgroup_prep_move, SLEEPABLE)                                                                 \
    X(cgroup_move, REST)                                                                           \
    X(cgroup_cancel_move, SLEEPABLE)                                                               \
    X(cgroup_set_weight, SLEEPABLE)                                                                \
    X(cgroup_set_bandwidth, SLEEPABLE)                                                             \
    X(cgroup_set_idle, SLEEPABLE)                                                                  \
    X(cpu_online, SLEEPABLE)                                                                       \
    X(cpu_offline, SLEEPABLE)                                                                      \
    X(init, SLEEPABLE)                                                                             \
    X(exit, SLEEPABLE)                                                                             \
    X(timer, UNLOCKED)                                                                             \
    X(balance, DISPATCH)                                                                           \
    X(alloc, REST)                                                                                 \
    X(hint_fault, REST)                                                                            \
    X(scan, REST)

enum scx_op {
#define X(name, context) SCX_OP_##name,
    SCX_OPS(X)
#undef X
        SCX_OP_NR
};

/*
 * A policy. Errors are negative errno values. `p` is the task that an operation is about; it is
 * owned by the kernel, as everything else that is passed.
 */
struct sched_ops {
    const char *name; /* letters, digits, `_`, `-`, `.`; at most 127 */
    const char *doc;  /* one sentence */
    const char *page; /* what `policy show` prints besides: what it is for, and when it loses */
    uint32_t abi;     /* SCX_OPS_ABI */
    uint32_t dispatch_max_batch; /* verdicts of one dispatch; 0: 32 */
    uint64_t flags;              /* SCX_OPS_* */
    uint32_t timeout_ms;         /* a task waits for longer: ejected; 0: 30 s, the most */
    uint32_t exit_dump_len;      /* 0: 32 KiB */
    size_t priv_size;            /* scx_priv() */
    size_t task_size, cpu_size, node_size, cgroup_size; /* scx_task_data() and so on */
    const struct field *params;                         /* of the private state; may be NULL */
    const struct scx_stat *stats;                       /* of the private state; may be NULL */
    void *adapter; /* of whoever makes tables for programs of another kind: scx_adapter() */

    /* p wakes up, or is new (SCX_WAKE_FORK), and may run on several CPUs: on which is it queued?
     * Here it may be inserted already; then enqueue is skipped. Absent: scx_select_cpu_dfl(), and
     * on an idle CPU straight into its local DSQ. */
    int (*select_cpu)(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags);
    /* p can run and waits: insert it into a DSQ, or keep it in a queue of your own until dispatch
     * inserts it. Absent: the global DSQ of its node. */
    void (*enqueue)(struct scx *scx, struct task *p, uint64_t enq_flags);
    /* p, that you keep, is taken from you: it sleeps, changes or moves. Only so that you can forget
     * it: an insertion of a task that is not yours any more is ignored. */
    void (*dequeue)(struct scx *scx, struct task *p, uint64_t deq_flags);
    /* `cpu` has nothing to run: move tasks to its local DSQ. `prev` ran until now, and is NULL if
     * that was none of yours; if it can run on and has slice left afterwards, it does. */
    void (*dispatch)(struct scx *scx, int cpu, struct task *prev);
    /* A tick of the CPU that runs p; slice 0 makes it stop. */
    void (*tick)(struct scx *scx, struct task *p);
    /* p becomes able to run; gets its CPU; loses it (runnable: it could go on); cannot run. */
    void (*runnable)(struct scx *scx, struct task *p, uint64_t enq_flags);
    void (*running)(struct scx *scx, struct task *p);
    void (*stopping)(struct scx *scx, struct task *p, bool runnable);
    void (*quiescent)(struct scx *scx, struct task *p, uint64_t deq_flags);
    /* `from` yields; to NULL: to anybody (the result does not count), else to that task: true if it
     * shall be so. Absent: the slice of `from` is over. */
    bool (*yield)(struct scx *scx, struct task *from, struct task *to);
    void (*set_weight)(struct scx *scx, struct task *p, uint32_t weight);
    void (*set_cpumask)(struct scx *scx, struct task *p, const struct cpumask *allowed);
    /* The CPU goes idle or stops being idle. With this op the built-in masks of idle CPUs are not
     * kept, unless SCX_OPS_KEEP_BUILTIN_IDLE. */
    void (*update_idle)(struct scx *scx, int cpu, bool idle);
    /* A CPU comes back from a higher class; is taken by one. */
    void (*cpu_acquire)(struct scx *scx, int cpu, const struct scx_cpu_acquire_args *args);
    void (*cpu_release)(struct scx *scx, int cpu, const struct scx_cpu_release_args *args);
    /* p is about to be yours: it forks, or the policy is loaded. Not 0: the fork, or loading,
     * fails. Ends with exit_task. */
    int (*init_task)(struct scx *scx, struct task *p, const struct scx_init_task_args *args);
    void (*exit_task)(struct scx *scx, struct task *p, const struct scx_exit_task_args *args);
    /* p enters and leaves the ext class. */
    void (*enable)(struct scx *scx, struct task *p);
    void (*disable)(struct scx *scx, struct task *p);
    /* After an error: add to the dump by scx_dump(). */
    void (*dump)(struct scx *scx, const struct scx_dump_ctx *ctx);
    void (*dump_cpu)(struct scx *scx, const struct scx_dump_ctx *ctx, int cpu, bool idle);
    void (*dump_task)(struct scx *scx, const struct scx_dump_ctx *ctx, struct task *p);
    int (*cgroup_init)(struct scx *scx, struct task_group *cgrp,
                       const struct scx_cgroup_init_args *args);
    void (*cgroup_exit)(struct scx *scx, struct task_group *cgrp);
    int (*cgroup_prep_move)(struct scx *scx, struct task *p, struct task_group *from,
                            struct task_group *to);
    void (*cgroup_move)(struct scx *scx, struct task *p, struct task_group *from,
                        struct task_group *to);
    void (*cgroup_cancel_move)(struct scx *scx, struct task *p, struct task_group *from,
                               struct task_group *to);
    void (*cgroup_set_weight)(struct scx *scx, struct task_group *cgrp, uint32_t weight);
    void (*cgroup_set_bandwidth)(struct scx *scx, struct task_group *cgrp, uint64_t period_us,
                                 uint64_t quota_us, uint64_t burst_us);
    void (*cgroup_set_idle)(struct scx *scx, struct task_group *cgrp, bool idle);
    /* A CPU comes or goes. Without these ops that ends the policy. */
    void (*cpu_online)(struct scx *scx, int cpu);
    void (*cpu_offline)(struct scx *scx, int cpu);
    /* First and last of all: init makes DSQs, maps, queues and timers. */
    int (*init)(struct scx *scx);
    void (*exit)(struct scx *scx, const struct scx_exit_info *info);

    /* ---- what Linux has elsewhere (BPF timers, user space), or not ---- */

    /* A timer has expired, on the CPU that started it. */
    void (*timer)(struct scx *scx, uint32_t timer);
    /* Somebody asked for it by scx_request_balance(dst). Called for the other CPUs, nearest first,
     * until it says true: it has moved something to `dst`. */
    bool (*balance)(struct scx *scx, int dst, int src);
    /* New pages: their node, -1: as the kernel would. Out of what is usable. */
    int (*alloc)(struct scx *scx, struct task *p, const struct scx_alloc_args *args);
    /* A NUMA hinting fault: 1 the page moves to the CPU's node, 0 it stays, -1: as the kernel
     * would. */
    int (*hint_fault)(struct scx *scx, struct task *p, const struct scx_hint_fault_args *args);
    /* p's turn to scan: how many pages it may mark; -1: as the kernel would. */
    int64_t (*scan)(struct scx *scx, struct task *p, uint64_t pages);
};

#include "numasim/calls.h"
