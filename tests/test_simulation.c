/* layer: config */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/policy_yaml.h"
#include "config/workload_yaml.h"
#include "run/simulation.h"

/* A whole run, from names to sums, inside this process. */
struct subject {
    struct arena *arena;
    struct run_spec spec;
    struct simulation *sim;
};

static void
subject_open(struct subject *s, const char *topology, const char *workload,
             const char *const *settings, const char *policy, uint64_t seed)
{
    struct diag d;
    const char *why = NULL;

    diag_init(&d);
    s->arena = arena_new();
    s->spec = (struct run_spec){ .seed = seed, .until = SIM_NEVER };
    s->spec.machine = load_machine(topology, s->arena, &d);
    s->spec.workload = load_workload(workload, settings, s->arena, &d);
    bool ok = load_policy(policy, s->arena, &s->spec.policy, &d);
    if (!ok || diag_failed(&d))
        fail_msg("%s", diag_text(&d));
    diag_clear(&d);
    s->sim = simulation_new(s->arena, &s->spec, &why);
    if (s->sim == NULL)
        fail_msg("%s", why);
}

static void
subject_close(struct subject *s)
{
    arena_free(s->arena);
}

/* Every account of every task, and the machine's counters. */
static uint64_t
fingerprint(const struct subject *s)
{
    const struct kernel *k = s->sim->kernel;
    uint64_t h = k->engine.nr_events ^ k->probe.seq;

    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        const struct task_stats *t = &k->tasks[i]->stats;
        const uint64_t all[] = { t->run_ns,          t->wait_ns,         t->sleep_ns,
                                 t->accesses_local,  t->accesses_remote, t->nr_switches,
                                 t->stall_remote_ns, t->work_done,       k->tasks[i]->exited_at };
        for (size_t j = 0; j < ARRAY_LEN(all); j++)
            h = (h ^ all[j]) * 0x9e3779b97f4a7c15u;
    }
    return h ^ k->stats.numa_pages_migrated ^ k->stats.context_switches;
}

static const char *const short_numa02[] = { "loops=30", NULL };
static const char *const short_hackbench[] = { "groups=1", "loops=2", NULL };

static void
two_runs_in_turns_are_each_as_alone(void **state)
{
    struct subject a, b;
    uint64_t alone[2];

    (void)state;
    subject_open(&a, "two-node", "numa02", short_numa02, "autonuma", 1);
    assert_int_equal(simulation_run(a.sim, SIM_NEVER), SIMULATION_DONE);
    alone[0] = fingerprint(&a);
    subject_close(&a);
    subject_open(&b, "four-ring", "hackbench", short_hackbench, "topology", 7);
    assert_int_equal(simulation_run(b.sim, SIM_NEVER), SIMULATION_DONE);
    alone[1] = fingerprint(&b);
    subject_close(&b);

    subject_open(&a, "two-node", "numa02", short_numa02, "autonuma", 1);
    subject_open(&b, "four-ring", "hackbench", short_hackbench, "topology", 7);
    enum simulation_end end_a = SIMULATION_PAUSED, end_b = SIMULATION_PAUSED;
    for (sim_time t = USEC(300); end_a == SIMULATION_PAUSED || end_b == SIMULATION_PAUSED;
         t += MSEC(1)) {
        if (end_a == SIMULATION_PAUSED)
            end_a = simulation_run(a.sim, t);
        if (end_b == SIMULATION_PAUSED)
            end_b = simulation_run(b.sim, t);
    }
    assert_int_equal(end_a, SIMULATION_DONE);
    assert_int_equal(end_b, SIMULATION_DONE);
    assert_int_equal(fingerprint(&a), alone[0]);
    assert_int_equal(fingerprint(&b), alone[1]);
    subject_close(&a);
    subject_close(&b);
}

static void
seeds_differ_and_repeat(void **state)
{
    uint64_t h[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct subject s;

        subject_open(&s, "two-node", "numa02", short_numa02, "topology",
                     i == 2 ? 1 : (uint64_t)i + 1);
        assert_int_equal(simulation_run(s.sim, SIM_NEVER), SIMULATION_DONE);
        h[i] = fingerprint(&s);
        subject_close(&s);
    }
    assert_int_not_equal(h[0], h[1]);
    assert_int_equal(h[0], h[2]);
}

/* Hackbench takes milliseconds. Without the note one would take the figures for those after an
 * hour. */
static void
a_run_shorter_than_its_warmup_says_so(void **state)
{
    (void)state;
    for (int longer = 0; longer <= 1; longer++) {
        struct subject s;

        subject_open(&s, "two-node", "hackbench", short_hackbench, "topology", 3);
        s.sim->spec.warmup = longer ? SEC(3600) : USEC(100);
        assert_int_equal(simulation_run(s.sim, SIM_NEVER), SIMULATION_DONE);
        const struct kernel_note *note = s.sim->kernel->notes;
        while (note != NULL && strstr(note->text, "before its warm-up") == NULL)
            note = note->next;
        assert_int_equal(note != NULL, longer);
        subject_close(&s);
    }
}

/* Time is neither lost nor invented: each task's run, wait and sleep fill its life. */
static void
accounts_of_every_task_fill_its_life(void **state)
{
    struct subject s;

    (void)state;
    subject_open(&s, "two-node", "hackbench", short_hackbench, "topology", 3);
    assert_int_equal(simulation_run(s.sim, SIM_NEVER), SIMULATION_DONE);
    const struct kernel *k = s.sim->kernel;
    uint64_t stolen = 0, life = 0, accounted = 0;
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++)
        stolen += k->rqs[cpu].irq_ns;
    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        const struct task *p = k->tasks[i];
        uint64_t own = p->stats.run_ns + p->stats.wait_ns + p->stats.sleep_ns;

        assert_true(own <= p->exited_at - p->started_at);
        life += p->exited_at - p->started_at;
        accounted += own;
    }
    assert_true(life - accounted <= stolen); /* what is missing was stolen by interrupts */
    subject_close(&s);
}

static void
a_warm_up_leaves_the_course_as_it_was(void **state)
{
    struct subject cold, warm;
    sim_time end;

    (void)state;
    subject_open(&cold, "two-node", "numa02", short_numa02, "topology", 1);
    assert_int_equal(simulation_run(cold.sim, SIM_NEVER), SIMULATION_DONE);
    end = cold.sim->elapsed;
    uint64_t all = cold.sim->kernel->tasks[1]->stats.run_ns;
    subject_close(&cold);
    subject_open(&warm, "two-node", "numa02", short_numa02, "topology", 1);
    warm.sim->spec.warmup = end / 2;
    assert_int_equal(simulation_run(warm.sim, SIM_NEVER), SIMULATION_DONE);
    /* settling in the middle may round each burst down once */
    assert_true(warm.sim->elapsed - end + 1000 <= 2000);
    assert_true(warm.sim->kernel->tasks[1]->stats.run_ns < all);
    subject_close(&warm);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_runs_in_turns_are_each_as_alone),
        cmocka_unit_test(seeds_differ_and_repeat),
        cmocka_unit_test(a_run_shorter_than_its_warmup_says_so),
        cmocka_unit_test(accounts_of_every_task_fill_its_life),
        cmocka_unit_test(a_warm_up_leaves_the_course_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
