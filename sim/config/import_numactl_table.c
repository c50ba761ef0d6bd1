/*
 * The table of distances in a numactl listing, and lines that go on with the line before.
 *
 * Both are numbers at the end of a line. Reading from the right makes a time stamp in front
 * harmless, colons included, and a row that was wrapped needs no rule of its own: its rest is a
 * line of nothing but numbers.
 */
#include "config/import_numactl_read.h"

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
read_header_numbers(struct listing_reader *r, const char *c)
{
    struct listing *l = r->l;
    uint32_t os_index;

    for (c = listing_skip_blanks(c); *c != '\0'; c = listing_skip_blanks(c)) {
        const char *at = c;

        if (!listing_take_number(&c, &os_index) || l->nr_columns == NODE_MAX) {
            listing_fail(r, at,
                         "cannot read the header of the distances; expected up to %d node numbers",
                         NODE_MAX);
            return;
        }
        for (guint i = 0; i < l->nr_columns; i++)
            if (l->columns[i] == os_index) {
                listing_fail(r, at, "node %u has two columns; expected one", os_index);
                return;
            }
        if (listing_known_node(r, at, os_index) == NULL)
            return;
        l->columns[l->nr_columns++] = os_index;
    }
}

static void
read_distances(struct listing_reader *r, const char *c)
{
    struct listing *l = r->l;
    guint row = l->nr_rows - 1;
    uint32_t distance;

    for (c = listing_skip_blanks(c); *c != '\0'; c = listing_skip_blanks(c)) {
        const char *at = c;

        if (!listing_take_number(&c, &distance) || distance < LOCAL_DISTANCE || distance > 255) {
            listing_fail(r, at, "not a distance; expected a number from %d to 255", LOCAL_DISTANCE);
            r->nr_in_row = l->nr_columns; /* said enough about this row */
            return;
        }
        if (r->nr_in_row == l->nr_columns) {
            listing_fail(r, at, "the row of node %u is too long; expected %u distances",
                         l->rows[row], l->nr_columns);
            return;
        }
        l->distances[row * NODE_MAX + r->nr_in_row++] = (uint8_t)distance;
    }
}

static void
check_row_complete(struct listing_reader *r)
{
    struct listing *l = r->l;

    if (l->nr_rows > 0 && r->nr_in_row < l->nr_columns)
        diag_error(l->diag, l->file, r->row_lines[l->nr_rows - 1], 1, NULL,
                   "the row of node %u has %u distances; expected %u", l->rows[l->nr_rows - 1],
                   r->nr_in_row, l->nr_columns);
}

static bool
read_row(struct listing_reader *r, const char *after)
{
    struct listing *l = r->l;
    const char *colon = after - 1, *at = colon;
    uint32_t os_index;

    while (at > r->start && g_ascii_isdigit(at[-1]))
        at--;
    const char *c = at;
    if (l->nr_columns == 0 || !listing_take_number(&c, &os_index) || c != colon)
        return false;
    check_row_complete(r);
    r->section = SECTION_ROW;
    if (l->nr_rows == l->nr_columns || l->columns[l->nr_rows] != os_index) {
        listing_fail(r, at, "a row for node %u; expected %s", os_index,
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
read_continuation(struct listing_reader *r, const char *numbers)
{
    for (const char *c = r->start; c < numbers; c++)
        if (strchr(" \t>|+*#", *c) == NULL)
            return false;
    switch (r->section) {
    case SECTION_CPUS:
        if (r->node != NULL)
            listing_read_cpus(r, numbers);
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

bool
listing_read_table_line(struct listing_reader *r)
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

bool
listing_failed(const struct listing_reader *r)
{
    return r->l->diag->errors->len > r->nr_errors;
}

static void
check_diagonal(struct listing_reader *r, guint row)
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

void
listing_check_table(struct listing_reader *r)
{
    struct listing *l = r->l;

    if (l->nr_columns == 0)
        return;
    check_row_complete(r);
    if (l->nr_rows != l->nr_columns && !listing_failed(r))
        diag_error(
            l->diag, l->file, r->line, 1, NULL,
            "the table of distances has %u rows and %u columns; expected a row for each node",
            l->nr_rows, l->nr_columns);
    if (l->nr_columns != l->nr_nodes && !listing_failed(r))
        diag_error(l->diag, l->file, r->row_lines[0], 1, NULL,
                   "the table of distances has %u nodes, the listing %u; expected the same nodes",
                   l->nr_columns, l->nr_nodes);
    for (guint i = 0; i < l->nr_rows && !listing_failed(r); i++)
        check_diagonal(r, i);
}
