/*
 * cgroup_flat: a tree of weights, flattened.
 *
 * A group's share of the machine is its weight over those of its active siblings, times the share
 * of its parent, and so on up: one number, so that the tree needs no queues within queues. Each
 * group has one queue by virtual time of its tasks, and a virtual time of its own that passes by
 * what its tasks run over its share; a CPU serves the group that is furthest behind. Shares change
 * when groups become active or idle: they are reckoned anew when one is served and something has
 * changed since.
 *
 * A group that comes back from idling is set to the others' time, less a slice: what it did not use
 * it does not get later.
 */
#include "models/sched/models.h"

enum { ONE = 1 << 16, GROUPS_MOST = 4096 };

struct cgroup_flat {
    sim_time slice;
    uint64_t time;       /* of the group that was served last */
    uint64_t generation; /* of weights and of who is active */
    uint64_t served, reckoned;
    int groups; /* map: number of the group to struct group */
};

/* By value in a map: the numbers are those of scx_cgroup_id(). */
struct group {
    const struct task_group *cgrp;
    uint32_t weight;
    uint32_t parent;     /* number + 1; 0: none */
    uint32_t nr_active;  /* own tasks that can run */
    uint32_t tree;       /* own and below */
    uint32_t children;   /* sum of weights of active children */
    uint64_t share;      /* of ONE */
    uint64_t generation; /* that the share was reckoned for */
    uint64_t time;       /* virtual */
    uint64_t task_time;  /* largest virtual time of its tasks */
};

struct flat_task {
    uint64_t started; /* sum_exec when it last began to run */
};

static struct group *
group_at(struct scx *scx, uint32_t number)
{
    const struct cgroup_flat *f = scx_priv(scx);

    return scx_map_get(scx, f->groups, number);
}

static struct group *
group_of(struct scx *scx, const struct task *p)
{
    return group_at(scx, scx_cgroup_id(scx, scx_task_cgroup(scx, p)));
}

static int
flat_cgroup_init(struct scx *scx, struct task_group *cgrp, const struct scx_cgroup_init_args *args)
{
    const struct cgroup_flat *f = scx_priv(scx);
    uint32_t number = scx_cgroup_id(scx, cgrp);
    struct task_group *parent = scx_cgroup_parent(scx, cgrp);
    struct group *g = scx_map_put(scx, f->groups, number);

    if (g == NULL)
        return -1;
    *g = (struct group){ .cgrp = cgrp, .weight = args->weight, .time = f->time };
    g->parent = parent == NULL ? 0 : scx_cgroup_id(scx, parent) + 1;
    return scx_create_dsq(scx, number, -1);
}

static void
flat_cgroup_exit(struct scx *scx, struct task_group *cgrp)
{
    struct cgroup_flat *f = scx_priv(scx);

    /* the policy leaves: its tasks still run and sleep for a while, so the group is kept */
    (void)cgrp;
    f->generation++;
}

static void
flat_cgroup_set_weight(struct scx *scx, struct task_group *cgrp, uint32_t weight)
{
    struct cgroup_flat *f = scx_priv(scx);
    struct group *g = group_at(scx, scx_cgroup_id(scx, cgrp));
    struct group *parent = g->parent == 0 ? NULL : group_at(scx, g->parent - 1);

    if (parent != NULL && g->tree > 0)
        parent->children += weight - g->weight;
    g->weight = weight;
    f->generation++;
}

static int
flat_init(struct scx *scx)
{
    struct cgroup_flat *f = scx_priv(scx);

    f->groups = scx_map_new(scx, GROUPS_MOST, sizeof(struct group));
    f->generation = 1;
    return f->groups < 0 ? f->groups : 0;
}

/* A task of the group comes (1) or goes (-1): so may the groups above. */
static void
count(struct scx *scx, struct group *g, int change)
{
    struct cgroup_flat *f = scx_priv(scx);

    g->nr_active += (uint32_t)change;
    for (; g != NULL; g = g->parent == 0 ? NULL : group_at(scx, g->parent - 1)) {
        bool was = g->tree > 0;
        g->tree += (uint32_t)change;
        if (was == (g->tree > 0))
            continue;
        f->generation++;
        if (g->parent != 0)
            group_at(scx, g->parent - 1)->children += was ? -g->weight : g->weight;
        if (!was && (int64_t)(g->time - (f->time - f->slice)) < 0)
            g->time = f->time - f->slice;
    }
}

/* Its share of the machine. A group's own tasks count as a child of the usual weight. */
static uint64_t
share_of(struct scx *scx, struct group *g)
{
    struct cgroup_flat *f = scx_priv(scx);

    if (g->generation == f->generation)
        return g->share;
    f->reckoned++;
    uint64_t share = ONE;
    for (struct group *at = g; at->parent != 0;) {
        struct group *parent = group_at(scx, at->parent - 1);
        uint32_t beside = parent->children + (parent->nr_active > 0 ? SCX_WEIGHT_DFL : 0);
        share = beside == 0 ? share : share * at->weight / beside;
        at = parent;
    }
    if (g->nr_active > 0 && g->children > 0)
        share = share * SCX_WEIGHT_DFL / (g->children + SCX_WEIGHT_DFL);
    g->generation = f->generation;
    g->share = SIM_MAX(share, 1);
    return g->share;
}

static void
flat_runnable(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    (void)enq_flags;
    count(scx, group_of(scx, p), 1);
}

static void
flat_quiescent(struct scx *scx, struct task *p, uint64_t deq_flags)
{
    (void)deq_flags;
    count(scx, group_of(scx, p), -1);
}

/* Every turn goes through the queues, or who finds an idle CPU would pay nothing for it. */
static void
flat_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    const struct cgroup_flat *f = scx_priv(scx);
    const struct group *g = group_of(scx, p);
    uint64_t vtime = scx_task_dsq_vtime(scx, p);

    if ((int64_t)(vtime - (g->task_time - f->slice)) < 0)
        vtime = g->task_time - f->slice;
    scx_dsq_insert_vtime(scx, p, scx_cgroup_id(scx, scx_task_cgroup(scx, p)), f->slice, vtime,
                         enq_flags);
}

/* Serves groups with waiting tasks, those furthest behind first, until one has a task that may run
 * here. Groups without waiting tasks cost a look each. */
static void
flat_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    struct cgroup_flat *f = scx_priv(scx);
    uint32_t nr = scx_map_len(scx, f->groups);
    uint64_t after = 0, key;
    bool first = true;

    (void)cpu;
    (void)prev;
    for (uint32_t round = 0; round < nr; round++) {
        struct group *best = NULL;
        uint64_t best_key = 0;
        for (uint32_t i = 0; i < nr; i++) {
            struct group *g = scx_map_at(scx, f->groups, i, &key);
            if (scx_dsq_nr_queued(scx, key) <= 0 || (!first && (int64_t)(g->time - after) <= 0))
                continue;
            if (best == NULL || (int64_t)(g->time - best->time) < 0) {
                best = g;
                best_key = key;
            }
        }
        if (best == NULL)
            return;
        if (scx_dsq_move_to_local(scx, best_key)) {
            if ((int64_t)(best->time - f->time) > 0)
                f->time = best->time;
            f->served++;
            return;
        }
        after = best->time;
        first = false;
    }
}

static void
flat_running(struct scx *scx, struct task *p)
{
    struct flat_task *t = scx_task_data(scx, p);
    struct group *g = group_of(scx, p);
    uint64_t vtime = scx_task_dsq_vtime(scx, p);

    t->started = scx_task_sum_exec(scx, p);
    if ((int64_t)(vtime - g->task_time) > 0)
        g->task_time = vtime;
}

static void
flat_stopping(struct scx *scx, struct task *p, bool runnable)
{
    const struct flat_task *t = scx_task_data(scx, p);
    struct group *g = group_of(scx, p);
    uint64_t ran = scx_task_sum_exec(scx, p) - t->started;

    (void)runnable;
    g->time += mul_div_u64(ran, ONE, share_of(scx, g));
    scx_task_set_dsq_vtime(
        scx, p, scx_task_dsq_vtime(scx, p) + ran * SCX_WEIGHT_DFL / scx_task_weight(scx, p));
}

static void
flat_enable(struct scx *scx, struct task *p)
{
    scx_task_set_dsq_vtime(scx, p, group_of(scx, p)->task_time);
}

/* Its virtual time is that of the group that it leaves. */
static void
flat_cgroup_move(struct scx *scx, struct task *p, struct task_group *from, struct task_group *to)
{
    const struct group *old = group_at(scx, scx_cgroup_id(scx, from));
    const struct group *new = group_at(scx, scx_cgroup_id(scx, to));

    scx_task_set_dsq_vtime(scx, p, scx_task_dsq_vtime(scx, p) - old->task_time + new->task_time);
}

static const struct field params[] = {
    FIELD(FIELD_TIME, struct cgroup_flat, slice, .def = "20ms", .min = "100us", .max = "1s",
          .doc = "how long a task runs before others get a turn"),
    FIELD_END
};

static const struct scx_stat stats[] = {
    SCX_STAT(struct cgroup_flat, served, "turns that groups got"),
    SCX_STAT(struct cgroup_flat, reckoned, "shares that were reckoned anew"),
    { .name = NULL },
};

const struct sched_ops cgroup_flat_ops = {
    .name = "cgroup_flat",
    .doc = "weights of nested groups, flattened into one level of shares",
    .page = "For deep trees of groups: one look at all groups instead of queues within queues. It "
            "loses when groups\nbecome active and idle all the time, since shares then change as "
            "often, and when many wake at once (each\nis set back by a slice only, so a crowd "
            "gets ahead of those that ran all along). cpu.max is not kept.",
    .abi = SCX_OPS_ABI,
    .flags = SCX_OPS_HAS_CGROUP_WEIGHT | SCX_OPS_ENQ_EXITING,
    .priv_size = sizeof(struct cgroup_flat),
    .task_size = sizeof(struct flat_task),
    .params = params,
    .stats = stats,
    .init = flat_init,
    .cgroup_init = flat_cgroup_init,
    .cgroup_exit = flat_cgroup_exit,
    .cgroup_set_weight = flat_cgroup_set_weight,
    .cgroup_move = flat_cgroup_move,
    .runnable = flat_runnable,
    .quiescent = flat_quiescent,
    .enqueue = flat_enqueue,
    .dispatch = flat_dispatch,
    .running = flat_running,
    .stopping = flat_stopping,
    .enable = flat_enable,
};
