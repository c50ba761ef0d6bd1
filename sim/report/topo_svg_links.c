/*
 * The ways between nodes: nodes on a circle, a line for each pair that a link connects, as wide as
 * the link, with its bandwidth while there are few enough lines to write beside. A circle shows
 * every pattern that real machines have (rings, meshes, pairs of packages) without knowing any of
 * them.
 *
 * Many machines tell no links, and then there is one between every two nodes by assumption. Above
 * EDGES_MOST lines only those of the shortest distance are drawn, and the picture says so.
 */
#include "report/topo_svg_impl.h"

enum {
    NODE_R = 19,
    EDGES_MOST = 120,
    LABELS_MOST = 12,
    LABELLED_NODES = 8,
    DRAWN_MOST = 400,
    SCALE = 1000
};

struct edge {
    uint32_t a, b;
    uint64_t bandwidth; /* of the wider direction */
    bool both;
};

/* sin of the k-th of 64 parts of a quarter circle, times 1000: no libm, so that every machine draws
 * the same picture. */
static int
sine(int k)
{
    /* Bhaskara's approximation, within 0.2 per cent */
    int64_t half = 128, x = k % 256;
    int64_t sign = x >= half ? -1 : 1;

    x %= half;
    return (int)(sign * SCALE * 4 * x * (half - x) * 4 / (5 * half * half - 4 * x * (half - x)));
}

static int
radius(uint32_t nr_nodes)
{
    return nr_nodes <= 2 ? 110 : SIM_CLAMP((int)nr_nodes * 17, 120, 300);
}

/* The first node is at the top left, so that two are side by side. */
static void
place(uint32_t i, uint32_t nr, int *x, int *y)
{
    int r = radius(nr);
    int k = nr == 2 ? (i == 0 ? 128 : 0) : (int)(i * 256 / nr) + 160 + (nr == 3 ? 32 : 0);

    *x = r * sine(k + 64) / SCALE + r + NODE_R + 4;
    *y = r * sine(k) / SCALE + r + NODE_R + 4;
    if (nr == 2)
        *y = NODE_R + 40;
}

static GArray *
collect_edges(const struct machine *m)
{
    GArray *edges = g_array_new(FALSE, FALSE, sizeof(struct edge));

    for (uint32_t a = 0; a < m->nr_nodes; a++)
        for (uint32_t b = a + 1; b < m->nr_nodes; b++) {
            struct edge e = { .a = a, .b = b };
            bool there = false, back = false;

            for (uint32_t i = 0; i < m->nr_links; i++) {
                const struct machine_link *l = &m->links[i];
                bool is_there = l->from == (int32_t)a && l->to == (int32_t)b;
                bool is_back = l->from == (int32_t)b && l->to == (int32_t)a;

                there |= is_there;
                back |= is_back;
                if (is_there || is_back)
                    e.bandwidth = SIM_MAX(e.bandwidth, l->bandwidth);
            }
            e.both = there && back;
            if (there || back)
                g_array_append_val(edges, e);
        }
    return edges;
}

/* Leaves those of the shortest distance if there are too many. True: some are gone. */
static bool
thin_out(const struct machine *m, GArray *edges)
{
    uint32_t least = 255;

    if (edges->len <= EDGES_MOST)
        return false;
    for (guint i = 0; i < edges->len; i++) {
        const struct edge *e = &g_array_index(edges, struct edge, i);
        least = SIM_MIN(least, machine_distance(m, e->a, e->b));
    }
    for (guint i = edges->len; i-- > 0;) {
        const struct edge *e = &g_array_index(edges, struct edge, i);
        if (machine_distance(m, e->a, e->b) > least)
            g_array_remove_index(edges, i);
    }
    return true;
}

/* machine_finish() connects every two nodes where a file tells no links. */
static bool
links_are_assumed(const struct machine *m)
{
    for (uint32_t i = 0; i < m->nr_notes; i++)
        if (g_str_has_prefix(m->notes[i], "assumed: a link for each"))
            return true;
    return false;
}

static void
draw_edge(struct canvas *c, const struct edge *e, int x, int y, uint64_t widest, bool label)
{
    int ax, ay, bx, by;
    int tenths = (int)SIM_MAX(e->bandwidth * 50 / SIM_MAX(widest, 1u), 8u);

    place(e->a, c->m->nr_nodes, &ax, &ay);
    place(e->b, c->m->nr_nodes, &bx, &by);
    g_string_append_printf(c->s,
                           "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\" "
                           "stroke-width=\"%d.%d\"%s/>\n",
                           x + ax, y + ay, x + bx, y + by,
                           links_are_assumed(c->m) ? "#c5cbd3" : "#7a8594", tenths / 10,
                           tenths % 10, e->both ? "" : " stroke-dasharray=\"6 3\"");
    if (!label)
        return;
    /* not in the middle, where the diagonals of a square meet */
    int lx = x + ax + (bx - ax) * 38 / 100, ly = y + ay + (by - ay) * 38 / 100 + 4;
    svg_text(c, lx, ly, 11, TEXT_MIDDLE, 0,
             "stroke=\"#fff\" stroke-width=\"4\" paint-order=\"stroke\"", "%s",
             svg_bandwidth(c, e->bandwidth));
}

static void
draw_nodes(struct canvas *c, int x, int y)
{
    for (uint32_t i = 0; i < c->m->nr_nodes; i++) {
        const struct machine_node *n = &c->m->nodes[i];
        int nx, ny;

        place(i, c->m->nr_nodes, &nx, &ny);
        g_string_append_printf(
            c->s,
            "<circle cx=\"%d\" cy=\"%d\" r=\"%d\" fill=\"#f2f4f7\" stroke=\"%s\" "
            "stroke-width=\"3\"%s/>\n",
            x + nx, y + ny, c->m->nr_nodes > 40 ? NODE_R - 6 : NODE_R,
            n->mem_bytes > 0 ? svg_kind_colours[n->kind] : "#aaa",
            cpumask_empty(n->cpus) ? " stroke-dasharray=\"5 3\"" : "");
        svg_text(c, x + nx, y + ny + 4, 12, TEXT_MIDDLE, 0, "font-weight=\"bold\"", "%u",
                 n->os_index);
    }
}

struct area
svg_links(struct canvas *c, int x, int y)
{
    g_autoptr(GArray) edges = collect_edges(c->m);
    bool thinned = thin_out(c->m, edges);
    int size = 2 * (radius(c->m->nr_nodes) + NODE_R + 4);
    int height = c->m->nr_nodes == 2 ? 2 * NODE_R + 80 : size;
    uint64_t widest = 0;

    for (guint i = 0; i < edges->len; i++)
        widest = SIM_MAX(widest, g_array_index(edges, struct edge, i).bandwidth);
    bool draws = edges->len <= DRAWN_MOST;
    for (guint i = 0; i < edges->len && draws; i++)
        draw_edge(c, &g_array_index(edges, struct edge, i), x, y, widest,
                  edges->len <= LABELS_MOST && c->m->nr_nodes <= LABELLED_NODES);
    draw_nodes(c, x, y);
    const char *what = !draws    ? "too many to draw. Links of the shortest distance"
                       : thinned ? "only those of the shortest distance are drawn. Links"
                                 : "width: bandwidth, dashed: one way only. Links";
    svg_text(c, x, y + height + 14, 11, TEXT_LEFT, 0, "fill=\"#444\"", "%s: %u, up to %s%s", what,
             edges->len, svg_bandwidth(c, widest),
             links_are_assumed(c->m) ? "; all assumed, none is told" : "");
    return (struct area){ SIM_MAX(size, 480), height + 24 };
}
