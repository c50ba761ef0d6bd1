/*
 * rt-app files: the file as a whole.
 *
 * A file becomes the workload that a person would have written for it: one process, a group of
 * threads for each task, what they meet at under `sync`. Nothing is skipped in silence. What the
 * simulator does not model is refused with its place; what says only how rt-app itself measures is
 * named in a note; keys that nobody knows are counted and named.
 */
#include "config/import_rtapp_impl.h"

#include "config/workload_yaml_load.h"

#include <stdarg.h>

enum { BUFFER_DEFAULT = 4 << 20 };

/* ---- what a file says ---- */

const struct ynode *
rtapp_get(struct rtapp *r, const struct ynode *map, const char *key)
{
    const struct ynode *found = NULL;

    for (guint i = 0; map != NULL && map->kind == YNODE_MAP && i < map->nr; i++) {
        if (strcmp(map->keys[i]->text, key) != 0)
            continue;
        if (found != NULL) {
            ynode_error(&r->in, map->keys[i], "'%s' stands on line %u already", key, found->line);
            return found;
        }
        found = map->values[i];
    }
    return found;
}

bool
rtapp_number(struct rtapp *r, const struct ynode *n, int64_t min, int64_t max, int64_t *value)
{
    char *end = NULL;

    *value = 0;
    if (n->kind == YNODE_SCALAR && !n->quoted && n->text[0] != '\0') {
        *value = g_ascii_strtoll(n->text, &end, 10);
        if (*end == '\0' && *value >= min && *value <= max)
            return true;
    }
    ynode_error(&r->in, n, "expected a whole number from %" PRId64 " to %" PRId64, min, max);
    return false;
}

bool
rtapp_number_at(struct rtapp *r, const struct ynode *map, const char *key, int64_t min, int64_t max,
                int64_t def, int64_t *value)
{
    const struct ynode *n = rtapp_get(r, map, key);

    *value = def;
    return n == NULL || rtapp_number(r, n, min, max, value);
}

const char *
rtapp_text(struct rtapp *r, const struct ynode *n)
{
    if (n->kind == YNODE_SCALAR && n->quoted && n->text[0] != '\0')
        return n->text;
    ynode_error(&r->in, n, "expected a name in quotes");
    return NULL;
}

void
rtapp_not_yet(struct rtapp *r, const struct ynode *n, const char *what)
{
    ynode_error(&r->in, n, "%s is not modelled yet", what);
}

void
rtapp_note(struct rtapp *r, const struct ynode *n, const char *fmt, ...)
{
    g_autofree char *path = ynode_path(n);
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    diag_note(r->in.diag, "%s:%u: %s: %s", r->in.file, n->line, path, text);
}

void
rtapp_unknown(struct rtapp *r, const struct ynode *key)
{
    g_autofree char *excerpt = diag_excerpt(key->text);

    r->nr_unknown++;
    if (g_hash_table_add(r->unknown, (gpointer)(gsize)key->text) &&
        r->unknown_shown->len < RTAPP_UNKNOWN_SHOWN)
        g_ptr_array_add(r->unknown_shown, g_strdup_printf("%s (line %u)", excerpt, key->line));
}

void
rtapp_idle(struct rtapp *r, const struct ynode *key)
{
    for (guint i = 0; i < r->idle_keys->len; i++)
        if (strcmp(g_ptr_array_index(r->idle_keys, i), key->text) == 0)
            return;
    g_ptr_array_add(r->idle_keys, (gpointer)(gsize)key->text);
}

/* ---- global ---- */

static void
survey_global(struct rtapp *r, const struct ynode *map)
{
    static const char *const used[] = { "duration",  "default_policy", "mem_buffer_size",
                                        "io_device", "pi_enabled",     NULL };
    static const char *const idle[] = { "calibration",  "lock_pages", "logdir",
                                        "log_basename", "log_size",   "cumulative_slack",
                                        "gnuplot",      "ftrace",     NULL };
    const struct ynode *policy = rtapp_get(r, map, "default_policy");
    const struct ynode *device = rtapp_get(r, map, "io_device");
    const struct ynode *pi = rtapp_get(r, map, "pi_enabled");
    int64_t bytes = 0;

    for (guint i = 0; i < map->nr; i++)
        if (g_strv_contains(idle, map->keys[i]->text))
            rtapp_idle(r, map->keys[i]);
        else if (!g_strv_contains(used, map->keys[i]->text))
            rtapp_unknown(r, map->keys[i]);
    rtapp_number_at(r, map, "duration", -1, INT32_MAX, -1, &r->duration);
    if (rtapp_number_at(r, map, "mem_buffer_size", 1, INT32_MAX, BUFFER_DEFAULT, &bytes))
        r->buffer_max = (uint64_t)bytes;
    if (policy != NULL)
        rtapp_policy(r, policy, &r->default_class);
    const char *file = device == NULL ? NULL : rtapp_text(r, device);
    r->device_is_null = file == NULL || strcmp(file, "/dev/null") == 0;
    if (pi != NULL && strcmp(pi->text, "true") == 0)
        r->pi = true;
}

/* ---- the file ---- */

/* False: there is nothing to run. */
static bool
survey(struct rtapp *r)
{
    const struct ynode *root = r->in.root, *global = rtapp_get(r, root, "global");
    const struct ynode *tasks = rtapp_get(r, root, "tasks");

    for (guint i = 0; i < root->nr; i++) {
        const char *key = root->keys[i]->text;
        if (strcmp(key, "resources") == 0)
            rtapp_idle(r, root->keys[i]); /* obsolete: events make what they name */
        else if (strcmp(key, "global") != 0 && strcmp(key, "tasks") != 0)
            rtapp_unknown(r, root->keys[i]);
    }
    if (global != NULL && ynode_expect(&r->in, global, YNODE_MAP) != NULL)
        survey_global(r, global);
    if (tasks == NULL || (tasks->kind == YNODE_MAP && tasks->nr == 0))
        ynode_error(&r->in, tasks == NULL ? root : tasks,
                    "there are no tasks; expected \"tasks\" : { NAME : { ... } }");
    else if (ynode_expect(&r->in, tasks, YNODE_MAP) != NULL)
        rtapp_survey_tasks(r, tasks);
    return !diag_failed(r->in.diag);
}

static void
write_whole(struct rtapp *r)
{
    const struct ynode *at = r->in.root;
    g_autofree char *base = g_path_get_basename(r->in.file);
    struct ynode *root = make_map(r, at), *list = make_list(r, at), *process = make_map(r, at);

    if (g_str_has_suffix(base, ".json") && strlen(base) > strlen(".json"))
        base[strlen(base) - strlen(".json")] = '\0';
    const char *name = make_name(r, strcmp(base, "-") == 0 ? "rt-app" : base);
    r->out.root = root;
    make_put(r, root, "version", make_text(r, at, "1"));
    make_put(r, root, "name", make_text(r, at, "%s", name));
    make_put(r, root, "doc", make_text(r, at, "the rt-app file %s", name));
    if (r->duration > 0)
        make_put(r, root, "duration", make_text(r, at, "%" PRId64 "s", r->duration));
    g_hash_table_remove_all(r->taken);
    rtapp_write_tasks(r);
    make_put(r, process, "name", make_text(r, at, "rt-app"));
    if (r->sync->nr > 0)
        make_put(r, process, "sync", r->sync);
    make_put(r, process, "threads", r->threads);
    make_push(r, list, process);
    make_put(r, root, "processes", list);
}

static void
say_skipped(struct rtapp *r)
{
    g_ptr_array_add(r->idle_keys, NULL);
    g_ptr_array_add(r->unknown_shown, NULL);
    g_autofree char *idle = g_strjoinv(", ", (char **)r->idle_keys->pdata);
    g_autofree char *unknown = g_strjoinv(", ", (char **)r->unknown_shown->pdata);

    if (idle[0] != '\0')
        diag_note(r->in.diag, "%s: say nothing about the workload, and are ignored: %s%s",
                  r->in.file, idle,
                  strstr(idle, "calibration") != NULL ? " (work is counted at the reference CPU)"
                                                      : "");
    if (r->nr_unknown > 0)
        diag_note(r->in.diag, "%s: %u unknown keys (%u different ones) are skipped: %s%s",
                  r->in.file, r->nr_unknown, g_hash_table_size(r->unknown), unknown,
                  g_hash_table_size(r->unknown) > RTAPP_UNKNOWN_SHOWN ? "..." : "");
    if (r->has_io)
        diag_note(r->in.diag, "%s: assumed: iorun is a call of 1us for each buffer%s", r->in.file,
                  r->device_is_null ? "; /dev/null takes it at once"
                                    : ", a copy, and a sleep of 100us and 500 MB/s");
}

static struct workload *
import(struct rtapp *r, const char *path, const char *text, gsize len, const char *const *settings)
{
    if (!rtapp_read(&r->in, path, text, len) || !survey(r))
        return NULL;
    r->out.file = r->in.file;
    r->sync = make_map(r, r->in.root);
    r->threads = make_list(r, r->in.root);
    write_whole(r);
    say_skipped(r);
    if (r->threads->nr == 0)
        ynode_error(&r->in, r->in.root, "there are no tasks; all have no instances");
    return diag_failed(r->in.diag) ? NULL : workload_tree_load(&r->out, settings);
}

struct workload *
import_rtapp(const char *path, const char *text, gsize len, const char *const *settings,
             struct arena *a, struct diag *d)
{
    struct rtapp r = {
        .in = { .arena = a, .diag = d },
        .out = { .arena = a, .diag = d },
        .taken = g_hash_table_new(g_str_hash, g_str_equal),
        .objects = g_hash_table_new(g_str_hash, g_str_equal),
        .mutexes = g_hash_table_new(g_str_hash, g_str_equal),
        .participants = g_hash_table_new(g_str_hash, g_str_equal),
        .absolute = g_hash_table_new(g_str_hash, g_str_equal),
        .unknown = g_hash_table_new(g_str_hash, g_str_equal),
        .unknown_shown = g_ptr_array_new_with_free_func(g_free),
        .idle_keys = g_ptr_array_new(),
        .tasks = g_array_new(FALSE, TRUE, sizeof(struct rtapp_task)),
        .buffer_max = BUFFER_DEFAULT,
        .duration = -1,
        .device_is_null = true,
        .default_class = "normal",
    };
    struct workload *w = import(&r, path, text, len, settings);

    g_hash_table_unref(r.taken);
    g_hash_table_unref(r.objects);
    g_hash_table_unref(r.mutexes);
    g_hash_table_unref(r.participants);
    g_hash_table_unref(r.absolute);
    g_hash_table_unref(r.unknown);
    g_ptr_array_unref(r.unknown_shown);
    g_ptr_array_unref(r.idle_keys);
    g_array_unref(r.tasks);
    return w;
}
