/*
 * Groups and programmable policies: the policy is told of groups and of tasks that move between
 * them; what a group's weight means is the policy's business.
 */
#include "kernel/ext_impl.h"

#include <errno.h>

#include "kernel/weight.h"

/* cpu.weight: 1 to 10000. */
static uint32_t
cgroup_weight(uint64_t shares)
{
    return (uint32_t)SIM_CLAMP(((shares >> LOAD_SHIFT) * 100 + 512) / 1024, SCX_WEIGHT_MIN,
                               SCX_WEIGHT_MAX);
}

static uint32_t
weight_of(const struct task_group *tg)
{
    return tg->parent != NULL ? cgroup_weight(tg->shares) : SCX_WEIGHT_DFL;
}

static int
cgroup_init(struct scx *x, struct task_group *tg)
{
    const struct cfs_bandwidth *b = &tg->bandwidth;
    struct scx_cgroup_init_args args = {
        .weight = weight_of(tg),
        .bw_period_us = (tg->parent != NULL ? b->period : CFS_PERIOD_DEFAULT) / 1000,
        .bw_quota_us = b->quota == CFS_NO_QUOTA ? UINT64_MAX : b->quota / 1000,
        .bw_burst_us = b->burst / 1000,
    };
    int err = 0;

    if (SCX_HAS(x, cgroup_init))
        SCX_CALL_RET(x, err, cgroup_init, NULL, tg, &args);
    if (err != 0)
        scx_ops_error(x, "ops.cgroup_init() failed (%d)", err);
    return err;
}

/* Parents before their children, siblings in order of creation: the order of numbers keeps both
 * among groups that are made one by one. */
int
scx_cgroup_init_all(struct scx *x)
{
    for (uint32_t i = 0; i < x->k->nr_groups; i++) {
        int err = x->k->groups[i]->autogroup ? 0 : cgroup_init(x, x->k->groups[i]);

        if (err != 0)
            return err;
    }
    return 0;
}

void
scx_cgroup_exit_all(struct scx *x)
{
    for (uint32_t i = x->k->nr_groups; i-- > 0;)
        if (SCX_HAS(x, cgroup_exit) && !x->k->groups[i]->autogroup)
            SCX_CALL(x, cgroup_exit, NULL, x->k->groups[i]);
}

static bool
tells(const struct scx *x, const struct task_group *tg)
{
    return x->init_task_enabled && !tg->autogroup;
}

void
ext_cgroup_online(struct kernel *k, struct task_group *tg)
{
    if (tells(k->scx, tg))
        cgroup_init(k->scx, tg);
}

void
ext_cgroup_weight(struct kernel *k, struct task_group *tg, uint64_t before)
{
    struct scx *x = k->scx;

    if (tells(x, tg) && SCX_HAS(x, cgroup_set_weight) && weight_of(tg) != cgroup_weight(before))
        SCX_CALL(x, cgroup_set_weight, NULL, tg, weight_of(tg));
}

void
ext_cgroup_idle(struct kernel *k, struct task_group *tg)
{
    struct scx *x = k->scx;

    if (tells(x, tg) && SCX_HAS(x, cgroup_set_idle))
        SCX_CALL(x, cgroup_set_idle, NULL, tg, tg->idle);
}

void
ext_cgroup_bandwidth(struct kernel *k, struct task_group *tg)
{
    struct scx *x = k->scx;
    const struct cfs_bandwidth *b = &tg->bandwidth;

    if (tells(x, tg) && SCX_HAS(x, cgroup_set_bandwidth))
        SCX_CALL(x, cgroup_set_bandwidth, NULL, tg, b->period / 1000,
                 b->quota == CFS_NO_QUOTA ? UINT64_MAX : b->quota / 1000, b->burst / 1000);
}

static bool
tells_of(const struct scx *x, const struct task *p, const struct task_group *tg)
{
    return tells(x, tg) && p->scx != NULL && p->scx->state != SCX_TASK_NONE;
}

bool
ext_cgroup_can_move(struct kernel *k, struct task *p, struct task_group *to)
{
    struct scx *x = k->scx;
    int err = 0;

    if (tells_of(x, p, to) && SCX_HAS(x, cgroup_prep_move))
        SCX_CALL_RET(x, err, cgroup_prep_move, p, p, p->group, to);
    if (err != 0)
        kernel_note(k, "ext: %s may not move to group %s: the policy said %d", p->name, to->name,
                    err);
    return err == 0;
}

void
ext_cgroup_stays(struct kernel *k, struct task *p, struct task_group *to)
{
    struct scx *x = k->scx;

    if (tells_of(x, p, to) && SCX_HAS(x, cgroup_cancel_move))
        SCX_CALL(x, cgroup_cancel_move, p, p, p->group, to);
}

void
ext_cgroup_moved(struct kernel *k, struct task *p, struct task_group *from)
{
    struct scx *x = k->scx;

    if (tells_of(x, p, p->group) && SCX_HAS(x, cgroup_move))
        SCX_CALL(x, cgroup_move, p, p, from, p->group);
}

/* ---- for policies ---- */

struct task_group *
scx_task_cgroup(struct scx *x, const struct task *p)
{
    scx_cost(x);
    return p->group->autogroup ? x->k->groups[0] : p->group;
}

uint32_t
scx_cgroup_id(struct scx *x, const struct task_group *cgrp)
{
    (void)x;
    return cgrp->id;
}

const char *
scx_cgroup_name(struct scx *x, const struct task_group *cgrp)
{
    (void)x;
    return cgrp->name;
}

struct task_group *
scx_cgroup_parent(struct scx *x, const struct task_group *cgrp)
{
    (void)x;
    return cgrp->parent;
}

uint32_t
scx_cgroup_weight(struct scx *x, const struct task_group *cgrp)
{
    (void)x;
    return weight_of(cgrp);
}
