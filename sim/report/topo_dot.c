/*
 * DOT: a node of the graph is a NUMA node, an edge a link, with its latency and bandwidth. Two
 * links that are each other's way back and equally wide are one edge without arrows, which is how
 * people draw them.
 */
#include "report/topo_dot.h"

#include "base/field.h"

static void
add_quoted(GString *s, const char *text)
{
    g_string_append_c(s, '"');
    for (; *text != '\0'; text++) {
        if (strchr("\"\\", *text) != NULL)
            g_string_append_c(s, '\\');
        g_string_append_c(s, g_ascii_iscntrl(*text) ? ' ' : *text);
    }
    g_string_append_c(s, '"');
}

static void
add_node(GString *s, const struct machine *m, uint32_t i, struct arena *a)
{
    static const char *const shapes[MEMORY_KIND_NR] = { "box", "box3d", "component", "cylinder",
                                                        "octagon" };
    const struct machine_node *n = &m->nodes[i];
    uint32_t nr = cpumask_weight(n->cpus);

    g_string_append_printf(
        s, "  n%u [shape=%s, label=\"node %u\\n%s %s", n->os_index, shapes[n->kind], n->os_index,
        format_quantity(FIELD_SIZE, n->mem_bytes, a), memory_kind_names[n->kind]);
    if (n->bandwidth > 0)
        g_string_append_printf(s, ", %s", format_quantity(FIELD_BANDWIDTH, n->bandwidth, a));
    if (nr == 0)
        g_string_append(s, "\\nno CPUs\", style=dashed];\n");
    else
        g_string_append_printf(s, "\\n%u CPUs: %s\"];\n", nr, cpumask_text(a, n->cpus));
}

/* The link that leads back, if it is as wide and comes later. */
static int
way_back(const struct machine *m, uint32_t link)
{
    const struct machine_link *l = &m->links[link];

    for (uint32_t i = link + 1; i < m->nr_links; i++)
        if (m->links[i].from == l->to && m->links[i].to == l->from &&
            m->links[i].bandwidth == l->bandwidth)
            return (int)i;
    return -1;
}

static void
add_links(GString *s, const struct machine *m, struct arena *a)
{
    g_autofree bool *done = g_new0(bool, m->nr_links + 1);

    for (uint32_t i = 0; i < m->nr_links; i++) {
        const struct machine_link *l = &m->links[i];
        int back = done[i] ? -1 : way_back(m, i);
        char ns[G_ASCII_DTOSTR_BUF_SIZE];

        if (done[i])
            continue;
        if (back >= 0)
            done[back] = true;
        /* data flows from the memory's node to the CPU's, if there is one */
        bool has_cpu = !cpumask_empty(m->nodes[l->to].cpus);
        uint32_t cpu = (uint32_t)(has_cpu ? l->to : l->from);
        uint32_t memory = (uint32_t)(has_cpu ? l->from : l->to);
        g_ascii_formatd(ns, sizeof(ns), "%g", machine_latency_ps(m, cpu, memory) / 1e3);
        g_string_append_printf(s, "  n%u -> n%u [label=\"%s ns\\n%s\"%s];\n",
                               m->nodes[l->from].os_index, m->nodes[l->to].os_index, ns,
                               format_quantity(FIELD_BANDWIDTH, l->bandwidth, a),
                               back >= 0 ? ", dir=none" : "");
    }
}

void
topo_dot(const struct machine *m, GString *out)
{
    struct arena *a = arena_new();

    g_string_append(out, "digraph ");
    add_quoted(out, m->name);
    g_string_append(out, " {\n  label=");
    add_quoted(out, m->title != NULL ? m->title : m->name);
    g_string_append(out, ";\n  labelloc=t;\n  node [fontname=\"DejaVu Sans\"];\n"
                         "  edge [fontname=\"DejaVu Sans\", fontsize=10];\n");
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        add_node(out, m, i, a);
    add_links(out, m, a);
    g_string_append(out, "}\n");
    arena_free(a);
}
