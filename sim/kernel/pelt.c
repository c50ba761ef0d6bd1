#include "kernel/pelt_step.h"

const uint32_t pelt_inverses[LOAD_AVG_PERIOD] = {
    0xffffffff, 0xfa83b2da, 0xf5257d14, 0xefe4b99a, 0xeac0c6e6, 0xe5b906e6, 0xe0ccdeeb, 0xdbfbb796,
    0xd744fcc9, 0xd2a81d91, 0xce248c14, 0xc9b9bd85, 0xc5672a10, 0xc12c4cc9, 0xbd08a39e, 0xb8fbaf46,
    0xb504f333, 0xb123f581, 0xad583ee9, 0xa9a15ab4, 0xa5fed6a9, 0xa2704302, 0x9ef5325f, 0x9b8d39b9,
    0x9837f050, 0x94f4efa8, 0x91c3d373, 0x8ea4398a, 0x8b95c1e3, 0x88980e80, 0x85aac367, 0x82cd8698,
};

uint64_t
decay_load(uint64_t x, uint64_t n)
{
    return pelt_decayed(x, pelt_decay_by(n));
}

/* Units that have passed; a clock that went back is begun anew. */
static inline uint64_t
units_until(struct sched_avg *sa, uint64_t now)
{
    int64_t delta = (int64_t)(now - sa->last_update_time);

    if (likely(delta >= 0))
        return (uint64_t)delta >> 10;
    sa->last_update_time = now;
    return 0;
}

/* Whoever did not want the CPU only forgets: what a period's end is for most. */
static __attribute__((noinline)) bool
forget(struct sched_avg *sa, uint64_t units, uint64_t weight)
{
    struct pelt_step s = pelt_step(sa->period_contrib, units);

    return pelt_apply(sa, s, 0, 0, false, weight);
}

static __attribute__((noinline)) bool
end_period(struct sched_avg *sa, uint64_t units, uint64_t load, uint64_t runnable, bool running,
           uint64_t weight)
{
    struct pelt_step s = pelt_step(sa->period_contrib, units);

    return pelt_apply(sa, s, load, runnable, running, weight);
}

bool
pelt_accumulate(struct sched_avg *sa, uint64_t now, uint64_t load, uint64_t runnable, bool running,
                uint64_t weight)
{
    uint64_t units = units_until(sa, now), into_period = units + sa->period_contrib;

    if (into_period >= 1024)
        return load == 0 ? forget(sa, units, weight)
                         : end_period(sa, units, load, runnable, running, weight);
    pelt_grow(sa, units, load, runnable, running);
    return false;
}

void
pelt_accumulate_util(struct sched_avg *sa, uint64_t now, bool running)
{
    struct pelt_step s = pelt_step(sa->period_contrib, units_until(sa, now));
    uint64_t sum = s.periods > 0 ? pelt_decayed_short(sa->util_sum, s.decay) : sa->util_sum;

    if (running)
        sum += s.contrib << 10;
    sa->last_update_time += s.units << 10;
    sa->period_contrib = s.into_last;
    sa->util_sum = (uint32_t)sum;
    if (s.periods > 0)
        sa->util_avg = (uint32_t)sum / (PELT_MIN_DIVIDER + s.into_last);
}

void
pelt_attach(struct sched_avg *cfs, struct sched_avg *se, uint64_t weight)
{
    uint64_t divider = pelt_divider(cfs);

    se->last_update_time = cfs->last_update_time;
    se->period_contrib = cfs->period_contrib;
    se->util_sum = (uint32_t)(se->util_avg * divider);
    se->runnable_sum = se->runnable_avg * divider;
    se->load_sum = se->load_avg * divider;
    se->load_sum = weight < se->load_sum ? se->load_sum / weight : 1;
    cfs->load_avg += se->load_avg;
    cfs->load_sum += weight * se->load_sum;
    cfs->util_avg += se->util_avg;
    cfs->util_sum += se->util_sum;
    cfs->runnable_avg += se->runnable_avg;
    cfs->runnable_sum += se->runnable_sum;
}

static uint64_t
less_sum(uint64_t sum, uint64_t less, uint64_t avg)
{
    return pelt_at_least(sum - SIM_MIN(sum, less), avg);
}

void
pelt_detach_load(struct sched_avg *cfs, const struct sched_avg *se, uint64_t weight)
{
    cfs->load_avg -= SIM_MIN(cfs->load_avg, se->load_avg);
    cfs->load_sum = less_sum(cfs->load_sum, weight * se->load_sum, cfs->load_avg);
}

void
pelt_detach(struct sched_avg *cfs, const struct sched_avg *se, uint64_t weight)
{
    pelt_detach_load(cfs, se, weight);
    pelt_subtract(cfs, 0, 0, se->util_avg, se->util_sum, se->runnable_avg, se->runnable_sum);
}

void
pelt_subtract(struct sched_avg *sa, uint64_t load_avg, uint64_t load_sum, uint64_t util_avg,
              uint64_t util_sum, uint64_t runnable_avg, uint64_t runnable_sum)
{
    sa->load_avg -= SIM_MIN(sa->load_avg, load_avg);
    sa->load_sum = less_sum(sa->load_sum, load_sum, sa->load_avg);
    sa->util_avg -= (uint32_t)SIM_MIN(sa->util_avg, util_avg);
    sa->util_sum = (uint32_t)less_sum(sa->util_sum, util_sum, sa->util_avg);
    sa->runnable_avg -= (uint32_t)SIM_MIN(sa->runnable_avg, runnable_avg);
    sa->runnable_sum = less_sum(sa->runnable_sum, runnable_sum, sa->runnable_avg);
}

void
pelt_init_task(struct sched_avg *se, uint64_t weight)
{
    *se = (struct sched_avg){ .load_avg = weight };
}

void
pelt_init_old_task(struct sched_avg *se, uint64_t weight, uint32_t wanted, uint32_t had)
{
    *se = (struct sched_avg){
        .load_avg = weight * wanted >> 10, .runnable_avg = wanted, .util_avg = had, .util_est = had
    };
}

void
pelt_post_init_task(struct sched_avg *se, const struct sched_avg *cfs, uint64_t weight,
                    uint64_t capacity)
{
    int64_t cap = ((int64_t)capacity - (int64_t)cfs->util_avg) / 2;

    if (cap > 0) {
        se->util_avg = (uint32_t)cap;
        if (cfs->util_avg != 0)
            se->util_avg =
                (uint32_t)SIM_MIN(cfs->util_avg * weight / (cfs->load_avg + 1), (uint64_t)cap);
    }
    se->runnable_avg = se->util_avg;
}

void
util_est_update(struct sched_avg *se, uint64_t capacity)
{
    uint64_t used = se->util_avg, est = se->util_est;

    if (est & UTIL_AVG_UNCHANGED)
        return;
    if (est <= used) {
        est = used;
    } else if (est - used >= UTIL_EST_MARGIN) {
        if (used > capacity)
            return;
        if (used + UTIL_EST_MARGIN >= se->runnable_avg)
            est = (4 * est - (est - used)) >> 2;
    }
    se->util_est = (uint32_t)est | UTIL_AVG_UNCHANGED;
}
