/*
 * What is in what: packages, nodes, last-level caches, cores, CPUs, each a box that holds the next.
 *
 * A package holds nodes, or a node packages, whichever way round this machine has it. Boxes are
 * measured from the inside out and flow like words in a paragraph, so that the picture needs no
 * rule for how many of anything there are. Where there are too many to be told apart, a box says
 * what is in it instead of showing it: first a cache its cores, then a node its caches.
 */
#include "report/topo_svg_impl.h"

#include "base/field.h"

enum box_kind { BOX_MACHINE, BOX_PACKAGE, BOX_NODE, BOX_LLC, BOX_CORE, BOX_KIND_NR };
enum {
    DETAIL_CPUS = 288,
    DETAIL_NODES = 24,
    DETAIL_LLCS = 128,
    CPU_W = 26,
    CPU_H = 18,
    LINE_H = 15,
    BAR_H = 8
};

struct box {
    enum box_kind kind;
    int id; /* of the package, dense node, llc or core */
    struct cpumask *cpus;
    GPtrArray *children;
    const char *lines[4]; /* above what it holds */
    int x, y, w, h;
};

static const struct {
    int pad, gap, width; /* width: where its children wrap */
    const char *style;
} looks[BOX_KIND_NR] = {
    [BOX_MACHINE] = { 0, 14, 1180, NULL },
    [BOX_PACKAGE] = { 10, 10, 1160, "rx=\"6\" fill=\"#fff\" stroke=\"#444\" stroke-width=\"1.5\"" },
    [BOX_NODE] = { 8, 8, 560, "rx=\"5\" fill=\"#f2f4f7\" stroke=\"#8a94a3\"" },
    [BOX_LLC] = { 6, 4, 290, "rx=\"4\" fill=\"#fdf3d0\" stroke=\"#c9b458\"" },
    [BOX_CORE] = { 2, 1, 400, "rx=\"2\" fill=\"#fff\" stroke=\"#999\"" },
};

struct builder {
    struct canvas *c;
    bool show_cores, show_llcs, nodes_in_packages;
};

static struct box *
box_new(struct builder *b, enum box_kind kind, int id)
{
    struct box *box = arena_new_object(b->c->arena, struct box);

    box->kind = kind;
    box->id = id;
    box->cpus = cpumask_new(b->c->arena, b->c->m->nr_cpus);
    box->children = g_ptr_array_new();
    return box;
}

static void
box_free(struct box *box)
{
    for (guint i = 0; i < box->children->len; i++)
        box_free(box->children->pdata[i]);
    g_ptr_array_unref(box->children);
}

/* One child for each id among the box's CPUs, in the order of the CPUs. */
static void
split(struct builder *b, struct box *box, enum box_kind kind, gsize offset)
{
    for_each_cpu (cpu, box->cpus) {
        int id = *(const int32_t *)(const void *)((const char *)&b->c->m->cpus[cpu] + offset);
        struct box *child = NULL;

        for (guint i = box->children->len; i-- > 0 && child == NULL;)
            if (((struct box *)box->children->pdata[i])->id == id)
                child = box->children->pdata[i];
        if (child == NULL) {
            child = box_new(b, kind, id);
            g_ptr_array_add(box->children, child);
        }
        cpumask_set(child->cpus, (uint32_t)cpu);
    }
}

static uint32_t
count_cores(const struct machine *m, const struct cpumask *cpus)
{
    g_autoptr(GHashTable) cores = g_hash_table_new(g_direct_hash, g_direct_equal);

    for_each_cpu (cpu, cpus)
        g_hash_table_add(cores, GINT_TO_POINTER(m->cpus[cpu].core));
    return g_hash_table_size(cores);
}

static const char *
cores_and_cpus(struct builder *b, const struct cpumask *cpus)
{
    uint32_t cores = count_cores(b->c->m, cpus), nr = cpumask_weight(cpus);

    return cores == nr
               ? arena_printf(b->c->arena, "%u cores: %s", cores, cpumask_text(b->c->arena, cpus))
               : arena_printf(b->c->arena, "%u cores, %u CPUs: %s", cores, nr,
                              cpumask_text(b->c->arena, cpus));
}

static void
fill_llc(struct builder *b, struct box *box)
{
    const struct machine *m = b->c->m;

    box->lines[0] = m->cache.llc_bytes > 0
                        ? arena_printf(b->c->arena, "cache %d, %s", box->id,
                                       format_quantity(FIELD_SIZE, m->cache.llc_bytes, b->c->arena))
                        : arena_printf(b->c->arena, "cache %d", box->id);
    if (b->show_cores)
        split(b, box, BOX_CORE, offsetof(struct machine_cpu, core));
    else
        box->lines[1] = cores_and_cpus(b, box->cpus);
}

static void
fill_llcs(struct builder *b, struct box *box)
{
    if (!b->show_llcs) {
        box->lines[3] = cores_and_cpus(b, box->cpus);
        return;
    }
    if (b->c->m->nr_llcs == 0) {
        if (b->show_cores)
            split(b, box, BOX_CORE, offsetof(struct machine_cpu, core));
        else
            box->lines[3] = cores_and_cpus(b, box->cpus);
        return;
    }
    split(b, box, BOX_LLC, offsetof(struct machine_cpu, llc));
    for (guint i = 0; i < box->children->len; i++)
        fill_llc(b, box->children->pdata[i]);
}

static void
name_node(struct builder *b, struct box *box)
{
    const struct machine_node *n = &b->c->m->nodes[box->id];
    const char *size = svg_size(b->c, n->mem_bytes);

    box->lines[0] =
        arena_printf(b->c->arena, "node %u%s", n->os_index, n->online ? "" : " (offline)");
    if (n->mem_bytes == 0)
        box->lines[1] = "no memory";
    else if (n->bandwidth == 0)
        box->lines[1] = arena_printf(b->c->arena, "%s %s", size, memory_kind_names[n->kind]);
    else
        box->lines[1] = arena_printf(b->c->arena, "%s %s, %s", size, memory_kind_names[n->kind],
                                     svg_bandwidth(b->c, n->bandwidth));
    if (cpumask_empty(n->cpus))
        box->lines[2] = "no CPUs";
}

static void
fill_package(struct builder *b, struct box *box)
{
    box->lines[0] = arena_printf(b->c->arena, "package %d", box->id);
    if (!b->nodes_in_packages) {
        fill_llcs(b, box);
        return;
    }
    split(b, box, BOX_NODE, offsetof(struct machine_cpu, node));
    for (guint i = 0; i < box->children->len; i++) {
        struct box *node = box->children->pdata[i];
        name_node(b, node);
        fill_llcs(b, node);
    }
}

static void
fill_node(struct builder *b, struct box *box)
{
    cpumask_copy(box->cpus, b->c->m->nodes[box->id].cpus);
    name_node(b, box);
    if (cpumask_empty(box->cpus))
        return;
    if (!b->show_llcs) {
        fill_llcs(b, box);
        return;
    }
    split(b, box, BOX_PACKAGE, offsetof(struct machine_cpu, package));
    for (guint i = 0; i < box->children->len; i++)
        fill_package(b, box->children->pdata[i]);
}

static bool
each_node_is_in_one_package(const struct machine *m)
{
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        for_each_cpu (cpu, m->nodes[i].cpus)
            if (m->cpus[cpu].package != m->cpus[cpumask_first(m->nodes[i].cpus)].package)
                return false;
    return true;
}

static struct box *
build(struct builder *b)
{
    const struct machine *m = b->c->m;
    struct box *root = box_new(b, BOX_MACHINE, 0);

    cpumask_copy(root->cpus, m->present);
    if (b->nodes_in_packages) {
        split(b, root, BOX_PACKAGE, offsetof(struct machine_cpu, package));
        for (guint i = 0; i < root->children->len; i++)
            fill_package(b, root->children->pdata[i]);
    }
    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        if (b->nodes_in_packages && !cpumask_empty(m->nodes[i].cpus))
            continue;
        struct box *node = box_new(b, BOX_NODE, (int)i);
        g_ptr_array_add(root->children, node);
        fill_node(b, node);
    }
    return root;
}

/* ---- measuring and drawing ---- */

static int
text_width(const char *text)
{
    return text == NULL ? 0 : (int)SIM_MIN(g_utf8_strlen(text, -1), 34) * 7;
}

static int
header_height(const struct box *box)
{
    int h = 0;

    for (int i = 0; i < 4; i++)
        h += box->lines[i] != NULL ? LINE_H : 0;
    return h + (box->kind == BOX_NODE ? BAR_H + 4 : 0) + (h > 0 ? 3 : 0);
}

/* Children in rows; the box is as large as they need, or as its text. */
static void
measure(struct box *box, int most)
{
    int pad = looks[box->kind].pad, gap = looks[box->kind].gap;
    int top = pad + header_height(box), x = pad, y = top, row = 0, right = 0;

    most = SIM_MIN(most, looks[box->kind].width);
    for (guint i = 0; i < box->children->len; i++) {
        struct box *child = box->children->pdata[i];

        measure(child, most - 2 * pad);
        if (x > pad && x + child->w > most - pad) {
            x = pad;
            y += row + gap;
            row = 0;
        }
        child->x = x;
        child->y = y;
        x += child->w + gap;
        row = SIM_MAX(row, child->h);
        right = SIM_MAX(right, x - gap);
    }
    for (int i = 0; i < 4; i++)
        right = SIM_MAX(right, pad + text_width(box->lines[i]));
    if (box->kind == BOX_CORE) {
        right = pad + (int)cpumask_weight(box->cpus) * CPU_W;
        row = CPU_H;
    }
    box->w = right + pad;
    box->h = y + row + pad;
}

static void
draw_cpus(struct canvas *c, const struct box *box, int x, int y)
{
    for_each_cpu (cpu, box->cpus) {
        const struct machine_cpu *p = &c->m->cpus[cpu];
        /* slower CPUs are paler */
        g_autofree char *style =
            p->online
                ? g_strdup_printf("fill=\"#0072b2\" fill-opacity=\"0.%02u\" stroke=\"#7a9cb8\"",
                                  SIM_MAX(22 * p->capacity / 1024 * p->capacity / 1024, 3))
                : g_strdup("fill=\"#eee\" stroke=\"#999\" stroke-dasharray=\"2 2\"");

        svg_rect(c, x, y, CPU_W - 1, CPU_H, style);
        svg_text(c, x + CPU_W / 2, y + 13, cpu > 999 ? 8 : 10, TEXT_MIDDLE, 0, "", "%d", cpu);
        x += CPU_W;
    }
}

static void
draw(struct canvas *c, const struct box *box, int x, int y)
{
    int pad = looks[box->kind].pad, line = y + pad + 10;

    if (looks[box->kind].style != NULL)
        svg_rect(c, x, y, box->w, box->h, looks[box->kind].style);
    for (int i = 0; i < 4; i++) {
        if (box->lines[i] == NULL)
            continue;
        svg_text(c, x + pad, line, i == 0 ? 12 : 11, TEXT_LEFT, box->w - 2 * pad,
                 i == 0 && box->kind < BOX_LLC ? "font-weight=\"bold\"" : "fill=\"#333\"", "%s",
                 box->lines[i]);
        line += LINE_H;
    }
    if (box->kind == BOX_NODE) {
        const struct machine_node *n = &c->m->nodes[box->id];
        g_autofree char *style = g_strdup_printf(
            "rx=\"2\" fill=\"%s\"", n->mem_bytes > 0 ? svg_kind_colours[n->kind] : "#ddd");
        svg_rect(c, x + pad, line - 8, box->w - 2 * pad, BAR_H, style);
    }
    for (guint i = 0; i < box->children->len; i++) {
        const struct box *child = box->children->pdata[i];
        draw(c, child, x + child->x, y + child->y);
    }
    if (box->kind == BOX_CORE)
        draw_cpus(c, box, x + pad, y + pad);
}

struct area
svg_boxes(struct canvas *c, int x, int y, int most_width)
{
    struct builder b = { .c = c,
                         .show_cores = cpumask_weight(c->m->present) <= DETAIL_CPUS,
                         .show_llcs =
                             c->m->nr_llcs <= DETAIL_LLCS && c->m->nr_nodes <= DETAIL_NODES,
                         .nodes_in_packages = each_node_is_in_one_package(c->m) };
    struct box *root = build(&b);

    measure(root, most_width);
    draw(c, root, x, y);
    struct area took = { root->w, root->h };
    box_free(root);
    return took;
}
