/* layer: models */
#include <stdio.h>

#include "memory_kit.h"

#include "kernel/numa_find.h"

/* numa-balancing.md 5.4: task A on node 0 of two nodes with four CPUs each, its faults 200/800. */

static void
balancing(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->numa.mode = NUMA_BALANCING_NORMAL;
}

struct who {
    const char *name;
    uint64_t mem0, mem1;
    int preferred;
    uint64_t h_load;
};

static void
dress(struct fixture *f, struct task *p, const struct who *w)
{
    numa_faults_alloc(f->k, p->numa);
    numa_faults(f->k, p->numa, NUMA_MEM, 0)[NUMA_PRIVATE] = w->mem0;
    numa_faults(f->k, p->numa, NUMA_MEM, 1)[NUMA_PRIVATE] = w->mem1;
    p->numa->total_faults = w->mem0 + w->mem1;
    p->numa->preferred = w->preferred;
    /* alone on its CPU, so its part of the queue's load is all but the rounding */
    p->se.avg.load_avg = f->k->rqs[p->cpu].cfs.avg.load_avg = w->h_load;
}

static struct task *
on_cpu(struct fixture *f, int cpu, const struct who *w)
{
    char list[8];
    struct task *p = fixture_hog(f, w->name, 0);

    snprintf(list, sizeof(list), "%d", cpu);
    task_set_affinity(f->k, p, fixture_cpus(f, list));
    task_start(f->k, p, NULL);
    fixture_run(f, f->k->engine.now + MSEC(1));
    task_set_affinity(f->k, p, f->machine->online);
    return p;
}

static const struct who A = { "A", 2000, 8000, 1, 1024 }, B = { "B", 700, 300, 0, 1024 },
                        C = { "C", 300, 700, 1, 1024 }, D = { "D", 900, 100, -1, 1024 },
                        D_LIGHT = { "D", 900, 100, -1, 512 }, C_STAYS = { "C'", 100, 900, 1, 1024 },
                        IDLE = { "idle", 0, 0, -1, 0 };

/* A machine with A on CPU 0 and others on CPUs 4 to 7. */
static struct task_numa_env
stage(struct fixture *f, const struct who *const *others, size_t nr, bool grouped)
{
    struct task *all[5];

    kit_open(f, 2, 4, &fixture_memory, balancing);
    all[0] = on_cpu(f, 0, &A);
    for (size_t i = 0; i < nr; i++)
        all[i + 1] = others[i] == &IDLE ? NULL : on_cpu(f, 4 + (int)i, others[i]);
    dress(f, all[0], &A);
    for (size_t i = 0; i < nr; i++)
        if (all[i + 1] != NULL)
            dress(f, all[i + 1], others[i]);
    struct numa_group *g = NULL;
    for (size_t i = 0; grouped && i <= nr; i++) {
        if (i == 0)
            task_numa_group(f->k, all[0], 7, 0, false);
        g = all[0]->numa->group;
        all[i]->numa->group = g;
        g->nr_tasks = (uint32_t)nr + 1;
    }
    return (struct task_numa_env){ .k = f->k,
                                   .p = all[0],
                                   .dst_nid = 1,
                                   .dst_cpu = -1,
                                   .dist = 20,
                                   .imbalance_pct = 108,
                                   .imb_numa_nr = 1,
                                   .best_cpu = -1,
                                   .src_stats = { .load = 4096,
                                                  .capacity = 4096,
                                                  .nr_running = 4,
                                                  .weight = 4,
                                                  .idle_cpu = -1 },
                                   .dst_stats = { .load = 4096,
                                                  .capacity = 4096,
                                                  .nr_running = 4,
                                                  .weight = 4,
                                                  .idle_cpu = -1,
                                                  .type = NODE_FULLY_BUSY } };
}

struct expected {
    const char *partner; /* NULL: none */
    int64_t imp;
    int cpu; /* -1: nothing found */
};

static void
assert_found(const struct task_numa_env *env, const struct expected *want)
{
    assert_int_equal(env->best_cpu, want->cpu);
    if (want->partner == NULL)
        assert_null(env->best_task);
    else
        assert_string_equal(env->best_task->name, want->partner);
    if (want->cpu >= 0)
        assert_int_equal(env->best_imp, want->imp);
    /* exactly the CPU that was chosen is marked */
    for (uint32_t cpu = 0; cpu < env->k->machine->nr_cpus; cpu++)
        assert_int_equal(env->k->rqs[cpu].numa_migrate_on, (int)cpu == want->cpu);
}

static void
swaps_are_judged_as_in_the_table(void **state)
{
    static const struct {
        const struct who *others[4];
        size_t nr;
        bool grouped;
        struct expected want;
    } rows[] = {
        { { &C, &B, &D }, 3, false, { "B", 1125, 5 } }, /* S1 */
        { { &C, &B, &D }, 3, true, { "B", 1055, 5 } },  /* S2 */
        { { &D }, 1, false, { "D", 1400, 4 } },         /* S3 */
        { { &D_LIGHT }, 1, false, { NULL, 0, -1 } },    /* S4 */
        { { &C_STAYS }, 1, false, { NULL, 0, -1 } },    /* S5 */
        { { &C }, 1, false, { "C", 188, 4 } },          /* S1's first step */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct task_numa_env env = stage(&f, rows[i].others, rows[i].nr, rows[i].grouped);

        /* CPUs without a candidate are busy with nobody who may come here */
        env.p->allowed = fixture_cpus(&f, rows[i].nr == 1 ? "0,4" : "0,4-6");
        task_numa_find_cpu(&env, 600, rows[i].grouped ? 600 : 0);
        assert_found(&env, &rows[i].want);
        fixture_close(&f);
    }
}

/* S6: the destination has less load, so a plain move (600) beats the swap (188). */
static void
a_move_beats_a_poorer_swap(void **state)
{
    const struct who *others[] = { &C };
    struct fixture f;

    (void)state;
    struct task_numa_env env = stage(&f, others, 1, false);
    env.p->allowed = fixture_cpus(&f, "0,4");
    env.dst_stats.load = 2048;
    task_numa_find_cpu(&env, 600, 0);
    assert_found(&env, &(struct expected){ NULL, 600, 4 });
    fixture_close(&f);
}

static void
nodes_are_classified_by_tasks_and_averages(void **state)
{
    static const struct {
        uint32_t nr;
        uint64_t util, runnable;
        enum numa_type type;
    } rows[] = { { 4, 4000, 4096, NODE_FULLY_BUSY },
                 { 3, 3000, 3000, NODE_HAS_SPARE },
                 { 5, 4050, 5000, NODE_OVERLOADED },
                 { 4, 2000, 2100, NODE_HAS_SPARE } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct numa_stats s = { .capacity = 4096,
                                .weight = 4,
                                .nr_running = rows[i].nr,
                                .util = rows[i].util,
                                .runnable = rows[i].runnable };

        assert_int_equal(numa_classify(108, &s), rows[i].type);
    }
}

/* A node with room: small nodes leave their idle CPU idle and swap nothing, large ones use it. A
 * task of another class is not among the fair tasks of its node: without any there, 2 against -1
 * are 3 too many everywhere. */
static void
an_idle_cpu_may_be_out_of_bounds(void **state)
{
    static const struct {
        uint32_t imb_numa_nr, nr_src, nr_dst;
        uint64_t quirks_off;
        struct expected want;
    } rows[] = { { 1, 4, 3, 0, { NULL, 0, -1 } },
                 { 8, 4, 3, 0, { NULL, 0, 7 } },
                 { 1, 4, 3, 1u << NUMA_QUIRK_IDLE_BLOCKED, { NULL, 0, 7 } },
                 { 8, 0, 1, 0, { NULL, 0, -1 } },
                 { 8, 0, 0, 0, { NULL, 0, 7 } } };
    const struct who *others[] = { &D, &D, &D, &IDLE };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct task_numa_env env = stage(&f, others, 4, false);

        f.k->params.numa.quirks &= ~rows[i].quirks_off;
        env.imb_numa_nr = rows[i].imb_numa_nr;
        env.src_stats.nr_running = rows[i].nr_src;
        env.dst_stats.nr_running = rows[i].nr_dst;
        env.dst_stats.idle_cpu = 7;
        env.dst_stats.type = NODE_HAS_SPARE;
        task_numa_find_cpu(&env, 600, 0);
        assert_found(&env, &rows[i].want);
        fixture_close(&f);
    }
}

/* An idle CPU on a node tried later replaces a better swap found before; repaired, it does not. */
static void
a_later_idle_cpu_overrides(void **state)
{
    const struct who *others[] = { &D, &IDLE, &IDLE, &IDLE };

    (void)state;
    for (int repaired = 0; repaired < 2; repaired++) {
        struct fixture f;
        struct task_numa_env env = stage(&f, others, 4, false);

        if (repaired)
            f.k->params.numa.quirks &= ~((uint64_t)1 << NUMA_QUIRK_IDLE_OVERRIDE);
        env.best_cpu = 4;
        env.best_task = f.k->rqs[4].curr;
        env.best_imp = 1400;
        f.k->rqs[4].numa_migrate_on = true;
        env.imb_numa_nr = 8;
        env.dst_stats.nr_running = 1;
        env.dst_stats.idle_cpu = 5;
        env.dst_stats.type = NODE_HAS_SPARE;
        task_numa_find_cpu(&env, 600, 0);
        assert_found(&env, repaired ? &(struct expected){ "D", 1400, 4 }
                                    : &(struct expected){ NULL, 0, 5 });
        fixture_close(&f);
    }
}

/* Somebody else has reserved the idle CPU: the next one of the node is taken. */
static void
a_reserved_cpu_is_passed_over(void **state)
{
    const struct who *others[] = { &D, &IDLE, &IDLE, &IDLE };
    struct fixture f;

    (void)state;
    struct task_numa_env env = stage(&f, others, 4, false);
    f.k->rqs[7].numa_migrate_on = true;
    env.imb_numa_nr = 8;
    env.dst_stats.nr_running = 1;
    env.dst_stats.idle_cpu = 7;
    env.dst_stats.type = NODE_HAS_SPARE;
    task_numa_find_cpu(&env, 600, 0);
    assert_int_equal(env.best_cpu, 5);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swaps_are_judged_as_in_the_table),
        cmocka_unit_test(a_move_beats_a_poorer_swap),
        cmocka_unit_test(nodes_are_classified_by_tasks_and_averages),
        cmocka_unit_test(an_idle_cpu_may_be_out_of_bounds),
        cmocka_unit_test(a_later_idle_cpu_overrides),
        cmocka_unit_test(a_reserved_cpu_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
