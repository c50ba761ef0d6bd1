/*
 * Files that a resolved.yaml does not hold but refer to: traces, plugins, scripts. They are named
 * by their path from its folder, and by what they hold.
 */
#pragma once

#include "config/diag.h"

/* Hexadecimal SHA-256 of the file (caller frees). NULL: a message in diag. */
char *file_sha256(const char *path, struct diag *d);
/* `path` as seen from the folder `dir`; NULL: from anywhere, absolute. Caller frees. */
char *file_seen_from(const char *dir, const char *path);
/* `path` as the file `name` means it: from that file's folder. Caller frees. */
char *file_beside(const char *name, const char *path);
