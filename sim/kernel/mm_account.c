/*
 * The books of a burst: accesses, stalls and bytes of a stretch of work.
 *
 * All divisions of misses (among uses, among nodes, into write-backs) carry what is left over, so
 * sums are exact, however often a burst is settled. What was not work of an elapsed stretch was
 * stall; local and remote memory share it by their part of the latency that an access meets.
 */
#include "kernel/caches_impl.h"
#include "kernel/filemap.h"
#include "kernel/region.h"

__extension__ typedef unsigned __int128 u128;

struct account {
    int cpu_node;
    uint64_t local, remote;            /* misses */
    uint64_t local_weight, all_weight; /* of the latency of an average access */
    u128 latency_ps;                   /* over all misses */
};

static void
account_bytes(struct kernel *k, struct task *p, const struct account *acc, int node,
              uint64_t misses)
{
    struct task_mem *mem = p->mem;
    uint64_t written = misses * mem->profile->write_q8 + mem->written;
    uint32_t line = k->mm->line_bytes;

    mem->written = written & 255;
    mm_served(k, node, misses * line, (written >> 8) * line);
    if (node == acc->cpu_node) {
        mm_traffic(k, node, node, (misses + (written >> 8)) * line);
        return;
    }
    mm_traffic(k, node, acc->cpu_node, misses * line);
    if (written >= 256)
        mm_traffic(k, acc->cpu_node, node, (written >> 8) * line);
    p->process->stats.remote_bytes += (misses + (written >> 8)) * line;
}

/* `misses` of node `n`, which has `share` of the mix. */
static void
account_node(struct kernel *k, struct task *p, struct account *acc, int n, uint32_t share,
             uint64_t misses)
{
    uint64_t ps = k->memory->latency_ps(k, acc->cpu_node, n);
    bool local = n == acc->cpu_node;

    acc->all_weight += share * ps;
    acc->local_weight += local ? share * ps : 0;
    if (misses == 0)
        return;
    *(local ? &acc->local : &acc->remote) += misses;
    acc->latency_ps += (u128)misses * ps;
    account_bytes(k, p, acc, n, misses);
}

/* The misses are points at equal distances along the shares, laid one after the other, and a node
 * gets those that lie on its share: the parts add up to the whole, and none is negative. Where the
 * first point lies goes on by the golden ratio with each miss, so that small shares get theirs over
 * time, also of stretches of one miss. */
static void
account_misses(struct kernel *k, struct task *p, struct account *acc, uint64_t misses)
{
    enum { GOLDEN_Q16 = 40503 };
    struct task_mem *mem = p->mem;
    uint64_t first = mem->misses * GOLDEN_Q16 & 65535, upto = 0, before = 0;

    mem->misses += misses;
    if (likely(mem_mix_single(&mem->mix))) {
        account_node(k, p, acc, __builtin_ctzll(mem->mix.nodes), MIX_ALL, misses);
        return;
    }
    for_each_node (n, mem->mix.nodes) {
        upto += mem->mix.share_q16[n];
        uint64_t sum = (misses * upto + 65535 - first) >> 16;

        account_node(k, p, acc, n, mem->mix.share_q16[n], sum - before);
        before = sum;
    }
    sim_assert(before == misses);
}

static void
account_task(struct task *p, const struct account *acc, uint64_t stall)
{
    uint64_t local = stall;

    if (acc->local_weight != acc->all_weight)
        local = mul_div_u64(stall, acc->local_weight, acc->all_weight);

    p->stats.stall_local_ns += local;
    p->stats.stall_remote_ns += stall - local;
    p->stats.accesses_local += acc->local;
    p->stats.accesses_remote += acc->remote;
    p->stats.latency_ps += acc->latency_ps;
}

/* Of so many references. */
static uint64_t
misses_of(struct kernel *k, const struct rq *rq, struct task_mem *mem, uint64_t refs)
{
    uint64_t misses = refs;

    if (unlikely(mem->miss_q16 != MIX_ALL)) {
        uint64_t q16 = refs * mem->miss_q16 + mem->carry_q16;

        misses = q16 >> 16;
        mem->carry_q16 = q16 & 65535;
    }
    if (unlikely(k->caches_on))
        caches_filled(k, rq->cpu, refs, misses);
    return misses;
}

void
mm_account_lines(struct kernel *k, struct rq *rq, struct task *p, uint64_t lines, uint64_t ns)
{
    struct account acc = { .cpu_node = rq->node };

    mm_mix(k, p);
    account_misses(k, p, &acc, lines);
    account_task(p, &acc, ns);
}

void
mm_account(struct kernel *k, struct rq *rq, struct task *p, uint64_t work, sim_time elapsed)
{
    struct task_mem *mem = p->mem;
    struct account acc = { .cpu_node = rq->node };

    if (mem->mix_node != rq->node)
        mem_mix_make(k, p, rq->node);
    u128 sum = (u128)work * mem->profile->misses_q20 + mem->fraction;
    uint64_t refs = (uint64_t)(sum >> MISS_SHIFT), in_caches = 0;
    mem->fraction = (uint64_t)sum & ((1u << MISS_SHIFT) - 1);
    mem_walk(mem, refs);
    account_misses(k, p, &acc, misses_of(k, rq, mem, refs));
    uint64_t stall = elapsed > work ? elapsed - work : 0;
    if (unlikely(k->caches_on))
        stall = caches_stall(k, rq, work, elapsed, &in_caches);
    account_task(p, &acc, stall);
    if (unlikely(mem->writes_file))
        file_write_goes_on(k, mem);
    p->stats.stall_local_ns += in_caches;
    if (mem_mix_stale(p, rq->node))
        mem_mix_make(k, p, rq->node);
}
