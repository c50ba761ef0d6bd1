/*
 * numa_local: own CPU, then node, then anywhere.
 *
 * Three kinds of queues. A task waits for the CPU that it ran on while fewer than `cpu_spare` tasks
 * wait there, else for its node, while fewer than `node_spare` a CPU wait there, else for any CPU.
 * A task that has no memory yet, or most of it here, is at home; one whose pages are mostly
 * elsewhere waits for that node instead. A CPU serves its own queue, its node's, the global one;
 * then it helps other nodes, the nearest first, where more than `steal_above` wait.
 */
#include "models/sched/models.h"

enum { NODES = 1 << 16, GLOBAL = 1 << 17 };

struct numa_local {
    sim_time slice;
    uint32_t cpu_spare, node_spare, steal_above;
    uint64_t to_cpu, to_node, to_global, stolen;
};

static int
numa_local_init(struct scx *scx)
{
    int error = scx_create_dsq(scx, GLOBAL, -1);

    for_each_cpu (cpu, scx_possible_cpumask(scx))
        if (error == 0)
            error = scx_create_dsq(scx, (dsq_id)cpu, scx_cpu_node(scx, cpu));
    for (uint32_t node = 0; node < scx_nr_nodes(scx) && error == 0; node++)
        error = scx_create_dsq(scx, NODES + node, (int)node);
    return error;
}

/* The node that p should run on. */
static int
home_of(struct scx *scx, struct task *p)
{
    int memory = scx_task_node(scx, p), here = scx_cpu_node(scx, scx_task_cpu(scx, p));

    if (memory < 0 || memory == here)
        return here;
    return cpumask_intersects(scx_node_cpumask(scx, memory), scx_task_cpumask(scx, p)) ? memory
                                                                                       : here;
}

static int
numa_local_select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    struct numa_local *n = scx_priv(scx);
    int home = home_of(scx, p), cpu = -1;

    (void)wake_flags;
    if (scx_cpu_node(scx, prev_cpu) == home && scx_test_and_clear_cpu_idle(scx, prev_cpu))
        cpu = prev_cpu;
    for (int rank = 0; cpu < 0; rank++) {
        int node = scx_nearest_node(scx, home, rank);
        if (node < 0)
            return prev_cpu; /* nobody idles */
        cpu = scx_select_cpu_and(scx, p, prev_cpu, 0, scx_node_cpumask(scx, node), 0);
    }
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, n->slice, 0);
    return cpu;
}

static bool
has_room(struct scx *scx, dsq_id id, uint32_t spare)
{
    int waiting = scx_dsq_nr_queued(scx, id);

    return waiting >= 0 && (uint32_t)waiting < spare;
}

static void
numa_local_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    struct numa_local *n = scx_priv(scx);
    int cpu = scx_task_cpu(scx, p), home = home_of(scx, p);
    uint32_t room = n->node_spare * cpumask_weight(scx_node_cpumask(scx, home));
    dsq_id id = GLOBAL;

    if (scx_cpu_node(scx, cpu) == home && has_room(scx, (dsq_id)cpu, n->cpu_spare)) {
        id = (dsq_id)cpu;
        n->to_cpu++;
    } else if (has_room(scx, NODES + (dsq_id)home, room)) {
        id = NODES + (dsq_id)home;
        n->to_node++;
    } else {
        n->to_global++;
    }
    scx_dsq_insert(scx, p, id, n->slice, enq_flags);
}

/* The longest queue of the node's CPUs that is worth helping. */
static bool
steal_from(struct scx *scx, const struct numa_local *n, int node)
{
    int longest = (int)n->steal_above;
    dsq_id from = SCX_DSQ_INVALID;

    if (scx_dsq_move_to_local(scx, NODES + (dsq_id)node))
        return true;
    for_each_cpu (cpu, scx_node_cpumask(scx, node)) {
        int waiting = scx_dsq_nr_queued(scx, (dsq_id)cpu);
        if (waiting > longest) {
            longest = waiting;
            from = (dsq_id)cpu;
        }
    }
    return from != SCX_DSQ_INVALID && scx_dsq_move_to_local(scx, from);
}

static void
numa_local_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    struct numa_local *n = scx_priv(scx);
    int home = scx_cpu_node(scx, cpu);

    (void)prev;
    if (scx_dsq_move_to_local(scx, (dsq_id)cpu) ||
        scx_dsq_move_to_local(scx, NODES + (dsq_id)home) || scx_dsq_move_to_local(scx, GLOBAL))
        return;
    for (int rank = 0, node; (node = scx_nearest_node(scx, home, rank)) >= 0; rank++)
        if (steal_from(scx, n, node)) {
            n->stolen++;
            return;
        }
}

static const struct field params[] = {
    FIELD(FIELD_TIME, struct numa_local, slice, .def = "10ms", .min = "100us", .max = "1s",
          .doc = "how long a task runs before others get a turn"),
    FIELD(FIELD_U32, struct numa_local, cpu_spare, .def = "2", .max = "1000",
          .doc = "tasks that wait for one CPU"),
    FIELD(FIELD_U32, struct numa_local, node_spare, .def = "2", .max = "1000",
          .doc = "tasks a CPU that wait for a node"),
    FIELD(FIELD_U32, struct numa_local, steal_above, .def = "0", .max = "1000",
          .doc = "tasks that a CPU keeps to itself when another idles"),
    FIELD_END
};

static const struct scx_stat stats[] = {
    SCX_STAT(struct numa_local, to_cpu, "tasks that waited for their CPU"),
    SCX_STAT(struct numa_local, to_node, "tasks that waited for their node"),
    SCX_STAT(struct numa_local, to_global, "tasks that waited for any CPU"),
    SCX_STAT(struct numa_local, stolen, "tasks that were taken from other CPUs' queues"),
    { .name = NULL },
};

const struct sched_ops numa_local_ops = {
    .name = "numa_local",
    .doc = "a task waits for its CPU, then its node, then anywhere; memory decides which node",
    .page = "For memory-hungry tasks on machines with slow links: tasks go to their memory, where "
            "AutoNUMA would\nmove memory to the tasks. It loses when memory lies on few nodes, "
            "as after a first touch by the main\nthread: then all tasks crowd there, and bandwidth "
            "is what counts, not distance. No weights.",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct numa_local),
    .params = params,
    .stats = stats,
    .init = numa_local_init,
    .select_cpu = numa_local_select_cpu,
    .enqueue = numa_local_enqueue,
    .dispatch = numa_local_dispatch,
};
