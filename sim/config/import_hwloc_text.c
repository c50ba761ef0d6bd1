/*
 * What comes out of the sandbox, read as if an enemy had written it: the process that wrote it may
 * have been taken over by the file it read.
 *
 *   refused TEXT                              alone: libhwloc did not take the file
 *
 *   cpus N                                    first, and both before the lists
 *   nodes N
 *   vendor|model|architecture|product|capacities TEXT
 *   family|left_out N
 *   caches L1D L2 LLC LINE                    bytes, 0: unknown
 *   cpu OS ALLOWED PACKAGE DIE CORE CLUSTER L2 LLC NODE CAPACITY      N lines, by OS; -1: none
 *   node OS ALLOWED KIND PACKAGE BYTES        N lines, by OS
 *   row D...                                  no line, or N of N values
 *   latency FROM TO NS, bandwidth FROM TO MIB
 *   note TEXT
 *   end                                       last
 *
 * Numbers are decimal, and every one has a range. Nothing is forgiven, not even a blank.
 */
#include "config/import_hwloc.h"

enum { NOTES_MOST = 100, ID_MOST = 1 << 20 };

struct text_reader {
    struct description *h;
    struct arena *arena;
    const char *c, *end; /* the rest of the line */
    guint nr_cpus, nr_nodes, nr_rows;
    bool ended;
};

static bool
take_number(struct text_reader *r, int64_t least, int64_t most, int64_t *value)
{
    uint64_t v = 0;
    bool negative;

    if (r->c == r->end || *r->c != ' ')
        return false;
    r->c++;
    negative = r->c < r->end && *r->c == '-';
    r->c += negative;
    const char *first = r->c;
    for (; r->c < r->end && g_ascii_isdigit(*r->c); r->c++) {
        if (r->c - first >= 19)
            return false;
        v = v * 10 + (uint64_t)(*r->c - '0');
    }
    if (r->c == first || v > INT64_MAX)
        return false;
    *value = negative ? -(int64_t)v : (int64_t)v;
    return *value >= least && *value <= most;
}

static bool
take_id(struct text_reader *r, int32_t least, int32_t most, int32_t *id)
{
    int64_t value;

    if (!take_number(r, least, most, &value))
        return false;
    *id = (int32_t)value;
    return true;
}

static bool
at_end(const struct text_reader *r)
{
    return r->c == r->end;
}

static bool
read_text(struct text_reader *r, void *to)
{
    gsize len = (gsize)(r->end - r->c);
    const char **text = to;

    if (len < 2 || len > HWLOC_TEXT_WORD + 2 || *r->c != ' ' || *text != NULL)
        return false;
    char *copy = arena_alloc(r->arena, len);
    for (gsize i = 1; i < len; i++) {
        if (!g_ascii_isprint(r->c[i]))
            return false;
        copy[i - 1] = r->c[i];
    }
    *text = copy;
    return true;
}

static bool
read_note(struct text_reader *r, void *to)
{
    struct description *h = r->h;

    if (h->nr_notes == NOTES_MOST)
        return false;
    if (h->notes == NULL)
        h->notes = arena_new_array(r->arena, const char *, NOTES_MOST);
    return read_text(r, &h->notes[h->nr_notes++]);
}

static bool
read_value(struct text_reader *r, void *to)
{
    return take_number(r, 0, INT64_MAX, to) && at_end(r);
}

static bool
read_caches(struct text_reader *r, void *to)
{
    struct description *h = r->h;

    return take_number(r, 0, INT64_MAX, &h->l1d_bytes) &&
           take_number(r, 0, INT64_MAX, &h->l2_bytes) &&
           take_number(r, 0, INT64_MAX, &h->llc_bytes) &&
           take_number(r, 0, 1 << 20, &h->line_bytes) && at_end(r);
}

static bool
read_cpus(struct text_reader *r, void *to)
{
    int64_t nr;

    if (r->h->cpus != NULL || !take_number(r, 1, CPU_MAX, &nr) || !at_end(r))
        return false;
    r->h->nr_cpus = (guint)nr;
    r->h->cpus = arena_new_array(r->arena, struct described_cpu, nr);
    return true;
}

static bool
read_nodes(struct text_reader *r, void *to)
{
    struct description *h = r->h;
    int64_t nr;

    if (h->nodes != NULL || !take_number(r, 1, NODE_MAX, &nr) || !at_end(r))
        return false;
    description_set_nodes(h, (guint)nr, r->arena);
    return true;
}

static bool
read_cpu(struct text_reader *r, void *to)
{
    struct description *h = r->h;

    if (r->nr_cpus == h->nr_cpus || h->nodes == NULL)
        return false;
    struct described_cpu *c = &h->cpus[r->nr_cpus];
    int32_t least = r->nr_cpus > 0 ? c[-1].os_index + 1 : 0;
    if (!take_id(r, least, CPU_MAX - 1, &c->os_index) || !take_id(r, 0, 1, &c->allowed) ||
        !take_id(r, -1, ID_MOST, &c->package) || !take_id(r, -1, ID_MOST, &c->die) ||
        !take_id(r, -1, ID_MOST, &c->core) || !take_id(r, -1, ID_MOST, &c->cluster) ||
        !take_id(r, -1, ID_MOST, &c->l2) || !take_id(r, -1, ID_MOST, &c->llc) ||
        !take_id(r, 0, (int32_t)h->nr_nodes - 1, &c->node) ||
        !take_number(r, 0, 1 << 30, &c->capacity) || !at_end(r))
        return false;
    r->nr_cpus++;
    return true;
}

static bool
read_node(struct text_reader *r, void *to)
{
    struct description *h = r->h;

    if (r->nr_nodes == h->nr_nodes)
        return false;
    struct described_node *n = &h->nodes[r->nr_nodes];
    int32_t least = r->nr_nodes > 0 ? n[-1].os_index + 1 : 0;
    if (!take_id(r, least, 65535, &n->os_index) || !take_id(r, 0, 1, &n->allowed) ||
        !take_id(r, 0, MEMORY_KIND_NR - 1, &n->kind) || !take_id(r, -1, ID_MOST, &n->package) ||
        !take_number(r, 0, (int64_t)1 << 56, &n->mem_bytes) || !at_end(r))
        return false;
    r->nr_nodes++;
    return true;
}

static bool
read_row(struct text_reader *r, void *to)
{
    struct description *h = r->h;

    if (r->nr_rows == h->nr_nodes)
        return false;
    for (guint i = 0; i < h->nr_nodes; i++)
        if (!take_number(r, 0, INT64_MAX, &h->matrix[r->nr_rows * h->nr_nodes + i]))
            return false;
    r->nr_rows++;
    h->has_matrix = true;
    return at_end(r);
}

static bool
read_pair(struct text_reader *r, void *to)
{
    const struct description *h = r->h;
    int64_t *const *values = to;
    int32_t from, node;

    return h->nr_nodes > 0 && take_id(r, 0, (int32_t)h->nr_nodes - 1, &from) &&
           take_id(r, 0, (int32_t)h->nr_nodes - 1, &node) &&
           take_number(r, 1, 1 << 30, &(*values)[(guint)from * h->nr_nodes + (guint)node]) &&
           at_end(r);
}

static bool
read_end(struct text_reader *r, void *to)
{
    const struct description *h = r->h;

    r->ended = true;
    return at_end(r) && h->cpus != NULL && h->nodes != NULL && r->nr_cpus == h->nr_cpus &&
           r->nr_nodes == h->nr_nodes && (r->nr_rows == 0 || r->nr_rows == h->nr_nodes);
}

#define FIELD_AT(name) offsetof(struct description, name)

static const struct {
    const char *word;
    bool (*read)(struct text_reader *r, void *to);
    gsize offset; /* in the description, of what is filled in */
} words[] = {
    { "cpu", read_cpu, 0 },
    { "node", read_node, 0 },
    { "row", read_row, 0 },
    { "cpus", read_cpus, 0 },
    { "nodes", read_nodes, 0 },
    { "caches", read_caches, 0 },
    { "note", read_note, 0 },
    { "end", read_end, 0 },
    { "vendor", read_text, FIELD_AT(vendor) },
    { "model", read_text, FIELD_AT(model) },
    { "architecture", read_text, FIELD_AT(architecture) },
    { "product", read_text, FIELD_AT(product) },
    { "capacities", read_text, FIELD_AT(capacity_basis) },
    { "family", read_value, FIELD_AT(family) },
    { "left_out", read_value, FIELD_AT(nr_left_out) },
    { "latency", read_pair, FIELD_AT(latency_ns) },
    { "bandwidth", read_pair, FIELD_AT(bandwidth) },
};

static bool
read_line(struct text_reader *r)
{
    const char *word = r->c;

    while (r->c < r->end && g_ascii_islower(*r->c))
        r->c++;
    while (r->c < r->end && *r->c == '_') /* left_out */
        for (r->c++; r->c < r->end && g_ascii_islower(*r->c);)
            r->c++;
    gsize len = (gsize)(r->c - word);
    for (gsize i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i].word) == len && memcmp(words[i].word, word, len) == 0)
            return !r->ended && words[i].read(r, (char *)r->h + words[i].offset);
    return false;
}

static bool
read_refusal(struct text_reader *r)
{
    static const char word[] = "refused";

    if ((gsize)(r->end - r->c) < strlen(word) || memcmp(r->c, word, strlen(word)) != 0)
        return false;
    r->c += strlen(word);
    return read_text(r, &r->h->refusal);
}

bool
hwloc_description_read(struct description *h, const char *text, gsize len, struct arena *a,
                       unsigned *bad_line)
{
    struct text_reader r = { .h = h, .arena = a };
    const char *end = text + len;

    *h = (struct description){ 0 };
    *bad_line = 0;
    for (; text < end; text = r.end + 1) {
        const char *newline = memchr(text, '\n', (gsize)(end - text));

        ++*bad_line;
        r.c = text;
        r.end = newline;
        if (newline == NULL)
            return false;
        if (*bad_line == 1 && read_refusal(&r))
            return newline + 1 == end;
        if (!read_line(&r))
            return false;
    }
    return r.ended;
}
