/*
 * The oracle's scx_qmap, rebuilt from what it is described to do: five queues of tasks by weight;
 * dispatch goes round them and takes 1, 2, 4, 8, 16 in a row from them, one a call, through a
 * shared DSQ. A task that finds its CPU or another one idle goes there at once.
 */
#include "tool_ext.h"

enum { QUEUES = 5, SHARED = 0, QUEUE_ROOM = 64 };

struct qmap {
    int queues[QUEUES];
    uint64_t slice;
};

struct qmap_cpu {
    uint32_t at;   /* the queue that has its turn */
    uint32_t left; /* tasks that may still be taken from it */
};

struct qmap_task {
    bool local; /* select_cpu has found an idle CPU */
};

static int
queue_of(uint32_t weight)
{
    return weight <= 25 ? 0 : weight <= 50 ? 1 : weight < 200 ? 2 : weight < 400 ? 3 : 4;
}

static int
qmap_init(struct scx *scx)
{
    struct qmap *q = scx_priv(scx);

    q->slice = SCX_SLICE_DFL;
    for (int i = 0; i < QUEUES; i++)
        q->queues[i] = scx_queue_new(scx, QUEUE_ROOM);
    return scx_create_dsq(scx, SHARED, -1);
}

/* -1: none idles. */
static int
pick_idle(struct scx *scx, const struct task *p, int prev)
{
    const struct cpumask *allowed = scx_task_cpumask(scx, p);

    if (cpumask_weight(allowed) == 1 || scx_test_and_clear_cpu_idle(scx, prev))
        return prev;
    int cpu = scx_pick_idle_cpu(scx, allowed, 0);
    return cpu >= 0 ? cpu : -1;
}

static int
qmap_select_cpu(struct scx *scx, struct task *p, int prev, uint64_t wake_flags)
{
    struct qmap_task *t = scx_task_data(scx, p);
    int cpu = pick_idle(scx, p, prev);

    (void)wake_flags;
    t->local = cpu >= 0;
    return cpu >= 0 ? cpu : prev;
}

static void
qmap_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    const struct qmap *q = scx_priv(scx);
    struct qmap_task *t = scx_task_data(scx, p);
    int cpu;

    if (t->local) {
        t->local = false;
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, q->slice, flags);
    } else if (!(flags & SCX_ENQ_CPU_SELECTED) &&
               (cpu = pick_idle(scx, p, scx_task_cpu(scx, p))) >= 0) {
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL_OF(cpu), q->slice, flags);
    } else if (!scx_queue_push(scx, q->queues[queue_of(scx_task_weight(scx, p))],
                               (uint64_t)scx_task_pid(scx, p))) {
        scx_dsq_insert(scx, p, SHARED, 0, flags);
    }
}

/* A task of the queue goes through the shared DSQ, for this CPU or, where it may not run here, for
 * whoever comes first. False: it is empty. */
static bool
take_one(struct scx *scx, const struct qmap *q, uint32_t queue)
{
    uint64_t pid;

    while (scx_queue_pop(scx, q->queues[queue], &pid)) {
        struct task *p = scx_task_from_pid(scx, (int)pid);

        if (p == NULL)
            continue;
        scx_dsq_insert(scx, p, SHARED, q->slice, 0);
        scx_dsq_move_to_local(scx, SHARED);
        return true;
    }
    return false;
}

static void
qmap_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    struct qmap_cpu *c = scx_cpu_data(scx, cpu);

    (void)prev;
    if (scx_dsq_move_to_local(scx, SHARED))
        return;
    for (int i = 0; i < QUEUES; i++) {
        if (c->left == 0) {
            c->at = (c->at + 1) % QUEUES;
            c->left = 1u << c->at;
        }
        if (take_one(scx, scx_priv(scx), c->at)) {
            c->left--;
            return;
        }
        c->left = 0;
    }
}

const struct sched_ops qmap_ops = {
    .name = "qmap",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct qmap),
    .cpu_size = sizeof(struct qmap_cpu),
    .task_size = sizeof(struct qmap_task),
    .select_cpu = qmap_select_cpu,
    .enqueue = qmap_enqueue,
    .dispatch = qmap_dispatch,
    .init = qmap_init,
};
