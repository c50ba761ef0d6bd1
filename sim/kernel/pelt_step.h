/*
 * One step of load tracking, taken apart: what the time that has passed does to every sum, and
 * what is added to each of them. An entity and its queue stand at the same point of their period as
 * long as the one is attached to the other, so that one step is good for both.
 */
#pragma once

#include "kernel/pelt.h"

/* Many sums decay by the same number of periods: x >> shift times inverse, of 2^32. */
struct pelt_decay {
    uint32_t shift, inverse;
};
/* trunc((2^32 - 1) * 2^(-n/32)) */
extern const uint32_t pelt_inverses[LOAD_AVG_PERIOD];

struct pelt_step {
    uint64_t units;   /* of 1024 ns that have passed */
    uint64_t periods; /* that have ended in them; 0: sums only grow */
    uint32_t into_last;
    struct pelt_decay decay;
    uint64_t contrib; /* of whoever counted all the time */
};

/* Beyond this many periods nothing is left. */
enum { PELT_DECAY_LIMIT = LOAD_AVG_PERIOD * 63 };

static inline struct pelt_decay
pelt_decay_by(uint64_t n)
{
    if (unlikely(n > PELT_DECAY_LIMIT))
        return (struct pelt_decay){ 0 };
    return (struct pelt_decay){ (uint32_t)(n / LOAD_AVG_PERIOD),
                                pelt_inverses[n % LOAD_AVG_PERIOD] };
}

static inline uint64_t
pelt_decayed(uint64_t x, struct pelt_decay d)
{
    __extension__ typedef unsigned __int128 u128;

    return (uint64_t)((u128)(x >> d.shift) * d.inverse >> 32);
}

/* A sum of less than 32 bits. */
static inline uint64_t
pelt_decayed_short(uint64_t x, struct pelt_decay d)
{
    return (x >> d.shift) * d.inverse >> 32;
}

/* From a point of the period on; whole periods and their two broken ends contribute, and the old
 * one's rest decays as a whole. */
static inline struct pelt_step
pelt_step(uint32_t period_contrib, uint64_t units)
{
    uint64_t end = units + period_contrib;
    struct pelt_step s = {
        .units = units, .periods = end / 1024, .into_last = (uint32_t)(end % 1024), .contrib = units
    };

    if (s.periods > 0) {
        s.decay = pelt_decay_by(s.periods);
        s.contrib = pelt_decayed_short(1024 - period_contrib, s.decay) +
                    (LOAD_AVG_MAX - pelt_decayed_short(LOAD_AVG_MAX, s.decay) - 1024) + s.into_last;
    }
    return s;
}

/* Within a period sums only grow. What has no load is neither runnable nor running. */
static inline void
pelt_grow(struct sched_avg *sa, uint64_t units, uint64_t load, uint64_t runnable, bool running)
{
    sa->last_update_time += units << 10;
    sa->period_contrib += (uint32_t)units;
    if (load > 0) {
        sa->load_sum += load * units;
        sa->runnable_sum += runnable * units << 10;
        sa->util_sum += running ? (uint32_t)units << 10 : 0;
    }
}

/* True if a period ended, so that the averages are new. What has no load is neither runnable nor
 * running. */
static inline bool
pelt_apply(struct sched_avg *sa, struct pelt_step s, uint64_t load, uint64_t runnable, bool running,
           uint64_t weight)
{
    uint64_t load_sum = sa->load_sum, runnable_sum = sa->runnable_sum, util_sum = sa->util_sum;

    sa->last_update_time += s.units << 10;
    sa->period_contrib = s.into_last;
    if (s.periods > 0) {
        load_sum = pelt_decayed(load_sum, s.decay);
        runnable_sum = pelt_decayed(runnable_sum, s.decay);
        util_sum = pelt_decayed_short(util_sum, s.decay);
    }
    if (load > 0) {
        load_sum += load * s.contrib;
        runnable_sum += runnable * s.contrib << 10;
        if (running)
            util_sum += s.contrib << 10;
    }
    sa->load_sum = load_sum;
    sa->runnable_sum = runnable_sum;
    sa->util_sum = (uint32_t)util_sum;
    if (s.periods == 0)
        return false;
    uint32_t divider = PELT_MIN_DIVIDER + s.into_last;
    sa->load_avg = weight * load_sum / divider;
    sa->runnable_avg = (uint32_t)(runnable_sum / divider);
    sa->util_avg = (uint32_t)util_sum / divider;
    return true;
}
