/*
 * The log of a sweep: points.log, one record for each point that has ended, by its key.
 *
 * While a sweep is at work records are appended as points end. A record is there as a whole or not
 * at all: it has its length and a hash, and what a killed program left half-written at the end is
 * cut off by the next one. A sweep that is through writes the log anew in the order of its points.
 *
 *     numasim points 1
 *     point KEY STATUS CODE BYTES SUM
 *     <that many bytes>
 */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

struct points_log;

/* DIR/points.log, made if it is not there. `write`: records will be added. NULL with an error. */
struct points_log *points_log_open(const char *dir, bool write, GError **error);
void points_log_close(struct points_log *log);

struct point_record {
    char status[16]; /* done, failed, crashed */
    int code;        /* exit code of the point */
    goffset at;
    gsize bytes; /* of the payload */
};

/* The last record of the key, or NULL. */
const struct point_record *points_log_find(const struct points_log *log, const char *key);
/* Its payload; NULL if it cannot be read. Caller g_free()s. */
char *points_log_payload(const struct points_log *log, const struct point_record *r,
                         GError **error);

bool points_log_add(struct points_log *log, const char *key, const char *status, int code,
                    const char *payload, gsize bytes, GError **error);
/* What was added is on the disk. */
bool points_log_sync(struct points_log *log, GError **error);

/* Copies the records of these keys, as far as there are any, to a new log in another folder. */
bool points_log_copy(const struct points_log *log, const char *const *keys, guint nr,
                     struct points_log *to, GError **error);
