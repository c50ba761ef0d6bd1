/* layer: config */
/* The steps io and offload, what they wait for, and what names of devices mean. */
#include "workload_kit.h"

#include "kernel/device.h"

/* A disk of 1 GB/s that takes 100 us, one operation at a time; two GPUs, four times as fast. */
#define DEVICES                                                                                    \
    "version: 1\nname: t\ndevices:\n"                                                              \
    "- {name: disk, kind: nvme, bandwidth: 1GB/s, latency: 100us}\n"                               \
    "- {name: fast, kind: gpu, bandwidth: 1GB/s, speed: 4, count: 2}\n"                            \
    "processes:\n- name: p\n"

static void
io_without_a_device_is_a_sleep(void **state)
{
    struct run x;

    (void)state;
    assert_history(HEAD "  threads: [{name: a, program: [io: 2ms, compute: 1ms]}]\n", 1,
                   "p/a@3000");
    open_run(&x,
             HEAD "  threads: [{name: a, program: [io: {time: 2ms, cost: 500us}, sleep: 1ms]}]\n",
             1, 1, 1);
    fixture_run(&x.f, SEC(1));
    assert_int_equal(x.f.k->tasks[0]->exited_at, USEC(3500));
    assert_int_equal(x.f.k->tasks[0]->stats.io_wait_ns, MSEC(2));
    assert_int_equal(x.f.k->tasks[0]->stats.sleep_ns, MSEC(3));
    assert_int_equal(x.f.k->tasks[0]->stats.run_ns, USEC(500));
    fixture_close(&x.f);
}

/* Service, then the bytes; to the disk first the bytes. Both are first come, first served. */
static void
a_disk_serves_one_after_the_other(void **state)
{
    (void)state;
    assert_history(DEVICES "  threads: [{name: a, count: 2, program: [io: {device: disk, bytes: "
                           "1MB}]}]\n",
                   2, "p/a-0@1100 p/a-1@2100");
    assert_history(DEVICES "  threads: [{name: a, count: 2, program: [io: {device: disk, bytes: "
                           "2MB, write: yes}]}]\n",
                   2, "p/a-0@2100 p/a-1@4100");
    assert_history(DEVICES "  threads: [{name: a, program: [io: {device: disk, bytes: 1MB, time: "
                           "3ms}]}]\n",
                   1, "p/a@4000");
}

/* 8 ms of work are 2 ms; 1 ms in, 2 ms out. Threads are dealt to devices, or say which. */
static void
an_accelerator_works_at_its_speed(void **state)
{
    (void)state;
    assert_history(DEVICES
                   "  threads: [{name: a, count: 2, program: [offload: {device: fast, work: "
                   "8ms, bytes_in: 1MB, bytes_out: 2MB}]}]\n",
                   2, "p/a-0@5000 p/a-1@5000");
    assert_history(DEVICES
                   "  threads: [{name: a, count: 2, program: [offload: {device: fast, index: "
                   "0, work: 8ms, bytes_in: 1MB, bytes_out: 2MB}]}]\n",
                   2, "p/a-0@5000 p/a-1@7000");
}

static void
whoever_does_not_wait_goes_on(void **state)
{
    (void)state;
    assert_history(DEVICES "  threads: [{name: a, program: [offload: {device: fast, work: 8ms, "
                           "wait: no}, compute: 4ms, offload: wait, compute: 1ms]}]\n",
                   1, "p/a@5000");
    assert_history(DEVICES "  threads: [{name: a, program: [offload: {device: fast, work: 40ms, "
                           "wait: no}, compute: 4ms, io: {device: disk}, offload: wait, compute: "
                           "1ms]}]\n",
                   1, "p/a@11000");
    assert_history(DEVICES "  threads: [{name: a, program: [loop: {count: 3, do: [io: {device: "
                           "disk, bytes: 1MB, wait: no}]}, io: wait]}]\n",
                   1, "p/a@3100");
}

/* Also when whoever gave the operation is gone. */
static void
the_end_raises_a_semaphore(void **state)
{
    (void)state;
    assert_history(DEVICES "  sync: {s: {kind: semaphore, value: 0, count: 2}}\n"
                           "  threads:\n"
                           "  - {name: a, program: [offload: {device: fast, work: 8ms, wait: no, "
                           "done: s, done_index: 1}, compute: 1ms]}\n"
                           "  - {name: b, program: [down: {name: s, index: 1}, compute: 1ms]}\n",
                   2, "p/a@1000 p/b@3000");
}

static void
waiting_for_a_disk_is_io_wait_and_for_an_accelerator_is_not(void **state)
{
    struct run x;

    (void)state;
    open_run(&x,
             DEVICES "  threads: [{name: a, program: [io: {device: disk}, offload: {device: fast, "
                     "work: 4ms}]}]\n",
             1, 1, 1);
    fixture_run(&x.f, SEC(1));
    assert_int_equal(x.f.k->tasks[0]->stats.io_wait_ns, USEC(100));
    assert_int_equal(x.f.k->tasks[0]->stats.sleep_ns, USEC(1100));
    fixture_close(&x.f);
}

/* A region on node 1, a disk on node 0: what is read is written there. */
static void
bytes_go_where_the_region_is(void **state)
{
    struct run x;

    (void)state;
    open_run(&x,
             DEVICES "  regions: [{name: r, size: 1MiB, initial: {mode: bind, nodes: 1}}]\n"
                     "  threads: [{name: a, affinity: {nodes: 0}, program: [io: {device: disk, "
                     "bytes: 1MB, region: r}, io: {device: disk, bytes: 3MB, write: yes, region: r}"
                     "]}]\n",
             2, 1, 1);
    fixture_run(&x.f, SEC(1));
    assert_int_equal(x.f.k->traffic[0 * 2 + 1], 1000000);
    assert_int_equal(x.f.k->traffic[1 * 2 + 0], 3000000);
    assert_int_equal(x.f.k->served[1].written, 1000000);
    assert_int_equal(x.f.k->served[1].read, 3000000);
    assert_int_equal(x.f.k->served[0].read + x.f.k->served[0].written, 0);
    fixture_close(&x.f);
}

/* The machine's device of that name, else its devices of that kind, else the workload's own. */
static void
a_name_is_the_machines_before_it_is_the_workloads(void **state)
{
    struct machine_device devices[] = { { .name = "gpu0", .kind = DEVICE_GPU },
                                        { .name = "gpu1", .kind = DEVICE_GPU } };
    struct kernel_limits limits = { 0 };
    struct diag d;
    struct arena *a = arena_new();
    struct machine *m = fixture_machine(a, 1, 1, 1, 20);
    const char *text = DEVICES "  threads: [{name: a, program: [io: {device: disk}]}]\n";
    const char *none =
        HEAD "  threads: [{name: a, program: [offload: {device: gpu1, work: 1ms}]}]\n";

    (void)state;
    diag_init(&d);
    struct workload *w = workload_yaml_load("w.yaml", text, strlen(text), NULL, a, &d);
    struct workload *v = workload_yaml_load("w.yaml", none, strlen(none), NULL, a, &d);
    assert_null(workload_limits(w, m, &limits));
    assert_int_equal(limits.nr_devices, 3); /* all its own */
    assert_string_equal(workload_limits(v, m, &limits),
                        "w.yaml:5: there is no device 'gpu1' on machine fixture; its devices: "
                        "none. A workload may bring its own under 'devices'");
    m->devices = devices;
    m->nr_devices = 2;
    assert_null(workload_limits(w, m, &limits));
    assert_int_equal(limits.nr_devices, 3); /* a disk of its own */
    assert_null(workload_limits(v, m, &limits));
    assert_int_equal(limits.nr_devices, 2);
    diag_clear(&d);
    arena_free(a);
}

static void
what_cannot_be_done_ends_the_run_with_its_place(void **state)
{
    struct run x;

    (void)state;
    open_run(&x,
             DEVICES "  threads: [{name: a, program: [io: {device: disk, queue: thread + 1}]}]\n",
             1, 1, 1);
    fixture_run(&x.f, SEC(1));
    assert_string_equal(x.f.k->error,
                        "w.yaml:8: step io of p/a names a queue that the device does not have");
    fixture_close(&x.f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(io_without_a_device_is_a_sleep),
        cmocka_unit_test(a_disk_serves_one_after_the_other),
        cmocka_unit_test(an_accelerator_works_at_its_speed),
        cmocka_unit_test(whoever_does_not_wait_goes_on),
        cmocka_unit_test(the_end_raises_a_semaphore),
        cmocka_unit_test(waiting_for_a_disk_is_io_wait_and_for_an_accelerator_is_not),
        cmocka_unit_test(bytes_go_where_the_region_is),
        cmocka_unit_test(a_name_is_the_machines_before_it_is_the_workloads),
        cmocka_unit_test(what_cannot_be_done_ends_the_run_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
