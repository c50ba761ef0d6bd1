/*
 * The whole picture: title, boxes, links beside the table of distances, legend, and what was
 * assumed.
 *
 * SVG is written by hand: the picture is rectangles, lines and texts, a library would bring more
 * rules than it saves, and the same machine must give the same bytes. All coordinates are whole
 * pixels for the same reason.
 */
#include "report/topo_svg_impl.h"

#include "base/field.h"

enum { SHORT_QUANTITY = 7, MARGIN = 24, WIDTH = 1180, GAP = 28, NOTES_MOST = 12, NOTE_CHARS = 150 };

/* Told apart also by those who see few colours (Okabe and Ito). */
const char *const svg_kind_colours[MEMORY_KIND_NR] = {
    [MEMORY_DRAM] = "#0072b2", [MEMORY_HBM] = "#d55e00", [MEMORY_CXL] = "#e69f00",
    [MEMORY_PMEM] = "#cc79a7", [MEMORY_GPU] = "#009e73",
};

void
svg_rect(struct canvas *c, int x, int y, int w, int h, const char *attributes)
{
    g_string_append_printf(c->s, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" %s/>\n", x, y,
                           w, h, attributes);
}

/* A letter is about 0.58 of its size wide. */
static void
cut(char *text, int size, int most)
{
    glong fit = most * 100 / (size * 58);

    if (most <= 0 || g_utf8_strlen(text, -1) <= fit)
        return;
    if (fit < 2)
        *text = '\0';
    else
        strcpy(g_utf8_offset_to_pointer(text, fit - 2), "…");
}

void
svg_text(struct canvas *c, int x, int y, int size, enum text_anchor anchor, int most,
         const char *attributes, const char *fmt, ...)
{
    static const char *const anchors[] = { "", " text-anchor=\"middle\"", " text-anchor=\"end\"" };
    va_list args;

    va_start(args, fmt);
    g_autofree char *raw = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_autofree char *text = g_utf8_make_valid(raw, -1);
    for (char *t = text; *t != '\0'; t++)
        if (g_ascii_iscntrl(*t))
            *t = ' ';
    cut(text, size, most);
    g_autofree char *escaped = g_markup_escape_text(text, -1);
    g_string_append_printf(c->s, "<text x=\"%d\" y=\"%d\" font-size=\"%d\"%s %s>%s</text>\n", x, y,
                           size, anchors[anchor], attributes, escaped);
}

static const char *
rounded(struct canvas *c, enum field_type type, uint64_t value, uint64_t unit, const char *name)
{
    const char *exact = format_quantity(type, value, c->arena);
    uint64_t tenths = value / (unit / 10);

    if (strlen(exact) <= SHORT_QUANTITY || tenths < 10)
        return exact;
    return tenths < 100 ? arena_printf(c->arena, "%u.%u%s", (unsigned)(tenths / 10),
                                       (unsigned)(tenths % 10), name)
                        : arena_printf(c->arena, "%u%s", (unsigned)((tenths + 5) / 10), name);
}

const char *
svg_size(struct canvas *c, uint64_t bytes)
{
    return rounded(c, FIELD_SIZE, bytes, GIB(1), "GiB");
}

const char *
svg_bandwidth(struct canvas *c, uint64_t bytes_per_second)
{
    return rounded(c, FIELD_BANDWIDTH, bytes_per_second, 1000000000u, "GB/s");
}

static int
draw_title(struct canvas *c)
{
    const struct machine *m = c->m;
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < m->nr_nodes; i++)
        bytes += m->nodes[i].mem_bytes;
    svg_text(c, MARGIN, 34, 22, TEXT_LEFT, WIDTH, "font-weight=\"bold\"", "%s", m->name);
    svg_text(c, MARGIN, 56, 13, TEXT_LEFT, WIDTH, "fill=\"#444\"", "%s",
             m->title != NULL ? m->title : "");
    svg_text(
        c, MARGIN, 76, 13, TEXT_LEFT, WIDTH, "fill=\"#444\"",
        "%u NUMA nodes · %u packages · %u last-level caches · %u cores · %u CPUs · %s of memory",
        m->nr_nodes, m->nr_packages, m->nr_llcs, m->nr_cores, cpumask_weight(m->online),
        svg_size(c, bytes));
    return 96;
}

static void
heading(struct canvas *c, int x, int y, const char *text)
{
    svg_text(c, x, y, 15, TEXT_LEFT, 0, "font-weight=\"bold\"", "%s", text);
}

/* ---- legend ---- */

static int
swatch(struct canvas *c, int x, int y, const char *attributes, const char *text)
{
    svg_rect(c, x, y - 10, 14, 12, attributes);
    svg_text(c, x + 20, y, 12, TEXT_LEFT, 0, "", "%s", text);
    return x + 42 + (int)g_utf8_strlen(text, -1) * 62 / 10;
}

static bool
has_slow_cpus(const struct machine *m)
{
    for_each_cpu (cpu, m->online)
        if (m->cpus[cpu].capacity < 1024)
            return true;
    return false;
}

static int
draw_legend(struct canvas *c, int y)
{
    const struct machine *m = c->m;
    bool has_kind[MEMORY_KIND_NR] = { false };
    int x = MARGIN;

    x = swatch(c, x, y, "fill=\"#cfe3f3\" stroke=\"#7a9cb8\"", "CPU (its number)");
    if (!cpumask_equal(m->present, m->online))
        x = swatch(c, x, y, "fill=\"#eee\" stroke=\"#999\" stroke-dasharray=\"2 2\"",
                   "offline CPU");
    if (has_slow_cpus(m))
        x = swatch(c, x, y, "fill=\"#f0f7fc\" stroke=\"#7a9cb8\"", "the paler, the slower");
    x = swatch(c, x, y, "fill=\"#fff\" stroke=\"#999\"", "core");
    x = swatch(c, x, y, "fill=\"#fdf3d0\" stroke=\"#c9b458\"",
               "CPUs that share a last-level cache");
    x = swatch(c, x, y, "fill=\"#f2f4f7\" stroke=\"#8a94a3\"", "NUMA node");
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        has_kind[m->nodes[i].kind] = true;
    for (int k = 0; k < MEMORY_KIND_NR; k++) {
        g_autofree char *fill = g_strdup_printf("fill=\"%s\"", svg_kind_colours[k]);
        g_autofree char *text = g_strdup_printf("memory: %s", memory_kind_names[k]);
        if (has_kind[k])
            x = swatch(c, x, y, fill, text);
    }
    return y + GAP;
}

static int
draw_notes(struct canvas *c, int y)
{
    const struct machine *m = c->m;

    if (m->nr_notes == 0)
        return y;
    heading(c, MARGIN, y, "Where the numbers come from");
    for (uint32_t i = 0; i < m->nr_notes && i < NOTES_MOST; i++)
        svg_text(c, MARGIN, y += 18, 12, TEXT_LEFT, WIDTH, "fill=\"#444\"", "%s", m->notes[i]);
    if (m->nr_notes > NOTES_MOST)
        svg_text(c, MARGIN, y += 18, 12, TEXT_LEFT, 0, "fill=\"#444\"",
                 "and %u more: numasim topo show", m->nr_notes - NOTES_MOST);
    return y + GAP;
}

/* Beside each other where there is room. */
static struct area
draw_interconnect(struct canvas *c, int y)
{
    struct area links = { 0 }, matrix;
    int x = MARGIN, top = y;

    if (c->m->nr_nodes < 2)
        return links;
    heading(c, x, y, "Links between nodes");
    links = svg_links(c, x, y + 14);
    if (links.w + GAP + 420 <= WIDTH) {
        x += links.w + GAP;
    } else {
        y += links.h + GAP + 14;
        top = y - links.h - GAP - 14;
    }
    heading(c, x, y, "Distance (SLIT), and idle latency in ns below it");
    matrix = svg_matrix(c, x, y + 14);
    return (struct area){ .w = SIM_MAX(x - MARGIN + matrix.w, links.w),
                          .h = SIM_MAX(y - top + matrix.h, links.h) + 14 };
}

void
topo_svg(const struct machine *m, GString *out)
{
    struct canvas c = { .m = m, .arena = arena_new(), .s = g_string_new(NULL) };
    int y = draw_title(&c);
    struct area boxes = svg_boxes(&c, MARGIN, y, WIDTH);

    y = draw_legend(&c, y + boxes.h + GAP);
    struct area connect = draw_interconnect(&c, y + 8);
    if (m->nr_nodes > 1)
        y += connect.h + GAP + 8;
    y = draw_notes(&c, y);
    int width = SIM_MAX(SIM_MAX(boxes.w, connect.w), WIDTH) + 2 * MARGIN;
    g_string_append_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "viewBox=\"0 0 %d %d\" font-family=\"DejaVu Sans, Verdana, sans-serif\">\n",
        width, y, width, y);
    g_autofree char *title = g_markup_escape_text(m->name, -1);
    g_string_append_printf(out,
                           "<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" "
                           "fill=\"#fff\"/>\n",
                           title);
    g_string_append_len(out, c.s->str, (gssize)c.s->len);
    g_string_append(out, "</svg>\n");
    g_string_free(c.s, TRUE);
    arena_free(c.arena);
}
