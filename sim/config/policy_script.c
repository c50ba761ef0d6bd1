/*
 * Scripts. The box has limits of its own; the child process is the last net, for a fault in Lua or
 * in the box.
 */
#include "config/import_sandbox.h"
#include "config/policy_table.h"
#include "config/yaml_tree.h"
#include "script/script.h"

enum { PROGRAM_MOST = 16 << 20 };

/* Messages of Lua begin with the name, which it cuts when it is long: so it is that of the file
 * without its folder. */
struct text {
    const char *path, *name, *text;
    gsize len;
};

static void
look(void *argument, GString *out)
{
    const struct text *t = argument;
    struct arena *a = arena_new();
    const char *why;

    if (script_load(t->name, t->text, t->len, a, &why) == NULL)
        g_string_append(out, why);
    arena_free(a);
}

/* "FILE:12: what" or "FILE: what". */
static void
complain(const struct text *t, const char *line, struct diag *d)
{
    gsize n = strlen(t->name);
    unsigned number = 0;

    if (g_str_has_prefix(line, t->name) && line[n] == ':') {
        line += n + 1;
        char *end;
        number = (unsigned)g_ascii_strtoull(line, &end, 10);
        line = end != line && *end == ':' ? end + 1 : line;
        line += strspn(line, " ");
    }
    diag_error(d, t->path, number, number > 0, NULL, "%s", line);
}

static bool
survives(const struct text *t, struct diag *d)
{
    static const struct sandbox_limits limits = {
        .wall_seconds = 20, .cpu_seconds = 10, .memory_bytes = GIB(1), .output_bytes = MIB(1)
    };
    g_autoptr(GString) out = g_string_new(NULL);
    struct text copy = *t;
    enum sandbox_end end = sandbox_run(look, &copy, &limits, out);

    if (end != SANDBOX_DONE) {
        diag_error(d, t->path, 0, 0, NULL, "a process that loaded it %s", sandbox_end_text(end));
        return false;
    }
    if (out->len == 0)
        return true;
    g_auto(GStrv) lines = g_strsplit(out->str, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++)
        complain(t, lines[i], d);
    return false;
}

const struct sched_ops *
policy_script_load(const char *path, struct arena *a, struct diag *d)
{
    g_autofree char *text = NULL;
    g_autofree char *name = g_path_get_basename(path);
    struct text t = { .path = path, .name = name };
    const char *why;

    if (!read_whole_file(path, PROGRAM_MOST, &text, &t.len, d))
        return NULL;
    char *kept = arena_alloc(a, t.len + 1);
    memcpy(kept, text, t.len);
    t.text = kept;
    if (!survives(&t, d))
        return NULL;
    const struct sched_ops *ops = script_load(name, kept, t.len, a, &why);
    if (ops == NULL)
        complain(&t, why, d);
    return ops != NULL && policy_table_check(ops, path, a, d) ? ops : NULL;
}
