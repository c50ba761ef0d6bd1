/*
 * From a description to a machine: the rules for what a format leaves open.
 *
 *   distances     as told if the diagonal is one number and the smallest; another diagonal than 10
 *                 (hwloc 1.x wrote 1.0) is scaled to 10. Without a matrix, by level: 10 to itself,
 *                 11 within a package, 21 otherwise
 *   memory        16 GiB a node, if no size is told at all
 *   latency       of the pairs that are told, in nanoseconds; bandwidth in MiB/s, as hwloc and the
 *                 kernel count. The rest is derived by machine_finish()
 *   capacity      in proportion to the measure that was found; 1024 is the fastest
 *   not allowed   CPUs that the process which described the machine might not use are CPUs of the
 *                 machine like all others
 *
 * Ids are numbered anew in the order of the CPUs: what one tool calls package 36 is 0 to another.
 */
#include "config/import_description.h"

#include <stdarg.h>

enum { PACKAGE_DISTANCE = 11, OTHER_DISTANCE = 21, ZEN_FAMILY = 0x17 };

void
description_set_nodes(struct description *h, guint nr, struct arena *a)
{
    h->nr_nodes = nr;
    h->nodes = arena_new_array(a, struct described_node, nr);
    h->matrix = arena_new_array(a, int64_t, nr * nr);
    h->latency_ns = arena_new_array(a, int64_t, nr * nr);
    h->bandwidth = arena_new_array(a, int64_t, nr * nr);
}

void
description_note(struct description *h, struct arena *a, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    h->notes = arena_grow(a, h->notes, sizeof(*h->notes) * h->nr_notes,
                          sizeof(*h->notes) * (h->nr_notes + 1));
    h->notes[h->nr_notes++] = arena_strdup(a, text);
}

void
description_find_clusters(struct description *h)
{
    g_autoptr(GHashTable) first = g_hash_table_new(g_direct_hash, g_direct_equal);
    g_autoptr(GHashTable) shared = g_hash_table_new(g_direct_hash, g_direct_equal);

    for (guint i = 0; i < h->nr_cpus; i++) {
        gpointer l2 = GINT_TO_POINTER(h->cpus[i].l2), core;

        if (!g_hash_table_lookup_extended(first, l2, NULL, &core))
            g_hash_table_insert(first, l2, GINT_TO_POINTER(h->cpus[i].core));
        else if (GPOINTER_TO_INT(core) != h->cpus[i].core)
            g_hash_table_add(shared, l2);
    }
    for (guint i = 0; i < h->nr_cpus; i++)
        if (h->cpus[i].cluster == MACHINE_NONE && h->cpus[i].l2 != MACHINE_NONE &&
            g_hash_table_contains(shared, GINT_TO_POINTER(h->cpus[i].l2)))
            h->cpus[i].cluster = h->cpus[i].l2;
}

void
description_settle_frequencies(struct description *h)
{
    int64_t least = INT64_MAX, most = 0;

    for (guint i = 0; i < h->nr_cpus; i++) {
        int64_t f = h->cpus[i].capacity;

        if (f == 0 && h->cpus[i].offline)
            continue;
        least = SIM_MIN(least, f);
        most = SIM_MAX(most, f);
    }
    if (least > 0 && most > 0 && least * 10 < most * 9) {
        h->capacity_basis = "the highest frequency";
        return;
    }
    for (guint i = 0; i < h->nr_cpus; i++)
        h->cpus[i].capacity = 0;
}

static void
set_vendor(struct machine *m, const struct description *h)
{
    static const struct {
        const char *prefix;
        enum machine_vendor vendor;
    } known[] = { { "GenuineIntel", VENDOR_INTEL },
                  { "AuthenticAMD", VENDOR_AMD },
                  { "HygonGenuine", VENDOR_AMD },
                  { "aarch64", VENDOR_ARM },
                  { "arm", VENDOR_ARM },
                  { "Intel", VENDOR_INTEL },
                  { "Dual Core AMD", VENDOR_AMD },
                  { "AMD", VENDOR_AMD } };
    const char *const told[] = { h->vendor, h->architecture, h->model };

    for (gsize i = 0; i < ARRAY_LEN(told); i++)
        for (gsize k = 0; k < ARRAY_LEN(known) && m->vendor == VENDOR_OTHER; k++)
            if (told[i] != NULL && g_str_has_prefix(told[i], known[k].prefix))
                m->vendor = known[k].vendor;
    m->amd_pre_zen =
        m->vendor == VENDOR_AMD && ((h->family > 0 && h->family < ZEN_FAMILY) ||
                                    (h->model != NULL && strstr(h->model, "Opteron") != NULL));
    if (m->vendor == VENDOR_OTHER && h->vendor == NULL)
        machine_note(m, "assumed: a CPU vendor without rules of its own (the file names none)");
}

static void
add_cpus(struct machine *m, const struct description *h)
{
    uint32_t nr_not_allowed = 0, nr_offline = 0;
    int64_t most = 0;

    for (guint i = 0; i < h->nr_cpus; i++)
        most = SIM_MAX(most, h->cpus[i].capacity);
    for (guint i = 0; i < h->nr_cpus; i++) {
        const struct described_cpu *from = &h->cpus[i];
        struct machine_cpu *c = &m->cpus[from->os_index];

        *c = (struct machine_cpu){ .present = true,
                                   .online = !from->offline,
                                   .node = from->node,
                                   .package = from->package,
                                   .die = from->die,
                                   .core = from->core,
                                   .cluster = from->cluster,
                                   .l2 = from->l2,
                                   .llc = from->llc,
                                   .capacity = 1024 };
        if (from->capacity > 0)
            c->capacity = SIM_MAX((uint32_t)(from->capacity * 1024 / most), 1u);
        cpumask_set(m->present, (uint32_t)from->os_index);
        if (!from->offline)
            cpumask_set(m->online, (uint32_t)from->os_index);
        cpumask_set(m->nodes[from->node].cpus, (uint32_t)from->os_index);
        nr_not_allowed += !from->allowed;
        nr_offline += from->offline;
    }
    if (nr_offline > 0)
        machine_note(m, "%u CPUs are offline", nr_offline);
    if (nr_not_allowed > 0)
        machine_note(m,
                     "%u CPUs were not allowed to the process that wrote the file; they are used",
                     nr_not_allowed);
    if (h->nr_left_out > 0)
        machine_note(m, "%u CPUs that the file only counts (offline or not allowed) are left out",
                     (unsigned)SIM_MIN(h->nr_left_out, (int64_t)UINT32_MAX));
    if (h->capacity_basis != NULL && most > 0)
        machine_note(m, "capacities: in proportion to %s", h->capacity_basis);
    else if (h->capacity_basis != NULL)
        machine_note(m, "assumed: all kinds of CPUs are equally fast (the file gives no capacity)");
}

static void
add_nodes(struct machine *m, const struct description *h)
{
    nodemask all = 0, missing = 0;

    for (guint i = 0; i < h->nr_nodes; i++) {
        m->nodes[i].os_index = (uint32_t)h->nodes[i].os_index;
        m->nodes[i].mem_bytes = (uint64_t)h->nodes[i].mem_bytes;
        m->nodes[i].kind = (enum memory_kind)h->nodes[i].kind;
        missing |= h->nodes[i].mem_bytes == 0 ? NODE_BIT(i) : 0;
        all |= NODE_BIT(i);
    }
    if (missing == all)
        import_assume_memory(m, all, "no memory size is given");
    else if (h->zero_is_unknown && missing != 0)
        import_assume_memory(m, missing, "no size is given for them");
}

/* The number on the whole diagonal if no other is smaller, else 0. */
static int64_t
diagonal(const struct description *h)
{
    int64_t own = h->matrix[0];

    for (guint i = 0; i < h->nr_nodes; i++)
        for (guint j = 0; j < h->nr_nodes; j++) {
            int64_t d = h->matrix[i * h->nr_nodes + j];

            if (d < own || (i == j && d != own))
                return 0;
        }
    return own;
}

static bool
take_matrix(struct machine *m, const struct description *h)
{
    int64_t own = h->has_matrix ? diagonal(h) : 0;
    uint32_t nr_cut = 0;

    if (h->has_matrix && own == 0 && h->nr_nodes > 1)
        machine_note(m, "the distances are left out: the diagonal is not the smallest");
    if (own == 0)
        return false;
    for (guint i = 0; i < h->nr_nodes * h->nr_nodes; i++) {
        double scaled = (double)h->matrix[i] * LOCAL_DISTANCE / (double)own + 0.5;

        nr_cut += scaled >= 256;
        m->distances[i] = (uint8_t)SIM_MIN(scaled, 255.0);
    }
    if (own != LOCAL_DISTANCE)
        machine_note(m, "distances: scaled by 10/%" G_GINT64_FORMAT " to make the diagonal 10",
                     own);
    if (nr_cut > 0)
        machine_note(m, "%u distances above 255 became 255", nr_cut);
    return true;
}

static void
assume_distances(struct machine *m, const struct description *h)
{
    for (guint i = 0; i < h->nr_nodes; i++)
        for (guint j = 0; j < h->nr_nodes; j++) {
            int32_t a = h->nodes[i].package, b = h->nodes[j].package;

            m->distances[i * h->nr_nodes + j] = i == j                        ? LOCAL_DISTANCE
                                                : a == b && a != MACHINE_NONE ? PACKAGE_DISTANCE
                                                                              : OTHER_DISTANCE;
        }
    if (h->nr_nodes > 1)
        machine_note(m, "assumed: distances 10, %d within a package, %d (no matrix is given)",
                     PACKAGE_DISTANCE, OTHER_DISTANCE);
}

static void
add_attributes(struct machine *m, const struct description *h)
{
    guint nr = h->nr_nodes, nr_latencies = 0, nr_bandwidths = 0;

    for (guint to = 0; to < nr; to++) {
        int64_t most = 0;

        for (guint from = 0; from < nr; from++) {
            int64_t ns = h->latency_ns[from * nr + to];

            if (ns > 0 && ns < 1000000) {
                m->latency_ps[from * nr + to] = (uint32_t)ns * 1000;
                m->has_latency = true;
                nr_latencies++;
            }
            most = SIM_MAX(most, h->bandwidth[from * nr + to]);
        }
        if (most > 0) {
            m->nodes[to].bandwidth = MIB((uint64_t)most);
            nr_bandwidths++;
        }
    }
    if (nr_latencies > 0)
        machine_note(m, "latency: %u of %u pairs of nodes from %s", nr_latencies, nr * nr,
                     h->attributes);
    if (nr_bandwidths > 0)
        machine_note(m, "bandwidth: %u of %u nodes from %s, as MiB/s", nr_bandwidths, nr,
                     h->attributes);
}

static void
note_nodes_without_cpus(struct machine *m)
{
    uint32_t nr = 0;

    for (uint32_t i = 0; i < m->nr_nodes; i++)
        nr += (machine_cpu_nodes(m) & NODE_BIT(i)) == 0;
    if (nr > 0)
        machine_note(
            m,
            "%u nodes have no CPUs: of the nodes local to a CPU it belongs to the nearest, "
            "of equals to the DRAM, of equals to the lowest number",
            nr);
}

/* The same ids for the same things, counted from 0 in the order of the CPUs. */
static void
renumber(struct machine *m, gsize offset)
{
    g_autoptr(GHashTable) ids = g_hash_table_new(g_direct_hash, g_direct_equal);

    for_each_cpu (cpu, m->present) {
        int32_t *id = (int32_t *)(void *)((char *)&m->cpus[cpu] + offset);
        gpointer old = GINT_TO_POINTER(*id), fresh;

        if (*id == MACHINE_NONE)
            continue;
        if (!g_hash_table_lookup_extended(ids, old, NULL, &fresh)) {
            fresh = GUINT_TO_POINTER(g_hash_table_size(ids));
            g_hash_table_insert(ids, old, fresh);
        }
        *id = GPOINTER_TO_INT(fresh);
    }
}

static void
renumber_all(struct machine *m)
{
    static const gsize offsets[] = {
        offsetof(struct machine_cpu, package), offsetof(struct machine_cpu, die),
        offsetof(struct machine_cpu, core),    offsetof(struct machine_cpu, cluster),
        offsetof(struct machine_cpu, l2),      offsetof(struct machine_cpu, llc),
    };

    for (gsize i = 0; i < ARRAY_LEN(offsets); i++)
        renumber(m, offsets[i]);
}

struct machine *
description_build(const struct description *h, const char *file, const char *name, struct arena *a,
                  struct diag *d)
{
    struct machine *m = machine_new(a, (uint32_t)h->cpus[h->nr_cpus - 1].os_index + 1, h->nr_nodes);

    m->name = name;
    m->title = h->model == NULL     ? arena_printf(a, "imported from %s", h->source)
               : h->product == NULL ? h->model
                                    : arena_printf(a, "%s, %s", h->product, h->model);
    m->cache.l1d_bytes = (uint64_t)h->l1d_bytes;
    m->cache.l2_bytes = (uint64_t)h->l2_bytes;
    m->cache.llc_bytes = (uint64_t)h->llc_bytes;
    m->cache.line_bytes = (uint32_t)h->line_bytes;
    for (guint i = 0; i < h->nr_notes; i++)
        machine_note(m, "%s", h->notes[i]);
    set_vendor(m, h);
    add_cpus(m, h);
    add_nodes(m, h);
    m->has_distances = true; /* also if assumed here: machine_finish() knows less about packages */
    if (!take_matrix(m, h))
        assume_distances(m, h);
    add_attributes(m, h);
    if (h->chose_nodes)
        note_nodes_without_cpus(m);
    renumber_all(m);
    import_assume_llcs(m);
    return import_finish(m, file, d);
}
