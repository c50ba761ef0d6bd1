/* Measured points from text: see measured.h. MLC's output is told from CSV by its heading. */
#include "config/measured.h"

#include <math.h>
#include <string.h>

#include "config/yaml_tree.h"

enum { MOST_BYTES = 16 << 20, MOST_COLUMNS = 64, MOST_CURVES = 1000, MOST_POINTS = 100000 };

struct reader {
    const char *path;
    struct diag *d;
    GPtrArray *curves;
    GHashTable *by_name;
    guint nr_points;
};

static void
curve_free(void *data)
{
    struct measured_curve *c = data;

    g_free(c->name);
    g_array_unref(c->points);
    g_free(c);
}

static struct measured_curve *
curve_named(struct reader *r, const char *name)
{
    struct measured_curve *c = g_hash_table_lookup(r->by_name, name);

    if (c != NULL)
        return c;
    c = g_new0(struct measured_curve, 1);
    c->name = g_strdup(name);
    c->points = g_array_new(FALSE, TRUE, sizeof(struct measured_point));
    g_ptr_array_add(r->curves, c);
    g_hash_table_insert(r->by_name, c->name, c);
    return c;
}

static bool
add_point(struct reader *r, const char *name, const struct measured_point *p)
{
    if (++r->nr_points > MOST_POINTS || r->curves->len > MOST_CURVES) {
        diag_error(r->d, r->path, p->line, 0, NULL,
                   "too many points or curves; at most %d points of %d curves", MOST_POINTS,
                   MOST_CURVES);
        return false;
    }
    g_array_append_val(curve_named(r, name)->points, *p);
    return true;
}

/* "ALL Reads", "100% read", "75 % reads", "3:1 Reads-Writes". */
static double
written_of(const char *mix)
{
    g_autofree char *text = g_ascii_strdown(mix, -1);
    char *end;

    if (strstr(text, "triad") != NULL || strstr(text, "nt") != NULL)
        return -1;
    if (g_str_has_prefix(text, "all read") || strcmp(text, "reads") == 0)
        return 0;
    double first = g_ascii_strtod(text, &end);
    if (end == text || !(first >= 0))
        return -1;
    while (*end == ' ')
        end++;
    if (*end == '%')
        return first <= 100 ? 1 - first / 100 : -1;
    double second = *end == ':' ? g_ascii_strtod(end + 1, NULL) : -1;
    return second >= 0 && first + second > 0 ? second / (first + second) : -1;
}

/* ---- CSV ---- */

enum role { ROLE_NONE, ROLE_LATENCY, ROLE_BANDWIDTH, ROLE_MIX, ROLE_NAME };

struct columns {
    guint nr;
    enum role roles[MOST_COLUMNS];
    double gb_per_unit; /* of the bandwidth column */
};

/* Fields of a line; *column_of: where each begins, from 1. Quotes are doubled in quotes. */
static GPtrArray *
split(const char *line, guint column_of[MOST_COLUMNS])
{
    GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
    const char *at = line;

    do {
        GString *field = g_string_new(NULL);
        bool quoted = *at == '"';

        if (out->len < MOST_COLUMNS)
            column_of[out->len] = (guint)(at - line) + 1;
        at += quoted;
        for (; *at != '\0' && (quoted || *at != ','); at++) {
            if (quoted && *at == '"' && *++at != '"')
                break;
            g_string_append_c(field, *at);
        }
        while (quoted && *at != '\0' && *at != ',')
            at++;
        g_ptr_array_add(out, g_strstrip(g_string_free(field, FALSE)));
    } while (*at++ == ',');
    return out;
}

static double
unit_of(const char *name)
{
    static const struct {
        const char *text;
        double gb;
    } units[] = { { "gib", 1.073741824 }, { "mib", 1.048576e-3 }, { "gb", 1 }, { "mb", 1e-3 } };

    for (guint i = 0; i < G_N_ELEMENTS(units); i++)
        if (strstr(name, units[i].text) != NULL)
            return units[i].gb;
    return 0;
}

static enum role
role_of(const char *heading, struct columns *c)
{
    g_autofree char *name = g_ascii_strdown(heading, -1);

    if (strstr(name, "latency") != NULL || strcmp(name, "ns") == 0)
        return ROLE_LATENCY;
    if (strstr(name, "bandwidth") != NULL || unit_of(name) > 0) {
        c->gb_per_unit = unit_of(name);
        return ROLE_BANDWIDTH;
    }
    if (strcmp(name, "mix") == 0)
        return ROLE_MIX;
    return strcmp(name, "source") == 0 || strcmp(name, "method") == 0 ? ROLE_NONE : ROLE_NAME;
}

static bool
read_header(struct reader *r, const char *line, struct columns *c)
{
    guint at[MOST_COLUMNS];
    g_autoptr(GPtrArray) names = split(line, at);
    guint nr[ROLE_NAME + 1] = { 0 };

    *c = (struct columns){ .nr = MIN(names->len, (guint)MOST_COLUMNS) };
    if (names->len > MOST_COLUMNS) {
        diag_error(r->d, r->path, 1, at[MOST_COLUMNS - 1], NULL, "more than %d columns",
                   MOST_COLUMNS);
        return false;
    }
    for (guint i = 0; i < c->nr; i++) {
        c->roles[i] = role_of(g_ptr_array_index(names, i), c);
        nr[c->roles[i]]++;
    }
    if (nr[ROLE_BANDWIDTH] != 1 || nr[ROLE_LATENCY] > 1)
        diag_error(r->d, r->path, 1, 1, NULL,
                   "the header names %u columns of bandwidth and %u of latency; write one of each, "
                   "as in bandwidth_gb_s,latency_ns, or give the output of MLC",
                   nr[ROLE_BANDWIDTH], nr[ROLE_LATENCY]);
    else if (c->gb_per_unit <= 0)
        diag_error(r->d, r->path, 1, 1, NULL,
                   "the column of bandwidth does not say its unit; write bandwidth_gb_s or "
                   "bandwidth_mb_s");
    return !diag_failed(r->d);
}

static bool
read_number(const char *text, double *out)
{
    char *end;

    *out = g_ascii_strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*out);
}

/* An empty field is "not measured". */
static double
read_positive(struct reader *r, unsigned line, guint column, const char *what, const char *text)
{
    double value = 0;

    if (*text == '\0')
        return 0;
    if (!read_number(text, &value) || value <= 0) {
        g_autofree char *shown = diag_excerpt(text);
        diag_error(r->d, r->path, line, column, what, "'%s' is not a number above 0", shown);
        return 0;
    }
    return value;
}

static bool
read_row(struct reader *r, const struct columns *c, const char *text, unsigned line)
{
    guint at[MOST_COLUMNS];
    g_autoptr(GPtrArray) fields = split(text, at);
    g_autoptr(GString) name = g_string_new(NULL);
    struct measured_point p = { .line = line };
    double ignored;

    if (fields->len != c->nr) {
        diag_error(r->d, r->path, line, 1, NULL, "%u fields, but the header has %u", fields->len,
                   c->nr);
        return !diag_full(r->d);
    }
    for (guint i = 0; i < c->nr; i++) {
        const char *field = g_ptr_array_index(fields, i);

        if (c->roles[i] == ROLE_LATENCY)
            p.latency_ns = read_positive(r, line, at[i], "latency", field);
        else if (c->roles[i] == ROLE_BANDWIDTH)
            p.gb_per_s = c->gb_per_unit * read_positive(r, line, at[i], "bandwidth", field);
        else if (c->roles[i] == ROLE_MIX)
            p.written = written_of(field);
        else if (c->roles[i] == ROLE_NAME && *field != '\0' && !read_number(field, &ignored))
            g_string_append_printf(name, "%s%s", name->len > 0 ? ", " : "", field);
    }
    return p.gb_per_s <= 0 || add_point(r, name->str, &p) ? !diag_full(r->d) : false;
}

static void
read_csv(struct reader *r, char **lines)
{
    struct columns c;

    if (lines[0] == NULL || !read_header(r, lines[0], &c))
        return;
    for (guint i = 1; lines[i] != NULL; i++)
        if (*g_strchug(lines[i]) != '\0' && !read_row(r, &c, lines[i], i + 1))
            return;
}

/* ---- MLC ---- */

/* " 00200\t121.90\t160263.9" behind the heading of the sweep. */
static bool
read_sweep_line(const char *line, struct measured_point *p)
{
    g_auto(GStrv) words = g_regex_split_simple("\\s+", line, 0, 0);
    guint nr = g_strv_length(words);
    double delay, mb;

    if (nr != 3 || !read_number(words[0], &delay) || !read_number(words[1], &p->latency_ns) ||
        !read_number(words[2], &mb) || p->latency_ns <= 0 || mb <= 0)
        return false;
    p->gb_per_s = mb / 1000;
    return true;
}

/* "3:1 Reads-Writes :\t182679.0" */
static bool
read_mix_line(const char *line, struct measured_point *p)
{
    const char *colon = strrchr(line, ':');
    double mb;

    if (colon == NULL || (strstr(line, "Reads") == NULL && strstr(line, "triad") == NULL))
        return false;
    g_autofree char *value = g_strstrip(g_strdup(colon + 1));
    g_autofree char *mix = g_strstrip(g_strndup(line, (gsize)(colon - line)));
    if (!read_number(value, &mb) || mb <= 0)
        return false;
    p->gb_per_s = mb / 1000;
    p->written = written_of(mix);
    return true;
}

static void
read_mlc(struct reader *r, char **lines)
{
    bool sweep = false;

    for (guint i = 0; lines[i] != NULL; i++) {
        const char *line = g_strstrip(lines[i]);
        struct measured_point p = { .line = i + 1 };

        if (g_str_has_prefix(line, "Inject"))
            sweep = true;
        else if (g_str_has_prefix(line, "Measuring"))
            sweep = false;
        if ((sweep && read_sweep_line(line, &p)) || (!sweep && read_mix_line(line, &p))) {
            if (!add_point(r, "", &p))
                return;
        }
    }
}

static bool
is_mlc(char **lines)
{
    for (guint i = 0; lines[i] != NULL; i++)
        if (g_str_has_prefix(lines[i], "Inject\t") || g_str_has_prefix(lines[i], "Inject ") ||
            strstr(lines[i], "Measuring Loaded Latencies") != NULL ||
            g_str_has_prefix(lines[i], "ALL Reads"))
            return true;
    return false;
}

GPtrArray *
measured_load(const char *path, struct diag *d)
{
    struct reader r = { .path = path, .d = d };
    g_autofree char *text = NULL;
    gsize len;

    if (!read_whole_file(path, MOST_BYTES, &text, &len, d))
        return NULL;
    if (!g_utf8_validate(text, (gssize)len, NULL)) {
        diag_error(d, path, 0, 0, NULL, "is not text in UTF-8");
        return NULL;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    r.curves = g_ptr_array_new_with_free_func(curve_free);
    r.by_name = g_hash_table_new(g_str_hash, g_str_equal);
    (is_mlc(lines) ? read_mlc : read_csv)(&r, lines);
    g_hash_table_unref(r.by_name);
    if (!diag_failed(d) && r.curves->len == 0)
        diag_error(
            d, path, 0, 0, NULL,
            "holds no measured points; write CSV with bandwidth_gb_s,latency_ns, or give the "
            "output of MLC");
    if (diag_failed(d)) {
        g_ptr_array_unref(r.curves);
        return NULL;
    }
    return r.curves;
}
