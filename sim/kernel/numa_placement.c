/*
 * Placement (task_numa_placement): once per completed pass a task forgets half of what it knew,
 * adds what it has learnt, prefers the node with most of its faults, and adapts its scan period.
 *
 * All sums are integers in the kernel's order of operations; the halved term is floored, so decay
 * is slightly slower than exact halving. A task whose faults are all private and remote backs off,
 * as does one with a failed migration: that is what 6.12 does, whatever one might wish.
 */
#include "kernel/numa.h"

enum { PERIOD_SLOTS = 10, PERIOD_THRESHOLD = 7 };

/* CPU time since the last placement as a share of the time that passed, in 1/65536. */
static uint64_t
runtime_share(struct kernel *k, struct task *p)
{
    struct task_numa *n = p->numa;
    sim_time now = kernel_now(k), since = n->last_placement ? n->last_placement : p->started_at;
    uint64_t runtime = p->se.sum_exec - n->last_sum_exec;
    uint64_t interval = now > since ? now - since : 0;

    n->last_placement = now;
    n->last_sum_exec = p->se.sum_exec;
    return mul_div_u64(runtime, 65536, interval + 1);
}

static void
fold(struct kernel *k, struct task_numa *n, int node, uint64_t share, uint64_t total,
     uint64_t types[2])
{
    for (int priv = 0; priv < 2; priv++) {
        uint64_t *mem = &numa_faults(k, n, NUMA_MEM, node)[priv];
        uint64_t *cpu = &numa_faults(k, n, NUMA_CPU, node)[priv];
        uint64_t *membuf = &numa_faults(k, n, NUMA_MEMBUF, node)[priv];
        uint64_t *cpubuf = &numa_faults(k, n, NUMA_CPUBUF, node)[priv];
        uint64_t before = *mem;

        *mem = *membuf + *mem - *mem / 2;
        *cpu = share * *cpubuf / (total + 1) + *cpu - *cpu / 2;
        n->total_faults += *mem - before;
        types[priv] += *membuf;
        *membuf = *cpubuf = 0;
    }
}

static uint64_t
mem_faults(const struct kernel *k, const struct task_numa *n, int node)
{
    const uint64_t *mem = numa_faults(k, n, NUMA_MEM, node);

    return mem[NUMA_SHARED] + mem[NUMA_PRIVATE];
}

int64_t
numa_task_weight(const struct kernel *k, const struct task *p, int node)
{
    const struct task_numa *n = p->numa;

    if (n == NULL || n->faults == NULL || n->total_faults == 0)
        return 0;
    return (int64_t)(1000 * mem_faults(k, n, node) / n->total_faults);
}

/* Memory may be where no CPU is: then the nearest node with CPUs is meant. */
static int
nearest_cpu_node(const struct kernel *k, int node)
{
    int best = node;
    uint32_t distance = UINT32_MAX;
    nodemask with_cpus = machine_cpu_nodes(k->machine);

    if (with_cpus & NODE_BIT(node))
        return node;
    for_each_node (n, with_cpus) {
        uint32_t d = machine_distance(k->machine, (uint32_t)node, (uint32_t)n);

        if (d < distance) {
            distance = d;
            best = n;
        }
    }
    return best;
}

/* sched_setnuma(): the counts of the queue follow. */
void
numa_set_preferred(struct kernel *k, struct task *p, int node)
{
    struct rq *rq = &k->rqs[p->cpu];

    if (p->on_rq)
        account_numa_dequeue(rq, p);
    p->numa->preferred = node;
    if (p->on_rq) {
        account_numa_enqueue(rq, p);
        sums_update(k, rq);
    }
}

/* Mostly private or mostly local: slower; else faster, by how far it is from both. */
static int64_t
period_change(uint64_t period, uint64_t local, uint64_t remote, uint64_t shared, uint64_t private)
{
    int64_t slot = (int64_t)div_round_up_u64(period, PERIOD_SLOTS);
    int64_t lr = (int64_t)(local * PERIOD_SLOTS / (local + remote));
    int64_t ps = (int64_t)(private * PERIOD_SLOTS / (private + shared));
    int64_t over = ps >= PERIOD_THRESHOLD ? ps : lr;

    if (over >= PERIOD_THRESHOLD)
        return slot * SIM_MAX(over - PERIOD_THRESHOLD, 1);
    return -(PERIOD_THRESHOLD - over) * slot;
}

static void
update_scan_period(struct kernel *k, struct task *p, uint64_t shared, uint64_t private)
{
    struct task_numa *n = p->numa;
    uint64_t remote = n->locality[NUMA_REMOTE], local = n->locality[NUMA_LOCAL];

    if (local + shared == 0 || n->locality[NUMA_FAILED] > 0) {
        n->scan_period = SIM_MIN(n->scan_period_max, n->scan_period * 2);
        p->mm->numa_next_scan = jiffies(k) + numa_jiffies(k, n->scan_period);
    } else {
        int64_t period = (int64_t)n->scan_period;

        period += period_change(n->scan_period, local, remote, shared, private);
        n->scan_period = (uint64_t)SIM_CLAMP(period, (int64_t)numa_scan_min(k, p->mm),
                                             (int64_t)numa_scan_max(k, p->mm));
    }
    memset(n->locality, 0, sizeof(n->locality));
    struct rq *rq = &k->rqs[p->cpu];
    if (rq->curr == p) {
        rq->numa_due = numa_tick_due(k, rq, p);
        tick_update(k, rq);
    }
}

static void
prefer(struct kernel *k, struct rq *rq, struct task *p, int best)
{
    if (probe_wants(k, DECISION_PREFERRED_NODE)) {
        probe_input(k, "preferred", p->numa->preferred);
        probe_input(k, "total_faults", (int64_t)p->numa->total_faults);
        for (uint32_t i = 0; i < k->machine->nr_nodes; i++)
            probe_candidate(k, "node", i, (int64_t)mem_faults(k, p->numa, (int)i));
    }
    int64_t chosen =
        probe_decide(k, DECISION_PREFERRED_NODE, "task_numa_placement", p, rq->cpu, best);
    if (chosen < 0 || chosen >= k->machine->nr_nodes)
        kernel_fail(k, "--force-decision: there is no node %lld", (long long)chosen);
    else if (chosen != p->numa->preferred)
        numa_set_preferred(k, p, (int)chosen);
}

void
task_numa_placement(struct kernel *k, struct rq *rq, struct task *p)
{
    struct task_numa *n = p->numa;
    uint64_t types[2] = { 0, 0 }, most = 0;
    int best = NUMA_NO_NODE;

    if (n->scan_seq == p->mm->numa_scan_seq || n->faults == NULL)
        return;
    n->scan_seq = p->mm->numa_scan_seq;
    n->scan_period_max = numa_scan_max(k, p->mm);
    uint64_t total = n->locality[NUMA_REMOTE] + n->locality[NUMA_LOCAL];
    uint64_t share = runtime_share(k, p);
    for (uint32_t i = 0; i < k->machine->nr_nodes; i++) {
        if (!k->machine->nodes[i].online)
            continue;
        fold(k, n, (int)i, share, total, types);
        if (mem_faults(k, n, (int)i) > most) {
            most = mem_faults(k, n, (int)i);
            best = (int)i;
        }
    }
    if (most > 0)
        prefer(k, rq, p, nearest_cpu_node(k, best));
    update_scan_period(k, p, types[NUMA_SHARED], types[NUMA_PRIVATE]);
}
