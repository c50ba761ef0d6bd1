#include "config/file_reference.h"

#include <errno.h>
#include <stdio.h>

enum { CHUNK = 1 << 16 };

char *
file_sha256(const char *path, struct diag *d)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree guchar *chunk = g_malloc(CHUNK);
    FILE *f = fopen(path, "rb");
    gsize got;

    if (f == NULL) {
        diag_error(d, path, 0, 0, NULL, "cannot be opened: %s", g_strerror(errno));
        return NULL;
    }
    while ((got = fread(chunk, 1, CHUNK, f)) > 0)
        g_checksum_update(sum, chunk, (gssize)got);
    fclose(f);
    return g_strdup(g_checksum_get_string(sum));
}

/* Both absolute and without dots. */
static char *
relative_to(const char *dir, const char *path)
{
    g_auto(GStrv) from = g_strsplit(dir, "/", -1), to = g_strsplit(path, "/", -1);
    GString *out = g_string_new(NULL);
    guint same = 0;

    while (from[same] != NULL && to[same] != NULL && strcmp(from[same], to[same]) == 0)
        same++;
    for (guint i = same; from[i] != NULL; i++)
        if (*from[i] != '\0')
            g_string_append(out, "../");
    for (guint i = same; to[i] != NULL; i++)
        g_string_append_printf(out, "%s%s", i > same ? "/" : "", to[i]);
    return g_string_free(out, FALSE);
}

char *
file_seen_from(const char *dir, const char *path)
{
    g_autofree char *whole = g_canonicalize_filename(path, NULL);

    if (dir == NULL)
        return g_steal_pointer(&whole);
    g_autofree char *from = g_canonicalize_filename(dir, NULL);
    return relative_to(from, whole);
}

char *
file_beside(const char *name, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(name);

    return g_path_is_absolute(path) ? g_strdup(path) : g_build_filename(folder, path, NULL);
}
