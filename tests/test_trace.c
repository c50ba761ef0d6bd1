/* layer: cli */
#include "sim_fixture.h"

#include "config/import_trace.h"
#include "report/trace.h"

#include <glib/gstdio.h>
#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

/* A machine, its tasks, and a trace in a folder of its own. */
struct scene {
    struct fixture f;
    struct trace *trace;
    char *dir, *path;
};

static void
scene_open(struct scene *s, uint32_t cores, const char *name, bool nanoseconds)
{
    g_autoptr(GError) error = NULL;

    fixture_open(&s->f, 1, cores, 1, false);
    s->dir = g_dir_make_tmp("numasim-XXXXXX", NULL);
    s->path = g_build_filename(s->dir, name, NULL);
    const char *files[] = { s->path, NULL };
    s->trace = trace_start(
        s->f.k, &(struct trace_request){ .files = files, .nanoseconds = nanoseconds }, &error);
    assert_null(error);
}

/* Runs up to `until`; the file's text. */
static char *
scene_close(struct scene *s, sim_time until)
{
    g_autoptr(GError) error = NULL;
    char *text = NULL;

    engine_run(&s->f.k->engine, until);
    assert_true(trace_finish(s->trace, NULL, &error));
    assert_true(g_file_get_contents(s->path, &text, NULL, NULL));
    g_remove(s->path);
    assert_int_equal(g_rmdir(s->dir), 0); /* nothing else is left */
    g_free(s->path);
    g_free(s->dir);
    fixture_close(&s->f);
    return text;
}

/* Without the header, and without the columns in front of the time. */
static char *
events_of(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GString *out = g_string_new(NULL);

    for (guint i = 0; lines[i] != NULL; i++)
        if (*lines[i] != '#' && *lines[i] != '\0')
            g_string_append_printf(out, "%s\n", lines[i]);
    return g_string_free(out, FALSE);
}

static const struct action napper[] = { { .kind = ACTION_RUN, .work = USEC(1500) },
                                        { .kind = ACTION_SLEEP, .until = MSEC(2) },
                                        { .kind = ACTION_RUN, .work = 1 },
                                        { .kind = ACTION_EXIT } };

static void
text_is_spelled_as_the_kernel_spells_it(void **state)
{
    (void)state;
    struct scene s;

    scene_open(&s, 1, "a.txt", false);
    task_start_at(s.f.k, fixture_task(&s.f, "nap", 5, napper, 4), MSEC(1));
    g_autofree char *text = scene_close(&s, SEC(1)), *events = events_of(text);
    assert_true(g_str_has_prefix(text, "# tracer: nop\n#\n"));
#define IDLE "          <idle>-0       (-------) [000] "
#define NAP "             nap-1000    (   1000) [000] "
    assert_string_equal(
        events, IDLE
        "d.h2.     0.001000: sched_wakeup_new: comm=nap pid=1000 prio=125 target_cpu=000\n" IDLE
        "d..2.     0.001000: sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 "
        "prev_state=R ==> next_comm=nap next_pid=1000 next_prio=125\n" NAP
        "d..2.     0.002500: sched_switch: prev_comm=nap prev_pid=1000 prev_prio=125 "
        "prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120\n" IDLE
        "d.h2.     0.004500: sched_waking: comm=nap pid=1000 prio=125 target_cpu=000\n" IDLE
        "d.h2.     0.004500: sched_wakeup: comm=nap pid=1000 prio=125 target_cpu=000\n" IDLE
        "d..2.     0.004500: sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 "
        "prev_state=R ==> next_comm=nap next_pid=1000 next_prio=125\n" NAP
        "d..2.     0.004500: sched_process_exit: comm=nap pid=1000 prio=125\n" NAP
        "d..2.     0.004500: sched_switch: prev_comm=nap prev_pid=1000 prev_prio=125 "
        "prev_state=Z ==> next_comm=swapper/0 next_pid=0 next_prio=120\n");
}

static void
nanoseconds_are_kept_on_request(void **state)
{
    (void)state;
    struct scene s;

    scene_open(&s, 1, "a.txt", true);
    task_start_at(s.f.k, fixture_task(&s.f, "nap", 0, napper, 4), MSEC(1));
    g_autofree char *text = scene_close(&s, SEC(1));
    assert_non_null(strstr(text, "     0.004500001: sched_process_exit"));
}

/* 15 bytes, whole characters, no line ends. */
static void
names_cannot_break_the_columns(void **state)
{
    (void)state;
    struct scene s;

    scene_open(&s, 1, "a.txt", false);
    task_start_at(s.f.k, fixture_task(&s.f, "a-rather-long-name", 0, napper, 4), MSEC(1));
    task_start_at(s.f.k, fixture_task(&s.f, " two\nlines", 0, napper, 4), MSEC(20));
    task_start_at(s.f.k, fixture_task(&s.f, "fourteen-bytes\xc3\xa9", 0, napper, 4), MSEC(40));
    task_start_at(s.f.k, fixture_task(&s.f, "", 0, napper, 4), MSEC(60));
    g_autofree char *text = scene_close(&s, SEC(1));
    assert_non_null(strstr(text, "comm=a-rather-long-n pid=1000"));
    assert_non_null(strstr(text, "comm=_two_lines pid=1001"));
    assert_non_null(strstr(text, "comm=fourteen-bytes pid=1002"));
    assert_non_null(strstr(text, "comm=_ pid=1003"));
}

static void
json_escapes_what_names_may_hold(void **state)
{
    (void)state;
    const char *name = "we\"ird\\\n\x01 \xc3\xa9";
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) error = NULL;
    struct scene s;
    guint found = 0;

    scene_open(&s, 1, "a.json", false);
    task_start_at(s.f.k, fixture_task(&s.f, name, 0, napper, 4), MSEC(1));
    task_start_at(s.f.k, fixture_task(&s.f, "broken \xff utf-8", 0, napper, 4), MSEC(9));
    g_autofree char *text = scene_close(&s, SEC(1));
    assert_true(json_parser_load_from_data(parser, text, -1, &error));
    JsonArray *events = json_object_get_array_member(
        json_node_get_object(json_parser_get_root(parser)), "traceEvents");
    for (guint i = 0; i < json_array_get_length(events); i++) {
        JsonObject *e = json_array_get_object_element(events, i);
        found += g_strcmp0(json_object_get_string_member_with_default(e, "name", ""), name) == 0;
    }
    assert_int_equal(found, 2); /* two runs */
}

/* Two hogs on one CPU: preempted, never asleep. */
static void
preemption_is_told_from_sleep(void **state)
{
    (void)state;
    struct scene s;

    scene_open(&s, 1, "a.txt", false);
    task_start_at(s.f.k, fixture_hog(&s.f, "x", 0), 0);
    task_start_at(s.f.k, fixture_hog(&s.f, "y", 0), 0);
    g_autofree char *text = scene_close(&s, MSEC(100));
    assert_non_null(strstr(text, "prev_comm=x prev_pid=1000 prev_prio=120 prev_state=R+ ==> "
                                 "next_comm=y next_pid=1001 next_prio=120\n"));
    assert_null(strstr(text, "prev_state=S"));
}

/* ---- what our importer reads, printed again, is the same text ---- */

struct echo {
    GString *out;
    GHashTable *names; /* pid -> comm */
    uint32_t cpu[8];   /* by pid - 1000: where it was put last */
    uint32_t nr_other;
};

static const char *
name_of(struct echo *x, int32_t pid)
{
    return pid == 0 ? "<idle>" : g_hash_table_lookup(x->names, GINT_TO_POINTER(pid));
}

static void
learn(struct echo *x, const struct trace_task *t)
{
    if (t->pid > 0)
        g_hash_table_insert(x->names, GINT_TO_POINTER(t->pid), g_strdup(t->comm));
}

static void
echo_task(struct echo *x, const struct trace_event *e, const char *event, const char *cpus)
{
    g_string_append_printf(x->out, "%s: comm=%s pid=%d prio=%d", event, e->task.comm, e->task.pid,
                           e->task.prio);
    if (cpus != NULL)
        g_string_append_printf(x->out, "%s%03u", cpus, e->target_cpu);
}

static void
echo_event(void *priv, const struct trace_event *e)
{
    struct echo *x = priv;
    g_autofree char *tgid = e->tgid > 0 ? g_strdup_printf("%7d", e->tgid) : g_strdup("-------");

    learn(x, &e->task);
    learn(x, &e->other);
    g_string_append_printf(x->out, "%16s-%-7d (%s) [%03u] %s %5" PRIu64 ".%09" PRIu64 ": ",
                           name_of(x, e->by), e->by, tgid, e->cpu, e->irq ? "d.h2." : "d..2.",
                           e->time / 1000000000, e->time % 1000000000);
    if (e->kind == TRACE_SWITCH)
        g_string_append_printf(x->out,
                               "sched_switch: prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%c%s"
                               " ==> next_comm=%s next_pid=%d next_prio=%d",
                               e->task.comm, e->task.pid, e->task.prio, e->state,
                               e->preempted ? "+" : "", e->other.comm, e->other.pid, e->other.prio);
    else if (e->kind == TRACE_WAKING)
        echo_task(x, e, "sched_waking", " target_cpu=");
    else if (e->kind == TRACE_WAKEUP)
        echo_task(x, e, "sched_wakeup", " target_cpu=");
    else if (e->kind == TRACE_WAKEUP_NEW)
        echo_task(x, e, "sched_wakeup_new", " target_cpu=");
    else if (e->kind == TRACE_EXIT)
        echo_task(x, e, "sched_process_exit", NULL);
    else if (e->kind == TRACE_MIGRATE)
        g_string_append_printf(
            x->out, "sched_migrate_task: comm=%s pid=%d prio=%d orig_cpu=%u dest_cpu=%u",
            e->task.comm, e->task.pid, e->task.prio, x->cpu[e->task.pid - 1000], e->target_cpu);
    else
        x->nr_other++;
    if (e->kind != TRACE_SWITCH && e->kind != TRACE_EXIT)
        x->cpu[e->task.pid - 1000] = e->target_cpu;
    g_string_append_c(x->out, '\n');
}

static void
pair_wakes(struct kernel *k, struct task *p, uint32_t step)
{
    if (step == 1)
        task_wake(k, k->tasks[1 - p->id], p, true);
}

static void
our_importer_reads_back_every_byte(void **state)
{
    (void)state;
    static const struct action pair[] = { { .kind = ACTION_RUN, .work = 12345 },
                                          { .kind = ACTION_RUN, .work = 777 },
                                          { .kind = ACTION_BLOCK } };
    struct echo x = {
        g_string_new(NULL), g_hash_table_new_full(NULL, NULL, NULL, g_free), { 0 }, 0
    };
    struct trace_counts counts = { 0 };
    struct scene s;
    struct diag d;

    scene_open(&s, 2, "a.txt", true);
    for (int i = 0; i < 2; i++) {
        struct task *p = fixture_task(&s.f, i == 0 ? "ping pong" : "po-ng/1:2", 0, pair, 3);
        ((struct script *)p->prog)->before = pair_wakes;
        task_start_at(s.f.k, p, MSEC(1) * (sim_time)(i + 1));
    }
    task_start_at(s.f.k, fixture_task(&s.f, "nap", -3, napper, 4), MSEC(1));
    for (int i = 0; i < 3; i++)
        task_start_at(s.f.k, fixture_hog(&s.f, "hog", i), MSEC(5));
    g_autofree char *text = scene_close(&s, MSEC(60)), *events = events_of(text);
    diag_init(&d);
    assert_true(trace_read_memory("a.txt", text, strlen(text),
                                  &(struct trace_sink){ &x, echo_event }, &counts, &d));
    assert_int_equal(counts.lost + counts.backward + counts.other_lines, 0);
    if (x.nr_other == 0)
        assert_string_equal(x.out->str, events);
    else
        fail_msg("%u events of other kinds", x.nr_other);
    assert_true(counts.lines > 30);
    diag_clear(&d);
    g_string_free(x.out, TRUE);
    g_hash_table_destroy(x.names);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_spelled_as_the_kernel_spells_it),
        cmocka_unit_test(nanoseconds_are_kept_on_request),
        cmocka_unit_test(names_cannot_break_the_columns),
        cmocka_unit_test(json_escapes_what_names_may_hold),
        cmocka_unit_test(preemption_is_told_from_sleep),
        cmocka_unit_test(our_importer_reads_back_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
