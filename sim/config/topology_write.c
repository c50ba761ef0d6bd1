/*
 * A machine as topology YAML that loads to the same machine.
 *
 * What is written is the machine, not the file that it came from: the full form, with every number
 * that machine_finish() filled in where a result depends on it (sizes, bandwidths, links), so that
 * a run that is repeated from its resolved.yaml does not depend on the rules of assumption of the
 * day. Tables that were assumed as a whole are left out: the same rule fills them again. Runs of
 * CPUs and of nodes that are alike become one entry. Notes become `source` entries where they can,
 * and `notes` otherwise: comments would be lost when the file is read, and a run of a run would say
 * less than the run.
 */
#include "config/topology_yaml.h"

#include "config/load.h"

/* Within quotes; what a YAML file may not hold as it is (5.1, "printable characters") as its
 * number. */
static void
append_character(GString *out, gunichar c)
{
    if (c == '"' || c == '\\')
        g_string_append_printf(out, "\\%c", (char)c);
    else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
        g_string_append_printf(out, "\\x%02x", c);
    else if (c == 0xfffe || c == 0xffff || c == 0xfeff || c == 0x2028 || c == 0x2029)
        g_string_append_printf(out, "\\u%04x", c);
    else
        g_string_append_unichar(out, c);
}

/* A word as it is, anything else in quotes. */
static void
append_text(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    bool word = g_ascii_isalpha(valid[0]);

    for (const char *at = valid; word && *at != '\0'; at++)
        word = g_ascii_isalnum(*at) || strchr("_.->", *at) != NULL;
    if (word && !g_strv_contains((const char *const[]){ "yes", "no", "on", "off", "true", "false",
                                                        "null", NULL },
                                 valid)) {
        g_string_append(out, valid);
        return;
    }
    g_string_append_c(out, '"');
    for (char *at = valid; *at != '\0'; at = g_utf8_next_char(at))
        append_character(out, g_utf8_get_char(at));
    g_string_append_c(out, '"');
}

static void
append_key_text(GString *out, const char *before, const char *key, const char *text)
{
    g_string_append_printf(out, "%s%s: ", before, key);
    append_text(out, text);
}

/* A line with a field of a table. */
static void
append_field(GString *out, const char *before, const struct field *table, const char *name,
             const void *object, struct arena *a)
{
    const char *text = field_text(fields_find(table, name), object, a);

    g_string_append_printf(out, "%s%s: %s", before, name, text);
}

static void
append_points(GString *out, const char *before, const struct machine_curve_point *points,
              uint32_t nr, struct arena *a)
{
    g_string_append_printf(out, "%scurve: {points: [", before);
    for (uint32_t i = 0; i < nr; i++)
        g_string_append_printf(out, "%s[%s, %u.%06u]", i > 0 ? ", " : "",
                               format_quantity(FIELD_BANDWIDTH, points[i].bandwidth, a),
                               points[i].ratio_ppm / 1000000, points[i].ratio_ppm % 1000000);
    g_string_append(out, "]}");
}

static void
append_curve(GString *out, const char *before, double a, double d, struct arena *arena)
{
    const struct machine_node n = { .curve_a = a, .curve_d = d };

    g_string_append_printf(out, "%scurve: {a: %s, d: %s}", before,
                           field_text(fields_find(topo_node_fields, "curve.a"), &n, arena),
                           field_text(fields_find(topo_node_fields, "curve.d"), &n, arena));
}

static void
write_top(const struct machine *m, GString *out)
{
    append_key_text(out, "", "name", m->name);
    if (m->title != NULL && *m->title != '\0')
        append_key_text(out, "\n", "title", m->title);
    g_string_append_printf(out, "\nvendor: %s\n", machine_vendor_names[m->vendor]);
    if (m->amd_pre_zen)
        g_string_append(out, "pre_zen: yes\n");
    if (m->freq_hz > 0)
        g_string_append_printf(out, "frequency: %s\n",
                               format_quantity(FIELD_FREQ, m->freq_hz, m->arena));
    if (m->node_reclaim_distance > 0)
        g_string_append_printf(out, "node_reclaim_distance: %u\n", m->node_reclaim_distance);
}

static bool
same_points(const struct machine_node *a, const struct machine_node *b)
{
    if (a->nr_points != b->nr_points)
        return false;
    for (uint32_t i = 0; i < a->nr_points; i++)
        if (a->points[i].bandwidth != b->points[i].bandwidth ||
            a->points[i].ratio_ppm != b->points[i].ratio_ppm)
            return false;
    return true;
}

static bool
same_node(const struct machine_node *a, const struct machine_node *b)
{
    return a->mem_bytes == b->mem_bytes && a->kind == b->kind && a->online == b->online &&
           a->bandwidth == b->bandwidth && a->write_derate_ppm == b->write_derate_ppm &&
           a->injection == b->injection && a->has_curve == b->has_curve &&
           (!a->has_curve ||
            (a->curve_a == b->curve_a && a->curve_d == b->curve_d && same_points(a, b)));
}

static void
write_node(const struct machine *m, const struct machine_node *n, GString *out)
{
    append_field(out, "\n    ", topo_node_fields, "memory", n, m->arena);
    if (n->kind != MEMORY_DRAM)
        append_field(out, "\n    ", topo_node_fields, "kind", n, m->arena);
    if (n->bandwidth > 0)
        append_field(out, "\n    ", topo_node_fields, "bandwidth", n, m->arena);
    if (n->write_derate_ppm > 0)
        append_field(out, "\n    ", topo_node_fields, "write_derating", n, m->arena);
    if (n->nr_points > 0)
        append_points(out, "\n    ", n->points, n->nr_points, m->arena);
    else if (n->has_curve)
        append_curve(out, "\n    ", n->curve_a, n->curve_d, m->arena);
    if (n->injection > 0)
        append_field(out, "\n    ", topo_node_fields, "injection_limit", n, m->arena);
    if (!n->online)
        g_string_append(out, "\n    online: no");
    g_string_append_c(out, '\n');
}

static void
write_nodes(const struct machine *m, GString *out)
{
    uint32_t last;

    g_string_append(out, "nodes:\n");
    for (uint32_t i = 0; i < m->nr_nodes; i = last + 1) {
        for (last = i; last + 1 < m->nr_nodes && same_node(&m->nodes[i], &m->nodes[last + 1]) &&
                       m->nodes[last + 1].os_index == m->nodes[last].os_index + 1;)
            last++;
        g_string_append_printf(out, "  - node: %u", m->nodes[i].os_index);
        if (last > i)
            g_string_append_printf(out, "-%u", m->nodes[last].os_index);
        write_node(m, &m->nodes[i], out);
    }
}

/* The ids of CPUs first..last: one for all, a range, or a list. */
static void
append_ids(const struct machine *m, GString *out, const char *key, size_t offset, uint32_t first,
           uint32_t last)
{
#define ID(cpu) (*(const int32_t *)(const void *)((const char *)&m->cpus[cpu] + offset))
    bool same = true, rising = true;

    for (uint32_t cpu = first + 1; cpu <= last; cpu++) {
        same &= ID(cpu) == ID(first);
        rising &= ID(cpu) == ID(cpu - 1) + 1;
    }
    if (ID(first) < 0)
        return;
    g_string_append_printf(out, ", %s: ", key);
    if (same || rising) {
        g_string_append_printf(out, "%d", ID(first));
        if (!same)
            g_string_append_printf(out, "-%d", ID(last));
        return;
    }
    for (uint32_t cpu = first; cpu <= last; cpu++)
        g_string_append_printf(out, "%s%d", cpu == first ? "[" : ", ", ID(cpu));
    g_string_append_c(out, ']');
#undef ID
}

static bool
same_group(const struct machine_cpu *a, const struct machine_cpu *b)
{
    return b->present && a->node == b->node && a->package == b->package && a->die == b->die &&
           a->llc == b->llc && a->capacity == b->capacity && (a->l2 < 0) == (b->l2 < 0) &&
           (a->cluster < 0) == (b->cluster < 0) && (a->core < 0) == (b->core < 0);
}

static void
write_cpu_range(const struct machine *m, GString *out, uint32_t first, uint32_t last)
{
    const struct machine_cpu *c = &m->cpus[first];

    g_string_append_printf(out, "  - {cpus: %u", first);
    if (last > first)
        g_string_append_printf(out, "-%u", last);
    g_string_append_printf(out, ", node: %u", m->nodes[c->node].os_index);
    append_ids(m, out, "package", offsetof(struct machine_cpu, package), first, last);
    append_ids(m, out, "die", offsetof(struct machine_cpu, die), first, last);
    append_ids(m, out, "llc", offsetof(struct machine_cpu, llc), first, last);
    append_ids(m, out, "core", offsetof(struct machine_cpu, core), first, last);
    append_ids(m, out, "l2", offsetof(struct machine_cpu, l2), first, last);
    append_ids(m, out, "cluster", offsetof(struct machine_cpu, cluster), first, last);
    if (c->capacity != 1024)
        g_string_append_printf(out, ", capacity: %u", c->capacity);
    g_string_append(out, "}\n");
}

static void
write_cpus(const struct machine *m, GString *out)
{
    struct cpumask *offline = cpumask_clone(m->arena, m->present);
    uint32_t last;

    g_string_append(out, "cpus:\n");
    for (uint32_t cpu = 0; cpu < m->nr_cpus; cpu = last + 1) {
        last = cpu;
        if (!m->cpus[cpu].present)
            continue;
        while (last + 1 < m->nr_cpus && same_group(&m->cpus[cpu], &m->cpus[last + 1]))
            last++;
        write_cpu_range(m, out, cpu, last);
    }
    cpumask_andnot(offline, m->present, m->online);
    if (!cpumask_empty(offline))
        g_string_append_printf(out, "offline_cpus: %s\n", cpumask_text(m->arena, offline));
    if (!cpumask_empty(m->isolated))
        g_string_append_printf(out, "isolated_cpus: %s\n", cpumask_text(m->arena, m->isolated));
}

static void
write_tables(const struct machine *m, GString *out)
{
    uint32_t nr = m->nr_nodes;

    if (m->has_distances)
        g_string_append(out, "distances:\n");
    for (uint32_t i = 0; m->has_distances && i < nr * nr; i++)
        g_string_append_printf(out, "%s%u%s", i % nr == 0 ? "  - [" : ", ", m->distances[i],
                               i % nr == nr - 1 ? "]\n" : "");
    if (m->has_latency)
        g_string_append(out, "latency:\n");
    for (uint32_t i = 0; m->has_latency && i < nr * nr; i++)
        g_string_append_printf(out, "%s%s%s", i % nr == 0 ? "  - [" : ", ",
                               format_quantity(FIELD_TIME_PS, m->latency_ps[i], m->arena),
                               i % nr == nr - 1 ? "]\n" : "");
}

/* Whether the links are what a table of bandwidths makes: one a pair, in order, none special. */
static bool
links_are_a_table(const struct machine *m)
{
    uint32_t nr = 0;

    for (uint32_t from = 0; from < m->nr_nodes; from++)
        for (uint32_t to = 0; to < m->nr_nodes; to++) {
            const struct machine_link *l = &m->links[nr];
            if (from == to)
                continue;
            if (nr++ >= m->nr_links || l->from != (int32_t)from || l->to != (int32_t)to ||
                l->has_curve || l->bandwidth < 1000000)
                return false;
            g_autofree char *name =
                g_strdup_printf("n%u>n%u", m->nodes[from].os_index, m->nodes[to].os_index);
            if (strcmp(l->name, name) != 0)
                return false;
        }
    return nr == m->nr_links;
}

static void
write_bandwidth_table(const struct machine *m, GString *out)
{
    uint32_t nr = m->nr_nodes;

    g_string_append(out, "bandwidth:\n");
    for (uint32_t cpu = 0; cpu < nr; cpu++) {
        for (uint32_t mem = 0; mem < nr; mem++) {
            /* Links are ordered by the memory's node and leave out the node itself. */
            uint32_t link = mem * (nr - 1) + cpu - (cpu > mem);
            g_string_append_printf(
                out, "%s%s", mem == 0 ? "  - [" : ", ",
                cpu == mem ? "none"
                           : format_quantity(FIELD_BANDWIDTH, m->links[link].bandwidth, m->arena));
        }
        g_string_append(out, "]\n");
    }
}

static void
write_link_list(const struct machine *m, GString *out)
{
    g_string_append(out, "links:\n");
    for (uint32_t i = 0; i < m->nr_links; i++) {
        const struct machine_link *l = &m->links[i];
        append_key_text(out, "  - {", "name", l->name);
        g_string_append_printf(out, ", from: %u, to: %u, bandwidth: %s", m->nodes[l->from].os_index,
                               m->nodes[l->to].os_index,
                               format_quantity(FIELD_BANDWIDTH, l->bandwidth, m->arena));
        if (l->nr_points > 0)
            append_points(out, ", ", l->points, l->nr_points, m->arena);
        else if (l->has_curve)
            append_curve(out, ", ", l->curve_a, l->curve_d, m->arena);
        g_string_append(out, "}\n");
    }
}

/* Over one link that is the first of its pair: found again without being written. */
static bool
route_is_plain(const struct machine *m, const struct machine_route *r, uint32_t mem, uint32_t cpu)
{
    if (r->nr_links > 1)
        return false;
    for (uint32_t i = 0; r->nr_links == 1 && i < r->links[0]; i++)
        if (m->links[i].from == (int32_t)mem && m->links[i].to == (int32_t)cpu)
            return false;
    return true;
}

static void
write_routes(const struct machine *m, GString *out)
{
    bool first = true;

    for (uint32_t i = 0; i < m->nr_nodes * m->nr_nodes; i++) {
        uint32_t cpu = i / m->nr_nodes, mem = i % m->nr_nodes;
        const struct machine_route *r = machine_route(m, cpu, mem);
        if (route_is_plain(m, r, mem, cpu))
            continue;
        g_string_append_printf(out, "%s  - {from: %u, to: %u, via: [", first ? "routes:\n" : "",
                               m->nodes[mem].os_index, m->nodes[cpu].os_index);
        first = false;
        for (uint32_t hop = 0; hop < r->nr_links; hop++) {
            g_string_append(out, hop > 0 ? ", " : "");
            append_text(out, m->links[r->links[hop]].name);
        }
        g_string_append(out, "]}\n");
    }
}

/* Numbers that are not 0 were given, or assumed by a rule that left a note. */
static bool
field_is_set(const struct field *f, const void *values, struct arena *a)
{
    const char *text = field_text(f, values, a);

    return strcmp(text, "0") != 0 && strcmp(text, "0B") != 0 && strcmp(text, "0ns") != 0 &&
           strcmp(text, "0B/s") != 0;
}

static void
write_caches(const struct machine *m, GString *out)
{
    g_string_append(out, "caches:");
    for (const struct field *f = topo_cache_fields; f->name != NULL; f++) {
        if (field_is_set(f, &m->cache, m->arena))
            g_string_append_printf(out, "\n  %s: %s", f->name, field_text(f, &m->cache, m->arena));
    }
    g_string_append_c(out, '\n');
}

static void
write_devices(const struct machine *m, GString *out)
{
    if (m->nr_devices > 0)
        g_string_append(out, "devices:\n");
    for (uint32_t i = 0; i < m->nr_devices; i++) {
        const struct machine_device *d = &m->devices[i];
        append_key_text(out, "  - ", "name", d->name);
        g_string_append_printf(out, "\n    node: %u\n", m->nodes[d->node].os_index);
        for (const struct field *f = topo_device_fields + 1; f->name != NULL; f++)
            if (field_is_set(f, d, m->arena)) {
                append_field(out, "    ", topo_device_fields, f->name, d, m->arena);
                g_string_append_c(out, '\n');
            }
        if (d->irq_cpus != NULL && !cpumask_empty(d->irq_cpus))
            g_string_append_printf(out, "    irq_cpus: %s\n", cpumask_text(m->arena, d->irq_cpus));
    }
}

static void
write_power(const struct machine *m, GString *out)
{
    if (!m->power.given)
        return;
    g_string_append(out, "power:");
    for (const struct field *f = topo_power_fields; f->name != NULL; f++)
        append_field(out, "\n  ", topo_power_fields, f->name, &m->power, m->arena);
    g_string_append_c(out, '\n');
}

/* "source KEY: TEXT" under a key that the text has; false: a note must do. */
static bool
write_source(const char *note, GHashTable *seen, const char *written, GString *sources)
{
    const char *colon = strstr(note, ": ");

    if (!g_str_has_prefix(note, "source ") || colon == NULL)
        return false;
    g_autofree char *key = g_strndup(note + 7, (gsize)(colon - note - 7));
    g_autofree char *full = g_strdup(strcmp(key, "shape") == 0 ? "cpus" : key);
    g_autofree char *section = g_strdup_printf("\n%.*s:", (int)strcspn(full, "."), full);
    if (strpbrk(full, "[ \"") != NULL || strstr(written, section) == NULL ||
        !g_hash_table_add(seen, g_strdup(full)))
        return false;
    append_key_text(sources, "  ", full, colon + 2);
    g_string_append_c(sources, '\n');
    return true;
}

static void
write_notes(const struct machine *m, const char *written, GString *notes, GString *sources)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (uint32_t i = 0; i < m->nr_notes; i++) {
        if (write_source(m->notes[i], seen, written, sources))
            continue;
        g_string_append(notes, "  - ");
        append_text(notes, m->notes[i]);
        g_string_append_c(notes, '\n');
    }
}

void
topology_yaml_write(const struct machine *m, GString *out)
{
    g_autoptr(GString) body = g_string_new(NULL), sources = g_string_new(NULL),
                       notes = g_string_new(NULL);

    write_top(m, body);
    write_nodes(m, body);
    write_cpus(m, body);
    write_tables(m, body);
    if (m->nr_links > 0 && links_are_a_table(m))
        write_bandwidth_table(m, body);
    else if (m->nr_links > 0)
        write_link_list(m, body);
    write_routes(m, body);
    write_caches(m, body);
    write_devices(m, body);
    write_power(m, body);
    write_notes(m, body->str, notes, sources);
    g_string_append(out, body->str);
    if (sources->len > 0)
        g_string_append_printf(out, "source:\n%s", sources->str);
    if (notes->len > 0)
        g_string_append_printf(out, "notes:\n%s", notes->str);
}
