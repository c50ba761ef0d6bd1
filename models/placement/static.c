/*
 * The static policies: every thread is bound to the CPUs of a node, and memory to nodes, before the
 * run begins. They differ in how threads are dealt and in which node memory goes to.
 *
 * What a good administrator would do by hand, or (inverse) a very bad one: the two ends between
 * which dynamic policies are judged.
 */
#include "models/placement/static.h"

static const struct param_setting balancing_off[] = { { "numa_balancing.mode", "off" },
                                                      { NULL, NULL } };

/* The node itself, or the nearest that has memory. */
int
place_memory_near(const struct kernel *k, const struct place *pl, int node)
{
    uint32_t distance = UINT32_MAX;
    int best = node;

    if (pl->memory_nodes & NODE_BIT(node))
        return node;
    for_each_node (n, pl->memory_nodes) {
        uint32_t d = machine_distance(k->machine, (uint32_t)node, (uint32_t)n);

        if (d >= distance)
            continue;
        distance = d;
        best = n;
    }
    return best;
}

/* The farthest node with CPUs; among equals the one whose number is nearest to node + N/2. */
static int
memory_far(const struct kernel *k, const struct place *pl, int node)
{
    int nr = (int)k->machine->nr_nodes, opposite = (node + nr / 2) % nr, best = -1, best_off = 0;
    uint32_t distance = 0;

    for_each_node (n, pl->cpu_nodes & pl->memory_nodes) {
        uint32_t d = machine_distance(k->machine, (uint32_t)node, (uint32_t)n);
        int off = n > opposite ? n - opposite : opposite - n;

        if (best >= 0 && (d < distance || (d == distance && off >= best_off)))
            continue;
        distance = d;
        best = n;
        best_off = off;
    }
    return best >= 0 ? best : place_memory_near(k, pl, node);
}

static uint32_t
gcd(uint32_t a, uint32_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

/* As many pages in a row as a node's bandwidth is that of the slowest; in smallest numbers. */
struct mempolicy
place_by_bandwidth(const struct kernel *k, nodemask nodes)
{
    struct mempolicy policy = { .mode = MPOL_WEIGHTED_INTERLEAVE, .nodes = nodes };
    uint64_t least = UINT64_MAX;
    uint32_t common = 0;

    for_each_node (n, nodes)
        least = SIM_MIN(least, SIM_MAX(k->machine->nodes[n].bandwidth, (uint64_t)1));
    for_each_node (n, nodes) {
        uint64_t weight = (k->machine->nodes[n].bandwidth + least / 2) / least;

        policy.weights[n] = (uint8_t)SIM_CLAMP(weight, (uint64_t)1, (uint64_t)255);
        common = gcd(policy.weights[n], common);
    }
    for_each_node (n, nodes)
        policy.weights[n] = (uint8_t)(policy.weights[n] / common);
    return policy;
}

struct place *
place_new(struct kernel *k, const struct placement_ops *ops)
{
    struct place *pl = arena_new_object(k->arena, struct place);

    pl->ops = ops;
    pl->turn = -1;
    pl->cpu_nodes = machine_cpu_nodes(k->machine);
    pl->memory_nodes = machine_memory_nodes(k->machine);
    pl->nodes = arena_new_array(k->arena, struct place_node, k->machine->nr_nodes);
    for (uint32_t i = 0; i < k->machine->nr_nodes; i++) {
        struct place_node *n = &pl->nodes[i];
        struct cpumask *cpus = cpumask_clone(k->arena, k->machine->nodes[i].cpus);

        cpumask_and(cpus, cpus, k->machine->online);
        n->cpus = cpus;
        n->nr_cpus = n->nr_free = cpumask_weight(cpus);
        const struct mm_node *mem = &k->mm->nodes[i];
        if (mem->free_pages > mem->low_watermark)
            n->room = (mem->free_pages - mem->low_watermark) * PAGE_4K;
    }
    pl->everywhere = (struct mempolicy){ .mode = MPOL_INTERLEAVE, .nodes = pl->memory_nodes };
    if (ops == &placement_weighted)
        pl->everywhere = place_by_bandwidth(k, pl->memory_nodes);
    k->placement_priv = pl;
    return pl;
}

void
place_tell(struct kernel *k, const struct place *pl)
{
    if (pl->threads_overridden > 0)
        kernel_note(k, "%s overrides what the workload binds: CPUs or policy of %u threads",
                    pl->ops->name, pl->threads_overridden);
    if (pl->regions_overridden > 0)
        kernel_note(k, "%s overrides what the workload binds: memory of %u regions", pl->ops->name,
                    pl->regions_overridden);
    if (pl->squeezed > 0)
        kernel_note(k,
                    "%s: %u regions or slices do not fit on their nodes and spill to the nearest",
                    pl->ops->name, pl->squeezed);
}

/* A thread that is made later: its private memory goes with it. */
static void
deal_later(struct kernel *k, struct task *p)
{
    struct place *pl = k->placement_priv;

    place_task(k, pl, p);
    if (pl->deal == NULL)
        return;
    for (struct region *r = p->mm->regions; r != NULL; r = r->next)
        place_region_of(k, pl, r, p->process->nr_members - 1);
}

static void
place_all(struct kernel *k, const struct placement_ops *ops,
          int (*deal)(struct kernel *k, struct place *pl, struct place_process *pp), bool far)
{
    struct place *pl = place_new(k, ops);

    pl->deal = deal;
    for (uint32_t i = 0; i < k->machine->nr_nodes; i++)
        pl->nodes[i].memory = far ? memory_far(k, pl, (int)i) : place_memory_near(k, pl, (int)i);
    for (uint32_t i = 0; i < k->nr_processes; i++) {
        const struct process *pr = k->processes[i];

        place_process_of(k, pl, pr);
        for (uint32_t t = 0; t < pr->nr_members; t++)
            place_task(k, pl, pr->members[t]);
    }
    for (uint32_t i = 0; i < k->mm->nr_regions; i++)
        place_region(k, pl, k->mm->regions[i]);
    place_tell(k, pl);
    k->place_task = deal_later;
}

static void
place_pack(struct kernel *k)
{
    place_all(k, &placement_pack, deal_pack, false);
}

static void
place_spread(struct kernel *k)
{
    place_all(k, &placement_spread, deal_spread, false);
}

static void
place_interleave(struct kernel *k)
{
    place_all(k, &placement_interleave, NULL, false);
}

static void
place_weighted(struct kernel *k)
{
    place_all(k, &placement_weighted, NULL, false);
}

static void
place_inverse(struct kernel *k)
{
    place_all(k, &placement_inverse, deal_pack, true);
}

#define STATIC_POLICY(how, what, text)                                                             \
    const struct placement_ops placement_##how = {                                                 \
        .name = "static:" #how,                                                                    \
        .level = 2,                                                                                \
        .doc = what,                                                                               \
        .page = text,                                                                              \
        .settings = balancing_off,                                                                 \
        .overrides_bindings = true,                                                                \
        .place = place_##how,                                                                      \
        .task_new = deal_later,                                                                    \
    }

STATIC_POLICY(
    pack, "each process on the fewest nodes that hold its threads, its memory with it",
    "Processes are packed, in file order: each begins on the node with most free CPUs and takes "
    "the\n"
    "nearest ones when that is full. Every thread is bound to the CPUs of its node; private "
    "regions\n"
    "and slices are bound to the node of their thread, shared regions are interleaved over the\n"
    "nodes of the process. When all CPUs are dealt, all count as free again. Bindings of the\n"
    "workload itself are overridden.");

STATIC_POLICY(
    spread, "threads dealt over all nodes in turn, their memory with them",
    "Threads are dealt over all nodes with CPUs in turn, each bound to its node's CPUs. Private\n"
    "regions and slices go to the node of their thread, shared regions are interleaved over the\n"
    "nodes of the process: most bandwidth for all, at the price of remote accesses among threads\n"
    "that share. Bindings of the workload itself are overridden.");

STATIC_POLICY(
    interleave, "threads free, memory interleaved over all nodes",
    "Threads run where the scheduler puts them. All regions are interleaved, page by page,\n"
    "over all nodes with memory: every thread sees the same average latency, and all\n"
    "controllers share the load. Bindings of the workload itself are overridden.");

STATIC_POLICY(
    weighted, "threads free, memory interleaved in proportion to the bandwidth of nodes",
    "As static:interleave, but a node gets as many pages in a row as its bandwidth is that of the\n"
    "slowest one, in the smallest whole numbers from 1 to 255 (weighted interleaving of Linux):\n"
    "all controllers are full at the same time where nodes differ, as with CXL or HBM. Where all\n"
    "are alike, it is static:interleave. Bindings of the workload itself are overridden.");

STATIC_POLICY(
    inverse, "threads as pack, memory on the farthest node: deliberately worst",
    "Threads are bound as by static:pack, and memory goes to the node with CPUs that is farthest\n"
    "from the thread: the worst that placement can do, as a lower bound. Bindings of the workload\n"
    "itself are overridden.");
