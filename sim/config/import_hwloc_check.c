/*
 * A hwloc XML file is checked and written anew before libhwloc sees it.
 *
 * GLib's parser knows neither external nor internal entities, which rules out entity bombs and
 * files that read other files, and it knows where it stands, which libhwloc does not tell. So all
 * that can be said about a place in the file is said here: not well-formed, not a topology, a
 * version that nobody knows, too many objects, objects that crash it (a PU without
 * its sets).
 *
 * Version 3, which libhwloc 2.9 refuses, differs from version 2 in little that makes a machine: the
 * facts about the whole of it stand behind the tree, objects have one attribute more. So it is
 * rewritten as version 2, and libhwloc's knowledge of the rest serves both.
 *
 * What goes on is a clean copy: the elements that make a machine, without I/O devices and user
 * data, in the plain spelling that libhwloc's own small parser expects.
 */
#include "config/import_hwloc.h"

enum {
    DEPTH_MOST = 128,
    ELEMENTS_MOST = 1 << 20,
    ATTRIBUTE_MOST = 64 * 1024,
    XML_TEXT_MOST = 64 << 20,
    PIECE = 64 * 1024,
};

struct check {
    const char *file, *text, *element;
    struct diag *diag;
    GMarkupParseContext *context;
    GString *copy;
    GString *machine_infos;  /* of version 3, until they are put into the Machine object */
    gsize machine_at;        /* where in the copy that object's content begins; 0: not yet known */
    guint depth, skip_depth; /* of the element that is skipped with all it contains; 0: none */
    guint nr_elements, nr_pus, nr_nodes, nr_skipped;
    bool wants_text, tag_is_open, tag_is_machine, failed;
};

/* Where the tag begins that the parser has just read; it stands a little behind it. */
static const char *
this_tag(const struct check *c)
{
    const char *start = c->text, *next;
    int line, column;

    g_markup_parse_context_get_position(c->context, &line, &column);
    for (int l = 1; l < line && (next = strchr(start, '\n')) != NULL; l++)
        start = next + 1;
    const char *at = start + SIM_MIN(strlen(start), (gsize)SIM_MAX(column - 1, 0));
    while (at > c->text && (*--at != '<' || !g_str_has_prefix(at + 1, c->element)))
        continue;
    return at;
}

static void refuse(struct check *c, const char *at, GError **error, const char *fmt, ...)
    SIM_PRINTF(4, 5);

static void
refuse(struct check *c, const char *at, GError **error, const char *fmt, ...)
{
    unsigned line = 1;
    const char *start = c->text;
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    for (const char *s = c->text; s < at; s++)
        if (*s == '\n') {
            line++;
            start = s + 1;
        }
    diag_error(c->diag, c->file, line, (unsigned)(at - start) + 1, NULL, "%s", text);
    c->failed = true;
    g_set_error_literal(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "refused");
}

static const char *
attribute(const char **names, const char **values, const char *name)
{
    for (; *names != NULL; names++, values++)
        if (g_str_equal(*names, name))
            return *values;
    return NULL;
}

/* The elements that make a machine, in hwloc 1.x and 2.x. */
static bool
is_needed(const char *element)
{
    static const char *const needed[] = {
        "topology", "object",        "info",    "page_type", "distances2", "indexes", "u64values",
        "memattr",  "memattr_value", "cpukind", "distances", "latency",    NULL
    };

    return g_strv_contains(needed, element);
}

static bool
is_known(const char *element)
{
    static const char *const known[] = { "userdata", "support",      "distances2hetero",
                                         "memtier",  "pci_locality", NULL };

    return g_strv_contains(known, element);
}

static bool
is_device(const char *type)
{
    static const char *const devices[] = { "Bridge", "PCIDev", "OSDev", "Misc", NULL };

    return type != NULL && g_strv_contains(devices, type);
}

static bool
is_version_three(const char *version)
{
    return g_str_equal(version, "3") || g_str_has_prefix(version, "3.");
}

static bool
check_root(struct check *c, const char *element, const char **names, const char **values,
           GError **error)
{
    const char *version = attribute(names, values, "version");

    if (!g_str_equal(element, "topology")) {
        refuse(c, this_tag(c), error,
               "the root element is <%s>; expected <topology>, as lstopo writes it", element);
        return false;
    }
    if (version == NULL || g_str_equal(version, "2") || g_str_has_prefix(version, "2.") ||
        is_version_three(version))
        return true;
    guint64 major = g_ascii_strtoull(version, NULL, 10);
    if (major > 3 && major < 100)
        refuse(c, this_tag(c), error,
               "version %.20s of hwloc XML is newer than we can read; expected version 3 or 2: "
               "convert it with lstopo: lstopo -i FILE.xml --export-xml-flags v2 FILE.v2.xml",
               version);
    else
        refuse(c, this_tag(c), error,
               "version '%.20s' of hwloc XML is unknown; expected 2.0, 3.0, or none for 1.x",
               version);
    return false;
}

/* A PU without its sets makes libhwloc 2.9 crash; a number that is too high, slow. */
static bool
check_pu(struct check *c, const char **names, const char **values, GError **error)
{
    static const char *const needed[] = { "os_index", "cpuset", "complete_cpuset" };
    char *end;

    for (gsize i = 0; i < ARRAY_LEN(needed); i++)
        if (attribute(names, values, needed[i]) == NULL) {
            refuse(c, this_tag(c), error,
                   "a PU has no %s; expected os_index, cpuset and complete_cpuset", needed[i]);
            return false;
        }
    const char *number = attribute(names, values, "os_index");
    guint64 os_index = g_ascii_strtoull(number, &end, 10);
    if (!g_ascii_isdigit(*number) || *end != '\0' || os_index >= CPU_MAX) {
        refuse(c, this_tag(c), error, "a PU has os_index '%.20s'; expected a number up to %d",
               number, CPU_MAX - 1);
        return false;
    }
    if (++c->nr_pus <= CPU_MAX)
        return true;
    refuse(c, this_tag(c), error, "more than %d PUs; expected at most that many", CPU_MAX);
    return false;
}

static bool
check_object(struct check *c, const char *type, const char **names, const char **values,
             GError **error)
{
    if (type == NULL) {
        refuse(c, this_tag(c), error,
               "an object has no type; expected type=\"Package\" or the like");
        return false;
    }
    if (g_str_equal(type, "PU"))
        return check_pu(c, names, values, error);
    if (g_str_equal(type, "NUMANode") && ++c->nr_nodes > NODE_MAX) {
        refuse(c, this_tag(c), error, "more than %d NUMA nodes; expected at most that many",
               NODE_MAX);
        return false;
    }
    return true;
}

/* libhwloc's small parser knows four entities; what else is odd becomes a question mark. */
static void
append_escaped(GString *s, const char *text, gsize len)
{
    for (const char *end = text + len; text < end; text++)
        switch (*text) {
        case '&':
            g_string_append(s, "&amp;");
            break;
        case '<':
            g_string_append(s, "&lt;");
            break;
        case '>':
            g_string_append(s, "&gt;");
            break;
        case '"':
            g_string_append(s, "&quot;");
            break;
        default:
            g_string_append_c(s, g_ascii_isprint(*text) ? *text : *text == '\n' ? ' ' : '?');
        }
}

/* A tag stays open until it is known whether anything is in the element: libhwloc's parser wants
 * <x/> where nothing is. */
static void
close_tag(struct check *c)
{
    if (c->tag_is_open)
        g_string_append(c->copy, ">\n");
    if (c->tag_is_open && c->tag_is_machine)
        c->machine_at = c->copy->len;
    c->tag_is_open = false;
}

static void
append_attributes(GString *s, const char **names, const char **values)
{
    for (; *names != NULL; names++, values++) {
        g_string_append_printf(s, " %s=\"", *names);
        append_escaped(s, *values, strlen(*values));
        g_string_append_c(s, '"');
    }
}

/* Version 3 has them below <topology>, behind the tree; version 2 in the Machine object. */
static void
keep_machine_info(struct check *c, const char **names, const char **values)
{
    g_string_append(c->machine_infos, "<info");
    append_attributes(c->machine_infos, names, values);
    g_string_append(c->machine_infos, "/>\n");
    c->skip_depth = c->depth;
}

static void
copy_start(struct check *c, const char *element, const char **names, const char **values)
{
    close_tag(c);
    g_string_append_printf(c->copy, "<%s", element);
    if (c->depth == 1 && attribute(names, values, "version") != NULL &&
        is_version_three(attribute(names, values, "version")))
        g_string_append(c->copy, " version=\"2.0\"");
    else
        append_attributes(c->copy, names, values);
    c->tag_is_machine = c->depth == 2 && g_str_equal(element, "object") && c->machine_at == 0;
    c->wants_text = g_str_equal(element, "indexes") || g_str_equal(element, "u64values");
    c->tag_is_open = !c->wants_text; /* the length of a text is counted: no line end */
    if (c->wants_text)
        g_string_append_c(c->copy, '>');
}

static bool
within_limits(struct check *c, const char **values, GError **error)
{
    if (c->depth > DEPTH_MOST || ++c->nr_elements > ELEMENTS_MOST) {
        refuse(c, this_tag(c), error,
               "too many elements; expected at most %d, nested at most %d deep", ELEMENTS_MOST,
               DEPTH_MOST);
        return false;
    }
    for (; *values != NULL; values++)
        if (strlen(*values) > ATTRIBUTE_MOST) {
            refuse(c, this_tag(c), error, "a value is too long; expected at most %d characters",
                   ATTRIBUTE_MOST);
            return false;
        }
    return true;
}

static void
start_element(GMarkupParseContext *context, const char *element, const char **names,
              const char **values, gpointer data, GError **error)
{
    struct check *c = data;
    const char *type = attribute(names, values, "type");

    c->element = element;
    c->depth++;
    if (!within_limits(c, values, error) || c->skip_depth > 0)
        return;
    if (c->depth == 1 && !check_root(c, element, names, values, error))
        return;
    if (!is_needed(element) || (g_str_equal(element, "object") && is_device(type))) {
        c->skip_depth = c->depth;
        c->nr_skipped += !is_needed(element) && !is_known(element);
        return;
    }
    if (c->depth == 2 && g_str_equal(element, "info")) {
        keep_machine_info(c, names, values);
        return;
    }
    if (g_str_equal(element, "object") && !check_object(c, type, names, values, error))
        return;
    copy_start(c, element, names, values);
}

static void
end_element(GMarkupParseContext *context, const char *element, gpointer data, GError **error)
{
    struct check *c = data;

    c->depth--;
    c->wants_text = false;
    if (c->skip_depth > 0) {
        if (c->depth < c->skip_depth)
            c->skip_depth = 0;
        return;
    }
    if (c->tag_is_open)
        g_string_append(c->copy, "/>\n");
    else
        g_string_append_printf(c->copy, "</%s>\n", element);
    c->tag_is_open = false;
}

static void
text_content(GMarkupParseContext *context, const char *text, gsize len, gpointer data,
             GError **error)
{
    struct check *c = data;

    if (c->wants_text && c->skip_depth == 0)
        append_escaped(c->copy, text, len);
}

/* Comments and declarations. A document type that defines something is not a hwloc file. */
static void
passthrough(GMarkupParseContext *context, const char *text, gsize len, gpointer data,
            GError **error)
{
    struct check *c = data;
    const char *at = strstr(c->text, "<!DOCTYPE");

    if (len > 9 && memcmp(text, "<!DOCTYPE", 9) == 0 && memchr(text, '[', len) != NULL)
        refuse(c, at != NULL ? at : c->text, error,
               "the document type defines entities; expected <!DOCTYPE topology SYSTEM "
               "\"hwloc2.dtd\"> or nothing");
}

static void
report_malformed(struct check *c, const GError *error)
{
    const char *text = strstr(error->message, ": ");
    int line, column;

    if (c->failed)
        return;
    text = g_str_has_prefix(error->message, "Error on line") && text != NULL ? text + 2
                                                                             : error->message;
    g_autofree char *what = g_strdup(text);
    for (gsize n = strlen(what); n > 0 && strchr(". \n", what[n - 1]) != NULL; n--)
        what[n - 1] = '\0';
    g_markup_parse_context_get_position(c->context, &line, &column);
    diag_error(c->diag, c->file, (unsigned)line, (unsigned)column, NULL,
               "not well-formed: %s; expected XML as lstopo writes it", what);
}

static bool
parse(struct check *c, gsize len, GError **error)
{
    for (gsize at = 0; at < len; at += PIECE)
        if (!g_markup_parse_context_parse(c->context, c->text + at,
                                          (gssize)SIM_MIN((gsize)PIECE, len - at), error))
            return false;
    return g_markup_parse_context_end_parse(c->context, error);
}

GString *
hwloc_xml_check(const char *file, const char *text, gsize len, struct diag *d, guint *nr_skipped)
{
    static const GMarkupParser parser = { start_element, end_element, text_content, passthrough,
                                          NULL };
    g_autofree char *terminated = g_strndup(text, len);
    struct check c = { .file = file, .text = terminated, .diag = d };
    g_autoptr(GError) error = NULL;

    if (len > XML_TEXT_MOST) {
        diag_error(d, file, 0, 0, NULL, "%zu MiB of XML; expected at most %d", len >> 20,
                   XML_TEXT_MOST >> 20);
        return NULL;
    }
    c.copy = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                          "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n");
    c.machine_infos = g_string_new(NULL);
    c.context = g_markup_parse_context_new(&parser, 0, &c, NULL);
    bool ok = parse(&c, len, &error);
    if (!ok)
        report_malformed(&c, error);
    g_markup_parse_context_free(c.context);
    if (c.machine_at > 0)
        g_string_insert_len(c.copy, (gssize)c.machine_at, c.machine_infos->str,
                            (gssize)c.machine_infos->len);
    g_string_free(c.machine_infos, TRUE);
    *nr_skipped = c.nr_skipped;
    if (!ok) {
        g_string_free(c.copy, TRUE);
        return NULL;
    }
    return c.copy;
}
