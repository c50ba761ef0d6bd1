/*
 * Where rt tasks run: at wake-up, pushed when their CPU has more than one, pulled when a CPU is
 * about to do less important work (kernel/sched/rt.c).
 */
#include "kernel/push.h"
#include "kernel/rt.h"
#include "kernel/select.h"

void
enqueue_pushable_task(struct kernel *k, struct rq *rq, struct task *p)
{
    struct rt_rq *rt = &rq->rt;
    struct list *at = rt->pushable.next;

    if (!list_empty(&p->pushable))
        list_remove(&p->pushable);
    while (at != &rt->pushable && list_entry(at, struct task, pushable)->prio <= p->prio)
        at = at->next;
    list_insert(&p->pushable, at);
    rt->next_prio = SIM_MIN(rt->next_prio, p->prio);
    push_set_overload(k->push->rt_overloaded, &k->push->nr_rt_overloaded, &rt->overloaded, rq->cpu,
                      true);
}

void
dequeue_pushable_task(struct kernel *k, struct rq *rq, struct task *p)
{
    struct rt_rq *rt = &rq->rt;

    list_remove(&p->pushable);
    if (!list_empty(&rt->pushable)) {
        rt->next_prio = list_entry(rt->pushable.next, struct task, pushable)->prio;
        return;
    }
    rt->next_prio = NO_RT_PRIO;
    push_set_overload(k->push->rt_overloaded, &k->push->nr_rt_overloaded, &rt->overloaded, rq->cpu,
                      false);
}

static int
find_lowest_rq(struct kernel *k, struct task *p, int this_cpu)
{
    if (p->nr_allowed == 1 || !cpupri_find(k, p))
        return -1;
    return push_target(k, p, this_cpu);
}

static bool
is_rt(const struct task *p)
{
    return p != NULL && p->class == &rt_sched_class;
}

int
select_task_rq_rt(struct kernel *k, struct task *p, int cpu, int flags)
{
    const struct task *curr = k->rqs[p->cpu].curr;
    int chosen = p->cpu;
    const char *rule = "prev_cpu";

    if ((flags & (WF_TTWU | WF_FORK)) && is_rt(curr) &&
        (curr->nr_allowed < 2 || curr->prio <= p->prio)) {
        int target = find_lowest_rq(k, p, cpu);
        if (target >= 0 && p->prio < k->rqs[target].rt.highest_prio) {
            chosen = target;
            rule = "find_lowest_rq";
        }
    }
    if (!cpumask_test(p->allowed, (uint32_t)chosen)) {
        chosen = select_fallback_rq(k, p);
        rule = "select_fallback_rq";
    }
    return (int)probe_decide(k, flags & WF_FORK ? DECISION_FORK : DECISION_WAKE, rule, p, cpu,
                             chosen);
}

/* p is as good as what runs. If p has nowhere to go and curr has, p goes first and curr is pushed
 * away. */
void
check_preempt_equal_prio(struct kernel *k, struct rq *rq, struct task *p)
{
    if (rq->curr->nr_allowed == 1 || !cpupri_find(k, rq->curr))
        return;
    if (p->nr_allowed != 1 && cpupri_find(k, p))
        return;
    requeue_task_rt(rq, p, true);
    resched_curr(k, rq);
}

static bool
push_rt_task(struct kernel *k, struct rq *rq)
{
    if (!rq->rt.overloaded)
        return false;
    struct task *p = list_entry(rq->rt.pushable.next, struct task, pushable);
    if (rq->curr == NULL || p->prio < rq->curr->prio) {
        resched_curr(k, rq);
        return false;
    }
    int cpu = find_lowest_rq(k, p, rq->cpu);
    if (cpu < 0 || cpu == rq->cpu || k->rqs[cpu].rt.highest_prio <= p->prio)
        return false; /* other CPUs pull when they are ready */
    push_move_task(k, p, cpu, rq->cpu);
    return true;
}

void
push_rt_tasks(struct kernel *k, struct rq *rq)
{
    while (push_rt_task(k, rq))
        ;
}

/* The best task of src that may run on `cpu`. */
static struct task *
pick_highest_pushable_task(struct rq *src, int cpu)
{
    list_for_each (node, &src->rt.pushable) {
        struct task *p = list_entry(node, struct task, pushable);

        if (cpumask_test(p->allowed, (uint32_t)cpu))
            return p;
    }
    return NULL;
}

void
pull_rt_task(struct kernel *k, struct rq *rq)
{
    struct push_state *ps = k->push;

    if (ps->nr_rt_overloaded == 0 || (ps->nr_rt_overloaded == 1 && rq->rt.overloaded))
        return;
    for_each_cpu (cpu, ps->rt_overloaded) {
        struct rq *src = &k->rqs[cpu];

        if (src == rq || src->rt.next_prio >= rq->rt.highest_prio)
            continue;
        struct task *p = pick_highest_pushable_task(src, rq->cpu);
        if (p == NULL || p->prio >= rq->rt.highest_prio)
            continue;
        if (src->curr == NULL || p->prio < src->curr->prio)
            continue; /* it has just woken and will run where it is */
        push_move_task(k, p, rq->cpu, rq->cpu);
    }
}

void
task_woken_rt(struct kernel *k, struct rq *rq, struct task *p)
{
    const struct task *curr = rq->curr;

    if (curr == NULL || curr == p || rq->need_resched || p->nr_allowed < 2 ||
        curr->class->rank < RANK_RT || curr->class->rank > RANK_DL)
        return;
    if (curr->nr_allowed < 2 || curr->prio <= p->prio)
        push_rt_tasks(k, rq);
}
