/*
 * Topology files of the oracle: what a Linux kernel saw of a machine and what it built from it.
 *
 * Only what the machine is gets read: `cpus`, `nodes`, `online`, `machine.vendor`, and of the boot
 * parameters isolcpus= and maxcpus=. The domains that the kernel built are in the same file and are
 * never looked at, or a comparison with them would prove nothing.
 *
 * Cores and caches come as lists of CPUs; the lowest CPU of a list is taken as the number of the
 * core or cache, so lists that overlap without being equal cannot be meant and are refused. CPUs
 * that maxcpus= kept offline do not appear in `cpus`; their number comes from the shape of
 * `machine`.
 */
#include "config/golden_json.h"
#include "config/import.h"

struct golden {
    struct json_doc doc;
    struct arena *arena, *scratch;
    struct machine *m;
    JsonArray *cpus, *nodes;
    struct cpumask *online; /* CPU_MAX wide, as all masks of the file */
    struct cpumask *isolated;
    guint shape_cpus;      /* CPUs of machine.sockets x dies x cores x threads; 0: not told */
    guint max_cpus;        /* of maxcpus=; UINT_MAX: not given */
    guint order[NODE_MAX]; /* order[i]: which element of `nodes` is dense node i */
};

static struct cpumask *
read_list(struct golden *g, JsonObject *object, const char *path, const char *name)
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

/* "isolcpus=[flags,]LIST": only plain lists and the flag `domain` keep CPUs out of balancing. */
static void
read_isolcpus(struct golden *g, const char *value)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    g_autoptr(GString) list = g_string_new(NULL);
    bool flags = false, domain = false;
    const char *bad;

    for (char **word = words; *word != NULL; word++) {
        if (g_ascii_isdigit(**word)) {
            g_string_append_printf(list, "%s%s", list->len > 0 ? "," : "", *word);
            continue;
        }
        flags = true;
        domain |= g_str_equal(*word, "domain");
    }
    if (flags && !domain)
        return;
    if (!cpumask_parse(g->isolated, list->str, &bad)) {
        diag_note(g->doc.diag, "isolcpus=%s cannot be read; no CPU is isolated", value);
        cpumask_zero(g->isolated);
    }
}

static void
read_boot_parameters(struct golden *g)
{
    JsonNode *obtained = json_object_get_member(g->doc.root, "obtained");
    const char *append = NULL;
    g_auto(GStrv) words = NULL;

    if (obtained != NULL && JSON_NODE_HOLDS_OBJECT(obtained))
        append = json_object_get_string_member_with_default(json_node_get_object(obtained),
                                                            "append", NULL);
    words = g_strsplit_set(append != NULL ? append : "", " \t\n", -1);
    for (char **word = words; *word != NULL; word++) {
        if (g_str_has_prefix(*word, "isolcpus="))
            read_isolcpus(g, *word + strlen("isolcpus="));
        else if (g_str_has_prefix(*word, "maxcpus=") && g_ascii_isdigit((*word)[8]))
            g->max_cpus = (guint)MIN(g_ascii_strtoull(*word + 8, NULL, 10), UINT_MAX - 1);
    }
}

static bool
read_shape(struct golden *g, JsonObject *machine)
{
    static const char *const factors[] = { "sockets", "dies", "cores", "threads" };
    gint64 product = 1;

    for (gsize i = 0; i < ARRAY_LEN(factors); i++) {
        gint64 value = 0;

        if (!json_doc_maybe_int(&g->doc, machine, "machine", factors[i], 0, CPU_MAX, &value))
            return false;
        product = MIN(product * value, CPU_MAX);
    }
    g->shape_cpus = (guint)product;
    return true;
}

static bool
read_vendor(struct golden *g, enum machine_vendor *vendor)
{
    JsonNode *node = json_object_get_member(g->doc.root, "machine");
    JsonObject *machine;
    const char *name;

    if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node)) {
        json_doc_error(&g->doc, node, "machine", "expected an object with the vendor");
        return false;
    }
    machine = json_node_get_object(node);
    name = json_doc_string(&g->doc, machine, "machine", "vendor");
    if (name == NULL || !read_shape(g, machine))
        return false;
    *vendor = VENDOR_OTHER;
    for (guint i = 0; i < VENDOR_NR; i++)
        if (g_str_equal(name, machine_vendor_names[i]))
            *vendor = (enum machine_vendor)i;
    return true;
}

static bool
read_node_id(struct golden *g, guint element, gint64 *id)
{
    g_autofree char *path = g_strdup_printf("nodes[%u]", element);
    JsonObject *node = json_doc_element(&g->doc, g->nodes, element, path);

    return node != NULL && json_doc_int(&g->doc, node, path, "id", 0, 1023, id);
}

/* Nodes ascend by number in the machine, whatever their order in the file. */
static bool
order_nodes(struct golden *g)
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
    struct cpumask *cpus = read_list(g, node, path, "cpus");
    gint64 kib;

    if (cpus == NULL || !check_node_cpus(g, dense, cpus, path) ||
        !json_doc_int(&g->doc, node, path, "mem_total_kb", 0, (gint64)1 << 50, &kib))
        return false;
    g->m->nodes[dense].mem_bytes = KIB(kib);
    return read_distances(g, dense, node, path);
}

/*
 * The number of the core or cache that a list describes, or MACHINE_NONE where there is no list.
 * All CPUs of the list must give the same one; `lists` remembers what the first of them gave.
 */
static bool
read_shared(struct golden *g, JsonObject *cpu, const char *path, const char *name, guint number,
            struct cpumask **lists, int32_t *id)
{
    JsonNode *node = json_object_get_member(cpu, name);
    struct cpumask *list;

    *id = MACHINE_NONE;
    if (node == NULL || JSON_NODE_HOLDS_NULL(node))
        return true;
    list = read_list(g, cpu, path, name);
    if (list == NULL || cpumask_empty(list))
        return list != NULL;
    *id = cpumask_first(list);
    for_each_cpu (other, list) {
        if (lists[other] == NULL)
            lists[other] = list;
        if (cpumask_test(list, number) &&
            (lists[other] == list || cpumask_equal(lists[other], list)))
            continue;
        json_doc_error(&g->doc, node, path, "%s of CPU %u does not agree with that of other CPUs",
                       name, number);
        return false;
    }
    return true;
}

struct list_tables {
    struct cpumask *threads[CPU_MAX], *l2[CPU_MAX], *l3[CPU_MAX], *die[CPU_MAX];
};

static bool
read_places(struct golden *g, JsonObject *cpu, const char *path, struct machine_cpu *c)
{
    gint64 node, package = MACHINE_NONE;
    int dense;

    if (!json_doc_int(&g->doc, cpu, path, "node", 0, 1023, &node) ||
        !json_doc_maybe_int(&g->doc, cpu, path, "package", -1, INT16_MAX, &package))
        return false;
    dense = machine_node_by_os(g->m, (uint32_t)node);
    if (dense < 0) {
        json_doc_error(&g->doc, json_object_get_member(cpu, "node"), path,
                       "there is no node %d in nodes", (int)node);
        return false;
    }
    c->node = dense;
    c->package = (int32_t)package;
    return true;
}

static bool
read_cpu(struct golden *g, guint element, struct list_tables *lists)
{
    g_autofree char *path = g_strdup_printf("cpus[%u]", element);
    JsonObject *cpu = json_doc_element(&g->doc, g->cpus, element, path);
    struct machine_cpu *c;
    gint64 number;

    if (cpu == NULL || !json_doc_int(&g->doc, cpu, path, "cpu", 0, CPU_MAX - 1, &number))
        return false;
    c = &g->m->cpus[number];
    if (c->present) {
        json_doc_error(&g->doc, json_object_get_member(cpu, "cpu"), path, "CPU %d is there twice",
                       (int)number);
        return false;
    }
    c->present = true;
    c->online = cpumask_test(g->online, (uint32_t)number);
    return read_places(g, cpu, path, c) &&
           read_shared(g, cpu, path, "threads", (guint)number, lists->threads, &c->core) &&
           read_shared(g, cpu, path, "die_cpus", (guint)number, lists->die, &c->die) &&
           read_shared(g, cpu, path, "l2", (guint)number, lists->l2, &c->l2) &&
           read_shared(g, cpu, path, "l3", (guint)number, lists->l3, &c->llc);
}

/* The machine has room for all CPUs that any part of the file mentions. */
static guint
count_cpus(struct golden *g)
{
    guint nr = g->max_cpus != UINT_MAX ? g->shape_cpus : 0;

    for_each_cpu (cpu, g->online)
        nr = MAX(nr, (guint)cpu + 1);
    for (guint i = 0; i < json_array_get_length(g->cpus); i++) {
        JsonNode *node = json_array_get_element(g->cpus, i);
        gint64 number = -1;

        if (JSON_NODE_HOLDS_OBJECT(node))
            number = json_object_get_int_member_with_default(json_node_get_object(node), "cpu", -1);
        if (number >= 0 && number < CPU_MAX)
            nr = MAX(nr, (guint)number + 1);
    }
    return nr;
}

static bool
read_cpus(struct golden *g)
{
    struct list_tables *lists = arena_new_object(g->scratch, struct list_tables);
    bool good = true;

    for (guint i = 0; i < json_array_get_length(g->cpus); i++)
        good &= read_cpu(g, i, lists);
    if (!good)
        return false;
    for_each_cpu (cpu, g->online) {
        if (g->m->cpus[cpu].present)
            continue;
        json_doc_error(&g->doc, json_object_get_member(g->doc.root, "online"), "online",
                       "CPU %d is online, but cpus does not describe it", cpu);
        return false;
    }
    return true;
}

/* Where a CPU that never came up would have been does not matter: nothing is built for it. */
static void
add_offline_cpus(struct golden *g)
{
    const struct machine_cpu *boot = &g->m->cpus[cpumask_first(g->online)];

    for (guint i = 0; g->max_cpus != UINT_MAX && i < g->shape_cpus; i++) {
        if (g->m->cpus[i].present)
            continue;
        g->m->cpus[i].present = true;
        g->m->cpus[i].node = boot->node;
        g->m->cpus[i].package = boot->package;
    }
}

/* The kernel insists on one CPU that is not isolated and takes the boot CPU if there is none. */
static void
isolate(struct golden *g)
{
    guint first = 0;

    while (first < g->m->nr_cpus &&
           (!g->m->cpus[first].present || cpumask_test(g->isolated, first)))
        first++;
    if (first >= g->m->nr_cpus || first >= g->max_cpus)
        cpumask_clear(g->isolated, (uint32_t)cpumask_first(g->online));
    for_each_cpu (cpu, g->isolated)
        if ((guint)cpu < g->m->nr_cpus && g->m->cpus[cpu].present)
            cpumask_set(g->m->isolated, (uint32_t)cpu);
}

static bool
read_golden(struct golden *g)
{
    enum machine_vendor vendor;
    bool good = true;

    g->cpus = json_doc_array(&g->doc, g->doc.root, NULL, "cpus");
    g->nodes = json_doc_array(&g->doc, g->doc.root, NULL, "nodes");
    g->online = read_list(g, g->doc.root, NULL, "online");
    if (g->cpus == NULL || g->nodes == NULL || g->online == NULL || !read_vendor(g, &vendor))
        return false;
    if (cpumask_empty(g->online)) {
        json_doc_error(&g->doc, json_object_get_member(g->doc.root, "online"), "online",
                       "no CPU is online");
        return false;
    }
    read_boot_parameters(g);
    g->m =
        machine_new(g->arena, count_cpus(g), MIN(json_array_get_length(g->nodes), (guint)NODE_MAX));
    g->m->vendor = vendor;
    g->m->has_distances = true;
    if (!order_nodes(g) || !read_cpus(g))
        return false;
    for (guint i = 0; i < g->m->nr_nodes; i++)
        good &= read_node(g, i);
    add_offline_cpus(g);
    isolate(g);
    return good;
}

static void
read_names(struct golden *g)
{
    const char *name = json_object_get_string_member_with_default(g->doc.root, "name", NULL);
    const char *desc = json_object_get_string_member_with_default(g->doc.root, "desc", NULL);

    g->m->name = import_name(g->arena, name != NULL ? name : g->doc.file);
    g->m->title = arena_strdup(g->arena, desc != NULL ? desc : g->m->name);
}

struct machine *
import_golden(const char *path, const char *text, gsize len, struct arena *a, struct diag *d)
{
    struct golden g = { .arena = a, .scratch = arena_new(), .max_cpus = UINT_MAX };
    struct machine *m = NULL;

    g.isolated = cpumask_new(g.scratch, CPU_MAX);
    if (json_doc_load(&g.doc, path, text, len, d) && read_golden(&g)) {
        read_names(&g);
        m = import_finish(g.m, path, d);
    }
    json_doc_clear(&g.doc);
    arena_free(g.scratch);
    return m;
}
