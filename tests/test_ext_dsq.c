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

/* ---- order ---- */

static void
heads_first(struct scx *scx, struct task *p, uint64_t flags)
{
    bool head = scx_task_comm(scx, p)[0] == 'h';

    scx_dsq_insert(scx, p, Q, SCX_SLICE_DFL, flags | (head ? SCX_ENQ_HEAD : 0));
}
static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                      { .kind = ACTION_EXIT } };

static void
a_head_goes_to_the_front(void **state)
{
    struct fixture f;
    struct history h;
    struct sched_ops ops = { QUEUE_POLICY };
    (void)state;

    ops.enqueue = heads_first;
    begin(&f, 1, 1, 1, &ops);
    watch(&f, &h);
    start_script(&f, "a", "0", once, 2);
    start_script(&f, "b", "0", once, 2);
    start_script(&f, "h1", "0", once, 2);
    start_script(&f, "h2", "0", once, 2);
    fixture_run(&f, MSEC(10));
    assert_string_equal(h.log, "0:h2 0:h1 0:a 0:b");
    fixture_close(&f);
}

static void
preempts(struct scx *scx, struct task *p, uint64_t flags)
{
    bool now = scx_task_comm(scx, p)[0] == 'p';

    scx_dsq_insert(scx, p, now ? SCX_DSQ_LOCAL : Q, SCX_SLICE_DFL,
                   flags | (now ? SCX_ENQ_PREEMPT : 0));
}
/* An insertion into a local DSQ with PREEMPT ends the slice of whom it finds running. */
static void
an_insertion_may_preempt(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { QUEUE_POLICY, .stopping = note_stopping, .adapter = &n };
    (void)state;

    ops.enqueue = preempts;
    begin(&f, 1, 1, 1, &ops);
    watch(&f, &h);
    struct task *a = start_hog(&f, "a", "0", 0);
    start_as(&f, "p", "0", &(struct task_attr){ .nice = 0 }, once, 2, MSEC(3));
    fixture_run(&f, MSEC(5));
    assert_string_equal(h.log, "0:a 0:p 0:a");
    assert_string_equal(n.log, "stopping(1):a stopping(0):p");
    assert_int_equal(a->se.sum_exec, MSEC(4));
    fixture_close(&f);
}

/* Who consumes takes the first task that may run there, and brings it over. */
static int
never_mind(struct scx *scx, struct task *p, int prev, uint64_t wake_flags)
{
    (void)scx, (void)p, (void)wake_flags;
    return prev;
}
static void
enqueue_and_kick(struct scx *scx, struct task *p, uint64_t flags)
{
    enqueue_q(scx, p, flags);
    if (scx_dsq_nr_queued(scx, Q) == 2) /* this one comes after */
        scx_kick_cpu(scx, 1, SCX_KICK_IDLE);
}
static void
consuming_skips_who_may_not_run_here(void **state)
{
    struct fixture f;
    struct history h;
    struct sched_ops ops = { QUEUE_POLICY, .select_cpu = never_mind };
    (void)state;

    ops.enqueue = enqueue_and_kick;
    begin(&f, 1, 2, 1, &ops);
    watch(&f, &h);
    start_hog(&f, "run", "0", 0);
    fixture_run(&f, USEC(10));
    static const struct task_attr normal = { .nice = 0 };
    start_as(&f, "here", "0", &normal, hog_actions, 1, USEC(20));
    start_as(&f, "too", "0", &normal, hog_actions, 1, USEC(20));
    struct task *p = start_as(&f, "any", "0-1", &normal, hog_actions, 1, USEC(20));
    fixture_run(&f, MSEC(1));
    assert_string_equal(h.log, "0:run 1:any");
    assert_int_equal(p->cpu, 1);
    assert_int_equal(scx_dsq_nr_queued(f.k->scx, Q), 2);
    fixture_close(&f);
}

/* ---- iterations ---- */

enum { OTHER = 1 };

static int
two_queues(struct scx *scx)
{
    return scx_create_dsq(scx, Q, -1) | scx_create_dsq(scx, OTHER, -1);
}

/* Over the queue and back; then the last one goes to the front of the line by a move. */
static void
iterate(struct scx *scx, int cpu, struct task *prev)
{
    struct scx_dsq_iter it;
    struct task *p, *last = NULL;
    (void)cpu, (void)prev;

    if (!notes_of(scx)->done) {
        notes_of(scx)->done = true;
        assert_int_equal(scx_dsq_iter_new(scx, &it, Q, 0), 0);
        while ((p = scx_dsq_iter_next(scx, &it)) != NULL)
            note(scx, scx_task_comm(scx, last = p));
        assert_null(scx_dsq_iter_next(scx, &it));
        scx_dsq_iter_destroy(scx, &it);
        assert_int_equal(scx_dsq_iter_new(scx, &it, Q, SCX_DSQ_ITER_REV), 0);
        assert_ptr_equal(scx_dsq_iter_next(scx, &it), last);
        assert_ptr_equal(scx_dsq_peek(scx, Q), notes_of(scx)->task);
        scx_dsq_move_set_slice(scx, &it, MSEC(1));
        assert_true(scx_dsq_move(scx, &it, last, OTHER, 0));
        assert_int_equal(scx_task_slice(scx, last), MSEC(1));
        assert_false(scx_dsq_move(scx, &it, last, Q, 0)); /* it is not in the queue any more */
        assert_int_equal(scx_dsq_nr_queued(scx, OTHER), 1);
        scx_dsq_iter_destroy(scx, &it);
        assert_int_equal(scx_dsq_iter_new(scx, &it, 77, 0), -ENOENT);
        assert_int_equal(scx_dsq_iter_new(scx, &it, Q, 2), -EINVAL);
    }
    if (!scx_dsq_move_to_local(scx, OTHER))
        scx_dsq_move_to_local(scx, Q);
}
static void
enqueue_first_known(struct scx *scx, struct task *p, uint64_t flags)
{
    if (notes_of(scx)->task == NULL)
        notes_of(scx)->task = p;
    enqueue_q(scx, p, flags);
}
static void
an_iteration_sees_all_in_order_and_may_move_them(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };
    (void)state;

    ops.init = two_queues;
    ops.enqueue = enqueue_first_known;
    ops.dispatch = iterate;
    begin(&f, 1, 1, 1, &ops);
    watch(&f, &h);
    start_script(&f, "a", "0", once, 2);
    start_script(&f, "b", "0", once, 2);
    start_script(&f, "c", "0", once, 2);
    fixture_run(&f, MSEC(10));
    assert_true(n.done);
    assert_string_equal(n.log, "a b c");
    assert_string_equal(h.log, "0:c 0:a 0:b");
    assert_stays(&f);
    fixture_close(&f);
}

/* Who comes after the iteration began is not seen; by vtime they may stand in the middle. */
static void
iterate_with_newcomer(struct scx *scx, int cpu, struct task *prev)
{
    struct notes *n = notes_of(scx);
    struct scx_dsq_iter it, moves;
    struct task *p;
    (void)cpu, (void)prev;

    if (!n->done && scx_dsq_nr_queued(scx, Q) == 3) {
        n->done = true;
        assert_int_equal(scx_dsq_iter_new(scx, &moves, Q, SCX_DSQ_ITER_REV), 0);
        p = scx_dsq_iter_next(scx, &moves); /* the last by vtime: c */
        assert_string_equal(scx_task_comm(scx, p), "c");
        assert_true(scx_dsq_move(scx, &moves, p, OTHER, 0));
        assert_int_equal(scx_dsq_iter_new(scx, &it, Q, 0), 0);
        assert_string_equal(scx_task_comm(scx, scx_dsq_iter_next(scx, &it)), "a");
        struct scx_dsq_iter back;
        assert_int_equal(scx_dsq_iter_new(scx, &back, OTHER, 0), 0);
        scx_dsq_move_set_vtime(scx, &back, 15); /* between a and b */
        assert_true(scx_dsq_move_vtime(scx, &back, p, Q, 0));
        assert_string_equal(scx_task_comm(scx, scx_dsq_iter_next(scx, &it)), "b");
        assert_null(scx_dsq_iter_next(scx, &it));
        assert_false(scx_dsq_move(scx, &it, p, OTHER, 0)); /* nor can it be moved */
    }
    scx_dsq_move_to_local(scx, Q);
}
static void
enqueue_by_letter(struct scx *scx, struct task *p, uint64_t flags)
{
    uint64_t vtime = 10 * (uint64_t)(scx_task_comm(scx, p)[0] - 'a' + 1);

    scx_dsq_insert_vtime(scx, p, Q, SCX_SLICE_DFL, vtime, flags);
}
static void
an_iteration_does_not_see_who_comes_after_it_began(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };
    (void)state;

    ops.init = two_queues;
    ops.enqueue = enqueue_by_letter;
    ops.dispatch = iterate_with_newcomer;
    begin(&f, 1, 1, 1, &ops);
    watch(&f, &h);
    start_script(&f, "c", "0", once, 2);
    start_script(&f, "b", "0", once, 2);
    start_script(&f, "a", "0", once, 2);
    fixture_run(&f, MSEC(10));
    assert_true(n.done);
    assert_string_equal(h.log, "0:a 0:c 0:b");
    assert_stays(&f);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virtual_times_wrap_and_equals_keep_their_order),
        cmocka_unit_test(a_global_queue_is_its_nodes),
        cmocka_unit_test(maps_queues_and_timers_keep_their_word),
        cmocka_unit_test(a_head_goes_to_the_front),
        cmocka_unit_test(an_insertion_may_preempt),
        cmocka_unit_test(consuming_skips_who_may_not_run_here),
        cmocka_unit_test(an_iteration_sees_all_in_order_and_may_move_them),
        cmocka_unit_test(an_iteration_does_not_see_who_comes_after_it_began),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
