/*
 * Kernel threads are known by their names: neither perf nor ftrace marks them. The patterns are
 * those of the threads that a Linux of today starts by itself.
 */
#include "config/import_trace_compiler.h"

#include <fnmatch.h>
#include <stdlib.h>

bool
trace_is_kthread(const char *comm)
{
    static const char *const names[] = {
        "kworker/*",    "ksoftirqd/*",  "migration/*", "rcu_*",         "rcuos/*",
        "rcuop/*",      "rcuog/*",      "rcub/*",      "rcuc/*",        "kthreadd",
        "kswapd[0-9]*", "kcompactd*",   "khugepaged",  "ksmd",          "kdevtmpfs",
        "kauditd",      "khungtaskd",   "oom_reaper",  "writeback",     "kblockd",
        "watchdog*",    "cpuhp/*",      "irq/*",       "jbd2/*",        "ext4-*",
        "xfs*/*",       "xfsaild/*",    "btrfs-*",     "scsi_eh_*",     "scsi_tmf_*",
        "nvme-*",       "dm-*",         "md[0-9]*_*",  "idle_inject/*", "pool_workqueue*",
        "kthrotld",     "kstrp",        "zswap*",      "charger_man*",  "loop[0-9]*",
        "kvm-*",        "napi/*",       "vhost-*",     "hwrng",         "netns",
        "mm_percpu_wq", "slub_flushwq", "psimon",      "tpm*-*",        "acpi_thermal_pm",
        "cfg80211",     "inet_frag_wq", "edac-poller", "devfreq_wq",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (fnmatch(names[i], comm, 0) == 0)
            return true;
    return false;
}

int32_t
trace_kthread_cpu(const char *comm)
{
    static const char *const names[] = {
        "kworker/", "ksoftirqd/",   "migration/", "cpuhp/",
        "rcuc/",    "idle_inject/", "ktimers/",   "irq_work/",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *number = comm + strlen(names[i]);
        if (g_str_has_prefix(comm, names[i]) && g_ascii_isdigit(*number))
            return (int32_t)MIN(strtoul(number, NULL, 10), (unsigned long)TRACE_CPUS_MAX);
    }
    return -1; /* kworker/u4:2 is unbound */
}

bool
trace_is_stopper(const char *comm)
{
    return g_str_has_prefix(comm, "migration/");
}

/*
 * A sleeper that a stopper moves has asked for that itself: by exec, which is recorded right
 * afterwards, or by an affinity without its CPU. Balancing has stoppers move those that wait.
 */
bool
trace_asked_for_move(const struct trace_compiler *c, const struct trace_event *e,
                     const struct teller *t)
{
    const struct teller *by = g_hash_table_lookup(c->by_pid, GINT_TO_POINTER(e->by));

    return by != NULL && trace_is_stopper(by->s.comm) && (t->state == SLEEPING || t->in_wakeup);
}
