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
 * A line that fits neither is unknown: it is counted, never an error. What is an error is a listing
 * that contradicts itself, because then any machine made of it would be a guess.
 */
#include "config/import_numactl.h"

enum { TEXT_MOST = 4 << 20, LINE_MOST = 128 * 1024, LOOK_MOST = 64 * 1024, OS_INDEX_MOST = 65535 };

/* What a line of nothing but numbers goes on with. */
enum section { SECTION_NONE, SECTION_CPUS, SECTION_HEADER, SECTION_ROW };

struct reader {
    struct listing *l;
    unsigned line;     /* counts from 1 */
    const char *start; /* of the line, zero-terminated */
    enum section section;
    bool in_table;            /* after "node distances:" */
    struct listed_node *node; /* of SECTION_CPUS */
    guint nr_in_row;
    unsigned row_lines[NODE_MAX];
    guint nr_errors; /* that were there before us */
};

static void fail(struct reader *r, const char *at, const char *fmt, ...) SIM_PRINTF(3, 4);

static void
fail(struct reader *r, const char *at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    diag_error(r->l->diag, r->l->file, r->line, (unsigned)(at - r->start) + 1, NULL, "%s", text);
}

static const char *
skip_blanks(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

/* A decimal number of at most nine digits that ends at a blank, a colon or the end. */
static bool
take_number(const char **s, uint32_t *value)
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
        const char *c = skip_blanks(n + 4);

        if ((n > line && g_ascii_isalnum(n[-1])) || c == n + 4 || !take_number(&c, os_index))
            continue;
        *at = skip_blanks(n + 4);
        c = skip_blanks(c);
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
name_node(struct reader *r, const char *at, uint32_t os_index)
{
    struct listing *l = r->l;
    struct listed_node *n = listing_node(l, os_index);
    guint i = l->nr_nodes;

    if (n != NULL)
        return n;
    if (os_index > OS_INDEX_MOST || l->nr_nodes == NODE_MAX) {
        fail(r, at, "node %u is too much; expected at most %d nodes with numbers up to %d",
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
static struct listed_node *
known_node(struct reader *r, const char *at, uint32_t os_index)
{
    if (r->l->has_available && listing_node(r->l, os_index) == NULL) {
        fail(r, at, "node %u is not in the list of available nodes; expected one of that list",
             os_index);
        return NULL;
    }
    return name_node(r, at, os_index);
}

/* "LIST)" of "available: N nodes (LIST)". */
static bool
read_available_list(struct reader *r, const char *c)
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
    fail(r, item, "cannot read the list of nodes; expected something like (0-3,8)");
    return false;
}

static bool
read_available(struct reader *r, const char *c)
{
    struct listing *l = r->l;
    const char *at = skip_blanks(c);
    uint32_t nr;

    c = at;
    if (!take_number(&c, &nr) || !g_str_has_prefix(skip_blanks(c), "node"))
        return false;
    if (l->has_available) {
        fail(r, at, "a second 'available:' line; expected one listing in a file");
        return true;
    }
    c = strchr(c, '(');
    if (c == NULL || !read_available_list(r, c + 1)) {
        if (c == NULL)
            fail(r, at, "no list of nodes; expected 'available: %u nodes (0-%u)'", nr,
                 nr - (nr > 0));
        return true;
    }
    l->has_available = true;
    if (nr != l->nr_nodes)
        fail(r, at, "%u nodes are announced, but the list names %u; expected as many", nr,
             l->nr_nodes);
    return true;
}

static bool
cpu_of_other_node(struct reader *r, uint32_t cpu)
{
    for (guint i = 0; i < r->l->nr_nodes; i++)
        if (cpumask_test(r->l->nodes[i].cpus, cpu))
            return true;
    return false;
}

static void
read_cpus(struct reader *r, const char *c)
{
    uint32_t cpu;

    for (c = skip_blanks(c); *c != '\0'; c = skip_blanks(c)) {
        const char *at = c;

        if (!take_number(&c, &cpu)) {
            fail(r, at, "not a CPU number; expected numbers between blanks");
            return;
        }
        if (cpu >= CPU_MAX) {
            fail(r, at, "CPU %u is too high; expected numbers up to %d", cpu, CPU_MAX - 1);
            return;
        }
        if (cpu_of_other_node(r, cpu)) {
            fail(r, at, "CPU %u is listed twice; expected each CPU on one node", cpu);
            return;
        }
        cpumask_set(r->node->cpus, cpu);
    }
}

static void
read_size(struct reader *r, struct listed_node *n, const char *c)
{
    const char *at = skip_blanks(c);
    uint32_t mib;

    c = at;
    if (!take_number(&c, &mib) || !g_str_has_prefix(skip_blanks(c), "MB")) {
        fail(r, at, "cannot read the size of node %u; expected a number and MB", n->os_index);
        return;
    }
    if (n->has_size && n->size_mib != mib)
        fail(r, at, "a second size of node %u; expected one", n->os_index);
    n->has_size = true;
    n->size_mib = mib;
}

static bool
read_node_line(struct reader *r)
{
    uint32_t os_index;
    const char *at, *c;
    struct listed_node *n;

    if ((c = find_node_line(r->start, "cpus", &os_index, &at)) != NULL) {
        n = known_node(r, at, os_index);
        if (n == NULL)
            return true;
        if (n->has_cpus)
            fail(r, at, "a second list of CPUs of node %u; expected one", os_index);
        n->has_cpus = true;
        r->node = n;
        r->section = SECTION_CPUS;
        read_cpus(r, c);
        return true;
    }
    if ((c = find_node_line(r->start, "size", &os_index, &at)) != NULL) {
        n = known_node(r, at, os_index);
        if (n != NULL)
            read_size(r, n, c);
        return true;
    }
    return find_node_line(r->start, "free", &os_index, &at) != NULL;
}

/* Where the numbers at the end of the line begin; the end of the line if there are none. */
static const char *
numbers_at_end(const char *line)
{
    const char *end = line + strlen(line), *first = end;

    for (const char *c = end; c > line;) {
        const char *word;

        while (c > line && (c[-1] == ' ' || c[-1] == '\t'))
            c--;
        for (word = c; word > line && g_ascii_isdigit(word[-1]); word--)
            continue;
        if (word == c || (word > line && word[-1] != ' ' && word[-1] != '\t' && word[-1] != ':'))
            break;
        first = c = word;
        if (word > line && word[-1] == ':')
            break;
    }
    return first;
}

static void
read_header_numbers(struct reader *r, const char *c)
{
    struct listing *l = r->l;
    uint32_t os_index;

    for (c = skip_blanks(c); *c != '\0'; c = skip_blanks(c)) {
        const char *at = c;

        if (!take_number(&c, &os_index) || l->nr_columns == NODE_MAX) {
            fail(r, at, "cannot read the header of the distances; expected up to %d node numbers",
                 NODE_MAX);
            return;
        }
        for (guint i = 0; i < l->nr_columns; i++)
            if (l->columns[i] == os_index) {
                fail(r, at, "node %u has two columns; expected one", os_index);
                return;
            }
        if (known_node(r, at, os_index) == NULL)
            return;
        l->columns[l->nr_columns++] = os_index;
    }
}

static void
read_distances(struct reader *r, const char *c)
{
    struct listing *l = r->l;
    guint row = l->nr_rows - 1;
    uint32_t distance;

    for (c = skip_blanks(c); *c != '\0'; c = skip_blanks(c)) {
        const char *at = c;

        if (!take_number(&c, &distance) || distance < LOCAL_DISTANCE || distance > 255) {
            fail(r, at, "not a distance; expected a number from %d to 255", LOCAL_DISTANCE);
            r->nr_in_row = l->nr_columns; /* said enough about this row */
            return;
        }
        if (r->nr_in_row == l->nr_columns) {
            fail(r, at, "the row of node %u is too long; expected %u distances", l->rows[row],
                 l->nr_columns);
            return;
        }
        l->distances[row * NODE_MAX + r->nr_in_row++] = (uint8_t)distance;
    }
}

static void
check_row_complete(struct reader *r)
{
    struct listing *l = r->l;

    if (l->nr_rows > 0 && r->nr_in_row < l->nr_columns)
        diag_error(l->diag, l->file, r->row_lines[l->nr_rows - 1], 1, NULL,
                   "the row of node %u has %u distances; expected %u", l->rows[l->nr_rows - 1],
                   r->nr_in_row, l->nr_columns);
}

static bool
read_row(struct reader *r, const char *after)
{
    struct listing *l = r->l;
    const char *colon = after - 1, *at = colon;
    uint32_t os_index;

    while (at > r->start && g_ascii_isdigit(at[-1]))
        at--;
    const char *c = at;
    if (l->nr_columns == 0 || !take_number(&c, &os_index) || c != colon)
        return false;
    check_row_complete(r);
    r->section = SECTION_ROW;
    if (l->nr_rows == l->nr_columns || l->columns[l->nr_rows] != os_index) {
        fail(r, at, "a row for node %u; expected %s", os_index,
             l->nr_rows == l->nr_columns ? "as many rows as columns"
                                         : "the rows in the order of the columns");
        r->in_table = false;
        r->section = SECTION_NONE;
        r->nr_in_row = l->nr_columns;
        return true;
    }
    r->row_lines[l->nr_rows] = r->line;
    l->rows[l->nr_rows++] = os_index;
    r->nr_in_row = 0;
    read_distances(r, after);
    return true;
}

/* Numbers alone, or after a mark of quotation: the rest of the line before. */
static bool
read_continuation(struct reader *r, const char *numbers)
{
    for (const char *c = r->start; c < numbers; c++)
        if (strchr(" \t>|+*#", *c) == NULL)
            return false;
    switch (r->section) {
    case SECTION_CPUS:
        if (r->node != NULL)
            read_cpus(r, numbers);
        return r->node != NULL;
    case SECTION_HEADER:
        read_header_numbers(r, numbers);
        return true;
    case SECTION_ROW:
        read_distances(r, numbers);
        return true;
    case SECTION_NONE:
        break;
    }
    return false;
}

static bool
read_table_line(struct reader *r)
{
    const char *numbers = numbers_at_end(r->start), *before = numbers;

    if (*numbers == '\0')
        return false;
    while (before > r->start && (before[-1] == ' ' || before[-1] == '\t'))
        before--;
    if (r->in_table && before > r->start && before[-1] == ':')
        return read_row(r, before);
    if (r->in_table && before - r->start >= 4 && memcmp(before - 4, "node", 4) == 0 &&
        r->l->nr_columns == 0) {
        r->section = SECTION_HEADER;
        read_header_numbers(r, numbers);
        return true;
    }
    return read_continuation(r, numbers);
}

static void
read_line(struct reader *r)
{
    enum section before = r->section;
    const char *c;

    if (*skip_blanks(r->start) == '\0')
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
    if (read_table_line(r))
        return;
    r->section = SECTION_NONE;
    r->l->nr_unknown++;
}

static bool
failed(const struct reader *r)
{
    return r->l->diag->errors->len > r->nr_errors;
}

static void
check_diagonal(struct reader *r, guint row)
{
    struct listing *l = r->l;

    for (guint j = 0; j < l->nr_columns; j++)
        if (l->distances[row * NODE_MAX + j] < l->distances[row * NODE_MAX + row]) {
            diag_error(l->diag, l->file, r->row_lines[row], 1, NULL,
                       "node %u is nearer to node %u than to itself; expected the diagonal to be "
                       "the smallest of its row",
                       l->rows[row], l->columns[j]);
            return;
        }
}

static void
check_table(struct reader *r)
{
    struct listing *l = r->l;

    if (l->nr_columns == 0)
        return;
    check_row_complete(r);
    if (l->nr_rows != l->nr_columns && !failed(r))
        diag_error(
            l->diag, l->file, r->line, 1, NULL,
            "the table of distances has %u rows and %u columns; expected a row for each node",
            l->nr_rows, l->nr_columns);
    if (l->nr_columns != l->nr_nodes && !failed(r))
        diag_error(l->diag, l->file, r->row_lines[0], 1, NULL,
                   "the table of distances has %u nodes, the listing %u; expected the same nodes",
                   l->nr_columns, l->nr_nodes);
    for (guint i = 0; i < l->nr_rows && !failed(r); i++)
        check_diagonal(r, i);
}

bool
listing_read(struct listing *l, const char *text, gsize len)
{
    struct reader r = { .l = l, .nr_errors = l->diag->errors->len };
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
            fail(&r, line, "the line is too long; expected at most %d characters", LINE_MOST);
        else
            read_line(&r);
        if (l->diag->errors->len >= DIAG_MOST)
            break;
    }
    check_table(&r);
    if (l->nr_nodes == 0 && !failed(&r))
        diag_error(l->diag, l->file, 1, 1, NULL,
                   "no node is listed; expected the output of 'numactl --hardware'");
    return !failed(&r);
}

bool
looks_like_numactl(const char *text, gsize len)
{
    g_autofree char *start = g_strndup(text, SIM_MIN(len, LOOK_MOST));
    const char *c = strstr(start, "available:"), *at;
    uint32_t k;

    if (c != NULL && strstr(c, "node") != NULL && g_ascii_isdigit(*skip_blanks(c + 10)))
        return true;
    return strstr(start, "node distances:") != NULL ||
           find_node_line(start, "cpus", &k, &at) != NULL ||
           find_node_line(start, "size", &k, &at) != NULL;
}
