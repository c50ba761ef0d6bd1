/* layer: report */
/*
 * The files of a run's folder, from a kernel made by hand: two nodes with two CPUs each, two
 * processes. All expected numbers are sums and shares of the figures set below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <math.h>

#include "kernel/group.h"
#include "kernel/mm.h"
#include "report/metric.h"
#include "report/run_report.h"

struct world {
    struct arena *arena;
    struct kernel k;
    struct memory_model_ops memory;
    struct run_info info;
    char *dir;
};

static struct process *
add_process(struct world *w, const char *name, const char *tag)
{
    struct process *pr = arena_new_object(w->arena, struct process);

    pr->name = name;
    pr->tag = tag;
    pr->members = arena_new_array(w->arena, struct task *, 4);
    histogram_init(&pr->stats.wait, w->arena);
    histogram_init(&pr->stats.wakeup, w->arena);
    histogram_init(&pr->stats.request, w->arena);
    w->k.processes[w->k.nr_processes++] = pr;
    return pr;
}

static struct task *
add_task(struct world *w, struct process *pr, const char *name)
{
    struct task *p = arena_new_object(w->arena, struct task);

    p->group = w->k.groups[0];

    p->name = name;
    p->process = pr;
    p->state = TASK_DEAD;
    p->se.weight = 1024;
    p->exited_at = w->info.elapsed;
    pr->members[pr->nr_members++] = p;
    return p;
}

static void
build_machine(struct world *w)
{
    struct machine *m = machine_new(w->arena, 4, 2);

    m->name = "two-node";
    for (uint32_t c = 0; c < 4; c++) {
        m->cpus[c].present = m->cpus[c].online = true;
        m->cpus[c].node = (int32_t)c / 2;
        m->cpus[c].core = (int32_t)c;
        cpumask_set(m->online, c);
        cpumask_set(m->nodes[c / 2].cpus, c);
    }
    m->nodes[0].os_index = 0;
    m->nodes[1].os_index = 8;
    m->nodes[0].mem_bytes = m->nodes[1].mem_bytes = GIB(1);
    w->k.machine = m;
    w->k.nr_online = 4;
    w->k.possible = m->online;
    w->k.rqs = arena_new_array(w->arena, struct rq, 4);
    for (int c = 0; c < 4; c++)
        w->k.rqs[c].node = c / 2;
}

static int
set_up(void **state)
{
    struct world *w = g_new0(struct world, 1);

    w->arena = arena_new();
    w->info = (struct run_info){ .topology = "two-node",
                                 .workload = "a, \"b\"",
                                 .policy = "topology",
                                 .seed = 7,
                                 .complete = true,
                                 .elapsed = SEC(2),
                                 .events = 99 };
    build_machine(w);
    w->k.arena = w->arena;
    w->k.processes = arena_new_array(w->arena, struct process *, 4);
    w->k.groups = arena_new_array(w->arena, struct task_group *, 4);
    w->k.groups[w->k.nr_groups++] = arena_new_object(w->arena, struct task_group);
    w->k.traffic = arena_new_array(w->arena, uint64_t, 4);
    w->k.link_bytes = arena_new_array(w->arena, uint64_t, 4);
    w->k.served = arena_new_array(w->arena, struct node_served, 2);
    w->k.mm = arena_new_object(w->arena, struct mm_state);
    w->k.mm->nodes = arena_new_array(w->arena, struct mm_node, 2);
    w->k.memory = &w->memory;
    w->dir = g_dir_make_tmp("numasim-test-XXXXXX", NULL);
    *state = w;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *w = *state;
    g_autoptr(GDir) dir = g_dir_open(w->dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(w->dir, name, NULL);
        g_unlink(path);
    }
    g_rmdir(w->dir);
    g_free(w->dir);
    arena_free(w->arena);
    g_free(w);
    return 0;
}

static char *
contents(const struct world *w, const char *name)
{
    g_autofree char *path = g_build_filename(w->dir, name, NULL);
    char *text = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static void
write_all(struct world *w)
{
    assert_true(run_report_write(w->dir, &w->k, &w->info, NULL, NULL));
}

/* product.md section 4. */
static void
columns_of_every_file_are_those_of_the_contract(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *file, *begins;
    } files[] = {
        { "summary.csv",
          "topology,workload,policy,seed,complete,elapsed_ns,work_done,throughput,cpu_busy_ratio,"
          "local_access_ratio,mem_latency_mean_ns,wait_p50_ns,wait_p99_ns,wait_p999_ns,wait_max_ns,"
          "wakeup_p50_ns,wakeup_p99_ns,wakeup_p999_ns,wakeup_max_ns,request_p50_ns,request_p99_ns,"
          "request_p999_ns,request_max_ns,deadline_misses,deadline_total,context_switches,"
          "task_migrations,task_migrations_cross_node,numa_pte_updates,numa_hint_faults,"
          "numa_hint_faults_local,numa_pages_migrated,pgpromote_success,pgdemote_kswapd,"
          "pgdemote_direct,remote_bytes,sched_overhead_ns,fairness_jain,energy_j,ext_exit_kind,"
          "ext_exit_reason,events" },
        { "processes.csv", "scope,id,elapsed_ns,work_done,throughput,cpu_busy_ratio," },
        { "tasks.csv",
          "task,process,cgroup,class,nice,run_ns,wait_ns,sleep_ns,stall_local_ns,stall_remote_ns,"
          "accesses_local,accesses_remote,migrations_llc,migrations_node,migrations_cross_node,"
          "work_done" },
        { "traffic.csv", "from_node,to_node,bytes\n" },
        { "latency.csv", "scope,id,kind,value_ns,count\n" },
        { "cpus.csv", "cpu,node,busy_ns," },
        { "nodes.csv", "node,kind,cpus,mem_bytes,free_bytes," },
        { "links.csv", "link,from_node,to_node,bandwidth_bytes_per_s,bytes,utilisation_ratio," },
    };

    write_all(w);

    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *text = contents(w, files[i].file);
        assert_true(g_str_has_prefix(text, files[i].begins));
    }
}

static void
a_run_in_which_nothing_happened_has_empty_fields_and_no_zeroes_to_average(void **state)
{
    struct world *w = *state;

    write_all(w);

    g_autofree char *text = contents(w, "summary.csv");
    assert_string_equal(
        strchr(text, '\n') + 1,
        "two-node,\"a, \"\"b\"\"\",topology,7,1,2000000000,0,0,0,,,,,,,,,,,,,,,0,0,0,0,0,"
        "0,0,0,0,0,0,0,0,0,,,,,99,,,,,,,0,0,0,0,exact,,,,,,0\n");
}

static double
summary_value(struct world *w, const char *name)
{
    struct totals t;

    totals_of_run(&t, &w->k, &w->info, w->arena);
    struct metric_value v = metric_value(metric_find(name), &t);
    return v.kind == METRIC_EMPTY ? NAN : v.real;
}

#define assert_near(x, expected) assert_true(fabs((x) - (expected)) < 1e-9)

static void
ratios_are_over_the_time_after_the_warm_up(void **state)
{
    struct world *w = *state;
    struct task *p = add_task(w, add_process(w, "a", NULL), "a/0");

    w->k.warmup_at = SEC(1);
    w->k.rqs[3].busy_ns = MSEC(500);
    p->stats.work_done = 30;
    p->stats.accesses_local = 75;
    p->stats.accesses_remote = 25;
    p->stats.latency_ps = 100 * 91500;

    assert_near(summary_value(w, "elapsed_ns"), 2e9);
    assert_near(summary_value(w, "throughput"), 30);
    assert_near(summary_value(w, "cpu_busy_ratio"), 0.125);
    assert_near(summary_value(w, "local_access_ratio"), 0.75);
    assert_near(summary_value(w, "mem_latency_mean_ns"), 91.5);
}

static void
fairness_weighs_shares_and_leaves_out_who_slept(void **state)
{
    struct world *w = *state;
    struct process *pr = add_process(w, "a", NULL);
    struct task *heavy = add_task(w, pr, "a/0"), *light = add_task(w, pr, "a/1"),
                *sleeper = add_task(w, pr, "a/2");

    heavy->se.weight = 3072;
    heavy->stats.run_ns = MSEC(1500);
    light->stats.run_ns = MSEC(500);
    sleeper->stats.run_ns = 1;
    sleeper->stats.sleep_ns = 1;
    assert_near(summary_value(w, "fairness_jain"), 1);

    /* 1 : 3 at equal weight: (1 + 3)^2 / (2 x (1 + 9)) */
    heavy->se.weight = 1024;
    assert_near(summary_value(w, "fairness_jain"), 0.8);
}

static void
percentiles_are_nearest_rank_and_the_maximum_is_exact(void **state)
{
    struct world *w = *state;
    struct process *pr = add_process(w, "a", NULL);

    for (uint64_t i = 1; i <= 100; i++)
        histogram_record(&pr->stats.wait, i);
    histogram_record(&add_process(w, "b", NULL)->stats.wait, 1000001);

    assert_near(summary_value(w, "wait_p50_ns"), 51);
    assert_near(summary_value(w, "wait_max_ns"), 1000001);
    assert_true(isnan(summary_value(w, "request_p50_ns")));
}

static void
processes_and_tags_have_rows_of_their_own(void **state)
{
    struct world *w = *state;
    struct process *a = add_process(w, "a", "batch"), *b = add_process(w, "b", NULL);

    add_task(w, a, "a/0")->stats.work_done = 5;
    struct task *tagged = add_task(w, b, "b/0");
    tagged->stats.work_done = 2;
    tagged->tag = "batch";
    add_task(w, b, "b/1")->stats.work_done = 1;
    write_all(w);

    g_autofree char *path = g_build_filename(w->dir, "processes.csv", NULL);
    g_autoptr(GPtrArray) rows = csv_read(path, NULL);
    const char *expected[][3] = { { "process", "a", "5" },
                                  { "process", "b", "3" },
                                  { "tag", "batch", "7" } };
    assert_int_equal(rows->len, 4);
    for (guint i = 0; i < 3; i++) {
        GStrv row = g_ptr_array_index(rows, i + 1);
        assert_string_equal(row[0], expected[i][0]);
        assert_string_equal(row[1], expected[i][1]);
        assert_string_equal(row[2], ""); /* elapsed_ns is the run's */
        assert_string_equal(row[3], expected[i][2]);
    }
}

/* A cgroup counts what is in the groups below it; what throttled it is its own. How long its
 * queues waited is told wherever a limit holds them, also from above. */
static void
cgroups_have_rows_with_the_lines_of_cpu_stat(void **state)
{
    struct world *w = *state;
    struct process *a = add_process(w, "a", NULL);
    struct task_group *web = arena_new_object(w->arena, struct task_group);
    struct task_group *db = arena_new_object(w->arena, struct task_group);

    *web = (struct task_group){ .id = 1, .name = "web", .parent = w->k.groups[0] };
    *db = (struct task_group){ .id = 2, .name = "web/db", .parent = web };
    web->bandwidth = (struct cfs_bandwidth){ .quota = MSEC(10),
                                             .nr_periods = 20,
                                             .nr_throttled = 7,
                                             .throttled_ns = USEC(300) + 999,
                                             .throttled_self_ns = USEC(100),
                                             .nr_bursts = 2,
                                             .burst_ns = USEC(5) };
    db->bandwidth =
        (struct cfs_bandwidth){ .quota = CFS_NO_QUOTA, .throttled_self_ns = USEC(200) + 1 };
    w->k.groups[w->k.nr_groups++] = web;
    w->k.groups[w->k.nr_groups++] = db;
    struct task *in_web = add_task(w, a, "a/0"), *in_db = add_task(w, a, "a/1");
    in_web->group = web;
    in_db->group = db;
    in_web->stats.work_done = 5;
    in_db->stats.work_done = 2;
    add_task(w, a, "a/2");
    write_all(w);

    g_autofree char *path = g_build_filename(w->dir, "processes.csv", NULL);
    g_autoptr(GPtrArray) rows = csv_read(path, NULL);
    const char *expected[][9] = { { "cgroup", "web", "7", "20", "7", "300", "2", "5", "100" },
                                  { "cgroup", "web/db", "2", "", "", "", "", "", "200" } };
    assert_int_equal(rows->len, 4);
    for (guint i = 0; i < 2; i++) {
        GStrv row = g_ptr_array_index(rows, i + 2);
        guint last = g_strv_length(row) - 6 - 4 - 6; /* of huge pages; of memory and I/O */
        assert_string_equal(row[0], expected[i][0]);
        assert_string_equal(row[1], expected[i][1]);
        assert_string_equal(row[3], expected[i][2]);
        for (guint j = 0; j < 6; j++)
            assert_string_equal(row[last + j], expected[i][3 + j]);
    }
    g_autofree char *tasks = contents(w, "tasks.csv");
    assert_non_null(strstr(tasks, "\na/0,a,web,normal,"));
    assert_non_null(strstr(tasks, "\na/1,a,web/db,normal,"));
    assert_non_null(strstr(tasks, "\na/2,a,,normal,"));
}

static void
nodes_have_the_numbers_of_the_machine(void **state)
{
    struct world *w = *state;

    w->k.traffic[1] = 4096;
    write_all(w);

    g_autofree char *text = contents(w, "traffic.csv");
    assert_string_equal(text, "from_node,to_node,bytes\n0,0,0\n0,8,4096\n8,0,0\n8,8,0\n");
}

static void
energy_is_empty_without_figures_and_adds_up_with_them(void **state)
{
    struct world *w = *state;
    struct machine *m = (struct machine *)(uintptr_t)w->k.machine;

    assert_true(isnan(summary_value(w, "energy_j")));

    m->power = (struct machine_power){ true, 5, 1, 10, 20, 60 };
    m->nr_cores = 4;
    m->smt = 1;
    w->k.rqs[0].busy_ns = SEC(1);
    w->k.traffic[0] = 1000000000;
    w->k.stats.remote_bytes = 2000000000;
    /* 1 s busy x 4 W more, 4 cores and 2 nodes for 2 s, 20 mJ and 120 mJ of bytes */
    assert_near(summary_value(w, "energy_j"), 4 + 8 + 40 + 0.02 + 0.12);
}

/* Threads of a core: one always busy and one never is an active core; both for half of the time are
 * one for three quarters of it, if they do not know of each other. */
static void
a_core_is_active_while_one_of_its_threads_is(void **state)
{
    struct world *w = *state;
    struct machine *m = (struct machine *)(uintptr_t)w->k.machine;

    m->power = (struct machine_power){ true, 5, 1, 0, 0, 0 };
    m->nr_cores = 2;
    m->smt = 2;
    for (int c = 0; c < 4; c++)
        m->cpus[c].core = 10 + c / 2; /* ids may be any */
    w->k.rqs[0].busy_ns = SEC(2);
    assert_near(summary_value(w, "energy_j"), 2 * 4 + 2 * 2);
    w->k.rqs[0].busy_ns = 0;
    w->k.rqs[2].busy_ns = w->k.rqs[3].busy_ns = SEC(1);
    assert_near(summary_value(w, "energy_j"), 1.5 * 4 + 2 * 2);
}

/* 3 GB and 1 GB: mean 2, standard deviation 1. All at one of two: the deviation is the mean. */
static void
imbalance_is_deviation_over_mean(void **state)
{
    struct world *w = *state;

    assert_true(isnan(summary_value(w, "controller_imbalance_ratio")));
    w->k.served[0] = (struct node_served){ 2000000000, 1000000000 };
    w->k.served[1] = (struct node_served){ 1000000000, 0 };
    assert_near(summary_value(w, "controller_imbalance_ratio"), 0.5);
    w->k.served[1].read = 0;
    assert_near(summary_value(w, "controller_imbalance_ratio"), 1);
    w->k.served[1].read = 3000000000;
    assert_near(summary_value(w, "controller_imbalance_ratio"), 0);
}

/* Two seconds at 10 GB/s; with a quarter of writes and a derating of 0.4 a tenth of that is lost.
 */
static void
utilisation_is_of_what_is_left_beside_writes(void **state)
{
    struct world *w = *state;
    struct machine *m = (struct machine *)(uintptr_t)w->k.machine;

    m->nodes[0].bandwidth = m->nodes[1].bandwidth = 10000000000;
    m->nodes[0].write_derate_ppm = 400000;
    w->k.served[0] = (struct node_served){ 6750000000, 2250000000 };
    w->k.served[1] = (struct node_served){ 4000000000, 0 };
    assert_near(controller_load(&w->k, 0, SEC(2)), 0.5);
    assert_near(controller_load(&w->k, 1, SEC(2)), 0.2);
    assert_near(summary_value(w, "controller_utilisation_max_ratio"), 0.5);
}

static void
stalls_are_a_part_of_the_running_time(void **state)
{
    struct world *w = *state;
    struct task *p = add_task(w, add_process(w, "a", NULL), "a/0");

    p->stats.run_ns = SEC(1);
    p->stats.stall_local_ns = MSEC(200);
    p->stats.stall_remote_ns = MSEC(300);
    p->stats.io_wait_ns = MSEC(7);
    assert_near(summary_value(w, "stall_ratio"), 0.5);
    assert_near(summary_value(w, "stall_remote_ratio"), 0.3);
    assert_near(summary_value(w, "io_wait_ns"), 7e6);
}

static void
samples_are_rates_between_neighbours(void **state)
{
    struct world *w = *state;
    struct task *p = add_task(w, add_process(w, "a", NULL), "a/0");
    struct samples *s = samples_new(&w->k, MSEC(10));

    for (int i = 1; i <= 2; i++) {
        w->k.engine.now = samples_next(s);
        w->k.traffic[1] += 1000000;
        p->stats.accesses_local += i == 1 ? 10 : 30;
        p->stats.accesses_remote += 10;
        samples_take(s);
    }
    assert_true(samples_write(s, w->dir, NULL));
    samples_free(s);

    g_autofree char *text = contents(w, "timeseries.csv");
    assert_non_null(strstr(text, "\n10000000,run,,local_access_ratio,0.5\n"));
    assert_non_null(strstr(text, "\n20000000,run,,local_access_ratio,0.75\n"));
    assert_non_null(strstr(text, "\n20000000,node_pair,0-8,bytes_per_s,100000000\n"));
    assert_non_null(strstr(text, "\n20000000,node,8,running,0\n"));
}

/* Whatever the length of a run, it has at most some hundreds of samples, evenly spaced. */
static void
samples_thin_out_as_a_run_grows(void **state)
{
    struct world *w = *state;
    struct samples *s = samples_new(&w->k, 0);

    while (w->k.engine.now < SEC(30)) {
        w->k.engine.now = samples_next(s);
        samples_take(s);
    }
    assert_true(samples_write(s, w->dir, NULL));
    samples_free(s);

    g_autofree char *path = g_build_filename(w->dir, "timeseries.csv", NULL);
    g_autoptr(GPtrArray) rows = csv_read(path, NULL);
    GHashTable *times = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 1; i < rows->len; i++)
        g_hash_table_add(times, ((GStrv)g_ptr_array_index(rows, i))[0]);
    assert_in_range(g_hash_table_size(times), 200, 400);
    g_hash_table_unref(times);
}

static void
numbers_are_the_shortest_that_read_back_whatever_the_locale(void **state)
{
    struct world *w = *state;
    struct csv *c = csv_create(w->dir, "x.csv", NULL);

    setlocale(LC_ALL, "de_DE.UTF-8"); /* a comma, where it is installed */
    csv_real(c, 0.1);
    csv_real(c, 1.0 / 3);
    csv_real(c, 1e9);
    csv_real(c, NAN);
    csv_text(c, "two\nlines");
    csv_end_row(c);
    setlocale(LC_ALL, "C");
    assert_true(csv_close(c, NULL));

    g_autofree char *text = contents(w, "x.csv");
    assert_string_equal(text, "0.1,0.3333333333333333,1000000000,,\"two\nlines\"\n");
    g_autofree char *path = g_build_filename(w->dir, "x.csv", NULL);
    g_autoptr(GPtrArray) rows = csv_read(path, NULL);
    assert_int_equal(rows->len, 1);
    assert_string_equal(((GStrv)g_ptr_array_index(rows, 0))[4], "two\nlines");
}

static void
a_full_disk_is_an_error_when_the_file_is_closed(void **state)
{
    (void)state;
    GError *error = NULL;
    struct csv *c = csv_create("/dev", "full", &error);

    if (c == NULL) {
        g_error_free(error);
        skip();
    }
    csv_text(c, "short enough for any buffer");
    csv_end_row(c);
    assert_false(csv_close(c, &error));
    assert_non_null(strstr(error->message, "/dev/full"));
    g_error_free(error);
}

#define report_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        report_test(columns_of_every_file_are_those_of_the_contract),
        report_test(a_run_in_which_nothing_happened_has_empty_fields_and_no_zeroes_to_average),
        report_test(ratios_are_over_the_time_after_the_warm_up),
        report_test(fairness_weighs_shares_and_leaves_out_who_slept),
        report_test(percentiles_are_nearest_rank_and_the_maximum_is_exact),
        report_test(processes_and_tags_have_rows_of_their_own),
        report_test(cgroups_have_rows_with_the_lines_of_cpu_stat),
        report_test(nodes_have_the_numbers_of_the_machine),
        report_test(energy_is_empty_without_figures_and_adds_up_with_them),
        report_test(a_core_is_active_while_one_of_its_threads_is),
        report_test(imbalance_is_deviation_over_mean),
        report_test(utilisation_is_of_what_is_left_beside_writes),
        report_test(stalls_are_a_part_of_the_running_time),
        report_test(samples_are_rates_between_neighbours),
        report_test(samples_thin_out_as_a_run_grows),
        report_test(numbers_are_the_shortest_that_read_back_whatever_the_locale),
        cmocka_unit_test(a_full_disk_is_an_error_when_the_file_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
