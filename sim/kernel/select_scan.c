/*
 * Scans for an idle CPU (select_idle_cpu and what it calls).
 *
 * The kernel looks at one CPU after the other, from the one behind the target, wrapping around. We
 * have the idle CPUs as a mask and look at 64 at a time; where the kernel counts the CPUs that it
 * has looked at (SIS_UTIL), bits are counted. The answer is the same one: also the CPU that a
 * search for an idle core remembers depends on the order of the cores, and is found in that order
 * once no idle core was.
 */
#include "kernel/select.h"

/* Candidates: span and allowed, without `but` (NULL: all of them). */
struct scan {
    const struct kernel *k;
    const struct cpumask *span, *allowed, *but;
};

static inline uint64_t
scan_word(const struct scan *s, uint32_t word)
{
    return s->span->bits[word] & s->allowed->bits[word] &
           (s->but != NULL ? ~s->but->bits[word] : UINT64_MAX);
}

static inline bool
is_candidate(const struct scan *s, int cpu)
{
    return scan_word(s, (uint32_t)cpu >> 6) >> (cpu & 63) & 1;
}

/* Those among the CPUs of a word that idle or run only SCHED_IDLE work. */
static uint64_t
idle_among(const struct kernel *k, uint32_t word, uint64_t cpus)
{
    uint64_t idle = cpus & k->idle_cpus->bits[word];

    if (k->sched_idle_seen)
        for (uint64_t rest = cpus & ~idle; rest != 0; rest &= rest - 1)
            if (sched_idle_cpu(k, (int)(word * 64) + __builtin_ctzll(rest)))
                idle |= rest & -rest;
    return idle;
}

/* The candidates in [from, to), in order: calls `look` for each word that has some until it
 * returns other than SCAN_ON. */
enum { SCAN_ON = -2 };
typedef int (*look_fn)(const struct scan *s, uint32_t word, uint64_t cpus, void *state);

static int
scan_range(const struct scan *s, uint32_t from, uint32_t to, look_fn look, void *state)
{
    uint32_t first = SIM_MAX(from >> 6, s->span->first_word);
    uint32_t end = SIM_MIN((to + 63) >> 6, s->span->end_word);

    for (uint32_t word = first; word < end; word++) {
        uint64_t cpus = scan_word(s, word);

        if (word == from >> 6)
            cpus &= UINT64_MAX << (from & 63);
        if (word == to >> 6)
            cpus &= ~(UINT64_MAX << (to & 63));
        int found = cpus != 0 ? look(s, word, cpus, state) : SCAN_ON;
        if (found != SCAN_ON)
            return found;
    }
    return SCAN_ON;
}

/* From the CPU behind `target`, wrapping around to it. */
static int
scan_wrap(const struct scan *s, int target, look_fn look, void *state)
{
    uint32_t from = (uint32_t)target + 1;
    int found = scan_range(s, from, s->span->nr_words * 64, look, state);

    return found != SCAN_ON ? found : scan_range(s, 0, from, look, state);
}

/* ---- any idle CPU, within a budget of CPUs looked at ---- */

static int
look_for_idle(const struct scan *s, uint32_t word, uint64_t cpus, void *state)
{
    uint32_t *budget = state, nr = (uint32_t)__builtin_popcountll(cpus);
    uint64_t idle = idle_among(s->k, word, cpus);

    if (idle != 0)
        nr = (uint32_t)__builtin_popcountll(cpus & ((idle & -idle) ^ ((idle & -idle) - 1)));
    if (nr > *budget)
        return -1;
    *budget -= nr;
    return idle != 0 ? (int)(word * 64) + __builtin_ctzll(idle) : SCAN_ON;
}

/* ---- an idle core ---- */

static int
look_for_core(const struct scan *s, uint32_t word, uint64_t cpus, void *state)
{
    (void)state;
    for (cpus &= s->k->idle_cpus->bits[word]; cpus != 0; cpus &= cpus - 1) {
        int cpu = (int)(word * 64) + __builtin_ctzll(cpus);
        if (core_idle(s->k, cpu))
            return cpu;
    }
    return SCAN_ON;
}

/* No core idles: the first candidate that does, core by core as their first candidates come. */
static int
look_for_thread(const struct scan *s, uint32_t word, uint64_t cpus, void *state)
{
    (void)state;
    for (; cpus != 0; cpus &= cpus - 1) {
        const struct cpumask *core = cpu_smt_mask(s->k, (int)(word * 64) + __builtin_ctzll(cpus));
        for_each_cpu (cpu, core)
            if (is_candidate(s, cpu) && idle_or_sched_idle(s->k, cpu))
                return cpu;
    }
    return SCAN_ON;
}

/* ---- both, the target's cluster first ---- */

/* Clusters: the first group of the domain is the target's own cluster. */
static const struct cpumask *
own_cluster(const struct kernel *k, const struct sched_domain *sd)
{
    bool clusters = k->domains->cluster_active && sd->groups->flags & SD_CLUSTER;

    return clusters ? sd->groups->span : NULL;
}

/* -1: none. */
static int
scan_cluster_first(const struct scan *all, const struct cpumask *cluster, int target, look_fn look,
                   void *state)
{
    struct scan rest = *all;

    if (cluster != NULL) {
        struct scan own = { .k = all->k, .span = cluster, .allowed = all->allowed };
        int found = scan_wrap(&own, target, look, state);
        if (found != SCAN_ON)
            return found;
        rest.but = cluster;
    }
    int found = scan_wrap(&rest, target, look, state);
    return found != SCAN_ON ? found : -1;
}

int
select_idle_cpu(struct kernel *k, const struct task *p, const struct sched_domain *sd,
                bool has_idle_core, int target)
{
    struct scan s = { .k = k, .span = sd->span, .allowed = p->allowed };
    struct sched_domain_shared *sds = k->domains->cpus[target].llc_shared;
    const struct cpumask *cluster = own_cluster(k, sd);
    uint32_t budget = UINT32_MAX;

    if (sched_feat(k, SIS_UTIL) && sds != NULL) {
        budget = sds->nr_idle_scan;
        if (budget == 0) /* an overloaded LLC hardly has an idle CPU */
            return -1;
    }
    if (!has_idle_core)
        return scan_cluster_first(&s, cluster, target, look_for_idle, &budget);
    int cpu = scan_cluster_first(&s, cluster, target, look_for_core, NULL);
    if (cpu >= 0)
        return cpu;
    sds->has_idle_cores = false;
    return scan_cluster_first(&s, cluster, target, look_for_thread, NULL);
}

/* Another thread of the core of `cpu`. */
int
select_idle_smt(const struct kernel *k, const struct task *p, const struct sched_domain *sd,
                int cpu)
{
    const struct cpumask *core = cpu_smt_mask(k, cpu);

    for (int i = cpumask_next_and(core, p->allowed, 0); i >= 0;
         i = cpumask_next_and(core, p->allowed, (uint32_t)i + 1))
        if (i != cpu && cpumask_test(sd->span, (uint32_t)i) && idle_or_sched_idle(k, i))
            return i;
    return -1;
}

/* ---- CPUs of unequal capacity ---- */

struct best_fit {
    uint64_t util, capacity;
    int cpu;
};

static int
look_for_fit(const struct scan *s, uint32_t word, uint64_t cpus, void *state)
{
    struct best_fit *best = state;

    for (cpus = idle_among(s->k, word, cpus); cpus != 0; cpus &= cpus - 1) {
        int cpu = (int)(word * 64) + __builtin_ctzll(cpus);
        uint64_t capacity = capacity_of(&s->k->rqs[cpu]);
        if (fits_capacity(best->util, capacity))
            return cpu;
        if (capacity > best->capacity) {
            best->capacity = capacity;
            best->cpu = cpu;
        }
    }
    return SCAN_ON;
}

/* The first idle CPU on which the task fits, from the target on; else the largest idle one. */
int
select_idle_capacity(const struct kernel *k, const struct task *p, const struct sched_domain *sd,
                     int target)
{
    struct scan s = { .k = k, .span = sd->span, .allowed = p->allowed };
    struct best_fit best = { .util = wakee_util(p), .cpu = -1 };
    int found = scan_wrap(&s, target - 1, look_for_fit, &best);

    return found != SCAN_ON ? found : best.cpu;
}
