/*
 * rr: turns of equal length.
 *
 * One queue for all. Whoever has had its turn goes to the end, whatever its weight, and whoever
 * wakes up goes there too. The time between two turns is the number of waiting tasks times the
 * slice over the CPUs: short slices answer fast and switch often.
 */
#include "models/sched/models.h"

enum { SHARED = 0 };

struct rr {
    sim_time slice;
};

static int
rr_init(struct scx *scx)
{
    return scx_create_dsq(scx, SHARED, -1);
}

static void
rr_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    const struct rr *rr = scx_priv(scx);

    scx_dsq_insert(scx, p, SHARED, rr->slice, enq_flags);
}

static void
rr_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu;
    (void)prev;
    scx_dsq_move_to_local(scx, SHARED);
}

static const struct field params[] = { FIELD(FIELD_TIME, struct rr, slice, .def = "5ms",
                                             .min = "100us", .max = "1s",
                                             .doc = "how long a turn is"),
                                       FIELD_END };

const struct sched_ops rr_ops = {
    .name = "rr",
    .doc = "one queue, turns of equal length, no weights",
    .page = "For a class: the plainest scheduler that shares. A turn is one slice, and the slices "
            "end at ticks,\nso a shorter one than a tick has no effect. It loses as soon as tasks "
            "differ: a short task waits\nfor all long ones before it, weights and nice levels "
            "count for nothing, and a task runs where a\nCPU happens to be free, far from its "
            "cache and its memory.",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct rr),
    .params = params,
    .init = rr_init,
    .enqueue = rr_enqueue,
    .dispatch = rr_dispatch,
};
