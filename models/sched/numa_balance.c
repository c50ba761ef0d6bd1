/*
 * numa_balance: queues of CPUs, and a load balancer of one's own.
 *
 * Each CPU has a queue. A wakee goes to an idle CPU of its node, or waits where it ran. Two things
 * even out: a CPU that runs dry asks for the balance operation, which offers it the other CPUs,
 * nearest first; and a timer compares nodes every `period`, and moves waiting tasks from the
 * busiest to the least busy if they differ by more than `imbalance` percent of their CPUs.
 *
 * Across nodes a task only moves if that costs little: it has at most `remote_share` of its pages
 * on the node that it leaves, or has waited for longer than `patience`.
 */
#include "models/sched/models.h"

enum { MOVES_MOST = 16 };

struct numa_balance {
    sim_time slice, period, patience;
    uint32_t imbalance, remote_share;
    uint64_t pulled, pulled_far, evened, kept_home;
};

struct numa_balance_cpu {
    bool asked; /* since it last ran something: the others had nothing for it */
};

struct numa_balance_task {
    sim_time queued_at;
};

static int
numa_balance_init(struct scx *scx)
{
    int error = scx_timers_new(scx, 1);

    for_each_cpu (cpu, scx_possible_cpumask(scx))
        if (error == 0)
            error = scx_create_dsq(scx, (dsq_id)cpu, scx_cpu_node(scx, cpu));
    if (error == 0)
        scx_timer_start(scx, 0, ((struct numa_balance *)scx_priv(scx))->period);
    return error;
}

static int
numa_balance_select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    const struct numa_balance *n = scx_priv(scx);
    int node = scx_cpu_node(scx, prev_cpu), cpu = prev_cpu;

    (void)wake_flags;
    if (!scx_test_and_clear_cpu_idle(scx, prev_cpu))
        cpu = scx_select_cpu_and(scx, p, prev_cpu, 0, scx_node_cpumask(scx, node), 0);
    if (cpu < 0)
        return prev_cpu;
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, n->slice, 0);
    return cpu;
}

static void
numa_balance_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    const struct numa_balance *n = scx_priv(scx);
    struct numa_balance_task *t = scx_task_data(scx, p);

    t->queued_at = scx_now(scx);
    scx_dsq_insert(scx, p, (dsq_id)scx_task_cpu(scx, p), n->slice, enq_flags);
    int idle = scx_pick_idle_cpu(scx, scx_task_cpumask(scx, p), 0);
    if (idle >= 0)
        scx_request_balance(scx, idle);
}

static void
numa_balance_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    struct numa_balance_cpu *c = scx_cpu_data(scx, cpu);

    (void)prev;
    if (scx_dsq_move_to_local(scx, (dsq_id)cpu) || c->asked)
        return;
    c->asked = true;
    scx_request_balance(scx, cpu);
}

static void
numa_balance_running(struct scx *scx, struct task *p)
{
    struct numa_balance_cpu *c = scx_cpu_data(scx, scx_task_cpu(scx, p));

    c->asked = false;
}

/* May p leave the node for another? */
static bool
may_leave(struct scx *scx, const struct task *p, int node)
{
    struct numa_balance *n = scx_priv(scx);
    const struct numa_balance_task *t = scx_task_data(scx, p);
    uint64_t all = 0;

    if (scx_now(scx) - t->queued_at > n->patience)
        return true;
    for (uint32_t i = 0; i < scx_nr_nodes(scx); i++)
        all += scx_task_pages(scx, p, (int)i);
    bool light = scx_task_pages(scx, p, node) * 1000000 <= all * n->remote_share;
    n->kept_home += !light;
    return light;
}

/* Moves up to `most` tasks that wait for src to dst; how many. */
static uint32_t
move(struct scx *scx, int src, int dst, uint32_t most)
{
    int from = scx_cpu_node(scx, src);
    bool far = from != scx_cpu_node(scx, dst);
    struct scx_dsq_iter it;
    struct task *p;
    uint32_t moved = 0;

    if (scx_dsq_iter_new(scx, &it, (dsq_id)src, 0) != 0)
        return 0;
    while (moved < most && (p = scx_dsq_iter_next(scx, &it)) != NULL) {
        if (!cpumask_test(scx_task_cpumask(scx, p), (uint32_t)dst) ||
            (far && !may_leave(scx, p, from)))
            continue;
        moved += scx_dsq_move(scx, &it, p, SCX_DSQ_LOCAL_OF(dst), 0);
    }
    scx_dsq_iter_destroy(scx, &it);
    return moved;
}

static bool
numa_balance_balance(struct scx *scx, int dst, int src)
{
    struct numa_balance *n = scx_priv(scx);

    if (scx_dsq_nr_queued(scx, (dsq_id)src) <= 0 || move(scx, src, dst, 1) == 0)
        return false;
    n->pulled++;
    n->pulled_far += scx_cpu_node(scx, src) != scx_cpu_node(scx, dst);
    return true;
}

/* Tasks that run or wait on the node, times 100 over its CPUs; -1: it has none. */
static int64_t
load_of(struct scx *scx, int node)
{
    const struct cpumask *cpus = scx_node_cpumask(scx, node);
    int64_t tasks = 0, nr = cpumask_weight(cpus);

    for_each_cpu (cpu, cpus)
        tasks += scx_dsq_nr_queued(scx, (dsq_id)cpu) + (scx_cpu_curr(scx, cpu) != NULL);
    return nr == 0 ? -1 : tasks * 100 / nr;
}

/* The CPU of the node with the longest or shortest queue. */
static int
by_queue(struct scx *scx, int node, bool longest)
{
    int best = -1, length = 0;

    for_each_cpu (cpu, scx_node_cpumask(scx, node)) {
        int n = scx_dsq_nr_queued(scx, (dsq_id)cpu) + (scx_cpu_curr(scx, cpu) != NULL);
        if (best < 0 || (longest ? n > length : n < length)) {
            best = cpu;
            length = n;
        }
    }
    return best;
}

static void
even_out(struct scx *scx, struct numa_balance *n)
{
    int most = -1, least = -1;
    int64_t high = 0, low = 0;

    for (int node = 0; node < (int)scx_nr_nodes(scx); node++) {
        int64_t load = load_of(scx, node);
        if (load >= 0 && (most < 0 || load > high)) {
            most = node;
            high = load;
        }
        if (load >= 0 && (least < 0 || load < low)) {
            least = node;
            low = load;
        }
    }
    for (int i = 0; i < MOVES_MOST && high - low > (int64_t)n->imbalance; i++) {
        int src = by_queue(scx, most, true), dst = by_queue(scx, least, false);
        if (move(scx, src, dst, 1) == 0)
            return;
        n->evened++;
        high = load_of(scx, most);
        low = load_of(scx, least);
    }
}

static void
numa_balance_timer(struct scx *scx, uint32_t timer)
{
    struct numa_balance *n = scx_priv(scx);

    even_out(scx, n);
    scx_timer_start(scx, timer, n->period);
}

static const struct field params[] = {
    FIELD(FIELD_TIME, struct numa_balance, slice, .def = "10ms", .min = "100us", .max = "1s",
          .doc = "how long a task runs before others get a turn"),
    FIELD(FIELD_TIME, struct numa_balance, period, .def = "16ms", .min = "1ms", .max = "10s",
          .doc = "how often nodes are compared"),
    FIELD(FIELD_TIME, struct numa_balance, patience, .def = "2ms", .max = "10s",
          .doc = "who has waited for longer may leave its memory"),
    FIELD(FIELD_U32, struct numa_balance, imbalance, .def = "25", .max = "10000",
          .doc = "percent of a node's CPUs by which nodes may differ"),
    FIELD(FIELD_RATIO, struct numa_balance, remote_share, .def = "25%", .max = "100%",
          .doc = "share of its pages that a task may leave behind"),
    FIELD_END
};

static const struct scx_stat stats[] = {
    SCX_STAT(struct numa_balance, pulled, "tasks that a CPU without work took from another"),
    SCX_STAT(struct numa_balance, pulled_far, "of these, from another node"),
    SCX_STAT(struct numa_balance, evened, "tasks that moved between nodes to even out"),
    SCX_STAT(struct numa_balance, kept_home, "tasks that were left with their memory"),
    { .name = NULL },
};

const struct sched_ops numa_balance_ops = {
    .name = "numa_balance",
    .doc = "a queue a CPU, and a balancer that weighs waiting against leaving memory behind",
    .page = "Shows what a load balancer is made of: pull when idle, even out from time to time, "
            "and a price for\nleaving one's memory. It loses to the kernel's where machines have "
            "more levels than nodes (LLCs, SMT),\nand its timer looks at every CPU, which large "
            "machines feel. No weights.",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct numa_balance),
    .cpu_size = sizeof(struct numa_balance_cpu),
    .task_size = sizeof(struct numa_balance_task),
    .params = params,
    .stats = stats,
    .init = numa_balance_init,
    .select_cpu = numa_balance_select_cpu,
    .enqueue = numa_balance_enqueue,
    .dispatch = numa_balance_dispatch,
    .running = numa_balance_running,
    .balance = numa_balance_balance,
    .timer = numa_balance_timer,
};
