/*
 * Distances and latencies: a row for each node that CPUs sit in, a column for each memory. The
 * colour follows the latency, so that clusters of near nodes can be seen where numbers are too
 * small to be read.
 */
#include "report/topo_svg_impl.h"

enum { LARGE = 8, MEDIUM = 16 };

static const struct {
    uint32_t most_nodes;
    int w, h, size;
    bool latency;
} cells[] = { { LARGE, 56, 36, 13, true },
              { MEDIUM, 44, 30, 11, true },
              { 32, 25, 18, 9, false },
              { NODE_MAX, 17, 13, 7, false } };

/* From near (pale) to far (blue). */
static void
cell_style(char *style, gsize size, uint32_t ps, uint32_t least, uint32_t most)
{
    int share = most > least ? (int)((uint64_t)(ps - least) * 100 / (most - least)) : 0;

    g_snprintf(style, size, "fill=\"#0072b2\" fill-opacity=\"0.%02d\" stroke=\"#fff\"",
               5 + share * 60 / 100);
}

static void
draw_cell(struct canvas *c, gsize look, int x, int y, uint32_t from, uint32_t to)
{
    uint32_t ps = machine_latency_ps(c->m, from, to);
    bool is_told = !cpumask_empty(c->m->nodes[from].cpus);
    int w = cells[look].w, h = cells[look].h, size = cells[look].size;

    svg_text(c, x + w / 2, y + (cells[look].latency ? h / 2 - 2 : h / 2 + size / 3), size,
             TEXT_MIDDLE, 0, from == to ? "font-weight=\"bold\"" : "", "%u",
             machine_distance(c->m, from, to));
    if (cells[look].latency && is_told)
        svg_text(c, x + w / 2, y + h - 5, size - 2, TEXT_MIDDLE, 0, "fill=\"#333\"", "%u",
                 (ps + 500) / 1000);
}

static void
find_range(const struct machine *m, uint32_t *least, uint32_t *most)
{
    *least = UINT32_MAX;
    *most = 0;
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        for (uint32_t j = 0; j < m->nr_nodes; j++) {
            if (cpumask_empty(m->nodes[i].cpus))
                continue;
            *least = SIM_MIN(*least, machine_latency_ps(m, i, j));
            *most = SIM_MAX(*most, machine_latency_ps(m, i, j));
        }
}

static void
draw_row(struct canvas *c, gsize look, int x, int y, uint32_t from, uint32_t least, uint32_t most)
{
    char style[80];

    for (uint32_t to = 0; to < c->m->nr_nodes; to++) {
        int cx = x + (int)to * cells[look].w;

        if (cpumask_empty(c->m->nodes[from].cpus))
            g_snprintf(style, sizeof(style), "fill=\"#eee\" stroke=\"#fff\"");
        else
            cell_style(style, sizeof(style), machine_latency_ps(c->m, from, to), least, most);
        svg_rect(c, cx, y, cells[look].w, cells[look].h, style);
        draw_cell(c, look, cx, y, from, to);
    }
}

struct area
svg_matrix(struct canvas *c, int x, int y)
{
    const struct machine *m = c->m;
    uint32_t least, most;
    gsize look = 0;

    while (m->nr_nodes > cells[look].most_nodes)
        look++;
    int w = cells[look].w, h = cells[look].h, left = x + 34, top = y + 34;
    find_range(m, &least, &most);
    svg_text(c, left, y + 12, 11, TEXT_LEFT, 0, "fill=\"#444\"", "memory of node →");
    svg_text(c, x, top - 4, 11, TEXT_LEFT, 0, "fill=\"#444\"", "CPU ↓");
    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        int size = cells[look].size;

        svg_text(c, left + (int)i * w + w / 2, top - 4, size, TEXT_MIDDLE, 0, "", "%u",
                 m->nodes[i].os_index);
        svg_text(c, left - 6, top + (int)i * h + h / 2 + size / 3, size, TEXT_RIGHT, 0, "", "%u",
                 m->nodes[i].os_index);
        draw_row(c, look, left, top + (int)i * h, i, least, most);
    }
    return (struct area){ 34 + (int)m->nr_nodes * w, 34 + (int)m->nr_nodes * h + 8 };
}
