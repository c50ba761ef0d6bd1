/*
 * What is there to place: tasks with what their programs will do, and the memory that they use.
 *
 * Programs that meet at barriers are seen part by part, if all that do something have as many of
 * them: then the parts are gone through together. Otherwise a program is one part.
 *
 * Tasks with the same work and misses share a profile, so that the memory model can put those into
 * one group that also run and reach alike. A sliced region is as many spots as it has slices; who
 * uses it as a whole reads the mean of them.
 */
#include "models/placement/best.h"

enum { ALL_PARTS = UINT32_MAX };

static bool
is_of(const struct plan_use *u, uint32_t part)
{
    return part == ALL_PARTS || u->part == part;
}

static uint32_t
add_profile(struct best *b, const struct task_plan *plan, uint32_t part, double work)
{
    double misses = 0, written = 0, stalls = 0;
    struct burst_profile p = { .mlp_q8 = 256 };

    for (uint32_t i = 0; i < plan->nr_uses; i++) {
        if (!is_of(&plan->uses[i], part))
            continue;
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

/* Of the last uses that were added; a spot that is there already is used more. */
static void
add_use(struct best *b, struct best_uses *uses, uint32_t spot, double misses)
{
    for (uint32_t i = uses->first; i < b->nr_uses; i++)
        if (b->uses[i].spot == spot) {
            b->uses[i].share += misses;
            return;
        }
    if (b->nr_uses == b->cap_uses) {
        uint32_t cap = SIM_MAX(2 * b->cap_uses, 256u);

        b->uses = arena_grow(b->k->arena, b->uses, b->cap_uses * sizeof(*b->uses),
                             cap * sizeof(*b->uses));
        b->cap_uses = cap;
    }
    b->uses[b->nr_uses++] = (struct best_use){ spot, misses };
    uses->nr++;
}

static struct best_uses
add_uses(struct best *b, const struct task_plan *plan, uint32_t part)
{
    struct best_uses uses = { .first = b->nr_uses };

    for (uint32_t i = 0; i < plan->nr_uses; i++) {
        const struct plan_use *u = &plan->uses[i];
        uint32_t spot = is_of(u, part) ? spot_of(b, u) : UINT32_MAX;

        uses.misses += is_of(u, part) ? u->misses : 0;
        if (spot != UINT32_MAX && u->misses > 0)
            add_use(b, &uses, spot, u->misses);
    }
    for (uint32_t i = 0; i < uses.nr; i++)
        b->uses[uses.first + i].share /= uses.misses;
    return uses;
}

/* ---- parts ---- */

static bool
does_something(const struct task_plan *plan)
{
    return !plan->background && (plan->work_ns > 1 || plan->nr_uses > 0);
}

/* As many barriers in all programs that do something; 1: not so. */
static uint32_t
parts_in_common(const struct task_plan *plans, uint32_t nr)
{
    uint32_t common = 0;

    for (uint32_t t = 0; t < nr; t++) {
        if (!does_something(&plans[t]))
            continue;
        if (plans[t].after != NULL || (common != 0 && plans[t].nr_parts != common))
            return 1;
        common = plans[t].nr_parts;
    }
    return common;
}

/* Parts in which somebody does something; their number. */
static uint32_t
find_parts(const struct task_plan *plans, uint32_t nr, uint32_t *parts)
{
    uint32_t common = parts_in_common(plans, nr), found = 0;

    for (uint32_t part = 0; common > 1 && part < common; part++) {
        bool busy = false;

        for (uint32_t t = 0; t < nr && !busy; t++)
            busy = does_something(&plans[t]) &&
                   plans[t].parts[part].work_ns + plans[t].parts[part].idle_ns > 0;
        if (busy)
            parts[found++] = part;
    }
    if (found < 2)
        parts[0] = ALL_PARTS;
    return found < 2 ? 1 : found;
}

/* Who does not go through parts with the others does all of it all the time. */
static struct best_part
part_of_plan(struct best *b, const struct task_plan *plan, uint32_t part,
             const struct best_uses *all)
{
    bool whole = part == ALL_PARTS || !does_something(plan);
    double work = whole ? plan->work_ns : plan->parts[part].work_ns;
    struct best_part p = {
        .work_ns = whole && work < 1 ? 1 : work,
        .idle_ns = whole ? plan->idle_ns : plan->parts[part].idle_ns,
        .uses = whole ? *all : add_uses(b, plan, part),
    };

    p.profile = add_profile(b, plan, whole ? ALL_PARTS : part, work > 1 ? work : 1);
    return p;
}

static void
add_task(struct best *b, struct task *p, uint32_t process, const struct task_plan *plan,
         const uint32_t *parts)
{
    struct best_task *t = &b->tasks[b->nr_tasks++];

    *t = (struct best_task){
        .task = p,
        .process = process,
        .work_ns = plan->work_ns > 1 ? plan->work_ns : 1,
        .units = plan->units,
        .endless = plan->endless,
        .background = plan->background,
        .after = -1,
        .after_part = plan->after_part,
        .uses = add_uses(b, plan, ALL_PARTS),
        .parts = arena_new_array(b->k->arena, struct best_part, b->nr_parts),
    };
    for (uint32_t i = 0; i < b->nr_parts; i++)
        t->parts[i] = part_of_plan(b, plan, parts[i], &t->uses);
    b->parents[b->nr_tasks - 1] = plan->after;
    b->has_units |= plan->units > 0;
    b->endless &= plan->endless || plan->background;
}

static double
misses_of(const struct best *b, uint32_t task, uint32_t use)
{
    const struct best_uses *uses = &b->tasks[task].uses;

    return b->uses[uses->first + use].share * uses->misses;
}

/* The spot of a use, if it is one that its user counts for: not a neighbour who looks in. */
static struct best_spot *
spot_to_follow(const struct best *b, uint32_t task, uint32_t use)
{
    uint32_t spot = b->uses[b->tasks[task].uses.first + use].spot;

    if (spot >= b->nr_spots || misses_of(b, task, use) < b->spots[spot].most_misses / 2)
        return NULL;
    return &b->spots[spot];
}

static void
find_most_misses(struct best *b)
{
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        for (uint32_t i = 0; i < b->tasks[t].uses.nr; i++) {
            uint32_t spot = b->uses[b->tasks[t].uses.first + i].spot;

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
        for (uint32_t i = 0; i < b->tasks[t].uses.nr; i++)
            if ((s = spot_to_follow(b, t, i)) != NULL)
                s->nr_users++;
    for (uint32_t i = 0; i < b->nr_spots; i++) {
        b->spots[i].first_user = at;
        at += b->spots[i].nr_users;
        b->spots[i].nr_users = 0;
    }
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        for (uint32_t i = 0; i < b->tasks[t].uses.nr; i++)
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
part_alike(const struct best *b, const struct best_part *x, const struct best_part *y)
{
    bool same = x->profile == y->profile && x->work_ns == y->work_ns && x->idle_ns == y->idle_ns &&
                x->uses.nr == y->uses.nr;

    for (uint32_t i = 0; same && i < x->uses.nr; i++)
        same = use_alike(b, &b->uses[x->uses.first + i], &b->uses[y->uses.first + i]);
    return same;
}

static bool
task_alike(const struct best *b, const struct best_task *x, const struct best_task *y)
{
    bool same = x->process == y->process;

    for (uint32_t i = 0; same && i < b->nr_parts; i++)
        same = part_alike(b, &x->parts[i], &y->parts[i]);
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

/* Asks all tasks, in the order of processes. False: one does not know. */
static bool
ask_for_plans(struct best *b, struct task_plan *plans)
{
    const struct kernel *k = b->k;
    uint32_t nr = 0;

    for (uint32_t i = 0; i < k->nr_processes; i++)
        for (uint32_t t = 0; t < k->processes[i]->nr_members; t++) {
            struct task *p = k->processes[i]->members[t];

            if (p->ops->plan == NULL)
                return false;
            p->ops->plan(b->k, p, &plans[nr++]);
        }
    return true;
}

static void
add_tasks(struct best *b, const struct task_plan *plans, const uint32_t *parts)
{
    const struct kernel *k = b->k;

    for (uint32_t i = 0; i < k->nr_processes; i++)
        for (uint32_t t = 0; t < k->processes[i]->nr_members; t++)
            add_task(b, k->processes[i]->members[t], i, &plans[b->nr_tasks], parts);
}

bool
best_survey(struct best *b)
{
    const struct kernel *k = b->k;
    uint32_t nr = 0, parts[PLAN_PARTS_MAX];

    for (uint32_t i = 0; i < k->nr_processes; i++)
        nr += k->processes[i]->nr_members;
    struct task_plan *plans = arena_new_array(k->arena, struct task_plan, nr);
    if (!ask_for_plans(b, plans))
        return false;
    b->nr_parts = find_parts(plans, nr, parts);
    b->nr_processes = k->nr_processes;
    b->tasks = arena_new_array(k->arena, struct best_task, nr);
    b->profiles = arena_new_array(k->arena, struct burst_profile, (size_t)nr * b->nr_parts);
    b->parents = arena_new_array(k->arena, const struct task *, nr);
    b->endless = true;
    add_spots(b);
    add_tasks(b, plans, parts);
    find_parents(b);
    list_users(b);
    find_kinds(b);
    count_cores(b);
    make_scratch(b);
    return b->nr_tasks > 0;
}
