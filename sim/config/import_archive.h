/*
 * Compressed files and archives, through libarchive in a sandbox: gzip, bzip2, xz and zstd by their
 * first bytes, and inside them one text or a tar archive. Nothing is written to the disk.
 */
#pragma once

#include "config/diag.h"

bool looks_like_compressed(const char *data, gsize len);
bool looks_like_tar(const char *data, gsize len);

struct unpack_job {
    const char *data;
    gsize len;
    gsize most; /* bytes of all entries of an archive; a text has 64 MiB at most */
    bool (*wanted)(const char *path); /* entries to keep; NULL: an archive is refused */
};

/*
 * Runs in the sandbox. One line, "text", "files" or "refused WHY"; then the text, or for each entry
 * its path, its content ("-> TARGET" for a symbolic link) and for both a zero byte at the end.
 */
void archive_unpack(void *job, GString *out);

/*
 * The same in safety: the whole answer without its first line, NULL with a message in diag. Caller
 * frees. *is_archive tells the two apart.
 */
GString *import_unpack(const char *file, const struct unpack_job *job, bool *is_archive,
                       struct diag *d);

/* One text out of gzip, bzip2, xz or zstd. NULL: a message is in diag. Caller frees. */
char *import_unpack_text(const char *file, const char *data, gsize len, gsize most, gsize *out_len,
                         struct diag *d);
