/*
 * For how long may a CPU idle while a task waits that may run there?
 *
 * The kernel does not promise that it never happens. A task that waits is brought to an idle CPU by
 * a pass of the balancer over the smallest domain of the idle CPU that contains the queue where the
 * task waits: by the idle CPU itself as it runs dry, else, since its tick is stopped, by the nohz
 * balancer, which a busy CPU with two tasks kicks at its next tick. A pass comes once in the
 * domain's interval, which for idle CPUs grows to max_interval (two jiffies more: the tick that
 * kicks, and rounding). It may come in vain: once for each of cache_nice_tries while the tasks it
 * sees are hot, once more for the test to be "more than", once for a wrong task that runs, and once
 * because the CPU that balances for the group is another one of the group. So the rules allow
 *
 *     (cache_nice_tries + 4) x (max_interval + 2 jiffies)
 *
 * counted anew whenever a task comes to the idle CPU's side from elsewhere, since then balancing is
 * at work. And they set a limit only where the pass sees an imbalance; where it does not, the
 * kernel leaves things as they are, for ever if need be:
 *
 * - Two sides are compared: the largest domain of the idle CPU that does not contain the task's,
 * and the other way round. Unless both are single CPUs, the idle side must have two idle CPUs more
 *   than the other; at NUMA levels three, as an imbalance of two is kept there on purpose
 *   (adjust_numa_imbalance). An idle CPU on the task's own side is nearer, and has its own limit.
 * - The idle side must have fewer tasks than CPUs, or it counts as busy on the whole.
 * - The task's queue must have two fair tasks that can run, one of which runs: a task behind a
 *   real-time task alone is nobody's imbalance.
 * - Every task that waits in the domain must be allowed on the idle CPU. One that is not may be
 * what the pass finds each time; the kernel then gives up, or backs off to 512 ms.
 * - Tasks in a group with a limit (cpu.max) may not move while it is throttled on either CPU.
 * - Periodic balancing must be on. Isolated CPUs are not balanced at all.
 * - The idle CPU's next pass must be as near as an idle one's. While a policy leaves, ticks balance
 *   CPUs that run its tasks as busy ones, up to busy_factor times less often, and who runs dry of
 *   such tasks does not ask the fair class, which would bring the pass forward (prev_balance).
 *
 * Where the two CPUs have no domain in common (a level is missing), what today's kernel would have
 * built is taken: one domain of all CPUs.
 */
#include "kernel/group.h"
#include "kernel/wasted.h"

/* The rule's two sides. */
struct sides {
    const struct cpumask *idle, *busy; /* NULL: the CPU alone */
    uint32_t depth;
    const struct sched_domain *common; /* NULL: none */
};

static const struct cpumask *
side_of(const struct kernel *k, int cpu, int without, uint32_t *depth,
        const struct sched_domain **common)
{
    const struct cpumask *side = NULL;

    *depth = 0;
    *common = NULL;
    for_each_domain (sd, k->domains->cpus[cpu].sd) {
        if (cpumask_test(sd->span, (uint32_t)without)) {
            *common = sd;
            break;
        }
        side = sd->span;
        (*depth)++;
    }
    return side;
}

static uint32_t
nr_idle_in(const struct kernel *k, const struct cpumask *side, bool idle)
{
    uint32_t n = 0;

    if (side == NULL)
        return idle;
    for (uint32_t i = 0; i < side->nr_words; i++)
        n += (uint32_t)__builtin_popcountll(side->bits[i] & k->idle_cpus->bits[i]);
    return n;
}

static bool
has_spare(const struct kernel *k, const struct cpumask *side)
{
    uint32_t nr = 0, weight = 0;

    if (side == NULL)
        return true;
    for_each_cpu (cpu, side) {
        nr += k->rqs[cpu].nr_running;
        weight++;
    }
    return nr < weight;
}

/* The difference of idle CPUs that a pass acts upon. */
static bool
imbalanced(const struct kernel *k, const struct sides *s)
{
    bool numa = s->common == NULL || s->common->flags & SD_NUMA;
    uint32_t idle = nr_idle_in(k, s->idle, true), busy = nr_idle_in(k, s->busy, false);

    if (s->idle == NULL && s->busy == NULL && !numa)
        return true;
    return has_spare(k, s->idle) && idle >= busy + (numa ? 3 : 2);
}

static bool
everybody_may_run_on(const struct kernel *k, const struct cpumask *span, int cpu)
{
    for_each_cpu (busy, k->overloaded_cpus) {
        if (span != NULL && !cpumask_test(span, (uint32_t)busy))
            continue;
        list_for_each (node, &k->rqs[busy].cfs_tasks) {
            const struct task *p = list_entry(node, struct task, rq_node);

            if (wasted_waits(k, p) && !cpumask_test(p->allowed, (uint32_t)cpu))
                return false;
        }
    }
    return true;
}

static bool
may_be_throttled(const struct task *p)
{
    for (const struct task_group *tg = p->group; tg != NULL; tg = tg->parent)
        if (tg->parent != NULL && tg->bandwidth.quota != UINT64_MAX)
            return true;
    return false;
}

/* In jiffies: what lies between two passes at most. */
static uint64_t
between_passes(const struct kernel *k, const struct sched_domain *sd)
{
    uint64_t ms = sd != NULL ? sd->max_interval : 2 * (uint64_t)k->nr_online;
    uint64_t most = SIM_MAX((uint64_t)k->params.sched.hz * k->nr_online / 10, 1);

    return SIM_CLAMP(div_round_up_u64(ms * k->params.sched.hz, 1000), 1, most) + 2;
}

static sim_time
limit(const struct kernel *k, const struct sched_domain *sd)
{
    uint64_t tries = sd != NULL ? sd->cache_nice_tries : 2;

    return (tries + 4) * between_passes(k, sd) * k->tick_ns;
}

/* It was busy with a policy's task when it balanced for the last time. */
static bool
has_pace_of_busy(struct kernel *k, const struct sched_domain *sd, int idle)
{
    return k->scx != NULL && k->rqs[idle].next_balance > jiffies(k) + between_passes(k, sd);
}

struct wasted_verdict
wasted_rule(struct kernel *k, const struct task *p, int busy, int idle)
{
    const struct rq *rq = &k->rqs[busy];
    const struct sched_domain *back;
    struct sides s;
    uint32_t ignored;

    s.idle = side_of(k, idle, busy, &s.depth, &s.common);
    s.busy = side_of(k, busy, idle, &ignored, &back);
    struct wasted_verdict v = {
        .level = s.common != NULL ? s.common->name : "missing",
        .depth = s.depth,
        .allowed = SIM_NEVER,
    };
    if (!k->params.sched.periodic_balance || k->domains->cpus[busy].sd == NULL ||
        k->domains->cpus[idle].sd == NULL)
        return v;
    if (rq->curr == NULL || rq->curr->class != &fair_sched_class || may_be_throttled(p) ||
        has_pace_of_busy(k, s.common, idle))
        return v;
    if (imbalanced(k, &s) &&
        everybody_may_run_on(k, s.common != NULL ? s.common->span : NULL, idle))
        v.allowed = limit(k, s.common);
    return v;
}
