/*
 * The parts of a topology file that name nodes and CPUs but are named by nobody: caches, devices,
 * power figures; and the sources of all numbers.
 *
 * `source` at the top of a file is one text for all, or a map from a key of the file (or a key in
 * one, as in nodes.memory) to a text; any entry of a list may have its own. A text is the key of a
 * bibliography, or "assumed: RULE". All become notes of the machine, so that results can say what
 * they rest on. `notes` are those of a machine that was written with what had been assumed for it.
 */
#include "config/topology_yaml.h"

enum { SOURCES_MOST = 64, NOTES_MOST = 1024, SOURCE_KEY_MOST = 64 };

const struct field topo_cache_fields[] = {
    FIELD_NAMED(FIELD_SIZE, "l1d", struct machine_cache, l1d_bytes, .max = "1TiB",
                .doc = "of a core"),
    FIELD_NAMED(FIELD_SIZE, "l2", struct machine_cache, l2_bytes, .max = "1TiB",
                .doc = "of a core or cluster"),
    FIELD_NAMED(FIELD_SIZE, "llc", struct machine_cache, llc_bytes, .max = "1TiB",
                .doc = "of one LLC group"),
    FIELD_NAMED(FIELD_U32, "line_bytes", struct machine_cache, line_bytes, .min = "16",
                .max = "1024", .doc = "of a cache line; 64 if left out"),
    FIELD_NAMED(FIELD_TIME_PS, "l2_latency", struct machine_cache, l2_ps, .max = "1us",
                .doc = "of a hit in the L2; 4 ns if left out"),
    FIELD_NAMED(FIELD_TIME_PS, "llc_latency", struct machine_cache, llc_ps, .max = "10us",
                .doc = "of a hit in the last-level cache; 20 ns if left out"),
    FIELD_NAMED(FIELD_TIME_PS, "transfer_llc", struct machine_cache, transfer_llc_ps,
                .max = "100us",
                .doc = "a line that another core of the same last-level cache has written"),
    FIELD_NAMED(FIELD_TIME_PS, "transfer_package", struct machine_cache, transfer_package_ps,
                .max = "100us", .doc = "from another last-level cache of the package"),
    FIELD_NAMED(FIELD_TIME_PS, "transfer_remote", struct machine_cache, transfer_remote_ps,
                .max = "100us", .doc = "from the nearest node of another package"),
    FIELD_END
};

const struct field topo_power_fields[] = {
    FIELD(FIELD_REAL, struct machine_power, core_active_w, .min = "0", .max = "10000",
          .doc = "watts of a core that runs"),
    FIELD(FIELD_REAL, struct machine_power, core_idle_w, .min = "0", .max = "10000",
          .doc = "watts of a core that idles"),
    FIELD(FIELD_REAL, struct machine_power, node_w, .min = "0", .max = "10000",
          .doc = "watts of a node besides its cores"),
    FIELD(FIELD_REAL, struct machine_power, pj_per_byte_local, .min = "0", .max = "1000000",
          .doc = "picojoules to read a byte from the own node"),
    FIELD(FIELD_REAL, struct machine_power, pj_per_byte_remote, .min = "0", .max = "1000000",
          .doc = "picojoules to read a byte from another node"),
    FIELD_END
};

const struct field topo_device_fields[] = {
    FIELD(FIELD_STRING, struct machine_device, name, .required = true,
          .doc = "what workloads call it"),
    FIELD(FIELD_ENUM, struct machine_device, kind, .def = "other", .names = device_kind_names,
          .doc = "what it is"),
    FIELD_NAMED(FIELD_U32, "queues", struct machine_device, nr_queues, .def = "1", .min = "1",
                .max = "65536", .doc = "hardware queues, each with an interrupt"),
    FIELD(FIELD_U32, struct machine_device, parallel, .min = "1", .max = "65536",
          .doc = "operations that it works on at once; as many as queues if left out"),
    FIELD(FIELD_BANDWIDTH, struct machine_device, bandwidth, .min = "1MB/s",
          .doc = "of its link to the node, each way; by kind if left out"),
    FIELD(FIELD_TIME, struct machine_device, latency, .max = "1000s",
          .doc = "what an operation takes besides its work and its bytes; nothing if left out"),
    FIELD(FIELD_REAL, struct machine_device, speed, .min = "0.001", .max = "1000000",
          .doc = "how much faster than stated it does the `work` of offload steps; 1 if left out"),
    FIELD_NAMED(FIELD_SIZE, "memory", struct machine_device, mem_bytes, .max = "4096TiB",
                .doc = "of its own, which the bytes of its operations share; no limit if left out"),
    FIELD(FIELD_REAL, struct machine_device, active_w, .min = "0", .max = "100000",
          .doc = "watts while it has an operation"),
    FIELD(FIELD_REAL, struct machine_device, idle_w, .min = "0", .max = "100000",
          .doc = "watts otherwise"),
    FIELD_END
};
const char *const topo_device_others[] = { "node", "irq_cpus", "source", NULL };

static void
read_irq_cpus(struct topo *t, const struct ynode *n, struct cpumask *irq)
{
    struct cpumask *set = cpumask_new(t->doc.arena, CPU_MAX);

    if (!ynode_cpulist(&t->doc, n, set))
        return;
    for_each_cpu (cpu, set) {
        if ((uint32_t)cpu >= t->m->nr_cpus || !t->m->cpus[cpu].present) {
            ynode_error(&t->doc, n, "there is no CPU %d; the machine has CPUs up to %u", cpu,
                        t->m->nr_cpus - 1);
            return;
        }
        cpumask_set(irq, (uint32_t)cpu);
    }
}

static void
read_device(struct topo *t, const struct ynode *entry, struct machine_device *d)
{
    const struct ynode *node = ynode_get(entry, "node"), *irq = ynode_get(entry, "irq_cpus");

    ynode_load_fields(&t->doc, entry, topo_device_fields, topo_device_others, d);
    if (d->active_w < d->idle_w)
        ynode_error(&t->doc, ynode_get(entry, "idle_w"),
                    "more watts than while it works ('active_w')");
    topo_check_text(t, entry, "name", NAME_MOST, "");
    if (node == NULL)
        ynode_error(&t->doc, entry, "'node' is missing: the one that the device is attached to");
    else
        d->node = topo_node(t, node);
    d->irq_cpus = cpumask_new(t->doc.arena, t->m->nr_cpus);
    if (irq != NULL)
        read_irq_cpus(t, irq, d->irq_cpus);
    topo_note_source(t, entry);
}

static void
read_devices(struct topo *t)
{
    const struct ynode *list = topo_list(t, "devices");
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    if (list == NULL)
        return;
    if (list->nr > CPU_MAX) {
        ynode_error(&t->doc, list, "%u devices; at most %d are possible", list->nr, CPU_MAX);
        return;
    }
    t->m->devices = arena_new_array(t->doc.arena, struct machine_device, list->nr);
    t->m->nr_devices = list->nr;
    for (guint i = 0; i < list->nr; i++) {
        struct machine_device *d = &t->m->devices[i];
        read_device(t, list->values[i], d);
        if (d->name != NULL && !g_hash_table_add(names, (gpointer)(uintptr_t)d->name))
            ynode_error(&t->doc, ynode_get(list->values[i], "name"),
                        "another device is called '%.64s'; give each a name of its own", d->name);
    }
}

static bool
is_source_key(const char *text)
{
    const char *at = text;

    while (g_ascii_isalnum(*at) || (*at != '\0' && strchr("_-.[]", *at) != NULL))
        at++;
    return *at == '\0' && at - text <= SOURCE_KEY_MOST;
}

/* The first word of "nodes.memory" must be a key of the file; what follows is for readers. */
static void
check_source_key(struct topo *t, const struct ynode *key)
{
    g_autofree char *section = g_strndup(key->text, strcspn(key->text, ".["));
    const char *names[SOURCES_MOST + 1] = { NULL };
    guint nr = 0;

    if (!is_source_key(key->text)) {
        ynode_error(&t->doc, key,
                    "the key of a source has at most %d letters, digits and _-.[]; write it as in "
                    "nodes.memory",
                    SOURCE_KEY_MOST);
        return;
    }
    if (ynode_get(t->root, section) != NULL)
        return;
    for (guint i = 0; i < t->root->nr && nr < SOURCES_MOST; i++)
        names[nr++] = t->root->keys[i]->text;
    g_autofree char *hint = did_you_mean(section, names);
    g_autofree char *excerpt = diag_excerpt(section);
    ynode_error(&t->doc, key, "the file has no '%s' that could have a source%s", excerpt, hint);
}

static void
read_sources(struct topo *t)
{
    const struct ynode *n = ynode_get(t->root, "source");

    if (n == NULL)
        return;
    if (n->kind == YNODE_SCALAR) {
        topo_note_text(t, "", n->text);
        return;
    }
    if (ynode_expect(&t->doc, n, YNODE_MAP) == NULL)
        return;
    if (n->nr > SOURCES_MOST) {
        ynode_error(&t->doc, n, "%u sources; at most %d are possible", n->nr, SOURCES_MOST);
        return;
    }
    for (guint i = 0; i < n->nr; i++) {
        check_source_key(t, n->keys[i]);
        const char *text = ynode_string(&t->doc, n->values[i]);
        if (text != NULL)
            topo_note_text(t, n->keys[i]->text, text);
    }
}

static void
read_notes(struct topo *t)
{
    const struct ynode *n = ynode_get(t->root, "notes");

    if (n == NULL || ynode_expect(&t->doc, n, YNODE_SEQ) == NULL)
        return;
    if (n->nr > NOTES_MOST) {
        ynode_error(&t->doc, n, "%u notes; at most %d are possible", n->nr, NOTES_MOST);
        return;
    }
    for (guint i = 0; i < n->nr; i++) {
        const char *text = ynode_string(&t->doc, n->values[i]);
        if (text != NULL)
            machine_note(t->m, "%s", text);
    }
}

void
topo_read_parts(struct topo *t)
{
    const struct ynode *caches = ynode_get(t->root, "caches"), *power = ynode_get(t->root, "power");

    if (caches != NULL)
        ynode_load_fields(&t->doc, caches, topo_cache_fields, topo_source_key, &t->m->cache);
    if (power != NULL)
        t->m->power.given =
            ynode_load_fields(&t->doc, power, topo_power_fields, topo_source_key, &t->m->power);
    if (caches != NULL && caches->kind == YNODE_MAP)
        topo_note_source(t, caches);
    if (power != NULL && power->kind == YNODE_MAP)
        topo_note_source(t, power);
    read_devices(t);
    read_sources(t);
    read_notes(t);
}
