/*
 * For tests of wake_affine.
 */
#pragma once

#include "select_kit.h"

/* ---- wakees: how often a waker turns from one to another ---- */

static inline struct task *
run_on(struct fixture *f, int cpu)
{
    struct task *p = fixture_hog(f, "waker", 0);

    p->cpu = cpu;
    f->k->rqs[cpu].curr = p;
    kit_busy(f, cpu);
    return p;
}

/* ---- which of the two CPUs: targets of wake_affine ---- */

struct affine_case {
    const char *idle; /* CPUs */
    int this_cpu, prev;
    bool sync;
    uint32_t nr_running, nr_delayed; /* on the waker's CPU if it is not idle */
    int target;
    enum affine_rule rule;
};

/* Two nodes of 8; loads make the weights decide for prev. */
static inline void
assert_target(struct fixture *f, const struct affine_case *c)
{
    struct task *p = kit_sleeper(f, c->prev);
    struct rq *rq = &f->k->rqs[c->this_cpu];
    struct wakeup w = { .p = p, .this_cpu = c->this_cpu, .prev = c->prev, .sync = c->sync };
    struct sched_domain *sd = f->k->domains->cpus[c->this_cpu].sd;

    kit_only_idle(f, c->idle);
    if (rq->nr_running > 0) {
        rq->nr_running = rq->cfs.h_nr_queued = c->nr_running;
        rq->cfs.h_nr_runnable = c->nr_running - c->nr_delayed;
    }
    while (!cpumask_test(sd->span, (uint32_t)c->prev))
        sd = sd->parent;
    wake_affine(f->k, sd, &w);
    assert_int_equal(w.target, c->target);
    assert_int_equal(w.affine_rule, c->rule);
    assert_int_equal(p->sched.nr_wakeups_affine_attempts, 1);
    assert_int_equal(p->sched.nr_wakeups_affine, c->target == c->this_cpu);
}

/* ---- the whole of select_task_rq_fair ---- */

static inline int
wake(struct fixture *f, struct task *p, int this_cpu, int flags)
{
    return select_task_rq_fair(f->k, p, this_cpu, WF_TTWU | flags);
}
