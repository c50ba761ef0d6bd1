/*
 * lscpu in text: `lscpu -p` (comma-separated below comment lines), `lscpu -e` (a table in columns)
 * and plain `lscpu` ("Field: data"), alone or one after the other in one file. The table says which
 * CPUs share what; the summary says who made them and how large caches are. Where both are there,
 * each gives what it knows best.
 *
 * lscpu has never heard of distances or memory. They may stand in the same file: what follows a
 * `numactl --hardware` is read by its importer, `(lscpu -p; numactl --hardware) > machine.txt` is
 * one description of one machine. Without it they are assumed, with a note.
 *
 * Of several tables the first counts: `lscpu -p -x` prints physical numbers that mean less.
 */
#include "config/import_lscpu.h"

enum { LOOK_MOST = 64 * 1024, TEXT_MOST = 16 << 20, LINE_MOST = 64 * 1024 };

static bool
is_csv_row(const char *line)
{
    guint commas = 0;

    if (!g_ascii_isdigit(*line))
        return false;
    for (; *line != '\0'; line++) {
        if (!g_ascii_isalnum(*line) && strchr(",:-.", *line) == NULL)
            return false;
        commas += *line == ',';
    }
    return commas >= 2;
}

/* "# CPU,Core,Socket,Node,,L1d": names without blanks. Comments of other files are sentences. */
static bool
is_csv_header(const char *line)
{
    const char *at = line[0] == '#' ? line + 1 + strspn(line + 1, " ") : "";
    g_auto(GStrv) cells = g_strsplit(at, ",", -1);
    bool has_cpu = false;

    for (char **cell = cells; *cell != NULL; cell++) {
        if (strpbrk(*cell, " \t") != NULL)
            return false;
        has_cpu |= g_ascii_strcasecmp(*cell, "CPU") == 0;
    }
    return has_cpu && cells[0] != NULL && cells[1] != NULL;
}

/* "CPU NODE SOCKET CORE L1d:L1i:L2:L3 ONLINE": words in capitals, CPU among them. */
static bool
is_table_header(const char *line)
{
    g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
    bool has_cpu = false;
    guint nr = 0;

    for (char **w = words; *w != NULL; w++) {
        if (**w == '\0')
            continue;
        if (!g_ascii_isupper(**w))
            return false;
        has_cpu |= g_str_equal(*w, "CPU");
        nr++;
    }
    return has_cpu && nr >= 2;
}

static bool
is_summary(const char *line)
{
    static const char *const starts[] = { "CPU(s):", "On-line CPU(s) list:", "Thread(s) per core:",
                                          "Core(s) per socket:", "NUMA node(s):" };

    while (*line == ' ')
        line++;
    for (gsize i = 0; i < ARRAY_LEN(starts); i++)
        if (g_str_has_prefix(line, starts[i]))
            return true;
    return false;
}

/* {"lscpu": [...]}, {"cpus": [{"cpu": ...}]}; the golden files of the oracle have "nodes" too. */
static bool
looks_like_json(const char *start)
{
    while (g_ascii_isspace(*start))
        start++;
    return *start == '{' &&
           (strstr(start, "\"lscpu\"") != NULL ||
            (strstr(start, "\"cpus\"") != NULL && strstr(start, "\"cpu\":") != NULL &&
             strstr(start, "\"nodes\"") == NULL && strstr(start, "\"machine\"") == NULL));
}

bool
looks_like_lscpu(const char *text, gsize len)
{
    g_autofree char *start = g_strndup(text, SIM_MIN(len, LOOK_MOST));
    g_auto(GStrv) lines = g_strsplit(start, "\n", -1);
    bool only_rows = true;
    guint nr_rows = 0;

    if (looks_like_json(start))
        return true;
    for (char **line = lines; *line != NULL; line++) {
        g_strchomp(*line);
        if (is_csv_header(*line) || is_table_header(*line) || is_summary(*line))
            return true;
        only_rows &= is_csv_row(*line) || (**line == '\0' && line[1] == NULL);
        nr_rows += is_csv_row(*line);
    }
    return only_rows && nr_rows > 0;
}

/* Words; one that is a model's name may hold blanks, which only the surplus of words tells. */
static char **
split_row(const struct lscpu *l, const char *line)
{
    GPtrArray *words = g_ptr_array_new();
    g_auto(GStrv) all = g_strsplit_set(line, " \t", -1);
    guint name = 0;

    for (char **w = all; *w != NULL; w++)
        if (**w != '\0')
            g_ptr_array_add(words, g_strdup(*w));
    while (l->columns != NULL && name < l->columns->len &&
           g_ascii_strcasecmp(g_ptr_array_index(l->columns, name), "MODELNAME") != 0)
        name++;
    while (l->columns != NULL && name < l->columns->len && words->len > l->columns->len)
        g_free(g_ptr_array_remove_index(words, name));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

struct lscpu_reader {
    struct lscpu *l;
    bool csv, closed; /* the table; closed: another one began */
};

static void
begin_table(struct lscpu_reader *r, char **cells, bool csv)
{
    if (r->l->rows->len > 0) {
        r->closed = true;
        return;
    }
    lscpu_take_header(r->l, cells);
    r->csv = csv;
}

static bool
read_csv_row(struct lscpu_reader *r, const char *line)
{
    g_auto(GStrv) cells = g_strsplit(line, ",", -1);

    if (r->l->columns == NULL) { /* the comments were cut off: the default columns */
        g_auto(GStrv) usual = g_strsplit("CPU,Core,Socket,Node,,L1d,L1i,L2,L3", ",", -1);

        for (guint i = g_strv_length(usual); i > g_strv_length(cells); i--)
            g_clear_pointer(&usual[i - 1], g_free);
        begin_table(r, usual, true);
    }
    return r->closed || (r->csv && lscpu_take_row(r->l, cells));
}

/* False: not a line of lscpu's. */
static bool
read_line(struct lscpu_reader *r, const char *line)
{
    const char *colon = strchr(line, ':');

    if (is_csv_header(line)) {
        g_auto(GStrv) cells = g_strsplit(line + 1 + strspn(line + 1, " "), ",", -1);
        begin_table(r, cells, true);
        return true;
    }
    if (*line == '#')
        return true;
    if (is_csv_row(line))
        return read_csv_row(r, line);
    if (is_table_header(line)) {
        g_auto(GStrv) cells = split_row(&(struct lscpu){ 0 }, line);
        begin_table(r, cells, false);
        return true;
    }
    if (g_ascii_isdigit(*(line + strspn(line, " "))) && r->l->columns != NULL && !r->csv) {
        g_auto(GStrv) cells = split_row(r->l, line);
        if (r->closed || lscpu_take_row(r->l, cells))
            return true;
    }
    if (colon == NULL)
        return false;
    g_autofree char *field = g_strstrip(g_strndup(line, (gsize)(colon - line)));
    g_autofree char *data = g_strstrip(g_strdup(colon + 1));
    return lscpu_take_field(r->l, field, data);
}

/* What is not lscpu's goes on, in the same lines, to whoever else may know it. */
static bool
read_text(struct lscpu *l, const char *text, gsize len, GString *rest)
{
    g_autofree char *copy = g_strndup(text, len);
    struct lscpu_reader r = { .l = l };
    unsigned number = 0;

    for (char *line = copy, *end; line != NULL; line = end) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        number++;
        if (strlen(line) > LINE_MOST) {
            diag_error(l->diag, l->file, number, 1, NULL,
                       "a line of %zu bytes; expected the output of lscpu", strlen(line));
            return false;
        }
        g_strchomp(line);
        if (!read_line(&r, line))
            g_string_append(rest, line);
        g_string_append_c(rest, '\n');
    }
    return true;
}

static bool
read_numactl(struct lscpu *l, const GString *rest, struct listing *n)
{
    n->file = l->file;
    n->arena = l->arena;
    n->diag = l->diag;
    return listing_read(n, rest->str, rest->len);
}

static struct machine *
import_text(struct lscpu *l, const char *text, gsize len)
{
    g_autoptr(GString) rest = g_string_new(NULL);
    struct listing *numactl = NULL;

    if (!read_text(l, text, len, rest))
        return NULL;
    if (looks_like_numactl(rest->str, rest->len)) {
        numactl = arena_new_object(l->arena, struct listing);
        if (!read_numactl(l, rest, numactl))
            return NULL;
    }
    return lscpu_build(l, numactl);
}

struct machine *
import_lscpu(const char *path, const char *text, gsize len, struct arena *a, struct diag *d)
{
    struct lscpu l = { .file = path, .arena = a, .diag = d };
    struct machine *m = NULL;

    if (len > TEXT_MOST) {
        diag_error(d, path, 0, 0, NULL, "is larger than %d MiB", TEXT_MOST >> 20);
        return NULL;
    }
    l.rows = g_array_new(FALSE, FALSE, sizeof(struct lscpu_row));
    l.online = cpumask_new(a, CPU_MAX);
    l.offline = cpumask_new(a, CPU_MAX);
    g_autofree char *start = g_strndup(text, SIM_MIN(len, LOOK_MOST));
    if (!looks_like_json(start))
        m = import_text(&l, text, len);
    else if (lscpu_read_json(&l, text, len))
        m = lscpu_build(&l, NULL);
    g_array_unref(l.rows);
    g_clear_pointer(&l.columns, g_ptr_array_unref);
    return m;
}
