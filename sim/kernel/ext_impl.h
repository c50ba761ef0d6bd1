/*
 * The ext class, between its files: ext.c is the class, ext_dsq.c the queues, ext_cycle.c the
 * scheduling cycle of a CPU, ext_idle.c idle CPUs, ext_kick.c kicks, ext_load.c loading and
 * leaving, ext_hotplug.c CPUs that come and go, ext_init.c when, ext_ask.c what others ask,
 * ext_cost.c what deciding costs, ext_exit.c errors, dumps and the watchdog, ext_call.c the one
 * place through which operations are called, ext_cgroup.c groups, ext_store.c storage and timers,
 * ext_helpers.c and ext_tasks.c what policies may ask.
 */
#pragma once

#include "kernel/core.h"
#include "kernel/ext.h"
#include "kernel/group.h"
#include "kernel/hotplug.h"

enum {
    SCX_DSP_BATCH = 32,
    SCX_DSP_MAX_LOOPS = 32,
    SCX_DSQ_BUCKETS = 256,
    SCX_ITERS = 8,
};
#define SCX_WATCHDOG_MAX SEC(30)

/* Added to enqueue flags inside; never a policy's. */
#define SCX_ENQ_CLEAR_OPSS (UINT64_C(1) << 56)
#define SCX_ENQ_PRIQ (UINT64_C(1) << 57)
#define SCX_ENQ_INTERNAL (UINT64_C(0xff) << 56)

enum scx_ops_state { SCX_OPSS_NONE, SCX_OPSS_QUEUEING, SCX_OPSS_QUEUED };
enum scx_task_state { SCX_TASK_NONE, SCX_TASK_INIT, SCX_TASK_READY, SCX_TASK_ENABLED };

/*
 * A dispatch queue. Tasks are in `list` in the order in which they will run; those of a vtime queue
 * also in a tree, which finds their place: a treap, whose priorities are drawn.
 */
struct scx_dsq {
    dsq_id id;
    struct list list; /* scx_task.node */
    struct scx_task *root;
    uint32_t nr;
    uint32_t seq;     /* of insertions */
    int32_t cpu;      /* a local one's, else -1 */
    int32_t last_cpu; /* that touched it */
    sim_time last_touch;
    struct scx_dsq *next; /* in its bucket */
};

/* A task's part (p->scx of Linux). */
struct scx_task {
    struct task *p;
    struct list node; /* of its DSQ, or of the deferred ones of a CPU */
    struct scx_dsq *dsq;
    uint64_t slice, dsq_vtime;
    uint64_t ddsp_dsq_id, ddsp_enq_flags; /* direct dispatch: SCX_DSQ_INVALID: none */
    uint64_t runnable_at;                 /* jiffies */
    uint64_t ops_qseq;
    struct list runnable_node;
    struct scx_task *parent, *left, *right; /* in the tree of its DSQ */
    uint32_t tree_prio;
    uint32_t dsq_seq;
    uint32_t weight;
    int32_t sticky_cpu; /* where the class itself is moving it, else -1 */
    uint8_t state;      /* enum scx_task_state */
    uint8_t ops_state;  /* enum scx_ops_state */
    bool queued;        /* runnable: SCX_TASK_QUEUED */
    bool on_tree, reset_runnable_at, disallow, exiting;
    bool cpu_selected; /* this wake-up asked for a CPU */
    bool deq_move;     /* it was taken off with DEQUEUE_MOVE */
    void *data;        /* scx_task_data() */
    int8_t new_nice;
    int32_t nice_cpu; /* that asked for it */
    bool nice_due;
    struct scx_task *next_dead, *next_nice, *next_move;
    /* pages that are to move when the CPU has chosen */
    uint64_t move_pages;
    int16_t move_from, move_to;
    int32_t move_cpu;
    bool move_due;
    sim_time dead_at;
};

struct scx_verdict {
    struct task *p;
    uint64_t qseq, enq_flags;
    dsq_id id;
};

/* A CPU's part (rq->scx of Linux). */
struct scx_rq {
    struct rq *rq;
    struct scx_dsq local;
    struct list runnable; /* scx_task.runnable_node: waiting tasks */
    struct list deferred; /* direct dispatches to other CPUs */
    uint64_t extra_enq_flags;
    uint32_t nr_running;
    bool online, in_balance, in_wakeup, cpu_released;
    bool bal_pending, bal_keep;
    bool in_cycle; /* between pick and switch: costs wait for the end */
    bool putting;  /* prev is being put: the CPU is not idle, although it has no current task */
    bool stopped;  /* the stopper ran last */
    bool moving;   /* the stopper moves what ran: it is not current any more */
    bool wants_balance;
    bool idle_known; /* its bit of idle CPUs was set or cleared since the policy was loaded */
    sim_time cost;
    sim_time deciding;   /* of the kernel work that lies ahead of what runs: operations */
    sim_time put_off;    /* operations that go on when no real-time or deadline task runs */
    bool puts_off;       /* one runs */
    sim_time busy_until; /* operations that it has run take until then */
    sim_time kicked_at;  /* + 1: when its kicks were last carried out; 0: never */
    struct scx_verdict *buf;
    uint32_t cursor, nr_dispatched;
    struct cpumask *kick, *kick_if_idle, *preempt;
    bool kick_any;
    struct event kick_ev;
    void *data; /* scx_cpu_data() */
};

/* An operation that is under way. */
struct scx_frame {
    struct scx_frame *prev;
    enum scx_op op;
    int32_t cpu;
    struct task *task;
    sim_time cost;
    bool overran;
};

struct scx_iter {
    struct scx_dsq *dsq; /* NULL: free */
    struct scx_task *next;
    uint32_t seq;
    bool rev;
};

struct scx_store;
struct scx_timers;

/* One for a run; what belongs to a policy lives in its own arena, from load to unload. */
struct scx {
    struct kernel *k;
    const struct sched_ops *ops; /* the loaded one's, or the last one's */
    void *priv;
    struct arena *arena;
    enum scx_state state;
    uint64_t has_op; /* bit per op: which are called now */
    bool enabled, init_task_enabled, switching_all, switched_all, builtin_idle;
    bool enq_last, enq_exiting, cpu_preempt, per_node_idle, warned_zero_slice;
    uint32_t bypass_depth, max_batch;
    struct scx_rq *rqs;
    struct scx_dsq *global; /* by node */
    struct scx_dsq *buckets[SCX_DSQ_BUCKETS];
    struct scx_dsq *user[SCX_DSQ_BUCKETS]; /* those with small numbers, once more */
    uint64_t tree_draws;
    struct scx_frame *frame;
    struct scx_iter iters[SCX_ITERS];
    uint32_t nr_iters;
    struct task *ddsp_task; /* whose direct dispatch may be recorded; */
    bool ddsp_spoiled;      /* it has been */
    struct cpumask *idle_cpus, *idle_smt, *scratch, *scratch2, *mask_arg;
    struct cpumask **node_cpus, **node_smt; /* filled when asked for */
    /* leaving */
    enum scx_exit_kind exit_kind; /* claimed; NONE: it stays */
    struct scx_exit_info exit;
    char msg[1024];
    char *dump;
    uint32_t dump_len, dump_size;
    bool dumping;
    bool exit_is_new; /* nothing has been done about it yet */
    struct event disable_ev, finish_ev, watchdog_ev, dead_ev;
    uint64_t watchdog_jiffies;
    struct scx_task *dead, **dead_tail; /* exit_task is due */
    uint64_t nr_rejected, enable_seq, hotplug_seq;
    uint64_t calls[SCX_OP_NR];
    uint64_t overruns;
    sim_time left_at;
    uint64_t last_stats[SCX_STATS_MAX]; /* of a policy that has left */
    struct scx_event_stats events;
    sim_time bypass_since;
    struct scx_store *store;
    struct scx_timers *timers;
    struct scx_task *nice_due;
    struct scx_task *move_due;
    struct event move_ev, nice_ev, change_ev, unload_ev;
    const struct ext_change *changes, *due; /* what comes next; what is waited for, NULL: nothing */
    uint32_t nr_changes;
    struct ext_past *past; /* policies before this one */
    uint32_t nr_past, max_past;
    sim_time loaded_at;
    const struct cpumask **llc_cpus; /* by CPU; NULL: no such cache is known */
    int32_t *nearest;                /* nodes by distance, nr_nodes^2 */
    void **node_data;
};

static inline struct scx_rq *
scx_rq_of(struct scx *x, int cpu)
{
    return &x->rqs[cpu];
}

static inline bool
scx_bypassing(const struct scx *x)
{
    return x->bypass_depth > 0;
}

static inline bool
is_ext(const struct task *p)
{
    return p->class == &ext_sched_class;
}

/* ---- calls of operations (ext_call.c) ---- */

#define SCX_HAS(x, op_) unlikely((x)->has_op >> SCX_OP_##op_ & 1)
#define SCX_OP_IN(ops_, op_) ((ops_)->op_ != NULL)

void scx_op_begin(struct scx *x, struct scx_frame *f, enum scx_op op, struct task *p);
void scx_op_end(struct scx *x, struct scx_frame *f);

/* SCX_CALL(x, running, p, p): of which task; then the arguments. */
#define SCX_CALL(x, op_, task_, ...)                                                               \
    do {                                                                                           \
        struct scx_frame frame_;                                                                   \
        scx_op_begin((x), &frame_, SCX_OP_##op_, (task_));                                         \
        (x)->ops->op_((x), __VA_ARGS__);                                                           \
        scx_op_end((x), &frame_);                                                                  \
    } while (0)
#define SCX_CALL_RET(x, ret_, op_, task_, ...)                                                     \
    do {                                                                                           \
        struct scx_frame frame_;                                                                   \
        scx_op_begin((x), &frame_, SCX_OP_##op_, (task_));                                         \
        (ret_) = (x)->ops->op_((x), __VA_ARGS__);                                                  \
        scx_op_end((x), &frame_);                                                                  \
    } while (0)

/* Contexts of calls. */
enum {
    SCX_CTX_SELECT_CPU = 1,
    SCX_CTX_ENQUEUE = 2,
    SCX_CTX_DISPATCH = 4,
    SCX_CTX_CPU_RELEASE = 8,
    SCX_CTX_SLEEPABLE = 16,
    SCX_CTX_UNLOCKED = 32,
    SCX_CTX_DUMP = 64,
    SCX_CTX_REST = 128,
};
/* Is this call allowed in the present operation? Else the policy has erred. */
bool scx_allowed(struct scx *x, uint32_t contexts, const char *call);
/* Operations of the CPU cost so much: now, in front of what runs there. */
void scx_charge_now(struct scx *x, struct scx_rq *er, sim_time cost);
/* The CPU switches to `next`, NULL: nobody. Does what is left of operations wait for it? */
void scx_put_off(struct scx *x, struct scx_rq *er, const struct task *next);
/* A helper has been called: it costs. */
static inline void
scx_cost(struct scx *x)
{
    if (x->frame != NULL)
        x->frame->cost += x->k->params.ext.call_cost;
}
/* A shared object is used: more, if another CPU did so just now. */
void scx_touch(struct scx *x, int32_t *last_cpu, sim_time *last_touch);

/* ---- queues (ext_dsq.c) ---- */

void dsq_init(struct scx_dsq *q, dsq_id id, int cpu);
struct scx_dsq *dsq_find_user(struct scx *x, dsq_id id);
/* Where a verdict leads; an error and the global DSQ if there is no such. */
struct scx_dsq *dsq_find_for(struct scx *x, int cpu, dsq_id id, const struct task *p);
struct scx_dsq *dsq_global_of(struct scx *x, const struct task *p);
void dsq_enqueue(struct scx *x, struct scx_dsq *q, struct scx_task *s, uint64_t enq_flags);
void dsq_unlink(struct scx *x, struct scx_task *s);
/* Off its queue or the deferred ones, wherever it is. */
void dsq_dequeue(struct scx *x, struct scx_task *s);
void dsq_destroy_all(struct scx *x);
struct scx_task *dsq_first(const struct scx_dsq *q);
struct scx_task *dsq_next(const struct scx_dsq *q, const struct scx_task *s, bool rev);
void local_dsq_post_enq(struct scx *x, struct scx_dsq *q, struct scx_task *s, uint64_t enq_flags);

/* ---- the class (ext.c) ---- */

void do_enqueue_task(struct scx *x, struct rq *rq, struct scx_task *s, uint64_t enq_flags,
                     int sticky_cpu);
void clear_direct_dispatch(struct scx_task *s);
void set_task_runnable(struct scx *x, struct scx_rq *er, struct scx_task *s);
void update_curr_scx(struct kernel *k, struct rq *rq);
struct scx_task *scx_task_new(struct scx *x, struct task *p);

/* ---- the cycle (ext_cycle.c) ---- */

bool consume_dsq(struct scx *x, struct rq *rq, struct scx_dsq *q);
void flush_verdicts(struct scx *x, struct scx_rq *er);
void dispatch_to_local(struct scx *x, struct scx_dsq *q, struct scx_task *s, uint64_t enq_flags);
bool task_can_run_on(struct scx *x, const struct task *p, int cpu, bool error);
bool move_between_dsqs(struct scx *x, struct scx_task *s, struct scx_dsq *to, uint64_t enq_flags);

/* ---- where a task is queued (ext_select.c) ---- */

int select_task_rq_scx(struct kernel *k, struct task *p, int this_cpu, int flags);

/* ---- idle CPUs (ext_idle.c) ---- */

void idle_reset(struct scx *x);
/* notify: from a task to idling or back; else it idles on. */
void scx_update_idle(struct scx *x, struct rq *rq, bool idle, bool notify);
int select_cpu_dfl(struct scx *x, struct task *p, int prev, uint64_t wake_flags, bool *found);
bool claim_idle_cpu(struct scx *x, int cpu);
int pick_idle_cpu(struct scx *x, const struct cpumask *allowed, uint64_t flags);
int pick_idle_cpu_from(struct scx *x, const struct cpumask *allowed, int node, uint64_t flags);
bool scx_cpu_valid(struct scx *x, int cpu, const char *where);

/* ---- kicks (ext_kick.c) ---- */

void scx_kick(struct scx *x, int this_cpu, int cpu, uint64_t flags);
void scx_kick_fire(struct engine *eng, struct event *ev);
void run_deferred(struct scx *x, struct rq *rq);
void schedule_deferred(struct scx *x, struct rq *rq);

/* ---- leaving (ext_exit.c, ext_load.c) ---- */

/* The first one counts. */
void scx_fail(struct scx *x, enum scx_exit_kind kind, int64_t code, const char *fmt, ...)
    SIM_PRINTF(4, 5);
#define scx_ops_error(x, ...) scx_fail((x), SCX_EXIT_ERROR, 0, __VA_ARGS__)
void scx_dump_state(struct scx *x);
void scx_bypass(struct scx *x, bool on);
void scx_disable_fire(struct engine *eng, struct event *ev);
void scx_finish_fire(struct engine *eng, struct event *ev);
void scx_dead_fire(struct engine *eng, struct event *ev);
void scx_watchdog_fire(struct engine *eng, struct event *ev);
void scx_watchdog_arm(struct scx *x);
/* No policy is loaded any more: the one that waits for that is. False: it was refused. */
bool scx_load_due(struct scx *x);
/* Another policy comes: what this one did is kept. */
void scx_keep_past(struct scx *x);
const char *scx_exit_reason(enum scx_exit_kind kind);
void scx_enable_task(struct scx *x, struct task *p);
void scx_disable_task(struct scx *x, struct task *p);
void scx_exit_task_now(struct scx *x, struct task *p);
uint32_t scx_weight_of(const struct task *p);

/* ---- groups (ext_cgroup.c) ---- */

int scx_cgroup_init_all(struct scx *x);
void scx_cgroup_exit_all(struct scx *x);

/* ---- storage (ext_store.c) ---- */

void scx_store_new(struct scx *x);
void scx_timers_cancel(struct scx *x);
void scx_nice_fire(struct engine *eng, struct event *ev);
void scx_move_fire(struct engine *eng, struct event *ev);
