/*
 * Historic and textbook rules of CPU selection, behind the switches select.* (none is in 6.12).
 *
 * select.affinity: load      the waker's CPU if it would carry no more than the old one, by the
 *                            weights queued (the wake path of the first CFS, Linux 2.6.23)
 *                  distance  the same with the load of each CPU scaled by 100 + the distance from
 *                            the old CPU's node: 110 at home, 120 or more elsewhere
 *                  same_node never to another node; within the node, the kernel's rule
 * select.fork:     parent_node      a new task stays on its parent's node
 * select.wake:     preferred_node   a wakee goes to the idlest CPU of its preferred node
 *                  waker_node       to the idlest CPU of its waker's node, also if all are busy
 *                  longest_idle     to its old CPU if that is idle, else to the one that has been
 *                                   idle longest anywhere
 *
 * The last two are the overload on wake-up of "The Linux Scheduler: a Decade of Wasted Cores" (Lozi
 * et al., EuroSys 2016) and the fix that it proposes, from general knowledge of the paper.
 *
 * Loads are sums of weights: those kernels had no load tracking to speak of.
 */
#include "kernel/select.h"

static uint64_t
queued_weight(const struct kernel *k, int cpu)
{
    return k->rqs[cpu].cfs.load_weight >> 10;
}

bool
affine_variant_pulls(struct kernel *k, const struct sched_domain *sd, const struct wakeup *w)
{
    const struct task *waker = k->rqs[w->this_cpu].curr;
    uint64_t here = queued_weight(k, w->this_cpu), there = queued_weight(k, w->prev);

    if (w->sync && waker != NULL)
        here -= SIM_MIN(here, waker->se.weight);
    here += w->p->se.weight;
    if (k->params.select.affinity == AFFINITY_LOAD)
        return 100 * here <= (100 + (sd->imbalance_pct - 100) / 2) * there;
    uint32_t home = (uint32_t)k->rqs[w->prev].node, away = (uint32_t)k->rqs[w->this_cpu].node;
    const uint8_t *row = &k->domains->distances[home * k->machine->nr_nodes];
    return here * (100u + row[away]) <= there * (100u + row[home]);
}

static int
preferred_node_cpu(struct kernel *k, const struct task *p, int prev)
{
    int node = preferred_node(p);

    if (node == NUMA_NO_NODE || !cpumask_intersects(k->machine->nodes[node].cpus, p->allowed))
        return -1;
    if (k->rqs[prev].node == node && idle_cpu(k, prev) && allowed_on(p, prev))
        return prev;
    return sched_balance_find_dst_group_cpu(k, NULL, k->machine->nodes[node].cpus, p, prev);
}

/* CPUs that idle since the same instant: the lowest. */
static int
longest_idle_cpu(const struct kernel *k, const struct wakeup *w)
{
    int best = -1;

    if (idle_cpu(k, w->prev) && allowed_on(w->p, w->prev))
        return w->prev;
    for (int cpu = cpumask_next_and(k->idle_cpus, w->p->allowed, 0); cpu >= 0;
         cpu = cpumask_next_and(k->idle_cpus, w->p->allowed, (uint32_t)cpu + 1))
        if (best < 0 || k->rqs[cpu].idle_since < k->rqs[best].idle_since)
            best = cpu;
    return best;
}

static int
waker_node_cpu(struct kernel *k, const struct wakeup *w)
{
    const struct cpumask *cpus = k->machine->nodes[k->rqs[w->this_cpu].node].cpus;

    if (!cpumask_intersects(cpus, w->p->allowed))
        return -1;
    if (cpumask_test(cpus, (uint32_t)w->prev) && idle_cpu(k, w->prev) && allowed_on(w->p, w->prev))
        return w->prev;
    return sched_balance_find_dst_group_cpu(k, NULL, cpus, w->p, w->prev);
}

int
wake_variant_cpu(struct kernel *k, struct wakeup *w)
{
    k->select_kind = DECISION_WAKE;
    switch ((enum wake_rule)k->params.select.wake) {
    case WAKE_PREFERRED_NODE:
        w->rule = "select.wake:preferred_node";
        return preferred_node_cpu(k, w->p, w->prev);
    case WAKE_WAKER_NODE:
        w->rule = "select.wake:waker_node";
        return waker_node_cpu(k, w);
    case WAKE_LONGEST_IDLE:
        w->rule = "select.wake:longest_idle";
        return longest_idle_cpu(k, w);
    case WAKE_LINUX:
        break;
    }
    return -1;
}
