/* --check for the rt and deadline classes: queues, what may be pushed, and where CPUs are filed. */
#include "kernel/check_rt.h"

#include "kernel/deadline.h"
#include "kernel/push.h"

#define RULE(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return #cond;                                                                          \
    } while (0)

enum { CHECK_LISTS_EVENTS = 16 };

static const char *
check_rt_lists(const struct rt_rq *rt)
{
    for (int prio = 0; prio < MAX_RT_PRIO; prio++)
        RULE(list_empty(&rt->queue[prio]) == !(rt->bitmap[prio >> 6] >> (prio & 63) & 1));
    return NULL;
}

/* Those that the bits name: a task elsewhere would be missing from the count. */
static const char *
check_rt_tasks(const struct rq *rq)
{
    const struct rt_rq *rt = &rq->rt;
    uint32_t nr = 0;
    int32_t best = NO_RT_PRIO;

    for (int word = 1; word >= 0; word--)
        for (uint64_t bits = rt->bitmap[word]; bits != 0; bits &= bits - 1) {
            int prio = 64 * word + __builtin_ctzll(bits);

            list_for_each (node, &rt->queue[prio]) {
                const struct task *p = list_entry(node, struct task, rt.run_list);
                RULE(p->prio == prio && p->cpu == rq->cpu && p->rt.on_list);
                nr++;
            }
            best = SIM_MIN(best, prio);
        }
    RULE(rt->nr_running == nr);
    RULE(rt->highest_prio == best);
    return NULL;
}

static const char *
check_rt_queue(const struct kernel *k, const struct rq *rq)
{
    const struct rt_rq *rt = &rq->rt;
    int32_t next = NO_RT_PRIO;
    const char *broken = check_rt_tasks(rq);

    if (broken == NULL && k->engine.nr_events % CHECK_LISTS_EVENTS == 0)
        broken = check_rt_lists(rt); /* a hundred for each CPU */
    if (broken != NULL)
        return broken;
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
    if ((broken = check_rt_queue(k, rq)) != NULL || (broken = check_dl_queue(rq)) != NULL)
        return broken;
    RULE(cpumask_test(ps->pri[ps->cpu_to_pri[rq->cpu]].cpus, (uint32_t)rq->cpu));
    RULE(cpumask_test(ps->dl_cpus, (uint32_t)rq->cpu) == (rq->dl.nr > 0));
    RULE(cpumask_test(ps->rt_overloaded, (uint32_t)rq->cpu) == rq->rt.overloaded);
    RULE(cpumask_test(ps->dl_overloaded, (uint32_t)rq->cpu) == rq->dl.overloaded);
    return NULL;
}
