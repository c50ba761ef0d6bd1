/*
 * my_autonuma: a small dynamic NUMA policy.
 *
 * The kernel marks pages so that the next access faults; that is the mechanism. This is the policy:
 *
 * - hint_fault: a page moves to the node that touched it twice in a row, as seen by its task: a
 *   remote fault counts for the node of the CPU, a local one against it; with `hysteresis` more
 *   remote than local ones the task's pages move.
 * - scan: marks the usual number of pages while faults are remote, and a quarter of it once
 *   `settled` of them are local.
 * - every `period` the node where most of a task's faults went becomes its home, and wake-ups look
 *   there first. So tasks go to memory while memory comes to tasks; whoever is more, wins.
 *
 * Everything else is a queue a node, and help for the nearest node when idle.
 */
#include "models/sched/models.h"

struct my_autonuma {
    sim_time slice, period;
    uint32_t hysteresis, settled;
    uint64_t moved, stayed, homes;
};

struct my_task {
    int32_t score;       /* remote faults less local ones, fading */
    uint32_t local, all; /* of late */
    int32_t home;        /* + 1; 0: not known */
    sim_time judged_at;
};

static int
my_init(struct scx *scx)
{
    int error = 0;

    for (uint32_t node = 0; node < scx_nr_nodes(scx) && error == 0; node++)
        error = scx_create_dsq(scx, node, (int)node);
    return error;
}

static int
my_hint_fault(struct scx *scx, struct task *p, const struct scx_hint_fault_args *args)
{
    struct my_autonuma *m = scx_priv(scx);
    struct my_task *t = scx_task_data(scx, p);
    bool local = args->cpu_node == args->page_node;

    t->all++;
    t->local += local;
    t->score += local ? -1 : 1;
    t->score = SIM_CLAMP(t->score, -(int32_t)m->hysteresis, 2 * (int32_t)m->hysteresis);
    bool move = !local && t->score >= (int32_t)m->hysteresis;
    m->moved += move ? args->pages : 0;
    m->stayed += move ? 0 : args->pages;
    return move;
}

static int64_t
my_scan(struct scx *scx, struct task *p, uint64_t pages)
{
    const struct my_autonuma *m = scx_priv(scx);
    struct my_task *t = scx_task_data(scx, p);
    bool calm = t->all >= 64 && (uint64_t)t->local * 1000000 >= (uint64_t)t->all * m->settled;

    t->local /= 2;
    t->all /= 2;
    return calm ? (int64_t)(pages / 4) : -1;
}

/* The node with most of its faults, from time to time. */
static void
my_tick(struct scx *scx, struct task *p)
{
    struct my_autonuma *m = scx_priv(scx);
    struct my_task *t = scx_task_data(scx, p);
    uint64_t most = 0;
    int32_t home = 0;

    if (scx_now(scx) - t->judged_at < m->period)
        return;
    t->judged_at = scx_now(scx);
    for (uint32_t node = 0; node < scx_nr_nodes(scx); node++) {
        uint64_t faults = scx_task_faults(scx, p, (int)node);
        if (faults > most) {
            most = faults;
            home = (int32_t)node + 1;
        }
    }
    m->homes += home != 0 && home != t->home;
    t->home = home != 0 ? home : t->home;
}

static int
home_of(struct scx *scx, const struct task *p, int otherwise)
{
    const struct my_task *t = scx_task_data(scx, p);

    if (t->home == 0 ||
        !cpumask_intersects(scx_node_cpumask(scx, t->home - 1), scx_task_cpumask(scx, p)))
        return otherwise;
    return t->home - 1;
}

static int
my_select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    const struct my_autonuma *m = scx_priv(scx);
    int home = home_of(scx, p, scx_cpu_node(scx, prev_cpu)), cpu = -1;

    (void)wake_flags;
    if (scx_cpu_node(scx, prev_cpu) == home && scx_test_and_clear_cpu_idle(scx, prev_cpu))
        cpu = prev_cpu;
    for (int rank = 0, node; cpu < 0; rank++) {
        if ((node = scx_nearest_node(scx, home, rank)) < 0)
            return prev_cpu;
        cpu = scx_select_cpu_and(scx, p, prev_cpu, 0, scx_node_cpumask(scx, node), 0);
    }
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, m->slice, 0);
    return cpu;
}

static void
my_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    const struct my_autonuma *m = scx_priv(scx);
    int node = home_of(scx, p, scx_cpu_node(scx, scx_task_cpu(scx, p)));

    scx_dsq_insert(scx, p, (dsq_id)node, m->slice, enq_flags);
}

static void
my_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    int home = scx_cpu_node(scx, cpu);

    (void)prev;
    for (int rank = 0, node; (node = scx_nearest_node(scx, home, rank)) >= 0; rank++)
        if (scx_dsq_move_to_local(scx, (dsq_id)node))
            return;
}

static const struct field params[] = {
    FIELD(FIELD_TIME, struct my_autonuma, slice, .def = "10ms", .min = "100us", .max = "1s",
          .doc = "how long a task runs before others get a turn"),
    FIELD(FIELD_TIME, struct my_autonuma, period, .def = "200ms", .min = "1ms", .max = "60s",
          .doc = "how often a task's home is looked for"),
    FIELD(FIELD_U32, struct my_autonuma, hysteresis, .def = "4", .min = "1", .max = "1000",
          .doc = "remote faults, less local ones, after which pages move"),
    FIELD(FIELD_RATIO, struct my_autonuma, settled, .def = "90%", .max = "100%",
          .doc = "share of local faults from which on fewer pages are marked"),
    FIELD_END
};

static const struct scx_stat stats[] = {
    SCX_STAT(struct my_autonuma, moved, "pages that moved after a fault"),
    SCX_STAT(struct my_autonuma, stayed, "pages that stayed"),
    SCX_STAT(struct my_autonuma, homes, "changes of a task's home"),
    { .name = NULL },
};

const struct sched_ops my_autonuma_ops = {
    .name = "my_autonuma",
    .doc = "a small dynamic NUMA policy: pages follow tasks, tasks look for their pages",
    .page = "To be changed: thirty lines decide what moves. Hinting faults are switched on "
            "with it (numa_balancing.mode=on).\nIt loses to the kernel's on memory that tasks "
            "share (there "
            "are no groups here, so they pull pages to and\nfro) and on large pages, where one "
            "decision moves two megabytes.",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct my_autonuma),
    .task_size = sizeof(struct my_task),
    .params = params,
    .stats = stats,
    .init = my_init,
    .select_cpu = my_select_cpu,
    .enqueue = my_enqueue,
    .dispatch = my_dispatch,
    .tick = my_tick,
    .hint_fault = my_hint_fault,
    .scan = my_scan,
};
