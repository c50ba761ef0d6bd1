/*
 * When to balance, and the moving itself (sched-core.md 4.1, 4.2, 4.5 to 4.7).
 *
 * A pass costs what it looks at: cost.balance_per_cpu for every CPU of the domain, charged to the
 * CPU that does it. While no queue has two tasks a busy CPU cannot pull anything: its pass is left
 * out, and its interval goes on as if it had found balance.
 */
#include "kernel/balance.h"

#include "kernel/balance_stats.h"
#include "kernel/numa.h"

enum { MAX_DETACH = 64, LEAST_IDLE_COST = 500000 };

void
balance_init(struct kernel *k)
{
    for_each_cpu (cpu, k->machine->online) {
        k->rqs[cpu].avg_idle = MSEC(1);
        k->rqs[cpu].max_idle_balance_cost = LEAST_IDLE_COST;
        for_each_domain (sd, k->domains->cpus[cpu].sd)
            sd->last_balance = jiffies(k);
    }
}

/* ---- moving tasks ---- */

/* Moving p away from the node that its memory prefers (migrate_degrades_locality). */
static bool
degrades_locality(const struct lb_env *env, const struct task *p)
{
    const struct task_numa *n = p->numa;

    if (env->k->params.numa.mode == NUMA_BALANCING_DISABLED || n == NULL || n->faults == NULL)
        return false;
    if (!(env->sd->flags & SD_NUMA) || env->src->node == env->dst->node)
        return false;
    if (env->src->node == n->preferred)
        return env->src->nr_running > env->src->nr_preferred_running;
    return false;
}

static bool
task_hot(const struct lb_env *env, const struct task *p)
{
    if (p->policy == POLICY_IDLE || env->sd->flags & SD_SHARE_CPUCAPACITY || p->se.exec_start == 0)
        return false;
    return rq_clock_task(env->k, env->src) - p->se.exec_start <
           env->k->params.sched.migration_cost_ns;
}

static const char *
refusal(struct lb_env *env, const struct task *p)
{
    if (!cpumask_test(p->allowed, (uint32_t)env->dst->cpu)) {
        env->some_pinned = true;
        return "affinity";
    }
    env->all_pinned = false;
    if (env->src->curr == p)
        return "running";
    if (env->sd->nr_balance_failed > env->sd->cache_nice_tries)
        return NULL;
    if (degrades_locality(env, p))
        return "locality";
    return task_hot(env, p) ? "hot" : NULL;
}

static bool
can_migrate_task(struct lb_env *env, struct task *p)
{
    const char *why = refusal(env, p);

    if (probe_wants(env->k, DECISION_BALANCE_TASK)) {
        probe_input(env->k, "nr_balance_failed", env->sd->nr_balance_failed);
        probe_input(env->k, "exec_start", (int64_t)p->se.exec_start);
        probe_input(env->k, "clock_task", (int64_t)rq_clock_task(env->k, env->src));
        probe_input(env->k, "migration_cost", (int64_t)env->k->params.sched.migration_cost_ns);
        probe_input(env->k, "imbalance", (int64_t)env->imbalance);
    }
    return probe_decide(env->k, DECISION_BALANCE_TASK, why != NULL ? why : "can_migrate_task", p,
                        env->dst->cpu, why == NULL) &&
           env->src->curr != p && cpumask_test(p->allowed, (uint32_t)env->dst->cpu);
}

/* What moving p takes off the imbalance; 0: it is too large for it. */
static uint64_t
imbalance_share(const struct lb_env *env, const struct task *p)
{
    uint64_t size = 1;

    if (env->migration == MIGRATE_LOAD)
        size = SIM_MAX(1, p->se.weight);
    else if (env->migration == MIGRATE_UTIL) /* a fair share of a CPU that never idles */
        size = 1024 / env->src->nr_running;
    if (env->migration != MIGRATE_TASK &&
        size >> SIM_MIN(env->sd->nr_balance_failed, 31) > env->imbalance)
        return 0;
    return size;
}

static uint32_t
detach_tasks(struct lb_env *env, struct task **out)
{
    uint32_t n = 0, looked = 0,
             most = SIM_MIN(env->k->params.sched.nr_migrate, env->src->nr_running);
    struct list *node = env->src->cfs_tasks.prev;

    while (node != &env->src->cfs_tasks && looked++ < most && n < MAX_DETACH) {
        struct task *p = list_entry(node, struct task, rq_node);
        uint64_t share;

        node = node->prev;
        if (env->idle != CPU_NOT_IDLE && env->src->nr_running <= 1 + n)
            break;
        if (!can_migrate_task(env, p))
            continue;
        share = imbalance_share(env, p);
        if (share == 0)
            continue;
        out[n++] = p;
        env->imbalance -= SIM_MIN(share, env->imbalance);
        if (env->idle == CPU_NEWLY_IDLE || env->imbalance == 0)
            break;
    }
    return n;
}

static uint32_t
move_tasks(struct lb_env *env)
{
    struct task *moving[MAX_DETACH];
    uint32_t n = detach_tasks(env, moving);

    for (uint32_t i = n; i-- > 0;) { /* attached in reverse order of detaching */
        charge(env->k, env->dst->cpu, env->k->params.cost.migration,
               env->idle == CPU_NEWLY_IDLE ? CHARGE_TASK : CHARGE_SOFTIRQ);
        move_queued_task(env->k, moving[i], env->dst->cpu);
    }
    return n;
}

/* Push the running task when queued ones could not be had (active_load_balance_cpu_stop). */
static bool
active_balance(struct lb_env *env)
{
    struct task *p = env->src->curr;

    if (env->idle == CPU_NEWLY_IDLE || env->migration != MIGRATE_TASK || env->src->nr_running < 1 ||
        env->sd->nr_balance_failed <= env->sd->cache_nice_tries + 2)
        return false;
    if (p == NULL || !cpumask_test(p->allowed, (uint32_t)env->dst->cpu))
        return false;
    migrate_task_to(env->k, p, env->dst->cpu);
    env->sd->nr_balance_failed = 0;
    return true;
}

/* ---- one pass ---- */

static bool
should_we_balance(const struct lb_env *env)
{
    const struct sched_group *sg = env->sd->groups;
    int chosen = -1;

    if (env->idle == CPU_NEWLY_IDLE)
        return env->dst->nr_running == 0;
    for (int cpu = cpumask_next_and(sg->sgc->balance_mask, env->k->idle_cpus, 0); cpu >= 0;
         cpu = cpumask_next_and(sg->sgc->balance_mask, env->k->idle_cpus, (uint32_t)cpu + 1)) {
        const struct sched_domain *smt = env->k->domains->cpus[cpu].sd;
        bool whole = env->sd->flags & SD_SHARE_CPUCAPACITY ||
                     !(smt->flags & SD_SHARE_CPUCAPACITY) ||
                     cpumask_subset(smt->span, env->k->idle_cpus);

        if (whole)
            return cpu == env->dst->cpu;
        if (chosen < 0)
            chosen = cpu;
    }
    return env->dst->cpu == (chosen >= 0 ? chosen : group_balance_cpu(sg));
}

static struct rq *
choose_source(struct lb_env *env)
{
    struct kernel *k = env->k;
    struct sched_group *sg = find_src_group(env);

    if (probe_wants(k, DECISION_BALANCE_GROUP)) {
        probe_input(k, "idle", env->idle);
        probe_input(k, "imbalance", (int64_t)env->imbalance);
    }
    int64_t wish = sg != NULL ? sg->first_cpu : -1;
    int64_t group =
        probe_decide(k, DECISION_BALANCE_GROUP, env->sd->name, NULL, env->dst->cpu, wish);
    if (group < 0 || sg == NULL)
        return NULL;
    struct rq *src = find_src_rq(env, sg);
    int64_t cpu = probe_decide(k, DECISION_BALANCE_QUEUE, "sched_balance_find_src_rq", NULL,
                               env->dst->cpu, src != NULL ? src->cpu : -1);
    if (cpu < 0 || cpu >= k->machine->nr_cpus || !cpumask_test(sg->span, (uint32_t)cpu))
        return NULL;
    return &k->rqs[cpu];
}

/* Balanced, or nothing could be moved: look less often. */
static void
back_off(const struct lb_env *env)
{
    struct sched_domain *sd = env->sd;

    if (env->idle != CPU_NEWLY_IDLE && sd->balance_interval < sd->max_interval)
        sd->balance_interval *= 2;
}

uint32_t
sched_balance_rq(struct kernel *k, struct rq *dst, struct sched_domain *sd, enum idle_type idle,
                 bool *continue_balancing)
{
    struct lb_env env = {
        .k = k, .sd = sd, .dst = dst, .cpus = sd->span, .idle = idle, .all_pinned = true
    };

    dst->nr_balance_passes++;
    if (!should_we_balance(&env)) {
        *continue_balancing = false;
        return 0;
    }
    if (idle != CPU_NEWLY_IDLE)
        charge(k, dst->cpu, k->params.cost.balance_per_cpu * sd->span_weight, CHARGE_SOFTIRQ);
    env.src = choose_source(&env);
    if (env.src == NULL || env.src == dst) {
        back_off(&env);
        return 0;
    }
    uint32_t moved = env.src->nr_running > 1 ? move_tasks(&env) : 0;
    if (moved > 0) {
        sd->nr_balance_failed = 0;
        sd->balance_interval = sd->min_interval;
        return moved;
    }
    if (idle != CPU_NEWLY_IDLE)
        sd->nr_balance_failed++;
    if (active_balance(&env)) {
        sd->balance_interval = sd->min_interval;
        return 1;
    }
    back_off(&env);
    return 0;
}

/* ---- when ---- */

/* Interval in jiffies (get_sd_balance_interval). */
static uint64_t
balance_interval(const struct kernel *k, const struct sched_domain *sd, bool busy)
{
    uint64_t ms = sd->balance_interval;
    uint64_t most = SIM_MAX((uint64_t)k->params.sched.hz * k->nr_online / 10, 1);

    if (busy)
        ms *= sd->busy_factor;
    uint64_t j = div_round_up_u64(ms * k->params.sched.hz, 1000);
    if (busy)
        j--;
    return SIM_CLAMP(j, 1, most);
}

static void
sched_balance_domains(struct kernel *k, struct rq *rq, enum idle_type idle)
{
    bool go_on = true, busy = idle == CPU_NOT_IDLE;
    uint64_t now = jiffies(k), next = now + 60 * (uint64_t)k->params.sched.hz;

    for_each_domain (sd, k->domains->cpus[rq->cpu].sd) {
        if (!go_on)
            break;
        if (now >= sd->last_balance + balance_interval(k, sd, busy)) {
            /* a busy CPU pulls from overloaded groups only */
            if ((k->nr_overloaded > 0 || !busy) && sched_balance_rq(k, rq, sd, idle, &go_on) > 0)
                busy = rq->nr_running > 0;
            sd->last_balance = now;
        }
        next = SIM_MIN(next, sd->last_balance + balance_interval(k, sd, busy));
    }
    rq->next_balance = next;
}

/* On behalf of the idle CPUs, by the first of them (nohz_idle_balance). */
static void
nohz_idle_balance(struct kernel *k)
{
    uint64_t now = jiffies(k), earliest = now + 60 * (uint64_t)k->params.sched.hz;

    for_each_cpu (cpu, k->idle_cpus) {
        struct rq *rq = &k->rqs[cpu];

        if (now >= rq->next_balance)
            sched_balance_domains(k, rq, CPU_IDLE);
        earliest = SIM_MIN(earliest, rq->next_balance);
    }
    k->nohz_next_balance = earliest;
}

/* A CPU with more work than it can run, or whose LLC has several busy CPUs, wants the idle ones to
 * look. */
static bool
wants_nohz_kick(const struct kernel *k, const struct rq *rq)
{
    const struct sched_domain_shared *llc = k->domains->cpus[rq->cpu].llc_shared;

    return rq->nr_running >= 2 || (llc != NULL && llc->nr_busy_cpus > 1);
}

void
balance_trigger(struct kernel *k, struct rq *rq)
{
    uint64_t now = jiffies(k);

    if (!k->params.sched.periodic_balance || k->domains->cpus[rq->cpu].sd == NULL)
        return;
    if (now >= rq->next_balance ||
        (now >= k->nohz_next_balance && wants_nohz_kick(k, rq) && k->nr_idle > 0))
        engine_at(&k->engine, &rq->balance_ev, k->engine.now);
}

sim_time
balance_tick_due(const struct kernel *k, const struct rq *rq)
{
    if (!k->params.sched.periodic_balance || k->domains->cpus[rq->cpu].sd == NULL)
        return SIM_NEVER;
    uint64_t due = rq->next_balance;

    if (k->nohz_next_balance < due && k->nr_idle > 0 && wants_nohz_kick(k, rq))
        due = k->nohz_next_balance;
    return jiffy_time(k, due);
}

void
balance_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct rq *rq = container_of(ev, struct rq, balance_ev);
    uint64_t now = jiffies(k);

    if (now >= rq->next_balance)
        sched_balance_domains(k, rq, rq->nr_running > 0 ? CPU_NOT_IDLE : CPU_IDLE);
    if (now >= k->nohz_next_balance && wants_nohz_kick(k, rq))
        nohz_idle_balance(k);
    tick_update(k, rq);
}

/* ---- newly idle ---- */

bool
sched_balance_newidle(struct kernel *k, struct rq *rq)
{
    uint64_t cost = 0;
    bool go_on = true;
    struct sched_domain *bottom = k->domains->cpus[rq->cpu].sd;

    if (k->nr_overloaded == 0 || bottom == NULL || rq->avg_idle < bottom->max_newidle_lb_cost)
        return false;
    for_each_domain (sd, bottom) {
        uint64_t pass = k->params.cost.balance_per_cpu * sd->span_weight;

        if (rq->avg_idle < cost + sd->max_newidle_lb_cost)
            break;
        if (!(sd->flags & SD_BALANCE_NEWIDLE))
            continue;
        /* nothing to pull where no queue has two tasks: the pass has its cost and no other effect
         */
        if (cpumask_intersects(sd->span, k->overloaded_cpus))
            sched_balance_rq(k, rq, sd, CPU_NEWLY_IDLE, &go_on);
        sd->max_newidle_lb_cost = SIM_MAX(sd->max_newidle_lb_cost, pass);
        cost += pass;
        if (rq->nr_running > 0)
            break;
    }
    charge(k, rq->cpu, cost, CHARGE_SOFTIRQ);
    rq->max_idle_balance_cost = SIM_MAX(rq->max_idle_balance_cost, cost);
    return rq->nr_running > 0;
}
