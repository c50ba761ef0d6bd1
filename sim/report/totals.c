/*
 * Totals of a scope.
 *
 * Everything is a sum over tasks and processes in the order of their creation, so that sums of
 * doubles round the same way in every run. What only the machine knows (context switches of idle
 * CPUs, vmstat counters without an owner, energy) exists for the whole run alone.
 */
#include "report/totals.h"

#include "kernel/group.h"
#include "kernel/mm.h"
#include "report/totals_impl.h"

#include <math.h>

static void
begin(struct totals *t, const struct kernel *k, const struct run_info *info, const char *scope,
      const char *id, struct arena *a)
{
    *t = (struct totals){ .info = info, .scope = scope, .id = id };
    t->window = info->elapsed > k->warmup_at ? info->elapsed - k->warmup_at : 0;
    t->nr_cpus = cpumask_weight(k->possible);
    t->fairness_jain = t->energy_j = NAN;
    t->controller_imbalance = t->controller_load_max = t->link_load_max = NAN;
    histogram_init(&t->wait, a);
    histogram_init(&t->wakeup, a);
    histogram_init(&t->request, a);
}

static void
add_task(struct totals *t, const struct task *p)
{
    const struct task_stats *s = &p->stats;

    t->work_done += s->work_done;
    t->busy_ns += s->run_ns;
    t->accesses_local += s->accesses_local;
    t->accesses_remote += s->accesses_remote;
    t->latency_ps += s->latency_ps;
    t->context_switches += s->nr_switches;
    t->task_migrations += s->migrations_llc + s->migrations_node + s->migrations_cross_node;
    t->task_migrations_cross_node += s->migrations_cross_node;
    t->sched_overhead_ns += s->kernel_ns;
    t->io_wait_ns += s->io_wait_ns;
    t->task_run_ns += s->run_ns;
    t->stall_local_ns += s->stall_local_ns;
    t->stall_remote_ns += s->stall_remote_ns;
}

static void
add_process(struct totals *t, const struct process *pr)
{
    const struct process_stats *s = &pr->stats;

    histogram_add(&t->wait, &s->wait);
    histogram_add(&t->wakeup, &s->wakeup);
    histogram_add(&t->request, &s->request);
    t->deadline_misses += s->deadline_misses;
    t->deadline_total += s->deadline_total;
    t->numa_pte_updates += s->numa_pte_updates;
    t->numa_hint_faults += s->numa_hint_faults;
    t->numa_hint_faults_local += s->numa_hint_faults_local;
    t->numa_pages_migrated += s->numa_pages_migrated;
    t->remote_bytes += s->remote_bytes;
    for (uint32_t i = 0; i < pr->nr_members; i++)
        add_task(t, pr->members[i]);
}

/* ---- fairness ---- */

double
jain_index(const double *x, guint n)
{
    double sum = 0, squares = 0;

    for (guint i = 0; i < n; i++) {
        sum += x[i];
        squares += x[i] * x[i];
    }
    return squares > 0 ? sum * sum / (n * squares) : NAN;
}

/* A task that never slept: what it got for each unit of weight while it was there. */
static bool
allotment(const struct kernel *k, const struct run_info *info, const struct task *p, double *x)
{
    sim_time from = SIM_MAX(p->started_at, k->warmup_at);
    sim_time to = p->state == TASK_DEAD ? p->exited_at : info->elapsed;

    if (p->state == TASK_NEW || p->stats.sleep_ns > 0 || p->state == TASK_SLEEPING ||
        p->state == TASK_BLOCKED || to <= from || p->se.weight == 0)
        return false;
    *x = (double)p->stats.run_ns / (double)(to - from) / p->se.weight;
    return true;
}

static void
add_allotments(const struct kernel *k, const struct run_info *info, const struct process *pr,
               GArray *all)
{
    for (uint32_t i = 0; i < pr->nr_members; i++) {
        double x;
        if (allotment(k, info, pr->members[i], &x))
            g_array_append_val(all, x);
    }
}

/* ---- scopes ---- */

static void
take_machine_counters(struct totals *t, const struct kernel *k)
{
    const struct kernel_stats *s = &k->stats;

    t->busy_ns = 0;
    for (uint32_t c = 0; c < k->machine->nr_cpus; c++)
        t->busy_ns += k->rqs[c].busy_ns;
    t->context_switches = s->context_switches;
    t->task_migrations = s->task_migrations;
    t->task_migrations_cross_node = s->task_migrations_cross_node;
    t->numa_pte_updates = s->numa_pte_updates;
    t->numa_hint_faults = s->numa_hint_faults;
    t->numa_hint_faults_local = s->numa_hint_faults_local;
    t->numa_pages_migrated = s->numa_pages_migrated;
    t->pgpromote_success = s->pgpromote_success;
    t->pgdemote_kswapd = s->pgdemote_kswapd;
    t->pgdemote_direct = s->pgdemote_direct;
    t->remote_bytes = s->remote_bytes;
    t->sched_overhead_ns = s->sched_overhead_ns;
    t->thp_fault_alloc = s->thp_fault_alloc;
    t->thp_fault_fallback = s->thp_fault_fallback;
    t->thp_split_page = s->thp_split_page;
    t->thp_collapse_alloc = s->thp_collapse_alloc;
    t->pgmajfault = s->pgmajfault;
    t->pswpin = s->pswpin;
    t->pswpout = s->pswpout;
    t->numa_huge_pte_updates = s->numa_huge_pte_updates;
    t->page_model = k->mm->nr_block_regions == 0                   ? "exact"
                    : k->mm->nr_block_regions == k->mm->nr_regions ? "block"
                                                                   : "mixed";
}

static bool
is_held(const struct task_group *tg)
{
    while (tg->parent != NULL && tg->bandwidth.quota == CFS_NO_QUOTA)
        tg = tg->parent;
    return tg->parent != NULL;
}

static void
add_bandwidth(struct totals *t, const struct task_group *tg)
{
    const struct cfs_bandwidth *b = &tg->bandwidth;

    if (is_held(tg)) {
        t->held = true;
        t->local_throttled_usec += b->throttled_self_ns / 1000;
    }
    if (b->quota == CFS_NO_QUOTA)
        return;
    t->limited = true;
    t->nr_periods += b->nr_periods;
    t->nr_throttled += b->nr_throttled;
    t->throttled_usec += b->throttled_ns / 1000;
    t->nr_bursts += b->nr_bursts;
    t->burst_usec += b->burst_ns / 1000;
}

void
totals_of_run(struct totals *t, const struct kernel *k, const struct run_info *info,
              struct arena *a)
{
    g_autoptr(GArray) allotments = g_array_new(FALSE, FALSE, sizeof(double));

    begin(t, k, info, "run", "", a);
    t->whole = true;
    for (uint32_t i = 0; i < k->nr_processes; i++) {
        add_process(t, k->processes[i]);
        add_allotments(k, info, k->processes[i], allotments);
    }
    take_machine_counters(t, k);
    for (uint32_t i = 1; i < k->nr_groups; i++)
        add_bandwidth(t, k->groups[i]);
    t->fairness_jain = jain_index((const double *)(void *)allotments->data, allotments->len);
    totals_of_machine(t, k);
}

void
totals_of_process(struct totals *t, const struct kernel *k, const struct run_info *info,
                  const struct process *pr, struct arena *a)
{
    g_autoptr(GArray) allotments = g_array_new(FALSE, FALSE, sizeof(double));

    begin(t, k, info, "process", pr->name, a);
    add_process(t, pr);
    add_allotments(k, info, pr, allotments);
    t->fairness_jain = jain_index((const double *)(void *)allotments->data, allotments->len);
}

void
totals_of_tag(struct totals *t, const struct kernel *k, const struct run_info *info,
              const char *tag, struct arena *a)
{
    begin(t, k, info, "tag", tag, a);
    for (uint32_t i = 0; i < k->nr_processes; i++) {
        const struct process *pr = k->processes[i];
        if (g_strcmp0(pr->tag, tag) == 0) {
            add_process(t, pr);
            continue;
        }
        for (uint32_t j = 0; j < pr->nr_members; j++)
            if (g_strcmp0(pr->members[j]->tag, tag) == 0)
                add_task(t, pr->members[j]);
    }
}

static bool
is_within(const struct task *p, const struct task_group *tg)
{
    const struct task_group *at = p->group;

    while (at != NULL && at != tg)
        at = at->parent;
    return at == tg;
}

static bool
all_within(const struct process *pr, const struct task_group *tg)
{
    for (uint32_t i = 0; i < pr->nr_members; i++)
        if (!is_within(pr->members[i], tg))
            return false;
    return pr->nr_members > 0;
}

void
totals_of_group(struct totals *t, const struct kernel *k, const struct run_info *info,
                const struct task_group *tg, struct arena *a)
{
    begin(t, k, info, "cgroup", tg->name, a);
    add_bandwidth(t, tg);
    for (uint32_t i = 0; i < k->nr_processes; i++) {
        const struct process *pr = k->processes[i];

        if (all_within(pr, tg)) {
            add_process(t, pr);
            continue;
        }
        for (uint32_t j = 0; j < pr->nr_members; j++)
            if (is_within(pr->members[j], tg))
                add_task(t, pr->members[j]);
    }
}
