/*
 * How far a waker gets ahead of whom it wakes.
 *
 * A recording has only the waits that happened: who found there what it needed did not wait, and
 * leaves no trace. A task that asks another and takes the answer is preempted by it on one CPU, and
 * has its answer when it goes on; on two CPUs it would have had to wait. A writer waits for its
 * reader when a pipe is full, and not before. If such tasks meet in another order, and only
 * recorded waits count, one runs away from the other, and what they had to do with each other is
 * lost.
 *
 * So of each two that wake each other it is found out how far the one got before the other slept
 * again, having done all there was to do: in CPU time of the waker, and in wake-ups, of which it
 * gives one in so much CPU time. In the replay it does not get further. Where the recorded waker
 * came that far, the other had slept, so what waits for it lies earlier in the recording, and no
 * circle can form. A waker that is never woken in return has nothing to wait for, and is left
 * alone.
 */
#include "config/import_trace_compiler.h"

enum {
    PAIRS_MOST = 1 << 16,
    WAKES_LEAST = 8,   /* of a pair that says something */
    RETURN_LEAST = 32, /* one of so many is given back, at least */
    OF_TEN = 9,        /* leads that count: one in ten has another reason */
};

struct pair {
    uint32_t waker, wakee; /* numbers of tellers */
    guint number;
    uint64_t count;
    uint64_t first, last; /* CPU time of the waker */
    uint32_t leads[64];   /* by the length of their number of ns in bits */
};

static guint
pair_hash(gconstpointer key)
{
    const struct pair *p = key;

    return p->waker * 0x9e3779b1u + p->wakee;
}

static gboolean
pair_equal(gconstpointer a, gconstpointer b)
{
    const struct pair *x = a, *y = b;

    return x->waker == y->waker && x->wakee == y->wakee;
}

static struct pair *
find_pair(const struct trace_compiler *c, uint32_t waker, uint32_t wakee)
{
    const struct pair key = { .waker = waker, .wakee = wakee };

    return g_hash_table_lookup(c->pairs, &key);
}

static struct pair *
pair_of(struct trace_compiler *c, const struct teller *by, const struct teller *t)
{
    struct pair *p = find_pair(c, by->number, t->number);

    if (p == NULL && c->all_pairs->len < PAIRS_MOST) {
        p = g_new0(struct pair, 1);
        p->waker = by->number;
        p->wakee = t->number;
        p->number = c->all_pairs->len + 1;
        p->first = by->s.run_ns;
        g_hash_table_add(c->pairs, p);
        g_ptr_array_add(c->all_pairs, p);
    }
    return p;
}

/* Its run is told up to now. */
uint32_t
trace_pair_woke(struct trace_compiler *c, struct teller *by, struct teller *t)
{
    struct pair *p = pair_of(c, by, t);

    if (p == NULL)
        return 0;
    p->count++;
    p->last = by->s.run_ns;
    t->woken_by = by;
    t->woken_at = by->s.run_ns;
    return p->number;
}

/* t sleeps: it has done what there was to do. */
void
trace_pair_slept(struct trace_compiler *c, struct teller *t)
{
    const struct teller *by = t->woken_by;
    struct pair *p = by != NULL ? find_pair(c, by->number, t->number) : NULL;

    t->woken_by = NULL;
    if (p == NULL)
        return;
    uint64_t now = by->s.run_ns + (by->state == RUNNING ? c->now - by->since : 0);
    p->leads[g_bit_storage(now - t->woken_at) % 64]++;
}

/* Nine of ten leads are shorter. */
static uint64_t
lead_of(const struct pair *p)
{
    uint64_t all = 0, sum = 0;

    for (guint i = 0; i < G_N_ELEMENTS(p->leads); i++)
        all += p->leads[i];
    for (guint i = 0; i < G_N_ELEMENTS(p->leads); i++) {
        sum += p->leads[i];
        if (sum * 10 >= all * OF_TEN)
            return i == 0 ? 0 : ((uint64_t)1 << i) - 1;
    }
    return 0;
}

static bool
is_meant(const struct trace_compiler *c, const struct pair *p, const uint8_t *meant)
{
    guint relation;

    return trace_relation_known(c, c->tellers->pdata[p->waker], c->tellers->pdata[p->wakee],
                                &relation) &&
           meant[relation];
}

static uint8_t
slack_of(const struct trace_compiler *c, const struct pair *p, const uint8_t *meant)
{
    const struct pair *back = find_pair(c, p->wakee, p->waker);

    if (p->count < WAKES_LEAST || back == NULL || back->count * RETURN_LEAST < p->count ||
        !is_meant(c, p, meant) || !is_meant(c, back, meant))
        return REPLAY_NO_LIMIT;
    uint64_t interval = (p->last - p->first) / (p->count - 1);
    uint64_t slack = lead_of(p) / MAX(interval, 1);
    return slack > REPLAY_SLACK_MOST ? REPLAY_NO_LIMIT : (uint8_t)slack;
}

const uint8_t *
trace_pairs_slack(struct trace_compiler *c, struct arena *a, const uint8_t *meant)
{
    uint8_t *slack = arena_alloc(a, c->all_pairs->len + 1);

    slack[0] = REPLAY_NO_LIMIT; /* no pair */
    for (guint i = 0; i < c->all_pairs->len; i++)
        slack[i + 1] = slack_of(c, g_ptr_array_index(c->all_pairs, i), meant);
    return slack;
}

void
trace_pairs_init(struct trace_compiler *c)
{
    c->pairs = g_hash_table_new(pair_hash, pair_equal);
    c->all_pairs = g_ptr_array_new_with_free_func(g_free);
}

void
trace_pairs_clear(struct trace_compiler *c)
{
    g_hash_table_unref(c->pairs);
    g_ptr_array_unref(c->all_pairs);
}
