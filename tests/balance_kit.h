/*
 * For tests of the balancer: queues of real tasks, and passes that the test calls.
 */
#pragma once

#include "sim_fixture.h"

#include "kernel/balance_impl.h"

/* Nothing balances by itself: the test calls the passes. */
static inline void
open_still(struct fixture *f, uint32_t nodes, uint32_t cores, uint32_t threads)
{
    fixture_open(f, nodes, cores, threads, false);
    f->k->params.sched.newidle_balance = f->k->params.sched.periodic_balance = false;
}

/* Hogs on one CPU, which may go anywhere once they are there. */
static inline void
pile_up(struct fixture *f, struct task **hogs, uint32_t nr, const char *cpu, sim_time until)
{
    for (uint32_t i = 0; i < nr; i++) {
        hogs[i] = fixture_hog(f, "hog", 0);
        task_set_affinity(f->k, hogs[i], fixture_cpus(f, cpu));
        task_start(f->k, hogs[i], NULL);
    }
    fixture_run(f, until);
    for (uint32_t i = 0; i < nr; i++)
        task_set_affinity(f->k, hogs[i], f->machine->online);
}

static inline uint32_t
pass(struct fixture *f, int cpu, struct sched_domain *sd, enum idle_type idle)
{
    bool go_on = true;

    return sched_balance_rq(f->k, cpu, &f->k->rqs[cpu], sd, idle, &go_on);
}

static inline struct sched_domain *
lowest_with(struct fixture *f, int cpu, uint32_t flag)
{
    struct sched_domain *sd = f->k->domains->cpus[cpu].sd;

    while (sd != NULL && !(sd->flags & flag))
        sd = sd->parent;
    assert_non_null(sd);
    return sd;
}
