/*
 * The events of rt-app, one function each: running, memory, I/O, threads; those by which threads
 * meet are in import_rtapp_meet.c.
 *
 * A file is read twice. The first pass collects what an event says about others: how many take part
 * in a barrier, which mutex belongs to a condition, which timers are absolute, how often a task is
 * forked.
 */
#include "config/import_rtapp_event.h"

/* What writing to a device costs, where the file is not /dev/null. workloads.md has no figure:
 * a call of 1 us, then 100 us and 500 MB/s. A note says so. */
enum { IO_CALL_NS = 1000, IO_LATENCY_US = 100, IO_NS_A_BYTE = 2 };

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
    { "timer", rtdo_timer },
    { "mem", do_mem },
    { "memrun", do_memrun },
    { "iorun", do_iorun },
    { "lock", rtdo_lock },
    { "unlock", rtdo_lock },
    { "wait", rtdo_wait },
    { "sync", rtdo_wait },
    { "signal", rtdo_signal },
    { "broad", rtdo_signal },
    { "broadcast", rtdo_signal },
    { "barrier", rtdo_barrier },
    { "suspend", rtdo_suspend },
    { "resume", rtdo_resume },
    { "yield", do_yield },
    { "fork", do_fork },
    { "sem_post", rtdo_semaphore },
    { "sem_wait", rtdo_semaphore },
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
