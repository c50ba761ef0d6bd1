/*
 * The steps that take more words: how a step uses memory, and how threads meet.
 */
#include "config/workload_yaml_steps.h"

/* Misses in flight at once that a pattern reaches (workloads.md, section 1). */
static const char *const pattern_mlp[] = {
    [ACCESS_SEQUENTIAL] = "12", [ACCESS_RANDOM] = "8", [ACCESS_STRIDED] = "10",
    [ACCESS_CHASE] = "1",       [ACCESS_ZIPF] = "8",   [ACCESS_HOT] = "8",
};

/* ---- memory ---- */

static bool
in_range(struct wload *l, const struct ynode *map, const char *key, uint32_t ppm, uint32_t min,
         uint32_t max)
{
    if (ppm >= min * 1000000 && ppm <= max * 1000000)
        return true;
    ynode_error(&l->doc, ynode_get(map, key), "out of range; write a number from %u to %u", min,
                max);
    return false;
}

static bool
read_numbers(struct wload *l, const struct ynode *n, const char *writes, const char *mlp,
             struct wmem *mem)
{
    return wload_ratio_at(l, n, "writes", writes, &mem->write_ppm) &&
           in_range(l, n, "writes", mem->write_ppm, 0, 1) &&
           wload_ratio_at(l, n, "mlp", mlp, &mem->mlp_ppm) &&
           in_range(l, n, "mlp", mem->mlp_ppm, 1, 64);
}

/* What a step without misses cannot have. */
static void
refuse_memory(struct wload *l, const struct ynode *n)
{
    static const char *const beside[] = { "uses", "mlp", "writes", REUSE_KEYS, USE_KEYS };

    for (guint i = 0; i < ARRAY_LEN(beside); i++)
        if (ynode_get(n, beside[i]) != NULL) {
            ynode_error(&l->doc, ynode_get(n, beside[i]),
                        "without 'mpki' there are no misses; give the misses in 1000 "
                        "instructions, or the references to the last-level cache ('apki')");
            return;
        }
}

/* Misses, or references of which a part misses. */
static bool
read_misses(struct wload *l, const struct ynode *n, struct wmem *mem)
{
    static const char *const reuse[] = { REUSE_KEYS };
    const struct ynode *mpki = ynode_get(n, "mpki"), *apki = ynode_get(n, "apki");
    const char *key = apki != NULL ? "apki" : "mpki";

    if (mpki != NULL && apki != NULL) {
        ynode_error(&l->doc, apki,
                    "write one of 'mpki' (misses, whatever the cache) and 'apki' (references to "
                    "the last-level cache, of which a part hits)");
        return false;
    }
    for (guint i = 0; apki == NULL && i < ARRAY_LEN(reuse); i++)
        if (ynode_get(n, reuse[i]) != NULL) {
            ynode_error(&l->doc, ynode_get(n, reuse[i]),
                        "'mpki' are misses whatever the cache; give references to it: 'apki'");
            return false;
        }
    if (apki != NULL)
        read_reuse(l, n, true, &mem->reuse);
    return wload_ratio_at(l, n, key, "0", &mem->mpki_ppm) &&
           in_range(l, n, key, mem->mpki_ppm, 0, 1000);
}

const struct wmem *
memory_of_compute(struct wload *l, const struct ynode *n)
{
    static const char *const keys[] = { "time", "instructions", "mpki",   "apki",
                                        "uses", "mlp",          "writes", "work",
                                        "hint", REUSE_KEYS,     USE_KEYS, NULL };
    struct wmem *mem = arena_new_object(l->doc.arena, struct wmem);

    if (n->kind != YNODE_MAP)
        return NULL;
    ynode_check_keys(&l->doc, n, NULL, keys);
    bool region = ynode_get(n, "region") != NULL || ynode_get(n, "uses") != NULL;
    if (ynode_get(n, "mpki") == NULL && ynode_get(n, "apki") == NULL) {
        refuse_memory(l, n);
        return NULL;
    }
    if (!region) {
        ynode_error(&l->doc, n, "'region' is missing: where the misses go");
        return NULL;
    }
    if (!read_misses(l, n, mem) || !read_uses(l, n, mem) ||
        !read_numbers(l, n, "0.3", mem->uses[0].pattern == ACCESS_CHASE ? "1" : "4", mem))
        return NULL;
    return mem;
}

const struct wmem *
memory_of_stream(struct wload *l, const struct ynode *n, const char *writes)
{
    struct wmem *mem = arena_new_object(l->doc.arena, struct wmem);
    const struct ynode *line = ynode_get(n, "line");
    uint64_t ps = 2000;

    if (!read_uses(l, n, mem) ||
        !read_numbers(l, n, writes, pattern_mlp[mem->uses[0].pattern], mem))
        return NULL;
    if (line != NULL && !ynode_quantity(&l->doc, line, FIELD_TIME_PS, &ps))
        return NULL;
    if (ps < 1 || ps > 100000000) {
        ynode_error(&l->doc, line, "out of range; write a time from 1ps to 100us");
        return NULL;
    }
    mem->line_ps = (uint32_t)ps;
    read_reuse(l, n, false, &mem->reuse);
    return mem;
}

/* ---- meeting ---- */

static const char *const wait_names[] = { "block", "spin", "spin_then_block", NULL };

static void
read_wait(struct wload *l, const struct ynode *n, struct wstep *s)
{
    struct wexpr spin = { 0 };

    s->wait = (enum wait_mode)wload_enum_at(l, n, "wait", wait_names, WAIT_BLOCK);
    s->spin_ns = USEC(20);
    if (ynode_get(n, "spin") != NULL && s->wait != WAIT_SPIN_THEN_BLOCK)
        ynode_error(&l->doc, ynode_get(n, "spin"), "only 'wait: spin_then_block' spins for a time");
    if (wload_number(l, ynode_get(n, "spin"), FIELD_TIME, 0, &spin) && wexpr_is_const(&spin))
        s->spin_ns = spin.ops[0].value;
    s->pi = wload_bool_at(l, n, "pi", false);
    if (s->pi && s->kind != WSTEP_LOCK)
        ynode_error(&l->doc, ynode_get(n, "pi"), "only a lock hands on priorities");
}

static void
read_index(struct wload *l, const struct ynode *n, struct wstep *s)
{
    if (ynode_get(n, "index") != NULL)
        wload_number(l, ynode_get(n, "index"), FIELD_U64, WEXPR_LOOP, &s->index);
}

static unsigned
kinds_of(enum wstep_kind kind)
{
    switch (kind) {
    case WSTEP_BARRIER:
        return 1u << WOBJECT_BARRIER;
    case WSTEP_LOCK:
    case WSTEP_UNLOCK:
        return 1u << WOBJECT_LOCK;
    case WSTEP_DOWN:
    case WSTEP_UP:
        return 1u << WOBJECT_SEMAPHORE;
    case WSTEP_SEND:
    case WSTEP_RECEIVE:
        return 1u << WOBJECT_CHANNEL;
    case WSTEP_REQUEST_BEGIN:
    case WSTEP_CALL:
        return 1u << WOBJECT_QUEUE;
    case WSTEP_TIMER:
        return 1u << WOBJECT_TIMER;
    default:
        return 1u << WOBJECT_CONDITION;
    }
}

static int32_t
find_meeting(struct wload *l, const struct ynode *n, const char *key, enum wstep_kind kind)
{
    const struct ynode *name = n->kind == YNODE_MAP ? ynode_get(n, key) : n;

    if (name == NULL)
        ynode_error(&l->doc, n, "'%s' is missing", key);
    return name == NULL ? -1 : wload_find_object(l, name, name->text, kinds_of(kind));
}

void
read_meeting(struct wload *l, const struct ynode *n, const struct verb *v)
{
    struct wstep *s = step_add(l, n, v->kind);

    s->object = find_meeting(l, n, "name", v->kind);
    read_wait(l, n, s);
    read_index(l, n, s);
    if (v->kind != WSTEP_WAIT || s->object < 0)
        return;
    int32_t lock = l->w->objects[s->object].lock; /* taken again behind the wait */
    struct wexpr index = s->index;
    enum wait_mode wait = s->wait;
    uint64_t spin_ns = s->spin_ns;
    s = step_add(l, n, WSTEP_LOCK);
    s->object = lock;
    s->wait = wait;
    s->spin_ns = spin_ns;
    if (lock >= 0 && l->w->objects[lock].count.nr > 0)
        s->index = index;
}

void
read_shared_timer(struct wload *l, const struct ynode *n, struct wstep *s)
{
    if (ynode_get(n, "name") != NULL)
        s->object = find_meeting(l, n, "name", WSTEP_TIMER);
    else if (ynode_get(n, "index") != NULL)
        ynode_error(&l->doc, ynode_get(n, "index"), "only timers with a 'name' are numbered");
    read_index(l, n, s);
}

/* A message costs its sender and its receiver CPU time; workloads.md, section 4 (hackbench). */
static void
read_cost(struct wload *l, const struct ynode *n)
{
    const struct ynode *cost = ynode_get(n, "cost");
    int32_t dist = cost != NULL ? wload_duration(l, cost) : wload_constant(l, 1500);

    step_add(l, n, WSTEP_COMPUTE)->dist = dist;
}

void
read_transfer(struct wload *l, const struct ynode *n, const struct verb *v)
{
    struct wexpr bytes = { 0 };

    if (v->kind == WSTEP_SEND)
        read_cost(l, n);
    wload_number_at(l, n, "bytes", FIELD_SIZE, WEXPR_LOOP, NULL, &bytes);
    int32_t object = find_meeting(l, n, v->kind == WSTEP_SEND ? "to" : "from", v->kind);
    struct wstep *s = step_add(l, n, v->kind);
    s->object = object;
    s->amount = bytes;
    read_wait(l, n, s);
    read_index(l, n, s);
    if (v->kind == WSTEP_RECEIVE)
        read_cost(l, n);
}

/* {end: NAME, work: N}: it is counted by that name, too. */
static void
read_request_end(struct wload *l, const struct ynode *n, const struct ynode *end)
{
    static const char *const keys[] = { "end", "work", NULL };
    const char *tag = wload_name(l, end);
    struct wexpr work = { 0 };

    ynode_check_keys(&l->doc, n, NULL, keys);
    wload_number_at(l, n, "work", FIELD_U64, WEXPR_LOOP, "1", &work);
    struct wstep *s = step_add(l, n, WSTEP_REQUEST_END);
    s->tag = tag;
    s->amount = work;
}

void
read_request(struct wload *l, const struct ynode *n, const struct verb *v)
{
    static const char *const ends[] = { "begin", "end", NULL };
    const struct ynode *end = n->kind == YNODE_MAP ? ynode_get(n, "end") : NULL;
    struct wstep *s;

    if (n->kind == YNODE_SCALAR) {
        int which = ynode_enum(&l->doc, n, ends);
        s = step_add(l, n, which == 1 ? WSTEP_REQUEST_END : WSTEP_REQUEST_BEGIN);
        s->amount = wexpr_const(l->doc.arena, 1);
        return;
    }
    if (end != NULL) {
        read_request_end(l, n, end);
        return;
    }
    if (ynode_get(n, "work") != NULL)
        ynode_error(&l->doc, ynode_get(n, "work"), "work is done at the end of a request");
    s = step_add(l, n, WSTEP_REQUEST_BEGIN);
    s->object = find_meeting(l, n, "begin", WSTEP_REQUEST_BEGIN);
    read_wait(l, n, s);
    read_index(l, n, s);
}

void
read_call(struct wload *l, const struct ynode *n, const struct verb *v)
{
    static const char *const replies[] = { "now", "later", "none", NULL };
    int32_t object = find_meeting(l, n, "to", WSTEP_CALL);
    struct wstep *s = step_add(l, n, WSTEP_CALL);

    s->object = object;
    s->reply = (enum wreply)wload_enum_at(l, n, "reply", replies, WREPLY_NOW);
    wload_number(l, ynode_get(n, "count"), FIELD_U64, WEXPR_LOOP, &s->amount);
    read_wait(l, n, s);
    read_index(l, n, s);
}
