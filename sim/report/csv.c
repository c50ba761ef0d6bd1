/*
 * CSV, written and read.
 *
 * stdio reports a full disk late: a short write is noticed when its buffer is flushed, which may be
 * in fclose(). So nothing is believed until csv_close() has seen ferror(), fflush() and fclose()
 * succeed. Callers write a whole file and ask once.
 */
#include "report/csv.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct csv {
    FILE *file;   /* NULL: in memory */
    GString *all; /* there */
    char *path;
    GString *row;
    bool begun; /* the row has a field */
    int failed; /* errno of the first failure */
};

static void
set_error(GError **error, const char *path, int code)
{
    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(code),
                "%s: cannot be written: %s", path, g_strerror(code));
}

struct csv *
csv_create(const char *dir, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    FILE *file = g_fopen(path, "wbe");

    if (file == NULL) {
        set_error(error, path, errno);
        return NULL;
    }
    struct csv *c = g_new0(struct csv, 1);
    *c = (struct csv){ .file = file, .path = g_steal_pointer(&path), .row = g_string_new(NULL) };
    return c;
}

struct csv *
csv_memory(GString *out)
{
    struct csv *c = g_new0(struct csv, 1);

    *c = (struct csv){ .all = out, .row = g_string_new(NULL) };
    return c;
}

static void
separate(struct csv *c)
{
    if (c->begun)
        g_string_append_c(c->row, ',');
    c->begun = true;
}

void
csv_text(struct csv *c, const char *text)
{
    separate(c);
    if (text == NULL)
        return;
    if (strpbrk(text, ",\"\r\n") == NULL) {
        g_string_append(c->row, text);
        return;
    }
    g_string_append_c(c->row, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            g_string_append_c(c->row, '"');
        g_string_append_c(c->row, *text);
    }
    g_string_append_c(c->row, '"');
}

void
csv_uint(struct csv *c, uint64_t value)
{
    separate(c);
    g_string_append_printf(c->row, "%" G_GUINT64_FORMAT, value);
}

void
csv_int(struct csv *c, int64_t value)
{
    separate(c);
    g_string_append_printf(c->row, "%" G_GINT64_FORMAT, value);
}

char *
real_text_append(GString *out, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE], format[8];
    bool whole = fabs(value) < 1e15 && !(value < floor(value)) && !(value > floor(value));

    if (whole) { /* 1000000000 and not 1e+09: more readers take it for the same number */
        g_string_append(out, g_ascii_formatd(text, sizeof(text), "%.0f", value));
        return out->str;
    }
    for (int digits = 1; digits <= 17; digits++) {
        g_snprintf(format, sizeof(format), "%%.%dg", digits);
        g_ascii_formatd(text, sizeof(text), format, value);
        double again = g_ascii_strtod(text, NULL);
        if (!(again < value) && !(again > value))
            break;
    }
    g_string_append(out, text);
    return out->str;
}

void
csv_real(struct csv *c, double value)
{
    separate(c);
    if (isfinite(value))
        real_text_append(c->row, value);
}

void
csv_empty(struct csv *c)
{
    separate(c);
}

void
csv_end_row(struct csv *c)
{
    g_string_append_c(c->row, '\n');
    if (c->all != NULL)
        g_string_append_len(c->all, c->row->str, (gssize)c->row->len);
    else if (c->failed == 0 && fwrite(c->row->str, 1, c->row->len, c->file) != c->row->len)
        c->failed = errno != 0 ? errno : EIO;
    g_string_truncate(c->row, 0);
    c->begun = false;
}

void
csv_more(struct csv *c, const char *fields)
{
    separate(c);
    g_string_append(c->row, fields);
}

void
csv_header(struct csv *c, const char *columns)
{
    csv_more(c, columns);
    csv_end_row(c);
}

bool
csv_close(struct csv *c, GError **error)
{
    if (c == NULL)
        return true;
    if (c->file != NULL && fflush(c->file) != 0 && c->failed == 0)
        c->failed = errno;
    if (c->file != NULL && fclose(c->file) != 0 && c->failed == 0)
        c->failed = errno;
    bool fine = c->failed == 0;
    if (!fine && (error == NULL || *error == NULL))
        set_error(error, c->path, c->failed);
    g_free(c->path);
    g_string_free(c->row, TRUE);
    g_free(c);
    return fine;
}

bool
write_whole_file(const char *dir, const char *name, const char *text, GError **error)
{
    struct csv *c = csv_create(dir, name, error);

    if (c == NULL)
        return false;
    size_t len = strlen(text);
    if (fwrite(text, 1, len, c->file) != len)
        c->failed = errno != 0 ? errno : EIO;
    return csv_close(c, error);
}

/* One row from *at; NULL at the end of the text. */
static GStrv
read_row(const char **at)
{
    if (**at == '\0')
        return NULL;
    GPtrArray *fields = g_ptr_array_new();
    g_autoptr(GString) field = g_string_new(NULL);
    bool quoted = false;
    for (;; (*at)++) {
        char ch = **at;
        if (quoted && ch == '"' && (*at)[1] == '"')
            g_string_append_c(field, *++(*at));
        else if (ch == '"')
            quoted = !quoted;
        else if (ch == '\0' || (!quoted && (ch == ',' || ch == '\n'))) {
            g_ptr_array_add(fields, g_strdup(field->str));
            g_string_truncate(field, 0);
            if (ch != ',')
                break;
        } else
            g_string_append_c(field, ch);
    }
    *at += **at == '\n';
    g_ptr_array_add(fields, NULL);
    return (GStrv)g_ptr_array_free(fields, FALSE);
}

static void
row_free(gpointer row)
{
    g_strfreev(row);
}

GPtrArray *
csv_parse(const char *text)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func(row_free);

    for (GStrv row; (row = read_row(&text)) != NULL;)
        g_ptr_array_add(rows, row);
    return rows;
}

GPtrArray *
csv_read(const char *path, GError **error)
{
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, error) ? csv_parse(text) : NULL;
}
