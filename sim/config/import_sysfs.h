/*
 * A machine as /proc and /sys describe it, while it is read: import_sysfs.c decides, _cpus.c reads
 * cpu/, _nodes.c reads node/, _sets.c the ways in which the kernel writes sets of CPUs.
 */
#pragma once

#include "config/import_description.h"
#include "config/import_snapshot.h"

#define SYSFS_CPU "sys/devices/system/cpu/"
#define SYSFS_NODE "sys/devices/system/node/"

struct sysfs {
    const struct snapshot *snapshot;
    const char *file;
    struct arena *arena, *scratch; /* scratch: sets of CPUs, until the machine is built */
    struct diag *diag;
    struct description *h;
    struct cpumask *present, *online; /* CPU_MAX wide */
    int32_t *index;                   /* of a CPU in h->cpus, by its number */
};

/* "0-3,8" or, from older kernels, "00000000,0000000f". False: not readable or beyond CPU_MAX. */
bool sysfs_parse_list(struct cpumask *m, const char *text);
bool sysfs_parse_map(struct cpumask *m, const char *text);

/* The set in `map`, else in `list`, both below the folder; NULL if there is none that reads. */
struct cpumask *sysfs_set(const struct sysfs *y, const char *folder, const char *map,
                          const char *list);
/* The same below cpuN/topology, if the first CPU of the set agrees to be with this one. */
struct cpumask *sysfs_mutual_set(const struct sysfs *y, int32_t cpu, const char *map,
                                 const char *list);

void sysfs_read_cpus(struct sysfs *y);
/* False: messages are in diag. */
bool sysfs_read_nodes(struct sysfs *y);

struct machine *import_sysfs(const char *path, const struct snapshot *s, struct arena *a,
                             struct diag *d);
