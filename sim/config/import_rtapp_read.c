/*
 * The text of an rt-app file as a tree.
 *
 * It looks like JSON and is not: the field's own files hold comments, commas too many and too few,
 * keys without a value, and the same key three times in one object where all three count and their
 * order is the program. Every JSON library refuses such a file or, worse, keeps the last of the
 * three; so this is a reader of its own for a format of its own, and no JSON parser.
 *
 * Tolerant means: a comma is white space, and a colon decides whether a key has a value. Nothing
 * else is guessed. Depth, nodes, and the length of a text have limits; the bytes were limited
 * when the file was read. The tree is that of the YAML loader, so that messages name places.
 */
#include "config/import_rtapp_impl.h"

struct reader {
    struct yaml_doc *doc;
    const char *at, *end;
    const char *line_start;
    unsigned line;
    guint depth, nr_nodes;
};

/* False, always. */
static bool
fail(struct reader *r, const char *what)
{
    diag_error(r->doc->diag, r->doc->file, r->line, (unsigned)(r->at - r->line_start) + 1, NULL,
               "%s", what);
    return false;
}

static char
look(const struct reader *r, gsize ahead)
{
    return (gsize)(r->end - r->at) > ahead ? r->at[ahead] : '\0';
}

static void
step(struct reader *r)
{
    if (*r->at++ == '\n') {
        r->line++;
        r->line_start = r->at;
    }
}

static bool
skip_comment(struct reader *r)
{
    struct reader opening = *r;

    if (look(r, 1) == '/') {
        while (r->at < r->end && *r->at != '\n')
            step(r);
        return true;
    }
    step(r);
    step(r);
    while (r->at < r->end && !(look(r, 0) == '*' && look(r, 1) == '/'))
        step(r);
    if (r->at >= r->end)
        return fail(&opening, "the comment has no end; expected '*/'");
    r->at += 2;
    return true;
}

/* White space, comments, and commas if they mean nothing here. False: an error. */
static bool
skip(struct reader *r, bool commas)
{
    while (r->at < r->end) {
        if (g_ascii_isspace(*r->at) || (commas && *r->at == ',')) {
            step(r);
        } else if (*r->at == '/' && (look(r, 1) == '*' || look(r, 1) == '/')) {
            if (!skip_comment(r))
                return false;
        } else {
            return true;
        }
    }
    return true;
}

static struct ynode *
node_new(struct reader *r, enum ynode_kind kind)
{
    struct ynode *n;

    if (++r->nr_nodes > RTAPP_NODES_MAX) {
        fail(r, "there are too many values; expected at most 500000");
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
    const char *known = look(r, 0) != '\0' ? strchr(from, look(r, 0)) : NULL;
    gunichar c = 0;

    if (known != NULL) {
        g_string_append_c(out, to[known - from]);
        step(r);
        return true;
    }
    if (look(r, 0) != 'u')
        return fail(r, "this escape is not known; expected one of \\\" \\\\ \\/ \\n \\t \\u0000");
    for (gsize i = 1; i <= 4; i++) {
        if (!g_ascii_isxdigit(look(r, i)))
            return fail(r, "expected four hexadecimal digits after \\u");
        c = c * 16 + (gunichar)g_ascii_xdigit_value(look(r, i));
    }
    if (c == 0 || !g_unichar_validate(c))
        return fail(r, "this \\u escape is no character");
    g_string_append_unichar(out, c);
    r->at += 5;
    return true;
}

static struct ynode *
read_string(struct reader *r)
{
    struct reader opening = *r;
    struct ynode *n = node_new(r, YNODE_SCALAR);
    g_autoptr(GString) text = g_string_new(NULL);

    if (n == NULL)
        return NULL;
    step(r);
    while (r->at < r->end && *r->at != '"') {
        if ((guchar)*r->at < 0x20 && *r->at != '\t') {
            fail(&opening, "the text has no closing '\"' on its line");
            return NULL;
        }
        if (text->len >= RTAPP_TEXT_MAX) {
            fail(&opening, "the text is longer than 1000 characters");
            return NULL;
        }
        if (*r->at != '\\')
            g_string_append_c(text, *r->at++);
        else if (r->at++, !read_escape(r, text))
            return NULL;
    }
    if (r->at >= r->end) {
        fail(&opening, "the text has no closing '\"'");
        return NULL;
    }
    r->at++;
    n->text = arena_strdup(r->doc->arena, text->str);
    n->quoted = true;
    return n;
}

/* A number, true, false or null: what they are worth is for the reader of the key to say. */
static struct ynode *
read_word(struct reader *r)
{
    struct ynode *n = node_new(r, YNODE_SCALAR);
    gsize len = 0;

    while (len <= RTAPP_TEXT_MAX && (g_ascii_isalnum(look(r, len)) || look(r, len) == '_' ||
                                     (look(r, len) != '\0' && strchr("+-.", look(r, len)))))
        len++;
    if (n == NULL)
        return NULL;
    if (len == 0 || len > RTAPP_TEXT_MAX) {
        fail(r, "expected a value: a number, a text in quotes, '{' or '['");
        return NULL;
    }
    n->text = arena_printf(r->doc->arena, "%.*s", (int)len, r->at);
    r->at += len;
    return n;
}

static struct ynode *read_value(struct reader *r);

static struct ynode **
to_arena(struct reader *r, const GPtrArray *array)
{
    struct ynode **copy = arena_new_array(r->doc->arena, struct ynode *, array->len);

    if (array->len > 0)
        memcpy(copy, array->pdata, array->len * sizeof(*copy));
    return copy;
}

static void
adopt(struct ynode *parent, struct ynode *child, const char *key, guint index)
{
    child->parent = parent;
    child->key = key;
    child->index = index;
}

/* What stands behind a key: its value, or nothing. */
static struct ynode *
read_behind_key(struct reader *r)
{
    if (!skip(r, false))
        return NULL;
    if (look(r, 0) != ':')
        return node_new(r, YNODE_SCALAR);
    step(r);
    if (!skip(r, false))
        return NULL;
    if (r->at < r->end && (*r->at == ',' || *r->at == '}'))
        return node_new(r, YNODE_SCALAR);
    return read_value(r);
}

static bool
read_pairs(struct reader *r, struct ynode *n, GPtrArray *keys, GPtrArray *values)
{
    for (;;) {
        if (!skip(r, true))
            return false;
        if (look(r, 0) == '}') {
            step(r);
            return true;
        }
        if (look(r, 0) != '"')
            return fail(r, r->at >= r->end ? "the file ends inside of '{'; expected '}'"
                                           : "expected a key in quotes, or '}'");
        struct ynode *key = read_string(r);
        struct ynode *value = key == NULL ? NULL : read_behind_key(r);
        if (value == NULL)
            return false;
        adopt(n, key, key->text, keys->len);
        adopt(n, value, key->text, keys->len);
        g_ptr_array_add(keys, key);
        g_ptr_array_add(values, value);
    }
}

static bool
read_items(struct reader *r, struct ynode *n, GPtrArray *items)
{
    for (;;) {
        if (!skip(r, true))
            return false;
        if (look(r, 0) == ']') {
            step(r);
            return true;
        }
        if (r->at >= r->end)
            return fail(r, "the file ends inside of '['; expected ']'");
        struct ynode *item = read_value(r);
        if (item == NULL)
            return false;
        adopt(n, item, NULL, items->len);
        g_ptr_array_add(items, item);
    }
}

static struct ynode *
read_group(struct reader *r)
{
    bool is_map = look(r, 0) == '{';
    struct ynode *n = node_new(r, is_map ? YNODE_MAP : YNODE_SEQ);
    g_autoptr(GPtrArray) keys = g_ptr_array_new(), values = g_ptr_array_new();

    if (n == NULL)
        return NULL;
    if (r->depth >= RTAPP_DEPTH_MAX) {
        fail(r, "is nested deeper than 16");
        return NULL;
    }
    r->depth++;
    step(r);
    if (!(is_map ? read_pairs(r, n, keys, values) : read_items(r, n, values)))
        return NULL;
    r->depth--;
    n->nr = values->len;
    n->values = to_arena(r, values);
    n->keys = is_map ? to_arena(r, keys) : NULL;
    return n;
}

static struct ynode *
read_value(struct reader *r)
{
    switch (look(r, 0)) {
    case '{':
    case '[':
        return read_group(r);
    case '"':
        return read_string(r);
    default:
        return read_word(r);
    }
}

bool
rtapp_read(struct yaml_doc *doc, const char *path, const char *text, gsize len)
{
    struct reader r = { .doc = doc, .at = text, .end = text + len, .line_start = text, .line = 1 };

    doc->file = arena_strdup(doc->arena, path);
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r.at = r.line_start = text + 3;
    if (!skip(&r, false))
        return false;
    if (look(&r, 0) != '{')
        return fail(&r, "expected '{', the beginning of an rt-app file");
    if ((doc->root = read_group(&r)) == NULL || !skip(&r, true))
        return false;
    return r.at >= r.end || fail(&r, "expected the end of the file after its last '}'");
}

bool
looks_like_rtapp(const char *text, gsize len)
{
    static const char *const ours[] = { "version",   "name",          "doc",     "parameters",
                                        "reference", "distributions", "regions", "sync",
                                        "processes", "cgroups",       "devices", "base",
                                        "set",       "duration",      NULL };
    struct diag d;
    struct arena *a = arena_new();
    struct yaml_doc doc = { .arena = a, .diag = &d, .file = "" };
    struct reader r = { .doc = &doc, .at = text, .end = text + len, .line_start = text, .line = 1 };
    bool looks = false;

    diag_init(&d);
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r.at += 3;
    if (skip(&r, false) && look(&r, 0) == '{') {
        step(&r);
        struct ynode *key = skip(&r, false) && look(&r, 0) == '"' ? read_string(&r) : NULL;
        looks = key != NULL && !g_strv_contains(ours, key->text);
    }
    diag_clear(&d);
    arena_free(a);
    return looks;
}
