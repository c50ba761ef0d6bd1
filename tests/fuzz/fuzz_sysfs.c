/*
 * Any files in /proc and /sys are a machine or a message, and never both. The input is a snapshot
 * as one text: "=sys/devices/system/cpu/online" begins a file, what follows up to the next is in
 * it. Input that does not begin so is taken as an archive.
 */
#include "config/import_archive.h"
#include "config/import_sysfs.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add_text(struct snapshot *s, const char *text)
{
    g_auto(GStrv) files = g_strsplit(text + 1, "\n=", 4000);

    for (char **f = files; *f != NULL; f++) {
        char *content = strchr(*f, '\n');

        if (content != NULL)
            *content++ = '\0';
        if (snapshot_wants(*f))
            snapshot_add(s, *f, content != NULL ? content : "");
    }
}

static void
add_archive(struct snapshot *s, const uint8_t *data, size_t size)
{
    struct unpack_job job = {
        .data = (const char *)data, .len = size, .most = 4 << 20, .wanted = snapshot_wants
    };
    g_autoptr(GString) out = g_string_new(NULL);

    archive_unpack(&job, out);
    if (!g_str_has_prefix(out->str, "files\n"))
        return;
    g_string_erase(out, 0, (gssize)strlen("files\n"));
    if (!snapshot_add_files(s, out))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    struct arena *a = arena_new();
    struct snapshot s;
    struct diag d;

    diag_init(&d);
    snapshot_init(&s, NULL);
    if (*text == '=')
        add_text(&s, text);
    else
        add_archive(&s, data, size);
    if ((import_sysfs("fuzz", &s, a, &d) == NULL) != diag_failed(&d))
        abort();
    snapshot_clear(&s);
    diag_clear(&d);
    arena_free(a);
    return 0;
}
