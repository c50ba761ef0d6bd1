/*
 * Topology files of the oracle: what a Linux kernel saw of a machine and what it built from it.
 *
 * Only what the machine is gets read: `cpus`, `nodes`, `online`, `machine.vendor`, and of the boot
 * parameters isolcpus= and maxcpus=. The domains that the kernel built are in the same file and are
 * never looked at, or a comparison with them would prove nothing.
 *
 * This file reads what is said once for the machine; nodes and CPUs have files of their own.
 */
#include "config/import_golden.h"

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
    bool good;

    g->cpus = json_doc_array(&g->doc, g->doc.root, NULL, "cpus");
    g->nodes = json_doc_array(&g->doc, g->doc.root, NULL, "nodes");
    g->online = golden_list(g, g->doc.root, NULL, "online");
    if (g->cpus == NULL || g->nodes == NULL || g->online == NULL || !read_vendor(g, &vendor))
        return false;
    if (cpumask_empty(g->online)) {
        json_doc_error(&g->doc, json_object_get_member(g->doc.root, "online"), "online",
                       "no CPU is online");
        return false;
    }
    read_boot_parameters(g);
    g->m = machine_new(g->arena, golden_count_cpus(g),
                       MIN(json_array_get_length(g->nodes), (guint)NODE_MAX));
    g->m->vendor = vendor;
    g->m->has_distances = true;
    if (!golden_order_nodes(g) || !golden_read_cpus(g))
        return false;
    good = golden_read_nodes(g);
    golden_add_offline_cpus(g);
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
