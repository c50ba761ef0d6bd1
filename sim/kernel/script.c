/*
 * The script class: somebody else has already decided (a replay with recorded placement).
 *
 * It has no queue and no rule. Whoever drives it says who shall run on a CPU (rq->script), wakes,
 * moves and blocks the tasks, and kicks the CPU; the class only answers with that name and counts
 * the time. It stands above all other classes, and its tasks are bound to one CPU each, so that no
 * balancer touches them. Their time is the wall clock's: what interrupts stole is already part of
 * what was recorded.
 */
#include "kernel/kernel.h"

static void
account(struct kernel *k, struct task *p)
{
    p->se.sum_exec += k->engine.now - p->se.exec_start;
    p->se.exec_start = k->engine.now;
}

static void
update_curr_script(struct kernel *k, struct rq *rq)
{
    account(k, rq->curr);
}

static void
enqueue_task_script(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    (void)flags;
    p->se.on_rq = true;
    add_nr_running(k, rq, 1);
    sums_update(k, rq);
}

static bool
dequeue_task_script(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    (void)flags;
    p->se.on_rq = false;
    sub_nr_running(k, rq, 1);
    sums_update(k, rq);
    return true;
}

static void
wakeup_preempt_script(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    (void)k, (void)rq, (void)p, (void)flags;
}

static struct task *
pick_task_script(struct kernel *k, struct rq *rq)
{
    struct task *p = rq->script;
    (void)k;

    return p != NULL && p->on_rq && p->cpu == rq->cpu ? p : NULL;
}

static void
put_prev_task_script(struct kernel *k, struct rq *rq, struct task *p)
{
    (void)rq;
    account(k, p);
}

static void
set_next_task_script(struct kernel *k, struct rq *rq, struct task *p)
{
    (void)rq;
    p->se.exec_start = k->engine.now;
    p->se.prev_sum_exec = p->se.sum_exec;
}

static int
select_task_rq_script(struct kernel *k, struct task *p, int cpu, int flags)
{
    (void)k, (void)cpu, (void)flags;
    return cpumask_first(p->allowed);
}

static void
task_tick_script(struct kernel *k, struct rq *rq, struct task *p)
{
    (void)p;
    update_curr_script(k, rq);
}

static sim_time
tick_due_script(struct kernel *k, struct rq *rq)
{
    (void)k, (void)rq;
    return SIM_NEVER;
}

static void
reweight_task_script(struct kernel *k, struct rq *rq, struct task *p, int nice)
{
    (void)k, (void)rq, (void)p, (void)nice;
}

const struct sched_class script_sched_class = {
    .name = "script",
    .rank = RANK_SCRIPT,
    .enqueue_task = enqueue_task_script,
    .dequeue_task = dequeue_task_script,
    .yield_task = update_curr_script,
    .wakeup_preempt = wakeup_preempt_script,
    .pick_task = pick_task_script,
    .put_prev_task = put_prev_task_script,
    .set_next_task = set_next_task_script,
    .select_task_rq = select_task_rq_script,
    .task_tick = task_tick_script,
    .tick_due = tick_due_script,
    .reweight_task = reweight_task_script,
    .update_curr = update_curr_script,
};
