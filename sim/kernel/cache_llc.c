/*
 * What runs on a last-level cache, as rows of the equations that divide it (cache_share.c), and
 * what follows for each CPU.
 */
#include "kernel/caches_impl.h"

#include "kernel/memory_model.h"

/* Latency of the burst's misses without load, ns. */
static double
idle_latency(struct kernel *k, struct rq *rq)
{
    const struct mem_mix *mix = mm_mix(k, rq->curr);
    double ps = 0;

    for_each_node (n, mix->nodes)
        ps += mix->share_q16[n] / 65536.0 *
              machine_latency_ps(k->machine, (uint32_t)rq->node, (uint32_t)n);
    return ps / 1000;
}

static struct cache_user
user_of(struct kernel *k, struct rq *rq)
{
    const struct caches *c = k->caches;
    const struct cache_cpu *cc = &c->cpus[rq->cpu];
    const struct burst_profile *p = rq->curr->profile;
    struct cache_levels l = cache_levels_of(k, rq->cpu, p, 1);
    double mlp = cache_mlp_left(k, rq->cpu) / 256.0;

    return (struct cache_user){
        .reuse = p->reuse,
        .region = p->nr_uses > 0 ? p->uses[0].region : NULL,
        .slice = p->nr_uses > 0 ? p->uses[0].slice : 0,
        .nr = 1,
        .refs = l.refs,
        .cpu = cc->base + l.refs * l.l2 * c->l2_ns / mlp,
        .hit = c->llc_ns / mlp,
        .miss = idle_latency(k, rq) / mlp,
        .before = l.miss,
    };
}

static bool
alike(const struct cache_user *a, const struct cache_user *b)
{
    return a->reuse == b->reuse && a->region == b->region && a->slice == b->slice &&
           a->refs == b->refs && a->cpu == b->cpu && a->hit == b->hit && a->miss == b->miss &&
           a->before == b->before;
}

/* Rows of the equations for what runs on the LLC. */
static uint32_t
find_users(struct kernel *k, const struct cache_group *llc)
{
    struct caches *c = k->caches;
    uint32_t nr = 0;

    for (uint32_t i = 0; i < llc->nr; i++) {
        uint32_t cpu = llc->cpus[i], j = 0;

        if (c->cpus[cpu].mlp_q8 == 0)
            continue;
        struct cache_user u = user_of(k, &k->rqs[cpu]);
        while (j < nr && !alike(&c->users[j], &u))
            j++;
        if (j == nr)
            c->users[nr++] = u;
        else
            c->users[j].nr++;
        c->user_of[cpu] = j;
    }
    return nr;
}

void
cache_llc_resolve(struct kernel *k, const struct cache_group *llc)
{
    struct caches *c = k->caches;
    uint32_t nr = find_users(k, llc);

    cache_share(c->users, nr, (double)llc->bytes, k->params.cache.llc_sharing);
    for (uint32_t i = 0; i < llc->nr; i++) {
        uint32_t cpu = llc->cpus[i];
        struct rq *rq = &k->rqs[cpu];

        if (c->cpus[cpu].mlp_q8 == 0)
            continue;
        const struct cache_user *u = &c->users[c->user_of[cpu]];

        cache_cpu_apply(k, rq, u->ratio, false);
        if (!c->cpus[cpu].has_set)
            continue;
        rq->curr->mem->warm.bytes = (uint64_t)u->bytes;
        if (rq->curr->mem->warm.arrived)
            caches_arrive(k, rq, rq->curr, c->users[u->set].heads == 1);
    }
}
