/* --check for the rt and deadline classes: queues, what may be pushed, and where CPUs are filed. */
#include "kernel/check_rt.h"

#include "kernel/deadline.h"
#include "kernel/push.h"

#define RULE(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return #cond;                                                                          \
    } while (0)

static const char *
check_rt_queue(const struct rq *rq)
{
    const struct rt_rq *rt = &rq->rt;
    uint32_t nr = 0;
    int32_t best = NO_RT_PRIO, next = NO_RT_PRIO;

    for (int prio = MAX_RT_PRIO - 1; prio >= 0; prio--) {
        RULE(list_empty(&rt->queue[prio]) == !(rt->bitmap[prio >> 6] >> (prio & 63) & 1));
        list_for_each (node, &rt->queue[prio]) {
            const struct task *p = list_entry(node, struct task, rt.run_list);
            RULE(p->prio == prio && p->cpu == rq->cpu && p->rt.on_list);
            best = prio;
            nr++;
        }
    }
    RULE(rt->nr_running == nr);
    RULE(rt->highest_prio == best);
    list_for_each (node, &rt->pushable) {
        const struct task *p = list_entry(node, struct task, pushable);
        RULE(p->rt.on_list && p->cpu == rq->cpu && p != rq->curr && p->nr_allowed > 1);
        next = SIM_MIN(next, p->prio);
    }
    RULE(rt->next_prio == next);
    RULE(rt->overloaded == !list_empty(&rt->pushable));
    return NULL;
}

static const char *
check_dl_queue(const struct rq *rq)
{
    const struct dl_rq *dl = &rq->dl;
    uint64_t before = 0;
    uint32_t nr = 0;

    list_for_each (node, &dl->queue) {
        const struct sched_dl_entity *se = list_entry(node, struct sched_dl_entity, node);
        RULE(se->on_rq && !se->throttled);
        RULE(se->deadline >= before);
        RULE(se->task == NULL || se->task->cpu == rq->cpu);
        before = se->deadline;
        nr++;
    }
    RULE(dl->nr == nr);
    list_for_each (node, &dl->pushable) {
        const struct task *p = list_entry(node, struct task, pushable);
        RULE(p->dl.on_rq && p->cpu == rq->cpu && p != rq->curr && p->nr_allowed > 1);
    }
    RULE(dl->overloaded == !list_empty(&dl->pushable));
    return NULL;
}

const char *
check_higher_classes(const struct kernel *k, const struct rq *rq)
{
    const struct push_state *ps = k->push;
    const char *broken;

    if (!k->higher_classes)
        return NULL;
    if ((broken = check_rt_queue(rq)) != NULL || (broken = check_dl_queue(rq)) != NULL)
        return broken;
    RULE(cpumask_test(ps->pri[ps->cpu_to_pri[rq->cpu]].cpus, (uint32_t)rq->cpu));
    RULE(cpumask_test(ps->dl_cpus, (uint32_t)rq->cpu) == (rq->dl.nr > 0));
    RULE(cpumask_test(ps->rt_overloaded, (uint32_t)rq->cpu) == rq->rt.overloaded);
    RULE(cpumask_test(ps->dl_overloaded, (uint32_t)rq->cpu) == rq->dl.overloaded);
    return NULL;
}
