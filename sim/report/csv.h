/*
 * CSV as everybody reads it: RFC 4180, a header always, a point for decimals whatever the locale,
 * an empty field where nothing can be said.
 *
 * Every write is checked: csv_close() tells whether the whole file is on the disk.
 */
#pragma once

#include <gio/gio.h>

#include "base/base.h"

struct csv;

/* DIR/NAME, replaced if it is there. NULL with an error. */
struct csv *csv_create(const char *dir, const char *name, GError **error);

/* The same, appended to `out`; cannot fail. */
struct csv *csv_memory(GString *out);

void csv_text(struct csv *c, const char *text); /* NULL: empty */
void csv_uint(struct csv *c, uint64_t value);
void csv_int(struct csv *c, int64_t value);
void csv_real(struct csv *c, double value); /* not finite: empty */
void csv_empty(struct csv *c);
void csv_end_row(struct csv *c);
/* Several fields, "a,b,c", that need no quotes. */
void csv_more(struct csv *c, const char *fields);
/* A whole row of "a,b,c" that needs no quotes. */
void csv_header(struct csv *c, const char *columns);

/* Closes in any case. False: not everything could be written. c may be NULL (then true). */
bool csv_close(struct csv *c, GError **error);

/* A file in one go, checked in the same way. */
bool write_whole_file(const char *dir, const char *name, const char *text, GError **error);

/* The shortest text that reads back as the same number. */
char *real_text_append(GString *out, double value);

/* Rows (GStrv) of a text as struct csv writes it. */
GPtrArray *csv_parse(const char *text);
/* Rows (GStrv) of a file that csv_create() wrote; the header is the first. NULL with an error. */
GPtrArray *csv_read(const char *path, GError **error);
