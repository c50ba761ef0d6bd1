/*
 * One pass over one domain (sched-core.md 4.2): find a group, a queue, tasks; and what to make of
 * the result.
 *
 * A pass costs what it looks at: cost.balance_per_cpu for every CPU of the domain, charged to the
 * CPU that does it.
 */
#include "kernel/balance_impl.h"

enum { MAX_PINNED_INTERVAL = 512 };

/* ---- who ---- */

bool
is_core_idle(const struct kernel *k, int cpu)
{
    const struct sched_domain *smt = k->domains->cpus[cpu].sd;

    if (smt == NULL || !(smt->flags & SD_SHARE_CPUCAPACITY))
        return true;
    for_each_cpu (sibling, smt->span)
        if (sibling != cpu && !idle_cpu(k, sibling))
            return false;
    return true;
}

/* One CPU of the group balances for it: the first idle one, if it can be on an idle core. */
static int
group_balancer(const struct lb_env *env)
{
    const struct sched_group *sg = env->sd->groups;
    const struct cpumask *idle = env->k->idle_cpus;
    int idle_smt = -1;

    for (int cpu = cpumask_next_and(sg->sgc->balance_mask, idle, 0); cpu >= 0;
         cpu = cpumask_next_and(sg->sgc->balance_mask, idle, (uint32_t)cpu + 1)) {
        if (!cpumask_test(env->cpus, (uint32_t)cpu))
            continue;
        if (env->sd->flags & SD_SHARE_CPUCAPACITY || is_core_idle(env->k, cpu))
            return cpu;
        if (idle_smt < 0)
            idle_smt = cpu;
    }
    return idle_smt >= 0 ? idle_smt : group_balance_cpu(sg);
}

static bool
should_we_balance(const struct lb_env *env)
{
    if (!cpumask_test(env->cpus, (uint32_t)env->dst->cpu))
        return false;
    if (env->idle == CPU_NEWLY_IDLE)
        return env->dst->nr_running == 0;
    return group_balancer(env) == env->dst->cpu;
}

/* ---- what ---- */

enum outcome { MOVED, FAILED, BALANCED, NOT_OUR_TURN, ALL_PINNED, ONE_PINNED };

/* From now on the pass does without this CPU. */
static void
leave_out(struct lb_env *env, int cpu)
{
    if (env->left_out == NULL) {
        env->left_out = env->k->lb_cpus;
        cpumask_copy(env->left_out, env->cpus);
        env->cpus = env->left_out;
    }
    cpumask_clear(env->left_out, (uint32_t)cpu);
}

static void
begin_source(struct lb_env *env)
{
    env->loop = 0;
    env->loop_break = SCHED_NR_MIGRATE_BREAK;
}

/* Moves what there is to move, also to another CPU of the group if some may only go there. */
static uint32_t
move_tasks(struct lb_env *env)
{
    uint32_t moved = 0;

    env->loop_max = SIM_MIN(env->k->params.sched.nr_migrate, env->src->nr_running);
    for (;;) {
        uint32_t n = detach_tasks(env);

        attach_tasks(env);
        moved += n;
        if (env->need_break) {
            env->need_break = false;
            continue;
        }
        if (!env->dst_pinned || env->imbalance <= 0)
            return moved;
        leave_out(env, env->dst->cpu);
        env->dst = &env->k->rqs[env->new_dst_cpu];
        env->dst_pinned = false;
        begin_source(env);
    }
}

/* The groups that the pass found; NULL: balanced. */
static struct rq *
find_source(struct lb_env *env)
{
    struct sd_schedstat *stat = &env->sd->stat;
    struct rq *src = overloaded_of_cpus(env);

    if (src != NULL)
        return src;
    struct sched_group *sg = sched_balance_find_src_group(env);
    if (sg == NULL) {
        stat->lb[env->idle].nobusyg++;
        return NULL;
    }
    src = sched_balance_find_src_rq(env, sg);
    if (src == NULL)
        stat->lb[env->idle].nobusyq++;
    return src;
}

static void
count_imbalance(const struct lb_env *env)
{
    struct sd_schedstat *stat = &env->sd->stat;
    uint64_t n = (uint64_t)env->imbalance;

    switch (env->migration) {
    case MIGRATE_LOAD:
        stat->lb[env->idle].imbalance_load += n;
        break;
    case MIGRATE_UTIL:
        stat->lb[env->idle].imbalance_util += n;
        break;
    case MIGRATE_TASK:
        stat->lb[env->idle].imbalance_task += n;
        break;
    case MIGRATE_MISFIT:
        stat->lb[env->idle].imbalance_misfit += n;
        break;
    }
}

static enum outcome
try_to_pull(struct lb_env *env, uint32_t *moved)
{
    for (;;) {
        if (!should_we_balance(env))
            return NOT_OUR_TURN;
        env->src = find_source(env);
        if (env->src == NULL || env->src == env->dst)
            return BALANCED;
        count_imbalance(env);
        env->all_pinned = true;
        if (env->src->nr_running <= 1)
            return FAILED;
        *moved = move_tasks(env);
        if (env->sd->parent != NULL && env->some_pinned && env->imbalance > 0)
            env->sd->parent->groups->sgc->imbalance = true;
        if (!env->all_pinned)
            return *moved > 0 ? MOVED : FAILED;
        leave_out(env, env->src->cpu);
        if (cpumask_subset(env->cpus, env->dst_grpmask))
            return ALL_PINNED;
        begin_source(env);
    }
}

/* ---- and then ---- */

/* Nothing came: count it, and push what runs if that helps. */
static enum outcome
after_failure(struct lb_env *env, struct rq *this_rq, bool *active)
{
    struct sched_domain *sd = env->sd;

    sd->stat.lb[env->idle].failed++;
    if (env->idle != CPU_NEWLY_IDLE && env->migration != MIGRATE_MISFIT)
        sd->nr_balance_failed++;
    if (need_active_balance(env) && !start_active_balance(env, this_rq, active))
        return ONE_PINNED;
    return FAILED;
}

static void
settle_balanced(struct lb_env *env, enum outcome outcome)
{
    struct sched_domain *sd = env->sd;

    if (outcome != ALL_PINNED && sd->parent != NULL && !env->all_pinned)
        sd->parent->groups->sgc->imbalance = false;
    sd->stat.lb[env->idle].balanced++;
    sd->nr_balance_failed = 0;
}

/* Look less often. */
static void
back_off(const struct lb_env *env)
{
    struct sched_domain *sd = env->sd;

    if (env->idle == CPU_NEWLY_IDLE || env->migration == MIGRATE_MISFIT)
        return;
    if ((env->all_pinned && sd->balance_interval < MAX_PINNED_INTERVAL) ||
        sd->balance_interval < sd->max_interval)
        set_balance_interval(env->k, sd, 2 * sd->balance_interval);
}

/* Each field by itself: cleared as a whole first, the string instruction costs more than the
 * stores. */
static inline void
env_init(struct lb_env *env, struct kernel *k, int cpu, struct rq *rq, struct sched_domain *sd,
         enum idle_type idle)
{
    env->k = k;
    env->sd = sd;
    env->cpu = cpu;
    env->dst = rq;
    env->src = NULL;
    env->cpus = sd->span;
    env->dst_grpmask = sd->groups->sgc->balance_mask;
    env->left_out = NULL;
    env->jiffy = jiffies(k);
    env->idle = idle;
    env->migration = MIGRATE_LOAD;
    env->fbq = FBQ_ALL;
    env->imbalance = 0;
    env->loop = env->loop_max = 0;
    env->loop_break = SCHED_NR_MIGRATE_BREAK;
    env->new_dst_cpu = 0;
    env->all_pinned = env->some_pinned = env->dst_pinned = false;
    env->need_break = env->active = env->dst_core_idle = false;
    list_init(&env->tasks);
}

uint32_t
sched_balance_rq(struct kernel *k, int cpu, struct rq *rq, struct sched_domain *sd,
                 enum idle_type idle, bool *continue_balancing)
{
    struct lb_env env;
    uint32_t moved = 0;
    bool active = false;

    env_init(&env, k, cpu, rq, sd, idle);
    sd->stat.lb[idle].count++;
    rq->nr_balance_passes++;
    enum outcome outcome = try_to_pull(&env, &moved);
    if (outcome == NOT_OUR_TURN)
        *continue_balancing = false;
    else if (idle != CPU_NEWLY_IDLE)
        charge(k, cpu, k->params.cost.balance_per_cpu * sd->span_weight, CHARGE_SOFTIRQ);
    if (outcome == FAILED)
        outcome = after_failure(&env, rq, &active);
    else if (outcome == MOVED)
        sd->nr_balance_failed = 0;
    if (outcome == MOVED || outcome == FAILED) {
        if (sd->balance_interval != sd->min_interval && (!active || need_active_balance(&env)))
            set_balance_interval(k, sd, sd->min_interval); /* unbalanced: look again soon */
        return moved;
    }
    if (outcome != ONE_PINNED)
        settle_balanced(&env, outcome);
    back_off(&env);
    return 0;
}
