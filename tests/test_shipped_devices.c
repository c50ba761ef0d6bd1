/* layer: cli */
/*
 * Shipped workloads with devices: whichever of latency, servers and link is the bottleneck sets the
 * pace, and bytes go where they should.
 */
#include "shipped_kit.h"

#include "kernel/device.h"
#include "report/totals.h"

#define DISK_LATENCY 80e-6
#define DISK_SERVERS 64.0
#define DISK_BANDWIDTH 3.5e9

static double
blocks_per_second(const char *settings)
{
    struct shipped x;

    shipped_run(&x, "hwloc:core:8 pu:1", "topology", "nvme-readers", settings, "flat", true);
    shipped_close(&x);
    return (double)x.work / x.seconds;
}

/* Little's law: so many blocks under way, each as long as the drive needs. */
static void
few_readers_wait_for_latency(void **state)
{
    (void)state;
    assert_near("8 readers",
                blocks_per_second("readers=8 block=4KiB compute=0us blocks=4000 pool=1MiB"),
                8 / (DISK_LATENCY + 4096 / DISK_BANDWIDTH), 0.01);
    assert_near("8 readers, 4 deep",
                blocks_per_second("readers=8 depth=4 block=512B compute=0us blocks=4000 pool=1MiB"),
                32 / (DISK_LATENCY + 4 * 512 / DISK_BANDWIDTH), 0.02);
}

static void
many_readers_wait_for_servers(void **state)
{
    (void)state;
    assert_near("256 readers",
                blocks_per_second("readers=256 block=512B compute=0us blocks=1000 pool=1MiB"),
                DISK_SERVERS / DISK_LATENCY, 0.02);
}

static void
large_blocks_wait_for_the_link(void **state)
{
    (void)state;
    assert_near("256 KiB",
                blocks_per_second("readers=64 block=256KiB compute=0us blocks=200 pool=1MiB"),
                DISK_BANDWIDTH / (256 << 10), 0.01);
}

/* Each block is an interrupt: 1 us and 2 us of completion, on the CPUs of the drive's queues. */
static void
every_block_interrupts_a_cpu(void **state)
{
    struct shipped x;
    uint64_t irq = 0, softirq = 0;

    (void)state;
    shipped_run(&x, "two-node-devices", "topology", "nvme-readers",
                "readers=16 blocks=500 compute=0us", NULL, false);
    const struct kernel *k = x.s->kernel;
    uint64_t blocks = device_stats(k, 1)->operations + device_stats(k, 2)->operations;
    for_each_cpu (cpu, k->machine->online) {
        irq += k->rqs[cpu].kernel_ns[CHARGE_IRQ];
        softirq += k->rqs[cpu].kernel_ns[CHARGE_SOFTIRQ];
    }
    assert_int_equal(blocks, 8000);
    assert_int_equal(device_stats(k, 1)->operations, 4000); /* threads are dealt to drives */
    assert_true(irq >= blocks * 1000);
    assert_true(softirq >= blocks * 2000 && softirq < blocks * 2200);
    shipped_close(&x);
}

/* Two GPUs of 12 GB/s: their work, or their links. */
static void
an_accelerator_or_its_link_sets_the_pace(void **state)
{
    struct shipped x;

    (void)state;
    shipped_run(&x, "two-node", "topology", "gpu-offload",
                "workers=8 kernel=10ms batch=1MiB result=64KiB prepare=1ns batches=100", "flat",
                true);
    assert_near("work", (double)x.work / x.seconds, 2 / 10e-3, 0.02);
    shipped_close(&x);
    shipped_run(&x, "two-node", "topology", "gpu-offload",
                "workers=8 kernel=1us batch=32MiB result=4KiB prepare=1ns batches=100", "flat",
                true);
    assert_near("link", (double)x.work / x.seconds, 2 * 12e9 / (32 << 20), 0.02);
    const struct device_stats *s = device_stats(x.s->kernel, 0);
    assert_int_equal(s->bytes_in, UINT64_C(400) * (32u << 20));
    assert_int_equal(s->bytes_out, UINT64_C(400) * 4096);
    shipped_close(&x);
}

/* A GPU of POWER9 hangs on its own node of memory: what it gets crosses NVLink and is written
 * there. */
static void
gpu_memory_takes_what_goes_to_its_gpu(void **state)
{
    struct shipped x;

    (void)state;
    shipped_run(&x, "power9-ac922", "topology", "gpu-offload",
                "workers=4 kernel=1ms batch=8MiB result=1MiB batches=50", NULL, false);
    const struct kernel *k = x.s->kernel;
    uint64_t written = 0, read = 0;
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        if (k->machine->nodes[n].kind == MEMORY_GPU) {
            written += k->served[n].written;
            read += k->served[n].read;
        }
    assert_int_equal(written, 200u * (8u << 20));
    assert_int_equal(read, 200u * (1u << 20));
    shipped_close(&x);
}

/* One reader that does nothing else: 16 cores at 1 W, two nodes at 40 W, five devices at 15 + 5 + 5
 * + 40 + 40 W, and 7 W more while the drive has a block; bytes cost next to nothing. */
static void
energy_is_watts_by_time(void **state)
{
    struct shipped x;
    struct run_info info = { 0 };
    struct totals t;

    (void)state;
    shipped_run(&x, "two-node-devices", "topology", "nvme-readers",
                "readers=1 block=4KiB compute=0us blocks=1000 pool=1MiB", "flat", true);
    info.elapsed = x.s->elapsed;
    totals_of_run(&t, x.s->kernel, &info, x.arena);
    double busy = 1000 * (DISK_LATENCY + 4096 / DISK_BANDWIDTH);
    assert_near("energy", t.energy_j, (16 * 1 + 2 * 40 + 105) * x.seconds + 7 * busy, 1e-4);
    assert_near("time", x.seconds, busy, 0.02);
    shipped_close(&x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_readers_wait_for_latency),
        cmocka_unit_test(many_readers_wait_for_servers),
        cmocka_unit_test(large_blocks_wait_for_the_link),
        cmocka_unit_test(every_block_interrupts_a_cpu),
        cmocka_unit_test(an_accelerator_or_its_link_sets_the_pace),
        cmocka_unit_test(energy_is_watts_by_time),
        cmocka_unit_test(gpu_memory_takes_what_goes_to_its_gpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
