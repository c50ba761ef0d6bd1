/*
 * Where in a node could the task go (task_numa_find_cpu, task_numa_compare, task_numa_assign)?
 *
 * An idle CPU of a node with room is taken without comparing. Otherwise each CPU's running task is
 * a candidate to change places: what both gain, in thousandths of their faults, must be worth it,
 * and must not make the nodes less even than they are.
 */
#include "kernel/numa_find.h"

#include "kernel/load.h"
#include "kernel/select.h"

enum { SMALLIMP = 30 };

enum numa_type
numa_classify(uint32_t imbalance_pct, const struct numa_stats *s)
{
    bool no_room = s->capacity * 100 < s->util * imbalance_pct ||
                   s->capacity * imbalance_pct < s->runnable * 100;
    bool room = s->capacity * 100 > s->util * imbalance_pct &&
                s->capacity * imbalance_pct > s->runnable * 100;

    if (s->nr_running > s->weight && no_room)
        return NODE_OVERLOADED;
    return s->nr_running < s->weight || room ? NODE_HAS_SPARE : NODE_FULLY_BUSY;
}

static int64_t
abs_diff(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* Would moving so much load make the nodes less even? */
static bool
load_too_imbalanced(const struct task_numa_env *env, int64_t load)
{
    int64_t src_cap = (int64_t)env->src_stats.capacity, dst_cap = (int64_t)env->dst_stats.capacity;
    int64_t src = (int64_t)env->src_stats.load, dst = (int64_t)env->dst_stats.load;

    return abs_diff((dst + load) * src_cap, (src - load) * dst_cap) >
           abs_diff(dst * src_cap, src * dst_cap);
}

static bool
prefers(const struct task *t, int node)
{
    return t != NULL && t->numa != NULL && t->numa->preferred == node;
}

static bool
allowed_idle(const struct task_numa_env *env, int cpu)
{
    return idle_cpu(env->k, cpu) && cpumask_test(env->p->allowed, (uint32_t)cpu);
}

/* The next idle CPU of the node after this one that nobody has reserved; -1: none. */
static int
alternative_cpu(const struct task_numa_env *env)
{
    const struct kernel *k = env->k;
    const struct cpumask *cpus = k->machine->nodes[env->dst_nid].cpus;
    uint32_t start = (uint32_t)env->dst_cpu + 1;

    for (int pass = 0; pass < 2; pass++)
        for (int cpu = cpumask_next(cpus, pass == 0 ? start : 0);
             cpu >= 0 && (pass == 0 || (uint32_t)cpu < start);
             cpu = cpumask_next(cpus, (uint32_t)cpu + 1))
            if (cpu != env->best_cpu && allowed_idle(env, cpu) && !k->rqs[cpu].numa_migrate_on)
                return cpu;
    return -1;
}

static void
task_numa_assign(struct task_numa_env *env, struct task *partner, int64_t imp)
{
    struct kernel *k = env->k;

    if (env->best_cpu != env->dst_cpu) {
        int cpu = env->dst_cpu;

        if (k->rqs[cpu].numa_migrate_on)
            cpu = alternative_cpu(env);
        if (cpu < 0)
            return;
        k->rqs[cpu].numa_migrate_on = true;
        env->dst_cpu = cpu;
    }
    if (env->best_cpu >= 0 && env->best_cpu != env->dst_cpu)
        k->rqs[env->best_cpu].numa_migrate_on = false;
    env->best_task = partner;
    env->best_imp = imp;
    env->best_cpu = env->dst_cpu;
}

static void
probe_compare(const struct task_numa_env *env, const struct task *cur, int64_t imp)
{
    if (probe_wants(env->k, DECISION_TASK_NUMA))
        probe_candidate(env->k, cur != NULL ? "swap_cpu" : "move_cpu", (uint32_t)env->dst_cpu, imp);
}

/* To an idle CPU: the node's own choice, unless somebody has come there meanwhile. */
static void
assign_idle(struct task_numa_env *env, int64_t imp)
{
    int cpu = env->dst_stats.idle_cpu >= 0 ? env->dst_stats.idle_cpu : env->dst_cpu;

    if (!idle_cpu(env->k, cpu) && env->best_cpu >= 0 && idle_cpu(env->k, env->best_cpu))
        cpu = env->best_cpu;
    env->dst_cpu = cpu;
    probe_compare(env, NULL, imp);
    task_numa_assign(env, NULL, imp);
}

/* What changing places with `cur` gains. */
static int64_t
swap_imp(const struct task_numa_env *env, const struct task *cur, int64_t taskimp, int64_t groupimp)
{
    const struct kernel *k = env->k;
    const struct numa_group *mine = env->p->numa->group;
    const struct numa_group *theirs = cur->numa != NULL ? cur->numa->group : NULL;
    int64_t imp = mine != NULL ? groupimp : taskimp;

    if (mine == theirs) {
        imp = taskimp + task_weight(k, cur, env->src_nid, env->dist) -
              task_weight(k, cur, env->dst_nid, env->dist);
        if (theirs != NULL)
            imp -= imp / 16;
    } else if (mine != NULL && theirs != NULL) {
        imp += group_weight(k, cur, env->src_nid, env->dist) -
               group_weight(k, cur, env->dst_nid, env->dist);
    } else {
        imp += task_weight(k, cur, env->src_nid, env->dist) -
               task_weight(k, cur, env->dst_nid, env->dist);
    }
    if (prefers(cur, env->dst_nid))
        imp -= imp / 16;
    if (prefers(cur, env->src_nid))
        imp += imp / 8;
    return imp;
}

static bool
same_group(const struct task *p, const struct task *cur)
{
    return p->numa->group == (cur->numa != NULL ? cur->numa->group : NULL);
}

/* Is the swap worth it, and do the nodes stay as even? */
static bool
swap_pays(const struct task_numa_env *env, const struct task *cur, int64_t imp)
{
    if (env->best_task != NULL && prefers(cur, env->src_nid) &&
        !prefers(env->best_task, env->src_nid))
        return true;
    if (imp < SMALLIMP || imp <= env->best_imp + SMALLIMP / 2)
        return false;
    int64_t load = (int64_t)task_h_load(env->k, env->p) - (int64_t)task_h_load(env->k, cur);
    return load == 0 || !load_too_imbalanced(env, load);
}

/* May `cur` be asked at all? */
static bool
swap_allowed(const struct task_numa_env *env, const struct task *cur)
{
    if (!env->k->params.numa.swap || !cpumask_test(cur->allowed, (uint32_t)env->src_cpu))
        return false;
    if (prefers(env->best_task, env->src_nid) && !prefers(cur, env->src_nid))
        return false;
    return !same_group(env->p, cur) || env->dst_stats.type != NODE_HAS_SPARE;
}

static bool
search_ends(const struct task_numa_env *env, const struct task *assigned, bool maymove)
{
    if (maymove)
        return assigned == NULL && env->best_cpu >= 0 && idle_cpu(env->k, env->best_cpu);
    return prefers(env->best_task, env->src_nid);
}

/* Looks at env->dst_cpu. True: look no further. */
static bool
task_numa_compare(struct task_numa_env *env, int64_t taskimp, int64_t groupimp, bool maymove)
{
    struct rq *rq = &env->k->rqs[env->dst_cpu];
    struct task *cur = rq->curr;
    int64_t moveimp = env->p->numa->group != NULL ? groupimp : taskimp;

    if (rq->numa_migrate_on)
        return false;
    if (cur == env->p)
        return true;
    if (cur == NULL) {
        if (!maymove || moveimp < env->best_imp)
            return false;
        assign_idle(env, moveimp);
        return search_ends(env, NULL, maymove);
    }
    if (!swap_allowed(env, cur))
        return false;
    int64_t imp = swap_imp(env, cur, taskimp, groupimp);
    if (maymove && moveimp > imp && moveimp > env->best_imp) {
        assign_idle(env, moveimp);
        return search_ends(env, NULL, maymove);
    }
    probe_compare(env, cur, imp);
    if (!swap_pays(env, cur, imp))
        return false;
    task_numa_assign(env, cur, imp);
    return search_ends(env, cur, maymove);
}

/* Would one more task there be one too many, as the balancer sees it? */
static bool
imbalance_forbids(const struct task_numa_env *env)
{
    /* below 0 if the task is of another class and no fair one is there */
    int32_t src = (int32_t)env->src_stats.nr_running - 1;
    int32_t dst = (int32_t)env->dst_stats.nr_running + 1;

    if (!numa_quirk(env->k, IDLE_BLOCKED) || dst <= src)
        return false;
    return adjust_numa_imbalance((uint32_t)(dst - src), (uint32_t)dst, env->imb_numa_nr) != 0;
}

/* True: an idle CPU was taken. */
static bool
take_idle(struct task_numa_env *env, int64_t imp)
{
    if (env->dst_stats.idle_cpu < 0)
        return false;
    if (!numa_quirk(env->k, IDLE_OVERRIDE)) {
        if (env->best_cpu >= 0 && imp <= env->best_imp)
            return true;
    } else {
        imp = 0;
    }
    env->dst_cpu = env->dst_stats.idle_cpu;
    probe_compare(env, NULL, imp);
    task_numa_assign(env, NULL, imp);
    return true;
}

void
task_numa_find_cpu(struct task_numa_env *env, int64_t taskimp, int64_t groupimp)
{
    struct kernel *k = env->k;
    bool maymove = false;

    if (env->dst_stats.type == NODE_HAS_SPARE) {
        maymove = !imbalance_forbids(env);
        if (maymove && take_idle(env, env->p->numa->group != NULL ? groupimp : taskimp))
            return;
    } else {
        maymove = !load_too_imbalanced(env, (int64_t)task_h_load(k, env->p));
    }
    for_each_cpu (cpu, k->machine->nodes[env->dst_nid].cpus) {
        if (!cpumask_test(k->machine->online, (uint32_t)cpu) ||
            !cpumask_test(env->p->allowed, (uint32_t)cpu))
            continue;
        env->dst_cpu = cpu;
        if (task_numa_compare(env, taskimp, groupimp, maymove))
            return;
    }
}
