/*
 * Lines that several cores write: true and false sharing, as a step says how much there is of it.
 *
 * A part of the references of a use goes to lines that another core has written last. Who that was
 * is any of the others that run and share the same slice, so such a reference takes the mean of the
 * lines' ways from their nodes. When somebody comes or goes, the others' means change: once at the
 * end of the instant. Nobody else there: such lines are in the own cache.
 *
 * Model assumptions. The way to another CPU of the own node is that within a last-level cache.
 * Lines on their way load no link, and count in no traffic.
 */
#include "kernel/caches_impl.h"

#include "kernel/region.h"

static struct region_group *
group_of(const struct burst_use *u)
{
    return &u->region->groups[region_group_index(u->region, u->slice)];
}

/* Has an earlier use the same lines? Who writes them in two ways is one writer. */
static bool
counted(const struct burst_profile *p, uint32_t use)
{
    for (uint32_t i = 0; i < use; i++)
        if (p->uses[i].shared_q16 > 0 && group_of(&p->uses[i]) == group_of(&p->uses[use]))
            return true;
    return false;
}

static void
count(struct kernel *k, const struct rq *rq, const struct burst_profile *p, uint32_t n)
{
    struct caches *c = k->caches;

    for (uint32_t i = 0; p != NULL && i < p->nr_uses; i++) {
        struct region_group *g = group_of(&p->uses[i]);
        struct sharers *s = g->sharers;

        if (p->uses[i].shared_q16 == 0 || counted(p, i))
            continue;
        if (s == NULL) {
            s = g->sharers = arena_new_object(k->arena, struct sharers);
            s->group = g;
            s->on_node = arena_new_array(k->arena, uint32_t, k->machine->nr_nodes);
        }
        s->nr += n;
        s->on_node[rq->node] += n;
        if (s->dirty)
            continue;
        s->dirty = true;
        s->next = c->changed;
        c->changed = s;
    }
}

void
caches_share_lines(struct kernel *k, struct rq *rq, const struct burst_profile *profile)
{
    struct cache_cpu *cc = &k->caches->cpus[rq->cpu];

    if (cc->shares == profile)
        return;
    count(k, rq, cc->shares, UINT32_MAX);
    count(k, rq, profile, 1);
    cc->shares = profile;
}

/* Mean way of a line from the others to the CPU, ns. */
static double
mean_way(const struct kernel *k, const struct rq *rq, const struct sharers *s)
{
    const struct machine *m = k->machine;
    double ps = 0;

    if (s == NULL || s->nr < 2)
        return 0;
    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        bool own = (int)n == rq->node;
        uint32_t others = s->on_node[n] - own;

        if (others == 0)
            continue;
        uint64_t way = own ? m->cache.transfer_llc_ps
                           : machine_transfer_ps(m, (uint32_t)cpumask_first(m->nodes[n].cpus),
                                                 (uint32_t)rq->cpu);
        ps += (double)others * (double)way;
    }
    return ps / (s->nr - 1) / 1000;
}

double
caches_shared_ns(const struct kernel *k, const struct rq *rq)
{
    const struct burst_profile *p = k->caches->cpus[rq->cpu].shares;
    double refs, sum = 0, weights = 0;

    if (p == NULL || !k->params.cache.transfers)
        return 0;
    refs = (double)p->misses_q20 / (1 << 20);
    for (uint32_t i = 0; i < p->nr_uses; i++) {
        const struct burst_use *u = &p->uses[i];

        weights += u->weight;
        if (u->shared_q16 > 0)
            sum += u->weight * (u->shared_q16 / 65536.0) * mean_way(k, rq, group_of(u)->sharers);
    }
    return weights > 0 ? refs * sum / weights : 0;
}

void
caches_sharers_resolve(struct kernel *k, void (*look)(struct kernel *k, struct task *p))
{
    for (struct sharers *s = k->caches->changed; s != NULL; s = s->next) {
        s->dirty = false;
        region_each_running(k, s->group, NULL, look);
    }
    k->caches->changed = NULL;
}
