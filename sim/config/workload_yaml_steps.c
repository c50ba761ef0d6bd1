/*
 * Programs: lists of steps become flat arrays with jumps.
 *
 * A step is a map with one key, its verb; a few may stand as a bare word. One table lists the
 * verbs, the keys that each may have and the function that reads it. Verbs that later versions will
 * bring are in the table too: their keys are checked, and then they are refused, so that nothing in
 * a file is ever passed over in silence.
 */
#include "config/workload_yaml_steps.h"

enum { STEPS_MAX = 20000 };

typedef void (*verb_fn)(struct wload *l, const struct ynode *n, const struct verb *v);

static void read_list(struct wload *l, const struct ynode *list);

struct wstep *
step_add(struct wload *l, const struct ynode *n, enum wstep_kind kind)
{
    struct wstep s = {
        .kind = kind, .line = n->line, .object = -1, .group = -1, .region = -1, .dist = -1
    };

    if (l->steps->len >= STEPS_MAX) {
        if (!l->steps_full)
            ynode_error(&l->doc, n, "the program has more than %d steps", STEPS_MAX);
        l->steps_full = true;
        g_array_set_size(l->steps, STEPS_MAX - 1);
    }
    g_array_append_val(l->steps, s);
    return &g_array_index(l->steps, struct wstep, l->steps->len - 1);
}

/* `hint` and `work` beside what a step does. */
static void
add_hints(struct wload *l, const struct ynode *n)
{
    uint32_t nr;
    const struct whint *hints = wload_hints(l, n, &nr);

    for (uint32_t i = 0; i < nr; i++)
        step_add(l, n, WSTEP_HINT)->hint = hints[i];
}

static void
add_work(struct wload *l, const struct ynode *n)
{
    struct wexpr amount;

    if (n != NULL && wload_number(l, n, FIELD_U64, WEXPR_LOOP, &amount))
        step_add(l, n, WSTEP_WORK)->amount = amount;
}

/* The scalar itself, or the value under `key` of a map; NULL with an error. */
static const struct ynode *
main_value(struct wload *l, const struct ynode *n, const char *key)
{
    const struct ynode *value = n->kind == YNODE_MAP ? ynode_get(n, key) : n;

    if (value == NULL)
        ynode_error(&l->doc, n, "'%s' is missing", key);
    return value;
}

/* ---- running ---- */

static void
read_compute(struct wload *l, const struct ynode *n, const struct verb *v)
{
    const struct ynode *time = n->kind == YNODE_MAP ? ynode_get(n, "time") : n;
    const struct ynode *instructions = ynode_get(n, "instructions");
    struct wexpr amount = { 0 };
    int32_t dist = -1;

    add_hints(l, ynode_get(n, "hint"));
    if ((time == NULL) == (instructions == NULL))
        ynode_error(&l->doc, n, "write one of 'time' (2ms) and 'instructions' (5000000)");
    if (time != NULL)
        dist = wload_duration(l, time);
    else
        wload_number(l, instructions, FIELD_U64, WEXPR_LOOP, &amount);
    const struct wmem *mem = memory_of_compute(l, n);
    struct wstep *s = step_add(l, n, WSTEP_COMPUTE);
    s->dist = dist;
    s->amount = amount;
    s->mem = mem;
    add_work(l, ynode_get(n, "work"));
}

static void
open_loop(struct wload *l, const struct ynode *n, enum wstep_kind kind)
{
    if (++l->depth > WORKLOAD_LOOPS_MAX)
        ynode_error(&l->doc, n, "loops are nested deeper than %d", WORKLOAD_LOOPS_MAX);
    step_add(l, n, kind);
}

static void
close_loop(struct wload *l, const struct ynode *n, guint head, enum wstep_kind kind)
{
    step_add(l, n, kind)->jump = head;
    g_array_index(l->steps, struct wstep, head).jump = l->steps->len - 1;
    l->depth--;
}

static void
read_stream(struct wload *l, const struct ynode *n, const struct verb *v)
{
    const struct ynode *loops = ynode_get(n, "loops"), *bytes = ynode_get(n, "bytes");
    struct wexpr rounds, amount = { 0 };
    bool looped = loops != NULL && wload_number(l, loops, FIELD_U64, WEXPR_LOOP, &rounds);
    guint head = l->steps->len;

    add_hints(l, ynode_get(n, "hint"));
    if (looped) {
        head = l->steps->len;
        open_loop(l, n, WSTEP_LOOP);
        g_array_index(l->steps, struct wstep, l->steps->len - 1).amount = rounds;
    }
    if (bytes != NULL)
        wload_number(l, bytes, FIELD_SIZE, WEXPR_THREAD, &amount);
    const struct wmem *mem = memory_of_stream(l, n, "0");
    struct wstep *s = step_add(l, n, WSTEP_STREAM);
    s->mem = mem;
    s->amount = amount;
    add_work(l, ynode_get(n, "work"));
    if (looped)
        close_loop(l, n, head, WSTEP_END_LOOP);
}

/* The first pass over memory: all of it written, on one node for everybody or where each runs. */
static void
read_touch(struct wload *l, const struct ynode *n, const struct verb *v)
{
    static const char *const ways[] = { "race", "one_node", NULL };
    bool one_node = n->kind == YNODE_MAP && wload_enum_at(l, n, "first_touch", ways, 0) == 1;
    const struct wmem *mem = memory_of_stream(l, n, "1");

    if (one_node)
        step_add(l, n, WSTEP_FORCE_NODE);
    step_add(l, n, WSTEP_STREAM)->mem = mem;
    if (one_node)
        step_add(l, n, WSTEP_UNFORCE_NODE);
}

/* ---- time ---- */

static void
read_sleep(struct wload *l, const struct ynode *n, const struct verb *v)
{
    int32_t dist = wload_duration(l, n);

    step_add(l, n, WSTEP_SLEEP)->dist = dist;
}

static const char *const timer_modes[] = { "absolute", "relative", NULL };

static int32_t
every(struct wload *l, const struct ynode *n)
{
    const struct ynode *value = main_value(l, n, "every");

    return value == NULL ? -1 : wload_duration(l, value);
}

static void
read_timer(struct wload *l, const struct ynode *n, const struct verb *v)
{
    int32_t dist = n->kind == YNODE_MAP && ynode_get(n, "every") == NULL && n->nr == 1
                       ? wload_duration(l, n)
                       : every(l, n);
    bool relative = wload_enum_at(l, n, "mode", timer_modes, 0) == 1;
    struct wstep *s = step_add(l, n, WSTEP_TIMER);

    s->dist = dist;
    s->relative = relative;
}

/* ---- loops ---- */

static struct wexpr
rounds_of(struct wload *l, const struct ynode *n)
{
    const struct ynode *count = ynode_get(n, "count");
    struct wexpr rounds = { 0 };

    if (count == NULL)
        ynode_error(&l->doc, n, "'count' is missing: a number, or 'forever'");
    else if (count->kind != YNODE_SCALAR || strcmp(count->text, "forever") != 0)
        wload_number(l, count, FIELD_U64, WEXPR_LOOP, &rounds);
    return rounds;
}

static void
read_body(struct wload *l, const struct ynode *n)
{
    const struct ynode *body = ynode_get(n, "do");

    if (body == NULL)
        ynode_error(&l->doc, n, "'do' is missing: the list of steps");
    else
        read_list(l, body);
}

static void
read_loop(struct wload *l, const struct ynode *n, const struct verb *v)
{
    guint head = l->steps->len;
    struct wexpr rounds = rounds_of(l, n);

    open_loop(l, n, WSTEP_LOOP);
    g_array_index(l->steps, struct wstep, head).amount = rounds;
    read_body(l, n);
    close_loop(l, n, head, WSTEP_END_LOOP);
}

static void
read_period(struct wload *l, const struct ynode *n, const struct verb *v)
{
    static const char *const misses[] = { "continue", "skip", "abort", NULL };
    guint head = l->steps->len;
    const struct ynode *deadline = ynode_get(n, "deadline"), *miss = ynode_get(n, "on_miss");
    struct wstep s = { .amount = rounds_of(l, n), .dist = every(l, n) };

    if (deadline != NULL)
        wload_number(l, deadline, FIELD_TIME, WEXPR_MACHINE, &s.deadline);
    int on_miss = wload_enum_at(l, n, "on_miss", misses, 0);
    if (on_miss == 2)
        wload_not_yet(l, miss, "the end of a job at its deadline");
    bool relative = wload_enum_at(l, n, "mode", timer_modes, 0) == 1;
    open_loop(l, n, WSTEP_PERIOD);
    struct wstep *step = &g_array_index(l->steps, struct wstep, l->steps->len - 1);
    step->amount = s.amount;
    step->dist = s.dist;
    step->deadline = s.deadline;
    step->on_miss = on_miss == 1 ? WMISS_SKIP : WMISS_CONTINUE;
    step->relative = relative;
    read_body(l, n);
    close_loop(l, n, head, WSTEP_END_PERIOD);
}

/* ---- threads ---- */

static void
read_fork(struct wload *l, const struct ynode *n, const struct verb *v)
{
    const struct ynode *name = main_value(l, n, "threads");
    int32_t group = name == NULL ? -1 : wload_find_group(l, name);
    struct wexpr amount = { 0 };

    wload_number(l, ynode_get(n, "count"), FIELD_U64, WEXPR_LOOP, &amount);
    struct wstep *s = step_add(l, n, v->kind);
    s->group = group;
    s->amount = amount;
    if (group >= 0 && v->kind == WSTEP_FORK && !l->w->groups[group].by_fork)
        ynode_error(&l->doc, name, "these threads start by themselves; give them 'start: fork'");
}

static void
read_bare(struct wload *l, const struct ynode *n, const struct verb *v)
{
    if (n->kind != YNODE_SCALAR || n->text[0] != '\0')
        ynode_error(&l->doc, n, "'%s' takes nothing; write it as a bare word", v->name);
    step_add(l, n, v->kind);
}

/* ---- placement ---- */

static void
read_set_mempolicy(struct wload *l, const struct ynode *n, const struct verb *v)
{
    struct wpolicy *p = arena_new_object(l->doc.arena, struct wpolicy);

    if (wload_policy(l, n, p))
        step_add(l, n, WSTEP_SET_MEMPOLICY)->policy = p;
}

static void
read_mbind(struct wload *l, const struct ynode *n, const struct verb *v)
{
    struct wpolicy *p = arena_new_object(l->doc.arena, struct wpolicy);
    const struct ynode *region = main_value(l, n, "region"), *policy = ynode_get(n, "policy");

    if (wload_bool_at(l, n, "move", false))
        wload_not_yet(l, ynode_get(n, "move"), "moving pages with mbind");
    if (policy == NULL)
        ynode_error(&l->doc, n, "'policy' is missing: {mode: bind, nodes: 0}");
    if (region == NULL || policy == NULL || !wload_policy(l, policy, p))
        return;
    int32_t r = wload_find_region(l, region);
    struct wstep *s = step_add(l, n, WSTEP_MBIND);
    s->policy = p;
    s->region = r;
}

static void
read_unmap(struct wload *l, const struct ynode *n, const struct verb *v)
{
    int32_t r = wload_find_region(l, n);

    step_add(l, n, WSTEP_UNMAP)->region = r;
}

static void
read_set_affinity(struct wload *l, const struct ynode *n, const struct verb *v)
{
    struct waffinity *a = arena_new_object(l->doc.arena, struct waffinity);

    if (wload_affinity(l, n, a))
        step_add(l, n, WSTEP_SET_AFFINITY)->affinity = a;
}

static void
read_set_nice(struct wload *l, const struct ynode *n, const struct verb *v)
{
    int32_t nice;

    if (wload_nice(l, n, &nice))
        step_add(l, n, WSTEP_SET_NICE)->nice = nice;
}

static void
read_hint(struct wload *l, const struct ynode *n, const struct verb *v)
{
    add_hints(l, n);
}

static void
read_work(struct wload *l, const struct ynode *n, const struct verb *v)
{
    add_work(l, n);
}

static void
read_later(struct wload *l, const struct ynode *n, const struct verb *v)
{
    g_autofree char *what = g_strdup_printf("the step '%s'", v->name);

    wload_not_yet(l, n, what);
}

/* ---- the table ---- */

#define MEMORY_KEYS "region", "slice", "uses", "pattern", "writes", "mlp"
#define WAIT_KEYS "name", "index", "wait", "spin", "pi"
#define KEYS(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

enum { SCALAR = 1, MAP = 2 };

static const struct {
    struct verb verb;
    unsigned shapes;
    const char *const *keys; /* NULL: not checked here */
    verb_fn read;
} verbs[] = {
    { { "compute", WSTEP_COMPUTE }, SCALAR | MAP, NULL, read_compute },
    { { "stream", WSTEP_STREAM },
      SCALAR | MAP,
      KEYS(MEMORY_KEYS, "bytes", "line", "loops", "work", "hint"),
      read_stream },
    { { "touch", WSTEP_STREAM },
      SCALAR | MAP,
      KEYS(MEMORY_KEYS, "line", "first_touch"),
      read_touch },
    { { "sleep", WSTEP_SLEEP }, SCALAR | MAP, NULL, read_sleep },
    { { "timer", WSTEP_TIMER }, SCALAR | MAP, NULL, read_timer },
    { { "barrier", WSTEP_BARRIER }, SCALAR | MAP, KEYS(WAIT_KEYS), read_meeting },
    { { "lock", WSTEP_LOCK }, SCALAR | MAP, KEYS(WAIT_KEYS), read_meeting },
    { { "unlock", WSTEP_UNLOCK }, SCALAR | MAP, KEYS("name", "index"), read_meeting },
    { { "wait", WSTEP_WAIT }, SCALAR | MAP, KEYS(WAIT_KEYS), read_meeting },
    { { "signal", WSTEP_SIGNAL }, SCALAR | MAP, KEYS("name", "index"), read_meeting },
    { { "broadcast", WSTEP_BROADCAST }, SCALAR | MAP, KEYS("name", "index"), read_meeting },
    { { "down", WSTEP_DOWN }, SCALAR | MAP, KEYS(WAIT_KEYS), read_meeting },
    { { "up", WSTEP_UP }, SCALAR | MAP, KEYS("name", "index"), read_meeting },
    { { "send", WSTEP_SEND },
      MAP,
      KEYS("to", "bytes", "cost", "index", "wait", "spin"),
      read_transfer },
    { { "receive", WSTEP_RECEIVE },
      MAP,
      KEYS("from", "bytes", "cost", "index", "wait", "spin"),
      read_transfer },
    { { "fork", WSTEP_FORK }, SCALAR | MAP, KEYS("threads", "count"), read_fork },
    { { "join", WSTEP_JOIN }, SCALAR | MAP, KEYS("threads"), read_fork },
    { { "exit", WSTEP_EXIT }, SCALAR, NULL, read_bare },
    { { "yield", WSTEP_YIELD }, SCALAR, NULL, read_bare },
    { { "request", WSTEP_REQUEST_BEGIN },
      SCALAR | MAP,
      KEYS("begin", "index", "wait", "spin"),
      read_request },
    { { "loop", WSTEP_LOOP }, MAP, KEYS("count", "do"), read_loop },
    { { "period", WSTEP_PERIOD },
      MAP,
      KEYS("every", "deadline", "on_miss", "mode", "count", "do"),
      read_period },
    { { "set_mempolicy", WSTEP_SET_MEMPOLICY }, SCALAR | MAP, NULL, read_set_mempolicy },
    { { "set_affinity", WSTEP_SET_AFFINITY }, SCALAR | MAP, NULL, read_set_affinity },
    { { "set_nice", WSTEP_SET_NICE }, SCALAR, NULL, read_set_nice },
    { { "mbind", WSTEP_MBIND }, MAP, KEYS("region", "policy", "move"), read_mbind },
    { { "unmap", WSTEP_UNMAP }, SCALAR, NULL, read_unmap },
    { { "hint", WSTEP_HINT }, MAP, NULL, read_hint },
    { { "work", WSTEP_WORK }, SCALAR, NULL, read_work },
    { { "io", WSTEP_NR },
      SCALAR | MAP,
      KEYS("device", "time", "bytes", "cost", "queue"),
      read_later },
    { { "offload", WSTEP_NR },
      MAP,
      KEYS("device", "work", "bytes_in", "bytes_out", "wait"),
      read_later },
    { { "exec", WSTEP_NR }, SCALAR, NULL, read_later },
    { { "move_pages", WSTEP_NR }, MAP, KEYS("region", "slice", "nodes"), read_later },
};

static void
say_unknown(struct wload *l, const struct ynode *n)
{
    const char *names[ARRAY_LEN(verbs) + 1] = { 0 };

    for (guint i = 0; i < ARRAY_LEN(verbs); i++)
        names[i] = verbs[i].verb.name;
    g_autofree char *hint = did_you_mean(n->text, names);
    g_autofree char *excerpt = diag_excerpt(n->text);
    ynode_error(&l->doc, n, "there is no step '%s'%s", excerpt, hint);
}

static void
read_step(struct wload *l, const struct ynode *word, const struct ynode *value)
{
    guint i = 0;

    while (i < ARRAY_LEN(verbs) && strcmp(verbs[i].verb.name, word->text) != 0)
        i++;
    if (i == ARRAY_LEN(verbs)) {
        say_unknown(l, word);
        return;
    }
    bool fits = value->kind == YNODE_MAP      ? verbs[i].shapes & MAP
                : value->kind == YNODE_SCALAR ? verbs[i].shapes & SCALAR
                                              : false;
    if (!fits) {
        ynode_expect(&l->doc, value, verbs[i].shapes & MAP ? YNODE_MAP : YNODE_SCALAR);
        return;
    }
    if (value->kind == YNODE_MAP && verbs[i].keys != NULL)
        ynode_check_keys(&l->doc, value, NULL, verbs[i].keys);
    verbs[i].read(l, value, &verbs[i].verb);
}

static void
read_list(struct wload *l, const struct ynode *list)
{
    static const struct ynode empty = { .kind = YNODE_SCALAR, .text = "" };

    if (ynode_expect(&l->doc, list, YNODE_SEQ) == NULL)
        return;
    for (guint i = 0; i < list->nr && !l->steps_full && !wload_is_enough(l); i++) {
        const struct ynode *n = list->values[i];

        if (n->kind == YNODE_MAP && n->nr == 1) {
            read_step(l, n->keys[0], n->values[0]);
        } else if (n->kind == YNODE_SCALAR) {
            struct ynode bare = empty; /* "- yield" */
            bare.line = n->line;
            bare.column = n->column;
            bare.parent = n->parent;
            bare.index = n->index;
            read_step(l, n, &bare);
        } else {
            ynode_error(&l->doc, n,
                        "a step is one verb with what belongs to it, as in "
                        "{sleep: 1ms}");
        }
    }
}

void
wload_program(struct wload *l, const struct ynode *list, struct wgroup *g)
{
    l->steps = g_array_new(FALSE, TRUE, sizeof(struct wstep));
    l->depth = 0;
    l->steps_full = false;
    read_list(l, list);
    struct wstep *steps = arena_new_array(l->doc.arena, struct wstep, l->steps->len);
    if (l->steps->len > 0)
        memcpy(steps, l->steps->data, l->steps->len * sizeof(*steps));
    g->steps = steps;
    g->nr_steps = l->steps->len;
    g_clear_pointer(&l->steps, g_array_unref);
}
