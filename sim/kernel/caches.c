/*
 * Speeds and misses of what runs, kept as it changes.
 *
 * Two kinds of change reach over to other CPUs: a thread of a core starts or stops, and somebody
 * with a working set comes to a last-level cache or leaves it. Both only mark the core or the
 * cache; at the end of the instant, when all is known, the marked ones are looked at, each once,
 * and the memory model is told of the CPUs for which something is different. A core has few
 * threads. A last-level cache is looked at only while some burst on it has a working set: then all
 * its CPUs are, and those that do alike are one row (cache_share.c).
 *
 * A burst without a working set misses as often as its profile says, whatever the cache; beside
 * others that have one its lines take room.
 *
 * Threads of a core share its misses in flight: if together they want more than it has, each gets
 * its part.
 *
 * Model assumptions. A cache's contents follow at once when others come or go. The L1 and L2 are
 * divided evenly among the threads of a core that run, whatever these do. Hits of a burst without a
 * working set belong to its work. Latencies that decide on shares are those without load.
 */
#include "kernel/caches_impl.h"

#include "kernel/burst.h"

static bool
cpu_uses_memory(const struct rq *rq)
{
    const struct task *p = rq->curr;

    return p != NULL && p->in_burst && p->profile != NULL && p->profile->misses_q20 > 0;
}

static void
set_mlp(struct caches *c, int cpu, const struct burst_profile *profile)
{
    struct cache_cpu *cc = &c->cpus[cpu];
    uint32_t mlp = profile != NULL ? SIM_MAX(profile->mlp_q8, 1u) : 0;

    c->cores[cc->core].mlp_q8 += mlp - cc->mlp_q8;
    cc->mlp_q8 = mlp;
}

/* Nobody has asked until now. */
static void
caches_begin(struct kernel *k)
{
    for_each_cpu (cpu, k->machine->online)
        if (!k->caches_on && cpu_uses_memory(&k->rqs[cpu]))
            set_mlp(k->caches, cpu, k->rqs[cpu].curr->profile);
    k->caches_on = true;
}

void
caches_lines_begin(struct kernel *k)
{
    caches_begin(k);
    k->caches->lines = true;
}

static void
sets_begin(struct kernel *k)
{
    const struct machine_cache *mc = &k->machine->cache;

    caches_begin(k);
    k->caches->sets = true;
    if (mc->l1d_bytes == 0 || mc->l2_bytes == 0 || mc->llc_bytes == 0)
        kernel_note(k, "assumed: caches whose size the machine does not give have 32 KiB (L1), "
                       "1 MiB (L2), 2 MiB a core (last-level cache)");
}

void
caches_set_begin(struct kernel *k, struct task *p, const struct burst_profile *profile)
{
    struct warmth *w = &p->mem->warm;
    const struct region *region = profile->nr_uses > 0 ? profile->uses[0].region : NULL;
    uint32_t slice = profile->nr_uses > 0 ? profile->uses[0].slice : 0;

    if (!k->caches->sets)
        sets_begin(k);
    if (w->running && (w->region != region || w->slice != slice))
        w->known = false;
    w->region = region;
    w->slice = slice;
}

/* ---- what is to be looked at ---- */

static void
look_again(struct kernel *k)
{
    if (!k->caches->resolving)
        rates_dirty(k);
}

static void
core_dirty(struct kernel *k, uint32_t core)
{
    struct caches *c = k->caches;

    if (c->cores[core].dirty)
        return;
    c->cores[core].dirty = true;
    c->dirty_cores[c->nr_dirty_cores++] = core;
    look_again(k);
}

void
caches_llc_dirty(struct kernel *k, uint32_t llc)
{
    struct caches *c = k->caches;

    if (c->llcs[llc].dirty)
        return;
    c->llcs[llc].dirty = true;
    c->dirty_llcs[c->nr_dirty_llcs++] = llc;
    look_again(k);
}

void
caches_cpu_busy(struct kernel *k, struct rq *rq)
{
    if (k->caches->siblings)
        core_dirty(k, k->caches->cpus[rq->cpu].core);
}

/* ---- speeds of cores ---- */

/* At least one, for whoever asks is or was busy. */
static uint32_t
busy_threads(const struct kernel *k, const struct cache_group *core)
{
    uint32_t nr = 0;

    for (uint32_t i = 0; k->caches->siblings && i < core->nr; i++)
        nr += k->rqs[core->cpus[i]].curr != NULL;
    return SIM_MAX(nr, 1u);
}

/* s for two, s^2 for four, and straight lines between. */
static double
sibling_speed(double s, uint32_t busy)
{
    double speed = 1;
    uint32_t n = 1;

    for (; 2 * n <= busy; n *= 2)
        speed *= s;
    return speed + (speed * s - speed) * (busy - n) / n;
}

uint32_t
cache_mlp_left(const struct kernel *k, int cpu)
{
    const struct caches *c = k->caches;
    const struct cache_group *core = &c->cores[c->cpus[cpu].core];
    uint32_t own = c->cpus[cpu].mlp_q8, most = k->params.cache.misses_in_flight * 256;

    if (core->mlp_q8 <= most || core->mlp_q8 == own)
        return own;
    for (uint32_t i = 0; i < core->nr; i++)
        most = SIM_MAX(most, c->cpus[core->cpus[i]].mlp_q8);
    return (uint32_t)SIM_MAX((uint64_t)own * most / SIM_MAX(core->mlp_q8, most), (uint64_t)1);
}

/* ---- one CPU ---- */

struct cache_levels
cache_levels_of(const struct kernel *k, int cpu, const struct burst_profile *p, double miss)
{
    const struct caches *c = k->caches;
    uint32_t busy = busy_threads(k, &c->cores[c->cpus[cpu].core]);
    struct cache_levels l = { .refs = (double)p->misses_q20 / (1 << 20), .miss = miss };
    double slope, past_l2 = 1;

    if (p->reuse == NULL)
        return l;
    if (p->reuse->all_levels) {
        past_l2 = reuse_miss(p->reuse, (double)c->l2_bytes / busy, &slope);
        l.l2 = reuse_miss(p->reuse, (double)c->l1_bytes / busy, &slope) - past_l2;
    }
    l.miss = SIM_MIN(miss, past_l2);
    l.llc = past_l2 - l.miss;
    return l;
}

static uint32_t
scaled_miss(const struct rq *rq, uint32_t miss_q16)
{
    return (uint32_t)(((uint64_t)miss_q16 * rq->speed + RATE_FULL / 2) >> RATE_SHIFT);
}

void
caches_mix(const struct kernel *k, const struct task *p, struct mem_mix *mix)
{
    mix->miss_q16 = scaled_miss(&k->rqs[p->cpu], p->mem->miss_q16);
    mix->mlp_q8 = p->mem->mlp_q8;
}

/* The burst on the CPU goes on at this speed, with this part of its references missing. `told`: the
 * memory model is about to hear of it anyway. */
static void
cpu_set(struct kernel *k, struct rq *rq, uint32_t speed, uint32_t miss_q16, uint32_t mlp_q8,
        bool told)
{
    struct task_mem *mem = k->caches->cpus[rq->cpu].mlp_q8 > 0 ? rq->curr->mem : NULL;

    if (rq->speed != speed || (mem != NULL && mem->miss_q16 != miss_q16))
        burst_settle(k, rq);
    if (mem == NULL) {
        burst_set_speed(k, rq, speed);
        return;
    }
    rq->speed = speed;
    mem->miss_q16 = miss_q16;
    mem->mlp_q8 = mlp_q8;
    if (mem->mix.miss_q16 == scaled_miss(rq, miss_q16) && mem->mix.mlp_q8 == mlp_q8)
        return;
    caches_mix(k, rq->curr, &mem->mix);
    mem->mix.serial = 0;
    if (told)
        return;
    k->memory->pages_changed(k, rq->cpu);
    look_again(k);
}

void
cache_cpu_apply(struct kernel *k, struct rq *rq, double miss, bool told)
{
    const struct caches *c = k->caches;
    const struct cache_cpu *cc = &c->cpus[rq->cpu];
    double cpu = cc->base;
    uint32_t miss_q16 = MIX_ALL, mlp_q8 = 0;

    if (cc->mlp_q8 > 0) {
        struct cache_levels l = cache_levels_of(k, rq->cpu, rq->curr->profile, miss);

        mlp_q8 = cache_mlp_left(k, rq->cpu);
        cpu += (l.refs * (l.l2 * c->l2_ns + l.llc * c->llc_ns) + caches_shared_ns(k, rq)) /
               (mlp_q8 / 256.0);
        miss_q16 = (uint32_t)(l.miss * MIX_ALL + 0.5);
    }
    cpu_set(k, rq, (uint32_t)SIM_MAX(RATE_FULL / cpu + 0.5, 1.0), miss_q16, mlp_q8, told);
}

/* Its CPU part has changed with its core; its misses follow when its cache is looked at. */
static void
cpu_look(struct kernel *k, int cpu)
{
    struct rq *rq = &k->rqs[cpu];
    struct caches *c = k->caches;
    struct cache_cpu *cc = &c->cpus[cpu];
    const struct machine_cpu *mc = &k->machine->cpus[cpu];
    uint32_t busy = busy_threads(k, &c->cores[cc->core]);
    double speed = sibling_speed(k->params.cache.smt_speed_ppm / 1e6, busy);

    cc->base = 1024.0 / mc->capacity / speed;
    if (c->llcs[cc->llc].nr_sets > 0)
        caches_llc_dirty(k, cc->llc);
    cache_cpu_apply(k, rq, cc->has_set ? rq->curr->mem->miss_q16 / 65536.0 : 1, false);
}

static void
look_at_task(struct kernel *k, struct task *p)
{
    cpu_look(k, p->cpu);
}

bool
caches_run_changed(struct kernel *k, struct rq *rq, bool uses)
{
    struct caches *c = k->caches;
    struct cache_cpu *cc = &c->cpus[rq->cpu];
    struct cache_group *core = &c->cores[cc->core], *llc = &c->llcs[cc->llc];
    const struct burst_profile *profile = uses ? rq->curr->profile : NULL;
    bool has_set = uses && profile->reuse != NULL, was = llc->nr_sets > 0 && cc->mlp_q8 > 0;
    uint32_t before = core->mlp_q8;

    set_mlp(c, rq->cpu, profile);
    if (unlikely(c->lines))
        caches_share_lines(k, rq, uses && profile->shares ? profile : NULL);
    if (c->siblings && before != core->mlp_q8 &&
        SIM_MAX(before, core->mlp_q8) > 256 * k->params.cache.misses_in_flight)
        core_dirty(k, cc->core);
    llc->nr_sets += (uint32_t)has_set - (uint32_t)cc->has_set;
    cc->has_set = has_set;
    if (was || (uses && llc->nr_sets > 0))
        caches_llc_dirty(k, cc->llc);
    if (has_set && !rq->curr->mem->warm.running) {
        rq->curr->mem->warm.running = true;
        rq->curr->mem->warm.arrived = true;
    }
    if (rq->curr != NULL)
        cache_cpu_apply(k, rq, has_set ? rq->curr->mem->miss_q16 / 65536.0 : 1, true);
    if (unlikely(c->changed != NULL) && cc->shares != NULL)
        core_dirty(k, cc->core); /* it is not among the users of its memory yet */
    else if (unlikely(c->changed != NULL))
        look_again(k);
    return llc->dirty || core->dirty;
}

void
caches_resolve(struct kernel *k)
{
    struct caches *c = k->caches;

    c->resolving = true;
    for (uint32_t i = 0; i < c->nr_dirty_cores; i++) {
        struct cache_group *core = &c->cores[c->dirty_cores[i]];

        core->dirty = false;
        for (uint32_t j = 0; j < core->nr; j++)
            cpu_look(k, (int)core->cpus[j]);
    }
    c->nr_dirty_cores = 0;
    caches_sharers_resolve(k, look_at_task);
    for (uint32_t i = 0; i < c->nr_dirty_llcs; i++) {
        struct cache_group *llc = &c->llcs[c->dirty_llcs[i]];

        llc->dirty = false;
        cache_llc_resolve(k, llc);
    }
    c->nr_dirty_llcs = 0;
    c->resolving = false;
}

/* ---- books ---- */

void
caches_filled(struct kernel *k, int cpu, uint64_t refs, uint64_t misses)
{
    struct caches *c = k->caches;

    c->l2s[c->cpus[cpu].l2].fills += refs;
    c->llcs[c->cpus[cpu].llc].fills += misses;
}

uint64_t
caches_stall(const struct kernel *k, const struct rq *rq, uint64_t work, sim_time elapsed,
             uint64_t *cache)
{
    uint64_t base = (uint64_t)((double)work * k->caches->cpus[rq->cpu].base);
    uint64_t cpu = mul_div_u64(work, RATE_FULL, rq->speed);

    *cache = cpu > base ? SIM_MIN(cpu, SIM_MAX(elapsed, base)) - base : 0;
    return elapsed > cpu ? elapsed - cpu : 0;
}
