/*
 * Placement (task_numa_placement): once per completed pass a task forgets half of what it knew,
 * adds what it has learnt, prefers the node with most of its faults, and adapts its scan period.
 *
 * All sums are integers in the kernel's order of operations; the halved term is floored, so decay
 * is slightly slower than exact halving. A task whose faults are all private and remote backs off,
 * as does one with a failed migration: that is what 6.12 does, whatever one might wish.
 */
#include "kernel/load.h"
#include "kernel/numa_group.h"

enum { PERIOD_SLOTS = 10, PERIOD_THRESHOLD = 7 };

/* CPU time since the last placement as a share of the time that passed, in 1/65536; at the first
 * one by the load average (numa_get_avg_runtime). */
static uint64_t
runtime_share(struct task *p)
{
    struct task_numa *n = p->numa;
    uint64_t runtime = p->se.avg.load_sum, interval = LOAD_AVG_MAX;
    sim_time now = p->se.exec_start;

    if (n->last_placement != 0) {
        runtime = p->se.sum_exec - n->last_sum_exec;
        interval = now > n->last_placement ? now - n->last_placement : 0;
    }
    n->last_placement = now;
    n->last_sum_exec = p->se.sum_exec;
    return mul_div_u64(runtime, 65536, interval + 1);
}

/* What a placement works on. */
struct pass {
    struct kernel *k;
    struct task *p;
    struct task_numa *n;
    struct numa_group *group;
    uint64_t share, total; /* CPU time, 1/65536; faults since the last one */
    uint64_t types[2];     /* of those, by NUMA_SHARED, NUMA_PRIVATE */
};

/* Forgets half and adds the new; a group's sums follow. */
static void
fold_kind(struct pass *s, int node, int priv)
{
    struct kernel *k = s->k;
    uint64_t *mem = &numa_faults(k, s->n, NUMA_MEM, node)[priv];
    uint64_t *cpu = &numa_faults(k, s->n, NUMA_CPU, node)[priv];
    uint64_t *membuf = &numa_faults(k, s->n, NUMA_MEMBUF, node)[priv];
    uint64_t *cpubuf = &numa_faults(k, s->n, NUMA_CPUBUF, node)[priv];
    uint64_t diff = *membuf - *mem / 2; /* may be negative: sums wrap back */
    uint64_t cpu_diff = s->share * *cpubuf / (s->total + 1) - *cpu / 2;

    s->types[priv] += *membuf;
    *membuf = *cpubuf = 0;
    *mem += diff;
    *cpu += cpu_diff;
    s->n->total_faults += diff;
    if (s->group == NULL)
        return;
    s->group->faults[mem - s->n->faults] += diff;
    s->group->faults[cpu - s->n->faults] += cpu_diff;
    s->group->total_faults += diff;
}

/* Faults that a node is judged by: the group's, or the task's own. */
static uint64_t
node_faults(const struct kernel *k, const struct task_numa *n, int node)
{
    const uint64_t *mem = numa_faults(k, n, NUMA_MEM, node);

    return n->group != NULL ? group_faults(k, n->group, node)
                            : mem[NUMA_SHARED] + mem[NUMA_PRIVATE];
}

/* sched_setnuma(): the counts of the queue follow, if the task is in a fair one. */
void
numa_set_preferred(struct kernel *k, struct task *p, int node)
{
    struct rq *rq = &k->rqs[p->cpu];

    if (p->se.on_rq)
        account_numa_dequeue(rq, p);
    p->numa->preferred = node;
    if (p->se.on_rq) {
        account_numa_enqueue(rq, p);
        sums_update(k, rq);
    }
}

/* Mostly private or mostly local: slower; else faster, by how far it is from both. */
static int64_t
period_change(const struct kernel *k, uint64_t period, uint64_t local, uint64_t remote,
              uint64_t shared, uint64_t private)
{
    int64_t slot = (int64_t)div_round_up_u64(period, PERIOD_SLOTS);
    int64_t lr = local + remote ? (int64_t)(local * PERIOD_SLOTS / (local + remote)) : 0;
    int64_t ps = private + shared ? (int64_t)(private * PERIOD_SLOTS / (private + shared)) : 0;

    if (!numa_quirk(k, PRIVATE_SLOW))
        ps = SIM_MIN(ps, lr); /* private memory that is remote is no reason to slow down */
    int64_t over = ps >= PERIOD_THRESHOLD ? ps : lr;
    if (over >= PERIOD_THRESHOLD)
        return slot * SIM_MAX(over - PERIOD_THRESHOLD, 1);
    return -(PERIOD_THRESHOLD - SIM_MAX(lr, ps)) * slot;
}

/* Nothing to learn, or a migration failed: look less often. */
static bool
backs_off(const struct kernel *k, const struct task_numa *n, uint64_t shared, uint64_t private)
{
    uint64_t local = n->locality[NUMA_LOCAL];

    if (numa_quirk(k, PRIVATE_BACKOFF))
        return local + shared == 0 || n->locality[NUMA_FAILED] > 0;
    return local + shared + private == 0;
}

static void
update_task_scan_period(struct kernel *k, struct task *p, uint64_t shared, uint64_t private)
{
    struct task_numa *n = p->numa;
    uint64_t remote = n->locality[NUMA_REMOTE], local = n->locality[NUMA_LOCAL];

    if (!k->params.numa.scan_adapt) {
        n->scan_period = numa_scan_start(k, p);
    } else if (backs_off(k, n, shared, private)) {
        n->scan_period = SIM_MIN(n->scan_period_max, n->scan_period * 2);
        p->mm->numa_next_scan = jiffies(k) + numa_jiffies(k, n->scan_period);
    } else {
        int64_t change = period_change(k, n->scan_period, local, remote, shared, private);
        uint32_t period = (uint32_t)n->scan_period + (uint32_t)change; /* below 0 is very long */

        n->scan_period = SIM_CLAMP((uint64_t)period, numa_scan_min(k, p->mm), numa_scan_max(k, p));
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
        probe_input(k, "scan_seq", (int64_t)p->numa->scan_seq);
        for (uint32_t i = 0; i < k->machine->nr_nodes; i++)
            probe_candidate(k, "node", i, (int64_t)node_faults(k, p->numa, (int)i));
        probe_input(k, "group", p->numa->group != NULL ? p->numa->group->gid : 0);
    }
    int64_t chosen =
        probe_decide(k, DECISION_PREFERRED_NODE, "task_numa_placement", p, rq->cpu, best);
    if (chosen < 0 || chosen >= k->machine->nr_nodes)
        kernel_fail(k, "--force-decision: there is no node %lld", (long long)chosen);
    else if (chosen != p->numa->preferred)
        numa_set_preferred(k, p, (int)chosen);
}

/* The node with most faults, lowest number first; NUMA_NO_NODE if there were none at all. */
static int
fold_nodes(struct pass *s)
{
    int best = NUMA_NO_NODE;
    uint64_t most = 0;

    for (uint32_t i = 0; i < s->k->machine->nr_nodes; i++) {
        if (!s->k->machine->nodes[i].online)
            continue;
        fold_kind(s, (int)i, NUMA_SHARED);
        fold_kind(s, (int)i, NUMA_PRIVATE);
        uint64_t faults = node_faults(s->k, s->n, (int)i);
        if (faults > most) {
            most = faults;
            best = (int)i;
        }
    }
    return best;
}

void
task_numa_placement(struct kernel *k, struct rq *rq, struct task *p)
{
    struct task_numa *n = p->numa;

    if (n->scan_seq == p->mm->numa_scan_seq || n->faults == NULL)
        return;
    n->scan_seq = p->mm->numa_scan_seq;
    n->scan_period_max = numa_scan_max(k, p);
    struct pass s = { .k = k,
                      .p = p,
                      .n = n,
                      .group = n->group,
                      .total = n->locality[NUMA_REMOTE] + n->locality[NUMA_LOCAL] };
    rq_catch_up(k, rq); /* times are those of the last tick */
    s.share = runtime_share(p);
    int best = fold_nodes(&s), node = numa_nearest_cpu_node(k, best);
    if (n->group != NULL) {
        numa_group_count_active_nodes(k, n->group);
        node = preferred_group_nid(k, p, node);
    }
    if (best != NUMA_NO_NODE)
        prefer(k, rq, p, node);
    update_task_scan_period(k, p, s.types[NUMA_SHARED], s.types[NUMA_PRIVATE]);
}
