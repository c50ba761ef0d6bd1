/*
 * The JSON of `topo domains --json`.
 *
 * A machine of 4096 CPUs has some ten thousand domains but a handful of different attributes; the
 * form therefore lists the distinct ones once (`domain_attrs`) and a domain names its own by index.
 * Nodes appear under the numbers that the machine uses itself. A group's `mask` is written only
 * where it differs from its span.
 */
#include "report/topo_json.h"

#include <json-glib/json-glib.h>

struct writer {
    JsonBuilder *json;
    struct arena *scratch;
    const struct machine *m;
    const struct domains *d;
    GHashTable *attr_index; /* text of the attributes > index + 1 */
    GPtrArray *attrs;       /* const struct sched_domain *: one that has them */
};

static void
add_int(struct writer *w, const char *name, gint64 value)
{
    json_builder_set_member_name(w->json, name);
    json_builder_add_int_value(w->json, value);
}

static void
add_string(struct writer *w, const char *name, const char *value)
{
    json_builder_set_member_name(w->json, name);
    json_builder_add_string_value(w->json, value);
}

static void
add_mask(struct writer *w, const char *name, const struct cpumask *mask)
{
    add_string(w, name, cpumask_text(w->scratch, mask));
}

static void
add_flags(struct writer *w, const char *name, uint32_t flags)
{
    json_builder_set_member_name(w->json, name);
    json_builder_begin_array(w->json);
    for (guint i = 0; i < SD_FLAG_NR; i++)
        if (flags & (1u << i))
            json_builder_add_string_value(w->json, sd_flag_names[i]);
    json_builder_end_array(w->json);
}

static guint
attr_of(struct writer *w, const struct sched_domain *sd)
{
    g_autofree char *key =
        g_strdup_printf("%s %x %x %u %u %u %u %u %u %u %u", sd->name, sd->flags, sd->groups->flags,
                        sd->min_interval, sd->max_interval, sd->busy_factor, sd->imbalance_pct,
                        sd->cache_nice_tries, sd->level, sd->imb_numa_nr, sd->span_weight);
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(w->attr_index, key));

    if (known > 0)
        return known - 1;
    g_ptr_array_add(w->attrs, (gpointer)(guintptr)sd);
    g_hash_table_insert(w->attr_index, g_steal_pointer(&key), GUINT_TO_POINTER(w->attrs->len));
    return w->attrs->len - 1;
}

static void
add_numa(struct writer *w)
{
    json_builder_set_member_name(w->json, "numa");
    json_builder_begin_object(w->json);
    json_builder_set_member_name(w->json, "distance_levels");
    json_builder_begin_array(w->json);
    for (guint i = 0; i < w->d->nr_distance_levels; i++)
        json_builder_add_int_value(w->json, w->d->distance_levels[i]);
    json_builder_end_array(w->json);
    add_string(w, "topology_type", numa_topology_type_names[w->d->topology_type]);
    add_int(w, "max_distance", w->d->max_distance);
    add_int(w, "node_reclaim_distance", w->d->node_reclaim_distance);
    json_builder_end_object(w->json);
}

static void
add_fallback(struct writer *w)
{
    json_builder_set_member_name(w->json, "zonelist_fallback");
    json_builder_begin_object(w->json);
    for (guint n = 0; n < w->m->nr_nodes; n++) {
        char name[16];

        if (w->d->fallback[n] == NULL)
            continue;
        g_snprintf(name, sizeof(name), "%u", w->m->nodes[n].os_index);
        json_builder_set_member_name(w->json, name);
        json_builder_begin_array(w->json);
        for (const gint32 *at = w->d->fallback[n]; *at >= 0; at++)
            json_builder_add_int_value(w->json, w->m->nodes[*at].os_index);
        json_builder_end_array(w->json);
    }
    json_builder_end_object(w->json);
}

static void
add_groups(struct writer *w, const struct sched_domain *sd)
{
    json_builder_set_member_name(w->json, "groups");
    json_builder_begin_array(w->json);
    for_each_group(sg, sd->groups)
    {
        json_builder_begin_object(w->json);
        add_mask(w, "span", sg->span);
        if (!cpumask_equal(sg->sgc->balance_mask, sg->span))
            add_mask(w, "mask", sg->sgc->balance_mask);
        add_int(w, "cores", sg->cores);
        json_builder_end_object(w->json);
    }
    json_builder_end_array(w->json);
}

static void
add_domains(struct writer *w)
{
    json_builder_set_member_name(w->json, "domains");
    json_builder_begin_object(w->json);
    for_each_cpu (cpu, w->m->present) {
        char name[16];

        g_snprintf(name, sizeof(name), "%d", cpu);
        json_builder_set_member_name(w->json, name);
        json_builder_begin_array(w->json);
        for_each_domain (sd, w->d->cpus[cpu].sd) {
            json_builder_begin_object(w->json);
            add_string(w, "name", sd->name);
            add_mask(w, "span", sd->span);
            add_int(w, "attr", attr_of(w, sd));
            add_groups(w, sd);
            json_builder_end_object(w->json);
        }
        json_builder_end_array(w->json);
    }
    json_builder_end_object(w->json);
}

static void
add_attrs(struct writer *w)
{
    json_builder_set_member_name(w->json, "domain_attrs");
    json_builder_begin_array(w->json);
    for (guint i = 0; i < w->attrs->len; i++) {
        const struct sched_domain *sd = g_ptr_array_index(w->attrs, i);

        json_builder_begin_object(w->json);
        add_string(w, "name", sd->name);
        add_flags(w, "flags", sd->flags);
        add_flags(w, "groups_flags", sd->groups->flags);
        add_int(w, "min_interval", sd->min_interval);
        add_int(w, "max_interval", sd->max_interval);
        add_int(w, "busy_factor", sd->busy_factor);
        add_int(w, "imbalance_pct", sd->imbalance_pct);
        add_int(w, "cache_nice_tries", sd->cache_nice_tries);
        add_int(w, "level", sd->level);
        add_int(w, "imb_numa_nr", sd->imb_numa_nr);
        add_int(w, "span_weight", sd->span_weight);
        json_builder_end_object(w->json);
    }
    json_builder_end_array(w->json);
}

static void
add_messages(struct writer *w)
{
    json_builder_set_member_name(w->json, "kernel_messages");
    json_builder_begin_array(w->json);
    for (guint i = 0; i < w->d->nr_messages; i++)
        json_builder_add_string_value(w->json, w->d->messages[i]);
    json_builder_end_array(w->json);
}

static GString *
generate(JsonBuilder *json)
{
    g_autoptr(JsonGenerator) generator = json_generator_new();
    GString *text = g_string_new(NULL);
    JsonNode *root = json_builder_get_root(json);

    json_generator_set_root(generator, root);
    json_generator_set_pretty(generator, TRUE);
    json_generator_set_indent(generator, 1);
    json_generator_to_gstring(generator, text);
    json_node_unref(root);
    return g_string_append_c(text, '\n');
}

GString *
topo_domains_json(const struct machine *m, const struct domains *d)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(GHashTable) index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) attrs = g_ptr_array_new();
    struct writer w = { json, arena_new(), m, d, index, attrs };

    json_builder_begin_object(json);
    add_mask(&w, "online", m->online);
    add_numa(&w);
    add_fallback(&w);
    add_domains(&w);
    add_attrs(&w);
    add_messages(&w);
    json_builder_end_object(json);
    arena_free(w.scratch);
    return generate(json);
}
