/*
 * The tokens of an rt-app file: white space and comments, texts, words. Whatever has no end is told
 * where it begins.
 */
#include "config/import_rtapp_read.h"

bool
rtread_fail(struct reader *r, const char *what)
{
    diag_error(r->doc->diag, r->doc->file, r->line, (unsigned)(r->at - r->line_start) + 1, NULL,
               "%s", what);
    return false;
}

static bool
skip_comment(struct reader *r)
{
    struct reader opening = *r;

    if (rtread_look(r, 1) == '/') {
        while (r->at < r->end && *r->at != '\n')
            rtread_step(r);
        return true;
    }
    rtread_step(r);
    rtread_step(r);
    while (r->at < r->end && !(rtread_look(r, 0) == '*' && rtread_look(r, 1) == '/'))
        rtread_step(r);
    if (r->at >= r->end)
        return rtread_fail(&opening, "the comment has no end; expected '*/'");
    r->at += 2;
    return true;
}

bool
rtread_skip(struct reader *r, bool commas)
{
    while (r->at < r->end) {
        if (g_ascii_isspace(*r->at) || (commas && *r->at == ',')) {
            rtread_step(r);
        } else if (*r->at == '/' && (rtread_look(r, 1) == '*' || rtread_look(r, 1) == '/')) {
            if (!skip_comment(r))
                return false;
        } else {
            return true;
        }
    }
    return true;
}

struct ynode *
rtread_node(struct reader *r, enum ynode_kind kind)
{
    struct ynode *n;

    if (++r->nr_nodes > RTAPP_NODES_MAX) {
        rtread_fail(r, "there are too many values; expected at most 500000");
        return NULL;
    }
    n = arena_new_object(r->doc->arena, struct ynode);
    n->kind = kind;
    n->line = r->line;
    n->column = (unsigned)(r->at - r->line_start) + 1;
    n->text = "";
    return n;
}

/* The character that an escape stands for, appended; `at` is behind the backslash. */
static bool
read_escape(struct reader *r, GString *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *known = rtread_look(r, 0) != '\0' ? strchr(from, rtread_look(r, 0)) : NULL;
    gunichar c = 0;

    if (known != NULL) {
        g_string_append_c(out, to[known - from]);
        rtread_step(r);
        return true;
    }
    if (rtread_look(r, 0) != 'u')
        return rtread_fail(
            r, "this escape is not known; expected one of \\\" \\\\ \\/ \\n \\t \\u0000");
    for (gsize i = 1; i <= 4; i++) {
        if (!g_ascii_isxdigit(rtread_look(r, i)))
            return rtread_fail(r, "expected four hexadecimal digits after \\u");
        c = c * 16 + (gunichar)g_ascii_xdigit_value(rtread_look(r, i));
    }
    if (c == 0 || !g_unichar_validate(c))
        return rtread_fail(r, "this \\u escape is no character");
    g_string_append_unichar(out, c);
    r->at += 5;
    return true;
}

struct ynode *
rtread_string(struct reader *r)
{
    struct reader opening = *r;
    struct ynode *n = rtread_node(r, YNODE_SCALAR);
    g_autoptr(GString) text = g_string_new(NULL);

    if (n == NULL)
        return NULL;
    rtread_step(r);
    while (r->at < r->end && *r->at != '"') {
        if ((guchar)*r->at < 0x20 && *r->at != '\t') {
            rtread_fail(&opening, "the text has no closing '\"' on its line");
            return NULL;
        }
        if (text->len >= RTAPP_TEXT_MAX) {
            rtread_fail(&opening, "the text is longer than 1000 characters");
            return NULL;
        }
        if (*r->at != '\\')
            g_string_append_c(text, *r->at++);
        else if (r->at++, !read_escape(r, text))
            return NULL;
    }
    if (r->at >= r->end) {
        rtread_fail(&opening, "the text has no closing '\"'");
        return NULL;
    }
    r->at++;
    n->text = arena_strdup(r->doc->arena, text->str);
    n->quoted = true;
    return n;
}

struct ynode *
rtread_word(struct reader *r)
{
    struct ynode *n = rtread_node(r, YNODE_SCALAR);
    gsize len = 0;

    while (len <= RTAPP_TEXT_MAX &&
           (g_ascii_isalnum(rtread_look(r, len)) || rtread_look(r, len) == '_' ||
            (rtread_look(r, len) != '\0' && strchr("+-.", rtread_look(r, len)))))
        len++;
    if (n == NULL)
        return NULL;
    if (len == 0 || len > RTAPP_TEXT_MAX) {
        rtread_fail(r, "expected a value: a number, a text in quotes, '{' or '['");
        return NULL;
    }
    n->text = arena_printf(r->doc->arena, "%.*s", (int)len, r->at);
    r->at += len;
    return n;
}
