/*
 * Which tasks move (sched-core.md 4.5): from the tail of the queue's list, those that have not run
 * for longest.
 */
#include "kernel/balance_impl.h"

#include "kernel/fetch.h"
#include "kernel/group.h"
#include "kernel/load.h"
#include "kernel/numa_group.h"

/* ---- may it? ---- */

static bool
task_hot(const struct lb_env *env, const struct task *p)
{
    const struct kernel *k = env->k;

    if (p->class != &fair_sched_class || p->policy == POLICY_IDLE ||
        env->sd->flags & SD_SHARE_CPUCAPACITY)
        return false;
    if (sched_feat(k, CACHE_HOT_BUDDY) && env->dst->nr_running > 0 && p->se.cfs_rq != NULL &&
        (p->se.cfs_rq->next == &p->se || p->se.cfs_rq->last == &p->se))
        return true;
    if (k->params.sched.migration_cost_ns == UINT32_MAX) /* -1 */
        return true;
    if (k->params.sched.migration_cost_ns == 0 || p->se.exec_start == 0)
        return false; /* it has not run since it came here */
    return (int64_t)(rq_clock_task(k, env->src) - p->se.exec_start) <
           (int64_t)k->params.sched.migration_cost_ns;
}

/* 1: its memory is nearer where it is; 0: nearer where it would go; -1: that says nothing. */
static int
migrate_degrades_locality(const struct lb_env *env, const struct task *p)
{
    const struct task_numa *n = p->numa;
    int src = env->src->node, dst = env->dst->node;

    if (!(env->sd->flags & SD_NUMA) || env->k->params.numa.mode == NUMA_BALANCING_DISABLED ||
        n == NULL || n->faults == NULL || src == dst)
        return -1;
    if (src == n->preferred)
        return env->src->nr_running > env->src->nr_preferred_running ? 1 : -1;
    if (dst == n->preferred)
        return 0;
    if (env->idle == CPU_IDLE)
        return -1;
    uint32_t dist = node_distance(env->k, src, dst);
    int64_t (*weight)(const struct kernel *, const struct task *, int, uint32_t) =
        n->group != NULL ? group_weight : task_weight;
    return weight(env->k, p, dst, dist) < weight(env->k, p, src, dist);
}

/* Another CPU of the group that pulls could take it. */
static void
remember_new_dst(struct lb_env *env, const struct task *p)
{
    if (env->idle == CPU_NEWLY_IDLE || env->dst_pinned || env->active)
        return;
    for (int cpu = cpumask_next_and(env->dst_grpmask, env->cpus, 0); cpu >= 0;
         cpu = cpumask_next_and(env->dst_grpmask, env->cpus, (uint32_t)cpu + 1))
        if (cpumask_test(p->allowed, (uint32_t)cpu)) {
            env->dst_pinned = true;
            env->new_dst_cpu = cpu;
            return;
        }
}

/* The rule by which p stays, or NULL; hot: it would go although it is. */
static const char *
refusal(struct lb_env *env, struct task *p, bool *hot)
{
    *hot = false;
    if (unlikely(p->group->parent != NULL) &&
        throttled_lb_pair(p->group, env->src->cpu, env->dst->cpu))
        return "can_migrate_task:throttled_lb_pair";
    if (unlikely(p->cpu_kthread)) /* says nothing about what else is pinned */
        return "can_migrate_task:kthread_is_per_cpu";
    if (!cpumask_test(p->allowed, (uint32_t)env->dst->cpu)) {
        p->sched.nr_failed_migrations_affine++;
        env->some_pinned = true;
        remember_new_dst(env, p);
        return "can_migrate_task:affinity";
    }
    env->all_pinned = false;
    if (env->src->curr == p && !env->active) { /* while the stopper works, nothing else runs */
        p->sched.nr_failed_migrations_running++;
        return "can_migrate_task:running";
    }
    if (env->active)
        return NULL;
    int degrades = migrate_degrades_locality(env, p);
    *hot = degrades == -1 ? task_hot(env, p) : degrades == 1;
    if (!*hot || env->sd->nr_balance_failed > env->sd->cache_nice_tries)
        return NULL;
    p->sched.nr_failed_migrations_hot++;
    return degrades == 1 ? "can_migrate_task:migrate_degrades_locality"
                         : "can_migrate_task:task_hot";
}

static void
probe_task(const struct lb_env *env, const struct task *p)
{
    struct kernel *k = env->k;

    probe_input(k, "src_cpu", env->src->cpu);
    probe_input(k, "nr_balance_failed", env->sd->nr_balance_failed);
    probe_input(k, "cache_nice_tries", env->sd->cache_nice_tries);
    probe_input(k, "exec_start", (int64_t)p->se.exec_start);
    probe_input(k, "clock_task", (int64_t)rq_clock_task(k, env->src));
    probe_input(k, "migration_cost", (int64_t)k->params.sched.migration_cost_ns);
    probe_input(k, "preferred_node", p->numa != NULL ? p->numa->preferred : NUMA_NO_NODE);
    probe_input(k, "src_node", env->src->node);
    probe_input(k, "dst_node", env->dst->node);
    probe_input(k, "nr_preferred_running", (int64_t)env->src->nr_preferred_running);
    probe_input(k, "src_nr_running", env->src->nr_running);
    probe_input(k, "allowed_on_dst", cpumask_test(p->allowed, (uint32_t)env->dst->cpu));
    probe_input(k, "running", env->src->curr == p);
    probe_input(k, "active", env->active);
    probe_input(k, "sd_flags", env->sd->flags);
    probe_input(k, "migration_type", env->migration);
    probe_input(k, "imbalance", env->imbalance);
    probe_input(k, "size_load", (int64_t)task_h_load(env->k, (struct task *)(uintptr_t)p));
    probe_input(k, "size_util", (int64_t)task_util_est(&p->se.avg));
}

/* ---- is it of the right size? ---- */

static uint64_t
shr_bound(uint64_t value, uint32_t shift)
{
    return value >> SIM_MIN(shift, 63);
}

/* Takes p's size off the imbalance; false: it is too large for it. */
static bool
take_share(struct lb_env *env, struct task *p)
{
    uint32_t failed = env->sd->nr_balance_failed;
    uint64_t size = 1;

    switch (env->migration) {
    case MIGRATE_LOAD:
        size = SIM_MAX(task_h_load(env->k, p), 1);
        if (sched_feat(env->k, LB_MIN) && size < 16 && failed == 0)
            return false;
        break;
    case MIGRATE_UTIL:
        size = task_util_est(&p->se.avg);
        break;
    case MIGRATE_TASK:
        env->imbalance--;
        return true;
    case MIGRATE_MISFIT:
        if (fits_capacity(task_util_est(&p->se.avg), capacity_of(env->src)))
            return false;
        env->imbalance = 0;
        return true;
    }
    if ((int64_t)shr_bound(size, failed) > env->imbalance)
        return false;
    env->imbalance -= (int64_t)size;
    return true;
}

/* May p move, is it of the right size, and what does a replay say? */
static bool
wants_to_move(struct lb_env *env, struct task *p, bool *hot)
{
    struct kernel *k = env->k;
    const char *why = refusal(env, p, hot);

    if (probe_wants(k, DECISION_BALANCE_TASK))
        probe_task(env, p);
    if (why == NULL && !env->active && !take_share(env, p)) {
        p->sched.nr_failed_migrations_hot += *hot;
        why = "detach_tasks:too_large";
    }
    bool moves = probe_decide(k, DECISION_BALANCE_TASK, why != NULL ? why : "can_migrate_task", p,
                              env->dst->cpu, why == NULL);
    if (likely(moves == (why == NULL)))
        return moves;
    /* a replay wants it otherwise: within reason */
    return moves && (env->src->curr != p || env->active) &&
           cpumask_test(p->allowed, (uint32_t)env->dst->cpu);
}

/* ---- moving ---- */

static void
detach_one(struct lb_env *env, struct task *p, bool hot)
{
    if (hot) {
        env->sd->stat.lb[env->idle].hot_gained++;
        p->sched.nr_forced_migrations++;
    }
    detach_task(env->k, p, env->dst->cpu);
}

uint32_t
detach_tasks(struct lb_env *env)
{
    struct list *tasks = &env->src->cfs_tasks;
    uint32_t detached = 0;
    bool hot;

    if (env->src->nr_running <= 1) {
        env->all_pinned = false;
        return 0;
    }
    if (env->imbalance <= 0)
        return 0;
    while (!list_empty(tasks)) {
        if (env->idle != CPU_NOT_IDLE && env->src->nr_running <= 1)
            break;
        if (++env->loop > env->loop_max)
            break;
        if (env->loop > env->loop_break) {
            env->loop_break += SCHED_NR_MIGRATE_BREAK;
            env->need_break = true;
            break;
        }
        struct task *p = list_entry(tasks->prev, struct task, rq_node);

        fetch_task(env->k, p);
        if (p->class != &fair_sched_class || !wants_to_move(env, p, &hot)) {
            list_remove(&p->rq_node);
            list_push_front(tasks, &p->rq_node);
            continue;
        }
        detach_one(env, p, hot);
        list_push_front(&env->tasks, &p->rq_node);
        detached++;
        if (env->idle == CPU_NEWLY_IDLE || env->imbalance <= 0)
            break;
    }
    env->sd->stat.lb[env->idle].gained += detached;
    return detached;
}

/* For the stopper: the first that may go. */
struct task *
detach_one_task(struct lb_env *env)
{
    bool hot;

    for (struct list *node = env->src->cfs_tasks.prev; node != &env->src->cfs_tasks;
         node = node->prev) {
        struct task *p = list_entry(node, struct task, rq_node);

        if (p->class != &fair_sched_class || !wants_to_move(env, p, &hot))
            continue;
        detach_one(env, p, false);
        env->sd->stat.lb[env->idle].gained++;
        return p;
    }
    return NULL;
}

/* In reverse order of detaching. */
void
attach_tasks(struct lb_env *env)
{
    struct kernel *k = env->k;

    while (!list_empty(&env->tasks)) {
        struct task *p = list_entry(env->tasks.next, struct task, rq_node);

        list_remove(&p->rq_node);
        charge(k, env->cpu, k->params.cost.migration, CHARGE_SOFTIRQ);
        attach_task(k, p);
    }
}
