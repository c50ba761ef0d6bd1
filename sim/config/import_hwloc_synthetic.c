/*
 * The counts of a synthetic string, before libhwloc multiplies them.
 *
 * "pack:100000 core:1000 pu:8" is 27 characters and 800 million objects, so the product is bounded
 * here. Only the outline is read (memory, levels, counts, balanced brackets, known types); what
 * stands in the brackets is libhwloc's to understand.
 */
#include "config/import_hwloc.h"

enum { STRING_MOST = 4096, OBJECTS_MOST = 1 << 17 };

struct outline {
    const char *spec, *string, *c;
    struct diag *diag;
    guint64 width, nr_objects, nr_nodes; /* objects of the last level, of all, NUMA nodes */
    guint nr_levels;
    bool last_is_pu;
};

static bool wrong(struct outline *o, const char *at, const char *fmt, ...) SIM_PRINTF(3, 4);

/* Always false. Columns count from the start of the specification, "hwloc:" included. */
static bool
wrong(struct outline *o, const char *at, const char *fmt, ...)
{
    const char *begin = *o->string != '\0' ? strstr(o->spec, o->string) : NULL;
    gsize before = begin != NULL ? (gsize)(begin - o->spec) : strlen(o->spec);
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    diag_error(o->diag, o->spec, 1, (unsigned)(before + (gsize)(at - o->string)) + 1, NULL, "%s",
               text);
    return false;
}

static bool
skip_brackets(struct outline *o, char close)
{
    const char *end = strchr(o->c, close);

    if (end == NULL)
        return wrong(o, o->c, "'%c' is not closed; expected '%c'", *o->c, close);
    o->c = end + 1;
    return true;
}

/* Any case, and any beginning of the name that is not shorter than `least`. */
static bool
is_type(const char *word, gsize len, const char *name, gsize least)
{
    return len >= least && len <= strlen(name) && g_ascii_strncasecmp(word, name, len) == 0;
}

static bool
is_known_type(const char *word, gsize len)
{
    static const struct {
        const char *name;
        gsize least;
    } types[] = { { "machine", 2 }, { "system", 2 }, { "package", 2 },  { "socket", 2 },
                  { "die", 2 },     { "group", 2 },  { "numanode", 2 }, { "node", 2 },
                  { "core", 2 },    { "pu", 2 },     { "cache", 2 },    { "tile", 2 },
                  { "module", 2 },  { "cluster", 2 } };

    for (gsize i = 0; i < ARRAY_LEN(types); i++)
        if (is_type(word, len, types[i].name, types[i].least))
            return true;
    if (len >= 5 && g_ascii_strncasecmp(word, "group", 5) == 0) /* group0 */
        return true;
    return len >= 2 && g_ascii_tolower(word[0]) == 'l' && word[1] >= '1' && word[1] <= '5';
}

static bool
read_memory(struct outline *o)
{
    const char *at = o->c, *word = o->c + 1;
    gsize len = 0;

    while (g_ascii_isalpha(word[len]))
        len++;
    if (!is_type(word, len, "numanode", 2) && !is_type(word, len, "node", 2))
        return wrong(o, word, "memory of an unknown type; expected [numa] or [numa(memory=8GB)]");
    o->nr_nodes += o->width;
    return skip_brackets(o, ']') &&
           (o->nr_nodes <= NODE_MAX ||
            wrong(o, at, "%" G_GUINT64_FORMAT " NUMA nodes; expected at most %d", o->nr_nodes,
                  NODE_MAX));
}

static bool
read_type(struct outline *o, bool *is_node)
{
    const char *word = o->c;
    gsize len = strcspn(word, ":([ ])");

    o->last_is_pu = true; /* unnamed levels end with one by themselves */
    if (g_ascii_isdigit(*word))
        return true;
    if (!is_known_type(word, len) || word[len] != ':')
        return wrong(o, word,
                     "'%.*s' is not a level; expected pack, die, group, node, l1 to l5, core "
                     "or pu, a colon and a count",
                     (int)SIM_MIN(len, (gsize)20), word);
    o->last_is_pu = is_type(word, len, "pu", 2);
    *is_node = is_type(word, len, "numanode", 2) || is_type(word, len, "node", 2);
    o->c = word + len + 1;
    return true;
}

static bool
read_level(struct outline *o)
{
    const char *at = o->c;
    bool is_node = false;
    char *end;

    if (!read_type(o, &is_node))
        return false;
    const char *number = o->c;
    guint64 count = g_ascii_strtoull(number, &end, 10);
    if (!g_ascii_isdigit(*number) || count == 0)
        return wrong(o, number, "no count; expected a number from 1");
    if (count > OBJECTS_MOST || o->width * count > OBJECTS_MOST ||
        (o->nr_objects += o->width * count) > OBJECTS_MOST)
        return wrong(o, number, "too many objects; expected at most %d in all levels",
                     OBJECTS_MOST);
    o->width *= count;
    o->nr_nodes += is_node ? o->width : 0;
    if (o->nr_nodes > NODE_MAX)
        return wrong(o, at, "%" G_GUINT64_FORMAT " NUMA nodes; expected at most %d", o->nr_nodes,
                     NODE_MAX);
    o->nr_levels++;
    o->c = end;
    return *o->c != '(' || skip_brackets(o, ')');
}

bool
hwloc_synthetic_check(const char *spec, const char *string, struct diag *d)
{
    struct outline o = { .spec = spec, .string = string, .c = string, .diag = d, .width = 1 };

    if (strlen(string) > STRING_MOST) {
        diag_error(d, "hwloc:", 1, 1, NULL,
                   "the string is too long; expected at most %d characters", STRING_MOST);
        return false;
    }
    if (*o.c == '(' && !skip_brackets(&o, ')'))
        return false;
    for (;;) {
        while (*o.c == ' ')
            o.c++;
        if (*o.c == '\0')
            break;
        if (!(*o.c == '[' ? read_memory(&o) : read_level(&o)))
            return false;
    }
    if (o.nr_levels == 0)
        return wrong(&o, o.c, "no level; expected something like pack:2 [numa] core:4 pu:2");
    if (!o.last_is_pu)
        return wrong(&o, o.c, "the last level is not pu; expected pu:1 or pu:2 at the end");
    if (o.width > CPU_MAX)
        return wrong(&o, string, "%" G_GUINT64_FORMAT " CPUs; expected at most %d", o.width,
                     CPU_MAX);
    return true;
}
