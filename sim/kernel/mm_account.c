/*
 * The books of a burst: how far walks get, accesses, stalls and bytes of a stretch of work.
 *
 * All divisions of misses (among uses, among nodes, into write-backs) carry what is left over, so
 * sums are exact, however often a burst is settled. What was not work of an elapsed stretch was
 * stall; local and remote memory share it by their part of the latency that an access meets.
 */
#include "kernel/caches_impl.h"
#include "kernel/filemap.h"
#include "kernel/mm_draw.h"
#include "kernel/region.h"

__extension__ typedef unsigned __int128 u128;

enum { LINE = 64 };

/* ---- walks and draws go on ---- */

/* Where a walk that leaves pages out is after so many misses: rounds begin a line later each. */
static uint64_t
strided_page(const struct mem_use *u, uint64_t misses)
{
    uint64_t round = div_round_up_u64(u->nr_pages, u->jump);
    uint64_t shift = misses / round / (PAGE_4K / LINE) % u->jump;

    return u->first + SIM_MIN(shift + misses % round * u->jump, u->nr_pages - 1);
}

static void
walk_advance(struct mem_use *u, uint64_t misses)
{
    uint64_t lines = u->lines + misses;

    if (lines < u->step || u->nr_pages == 0) {
        u->lines = lines;
        return;
    }
    uint64_t pages = u->step == 1 ? lines : lines / u->step; /* the usual step needs no division */
    uint64_t at = u->page - u->first + pages;
    u->lines = lines - pages * u->step;
    u->page = u->first + (at < u->nr_pages ? at : at % u->nr_pages);
}

static void
use_advance(struct task_mem *mem, struct mem_use *u, uint64_t misses)
{
    *u->visits += misses * u->visit;
    if (use_draws(u)) {
        use_draw_advance(mem, u, misses);
        return;
    }
    if (likely(u->jump == 1)) {
        walk_advance(u, misses);
        return;
    }
    if (u->nr_pages == 0)
        return;
    u->lines += misses;
    u->page = strided_page(u, u->lines);
}

/* Moves the walks and draws of a burst on by so many misses. */
static void
mem_walk(struct task_mem *mem, uint64_t misses)
{
    if (mem->nr_uses == 1) {
        use_advance(mem, &mem->uses[0], misses);
        return;
    }
    for (uint32_t i = 0; i < mem->nr_uses; i++) {
        struct mem_use *u = &mem->uses[i];
        uint64_t shares = u->carry + misses * u->weight;

        u->carry = shares % mem->total_weight;
        use_advance(mem, u, shares / mem->total_weight);
    }
}

/* ---- what came from where ---- */

struct account {
    int cpu_node;
    uint64_t local, remote;            /* misses */
    uint64_t local_weight, all_weight; /* of the latency of an average access */
    u128 latency_ps;                   /* over all misses */
};

/* Of an access by this burst. */
static inline uint64_t
latency_met(const struct kernel *k, const struct task_mem *mem, int cpu_node, int node)
{
    return k->memory->latency_ps(k, cpu_node, node, mem->profile->write_q8 > 0);
}

static inline void
account_bytes(struct kernel *k, struct task *p, int cpu_node, int node, uint64_t misses)
{
    struct task_mem *mem = p->mem;
    uint64_t q8 = misses * mem->profile->write_q8 + mem->written;
    uint32_t line = k->mm->line_bytes;
    uint64_t read = misses * line, written = (q8 >> 8) * line;

    mem->written = q8 & 255;
    mm_served(k, node, read, written);
    if (likely(node == cpu_node)) {
        k->traffic[(uint32_t)node * (k->machine->nr_nodes + 1)] += read + written;
        return;
    }
    mm_traffic(k, node, cpu_node, read);
    if (written > 0)
        mm_traffic(k, cpu_node, node, written);
    p->process->stats.remote_bytes += read + written;
}

/* `misses` of node `n`, which has `share` of the mix. */
static void
account_node(struct kernel *k, struct task *p, struct account *acc, int n, uint32_t share,
             uint64_t misses)
{
    uint64_t ps = latency_met(k, p->mem, acc->cpu_node, n);
    bool local = n == acc->cpu_node;

    acc->all_weight += share * ps;
    acc->local_weight += local ? share * ps : 0;
    if (misses == 0)
        return;
    *(local ? &acc->local : &acc->remote) += misses;
    acc->latency_ps += (u128)misses * ps;
    account_bytes(k, p, acc->cpu_node, n, misses);
}

/* The misses are points at equal distances along the shares, laid one after the other, and a node
 * gets those that lie on its share: the parts add up to the whole, and none is negative. Where the
 * first point lies goes on by the golden ratio with each miss, so that small shares get theirs over
 * time, also of stretches of one miss. */
static void
account_nodes(struct kernel *k, struct task *p, struct account *acc, uint64_t misses)
{
    enum { GOLDEN_Q16 = 40503 };
    const struct mem_mix *mix = &p->mem->mix;
    uint64_t first = p->mem->misses * GOLDEN_Q16 & 65535, upto = 0, before = 0;

    for_each_node (n, mix->nodes) {
        upto += mix->share_q16[n];
        uint64_t sum = (misses * upto + 65535 - first) >> 16;

        account_node(k, p, acc, n, mix->share_q16[n], sum - before);
        before = sum;
    }
    sim_assert(before == misses);
}

static __attribute__((noinline)) void
account_spread(struct kernel *k, struct task *p, int cpu_node, uint64_t misses, uint64_t stall)
{
    struct account acc = { .cpu_node = cpu_node };
    uint64_t local = stall;

    account_nodes(k, p, &acc, misses);
    if (acc.local_weight != acc.all_weight)
        local = mul_div_u64(stall, acc.local_weight, acc.all_weight);
    p->stats.stall_local_ns += local;
    p->stats.stall_remote_ns += stall - local;
    p->stats.accesses_local += acc.local;
    p->stats.accesses_remote += acc.remote;
    p->stats.latency_ps += acc.latency_ps;
}

/* All from one node, which is the usual case: nothing is to be divided. */
static inline void
account_single(struct kernel *k, struct task *p, int cpu_node, int node, uint64_t misses,
               uint64_t stall)
{
    uint64_t ps = latency_met(k, p->mem, cpu_node, node);
    bool local = node == cpu_node;

    if (likely(local)) {
        p->stats.stall_local_ns += stall;
        p->stats.accesses_local += misses;
    } else {
        *(ps == 0 ? &p->stats.stall_local_ns : &p->stats.stall_remote_ns) += stall;
        p->stats.accesses_remote += misses;
    }
    p->stats.latency_ps += (u128)misses * ps;
    account_bytes(k, p, cpu_node, node, misses);
}

static inline void
account(struct kernel *k, struct task *p, int cpu_node, uint64_t misses, uint64_t stall)
{
    struct task_mem *mem = p->mem;

    if (likely(mem_mix_single(&mem->mix)))
        account_single(k, p, cpu_node, __builtin_ctzll(mem->mix.nodes), misses, stall);
    else
        account_spread(k, p, cpu_node, misses, stall);
    mem->misses += misses;
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
    mm_mix(k, p);
    account(k, p, rq->node, lines, ns);
}

void
mm_account(struct kernel *k, struct rq *rq, struct task *p, uint64_t work, sim_time elapsed)
{
    struct task_mem *mem = p->mem;

    if (unlikely(mem->mix_node != rq->node))
        mem_mix_make(k, p, rq->node);
    u128 sum = (u128)work * mem->profile->misses_q20 + mem->fraction;
    uint64_t refs = (uint64_t)(sum >> MISS_SHIFT), stall = elapsed > work ? elapsed - work : 0;
    mem->fraction = (uint64_t)sum & ((1u << MISS_SHIFT) - 1);
    mem_walk(mem, refs);
    uint64_t misses = misses_of(k, rq, mem, refs);
    if (unlikely(k->caches_on)) {
        uint64_t in_caches;

        stall = caches_stall(k, rq, work, elapsed, &in_caches);
        p->stats.stall_local_ns += in_caches;
    }
    account(k, p, rq->node, misses, stall);
    if (unlikely(mem->writes_file))
        file_write_goes_on(k, mem);
    if (unlikely(mem_mix_stale(p, rq->node)))
        mem_mix_make(k, p, rq->node);
}
