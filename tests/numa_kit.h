/*
 * For tests of NUMA balancing: the memory kit with balancing on, tasks with fault arrays, and a
 * machine whose topology matters.
 */
#pragma once

#include "memory_kit.h"

#include "kernel/numa_group.h"

static inline void
balancing(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->numa.mode = NUMA_BALANCING_NORMAL;
}

/* Two boxes of two nodes: 10, 16 inside, 28 across. */
static inline void
boxes(struct kernel_params *kp, struct machine *m)
{
    balancing(kp, m);
    for (uint32_t a = 0; a < m->nr_nodes; a++)
        for (uint32_t b = 0; b < m->nr_nodes; b++)
            m->distances[a * m->nr_nodes + b] = a == b ? 10 : a / 2 == b / 2 ? 16 : 28;
}

/* A started task with fault arrays, for calls by hand; pid 0: numbered. */
static inline struct task *
numa_task(struct fixture *f, const char *cpu, int32_t pid)
{
    struct task *p = fixture_hog(f, "p", 0);

    p->pid = pid;
    task_set_affinity(f->k, p, fixture_cpus(f, cpu));
    task_start(f->k, p, NULL);
    numa_faults_alloc(f->k, p->numa);
    return p;
}

/* The same, when it has begun to run. */
static inline struct task *
running(struct fixture *f, const char *cpu, int32_t pid)
{
    struct task *p = numa_task(f, cpu, pid);

    fixture_run(f, f->k->engine.now + MSEC(10));
    return p;
}
