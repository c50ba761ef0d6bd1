/*
 * What an operation on a fair run queue costs, with numasim's queue or (TREE) with the augmented
 * tree.
 *
 * N entities on one CPU. An operation picks the eligible one with the earliest deadline, charges it
 * for a random time, renews its deadline and puts it back; every fourth is put to sleep and another
 * takes its place, at the average. Both programs make the same picks: they print a hash of them.
 *
 * usage: bench_rq N [WINDOWS]
 */
#include "common.h"

#include "kernel/cfs_rq.h"
#include "kernel/weight.h"

enum { NR_SLEEPERS = 64, MAX_N = 8192, SLICE = 3000000 };

static struct sched_entity entities[MAX_N + NR_SLEEPERS];
static u32 sleepers[NR_SLEEPERS];

#ifdef TREE
#include "rbtree.h"

static struct {
    struct tree tree;
    int64_t zero, key, weight; /* V = zero + key / weight */
    u32 ops;
} q;
static struct node nodes[MAX_N + NR_SLEEPERS];

static inline void
queue_init(void)
{
}

static inline void
queue_insert(struct sched_entity *se)
{
    struct node *x = &nodes[se - entities];

    x->deadline = se->deadline;
    x->vruntime = se->vruntime;
    tree_insert(&q.tree, x);
    q.key += (se->vruntime - q.zero) * (int64_t)se->weight;
    q.weight += se->weight;
}

static inline void
queue_remove(struct sched_entity *se)
{
    tree_remove(&q.tree, &nodes[se - entities]);
    q.key -= (se->vruntime - q.zero) * (int64_t)se->weight;
    q.weight -= se->weight;
}

static inline bool
queue_eligible(const void *arg, int64_t vruntime)
{
    (void)arg;
    return q.key >= (vruntime - q.zero) * q.weight;
}

static inline struct sched_entity *
queue_pick(void)
{
    struct sched_entity *se = &entities[tree_pick(&q.tree, queue_eligible, NULL) - nodes];

    if ((++q.ops & 255) == 0) { /* or keys would outgrow their type */
        int64_t by = q.tree.root->least - q.zero;
        q.zero += by;
        q.key -= by * q.weight;
    }
    return se;
}

static inline int64_t
queue_average(void)
{
    if (q.weight == 0)
        return q.zero;
    int64_t quotient = q.key / q.weight;
    return q.zero + quotient - (q.key % q.weight < 0);
}

#else
static struct cfs_rq cfs;
static struct arena *arena;

static inline void
queue_init(void)
{
    arena = arena_new();
    cfs_rq_init(&cfs, arena);
}

static inline void
queue_insert(struct sched_entity *se)
{
    cfs_rq_insert(&cfs, arena, se);
}

static inline void
queue_remove(struct sched_entity *se)
{
    cfs_rq_remove(&cfs, se);
}

static inline struct sched_entity *
queue_pick(void)
{
    return pick_eevdf(&cfs, false);
}

static inline int64_t
queue_average(void)
{
    return avg_vruntime(&cfs);
}
#endif

static int64_t
vtime(const struct sched_entity *se, u64 ns)
{
    return (int64_t)calc_delta_fair(ns, se->inv_weight);
}

static u64
operations(u32 nr, u64 hash)
{
    while (nr-- > 0) {
        struct sched_entity *se = queue_pick();
        u64 r = rng(), ran = 200000 + ((r >> 32) * 2800000 >> 32);

        hash = (hash ^ (u64)(se - entities)) * 0x9e3779b97f4a7c15u;
        queue_remove(se);
        se->vruntime += vtime(se, ran);
        if ((r & 3) == 0) {
            u32 *sleeper = &sleepers[r >> 2 & (NR_SLEEPERS - 1)], woken = *sleeper;
            *sleeper = (u32)(se - entities);
            se = &entities[woken];
            se->vruntime = queue_average();
            se->deadline = se->vruntime + vtime(se, SLICE);
        } else if (se->vruntime >= se->deadline) {
            se->deadline = se->vruntime + vtime(se, SLICE);
        }
        queue_insert(se);
    }
    return hash;
}

static void
fill(u32 n)
{
    static const int nice[8] = { 0, 0, 0, 0, 1, -1, 5, -5 };

    rng_seed(42);
    queue_init();
    for (u32 i = 0; i < n + NR_SLEEPERS; i++) {
        struct sched_entity *se = &entities[i];
        int of = nice[rng() & 7];
        se->weight = nice_weight(of);
        se->inv_weight = nice_inv_weight(of);
        se->vruntime = (int64_t)(rng() % 1000000);
        se->deadline = se->vruntime + vtime(se, SLICE);
        if (i < n)
            queue_insert(se);
        else
            sleepers[i - n] = i;
    }
}

int
main(int argc, char **argv)
{
    u32 n = argc > 1 ? (u32)atoi(argv[1]) : 16;
    int windows = argc > 2 ? atoi(argv[2]) : 20;
    const u32 nr = 20000;
    double best = 1e99;

    if (n < 1 || n > MAX_N)
        return 2;
    fill(n);
    u64 hash = operations(200000, 0);
    for (int i = 0; i < windows; i++) {
        double t0 = cpu_s();
        hash = operations(nr, hash);
        double ns = (cpu_s() - t0) / nr * 1e9;
        best = ns < best ? ns : best;
    }
    printf("%u %.2f %016llx\n", n, best, (unsigned long long)hash);
    return 0;
}
