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

/* More entries than that are flushed all together (tlb_single_page_flush_ceiling). Model
 * assumption, of guests alone: a pass that has marked more has come to what the other threads work
 * on, and they get no further while it waits; fewer are stacks and the like. */
enum { FLUSH_CEILING = 33 };
enum { SCAN_COST_LIMIT = 32, UNCONDITIONAL_PASSES = 2 };

struct scan {
    struct kernel *k;
    struct rq *rq;
    struct task *p;
    struct mm *mm;
    struct vma *vma;          /* the next one, or that in which the pass is; NULL: none is left */
    bool inside;              /* of the VMA: it is wanted */
    uint64_t start;           /* page number of the address */
    int64_t pages, virtpages; /* budgets, 4 KiB pages */
    uint64_t marked, huge;    /* 4 KiB pages; 2 MiB pages among them */
    bool pid_skipped, forced;
    struct {
        uint64_t start, end; /* of what is marked before the next flush; end 0: nothing yet */
        uint64_t marked;
    } chunk;
    sim_time began;
    struct host_span span; /* until when it lasts */
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
        host_ask(s->k, cpu);
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

/* Pages of addresses. */
static uint64_t
mark_range(struct scan *s, const struct vma *v, uint64_t start, uint64_t end)
{
    const struct cost_params *c = &s->k->params.cost;
    const struct mark_how how = how_to_mark(s, v);
    uint64_t first = v->first + (start - v->start), huge = 0;
    uint64_t n = mark_pages(s, v, first, first + (end - start), &how, &huge);

    if (n == 0)
        return 0;
    host_span_work(s->k, &s->span,
                   (n - huge * CHUNK_PAGES) * c->scan_per_page + huge * c->scan_per_huge_page);
    s->marked += n;
    s->huge += huge;
    region_closer(s->k, v->map);
    return n;
}

/* change_prot_numa(). All at once, or in a guest, whose turn may end, one page table after the
 * other (false: there are more). A flush comes last. */
static bool
mark_chunk(struct scan *s, const struct vma *v)
{
    uint64_t end = s->chunk.end;

    if (unlikely(s->k->host != NULL))
        end = SIM_MIN(end, (s->start / CHUNK_PAGES + 1) * CHUNK_PAGES);
    s->chunk.marked += mark_range(s, v, s->start, end);
    s->start = end;
    if (end != s->chunk.end)
        return false;
    if (s->chunk.marked > 0) {
        host_span_work(s->k, &s->span, flush_tlb(s));
        host_span_answer(s->k, &s->span);
    }
    return true;
}

/* As far as the budget for pages that are there may go. */
static void
begin_chunk(struct scan *s, const struct vma *v)
{
    s->start = SIM_MAX(s->start, v->start);
    uint64_t end = div_round_up_u64(s->start + (uint64_t)s->pages, CHUNK_PAGES) * CHUNK_PAGES;

    s->chunk.start = s->start;
    s->chunk.end = SIM_MIN(end, vma_end(v));
    s->chunk.marked = 0;
}

enum scan_state { SCAN_GOES_ON, SCAN_STOPS };

/* The pass stops when a budget is used up, and behind the one VMA that is scanned by force. */
static enum scan_state
scan_chunk(struct scan *s)
{
    struct vma *v = s->vma;

    if (s->chunk.end == 0)
        begin_chunk(s, v);
    if (!mark_chunk(s, v))
        return SCAN_GOES_ON;
    int64_t walked = (int64_t)(s->start - s->chunk.start);

    s->chunk.end = 0;
    if (s->chunk.marked > 0)
        s->pages -= walked;
    s->virtpages -= walked;
    if (s->pages <= 0 || s->virtpages <= 0)
        return SCAN_STOPS;
    if (s->start != vma_end(v))
        return SCAN_GOES_ON;
    v->numab.prev_scan_seq = s->mm->numa_scan_seq;
    if (s->forced)
        return SCAN_STOPS;
    s->inside = false;
    s->vma = v->next;
    return SCAN_GOES_ON;
}

/* How long a window of access lasts (VMA_PID_RESET_PERIOD). */
static uint64_t
pid_window(const struct kernel *k)
{
    return numa_jiffies(k, 4 * (k->params.numa.scan_delay / 1000000));
}

/* First met by a scan: its own delay and windows begin. */
static void
numab_init(const struct scan *s, struct vma_numab *numab)
{
    uint64_t delay = numa_jiffies(s->k, s->k->params.numa.scan_delay / 1000000);

    if (numab->made)
        return;
    *numab = (struct vma_numab){ .made = true }; /* without who faulted before */
    numab->start_scan_seq = s->mm->numa_scan_seq;
    numab->prev_scan_seq = s->mm->numa_scan_seq - 1;
    numab->next_scan = jiffies(s->k) + delay;
    numab->pids_active_reset = numab->next_scan + pid_window(s->k);
}

static void
rotate_windows(const struct scan *s, struct vma_numab *numab)
{
    if (s->mm->numa_scan_seq == 0 || jiffies(s->k) <= numab->pids_active_reset)
        return;
    numab->pids_active_reset += pid_window(s->k);
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

/* From the stored address. */
static void
scan_walk(struct scan *s)
{
    s->start = s->mm->numa_scan_offset;
    s->vma = find_vma(s->mm, s->start);
    if (s->vma == NULL) {
        reset_ptenuma_scan(s);
        s->vma = s->mm->vmas;
    }
}

/* A wanted VMA, if any is left; else those that were left to others, once. */
static bool
scan_find(struct scan *s)
{
    while (!s->inside) {
        if (s->vma == NULL && (!s->pid_skipped || s->forced))
            return false;
        if (s->vma == NULL) {
            s->forced = true;
            scan_walk(s);
        }
        s->inside = vma_wanted(s, s->vma);
        if (!s->inside)
            s->vma = s->vma->next;
    }
    return true;
}

static void
probe_scan(struct kernel *k, const struct task *p)
{
    probe_input(k, "scan_seq", (int64_t)p->mm->numa_scan_seq);
    probe_input(k, "scan_period_ms", (int64_t)p->numa->scan_period);
    probe_input(k, "rss_pages", (int64_t)p->mm->rss_pages);
    probe_input(k, "scan_offset", (int64_t)p->mm->numa_scan_offset);
}

/* A pass delays the next ones by 32 times what the task's clock says that it took. Only ticks
 * bring that clock forward meanwhile, and the pass began behind one: what is over before the next
 * one has taken no time. */
static void
scan_ends(struct scan *s)
{
    struct kernel *k = s->k;

    sim_time seen = last_tick_at(k, s->span.end);

    if (seen > s->began)
        s->p->numa->node_stamp += SCAN_COST_LIMIT * (seen - s->began);
    k->stats.numa_pte_updates += s->marked;
    k->stats.numa_huge_pte_updates += s->huge;
    s->p->process->stats.numa_pte_updates += s->marked;
    if (s->rq->curr == s->p) /* a guest's may have been moved while it waited */
        charge(k, s->rq->cpu, s->span.end - k->engine.now, CHARGE_TASK);
}

/* In a guest the pass waits for turns, and at each flush until the others have answered. */
static void
scan_pass(void *pass)
{
    struct scan *s = pass;
    sim_time turn = s->span.ends;
    bool left;

    while ((left = scan_find(s)) && scan_chunk(s) == SCAN_GOES_ON)
        if (s->span.ends != turn) {
            host_waits(s->k, &s->span, s->marked > FLUSH_CEILING ? s->mm : NULL);
            return;
        }
    if (left)
        s->mm->numa_scan_offset = s->start;
    else
        reset_ptenuma_scan(s);
    scan_ends(s);
}

void
task_numa_work(struct kernel *k, struct rq *rq, struct task *p)
{
    struct task_numa *n = p->numa;
    struct mm *mm = p->mm;

    if (mm->numa_next_scan == 0)
        mm->numa_next_scan = jiffies(k) + numa_jiffies(k, k->params.numa.scan_delay / 1000000);
    if (jiffies(k) < mm->numa_next_scan)
        return;
    if (n->scan_period == 0) {
        n->scan_period_max = numa_scan_max(k, p);
        n->scan_period = numa_scan_start(k, p);
    }
    mm->numa_next_scan = jiffies(k) + numa_jiffies(k, n->scan_period);
    n->node_stamp += 2 * k->tick_ns;
    if (probe_wants(k, DECISION_SCAN))
        probe_scan(k, p);
    int64_t pages = probe_decide(k, DECISION_SCAN, "task_numa_work", p, rq->cpu,
                                 (int64_t)(k->params.numa.scan_size / PAGE_4K));
    if (unlikely(k->scx != NULL))
        pages = ext_scan_pages(k, rq, p, pages);
    if (pages <= 0)
        return;
    struct scan here,
        *s = k->host == NULL ? &here : host_waiter(k, rq->cpu, sizeof(here), scan_pass);
    *s =
        (struct scan){ .k = k, .rq = rq, .p = p, .mm = mm, .pages = pages, .virtpages = 8 * pages };
    s->began = k->engine.now;
    s->span = host_span_begin(k);
    scan_walk(s);
    scan_pass(s);
}
