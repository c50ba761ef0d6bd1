/*
 * The table of metrics.
 *
 * A metric that cannot be computed (no requests, no accesses, no time) is empty and never 0: a zero
 * would be averaged.
 */
#include "report/metric.h"

#include <math.h>

static struct metric_value
text_value(const char *text)
{
    return (struct metric_value){ .kind = text != NULL ? METRIC_TEXT : METRIC_EMPTY, .text = text };
}

static struct metric_value
count_value(uint64_t n)
{
    return (struct metric_value){ .kind = METRIC_COUNT, .count = n, .real = (double)n };
}

static struct metric_value
real_value(double x)
{
    return (struct metric_value){ .kind = isfinite(x) ? METRIC_REAL : METRIC_EMPTY, .real = x };
}

static struct metric_value
ratio_value(double above, double below)
{
    return real_value(below > 0 ? above / below : NAN);
}

#define VALUE(name) static struct metric_value name(const struct totals *t, const struct metric *m)

VALUE(topology_of)
{
    return text_value(t->info->topology);
}
VALUE(workload_of)
{
    return text_value(t->info->workload);
}
VALUE(policy_of)
{
    return text_value(t->info->policy);
}
VALUE(seed_of)
{
    return count_value(t->info->seed);
}
VALUE(complete_of)
{
    return (struct metric_value){ .kind = METRIC_FLAG, .count = t->info->complete };
}
VALUE(elapsed_of)
{
    return count_value(t->info->elapsed);
}
VALUE(events_of)
{
    return count_value(t->info->events);
}
VALUE(exit_kind_of)
{
    return text_value(t->info->ext_exit_kind);
}
VALUE(exit_reason_of)
{
    return text_value(t->info->ext_exit_reason);
}
VALUE(page_model_of)
{
    return text_value(t->page_model);
}
VALUE(fairness_of)
{
    return real_value(t->fairness_jain);
}
VALUE(energy_of)
{
    return real_value(t->energy_j);
}

VALUE(imbalance_of)
{
    return real_value(t->controller_imbalance);
}
VALUE(controller_load_of)
{
    return real_value(t->controller_load_max);
}
VALUE(link_load_of)
{
    return real_value(t->link_load_max);
}
VALUE(stall_of)
{
    return ratio_value((double)t->stall_local_ns + (double)t->stall_remote_ns,
                       (double)t->task_run_ns);
}
VALUE(stall_remote_of)
{
    return ratio_value((double)t->stall_remote_ns, (double)t->task_run_ns);
}

VALUE(counter_of)
{
    return count_value(*(const uint64_t *)(const void *)((const char *)t + m->offset));
}

/* Only where there is a cpu.max. */
VALUE(bandwidth_of)
{
    return t->limited ? counter_of(t, m) : (struct metric_value){ .kind = METRIC_EMPTY };
}

VALUE(held_of)
{
    return t->held ? counter_of(t, m) : (struct metric_value){ .kind = METRIC_EMPTY };
}

VALUE(throughput_of)
{
    return ratio_value((double)t->work_done, (double)t->window / 1e9);
}

VALUE(cpu_busy_of)
{
    return ratio_value((double)t->busy_ns, (double)t->window * t->nr_cpus);
}

VALUE(local_access_of)
{
    return ratio_value((double)t->accesses_local,
                       (double)t->accesses_local + (double)t->accesses_remote);
}

VALUE(latency_of)
{
    return ratio_value((double)t->latency_ps / 1e3,
                       (double)t->accesses_local + (double)t->accesses_remote);
}

/* per_10k 10000 is the maximum, which is exact. */
VALUE(percentile_of)
{
    const struct histogram *h = (const void *)((const char *)t + m->offset);

    if (h->total == 0)
        return (struct metric_value){ .kind = METRIC_EMPTY };
    return count_value(m->per_10k == 10000 ? h->max : histogram_percentile(h, m->per_10k));
}

#define IDENTITY(name_, kind_, fn, doc_)                                                           \
    {                                                                                              \
        .name = name_, .unit = "", .kind = kind_, .identity = true, .value = fn, .doc = doc_       \
    }
#define TEXT(name_, fn, doc_) IDENTITY(name_, METRIC_TEXT, fn, doc_)
#define COUNTER(member, unit_, scale_, doc_)                                                       \
    {                                                                                              \
        .name = #member, .kind = METRIC_COUNT, .unit = unit_, .scale = scale_,                     \
        .value = counter_of, .offset = offsetof(struct totals, member), .doc = doc_                \
    }
#define BANDWIDTH(member, unit_, doc_)                                                             \
    {                                                                                              \
        .name = #member, .kind = METRIC_COUNT, .unit = unit_, .scale = SCALE_PLAIN,                \
        .value = bandwidth_of, .offset = offsetof(struct totals, member), .doc = doc_              \
    }
#define MACHINE(member, doc_)                                                                      \
    {                                                                                              \
        .name = #member, .kind = METRIC_COUNT, .unit = "", .run_only = true, .value = counter_of,  \
        .offset = offsetof(struct totals, member), .doc = doc_                                     \
    }
#define REAL(name_, unit_, scale_, fn, doc_)                                                       \
    {                                                                                              \
        .name = name_, .kind = METRIC_REAL, .unit = unit_, .scale = scale_, .value = fn,           \
        .doc = doc_                                                                                \
    }
#define OF_MACHINE(name_, scale_, fn, doc_)                                                        \
    {                                                                                              \
        .name = name_, .kind = METRIC_REAL, .unit = "ratio", .scale = scale_, .run_only = true,    \
        .value = fn, .doc = doc_                                                                   \
    }
#define LATENCY_AT(member, suffix, at, doc_)                                                       \
    {                                                                                              \
        .name = #member "_" suffix "_ns", .kind = METRIC_COUNT, .unit = "ns",                      \
        .scale = SCALE_TIME_NS, .value = percentile_of, .offset = offsetof(struct totals, member), \
        .per_10k = at, .doc = doc_                                                                 \
    }
#define LATENCY(member, doc_)                                                                      \
    LATENCY_AT(member, "p50", 5000, doc_ ", median"),                                              \
        LATENCY_AT(member, "p99", 9900, doc_ ", 99th percentile"),                                 \
        LATENCY_AT(member, "p999", 9990, doc_ ", 99.9th percentile"),                              \
        LATENCY_AT(member, "max", 10000, doc_ ", longest")

const struct metric metrics[] = {
    TEXT("topology", topology_of, "the machine"),
    TEXT("workload", workload_of, "the workload"),
    TEXT("policy", policy_of, "the policy"),
    IDENTITY("seed", METRIC_COUNT, seed_of, "the seed"),
    IDENTITY("complete", METRIC_FLAG, complete_of,
             "1: the run reached its end, 0: it was interrupted or failed"),
    { .name = "elapsed_ns",
      .kind = METRIC_COUNT,
      .unit = "ns",
      .scale = SCALE_TIME_NS,
      .run_only = true,
      .value = elapsed_of,
      .doc = "simulated time until the last task ended, or --until" },
    COUNTER(work_done, "", SCALE_PLAIN, "completed work units"),
    REAL("throughput", "1/s", SCALE_RATE, throughput_of, "work_done per second after the warm-up"),
    REAL("cpu_busy_ratio", "ratio", SCALE_RATIO, cpu_busy_of,
         "busy CPU time over the time of all CPUs"),
    REAL("local_access_ratio", "ratio", SCALE_RATIO, local_access_of,
         "memory accesses served by the node of the CPU over all accesses"),
    REAL("mem_latency_mean_ns", "ns", SCALE_TIME_NS, latency_of,
         "latency of an access under load, mean over accesses"),
    LATENCY(wait, "runnable but not running"),
    LATENCY(wakeup, "woken until first run"),
    LATENCY(request, "request from its arrival to its end"),
    COUNTER(deadline_misses, "", SCALE_PLAIN, "periods that ended after their deadline"),
    COUNTER(deadline_total, "", SCALE_PLAIN, "periods with a deadline"),
    COUNTER(context_switches, "", SCALE_PLAIN, "switches between tasks, idle included"),
    COUNTER(task_migrations, "", SCALE_PLAIN, "times that a task changed its CPU"),
    COUNTER(task_migrations_cross_node, "", SCALE_PLAIN, "times that a task changed its node"),
    COUNTER(numa_pte_updates, "", SCALE_PLAIN, "page table entries marked by NUMA scans"),
    COUNTER(numa_hint_faults, "", SCALE_PLAIN, "NUMA hinting faults"),
    COUNTER(numa_hint_faults_local, "", SCALE_PLAIN,
            "NUMA hinting faults on pages of the faulting CPU's node"),
    COUNTER(numa_pages_migrated, "", SCALE_PLAIN, "pages moved by NUMA hinting faults"),
    MACHINE(pgpromote_success, "pages promoted to a faster node"),
    MACHINE(pgdemote_kswapd, "pages demoted in the background"),
    MACHINE(pgdemote_direct, "pages demoted in the path of an allocation"),
    COUNTER(remote_bytes, "bytes", SCALE_BYTES, "bytes that crossed nodes"),
    COUNTER(sched_overhead_ns, "ns", SCALE_TIME_NS,
            "time charged to scheduling, faults, scans and page migration"),
    REAL("fairness_jain", "ratio", SCALE_RATIO, fairness_of,
         "Jain's index over the weighted shares of tasks that never slept"),
    { .name = "energy_j",
      .kind = METRIC_REAL,
      .unit = "J",
      .run_only = true,
      .value = energy_of,
      .doc = "energy by the power figures of the topology" },
    TEXT("ext_exit_kind", exit_kind_of, "why a programmable policy left early"),
    TEXT("ext_exit_reason", exit_reason_of, "what it said when it left"),
    { .name = "events",
      .kind = METRIC_COUNT,
      .unit = "",
      .run_only = true,
      .value = events_of,
      .doc = "events that the simulator handled" },
    BANDWIDTH(nr_periods, "", "periods of cpu.max that have passed"),
    BANDWIDTH(nr_throttled, "", "of them, those at whose end a CPU had used up the quota"),
    BANDWIDTH(throttled_usec, "us", "time that tasks waited for cpu.max, summed over CPUs"),
    BANDWIDTH(nr_bursts, "", "periods that used more than the quota, saved up before"),
    BANDWIDTH(burst_usec, "us", "what they used above the quota"),
    { .name = "local_throttled_usec",
      .kind = METRIC_COUNT,
      .unit = "us",
      .value = held_of,
      .offset = offsetof(struct totals, local_throttled_usec),
      .doc = "time that the group's queues waited for a cpu.max, its own or one above it, "
             "summed over CPUs (cpu.stat.local)" },
    MACHINE(thp_fault_alloc, "first touches that got a huge page"),
    MACHINE(thp_fault_fallback, "first touches that wanted one and did not get it"),
    MACHINE(thp_split_page, "huge pages that were split"),
    MACHINE(numa_huge_pte_updates, "huge pages marked by NUMA scans"),
    TEXT("page_model", page_model_of,
         "how pages were kept: exact; block: counts for 2 MiB; mixed: some regions so, some so"),
    REAL("stall_ratio", "ratio", SCALE_RATIO, stall_of,
         "part of the tasks' running time in which they waited for memory"),
    REAL("stall_remote_ratio", "ratio", SCALE_RATIO, stall_remote_of,
         "part of the tasks' running time in which they waited for memory of other nodes"),
    OF_MACHINE("controller_imbalance_ratio", SCALE_PLAIN, imbalance_of,
               "standard deviation of the bytes that the nodes' controllers served over their "
               "mean: 0 is even (Carrefour's imbalance)"),
    OF_MACHINE("controller_utilisation_max_ratio", SCALE_RATIO, controller_load_of,
               "what the busiest node's controllers served of what they could have"),
    OF_MACHINE("link_utilisation_max_ratio", SCALE_RATIO, link_load_of,
               "what the busiest link carried of what it could have"),
    COUNTER(io_wait_ns, "ns", SCALE_TIME_NS, "time that tasks slept for I/O"),
    MACHINE(thp_collapse_alloc, "huge pages that khugepaged or a call made of small ones"),
    MACHINE(pgmajfault, "faults that had to wait for a page of a file or from swap"),
    MACHINE(pswpin, "pages that came back from swap"),
    MACHINE(pswpout, "pages that went to swap"),
    { .name = NULL },
};

const struct metric *
metric_find(const char *name)
{
    for (const struct metric *m = metrics; m->name != NULL; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

struct metric_value
metric_value(const struct metric *m, const struct totals *t)
{
    if (m->run_only && !t->whole)
        return (struct metric_value){ .kind = METRIC_EMPTY };
    return m->value(t, m);
}

static void
write_value(struct csv *c, struct metric_value v)
{
    switch (v.kind) {
    case METRIC_EMPTY:
        csv_empty(c);
        break;
    case METRIC_COUNT:
    case METRIC_FLAG:
        csv_uint(c, v.count);
        break;
    case METRIC_REAL:
        csv_real(c, v.real);
        break;
    case METRIC_TEXT:
        csv_text(c, v.text);
        break;
    }
}

void
metrics_header(struct csv *c, bool identity)
{
    for (const struct metric *m = metrics; m->name != NULL; m++)
        if (identity || !m->identity)
            csv_text(c, m->name);
    csv_end_row(c);
}

void
metrics_row(struct csv *c, const struct totals *t, bool identity)
{
    for (const struct metric *m = metrics; m->name != NULL; m++)
        if (identity || !m->identity)
            write_value(c, metric_value(m, t));
    csv_end_row(c);
}
