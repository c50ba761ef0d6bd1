/*
 * What a topology file says about pairs of nodes: distances, idle latencies, bandwidths.
 *
 * Rows and columns are in the order of the nodes' numbers; a row is the node of the CPU, a column
 * that of the memory. A row is a list, or a text with blanks, as firmware tables are printed. A
 * machine whose pairs are of three kinds only may name these instead: `{local: 10, package: 12,
 * remote: 32}`. A cell `none` is one that nobody knows: machine_finish() fills it by its rule, and
 * says so.
 */
#include "config/topology_yaml.h"

enum { ROW_BYTES_MOST = NODE_MAX * 32 };

struct span {
    const struct ynode *local, *package, *remote;
};

const struct field topo_span_fields[] = {
    FIELD(FIELD_STRING, struct span, local,
          .doc = "a node and itself; for distances 10 if left out"),
    FIELD(FIELD_STRING, struct span, package,
          .doc = "two nodes of one package; as remote if left out"),
    FIELD(FIELD_STRING, struct span, remote, .required = true, .doc = "any other two nodes"),
    FIELD_END
};

/* One cell; 0 for `none`. */
typedef bool (*cell_fn)(struct topo *t, const struct ynode *n, uint64_t *value);

static bool
read_distance(struct topo *t, const struct ynode *n, uint64_t *value)
{
    return ynode_number(&t->doc, n, LOCAL_DISTANCE, UINT8_MAX, value);
}

static bool
read_latency(struct topo *t, const struct ynode *n, uint64_t *value)
{
    if (!ynode_quantity(&t->doc, n, FIELD_TIME_PS, value))
        return false;
    if (*value >= 1 && *value <= 1000000000)
        return true;
    ynode_error(&t->doc, n, "%s is no latency of memory; write a time up to 1ms, as in 85ns",
                n->text);
    return false;
}

static bool
read_bandwidth(struct topo *t, const struct ynode *n, uint64_t *value)
{
    if (!ynode_quantity(&t->doc, n, FIELD_BANDWIDTH, value))
        return false;
    if (*value >= 1000000)
        return true;
    ynode_error(&t->doc, n, "%s is too little; write at least 1MB/s", n->text);
    return false;
}

static void
read_cell(struct topo *t, const struct ynode *n, cell_fn read, uint64_t *value)
{
    *value = 0;
    if (n->kind == YNODE_SCALAR && strcmp(n->text, "none") == 0 && read != read_distance)
        return;
    if (!read(t, n, value))
        *value = 0;
}

/* The cells of a row; a text is split at its blanks into cells that stand where the row stands. */
static const struct ynode *
row_cells(struct topo *t, const struct ynode *row)
{
    if (row->kind != YNODE_SCALAR)
        return ynode_expect(&t->doc, row, YNODE_SEQ);
    if (strlen(row->text) > ROW_BYTES_MOST) {
        ynode_error(&t->doc, row, "this is too long for a row");
        return NULL;
    }
    g_auto(GStrv) words = g_strsplit_set(row->text, " \t\n", -1);
    struct ynode *cells = arena_new_object(t->doc.arena, struct ynode);

    *cells = *row;
    cells->kind = YNODE_SEQ;
    cells->values = arena_new_array(t->doc.arena, struct ynode *, g_strv_length(words) + 1);
    for (guint i = 0; words[i] != NULL; i++) {
        if (words[i][0] == '\0')
            continue;
        struct ynode *cell = arena_new_object(t->doc.arena, struct ynode);
        *cell = *row;
        cell->text = arena_strdup(t->doc.arena, words[i]);
        cell->parent = row;
        cell->key = NULL;
        cell->index = cells->nr;
        cells->values[cells->nr++] = cell;
    }
    return cells;
}

static bool
read_rows(struct topo *t, const struct ynode *n, cell_fn read, uint64_t *cells)
{
    const struct machine *m = t->m;

    if (n->nr != m->nr_nodes) {
        ynode_error(&t->doc, n, "there are %u rows, but %u nodes; write a row for each", n->nr,
                    m->nr_nodes);
        return false;
    }
    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        const struct ynode *row = row_cells(t, n->values[i]);
        if (row == NULL)
            continue;
        if (row->nr != m->nr_nodes) {
            ynode_error(&t->doc, row, "the row for node %u has %u values, but there are %u nodes",
                        m->nodes[i].os_index, row->nr, m->nr_nodes);
            continue;
        }
        for (uint32_t j = 0; j < m->nr_nodes; j++)
            read_cell(t, row->values[j], read, &cells[i * m->nr_nodes + j]);
    }
    return true;
}

/* Packages of nodes: that of their first CPU. */
static int32_t
package_of(const struct machine *m, uint32_t node)
{
    for (uint32_t cpu = 0; cpu < m->nr_cpus; cpu++)
        if (m->cpus[cpu].present && m->cpus[cpu].node == (int32_t)node)
            return m->cpus[cpu].package;
    return MACHINE_NONE;
}

static bool
read_span(struct topo *t, const struct ynode *n, cell_fn read, uint64_t *cells)
{
    const struct machine *m = t->m;
    const struct ynode *local = ynode_get(n, "local"), *package = ynode_get(n, "package");
    const struct ynode *remote = ynode_get(n, "remote");
    uint64_t at_home = LOCAL_DISTANCE, near = 0, far = 0;
    int32_t packages[NODE_MAX];

    ynode_check_keys(&t->doc, n, topo_span_fields, NULL);
    if (remote == NULL || (local == NULL && read != read_distance)) {
        ynode_error(&t->doc, n, "write local, remote, and package where it differs from remote");
        return false;
    }
    if (local != NULL)
        read_cell(t, local, read, &at_home);
    read_cell(t, remote, read, &far);
    near = far;
    if (package != NULL)
        read_cell(t, package, read, &near);
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        packages[i] = package_of(m, i);
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        for (uint32_t j = 0; j < m->nr_nodes; j++)
            cells[i * m->nr_nodes + j] = i == j                                           ? at_home
                                         : packages[i] >= 0 && packages[i] == packages[j] ? near
                                                                                          : far;
    return true;
}

/* NULL when the file does not have it, or it is wrong. */
static uint64_t *
read_matrix(struct topo *t, const char *key, cell_fn read)
{
    const struct ynode *n = ynode_get(t->root, key);
    uint64_t *cells = arena_new_array(t->doc.arena, uint64_t, t->m->nr_nodes * t->m->nr_nodes);

    if (n == NULL)
        return NULL;
    if (n->kind == YNODE_MAP)
        return read_span(t, n, read, cells) ? cells : NULL;
    if (ynode_expect(&t->doc, n, YNODE_SEQ) == NULL)
        return NULL;
    return read_rows(t, n, read, cells) ? cells : NULL;
}

void
topo_read_distances(struct topo *t)
{
    const uint64_t *cells = read_matrix(t, "distances", read_distance);
    uint32_t nr = t->m->nr_nodes;

    if (cells == NULL)
        return;
    t->m->has_distances = true;
    for (uint32_t i = 0; i < nr * nr; i++) {
        t->m->distances[i] = (uint8_t)cells[i];
        if (i % (nr + 1) == 0 && cells[i] > LOCAL_DISTANCE)
            ynode_error(&t->doc, ynode_get(t->root, "distances"),
                        "node %u is %u from itself; the distance of a node to itself is 10",
                        t->m->nodes[i / nr].os_index, (unsigned)cells[i]);
    }
}

void
topo_read_latency(struct topo *t)
{
    const uint64_t *cells = read_matrix(t, "latency", read_latency);

    if (cells == NULL)
        return;
    t->m->has_latency = true;
    for (uint32_t i = 0; i < t->m->nr_nodes * t->m->nr_nodes; i++)
        t->m->latency_ps[i] = (uint32_t)cells[i];
}

/* The diagonal is the controllers; any other cell a link of its own, from memory to CPU. */
void
topo_read_bandwidth(struct topo *t)
{
    const uint64_t *cells = read_matrix(t, "bandwidth", read_bandwidth);
    struct machine *m = t->m;
    uint32_t nr = m->nr_nodes;

    if (cells == NULL)
        return;
    for (uint32_t i = 0; i < nr; i++)
        if (cells[i * nr + i] != 0)
            m->nodes[i].bandwidth = cells[i * nr + i];
    m->links = arena_new_array(t->doc.arena, struct machine_link, nr * nr);
    for (uint32_t from = 0; from < nr; from++)
        for (uint32_t to = 0; to < nr; to++)
            if (from != to)
                m->links[m->nr_links++] = (struct machine_link){
                    .from = (int32_t)from, .to = (int32_t)to, .bandwidth = cells[to * nr + from]
                };
}
