/*
 * The events of rt-app, one function each.
 *
 * Threads meet as rt-app's own do, which is to say by POSIX mutexes and condition variables.
 * Suspending under a name is waiting on the condition of that name with the mutex of that name, and
 * resuming is a broadcast to it with that mutex held: several threads may suspend under one name,
 * a resume that nobody waits for is lost, and `sync` on the same name takes part in it.
 * Files of the field rely on each of these.
 *
 * A file is read twice. The first pass collects what an event says about others: how many take part
 * in a barrier, which mutex belongs to a condition, which timers are absolute.
 */
#include "config/import_rtapp_impl.h"

/* What writing to a device costs, where the file is not /dev/null. workloads.md has no figure:
 * a call of 1 us, then 100 us and 500 MB/s. The report says so. */
enum { IO_CALL_NS = 1000, IO_LATENCY_US = 100, IO_NS_A_BYTE = 2 };

struct rtevent {
    struct rtapp *r;
    struct rtapp_task *task;
    const struct ynode *key, *value;
    struct ynode *program; /* second pass */
    bool survey;
};

typedef void (*event_fn)(const struct rtevent *e);

static void
add(const struct rtevent *e, const char *verb, const char *name)
{
    make_step(e->r, e->program, verb, make_text(e->r, e->key, "%s", name));
}

/* Microseconds or bytes. */
static bool
number_of(const struct rtevent *e, int64_t *value)
{
    return rtapp_number(e->r, e->value, 0, INT32_MAX, value);
}

static void
do_time(const struct rtevent *e, const char *verb)
{
    int64_t us;

    if (number_of(e, &us) && !e->survey)
        make_step(e->r, e->program, verb, make_text(e->r, e->key, "%" PRId64 "us", us));
}

/* Work and CPU time are the same as long as no miss delays it: a computation has none. */
static void
do_run(const struct rtevent *e)
{
    do_time(e, "compute");
}

static void
do_sleep(const struct rtevent *e)
{
    do_time(e, "sleep");
}

/* ---- memory and I/O ---- */

static struct ynode *
stream(const struct rtevent *e, int64_t bytes, const char *writes)
{
    struct ynode *map = make_map(e->r, e->key);

    make_put(e->r, map, "region", make_text(e->r, e->key, "buffer"));
    make_put(e->r, map, "bytes", make_text(e->r, e->key, "%" PRId64 "B", bytes));
    make_put(e->r, map, "writes", make_text(e->r, e->key, "%s", writes));
    return map;
}

static void
use_buffer(const struct rtevent *e, int64_t bytes)
{
    e->task->buffer = MAX(e->task->buffer, MIN((uint64_t)bytes, e->r->buffer_max));
}

static void
do_mem(const struct rtevent *e)
{
    int64_t bytes;

    if (!number_of(e, &bytes) || bytes == 0)
        return;
    if (e->survey)
        use_buffer(e, bytes);
    else
        make_step(e->r, e->program, "stream", stream(e, bytes, "1"));
}

static void
do_iorun(const struct rtevent *e)
{
    int64_t bytes;

    if (!number_of(e, &bytes) || bytes == 0)
        return;
    if (e->survey) {
        e->r->has_io = true;
        if (!e->r->device_is_null)
            use_buffer(e, bytes);
        return;
    }
    uint64_t calls = div_round_up_u64((uint64_t)bytes, e->r->buffer_max);
    make_step(e->r, e->program, "compute",
              make_text(e->r, e->key, "%" PRIu64 "ns", calls * IO_CALL_NS));
    if (e->r->device_is_null)
        return;
    make_step(e->r, e->program, "stream", stream(e, bytes, "0"));
    make_step(e->r, e->program, "sleep",
              make_text(e->r, e->key, "%" PRIu64 "us",
                        calls * IO_LATENCY_US + (uint64_t)bytes * IO_NS_A_BYTE / 1000));
}

static void
do_memrun(const struct rtevent *e)
{
    if (e->survey)
        rtapp_not_yet(e->r, e->key, "the event 'memrun'");
}

/* ---- locks and conditions ---- */

static const char *
mutex(const struct rtevent *e, const char *name)
{
    return make_object(e->r, e->key, "lock", name, 0);
}

static void
do_lock(const struct rtevent *e)
{
    const char *name = rtapp_text(e->r, e->value);

    if (name != NULL && !e->survey)
        add(e, g_str_has_prefix(e->key->text, "un") ? "unlock" : "lock", mutex(e, name));
}

/* A condition is waited on with one mutex; a second one would leave the waiters unprotected. */
static void
marry(const struct rtevent *e, const char *condition, const char *with)
{
    const char *known = g_hash_table_lookup(e->r->mutexes, condition);

    if (known == NULL) {
        g_hash_table_insert(e->r->mutexes, (gpointer)(gsize)condition, (gpointer)(gsize)with);
    } else if (strcmp(known, with) != 0) {
        g_autofree char *a = diag_excerpt(condition), *b = diag_excerpt(known);
        ynode_error(&e->r->in, e->key,
                    "'%s' is waited on with the mutex '%s' already; "
                    "expected the same mutex everywhere",
                    a, b);
    }
}

/* The two names of {ref, mutex}; false with an error. */
static bool
names_of(const struct rtevent *e, const char **ref, const char **with)
{
    if (ynode_expect(&e->r->in, e->value, YNODE_MAP) == NULL)
        return false;
    for (guint i = 0; e->survey && i < e->value->nr; i++)
        if (strcmp(e->value->keys[i]->text, "ref") != 0 &&
            strcmp(e->value->keys[i]->text, "mutex") != 0)
            rtapp_unknown(e->r, e->value->keys[i]);
    const struct ynode *r = rtapp_get(e->r, e->value, "ref");
    const struct ynode *m = rtapp_get(e->r, e->value, "mutex");
    if (r == NULL || m == NULL) {
        ynode_error(&e->r->in, e->value, "expected {\"ref\": CONDITION, \"mutex\": MUTEX}");
        return false;
    }
    *ref = rtapp_text(e->r, r);
    *with = rtapp_text(e->r, m);
    return *ref != NULL && *with != NULL;
}

static void
do_wait(const struct rtevent *e)
{
    const char *ref, *with;

    if (!names_of(e, &ref, &with))
        return;
    if (e->survey) {
        marry(e, ref, with);
        return;
    }
    const char *condition = make_condition(e->r, e->key, ref);
    if (g_str_has_prefix(e->key->text, "sync"))
        add(e, "signal", condition);
    add(e, "wait", condition);
}

static void
do_signal(const struct rtevent *e)
{
    const char *name = rtapp_text(e->r, e->value);

    if (name != NULL && !e->survey)
        add(e, e->key->text[0] == 's' ? "signal" : "broadcast", make_condition(e->r, e->key, name));
}

static void
do_suspend(const struct rtevent *e)
{
    bool bare = e->value->kind == YNODE_SCALAR && e->value->text[0] == '\0';
    const char *name = bare ? e->task->name : rtapp_text(e->r, e->value);

    if (name == NULL)
        return;
    if (e->survey) {
        marry(e, name, name);
        return;
    }
    add(e, "lock", mutex(e, name));
    add(e, "wait", make_condition(e->r, e->key, name));
    add(e, "unlock", mutex(e, name));
}

static void
do_resume(const struct rtevent *e)
{
    const char *name = rtapp_text(e->r, e->value);

    if (name == NULL || e->survey)
        return;
    add(e, "lock", mutex(e, name));
    add(e, "broadcast", make_condition(e->r, e->key, name));
    add(e, "unlock", mutex(e, name));
}

static void
do_semaphore(const struct rtevent *e)
{
    const char *name = rtapp_text(e->r, e->value);

    if (name != NULL && !e->survey)
        add(e, g_str_has_prefix(e->key->text, "sem_post") ? "up" : "down",
            make_object(e->r, e->key, "semaphore", name, 0));
}

/* ---- barriers ---- */

static void
do_barrier(const struct rtevent *e)
{
    const char *name = rtapp_text(e->r, e->value);

    if (name == NULL)
        return;
    guint size = GPOINTER_TO_UINT(g_hash_table_lookup(e->r->participants, name));
    if (e->survey)
        g_hash_table_insert(e->r->participants, (gpointer)(gsize)name,
                            GUINT_TO_POINTER(size + (guint)e->task->instances));
    else
        add(e, "barrier", make_object(e->r, e->key, "barrier", name, MAX(size, 1)));
}

/* ---- timers ---- */

/* One for each thread if its name begins with "unique". The first such timer of a task is the
 * thread's own; others are arrays with a timer for each thread. */
static void
put_timer(const struct rtevent *e, const char *ref, bool unique, struct ynode *timer)
{
    if (unique && strcmp(ref, e->task->own_timer) == 0)
        return;
    if (unique && e->task->nr_forks > 0)
        rtapp_not_yet(e->r, e->value, "a second unique timer of a forked task");
    g_autofree char *name = unique ? g_strconcat(e->task->name, ".", ref, NULL) : g_strdup(ref);
    const char *object =
        make_object(e->r, e->key, "timer", name, unique ? MAX(e->task->instances, 1) : 0);
    make_put(e->r, timer, "name", make_text(e->r, e->key, "%s", object));
    if (unique && e->task->instances > 1)
        make_put(e->r, timer, "index", make_text(e->r, e->key, "thread"));
}

static void
survey_timer(const struct rtevent *e, const char *ref, bool unique)
{
    static const char *const keys[] = { "ref", "period", "mode", NULL };
    static const char *const modes[] = { "relative", "absolute", NULL };
    const struct ynode *mode = rtapp_get(e->r, e->value, "mode");

    for (guint i = 0; i < e->value->nr; i++)
        if (!g_strv_contains(keys, e->value->keys[i]->text))
            rtapp_unknown(e->r, e->value->keys[i]);
    if (mode != NULL && ynode_enum(&e->r->in, mode, modes) == 1)
        g_hash_table_add(e->r->absolute, unique ? arena_printf(e->r->out.arena, "%p %s",
                                                               (const void *)e->task->map, ref)
                                                : (gpointer)(gsize)ref);
    if (unique && e->task->own_timer == NULL)
        e->task->own_timer = ref;
}

static void
do_timer(const struct rtevent *e)
{
    int64_t period;

    if (ynode_expect(&e->r->in, e->value, YNODE_MAP) == NULL ||
        !rtapp_number_at(e->r, e->value, "period", 0, INT32_MAX, 0, &period))
        return;
    const struct ynode *given = rtapp_get(e->r, e->value, "ref");
    const char *ref = given == NULL ? "unknown" : rtapp_text(e->r, given);
    bool unique = ref != NULL && g_str_has_prefix(ref, "unique");
    if (ref != NULL && e->survey)
        survey_timer(e, ref, unique);
    if (ref == NULL || e->survey)
        return;
    struct ynode *timer = make_map(e->r, e->key);
    g_autofree char *own = g_strdup_printf("%p %s", (const void *)e->task->map, ref);
    bool absolute = g_hash_table_contains(e->r->absolute, unique ? own : ref);
    make_put(e->r, timer, "every", make_text(e->r, e->key, "%" PRId64 "us", period));
    make_put(e->r, timer, "mode", make_text(e->r, e->key, absolute ? "absolute" : "relative"));
    make_put(e->r, timer, "from", make_text(e->r, e->key, "start"));
    put_timer(e, ref, unique, timer);
    make_step(e->r, e->program, "timer", timer);
}

/* ---- threads ---- */

static void
do_yield(const struct rtevent *e)
{
    if (!e->survey)
        make_push(e->r, e->program, make_text(e->r, e->key, "yield"));
}

static struct rtapp_task *
find_task(const struct rtevent *e, const char *name)
{
    for (guint i = 0; i < e->r->tasks->len; i++) {
        struct rtapp_task *t = &g_array_index(e->r->tasks, struct rtapp_task, i);
        if (strcmp(t->name, name) == 0)
            return t;
    }
    return NULL;
}

static void
do_fork(const struct rtevent *e)
{
    const char *name = rtapp_text(e->r, e->value);
    struct rtapp_task *child = name != NULL ? find_task(e, name) : NULL;

    if (name != NULL && child == NULL) {
        g_autofree char *excerpt = diag_excerpt(name);
        ynode_error(&e->r->in, e->value, "there is no task '%s' to fork", excerpt);
    }
    if (child == NULL)
        return;
    if (e->survey) {
        child->nr_forks = MIN(child->nr_forks + e->task->rounds, (uint64_t)RTAPP_FORKS_MAX);
        return;
    }
    struct ynode *fork = make_map(e->r, e->key);
    make_put(e->r, fork, "threads", make_text(e->r, e->key, "%s", child->fork_group));
    make_put(e->r, fork, "count", make_text(e->r, e->key, "1"));
    make_step(e->r, e->program, "fork", fork);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    event_fn act;
} kinds[] = {
    { "run", do_run },
    { "runtime", do_run },
    { "sleep", do_sleep },
    { "timer", do_timer },
    { "mem", do_mem },
    { "memrun", do_memrun },
    { "iorun", do_iorun },
    { "lock", do_lock },
    { "unlock", do_lock },
    { "wait", do_wait },
    { "sync", do_wait },
    { "signal", do_signal },
    { "broad", do_signal },
    { "broadcast", do_signal },
    { "barrier", do_barrier },
    { "suspend", do_suspend },
    { "resume", do_resume },
    { "yield", do_yield },
    { "fork", do_fork },
    { "sem_post", do_semaphore },
    { "sem_wait", do_semaphore },
};

/* The longest name that the key begins with and that no letter follows: `run0`, `sleep_1`. */
static event_fn
find_kind(const char *key)
{
    event_fn found = NULL;
    gsize longest = 0;

    for (gsize i = 0; i < ARRAY_LEN(kinds); i++) {
        gsize len = strlen(kinds[i].name);

        if (len > longest && g_str_has_prefix(key, kinds[i].name) && !g_ascii_isalpha(key[len])) {
            found = kinds[i].act;
            longest = len;
        }
    }
    return found;
}

bool
rtapp_is_event(const char *key)
{
    return find_kind(key) != NULL;
}

void
rtapp_survey_event(struct rtapp *r, struct rtapp_task *t, const struct ynode *key,
                   const struct ynode *value)
{
    find_kind(key->text)(&(struct rtevent){ r, t, key, value, NULL, true });
}

void
rtapp_event(struct rtapp *r, struct rtapp_task *t, const struct ynode *key,
            const struct ynode *value, struct ynode *program)
{
    find_kind(key->text)(&(struct rtevent){ r, t, key, value, program, false });
}
