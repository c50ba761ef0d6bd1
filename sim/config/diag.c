/*
 * Messages about files.
 *
 * A file with five mistakes should be mended once, not five times: so nothing stops at the first
 * error, and whoever finds one writes it down here. A loader finds things in its own order (first
 * the nodes, then the links that name them); a person reads a file from top to bottom. Hence the
 * sort by place at the end, and by order of discovery where places are the same.
 *
 * What a hostile file can put into a message is bounded here, once, for all loaders: the number of
 * messages, the length of each, and its characters (a terminal would obey an escape sequence).
 */
#include "config/diag.h"

enum { MESSAGE_MOST = 1200, EXCERPT_MOST = 60, NAME_MOST = 64, KNOWN_MOST = 40 };

static void
message_free(gpointer data)
{
    struct diag_message *m = data;

    g_free(m->file);
    g_free(m->text);
    g_free(m);
}

void
diag_init(struct diag *d)
{
    d->errors = g_ptr_array_new_with_free_func(message_free);
    d->notes = g_ptr_array_new_with_free_func(g_free);
    d->nr_left_out = 0;
    d->data_dir = NUMASIM_DATA_DIR;
}

void
diag_clear(struct diag *d)
{
    g_ptr_array_unref(d->errors);
    g_ptr_array_unref(d->notes);
    d->errors = d->notes = NULL;
}

/* Cuts at a whole character, and shows what a terminal would obey as '?'. */
static void
make_presentable(GString *s, gsize most)
{
    g_autofree char *valid = g_utf8_make_valid(s->str, (gssize)SIM_MIN(s->len, most));

    g_string_assign(s, valid);
    for (gsize i = 0; i < s->len; i++)
        if (g_ascii_iscntrl(s->str[i]))
            s->str[i] = '?';
}

char *
diag_excerpt(const char *text)
{
    gsize len = strnlen(text, EXCERPT_MOST + 1), cut = len;

    if (len > EXCERPT_MOST)
        for (cut = EXCERPT_MOST - 3; cut > 0 && ((guchar)text[cut] & 0xc0) == 0x80; cut--)
            continue;
    return g_strdup_printf("%.*s%s", (int)cut, text, cut < len ? "..." : "");
}

void
diag_verror(struct diag *d, const char *file, unsigned line, unsigned column, const char *path,
            const char *fmt, va_list args)
{
    if (diag_full(d)) {
        d->nr_left_out++;
        return;
    }
    g_autoptr(GString) s = g_string_new(NULL);
    if (file != NULL)
        g_string_append(s, file);
    if (line > 0)
        g_string_append_printf(s, ":%u:%u", line, column);
    if (s->len > 0)
        g_string_append(s, ": ");
    if (path != NULL && *path != '\0')
        g_string_append_printf(s, "%s: ", path);
    g_string_append_vprintf(s, fmt, args);
    make_presentable(s, MESSAGE_MOST);

    struct diag_message *m = g_new0(struct diag_message, 1);
    *m = (struct diag_message){ .file = g_strdup(file),
                                .line = line,
                                .column = column,
                                .seq = d->errors->len,
                                .text = g_strdup(s->str) };
    g_ptr_array_add(d->errors, m);
}

void
diag_error(struct diag *d, const char *file, unsigned line, unsigned column, const char *path,
           const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    diag_verror(d, file, line, column, path, fmt, args);
    va_end(args);
}

void
diag_note(struct diag *d, const char *fmt, ...)
{
    g_autoptr(GString) s = g_string_new(NULL);
    va_list args;

    va_start(args, fmt);
    g_string_append_vprintf(s, fmt, args);
    va_end(args);
    make_presentable(s, MESSAGE_MOST);
    g_ptr_array_add(d->notes, g_strdup(s->str));
}

static gint
by_place(gconstpointer pa, gconstpointer pb)
{
    const struct diag_message *a = *(const struct diag_message *const *)pa;
    const struct diag_message *b = *(const struct diag_message *const *)pb;
    int file = g_strcmp0(a->file, b->file);

    if (file != 0)
        return file;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

char *
diag_text(const struct diag *d)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_copy(d->errors, NULL, NULL);
    GString *out = g_string_new(NULL);

    g_ptr_array_set_free_func(sorted, NULL);
    g_ptr_array_sort(sorted, by_place);
    for (guint i = 0; i < sorted->len; i++) {
        const struct diag_message *m = g_ptr_array_index(sorted, i);
        g_string_append_printf(out, "%s\n", m->text);
    }
    if (d->nr_left_out > 0)
        g_string_append_printf(out, "and %u more\n", d->nr_left_out);
    return g_string_free(out, FALSE);
}

/* Edits that turn a into b: insert, delete, replace, or swap two neighbours. */
static guint
edit_distance(const char *a, const char *b)
{
    guint rows[3][NAME_MOST + 1];
    guint *before = rows[0], *last = rows[1], *row = rows[2];
    gsize len_a = strlen(a), len_b = strlen(b);

    for (gsize j = 0; j <= len_b; j++)
        last[j] = (guint)j;
    for (gsize i = 1; i <= len_a; i++) {
        row[0] = (guint)i;
        for (gsize j = 1; j <= len_b; j++) {
            guint swap = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = MIN(swap, MIN(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = MIN(row[j], before[j - 2] + 1);
        }
        guint *oldest = before;
        before = last, last = row, row = oldest;
    }
    return last[len_b];
}

static const char *
nearest_name(const char *wrong, const char *const *names)
{
    gsize len = strnlen(wrong, NAME_MOST + 1);
    /* A third of the letters may be wrong: "thread" for "threads", but not "e" for "a". */
    guint best = (guint)(len + 1) / 3 + 1;
    const char *found = NULL;

    if (len > NAME_MOST)
        return NULL;
    for (; *names != NULL; names++) {
        if (strlen(*names) > NAME_MOST)
            continue;
        guint distance = edit_distance(wrong, *names);
        if (distance < best) {
            best = distance;
            found = *names;
        }
    }
    return found;
}

char *
did_you_mean(const char *wrong, const char *const *names)
{
    const char *near = nearest_name(wrong, names);

    if (near != NULL && strcmp(near, wrong) == 0)
        return g_strdup(""); /* the name is known: something else is wrong with it */
    if (near != NULL)
        return g_strdup_printf("; did you mean '%s'?", near);
    if (*names == NULL)
        return g_strdup("");
    GString *known = g_string_new("; known: ");
    for (guint i = 0; names[i] != NULL && i <= KNOWN_MOST; i++)
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", i < KNOWN_MOST ? names[i] : "...");
    return g_string_free(known, FALSE);
}
