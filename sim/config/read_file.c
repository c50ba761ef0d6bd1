/*
 * Files are read whole, with a limit: GLib's own reader has none, and a user may name /dev/zero, or
 * pipe something without an end into "-".
 */
#include "config/yaml_tree.h"

#include <errno.h>
#include <stdio.h>

bool
read_whole_file(const char *path, gsize most, char **text, gsize *len, struct diag *d)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "rb");
    g_autoptr(GString) all = g_string_new(NULL);
    char chunk[65536];
    gsize got;

    if (f == NULL) {
        diag_error(d, path, 0, 0, NULL, "cannot be opened: %s", g_strerror(errno));
        return false;
    }
    while (all->len <= most && (got = fread(chunk, 1, sizeof(chunk), f)) > 0)
        g_string_append_len(all, chunk, (gssize)got);
    bool failed = ferror(f);
    int why = errno;
    if (!is_stdin)
        fclose(f);
    if (failed)
        diag_error(d, path, 0, 0, NULL, "cannot be read: %s", g_strerror(why));
    else if (all->len > most)
        diag_error(d, path, 0, 0, NULL, "is larger than %zu MiB", most >> 20);
    if (failed || all->len > most)
        return false;
    *len = all->len;
    *text = g_string_free(g_steal_pointer(&all), FALSE);
    return true;
}
