/*
 * libarchive knows every compression and all dialects of tar, and has had its share of memory
 * errors in the rarer ones. So only the formats that snapshots of machines come in are switched on,
 * and it runs in a child process with limits on time, memory and output.
 *
 * An archive is read once from front to back, and of its thousands of entries only those that the
 * caller wants are kept. Nothing is ever written to a disk, so that names such as "../../etc" and
 * links to elsewhere have nothing to harm: a path is only a name to compare.
 *
 * Bombs: what is unpacked, wanted or not, is counted against `most` before it is skipped, for
 * skipping a compressed entry costs as much as reading it.
 */
#include "config/import_archive.h"

#include "config/import_sandbox.h"

#include <archive.h>
#include <archive_entry.h>

enum { TEXT_MOST = 64 << 20 };
enum { ENTRIES_MOST = 2000000, ENTRY_MOST = 1 << 20, PATH_MOST = 1000, TAR_MAGIC_AT = 257 };

static const struct sandbox_limits limits = {
    .wall_seconds = 60,
    .cpu_seconds = 30,
    .memory_bytes = (guint64)1 << 30,
    .output_bytes = 96 << 20,
};

bool
looks_like_compressed(const char *data, gsize len)
{
    static const struct {
        const char *magic;
        gsize len;
    } known[] = { { "\x1f\x8b", 2 },
                  { "BZh", 3 },
                  { "\xfd"
                    "7zXZ",
                    5 },
                  { "\x28\xb5\x2f\xfd", 4 } };

    for (gsize i = 0; i < ARRAY_LEN(known); i++)
        if (len >= known[i].len && memcmp(data, known[i].magic, known[i].len) == 0)
            return true;
    return false;
}

bool
looks_like_tar(const char *data, gsize len)
{
    return len >= TAR_MAGIC_AT + 5 && memcmp(data + TAR_MAGIC_AT, "ustar", 5) == 0;
}

static void refuse(GString *out, const char *fmt, ...) SIM_PRINTF(2, 3);

static void
refuse(GString *out, const char *fmt, ...)
{
    va_list args;

    g_string_assign(out, "refused ");
    va_start(args, fmt);
    g_string_append_vprintf(out, fmt, args);
    va_end(args);
    g_string_append_c(out, '\n');
}

static void
refuse_damaged(struct archive *a, GString *out)
{
    const char *why = archive_error_string(a);

    refuse(out, "the data is damaged or cut off (%s); expected a complete file",
           why != NULL ? why : "no reason is given");
}

static bool
read_into(struct archive *a, GString *out, gsize most)
{
    char buffer[16384];
    gsize start = out->len;
    la_ssize_t n;

    while ((n = archive_read_data(a, buffer, sizeof(buffer))) > 0) {
        g_string_append_len(out, buffer, n);
        if (out->len - start > most) {
            refuse(out, "unpacks to more than %zu MiB; expected at most that much", most >> 20);
            return false;
        }
    }
    if (n < 0)
        refuse_damaged(a, out);
    return n == 0;
}

static bool
keep_entry(struct archive *a, struct archive_entry *entry, const char *path, GString *out)
{
    const char *target = archive_entry_symlink(entry);

    g_string_append(out, path);
    g_string_append_c(out, '\0');
    if (target != NULL) {
        g_string_append_printf(out, "-> %s", target);
    } else {
        gsize start = out->len;
        if (!read_into(a, out, ENTRY_MOST))
            return false;
        for (gsize i = start; i < out->len; i++) /* a zero byte ends the content */
            if (out->str[i] == '\0')
                out->str[i] = '\n';
    }
    g_string_append_c(out, '\0');
    return true;
}

/* Every entry is counted; only regular files and symbolic links can be wanted. */
static bool
take_entry(const struct unpack_job *job, struct archive *a, struct archive_entry *entry,
           gsize *total, GString *out)
{
    const char *path = archive_entry_pathname(entry);
    gint64 size = archive_entry_size(entry);
    bool is_link = archive_entry_filetype(entry) == AE_IFLNK;

    if (size < 0 || (guint64)size > job->most - *total) {
        refuse(out, "unpacks to more than %zu MiB; expected at most that much", job->most >> 20);
        return false;
    }
    *total += (gsize)size;
    if ((archive_entry_filetype(entry) != AE_IFREG && !is_link) || path == NULL ||
        strlen(path) > PATH_MOST || !job->wanted(path))
        return true;
    return keep_entry(a, entry, path, out);
}

static void
read_entries(const struct unpack_job *job, struct archive *a, struct archive_entry *entry,
             GString *out)
{
    gsize total = 0;
    guint nr = 0;
    int result;

    g_string_assign(out, "files\n");
    do {
        if (++nr > ENTRIES_MOST) {
            refuse(out, "more than %d entries; expected at most that many", ENTRIES_MOST);
            return;
        }
        if (!take_entry(job, a, entry, &total, out))
            return;
    } while ((result = archive_read_next_header(a, &entry)) == ARCHIVE_OK ||
             result == ARCHIVE_WARN);
    if (result != ARCHIVE_EOF)
        refuse_damaged(a, out);
}

static void
read_content(const struct unpack_job *job, struct archive *a, GString *out)
{
    struct archive_entry *entry;
    int result = archive_read_next_header(a, &entry);

    if (result == ARCHIVE_EOF) {
        refuse(out, "nothing is in it; expected a text or a tar archive");
    } else if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
        refuse_damaged(a, out);
    } else if (archive_format(a) == ARCHIVE_FORMAT_RAW) {
        g_string_assign(out, "text\n");
        read_into(a, out, SIM_MIN(job->most, (gsize)TEXT_MOST));
    } else if (job->wanted == NULL) {
        refuse(out, "a tar archive; expected one compressed text");
    } else {
        read_entries(job, a, entry, out);
    }
}

void
archive_unpack(void *argument, GString *out)
{
    const struct unpack_job *job = argument;
    struct archive *a = archive_read_new();

    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_format_tar(a);
    archive_read_support_format_raw(a);
    if (archive_read_open_memory(a, job->data, job->len) == ARCHIVE_OK)
        read_content(job, a, out);
    else
        refuse_damaged(a, out);
    archive_read_free(a);
}

GString *
import_unpack(const char *file, const struct unpack_job *job, bool *is_archive, struct diag *d)
{
    struct unpack_job copy = *job;
    GString *out = g_string_new(NULL);
    enum sandbox_end end = sandbox_run(archive_unpack, &copy, &limits, out);
    const char *newline = memchr(out->str, '\n', out->len);

    if (end != SANDBOX_DONE) {
        diag_error(d, file, 1, 1, NULL,
                   "unpacking it %s; expected a compressed text or a tar archive",
                   end == SANDBOX_TOO_MUCH ? "gives too much" : sandbox_end_text(end));
    } else if (newline != NULL && g_str_has_prefix(out->str, "refused ")) {
        diag_error(d, file, 1, 1, NULL, "%.*s", (int)(newline - out->str - 8), out->str + 8);
    } else if (newline != NULL) {
        *is_archive = g_str_has_prefix(out->str, "files\n");
        g_string_erase(out, 0, newline - out->str + 1);
        return out;
    } else {
        diag_error(d, file, 1, 1, NULL, "cannot be unpacked; expected a compressed text");
    }
    g_string_free(out, TRUE);
    return NULL;
}

char *
import_unpack_text(const char *file, const char *data, gsize len, gsize most, gsize *out_len,
                   struct diag *d)
{
    const struct unpack_job job = { .data = data, .len = len, .most = most };
    bool is_archive;
    GString *text = import_unpack(file, &job, &is_archive, d);

    if (text == NULL)
        return NULL;
    *out_len = text->len;
    return g_string_free(text, FALSE);
}
