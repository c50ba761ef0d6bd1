/*
 * Reading `numactl --hardware` the way people paste it.
 *
 * The listing has no syntax to speak of, so the reader has two rules instead of a grammar. What a
 * line says begins at a keyword ("available:", "node 3 cpus:", "node distances:"), wherever in the
 * line that stands: time stamps, quote marks and shell traces in front of it are ignored. And a
 * table is read from the right: the numbers at the end of a line, and what stands before the first
 * of them ("7:", or "node", or nothing) tells whether they begin a row, the header, or go on with
 * the line before, that a mail program has wrapped.
 *
 * Lines are read here, tables in import_numactl_table.c.
 *
 * A line that fits neither is unknown: it is counted, never an error. What is an error is a listing
 * that contradicts itself, because then any machine made of it would be a guess.
 */
#include "config/import_numactl_read.h"

enum { TEXT_MOST = 4 << 20, LINE_MOST = 128 * 1024, LOOK_MOST = 64 * 1024, OS_INDEX_MOST = 65535 };

void
listing_fail(struct listing_reader *r, const char *at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    diag_error(r->l->diag, r->l->file, r->line, (unsigned)(at - r->start) + 1, NULL, "%s", text);
}

const char *
listing_skip_blanks(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

/* A decimal number of at most nine digits that ends at a blank, a colon or the end. */
bool
listing_take_number(const char **s, uint32_t *value)
{
    const char *c = *s;
    uint32_t v = 0;

    while (g_ascii_isdigit(*c) && c - *s < 9)
        v = v * 10 + (uint32_t)(*c++ - '0');
    if (c == *s || (*c != '\0' && *c != ' ' && *c != '\t' && *c != ':'))
        return false;
    *s = c;
    *value = v;
    return true;
}

/* "node K WORD:" anywhere in the line: the place after it, else NULL. */
static const char *
find_node_line(const char *line, const char *word, uint32_t *os_index, const char **at)
{
    for (const char *n = strstr(line, "node"); n != NULL; n = strstr(n + 1, "node")) {
        const char *c = listing_skip_blanks(n + 4);

        if ((n > line && g_ascii_isalnum(n[-1])) || c == n + 4 ||
            !listing_take_number(&c, os_index))
            continue;
        *at = listing_skip_blanks(n + 4);
        c = listing_skip_blanks(c);
        if (g_str_has_prefix(c, word) && c[strlen(word)] == ':')
            return c + strlen(word) + 1;
    }
    return NULL;
}

struct listed_node *
listing_node(struct listing *l, uint32_t os_index)
{
    for (guint i = 0; i < l->nr_nodes; i++)
        if (l->nodes[i].os_index == os_index)
            return &l->nodes[i];
    return NULL;
}

/* Finds or adds. Nodes stay in the order of their numbers, because machines are numbered so. */
static struct listed_node *
name_node(struct listing_reader *r, const char *at, uint32_t os_index)
{
    struct listing *l = r->l;
    struct listed_node *n = listing_node(l, os_index);
    guint i = l->nr_nodes;

    if (n != NULL)
        return n;
    if (os_index > OS_INDEX_MOST || l->nr_nodes == NODE_MAX) {
        listing_fail(r, at, "node %u is too much; expected at most %d nodes with numbers up to %d",
                     os_index, NODE_MAX, OS_INDEX_MOST);
        return NULL;
    }
    for (; i > 0 && l->nodes[i - 1].os_index > os_index; i--)
        l->nodes[i] = l->nodes[i - 1];
    l->nodes[i] = (struct listed_node){ .os_index = os_index,
                                        .line = r->line,
                                        .column = (unsigned)(at - r->start) + 1,
                                        .cpus = cpumask_new(l->arena, CPU_MAX) };
    l->nr_nodes++;
    r->node = NULL; /* it may have moved */
    return &l->nodes[i];
}

/* Nodes that a line names after "available:" was read must be in its list. */
struct listed_node *
listing_known_node(struct listing_reader *r, const char *at, uint32_t os_index)
{
    if (r->l->has_available && listing_node(r->l, os_index) == NULL) {
        listing_fail(r, at,
                     "node %u is not in the list of available nodes; expected one of that list",
                     os_index);
        return NULL;
    }
    return name_node(r, at, os_index);
}

/* "LIST)" of "available: N nodes (LIST)". */
static bool
read_available_list(struct listing_reader *r, const char *c)
{
    const char *item = c;

    while (*item != '\0' && *item != ')') {
        char *end;
        guint64 first = g_ascii_strtoull(item, &end, 10), last = first;

        if (end == item || !g_ascii_isdigit(*item))
            break;
        if (*end == '-' && g_ascii_isdigit(end[1]))
            last = g_ascii_strtoull(end + 1, &end, 10);
        for (guint64 k = first; k <= last; k++)
            if (name_node(r, item, (uint32_t)SIM_MIN(k, UINT32_MAX)) == NULL)
                return false;
        item = *end == ',' ? end + 1 : end;
        if (last < first || (*end != ',' && *end != ')'))
            break;
    }
    if (*item == ')')
        return true;
    listing_fail(r, item, "cannot read the list of nodes; expected something like (0-3,8)");
    return false;
}

static bool
read_available(struct listing_reader *r, const char *c)
{
    struct listing *l = r->l;
    const char *at = listing_skip_blanks(c);
    uint32_t nr;

    c = at;
    if (!listing_take_number(&c, &nr) || !g_str_has_prefix(listing_skip_blanks(c), "node"))
        return false;
    if (l->has_available) {
        listing_fail(r, at, "a second 'available:' line; expected one listing in a file");
        return true;
    }
    c = strchr(c, '(');
    if (c == NULL || !read_available_list(r, c + 1)) {
        if (c == NULL)
            listing_fail(r, at, "no list of nodes; expected 'available: %u nodes (0-%u)'", nr,
                         nr - (nr > 0));
        return true;
    }
    l->has_available = true;
    if (nr != l->nr_nodes)
        listing_fail(r, at, "%u nodes are announced, but the list names %u; expected as many", nr,
                     l->nr_nodes);
    return true;
}

static bool
cpu_of_other_node(struct listing_reader *r, uint32_t cpu)
{
    for (guint i = 0; i < r->l->nr_nodes; i++)
        if (cpumask_test(r->l->nodes[i].cpus, cpu))
            return true;
    return false;
}

void
listing_read_cpus(struct listing_reader *r, const char *c)
{
    uint32_t cpu;

    for (c = listing_skip_blanks(c); *c != '\0'; c = listing_skip_blanks(c)) {
        const char *at = c;

        if (!listing_take_number(&c, &cpu)) {
            listing_fail(r, at, "not a CPU number; expected numbers between blanks");
            return;
        }
        if (cpu >= CPU_MAX) {
            listing_fail(r, at, "CPU %u is too high; expected numbers up to %d", cpu, CPU_MAX - 1);
            return;
        }
        if (cpu_of_other_node(r, cpu)) {
            listing_fail(r, at, "CPU %u is listed twice; expected each CPU on one node", cpu);
            return;
        }
        cpumask_set(r->node->cpus, cpu);
    }
}

static void
read_size(struct listing_reader *r, struct listed_node *n, const char *c)
{
    const char *at = listing_skip_blanks(c);
    uint32_t mib;

    c = at;
    if (!listing_take_number(&c, &mib) || !g_str_has_prefix(listing_skip_blanks(c), "MB")) {
        listing_fail(r, at, "cannot read the size of node %u; expected a number and MB",
                     n->os_index);
        return;
    }
    if (n->has_size && n->size_mib != mib)
        listing_fail(r, at, "a second size of node %u; expected one", n->os_index);
    n->has_size = true;
    n->size_mib = mib;
}

static bool
read_node_line(struct listing_reader *r)
{
    uint32_t os_index;
    const char *at, *c;
    struct listed_node *n;

    if ((c = find_node_line(r->start, "cpus", &os_index, &at)) != NULL) {
        n = listing_known_node(r, at, os_index);
        if (n == NULL)
            return true;
        if (n->has_cpus)
            listing_fail(r, at, "a second list of CPUs of node %u; expected one", os_index);
        n->has_cpus = true;
        r->node = n;
        r->section = SECTION_CPUS;
        listing_read_cpus(r, c);
        return true;
    }
    if ((c = find_node_line(r->start, "size", &os_index, &at)) != NULL) {
        n = listing_known_node(r, at, os_index);
        if (n != NULL)
            read_size(r, n, c);
        return true;
    }
    return find_node_line(r->start, "free", &os_index, &at) != NULL;
}

static void
read_line(struct listing_reader *r)
{
    enum section before = r->section;
    const char *c;

    if (*listing_skip_blanks(r->start) == '\0')
        return;
    r->section = SECTION_NONE;
    if ((c = strstr(r->start, "available:")) != NULL && read_available(r, c + 10))
        return;
    if (strstr(r->start, "No distance information available") != NULL) {
        r->l->says_no_distances = true;
        return;
    }
    if (strstr(r->start, "node distances:") != NULL) {
        r->in_table = true;
        return;
    }
    if (read_node_line(r))
        return;
    r->section = before;
    if (listing_read_table_line(r))
        return;
    r->section = SECTION_NONE;
    r->l->nr_unknown++;
}

bool
listing_read(struct listing *l, const char *text, gsize len)
{
    struct listing_reader r = { .l = l, .nr_errors = l->diag->errors->len };
    const char *end = text + len;

    if (len > TEXT_MOST || memchr(text, '\0', len) != NULL) {
        diag_error(l->diag, l->file, 0, 0, NULL, "not a listing; expected text of at most %d MiB",
                   TEXT_MOST >> 20);
        return false;
    }
    for (const char *next; text < end; text = next) {
        const char *newline = memchr(text, '\n', (gsize)(end - text));
        gsize n = (gsize)((newline != NULL ? newline : end) - text);

        next = newline != NULL ? newline + 1 : end;
        r.line++;
        while (n > 0 && (text[n - 1] == '\r' || text[n - 1] == ' '))
            n--;
        g_autofree char *line = g_strndup(text, n);
        r.start = line;
        if (n > LINE_MOST)
            listing_fail(&r, line, "the line is too long; expected at most %d characters",
                         LINE_MOST);
        else
            read_line(&r);
        if (l->diag->errors->len >= DIAG_MOST)
            break;
    }
    listing_check_table(&r);
    if (l->nr_nodes == 0 && !listing_failed(&r))
        diag_error(l->diag, l->file, 1, 1, NULL,
                   "no node is listed; expected the output of 'numactl --hardware'");
    return !listing_failed(&r);
}

bool
looks_like_numactl(const char *text, gsize len)
{
    g_autofree char *start = g_strndup(text, SIM_MIN(len, LOOK_MOST));
    const char *c = strstr(start, "available:"), *at;
    uint32_t k;

    if (c != NULL && strstr(c, "node") != NULL && g_ascii_isdigit(*listing_skip_blanks(c + 10)))
        return true;
    return strstr(start, "node distances:") != NULL ||
           find_node_line(start, "cpus", &k, &at) != NULL ||
           find_node_line(start, "size", &k, &at) != NULL;
}
