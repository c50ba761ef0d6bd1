/*
 * The nodes of a topology file: numbers, memory, distances. A row of distances is in the order of
 * the nodes' numbers, whatever the order of the list.
 */
#include "config/import_golden.h"

struct cpumask *
golden_list(struct golden *g, JsonObject *object, const char *path, const char *name)
{
    const char *text = json_doc_string(&g->doc, object, path, name), *bad;
    struct cpumask *mask = cpumask_new(g->scratch, CPU_MAX);
    g_autofree char *full = NULL, *excerpt = NULL;

    if (text == NULL)
        return NULL;
    if (cpumask_parse(mask, text, &bad))
        return mask;
    excerpt = diag_excerpt(text);
    full = path != NULL ? g_strdup_printf("%s.%s", path, name) : g_strdup(name);
    json_doc_error(&g->doc, json_object_get_member(object, name), full,
                   "'%s' is not a CPU list; write numbers and ranges below %d, as in 0-3,8",
                   excerpt, CPU_MAX);
    return NULL;
}

static bool
read_node_id(struct golden *g, guint element, gint64 *id)
{
    g_autofree char *path = g_strdup_printf("nodes[%u]", element);
    JsonObject *node = json_doc_element(&g->doc, g->nodes, element, path);

    return node != NULL && json_doc_int(&g->doc, node, path, "id", 0, 1023, id);
}

/* Nodes ascend by number in the machine, whatever their order in the file. */
bool
golden_order_nodes(struct golden *g)
{
    guint nr = json_array_get_length(g->nodes);
    gint64 ids[NODE_MAX];

    if (nr == 0 || nr > NODE_MAX) {
        json_doc_error(&g->doc, json_object_get_member(g->doc.root, "nodes"), "nodes",
                       "%u nodes; expected 1 to %d", nr, NODE_MAX);
        return false;
    }
    for (guint i = 0; i < nr; i++) {
        guint at = i;
        gint64 id;

        if (!read_node_id(g, i, &id))
            return false;
        for (; at > 0 && ids[at - 1] > id; at--) {
            ids[at] = ids[at - 1];
            g->order[at] = g->order[at - 1];
        }
        if (at > 0 && ids[at - 1] == id) {
            json_doc_error(&g->doc, json_array_get_element(g->nodes, i), "nodes",
                           "node %d is there twice", (int)id);
            return false;
        }
        ids[at] = id;
        g->order[at] = i;
    }
    for (guint i = 0; i < nr; i++)
        g->m->nodes[i].os_index = (uint32_t)ids[i];
    return true;
}

static bool
read_distances(struct golden *g, guint dense, JsonObject *node, const char *path)
{
    JsonArray *row = json_doc_array(&g->doc, node, path, "distance");

    if (row == NULL)
        return false;
    if (json_array_get_length(row) != g->m->nr_nodes) {
        json_doc_error(&g->doc, json_object_get_member(node, "distance"), path,
                       "the row of distances has %u values, but there are %u nodes",
                       json_array_get_length(row), g->m->nr_nodes);
        return false;
    }
    for (guint i = 0; i < g->m->nr_nodes; i++) {
        JsonNode *value = json_array_get_element(row, i);
        gint64 distance = 0;

        if (JSON_NODE_HOLDS_VALUE(value) && json_node_get_value_type(value) == G_TYPE_INT64)
            distance = json_node_get_int(value);
        if (distance < 1 || distance > 255) {
            json_doc_error(&g->doc, value, path, "a distance is a whole number from 10 to 255");
            return false;
        }
        g->m->distances[dense * g->m->nr_nodes + i] = (uint8_t)distance;
    }
    return true;
}

/* The CPUs that the node lists must be those that name the node. */
static bool
check_node_cpus(struct golden *g, guint dense, const struct cpumask *listed, const char *path)
{
    for_each_cpu (cpu, g->online) {
        const struct machine_cpu *c = &g->m->cpus[cpu];

        if (cpumask_test(listed, (uint32_t)cpu) == (c->node == (int32_t)dense))
            continue;
        json_doc_error(&g->doc, json_array_get_element(g->nodes, g->order[dense]), path,
                       "CPU %d says it is on node %u", cpu, g->m->nodes[c->node].os_index);
        return false;
    }
    return true;
}

static bool
read_node(struct golden *g, guint dense)
{
    guint element = g->order[dense];
    g_autofree char *path = g_strdup_printf("nodes[%u]", element);
    JsonObject *node = json_doc_element(&g->doc, g->nodes, element, path);
    struct cpumask *cpus = golden_list(g, node, path, "cpus");
    gint64 kib;

    if (cpus == NULL || !check_node_cpus(g, dense, cpus, path) ||
        !json_doc_int(&g->doc, node, path, "mem_total_kb", 0, (gint64)1 << 50, &kib))
        return false;
    g->m->nodes[dense].mem_bytes = KIB(kib);
    return read_distances(g, dense, node, path);
}

bool
golden_read_nodes(struct golden *g)
{
    bool good = true;

    for (guint i = 0; i < g->m->nr_nodes; i++)
        good &= read_node(g, i);
    return good;
}
