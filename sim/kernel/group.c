/*
 * The tree of task groups and the weights of their entities (calc_group_shares, reweight_entity).
 *
 * cpu.weight counts in hundredths of the default, shares in 1024ths.
 */
#include "kernel/core.h"
#include "kernel/cpuset.h"
#include "kernel/ext.h"
#include "kernel/fair.h"
#include "kernel/fair_cfs.h"

#include <stdio.h>

/* ---- the tree ---- */

void
task_groups_init(struct kernel *k, uint32_t max_groups)
{
    struct task_group *root = arena_new_object(k->arena, struct task_group);

    k->max_groups = max_groups + 1;
    k->groups = arena_new_array(k->arena, struct task_group *, k->max_groups);
    k->groups[k->nr_groups++] = root;
    root->name = "/";
    root->shares = NICE_0_LOAD;
    root->cpus = k->machine->online;
    root->mems = machine_memory_nodes(k->machine);
    root->bandwidth.quota = UINT64_MAX;
    list_init(&root->bandwidth.throttled);
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++) {
        k->rqs[cpu].cfs.rq = &k->rqs[cpu];
        k->rqs[cpu].cfs.tg = root;
    }
}

static const char *
path_of(struct kernel *k, const struct task_group *parent, const char *name)
{
    if (parent->parent == NULL)
        return arena_strdup(k->arena, name);
    return arena_printf(k->arena, "%s/%s", parent->name, name);
}

struct task_group *
task_group_new(struct kernel *k, struct task_group *parent, const char *name)
{
    struct task_group *tg = arena_new_object(k->arena, struct task_group);

    if (parent == NULL)
        parent = k->groups[0];
    sim_assert(k->nr_groups < k->max_groups);
    tg->id = k->nr_groups;
    k->groups[k->nr_groups++] = tg;
    tg->name = path_of(k, parent, name);
    tg->parent = parent;
    tg->sibling = parent->children; /* whatever the order: all are visited */
    parent->children = tg;
    tg->shares = NICE_0_LOAD;
    tg->cpus = parent->cpus;
    tg->mems = parent->mems;
    tg->cfs_rq = arena_new_array(k->arena, struct cfs_rq *, k->machine->nr_cpus);
    tg->se = arena_new_array(k->arena, struct sched_entity *, k->machine->nr_cpus);
    tg->bandwidth.quota = UINT64_MAX;
    tg->bandwidth.period = MSEC(100);
    list_init(&tg->bandwidth.throttled);
    if (unlikely(k->scx != NULL))
        ext_cgroup_online(k, tg);
    return tg;
}

static uint32_t
load_inverse(uint32_t load_weight)
{
    if (load_weight == NICE_0_LOAD)
        return NICE_0_INVERSE;
    return weight_inverse(SIM_MAX(2, load_weight >> LOAD_SHIFT));
}

static void
set_load_weight(struct sched_entity *se, uint32_t load_weight)
{
    se->load_weight = load_weight;
    se->weight = SIM_MAX(2, load_weight >> LOAD_SHIFT);
    se->inv_weight = load_inverse(load_weight);
}

struct cfs_rq *
task_group_cfs_rq(struct kernel *k, struct task_group *tg, int cpu)
{
    struct rq *rq = &k->rqs[cpu];

    if (tg->parent == NULL)
        return &rq->cfs;
    if (tg->cfs_rq[cpu] != NULL)
        return tg->cfs_rq[cpu];
    struct cfs_rq *cfs = arena_new_object(k->arena, struct cfs_rq);
    struct sched_entity *se = arena_new_object(k->arena, struct sched_entity);
    cfs_rq_init(cfs, k->arena);
    list_init(&cfs->leaf_node);
    list_init(&cfs->throttled_node);
    cfs->rq = rq;
    cfs->tg = tg;
    cfs->se = se;
    se->my_q = cfs;
    se->cfs_rq = task_group_cfs_rq(k, tg->parent, cpu);
    se->parent = se->cfs_rq->se;
    se->depth = (uint8_t)(se->parent != NULL ? se->parent->depth + 1 : 0);
    se->slice = k->params.sched.base_slice_ns;
    set_load_weight(se, NICE_0_LOAD);
    tg->cfs_rq[cpu] = cfs;
    tg->se[cpu] = se;
    init_cfs_rq_runtime(k, cfs);
    update_rq_clock(k, rq);
    attach_entity_cfs_rq(k, se); /* with nothing: from here on its parent hears of changes */
    sums_update(k, rq);
    return cfs;
}

/* ---- weights ---- */

uint64_t
calc_group_shares(const struct cfs_rq *gcfs)
{
    const struct task_group *tg = gcfs->tg;
    uint64_t load = SIM_MAX(cfs_rq_weight(gcfs), gcfs->avg.load_avg);
    uint64_t tg_weight = tg->load_avg - gcfs->tg_load_avg_contrib + load;
    uint64_t shares = tg->shares * load;

    if (tg_weight > 0)
        shares /= tg_weight;
    return SIM_CLAMP(shares, (uint64_t)MIN_SHARES, tg->shares);
}

/* The averages of the queue lose the entity's load, and get it back under its new weight; a
 * sleeper's as it was when it went to sleep, as in the kernel. */
static void
reweight_load_avg(struct cfs_rq *cfs, struct sched_entity *se, uint32_t weight)
{
    uint64_t before = se->avg.load_avg;

    note_long_sums(cfs);
    pelt_detach_load(&cfs->avg, &se->avg, se->weight);
    se->avg.load_avg = weight * se->avg.load_sum / pelt_divider(&se->avg);
    cfs->moved += before + se->avg.load_avg;
    uint64_t larger = SIM_MAX(before, se->avg.load_avg);
    if (!se->on_rq)
        cfs->stale_load += larger;
    else if (se->avg.load_sum > LOAD_AVG_MAX) /* more than periods: it does not grow with them */
        cfs->stale_load += larger >> 5;
    cfs->avg.load_avg += se->avg.load_avg;
    cfs->avg.load_sum += weight * se->avg.load_sum;
}

/* With V fixed, lag and distance to the deadline scale with the old weight over the new one. */
static void
reweight_eevdf(struct kernel *k, struct sched_entity *se, int64_t v, int64_t new_weight)
{
    int64_t old = se->load_weight;

    if (se->vruntime != v) {
        int64_t limit =
            (int64_t)calc_delta_fair(SIM_MAX(2 * se->slice, k->tick_ns), se->inv_weight);
        int64_t lag = SIM_CLAMP(v - se->vruntime, -limit, limit);
        se->vruntime = v - lag * old / new_weight;
    }
    se->deadline = v + (se->deadline - v) * old / new_weight;
}

/* What is kept of an entity that is off the queue: its lag, and since 6.13 what is left to its
 * deadline as well. */
static void
reweight_lag(struct sched_entity *se, int64_t new_weight, bool deadline)
{
    se->vlag = se->vlag * (int64_t)se->load_weight / new_weight;
    if (deadline && se->rel_deadline)
        se->deadline = se->deadline * (int64_t)se->load_weight / new_weight;
}

/*
 * Linux 6.13 to 6.18.44 reweight a queued entity as if it left and came back, and both steps show:
 * the average with which the running entity is placed still has it in, so that its lag grows each
 * time; and its protection, kept in the same place as the lag, is gone.
 */
static void
take_lag(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se)
{
    se->vlag = entity_lag(cfs, se, k->tick_ns);
    se->deadline -= se->vruntime;
    se->rel_deadline = true;
    cfs->nr_queued--;
}

static void
place_again(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se)
{
    place_entity(cfs, se, false, k->params.sched.features);
    cfs->nr_queued++;
    if (cfs->curr == se)
        se->vlag = se->vruntime; /* not protected */
}

static void
reweight(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, uint32_t load_weight,
         uint32_t weight, uint32_t inv_weight)
{
    bool waits = se->on_rq && cfs->curr != se, classic = fair_is_cfs(k);
    bool by_place = !classic && k->params.sched.kernel >= KERNEL_6_18;
    uint64_t order = waits ? cfs->order[se->rq_index] : 0;
    int64_t v = 0;

    if (se->on_rq) {
        update_curr(k, cfs);
        if (by_place)
            take_lag(k, cfs, se);
        else if (!classic)
            v = avg_vruntime(cfs);
        if (waits)
            cfs_rq_remove(cfs, se);
        cfs->load_weight -= se->load_weight;
    }
    if (classic)
        ; /* its virtual time stays, and its place among equals */
    else if (se->on_rq && !by_place)
        reweight_eevdf(k, se, v, load_weight);
    else
        reweight_lag(se, load_weight, by_place);
    reweight_load_avg(cfs, se, weight);
    se->load_weight = load_weight;
    se->weight = weight;
    se->inv_weight = inv_weight;
    if (se->on_rq) {
        if (by_place)
            place_again(k, cfs, se);
        cfs->load_weight += load_weight;
        if (waits)
            cfs_rq_insert(cfs, k->arena, se);
        if (classic && waits)
            cfs->order[se->rq_index] = order;
    }
    if (classic)
        cfs_slices_changed(k, cfs->rq);
}

void
reweight_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, uint32_t load_weight)
{
    uint32_t weight = SIM_MAX(2, load_weight >> LOAD_SHIFT);

    reweight(k, cfs, se, load_weight, weight, load_inverse(load_weight));
}

void
reweight_task(struct kernel *k, struct task *p, uint32_t weight, uint32_t inv_weight)
{
    reweight(k, p->se.cfs_rq, &p->se, weight << LOAD_SHIFT, weight, inv_weight);
    sums_update(k, p->se.cfs_rq->rq);
}

void
update_cfs_group(struct kernel *k, struct sched_entity *se)
{
    const struct cfs_rq *gcfs = se->my_q;

    /* an empty group keeps its weight: its entity may still be queued, delayed */
    if (gcfs == NULL || gcfs->load_weight == 0 || throttled_hierarchy(gcfs))
        return;
    uint32_t shares = (uint32_t)calc_group_shares(gcfs);
    if (unlikely(se->load_weight != shares))
        reweight_entity(k, se->cfs_rq, se, shares);
}

bool
throttled_lb_pair(const struct task_group *tg, int src_cpu, int dst_cpu)
{
    const struct cfs_rq *src = NULL, *dst = NULL;

    for (; tg != NULL && tg->parent != NULL && (src == NULL || dst == NULL); tg = tg->parent) {
        src = src != NULL ? src : tg->cfs_rq[src_cpu];
        dst = dst != NULL ? dst : tg->cfs_rq[dst_cpu];
    }
    return (src != NULL && throttled_hierarchy(src)) || (dst != NULL && throttled_hierarchy(dst));
}

/* ---- what a user sets ---- */

static void
set_shares(struct kernel *k, struct task_group *tg, uint64_t shares)
{
    tg->shares =
        SIM_CLAMP(shares, (uint64_t)MIN_SHARES << LOAD_SHIFT, (uint64_t)MAX_SHARES << LOAD_SHIFT);
    for_each_cpu (cpu, k->machine->online) {
        struct sched_entity *se = tg->se[cpu];

        if (se == NULL)
            continue;
        update_rq_clock(k, &k->rqs[cpu]);
        for_each_sched_entity (se) {
            update_load_avg(k, se->cfs_rq, se, UPDATE_TG);
            update_cfs_group(k, se);
        }
        sums_update(k, &k->rqs[cpu]);
    }
}

/* Shares of its own, unless it is idle; policies hear of it. */
static void
set_own_shares(struct kernel *k, struct task_group *tg, uint64_t shares)
{
    uint64_t before = tg->shares;

    sim_assert(tg->parent != NULL);
    if (tg->idle)
        return;
    set_shares(k, tg, shares);
    if (unlikely(k->scx != NULL))
        ext_cgroup_weight(k, tg, before);
}

void
task_group_set_weight(struct kernel *k, struct task_group *tg, uint32_t cpu_weight)
{
    uint64_t shares = ((uint64_t)cpu_weight * 1024 + 50) / 100; /* rounded to the nearest */

    sim_assert(cpu_weight >= 1 && cpu_weight <= CPU_WEIGHT_MAX);
    set_own_shares(k, tg, shares << LOAD_SHIFT);
}

void
task_group_set_nice(struct kernel *k, struct task_group *tg, int nice)
{
    set_own_shares(k, tg, (uint64_t)nice_weight(nice) << LOAD_SHIFT);
}

/* The tasks of the group count as SCHED_IDLE on every level up to the next idle group. */
static void
count_idle_tasks(struct cfs_rq *gcfs, bool idle)
{
    uint32_t delta = gcfs->h_nr_queued - gcfs->idle_h_nr_running;

    if (!idle)
        delta = (uint32_t) - (int32_t)delta;
    for (struct sched_entity *se = gcfs->se; se != NULL && se->on_rq; se = se->parent) {
        se->cfs_rq->idle_h_nr_running += delta;
        if (cfs_rq_is_idle(se->cfs_rq))
            break;
    }
}

void
task_group_set_idle(struct kernel *k, struct task_group *tg, bool idle)
{
    sim_assert(tg->parent != NULL);
    if (tg->idle == idle)
        return;
    tg->idle = idle;
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++)
        if (tg->cfs_rq[cpu] != NULL)
            count_idle_tasks(tg->cfs_rq[cpu], idle);
    set_shares(k, tg, idle ? (uint64_t)SCHED_IDLE_WEIGHT << LOAD_SHIFT : NICE_0_LOAD);
    if (unlikely(k->scx != NULL))
        ext_cgroup_idle(k, tg);
}

void
task_group_set_cpus(struct kernel *k, struct task_group *tg, const struct cpumask *cpus)
{
    struct cpumask *mine = cpumask_new(k->arena, k->machine->nr_cpus);

    for_each_cpu (cpu, cpus)
        if (cpumask_test(tg->parent->cpus, (uint32_t)cpu))
            cpumask_set(mine, (uint32_t)cpu);
    sim_assert(!cpumask_empty(mine));
    tg->cpus = mine;
}

/* It has not begun: its averages are nowhere yet, and it will be forked into the group. */
static void
begin_in_group(struct kernel *k, struct task *p, struct task_group *tg)
{
    nodemask before = p->group->mems;

    p->group->nr_tasks--;
    tg->nr_tasks++;
    p->group = tg;
    set_task_rq(k, p, p->cpu);
    task_see_allowed(k, p);
    cpuset_attach_mems(k, p, before);
}

/* Nobody objects. */
static void
move_to_group(struct kernel *k, struct task *p, struct task_group *tg)
{
    struct rq *rq = &k->rqs[p->cpu];
    bool queued = p->on_rq, running = rq->curr == p;
    struct task_group *from = p->group;
    nodemask before = from->mems;

    if (p->state == TASK_NEW) {
        begin_in_group(k, p, tg);
        return;
    }
    if (rq->put_due && rq->last == p)
        put_left(k, rq);
    update_rq_clock(k, rq);
    if (queued)
        p->class->dequeue_task(k, rq, p, DEQUEUE_SAVE | DEQUEUE_MOVE);
    if (running)
        p->class->put_prev_task(k, rq, p);
    p->group->nr_tasks--;
    tg->nr_tasks++;
    if (p->class == &fair_sched_class) {
        task_change_group_fair(k, p, tg);
    } else { /* its averages are in no queue */
        p->group = tg;
        set_task_rq(k, p, p->cpu);
    }
    if (unlikely(k->scx != NULL))
        ext_cgroup_moved(k, p, from);
    if (queued)
        p->class->enqueue_task(k, rq, p, ENQUEUE_RESTORE);
    if (running) {
        p->class->set_next_task(k, rq, p);
        see_ticks_from_now(k, rq);
        resched_curr(k, rq);
    } else if (rq->curr == NULL && !rq->need_resched) {
        rq->unannounced = rq->nr_running > 0;
    }
    if (rq->curr != NULL)
        tick_update(k, rq); /* others may have come to compete with it, or are gone */
    sums_update(k, rq);     /* averages came and went */
    task_apply_cpuset(k, p);
    cpuset_attach_mems(k, p, before);
}

/* The dead stay where they were. */
static bool
has_to_move(const struct task *p, const struct task_group *tg)
{
    return p->group != tg && p->state != TASK_DEAD;
}

void
task_set_group(struct kernel *k, struct task *p, struct task_group *tg)
{
    if (has_to_move(p, tg) && (k->scx == NULL || ext_cgroup_can_move(k, p, tg)))
        move_to_group(k, p, tg);
}

bool
process_set_group(struct kernel *k, struct process *pr, struct task_group *tg)
{
    for (uint32_t i = 0; k->scx != NULL && i < pr->nr_members; i++)
        if (has_to_move(pr->members[i], tg) && !ext_cgroup_can_move(k, pr->members[i], tg)) {
            while (i-- > 0)
                if (has_to_move(pr->members[i], tg))
                    ext_cgroup_stays(k, pr->members[i], tg);
            return false;
        }
    for (uint32_t i = 0; i < pr->nr_members; i++)
        if (has_to_move(pr->members[i], tg))
            move_to_group(k, pr->members[i], tg);
    return true;
}
