/* layer: report */
/* What the files of a run's folder say of machines and over time; how numbers are written. */
#include "report_kit.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
