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
#include "config/import_rtapp_read.h"

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
    if (!rtread_skip(r, false))
        return NULL;
    if (rtread_look(r, 0) != ':')
        return rtread_node(r, YNODE_SCALAR);
    rtread_step(r);
    if (!rtread_skip(r, false))
        return NULL;
    if (r->at < r->end && (*r->at == ',' || *r->at == '}'))
        return rtread_node(r, YNODE_SCALAR);
    return read_value(r);
}

static bool
read_pairs(struct reader *r, struct ynode *n, GPtrArray *keys, GPtrArray *values)
{
    for (;;) {
        if (!rtread_skip(r, true))
            return false;
        if (rtread_look(r, 0) == '}') {
            rtread_step(r);
            return true;
        }
        if (rtread_look(r, 0) != '"')
            return rtread_fail(r, r->at >= r->end ? "the file ends inside of '{'; expected '}'"
                                                  : "expected a key in quotes, or '}'");
        struct ynode *key = rtread_string(r);
        struct ynode *value = key == NULL ? NULL : read_behind_key(r);
        if (value == NULL)
            return false;
        if (keys->len >= RTAPP_KEYS_MAX)
            return rtread_fail(r, "there are more than 10000 keys in one object");
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
        if (!rtread_skip(r, true))
            return false;
        if (rtread_look(r, 0) == ']') {
            rtread_step(r);
            return true;
        }
        if (r->at >= r->end)
            return rtread_fail(r, "the file ends inside of '['; expected ']'");
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
    bool is_map = rtread_look(r, 0) == '{';
    struct ynode *n = rtread_node(r, is_map ? YNODE_MAP : YNODE_SEQ);
    g_autoptr(GPtrArray) keys = g_ptr_array_new(), values = g_ptr_array_new();

    if (n == NULL)
        return NULL;
    if (r->depth >= RTAPP_DEPTH_MAX) {
        rtread_fail(r, "is nested deeper than 16");
        return NULL;
    }
    r->depth++;
    rtread_step(r);
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
    switch (rtread_look(r, 0)) {
    case '{':
    case '[':
        return read_group(r);
    case '"':
        return rtread_string(r);
    default:
        return rtread_word(r);
    }
}

bool
rtapp_read(struct yaml_doc *doc, const char *path, const char *text, gsize len)
{
    struct reader r = { .doc = doc, .at = text, .end = text + len, .line_start = text, .line = 1 };

    doc->file = arena_strdup(doc->arena, path);
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r.at = r.line_start = text + 3;
    if (!rtread_skip(&r, false))
        return false;
    if (rtread_look(&r, 0) != '{')
        return rtread_fail(&r, "expected '{', the beginning of an rt-app file");
    if ((doc->root = read_group(&r)) == NULL || !rtread_skip(&r, true))
        return false;
    return r.at >= r.end || rtread_fail(&r, "expected the end of the file after its last '}'");
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
    if (rtread_skip(&r, false) && rtread_look(&r, 0) == '{') {
        rtread_step(&r);
        struct ynode *key =
            rtread_skip(&r, false) && rtread_look(&r, 0) == '"' ? rtread_string(&r) : NULL;
        looks = key != NULL && !g_strv_contains(ours, key->text);
    }
    diag_clear(&d);
    arena_free(a);
    return looks;
}
