/*
 * resolved.yaml.
 *
 * Machine and workload stand in it as literal blocks: each is a file of its own format that loads
 * by itself, and nothing is written twice in two dialects. All parameters are written, not just
 * those that were changed, so that a later version with other defaults repeats the old run.
 */
#include "config/resolved.h"

#include "config/file_reference.h"
#include "config/load.h"
#include "config/policy_then.h"
#include "config/policy_yaml.h"
#include "config/workload_yaml.h"
#include "config/yaml_tree.h"

/* ---- writing ---- */

/* What YAML or a terminal would trip over is escaped. */
void
yaml_quote(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (const char *at = text; *at != '\0'; at++)
        if (g_ascii_iscntrl(*at))
            g_string_append_printf(out, "\\x%02x", (unsigned char)*at);
        else if (*at == '"' || *at == '\\')
            g_string_append_printf(out, "\\%c", *at);
        else
            g_string_append_c(out, *at);
    g_string_append_c(out, '"');
}

void
yaml_real(GString *out, const char *key, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append_printf(out, "%s: %s\n", key,
                           g_ascii_formatd(text, sizeof(text), "%.6g", value));
}

static void
write_text(GString *out, const char *key, const char *text)
{
    g_string_append_printf(out, "%s: ", key);
    yaml_quote(out, text);
    g_string_append_c(out, '\n');
}

/* A literal block; the 2 keeps leading blanks of its first line, the + its last empty lines. */
static void
write_block(GString *out, const char *key, const char *text)
{
    g_string_append_printf(out, "%s: |2+\n", key);
    while (*text != '\0') {
        const char *end = text + strcspn(text, "\n");
        if (end > text)
            g_string_append(out, "  ");
        g_string_append_len(out, text, end - text);
        g_string_append_c(out, '\n');
        text = *end != '\0' ? end + 1 : end;
    }
}

static void
write_time(GString *out, const char *key, sim_time t, struct arena *a)
{
    g_string_append_printf(out, "%s: %s\n", key, format_quantity(FIELD_TIME, t, a));
}

/* Where it comes from, and with which parameters of its own. */
static void
write_ext(GString *out, const char *indent, const struct sched_ops *ops, const char *ext_file,
          const char *sha256, const char *dir)
{
    g_autofree char *name = g_strconcat(indent, ext_file == NULL ? "ext" : "ext_file", NULL);
    g_autofree char *sum = g_strconcat(indent, "ext_sha256", NULL);
    g_autofree char *file = ext_file == NULL ? NULL : file_seen_from(dir, ext_file);

    write_text(out, name, file == NULL ? ops->name : file);
    if (file != NULL)
        write_text(out, sum, sha256);
}

static void
write_ext_params(GString *out, const char *indent, const struct sched_ops *ops, const void *params,
                 struct arena *a)
{
    for (const struct field *f = ops->params; f != NULL && f->name != NULL; f++)
        g_string_append_printf(out, "%spolicy.%s: %s\n", indent, f->name, field_text(f, params, a));
}

static void
write_then(GString *out, const struct policy_change *c, const char *dir, struct arena *a)
{
    g_string_append_printf(out, "    - at: %s\n", format_quantity(FIELD_TIME, c->at, a));
    if (c->ext == NULL) {
        write_text(out, "      policy", "none");
        return;
    }
    write_ext(out, "      ", c->ext, c->ext_file, c->ext_sha256, dir);
    if (c->ext->params == NULL || c->ext->params->name == NULL)
        return;
    g_string_append(out, "      set:\n");
    write_ext_params(out, "        ", c->ext, c->ext_params, a);
}

static void
write_policy(GString *out, const struct policy_spec *p, const char *dir, struct arena *a)
{
    g_string_append(out, "policy:\n");
    write_text(out, "  name", p->name);
    write_text(out, "  base", p->placement->name);
    write_text(out, "  memory", p->memory->name);
    if (p->ext != NULL)
        write_ext(out, "  ", p->ext, p->ext_file, p->ext_sha256, dir);
    g_string_append(out, "  set:\n");
    if (p->ext != NULL)
        write_ext_params(out, "    ", p->ext, p->ext_params, a);
    for (const struct field *f = kernel_param_fields; f->name != NULL; f++)
        g_string_append_printf(out, "    %s: %s\n", f->name, field_text(f, &p->params, a));
    if (p->nr_then > 0)
        g_string_append(out, "  then:\n");
    for (uint32_t i = 0; i < p->nr_then; i++)
        write_then(out, &p->then[i], dir, a);
}

static void
write_decisions(GString *out, uint32_t decisions)
{
    const char *separator = "";

    if (decisions == 0)
        return;
    g_string_append(out, "decisions: [");
    for (guint i = 0; i < DECISION_KIND_NR; i++)
        if (decisions >> i & 1) {
            g_string_append_printf(out, "%s%s", separator, decision_kind_names[i]);
            separator = ", ";
        }
    g_string_append(out, "]\n");
}

void
resolved_write_head(const struct resolved *r, const char *dir, GString *out)
{
    struct arena *a = arena_new();

    g_string_append_printf(out, "seed: %" G_GUINT64_FORMAT "\n", r->spec.seed);
    if (r->spec.until != SIM_NEVER)
        write_time(out, "until", r->spec.until, a);
    write_time(out, "warmup", r->spec.warmup, a);
    if (r->spec.force_seq != 0)
        g_string_append_printf(out, "force_decision: %" G_GUINT64_FORMAT "=%" G_GINT64_FORMAT "\n",
                               r->spec.force_seq, r->spec.force_choice);
    write_time(out, "sample_interval", r->sample_interval, a);
    write_decisions(out, r->decisions);
    write_policy(out, &r->spec.policy, dir, a);
    write_text(out, "topology_name", r->spec.machine->name);
    write_text(out, "workload_name", r->spec.workload->name);
    arena_free(a);
}

void
resolved_write(const struct resolved *r, const char *dir, GString *out)
{
    g_autoptr(GString) machine = g_string_new(NULL);
    g_autoptr(GString) workload = g_string_new(NULL);

    resolved_write_head(r, dir, out);
    topology_yaml_write(r->spec.machine, machine);
    write_block(out, "topology", machine->str);
    workload_yaml_write(r->spec.workload, dir, 0, workload);
    write_block(out, "workload", workload->str);
}

/* ---- reading ---- */

static const char *const known_keys[] = {
    "seed",   "until",         "warmup",   "force_decision", "sample_interval", "decisions",
    "policy", "topology_name", "topology", "workload_name",  "workload",        NULL,
};

static const struct ynode *
need(const struct yaml_doc *doc, const struct ynode *map, const char *key)
{
    const struct ynode *n = ynode_get(map, key);

    if (n == NULL)
        ynode_error(doc, map, "%s is missing", key);
    return n;
}

static const char *
need_text(const struct yaml_doc *doc, const struct ynode *map, const char *key)
{
    const struct ynode *n = need(doc, map, key);

    return n != NULL ? ynode_string(doc, n) : NULL;
}

static void
read_time(const struct yaml_doc *doc, const char *key, sim_time *value)
{
    const struct ynode *n = ynode_get(doc->root, key);

    if (n != NULL)
        ynode_quantity(doc, n, FIELD_TIME, value);
}

/* What -p was given: the programmable scheduler, or NULL. */
static char *
read_ext(const struct yaml_doc *doc, const struct ynode *map)
{
    const struct ynode *name = ynode_get(map, "ext"), *file = ynode_get(map, "ext_file");

    if (file == NULL || ynode_string(doc, file) == NULL)
        return name != NULL && ynode_string(doc, name) != NULL
                   ? g_strconcat("ext:", name->text, NULL)
                   : NULL;
    g_autofree char *path = file_beside(doc->file, file->text);
    const char *expected = need_text(doc, map, "ext_sha256");
    g_autofree char *sha256 = file_sha256(path, doc->diag);
    if (expected != NULL && sha256 != NULL && strcmp(sha256, expected) != 0)
        ynode_error(doc, file, "is not the policy that was run: its SHA-256 is %s; expected %s",
                    sha256, expected);
    return g_strconcat("ext:", path, NULL);
}

static char *
read_change(const struct yaml_doc *doc, const struct ynode *item)
{
    const struct ynode *none = ynode_get(item, "policy");

    if (none != NULL)
        return g_strdup(ynode_string(doc, none));
    char *name = read_ext(doc, item);
    if (name == NULL)
        ynode_error(doc, item, "ext is missing; write which policy takes over");
    return name;
}

static void
read_policy(const struct yaml_doc *doc, struct policy_spec *p)
{
    static const char *const keys[] = { "name",     "base",       "memory", "set", "ext",
                                        "ext_file", "ext_sha256", "then",   NULL };
    static const char *const then_keys[] = { "at",         "policy", "ext", "ext_file",
                                             "ext_sha256", "set",    NULL };
    const struct ynode *map = need(doc, doc->root, "policy");
    char *why = NULL;

    if (map == NULL || ynode_expect(doc, map, YNODE_MAP) == NULL)
        return;
    ynode_check_keys(doc, map, NULL, keys);
    const char *base = need_text(doc, map, "base"), *name = need_text(doc, map, "name");
    const char *memory = need_text(doc, map, "memory");
    const struct ynode *set = need(doc, map, "set");
    if (base == NULL || name == NULL || memory == NULL || set == NULL)
        return;
    g_autofree char *ext = read_ext(doc, map);
    if (diag_failed(doc->diag))
        return;
    if (!policy_preset(ext != NULL ? ext : base, doc->arena, p, &why) ||
        !policy_set_memory(p, memory, &why))
        ynode_error(doc, map, "%s", why);
    else
        policy_load_settings(doc, set, p);
    if (!diag_failed(doc->diag) && ynode_get(map, "then") != NULL)
        policy_load_then(doc, ynode_get(map, "then"), p, then_keys, read_change);
    g_free(why);
    p->name = name;
}

static void
read_force(const struct yaml_doc *doc, struct run_spec *spec)
{
    const struct ynode *n = ynode_get(doc->root, "force_decision");
    char *end = NULL;

    if (n == NULL || n->kind != YNODE_SCALAR)
        return;
    spec->force_seq = g_ascii_strtoull(n->text, &end, 10);
    if (*end == '=')
        spec->force_choice = g_ascii_strtoll(end + 1, &end, 10);
    if (spec->force_seq == 0 || *end != '\0')
        ynode_error(doc, n, "'%s' is not a decision; write NUMBER=CHOICE", n->text);
}

static void
read_decisions(const struct yaml_doc *doc, uint32_t *decisions)
{
    const struct ynode *list = ynode_get(doc->root, "decisions");

    if (list == NULL || ynode_expect(doc, list, YNODE_SEQ) == NULL)
        return;
    for (guint i = 0; i < list->nr; i++) {
        int kind = ynode_enum(doc, list->values[i], decision_kind_names);
        if (kind >= 0)
            *decisions |= (uint32_t)1 << kind;
    }
}

/* The blocks load by themselves; their messages name the block as their file. */
static void
read_parts(const struct yaml_doc *doc, struct run_spec *spec)
{
    const char *machine = need_text(doc, doc->root, "topology");
    const char *machine_name = need_text(doc, doc->root, "topology_name");
    const char *workload = need_text(doc, doc->root, "workload");
    const char *workload_name = need_text(doc, doc->root, "workload_name");

    if (machine == NULL || machine_name == NULL || workload == NULL || workload_name == NULL)
        return;
    g_autofree char *in_machine = g_strdup_printf("%s(topology)", doc->file);
    struct machine *m = topology_yaml_load(arena_strdup(doc->arena, in_machine), machine,
                                           strlen(machine), doc->arena, doc->diag);
    g_autofree char *in_workload = g_strdup_printf("%s(workload)", doc->file);
    struct workload *w = workload_yaml_load(arena_strdup(doc->arena, in_workload), workload,
                                            strlen(workload), NULL, doc->arena, doc->diag);
    if (m != NULL)
        m->name = machine_name;
    if (w != NULL)
        w->name = workload_name;
    spec->machine = m;
    spec->workload = w;
}

bool
resolved_load(const char *path, struct arena *a, struct resolved *out, struct diag *d)
{
    struct yaml_doc doc;

    *out = (struct resolved){ .spec = { .seed = 1, .until = SIM_NEVER } };
    if (!yaml_load_file(&doc, path, a, d) || ynode_expect(&doc, doc.root, YNODE_MAP) == NULL)
        return false;
    ynode_check_keys(&doc, doc.root, NULL, known_keys);
    const struct ynode *seed = need(&doc, doc.root, "seed");
    if (seed != NULL)
        ynode_number(&doc, seed, 0, UINT64_MAX, &out->spec.seed);
    read_time(&doc, "until", &out->spec.until);
    read_time(&doc, "warmup", &out->spec.warmup);
    read_time(&doc, "sample_interval", &out->sample_interval);
    read_force(&doc, &out->spec);
    read_decisions(&doc, &out->decisions);
    read_policy(&doc, &out->spec.policy);
    read_parts(&doc, &out->spec);
    return !diag_failed(d);
}
