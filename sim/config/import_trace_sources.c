/*
 * Where a task's wake-ups come from: one source for each name of a waker.
 *
 * What a task waits for is seldom the waker itself. A reader takes whatever message is there next,
 * whoever sent it; a lock is taken from whoever had it; a worker takes the next item. Replayed in
 * another order, it would wait for one sender who is late while others have sent long ago. So the
 * wake-ups of a task are counted by source, and a wait is over when its source has given as many as
 * it had in the recording, whoever of that name gave them. Those of other names do not count: a
 * shell that waits for a compiler is not served by a linker.
 *
 * No circle can form: of the waits that never end the earliest of the recording would lack a
 * wake-up that was given still earlier.
 */
#include "config/import_trace_compiler.h"

struct source {
    gint64 key; /* of the task, and of the relation of the two names */
    guint number;
    uint64_t count;
};

void
trace_sources_init(struct trace_compiler *c)
{
    c->sources = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
}

void
trace_sources_clear(struct trace_compiler *c)
{
    g_hash_table_unref(c->sources);
}

void
trace_source_woke(struct trace_compiler *c, const struct teller *by, struct teller *t)
{
    gint64 key = (gint64)t->number << 32 | trace_relation_number(c, by, t);
    struct source *s = g_hash_table_lookup(c->sources, &key);

    if (s == NULL) {
        s = g_new0(struct source, 1);
        s->key = key;
        s->number = t->nr_sources++;
        g_hash_table_add(c->sources, s);
    }
    t->source = s->number;
    t->source_count = ++s->count;
}
