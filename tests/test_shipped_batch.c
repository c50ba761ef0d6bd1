/* layer: config */
/*
 * Shipped batch and parallel workloads against the laws of their kind: the slowest stage of a
 * pipeline, Amdahl's law, how far workers of a parameter server may be apart, what a ring carries.
 */
#include "shipped_kit.h"

#define EIGHT "hwloc:core:8 pu:1"

/* ---- pipelines ---- */

static double
blocks_per_second(const char *settings)
{
    struct shipped x;

    shipped_run(&x, EIGHT, "topology", "pipeline", settings, "flat", true);
    shipped_close(&x);
    return (double)x.work / x.seconds;
}

static void
a_pipeline_is_as_fast_as_its_slowest_stage(void **state)
{
    (void)state;
    assert_near("reader",
                blocks_per_second("workers=4 blocks=500 block=4KiB read=5ms work=1ms cv=0.01 "
                                  "write=1ms"),
                200, 0.02);
    assert_near("workers",
                blocks_per_second("workers=4 blocks=500 block=4KiB read=1ms work=20ms cv=0.01 "
                                  "write=500us"),
                200, 0.02);
    assert_near("writer",
                blocks_per_second("workers=4 blocks=500 block=4KiB read=1ms work=20ms cv=0.01 "
                                  "write=8ms"),
                125, 0.02);
}

/* The variants end, with all of their blocks in order. */
static void
xz_and_ffmpeg_are_bound_by_their_workers(void **state)
{
    struct shipped x;

    (void)state;
    shipped_run(&x, EIGHT, "topology", "xz", "cv=0.01", "flat", true);
    assert_near("xz", (double)x.work / x.seconds, 2 / 0.5, 0.04);
    shipped_close(&x);
    shipped_run(&x, EIGHT, "topology", "ffmpeg", "cv=0.01", "flat", true);
    assert_near("ffmpeg", (double)x.work / x.seconds, 4 / 0.030, 0.04);
    shipped_close(&x);
}

/* ---- fork and join ---- */

static double
openmp_seconds(const char *settings)
{
    struct shipped x;

    /* a CPU that is left for the serial part: whom the last of eight wakes need not share one */
    shipped_run(&x, "hwloc:core:10 pu:1", "topology", "openmp", settings, "flat", true);
    shipped_close(&x);
    return x.seconds;
}

/* A fifth is serial: on n threads 1 / (0.2 + 0.8 / n). */
static void
speed_up_is_amdahls(void **state)
{
    (void)state;
    double alone = openmp_seconds("threads=1 chunks=64 serial=16ms chunk=1ms cv=0.01 loops=20");

    assert_near("alone", alone, 20 * 0.080, 0.01);
    assert_near(
        "2", alone / openmp_seconds("threads=2 chunks=32 serial=16ms chunk=1ms cv=0.01 loops=20"),
        1 / (0.2 + 0.8 / 2), 0.02);
    assert_near("8",
                alone / openmp_seconds("threads=8 chunks=8 serial=16ms chunk=1ms cv=0.01 loops=20"),
                1 / (0.2 + 0.8 / 8), 0.02);
}

/* Chunks that are dealt beforehand make all wait for whoever got the long ones; work that threads
 * take is over within a chunk of the mean. */
static void
taking_chunks_evens_them_out(void **state)
{
    (void)state;
    double dealt = openmp_seconds("threads=8 chunks=8 serial=0ms chunk=1ms cv=1 loops=40");
    double taken =
        openmp_seconds("schedule=dynamic threads=8 chunks=8 serial=0ms chunk=1ms cv=1 loops=40");

    assert_above("dealt over taken", dealt / taken, 1.15);
    assert_above("all work", taken, 0.95 * 40 * 0.008);
}

/* ---- training ---- */

/* When the fast workers are done, beside one that computes three times as long. */
static double
fast_worker_ends(const char *mode)
{
    g_autofree char *settings =
        g_strdup_printf("%s staleness=3 workers=4 servers=1 parameters=4KiB compute=10ms cv=0.01 "
                        "slow=3 steps=20",
                        mode);
    struct shipped x;

    shipped_run(&x, EIGHT, "topology", "ml-parameter-server", settings, "flat", true);
    sim_time end = x.s->kernel->tasks[1]->exited_at - x.s->kernel->tasks[1]->started_at;
    assert_string_equal(x.s->kernel->tasks[1]->name, "train/worker-1");
    assert_int_equal(x.work, 80);
    shipped_close(&x);
    return (double)end / 1e6;
}

/* A step may begin when all have finished the one `1 + staleness` before: the last of 20 begins
 * with the slow one's 19th step over (bsp), its 16th (ssp, 3), or at once (asp). */
static void
workers_are_as_far_apart_as_they_may(void **state)
{
    (void)state;
    assert_near("bsp", fast_worker_ends("mode=bsp"), 19 * 30 + 10, 0.01);
    assert_near("ssp", fast_worker_ends("mode=ssp"), 16 * 30 + 10, 0.01);
    assert_near("asp", fast_worker_ends("mode=asp"), 20 * 10, 0.01);
}

/* 2 (W - 1) / W of the gradients come from the neighbour, for each worker and step, and nothing
 * else crosses nodes. */
static void
a_ring_carries_what_it_should(void **state)
{
    struct shipped x;
    double parameters = 16e6, steps = 5, workers = 4;

    (void)state;
    shipped_run(&x, "four-node", "static:workload", "ml-all-reduce",
                "parameters=16MB compute=1ms steps=5", NULL, false);
    double expected = steps * workers * 2 * (workers - 1) / workers * parameters;
    assert_near("bytes that cross", (double)x.s->kernel->stats.remote_bytes, expected, 0.01);
    for (uint32_t i = 0; i < 4; i++) /* worker i reads what its predecessor has */
        assert_near("one neighbour", (double)x.s->kernel->traffic[(i + 3) % 4 * 4 + i],
                    expected / 4, 0.01);
    shipped_close(&x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipeline_is_as_fast_as_its_slowest_stage),
        cmocka_unit_test(xz_and_ffmpeg_are_bound_by_their_workers),
        cmocka_unit_test(speed_up_is_amdahls),
        cmocka_unit_test(taking_chunks_evens_them_out),
        cmocka_unit_test(workers_are_as_far_apart_as_they_may),
        cmocka_unit_test(a_ring_carries_what_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
