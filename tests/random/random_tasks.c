/*
 * The tasks of a random case. Each follows a stream of its own: it runs, sleeps, waits for another
 * task, yields, and now and then wakes, forks or changes somebody.
 */
#include "random_case.h"
#include "random_devices.h"
#include "random_groups.h"
#include "random_memory.h"

#include "kernel/group.h"
#include "kernel/mm.h"
#include "models/registry.h"

#include <stdio.h>

enum { ACTORS_MAX = 64, PROFILES_MAX = 8, GROUPS_MAX = 8 };

struct world {
    const struct random_case *c;
    struct kernel *k;
    struct process *process[2];
    struct task *task[ACTORS_MAX];
    uint32_t nr, forks_left;
    struct task_group *group[GROUPS_MAX + 1]; /* the first is the root */
    uint32_t nr_groups;
    struct burst_profile *profile[PROFILES_MAX];
    uint32_t nr_profiles;
};

struct actor {
    struct world *w;
    uint32_t index;
    struct rng rng;
    uint32_t steps_left; /* UINT32_MAX: to the end of the run */
    bool hog, yielded;
};

static struct task *actor_new(struct world *w, struct task *parent);

static uint32_t
value(const struct world *w, enum dimension d)
{
    return w->c->value[d];
}

static struct task *
anybody(struct actor *a)
{
    return a->w->task[rng_below(&a->rng, a->w->nr)];
}

static void
wake_somebody(struct actor *a, struct task *self)
{
    uint32_t from = (uint32_t)rng_below(&a->rng, a->w->nr);

    for (uint32_t i = 0; i < a->w->nr; i++) {
        struct task *p = a->w->task[(from + i) % a->w->nr];

        if (p->state == TASK_BLOCKED) {
            task_wake(a->w->k, p, self, rng_below(&a->rng, 3) == 0);
            return;
        }
    }
}

/* `drawn` is below 2 * range + 1. */
static int
nice_of(uint64_t drawn, uint32_t range)
{
    int nice = (int)drawn - (int)range;

    return SIM_MIN(nice, 19);
}

/* A policy of any class with its parameters, drawn from `rng`. */
static void
draw_policy(struct task_attr *attr, struct rng *rng)
{
    static const enum task_policy policies[] = { POLICY_FIFO, POLICY_RR, POLICY_DEADLINE };

    attr->policy = policies[rng_below(rng, ARRAY_LEN(policies))];
    attr->rt_priority = 1 + (uint32_t)rng_below(rng, 4) * (1 + (uint32_t)rng_below(rng, 30));
    if (attr->policy == POLICY_DEADLINE) {
        attr->rt_priority = 0;
        attr->dl_runtime = USEC(100) + rng_below(rng, MSEC(3));
        attr->dl_deadline = attr->dl_runtime + rng_below(rng, MSEC(30));
        attr->dl_period = rng_below(rng, 2) ? 0 : attr->dl_deadline + rng_below(rng, MSEC(10));
    }
}

static void
change_class(struct actor *a, struct task *p)
{
    struct task_attr attr = { .policy = POLICY_NORMAL, .nice = p->nice };

    if (rng_below(&a->rng, 2) == 0)
        draw_policy(&attr, &a->rng);
    else if (rng_below(&a->rng, 3) == 0)
        attr.policy = rng_below(&a->rng, 2) ? POLICY_BATCH : POLICY_IDLE;
    else if (value(a->w, DIM_EXT) > 0 && rng_below(&a->rng, 2) == 0)
        attr.policy = POLICY_EXT;
    task_set_scheduler(a->w->k, p, &attr); /* what may not be reserved is refused */
}

static void
change_somebody(struct actor *a)
{
    struct world *w = a->w;
    struct task *p = anybody(a);
    uint32_t nice = value(w, DIM_NICE);

    if (p->state == TASK_DEAD || p->state == TASK_NEW)
        return;
    if (value(w, DIM_CLASSES) > 0 && rng_below(&a->rng, 2) == 0)
        change_class(a, p);
    else if (w->nr_groups > 1 && rng_below(&a->rng, 2) == 0)
        task_set_group(w->k, p, w->group[rng_below(&a->rng, w->nr_groups)]);
    else if (rng_below(&a->rng, 2) == 0 || value(w, DIM_AFFINITY) == 0)
        task_set_nice(w->k, p, nice_of(rng_below(&a->rng, 2 * nice + 1), nice));
    else
        task_set_affinity(w->k, p, case_cpus(w->k->machine, w->k->arena, &a->rng));
}

static void
meddle(struct actor *a, struct task *self)
{
    struct world *w = a->w;

    if (value(w, DIM_BLOCK) > 0 && rng_below(&a->rng, 2) == 0)
        wake_somebody(a, self);
    if (w->forks_left > 0 && self->policy != POLICY_DEADLINE && rng_below(&a->rng, 8) == 0 &&
        w->nr < ACTORS_MAX) {
        w->forks_left--;
        task_start(w->k, actor_new(w, self), self);
    }
    if (value(w, DIM_MEMCALLS) > 0 && w->k->mm->nr_regions > 0 &&
        rng_below(&a->rng, 100) < value(w, DIM_MEMCALLS))
        random_memory_call(w->k, self, &a->rng);
    if (rng_below(&a->rng, 100) < value(w, DIM_CHANGES))
        change_somebody(a);
    if (value(w, DIM_REGROUP) > 0 && w->nr_groups > 1 &&
        rng_below(&a->rng, 200) < value(w, DIM_REGROUP))
        random_group_change(w->k, w->group[rng_below(&a->rng, w->nr_groups)],
                            w->process[rng_below(&a->rng, 2)], &a->rng);
}

static sim_time
burst_mean(const struct world *w)
{
    return USEC(20) << 2 * value(w, DIM_BURST);
}

static struct action
run(struct actor *a)
{
    struct world *w = a->w;
    struct action act = { .kind = ACTION_RUN,
                          .work = 1000 + rng_exponential(&a->rng, burst_mean(w)) };

    if (w->nr_profiles > 0)
        act.profile = w->profile[rng_below(&a->rng, w->nr_profiles)];
    return act;
}

static struct action
rest(struct actor *a)
{
    struct world *w = a->w;

    if (value(w, DIM_DEVICES) > 0 && rng_below(&a->rng, 2) == 0 &&
        random_operation(w->k, w->task[a->index], &a->rng))
        return (struct action){ .kind = ACTION_BLOCK, .io = true };
    if (rng_below(&a->rng, 10) < value(w, DIM_BLOCK))
        return (struct action){ .kind = ACTION_BLOCK, .io = rng_below(&a->rng, 4) == 0 };
    return (struct action){ .kind = ACTION_SLEEP,
                            .io = rng_below(&a->rng, 4) == 0,
                            .until = kernel_now(w->k) + 1000 +
                                     rng_exponential(&a->rng, 2 * burst_mean(w)) };
}

/* A task that yields runs before it yields again: time must pass. */
static struct action
actor_next(struct kernel *k, struct task *p)
{
    struct actor *a = p->prog;
    (void)k;

    if (a->steps_left == 0)
        return (struct action){ .kind = ACTION_EXIT };
    if (a->steps_left != UINT32_MAX)
        a->steps_left--;
    meddle(a, p);
    if (!a->yielded && rng_below(&a->rng, 10) < value(a->w, DIM_YIELD)) {
        a->yielded = true;
        return (struct action){ .kind = ACTION_YIELD };
    }
    if (!a->hog && !a->yielded && rng_below(&a->rng, 2) == 0) {
        a->yielded = true; /* nor does it sleep twice without a run */
        return rest(a);
    }
    a->yielded = false;
    return run(a);
}

static const struct task_ops actor_ops = { .next = actor_next };

static enum task_policy
policy_of(const struct world *w, uint32_t index)
{
    if (!case_chance(w->c, "fair", index, value(w, DIM_FAIR)))
        return POLICY_NORMAL;
    if (value(w, DIM_EXT) > 0 && case_pick(w->c, "ext policy", index, 2))
        return POLICY_EXT;
    return case_pick(w->c, "fair policy", index, 2) ? POLICY_BATCH : POLICY_IDLE;
}

static struct task *
actor_new(struct world *w, struct task *parent)
{
    struct actor *a = arena_new_object(w->k->arena, struct actor);
    uint32_t i = w->nr, nice = value(w, DIM_NICE);
    char name[24];
    struct rng cpus, policy;
    (void)parent;

    *a = (struct actor){ .w = w, .index = i, .steps_left = UINT32_MAX };
    rng_init(&a->rng, w->c->seed, "actor", i);
    rng_init(&cpus, w->c->seed, "actor cpus", i);
    a->hog = case_chance(w->c, "hog", i, value(w, DIM_HOGS));
    if (case_chance(w->c, "exit", i, value(w, DIM_EXIT)))
        a->steps_left = (uint32_t)case_pick(w->c, "steps", i, 50) + 1;
    snprintf(name, sizeof(name), "t%u", i);
    struct task_attr attr = {
        .name = name,
        .nice = nice_of(case_pick(w->c, "nice", i, 2 * nice + 1), nice),
        .policy = policy_of(w, i),
        .ops = &actor_ops,
        .prog = a,
    };
    if (case_chance(w->c, "slice", i, value(w, DIM_SLICE)))
        attr.slice_ns = USEC(100) + case_pick(w->c, "slice of", i, MSEC(20));
    if (w->nr_groups > 1)
        attr.group = w->group[case_pick(w->c, "group of", i, w->nr_groups)];
    if (case_chance(w->c, "affinity", i, value(w, DIM_AFFINITY)))
        attr.allowed = case_cpus(w->k->machine, w->k->arena, &cpus);
    struct task *p = task_new(w->k, w->process[i % 2], &attr);
    rng_init(&policy, w->c->seed, "actor policy", i);
    if (case_chance(w->c, "class", i, value(w, DIM_CLASSES))) {
        draw_policy(&attr, &policy);
        task_set_scheduler(w->k, p, &attr); /* it stays as it is if that is refused */
    }
    return w->task[w->nr++] = p;
}

/* A working set for some, and lines that several cores write. */
static void
draw_caches(struct world *w, uint32_t i, uint64_t bytes, struct burst_use *use,
            struct burst_profile *p)
{
    struct burst_reuse *reuse = arena_new_object(w->k->arena, struct burst_reuse);
    struct reuse_point *points = arena_new_array(w->k->arena, struct reuse_point, 3);
    uint32_t sets = (uint32_t)case_pick(w->c, "working set", i, 4);

    points[0].miss_q16 = MIX_ALL;
    points[1] = (struct reuse_point){ bytes / 4, MIX_ALL / 2 };
    points[2] = (struct reuse_point){ bytes, sets == 1 ? MIX_ALL / 16 : 0 };
    *reuse = (struct burst_reuse){ .nr = 3, .all_levels = sets == 2, .points = points };
    p->reuse = sets == 3 ? NULL : reuse;
    p->shares = case_pick(w->c, "shared lines", i, 3) == 0;
    use->shared_q16 = p->shares ? MIX_ALL / 20 : 0;
}

static void
build_memory(struct world *w)
{
    static const enum access_pattern patterns[] = { ACCESS_SEQUENTIAL, ACCESS_ZIPF, ACCESS_STRIDED,
                                                    ACCESS_RANDOM,     ACCESS_HOT,  ACCESS_CHASE };

    for (uint32_t i = 0; i < value(w, DIM_MEMORY); i++) {
        uint32_t file =
            i % 2 ? value(w, DIM_FILES) : 0; /* what a private mapping writes is no file */
        struct region *r = region_new(
            w->k, w->process[i % 2]->mm,
            &(struct region_attr){ .name = file > 0 ? "file" : "heap",
                                   .may_get_huge = true,
                                   .kind = file > 0 ? VMA_FILE : VMA_ANON,
                                   .map_private = file == 2,
                                   .unmapped = file == 3,
                                   .bytes = MIB(4) << i,
                                   .sharing = i % 3 == 2 ? REGION_SHARED : REGION_GLOBAL,
                                   .page_size = value(w, DIM_THP) && file == 0 ? PAGE_2M : PAGE_4K,
                                   .owner = -1 });
        struct burst_use *use = arena_new_object(w->k->arena, struct burst_use);
        struct burst_profile *p = arena_new_object(w->k->arena, struct burst_profile);

        *use = (struct burst_use){ .region = r,
                                   .slice = REGION_WHOLE,
                                   .weight = 1,
                                   .pattern = patterns[i % ARRAY_LEN(patterns)],
                                   .shape = { .stride = 3 * PAGE_4K,
                                              .skew_ppm = 800000,
                                              .hot_ppm = 200000,
                                              .scattered = i & 1 } };
        *p = (struct burst_profile){ .misses_q20 = 1u << (10 + i),
                                     .mlp_q8 = 512,
                                     .write_q8 = file == 2 ? 0 : 64,
                                     .nr_uses = 1,
                                     .uses = use };
        draw_caches(w, i, MIB(4) << i, use, p);
        w->profile[w->nr_profiles++] = p;
    }
}

static void
limit_group(struct world *w, struct task_group *tg, uint32_t i)
{
    uint64_t period = MSEC(1 + case_pick(w->c, "period", i, 50));
    uint64_t quota = SIM_MAX(MSEC(1), case_pick(w->c, "quota", i, 4 * period));
    uint64_t burst = case_pick(w->c, "has burst", i, 3) ? 0 : case_pick(w->c, "burst", i, quota);

    task_group_set_bandwidth(w->k, tg, quota, period, burst);
}

static struct task_group *
build_group(struct world *w, uint32_t i)
{
    char name[16];
    struct rng cpus;

    snprintf(name, sizeof(name), "g%u", i);
    struct task_group *parent = w->group[case_pick(w->c, "parent", i, i)];
    struct task_group *tg = task_group_new(w->k, i > 1 ? parent : NULL, name);
    if (case_chance(w->c, "cpuset", i, value(w, DIM_CPUSETS))) {
        rng_init(&cpus, w->c->seed, "cpuset of", i);
        const struct cpumask *mask = case_cpus(w->k->machine, w->k->arena, &cpus);
        if (cpumask_intersects(mask, tg->parent->cpus))
            task_group_set_cpus(w->k, tg, mask);
    }
    if (case_chance(w->c, "weight", i, value(w, DIM_WEIGHTS))) {
        if (case_pick(w->c, "idle group", i, 4) == 0)
            task_group_set_idle(w->k, tg, true);
        else
            task_group_set_weight(w->k, tg, 1 + (uint32_t)case_pick(w->c, "weight of", i, 1000));
    }
    if (case_chance(w->c, "quota", i, value(w, DIM_QUOTAS)))
        limit_group(w, tg, i);
    return tg;
}

static void
build_groups(struct world *w)
{
    w->group[w->nr_groups++] = w->k->nr_groups > 0 ? w->k->groups[0] : NULL;
    for (uint32_t i = 1; i <= value(w, DIM_GROUPS); i++)
        w->group[w->nr_groups++] = build_group(w, i);
}

void
case_tasks(const struct random_case *c, struct kernel *k)
{
    struct world *w = arena_new_object(k->arena, struct world);

    w->c = c;
    w->k = k;
    w->forks_left = value(w, DIM_FORK);
    w->process[0] = process_new(k, "left", NULL);
    w->process[1] = process_new(k, "right", NULL);
    build_memory(w);
    build_groups(w);
    for (uint32_t i = 0; i < value(w, DIM_TASKS); i++)
        actor_new(w, NULL);
    if (k->placement != NULL && k->placement->place != NULL)
        k->placement->place(k);
    for (uint32_t i = 0; i < w->nr; i++) {
        struct rng rng;

        rng_init(&rng, c->seed, "mempolicy of", i);
        if (case_chance(c, "mempolicy", i, value(w, DIM_MEMPOLICY)))
            random_task_policy(k, w->task[i], &rng);
    }
    for (uint32_t i = 0; i < w->nr; i++)
        task_start_at(k, w->task[i],
                      case_pick(c, "start", i, MSEC(10) * SIM_MIN(value(w, DIM_TIME), 4)));
}
