/*
 * Where deadline tasks run: as in rt_push.c, with "an earlier deadline" for "a better priority".
 */
#include "kernel/deadline.h"
#include "kernel/push.h"
#include "kernel/select.h"

void
enqueue_pushable_dl_task(struct kernel *k, struct rq *rq, struct task *p)
{
    struct dl_rq *dl = &rq->dl;
    struct list *at = dl->pushable.next;

    if (!list_empty(&p->pushable))
        list_remove(&p->pushable);
    while (at != &dl->pushable &&
           !dl_entity_preempt(&p->dl, &list_entry(at, struct task, pushable)->dl))
        at = at->next;
    list_insert(&p->pushable, at);
    dl->next = list_entry(dl->pushable.next, struct task, pushable)->dl.deadline;
    push_set_overload(k->push->dl_overloaded, &k->push->nr_dl_overloaded, &dl->overloaded, rq->cpu,
                      true);
}

void
dequeue_pushable_dl_task(struct kernel *k, struct rq *rq, struct task *p)
{
    struct dl_rq *dl = &rq->dl;

    if (list_empty(&p->pushable))
        return;
    list_remove(&p->pushable);
    if (!list_empty(&dl->pushable))
        dl->next = list_entry(dl->pushable.next, struct task, pushable)->dl.deadline;
    else
        push_set_overload(k->push->dl_overloaded, &k->push->nr_dl_overloaded, &dl->overloaded,
                          rq->cpu, false);
}

static bool
is_dl(const struct task *p)
{
    return p != NULL && p->class == &dl_sched_class;
}

static bool
is_earliest(const struct task *p, const struct rq *rq)
{
    return rq->dl.nr == 0 || dl_time_before(p->dl.deadline, rq->dl.earliest);
}

static int
find_later_rq(struct kernel *k, struct task *p, int this_cpu)
{
    if (p->nr_allowed == 1 || !cpudl_find(k, p, false))
        return -1;
    return push_target(k, p, this_cpu);
}

int
select_task_rq_dl(struct kernel *k, struct task *p, int cpu, int flags)
{
    const struct task *curr = k->rqs[p->cpu].curr;
    const char *rule = "prev_cpu";
    int chosen = p->cpu;
    bool looks = is_dl(curr) && (curr->nr_allowed < 2 || !dl_entity_preempt(&p->dl, &curr->dl));

    if (unlikely(k->asym_cpucapacity) && !dl_task_fits_capacity(k, p, p->cpu))
        looks = true;
    if ((flags & WF_TTWU) && looks) {
        int target = find_later_rq(k, p, cpu);
        if (target >= 0 && is_earliest(p, &k->rqs[target])) {
            chosen = target;
            rule = "find_later_rq";
        }
    }
    if (!cpumask_test(p->allowed, (uint32_t)chosen)) {
        chosen = select_fallback_rq(k, p);
        rule = "select_fallback_rq";
    }
    return (int)probe_decide(k, flags & WF_FORK ? DECISION_FORK : DECISION_WAKE, rule, p, cpu,
                             chosen);
}

void
check_preempt_equal_dl(struct kernel *k, struct rq *rq, struct task *p)
{
    if (rq->curr->nr_allowed == 1 || !cpudl_find(k, rq->curr, true))
        return;
    if (p->nr_allowed != 1 && cpudl_find(k, p, true))
        return;
    resched_curr(k, rq);
}

bool
push_dl_task(struct kernel *k, struct rq *rq)
{
    if (list_empty(&rq->dl.pushable))
        return false;
    struct task *p = list_entry(rq->dl.pushable.next, struct task, pushable);
    if (is_dl(rq->curr) && dl_entity_preempt(&p->dl, &rq->curr->dl) && rq->curr->nr_allowed > 1) {
        resched_curr(k, rq);
        return false;
    }
    int cpu = find_later_rq(k, p, rq->cpu);
    if (cpu < 0 || cpu == rq->cpu || !is_earliest(p, &k->rqs[cpu]))
        return false;
    push_move_task(k, p, cpu, rq->cpu);
    return true;
}

void
push_dl_tasks(struct kernel *k, struct rq *rq)
{
    while (push_dl_task(k, rq))
        ;
}

static struct task *
pick_earliest_pushable_dl_task(struct rq *src, int cpu)
{
    list_for_each (node, &src->dl.pushable) {
        struct task *p = list_entry(node, struct task, pushable);

        if (cpumask_test(p->allowed, (uint32_t)cpu))
            return p;
    }
    return NULL;
}

/* Of all CPUs with a task too many: each that is earlier than what came before it. */
void
pull_dl_task(struct kernel *k, struct rq *rq)
{
    uint64_t earliest = INT64_MAX;

    if (k->push->nr_dl_overloaded == 0)
        return;
    for_each_cpu (cpu, k->push->dl_overloaded) {
        struct rq *src = &k->rqs[cpu];

        if (src == rq || src->dl.nr <= 1)
            continue;
        if (rq->dl.nr > 0 && dl_time_before(rq->dl.earliest, src->dl.next))
            continue;
        struct task *p = pick_earliest_pushable_dl_task(src, rq->cpu);
        if (p == NULL || !dl_time_before(p->dl.deadline, earliest) || !is_earliest(p, rq))
            continue;
        if (is_dl(src->curr) && dl_entity_preempt(&p->dl, &src->curr->dl))
            continue;
        earliest = p->dl.deadline;
        push_move_task(k, p, rq->cpu, rq->cpu);
    }
}

void
task_woken_dl(struct kernel *k, struct rq *rq, struct task *p)
{
    const struct task *curr = rq->curr;

    if (curr == p || rq->need_resched || p->nr_allowed < 2 || !is_dl(curr))
        return;
    if (curr->nr_allowed < 2 || !dl_entity_preempt(&p->dl, &curr->dl))
        push_dl_tasks(k, rq);
}
