/*
 * Links and routes of a topology file.
 *
 * A link is directed, and data flows `from` the memory `to` the CPU; `between` makes one each way.
 * Links that share wires are one link: sub-NUMA nodes of a package reach the other package through
 * one bundle, so their file names a gateway node and links inside the package. Where no route is
 * given, machine_finish() takes the shortest; a given one is a list of link names that starts at
 * the memory, and the direction of a two-way link follows from where the route stands.
 */
#include "config/topology_yaml.h"

const struct field topo_link_fields[] = {
    FIELD(FIELD_STRING, struct machine_link, name,
          .doc = "for routes and results; n0>n1 if left out"),
    FIELD(FIELD_BANDWIDTH, struct machine_link, bandwidth, .min = "1MB/s",
          .doc = "in one direction; assumed if left out"),
    FIELD_NAMED(FIELD_REAL, "curve.a", struct machine_link, curve_a, .min = "0", .max = "1000",
                .doc = "as for nodes; 0.085 if left out"),
    FIELD_NAMED(FIELD_REAL, "curve.d", struct machine_link, curve_d, .min = "0.001", .max = "1000",
                .doc = "as for nodes; 0.06 if left out"),
    FIELD_END
};
const char *const topo_link_others[] = { "from", "to", "between", "curve.points", "source", NULL };
const char *const topo_route_others[] = { "from", "to", "via", "source", NULL };

static struct topo_link *
add_link(struct topo *t, const struct machine_link *l, const char *base, int from, int to)
{
    struct machine *m = t->m;

    m->links[m->nr_links] = *l;
    m->links[m->nr_links].from = from;
    m->links[m->nr_links].to = to;
    t->links[m->nr_links].base = base;
    return &t->links[m->nr_links++];
}

static void
add_both_ways(struct topo *t, struct machine_link l, int a, int b)
{
    const char *base = l.name;
    uint32_t os_a = t->m->nodes[a].os_index, os_b = t->m->nodes[b].os_index;

    if (base != NULL)
        l.name = arena_printf(t->doc.arena, "%s.%u>%u", base, os_a, os_b);
    add_link(t, &l, base, a, b);
    if (base != NULL)
        l.name = arena_printf(t->doc.arena, "%s.%u>%u", base, os_b, os_a);
    add_link(t, &l, base, b, a);
}

static bool
link_ends(struct topo *t, const struct ynode *entry, int *from, int *to, bool *both)
{
    const struct ynode *between = ynode_get(entry, "between");
    const struct ynode *a = ynode_get(entry, "from"), *b = ynode_get(entry, "to");

    *both = between != NULL;
    if (between != NULL &&
        (a != NULL || b != NULL || between->kind != YNODE_SEQ || between->nr != 2)) {
        ynode_error(&t->doc, between, "write between: [0, 1], and neither from nor to");
        return false;
    }
    if (between != NULL)
        a = between->values[0], b = between->values[1];
    if (a == NULL || b == NULL) {
        ynode_error(&t->doc, entry, "a link needs two ends; write between: [0, 1], or from and to");
        return false;
    }
    *from = topo_node(t, a);
    *to = topo_node(t, b);
    if (*from >= 0 && *from == *to)
        ynode_error(&t->doc, b, "a link joins two nodes, but both ends are node %s", b->text);
    return *from >= 0 && *to >= 0 && *from != *to;
}

static void
read_link(struct topo *t, const struct ynode *entry)
{
    struct machine_link l = { 0 };
    int from, to;
    bool both;

    bool ok = ynode_load_fields(&t->doc, entry, topo_link_fields, topo_link_others, &l);
    struct topo_curve curve = topo_read_curve(t, entry);
    l.has_curve = curve.given;
    l.nr_points = curve.nr_points;
    l.points = curve.points;
    bool placed = link_ends(t, entry, &from, &to, &both);
    /* one of both ways gets its ends appended, and what is written must load again */
    topo_check_text(t, entry, "name", NAME_MOST - (both ? strlen(".1023>1023") : 0),
                    both ? "; a link of both ways is two, with its ends behind the name" : "");
    if (!placed || !ok)
        return;
    if (both)
        add_both_ways(t, l, from, to);
    else
        add_link(t, &l, NULL, from, to);
    topo_note_source(t, entry);
}

/* A directed link of that name that leaves `at`; by its own name, or by the one of both ways. */
static int
link_by_name(const struct topo *t, const char *name, int at)
{
    for (uint32_t i = 0; i < t->m->nr_links; i++) {
        const struct machine_link *l = &t->m->links[i];
        const char *base = t->links == NULL ? NULL : t->links[i].base;
        if (l->from == at && ((l->name != NULL && strcmp(l->name, name) == 0) ||
                              (base != NULL && strcmp(base, name) == 0)))
            return (int)i;
    }
    return -1;
}

static char *
known_links(const struct topo *t, const char *wrong)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    if (diag_full(t->doc.diag))
        return g_strdup("");
    for (uint32_t i = 0; i < t->m->nr_links; i++) {
        const char *base = t->links == NULL ? NULL : t->links[i].base;
        const char *name = base != NULL ? base : t->m->links[i].name;
        if (name != NULL && g_hash_table_add(seen, (gpointer)(uintptr_t)name))
            g_ptr_array_add(names, (gpointer)(uintptr_t)name);
    }
    g_ptr_array_add(names, NULL);
    return did_you_mean(wrong, (const char *const *)names->pdata);
}

static bool
walk_route(struct topo *t, const struct ynode *via, int mem, int cpu, struct machine_route *r)
{
    int at = mem;

    r->links = arena_new_array(t->doc.arena, uint32_t, via->nr);
    r->nr_links = 0;
    for (guint i = 0; i < via->nr; i++) {
        const char *name = ynode_string(&t->doc, via->values[i]);
        int link = name == NULL ? -1 : link_by_name(t, name, at);
        if (name != NULL && link < 0) {
            g_autofree char *hint = known_links(t, name);
            g_autofree char *excerpt = diag_excerpt(name);
            ynode_error(&t->doc, via->values[i], "no link '%s' leaves node %u%s", excerpt,
                        t->m->nodes[at].os_index, hint);
        }
        if (link < 0)
            return false;
        r->links[r->nr_links++] = (uint32_t)link;
        at = t->m->links[link].to;
    }
    if (at == cpu)
        return true;
    ynode_error(&t->doc, via, "this way ends at node %u, not at node %u", t->m->nodes[at].os_index,
                t->m->nodes[cpu].os_index);
    return false;
}

static void
read_route(struct topo *t, const struct ynode *entry)
{
    const struct ynode *from = ynode_get(entry, "from"), *to = ynode_get(entry, "to");
    const struct ynode *via = ynode_expect(&t->doc, ynode_get(entry, "via"), YNODE_SEQ);

    ynode_check_keys(&t->doc, entry, NULL, topo_route_others);
    if (from == NULL || to == NULL || ynode_get(entry, "via") == NULL) {
        ynode_error(&t->doc, entry, "a route has from, to, and via: [link, ...]");
        return;
    }
    int mem = topo_node(t, from), cpu = topo_node(t, to);
    if (mem < 0 || cpu < 0 || via == NULL)
        return;
    if (mem == cpu || via->nr == 0 || via->nr > NODE_MAX) {
        ynode_error(&t->doc, entry, "a route leads over 1 to %d links to another node", NODE_MAX);
        return;
    }
    if (walk_route(t, via, mem, cpu, &t->m->routes[cpu * (int)t->m->nr_nodes + mem]))
        topo_note_source(t, entry);
}

/* The name that a link without one gets: n0>n1, and n0>n1.2 for the second of its kind. */
static const char *
default_name(struct topo *t, const struct machine_link *l, GHashTable *seen)
{
    uint32_t from = t->m->nodes[l->from].os_index, to = t->m->nodes[l->to].os_index;
    const char *name = arena_printf(t->doc.arena, "n%u>n%u", from, to);

    /* How many there were is kept under the plain name: many alike must not take quadratic time. */
    uint32_t nr = GPOINTER_TO_UINT(g_hash_table_lookup(seen, name)) + 1;
    g_hash_table_insert(seen, (gpointer)(uintptr_t)name, GUINT_TO_POINTER(nr));
    return nr == 1 ? name : arena_printf(t->doc.arena, "%s.%u", name, nr);
}

static void
name_links(struct topo *t, const struct ynode *list)
{
    g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (uint32_t i = 0; i < t->m->nr_links; i++) {
        struct machine_link *l = &t->m->links[i];
        if (l->name == NULL)
            l->name = default_name(t, l, counts);
        if (!g_hash_table_add(seen, (gpointer)(uintptr_t)l->name))
            ynode_error(&t->doc, list, "two links are called '%.64s'; give each a name of its own",
                        l->name);
    }
}

void
topo_read_links(struct topo *t)
{
    const struct ynode *list = topo_list(t, "links"), *routes = topo_list(t, "routes");
    uint32_t most = list == NULL ? 0 : list->nr * 2;

    topo_read_bandwidth(t);
    if (list != NULL && ynode_get(t->root, "bandwidth") != NULL)
        ynode_error(&t->doc, list, "write either links or a table of bandwidths, not both");
    if (list != NULL) {
        t->m->nr_links = 0;
        t->m->links = arena_new_array(t->doc.arena, struct machine_link, most);
        t->links = arena_new_array(t->doc.arena, struct topo_link, most);
    }
    for (guint i = 0; list != NULL && i < list->nr; i++)
        read_link(t, list->values[i]);
    if (list != NULL)
        name_links(t, list);
    if (routes != NULL)
        t->m->routes =
            arena_new_array(t->doc.arena, struct machine_route, t->m->nr_nodes * t->m->nr_nodes);
    for (guint i = 0; routes != NULL && i < routes->nr; i++)
        read_route(t, routes->values[i]);
}
