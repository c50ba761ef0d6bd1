/*
 * YAML as a tree with places.
 *
 * libyaml's own document API loses nothing but checks nothing: a file of a few lines in which every
 * list holds the list before it ten times unfolds to gigabytes. So we listen to its events and
 * build the tree ourselves, counting as we go: depth, nodes, and nodes made by aliases each have a
 * limit, and the first one that is passed ends the reading. An alias becomes a copy of what it
 * names, so that every node has one parent and one path; the copy keeps the line on which its text
 * stands, because that is the line a person has to mend.
 *
 * Only what can be written down without surprise is accepted: no tags, no complex keys, no key
 * twice, no second document.
 */
#include "config/yaml_tree.h"

#include <yaml.h>

/* A list or map whose end has not been seen. */
struct open_node {
    struct ynode *node;
    GPtrArray *children; /* values, or key, value, key, value... */
    GHashTable *seen;    /* of a map: key text > first node with it */
    const char *anchor;
    struct ynode *key; /* of a map: waiting for its value */
    bool skip_value;   /* of a map: the value of a duplicate key is read and dropped */
};

struct builder {
    struct yaml_doc *doc;
    const char *text;
    gsize len;
    GArray *open;        /* struct open_node */
    GHashTable *anchors; /* name > finished node */
    guint nr_nodes, nr_alias_nodes;
    guint nr_documents;
};

static bool
fail_at(struct builder *b, yaml_mark_t mark, const char *path, const char *what)
{
    diag_error(b->doc->diag, b->doc->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1, path,
               "%s", what);
    return false;
}

static struct ynode *
node_new(struct builder *b, enum ynode_kind kind, yaml_mark_t mark)
{
    struct ynode *n = arena_new_object(b->doc->arena, struct ynode);

    n->kind = kind;
    n->line = (unsigned)mark.line + 1;
    n->column = (unsigned)mark.column + 1;
    b->nr_nodes++;
    return n;
}

static struct open_node *
innermost(struct builder *b)
{
    return b->open->len > 0 ? &g_array_index(b->open, struct open_node, b->open->len - 1) : NULL;
}

/* A scalar where a map expects a key. */
static bool
place_key(struct builder *b, struct open_node *in, struct ynode *n, yaml_mark_t mark)
{
    const struct ynode *first;

    if (n->kind != YNODE_SCALAR)
        return fail_at(b, mark, NULL, "a key must be a word, not a list or a map");
    n->parent = in->node;
    n->key = n->text;
    in->key = n;
    first = g_hash_table_lookup(in->seen, n->text);
    in->skip_value = first != NULL;
    if (first != NULL)
        ynode_error(b->doc, n, "this key stands on line %u already; keep one of them", first->line);
    else
        g_hash_table_insert(in->seen, g_strdup(n->text), n);
    return true;
}

/* Hangs a node into the list or map that is being read. */
static bool
place(struct builder *b, struct ynode *n, yaml_mark_t mark)
{
    struct open_node *in = innermost(b);

    if (in == NULL) {
        b->doc->root = n;
        return true;
    }
    if (in->node->kind == YNODE_MAP && in->key == NULL)
        return place_key(b, in, n, mark);
    n->parent = in->node;
    if (in->node->kind == YNODE_MAP) {
        n->key = in->key->text;
        if (!in->skip_value) {
            g_ptr_array_add(in->children, in->key);
            g_ptr_array_add(in->children, n);
        }
        in->key = NULL;
    } else {
        n->index = in->children->len;
        g_ptr_array_add(in->children, n);
    }
    return true;
}

static bool
check_limits(struct builder *b, yaml_mark_t mark)
{
    if (b->open->len >= YAML_DEPTH_MAX)
        return fail_at(b, mark, NULL, "lists and maps are nested deeper than 48 levels");
    if (b->nr_nodes >= YAML_NODES_MAX)
        return fail_at(b, mark, NULL, "the file has more than 1000000 values");
    return true;
}

static bool
check_tag(struct builder *b, const yaml_char_t *tag, yaml_mark_t mark)
{
    if (tag != NULL)
        return fail_at(b, mark, NULL, "tags ('!...') have no meaning here; leave the tag out");
    return true;
}

static void
remember_anchor(struct builder *b, const char *anchor, struct ynode *n)
{
    if (anchor != NULL)
        g_hash_table_replace(b->anchors, g_strdup(anchor), n);
}

static bool
on_scalar(struct builder *b, const yaml_event_t *ev)
{
    const char *text = (const char *)ev->data.scalar.value;

    if (!check_limits(b, ev->start_mark) || !check_tag(b, ev->data.scalar.tag, ev->start_mark))
        return false;
    if (strlen(text) != ev->data.scalar.length)
        return fail_at(b, ev->start_mark, NULL, "a text holds a NUL character");
    struct ynode *n = node_new(b, YNODE_SCALAR, ev->start_mark);
    n->text = arena_strdup(b->doc->arena, text);
    n->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    remember_anchor(b, (const char *)ev->data.scalar.anchor, n);
    return place(b, n, ev->start_mark);
}

static bool
on_start(struct builder *b, enum ynode_kind kind, const yaml_event_t *ev, const yaml_char_t *tag,
         const yaml_char_t *anchor)
{
    if (!check_limits(b, ev->start_mark) || !check_tag(b, tag, ev->start_mark))
        return false;
    struct open_node o = { .node = node_new(b, kind, ev->start_mark) };
    if (!place(b, o.node, ev->start_mark))
        return false;
    o.children = g_ptr_array_new();
    if (kind == YNODE_MAP)
        o.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (anchor != NULL)
        o.anchor = arena_strdup(b->doc->arena, (const char *)anchor);
    g_array_append_val(b->open, o);
    return true;
}

static void
open_node_clear(gpointer data)
{
    struct open_node *o = data;

    g_ptr_array_unref(o->children);
    if (o->seen != NULL)
        g_hash_table_unref(o->seen);
}

static bool
on_end(struct builder *b)
{
    struct open_node *o = innermost(b);
    struct ynode *n = o->node;
    guint step = n->kind == YNODE_MAP ? 2 : 1;

    n->nr = o->children->len / step;
    n->values = arena_new_array(b->doc->arena, struct ynode *, n->nr);
    if (n->kind == YNODE_MAP)
        n->keys = arena_new_array(b->doc->arena, struct ynode *, n->nr);
    for (guint i = 0; i < n->nr; i++) {
        n->values[i] = g_ptr_array_index(o->children, i * step + step - 1);
        if (n->kind == YNODE_MAP)
            n->keys[i] = g_ptr_array_index(o->children, i * step);
    }
    remember_anchor(b, o->anchor, n);
    g_array_set_size(b->open, b->open->len - 1);
    return true;
}

/* NULL: the limit is passed. Depth is bounded by that of the original, which is bounded. */
static struct ynode *
copy_node(struct builder *b, const struct ynode *from)
{
    struct ynode *n = arena_new_object(b->doc->arena, struct ynode);

    if (++b->nr_alias_nodes > YAML_ALIAS_NODES_MAX)
        return NULL;
    *n = *from;
    if (n->kind == YNODE_SCALAR)
        return n;
    n->values = arena_new_array(b->doc->arena, struct ynode *, n->nr);
    for (guint i = 0; i < n->nr; i++) {
        n->values[i] = copy_node(b, from->values[i]);
        if (n->values[i] == NULL)
            return NULL;
        n->values[i]->parent = n;
    }
    return n;
}

static guint
height(const struct ynode *n)
{
    guint most = 0;

    for (guint i = 0; n->kind != YNODE_SCALAR && i < n->nr; i++)
        most = MAX(most, height(n->values[i]));
    return most + 1;
}

static bool
on_alias(struct builder *b, const yaml_event_t *ev)
{
    const char *name = (const char *)ev->data.alias.anchor;
    const struct ynode *from = g_hash_table_lookup(b->anchors, name);

    if (!check_limits(b, ev->start_mark))
        return false;
    if (from == NULL) {
        g_autofree char *excerpt = diag_excerpt(name);
        g_autofree char *what = g_strdup_printf("'*%s' names no anchor that ends before this line; "
                                                "write '&%s' at the value that it repeats",
                                                excerpt, excerpt);
        return fail_at(b, ev->start_mark, NULL, what);
    }
    struct ynode *n = copy_node(b, from);
    if (n == NULL)
        return fail_at(b, ev->start_mark, NULL,
                       "aliases ('*name') unfold to more than 20000 values");
    if (b->open->len + height(n) > YAML_DEPTH_MAX)
        return fail_at(b, ev->start_mark, NULL, "lists and maps are nested deeper than 48 levels");
    n->key = NULL;
    return place(b, n, ev->start_mark);
}

/* Where the byte at `offset` stands, counted in characters. */
static yaml_mark_t
mark_of_offset(const struct builder *b, gsize offset)
{
    yaml_mark_t mark = { 0 };

    for (gsize i = 0; i < offset && i < b->len; i++) {
        if (b->text[i] == '\n')
            mark.line++, mark.column = 0;
        else if (((guchar)b->text[i] & 0xc0) != 0x80)
            mark.column++;
    }
    return mark;
}

static bool
tab_at(const struct builder *b, yaml_mark_t mark)
{
    const char *at = b->text, *end = b->text + b->len;

    for (gsize line = 0; line < mark.line && at < end; line++) {
        const char *newline = memchr(at, '\n', (gsize)(end - at));
        at = newline == NULL ? end : newline + 1;
    }
    for (gsize column = 0; column < mark.column && at < end; at++)
        column += ((guchar)at[0] & 0xc0) != 0x80;
    return at < end && *at == '\t';
}

static bool
on_syntax_error(struct builder *b, const yaml_parser_t *parser)
{
    yaml_mark_t mark = parser->problem_mark;

    if (parser->error == YAML_READER_ERROR) {
        mark = mark_of_offset(b, parser->problem_offset);
        return fail_at(b, mark, NULL, "the text is not UTF-8; save the file as UTF-8");
    }
    if (parser->error == YAML_MEMORY_ERROR)
        return fail_at(b, mark, NULL, "out of memory");
    if (tab_at(b, mark))
        return fail_at(b, mark, NULL, "a tab cannot stand here; indent with spaces");
    g_autofree char *what =
        g_strdup_printf("%s%s%s; this is not YAML", parser->context ? parser->context : "",
                        parser->context ? ": " : "", parser->problem);
    return fail_at(b, mark, NULL, what);
}

static bool
on_event(struct builder *b, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(b, ev);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(b, YNODE_SEQ, ev, ev->data.sequence_start.tag,
                        ev->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return on_start(b, YNODE_MAP, ev, ev->data.mapping_start.tag,
                        ev->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(b);
    case YAML_ALIAS_EVENT:
        return on_alias(b, ev);
    case YAML_DOCUMENT_START_EVENT:
        if (b->nr_documents++ > 0)
            return fail_at(b, ev->start_mark, NULL, "a second document begins; one a file");
        return true;
    default:
        return true;
    }
}

static bool
build(struct builder *b)
{
    yaml_parser_t parser;
    bool ok = true, end = false;

    if (!yaml_parser_initialize(&parser))
        g_error("out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)b->text, b->len);
    while (ok && !end) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&parser, &ev)) {
            ok = on_syntax_error(b, &parser);
            break;
        }
        ok = on_event(b, &ev);
        end = ev.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&parser);
    if (ok && b->doc->root == NULL) {
        diag_error(b->doc->diag, b->doc->file, 1, 1, NULL, "the file is empty");
        return false;
    }
    return ok;
}

bool
yaml_load_text(struct yaml_doc *doc, const char *name, const char *text, gsize len, struct arena *a,
               struct diag *d)
{
    struct builder b = { .doc = doc, .text = text, .len = len };

    *doc = (struct yaml_doc){ .file = arena_strdup(a, name), .arena = a, .diag = d };
    if (len > YAML_BYTES_MAX) {
        diag_error(d, doc->file, 0, 0, NULL, "the file is larger than 16 MiB");
        return false;
    }
    b.open = g_array_new(FALSE, FALSE, sizeof(struct open_node));
    g_array_set_clear_func(b.open, open_node_clear);
    b.anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool ok = build(&b);
    g_array_unref(b.open);
    g_hash_table_unref(b.anchors);
    return ok;
}

bool
yaml_load_file(struct yaml_doc *doc, const char *path, struct arena *a, struct diag *d)
{
    g_autofree char *text = NULL;
    gsize len;

    if (!read_whole_file(path, YAML_BYTES_MAX, &text, &len, d))
        return false;
    return yaml_load_text(doc, path, text, len, a, d);
}
