/*
 * Moving a task to its memory (task_numa_migrate): to an idle CPU of the preferred node, or in
 * exchange with a task that gains by it or loses less.
 *
 * The rules and their order are the kernel's, without groups. Two things are simpler: whether a
 * node is overloaded, busy or has room is told by the number of its tasks, for there is no tracking
 * of utilisation; and numa_migrate_on is not needed, since a move takes no time in which another
 * could aim at the same CPU.
 */
#include "kernel/numa.h"

enum { SMALLIMP = 30, IMBALANCE_MIN = 2 };

enum node_class { NODE_HAS_SPARE, NODE_FULLY_BUSY, NODE_OVERLOADED };

struct numa_stats {
    uint64_t load, capacity, nr, weight;
    int idle_cpu;
    enum node_class class;
};

struct numa_env {
    struct kernel *k;
    struct task *p;
    int src_cpu, src, dst;
    uint32_t imb_numa_nr;
    struct numa_stats src_stats, dst_stats;
    int64_t taskimp, best_imp;
    int best_cpu;
    struct task *best_task;
};

static void
node_stats(const struct numa_env *env, int node, struct numa_stats *s, bool find_idle)
{
    const struct kernel *k = env->k;

    *s = (struct numa_stats){ .idle_cpu = -1 };
    for_each_cpu (cpu, k->machine->nodes[node].cpus) {
        const struct rq *rq = &k->rqs[cpu];

        if (!cpumask_test(k->machine->online, (uint32_t)cpu))
            continue;
        s->load += rq->cfs.load_weight >> 10;
        s->nr += rq->cfs.nr_queued;
        s->capacity += k->machine->cpus[cpu].capacity;
        s->weight++;
        if (find_idle && s->idle_cpu < 0 && idle_cpu(k, cpu) &&
            cpumask_test(env->p->allowed, (uint32_t)cpu))
            s->idle_cpu = cpu;
    }
    s->class = s->nr > s->weight   ? NODE_OVERLOADED
               : s->nr < s->weight ? NODE_HAS_SPARE
                                   : NODE_FULLY_BUSY;
}

static int64_t
abs_diff(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* Would moving `load` make the two nodes less even than they are? */
static bool
too_imbalanced(const struct numa_env *env, int64_t load)
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

static void
assign(struct numa_env *env, int cpu, struct task *partner, int64_t imp)
{
    if (partner == NULL && env->dst_stats.idle_cpu >= 0)
        cpu = env->dst_stats.idle_cpu;
    env->best_cpu = cpu;
    env->best_task = partner;
    env->best_imp = imp;
}

/* What exchanging p for `cur` gains, in 1/1000 of their faults. */
static int64_t
swap_gain(const struct numa_env *env, const struct task *cur)
{
    int64_t imp = env->taskimp + numa_task_weight(env->k, cur, env->src) -
                  numa_task_weight(env->k, cur, env->dst);

    if (prefers(cur, env->dst))
        imp -= imp / 16;
    if (prefers(cur, env->src))
        imp += imp / 8;
    return imp;
}

static bool
stop_search(const struct numa_env *env, bool may_move)
{
    if (may_move)
        return env->best_cpu >= 0 && env->best_task == NULL && idle_cpu(env->k, env->best_cpu);
    return prefers(env->best_task, env->src);
}

/* task_numa_compare() for the task that runs on the CPU; NULL: idle. */
static void
compare(struct numa_env *env, int cpu, struct task *cur, bool may_move)
{
    int64_t moveimp = env->taskimp;

    if (cur == NULL) {
        if (may_move && moveimp >= env->best_imp)
            assign(env, cpu, NULL, moveimp);
        return;
    }
    if (!cpumask_test(cur->allowed, (uint32_t)env->src_cpu))
        return;
    if (prefers(env->best_task, env->src) && !prefers(cur, env->src))
        return;
    if (env->dst_stats.class == NODE_HAS_SPARE)
        return;
    int64_t imp = swap_gain(env, cur);
    if (may_move && moveimp > imp && moveimp > env->best_imp) {
        assign(env, cpu, NULL, moveimp);
        return;
    }
    bool better =
        env->best_task != NULL && prefers(cur, env->src) && !prefers(env->best_task, env->src);
    if (!better) {
        int64_t load = (int64_t)env->p->se.weight - (int64_t)cur->se.weight;

        if (imp < SMALLIMP || imp <= env->best_imp + SMALLIMP / 2)
            return;
        if (load != 0 && too_imbalanced(env, load))
            return;
    }
    assign(env, cpu, cur, imp);
}

/* An idle CPU of a node with room is taken without comparing. True: found. */
static bool
take_idle(struct numa_env *env, bool *may_move)
{
    int64_t imbalance = (int64_t)env->dst_stats.nr + 1 - ((int64_t)env->src_stats.nr - 1);

    imbalance = SIM_MAX(imbalance, 0);
    if (env->dst_stats.nr + 1 <= env->imb_numa_nr && imbalance <= IMBALANCE_MIN)
        imbalance = 0;
    if (imbalance != 0)
        return false;
    *may_move = true;
    if (env->dst_stats.idle_cpu < 0)
        return false;
    assign(env, env->dst_stats.idle_cpu, NULL, 0);
    return true;
}

static void
find_cpu(struct numa_env *env)
{
    struct kernel *k = env->k;
    bool may_move = false;

    if (env->dst_stats.class == NODE_HAS_SPARE) {
        if (take_idle(env, &may_move))
            return;
    } else {
        may_move = !too_imbalanced(env, env->p->se.weight);
    }
    for_each_cpu (cpu, k->machine->nodes[env->dst].cpus) {
        struct task *cur = k->rqs[cpu].curr;

        if (!cpumask_test(k->machine->online, (uint32_t)cpu) ||
            !cpumask_test(env->p->allowed, (uint32_t)cpu))
            continue;
        if (cur == env->p)
            return;
        compare(env, cpu, cur, may_move);
        if (stop_search(env, may_move))
            return;
    }
}

static void
try_node(struct numa_env *env, int node)
{
    env->dst = node;
    env->taskimp =
        numa_task_weight(env->k, env->p, node) - numa_task_weight(env->k, env->p, env->src);
    node_stats(env, node, &env->dst_stats, true);
    find_cpu(env);
}

static void
search(struct numa_env *env)
{
    int preferred = env->p->numa->preferred;

    node_stats(env, env->src, &env->src_stats, false);
    try_node(env, preferred);
    if (env->best_cpu >= 0)
        return;
    for_each_node (n, machine_cpu_nodes(env->k->machine))
        if (n != env->src && n != preferred &&
            numa_task_weight(env->k, env->p, n) >= numa_task_weight(env->k, env->p, env->src))
            try_node(env, n);
}

static int
decide_move(struct numa_env *env)
{
    struct kernel *k = env->k;
    const char *rule = env->best_cpu < 0        ? "stick_numa"
                       : env->best_task != NULL ? "swap_numa"
                                                : "move_numa";

    if (probe_wants(k, DECISION_TASK_NUMA)) {
        probe_input(k, "preferred", env->p->numa->preferred);
        probe_input(k, "src", env->src);
        probe_input(k, "nr_src", (int64_t)env->src_stats.nr);
        probe_input(k, "nr_dst", (int64_t)env->dst_stats.nr);
        probe_input(k, "best_imp", env->best_imp);
        probe_input(k, "partner", env->best_task != NULL ? (int64_t)env->best_task->id : -1);
        for_each_node (n, machine_cpu_nodes(k->machine))
            probe_candidate(k, "node", n, numa_task_weight(k, env->p, n));
    }
    return (int)probe_decide(k, DECISION_TASK_NUMA, rule, env->p, env->src_cpu, env->best_cpu);
}

static void
tell_observers(struct numa_env *env, int cpu, struct task *other)
{
    for (struct observer *o = env->k->observers; o != NULL; o = o->next)
        if (o->numa_move != NULL)
            o->numa_move(o->priv, env->k, env->p, cpu, other);
}

static void
carry_out(struct numa_env *env, int cpu)
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

void
task_numa_migrate(struct kernel *k, struct task *p)
{
    struct numa_env env = {
        .k = k, .p = p, .src_cpu = p->cpu, .src = k->rqs[p->cpu].node, .best_cpu = -1
    };
    const struct sched_domain *sd = k->domains->cpus[p->cpu].sd;

    while (sd != NULL && !(sd->flags & SD_NUMA))
        sd = sd->parent;
    if (sd == NULL) {
        numa_set_preferred(k, p, env.src); /* no domain spans nodes: it can only stay */
        return;
    }
    env.imb_numa_nr = sd->imb_numa_nr;
    search(&env);
    carry_out(&env, decide_move(&env));
}
