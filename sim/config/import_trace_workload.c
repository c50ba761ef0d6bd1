/*
 * A trace as a workload.
 *
 * The recording itself is too large to be written into another file, so a workload file refers to
 * it: by a path relative to itself and by its SHA-256, because a trace that was recorded anew under
 * the old name is another workload. What is read is checked against that before anything runs.
 */
#include "config/import_trace_workload.h"
#include "config/file_reference.h"

#include "config/import.h"
#include "config/resolved.h"

#include <errno.h>
#include <stdio.h>

enum { CHUNK = 1 << 16 };

static const char *const kthreads_names[] = { "keep", "drop", NULL };
static const char *const end_names[] = { "window", "drain", NULL };
static const char *const placement_names[] = { "free", "recorded", NULL };

/* ---- settings ---- */

static bool
choose(const char *key, const char *value, const char *const *names, int *chosen, struct diag *d)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], value) == 0) {
            *chosen = i;
            return true;
        }
    g_autofree char *hint = did_you_mean(value, names);
    g_autofree char *shown = diag_excerpt(value);
    diag_error(d, NULL, 0, 0, key, "there is no '%s'%s", shown, hint);
    return false;
}

/* "PATTERN: PROFILE" */
static bool
check_memory(const char *value, struct diag *d)
{
    const char *colon = strrchr(value, ':');
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *shown = diag_excerpt(value);

    for (guint i = 0; replay_memories[i].name != NULL; i++)
        g_ptr_array_add(names, g_strdup(replay_memories[i].name));
    g_ptr_array_add(names, NULL);
    if (colon == NULL || colon == value) {
        diag_error(d, NULL, 0, 0, "memory",
                   "'%s' is no profile; write PATTERN: PROFILE, as in \"postgres*: oltp\"", shown);
        return false;
    }
    g_autofree char *profile = g_strstrip(g_strdup(colon + 1));
    int which;
    return choose("memory", profile, (const char *const *)names->pdata, &which, d);
}

static bool
set_one(struct trace_options *o, const char *key, const char *value, struct diag *d)
{
    static const char *const keys[] = { "replay", "kthreads", "placement", "end", "memory", NULL };
    int chosen = 0;

    if (strcmp(key, "replay") == 0 && choose(key, value, replay_mode_names, &chosen, d))
        o->mode = (enum replay_mode)chosen;
    else if (strcmp(key, "kthreads") == 0 && choose(key, value, kthreads_names, &chosen, d))
        o->drop_kthreads = chosen == 1;
    else if (strcmp(key, "placement") == 0 && choose(key, value, placement_names, &chosen, d))
        o->placement = chosen == 1;
    else if (strcmp(key, "end") == 0 && choose(key, value, end_names, &chosen, d))
        o->drain = chosen == 1;
    else if (strcmp(key, "memory") == 0 && check_memory(value, d))
        g_ptr_array_insert(o->memory, 0, g_strdup(value)); /* the last one counts first */
    else if (!g_strv_contains(keys, key)) {
        g_autofree char *hint = did_you_mean(key, keys);
        g_autofree char *shown = diag_excerpt(key);
        diag_error(d, NULL, 0, 0, NULL, "a trace has no parameter '%s'%s", shown, hint);
    }
    return !diag_failed(d);
}

bool
trace_options_read(struct trace_options *o, const char *const *settings, struct diag *d)
{
    for (; settings != NULL && *settings != NULL; settings++) {
        g_auto(GStrv) parts = g_strsplit(*settings, "=", 2);

        if (parts[0] == NULL || parts[1] == NULL || !set_one(o, parts[0], parts[1], d))
            return false;
    }
    return true;
}

/* ---- loading ---- */

static void
say_memory(const struct replay *r, struct diag *d)
{
    guint without = 0;

    for (uint32_t i = 0; i < r->nr_tasks; i++)
        without += r->tasks[i].memory == 0;
    for (guint m = 1; replay_memories[m].name != NULL; m++) {
        guint nr = 0;
        for (uint32_t i = 0; i < r->nr_tasks; i++)
            nr += r->tasks[i].memory == m;
        if (nr > 0)
            diag_note(d, "memory: %u tasks use the profile %s: %s", nr, replay_memories[m].name,
                      replay_memories[m].doc);
    }
    if (without > 0)
        diag_note(d,
                  "memory: a recording says nothing of it: %u tasks run without misses (--memory "
                  "\"PATTERN: PROFILE\")",
                  without);
}

static struct workload *
new_workload(const char *path, const char *sha256, const struct trace_options *o, struct replay *r,
             struct arena *a)
{
    struct workload *w = arena_new_object(a, struct workload);
    g_autoptr(GString) rest = g_string_new(NULL);
    g_autofree char *whole = g_canonicalize_filename(path, NULL);

    g_string_append_printf(rest, "sha256: \"%s\", replay: %s, kthreads: %s, placement: %s, end: %s",
                           sha256, replay_mode_names[o->mode], kthreads_names[o->drop_kthreads],
                           placement_names[o->placement], end_names[o->drain]);
    for (guint i = 0; i < o->memory->len; i++) {
        g_string_append(rest, i == 0 ? ", memory: [" : ", ");
        yaml_quote(rest, g_ptr_array_index(o->memory, i));
    }
    g_string_append(rest, o->memory->len > 0 ? "]" : "");
    w->arena = a;
    w->name = import_name(a, path);
    w->doc = "a recorded schedule";
    w->file = arena_strdup(a, path);
    w->trace_file = arena_strdup(a, whole);
    w->source = arena_strdup(a, rest->str);
    w->replay = r;
    return w;
}

/* A note for what the recording lost. */
static void
say_mismatches(struct trace_compiler *c, const char *path, struct diag *d)
{
    struct trace_story_counts counts;

    g_array_unref(trace_compiler_stories(c, &counts)); /* the counts are enough */
    if (counts.mismatches > 0)
        diag_note(d,
                  "%s: %" G_GUINT64_FORMAT
                  " switches do not fit what ran before them: events were lost",
                  path, counts.mismatches);
}

static struct workload *
load_trace(const char *path, const struct trace_options *o, const char *expected, struct arena *a,
           struct diag *d)
{
    struct trace_counts counts;
    g_autofree char *sha256 = file_sha256(path, d);

    if (sha256 != NULL && expected != NULL && strcmp(sha256, expected) != 0)
        diag_error(d, path, 0, 0, NULL,
                   "is not the trace that was recorded: its SHA-256 is %s; expected %s", sha256,
                   expected);
    if (diag_failed(d))
        return NULL;
    struct trace_compiler *c = trace_compiler_new(o);
    const struct trace_sink sink = { c, trace_compiler_event };
    struct workload *w = NULL;
    if (trace_read_file(path, &sink, &counts, d)) {
        say_mismatches(c, path, d);
        struct replay *r = trace_compiler_replay(c, a);
        say_memory(r, d);
        w = new_workload(path, sha256, o, r, a);
    }
    trace_compiler_free(c);
    return w;
}

struct workload *
import_trace_workload(const char *path, const char *const *settings, struct arena *a,
                      struct diag *d)
{
    g_autoptr(GPtrArray) memory = g_ptr_array_new_with_free_func(g_free);
    struct trace_options o = { .memory = memory };

    return trace_options_read(&o, settings, d) ? load_trace(path, &o, NULL, a, d) : NULL;
}

/* ---- in a workload file ---- */

static void
read_key(const struct yaml_doc *doc, const struct ynode *trace, const char *key,
         struct trace_options *o)
{
    const struct ynode *n = ynode_get(trace, key);

    if (n != NULL && ynode_string(doc, n) != NULL)
        set_one(o, key, n->text, doc->diag);
}

static void
read_memory(const struct yaml_doc *doc, const struct ynode *trace, struct trace_options *o)
{
    const struct ynode *list = ynode_get(trace, "memory");

    if (list == NULL || ynode_expect(doc, list, YNODE_SEQ) == NULL)
        return;
    for (guint i = list->nr; i-- > 0;)
        if (ynode_string(doc, list->values[i]) != NULL)
            set_one(o, "memory", list->values[i]->text, doc->diag);
}

struct workload *
import_trace_yaml(const struct yaml_doc *doc, const struct ynode *trace,
                  const char *const *settings)
{
    static const char *const keys[] = { "file",      "sha256", "replay", "kthreads",
                                        "placement", "end",    "memory", NULL };
    g_autoptr(GPtrArray) memory = g_ptr_array_new_with_free_func(g_free);
    struct trace_options o = { .memory = memory };

    if (ynode_expect(doc, trace, YNODE_MAP) == NULL)
        return NULL;
    ynode_check_keys(doc, trace, NULL, keys);
    const struct ynode *file = ynode_get(trace, "file"), *sha256 = ynode_get(trace, "sha256");
    if (file == NULL || sha256 == NULL) {
        ynode_error(doc, trace, "a trace needs its 'file' and its 'sha256'");
        return NULL;
    }
    read_key(doc, trace, "replay", &o);
    read_key(doc, trace, "kthreads", &o);
    read_key(doc, trace, "placement", &o);
    read_key(doc, trace, "end", &o);
    read_memory(doc, trace, &o);
    if (ynode_string(doc, file) == NULL || ynode_string(doc, sha256) == NULL ||
        diag_failed(doc->diag) || !trace_options_read(&o, settings, doc->diag))
        return NULL;
    g_autofree char *path = file_beside(doc->file, file->text);
    return load_trace(path, &o, sha256->text, doc->arena, doc->diag);
}

/* ---- writing ---- */

void
import_trace_write(const struct workload *w, const char *dir, unsigned indent, GString *out)
{
    g_autofree char *file = file_seen_from(dir, w->trace_file);

    g_string_append_printf(out, "%*sversion: 1\n%*strace: {file: ", (int)indent, "", (int)indent,
                           "");
    yaml_quote(out, file);
    g_string_append_printf(out, ", %s}\n", w->source);
}
