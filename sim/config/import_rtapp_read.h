/* The reader of rt-app's text: where it is, and the tokens (import_rtapp_token.c). */
#pragma once

#include "config/import_rtapp_impl.h"

struct reader {
    struct yaml_doc *doc;
    const char *at, *end;
    const char *line_start;
    unsigned line;
    guint depth, nr_nodes;
};

static inline char
rtread_look(const struct reader *r, gsize ahead)
{
    return (gsize)(r->end - r->at) > ahead ? r->at[ahead] : '\0';
}

static inline void
rtread_step(struct reader *r)
{
    if (*r->at++ == '\n') {
        r->line++;
        r->line_start = r->at;
    }
}

/* An error here. False, always. */
bool rtread_fail(struct reader *r, const char *what);
/* White space, comments, and commas if they mean nothing here. False: an error. */
bool rtread_skip(struct reader *r, bool commas);
/* NULL: an error. */
struct ynode *rtread_node(struct reader *r, enum ynode_kind kind);
struct ynode *rtread_string(struct reader *r);
/* A number, true, false or null: what they are worth is for the reader of the key to say. */
struct ynode *rtread_word(struct reader *r);
