/*
 * near_first: run where the memory is. An example of a plugin: see Makefile.
 *
 * One queue a node. A task waits on the node that holds most of its pages. A CPU with nothing to do
 * serves its own node first, then helps the nearest node that has more than `spare` tasks waiting.
 * A shorter queue is left alone: its tasks will run soon, and near their pages.
 */
#include <numasim/policy.h>

struct near_first {
    sim_time slice;
    uint32_t spare;
    uint64_t helped;
};

static int
near_first_init(struct scx *scx)
{
    for (uint32_t node = 0; node < scx_nr_nodes(scx); node++) {
        int error = scx_create_dsq(scx, node, (int)node);
        if (error != 0)
            return error;
    }
    return 0;
}

static void
near_first_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    const struct near_first *nf = scx_priv(scx);
    int node = scx_task_node(scx, p);

    if (node < 0) /* it has no memory yet */
        node = scx_cpu_node(scx, scx_task_cpu(scx, p));
    scx_dsq_insert(scx, p, (dsq_id)node, nf->slice, enq_flags);
}

static void
near_first_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    struct near_first *nf = scx_priv(scx);
    int home = scx_cpu_node(scx, cpu), node;

    (void)prev;
    if (scx_dsq_move_to_local(scx, (dsq_id)home))
        return;
    for (int rank = 1; (node = scx_nearest_node(scx, home, rank)) >= 0; rank++) {
        if (scx_dsq_nr_queued(scx, (dsq_id)node) > (int)nf->spare &&
            scx_dsq_move_to_local(scx, (dsq_id)node)) {
            nf->helped++;
            return;
        }
    }
}

/* One table describes parameters for --set, `policy show` and the checks. */
static const struct field params[] = {
    FIELD(FIELD_TIME, struct near_first, slice, .def = "20ms", .min = "100us", .max = "1s",
          .doc = "how long a task runs before others get a turn"),
    FIELD(FIELD_U32, struct near_first, spare, .def = "2", .max = "1000",
          .doc = "waiting tasks that a node keeps to itself"),
    FIELD_END
};

static const struct scx_stat stats[] = {
    SCX_STAT(struct near_first, helped, "tasks that were taken from another node"),
    { .name = NULL },
};

/* The symbol that numasim looks for. */
const struct sched_ops numasim_policy = {
    .name = "near_first",
    .doc = "one queue a node, help the nearest when idle",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct near_first),
    .params = params,
    .stats = stats,
    .init = near_first_init,
    .enqueue = near_first_enqueue,
    .dispatch = near_first_dispatch,
};
