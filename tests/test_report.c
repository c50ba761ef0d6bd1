/* layer: report */
/*
 * The files of a run's folder, from a kernel made by hand: two nodes with two CPUs each, two
 * processes. All expected numbers are sums and shares of the figures set below.
 */
#include "report_kit.h"

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
        "0,0,0,0,0,0,0,0,0,,,,,99,,,,,,,0,0,0,0,exact,,,,,,0,0,0,0,0\n");
}

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
        guint last = g_strv_length(row) - 6 - 4 - 6 - 4; /* huge pages; memory and I/O; faults and swap */
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
