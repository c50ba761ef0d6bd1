/*
 * What is there to place: tasks with what their programs will do, and the memory that they use.
 *
 * Tasks with the same work and misses share a profile, so that the memory model can put those into
 * one group that also run and reach alike. A sliced region is as many spots as it has slices; who
 * uses it as a whole reads the mean of them.
 */
#include "models/placement/best.h"

static uint32_t
add_profile(struct best *b, const struct task_plan *plan)
{
    double misses = 0, written = 0, stalls = 0, work = plan->work_ns > 1 ? plan->work_ns : 1;
    struct burst_profile p = { .mlp_q8 = 256 };

    for (uint32_t i = 0; i < plan->nr_uses; i++) {
        misses += plan->uses[i].misses;
        written += plan->uses[i].written;
        stalls += plan->uses[i].stalls;
    }
    if (misses > 0 && stalls > 0) {
        double q20 = misses / work * (1 << 20) + 0.5;

        p.misses_q20 = q20 < UINT32_MAX ? (uint32_t)q20 : UINT32_MAX;
        p.mlp_q8 = (uint32_t)(misses / stalls * 256 + 0.5);
        p.write_q8 = (uint32_t)(written / misses * 256 + 0.5);
    }
    for (uint32_t i = 0; i < b->nr_profiles; i++)
        if (b->profiles[i].misses_q20 == p.misses_q20 && b->profiles[i].mlp_q8 == p.mlp_q8 &&
            b->profiles[i].write_q8 == p.write_q8)
            return i;
    b->profiles[b->nr_profiles] = p;
    return b->nr_profiles++;
}

static uint32_t
family_of(struct best *b, const struct region *r)
{
    struct mm *mm = r->sharing == REGION_GLOBAL ? NULL : r->mm;

    for (uint32_t i = 0; i < b->nr_families; i++)
        if (b->families[i].mm == mm && strcmp(b->families[i].name, r->name) == 0)
            return i;
    b->families[b->nr_families] = (struct best_family){ .name = r->name, .mm = mm };
    return b->nr_families++;
}

/* Spots of all regions; regions with several come behind them in what uses name. */
static void
add_spots(struct best *b)
{
    const struct mm_state *mm = b->k->mm;
    uint32_t nr = 0;

    for (uint32_t i = 0; i < mm->nr_regions; i++)
        nr += mm->regions[i]->nr_slices;
    b->spots = arena_new_array(b->k->arena, struct best_spot, nr);
    b->families = arena_new_array(b->k->arena, struct best_family, mm->nr_regions);
    b->regions = arena_new_array(b->k->arena, struct best_region, mm->nr_regions);
    for (uint32_t i = 0; i < mm->nr_regions; i++) {
        struct region *r = mm->regions[i];
        uint32_t family = family_of(b, r);

        b->regions[b->nr_regions++] = (struct best_region){ r, b->nr_spots, r->nr_slices };
        for (uint32_t s = 0; s < r->nr_slices; s++)
            b->spots[b->nr_spots++] = (struct best_spot){
                .region = r,
                .slice = r->nr_slices > 1 ? s : REGION_WHOLE,
                .family = family,
                .bytes = region_slice_pages(r, r->nr_slices > 1 ? s : REGION_WHOLE) * PAGE_4K,
                .there = r->groups[r->nr_slices > 1 ? s : 0].unpopulated == 0,
            };
        b->families[family].nr_spots += r->nr_slices;
    }
}

static uint32_t
spot_of(const struct best *b, const struct plan_use *u)
{
    for (uint32_t i = 0; i < b->nr_regions; i++) {
        const struct best_region *r = &b->regions[i];

        if (r->region != u->region)
            continue;
        if (r->nr_spots == 1)
            return r->first_spot;
        return u->slice == REGION_WHOLE ? b->nr_spots + i : r->first_spot + u->slice;
    }
    return UINT32_MAX;
}

static void
add_use(struct best *b, struct best_task *t, uint32_t spot, double share)
{
    if (b->nr_uses == b->cap_uses) {
        uint32_t cap = SIM_MAX(2 * b->cap_uses, 256u);

        b->uses = arena_grow(b->k->arena, b->uses, b->cap_uses * sizeof(*b->uses),
                             cap * sizeof(*b->uses));
        b->cap_uses = cap;
    }
    b->uses[b->nr_uses++] = (struct best_use){ spot, share };
    t->nr_uses++;
}

static void
add_uses(struct best *b, struct best_task *t, const struct task_plan *plan)
{
    double misses = 0;

    t->first_use = b->nr_uses;
    for (uint32_t i = 0; i < plan->nr_uses; i++)
        misses += plan->uses[i].misses;
    t->misses = misses;
    for (uint32_t i = 0; i < plan->nr_uses && misses > 0; i++) {
        uint32_t spot = spot_of(b, &plan->uses[i]);

        if (spot != UINT32_MAX && plan->uses[i].misses > 0)
            add_use(b, t, spot, plan->uses[i].misses / misses);
    }
}

static void
add_task(struct best *b, struct task *p, uint32_t process)
{
    struct best_task *t = &b->tasks[b->nr_tasks++];
    struct task_plan plan = { 0 };

    p->ops->plan(b->k, p, &plan);
    *t = (struct best_task){
        .task = p,
        .process = process,
        .work_ns = plan.work_ns > 1 ? plan.work_ns : 1,
        .idle_ns = plan.idle_ns,
        .units = plan.units,
        .endless = plan.endless,
        .background = plan.background,
        .profile = add_profile(b, &plan),
        .after = -1,
        .after_part = plan.after_part,
    };
    add_uses(b, t, &plan);
    b->parents[b->nr_tasks - 1] = plan.after;
    b->has_units |= plan.units > 0;
    b->endless &= plan.endless || plan.background;
}

static double
misses_of(const struct best *b, uint32_t task, uint32_t use)
{
    return b->uses[b->tasks[task].first_use + use].share * b->tasks[task].misses;
}

/* The spot of a use, if it is one that its user counts for: not a neighbour who looks in. */
static struct best_spot *
spot_to_follow(const struct best *b, uint32_t task, uint32_t use)
{
    uint32_t spot = b->uses[b->tasks[task].first_use + use].spot;

    if (spot >= b->nr_spots || misses_of(b, task, use) < b->spots[spot].most_misses / 2)
        return NULL;
    return &b->spots[spot];
}

static void
find_most_misses(struct best *b)
{
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        for (uint32_t i = 0; i < b->tasks[t].nr_uses; i++) {
            uint32_t spot = b->uses[b->tasks[t].first_use + i].spot;

            if (spot < b->nr_spots && misses_of(b, t, i) > b->spots[spot].most_misses)
                b->spots[spot].most_misses = misses_of(b, t, i);
        }
}

/* Whom a spot may follow: who uses it by itself, and half as much as anybody. A counting sort. */
static void
list_users(struct best *b)
{
    struct best_spot *s;
    uint32_t at = 0;

    find_most_misses(b);
    b->users = arena_new_array(b->k->arena, uint32_t, b->nr_uses);
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        for (uint32_t i = 0; i < b->tasks[t].nr_uses; i++)
            if ((s = spot_to_follow(b, t, i)) != NULL)
                s->nr_users++;
    for (uint32_t i = 0; i < b->nr_spots; i++) {
        b->spots[i].first_user = at;
        at += b->spots[i].nr_users;
        b->spots[i].nr_users = 0;
    }
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        for (uint32_t i = 0; i < b->tasks[t].nr_uses; i++)
            if ((s = spot_to_follow(b, t, i)) != NULL)
                b->users[s->first_user + s->nr_users++] = t;
}

/* The same spot, or one of many like it. */
static bool
use_alike(const struct best *b, const struct best_use *x, const struct best_use *y)
{
    if (x->share != y->share)
        return false;
    if (x->spot == y->spot)
        return true;
    return x->spot < b->nr_spots && y->spot < b->nr_spots &&
           b->spots[x->spot].family == b->spots[y->spot].family;
}

static bool
task_alike(const struct best *b, const struct best_task *x, const struct best_task *y)
{
    bool same = x->process == y->process && x->profile == y->profile && x->work_ns == y->work_ns &&
                x->idle_ns == y->idle_ns && x->nr_uses == y->nr_uses;

    for (uint32_t i = 0; same && i < x->nr_uses; i++)
        same = use_alike(b, &b->uses[x->first_use + i], &b->uses[y->first_use + i]);
    return same;
}

/* Tasks of one kind mostly stand in a row. */
static void
find_kinds(struct best *b)
{
    uint32_t *first = arena_new_array(b->k->arena, uint32_t, b->nr_tasks);

    for (uint32_t t = 0; t < b->nr_tasks; t++) {
        uint32_t kind = b->nr_kinds;

        while (kind > 0 && !task_alike(b, &b->tasks[first[kind - 1]], &b->tasks[t]))
            kind--;
        if (kind == 0) {
            first[b->nr_kinds++] = t;
            kind = b->nr_kinds;
        }
        b->tasks[t].kind = kind - 1;
    }
}

static void
count_cores(struct best *b)
{
    const struct machine *m = b->k->machine;
    struct cpumask *seen = cpumask_new(b->k->arena, m->nr_cpus);

    b->cores = arena_new_array(b->k->arena, uint32_t, m->nr_nodes);
    for_each_cpu (cpu, m->online) {
        uint32_t core = (uint32_t)m->cpus[cpu].core;

        if (core < m->nr_cpus && cpumask_test(seen, core))
            continue;
        if (core < m->nr_cpus)
            cpumask_set(seen, core);
        b->cores[m->cpus[cpu].node]++;
    }
}

static void
make_scratch(struct best *b)
{
    struct arena *a = b->k->arena;
    uint32_t nr_nodes = b->k->machine->nr_nodes;

    for (b->nr_buckets = 64; b->nr_buckets < 2 * b->nr_tasks;)
        b->nr_buckets *= 2;
    b->share_q16 = arena_new_array(a, uint32_t, (b->nr_spots + b->nr_regions) * nr_nodes);
    b->guesses = arena_new_array(a, struct mem_guess, b->nr_tasks);
    b->guess_of = arena_new_array(a, uint32_t, b->nr_tasks);
    b->buckets = arena_new_array(a, uint32_t, b->nr_buckets);
    b->time = arena_new_array(a, double, b->nr_tasks);
    b->left = arena_new_array(a, double, b->nr_tasks);
    b->started = arena_new_array(a, bool, b->nr_tasks);
    b->promised = arena_new_array(a, uint64_t, nr_nodes);
    b->on_node = arena_new_array(a, uint32_t, nr_nodes);
    b->nodes_of_process = arena_new_array(a, nodemask, b->nr_processes);
}

static void
find_parents(struct best *b)
{
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        for (uint32_t p = 0; b->parents[t] != NULL && p < b->nr_tasks; p++)
            if (b->tasks[p].task == b->parents[t]) {
                b->tasks[t].after = (int32_t)p;
                b->chained = true;
                break;
            }
}

bool
best_survey(struct best *b)
{
    const struct kernel *k = b->k;
    uint32_t nr = 0;

    for (uint32_t i = 0; i < k->nr_processes; i++)
        nr += k->processes[i]->nr_members;
    b->nr_processes = k->nr_processes;
    b->tasks = arena_new_array(k->arena, struct best_task, nr);
    b->profiles = arena_new_array(k->arena, struct burst_profile, nr);
    b->parents = arena_new_array(k->arena, const struct task *, nr);
    b->endless = true;
    add_spots(b);
    for (uint32_t i = 0; i < k->nr_processes; i++)
        for (uint32_t t = 0; t < k->processes[i]->nr_members; t++) {
            if (k->processes[i]->members[t]->ops->plan == NULL)
                return false;
            add_task(b, k->processes[i]->members[t], i);
        }
    find_parents(b);
    list_users(b);
    find_kinds(b);
    count_cores(b);
    make_scratch(b);
    return b->nr_tasks > 0;
}
