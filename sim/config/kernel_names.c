/*
 * Who knows the kernel writes sched.migration_cost_ns=0, as it stands in debugfs, or
 * sched.rt_runtime_us, as sysctl has it: a bare number, since the name says the unit. Ours have
 * neither, and values with units, so these names are translated.
 */
#include "config/kernel_names.h"

static const struct {
    const char *theirs, *ours, *unit;
} names[] = {
    { "sched.base_slice_ns", "sched.base_slice", "ns" },
    { "sched.migration_cost_ns", "sched.migration_cost", "ns" },
    { "sched.latency_ns", "sched.latency", "ns" },
    { "sched.min_granularity_ns", "sched.min_granularity", "ns" },
    { "sched.idle_min_granularity_ns", "sched.idle_min_granularity", "ns" },
    { "sched.wakeup_granularity_ns", "sched.wakeup_granularity", "ns" },
    { "sched.cfs_bandwidth_slice_us", "sched.cfs_bandwidth_slice", "us" },
    { "sched.rr_timeslice_ms", "sched.rr_timeslice", "ms" },
    { "sched.rt_period_us", "sched.rt_period", "us" },
    { "sched.rt_runtime_us", "sched.rt_runtime", "us" },
    { "numa_balancing.scan_delay_ms", "numa_balancing.scan_delay", "ms" },
    { "numa_balancing.scan_period_min_ms", "numa_balancing.scan_period_min", "ms" },
    { "numa_balancing.scan_period_max_ms", "numa_balancing.scan_period_max", "ms" },
    { "numa_balancing.scan_size_mb", "numa_balancing.scan_size", "MiB" },
    { "numa_balancing.hot_threshold_ms", "numa_balancing.hot_threshold", "ms" },
};

static bool
is_number(const char *text)
{
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* The kernel's -1, as it stores it, and how we say no limit. */
#define ALWAYS_HOT "4294967295"
#define NO_LIMIT "0"

/* What the kernel's special values are here; NULL: it refuses this one. */
static const char *
our_number(const char *theirs, const char *number)
{
    bool minus_one = strcmp(number, "-1") == 0;

    if (strcmp(theirs, "sched.migration_cost_ns") == 0 && minus_one)
        return ALWAYS_HOT;
    if (strcmp(theirs, "sched.rt_runtime_us") != 0)
        return number;
    if (minus_one)
        return NO_LIMIT;
    return is_number(number) && strspn(number, "0") == strlen(number) ? NULL : number;
}

bool
kernel_name_to_ours(const char **key, const char **value, struct arena *a, char **why)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(*key, names[i].theirs) != 0)
            continue;
        const char *number = our_number(*key, *value);
        if (number == NULL) {
            *why = g_strdup("the kernel refuses 0 while fair servers hold bandwidth (EBUSY); write "
                            "-1 for no limit");
            return false;
        }
        if (!is_number(number)) {
            g_autofree char *shown = diag_excerpt(number);
            *why = g_strdup_printf("'%s' is not a number of %s; write one, or use %s, which takes "
                                   "a unit",
                                   shown, names[i].unit, names[i].ours);
            return false;
        }
        *key = names[i].ours;
        *value = arena_printf(a, "%s%s", number, names[i].unit);
        return true;
    }
    return true;
}

const char *
not_modelled(const char *key)
{
    static const char *const known[][2] = {
        { "sched.energy_aware", "energy-aware scheduling (sched_energy_aware, energy models)" },
        { "sched.eas", "energy-aware scheduling (sched_energy_aware, energy models)" },
        { "sched.uclamp", "utilisation clamping (uclamp)" },
        { "sched.util_clamp", "utilisation clamping (uclamp)" },
        { "sched.grub", "bandwidth reclaiming of deadline tasks (GRUB, SCHED_FLAG_RECLAIM)" },
        { "sched.dl_reclaim", "bandwidth reclaiming of deadline tasks (GRUB, SCHED_FLAG_RECLAIM)" },
        { "sched.core", "core scheduling" },
        { "sched.rt_group", "real-time group scheduling (RT_GROUP_SCHED)" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_has_prefix(key, known[i][0]))
            return known[i][1];
    return NULL;
}
