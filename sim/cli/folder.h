/*
 * Output folders. Everything is written into a temporary folder beside the final place and renamed
 * when it is complete: whoever looks sees the old result or the new one, never half of one.
 */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

struct folder {
    char *final, *temporary;
    char *made; /* the topmost of the folders above that had to be made; NULL: none */
    bool merge; /* into a folder that numasim did not make */
};

/* `chosen`: the user gave the name (-o). The folder must then not exist, unless `force`. A default
 * folder is replaced if numasim made it. */
bool folder_begin(struct folder *f, const char *final, bool chosen, bool force, GError **error);
/* To its final place. */
bool folder_finish(struct folder *f, GError **error);
/* Throws away what was written. */
void folder_discard(struct folder *f);

/* "PATH: what the system says of `code`, an errno"; returns false. */
bool folder_fail(GError **error, const char *path, int code);
/* rm -r, links not followed. */
void remove_tree(const char *path);
/* Whether numasim made the folder: its manifest says so, and does not call the folder shared. */
bool folder_is_ours(const char *path);
