/*
 * The log of a sweep.
 *
 * One file that grows, and not a file a point: a hundred thousand small files cost a file system
 * more than the runs cost us, and make every copy and every merge slow. Only one process writes it,
 * with one write() a record, so that a record is torn only where the program or the machine died;
 * its hash then tells.
 */
#include "cli/points_log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char first_line[] = "numasim points 1\n";
enum { HEAD_MAX = 200, SUM_LENGTH = 16, KEY_LENGTH = 64 };

struct points_log {
    int file;
    char *path;
    goffset end;
    GHashTable *records; /* key: struct point_record */
};

static bool
fail(const struct points_log *log, GError **error, const char *what)
{
    int code = errno;

    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(code), "%s: cannot be %s: %s",
                log->path, what, g_strerror(code));
    return false;
}

/* ---- records ---- */

static void
sum_of(const char *key, const char *status, int code, const char *payload, gsize bytes,
       char sum[SUM_LENGTH + 1])
{
    g_autoptr(GChecksum) all = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *head = g_strdup_printf("%s %s %d ", key, status, code);

    g_checksum_update(all, (const guchar *)head, -1);
    g_checksum_update(all, (const guchar *)payload, (gssize)bytes);
    g_strlcpy(sum, g_checksum_get_string(all), SUM_LENGTH + 1);
}

/* The record at *at, which is moved behind it; false: none, or not whole. */
static bool
read_record(struct points_log *log, const char *text, gsize len, gsize *at)
{
    char head[HEAD_MAX + 1] = "", key[KEY_LENGTH + 1], sum[SUM_LENGTH + 1], right[SUM_LENGTH + 1];
    const char *line = text + *at, *end = memchr(line, '\n', len - *at);
    struct point_record r = { .code = 0 };

    if (end == NULL || end - line > HEAD_MAX)
        return false;
    memcpy(head, line, (gsize)(end - line));
    if (sscanf(head, "point %64s %15s %d %zu %16s", key, r.status, &r.code, &r.bytes, sum) != 5)
        return false;
    gsize begin = (gsize)(end + 1 - text);
    if (r.bytes >= len - begin || text[begin + r.bytes] != '\n')
        return false;
    sum_of(key, r.status, r.code, text + begin, r.bytes, right);
    if (strcmp(sum, right) != 0)
        return false;
    r.at = (goffset)begin;
    g_hash_table_replace(log->records, g_strdup(key), g_memdup2(&r, sizeof(r)));
    *at = begin + r.bytes + 1;
    return true;
}

static bool
read_records(struct points_log *log, bool write, GError **error)
{
    g_autoptr(GMappedFile) map = g_mapped_file_new_from_fd(log->file, FALSE, error);
    gsize at = sizeof(first_line) - 1;

    if (map == NULL)
        return false;
    const char *text = g_mapped_file_get_contents(map);
    gsize len = g_mapped_file_get_length(map);
    bool ours = len >= at && memcmp(text, first_line, at) == 0;
    if (!ours && len >= at) {
        errno = EINVAL;
        return fail(log, error, "understood");
    }
    while (ours && read_record(log, text, len, &at))
        continue;
    log->end = ours ? (goffset)at : 0;
    if (!write || (ours && at == len))
        return true;
    if (ftruncate(log->file, log->end) != 0)
        return fail(log, error, "written");
    if (!ours && pwrite(log->file, first_line, at, 0) != (ssize_t)at)
        return fail(log, error, "written");
    log->end = (goffset)at;
    return true;
}

struct points_log *
points_log_open(const char *dir, bool write, GError **error)
{
    struct points_log *log = g_new0(struct points_log, 1);

    log->path = g_build_filename(dir, "points.log", NULL);
    log->records = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    log->file = g_open(log->path, (write ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0666);
    bool fine = log->file >= 0 ? read_records(log, write, error) : fail(log, error, "opened");
    if (fine)
        return log;
    points_log_close(log);
    return NULL;
}

void
points_log_close(struct points_log *log)
{
    if (log == NULL)
        return;
    if (log->file >= 0)
        close(log->file);
    g_free(log->path);
    g_hash_table_unref(log->records);
    g_free(log);
}

const struct point_record *
points_log_find(const struct points_log *log, const char *key)
{
    return g_hash_table_lookup(log->records, key);
}

char *
points_log_payload(const struct points_log *log, const struct point_record *r, GError **error)
{
    char *text = g_malloc(r->bytes + 1);
    ssize_t got = pread(log->file, text, r->bytes, r->at);

    if (got != (ssize_t)r->bytes) {
        errno = got < 0 ? errno : EIO; /* it has become shorter */
        fail(log, error, "read");
        g_free(text);
        return NULL;
    }
    text[r->bytes] = '\0';
    return text;
}

bool
points_log_add(struct points_log *log, const char *key, const char *status, int code,
               const char *payload, gsize bytes, GError **error)
{
    struct point_record r = { .code = code, .bytes = bytes };
    g_autoptr(GString) text = g_string_new(NULL);
    char sum[SUM_LENGTH + 1];

    sum_of(key, status, code, payload, bytes, sum);
    g_string_printf(text, "point %s %s %d %" G_GSIZE_FORMAT " %s\n", key, status, code, bytes, sum);
    r.at = log->end + (goffset)text->len;
    g_string_append_len(text, payload, (gssize)bytes);
    g_string_append_c(text, '\n');
    g_strlcpy(r.status, status, sizeof(r.status));
    ssize_t done = pwrite(log->file, text->str, text->len, log->end);
    if (done != (ssize_t)text->len) {
        errno = done < 0 ? errno : ENOSPC;
        return fail(log, error, "written");
    }
    log->end += (goffset)text->len;
    g_hash_table_replace(log->records, g_strdup(key), g_memdup2(&r, sizeof(r)));
    return true;
}

bool
points_log_sync(struct points_log *log, GError **error)
{
    return fdatasync(log->file) == 0 || errno == EINVAL || fail(log, error, "written");
}

bool
points_log_copy(const struct points_log *log, const char *const *keys, guint nr,
                struct points_log *to, GError **error)
{
    for (guint i = 0; i < nr; i++) {
        const struct point_record *r = points_log_find(log, keys[i]);
        if (r == NULL)
            continue;
        g_autofree char *payload = points_log_payload(log, r, error);
        if (payload == NULL ||
            !points_log_add(to, keys[i], r->status, r->code, payload, r->bytes, error))
            return false;
    }
    return true;
}
