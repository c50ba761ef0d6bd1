/*
 * Who has to do with whom.
 *
 * Was it the waker, or an interrupt that met it? perf's text does not tell. An interrupt meets
 * tasks as often as they run: a waker that gives a far larger share of the wake-ups than it has of
 * the CPU time is meant. So is one that is woken in return, a parent, a child, a namesake, and a
 * kernel thread, which runs too seldom to be met by chance. ftrace marks interrupts: there all
 * count.
 *
 * That can be judged only when all is known. So a wait is told with both of its ends, the waker and
 * the time it took, and with the number of the relation of the two names; which end counts is said
 * by relation, at the end.
 */
#include "config/import_trace_compiler.h"

/* All wake-ups of tasks of one name by tasks of another. */
struct relation {
    char waker[TRACE_COMM], wakee[TRACE_COMM];
    guint number;
    uint64_t count;
    bool kin, kthread; /* parent and child; the waker is a kernel thread */
};

static guint
relation_hash(gconstpointer key)
{
    const struct relation *r = key;

    return g_str_hash(r->waker) * 31 + g_str_hash(r->wakee);
}

static gboolean
relation_equal(gconstpointer a, gconstpointer b)
{
    const struct relation *x = a, *y = b;

    return strcmp(x->waker, y->waker) == 0 && strcmp(x->wakee, y->wakee) == 0;
}

static struct relation *
find_relation(const struct trace_compiler *c, const char *waker, const char *wakee)
{
    struct relation key = { .number = 0 };

    memcpy(key.waker, waker, TRACE_COMM);
    memcpy(key.wakee, wakee, TRACE_COMM);
    return g_hash_table_lookup(c->relations, &key);
}

static struct relation *
relation_of(struct trace_compiler *c, const struct teller *by, const struct teller *t)
{
    struct relation *r = find_relation(c, by->s.comm, t->s.comm);

    if (r == NULL) {
        r = g_new0(struct relation, 1);
        memcpy(r->waker, by->s.comm, TRACE_COMM);
        memcpy(r->wakee, t->s.comm, TRACE_COMM);
        r->number = c->all_relations->len;
        r->kthread = by->s.kthread;
        g_hash_table_add(c->relations, r);
        g_ptr_array_add(c->all_relations, r);
    }
    return r;
}

guint
trace_relation_number(struct trace_compiler *c, const struct teller *by, const struct teller *t)
{
    return relation_of(c, by, t)->number;
}

guint
trace_relation_of(struct trace_compiler *c, const struct teller *by, const struct teller *t)
{
    struct relation *r = relation_of(c, by, t);

    r->count++;
    r->kin |= by->parent == t->s.pid || t->parent == by->s.pid;
    return r->number;
}

bool
trace_relation_known(const struct trace_compiler *c, const struct teller *by,
                     const struct teller *t, guint *number)
{
    const struct relation *r = find_relation(c, by->s.comm, t->s.comm);

    if (r != NULL)
        *number = r->number;
    return r != NULL;
}

static bool
is_meant(const struct trace_compiler *c, const struct relation *r)
{
    const uint64_t *all = g_hash_table_lookup(c->woken_names, r->wakee);
    const uint64_t *ran = g_hash_table_lookup(c->run_names, r->waker);
    double expected = all == NULL || ran == NULL || c->run_sum == 0
                          ? 0
                          : (double)*all * (double)*ran / (double)c->run_sum;

    if (c->irq_known || r->kin || r->kthread || strcmp(r->waker, r->wakee) == 0)
        return true;
    const struct relation *back = find_relation(c, r->wakee, r->waker);
    return (double)r->count > 3 * expected + 2 ||
           (back != NULL && back->count * 4 > r->count && (double)r->count > 2 * expected);
}

static void
add_to(GHashTable *names, const char *name, uint64_t n)
{
    uint64_t *sum = g_hash_table_lookup(names, name);

    if (sum == NULL) {
        sum = g_new0(uint64_t, 1);
        g_hash_table_insert(names, g_strdup(name), sum);
    }
    *sum += n;
}

static void
sum_up_names(struct trace_compiler *c)
{
    for (guint i = 0; i < c->tellers->len; i++) {
        const struct teller *t = g_ptr_array_index(c->tellers, i);

        add_to(c->run_names, t->s.comm, t->s.run_ns);
        add_to(c->woken_names, t->s.comm, t->s.woken_by_tasks + t->s.woken_from_outside);
        c->run_sum += t->s.run_ns;
    }
}

const uint8_t *
trace_relations_meant(struct trace_compiler *c, struct arena *a)
{
    uint8_t *meant = arena_alloc(a, c->all_relations->len + 1);

    sum_up_names(c);
    for (guint i = 0; i < c->all_relations->len; i++)
        meant[i] = is_meant(c, g_ptr_array_index(c->all_relations, i));
    return meant;
}

void
trace_relations_init(struct trace_compiler *c)
{
    c->relations = g_hash_table_new(relation_hash, relation_equal);
    c->all_relations = g_ptr_array_new_with_free_func(g_free);
    c->run_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    c->woken_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void
trace_relations_clear(struct trace_compiler *c)
{
    g_hash_table_unref(c->relations);
    g_ptr_array_unref(c->all_relations);
    g_hash_table_unref(c->run_names);
    g_hash_table_unref(c->woken_names);
}
