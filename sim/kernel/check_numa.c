/*
 * --check: what NUMA balancing knows must add up. A group's faults are the sums of its members', no
 * count is negative, nobody is left marked as the aim of a move, and queues know how many of their
 * tasks prefer a node.
 */
#include "kernel/check.h"
#include "kernel/numa_group.h"

static bool
negative(uint64_t x)
{
    return x >> 63;
}

static const char *
check_task_faults(const struct kernel *k, const struct task_numa *n)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < 2 * NUMA_KIND_NR * k->machine->nr_nodes; i++)
        RULE(!negative(n->faults[i]));
    for (uint32_t i = 0; i < k->machine->nr_nodes; i++) {
        const uint64_t *mem = numa_faults(k, n, NUMA_MEM, (int)i);
        total += mem[NUMA_SHARED] + mem[NUMA_PRIVATE];
    }
    RULE(n->total_faults == total);
    RULE(n->preferred == NUMA_NO_NODE || (uint32_t)n->preferred < k->machine->nr_nodes);
    return NULL;
}

static const char *
check_group_sum(const struct kernel *k, const struct numa_group *g, uint32_t stat)
{
    uint64_t members_sum = 0;

    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        const struct task_numa *n = k->tasks[i]->numa;

        if (n != NULL && n->group == g)
            members_sum += n->faults[stat];
    }
    RULE(g->faults[stat] == members_sum);
    return NULL;
}

static const char *
check_group(const struct kernel *k, const struct numa_group *g)
{
    uint32_t members = 0;
    uint64_t members_total = 0;
    const char *broken;

    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        const struct task_numa *n = k->tasks[i]->numa;

        if (n == NULL || n->group != g)
            continue;
        RULE(k->tasks[i]->state != TASK_DEAD);
        members++;
        members_total += n->total_faults;
    }
    RULE(g->nr_tasks == members);
    RULE(g->nr_tasks > 0);
    RULE(g->total_faults == members_total);
    for (uint32_t stat = 0; stat < 4 * k->machine->nr_nodes; stat++)
        if ((broken = check_group_sum(k, g, stat)) != NULL)
            return broken;
    return NULL;
}

static const char *
check_queue(const struct rq *rq)
{
    uint64_t numa = 0, preferred = 0;

    list_for_each (node, &rq->cfs_tasks) {
        const struct task_numa *n = list_entry(node, struct task, rq_node)->numa;

        numa += n != NULL && n->preferred != NUMA_NO_NODE;
        preferred += n != NULL && n->preferred == rq->node;
    }
    RULE(rq->nr_numa_running == numa);
    RULE(rq->nr_preferred_running == preferred);
    RULE(!rq->numa_migrate_on);
    return NULL;
}

const char *
check_numa(const struct kernel *k)
{
    const char *broken;

    for_each_cpu (cpu, k->machine->online)
        if ((broken = check_queue(&k->rqs[cpu])) != NULL)
            return broken;
    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        const struct task_numa *n = k->tasks[i]->numa;

        if (n != NULL && n->faults != NULL && (broken = check_task_faults(k, n)) != NULL)
            return broken;
    }
    for (const struct numa_group *g = k->numa->groups; g != NULL; g = g->next)
        if ((broken = check_group(k, g)) != NULL)
            return broken;
    return NULL;
}
