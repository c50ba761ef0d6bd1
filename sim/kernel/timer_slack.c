/*
 * Sleepers with slack wait in a list by CPU, in the order in which their sleeps are due; slack is
 * the same for all, so that is the order of their timers, too. The timer itself is armed for the
 * latest time. A timer that fires, or a tick, takes all that are due from the front of the list.
 *
 * Entries are by slot of the task, and are not taken back when a sleeper is woken by something
 * else: whether an entry still means its task's timer is seen when its time has come.
 */
#include "kernel/timer_slack.h"

struct slack_entry {
    struct list node;
    struct task *task;
    sim_time due;
};

struct timer_slack {
    sim_time slack;
    struct list *sleepers;       /* by CPU */
    struct slack_entry *entries; /* by slot */
};

void
timer_slack_init(struct kernel *k)
{
    if (k->params.sched.timer_slack == 0)
        return;
    struct timer_slack *s = k->slack = arena_new_object(k->arena, struct timer_slack);

    s->slack = k->params.sched.timer_slack;
    s->sleepers = arena_new_array(k->arena, struct list, k->machine->nr_cpus);
    s->entries = arena_new_array(k->arena, struct slack_entry, k->max_tasks);
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++)
        list_init(&s->sleepers[cpu]);
    for (uint32_t i = 0; i < k->max_tasks; i++)
        list_init(&s->entries[i].node);
    k->params.sched.tick = TICK_SIMULATED; /* any tick may find a sleep that is due */
}

static bool
has_slack(const struct task *p)
{
    bool urgent =
        p->policy == POLICY_FIFO || p->policy == POLICY_RR || p->policy == POLICY_DEADLINE;

    return !urgent && !p->deferrable && !p->io_sleep;
}

/* Behind all that are due no later: sleeps of the same length come in order. */
static void
insert(struct timer_slack *s, int cpu, struct slack_entry *e)
{
    struct list *before = &s->sleepers[cpu];

    while (before->prev != &s->sleepers[cpu] &&
           list_entry(before->prev, struct slack_entry, node)->due > e->due)
        before = before->prev;
    list_insert(&e->node, before);
}

void
timer_slack_arm(struct kernel *k, struct task *p, sim_time until)
{
    struct timer_slack *s = k->slack;

    if (!has_slack(p)) {
        engine_at(&k->engine, &p->timer, until);
        return;
    }
    struct slack_entry *e = &s->entries[p->slot];
    list_remove(&e->node);
    e->task = p;
    e->due = until;
    insert(s, p->cpu, e);
    engine_at(&k->engine, &p->timer, until + s->slack);
}

static bool
still_sleeps(const struct kernel *k, const struct slack_entry *e)
{
    sim_time latest = e->due + k->slack->slack, armed = engine_when(&k->engine, &e->task->timer);

    /* not pending: it is the one that has just fired */
    return e->task->state == TASK_SLEEPING && (armed == latest || latest <= k->engine.now);
}

void
timer_slack_interrupt(struct kernel *k, int cpu)
{
    struct list *sleepers = &k->slack->sleepers[cpu];

    while (!list_empty(sleepers)) {
        struct slack_entry *e = list_entry(sleepers->next, struct slack_entry, node);

        if (e->due > k->engine.now)
            break;
        list_remove(&e->node);
        if (still_sleeps(k, e))
            task_wake_irq(k, e->task, cpu);
    }
}
