/* For tests of the ext class: a machine with room for policies, and a policy that writes down which
 * operations were called. */
#pragma once

#include <errno.h>
#include <stdio.h>

#include "kernel/ext.h"
#include "kernel/group.h"
#include "sim_fixture.h"

enum { Q = 0 }; /* the DSQ of QUEUE_POLICY */

/* What the operations of a test share: sched_ops.adapter. */
struct notes {
    char log[4096];
    uint32_t len;
    uint64_t flags, slice;
    int64_t number, result;
    struct task *task, *other;
    const struct cpumask *mask, *busy;
    bool done;
    bool named; /* words about tasks say whom: "running(a)" */
};

static inline struct notes *
notes_of(struct scx *scx)
{
    return scx_adapter(scx);
}

static inline void
note(struct scx *scx, const char *word)
{
    struct notes *n = notes_of(scx);

    n->len += (uint32_t)snprintf(n->log + n->len, sizeof(n->log) - n->len, "%s%s",
                                 n->len > 0 ? " " : "", word);
    assert_true(n->len < sizeof(n->log) - 64);
}

static const uint8_t *fixture_distances; /* nodes x nodes; NULL: all remote ones are alike */

static inline void
open_with(struct fixture *f, uint32_t nodes, uint32_t cores, uint32_t threads, const char *key,
          const char *value)
{
    struct kernel_params kp;
    struct kernel_limits limits = {
        .max_tasks = 64, .nr_groups = 8, .nr_hotplug = 2, .ext = true, .nr_policy_timers = 4
    };
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, nodes, cores, threads, 20);
    if (fixture_distances != NULL)
        memcpy(f->machine->distances, fixture_distances, nodes * nodes);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    if (key != NULL)
        assert_true(kernel_params_set(&kp, key, value, f->arena, why, sizeof(why)));
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

static inline struct task *
start_hog(struct fixture *f, const char *name, const char *cpus, int nice)
{
    struct script *s = arena_new_object(f->arena, struct script);

    s->actions = hog_actions;
    s->nr = 1;
    struct task *p = task_new(f->k, f->process,
                              &(struct task_attr){ .name = name,
                                                   .nice = nice,
                                                   .ops = &script_ops,
                                                   .allowed = fixture_cpus(f, cpus),
                                                   .prog = s });
    task_start_at(f->k, p, 0);
    return p;
}

/* Runs on one step after the other, then ends. */
static inline struct task *
start_script(struct fixture *f, const char *name, const char *cpus, const struct action *actions,
             uint32_t nr)
{
    struct script *s = arena_new_object(f->arena, struct script);

    s->actions = actions;
    s->nr = nr;
    struct task *p = task_new(
        f->k, f->process,
        &(struct task_attr){
            .name = name, .ops = &script_ops, .allowed = fixture_cpus(f, cpus), .prog = s });
    task_start_at(f->k, p, 0);
    return p;
}

static inline void
assert_left(const struct fixture *f, enum scx_exit_kind kind, const char *words)
{
    const struct scx_exit_info *info = ext_exit_info(f->k);

    if (info->kind != kind || strstr(info->msg, words) == NULL)
        fail_msg("left with %d: %s", (int)info->kind, info->msg);
}

static inline void
assert_stays(const struct fixture *f)
{
    if (ext_state(f->k) != SCX_ENABLED || ext_exit_info(f->k)->kind != SCX_EXIT_NONE)
        fail_msg("it left: %s", ext_exit_info(f->k)->msg);
}

/* A machine on which deciding takes no time. */
static inline void
open_free(struct fixture *f, uint32_t nodes, uint32_t cores, uint32_t threads)
{
    open_with(f, nodes, cores, threads, "ext.op_cost", "0ns");
    f->k->params.ext.call_cost = 0;
}

static inline void
load(struct fixture *f, const struct sched_ops *ops)
{
    if (!ext_load(f->k, ops, NULL))
        fail_msg("refused: %s", ext_exit_info(f->k)->msg);
}

/* Both. */
static inline void
begin(struct fixture *f, uint32_t nodes, uint32_t cores, uint32_t threads,
      const struct sched_ops *ops)
{
    open_free(f, nodes, cores, threads);
    load(f, ops);
}

/* A task of another class, or policy. */
static inline struct task *
start_as(struct fixture *f, const char *name, const char *cpus, const struct task_attr *attr,
         const struct action *actions, uint32_t nr, sim_time when)
{
    struct script *s = arena_new_object(f->arena, struct script);
    struct task_attr a = *attr;

    s->actions = actions;
    s->nr = nr;
    a.name = name;
    a.allowed = fixture_cpus(f, cpus);
    a.ops = &script_ops;
    a.prog = s;
    struct task *p = task_new(f->k, f->process, &a);
    task_start_at(f->k, p, when);
    return p;
}

/* After the CPUs that idle have asked the policy that came for work. */
static inline struct task *
start_later(struct fixture *f, const char *name, const char *cpus)
{
    return start_as(f, name, cpus, &(struct task_attr){ .nice = 0 }, hog_actions, 1, USEC(1));
}

/* What an observer sees from outside: "0:a" a task gets CPU 0, "0:-" the CPU idles. */
struct history {
    struct observer observer;
    char log[4096];
    uint32_t len;
};

static inline void
history_switch(void *priv, struct kernel *k, int cpu, struct task *prev, struct task *next)
{
    struct history *h = priv;

    (void)k, (void)prev;
    h->len += (uint32_t)snprintf(h->log + h->len, sizeof(h->log) - h->len, "%s%d:%s",
                                 h->len > 0 ? " " : "", cpu, next != NULL ? next->name : "-");
    assert_true(h->len < sizeof(h->log) - 64);
}

static inline void
watch(struct fixture *f, struct history *h)
{
    memset(h, 0, sizeof(*h));
    h->observer.priv = h;
    h->observer.task_switch = history_switch;
    kernel_observe(f->k, &h->observer);
}

/* ---- parts of policies ---- */

static inline int
make_queue(struct scx *scx)
{
    return scx_create_dsq(scx, Q, -1);
}

static inline void
enqueue_q(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, Q, SCX_SLICE_DFL, flags);
}

static inline void
dispatch_q(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu, (void)prev;
    scx_dsq_move_to_local(scx, Q);
}

#define QUEUE_POLICY                                                                               \
    .name = "test", .abi = SCX_OPS_ABI, .init = make_queue, .enqueue = enqueue_q,                  \
    .dispatch = dispatch_q

static inline void
note_task(struct scx *scx, const struct task *p, const char *fmt, ...)
{
    char word[96];
    va_list ap;

    va_start(ap, fmt);
    int len = vsnprintf(word, sizeof(word), fmt, ap);
    va_end(ap);
    if (notes_of(scx)->named)
        snprintf(word + len, sizeof(word) - (size_t)len, ":%s", p->name);
    note(scx, word);
}

#define WORD(op)                                                                                   \
    static inline void note_##op(struct scx *scx, struct task *p)                                  \
    {                                                                                              \
        note_task(scx, p, #op);                                                                    \
    }
WORD(running)
WORD(enable)
WORD(disable)
WORD(tick)

static inline void
note_stopping(struct scx *scx, struct task *p, bool runnable)
{
    note_task(scx, p, "stopping(%d)", runnable);
}
static inline void
note_runnable(struct scx *scx, struct task *p, uint64_t flags)
{
    notes_of(scx)->flags = flags;
    note_task(scx, p, "runnable");
}
static inline void
note_quiescent(struct scx *scx, struct task *p, uint64_t flags)
{
    notes_of(scx)->flags = flags;
    note_task(scx, p, "quiescent");
}
static inline void
note_dequeue(struct scx *scx, struct task *p, uint64_t flags)
{
    note_task(scx, p, "dequeue=0x%llx", (unsigned long long)flags);
}
static inline void
note_weight(struct scx *scx, struct task *p, uint32_t weight)
{
    note_task(scx, p, "weight=%u", weight);
}
static inline int
note_select(struct scx *scx, struct task *p, int prev, uint64_t wake_flags)
{
    (void)wake_flags;
    note_task(scx, p, "select_cpu");
    return prev;
}
static inline void
note_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    note_task(scx, p, "enqueue=0x%llx", (unsigned long long)flags);
    enqueue_q(scx, p, flags);
}
static inline void
note_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    note(scx, prev != NULL ? "dispatch(prev)" : "dispatch");
    dispatch_q(scx, cpu, prev);
}
static inline int
note_init_task(struct scx *scx, struct task *p, const struct scx_init_task_args *args)
{
    note_task(scx, p, args->fork ? "init_task(fork)" : "init_task");
    return 0;
}
static inline void
note_exit_task(struct scx *scx, struct task *p, const struct scx_exit_task_args *args)
{
    note_task(scx, p, args->cancelled ? "exit_task(cancelled)" : "exit_task");
}
static inline void
note_idle(struct scx *scx, int cpu, bool idle)
{
    (void)cpu;
    note(scx, idle ? "idle(1)" : "idle(0)");
}
static inline void
note_exit(struct scx *scx, const struct scx_exit_info *info)
{
    char word[32];

    snprintf(word, sizeof(word), "exit=%d", (int)info->kind);
    note(scx, word);
}

#define NOTING                                                                                     \
    .runnable = note_runnable, .running = note_running, .stopping = note_stopping,                 \
    .quiescent = note_quiescent, .enable = note_enable, .disable = note_disable,                   \
    .set_weight = note_weight, .select_cpu = note_select, .init_task = note_init_task,             \
    .exit_task = note_exit_task, .update_idle = note_idle, .exit = note_exit

static inline void
note_name(struct scx *scx, struct task *p)
{
    note(scx, scx_task_comm(scx, p));
}

static inline void
note_cpumask(struct scx *scx, struct task *p, const struct cpumask *mask)
{
    note_task(scx, p, "mask=%llx", (unsigned long long)mask->bits[0]);
}
static inline void
note_acquire(struct scx *scx, int cpu, const struct scx_cpu_acquire_args *args)
{
    (void)cpu, (void)args;
    note(scx, "acquire");
}
static inline void
note_release(struct scx *scx, int cpu, const struct scx_cpu_release_args *args)
{
    static const char *const words[] = { "release(RT)", "release(DL)", "release(STOP)",
                                         "release(UNKNOWN)" };

    (void)cpu;
    note(scx, words[args->reason]);
}

static inline void
forget(struct notes *n)
{
    n->len = 0;
    n->log[0] = '\0';
}
