/*
 * The result: the stories as a replay takes them, and as people read them.
 *
 * A task whose recording ended in the middle of its work has an open end, see would_go_on(): what
 * has gone on for so long may be expected to go on for as long again, as nothing is known. Tasks
 * of one address space are a process where the recording says so, else those of one name; what they
 * do with memory comes from the user's patterns.
 */
#include "config/import_trace_compiler.h"

#include <fnmatch.h>

enum { PROCESSES_MOST = 1024 };

/* Who has wanted a CPU for half of the recording, ran not long before its end and still wanted one
 * then would have gone on. */
static bool
would_go_on(const struct trace_compiler *c, const struct teller *t)
{
    uint64_t length = c->now - c->t0;

    return (t->state == RUNNING || (t->state == RUNNABLE && c->now - t->left < length / 4)) &&
           c->now - t->awake_since > length / 2;
}

/* What still runs at the end has run until then. */
static void
end_stories(struct trace_compiler *c)
{
    for (guint i = 0; i < c->tellers->len; i++) {
        struct teller *t = g_ptr_array_index(c->tellers, i);
        bool on = would_go_on(c, t);

        if (t->state == RUNNING || t->run > 0) {
            trace_tell_run(c, t);
            t->s.bursts++;
        }
        if (on && t->burst > 0)
            trace_put_op(t->code, REPLAY_GO_ON, t->burst);
        if (t->state == RUNNABLE && t->s.run_ns > 0)
            trace_tell_waited(c, t);
        if (t->state == RUNNING || t->state == RUNNABLE)
            t->awake_ns += c->now - MIN(t->awake_since, c->now);
        t->open |= t->state != DEAD;
        if (t->state != DEAD)
            t->died = c->now;
        t->state = DEAD;
    }
}

GArray *
trace_compiler_stories(struct trace_compiler *c, struct trace_story_counts *counts)
{
    GArray *stories = g_array_sized_new(FALSE, FALSE, sizeof(struct trace_story), c->tellers->len);

    trace_window_flush(c->window);
    end_stories(c);
    for (guint i = 0; i < c->tellers->len; i++)
        g_array_append_val(stories, ((struct teller *)g_ptr_array_index(c->tellers, i))->s);
    *counts = (struct trace_story_counts){ .mismatches = c->mismatches,
                                           .length = c->now - c->t0,
                                           .nr_cpus = 0 };
    for (uint32_t i = 0; i < c->nr_lanes; i++)
        if (c->lanes[i].seen)
            counts->nr_cpus = i + 1;
    return stories;
}

static uint32_t
memory_of(const struct trace_compiler *c, const char *comm)
{
    for (guint i = 0; c->o.memory != NULL && i < c->o.memory->len; i++) {
        g_auto(GStrv) parts = g_strsplit(g_ptr_array_index(c->o.memory, i), ":", 2);

        if (fnmatch(g_strstrip(parts[0]), comm, 0) != 0)
            continue;
        for (uint32_t m = 0; replay_memories[m].name != NULL; m++)
            if (strcmp(replay_memories[m].name, g_strstrip(parts[1])) == 0)
                return m;
    }
    return 0;
}

/* Tasks of one address space where the recording says so, else of one name, are a process. */
static uint32_t
process_of(GHashTable *known, GPtrArray *names, GArray *pids, const struct teller *t,
           struct arena *a)
{
    char *key = t->s.tgid > 0 ? g_strdup_printf("%d", t->s.tgid) : g_strdup(t->s.comm);
    gpointer found = g_hash_table_lookup(known, key);

    if (found == NULL) {
        bool full = names->len >= PROCESSES_MOST - 1;
        if (!full || names->len == PROCESSES_MOST - 1) {
            int32_t pid = full ? 0 : MAX(t->s.tgid, 0);
            g_ptr_array_add(names, arena_strdup(a, full ? "others" : t->s.comm));
            g_array_append_val(pids, pid);
        }
        found = GUINT_TO_POINTER(MIN(names->len, (guint)PROCESSES_MOST));
        g_hash_table_insert(known, key, found);
    } else {
        g_free(key);
    }
    return GPOINTER_TO_UINT(found) - 1;
}

static int8_t
nice_of(const struct trace_story *s)
{
    return s->prio < 100 ? 0 : (int8_t)CLAMP(s->prio - 120, -20, 19);
}

/* Of 1024. */
static uint16_t
share_of(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (uint16_t)mul_div_u64(MIN(part, whole), 1024, whole) : 0;
}

/* What it wanted of the CPUs while the recording saw it: the best guess at what it did before. */
static void
fill_past(const struct trace_compiler *c, struct replay_task *to, const struct teller *t)
{
    to->old = t->old;
    to->zombie = t->zombie;
    to->open = t->open;
    to->wanted = share_of(t->awake_ns, t->died - c->t0);
    to->had = share_of(t->s.run_ns, t->died - c->t0);
    if (t->pinned >= 0)
        to->bound = t->pinned;
    to->cpu = to->bound >= 0 ? to->bound : t->first_cpu;
}

/* The kernel's scale: 0 to 98 are of the real-time class, -1 is a deadline task. */
static uint8_t
rt_priority_of(const struct trace_story *s)
{
    return s->prio < 100 ? (uint8_t)CLAMP(99 - s->prio, 1, 99) : 0;
}

static void
fill_task(struct replay_task *to, struct teller *t, struct arena *a)
{
    *to = (struct replay_task){ .name = arena_strdup(a, t->s.comm[0] != '\0' ? t->s.comm : "task"),
                                .pid = t->s.pid,
                                .nice = nice_of(&t->s),
                                .rt_priority = rt_priority_of(&t->s),
                                .kthread = t->s.kthread,
                                .bound = t->s.kthread ? trace_kthread_cpu(t->s.comm) : -1,
                                .start = t->code->len > 0 ? t->start : REPLAY_START_NEVER,
                                .start_at = t->start_at,
                                .nr_sources = t->nr_sources,
                                .code_len = t->code->len };
    uint8_t *code = arena_alloc(a, to->code_len + 1);
    memcpy(code, t->code->data != NULL ? t->code->data : (const guint8 *)"", to->code_len);
    to->code = code;
    g_byte_array_unref(t->code);
    t->code = NULL;
}

/* Those that are kept, each with its process and session. */
static void
fill_tasks(struct trace_compiler *c, struct replay *r, GPtrArray *names, GArray *pids,
           struct arena *a)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree uint32_t *sessions = g_new(uint32_t, c->nr_kept + 1);

    r->tasks = arena_new_array(a, struct replay_task, c->nr_kept);
    r->grouped = trace_sessions(c, sessions, &r->nr_sessions);
    for (uint32_t i = 0; i < c->tellers->len; i++) {
        struct teller *t = g_ptr_array_index(c->tellers, i);

        if (t->dropped)
            continue;
        struct replay_task *to = &r->tasks[r->nr_tasks++];
        fill_task(to, t, a);
        fill_past(c, to, t);
        to->session = sessions[t->index];
        to->process = process_of(known, names, pids, t, a);
        to->memory = memory_of(c, t->s.comm);
    }
}

static void
fill_processes(struct replay *r, const GPtrArray *names, const GArray *pids, struct arena *a)
{
    r->nr_processes = names->len;
    r->processes = arena_new_array(a, const char *, names->len);
    for (guint i = 0; i < names->len; i++)
        r->processes[i] = g_ptr_array_index(names, i);
    r->process_pids = arena_new_array(a, int32_t, names->len + 1);
    for (guint i = 0; i < pids->len; i++)
        r->process_pids[i] = g_array_index(pids, int32_t, i);
}

static void
fill_script(const struct trace_compiler *c, struct replay *r, struct arena *a)
{
    uint8_t *script = arena_alloc(a, c->script->len + 1);

    if (c->script->len > 0)
        memcpy(script, c->script->data, c->script->len);
    r->script = script;
    r->script_len = c->script->len;
}

struct replay *
trace_compiler_replay(struct trace_compiler *c, struct arena *a)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GArray) pids = g_array_new(FALSE, FALSE, sizeof(int32_t));
    struct replay *r = arena_new_object(a, struct replay);

    r->mode = c->o.mode;
    r->placement = c->o.placement;
    r->drain = c->o.drain;
    fill_tasks(c, r, names, pids, a);
    fill_processes(r, names, pids, a);
    r->meant = trace_relations_meant(c, a);
    r->nr_relations = c->all_relations->len;
    r->slack = trace_pairs_slack(c, a, r->meant);
    r->nr_pairs = c->all_pairs->len + 1;
    r->length = c->now - c->t0;
    r->offset = c->t0;
    for (uint32_t i = 0; i < c->nr_lanes; i++)
        if (c->lanes[i].seen)
            r->nr_cpus = i + 1;
    if (c->o.placement)
        fill_script(c, r, a);
    return r;
}
