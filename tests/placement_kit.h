/* For tests of static:best: tasks whose plans are known. */
#pragma once

#include "memory_kit.h"

#include "models/memory/models.h"
#include "models/placement/best.h"
#include "models/registry.h"

/* A task whose plan is known: so many misses a ns of work, in one region or slice. */
struct planned {
    struct script script;
    double work_ns, misses_per_ns, written;
    struct region *region;
    uint32_t slice;
    bool endless, looks_in; /* looks_in: a tenth as often, in the slice before */
    struct region *then;    /* behind a barrier a tenth of the work, here */
};

static inline void
add_part(struct task_plan *plan, struct region *then)
{
    plan->parts[0] = (struct plan_part){ .work_ns = plan->work_ns };
    plan->parts[1] = (struct plan_part){ .work_ns = plan->work_ns / 10 };
    plan->nr_parts = 2;
    plan->uses[plan->nr_uses] = *plan->uses;
    plan->uses[plan->nr_uses].region = then;
    plan->uses[plan->nr_uses].part = 1;
    plan->uses[plan->nr_uses].misses /= 10;
    plan->uses[plan->nr_uses++].stalls /= 10;
    plan->work_ns *= 1.1;
}

static inline void
planned_plan(struct kernel *k, struct task *p, struct task_plan *plan)
{
    const struct planned *pl = p->prog;

    plan->work_ns = pl->work_ns;
    plan->endless = pl->endless;
    if (pl->region == NULL)
        return;
    plan->uses = arena_new_array(k->arena, struct plan_use, 3);
    plan->nr_uses = 1;
    *plan->uses = (struct plan_use){
        .region = pl->region,
        .slice = pl->slice,
        .misses = pl->work_ns * pl->misses_per_ns,
        .written = pl->work_ns * pl->misses_per_ns * pl->written,
        .stalls = pl->work_ns * pl->misses_per_ns / 10, /* ten in flight */
    };
    if (pl->looks_in) {
        plan->uses[1] = plan->uses[0];
        plan->uses[1].slice--;
        plan->uses[1].misses /= 10;
        plan->uses[1].stalls /= 10;
        plan->nr_uses = 2;
    }
    if (pl->then != NULL)
        add_part(plan, pl->then);
}

static const struct task_ops planned_ops = { .next = script_next, .plan = planned_plan };

static inline struct planned *
add(struct fixture *f, double work_ns, double misses_per_ns, struct region *r, uint32_t slice)
{
    struct planned *pl = arena_new_object(f->arena, struct planned);

    *pl = (struct planned){ .script = { .actions = hog_actions, .nr = 1 },
                            .work_ns = work_ns,
                            .misses_per_ns = misses_per_ns,
                            .region = r,
                            .slice = slice };
    task_new(f->k, f->process, &(struct task_attr){ .name = "t", .ops = &planned_ops, .prog = pl });
    return pl;
}

static inline void
place(struct fixture *f)
{
    placement_best.place(f->k);
}

static inline int
node_of(const struct fixture *f, uint32_t process, uint32_t member)
{
    const struct task *p = f->k->processes[process]->members[member];

    return f->machine->cpus[cpumask_first(p->allowed)].node;
}

static inline struct region *
region(struct fixture *f, const char *name, uint64_t bytes)
{
    return kit_region(f, name, bytes, 1);
}

static inline void
open_search(struct fixture *f, struct best *b)
{
    *b = (struct best){ .k = f->k, .pl = place_new(f->k, &placement_best) };
    b->max_evaluations = f->k->params.fixed.best_evaluations;
    for (uint32_t i = 0; i < f->machine->nr_nodes; i++)
        b->pl->nodes[i].memory = (int)i;
    assert_true(best_survey(b));
}
