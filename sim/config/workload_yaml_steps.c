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

/* ---- the table ---- */

#define MEMORY_KEYS USE_KEYS, "uses", "writes", "mlp"
#define DEVICE_KEYS                                                                                \
    "device", "index", "cost", "queue", "region", "slice", "wait", "done", "done_index"
#define WAIT_KEYS "name", "index", "wait", "spin", "pi"
#define KEYS(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

enum { SCALAR = 1, MAP = 2, LIST = 4 };

static const struct {
    struct verb verb;
    unsigned shapes;
    const char *const *keys; /* NULL: not checked here */
    verb_fn read;
} verbs[] = {
    { { "compute", WSTEP_COMPUTE }, SCALAR | MAP, NULL, read_compute },
    { { "stream", WSTEP_STREAM },
      SCALAR | MAP,
      KEYS(MEMORY_KEYS, REUSE_KEYS, "bytes", "line", "loops", "work", "hint"),
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
      KEYS("begin", "end", "work", "index", "wait", "spin"),
      read_request },
    { { "call", WSTEP_CALL },
      SCALAR | MAP,
      KEYS("to", "count", "reply", "index", "wait", "spin"),
      read_call },
    { { "replies", WSTEP_REPLIES }, SCALAR, NULL, read_bare },
    { { "choose", WSTEP_CHOOSE }, LIST, NULL, read_choose },
    { { "loop", WSTEP_LOOP }, MAP, KEYS("count", "do"), read_loop },
    { { "period", WSTEP_PERIOD },
      MAP,
      KEYS("every", "deadline", "on_miss", "mode", "count", "do"),
      read_period },
    { { "set_mempolicy", WSTEP_SET_MEMPOLICY }, SCALAR | MAP, NULL, read_set_mempolicy },
    { { "set_affinity", WSTEP_SET_AFFINITY }, SCALAR | MAP, NULL, read_set_affinity },
    { { "set_nice", WSTEP_SET_NICE }, SCALAR, NULL, read_set_nice },
    { { "set_class", WSTEP_SET_CLASS },
      MAP,
      KEYS("class", "slice", "priority", "runtime", "deadline", "period"),
      read_set_class },
    { { "mbind", WSTEP_MBIND },
      MAP,
      KEYS("region", "slice", "policy", "move", "strict"),
      read_mbind },
    { { "move_pages", WSTEP_MOVE_PAGES },
      MAP,
      KEYS("region", "slice", "node", "all"),
      read_move_pages },
    { { "migrate_pages", WSTEP_MIGRATE_PAGES },
      MAP,
      KEYS("from", "to", "all"),
      read_migrate_pages },
    { { "set_mems", WSTEP_SET_MEMS }, MAP, KEYS("cgroup", "mems"), read_set_mems },
    { { "madvise", WSTEP_MADVISE }, MAP, KEYS("region", "slice", "advice"), read_madvise },
    { { "mprotect", WSTEP_MPROTECT }, MAP, KEYS("region", "slice", "access"), read_mprotect },
    { { "unmap", WSTEP_UNMAP }, SCALAR, NULL, read_unmap },
    { { "hint", WSTEP_HINT }, MAP, NULL, read_hint },
    { { "work", WSTEP_WORK }, SCALAR, NULL, read_work },
    { { "io", WSTEP_IO }, SCALAR | MAP, KEYS(DEVICE_KEYS, "time", "bytes", "write"), read_io },
    { { "offload", WSTEP_OFFLOAD },
      SCALAR | MAP,
      KEYS(DEVICE_KEYS, "work", "bytes_in", "bytes_out"),
      read_offload },
    { { "exec", WSTEP_EXEC }, SCALAR, NULL, read_bare },
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
    unsigned shape = value->kind == YNODE_MAP ? MAP : value->kind == YNODE_SCALAR ? SCALAR : LIST;
    if (!(verbs[i].shapes & shape)) {
        ynode_expect(&l->doc, value,
                     verbs[i].shapes & MAP    ? YNODE_MAP
                     : verbs[i].shapes & LIST ? YNODE_SEQ
                                              : YNODE_SCALAR);
        return;
    }
    if (value->kind == YNODE_MAP && verbs[i].keys != NULL)
        ynode_check_keys(&l->doc, value, NULL, verbs[i].keys);
    verbs[i].read(l, value, &verbs[i].verb);
}

void
read_steps(struct wload *l, const struct ynode *list)
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
    read_steps(l, list);
    struct wstep *steps = arena_new_array(l->doc.arena, struct wstep, l->steps->len);
    if (l->steps->len > 0)
        memcpy(steps, l->steps->data, l->steps->len * sizeof(*steps));
    g->steps = steps;
    g->nr_steps = l->steps->len;
    g_clear_pointer(&l->steps, g_array_unref);
}
