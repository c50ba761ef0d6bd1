/*
 * The scan pass (task_numa_work): marks a window of an address space, so that the next access to
 * each page faults and tells who uses it.
 *
 * A pass has two budgets, of pages in stretches where something was marked and of pages walked. It
 * goes on at the address where the last one stopped; when the last VMA is done the pass number
 * rises, and that is what lets tasks place themselves anew. VMAs that the scanning task does not
 * seem to use are left to others, unless nothing else is left: then one of them is scanned by
 * force.
 *
 * A VMA that was already scanned in this pass moves the stored address behind itself, as in the
 * kernel. So a forced walk does not begin where the first walk did, and if nothing lies behind it
 * begins a new pass.
 */
#include "kernel/burst.h"
#include "kernel/ext.h"
#include "kernel/filemap.h"
#include "kernel/host_turns.h"
#include "kernel/numa_quirks.h"
#include "kernel/numa_tier.h"
#include "kernel/region.h"

enum { SCAN_COST_LIMIT = 32, UNCONDITIONAL_PASSES = 2 };

struct scan {
    struct kernel *k;
    struct rq *rq;
    struct task *p;
    struct mm *mm;
    uint64_t start;           /* page number of the address */
    int64_t pages, virtpages; /* budgets, 4 KiB pages */
    uint64_t marked, huge;    /* 4 KiB pages; 2 MiB pages among them */
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

/* Local pages of a process with one thread need no faults; huge pages fault all the same. With
 * tiers, pages of slow nodes get the time; if there is only promotion, those of fast ones stay. */
static struct mark_how
how_to_mark(const struct scan *s, const struct vma *v)
{
    struct kernel *k = s->k;
    bool single = s->mm->nr_users == 1 && !v->shared;
    struct mark_how how = { .skip_node = single ? s->rq->node : -1, .skip_huge_node = -1 };

    if (!numa_quirk(k, THP_LOCAL_MARKS))
        how.skip_huge_node = how.skip_node;
    if (!(k->params.numa.mode & NUMA_BALANCING_MEMORY_TIERING))
        return how;
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        if (numa_uses_access_time(k, (int)n))
            how.timed |= NODE_BIT(n);
        else if (!(k->params.numa.mode & NUMA_BALANCING_NORMAL))
            how.skip |= NODE_BIT(n);
    how.time = numa_access_time(k);
    return how;
}

/* Of a file, slice by slice: those that may be marked. */
static uint64_t
mark_pages(struct scan *s, const struct vma *v, uint64_t first, uint64_t end,
           const struct mark_how *how, uint64_t *huge)
{
    struct region *r = v->map->region;
    uint64_t n = 0;

    if (likely(v->kind != VMA_FILE))
        return r->ops->mark(v->map, first, end, how, huge);
    for (uint64_t page = first, stop; page < end; page = stop) {
        stop = region_slice_end(r, page, end);
        if (file_may_mark(s->k, v, region_slice_of(r, page)))
            n += r->ops->mark(v->map, page, stop, how, huge);
    }
    return n;
}

/* change_prot_numa(), by pages of addresses. */
static uint64_t
mark_chunk(struct scan *s, const struct vma *v, uint64_t start, uint64_t end)
{
    const struct cost_params *c = &s->k->params.cost;
    const struct mark_how how = how_to_mark(s, v);
    uint64_t first = v->first + (start - v->start), huge = 0;
    uint64_t n = mark_pages(s, v, first, first + (end - start), &how, &huge);

    if (n == 0)
        return 0;
    s->cost +=
        (n - huge * CHUNK_PAGES) * c->scan_per_page + huge * c->scan_per_huge_page + flush_tlb(s);
    s->marked += n;
    s->huge += huge;
    region_closer(s->k, v->map);
    return n;
}

/* To the VMA's end (true), or until the budget is used up. */
static bool
scan_vma(struct scan *s, struct vma *v)
{
    uint64_t end;

    do {
        s->start = SIM_MAX(s->start, v->start);
        end = div_round_up_u64(s->start + (uint64_t)s->pages, CHUNK_PAGES) * CHUNK_PAGES;
        end = SIM_MIN(end, vma_end(v));
        int64_t walked = (int64_t)(end - s->start);

        if (mark_chunk(s, v, s->start, end) > 0)
            s->pages -= walked;
        s->virtpages -= walked;
        s->start = end;
        if (s->pages <= 0 || s->virtpages <= 0)
            return false;
    } while (end != vma_end(v));
    v->numab.prev_scan_seq = s->mm->numa_scan_seq;
    return true;
}

/* First met by a scan: its own delay and windows begin. */
static void
numab_init(const struct scan *s, struct vma_numab *numab)
{
    uint64_t delay = numa_jiffies(s->k, s->k->params.numa.scan_delay / 1000000);

    if (numab->made)
        return;
    numab->made = true;
    numab->start_scan_seq = s->mm->numa_scan_seq;
    numab->prev_scan_seq = s->mm->numa_scan_seq - 1;
    numab->next_scan = jiffies(s->k) + delay;
    numab->pids_active_reset = numab->next_scan + 4 * delay;
}

static void
rotate_windows(const struct scan *s, struct vma_numab *numab)
{
    if (s->mm->numa_scan_seq == 0 || jiffies(s->k) <= numab->pids_active_reset)
        return;
    numab->pids_active_reset += 4 * numa_jiffies(s->k, s->k->params.numa.scan_delay / 1000000);
    numab->pids_active[0] = numab->pids_active[1];
    numab->pids_active[1] = 0;
}

/* vma_is_accessed(). The rule if it holds, else NULL. */
static const char *
vma_accessed(const struct scan *s, const struct vma *v)
{
    const struct vma_numab *numab = &v->numab;
    uint64_t seq = s->mm->numa_scan_seq;

    if (seq - numab->start_scan_seq < UNCONDITIONAL_PASSES)
        return "early_pass";
    if ((numab->pids_active[0] | numab->pids_active[1]) & numa_pid_bit(s->p))
        return "pid_active";
    if (s->mm->numa_scan_offset > v->start)
        return "ignore_pid";
    return (int64_t)seq > (int64_t)(numab->prev_scan_seq + s->mm->nr_users) ? "not_scanned_for_long"
                                                                            : NULL;
}

/* The part of the rules that has a memory: whether it is this VMA's turn. */
static const char *
turn_rule(struct scan *s, struct vma *v, bool *scan)
{
    struct vma_numab *numab = &v->numab;

    numab_init(s, numab);
    if (s->mm->numa_scan_seq != 0 && jiffies(s->k) < numab->next_scan)
        return "scan_delay";
    rotate_windows(s, numab);
    if (numab->prev_scan_seq == s->mm->numa_scan_seq) {
        s->mm->numa_scan_offset = vma_end(v);
        return "seq_completed";
    }
    const char *accessed = s->forced ? "forced" : vma_accessed(s, v);
    s->pid_skipped |= accessed == NULL;
    *scan = accessed != NULL;
    return accessed != NULL ? accessed : "pid_inactive";
}

/* Reasons by their names in trace_sched_skip_vma_numa(), in the kernel's order. */
static bool
vma_wanted(struct scan *s, struct vma *v)
{
    bool scan = false;
    const char *rule;

    if (!mempolicy_migrates(get_vma_policy(s->p, v)))
        rule = "unsuitable";
    else if (v->kind != VMA_ANON && v->readable && !v->writable)
        rule = "shared_ro";
    else if (!v->readable && !v->writable && !v->exec)
        rule = "inaccessible";
    else
        rule = turn_rule(s, v, &scan);
    if (probe_wants(s->k, DECISION_SCAN_VMA)) {
        probe_input(s->k, "region", v->map->region->id);
        probe_input(s->k, "vma_start", (int64_t)v->start);
        probe_input(s->k, "vma_pages", (int64_t)(vma_end(v) - v->start));
        probe_input(s->k, "scan_seq", (int64_t)s->mm->numa_scan_seq);
        probe_input(s->k, "scan_offset", (int64_t)s->mm->numa_scan_offset);
    }
    return probe_decide(s->k, DECISION_SCAN_VMA, rule, s->p, s->rq->cpu, scan) != 0;
}

static void
reset_ptenuma_scan(struct scan *s)
{
    s->mm->numa_scan_seq++;
    s->mm->numa_scan_offset = 0;
    s->start = 0;
}

/* One walk from the stored address. Where it stopped; NULL: no VMA is left. */
static struct vma *
scan_walk(struct scan *s)
{
    s->start = s->mm->numa_scan_offset;
    struct vma *v = find_vma(s->mm, s->start);

    if (v == NULL) {
        reset_ptenuma_scan(s);
        v = s->mm->vmas;
    }
    for (; v != NULL; v = v->next)
        if (vma_wanted(s, v) && (!scan_vma(s, v) || s->forced))
            break;
    return v;
}

static void
scan_pass(struct scan *s)
{
    struct vma *stopped = scan_walk(s);

    if (stopped == NULL && s->pid_skipped) {
        s->forced = true;
        stopped = scan_walk(s);
    }
    if (stopped != NULL)
        s->mm->numa_scan_offset = s->start;
    else
        reset_ptenuma_scan(s);
}

static void
probe_scan(struct kernel *k, const struct task *p)
{
    probe_input(k, "scan_seq", (int64_t)p->mm->numa_scan_seq);
    probe_input(k, "scan_period_ms", (int64_t)p->numa->scan_period);
    probe_input(k, "rss_pages", (int64_t)p->mm->rss_pages);
    probe_input(k, "scan_offset", (int64_t)p->mm->numa_scan_offset);
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
    if (unlikely(k->scx != NULL))
        s.pages = ext_scan_pages(k, rq, p, s.pages);
    s.virtpages = 8 * s.pages;
    if (s.pages <= 0)
        return;
    scan_pass(&s);
    k->stats.numa_pte_updates += s.marked;
    k->stats.numa_huge_pte_updates += s.huge;
    p->process->stats.numa_pte_updates += s.marked;
    n->node_stamp += SCAN_COST_LIMIT * host_elapsed(k, s.cost);
    charge(k, rq->cpu, s.cost, CHARGE_TASK);
}
