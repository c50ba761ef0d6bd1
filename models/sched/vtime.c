/*
 * vtime: one queue for all, by weighted virtual time (scx_simple).
 *
 * A task's virtual time advances by what it ran, divided by its weight; whoever has had least runs
 * first. Virtual time of the machine is that of the task that began to run last; one that slept
 * comes back at most a slice behind it, so that sleep cannot be saved up. With more tasks than CPUs
 * shares follow the weights, but not with two hogs on one CPU: the task whose slice has ended is
 * not in the queue yet when the next one is taken from it, so they take turns whatever they weigh.
 */
#include "models/sched/models.h"

enum { QUEUE = 0 };

struct vtime {
    uint64_t slice;
    uint64_t now; /* virtual time of the machine */
    uint64_t local, queued;
};

/* Virtual times wrap. */
static bool
vtime_before(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}

static int
vtime_init(struct scx *scx)
{
    return scx_create_dsq(scx, QUEUE, -1);
}

static int
vtime_select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    struct vtime *v = scx_priv(scx);
    bool idle;
    int cpu = scx_select_cpu_dfl(scx, p, prev_cpu, wake_flags, &idle);

    if (idle) {
        v->local++;
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, v->slice, 0);
    }
    return cpu;
}

static void
vtime_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    struct vtime *v = scx_priv(scx);
    uint64_t vtime = scx_task_dsq_vtime(scx, p);

    v->queued++;
    if (vtime_before(vtime, v->now - v->slice))
        vtime = v->now - v->slice;
    scx_dsq_insert_vtime(scx, p, QUEUE, v->slice, vtime, enq_flags);
}

static void
vtime_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu, (void)prev;
    scx_dsq_move_to_local(scx, QUEUE);
}

static void
vtime_running(struct scx *scx, struct task *p)
{
    struct vtime *v = scx_priv(scx);

    if (vtime_before(v->now, scx_task_dsq_vtime(scx, p)))
        v->now = scx_task_dsq_vtime(scx, p);
}

/* What it ran is what its slice has lost. */
static void
vtime_stopping(struct scx *scx, struct task *p, bool runnable)
{
    const struct vtime *v = scx_priv(scx);
    uint64_t left = scx_task_slice(scx, p);
    uint64_t used = v->slice > left ? v->slice - left : 0;
    (void)runnable;

    scx_task_set_dsq_vtime(scx, p,
                           scx_task_dsq_vtime(scx, p) + used * 100 / scx_task_weight(scx, p));
}

static void
vtime_enable(struct scx *scx, struct task *p)
{
    const struct vtime *v = scx_priv(scx);

    scx_task_set_dsq_vtime(scx, p, v->now);
}

static const struct field params[] = {
    FIELD(FIELD_TIME, struct vtime, slice, .def = "20ms", .min = "100us", .max = "10s",
          .doc = "how long a task runs before others get a turn"),
    FIELD_END,
};

static const struct scx_stat stats[] = {
    SCX_STAT(struct vtime, local, "tasks that found an idle CPU"),
    SCX_STAT(struct vtime, queued, "tasks that were put into the queue"),
    { 0 },
};

const struct sched_ops vtime_ops = {
    .name = "vtime",
    .doc = "one queue for all CPUs, weighted fair by virtual time",
    .page = "Whoever has run least, in proportion to its weight, runs first. Shares follow the "
            "weights when\nenough tasks compete; two hogs on one CPU take turns whatever they "
            "weigh.",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct vtime),
    .params = params,
    .stats = stats,
    .init = vtime_init,
    .select_cpu = vtime_select_cpu,
    .enqueue = vtime_enqueue,
    .dispatch = vtime_dispatch,
    .running = vtime_running,
    .stopping = vtime_stopping,
    .enable = vtime_enable,
};
