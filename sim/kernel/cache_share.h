/*
 * How a cache is divided among those who run on it, by what they miss.
 *
 * Each user refers to the cache so often per ns of work, and misses by its reuse curve with the
 * bytes of its set that are in the cache. Users with the same set share its lines.
 */
#pragma once

#include "kernel/params.h"
#include "kernel/task.h"

struct cache_user {
    const struct burst_reuse *reuse; /* NULL: every reference misses (streaming) */
    const void *region;              /* with `slice`: whose lines; sets of others differ */
    uint32_t slice;
    uint32_t nr;   /* CPUs alike */
    double refs;   /* of one, per ns of work */
    double cpu;    /* ns per ns of work without hits here and misses */
    double hit;    /* ns of stall of a reference that hits */
    double miss;   /* and of one that misses */
    double before; /* part of the references that a cache before this one does not hold */
    double bytes;  /* result: of its set, in the cache */
    double ratio;  /* result: of the references, those that miss */
    /* scratch */
    uint32_t set;   /* the first user of the same set, which has the rest for all of them */
    uint32_t next;  /* user of the set, in order; 0: none */
    uint32_t last;  /* of them */
    uint32_t heads; /* CPUs */
    bool full;
    double most; /* bytes that the set can fill; 0: streaming, no bound */
};

/* Part of the references that miss a cache with so many bytes of the set; *slope: by byte. */
double reuse_miss(const struct burst_reuse *reuse, double bytes, double *slope);

/* Bytes of the working set. */
static inline uint64_t
reuse_bytes(const struct burst_reuse *reuse)
{
    return reuse->points[reuse->nr - 1].bytes;
}

/*
 * Divides `bytes`. LLC_SHARING_TRAFFIC: what each set has is in proportion to what all its users
 * miss in a ns, and nobody has more than its set; LLC_SHARING_EQUAL: equal parts for all CPUs, and
 * what a set cannot fill is left to the others; LLC_SHARING_OFF: everybody has all of it.
 */
void cache_share(struct cache_user *users, uint32_t nr, double bytes, enum llc_sharing how);
