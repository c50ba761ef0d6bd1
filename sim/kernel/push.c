/*
 * A task of a real-time class that cannot run where it is goes to the CPU with the least important
 * work. Each CPU is filed under the priority of the best task it has; CPUs that run deadline work
 * stand above all priorities. The kernel keeps a heap of deadlines: here the CPUs with deadline
 * work are looked through, which are few, and of two with the same deadline the lower number is
 * taken.
 *
 * Model assumption: one root domain. Pushes run on the CPU that has a task too many.
 */
#include "kernel/push.h"

#include "kernel/deadline.h"
#include "kernel/rt.h"

void
push_init(struct kernel *k)
{
    uint32_t nr = k->machine->nr_cpus;
    struct push_state *ps = arena_new_object(k->arena, struct push_state);

    k->push = ps;
    ps->cpu_to_pri = arena_new_array(k->arena, uint8_t, nr);
    for (uint32_t i = 0; i < CPUPRI_NR; i++)
        ps->pri[i].cpus = cpumask_new(k->arena, nr);
    cpumask_copy(ps->pri[CPUPRI_NORMAL].cpus, k->machine->online);
    ps->pri[CPUPRI_NORMAL].count = k->nr_online;
    ps->rt_overloaded = cpumask_new(k->arena, nr);
    ps->dl_overloaded = cpumask_new(k->arena, nr);
    ps->dl_cpus = cpumask_new(k->arena, nr);
    ps->dl_free = cpumask_clone(k->arena, k->machine->online);
    ps->found = cpumask_new(k->arena, nr);
}

/* 1 to 99 for rt priorities 98 to 0. */
static uint8_t
convert_prio(int prio)
{
    if (prio == MAX_RT_PRIO)
        return CPUPRI_HIGHER;
    if (prio < 0)
        return CPUPRI_HIGHER;
    return prio >= NO_RT_PRIO ? CPUPRI_NORMAL : (uint8_t)(NO_RT_PRIO - prio);
}

void
cpupri_set(struct kernel *k, struct rq *rq, int prio)
{
    struct push_state *ps = k->push;
    uint8_t old = ps->cpu_to_pri[rq->cpu], new = convert_prio(prio);

    if (old == new)
        return;
    cpumask_clear(ps->pri[old].cpus, (uint32_t)rq->cpu);
    ps->pri[old].count--;
    cpumask_set(ps->pri[new].cpus, (uint32_t)rq->cpu);
    ps->pri[new].count++;
    ps->cpu_to_pri[rq->cpu] = new;
}

void
push_set_online(struct kernel *k, struct rq *rq, bool online)
{
    struct push_state *ps = k->push;
    uint32_t cpu = (uint32_t)rq->cpu;

    sim_assert(ps->cpu_to_pri[cpu] == CPUPRI_NORMAL && rq->dl.nr == 0);
    if (online) {
        cpumask_set(ps->pri[CPUPRI_NORMAL].cpus, cpu);
        cpumask_set(ps->dl_free, cpu);
    } else {
        cpumask_clear(ps->pri[CPUPRI_NORMAL].cpus, cpu);
        cpumask_clear(ps->dl_free, cpu);
    }
    ps->pri[CPUPRI_NORMAL].count += online ? 1 : UINT32_MAX;
}

bool
cpupri_find(struct kernel *k, const struct task *p)
{
    struct push_state *ps = k->push;
    uint8_t own = convert_prio(p->prio);

    for (uint8_t i = 0; i < own; i++) {
        if (ps->pri[i].count == 0 || !cpumask_intersects(ps->pri[i].cpus, p->allowed))
            continue;
        cpumask_and(ps->found, ps->pri[i].cpus, p->allowed);
        return true;
    }
    return false;
}

void
cpudl_set(struct kernel *k, struct rq *rq, uint64_t deadline)
{
    struct push_state *ps = k->push;
    uint32_t cpu = (uint32_t)rq->cpu;

    rq->dl.earliest = deadline;
    if (deadline != 0) {
        cpumask_set(ps->dl_cpus, cpu);
        cpumask_clear(ps->dl_free, cpu);
    } else {
        cpumask_clear(ps->dl_cpus, cpu);
        cpumask_set(ps->dl_free, cpu);
    }
}

/* Leaves the CPUs that p fits; of none that it does, the largest: its own before others. */
static void
keep_those_that_fit(struct kernel *k, const struct task *p, struct cpumask *found)
{
    uint32_t most = 0;
    int largest = -1;

    for_each_cpu (cpu, found) {
        uint32_t capacity = k->rqs[cpu].capacity_orig;

        if (dl_task_fits_capacity(k, p, cpu))
            continue;
        cpumask_clear(found, (uint32_t)cpu);
        if (capacity > most || (cpu == p->cpu && capacity == most)) {
            most = capacity;
            largest = cpu;
        }
    }
    if (cpumask_empty(found))
        cpumask_set(found, (uint32_t)largest);
}

bool
cpudl_find(struct kernel *k, const struct task *p, bool only_latest)
{
    struct push_state *ps = k->push;
    int latest = -1;

    if (!only_latest && cpumask_intersects(ps->dl_free, p->allowed)) {
        cpumask_and(ps->found, ps->dl_free, p->allowed);
        if (unlikely(k->asym_cpucapacity))
            keep_those_that_fit(k, p, ps->found);
        return true;
    }
    for_each_cpu (cpu, ps->dl_cpus)
        if (latest < 0 || dl_time_before(k->rqs[latest].dl.earliest, k->rqs[cpu].dl.earliest))
            latest = cpu;
    if (latest < 0 || !cpumask_test(p->allowed, (uint32_t)latest) ||
        !dl_time_before(p->dl.deadline, k->rqs[latest].dl.earliest))
        return false;
    cpumask_zero(ps->found);
    cpumask_set(ps->found, (uint32_t)latest);
    return true;
}

int
cpumask_any_and_distribute(struct rq *on, const struct cpumask *a, const struct cpumask *b)
{
    int cpu = cpumask_next_and(a, b, (uint32_t)on->distribute_prev + 1);

    if (cpu < 0)
        cpu = cpumask_next_and(a, b, 0);
    if (cpu >= 0)
        on->distribute_prev = cpu;
    return cpu;
}

int
push_target(struct kernel *k, const struct task *p, int this_cpu)
{
    const struct cpumask *found = k->push->found;
    struct rq *on = &k->rqs[this_cpu];

    if (cpumask_test(found, (uint32_t)p->cpu))
        return p->cpu;
    if (!cpumask_test(found, (uint32_t)this_cpu))
        this_cpu = -1;
    for_each_domain (sd, k->domains->cpus[p->cpu].sd) {
        if (!(sd->flags & SD_WAKE_AFFINE))
            continue;
        if (this_cpu >= 0 && cpumask_test(sd->span, (uint32_t)this_cpu))
            return this_cpu;
        int best = cpumask_any_and_distribute(on, found, sd->span);
        if (best >= 0)
            return best;
    }
    return this_cpu >= 0 ? this_cpu : cpumask_any_and_distribute(on, found, found);
}

void
push_set_overload(struct cpumask *mask, uint32_t *nr, bool *overloaded, int cpu, bool now)
{
    if (*overloaded == now)
        return;
    *overloaded = now;
    if (now) {
        cpumask_set(mask, (uint32_t)cpu);
        ++*nr;
    } else {
        cpumask_clear(mask, (uint32_t)cpu);
        --*nr;
    }
}

void
balance_callbacks(struct kernel *k, struct rq *rq)
{
    uint32_t due = rq->balance_callback;

    rq->balance_callback = 0;
    if (due & CALLBACK_PUSH_DL)
        push_dl_tasks(k, rq);
    if (due & CALLBACK_PUSH_RT)
        push_rt_tasks(k, rq);
    if (due & CALLBACK_PULL_DL)
        pull_dl_task(k, rq);
    if (due & CALLBACK_PULL_RT)
        pull_rt_task(k, rq);
}

void
push_move_task(struct kernel *k, struct task *p, int to_cpu, int by)
{
    move_queued_task(k, p, to_cpu);
    resched_curr(k, &k->rqs[to_cpu]);
    charge(k, by, k->params.cost.migration, CHARGE_SOFTIRQ);
}

uint64_t
update_curr_until(struct rq *rq, uint64_t now)
{
    struct sched_entity *se = &rq->curr->se;

    if (now <= se->exec_start)
        return 0;
    uint64_t delta = now - se->exec_start;
    se->exec_start = now;
    se->sum_exec += delta;
    return delta;
}
