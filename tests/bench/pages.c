/*
 * What a page of a process costs a NUMA scan and its hinting faults: 256 MiB, the window of a scan,
 * on a machine of eight nodes.
 *
 * Each round marks all pages and lets one task touch them. Prints a name, the least ns a page of
 * all rounds and the bytes that a page takes, for each, 0 where it was not done.
 *
 * usage: bench_pages exact|block [ROUNDS [moves|in_order|random]]
 * moves: all pages, in order, go with the task to its new node, and nothing else; in_order: then
 * they are there already; random: and they are touched one by one in random order. All three by
 * default.
 */
#include "common.h"

#include "kernel/numa.h"
#include "kernel/region.h"

enum { NODES = 8, PAGES = 65536, STRETCH = 64, STRETCH_BLOCK = 512 };

static double best[5];
enum { MARK, MARK_SKIP, FAULT_MOVE, FAULT_STAY, FAULT_RANDOM };
static const char *const names[] = { "mark", "mark_skip", "fault_move", "fault_stay",
                                     "fault_random" };

static void
nothing(struct kernel *k)
{
    (void)k;
}
static uint32_t
full_rate(struct kernel *k, int cpu)
{
    (void)k, (void)cpu;
    return RATE_FULL;
}
static void
pages_changed(struct kernel *k, int cpu)
{
    (void)k, (void)cpu;
}
static uint64_t
latency(const struct kernel *k, int cpu_node, int mem_node, bool writes)
{
    (void)k, (void)writes;
    return cpu_node == mem_node ? 85000 : 135000;
}
static const struct memory_model_ops no_physics = { .name = "none",
                                                    .init = nothing,
                                                    .run_changed = full_rate,
                                                    .pages_changed = pages_changed,
                                                    .resolve = nothing,
                                                    .latency_ps = latency };

static struct machine *
eight_nodes(struct arena *a)
{
    struct machine *m = machine_new(a, NODES, NODES);

    m->name = "bench";
    m->has_distances = true;
    for (int i = 0; i < NODES; i++) {
        m->nodes[i].mem_bytes = GIB(8);
        m->nodes[i].online = true;
        m->nodes[i].os_index = (uint32_t)i;
        for (int j = 0; j < NODES; j++)
            m->distances[i * NODES + j] = i == j ? 10 : 20;
        m->cpus[i] = (struct machine_cpu){ .present = true,
                                           .online = true,
                                           .node = i,
                                           .package = i,
                                           .die = i,
                                           .core = i,
                                           .cluster = i,
                                           .l2 = i,
                                           .llc = i,
                                           .capacity = 1024 };
        cpumask_set(m->nodes[i].cpus, (uint32_t)i);
        cpumask_set(m->present, (uint32_t)i);
        cpumask_set(m->online, (uint32_t)i);
    }
    return machine_finish(m) == NULL ? m : NULL;
}

struct bench {
    struct kernel *k;
    struct task *p;
    struct region *r;
    struct mapping *map;
    uint32_t order[PAGES];
};

static struct action
compute(struct kernel *k, struct task *p)
{
    (void)k, (void)p;
    return (struct action){ .kind = ACTION_RUN, .work = SEC(1) };
}

static void
bench_open(struct bench *b, bool block)
{
    static const struct task_ops ops = { .next = compute };
    struct kernel_limits limits = { .max_tasks = 4 };
    struct arena *a = arena_new();
    struct kernel_params kp;
    char why[256];

    kernel_params_init(&kp, a);
    kernel_params_set(&kp, "noise", "off", a, why, sizeof(why));
    kp.numa.mode = NUMA_BALANCING_NORMAL;
    if (block)
        kp.mm.exact_limit = 0;
    b->k = kernel_new(a, eight_nodes(a), &kp, 1, &limits, &no_physics);
    struct process *pr = process_new(b->k, "bench", NULL);
    b->p = task_new(b->k, pr, &(struct task_attr){ .name = "bench", .ops = &ops });
    b->r = region_new(
        b->k, pr->mm,
        &(struct region_attr){ .name = "data", .bytes = (uint64_t)PAGES * PAGE_4K, .owner = -1 });
    b->map = b->r->maps;
    region_populate(b->k, b->r, 0, PAGES,
                    &(struct mempolicy){ .mode = MPOL_BIND, .nodes = NODE_BIT(0) }, 0);
    task_start(b->k, b->p, NULL);
    b->p->numa->migrate_retry = UINT64_MAX;
    rng_seed(1);
    for (u32 i = 0; i < PAGES; i++) {
        u32 j = (u32)(rng() % (i + 1));

        b->order[i] = b->order[j];
        b->order[j] = i;
    }
}

static void
better(int what, double since)
{
    double ns = (cpu_s() - since) * 1e9 / PAGES;

    if (best[what] == 0 || ns < best[what])
        best[what] = ns;
}

static void
mark(struct bench *b, int what, int skip_node)
{
    struct mark_how how = { .skip_node = skip_node, .skip_huge_node = -1 };
    uint64_t huge = 0;
    double t = cpu_s();

    b->r->ops->mark(b->map, 0, PAGES, &how, &huge);
    better(what, t);
}

static void
faults(struct bench *b, int what, int cpu, bool in_order)
{
    struct vma *v = b->map->vmas[0];
    uint32_t step = !in_order ? 1 : b->r->ops == &page_block ? STRETCH_BLOCK : STRETCH;
    double t = cpu_s();

    for (uint32_t i = 0; i < PAGES; i += step) {
        uint64_t at = in_order ? i : b->order[i];

        numa_fault_pages(b->k, &b->k->rqs[cpu], b->p, v,
                         (struct page_stretch){ .at = at, .end = at + step });
    }
    better(what, t);
}

int
main(int argc, char **argv)
{
    static struct bench b;
    bool block = argc > 1 && strcmp(argv[1], "block") == 0;
    int rounds = argc > 2 ? atoi(argv[2]) : 20;
    bool random = argc <= 3 || strcmp(argv[3], "random") == 0;
    bool moves = argc > 3 && strcmp(argv[3], "moves") == 0;

    bench_open(&b, block);
    for (int i = 0; i < rounds; i++) {
        mark(&b, MARK, -1);
        faults(&b, FAULT_MOVE, 1 + i % (NODES - 1), true);
        if (moves)
            continue;
        mark(&b, MARK, -1);
        faults(&b, FAULT_STAY, 1 + i % (NODES - 1), true);
        mark(&b, MARK_SKIP, 0);
        if (random)
            faults(&b, FAULT_RANDOM, 1 + (i + 1) % (NODES - 1), false);
    }
    for (int i = 0; i < 5; i++)
        printf("%s %.4f %.4f\n", names[i], best[i],
               (double)b.r->ops->bytes(b.k, PAGES, false) / PAGES);
    return 0;
}
