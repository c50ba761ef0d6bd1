/*
 * Moving a task to its memory (task_numa_migrate): to an idle CPU of the preferred node or of
 * another one that is better than this, or in exchange with a task that gains by it or loses less.
 *
 * Model assumption: a move takes no time in which another could aim at the same CPU, so the mark of
 * a CPU that a move is being arranged to (numa_migrate_on) lasts for one search.
 */
#include "kernel/balance_impl.h"
#include "kernel/ext.h"
#include "kernel/load.h"
#include "kernel/numa_find.h"
#include "kernel/select.h"

/* A CPU of a wholly idle core is better than any other idle one. */
static void
find_idle(const struct task_numa_env *env, int cpu, struct numa_stats *s, bool *core)
{
    const struct kernel *k = env->k;
    const struct rq *rq = &k->rqs[cpu];

    if (*core || rq->nr_running > 0 || !idle_cpu(k, cpu) || rq->numa_migrate_on ||
        !cpumask_test(env->p->allowed, (uint32_t)cpu))
        return;
    *core = k->smt_active && test_idle_cores(k, cpu) && is_core_idle(k, cpu);
    if (s->idle_cpu < 0 || *core)
        s->idle_cpu = cpu;
}

static void
update_numa_stats(const struct task_numa_env *env, struct numa_stats *s, int node, bool idle)
{
    struct kernel *k = env->k;
    bool core = false;

    *s = (struct numa_stats){ .idle_cpu = -1 };
    for_each_cpu (cpu, k->machine->nodes[node].cpus) {
        struct rq *rq = &k->rqs[cpu];

        if (!cpumask_test(k->machine->online, (uint32_t)cpu))
            continue;
        s->load += cpu_load(k, rq);
        s->runnable += cpu_runnable(k, rq);
        s->util += cpu_util_cfs(k, rq);
        s->nr_running += rq->cfs.h_nr_queued;
        s->capacity += capacity_of(rq);
        s->weight++;
        if (idle)
            find_idle(env, cpu, s, &core);
    }
    s->type = numa_classify(env->imbalance_pct, s);
}

struct weights {
    int64_t task, group;
};

static struct weights
weights_of(const struct task_numa_env *env, int node, uint32_t dist)
{
    return (struct weights){ task_weight(env->k, env->p, node, dist),
                             group_weight(env->k, env->p, node, dist) };
}

static void
try_node(struct task_numa_env *env, int node, uint32_t dist, struct weights imp)
{
    env->dist = dist;
    env->dst_nid = node;
    update_numa_stats(env, &env->dst_stats, node, true);
    task_numa_find_cpu(env, imp.task, imp.group);
}

/* The nodes that the task does not prefer: one that neither it nor its group would lose by. The
 * distance is the one to the node tried before, as in the kernel. */
static void
try_others(struct task_numa_env *env, struct weights here)
{
    struct kernel *k = env->k;
    int preferred = env->p->numa->preferred;

    for_each_node (n, machine_cpu_nodes(k->machine)) {
        if (n == env->src_nid || n == preferred)
            continue;
        int far = numa_quirk(k, SEARCH_DISTANCE) ? env->dst_nid : n;
        uint32_t dist = node_distance(k, env->src_nid, far);
        if (k->domains->topology_type == NUMA_BACKPLANE && dist != env->dist)
            here = weights_of(env, env->src_nid, dist);
        struct weights imp = weights_of(env, n, dist);
        imp.task -= here.task;
        imp.group -= here.group;
        if (imp.task >= 0 || imp.group >= 0)
            try_node(env, n, dist, imp);
    }
}

static void
search(struct task_numa_env *env)
{
    const struct numa_group *g = env->p->numa->group;
    int preferred = env->p->numa->preferred;
    uint32_t dist = node_distance(env->k, env->src_nid, preferred);
    struct weights here = weights_of(env, env->src_nid, dist);
    struct weights imp = weights_of(env, preferred, dist);

    imp.task -= here.task;
    imp.group -= here.group;
    update_numa_stats(env, &env->src_stats, env->src_nid, false);
    try_node(env, preferred, dist, imp);
    if (env->best_cpu < 0 || (g != NULL && g->active_nodes > 1))
        try_others(env, here);
}

/* numa_balancing.place=textbook: the first CPU of the preferred node with a shorter queue. */
static void
search_textbook(struct task_numa_env *env)
{
    const struct kernel *k = env->k;

    for_each_cpu (cpu, k->machine->nodes[env->p->numa->preferred].cpus)
        if (cpumask_test(k->machine->online, (uint32_t)cpu) &&
            cpumask_test(env->p->allowed, (uint32_t)cpu) &&
            k->rqs[cpu].nr_running + 1 <= k->rqs[env->src_cpu].nr_running) {
            env->best_cpu = cpu;
            return;
        }
}

static int
decide_move(struct task_numa_env *env)
{
    struct kernel *k = env->k;
    const char *rule = env->best_cpu < 0        ? "stick_numa"
                       : env->best_task != NULL ? "swap_numa"
                                                : "move_numa";

    if (probe_wants(k, DECISION_TASK_NUMA)) {
        probe_input(k, "preferred", env->p->numa->preferred);
        probe_input(k, "group", env->p->numa->group != NULL ? env->p->numa->group->gid : 0);
        probe_input(k, "src", env->src_nid);
        probe_input(k, "nr_src", env->src_stats.nr_running);
        probe_input(k, "nr_dst", env->dst_stats.nr_running);
        probe_input(k, "dst_type", env->dst_stats.type);
        probe_input(k, "best_imp", env->best_imp);
        probe_input(k, "partner", env->best_task != NULL ? (int64_t)env->best_task->id : -1);
        for_each_node (n, machine_cpu_nodes(k->machine))
            probe_candidate(k, "node", (uint32_t)n, task_weight(k, env->p, n, env->dist));
    }
    return (int)probe_decide(k, DECISION_TASK_NUMA, rule, env->p, env->src_cpu, env->best_cpu);
}

static void
tell_observers(struct task_numa_env *env, int cpu, struct task *other)
{
    for (struct observer *o = env->k->observers; o != NULL; o = o->next)
        if (o->numa_move != NULL)
            o->numa_move(o->priv, env->k, env->p, cpu, other);
}

static void
carry_out(struct task_numa_env *env, int cpu)
{
    struct kernel *k = env->k;

    if (cpu == env->best_cpu && env->best_task != NULL) {
        tell_observers(env, cpu, env->best_task);
        migrate_swap(k, env->p, env->best_task);
    } else if (cpu >= 0 && (uint32_t)cpu < k->machine->nr_cpus &&
               cpumask_test(env->p->allowed, (uint32_t)cpu)) {
        tell_observers(env, cpu, NULL);
        migrate_task_to(k, env->p, cpu);
    } else if (cpu >= 0)
        kernel_fail(k, "--force-decision: CPU %d is not one that %s may run on", cpu, env->p->name);
}

/* A group follows where its task could go, not where it had wished to. */
static void
prefer_found(struct task_numa_env *env)
{
    struct task *p = env->p;
    int node = env->best_cpu >= 0 ? env->k->rqs[env->best_cpu].node : env->src_nid;

    if (p->numa->group != NULL && node != p->numa->preferred)
        numa_set_preferred(env->k, p, node);
}

void
task_numa_migrate(struct kernel *k, struct task *p)
{
    struct task_numa_env env = {
        .k = k, .p = p, .src_cpu = p->cpu, .src_nid = k->rqs[p->cpu].node, .best_cpu = -1
    };
    const struct sched_domain *sd = k->domains->cpus[p->cpu].sd;

    while (sd != NULL && !(sd->flags & SD_NUMA))
        sd = sd->parent;
    if (sd == NULL) {
        numa_set_preferred(k, p, env.src_nid); /* no domain spans nodes: it can only stay */
        return;
    }
    env.imbalance_pct = 100 + (sd->imbalance_pct - 100) / 2;
    env.imb_numa_nr = sd->imb_numa_nr;
    if (k->params.numa.place == NUMA_PLACE_TEXTBOOK)
        search_textbook(&env);
    else
        search(&env);
    if (env.best_cpu >= 0)
        k->rqs[env.best_cpu].numa_migrate_on = false;
    prefer_found(&env);
    carry_out(&env, decide_move(&env));
}

void
numa_migrate_preferred(struct kernel *k, struct task *p)
{
    struct task_numa *n = p->numa;

    if (n->preferred == NUMA_NO_NODE || n->faults == NULL)
        return;
    uint64_t wait = numa_jiffies(k, n->scan_period) / 16;
    n->migrate_retry = jiffies(k) + SIM_MIN(wait, k->params.sched.hz);
    n->move_wanted = k->rqs[p->cpu].node != n->preferred && k->params.numa.migrate_tasks &&
                     p->class != &ext_sched_class; /* where that runs is for its policy to say */
}
