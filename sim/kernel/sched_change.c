/*
 * Changes of class, policy and priority (kernel/sched/syscalls.c, core.c): a task is taken off its
 * queue, changed, and queued anew, and whoever runs is looked at again.
 *
 * normal_prio is what the task asked for; prio, and the class with it, is better while it holds a
 * lock that somebody more important waits for.
 */
#include "kernel/sched_change.h"

#include "kernel/burst.h"
#include "kernel/core.h"
#include "kernel/deadline.h"
#include "kernel/dl_server.h"
#include "kernel/ext.h"
#include "kernel/group.h"
#include "kernel/load.h"
#include "kernel/numa.h"
#include "kernel/push.h"
#include "kernel/rt.h"
#include "kernel/weight.h"

enum { DEFAULT_PRIO = 120 };

static int
normal_prio_of(enum task_policy policy, uint32_t rt_priority, int nice)
{
    if (policy == POLICY_DEADLINE)
        return -1;
    if (rt_policy(policy))
        return NO_RT_PRIO - (int)rt_priority;
    return DEFAULT_PRIO + nice;
}

static const struct sched_class *
class_of_prio(const struct kernel *k, const struct task *p, int prio, enum task_policy policy)
{
    if (dl_prio(prio))
        return &dl_sched_class;
    if (rt_prio(prio))
        return &rt_sched_class;
    bool ext = unlikely(k->scx != NULL) && p->state != TASK_NEW && task_should_scx(k, policy);

    return ext ? &ext_sched_class : &fair_sched_class;
}

void
sched_class_used(struct kernel *k, const struct sched_class *class)
{
    if (class->rank > RANK_FAIR && class != &script_sched_class)
        dl_server_begin(k);
}

/* NULL, or what is wrong with the attributes as such. */
static const char *
check_attr(const struct task_attr *attr)
{
    if (attr->policy == POLICY_DEADLINE)
        return dl_check_params(attr);
    if (rt_policy(attr->policy) && (attr->rt_priority < 1 || attr->rt_priority >= NO_RT_PRIO + 1))
        return "the priority of an rt task is from 1 to 99";
    return NULL;
}

static void
set_fair_params(struct kernel *k, struct task *p, const struct task_attr *attr)
{
    p->nice = attr->nice;
    p->se.custom_slice = attr->slice_ns != 0;
    p->se.slice = attr->slice_ns ? SIM_CLAMP(attr->slice_ns, USEC(100), MSEC(100))
                                 : k->params.sched.base_slice_ns;
}

/* Whatever it becomes: the class in which it was hears of the new weight, so that one that leaves
 * the fair class takes its lag along by it. */
static void
set_load_weight(struct kernel *k, struct task *p)
{
    bool idle = p->policy == POLICY_IDLE, begun = p->state != TASK_NEW;
    uint32_t weight = idle ? SCHED_IDLE_WEIGHT : nice_weight(p->nice);
    uint32_t inverse = idle ? weight_inverse(weight) : nice_inv_weight(p->nice);

    if (begun && p->class == &fair_sched_class) { /* else no queue has its load */
        reweight_task(k, p, weight, inverse);
        return;
    }
    p->se.weight = weight;
    p->se.inv_weight = inverse;
    p->se.load_weight = weight << LOAD_SHIFT;
    if (begun && p->class == &ext_sched_class)
        ext_reweight(k, p);
}

/* __setscheduler_params */
static void
set_params(struct kernel *k, struct task *p, const struct task_attr *attr)
{
    p->policy = attr->policy;
    p->rt_priority = rt_policy(attr->policy) ? attr->rt_priority : 0;
    if (attr->policy == POLICY_DEADLINE)
        dl_set_params(&p->dl, attr->dl_runtime, attr->dl_deadline, attr->dl_period);
    else if (!rt_policy(attr->policy))
        set_fair_params(k, p, attr);
    p->normal_prio = normal_prio_of(attr->policy, p->rt_priority, p->nice);
    set_load_weight(k, p);
}

/* A task off all queues changes hands, without a word to the classes. */
struct change {
    struct task *p;
    struct rq *rq;
    const struct sched_class *old_class;
    int old_prio;
    bool queued, running;
};

static struct change
change_begin(struct kernel *k, struct task *p, int new_prio, enum task_policy policy)
{
    struct change c = { .p = p,
                        .rq = &k->rqs[p->cpu],
                        .old_class = p->class,
                        .old_prio = p->prio,
                        .queued = p->on_rq,
                        .running = k->rqs[p->cpu].curr == p };

    bool stays = new_prio == p->prio && class_of_prio(k, p, new_prio, policy) == p->class;
    if (c.rq->put_due && c.rq->last == p)
        put_left(k, c.rq);
    if (c.running) {
        burst_settle(k, c.rq);
        rq_catch_up(k, c.rq); /* the ticks so far were its old class's */
        c.rq->unseen_tick = SIM_NEVER;
    }
    update_rq_clock(k, c.rq); /* who sleeps is not queued, which would do it, but is attached */
    if (p->se.sched_delayed && class_of_prio(k, p, new_prio, policy) !=
                                   p->class) { /* nothing is kept of it in another class */
        dequeue_task(k, c.rq, p, DEQUEUE_SLEEP | DEQUEUE_DELAYED);
        p->on_rq = c.queued = false;
    }
    if (c.queued)
        dequeue_task(k, c.rq, p, DEQUEUE_SAVE | (stays ? 0 : DEQUEUE_MOVE));
    if (c.running)
        p->class->put_prev_task(k, c.rq, p);
    return c;
}

static void
change_end(struct kernel *k, const struct change *c, int flags)
{
    struct task *p = c->p;
    struct rq *rq = c->rq;
    uint32_t callbacks = rq->balance_callback;

    p->class = class_of_prio(k, p, p->prio, p->policy);
    sched_class_used(k, p->class);
    if (c->old_class != p->class && p->class->switching_to != NULL)
        p->class->switching_to(k, rq, p);
    if (c->queued)
        enqueue_task(k, rq, p,
                     ENQUEUE_RESTORE | flags | (c->old_prio < p->prio ? ENQUEUE_HEAD : 0));
    if (c->running) {
        p->class->set_next_task(k, rq, p);
        rq->numa_due = numa_tick_due(k, rq, p); /* not every class scans */
        see_ticks_from_now(k, rq);
    }
    rq->balance_callback = callbacks;
    sums_update(k, rq); /* the averages of its queue have changed */
    if (c->old_class != p->class) {
        if (c->old_class->switched_from != NULL)
            c->old_class->switched_from(k, rq, p);
        if (p->class->switched_to != NULL)
            p->class->switched_to(k, rq, p);
        else if (c->running)
            resched_curr(k, rq);
        else if (c->queued)
            wakeup_preempt(k, rq, p, 0);
    } else if (p->class->prio_changed != NULL && (c->old_prio != p->prio || dl_prio(p->prio))) {
        p->class->prio_changed(k, rq, p, c->old_prio);
    }
    if (c->running) { /* lower than somebody who waits: the queue decides again */
        see_ticks_from_now(k, rq);
        /* fair knows itself when it has to, and an ext task keeps its slice */
        if (p->class != &fair_sched_class && p->class != &ext_sched_class)
            resched_curr(k, rq);
        tick_update(k, rq);
    }
    if (rq->balance_callback != 0)
        balance_callbacks(k, rq);
}

bool
sched_init_task(struct kernel *k, struct task *p, const struct task_attr *attr)
{
    const char *why = check_attr(attr);

    list_init(&p->rt.run_list);
    list_init(&p->pushable);
    dl_entity_init(&p->dl, p);
    event_init(&k->engine, &p->dl_timer, EVENT_DL, 2 * k->machine->nr_cpus + p->slot, PHASE_ARRIVE,
               dl_task_timer_fire);
    if (why == NULL && attr->policy == POLICY_DEADLINE) {
        p->policy = POLICY_NORMAL;
        why = dl_bw_admit(k, p, attr);
    }
    if (why != NULL) {
        kernel_fail(k, "task %s: %s", p->name, why);
        return false;
    }
    set_params(k, p, attr);
    p->nice = attr->nice;
    p->prio = p->normal_prio;
    p->class = class_of_prio(k, p, p->prio, p->policy);
    sched_class_used(k, p->class);
    return true;
}

void
sched_class_refresh(struct kernel *k, struct task *p)
{
    if (class_of_prio(k, p, p->prio, p->policy) == p->class)
        return;
    struct change c = change_begin(k, p, p->prio, p->policy);
    change_end(k, &c, 0);
}

/* Nothing is asked for that is not so already. Who asks for no slice asks for the base slice. */
static bool
changes_nothing(const struct task *p, const struct task_attr *attr)
{
    if (attr->policy != p->policy)
        return false;
    if (rt_policy(attr->policy))
        return attr->rt_priority == p->rt_priority;
    if (attr->policy == POLICY_DEADLINE)
        return attr->dl_runtime == p->dl.dl_runtime && attr->dl_deadline == p->dl.dl_deadline &&
               attr->dl_period == p->dl.dl_period;
    return attr->policy == POLICY_IDLE || (attr->nice == p->nice && attr->slice_ns == p->se.slice);
}

const char *
task_set_scheduler(struct kernel *k, struct task *p, const struct task_attr *attr)
{
    const char *why = check_attr(attr);
    bool was_deadline = p->policy == POLICY_DEADLINE;

    if (why == NULL && changes_nothing(p, attr))
        return NULL;
    if (why == NULL && attr->policy == POLICY_DEADLINE)
        why = dl_bw_admit(k, p, attr);
    if (why != NULL)
        return why;
    int normal = normal_prio_of(attr->policy, attr->rt_priority, attr->nice);
    int prio = p->pi_top != NULL ? SIM_MIN(normal, p->pi_top->prio) : normal;
    struct change c = change_begin(k, p, prio, attr->policy);
    if (was_deadline && attr->policy != POLICY_DEADLINE) {
        dl_bw_leave(k, p);
        p->dl.deadline = 0;
        p->dl.throttled = p->dl.yielded = false;
        engine_cancel(&k->engine, &p->dl_timer);
    }
    set_params(k, p, attr);
    p->prio = prio;
    change_end(k, &c, 0);
    return NULL;
}

void
rt_mutex_setprio(struct kernel *k, struct task *p, struct task *waiter)
{
    int prio = waiter != NULL ? SIM_MIN(p->normal_prio, waiter->prio) : p->normal_prio;
    int flags = 0;

    if (p->pi_top == waiter && prio == p->prio && !dl_prio(prio))
        return;
    p->pi_top = waiter;
    if (prio == p->prio && !dl_prio(prio))
        return;
    struct change c = change_begin(k, p, prio, p->policy);
    if (dl_prio(prio) && waiter != NULL && dl_prio(waiter->prio) &&
        (!dl_prio(p->normal_prio) || dl_entity_preempt(&waiter->dl, &p->dl))) {
        p->dl.pi_se = waiter->dl.pi_se;
        flags |= ENQUEUE_REPLENISH;
    } else {
        p->dl.pi_se = &p->dl;
    }
    p->prio = prio;
    change_end(k, &c, flags);
}
