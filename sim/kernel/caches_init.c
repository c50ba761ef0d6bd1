/*
 * Which CPUs share a core, an L2 and a last-level cache, how large these are, and how fast CPUs are
 * before anything runs.
 */
#include "kernel/caches_impl.h"

#include "kernel/burst.h"

#include <stdlib.h>

static int
compare_keys(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static uint32_t
place_of(const int64_t *sorted, uint32_t nr, int64_t key)
{
    uint32_t low = 0, high = nr;

    while (low + 1 < high) {
        uint32_t middle = (low + high) / 2;

        if (sorted[middle] <= key)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Groups by keys: numbers without holes, in the order of the keys. */
static struct cache_group *
make_groups(struct kernel *k, const int64_t *keys, size_t member, uint32_t *nr_groups)
{
    const struct machine *m = k->machine;
    int64_t *sorted = arena_new_array(k->arena, int64_t, m->nr_cpus);
    uint32_t nr = 0;

    memcpy(sorted, keys, m->nr_cpus * sizeof(*sorted));
    qsort(sorted, m->nr_cpus, sizeof(*sorted), compare_keys);
    for (uint32_t i = 0; i < m->nr_cpus; i++)
        if (nr == 0 || sorted[i] != sorted[nr - 1])
            sorted[nr++] = sorted[i];
    struct cache_group *groups = arena_new_array(k->arena, struct cache_group, nr);
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < m->nr_cpus; i++) {
            uint32_t at = place_of(sorted, nr, keys[i]);
            struct cache_group *g = &groups[at];

            memcpy((char *)&k->caches->cpus[i] + member, &at, sizeof(at));
            if (!m->cpus[i].present)
                continue;
            if (pass == 1 && g->cpus == NULL) {
                g->cpus = arena_new_array(k->arena, uint32_t, g->nr);
                g->nr = 0;
            }
            if (pass == 1)
                g->cpus[g->nr] = i;
            g->nr++;
        }
    *nr_groups = nr;
    return groups;
}

/* CPUs without an id of the cache share one if their package and node are the same. */
static int64_t
key_of(const struct machine_cpu *c, int32_t id)
{
    return id >= 0 ? id : ((int64_t)c->package << 20 | c->node) + ((int64_t)1 << 40);
}

static void
group_cpus(struct kernel *k, struct caches *c)
{
    const struct machine *m = k->machine;
    int64_t *keys = arena_new_array(k->arena, int64_t, m->nr_cpus);

    for (uint32_t i = 0; i < m->nr_cpus; i++)
        keys[i] = m->cpus[i].core;
    c->cores = make_groups(k, keys, offsetof(struct cache_cpu, core), &c->nr_cores);
    for (uint32_t i = 0; i < m->nr_cpus; i++)
        keys[i] = key_of(&m->cpus[i], m->cpus[i].llc);
    c->llcs = make_groups(k, keys, offsetof(struct cache_cpu, llc), &c->nr_llcs);
    for (uint32_t i = 0; i < m->nr_cpus; i++)
        keys[i] = m->cpus[i].l2 >= 0 ? m->cpus[i].l2 : ((int64_t)1 << 40) + m->cpus[i].core;
    c->l2s = make_groups(k, keys, offsetof(struct cache_cpu, l2), &c->nr_l2s);
}

/* Sizes that the machine does not give. */
static void
size_caches(struct kernel *k, struct caches *c)
{
    const struct machine_cache *mc = &k->machine->cache;
    uint64_t threads = SIM_MAX(k->machine->smt, 1u);

    c->l1_bytes = mc->l1d_bytes > 0 ? mc->l1d_bytes : ASSUMED_L1_KIB << 10;
    c->l2_bytes = mc->l2_bytes > 0 ? mc->l2_bytes : ASSUMED_L2_KIB << 10;
    c->l2_ns = (double)mc->l2_ps / 1000;
    c->llc_ns = (double)mc->llc_ps / 1000;
    for (uint32_t i = 0; i < c->nr_llcs; i++) {
        uint64_t cores = (c->llcs[i].nr + threads - 1) / threads;

        c->llcs[i].bytes = mc->llc_bytes > 0 ? mc->llc_bytes : cores * (ASSUMED_LLC_KIB << 10);
    }
}

static bool
speeds_differ(const struct kernel *k)
{
    for_each_cpu (cpu, k->machine->present)
        if (k->machine->cpus[cpu].capacity != 1024)
            return true;
    return false;
}

void
caches_init(struct kernel *k)
{
    struct caches *c = k->caches = arena_new_object(k->arena, struct caches);
    uint32_t nr_cpus = k->machine->nr_cpus;

    c->cpus = arena_new_array(k->arena, struct cache_cpu, nr_cpus);
    group_cpus(k, c);
    size_caches(k, c);
    c->dirty_llcs = arena_new_array(k->arena, uint32_t, c->nr_llcs);
    c->dirty_cores = arena_new_array(k->arena, uint32_t, c->nr_cores);
    c->users = arena_new_array(k->arena, struct cache_user, nr_cpus);
    c->user_of = arena_new_array(k->arena, uint32_t, nr_cpus);
    c->siblings = k->machine->smt > 1 && k->params.cache.smt_speed_ppm < 1000000;
    k->caches_on = c->siblings || speeds_differ(k);
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        uint32_t capacity = k->machine->cpus[cpu].capacity;

        c->cpus[cpu].base = 1024.0 / capacity;
        k->rqs[cpu].speed = (uint32_t)((uint64_t)RATE_FULL * capacity / 1024);
    }
}
