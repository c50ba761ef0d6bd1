#include "report/trace_out.h"

struct trace_out {
    GOutputStream *out;
    GFile *final, *part;
    GError *error; /* the first one */
    gsize used;
    char buffer[1 << 16];
};

struct trace_out *
trace_out_new(const char *path, GError **error)
{
    g_autofree char *name = g_strconcat(path, ".part", NULL);
    g_autoptr(GFile) part = g_file_new_for_path(name);
    g_autoptr(GFileOutputStream) file =
        g_file_replace(part, NULL, FALSE, G_FILE_CREATE_NONE, NULL, error);

    if (file == NULL) {
        g_prefix_error(error, "%s: cannot be written: ", path);
        return NULL;
    }
    struct trace_out *s = g_new0(struct trace_out, 1);
    s->final = g_file_new_for_path(path);
    s->part = g_steal_pointer(&part);
    if (g_str_has_suffix(path, ".gz")) {
        g_autoptr(GZlibCompressor) zip = g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, 6);
        s->out = g_converter_output_stream_new(G_OUTPUT_STREAM(file), G_CONVERTER(zip));
    } else {
        s->out = G_OUTPUT_STREAM(g_steal_pointer(&file));
    }
    return s;
}

static void
flush(struct trace_out *s)
{
    if (s->error == NULL)
        g_output_stream_write_all(s->out, s->buffer, s->used, NULL, NULL, &s->error);
    s->used = 0;
}

static void
append(struct trace_out *s, const char *text, gsize length)
{
    if (length > sizeof(s->buffer) - s->used)
        flush(s);
    for (; length > sizeof(s->buffer); text += sizeof(s->buffer), length -= sizeof(s->buffer)) {
        memcpy(s->buffer, text, sizeof(s->buffer));
        s->used = sizeof(s->buffer);
        flush(s);
    }
    memcpy(s->buffer + s->used, text, length);
    s->used += length;
}

static void
out_free(struct trace_out *s)
{
    g_clear_error(&s->error);
    g_object_unref(s->out);
    g_object_unref(s->final);
    g_object_unref(s->part);
    g_free(s);
}

bool
trace_out_close(struct trace_out *s, GError **error)
{
    flush(s);
    if (s->error == NULL)
        g_output_stream_close(s->out, NULL, &s->error);
    if (s->error == NULL)
        g_file_move(s->part, s->final, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, &s->error);
    bool fine = s->error == NULL;
    if (!fine) {
        g_autofree char *path = g_file_get_path(s->final);
        g_file_delete(s->part, NULL, NULL);
        g_propagate_prefixed_error(error, g_steal_pointer(&s->error),
                                   "%s: cannot be written: ", path);
    }
    out_free(s);
    return fine;
}

void
trace_out_discard(struct trace_out *s)
{
    g_output_stream_close(s->out, NULL, NULL);
    g_file_delete(s->part, NULL, NULL);
    out_free(s);
}

void
trace_out_bytes(struct trace_out *s, const void *bytes, gsize length)
{
    append(s, bytes, length);
}

void
trace_out_text(struct trace_out *s, const char *text)
{
    append(s, text, strlen(text));
}

void
trace_out_uint(struct trace_out *s, uint64_t value)
{
    char digits[20];
    gsize at = sizeof(digits);

    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    append(s, digits + at, sizeof(digits) - at);
}

void
trace_out_us(struct trace_out *s, sim_time ns)
{
    char rest[4] = { '.', (char)('0' + ns / 100 % 10), (char)('0' + ns / 10 % 10),
                     (char)('0' + ns % 10) };

    trace_out_uint(s, ns / 1000);
    append(s, rest, sizeof(rest));
}

static bool
is_plain(const char *text)
{
    for (; *text != '\0'; text++)
        if ((guchar)*text < 0x20 || (guchar)*text > 0x7e || *text == '"' || *text == '\\')
            return false;
    return true;
}

void
trace_out_escaped(struct trace_out *s, const char *text)
{
    if (is_plain(text)) {
        trace_out_text(s, text);
        return;
    }
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    for (const char *c = valid; *c != '\0'; c++) {
        char code[8];
        if (*c == '"' || *c == '\\')
            append(s, "\\", 1);
        if ((guchar)*c < 0x20 || *c == 0x7f)
            append(s, code, (gsize)g_snprintf(code, sizeof(code), "\\u%04x", (guint)*c));
        else
            append(s, c, 1);
    }
}
