/*
 * Pictures.
 *
 * Names in a result come from files that somebody else may have written, and gnuplot runs what
 * stands between backquotes. So every text goes through plot_quote(): single quotes, in which
 * gnuplot expands nothing, and without the characters that could end or escape them.
 */
#include <errno.h>
#include <glib/gstdio.h>

#include "report/hgrm.h"
#include "report/plot_impl.h"

const char *const plot_colours[PLOT_SERIES_MOST] = {
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999",
};

char *
plot_quote(const char *text)
{
    GString *s = g_string_new("'");

    for (; *text != '\0'; text++) {
        if (*text == '\'')
            g_string_append(s, "''");
        else
            g_string_append_c(s, g_ascii_iscntrl(*text) || strchr("`\\@", *text) ? '?' : *text);
    }
    g_string_append_c(s, '\'');
    return g_string_free(s, FALSE);
}

const char *
plot_field(const GPtrArray *rows, guint row, const char *column)
{
    const GStrv header = rows->pdata[0], fields = rows->pdata[row];

    for (guint i = 0; header[i] != NULL && fields[i] != NULL; i++)
        if (strcmp(header[i], column) == 0)
            return fields[i];
    return NULL;
}

double
plot_value(const GPtrArray *rows, guint row, const char *column, double otherwise)
{
    const char *text = plot_field(rows, row, column);

    return text != NULL && *text != '\0' ? g_ascii_strtod(text, NULL) : otherwise;
}

GPtrArray *
plot_rows(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    GPtrArray *rows = csv_read(path, NULL);

    if (rows != NULL && rows->len == 0)
        g_clear_pointer(&rows, g_ptr_array_unref);
    return rows;
}

void
plot_number(GString *out, double value)
{
    real_text_append(out, value);
}

/* ---- which runs ---- */

static void
source_free(gpointer data)
{
    struct plot_source *s = data;

    g_free(s->label);
    g_free(s->dir);
    g_free(s);
}

static void
add_source(struct plot *p, const char *label, char *dir)
{
    struct plot_source *s = g_new(struct plot_source, 1);

    *s = (struct plot_source){ g_strdup(label), dir };
    g_ptr_array_add(p->sources, s);
}

static bool
has_source(const struct plot *p, const char *label)
{
    for (guint i = 0; i < p->sources->len; i++) {
        const struct plot_source *s = g_ptr_array_index(p->sources, i);
        if (strcmp(s->label, label) == 0)
            return true;
    }
    return false;
}

/* Of a comparison: the first run of each policy. */
static void
find_sources(struct plot *p, const GPtrArray *summary)
{
    if (!p->comparison) {
        add_source(p, plot_field(summary, 1, "policy"), g_strdup(p->dir));
        return;
    }
    for (guint i = 1; i < summary->len && p->sources->len < PLOT_SERIES_MOST; i++) {
        const char *policy = plot_field(summary, i, "policy");
        if (has_source(p, policy))
            continue;
        g_autofree char *name = g_strdup(policy);
        g_strcanon(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-", '_');
        add_source(p, policy,
                   g_strdup_printf("%s/runs/%s-s%s", p->dir, name, plot_field(summary, i, "seed")));
    }
}

/* The name of the grid stands in the manifest. */
static bool
open_sweep(struct plot *p)
{
    static const char key[] = "\ngrid: ";
    g_autofree char *table = g_build_filename(p->dir, "sweep.csv", NULL);
    g_autofree char *path = g_build_filename(p->dir, "manifest.yaml", NULL);
    g_autofree char *text = NULL;

    if (!g_file_test(table, G_FILE_TEST_EXISTS) || !g_file_get_contents(path, &text, NULL, NULL))
        return false;
    const char *name = strstr(text, key);
    if (name == NULL)
        return false;
    name += sizeof(key) - 1;
    p->title = g_strndup(name, strcspn(name, "\n"));
    p->sweep = true;
    return true;
}

static bool
open_folder(struct plot *p, GError **error)
{
    if (open_sweep(p))
        return true;
    g_autofree char *plan = g_build_filename(p->dir, "plan.csv", NULL);
    if (g_file_test(plan, G_FILE_TEST_EXISTS)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "%s: holds a part of a sweep; numasim merge puts the parts together", p->dir);
        return false;
    }
    g_autofree char *compare = g_build_filename(p->dir, "compare.csv", NULL);
    g_autofree char *path = g_build_filename(p->dir, "summary.csv", NULL);
    g_autoptr(GPtrArray) summary = csv_read(path, error);

    if (summary == NULL)
        return false;
    if (summary->len < 2 || plot_field(summary, 1, "policy") == NULL ||
        plot_field(summary, 1, "seed") == NULL || plot_field(summary, 1, "workload") == NULL) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: holds no run", path);
        return false;
    }
    p->comparison = g_file_test(compare, G_FILE_TEST_EXISTS);
    p->title = g_strdup_printf("%s on %s", plot_field(summary, 1, "workload"),
                               plot_field(summary, 1, "topology"));
    find_sources(p, summary);
    return true;
}

/* ---- one picture ---- */

static const struct picture {
    const char *name, *about;
    bool (*draw)(struct plot *p);
    int width, height;
} pictures[] = {
    { "policies", "means and 95 % intervals by policy", plot_policies, 1000, 640 },
    { "locality", "share of local memory accesses over simulated time", plot_locality, 900, 520 },
    { "latency", "how many waits are at least that long", plot_latency, 900, 520 },
    { "traffic", "bytes between nodes", plot_traffic, 1000, 640 },
    { "sweep", "means and 95 % intervals over what is varied", plot_sweep, 1100, 700 },
    { "load", "how busy memory controllers, links and devices are over simulated time", plot_load,
      900, 640 },
    { "pages", "which node has the pages of each region over simulated time", plot_pages, 1000,
      640 },
};

static void
begin_script(struct plot *p, const struct picture *pic)
{
    g_autofree char *title = plot_quote(p->title);

    g_string_printf(p->script,
                    "# %s: %s\n"
                    "# Run it here: gnuplot %s.gp; other terminals:"
                    " gnuplot -e \"term='pngcairo'; ext='png'\" %s.gp\n"
                    "if (!exists('term')) term = 'svg size %d,%d font \"sans,13\" background"
                    " \"#ffffff\"'\n"
                    "if (!exists('ext')) ext = 'svg'\n"
                    "eval('set terminal '.term)\n"
                    "if (ext ne '') set output '%s.'.ext\n"
                    "set encoding utf8\n"
                    "data = '%s.dat'\n"
                    "about = %s\n"
                    "set key noenhanced\nset title noenhanced\n"
                    "set border 3 lc rgb '#555555'\nset tics nomirror out\n"
                    "if (ext ne '') set grid lc rgb '#dddddd' lt 1\n",
                    pic->name, pic->about, pic->name, pic->name, pic->width, pic->height, pic->name,
                    pic->name, title);
}

static bool
write_picture(struct plot *p, const struct picture *pic, const char *plots, GError **error)
{
    g_autofree char *data = g_strdup_printf("%s.dat", pic->name);
    g_autofree char *script = g_strdup_printf("%s.gp", pic->name);

    return write_whole_file(plots, data, p->data->str, error) &&
           write_whole_file(plots, script, p->script->str, error);
}

static bool
write_pictures(struct plot *p, GPtrArray *names, GError **error)
{
    g_autofree char *plots = g_build_filename(p->dir, "plots", NULL);

    if (g_mkdir_with_parents(plots, 0777) != 0) {
        g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errno), "%s: %s", plots,
                    g_strerror(errno));
        return false;
    }
    if (!p->comparison && !p->sweep && !hgrm_write(p->dir, plots, error))
        return false;
    for (guint i = 0; i < G_N_ELEMENTS(pictures); i++) {
        g_string_truncate(p->data, 0);
        begin_script(p, &pictures[i]);
        if (!pictures[i].draw(p))
            continue;
        if (!write_picture(p, &pictures[i], plots, error))
            return false;
        g_ptr_array_add(names, g_strdup(pictures[i].name));
    }
    return true;
}

bool
plot_write(const char *dir, GPtrArray *names, GError **error)
{
    struct plot p = { .dir = dir,
                      .sources = g_ptr_array_new_with_free_func(source_free),
                      .data = g_string_new(NULL),
                      .script = g_string_new(NULL) };
    bool fine = open_folder(&p, error) && write_pictures(&p, names, error);

    g_free(p.title);
    g_ptr_array_unref(p.sources);
    g_string_free(p.data, TRUE);
    g_string_free(p.script, TRUE);
    return fine;
}
