/*
 * The clock of NUMA balancing: when a task scans.
 *
 * Two clocks gate a scan. The task's own runtime decides when a task offers to scan, so idle tasks
 * never do; the wall clock of the address space decides whether the offer is taken, so that threads
 * do not multiply the rate. The period adapts between a least one, which covers the resident set in
 * scan_period_min, and a most. Threads are meant to be staggered by their periods; a mix-up of ms
 * and ns in the kernel makes that about 8 ms, and so it is here.
 */
#include "kernel/ext.h"
#include "kernel/numa_group.h"
#include "kernel/numa_tier.h"

enum { MAX_SCAN_WINDOW_MB = 2560 };
#define MS_NS ((uint64_t)1000000)

void
numa_init(struct kernel *k)
{
    enum { TAG_BITS = 32 - PAGE_TAG_SHIFT, CPU_BITS_MAX = 13 };
    uint32_t cpu_bits = 1;

    k->numa = arena_new_object(k->arena, struct numa_state);
    k->numa->tiers = arena_new_array(k->arena, struct numa_tier_node, k->machine->nr_nodes);
    while (cpu_bits < CPU_BITS_MAX && 1u << cpu_bits < k->machine->nr_cpus)
        cpu_bits++;
    k->numa->exact_shift = TAG_BITS - 1 - cpu_bits; /* a tag is one more than its parts */
    k->numa->copy_4k = mul_div_u64(PAGE_4K, SEC(1), k->params.cost.copy_bandwidth);
    k->numa->copy_2m = mul_div_u64(PAGE_2M, SEC(1), k->params.cost.copy_bandwidth);
}

uint64_t
numa_jiffies(const struct kernel *k, uint64_t ms)
{
    return div_round_up_u64(ms * k->params.sched.hz, 1000);
}

static uint64_t
scan_size_mb(const struct kernel *k)
{
    return k->params.numa.scan_size >> 20;
}

static uint64_t
scan_windows(const struct kernel *k, const struct mm *mm)
{
    return SIM_MAX(div_round_up_u64(mm->rss_pages, scan_size_mb(k) * 256), 1u);
}

uint64_t
numa_scan_min(const struct kernel *k, const struct mm *mm)
{
    uint64_t per_second = SIM_MAX(MAX_SCAN_WINDOW_MB / scan_size_mb(k), 1u);
    uint64_t least = k->params.numa.scan_period_min / MS_NS / scan_windows(k, mm);

    return SIM_MAX(1000 / per_second, least);
}

/* The more of its faults a group shares, and the more tasks share the work, the slower. */
static uint64_t
group_scale(const struct kernel *k, const struct numa_group *g, uint64_t period)
{
    uint64_t shared = group_faults_kind(k, g, NUMA_SHARED);
    uint64_t private = group_faults_kind(k, g, NUMA_PRIVATE);

    return period * g->nr_tasks * (shared + 1) / (private + shared + 1);
}

uint64_t
numa_scan_start(const struct kernel *k, const struct task *p)
{
    uint64_t least = numa_scan_min(k, p->mm);
    const struct numa_group *g = p->numa->group;

    return g != NULL ? SIM_MAX(least, group_scale(k, g, least)) : least;
}

uint64_t
numa_scan_max(const struct kernel *k, const struct task *p)
{
    uint64_t most = k->params.numa.scan_period_max / MS_NS / scan_windows(k, p->mm);
    const struct numa_group *g = p->numa->group;

    if (g != NULL)
        most = SIM_MAX(most, group_scale(k, g, most));
    return SIM_MAX(numa_scan_min(k, p->mm), most);
}

/* The seed varies the first scan by up to a tenth of the delay: on a real machine the start of a
 * process is not tied to a jiffy. */
static uint64_t
first_scan_noise(struct kernel *k, const struct mm *mm, uint64_t delay)
{
    struct rng r;

    if (!k->params.noise.scan_phase)
        return 0;
    rng_init(&r, k->seed, "scan_phase", mm->process->id);
    return rng_below(&r, delay / 10 + 1);
}

/* A thread's clock starts as its parent's would: 32 bits, ms taken for ns. */
static uint64_t
thread_stamp(const struct kernel *k, const struct task *parent)
{
    uint64_t spread = parent->numa->scan_period * parent->mm->nr_users * MS_NS;
    uint64_t most = numa_scan_max(k, parent);

    if (numa_quirk(k, THREAD_STAGGER))
        return SIM_MIN((uint32_t)most, (uint32_t)spread) + 2 * k->tick_ns;
    return SIM_MIN(most * MS_NS, spread) + 2 * k->tick_ns;
}

/* The arrays come with the first fault. */
void
numa_faults_alloc(struct kernel *k, struct task_numa *n)
{
    if (n->faults == NULL)
        n->faults = arena_new_array(k->arena, uint64_t, 2 * NUMA_KIND_NR * k->machine->nr_nodes);
}

void
numa_task_init(struct kernel *k, struct task *p, const struct task *parent)
{
    uint64_t delay = k->params.numa.scan_delay / MS_NS;
    struct task_numa *n = p->numa = arena_new_object(k->arena, struct task_numa);
    bool thread = p->mm->numa_next_scan != 0 || (parent != NULL && parent->mm == p->mm);

    n->preferred = NUMA_NO_NODE;
    n->scan_period = delay;
    if (!thread) {
        uint64_t wait = numa_jiffies(k, delay);

        p->mm->numa_next_scan = jiffies(k) + wait + first_scan_noise(k, p->mm, wait);
        return;
    }
    n->scan_seq = p->mm->numa_scan_seq;
    if (parent == NULL || parent->mm != p->mm)
        parent = p->process->members[0]; /* a thread that the workload starts by a timer */
    if (parent == p || parent->numa == NULL)
        return;
    if (numa_quirk(k, EXEC_KEEPS_PREFERRED))
        n->preferred = parent->numa->preferred;
    n->node_stamp = thread_stamp(k, parent);
}

void
numa_task_exit(struct kernel *k, struct task *p)
{
    if (p->numa != NULL)
        numa_group_leave(k, p);
}

/* The pages of the program stay, but for the scanner they are another one's. */
static void
mm_is_new(struct mm *mm)
{
    mm->numa_next_scan = 0; /* the first scan sets it */
    mm->numa_scan_seq = 0;
    mm->numa_scan_offset = 0;
    for (struct vma *v = mm->vmas; v != NULL; v = v->next)
        v->numab = (struct vma_numab){ .made = false };
}

/* Of the faults, those since the last placement stay, as in the kernel. */
void
numa_task_exec(struct kernel *k, struct task *p)
{
    struct task_numa *n = p->numa;

    if (n == NULL)
        return;
    mm_is_new(p->mm);
    if (!numa_quirk(k, EXEC_KEEPS_PREFERRED))
        numa_set_preferred(k, p, NUMA_NO_NODE);
    if (n->faults == NULL)
        return;
    numa_group_leave(k, p);
    n->total_faults = 0;
    memset(n->faults, 0, 2 * NUMA_MEMBUF * k->machine->nr_nodes * sizeof(*n->faults));
}

static __attribute__((noinline)) bool
other_class_scans(const struct kernel *k, const struct task *p)
{
    if (p->class == &ext_sched_class)
        return ext_places_pages(k);
    return !numa_quirk(k, FAIR_SCANS_ONLY);
}

/* Is it of a class whose tasks scan? */
static inline bool
class_scans(const struct kernel *k, const struct task *p)
{
    return likely(p->class == &fair_sched_class) || other_class_scans(k, p);
}

void
task_tick_numa(struct kernel *k, struct rq *rq, struct task *p)
{
    struct task_numa *n = p->numa;

    if (k->params.numa.mode == NUMA_BALANCING_DISABLED || n == NULL || !class_scans(k, p) ||
        p->mm->vmas == NULL || kernel_now(k) < k->params.numa.start)
        return;
    uint64_t period = n->scan_period * MS_NS;
    if (p->se.sum_exec <= n->node_stamp + period)
        return;
    if (n->node_stamp == 0)
        n->scan_period = numa_scan_start(k, p);
    n->node_stamp += period;
    if (jiffies(k) >= p->mm->numa_next_scan)
        task_numa_work(k, rq, p);
}

/* A task that may scan will have run for its scan period. */
static inline sim_time
next_scan_due(const struct kernel *k, const struct rq *rq, const struct task *p)
{
    const struct task_numa *n = p->numa;
    uint64_t due = n->node_stamp + n->scan_period * MS_NS + 1;
    uint64_t clock = rq_clock_task(k, rq), ran = p->se.sum_exec;
    ran += clock > p->se.exec_start ? clock - p->se.exec_start : 0;
    return SIM_MAX(kernel_now(k) + (due > ran ? due - ran : 0), k->params.numa.start);
}

/* Out of line: numa_tick_due() is asked at every switch. */
static __attribute__((noinline)) sim_time
other_class_due(const struct kernel *k, const struct rq *rq, const struct task *p)
{
    return other_class_scans(k, p) ? next_scan_due(k, rq, p) : SIM_NEVER;
}

sim_time
numa_tick_due(const struct kernel *k, const struct rq *rq, const struct task *p)
{
    if (k->params.numa.mode == NUMA_BALANCING_DISABLED || p->numa == NULL || p->mm->vmas == NULL)
        return SIM_NEVER;
    if (unlikely(p->class != &fair_sched_class))
        return other_class_due(k, rq, p);
    return next_scan_due(k, rq, p);
}

/* Away from where it should be, or to where nobody knows: scan faster again. A fair task, that is
 * (migrate_task_rq_fair). */
void
numa_task_migrated(struct kernel *k, struct task *p, int from, int to)
{
    struct task_numa *n = p->numa;
    int src = k->machine->cpus[from].node, dst = k->machine->cpus[to].node;

    if (n == NULL || n->faults == NULL || src == dst || p->class != &fair_sched_class)
        return;
    if (n->scan_seq != 0 &&
        (dst == n->preferred || (n->preferred != NUMA_NO_NODE && src != n->preferred)))
        return;
    n->scan_period = numa_scan_start(k, p);
}
