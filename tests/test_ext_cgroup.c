/* layer: kernel */
/* Groups as a policy hears of them: sched-ext.md 3. */
#include "ext_fixture.h"

static void
note_group(struct scx *scx, const char *what, const struct task_group *tg)
{
    char word[64];

    snprintf(word, sizeof(word), "%s:%s", what, scx_cgroup_name(scx, tg));
    note(scx, word);
}
static int
group_init(struct scx *scx, struct task_group *tg, const struct scx_cgroup_init_args *args)
{
    char what[64];

    snprintf(what, sizeof(what), "init(%u,%lld/%lld)", args->weight,
             args->bw_quota_us == UINT64_MAX ? -1LL : (long long)args->bw_quota_us,
             (long long)args->bw_period_us);
    note_group(scx, what, tg);
    return notes_of(scx)->number == (int64_t)scx_cgroup_id(scx, tg) ? -ENOMEM : 0;
}
static void
group_exit(struct scx *scx, struct task_group *tg)
{
    note_group(scx, "exit", tg);
}
static int
prep_move(struct scx *scx, struct task *p, struct task_group *from, struct task_group *to)
{
    note_task(scx, p, "prep(%s>%s)", scx_cgroup_name(scx, from), scx_cgroup_name(scx, to));
    assert_ptr_equal(scx_task_cgroup(scx, p), from);
    return strcmp(scx_task_comm(scx, p), "no") == 0 ? -EBUSY : 0;
}
static void
moved(struct scx *scx, struct task *p, struct task_group *from, struct task_group *to)
{
    note_task(scx, p, "move(%s>%s)", scx_cgroup_name(scx, from), scx_cgroup_name(scx, to));
    assert_ptr_equal(scx_task_cgroup(scx, p), to);
}
static void
cancelled(struct scx *scx, struct task *p, struct task_group *from, struct task_group *to)
{
    note_task(scx, p, "cancel(%s>%s)", scx_cgroup_name(scx, from), scx_cgroup_name(scx, to));
    assert_ptr_equal(scx_task_cgroup(scx, p), from);
}
static void
set_weight(struct scx *scx, struct task_group *tg, uint32_t weight)
{
    char what[32];

    snprintf(what, sizeof(what), "weight=%u", weight);
    note_group(scx, what, tg);
    assert_int_equal(scx_cgroup_weight(scx, tg), weight);
}
static void
set_bandwidth(struct scx *scx, struct task_group *tg, uint64_t period, uint64_t quota,
              uint64_t burst)
{
    char what[64];

    snprintf(what, sizeof(what), "max=%llu/%llu+%llu", (unsigned long long)quota,
             (unsigned long long)period, (unsigned long long)burst);
    note_group(scx, what, tg);
}
static void
set_idle(struct scx *scx, struct task_group *tg, bool idle)
{
    note_group(scx, idle ? "idle" : "not idle", tg);
}

#define GROUP_POLICY                                                                               \
    QUEUE_POLICY,                                                                                  \
        .cgroup_init = group_init, .cgroup_exit = group_exit, .cgroup_prep_move = prep_move,       \
        .cgroup_move = moved, .cgroup_cancel_move = cancelled, .cgroup_set_weight = set_weight,    \
        .cgroup_set_bandwidth = set_bandwidth, .cgroup_set_idle = set_idle, .adapter = &n

static void
groups_come_parents_first_and_go_children_first(void **state)
{
    struct fixture f;
    struct notes n = { .number = -1 };
    struct sched_ops ops = { GROUP_POLICY };
    (void)state;

    open_free(&f, 1, 1, 1);
    struct task_group *web = task_group_new(f.k, NULL, "web");
    struct task_group *db = task_group_new(f.k, web, "db");
    task_group_set_weight(f.k, db, 300);
    assert_null(task_group_set_bandwidth(f.k, web, MSEC(50), MSEC(100), 0));
    load(&f, &ops);
    assert_string_equal(
        n.log, "init(100,-1/100000):/ init(100,50000/100000):web init(300,-1/100000):web/db");
    forget(&n);
    task_group_new(f.k, NULL, "late");
    task_group_set_weight(f.k, web, 50);
    task_group_set_weight(f.k, web, 50); /* no news */
    task_group_set_nice(f.k, web, -5);
    task_group_set_idle(f.k, web, true);
    assert_null(task_group_set_bandwidth(f.k, db, MSEC(20), MSEC(200), MSEC(10)));
    assert_string_equal(n.log, "init(100,-1/100000):late weight=50:web weight=305:web idle:web "
                               "max=20000/200000+10000:web/db");
    forget(&n);
    start_hog(&f, "a", "0", 0);
    ext_unload(f.k);
    fixture_run(&f, MSEC(100));
    assert_string_equal(n.log, "exit:late exit:web/db exit:web exit:/");
    assert_int_equal(ext_state(f.k), SCX_DISABLED);
    fixture_close(&f);
}

static void
a_group_that_is_refused_ends_the_policy(void **state)
{
    struct fixture f;
    struct notes n = { .number = 1 };
    struct sched_ops ops = { GROUP_POLICY };
    (void)state;

    open_free(&f, 1, 1, 1);
    task_group_new(f.k, NULL, "web");
    assert_false(ext_load(f.k, &ops, NULL));
    assert_left(&f, SCX_EXIT_ERROR, "ops.cgroup_init() failed (-12)");
    struct task *a = start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(100));
    assert_int_equal(a->se.sum_exec, MSEC(100)); /* under the fair class */
    fixture_close(&f);
}

/* First asked, then, off its queue, told; a move to where it is, is none. */
static void
a_task_moves_when_the_policy_agrees(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .number = -1, .named = true };
    struct sched_ops ops = { GROUP_POLICY, .runnable = note_runnable, .quiescent = note_quiescent,
                             .running = note_running };
    (void)state;

    open_free(&f, 1, 1, 1);
    struct task_group *web = task_group_new(f.k, NULL, "web");
    load(&f, &ops);
    start_hog(&f, "a", "0", 0);
    struct task *b = start_hog(&f, "b", "0", 0), *no = start_hog(&f, "no", "0", 0);
    fixture_run(&f, MSEC(1));
    watch(&f, &h);
    forget(&n);
    task_set_group(f.k, b, web);
    task_set_group(f.k, b, web);
    task_set_group(f.k, no, web);
    assert_string_equal(n.log, "prep(/>web):b quiescent:b move(/>web):b runnable:b prep(/>web):no");
    assert_ptr_equal(b->group, web);
    assert_ptr_equal(no->group, f.k->groups[0]);
    assert_string_equal(h.log, "");
    fixture_run(&f, MSEC(200));
    assert_true(b->se.sum_exec > MSEC(50) && no->se.sum_exec > MSEC(50));
    fixture_close(&f);
}

/* A process moves as a whole: those who were asked before the one that may not hear of it. */
static void
a_process_moves_as_a_whole_or_stays(void **state)
{
    struct fixture f;
    struct notes n = { .number = -1, .named = true };
    struct sched_ops ops = { GROUP_POLICY };
    (void)state;

    open_free(&f, 1, 1, 1);
    struct task_group *web = task_group_new(f.k, NULL, "web");
    load(&f, &ops);
    struct task *a = start_hog(&f, "a", "0", 0), *b = start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(1));
    task_set_group(f.k, a, web);
    forget(&n);
    assert_true(process_set_group(f.k, f.process, web));
    assert_string_equal(n.log, "prep(/>web):b move(/>web):b");
    struct task *no =
        start_as(&f, "no", "0", &(struct task_attr){ .nice = 0 }, hog_actions, 1, MSEC(2));
    fixture_run(&f, MSEC(3));
    task_set_group(f.k, b, f.k->groups[0]);
    forget(&n);
    assert_false(process_set_group(f.k, f.process, web)); /* a is there already */
    assert_string_equal(n.log, "prep(/>web):b prep(/>web):no cancel(/>web):b");
    assert_ptr_equal(b->group, f.k->groups[0]);
    assert_ptr_equal(no->group, f.k->groups[0]);
    assert_stays(&f);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_come_parents_first_and_go_children_first),
        cmocka_unit_test(a_group_that_is_refused_ends_the_policy),
        cmocka_unit_test(a_task_moves_when_the_policy_agrees),
        cmocka_unit_test(a_process_moves_as_a_whole_or_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
