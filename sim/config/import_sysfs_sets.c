/*
 * Sets of CPUs as the kernel writes them: maps in hexadecimal always, lists besides in newer
 * kernels. The map is taken first, as hwloc and lscpu do: snapshots that were edited by hand have
 * old lists.
 */
#include "config/import_sysfs.h"

enum { BITS_PER_DIGIT = 4 };

bool
sysfs_parse_list(struct cpumask *m, const char *text)
{
    const char *bad;

    return cpumask_parse(m, text, &bad);
}

/* From the right: the last digit holds CPUs 0-3, commas only part the words. */
bool
sysfs_parse_map(struct cpumask *m, const char *text)
{
    uint32_t cpu = 0;

    cpumask_zero(m);
    if (*text == '\0')
        return false;
    for (const char *c = text + strlen(text); c-- > text;) {
        int digit = g_ascii_xdigit_value(*c);

        if (*c == ',')
            continue;
        if (digit < 0 || (digit > 0 && cpu >= CPU_MAX))
            return false;
        for (int bit = 0; bit < BITS_PER_DIGIT && digit > 0; bit++)
            if (digit >> bit & 1)
                cpumask_set(m, cpu + (uint32_t)bit);
        cpu = SIM_MIN(cpu + BITS_PER_DIGIT, (uint32_t)CPU_MAX);
    }
    return true;
}

static struct cpumask *
read_set(const struct sysfs *y, const char *folder, const char *name,
         bool (*parse)(struct cpumask *m, const char *text))
{
    g_autofree char *text = snapshot_read(y->snapshot, "%s/%s", folder, name);
    struct cpumask *m = cpumask_new(y->scratch, CPU_MAX);

    return text != NULL && parse(m, text) && !cpumask_empty(m) ? m : NULL;
}

struct cpumask *
sysfs_set(const struct sysfs *y, const char *folder, const char *map, const char *list)
{
    struct cpumask *m = read_set(y, folder, map, sysfs_parse_map);

    return m != NULL ? m : read_set(y, folder, list, sysfs_parse_list);
}

struct cpumask *
sysfs_mutual_set(const struct sysfs *y, int32_t cpu, const char *map, const char *list)
{
    g_autofree char *folder = g_strdup_printf(SYSFS_CPU "cpu%d/topology", cpu);
    struct cpumask *m = sysfs_set(y, folder, map, list), *other;

    if (m == NULL || cpumask_first(m) == cpu)
        return m;
    g_autofree char *first = g_strdup_printf(SYSFS_CPU "cpu%d/topology", cpumask_first(m));
    other = sysfs_set(y, first, map, list);
    if (other == NULL || cpumask_test(other, (uint32_t)cpu))
        return m;
    return read_set(y, folder, list, sysfs_parse_list);
}
