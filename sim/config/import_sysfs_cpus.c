/*
 * sys/devices/system/cpu: what a CPU shares with which others.
 *
 * A thing is named by the lowest CPU of its set: the kernel's own ids repeat in every package
 * (core_id), are missing on some architectures (physical_package_id -1) and mean different things
 * on others, while the sets are what the scheduler itself goes by.
 */
#include "config/import_sysfs.h"

enum { INDEX_MOST = 16, LEVEL_MOST = 9 };

struct cache_entry {
    gint64 level, size, line;
    struct cpumask *cpus;
};

/* The lowest CPU of the set if it holds this one, else NONE. */
static int32_t
set_id(const struct cpumask *m, int32_t cpu)
{
    return m != NULL && cpumask_test(m, (uint32_t)cpu) ? cpumask_first(m) : MACHINE_NONE;
}

/*
 * The CPUs of the same core_id among the siblings. AMD's Bulldozer had cores in pairs that the
 * kernel lists as siblings, for what they share, but numbers one by one.
 */
static void
split_core(const struct sysfs *y, struct cpumask *core, int32_t cpu)
{
    gint64 own = snapshot_number(y->snapshot, -1, SYSFS_CPU "cpu%d/topology/core_id", cpu);

    if (core == NULL || own < 0)
        return;
    for_each_cpu (other, core) {
        gint64 id = snapshot_number(y->snapshot, own, SYSFS_CPU "cpu%d/topology/core_id", other);

        if (id >= 0 && id != own)
            cpumask_clear(core, (uint32_t)other);
    }
}

static void
read_topology(const struct sysfs *y, struct described_cpu *c, const struct cpumask *llc)
{
    g_autofree char *folder = g_strdup_printf(SYSFS_CPU "cpu%d/topology", c->os_index);
    struct cpumask *core = sysfs_set(y, folder, "core_cpus", "core_cpus_list");
    struct cpumask *package = sysfs_mutual_set(y, c->os_index, "package_cpus", "package_cpus_list");
    struct cpumask *die = sysfs_set(y, folder, "die_cpus", "die_cpus_list");
    struct cpumask *cluster = sysfs_set(y, folder, "cluster_cpus", "cluster_cpus_list");

    if (core == NULL)
        core = sysfs_set(y, folder, "thread_siblings", "thread_siblings_list");
    if (package == NULL)
        package = sysfs_mutual_set(y, c->os_index, "core_siblings", "core_siblings_list");
    split_core(y, core, c->os_index);
    c->core = set_id(core, c->os_index);
    c->package = set_id(package, c->os_index);
    c->die = set_id(die, c->os_index);
    /* The kernel writes a cluster also where there is none: then it is one of the others. */
    if (cluster != NULL && core != NULL && package != NULL && !cpumask_equal(cluster, core) &&
        !cpumask_equal(cluster, package) && (llc == NULL || !cpumask_equal(cluster, llc)))
        c->cluster = set_id(cluster, c->os_index);
}

/* "32K", "5118K", "16M"; 0: unknown. */
static gint64
cache_size(const char *text)
{
    char *end;
    guint64 n = text == NULL ? 0 : g_ascii_strtoull(text, &end, 10);

    if (text == NULL || n > (guint64)1 << 40)
        return 0;
    return (gint64)(n << (*end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0));
}

/* False: no such cache, or one of instructions. */
static bool
read_cache(const struct sysfs *y, int32_t cpu, int index, struct cache_entry *e)
{
    g_autofree char *folder = g_strdup_printf(SYSFS_CPU "cpu%d/cache/index%d", cpu, index);
    g_autofree char *type = snapshot_read(y->snapshot, "%s/type", folder);
    g_autofree char *size = snapshot_read(y->snapshot, "%s/size", folder);

    e->level = snapshot_number(y->snapshot, 0, "%s/level", folder);
    e->line = snapshot_number(y->snapshot, 0, "%s/coherency_line_size", folder);
    e->size = cache_size(size);
    e->cpus = sysfs_set(y, folder, "shared_cpu_map", "shared_cpu_list");
    return e->level >= 1 && e->level <= LEVEL_MOST && e->cpus != NULL &&
           cpumask_test(e->cpus, (uint32_t)cpu) &&
           (type == NULL || !g_str_equal(type, "Instruction"));
}

static void
take_size(int64_t *to, gint64 value)
{
    if (*to == 0 && value > 0)
        *to = value;
}

/* Returns the CPUs of the last level, NULL without one. */
static const struct cpumask *
read_caches(const struct sysfs *y, struct described_cpu *c)
{
    struct cache_entry e, last = { 0 };

    for (int i = 0; i < INDEX_MOST; i++) {
        if (!read_cache(y, c->os_index, i, &e))
            continue;
        if (e.level == 1)
            take_size(&y->h->l1d_bytes, e.size);
        if (e.level == 2) {
            take_size(&y->h->l2_bytes, e.size);
            c->l2 = cpumask_first(e.cpus);
        }
        if (e.level > last.level && e.level >= 2)
            last = e;
    }
    if (last.cpus == NULL)
        return NULL;
    c->llc = cpumask_first(last.cpus) + (int32_t)last.level * CPU_MAX; /* levels share no id */
    take_size(&y->h->llc_bytes, last.size);
    if (last.line > 0 && last.line <= 1024)
        take_size(&y->h->line_bytes, last.line);
    return last.cpus;
}

/* cpu_capacity where the architecture knows it (Arm, RISC-V, newer x86). */
static bool
read_capacities(const struct sysfs *y)
{
    gint64 least = G_MAXINT64, most = 0;

    for (guint i = 0; i < y->h->nr_cpus; i++) {
        struct described_cpu *c = &y->h->cpus[i];

        c->capacity = snapshot_number(y->snapshot, 0, SYSFS_CPU "cpu%d/cpu_capacity", c->os_index);
        if (c->capacity < 0 || c->capacity > 1 << 20 || (c->capacity == 0 && !c->offline))
            return false;
        least = SIM_MIN(least, c->capacity);
        most = SIM_MAX(most, c->capacity);
    }
    return least < most;
}

static gint64
frequency(const struct sysfs *y, int32_t cpu)
{
    gint64 own = snapshot_number(y->snapshot, 0, SYSFS_CPU "cpu%d/cpufreq/cpuinfo_max_freq", cpu);

    return own > 0 ? own
                   : snapshot_number(y->snapshot, 0, SYSFS_CPU "cpufreq/policy%d/cpuinfo_max_freq",
                                     cpu);
}

static void
read_frequencies(const struct sysfs *y)
{
    for (guint i = 0; i < y->h->nr_cpus; i++) {
        struct described_cpu *c = &y->h->cpus[i];

        c->capacity = SIM_CLAMP(frequency(y, c->os_index) / 1000, 0, 1 << 20);
    }
    description_settle_frequencies(y->h);
}

void
sysfs_read_cpus(struct sysfs *y)
{
    for (guint i = 0; i < y->h->nr_cpus; i++) {
        const struct cpumask *llc = read_caches(y, &y->h->cpus[i]);

        read_topology(y, &y->h->cpus[i], llc);
    }
    description_find_clusters(y->h);
    if (read_capacities(y))
        y->h->capacity_basis = "cpu_capacity";
    else
        read_frequencies(y);
}
