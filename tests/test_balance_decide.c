/* layer: kernel */
/*
 * The decision of a balancing pass, from statistics that are set by hand: sched-core.md 4.1 and
 * 4.4, vectors V10, V13 and V14.
 */
#include "sim_fixture.h"

#include <stdio.h>

#include "kernel/balance_impl.h"

/* Two nodes of 16 cores with 2 threads, imb_numa_nr 4; or of 16 cores with one. */
struct stage {
    struct fixture f;
    struct sched_domain *sd;
    struct sched_group *local, *busiest;
    struct lb_env env;
    char rule[128];
};

static void
keep_rule(void *sink, const struct decision *d)
{
    struct stage *s = sink;

    snprintf(s->rule, sizeof(s->rule), "%s", strchr(d->rule, ':') + 1);
}

static void
stage_open(struct stage *s, uint32_t threads)
{
    memset(s, 0, sizeof(*s));
    fixture_open(&s->f, 2, 16, threads, false);
    struct kernel *k = s->f.k;
    k->probe.wanted = 1u << DECISION_BALANCE_GROUP;
    k->probe.record = keep_rule;
    k->probe.sink = s;
    s->sd = k->domains->cpus[0].numa;
    s->local = s->sd->groups;
    s->busiest = s->local->next;
    s->env = (struct lb_env){
        .k = k, .sd = s->sd, .dst = &k->rqs[0], .cpus = s->sd->span, .idle = CPU_IDLE
    };
}

static void
stage_close(struct stage *s)
{
    fixture_close(&s->f);
}

/* So many tasks, each alone on its CPU as far as there are CPUs. */
static void
set_tasks(struct sched_group *sg, uint32_t nr)
{
    struct cpu_sums *sums = sg->sgc->sums;

    sums->nr_running = sums->h_nr_queued = nr;
    sums->idle_cpus = nr < sg->weight ? sg->weight - nr : 0;
}

static void
set_averages(struct sched_group *sg, uint64_t load, uint64_t util, uint64_t runnable)
{
    sg->sgc->sums->load = load;
    sg->sgc->sums->util = util;
    sg->sgc->sums->runnable = runnable;
}

static void
expect(struct stage *s, bool pull, const char *rule, int64_t imbalance)
{
    struct sched_group *found = sched_balance_find_src_group(&s->env);

    assert_string_equal(s->rule, rule);
    assert_ptr_equal(found, pull ? s->busiest : NULL);
    assert_int_equal(s->env.imbalance, imbalance);
}

/* ---- V10 ---- */

static void
scans_shrink_with_use(void **state)
{
    static const struct {
        uint32_t percent, of_16, of_8;
    } t[] = { { 0, 16, 8 }, { 10, 15, 7 }, { 25, 14, 7 }, { 50, 10, 5 },
              { 70, 5, 2 }, { 80, 2, 1 },  { 85, 0, 0 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        assert_int_equal(idle_cpus_to_scan(t[i].percent * 16 * 1024 / 100, 16, 117), t[i].of_16);
        assert_int_equal(idle_cpus_to_scan(t[i].percent * 8 * 1024 / 100, 8, 117), t[i].of_8);
    }
}

/* ---- V13 ---- */

static void
intervals_are_the_kernels(void **state)
{
    static const struct {
        uint32_t ms, hz, cpus, idle, busy;
    } t[] = { { 2, 250, 64, 1, 7 },
              { 32, 250, 64, 8, 127 },
              { 64, 250, 64, 16, 255 },
              { 64, 1000, 64, 64, 1023 },
              { 256, 250, 256, 64, 1023 } };
    struct stage s;

    (void)state;
    stage_open(&s, 1);
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        s.f.k->params.sched.hz = t[i].hz;
        s.f.k->nr_online = t[i].cpus;
        s.sd->balance_interval = t[i].ms;
        s.sd->busy_factor = 16;
        assert_int_equal(get_sd_balance_interval(s.f.k, s.sd, false), t[i].idle);
        assert_int_equal(get_sd_balance_interval(s.f.k, s.sd, true), t[i].busy);
    }
    /* no longer than HZ x CPUs / 10 */
    s.f.k->params.sched.hz = 250;
    s.f.k->nr_online = 4;
    s.sd->balance_interval = 1000;
    assert_int_equal(get_sd_balance_interval(s.f.k, s.sd, false), 100);
    stage_close(&s);
}

/* ---- V14 ---- */

static void
siblings_share_by_cores(void **state)
{
    static const uint32_t t[][5] = { /* cores of busiest, of local; tasks of busiest, of local */
                                     { 4, 8, 6, 4, 6 },
                                     { 4, 8, 3, 4, 2 },
                                     { 8, 4, 6, 1, 3 },
                                     { 4, 2, 2, 0, 2 },
                                     { 6, 4, 5, 3, 1 }
    };
    struct stage s;
    struct sd_lb_stats sds = { .local = &sds.slots[0], .busiest = &sds.slots[1] };

    (void)state;
    stage_open(&s, 1);
    sds.local->group = s.local;
    sds.busiest->group = s.busiest;
    sds.local->sums = s.local->sums;
    sds.busiest->sums = s.busiest->sums;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        s.busiest->cores = t[i][0];
        s.local->cores = t[i][1];
        set_tasks(s.busiest, t[i][2]);
        set_tasks(s.local, t[i][3]);
        s.env.idle = CPU_IDLE;
        assert_int_equal(sibling_imbalance(&s.env, &sds), t[i][4]);
        s.env.idle = CPU_NOT_IDLE;
        assert_int_equal(sibling_imbalance(&s.env, &sds), 0);
    }
    s.env.idle = CPU_IDLE;
    s.busiest->cores = s.local->cores = 16;
    set_tasks(s.busiest, 3);
    set_tasks(s.local, 5);
    assert_int_equal(sibling_imbalance(&s.env, &sds), 0);
    stage_close(&s);
}

static void
nodes_may_differ_a_little(void **state)
{
    static const struct {
        uint32_t nb, nl;
        int64_t numa, other;
    } t[] = { { 5, 3, 0, 1 }, { 6, 3, 1, 1 }, { 8, 4, 2, 2 }, { 2, 0, 0, 1 } };
    struct stage s;

    (void)state;
    stage_open(&s, 2);
    assert_int_equal(s.sd->imb_numa_nr, 4);
    assert_true(s.busiest->flags & SD_PREFER_SIBLING);
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        set_tasks(s.busiest, t[i].nb);
        set_tasks(s.local, t[i].nl);
        s.sd->flags |= SD_NUMA;
        expect(&s, t[i].numa > 0, "prefer_sibling", t[i].numa);
        assert_int_equal(s.env.migration, MIGRATE_TASK);
        s.sd->flags &= ~(uint32_t)SD_NUMA;
        expect(&s, true, "prefer_sibling", t[i].other);
    }
    stage_close(&s);
}

static void
overloaded_nodes_meet_at_the_average(void **state)
{
    struct stage s;

    (void)state;
    stage_open(&s, 1);
    assert_int_equal(s.local->sgc->capacity, 16384);
    set_tasks(s.local, 20);
    set_tasks(s.busiest, 30);
    set_averages(s.local, 20480, 16384, 20480);
    set_averages(s.busiest, 30720, 16384, 30720);
    expect(&s, true, "overloaded", 5120);
    assert_int_equal(s.env.migration, MIGRATE_LOAD);
    s.env.idle = CPU_NOT_IDLE; /* a busy CPU pulls here as well */
    expect(&s, true, "overloaded", 5120);
    /* 100 x 1497 is not more than 117 x 1280 */
    set_averages(s.busiest, 23959, 16384, 30720);
    expect(&s, false, "imbalance_pct", 0);
    set_averages(s.busiest, 20480, 16384, 30720);
    expect(&s, false, "local_avg_load", 0);
    stage_close(&s);
}

/* ---- the matrix ---- */

static void
be_has_spare(struct sched_group *sg, uint32_t nr)
{
    sg->sgc->imbalance = false;
    set_tasks(sg, nr);
    set_averages(sg, nr * 1024, nr * 1024, nr * 1024);
}

static void
be_fully_busy(struct sched_group *sg)
{
    be_has_spare(sg, sg->weight);
}

static void
be_overloaded(struct sched_group *sg, uint64_t load)
{
    be_has_spare(sg, sg->weight + 4);
    set_averages(sg, load, sg->weight * 1024, load);
}

static void
be_imbalanced(struct sched_group *sg)
{
    be_has_spare(sg, 8);
    sg->sgc->imbalance = true;
}

/* A misfit: one task on a CPU that lost half of its capacity. */
static void
be_misfit(struct stage *s)
{
    struct rq *rq = &s->f.k->rqs[s->busiest->first_cpu];

    be_has_spare(s->busiest, 8);
    rq->nr_running = rq->cfs.h_nr_queued = 1;
    rq->cpu_capacity = 512;
    cpumask_set(s->f.k->reduced_cpus, (uint32_t)rq->cpu);
    rq->cfs.load_weight = 1024 << 10;
    rq->cfs.avg.load_avg = 1024;
    s->busiest->sgc->sums->nr_reduced = 1;
}

/* Groups without the wish to spread tasks over siblings. */
static void
matrix_open(struct stage *s)
{
    stage_open(s, 1);
    s->busiest->flags = s->local->flags = 0;
    s->sd->flags &= ~(uint32_t)SD_NUMA;
}

static void
busiest_has_spare(void **state)
{
    struct stage s;

    (void)state;
    matrix_open(&s);
    be_has_spare(s.busiest, 8);
    be_has_spare(s.local, 4);
    expect(&s, true, "idle_cpus", 2);
    s.env.idle = CPU_NOT_IDLE;
    expect(&s, false, "busy_cpu", 0);
    s.env.idle = CPU_IDLE;
    be_has_spare(s.local, 7); /* idle CPUs differ by one only */
    expect(&s, false, "idle_cpus", 0);
    be_has_spare(s.busiest, 1);
    s.busiest->sgc->sums->idle_cpus = 5;
    be_has_spare(s.local, 0);
    expect(&s, false, "one_task", 0);
    be_has_spare(s.busiest, 8);
    be_fully_busy(s.local);
    expect(&s, false, "local_type", 0);
    be_imbalanced(s.local);
    expect(&s, false, "local_type", 0);
    be_overloaded(s.local, 40960);
    expect(&s, false, "local_type", 0);
    stage_close(&s);
}

static void
busiest_is_fully_busy(void **state)
{
    struct stage s;

    (void)state;
    matrix_open(&s);
    be_fully_busy(s.busiest);
    be_has_spare(s.local, 4);
    expect(&s, true, "idle_cpus", 6); /* half of 12 idle CPUs against none */
    s.busiest->flags = SD_PREFER_SIBLING;
    expect(&s, true, "prefer_sibling", 6);
    s.env.idle = CPU_NOT_IDLE;
    expect(&s, false, "busy_cpu", 0);
    s.busiest->flags = 0;
    s.env.idle = CPU_IDLE;
    be_fully_busy(s.local);
    expect(&s, false, "idle_cpus", 0);
    s.local->sgc->sums->idle_cpus = 4; /* full by its load, with CPUs idle at this moment */
    expect(&s, false, "idle_cpus", 0);
    be_imbalanced(s.local);
    expect(&s, false, "local_type", 0);
    be_overloaded(s.local, 40960);
    expect(&s, false, "local_type", 0);
    stage_close(&s);
}

static void
busiest_is_misfit(void **state)
{
    struct stage s;

    (void)state;
    matrix_open(&s);
    be_misfit(&s);
    be_has_spare(s.local, 4);
    expect(&s, true, "misfit_task", 1024);
    assert_int_equal(s.env.migration, MIGRATE_LOAD);
    be_fully_busy(s.local);
    expect(&s, true, "misfit_task", 1024);
    be_imbalanced(s.local);
    expect(&s, true, "misfit_task", 1024);
    be_overloaded(s.local, 40960);
    expect(&s, true, "misfit_task", 1024);
    s.env.idle = CPU_NOT_IDLE; /* a busy CPU does not look for them */
    be_has_spare(s.local, 4);
    expect(&s, false, "busy_cpu", 0);
    stage_close(&s);
}

static void
busiest_is_imbalanced(void **state)
{
    struct stage s;

    (void)state;
    matrix_open(&s);
    be_imbalanced(s.busiest);
    for (int busy = 0; busy < 2; busy++) {
        s.env.idle = busy ? CPU_NOT_IDLE : CPU_IDLE;
        be_has_spare(s.local, 4);
        expect(&s, true, "imbalanced", 1);
        be_fully_busy(s.local);
        expect(&s, true, "imbalanced", 1);
        be_imbalanced(s.local);
        expect(&s, true, "imbalanced", 1);
        be_overloaded(s.local, 40960);
        expect(&s, true, "imbalanced", 1);
        assert_int_equal(s.env.migration, MIGRATE_TASK);
    }
    stage_close(&s);
}

static void
busiest_is_an_smt_core(void **state)
{
    struct stage s;

    (void)state;
    matrix_open(&s);
    be_has_spare(s.busiest, 8);
    s.busiest->flags = SD_SHARE_CPUCAPACITY;
    be_has_spare(s.local, 7); /* counts alone would leave it */
    expect(&s, true, "smt_balance", 1);
    s.local->flags = SD_SHARE_CPUCAPACITY;
    expect(&s, false, "idle_cpus", 0);
    be_has_spare(s.local, 4);
    expect(&s, true, "idle_cpus", 1);
    be_imbalanced(s.local);
    expect(&s, false, "local_type", 0);
    be_overloaded(s.local, 40960);
    expect(&s, false, "local_type", 0);
    stage_close(&s);
}

static void
busiest_is_overloaded(void **state)
{
    struct stage s;

    (void)state;
    matrix_open(&s);
    be_overloaded(s.busiest, 32768);
    be_has_spare(s.local, 4);
    expect(&s, true, "overloaded", 16384 - 4096); /* the room that is left */
    assert_int_equal(s.env.migration, MIGRATE_UTIL);
    set_averages(s.local, 4096, 20000, 4096);
    expect(&s, true, "overloaded", 1); /* none by its load: still, a task waits there */
    assert_int_equal(s.env.migration, MIGRATE_TASK);
    s.env.idle = CPU_NOT_IDLE;
    expect(&s, false, "overloaded", 0);
    be_fully_busy(s.local);
    /* 2048 and 1024, on average 1536: 512 x 16384 / 1024 */
    expect(&s, true, "overloaded", 8192);
    assert_int_equal(s.env.migration, MIGRATE_LOAD);
    be_imbalanced(s.local);
    set_averages(s.local, 16384, 16384, 16384);
    expect(&s, true, "overloaded", 8192);
    stage_close(&s);
}

static void
nobody_to_pull_from(void **state)
{
    struct stage s;

    (void)state;
    matrix_open(&s);
    be_has_spare(s.busiest, 0);
    be_has_spare(s.local, 4);
    expect(&s, false, "no_busiest", 0);
    stage_close(&s);
}

/* 1.6: what rt, deadline and interrupts leave; at least 1; groups have the sum and the extremes. */
static void
capacities_are_what_others_leave(void **state)
{
    static const struct {
        uint32_t rt, dl, irq;
        uint64_t capacity;
    } vectors[] = {
        { 0, 0, 0, 1024 },  { 256, 0, 0, 768 }, { 256, 256, 512, 256 }, { 0, 0, 1024, 1 },
        { 1000, 24, 0, 1 }, { 0, 0, 100, 924 }, { 1, 0, 1023, 1 },      { 300, 100, 100, 563 },
    };
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 4, 1, false);
    struct sched_domain *sd = f.k->domains->cpus[1].sd;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct rq *rq = &f.k->rqs[1];
        rq->avg_rt.util_avg = vectors[i].rt;
        rq->avg_dl.util_avg = vectors[i].dl;
        rq->avg_irq.util_avg = vectors[i].irq;
        update_group_capacity(f.k, sd, 1);
        assert_int_equal(rq->cpu_capacity, vectors[i].capacity);
        assert_int_equal(sd->groups->sgc->capacity, vectors[i].capacity);
    }
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scans_shrink_with_use),
        cmocka_unit_test(intervals_are_the_kernels),
        cmocka_unit_test(capacities_are_what_others_leave),
        cmocka_unit_test(siblings_share_by_cores),
        cmocka_unit_test(nodes_may_differ_a_little),
        cmocka_unit_test(overloaded_nodes_meet_at_the_average),
        cmocka_unit_test(busiest_has_spare),
        cmocka_unit_test(busiest_is_fully_busy),
        cmocka_unit_test(busiest_is_misfit),
        cmocka_unit_test(busiest_is_imbalanced),
        cmocka_unit_test(busiest_is_an_smt_core),
        cmocka_unit_test(busiest_is_overloaded),
        cmocka_unit_test(nobody_to_pull_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
