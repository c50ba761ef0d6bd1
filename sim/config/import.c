/*
 * Importers: what the formats share.
 *
 * No foreign format says everything that a machine needs: numactl has never heard of a core, hwloc
 * seldom of a latency. What is left open is filled in here by few and simple rules, the same for
 * all formats, so that one machine comes out the same whichever tool described it:
 *
 *   memory            16 GiB a node, where the description has none at all
 *   last-level cache  the CPUs of one node and one package share one
 *   core, package,    as machine_finish() assumes them: a core a CPU, a package a node, and all
 *   latencies...      physics from distances
 *
 * The rules are crude on purpose: a clever guess that is wrong is worse than a simple one that is
 * noted, because the simple one can be seen and overridden.
 */
#include "config/import.h"

enum { NAME_MOST = 64, LOOK_MOST = 64 * 1024 };

bool
looks_like_hwloc_synthetic(const char *spec)
{
    return g_str_has_prefix(spec, "hwloc:");
}

/* Nothing else that we read begins with '<'; a byte order mark is let through. */
bool
looks_like_hwloc_xml(const char *text, gsize len)
{
    gsize i = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (i < len && i < LOOK_MOST && g_ascii_isspace(text[i]))
        i++;
    return i < len && text[i] == '<';
}

const char *
import_name(struct arena *a, const char *path)
{
    static const char *const endings[] = { ".gz",  ".bz2", ".xz",  ".zst",  ".tar",    ".tgz",
                                           ".xml", ".txt", ".log", ".json", ".numactl" };
    g_autofree char *base = g_path_get_basename(path);

    for (gsize i = 0; i < ARRAY_LEN(endings); i++)
        if (g_str_has_suffix(base, endings[i]) && strlen(base) > strlen(endings[i]))
            base[strlen(base) - strlen(endings[i])] = '\0';
    for (char *c = base; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && strchr("._-", *c) == NULL)
            *c = '_';
    if (strlen(base) > NAME_MOST)
        base[NAME_MOST] = '\0';
    return arena_strdup(a, base[0] == '\0' || base[0] == '.' ? "machine" : base);
}

void
import_assume_memory(struct machine *m, nodemask nodes, const char *why)
{
    for_each_node (node, nodes)
        m->nodes[node].mem_bytes = GIB(ASSUMED_MEMORY_GIB);
    machine_note(m, "assumed: %d GiB of memory on %d node%s (%s)", ASSUMED_MEMORY_GIB,
                 __builtin_popcountll(nodes), __builtin_popcountll(nodes) == 1 ? "" : "s", why);
}

/* One LLC for each pair of node and package: what Linux would see on most machines. */
void
import_assume_llcs(struct machine *m)
{
    g_autoptr(GHashTable) pairs = g_hash_table_new(g_direct_hash, g_direct_equal);
    int32_t next = 0;
    uint32_t nr = 0;

    for_each_cpu (cpu, m->present)
        next = SIM_MAX(next, m->cpus[cpu].llc + 1);
    for_each_cpu (cpu, m->online) {
        struct machine_cpu *c = &m->cpus[cpu];
        gpointer pair = GUINT_TO_POINTER((guint)(c->package + 1) * NODE_MAX + (guint)c->node + 1);
        gpointer id = g_hash_table_lookup(pairs, pair);

        if (c->llc != MACHINE_NONE)
            continue;
        if (id == NULL) {
            id = GINT_TO_POINTER(++next);
            g_hash_table_insert(pairs, pair, id);
        }
        c->llc = GPOINTER_TO_INT(id) - 1;
        nr++;
    }
    if (nr > 0)
        machine_note(
            m, "assumed: the CPUs of a node and package share a last-level cache (%u CPUs)", nr);
}

struct machine *
import_finish(struct machine *m, const char *file, struct diag *d)
{
    const char *wrong = machine_finish(m);

    if (wrong != NULL) {
        diag_error(d, file, 0, 0, NULL, "%s; expected a machine that can exist", wrong);
        return NULL;
    }
    for (uint32_t i = 0; i < m->nr_notes; i++)
        diag_note(d, "%s", m->notes[i]);
    return m;
}
