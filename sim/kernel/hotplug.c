#include "kernel/hotplug.h"

#include "kernel/balance.h"
#include "kernel/core.h"
#include "kernel/deadline.h"
#include "kernel/dl_server.h"
#include "kernel/ext.h"
#include "kernel/fair.h"
#include "kernel/fair_cfs.h"
#include "kernel/group.h"
#include "kernel/load.h"
#include "kernel/push.h"
#include "kernel/rt.h"
#include "kernel/select.h"

enum { NOTES_MAX = 4 };

struct hotplug_event {
    struct event ev;
    const struct cpumask *cpus;
    bool online;
};

struct hotplug {
    struct machine machine; /* the kernel's own: its online CPUs change */
    struct cpumask *now;    /* the CPUs of the event that is handled */
    struct cpumask *left;   /* those that would remain */
    struct cpumask *seen;   /* CPUs that are or were online: k->possible */
    struct hotplug_event *events;
    uint32_t nr, room;
    uint32_t nr_broken; /* affinities */
    bool base_slice_scales;
};

static void hotplug_fire(struct engine *eng, struct event *ev);

const struct machine *
hotplug_init(struct kernel *k, const struct machine *m, uint32_t nr)
{
    struct hotplug *h = arena_new_object(k->arena, struct hotplug);

    h->machine = *m;
    h->machine.cpus = arena_new_array(k->arena, struct machine_cpu, m->nr_cpus);
    memcpy(h->machine.cpus, m->cpus, m->nr_cpus * sizeof(*m->cpus));
    h->machine.online = cpumask_clone(k->arena, m->online);
    h->now = cpumask_new(k->arena, m->nr_cpus);
    h->left = cpumask_new(k->arena, m->nr_cpus);
    h->seen = cpumask_clone(k->arena, m->online);
    k->possible = h->seen;
    h->events = arena_new_array(k->arena, struct hotplug_event, nr);
    h->room = nr;
    h->base_slice_scales = k->params.sched.base_slice_ns == 0;
    k->hotplug = h;
    return &h->machine;
}

void
hotplug_at(struct kernel *k, sim_time at, const struct cpumask *cpus, bool online)
{
    struct hotplug *h = k->hotplug;

    sim_assert(h->nr < h->room);
    struct hotplug_event *e = &h->events[h->nr];
    e->cpus = cpus;
    e->online = online;
    event_init(&k->engine, &e->ev, EVENT_HOTPLUG, h->nr++, PHASE_BALANCE, hotplug_fire);
    engine_at(&k->engine, &e->ev, at);
}

static void
hotplug_fire(struct engine *eng, struct event *ev)
{
    struct hotplug_event *e = container_of(ev, struct hotplug_event, ev);

    hotplug_now(eng->owner, e->cpus, e->online);
}

/* ---- what tasks may use ---- */

const struct cpumask *
hotplug_allowed(struct kernel *k, const struct cpumask *wanted)
{
    const struct cpumask *online = k->machine->online;

    if (wanted == online || cpumask_subset(online, wanted))
        return online;
    if (cpumask_subset(wanted, online) || !cpumask_intersects(wanted, online))
        return wanted;
    struct cpumask *both = cpumask_new(k->arena, k->machine->nr_cpus);
    cpumask_and(both, wanted, online);
    return both;
}

void
hotplug_before_placing(struct kernel *k, struct task *p)
{
    struct hotplug *h = k->hotplug;

    if (cpumask_intersects(p->allowed, k->machine->online))
        return;
    if (h->nr_broken++ < NOTES_MAX)
        kernel_note(k, "hotplug: %s is no longer affine to CPUs %s: none of them is online",
                    p->name, cpumask_text(k->arena, p->allowed));
    else if (h->nr_broken == NOTES_MAX + 1)
        kernel_note(k, "hotplug: more tasks lost their affinity");
    p->affinity = k->machine->online;
    task_see_allowed(k, p);
}

int
hotplug_interrupt_cpu(const struct kernel *k, int cpu)
{
    return cpu_online(k, cpu) ? cpu : cpumask_first(k->machine->online);
}

/* ---- leaving ---- */

/* Off this CPU, running or not. One that sleeps in the queue leaves it at last. */
static void
push_off(struct kernel *k, struct task *p)
{
    struct rq *rq = &k->rqs[p->cpu];

    if (p->se.sched_delayed) {
        dequeue_task(k, rq, p, DEQUEUE_SLEEP | DEQUEUE_DELAYED);
        p->on_rq = false;
        return;
    }
    hotplug_before_placing(k, p);
    k->this_cpu = rq->cpu; /* it moves its own tasks away (balance_push) */
    p->migrate_pending = false;
    p->stop_cpu = 0;
    if (unlikely(p->class == &ext_sched_class) && rq->curr == p)
        ext_stop_and_move(k, rq, p, select_fallback_rq(k, p));
    else
        migrate_task_to(k, p, select_fallback_rq(k, p));
}

static bool
is_on(const struct task *p, const struct cpumask *cpus)
{
    return p->on_rq && cpumask_test(cpus, (uint32_t)p->cpu);
}

/* Limits do not hold a queue whose tasks must go. */
static void
release_limits(struct kernel *k, struct rq *rq)
{
    update_rq_clock(k, rq);
    put_left(k, rq);
    rq_offline_bandwidth(k, rq);
    rq_offline_rt(k, rq);
}

/* The CPU is empty: nobody counts it any more. */
static void
forget_cpu(struct kernel *k, struct rq *rq)
{
    uint32_t cpu = (uint32_t)rq->cpu;

    if (rq->fair_server_active)
        dl_server_stop(k, rq);
    sim_assert(rq->nr_running == 0 && rq->curr == NULL);
    cpumask_clear(k->idle_cpus, cpu);
    k->nr_idle--;
    cpumask_clear(k->quiet_cpus, cpu);
    push_set_online(k, rq, false);
    clear_tg_load_avg(k, rq);
    engine_cancel(&k->engine, &rq->balance_ev);
    engine_cancel(&k->engine, &rq->tick_ev);
    rq->nohz_flags = 0;
    rq->active_balance = rq->has_blocked_load = false;
    rq->nr_sums = 0;
}

static void
take_offline(struct kernel *k, const struct cpumask *cpus)
{
    for_each_cpu (cpu, cpus)
        release_limits(k, &k->rqs[cpu]);
    for (uint32_t i = 0; i < k->nr_tasks; i++)
        if (is_on(k->tasks[i], cpus))
            push_off(k, k->tasks[i]);
    for_each_cpu (cpu, cpus)
        forget_cpu(k, &k->rqs[cpu]);
}

/* ---- coming back ---- */

static void
take_online(struct kernel *k, const struct cpumask *cpus)
{
    for_each_cpu (cpu, cpus) {
        struct rq *rq = &k->rqs[cpu];

        update_rq_clock(k, rq);
        cpumask_set(k->idle_cpus, (uint32_t)cpu);
        k->nr_idle++;
        rq->idle_since = k->engine.now;
        rq->idle_stamp = SIM_MAX(k->engine.now, 1);
        rq->next_balance = jiffies(k) + 1;
        push_set_online(k, rq, true);
        rq_online_bandwidth(k, rq);
    }
}

/* ---- both ---- */

/* The machine's word for it, and what is counted by CPUs. */
static void
set_online(struct kernel *k, const struct cpumask *cpus, bool online)
{
    struct machine *m = &k->hotplug->machine;

    for_each_cpu (cpu, cpus) {
        m->cpus[cpu].online = online;
        if (online)
            cpumask_set(m->online, (uint32_t)cpu);
        else
            cpumask_clear(m->online, (uint32_t)cpu);
    }
    cpumask_or(k->hotplug->seen, k->hotplug->seen, m->online);
    k->nr_online = cpumask_weight(m->online);
    dl_bw_count_servers(k, cpus, online);
    k->start_cpu = hotplug_interrupt_cpu(k, k->start_cpu);
    if (k->hotplug->base_slice_scales)
        k->params.sched.base_slice_ns = 700000 * sched_tunable_factor(k);
    fair_cfs_scale(k);
    for (uint32_t i = 0; i < k->nr_tasks; i++)
        task_see_allowed(k, k->tasks[i]);
}

/* All that is made from the online CPUs. What domains knew of balancing is lost with them. */
static void
rebuild_domains(struct kernel *k)
{
    bool missing = k->params.sched.hotplug_rebuild == HOTPLUG_REBUILD_MISSING_NUMA;

    k->domains = kernel_build_domains(k, missing);
    select_rebuild(k);
    sums_rebuild(k);
    balance_rebuild(k);
    for_each_cpu (cpu, k->machine->online)
        if (k->rqs[cpu].curr != NULL)
            tick_update(k, &k->rqs[cpu]);
}

/* What of the CPUs changes; false: nothing may. */
static bool
find_changes(struct kernel *k, const struct cpumask *cpus, bool online)
{
    struct hotplug *h = k->hotplug;

    cpumask_and(h->now, cpus, k->machine->present);
    if (online) {
        cpumask_andnot(h->now, h->now, k->machine->online);
        return !cpumask_empty(h->now);
    }
    cpumask_and(h->now, h->now, k->machine->online);
    cpumask_andnot(h->left, k->machine->online, h->now);
    if (cpumask_empty(h->now))
        return false;
    if (cpumask_empty(h->left)) {
        kernel_note(k, "hotplug: the last CPUs stay online (EBUSY)");
        return false;
    }
    if (!dl_bw_may_leave(k, h->now)) {
        kernel_note(k, "hotplug: CPUs %s stay online: deadline tasks have reserved them (EBUSY)",
                    cpumask_text(k->arena, h->now));
        return false;
    }
    return true;
}

/* Those whose cpuset has its CPUs back go there. Who was about to go to a CPU that has left need
 * not go any more, if it may run anywhere now. */
static void
follow_cpusets(struct kernel *k)
{
    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        struct task *p = k->tasks[i];

        if (p->on_rq && !cpumask_test(p->allowed, (uint32_t)p->cpu))
            task_apply_cpuset(k, p);
    }
}

/* The policy is told by the CPU itself, as long as or as soon as it runs tasks
 * (scx_rq_deactivate, scx_rq_activate). */
static void
tell_policy(struct kernel *k, const struct cpumask *cpus, bool online)
{
    if (k->scx == NULL)
        return;
    for_each_cpu (cpu, cpus) {
        k->this_cpu = (int)cpu;
        ext_cpu_hotplug(k, (int)cpu, online);
    }
}

void
hotplug_now(struct kernel *k, const struct cpumask *cpus, bool online)
{
    const struct cpumask *now = k->hotplug->now;
    int outer = k->this_cpu;

    if (!find_changes(k, cpus, online))
        return;
    for_each_cpu (cpu, k->machine->online) { /* the ticks so far knew the CPUs of before */
        update_rq_clock(k, &k->rqs[cpu]);
        rq_catch_up(k, &k->rqs[cpu]);
    }
    if (!online) {
        tell_policy(k, now, false);
        nohz_forget(k, now);
    }
    set_online(k, now, online);
    if (online)
        take_online(k, now);
    else
        take_offline(k, now);
    rebuild_domains(k);
    if (online)
        tell_policy(k, now, true);
    k->this_cpu = k->start_cpu; /* work of cpusets, which has no CPU of its own */
    follow_cpusets(k);
    k->this_cpu = hotplug_interrupt_cpu(k, outer);
}
