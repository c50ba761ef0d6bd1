/*
 * What a task pays to get its data into another cache: one stretch of stall before its work goes
 * on.
 *
 * A task with a working set that comes to a CPU finds missing there
 *
 *   of another core      what the L2 holds of its set: lines from the last-level cache
 *   of another LLC       what its share of the last-level cache holds: lines from memory; none of
 *                        them if somebody with the same set runs there already
 *   where it was before  of the L2 as many lines as have come through it since, and of its part of
 *                        the last-level cache the part of that cache that was filled since
 *
 * Each line takes the latency under the present load, as many at once as the burst has misses in
 * flight. A task without a working set has nothing to lose.
 *
 * A word that tasks of several cores write, as that of a lock, comes from the core that wrote it
 * last. Model assumption: waiting for a word loads neither links nor controllers; the bytes of a
 * message that comes with it count as traffic between nodes, and are fetched TRANSFERS_AT_ONCE
 * lines at a time.
 */
#include "kernel/caches_impl.h"

#include "kernel/burst.h"

enum { TRANSFERS_AT_ONCE = 8 };

void
caches_leave(struct kernel *k, struct rq *rq, struct task *p)
{
    struct caches *c = k->caches;
    struct warmth *w = &p->mem->warm;
    const struct cache_cpu *cc = &c->cpus[rq->cpu];

    if (!w->running)
        return;
    w->running = w->arrived = false;
    w->known = true;
    w->cpu = rq->cpu;
    w->l2_fills = c->l2s[cc->l2].fills;
    w->llc_fills = c->llcs[cc->llc].fills;
}

/* Latency of an average miss of the mix, ns. */
static double
present_latency(struct kernel *k, const struct rq *rq, const struct mem_mix *mix)
{
    double ps = 0;

    for_each_node (n, mix->nodes)
        ps += mix->share_q16[n] / 65536.0 * (double)k->memory->latency_ps(k, rq->node, n, false);
    return ps / 1000;
}

/* Lines that its L2, and its part of the LLC, have lost. */
struct lost {
    double l2, llc;
};

static struct lost
lost_lines(const struct kernel *k, int cpu, const struct task *p, bool alone)
{
    const struct caches *c = k->caches;
    const struct warmth *w = &p->mem->warm;
    const struct cache_cpu *to = &c->cpus[cpu], *from = &c->cpus[w->cpu];
    double line = k->mm->line_bytes, set = (double)reuse_bytes(p->profile->reuse);
    double in_llc = SIM_MIN((double)w->bytes, set) / line;
    double in_l2 = SIM_MIN((double)c->l2_bytes, set) / line;
    struct lost lost = { .l2 = in_l2, .llc = alone ? in_llc : 0 };

    if (to->llc == from->llc) {
        const struct cache_group *llc = &c->llcs[to->llc];
        double part = (double)(llc->fills - w->llc_fills) * line / (double)llc->bytes;

        lost.llc *= SIM_MIN(part, 1.0);
    }
    if (to->l2 == from->l2) {
        double since = (double)(c->l2s[to->l2].fills - w->l2_fills);

        lost.l2 = SIM_MIN(in_l2, since);
    }
    lost.l2 = SIM_MAX(lost.l2 - lost.llc, 0.0); /* those come from memory through it */
    return lost;
}

void
caches_arrive(struct kernel *k, struct rq *rq, struct task *p, bool alone)
{
    struct task_mem *mem = p->mem;
    struct warmth *w = &mem->warm;
    double mlp = SIM_MAX(mem->mlp_q8, 1u) / 256.0;

    w->arrived = false;
    if (!w->known || !k->params.cache.cold)
        return;
    struct lost lost = lost_lines(k, rq->cpu, p, alone);
    uint64_t memory = (uint64_t)(lost.llc * present_latency(k, rq, mm_mix(k, p)) / mlp + 0.5);
    uint64_t cache = (uint64_t)(lost.l2 * k->caches->llc_ns / mlp + 0.5);

    mm_account_lines(k, rq, p, (uint64_t)(lost.llc + 0.5), memory);
    p->stats.stall_local_ns += cache;
    burst_owe(k, rq, memory + cache);
}

static void
fetch(struct kernel *k, struct task *p, const struct shared_word *w, uint64_t bytes)
{
    const struct machine *m = k->machine;
    int from = w->cpu - 1, to = p->cpu;
    uint64_t lines = div_round_up_u64(bytes, k->mm->line_bytes);

    if (from < 0 || from == to || !k->params.cache.transfers)
        return;
    uint64_t ps = machine_transfer_ps(m, (uint32_t)from, (uint32_t)to);
    uint64_t ns = (ps + lines * ps / TRANSFERS_AT_ONCE + 500) / 1000;
    int from_node = m->cpus[from].node, to_node = m->cpus[to].node;

    if (from_node != to_node) {
        p->stats.stall_remote_ns += ns;
        if (bytes > 0) {
            mm_traffic(k, from_node, to_node, bytes);
            p->process->stats.remote_bytes += bytes;
        }
    } else {
        p->stats.stall_local_ns += ns;
    }
    p->debt_ns += ns;
}

void
caches_take(struct kernel *k, struct task *p, struct shared_word *w, uint64_t bytes)
{
    fetch(k, p, w, bytes);
    w->cpu = p->cpu + 1;
}

void
caches_read(struct kernel *k, struct task *p, const struct shared_word *w, uint64_t bytes)
{
    fetch(k, p, w, bytes);
}
