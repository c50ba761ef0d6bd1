/*
 * Parameters of a workload file: declared with a default and a sentence, set from the command line
 * or by a file that is based on this one, and put as text wherever `$name` stands.
 *
 * Text is enough because a parameter is checked against its type before it is put anywhere, and one
 * that is an expression is put in parentheses. The substitution happens in the tree, so that every
 * message still names the place that a person wrote.
 *
 * The text that resolved.yaml keeps is the tree before that, with the values as new defaults: it
 * loads to the same workload, and can still be changed with --set. It leaves out name and doc.
 */
#include "config/workload_yaml_load.h"

enum { SUBSTITUTED_MAX = 2000 };

static const char *const type_names[] = { "number", "time", "size", "ratio", "choice", NULL };
enum { TYPE_NUMBER, TYPE_TIME, TYPE_SIZE, TYPE_RATIO, TYPE_CHOICE };

static const struct wparam *
find_param(const struct workload *w, const char *name, gsize len)
{
    for (uint32_t i = 0; i < w->nr_params; i++)
        if (w->params[i].name != NULL && strlen(w->params[i].name) == len &&
            strncmp(w->params[i].name, name, len) == 0)
            return &w->params[i];
    return NULL;
}

static gsize
word_length(const char *at)
{
    gsize n = 0;

    while (g_ascii_isalnum(at[n]) || at[n] == '_')
        n++;
    return n;
}

static char *
hint_for(const struct workload *w, const char *wrong)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (uint32_t i = 0; i < w->nr_params; i++)
        if (w->params[i].name != NULL)
            g_ptr_array_add(names, (gpointer)(gsize)w->params[i].name);
    if (names->len == 0)
        return g_strdup("; the file declares no 'parameters'");
    g_ptr_array_add(names, NULL);
    return did_you_mean(wrong, (const char *const *)names->pdata);
}

/* ---- $name ---- */

static void
put_value(GString *out, const struct wparam *p)
{
    bool plain = strcmp(p->type, "choice") == 0 || strcmp(p->type, "ratio") == 0 ||
                 strpbrk(p->value, "+-*/(), ") == NULL;

    g_string_append_printf(out, plain ? "%s" : "(%s)", p->value);
}

/* The text with values in place; NULL with *why (caller frees) if it cannot be done. */
static const char *
substituted(struct wload *l, const char *at, char **why)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (strchr(at, '$') == NULL)
        return at;
    while (*at != '\0' && out->len <= SUBSTITUTED_MAX) {
        gsize len = *at == '$' ? word_length(at + 1) : 0;
        const struct wparam *p = len > 0 ? find_param(l->w, at + 1, len) : NULL;

        if (*at != '$') {
            g_string_append_c(out, *at++);
        } else if (p != NULL) {
            put_value(out, p);
            at += 1 + len;
        } else {
            g_autofree char *name = g_strndup(at + 1, len), *hint = hint_for(l->w, name);
            *why = g_strdup_printf("there is no parameter '$%.60s'%s", name, hint);
            return NULL;
        }
    }
    if (out->len <= SUBSTITUTED_MAX)
        return arena_strdup(l->doc.arena, out->str);
    *why = g_strdup_printf("with its parameters the text is longer than %d characters",
                           SUBSTITUTED_MAX);
    return NULL;
}

static void
substitute_scalar(struct wload *l, struct ynode *n)
{
    g_autofree char *why = NULL;
    const char *text = substituted(l, n->text, &why);

    if (text == NULL)
        ynode_error(&l->doc, n, "%s", why);
    else
        n->text = text;
}

static void
substitute(struct wload *l, struct ynode *n)
{
    if (n->kind == YNODE_SCALAR)
        substitute_scalar(l, n);
    for (guint i = 0; n->kind != YNODE_SCALAR && i < n->nr; i++)
        if (n->parent != NULL || n->kind != YNODE_MAP ||
            strcmp(n->keys[i]->text, "parameters") != 0)
            substitute(l, n->values[i]);
}

/* ---- values ---- */

/* NULL, or what is wrong with the value; caller frees. */
static char *
check_value(struct wload *l, int type, const struct ynode *choices, const char *value)
{
    static const enum field_type types[] = { FIELD_U64, FIELD_TIME, FIELD_SIZE };
    struct wexpr e;
    char why[400] = "";
    uint64_t ppm;

    if (type == TYPE_CHOICE) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        for (guint i = 0; i < choices->nr; i++)
            g_ptr_array_add(names, (gpointer)(gsize)choices->values[i]->text);
        g_ptr_array_add(names, NULL);
        if (g_strv_contains((const char *const *)names->pdata, value))
            return NULL;
        g_autofree char *hint = did_you_mean(value, (const char *const *)names->pdata);
        g_autofree char *excerpt = diag_excerpt(value);
        return g_strdup_printf("there is no '%s'%s", excerpt, hint);
    }
    if (type == TYPE_RATIO
            ? parse_quantity(FIELD_RATIO, value, &ppm, why, sizeof(why))
            : wexpr_parse(&e, value, types[type], WEXPR_MACHINE, l->doc.arena, why, sizeof(why)))
        return NULL;
    return g_strdup(why);
}

static bool
check_choices(struct wload *l, const struct ynode *n, const struct ynode *of)
{
    if (of == NULL || ynode_expect(&l->doc, of, YNODE_SEQ) == NULL || of->nr == 0) {
        ynode_error(&l->doc, n, "a choice needs a list 'of' words");
        return false;
    }
    for (guint i = 0; i < of->nr; i++)
        if (wload_name(l, of->values[i]) == NULL)
            return false;
    return true;
}

static const char *
words_of(const struct wload *l, const struct ynode *of)
{
    g_autoptr(GString) words = g_string_new(NULL);

    for (guint i = 0; i < of->nr; i++)
        g_string_append_printf(words, "%s%s", i > 0 ? ", " : "", of->values[i]->text);
    return arena_strdup(l->doc.arena, words->str);
}

static const char *
setting_of(const char *const *settings, const char *name)
{
    gsize len = strlen(name);
    const char *value = NULL;

    for (; settings != NULL && *settings != NULL; settings++)
        if (strncmp(*settings, name, len) == 0 && (*settings)[len] == '=')
            value = *settings + len + 1; /* the last one counts */
    return value;
}

static bool
load_param(struct wload *l, const struct ynode *n, const char *const *settings, struct wparam *p)
{
    static const char *const keys[] = { "type", "default", "of", "doc", NULL };
    struct ynode *def = (struct ynode *)(gsize)ynode_get(n, "default");
    const struct ynode *type = ynode_get(n, "type"), *of = ynode_get(n, "of");
    int t;

    if (ynode_expect(&l->doc, n, YNODE_MAP) == NULL)
        return false;
    ynode_check_keys(&l->doc, n, NULL, keys);
    if (type == NULL || def == NULL) {
        ynode_error(&l->doc, n, "a parameter needs 'type' and 'default'");
        return false;
    }
    t = ynode_enum(&l->doc, type, type_names);
    if (t < 0 || (t == TYPE_CHOICE && !check_choices(l, n, of)) ||
        ynode_string(&l->doc, def) == NULL)
        return false;
    if (t != TYPE_CHOICE && of != NULL)
        ynode_error(&l->doc, of, "only a choice has a list 'of' words");
    substitute_scalar(l, def); /* earlier parameters may stand in it */
    g_autofree char *wrong = check_value(l, t, of, def->text);
    if (wrong != NULL) {
        ynode_error(&l->doc, def, "%s", wrong);
        return false;
    }
    g_autofree char *refused = NULL;
    const char *set = setting_of(settings, p->name);
    if (set != NULL && (set = substituted(l, set, &refused)) != NULL)
        refused = check_value(l, t, of, set);
    if (refused != NULL)
        diag_error(l->doc.diag, NULL, 0, 0, "workload", "%s: %s", p->name, refused);
    p->type = type_names[t];
    p->words = t == TYPE_CHOICE ? words_of(l, of) : NULL;
    p->doc = wload_text_at(l, n, "doc");
    p->def = def->text;
    p->value = set != NULL ? arena_strdup(l->doc.arena, set) : def->text;
    def->text = p->value;
    return refused == NULL;
}

static void
check_settings(struct wload *l, const char *const *settings)
{
    for (; settings != NULL && *settings != NULL; settings++) {
        gsize len = strcspn(*settings, "=");
        g_autofree char *name = g_strndup(*settings, len);

        if (find_param(l->w, *settings, len) != NULL && (*settings)[len] == '=')
            continue;
        g_autofree char *hint = hint_for(l->w, name), *excerpt = diag_excerpt(name);
        diag_error(l->doc.diag, NULL, 0, 0, "workload", "%s has no parameter '%s'%s", l->doc.file,
                   excerpt, hint);
    }
}

/* ---- the tree as text ---- */

void
wload_put_text(GString *out, const char *text)
{
    const char *safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./";

    if (text[0] != '\0' && strspn(text, safe) == strlen(text)) {
        g_string_append(out, text);
        return;
    }
    g_string_append_c(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            g_string_append_printf(out, "\\%c", *text);
        else if ((guchar)*text < 0x20 || *text == 0x7f)
            g_string_append_printf(out, "\\x%02x", (guchar)*text);
        else
            g_string_append_c(out, *text);
    }
    g_string_append_c(out, '"');
}

static void
put_node(GString *out, const struct ynode *n, unsigned indent)
{
    if (n->kind == YNODE_SCALAR) {
        g_string_append_c(out, ' ');
        wload_put_text(out, n->text);
        g_string_append_c(out, '\n');
        return;
    }
    if (n->nr == 0) {
        g_string_append(out, n->kind == YNODE_MAP ? " {}\n" : " []\n");
        return;
    }
    if (n->parent != NULL)
        g_string_append_c(out, '\n');
    for (guint i = 0; i < n->nr; i++) {
        bool head = n->parent == NULL &&
                    (strcmp(n->keys[i]->text, "name") == 0 || strcmp(n->keys[i]->text, "doc") == 0);
        if (head) /* a variant has its own */
            continue;
        g_string_append_printf(out, "%*s", (int)indent, "");
        if (n->kind == YNODE_MAP)
            wload_put_text(out, n->keys[i]->text);
        g_string_append_c(out, n->kind == YNODE_MAP ? ':' : '-');
        put_node(out, n->values[i], indent + 2);
    }
}

bool
wload_parameters(struct wload *l, const char *const *settings)
{
    const struct ynode *map = ynode_get(l->doc.root, "parameters");
    bool ok = true;

    if (map != NULL && (map = ynode_expect(&l->doc, map, YNODE_MAP)) == NULL)
        return false;
    l->w->params = arena_new_array(l->doc.arena, struct wparam, map == NULL ? 0 : map->nr);
    for (guint i = 0; map != NULL && i < map->nr; i++) {
        const char *name = map->keys[i]->text;
        struct wparam *p = &l->w->params[i];

        if (word_length(name) != strlen(name) || name[0] == '\0' || strlen(name) > 60) {
            ynode_error(&l->doc, map->keys[i],
                        "a parameter's name is made of letters, digits and _");
            ok = false;
            continue;
        }
        p->name = name;
        ok &= load_param(l, map->values[i], settings, p);
        l->w->nr_params = ok ? i + 1 : l->w->nr_params;
    }
    if (ok)
        check_settings(l, settings);
    return ok;
}

void
wload_substitute(struct wload *l)
{
    substitute(l, l->doc.root);
}

char *
wload_source(const struct wload *l)
{
    GString *out = g_string_new(NULL);

    put_node(out, l->doc.root, 0);
    return g_string_free(out, FALSE);
}
