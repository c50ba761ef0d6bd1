/*
 * Topology YAML: a machine as a person writes it down.
 *
 * A file may have a `shape`, which says how many equal things are in each thing; then the lists
 * `nodes` and `cpus` only add to it or correct it. Without a shape these lists say everything. So
 * there is one grammar and not two: the short form is the full form whose first lines were written
 * by a rule. topologies/README.md shows both with every key.
 *
 * The steps follow from what has to be known first: the shape and the lists are counted before
 * anything is allocated, so that a file that asks for a million CPUs costs nothing; then nodes,
 * CPUs, and what names them. Every step goes on after an error, so that all errors of a file are
 * said at once; only a machine whose size is unknown ends the reading. Whether all of it fits
 * together is for machine_finish() to say: the importers end there, too.
 */
#include "config/topology_yaml.h"

#include "config/load.h"

enum { LIST_MOST = CPU_MAX };

struct top {
    const char *name, *title;
    uint32_t vendor, node_reclaim_distance;
    uint64_t frequency;
    bool pre_zen;
};

static const struct field top_fields[] = {
    FIELD(FIELD_STRING, struct top, name,
          .doc = "short name, for folders; the file's name if left out"),
    FIELD(FIELD_STRING, struct top, title, .doc = "what machine this is"),
    FIELD(FIELD_ENUM, struct top, vendor, .def = "other", .names = machine_vendor_names,
          .doc = "maker of the CPUs; some kernel rules depend on it"),
    FIELD(FIELD_BOOL, struct top, pre_zen, .def = "no",
          .doc = "an AMD machine older than Zen, which changes node_reclaim_distance"),
    FIELD(FIELD_FREQ, struct top, frequency, .min = "1MHz", .doc = "nominal clock of the CPUs"),
    FIELD(FIELD_U32, struct top, node_reclaim_distance, .min = "10", .max = "255",
          .doc = "nodes farther than this are not balanced over at once; by vendor if left out"),
    FIELD_END
};

static const char *const top_others[] = { "shape",         "nodes",     "cpus",    "offline_cpus",
                                          "isolated_cpus", "distances", "latency", "bandwidth",
                                          "links",         "routes",    "caches",  "devices",
                                          "power",         "source",    "notes",   NULL };

const char *const topo_source_key[] = { "source", NULL };

const struct topo_section topology_sections[] = {
    { "", SECTION_CHECKED, top_fields, top_others },
    { "shape", SECTION_CHECKED, topo_shape_fields, topo_source_key },
    { "nodes", SECTION_LIST, topo_node_fields, topo_node_others },
    { "cpus", SECTION_LIST, topo_cpu_fields, topo_cpu_others },
    { "distances", SECTION_CHECKED, topo_span_fields, NULL },
    { "links", SECTION_LIST, topo_link_fields, topo_link_others },
    { "routes", SECTION_CHECKED, NULL, topo_route_others },
    { "caches", SECTION_MAP, topo_cache_fields, topo_source_key },
    { "devices", SECTION_LIST, topo_device_fields, topo_device_others },
    { "power", SECTION_MAP, topo_power_fields, topo_source_key },
    { NULL, SECTION_CHECKED, NULL, NULL },
};

/* Letters, digits, '.', '_', '-'; of a path the last part without ".yaml". */
static const char *
reduced_name(const char *name, struct arena *a)
{
    g_autofree char *base = g_path_get_basename(name);
    g_autoptr(GString) out = g_string_new(NULL);

    if (g_str_has_suffix(base, ".yaml") || g_str_has_suffix(base, ".yml"))
        *strrchr(base, '.') = '\0';
    for (const char *at = base; *at != '\0' && out->len < 64; at++)
        g_string_append_c(out, g_ascii_isalnum(*at) || strchr("._-", *at) ? *at : '_');
    return arena_strdup(a, out->len > 0 && out->str[0] != '.' ? out->str : "machine");
}

void
topo_check_text(struct topo *t, const struct ynode *map, const char *key, gsize most,
                const char *why)
{
    const struct ynode *n = ynode_get(map, key);

    if (n != NULL && n->kind == YNODE_SCALAR && strnlen(n->text, most + 1) > most)
        ynode_error(&t->doc, n, "is longer than %u bytes%s", (unsigned)most, why);
}

static void
read_top(struct topo *t, struct top *top)
{
    *top = (struct top){ 0 };
    ynode_load_fields(&t->doc, t->root, top_fields, top_others, top);
    topo_check_text(t, t->root, "name", TEXT_MOST, "");
    topo_check_text(t, t->root, "title", TEXT_MOST, "");
    if (top->pre_zen && top->vendor != VENDOR_AMD && top->vendor < VENDOR_NR)
        ynode_error(
            &t->doc, ynode_get(t->root, "pre_zen"),
            "only an AMD machine can be older than Zen; write vendor: amd, or leave this out");
}

static void
apply_top(struct topo *t, const struct top *top)
{
    struct machine *m = t->m;

    m->name = reduced_name(top->name != NULL ? top->name : t->doc.file, t->doc.arena);
    m->title = top->title != NULL && *top->title != '\0' ? top->title : m->name;
    m->vendor = (enum machine_vendor)top->vendor;
    m->amd_pre_zen = top->pre_zen;
    m->freq_hz = top->frequency;
    m->node_reclaim_distance = top->node_reclaim_distance;
}

/* False: the machine's size is not known. */
static bool
measure(struct topo *t)
{
    uint32_t nr_cpus, nr_nodes = 0;

    /* Each of the three has errors of its own to tell, also when another has failed. */
    bool shape = topo_read_shape(t);
    bool nodes = topo_number_nodes(t);
    bool cpus = topo_count_cpus(t, &nr_cpus);
    if (!shape || !nodes || !cpus)
        return false;
    for (int os = 0; os < NODE_OS_MAX; os++)
        nr_nodes += t->node_of_os[os] >= 0;
    t->m = machine_new(t->doc.arena, nr_cpus, nr_nodes);
    for (int os = 0; os < NODE_OS_MAX; os++)
        if (t->node_of_os[os] >= 0)
            t->m->nodes[t->node_of_os[os]].os_index = (uint32_t)os;
    return true;
}

/*
 * Of a machine whose size is unknown: no entry can be placed, but typos can be found. Values go
 * nowhere.
 */
static void
check_entries(struct topo *t)
{
    union {
        struct machine_node node;
        struct machine_cpu cpu;
        struct machine_link link;
        struct machine_cache cache;
        struct machine_power power;
        struct machine_device device;
    } nowhere = { 0 };

    for (const struct topo_section *s = topology_sections; s->name != NULL; s++) {
        const struct ynode *n = ynode_get(t->root, s->name);
        if (n == NULL || s->how == SECTION_CHECKED)
            continue;
        if (s->how == SECTION_MAP)
            ynode_load_fields(&t->doc, n, s->fields, s->others, &nowhere);
        for (guint i = 0; s->how == SECTION_LIST && n->kind == YNODE_SEQ && i < n->nr; i++)
            if (n->values[i]->kind == YNODE_MAP)
                ynode_load_fields(&t->doc, n->values[i], s->fields, s->others, &nowhere);
    }
}

struct machine *
topology_yaml_load(const char *path, const char *text, gsize len, struct arena *a, struct diag *d)
{
    struct topo t = { 0 };
    struct top top;
    const char *misfit;

    if (!yaml_load_text(&t.doc, path, text, len, a, d))
        return NULL;
    t.root = ynode_expect(&t.doc, t.doc.root, YNODE_MAP);
    if (t.root == NULL)
        return NULL;
    read_top(&t, &top);
    if (!measure(&t)) {
        check_entries(&t);
        return NULL;
    }
    apply_top(&t, &top);
    topo_apply_shape(&t);
    topo_read_nodes(&t);
    topo_read_cpus(&t);
    topo_read_distances(&t);
    topo_read_latency(&t);
    topo_read_links(&t);
    topo_read_parts(&t);
    if (diag_failed(d))
        return NULL;
    misfit = machine_finish(t.m);
    if (misfit == NULL)
        return t.m;
    diag_error(d, t.doc.file, 0, 0, NULL, "%s", misfit);
    return NULL;
}

int
topo_node(struct topo *t, const struct ynode *n)
{
    uint64_t os;

    if (!ynode_number(&t->doc, n, 0, NODE_OS_MAX - 1, &os))
        return -1;
    if (t->node_of_os[os] < 0)
        ynode_error(&t->doc, n, "there is no node %d; nodes come from 'shape' and 'nodes'",
                    (int)os);
    return t->node_of_os[os];
}

nodemask
topo_nodes(struct topo *t, const struct ynode *n)
{
    struct cpumask *set = cpumask_new(t->doc.arena, NODE_OS_MAX);
    nodemask nodes = 0;

    if (!ynode_cpulist(&t->doc, n, set))
        return 0;
    for_each_cpu (os, set) {
        if (t->node_of_os[os] < 0) {
            ynode_error(&t->doc, n, "there is no node %d; nodes come from 'shape' and 'nodes'", os);
            return 0;
        }
        nodes |= NODE_BIT(t->node_of_os[os]);
    }
    if (nodes == 0)
        ynode_error(&t->doc, n, "names no node; write one as in 0, or several as in 0-1");
    return nodes;
}

const struct ynode *
topo_list(struct topo *t, const char *key)
{
    const struct ynode *list = ynode_expect(&t->doc, ynode_get(t->root, key), YNODE_SEQ);

    if (list != NULL && list->nr > LIST_MOST) {
        ynode_error(&t->doc, list, "%u entries; at most %d are possible", list->nr, LIST_MOST);
        return NULL;
    }
    for (guint i = 0; list != NULL && i < list->nr; i++)
        if (ynode_expect(&t->doc, list->values[i], YNODE_MAP) == NULL)
            return NULL;
    return list;
}

void
topo_note_text(struct topo *t, const char *of, const char *text)
{
    enum { MOST = 200 }; /* bytes */
    const char *end = text + strnlen(text, MOST);

    if (*end != '\0') /* not within a character */
        end = g_utf8_find_prev_char(text, end + 1);
    machine_note(t->m, "source%s%s: %.*s", of[0] != '\0' ? " " : "", of,
                 end != NULL ? (int)(end - text) : 0, text);
}

void
topo_note_source(struct topo *t, const struct ynode *entry)
{
    const struct ynode *source = ynode_get(entry, "source");
    const char *text = source == NULL ? NULL : ynode_string(&t->doc, source);
    g_autofree char *path = ynode_path(entry);

    if (text != NULL)
        topo_note_text(t, path, text);
}
