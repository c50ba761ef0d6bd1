/* layer: config */
/* Cgroups from the workload file to the kernel: weights, limits, cpusets, membership. */
#include <glib.h>

#include "config/workload_yaml.h"
#include "kernel/group.h"
#include "sim_fixture.h"
#include "workload/run.h"

struct run {
    struct arena *arena;
    struct machine *machine;
    struct kernel *k;
    struct workload_run *r;
    const char *why;
};

/* On 2 nodes of 2 CPUs, with `autogroup` as given. */
static void
open_run(struct run *x, const char *text, const char *autogroup)
{
    struct kernel_params kp;
    struct kernel_limits limits = { 0 };
    struct diag d;
    char why[256];

    x->arena = arena_new();
    x->machine = fixture_machine(x->arena, 2, 2, 1, 20);
    diag_init(&d);
    struct workload *w = workload_yaml_load("w", text, strlen(text), NULL, x->arena, &d);
    g_autofree char *messages = diag_text(&d);
    diag_clear(&d);
    assert_string_equal(messages, "");
    x->why = workload_limits(w, x->machine, &limits);
    if (x->why != NULL)
        return;
    kernel_params_init(&kp, x->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", x->arena, why, sizeof(why)));
    assert_true(kernel_params_set(&kp, "sched.autogroup", autogroup, x->arena, why, sizeof(why)));
    x->k = kernel_new(x->arena, x->machine, &kp, 1, &limits, &fixture_memory);
    x->r = workload_build(x->k, w, &x->why);
    assert_null(x->why);
}

static const struct task_group *
group(const struct run *x, const char *name)
{
    for (uint32_t i = 0; i < x->k->nr_groups; i++)
        if (strcmp(x->k->groups[i]->name, name) == 0)
            return x->k->groups[i];
    fail_msg("there is no group '%s'", name);
    return NULL;
}

#define PROCESS(cgroup, more)                                                                      \
    "processes:\n"                                                                                 \
    "  - name: p\n"                                                                                \
    "    cgroup: " cgroup "\n"                                                                     \
    "    threads:\n"                                                                               \
    "      - {name: a, count: 2, program: [{compute: 1ms}]" more "}\n"

/* The vectors of sched-core.md 2.10, with the kernel's 10 extra bits. */
static void
weights_become_shares(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        uint64_t shares;
    } cases[] = {
        { "cpu.weight: 1", 10 },
        { "cpu.weight: 50", 512 },
        { "cpu.weight: 100", 1024 },
        { "cpu.weight: 200", 2048 },
        { "cpu.weight: 10000", 102400 },
        { "cpu.weight.nice: 0", 1024 },
        { "cpu.weight.nice: -20", 88761 },
        { "cpu.weight.nice: 19", 15 },
        { "cpu.idle: yes", 3 },
        { "cpuset.cpus: 0-3", 1024 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct run x;
        g_autofree char *text = g_strdup_printf(
            "version: 1\nname: w\ncgroups: {g: {%s}}\n" PROCESS("g", ""), cases[i].setting);

        open_run(&x, text, "off");
        assert_int_equal(group(&x, "g")->shares, cases[i].shares << 10);
        assert_int_equal(group(&x, "g")->idle, i == 8);
        arena_free(x.arena);
    }
}

static void
groups_in_groups_have_paths_and_limits(void **state)
{
    (void)state;
    struct run x;

    open_run(&x,
             "version: 1\nname: w\n"
             "cgroups:\n"
             "  web:\n"
             "    cpu.max: {quota: 25ms * cpus, period: 50ms}\n"
             "    cpu.max.burst: 30ms\n"
             "    cpuset.cpus: 1-3\n"
             "    cgroups:\n"
             "      db: {cpu.max: 50ms, cpuset.cpus: '0,3'}\n"
             "      free: {cpu.max: max}\n"
             "  bare:\n" PROCESS("web/db", ", affinity: {nodes: 1}"),
             "off");
    const struct task_group *web = group(&x, "web"), *db = group(&x, "web/db");

    assert_ptr_equal(db->parent, web);
    assert_ptr_equal(group(&x, "bare")->parent, x.k->groups[0]);
    assert_int_equal(web->bandwidth.quota, MSEC(100));
    assert_int_equal(web->bandwidth.period, MSEC(50));
    assert_int_equal(web->bandwidth.burst, MSEC(30));
    assert_int_equal(db->bandwidth.quota, MSEC(50));
    assert_int_equal(db->bandwidth.period, MSEC(100));
    assert_true(group(&x, "web/free")->bandwidth.quota == CFS_NO_QUOTA);
    assert_string_equal(cpumask_text(x.arena, web->cpus), "1-3");
    assert_string_equal(cpumask_text(x.arena, db->cpus), "3");
    for (uint32_t i = 0; i < x.k->nr_tasks; i++) {
        assert_ptr_equal(x.k->tasks[i]->group, db);
        assert_string_equal(cpumask_text(x.arena, x.k->tasks[i]->allowed), "3");
    }
    arena_free(x.arena);
}

static void
assert_refused(const char *cgroups, const char *more, const char *why)
{
    struct run x;
    g_autofree char *text =
        g_strdup_printf("version: 1\nname: w\ncgroups: {%s}\n" PROCESS("g", "%s"), cgroups, more);

    open_run(&x, text, "off");
    assert_non_null(x.why);
    if (!g_str_has_suffix(x.why, why) || strchr(x.why, '\n') != NULL)
        fail_msg("'%s' instead of a place and '%s'", x.why, why);
    arena_free(x.arena);
}

static void
what_a_machine_cannot_do_is_refused_by_name(void **state)
{
    (void)state;
    assert_refused("g: {cpuset.cpus: 0-1}", ", affinity: {cpus: 2-3}",
                   "a: its affinity is CPUs 2-3, and its cgroup 'g' has only CPUs 0-1");
    assert_refused("g: {cpuset.cpus: 0-1, cgroups: {h: {cpuset.cpus: 2}}}", "",
                   "g/h: its cpuset is CPUs 2, and the group above it has only CPUs 0-1");
    assert_refused("g: {cpuset.cpus: 8}", "", "g: the machine has no CPU 8; it has 0-3");
    assert_refused("g: {cpu.max: 1ms / cpus}", "",
                   "g: cpu.max: the quota is too small; the least is 1ms");
    assert_refused("g: {cpu.max: 4ms * cpus, cpu.max.burst: 5ms * cpus}", "",
                   "g: cpu.max: the burst is larger than the quota");
}

static void
autogroup_gives_each_process_a_group_unless_it_is_in_one(void **state)
{
    (void)state;
    static const char text[] = "version: 1\nname: w\ncgroups: {g: {}}\n" PROCESS(
        "g", "") "  - {name: q, count: 2, threads: [{name: a, program: [{compute: 1ms}]}]}\n";
    struct run x;

    open_run(&x, text, "replays");
    assert_int_equal(x.k->nr_groups, 2);
    assert_ptr_equal(x.k->tasks[2]->group, x.k->groups[0]);
    arena_free(x.arena);
    open_run(&x, text, "on");
    assert_string_equal(x.k->tasks[1]->group->name, "g");
    assert_string_equal(x.k->tasks[2]->group->name, "autogroup-2");
    assert_string_equal(x.k->tasks[3]->group->name, "autogroup-3");
    assert_int_equal(x.k->tasks[3]->group->shares, 1024 << 10);
    arena_free(x.arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_become_shares),
        cmocka_unit_test(groups_in_groups_have_paths_and_limits),
        cmocka_unit_test(what_a_machine_cannot_do_is_refused_by_name),
        cmocka_unit_test(autogroup_gives_each_process_a_group_unless_it_is_in_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
