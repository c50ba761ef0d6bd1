/*
 * The file of a grid: its keys, and the way from a name to a loaded grid.
 *
 * Reading is done in two passes. The first knows the file alone and makes axes of it; the second
 * loads what the axes name. So a misspelt key and a missing workload are two lines of one answer,
 * and a fuzzer can try the first pass without touching a disk.
 */
#include "config/grid_impl.h"
#include "config/load.h"

enum { FILE_MAX = 4 << 20 };

const char *const grid_scope_names[] = { "process", "tag", "cgroup", NULL };

static const char *const keys[] = { "version",  "name",    "doc",   "topologies", "workloads",
                                    "policies", "seeds",   "until", "warmup",     "set",
                                    "variants", "exclude", "unfit", "scopes",     "keep",
                                    "check",    NULL };

static const struct ynode *
get(const struct grid *g, const char *key)
{
    return ynode_get(g->doc->root, key);
}

static void
read_version(const struct grid *g)
{
    const struct ynode *n = get(g, "version");
    uint64_t version;

    if (n != NULL)
        ynode_number(g->doc, n, 1, 1, &version);
}

/* "dir/scan size.yaml" is the grid "scan_size". */
static const char *
name_of_file(const struct grid *g)
{
    g_autofree char *base = g_path_get_basename(g->doc->file);

    if (g_str_has_suffix(base, ".yaml"))
        base[strlen(base) - strlen(".yaml")] = '\0';
    g_strcanon(base, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-", '_');
    return arena_strdup(g->doc->arena, base);
}

static void
read_name(struct grid *g)
{
    const struct ynode *n = get(g, "name"), *about = get(g, "doc");

    g->name = name_of_file(g);
    g->about = about != NULL ? ynode_string(g->doc, about) : NULL;
    if (n == NULL || ynode_string(g->doc, n) == NULL)
        return;
    g->name = n->text;
    if (strspn(n->text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-") != strlen(n->text) ||
        *n->text == '.' || strlen(n->text) > 100)
        ynode_error(g->doc, n,
                    "a name has at most 100 letters, digits, '_', '.' and '-', and does "
                    "not begin with '.'");
}

static void
read_time(const struct grid *g, const char *key, sim_time *value)
{
    const struct ynode *n = get(g, key);

    if (n != NULL && ynode_quantity(g->doc, n, FIELD_TIME, value) && *value == 0 &&
        strcmp(key, "until") == 0)
        ynode_error(g->doc, n, "a run of no length; write a time, as in 10s");
}

static int
read_choice(const struct grid *g, const char *key, const char *const *names)
{
    const struct ynode *n = get(g, key);

    return n != NULL ? ynode_enum(g->doc, n, names) : -1;
}

static void
read_scopes(struct grid *g)
{
    const struct ynode *n = get(g, "scopes");

    g->scopes = n == NULL ? 2 | 4 : 0;
    if (n == NULL || ynode_expect(g->doc, n, YNODE_SEQ) == NULL)
        return;
    for (guint i = 0; i < n->nr; i++) {
        int scope = ynode_enum(g->doc, n->values[i], grid_scope_names);
        if (scope >= 0)
            g->scopes |= 1u << scope;
    }
}

static void
read_switches(struct grid *g)
{
    static const char *const unfit[] = { "refuse", "skip", NULL };
    static const char *const keep[] = { "rows", "folders", NULL };
    static const char *const yes_no[] = { "no", "yes", NULL };

    g->skip_unfit = read_choice(g, "unfit", unfit) == 1;
    g->folders = read_choice(g, "keep", keep) == 1;
    g->check = read_choice(g, "check", yes_no) == 1;
}

static void
parse_root(struct grid *g)
{
    g_autoptr(GString) canonical = g_string_new(NULL);

    if (ynode_expect(g->doc, g->doc->root, YNODE_MAP) == NULL)
        return;
    ynode_check_keys(g->doc, g->doc->root, NULL, keys);
    read_version(g);
    read_name(g);
    read_time(g, "until", &g->until);
    read_time(g, "warmup", &g->warmup);
    read_scopes(g);
    read_switches(g);
    grid_read_axes(g);
    if (get(g, "name") == NULL)
        g_string_append_printf(canonical, "name: \"%s\"\n", g->name);
    grid_write_canonical(g->doc->root, canonical);
    g->canonical = arena_strdup(g->doc->arena, canonical->str);
}

bool
grid_parse(const char *path, const char *text, gsize len, struct arena *a, struct grid *g,
           struct diag *d)
{
    g_autofree char *dir = g_path_get_dirname(path);

    *g = (struct grid){ .doc = arena_new_object(a, struct yaml_doc),
                        .until = SIM_NEVER,
                        .dir = arena_strdup(a, dir) };
    if (yaml_load_text(g->doc, arena_strdup(a, path), text, len, a, d))
        parse_root(g);
    return !diag_failed(d);
}

/* The path of a grid that the user named; NULL with a message. Caller frees. */
static char *
find_grid(const char *spec, struct diag *d)
{
    if (strchr(spec, '\0') == spec) {
        diag_error(d, NULL, 0, 0, NULL, "write the name or the path of a grid");
        return NULL;
    }
    g_autofree char *file = g_strconcat(spec, ".yaml", NULL);
    g_autofree char *path = g_build_filename(d->data_dir, "results", "experiments", file, NULL);
    if (!g_path_is_absolute(spec) && spec[0] != '.' && g_file_test(path, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer(&path);
    if (g_file_test(spec, G_FILE_TEST_EXISTS))
        return g_strdup(spec);
    g_auto(GStrv) names = shipped_names(d->data_dir, "results/experiments");
    g_autofree char *hint = did_you_mean(spec, (const char *const *)names);
    g_autofree char *excerpt = diag_excerpt(spec);
    diag_error(d, NULL, 0, 0, NULL, "there is no experiment '%s', and no such file%s", excerpt,
               hint);
    return NULL;
}

bool
grid_load(const char *spec, struct arena *a, struct grid *g, struct diag *d)
{
    g_autofree char *text = NULL;
    gsize len;

    *g = (struct grid){ 0 };
    g_autofree char *path = find_grid(spec, d);
    if (path == NULL || !read_whole_file(path, FILE_MAX, &text, &len, d))
        return false;
    grid_parse(path, text, len, a, g, d);
    if (g->nr_axes > 0)
        grid_load_inputs(g);
    return !diag_failed(d);
}

void
grid_clear(struct grid *g)
{
    g_clear_pointer(&g->workloads, g_hash_table_unref);
    g_clear_pointer(&g->sums, g_hash_table_unref);
    g_clear_pointer(&g->cells, g_hash_table_unref);
}

/* ---- the canonical text ---- */

static void
write_node(const struct ynode *n, GString *out)
{
    if (n->kind == YNODE_SCALAR) {
        yaml_quote(out, n->text);
        return;
    }
    g_string_append_c(out, n->kind == YNODE_SEQ ? '[' : '{');
    for (guint i = 0; i < n->nr; i++) {
        g_string_append(out, i > 0 ? ", " : "");
        if (n->kind == YNODE_MAP) {
            yaml_quote(out, n->keys[i]->text);
            g_string_append(out, ": ");
        }
        write_node(n->values[i], out);
    }
    g_string_append_c(out, n->kind == YNODE_SEQ ? ']' : '}');
}

void
grid_write_canonical(const struct ynode *map, GString *out)
{
    for (guint i = 0; i < map->nr; i++) {
        g_string_append_printf(out, "%s: ", map->keys[i]->text);
        write_node(map->values[i], out);
        g_string_append_c(out, '\n');
    }
}
