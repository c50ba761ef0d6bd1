/*
 * How the threads of rt-app meet, and when timers release them.
 *
 * They meet by POSIX mutexes and condition variables, and so they do here. Suspending under a name
 * is waiting on the condition of that name with the mutex of that name, and resuming is a broadcast
 * to it with that mutex held: several threads may suspend under one name, a resume that nobody
 * waits for is lost, and `sync` on the same name takes part in it. Files of the field rely on each
 * of these.
 */
#include "config/import_rtapp_event.h"

static void
add(const struct rtevent *e, const char *verb, const char *name)
{
    make_step(e->r, e->program, verb, make_text(e->r, e->key, "%s", name));
}

/* ---- locks and conditions ---- */

static const char *
mutex(const struct rtevent *e, const char *name)
{
    return make_object(e->r, e->key, "lock", name, 0);
}

void
rtdo_lock(const struct rtevent *e)
{
    const char *name = rtapp_text(e->r, e->value);

    if (name == NULL || e->survey)
        return;
    if (g_str_has_prefix(e->key->text, "un")) {
        add(e, "unlock", mutex(e, name));
    } else if (!e->r->pi) {
        add(e, "lock", mutex(e, name));
    } else {
        struct ynode *map = make_map(e->r, e->key);
        make_put(e->r, map, "name", make_text(e->r, e->key, "%s", mutex(e, name)));
        make_put(e->r, map, "pi", make_text(e->r, e->key, "yes"));
        make_step(e->r, e->program, "lock", map);
    }
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

void
rtdo_wait(const struct rtevent *e)
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

void
rtdo_signal(const struct rtevent *e)
{
    const char *name = rtapp_text(e->r, e->value);

    if (name != NULL && !e->survey)
        add(e, e->key->text[0] == 's' ? "signal" : "broadcast", make_condition(e->r, e->key, name));
}

void
rtdo_suspend(const struct rtevent *e)
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

void
rtdo_resume(const struct rtevent *e)
{
    const char *name = rtapp_text(e->r, e->value);

    if (name == NULL || e->survey)
        return;
    add(e, "lock", mutex(e, name));
    add(e, "broadcast", make_condition(e->r, e->key, name));
    add(e, "unlock", mutex(e, name));
}

void
rtdo_semaphore(const struct rtevent *e)
{
    const char *name = rtapp_text(e->r, e->value);

    if (name != NULL && !e->survey)
        add(e, g_str_has_prefix(e->key->text, "sem_post") ? "up" : "down",
            make_object(e->r, e->key, "semaphore", name, 0));
}

/* ---- barriers ---- */

void
rtdo_barrier(const struct rtevent *e)
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

void
rtdo_timer(const struct rtevent *e)
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
