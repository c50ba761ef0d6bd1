/*
 * static:best: the best fixed placement that a bounded search finds under the memory model, before
 * the run. What the other policies lose against it is their gap to best.
 *
 * The programs of the workload say what every task will do (task_plan.h); the memory model says how
 * fast that would be in a placement (predict()). Nobody who administers a machine knows as much: it
 * is an upper bound for fixed placements, as good as the search and the model are. Pages that are
 * there before the run stay, and so does what the programs bind while they run.
 */
#include "models/placement/best.h"

#include "kernel/vma.h"

/* Who has so little to do against others (a thread that starts them and waits) stays free: bound,
 * it would only be in the way. */
#define FREE_BELOW 0.01

static void
bind_task(struct best *b, const struct best_choice *c, uint32_t t)
{
    struct task *p = b->tasks[t].task;

    b->pl->threads_overridden +=
        p->nr_allowed < b->k->nr_online || p->mem->policy.mode != MPOL_DEFAULT;
    p->mem->policy = (struct mempolicy){ .mode = MPOL_DEFAULT };
    if (b->tasks[t].work_ns < FREE_BELOW * b->most_work)
        task_set_affinity(b->k, p, b->k->machine->online);
    else
        task_set_affinity(b->k, p, b->pl->nodes[c->node[t]].cpus);
}

/* The mempolicy that means these weights. */
static struct mempolicy
policy_of(const struct best *b, const uint32_t *weights)
{
    struct mempolicy policy = { .mode = MPOL_BIND };
    uint32_t most = 0, least = UINT32_MAX;

    for (uint32_t n = 0; n < b->k->machine->nr_nodes; n++) {
        if (weights[n] == 0)
            continue;
        policy.nodes |= NODE_BIT(n);
        most = SIM_MAX(most, weights[n]);
        least = SIM_MIN(least, weights[n]);
    }
    if ((policy.nodes & (policy.nodes - 1)) != 0)
        policy.mode = most == least ? MPOL_INTERLEAVE : MPOL_WEIGHTED_INTERLEAVE;
    for_each_node (n, policy.nodes)
        policy.weights[n] = (uint8_t)SIM_MIN(weights[n], 255u);
    return policy;
}

static void
bind_spot(struct best *b, const struct best_choice *c, const struct best_spot *s)
{
    uint32_t weights[NODE_MAX] = { 0 };

    best_spot_weights(b, c, s, weights);
    struct mempolicy policy = policy_of(b, weights);
    region_set_policy(b->k, s->region,
                      s->slice == REGION_WHOLE ? 0 : region_slice_first(s->region, s->slice),
                      region_slice_pages(s->region, s->slice), &policy);
}

static void
bind_all(struct best *b, const struct best_choice *c)
{
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        b->most_work = b->tasks[t].work_ns > b->most_work ? b->tasks[t].work_ns : b->most_work;
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        bind_task(b, c, t);
    for (uint32_t r = 0; r < b->nr_regions; r++)
        place_override_region(b->k, b->pl, b->regions[r].region);
    for (uint32_t s = 0; s < b->nr_spots; s++)
        bind_spot(b, c, &b->spots[s]);
    place_tell(b->k, b->pl);
}

static void
place_best(struct kernel *k)
{
    struct place *pl = place_new(k, &placement_best);
    struct best b = { .k = k, .pl = pl, .max_evaluations = k->params.fixed.best_evaluations };

    for (uint32_t i = 0; i < k->machine->nr_nodes; i++)
        pl->nodes[i].memory = place_memory_near(k, pl, (int)i);
    if (!best_survey(&b)) {
        kernel_note(k, "static:best: nothing is known beforehand of what the tasks will do; it is "
                       "static:pack");
        placement_pack.place(k);
        return;
    }
    struct best_choice found = best_choice_new(&b);
    if (best_search(&b, &found) == __builtin_inf()) {
        kernel_note(k, "static:best: no placement that was tried has room for all memory; it is "
                       "static:pack");
        placement_pack.place(k);
        return;
    }
    if (b.cut_short)
        kernel_note(k,
                    "static:best: the search ended after %u placements; more may be better "
                    "(static.best_evaluations)",
                    b.nr_evaluations);
    bind_all(&b, &found);
}

static const struct param_setting balancing_off[] = { { "numa_balancing.mode", "off" },
                                                      { NULL, NULL } };

const struct placement_ops placement_best = {
    .name = "static:best",
    .level = 2,
    .doc = "the best placement that a search finds under the memory model: the gap to it is what "
           "others lose",
    .page =
        "Before the run, the programs of the workload say what every thread will do, and a search\n"
        "looks for the node of each thread and the nodes of each region or slice (one, "
        "interleaved\n"
        "over several, or weighted) for which the memory model predicts the shortest run, or\n"
        "the highest rate of work if the run never ends. It begins with the other static\n"
        "policies and with the sets of nodes that have the greatest total bandwidth, and changes\n"
        "one thing at a time until nothing gets better or static.best_evaluations placements have\n"
        "been looked at; weights are tuned last, with a quarter of them. The same input gives the "
        "same placement. A thread with next to nothing to "
        "do\n"
        "stays free. Waiting for other threads, and\n"
        "phases of a program, are not seen; a recording says nothing beforehand, and is packed.\n"
        "Bindings of the workload itself are overridden.",
    .settings = balancing_off,
    .overrides_bindings = true,
    .place = place_best,
};
