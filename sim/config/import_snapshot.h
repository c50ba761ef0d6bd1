/*
 * A snapshot of /proc and /sys: the few files of it that describe a machine, whether they come from
 * an archive in memory, from a folder, or from the machine that we run on.
 */
#pragma once

#include "config/diag.h"

struct snapshot {
    char *root;        /* of a folder; NULL: all is in `files` */
    GHashTable *files; /* "sys/devices/system/node/online" -> content */
};

/* Does the path, inside an archive, name a file that snapshot_add() would keep? */
bool snapshot_wants(const char *path);

void snapshot_init(struct snapshot *s, const char *root);
void snapshot_clear(struct snapshot *s);

/* `path` as in the archive, whatever folder it begins with. */
void snapshot_add(struct snapshot *s, const char *path, const char *content);
/* All that archive_unpack() found. False: it is not as agreed. */
bool snapshot_add_files(struct snapshot *s, const GString *files);

/* The content without its last line end, NULL if there is no such file. The caller frees. */
char *snapshot_read(const struct snapshot *s, const char *fmt, ...) SIM_PRINTF(2, 3);
bool snapshot_has(const struct snapshot *s, const char *fmt, ...) SIM_PRINTF(2, 3);

/* One whole number, or `otherwise`. */
gint64 snapshot_number(const struct snapshot *s, gint64 otherwise, const char *fmt, ...)
    SIM_PRINTF(3, 4);

/* The DAX devices of the machine, each as the path of its "target_node" file. */
GPtrArray *snapshot_dax_devices(const struct snapshot *s);
