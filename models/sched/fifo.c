/*
 * fifo: one queue for all, first come first served (scx_simple with its -f).
 *
 * A woken task that finds an idle CPU goes straight there; all others wait in one queue, from which
 * every CPU takes the first that it may run. Nobody is preempted before the end of a slice. It is
 * what queueing theory calls M/M/c, and loses where tasks differ: a short one waits behind all the
 * long ones, weights count for nothing, and a queue that all share knows neither caches nor nodes.
 */
#include "models/sched/models.h"

enum { QUEUE = 0 };

struct fifo {
    uint64_t slice;
    uint64_t local, queued; /* statistics */
};

static int
fifo_init(struct scx *scx)
{
    return scx_create_dsq(scx, QUEUE, -1);
}

static int
fifo_select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    struct fifo *f = scx_priv(scx);
    bool idle;
    int cpu = scx_select_cpu_dfl(scx, p, prev_cpu, wake_flags, &idle);

    if (idle) {
        f->local++;
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, f->slice, 0);
    }
    return cpu;
}

static void
fifo_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    struct fifo *f = scx_priv(scx);

    f->queued++;
    scx_dsq_insert(scx, p, QUEUE, f->slice, enq_flags);
}

static void
fifo_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu, (void)prev;
    scx_dsq_move_to_local(scx, QUEUE);
}

static const struct field params[] = {
    FIELD(FIELD_TIME, struct fifo, slice, .def = "20ms", .min = "100us", .max = "10s",
          .doc = "how long a task runs before others get a turn"),
    FIELD_END,
};

static const struct scx_stat stats[] = {
    SCX_STAT(struct fifo, local, "tasks that found an idle CPU"),
    SCX_STAT(struct fifo, queued, "tasks that were put into the queue"),
    { 0 },
};

const struct sched_ops fifo_ops = {
    .name = "fifo",
    .doc = "one queue for all CPUs, first come first served",
    .page = "A woken task that finds an idle CPU runs there; all others wait in one queue. Weights "
            "count for\nnothing, and a short task waits behind long ones: the M/M/c of queueing "
            "theory.",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct fifo),
    .params = params,
    .stats = stats,
    .init = fifo_init,
    .select_cpu = fifo_select_cpu,
    .enqueue = fifo_enqueue,
    .dispatch = fifo_dispatch,
};
