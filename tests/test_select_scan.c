/* layer: kernel */
/* Scans of an LLC by words against scans by CPUs; limits, clusters, cores. */
#include "scan_kit.h"

struct plain_scan {
    struct fixture *f;
    bool cand[1024];
    int nr, remembered;
};

static bool
plain_idle(const struct plain_scan *s, int cpu)
{
    return cpumask_test(s->f->k->idle_cpus, (uint32_t)cpu);
}

static bool
plain_sched_idle(const struct plain_scan *s, int cpu)
{
    const struct rq *rq = &s->f->k->rqs[cpu];

    return rq->nr_running > 0 && rq->nr_running == rq->cfs.idle_h_nr_running;
}

static int
plain_core(struct plain_scan *s, int of)
{
    const struct machine_cpu *c = s->f->machine->cpus;
    bool idle = true;

    for (int cpu = 0; cpu < (int)s->f->machine->nr_cpus; cpu++) {
        if (c[cpu].core != c[of].core)
            continue;
        if (!plain_idle(s, cpu))
            idle = false;
        if (s->remembered < 0 && s->cand[cpu] && (plain_idle(s, cpu) || plain_sched_idle(s, cpu)))
            s->remembered = cpu;
    }
    if (idle)
        return of;
    for (int cpu = 0; cpu < (int)s->f->machine->nr_cpus; cpu++)
        if (c[cpu].core == c[of].core)
            s->cand[cpu] = false;
    return -1;
}

/* -1: go on, -2: give up. */
static int
plain_visit(struct plain_scan *s, int cpu, bool cores)
{
    if (cores)
        return plain_core(s, cpu);
    if (--s->nr <= 0)
        return -2;
    return plain_idle(s, cpu) || plain_sched_idle(s, cpu) ? cpu : -1;
}

static int
plain_select(struct fixture *f, const struct task *p, int target, bool cores, int nr_idle_scan,
             int cluster_size)
{
    struct plain_scan s = { .f = f, .nr = nr_idle_scan + 1, .remembered = -1 };
    int n = (int)f->machine->nr_cpus;

    for (int cpu = 0; cpu < n; cpu++)
        s.cand[cpu] = cpumask_test(p->allowed, (uint32_t)cpu);
    if (s.nr == 1)
        return -1;
    for (int pass = cluster_size > 0 ? 0 : 1; pass < 2; pass++) {
        for (int i = 1; i <= n; i++) {
            int cpu = (target + i) % n;
            bool own = cluster_size > 0 && cpu / cluster_size == target / cluster_size;
            if (!s.cand[cpu] || (cluster_size > 0 && own != (pass == 0)))
                continue;
            int found = plain_visit(&s, cpu, cores);
            if (found != -1)
                return found == -2 ? -1 : found;
        }
    }
    return cores ? s.remembered : -1;
}

/* One LLC of 130 CPUs: three words, siblings 65 apart. */
static void
open_wide(struct fixture *f, bool smt)
{
    struct arena *a = arena_new();
    struct machine *m = fixture_machine(a, 1, 130, 1, 20);

    for (int cpu = 0; smt && cpu < 130; cpu++)
        m->cpus[cpu].core = m->cpus[cpu].l2 = m->cpus[cpu].cluster = cpu % 65;
    kit_open(f, a, m, NULL);
}

static void
draw_states(struct fixture *f, struct rng *r, uint64_t idle_percent)
{
    for_each_cpu (cpu, f->machine->online) {
        uint64_t draw = rng_below(r, 100);

        if (draw < idle_percent)
            kit_idle(f, cpu);
        else if (draw == 99)
            kit_sched_idle(f, cpu);
        else
            kit_busy(f, cpu);
    }
}

static void
draw_allowed(struct fixture *f, struct rng *r, struct cpumask *allowed)
{
    uint64_t percent = rng_below(r, 3) == 0 ? 100 : 1 + rng_below(r, 100);

    cpumask_zero(allowed);
    for_each_cpu (cpu, f->machine->online)
        if (rng_below(r, 100) < percent)
            cpumask_set(allowed, (uint32_t)cpu);
}

static void
compare_scans(struct fixture *f, int cluster_size, uint64_t seed)
{
    struct task *p = kit_sleeper(f, 0);
    struct cpumask *allowed = cpumask_new(f->arena, f->machine->nr_cpus);
    struct rng r;

    rng_init(&r, seed, "scans", 0);
    p->allowed = allowed;
    for (int round = 0; round < 4000; round++) {
        int target = (int)rng_below(&r, f->machine->nr_cpus);
        struct cpu_domains *cd = &f->k->domains->cpus[target];
        bool cores = f->k->smt_active && rng_below(&r, 2) == 0;
        static const uint64_t percents[] = { 0, 1, 5, 30, 90 };

        draw_states(f, &r, percents[rng_below(&r, 5)]);
        draw_allowed(f, &r, allowed);
        cd->llc_shared->nr_idle_scan = (uint32_t)rng_below(&r, f->machine->nr_cpus + 1);
        cd->llc_shared->has_idle_cores = cores;
        int want =
            plain_select(f, p, target, cores, (int)cd->llc_shared->nr_idle_scan, cluster_size);
        int got = select_idle_cpu(f->k, p, cd->llc, cores, target);
        if (got != want)
            fail_msg("round %d, target %d, cores %d: CPU %d, expected %d", round, target, cores,
                     got, want);
        if (cores && cd->llc_shared->nr_idle_scan > 0) {
            bool found =
                got >= 0 && cpumask_subset(f->k->domains->cpus[got].smt_mask, f->k->idle_cpus);
            assert_int_equal(cd->llc_shared->has_idle_cores, found);
        }
    }
}

static void
scans_by_words_find_what_scans_by_cpus_find(void **state)
{
    struct fixture f;

    (void)state;
    open_wide(&f, false);
    compare_scans(&f, 0, 1);
    fixture_close(&f);
    open_wide(&f, true);
    compare_scans(&f, 0, 2);
    fixture_close(&f);
}

static void
scans_look_into_the_own_cluster_first(void **state)
{
    struct fixture f;

    (void)state;
    open_clusters(&f, 96, 4);
    compare_scans(&f, 4, 3);
    fixture_close(&f);
}

/* nr_idle_scan CPUs are looked at, idle or not, and only those that p may use count. */
static void
sis_util_limits_the_scan(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 8, 1, NULL);
    struct task *p = kit_sleeper(&f, 3);
    struct sched_domain_shared *sds = f.k->domains->cpus[3].llc_shared;
    kit_only_idle(&f, "6"); /* third in the order 4, 5, 6, 7, 0, 1, 2, 3 */
    sds->nr_idle_scan = 3;
    assert_int_equal(choose(&f, p, 3, 3, "select_idle_cpu"), 6);
    sds->nr_idle_scan = 2;
    assert_int_equal(choose(&f, p, 3, 3, "select_idle_sibling:no_idle_cpu"), 3);
    kit_allow(&f, p, "3,5-6");
    assert_int_equal(choose(&f, p, 3, 3, "select_idle_cpu"), 6);
    sds->nr_idle_scan = 0;
    assert_int_equal(choose(&f, p, 3, 3, "select_idle_sibling:no_idle_cpu"), 3);
    f.k->params.sched.features &= ~((uint64_t)1 << SCHED_FEAT_SIS_UTIL);
    assert_int_equal(choose(&f, p, 3, 3, "select_idle_cpu"), 6);
    fixture_close(&f);
}

static void
domains_just_built_allow_no_scan(void **state)
{
    static const char *const settings[] = { "select.settled", "no", NULL };
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 4, 2, settings);
    struct task *p = kit_sleeper(&f, 0);
    assert_int_equal(f.k->domains->cpus[0].llc_shared->nr_idle_scan, 0);
    assert_false(f.k->domains->cpus[0].llc_shared->has_idle_cores);
    kit_only_idle(&f, "4-7");
    assert_int_equal(choose(&f, p, 0, 0, "select_idle_sibling:no_idle_cpu"), 0);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scans_by_words_find_what_scans_by_cpus_find),
        cmocka_unit_test(scans_look_into_the_own_cluster_first),
        cmocka_unit_test(sis_util_limits_the_scan),
        cmocka_unit_test(domains_just_built_allow_no_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
