/*
 * Hinting faults (do_numa_page): a marked page is touched, and the kernel learns who uses it.
 *
 * A page moves to the faulting CPU's node if the policy says that it is misplaced and
 * should_numa_migrate_memory() agrees: at once early in a task's life, and otherwise only when two
 * recorded faults in a row came from the same node, or the task is alone with the page. As in the
 * kernel, a fault on a local page under the default policy leaves the tag alone, so "in a row"
 * means among remote faults.
 *
 * A stretch of pages faults in one go. What is the same for all of them (the policy, costs, which
 * node) is looked up once; the order within each fault is the kernel's: counters, tag and decision,
 * migration, placement, and then this fault is added. The move of the task that a fault may ask for
 * comes after the stretch: it uses counts that these faults are not part of yet.
 */
#include "kernel/numa.h"
#include "kernel/region.h"

enum { EARLY_PASSES = 4 };

struct faults {
    struct kernel *k;
    struct rq *rq;
    struct task *p;
    struct region *r;
    uint32_t slice;
    const struct mempolicy *policy;
    uint64_t nr, nr_local, nr_moved, nr_failed, nr_kind[2]; /* by NUMA_SHARED, NUMA_PRIVATE */
    uint64_t *membuf;                                       /* [node][priv] */
    uint64_t room;                                          /* pages that may still move here */
    int from;                                               /* of the pages moved last */
    uint64_t from_pages;
};

static int
tag_pid(uint32_t tag)
{
    return (int)((tag - 1) & 255);
}

/* Tested on the bits of the task number only, as in the kernel. */
static bool
tag_unset(uint32_t tag)
{
    return tag == 0 || tag_pid(tag) == 255;
}

static bool
tag_private(uint32_t tag, const struct task *p)
{
    return tag != 0 && tag_pid(tag) == (int)(p->id & 255);
}

/* should_numa_migrate_memory(), without tiering and groups. */
static bool
should_migrate(const struct faults *f, uint32_t *word, uint32_t last, const char **rule)
{
    const struct kernel *k = f->k;
    const struct task_numa *n = f->p->numa;
    uint32_t tag = ((uint32_t)f->rq->cpu << 8 | (f->p->id & 255)) + 1;
    bool mine = tag_private(last, f->p);

    if (k->mm->nodes[f->rq->node].nr_pages == 0) {
        *rule = "no_memory";
        return false;
    }
    *word = (*word & ((1u << PAGE_TAG_SHIFT) - 1)) | tag << PAGE_TAG_SHIFT;
    if ((n->preferred == NUMA_NO_NODE || n->scan_seq <= EARLY_PASSES) &&
        (tag_unset(last) || mine)) {
        *rule = "early_life";
        return true;
    }
    if (k->params.numa.two_stage_filter && !tag_unset(last) &&
        k->machine->cpus[(last - 1) >> 8].node != f->rq->node) {
        *rule = "two_stage_filter";
        return false;
    }
    *rule = mine ? "private" : "no_group";
    return true;
}

/* mpol_misplaced(): should the page be on the faulting CPU's node instead? */
static bool
misplaced(const struct faults *f, uint32_t *word, uint32_t last, const char **rule)
{
    int here = f->rq->node, at = page_node(*word);

    if (!mempolicy_migrates(f->policy)) {
        *rule = "no_mof";
        return false;
    }
    if (f->policy->mode == MPOL_DEFAULT ? at == here : !(f->policy->nodes & NODE_BIT(here))) {
        *rule = "policy_place";
        return false;
    }
    if (!should_migrate(f, word, last, rule))
        return false;
    if (at == here) {
        *rule = "already_here";
        return false;
    }
    if (!f->k->params.numa.migrate_pages) {
        *rule = "migrate_pages_off";
        return false;
    }
    return true;
}

static void
probe_fault(const struct faults *f, uint64_t page, int from, uint32_t last)
{
    struct kernel *k = f->k;

    probe_input(k, "region", f->r->id);
    probe_input(k, "page", (int64_t)page);
    probe_input(k, "src", from);
    probe_input(k, "dst", f->rq->node);
    probe_input(k, "last_cpu", last == 0 ? -1 : (int64_t)((last - 1) >> 8));
    probe_input(k, "last_pid", last == 0 ? -1 : tag_pid(last));
    probe_input(k, "preferred", f->p->numa->preferred);
    probe_input(k, "scan_seq", (int64_t)f->p->numa->scan_seq);
}

static bool
decide(const struct faults *f, uint64_t page, uint32_t *word, uint32_t last)
{
    const char *rule;
    int from = page_node(*word);
    bool move = misplaced(f, word, last, &rule);

    if (probe_wants(f->k, DECISION_HINT_FAULT))
        probe_fault(f, page, from, last);
    return probe_decide(f->k, DECISION_HINT_FAULT, rule, f->p, f->rq->cpu, move) == 1 &&
           from != f->rq->node;
}

/* The books of pages that moved together: counts, free pages, bytes, observers. */
static void
flush_moved(struct faults *f)
{
    struct kernel *k = f->k;
    uint64_t pages = f->from_pages * f->r->scale;

    if (pages == 0)
        return;
    region_recount(f->r, f->slice, f->from, f->rq->node, f->from_pages);
    k->mm->nodes[f->from].free_pages += pages;
    k->mm->nodes[f->rq->node].free_pages -= pages;
    mm_traffic(k, f->from, f->rq->node, pages * PAGE_4K);
    for (struct observer *o = k->observers; o != NULL; o = o->next)
        if (o->pages_migrate != NULL)
            o->pages_migrate(o->priv, k, f->p, f->from, f->rq->node, pages);
    f->from_pages = 0;
}

static bool
move_page(struct faults *f, uint32_t *word)
{
    int from = page_node(*word);

    if (f->room == 0) {
        f->nr_failed++;
        return false;
    }
    if (from != f->from)
        flush_moved(f);
    *word = (*word & ~(uint32_t)PAGE_NODE_MASK) | (uint32_t)f->rq->node;
    f->room--;
    f->from = from;
    f->from_pages++;
    f->nr_moved++;
    return true;
}

/* numa_migrate_preferred(), with the move itself put off to the end of the stretch. Within an
 * instant the gate opens once, so the first fault of a stretch is the only one to come here. */
static void
retry_placement(struct faults *f)
{
    struct kernel *k = f->k;
    struct task_numa *n = f->p->numa;
    uint64_t now = jiffies(k);

    if (now <= n->migrate_retry)
        return;
    task_numa_placement(k, f->rq, f->p);
    if (n->preferred == NUMA_NO_NODE)
        return;
    uint64_t wait = numa_jiffies(k, n->scan_period) / 16;
    n->migrate_retry = now + SIM_MIN(wait, k->params.sched.hz);
    n->move_wanted = f->rq->node != n->preferred && k->params.numa.migrate_tasks;
}

static void
do_numa_page(struct faults *f, uint64_t page)
{
    uint32_t word = f->r->pages[page] & ~(uint32_t)PAGE_MARKED, last = word >> PAGE_TAG_SHIFT;
    int priv = last == 0 || tag_private(last, f->p) ? NUMA_PRIVATE : NUMA_SHARED;

    f->nr_local += page_node(word) == f->rq->node;
    if (decide(f, page, &word, last))
        move_page(f, &word);
    f->r->pages[page] = word;
    if (f->nr++ == 0)
        retry_placement(f);
    f->membuf[2 * page_node(word) + priv] += f->r->scale;
    f->nr_kind[priv]++;
}

/* task_numa_fault(), the sums of a stretch. */
static void
account(const struct faults *f)
{
    struct task_numa *n = f->p->numa;
    uint64_t *cpubuf = numa_faults(f->k, n, NUMA_CPUBUF, f->rq->node);
    uint64_t np = f->r->scale;

    cpubuf[NUMA_SHARED] += f->nr_kind[NUMA_SHARED] * np;
    cpubuf[NUMA_PRIVATE] += f->nr_kind[NUMA_PRIVATE] * np;
    n->locality[NUMA_LOCAL] += f->nr_local * np;
    n->locality[NUMA_REMOTE] += (f->nr - f->nr_local) * np;
    n->locality[NUMA_FAILED] += f->nr_failed * np;
    n->pages_migrated += f->nr_moved * np;
}

static sim_time
fault_cost(const struct faults *f)
{
    const struct cost_params *c = &f->k->params.cost;
    bool huge = f->r->scale > 1;
    sim_time copy = mul_div_u64(f->r->page_size, 1000000000u, c->copy_bandwidth);

    return f->nr * (huge ? c->hint_fault_huge : c->hint_fault) +
           f->nr_moved * ((huge ? c->page_migration_huge : c->page_migration) + copy);
}

static void
count_faults(const struct faults *f)
{
    struct kernel_stats *ks = &f->k->stats;
    struct process_stats *ps = &f->p->process->stats;
    uint64_t pages = f->nr_moved * f->r->scale;

    ks->numa_hint_faults += f->nr;
    ks->numa_hint_faults_local += f->nr_local;
    ks->numa_pages_migrated += pages;
    ks->pgmigrate_success += pages;
    ps->numa_hint_faults += f->nr;
    ps->numa_hint_faults_local += f->nr_local;
    ps->numa_pages_migrated += pages;
    ps->remote_bytes += pages * PAGE_4K;
}

static struct faults
faults_begin(struct kernel *k, struct rq *rq, struct task *p, struct region *r, uint32_t slice,
             uint64_t first)
{
    struct faults f = { .k = k, .rq = rq, .p = p, .r = r, .slice = slice };
    const struct mm_node *target = &k->mm->nodes[rq->node];

    f.policy = effective_policy(p, r, first);
    if (target->free_pages > target->high_watermark + r->scale)
        f.room = (target->free_pages - target->high_watermark - 1) / r->scale;
    if (p->numa->faults == NULL)
        p->numa->faults = p->numa->faults_room;
    f.membuf = numa_faults(k, p->numa, NUMA_MEMBUF, 0);
    return f;
}

sim_time
numa_fault_pages(struct kernel *k, struct rq *rq, struct task *p, struct region *r, uint32_t slice,
                 uint64_t first, uint64_t end)
{
    struct faults f = faults_begin(k, rq, p, r, slice, first);

    r->pids_active[1] |= numa_pid_bit(p);
    for (uint64_t page = first; page < end; page++)
        if (r->pages[page] & PAGE_MARKED)
            do_numa_page(&f, page);
    flush_moved(&f);
    region_unmarked(r, slice, f.nr);
    account(&f);
    count_faults(&f);
    region_changed(k, r, slice, f.nr_moved);
    return fault_cost(&f);
}

void
numa_fault_done(struct kernel *k, struct task *p)
{
    if (p->numa == NULL || !p->numa->move_wanted)
        return;
    p->numa->move_wanted = false;
    task_numa_migrate(k, p);
}
