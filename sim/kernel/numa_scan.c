/*
 * The scan pass (task_numa_work): marks a window of an address space, so that the next access to
 * each page faults and tells who uses it.
 *
 * A pass has two budgets, of pages in stretches where something was marked and of pages walked. It
 * goes on where the last one stopped; when the last VMA is done the pass number rises, and that is
 * what lets tasks place themselves anew. VMAs that the scanning task does not seem to use are left
 * to others, unless nothing else is left: then one of them is scanned by force.
 */
#include "kernel/burst.h"
#include "kernel/numa.h"
#include "kernel/region.h"

enum { PAGES_2M = 512, SCAN_COST_LIMIT = 32, UNCONDITIONAL_PASSES = 2 };

struct scan {
    struct kernel *k;
    struct rq *rq;
    struct task *p;
    struct mm *mm;
    int64_t pages, virtpages; /* budgets, 4 KiB pages */
    uint64_t marked;
    bool pid_skipped, forced;
    sim_time cost;
};

/* Whoever else runs the address space has the old entries in its TLB. */
static sim_time
flush_tlb(struct scan *s)
{
    const struct cost_params *c = &s->k->params.cost;
    uint64_t others = 0;

    for_each_cpu (cpu, s->k->machine->online) {
        const struct task *curr = s->k->rqs[cpu].curr;

        if (cpu == s->rq->cpu || curr == NULL || curr->mm != s->mm)
            continue;
        charge(s->k, cpu, c->tlb_victim, CHARGE_IRQ);
        others++;
    }
    return c->tlb_shootdown + others * c->tlb_per_cpu;
}

/* Local pages of a process with one thread need no faults; huge pages fault all the same. */
static int
skipped_node(const struct scan *s, const struct region *r)
{
    bool single = s->mm->nr_users == 1 && r->sharing != REGION_GLOBAL && r->scale == 1;

    return single ? s->rq->node : -1;
}

static uint64_t
mark_chunk(struct scan *s, struct region *r, uint64_t first, uint64_t end)
{
    const struct cost_params *c = &s->k->params.cost;
    uint64_t n = region_mark(r, first, end, skipped_node(s, r));

    if (n == 0)
        return 0;
    s->cost += n * (r->scale > 1 ? c->scan_per_huge_page : c->scan_per_page) + flush_tlb(s);
    s->marked += n * r->scale;
    region_closer(s->k, r);
    return n;
}

/* To the end of the VMA, of a slice with a policy of its own, or of what is left of the budget. */
static uint64_t
chunk_end(const struct scan *s, const struct region *r, uint64_t start)
{
    uint64_t want = start * r->scale + (uint64_t)s->pages;
    uint64_t end = div_round_up_u64(want, PAGES_2M) * PAGES_2M / r->scale;

    end = SIM_MIN(end, r->nr_pages);
    return r->slice_policy != NULL ? region_slice_end(r, start, end) : end;
}

/* Scans on from `start`. True: the budget is used up. */
static bool
scan_vma(struct scan *s, struct region *r, uint64_t start)
{
    while (start < r->nr_pages) {
        uint64_t end = chunk_end(s, r, start);
        int64_t walked = (int64_t)((end - start) * r->scale);
        bool suitable = mempolicy_migrates(effective_policy(s->p, r, start));

        if (suitable && mark_chunk(s, r, start, end) > 0)
            s->pages -= walked;
        s->virtpages -= walked;
        start = end;
        if (s->pages <= 0 || s->virtpages <= 0) {
            s->mm->scan_region = r;
            s->mm->scan_page = start;
            return true;
        }
    }
    r->prev_scan_seq = s->mm->numa_scan_seq;
    return false;
}

/* First met by a scan: its own delay and windows begin. */
static void
numab_init(const struct scan *s, struct region *r)
{
    uint64_t delay = numa_jiffies(s->k, s->k->params.numa.scan_delay / 1000000);

    if (r->numab)
        return;
    r->numab = true;
    r->start_scan_seq = s->mm->numa_scan_seq;
    r->prev_scan_seq = s->mm->numa_scan_seq - 1;
    r->next_scan = jiffies(s->k) + delay;
    r->pids_active_reset = r->next_scan + 4 * delay;
}

static bool
vma_accessed(const struct scan *s, const struct region *r, uint64_t start)
{
    uint64_t seq = s->mm->numa_scan_seq;

    return seq - r->start_scan_seq < UNCONDITIONAL_PASSES ||
           ((r->pids_active[0] | r->pids_active[1]) & numa_pid_bit(s->p)) || start > 0 ||
           (int64_t)seq > (int64_t)(r->prev_scan_seq + s->mm->nr_users);
}

static void
rotate_windows(const struct scan *s, struct region *r)
{
    if (s->mm->numa_scan_seq == 0 || jiffies(s->k) <= r->pids_active_reset)
        return;
    r->pids_active_reset += 4 * numa_jiffies(s->k, s->k->params.numa.scan_delay / 1000000);
    r->pids_active[0] = r->pids_active[1];
    r->pids_active[1] = 0;
}

/* A policy without "migrate on fault" takes the whole VMA out, unless its slices have their own. */
static bool
vma_skipped(struct scan *s, struct region *r, uint64_t start)
{
    if (r->slice_policy == NULL && !mempolicy_migrates(effective_policy(s->p, r, 0)))
        return true;
    numab_init(s, r);
    if (s->mm->numa_scan_seq != 0 && jiffies(s->k) < r->next_scan)
        return true;
    rotate_windows(s, r);
    if (r->prev_scan_seq == s->mm->numa_scan_seq)
        return true;
    if (!s->forced && !vma_accessed(s, r, start)) {
        s->pid_skipped = true;
        return true;
    }
    return false;
}

/* One walk over the VMAs from the stored place. True: it stopped inside. */
static bool
scan_from(struct scan *s, struct region *r, uint64_t start)
{
    for (; r != NULL; r = r->next, start = 0) {
        if (start >= r->nr_pages || vma_skipped(s, r, start))
            continue;
        if (scan_vma(s, r, start))
            return true;
        if (s->forced) {
            s->mm->scan_region = r;
            s->mm->scan_page = r->nr_pages;
            return true;
        }
    }
    return false;
}

static void
scan_pass(struct scan *s)
{
    struct mm *mm = s->mm;
    struct region *r = mm->scan_region;
    uint64_t start = mm->scan_page;

    if (r != NULL && start >= r->nr_pages) {
        r = r->next;
        start = 0;
        if (r == NULL)
            mm->numa_scan_seq++;
    }
    if (r == NULL) {
        r = mm->regions;
        start = 0;
    }
    bool stopped = scan_from(s, r, start);
    if (!stopped && s->pid_skipped) {
        s->forced = true;
        stopped = scan_from(s, r, start);
    }
    if (!stopped) {
        mm->numa_scan_seq++;
        mm->scan_region = NULL;
        mm->scan_page = 0;
    }
}

static void
probe_scan(struct kernel *k, const struct task *p)
{
    probe_input(k, "scan_seq", (int64_t)p->mm->numa_scan_seq);
    probe_input(k, "scan_period_ms", (int64_t)p->numa->scan_period);
    probe_input(k, "rss_pages", (int64_t)p->mm->rss_pages);
    probe_input(k, "scan_region",
                p->mm->scan_region != NULL ? (int64_t)p->mm->scan_region->id : -1);
    probe_input(k, "scan_page", (int64_t)p->mm->scan_page);
}

void
task_numa_work(struct kernel *k, struct rq *rq, struct task *p)
{
    struct task_numa *n = p->numa;
    struct scan s = { .k = k, .rq = rq, .p = p, .mm = p->mm };

    if (s.mm->numa_next_scan == 0)
        s.mm->numa_next_scan = jiffies(k) + numa_jiffies(k, k->params.numa.scan_delay / 1000000);
    if (jiffies(k) < s.mm->numa_next_scan)
        return;
    if (n->scan_period == 0) {
        n->scan_period_max = numa_scan_max(k, p);
        n->scan_period = numa_scan_start(k, p);
    }
    s.mm->numa_next_scan = jiffies(k) + numa_jiffies(k, n->scan_period);
    n->node_stamp += 2 * k->tick_ns;
    if (probe_wants(k, DECISION_SCAN))
        probe_scan(k, p);
    s.pages = probe_decide(k, DECISION_SCAN, "task_numa_work", p, rq->cpu,
                           (int64_t)(k->params.numa.scan_size / PAGE_4K));
    s.virtpages = 8 * s.pages;
    if (s.pages <= 0)
        return;
    scan_pass(&s);
    k->stats.numa_pte_updates += s.marked;
    p->process->stats.numa_pte_updates += s.marked;
    n->node_stamp += SCAN_COST_LIMIT * s.cost;
    charge(k, rq->cpu, s.cost, CHARGE_TASK);
}
