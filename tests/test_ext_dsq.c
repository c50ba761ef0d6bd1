/* layer: kernel */
/* Dispatch queues: sched-ext.md 4; what policies keep state in. */
#include "ext_fixture.h"

/* ---- DSQs ---- */

static void
vtime_first(struct scx *scx, struct task *p, uint64_t flags)
{
    uint64_t vtime = strcmp(scx_task_comm(scx, p), "last") == 0 ? 5 : UINT64_MAX - 5;

    scx_dsq_insert_vtime(scx, p, Q, SCX_SLICE_DFL, vtime, flags);
}

static void
virtual_times_wrap_and_equals_keep_their_order(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .running = note_name, .adapter = &n };
    (void)state;

    ops.enqueue = vtime_first;
    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                          { .kind = ACTION_EXIT } };
    start_script(&f, "last", "0", once, 2);
    start_script(&f, "one", "0", once, 2);
    start_script(&f, "two", "0", once, 2);
    start_script(&f, "three", "0", once, 2);
    fixture_run(&f, MSEC(10));
    assert_string_equal(n.log, "one two three last");
    fixture_close(&f);
}

static void
a_global_queue_is_its_nodes(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY };
    (void)state;

    ops.init = NULL;
    ops.enqueue = NULL;
    ops.dispatch = NULL;
    ops.select_cpu = note_select;
    struct notes n = { .len = 0 };
    ops.adapter = &n;
    open_with(&f, 2, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0-1", 0), *b = start_hog(&f, "b", "0-1", 0);
    fixture_run(&f, MSEC(480));
    assert_int_equal(a->cpu, 0); /* both wait on node 0, and CPU 1 idles */
    assert_int_equal(b->cpu, 0);
    assert_int_equal(f.k->rqs[1].busy_ns, 0);
    fixture_close(&f);
}

/* ---- storage ---- */

static int
try_storage(struct scx *scx)
{
    uint64_t value;
    int map = scx_map_new(scx, 2, sizeof(uint64_t)), queue = scx_queue_new(scx, 2);

    assert_int_equal(scx_create_dsq(scx, 5, -1), 0);
    assert_int_equal(scx_create_dsq(scx, 5, -1), -EEXIST);
    assert_int_equal(scx_create_dsq(scx, SCX_DSQ_LOCAL, -1), -EINVAL);
    assert_int_equal(scx_create_dsq(scx, UINT64_C(1) << 40, -1), 0);
    assert_int_equal(scx_dsq_nr_queued(scx, UINT64_C(1) << 40), 0);
    assert_int_equal(scx_dsq_nr_queued(scx, 6), -ENOENT);
    assert_int_equal(scx_dsq_nr_queued(scx, SCX_DSQ_GLOBAL), -ENOENT);
    assert_null(scx_map_get(scx, map, 9));
    *(uint64_t *)scx_map_put(scx, map, 9) = 90;
    *(uint64_t *)scx_map_put(scx, map, 8) = 80;
    assert_null(scx_map_put(scx, map, 7));
    assert_int_equal(*(uint64_t *)scx_map_at(scx, map, 1, &value), 80);
    assert_true(scx_map_delete(scx, map, 9));
    assert_int_equal(*(uint64_t *)scx_map_get(scx, map, 8), 80);
    assert_int_equal(scx_map_len(scx, map), 1);
    assert_true(scx_queue_push(scx, queue, 1) && scx_queue_push(scx, queue, 2));
    assert_false(scx_queue_push(scx, queue, 3));
    assert_true(scx_queue_pop(scx, queue, &value) && value == 1);
    assert_true(scx_queue_push(scx, queue, 3));
    assert_true(scx_queue_pop(scx, queue, &value) && value == 2);
    assert_int_equal(scx_map_new(scx, 1 << 20, 1 << 10), -ENOMEM);
    assert_int_equal(scx_nearest_node(scx, 1, 0), 1);
    assert_int_equal(scx_nearest_node(scx, 1, 1), 0);
    assert_int_equal(scx_nearest_node(scx, 1, 3), -1);
    assert_int_equal(scx_timers_new(scx, 2), 0);
    scx_timer_start(scx, 1, MSEC(3));
    notes_of(scx)->done = true;
    return 0;
}
static void
note_timer(struct scx *scx, uint32_t timer)
{
    assert_int_equal(timer, 1);
    notes_of(scx)->number = (int64_t)scx_now(scx);
}

static void
maps_queues_and_timers_keep_their_word(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = {
        .name = "test", .abi = SCX_OPS_ABI, .init = try_storage, .timer = note_timer, .adapter = &n
    };
    (void)state;

    open_with(&f, 3, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    assert_true(n.done);
    start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(10));
    assert_int_equal(n.number, MSEC(3));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virtual_times_wrap_and_equals_keep_their_order),
        cmocka_unit_test(a_global_queue_is_its_nodes),
        cmocka_unit_test(maps_queues_and_timers_keep_their_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
