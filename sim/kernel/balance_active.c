/*
 * Active balancing (sched-core.md 4.7): where nothing that waits could be had, the stopper of the
 * busiest CPU takes the task that runs there.
 *
 * The stopper runs in PHASE_RESCHED of the same instant. It interrupts the running task only if
 * that is the one it takes; otherwise its work is time that the task loses.
 */
#include "kernel/balance_impl.h"

#include "kernel/load.h"

static bool
asym_active_balance(const struct lb_env *env)
{
    const struct kernel *k = env->k;
    int dst = env->dst->cpu, src = env->src->cpu;

    return env->idle != CPU_NOT_IDLE && sched_use_asym_prio(k, env->sd, dst) &&
           (sched_asym_prefer(k, dst, src) || !sched_use_asym_prio(k, env->sd, src));
}

bool
need_active_balance(const struct lb_env *env)
{
    const struct sched_domain *sd = env->sd;

    if (asym_active_balance(env))
        return true;
    if (env->migration == MIGRATE_TASK && sd->nr_balance_failed > sd->cache_nice_tries + 2)
        return true;
    if (env->idle != CPU_NOT_IDLE && env->src->cfs.h_nr_queued == 1 &&
        check_cpu_capacity(env->k, env->src, sd) &&
        capacity_of(env->src) * sd->imbalance_pct < capacity_of(env->dst) * 100)
        return true;
    return env->migration == MIGRATE_MISFIT;
}

bool
start_active_balance(struct lb_env *env, struct rq *this_rq, bool *started)
{
    struct rq *src = env->src;

    if (src->curr == NULL || !cpumask_test(src->curr->allowed, (uint32_t)this_rq->cpu))
        return false;
    env->all_pinned = false;
    if (!src->active_balance) {
        src->active_balance = true;
        src->push_cpu = this_rq->cpu;
        *started = true;
        resched_curr(env->k, src);
    }
    return true;
}

void
active_load_balance_cpu_stop(struct kernel *k, struct rq *src)
{
    struct rq *dst = &k->rqs[src->push_cpu];
    struct sched_domain *sd = k->domains->cpus[dst->cpu].sd;

    src->active_balance = false;
    if (src->nr_running + 1 <= 1) /* the stopper itself counts */
        return;
    while (sd != NULL && !cpumask_test(sd->span, (uint32_t)src->cpu))
        sd = sd->parent;
    if (sd == NULL)
        return;
    struct lb_env env = {
        .k = k, .sd = sd, .cpu = src->cpu, .dst = dst, .src = src, .idle = CPU_IDLE, .active = true
    };
    sd->stat.alb_count++;
    charge(k, src->cpu, k->params.cost.migration, CHARGE_STOPPER);
    struct task *p = detach_one_task(&env);
    if (p == NULL) {
        sd->stat.alb_failed++;
        return;
    }
    sd->stat.alb_pushed++;
    sd->nr_balance_failed = 0;
    attach_task(k, p);
}
