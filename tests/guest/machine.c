/* What machine it is, and what the kernel built of it: scheduling domains, topology, log. */
#include "guest.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DOMAINS "/sys/kernel/debug/sched/domains/"

struct machine machine;

/* Node i of the machine, whose id is `id`. */
static void
node_read(int i, int id)
{
    char cpus[2048], distance[2000], p[96];
    snprintf(p, sizeof p, "/sys/devices/system/node/node%d/cpulist", id);
    slurp(p, cpus, sizeof cpus);
    int n = machine.node_n[i] = list(cpus, machine.node_cpus[i], MAXN);
    for (int k = 0; k < n; k++)
        machine.cpu_node[machine.node_cpus[i][k]] = i;
    if (n)
        machine.cpunode[machine.ncn++] = i;
    snprintf(p, sizeof p, "/sys/devices/system/node/node%d/distance", id);
    slurp(p, distance, sizeof distance);
    say("@node %d %d %.*s | %s", i, n, (int)strcspn(cpus, "\n"), cpus, distance);
}

void
machine_read(void)
{
    static const char *const files[] = { "base_slice_ns",
                                         "numa_balancing/hot_threshold_ms",
                                         "numa_balancing/scan_size_mb",
                                         "numa_balancing/scan_period_max_ms",
                                         "numa_balancing/scan_period_min_ms",
                                         "numa_balancing/scan_delay_ms" };
    char b[4096], p[96];
    int cpus[MAXC], nodes[MAXN];
    slurp("/sys/devices/system/cpu/online", b, sizeof b);
    machine.ncpu = list(b, cpus, MAXC);
    slurp("/sys/devices/system/node/online", b, sizeof b);
    machine.nnode = list(b, nodes, MAXN);
    for (int i = 0; i < machine.nnode; i++)
        node_read(i, nodes[i]);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(p, sizeof p, "/sys/kernel/debug/sched/%s", files[i]);
        slurp(p, b, sizeof b);
        say("@param %s %s", files[i], b);
    }
}

static void
domain_write(int cpu, int d)
{
    static const char *const files[] = {
        "name",        "flags",         "groups_flags",     "min_interval", "max_interval",
        "busy_factor", "imbalance_pct", "cache_nice_tries", "level"
    };
    char p[160], b[4096];
    say("@domain %d %d\n", cpu, d);
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        snprintf(p, sizeof p, DOMAINS "cpu%d/domain%d/%s", cpu, d, files[k]);
        if (slurp(p, b, sizeof b) > 0)
            say("%s=%.*s\n", files[k], (int)strcspn(b, "\n"), b);
    }
}

static void
cpu_write(int cpu)
{
    static const char *const files[] = { "topology/physical_package_id",
                                         "topology/die_id",
                                         "topology/core_id",
                                         "topology/thread_siblings_list",
                                         "topology/cluster_cpus_list",
                                         "topology/die_cpus_list",
                                         "topology/package_cpus_list",
                                         "cache/index0/shared_cpu_list",
                                         "cache/index2/shared_cpu_list",
                                         "cache/index3/shared_cpu_list" };
    char p[160], b[4096];
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        snprintf(p, sizeof p, "/sys/devices/system/cpu/cpu%d/%s", cpu, files[k]);
        if (slurp(p, b, sizeof b) > 0)
            say("@cpu %d %s %.*s\n", cpu, files[k], (int)strcspn(b, "\n"), b);
    }
}

void
domains_write(void)
{
    static char log[1 << 20];
    char p[160], b[4096];
    int c[MAXC];
    slurp("/sys/devices/system/cpu/possible", b, sizeof b);
    int n = list(b, c, MAXC);
    for (int i = 0; i < n; i++)
        for (int d = 0; d < 16; d++) {
            snprintf(p, sizeof p, DOMAINS "cpu%d/domain%d/name", i, d);
            if (slurp(p, b, sizeof b) < 0)
                break;
            domain_write(i, d);
        }
    for (int i = 0; i < n; i++)
        cpu_write(i);
    int got = syscall(SYS_syslog, SYSLOG_READ_ALL, log, sizeof log);
    say("@log %d\n", got);
    if (got > 0)
        out(log, got);
}
