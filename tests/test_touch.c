/* layer: kernel */
/*
 * Random accesses against the same accesses one by one.
 *
 * The oracle draws a page for every access of every thread, and notes when the k-th page had its
 * first touch, and who touched it. The kernel draws hits only. Over many runs, each with streams of
 * its own, the means must agree within what chance leaves (99.9 % intervals) and an access.
 */
#include <math.h>
#include <stdio.h>

#include "kernel/page_set.h"
#include "memory_kit.h"

enum { THREADS_MAX = 3, MARKS = 4, RUNS = 1800, ORACLE_RUNS = 4000, RUNS_OF_A_KERNEL = 180 };
#define SIGMAS 3.29

struct crew {
    uint32_t pages, nr;
    uint32_t gap[THREADS_MAX]; /* ns between two accesses of a thread */
    uint32_t mark_every;       /* 0: pages are not there yet; else every so many are marked */
    sim_time batch;
    enum access_pattern pattern;
    struct access_shape shape;
};

/* Of one run: when the first, the middle and the last page were touched, when page 0 was, and the
 * part of thread 0. */
struct outcome {
    double when[MARKS], share;
};
struct outcomes {
    double sum[MARKS + 1], square[MARKS + 1], n;
};

static void
outcome_add(struct outcomes *s, const struct outcome *o)
{
    for (int i = 0; i <= MARKS; i++) {
        double x = i < MARKS ? o->when[i] : o->share;

        s->sum[i] += x;
        s->square[i] += x * x;
    }
    s->n++;
}

static uint32_t
pages_to_touch(const struct crew *c)
{
    return c->mark_every == 0 ? c->pages : c->pages / c->mark_every;
}

/* So many pages were touched at `now`, or page 0 is for the first time. */
static void
note(const struct crew *c, struct outcome *o, uint32_t touched, bool page0, double now)
{
    uint32_t n = pages_to_touch(c);
    bool reached[MARKS] = { touched >= 1, touched >= n / 2, touched >= n, page0 };

    for (int i = 0; i < MARKS; i++)
        if (reached[i] && o->when[i] == 0)
            o->when[i] = now;
}

/* ---- the oracle ---- */

static uint64_t
splitmix(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* upto[i]: chance of the pages up to i. */
static void
chances_of_pages(const struct crew *c, double *upto)
{
    double sum = 0, share = c->shape.skew_ppm / 1e6, hot = c->pages * (c->shape.hot_ppm / 1e6);

    for (uint32_t i = 0; i < c->pages; i++) {
        double w = 1;

        if (c->pattern == ACCESS_ZIPF)
            w = pow(i + 1, -share);
        else if (c->pattern == ACCESS_HOT)
            w = i < hot ? share / hot : (1 - share) / (c->pages - hot);
        upto[i] = sum += w;
    }
    for (uint32_t i = 0; i < c->pages; i++)
        upto[i] /= sum;
}

static uint32_t
draw_page(const struct crew *c, const double *upto, uint64_t *chance)
{
    double x = (double)(splitmix(chance) >> 11) / (double)((uint64_t)1 << 53);
    uint32_t lo = 0, hi = c->pages - 1;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;

        if (upto[mid] > x)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static struct outcome
one_by_one(const struct crew *c, const double *upto, uint64_t *chance)
{
    uint32_t total = pages_to_touch(c), touched = 0, first = 0;
    sim_time next[THREADS_MAX];
    struct outcome o = { .share = 0 };
    bool done[512] = { false };

    for (uint32_t j = 0; j < c->nr; j++)
        next[j] = c->gap[j];
    while (touched < total) {
        uint32_t who = 0;

        for (uint32_t j = 1; j < c->nr; j++)
            who = next[j] < next[who] ? j : who;
        uint64_t page = draw_page(c, upto, chance);
        if (!done[page] && (c->mark_every == 0 || page % c->mark_every == 0)) {
            done[page] = true;
            touched++;
            first += who == 0;
            note(c, &o, touched, page == 0, (double)next[who]);
        }
        next[who] += c->gap[who];
    }
    o.share = (double)first / total;
    return o;
}

/* ---- the kernel ---- */

static sim_time batch_of_run;
static void
set_batch(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->mm.touch_batch = batch_of_run;
    kp->cost.zero_bandwidth = kp->cost.copy_bandwidth = 1000000000000000u;
    kp->numa.mode = NUMA_BALANCING_NORMAL;
    kp->numa.scan_delay = SEC(1000); /* marks are the test's own */
}

static struct burst_profile *
accesses(struct fixture *f, struct region *r, const struct crew *c, uint32_t gap)
{
    struct burst_profile *p = kit_profile(f, r, REGION_WHOLE, 0, 0);
    struct burst_use *use = arena_new_object(f->arena, struct burst_use);

    *use = (struct burst_use){
        .region = r, .slice = REGION_WHOLE, .weight = 1, .pattern = c->pattern, .shape = c->shape
    };
    p->misses_q20 = (1u << 20) / gap;
    p->uses = use;
    return p;
}

static struct outcome
one_run(struct fixture *f, struct region *r, const struct burst_profile *const *profiles,
        const struct crew *c)
{
    uint32_t total = pages_to_touch(c);
    struct outcome o = { .share = 0 };
    struct task *tasks[THREADS_MAX];
    sim_time start = kernel_now(f->k);

    if (c->mark_every > 0)
        for (uint32_t page = 0; page < c->pages; page += c->mark_every)
            kit_mark(r->maps, page, page + 1);
    else
        region_unmap(f->k, r);
    for (uint32_t j = 0; j < c->nr; j++) {
        char cpu[12];
        snprintf(cpu, sizeof(cpu), "%u", j);
        tasks[j] = kit_task(f, cpu, profiles[j], MSEC(40));
        task_start(f->k, tasks[j], NULL);
    }
    while (o.when[2] == 0) {
        int node;

        engine_run(&f->k->engine, kernel_now(f->k) + c->gap[0] / 4);
        note(c, &o, total - (uint32_t)mapping_needs(r->maps, r->nr_groups - 1),
             !page_set_look(r->maps, 0, &node), (double)(kernel_now(f->k) - start));
    }
    const uint64_t *faults = tasks[0]->numa->locality;
    o.share = (double)region_whole(r)->count[0] / total;
    if (c->mark_every > 0)
        o.share = (double)(faults[NUMA_LOCAL] + faults[NUMA_REMOTE]) / total;
    engine_run(&f->k->engine, start + MSEC(41));
    return o;
}

static void
runs_of_one_kernel(const struct crew *c, uint64_t seed, struct outcomes *s)
{
    const struct burst_profile *profiles[THREADS_MAX];
    struct fixture f;

    batch_of_run = c->batch;
    kit_open(&f, THREADS_MAX, 1, &fixture_memory, set_batch);
    f.k->seed = seed;
    struct region *r = kit_region(&f, "data", (uint64_t)c->pages * PAGE_4K, 1);
    for (uint32_t j = 0; j < c->nr; j++)
        profiles[j] = accesses(&f, r, c, c->gap[j]);
    if (c->mark_every > 0)
        kit_populate(&f, r, 1);
    for (int i = 0; i < RUNS_OF_A_KERNEL; i++) {
        struct outcome o = one_run(&f, r, profiles, c);
        outcome_add(s, &o);
    }
    assert_null(kernel_check(f.k));
    fixture_close(&f);
}

/* Squared. */
static double
error_of_mean(const struct outcomes *s, int i)
{
    double mean = s->sum[i] / s->n;

    return (s->square[i] / s->n - mean * mean) / s->n;
}

static void
compare(const struct crew *c, int from)
{
    static const char *const what[] = { "first", "middle", "last", "page 0", "share of thread 0" };
    struct outcomes truth = { .n = 0 }, got = { .n = 0 };
    uint64_t chance = 12345;
    double upto[512];
    bool agree = true;

    chances_of_pages(c, upto);

    for (int i = 0; i < ORACLE_RUNS; i++) {
        struct outcome o = one_by_one(c, upto, &chance);
        outcome_add(&truth, &o);
    }
    for (int i = 0; i < RUNS / RUNS_OF_A_KERNEL; i++)
        runs_of_one_kernel(c, (uint64_t)i + 1, &got);
    for (int i = from; i <= MARKS; i++) {
        double mean = truth.sum[i] / truth.n, mine = got.sum[i] / got.n;
        double slack = SIGMAS * sqrt(error_of_mean(&truth, i) + error_of_mean(&got, i));

        if (i < MARKS)
            slack += c->gap[0] * 5 / 4; /* misses at random instants; how often we look */
        print_message("  %-18s one by one %9.3f, drawn %9.3f, interval %.3f\n", what[i], mean, mine,
                      slack);
        agree &= fabs(mean - mine) <= slack + 1e-9;
    }
    assert_true(agree);
}

static void
one_thread_touches_its_pages_when_single_accesses_would(void **state)
{
    static const struct crew small = { 64, 1, { 100 }, 0, 0, ACCESS_RANDOM, { 0 } },
                             large = { 512, 1, { 100 }, 0, 0, ACCESS_CHASE, { 0 } };

    (void)state;
    compare(&small, 0);
    compare(&large, 0);
}

static void
threads_race_for_pages_at_their_own_rates(void **state)
{
    static const struct crew two = { 128, 2, { 100, 300 }, 0, 0, ACCESS_RANDOM, { 0 } };
    static const struct crew three = { 256, 3, { 100, 150, 700 }, 0, 0, ACCESS_RANDOM, { 0 } };

    (void)state;
    compare(&two, 0);
    compare(&three, 0);
}

/* Four pages of each five need no attention: hits are rare from the start. */
static void
marked_pages_are_found_among_others(void **state)
{
    static const struct crew one = { 320, 1, { 100 }, 5, 0, ACCESS_RANDOM, { 0 } },
                             two = { 320, 2, { 100, 200 }, 5, 0, ACCESS_RANDOM, { 0 } };

    (void)state;
    compare(&one, 0);
    compare(&two, 0);
}

/* Hits of 20 us are handled together: the last page comes by itself. */
static void
batches_keep_the_end_and_the_shares(void **state)
{
    static const struct crew two = { 256, 2, { 1000, 3000 }, 0, USEC(20), ACCESS_RANDOM, { 0 } };

    (void)state;
    compare(&two, 2);
}

static void
popular_pages_come_first(void **state)
{
    static const struct crew zipf = { 200, 1, { 100 }, 0, 0, ACCESS_ZIPF, { .skew_ppm = 990000 } };
    static const struct crew two = {
        96, 2, { 100, 250 }, 0, 0, ACCESS_ZIPF, { .skew_ppm = 700000 }
    };
    static const struct crew marked = {
        200, 1, { 100 }, 4, 0, ACCESS_ZIPF, { .skew_ppm = 600000 }
    };
    static const struct crew hot = {
        200, 2, { 100, 100 }, 0, 0, ACCESS_HOT, { .skew_ppm = 800000, .hot_ppm = 200000 }
    };

    (void)state;
    compare(&zipf, 0);
    compare(&two, 0);
    compare(&marked, 0);
    compare(&hot, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_touches_its_pages_when_single_accesses_would),
        cmocka_unit_test(threads_race_for_pages_at_their_own_rates),
        cmocka_unit_test(marked_pages_are_found_among_others),
        cmocka_unit_test(popular_pages_come_first),
        cmocka_unit_test(batches_keep_the_end_and_the_shares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
