/*
 * Hinting faults (do_numa_page): a marked page is touched, and the kernel learns who uses it.
 *
 * A page moves to the faulting CPU's node if the policy says that it is misplaced and
 * should_numa_migrate_memory() agrees: at once early in a task's life, and otherwise only when two
 * recorded faults in a row came from the same node, or the task is alone with the page. As in the
 * kernel, a fault on a local page under the default policy leaves the tag alone, so "in a row"
 * means among remote faults.
 *
 * A stretch of pages faults in one go. The order within each fault is the kernel's: counters, tag
 * and decision, migration, group, placement, and then this fault is added. A fault that makes its
 * task want to move ends the stretch: the task pays, moves, and faults on at its new place.
 */
#include "kernel/numa_group.h"
#include "kernel/numa_tier.h"
#include "kernel/region.h"

/* A stretch of pages of one slice that fault one after the other. */
struct faults {
    struct kernel *k;
    struct rq *rq;
    struct task *p;
    struct vma *v;
    struct region *r;
    uint32_t slice;
    const struct mempolicy *policy;
    uint64_t nr, nr_here, nr_moved, nr_failed;
    uint64_t nr_kind[2], nr_local[2]; /* accounted: by NUMA_SHARED/PRIVATE, NUMA_REMOTE/LOCAL */
    uint64_t *membuf;                 /* [node][priv] */
    uint64_t room;                    /* pages that may still move here */
    int from;                         /* of the pages moved last */
    uint64_t from_pages;
    bool placed;
};

static void
probe_fault(const struct faults *f, const struct numa_fault *one, uint64_t page, uint32_t last)
{
    struct kernel *k = f->k;
    const struct task_numa *n = f->p->numa;

    probe_input(k, "region", f->r->id);
    probe_input(k, "page", (int64_t)page);
    probe_input(k, "src", one->src);
    probe_input(k, "dst", f->rq->node);
    probe_input(k, "last_cpu", last == 0 ? -1 : numa_tag_cpu(k, last));
    probe_input(k, "last_pid", last == 0 ? -1 : numa_tag_pid(k, last));
    probe_input(k, "preferred", n->preferred);
    probe_input(k, "scan_seq", (int64_t)n->scan_seq);
    probe_input(k, "group", n->group != NULL ? n->group->gid : 0);
    if (n->group == NULL)
        return;
    probe_input(k, "cpu_src", (int64_t)group_faults_cpu(k, n->group, one->src));
    probe_input(k, "cpu_dst", (int64_t)group_faults_cpu(k, n->group, f->rq->node));
    probe_input(k, "mem_src", (int64_t)group_faults(k, n->group, one->src));
    probe_input(k, "mem_dst", (int64_t)group_faults(k, n->group, f->rq->node));
}

/* True: the page is to move. Its tag is changed by the way. */
static bool
decide(const struct faults *f, uint64_t page, uint32_t *word)
{
    uint32_t last = *word >> PAGE_TAG_SHIFT;
    struct numa_fault one = { .rq = f->rq,
                              .p = f->p,
                              .policy = f->policy,
                              .src = page_node(*word),
                              .np = f->r->scale,
                              .tag = last };
    bool move = numa_misplaced(f->k, &one);

    if (one.tag != last)
        *word = (*word & ((1u << PAGE_TAG_SHIFT) - 1)) | one.tag << PAGE_TAG_SHIFT;
    if (probe_wants(f->k, DECISION_HINT_FAULT))
        probe_fault(f, &one, page, last);
    return probe_decide(f->k, DECISION_HINT_FAULT, one.rule, f->p, f->rq->cpu, move) == 1 &&
           one.src != f->rq->node;
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

/* Private or shared, by the tag that the page had; a shared fault may make the task join a group.
 */
static int
classify(struct faults *f, uint32_t last)
{
    const struct kernel *k = f->k;
    bool read_only = false; /* such pages say nothing about who works together */

    if (last == 0 || numa_tag_matches(k, last, f->p) || !k->params.numa.private_weight)
        return NUMA_PRIVATE;
    if (read_only || numa_tag_cpu(k, last) >= (int)k->machine->nr_cpus)
        return NUMA_SHARED;
    return task_numa_group(f->k, f->p, numa_tag_cpu(k, last), numa_tag_pid(k, last),
                           f->r->sharing == REGION_GLOBAL);
}

/* Shared between nodes that the group uses anyway: as good as local. */
static bool
counts_as_local(const struct faults *f, int mem, int priv, bool local)
{
    const struct kernel *k = f->k;
    const struct numa_group *g = f->p->numa->group;

    return local || (priv == NUMA_SHARED && g != NULL && g->active_nodes > 1 &&
                     numa_is_active_node(k, g, f->rq->node) && numa_is_active_node(k, g, mem));
}

/* task_numa_fault(): the gate of the next placement opens at most once in an instant, and what is
 * decided there does not know of this fault yet. */
static void
task_numa_fault(struct faults *f, uint32_t last, int mem, bool local)
{
    struct kernel *k = f->k;

    if (numa_uses_access_time(k, mem))
        return;
    int priv = classify(f, last);
    local = counts_as_local(f, mem, priv, local);
    if (!f->placed && jiffies(k) > f->p->numa->migrate_retry) {
        task_numa_placement(k, f->rq, f->p);
        numa_migrate_preferred(k, f->p);
        f->placed = true;
    }
    f->membuf[2 * mem + priv] += f->r->scale;
    f->nr_kind[priv]++;
    f->nr_local[local]++;
}

static void
do_numa_page(struct faults *f, uint64_t page)
{
    mapping_unmark(f->v->map, page);
    uint32_t word = f->r->pages[page];
    bool timed = numa_uses_access_time(f->k, page_node(word));
    uint32_t last = timed ? 0 : word >> PAGE_TAG_SHIFT;
    bool local = page_node(word) == f->rq->node;

    f->nr++;
    f->nr_here += local;
    bool moved = decide(f, page, &word) && move_page(f, &word);
    if (moved && timed) {
        word &= (1u << PAGE_TAG_SHIFT) - 1; /* a page of a fast node has a tag: unset */
        f->k->stats.pgpromote_success += f->r->scale;
    }
    f->r->pages[page] = word;
    if (moved && f->r->maps->next != NULL)
        region_moved_unmark(f->r, f->slice, page, f->v->map);
    task_numa_fault(f, last, page_node(word), local);
}

/* The sums of a stretch. */
static void
account(const struct faults *f)
{
    struct task_numa *n = f->p->numa;
    uint64_t *cpubuf = numa_faults(f->k, n, NUMA_CPUBUF, f->rq->node);
    uint64_t np = f->r->scale;

    cpubuf[NUMA_SHARED] += f->nr_kind[NUMA_SHARED] * np;
    cpubuf[NUMA_PRIVATE] += f->nr_kind[NUMA_PRIVATE] * np;
    n->locality[NUMA_LOCAL] += f->nr_local[NUMA_LOCAL] * np;
    n->locality[NUMA_REMOTE] += f->nr_local[NUMA_REMOTE] * np;
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
    uint64_t np = numa_quirk(f->k, THP_COUNTS_ONCE) ? 1 : f->r->scale;

    ks->numa_hint_faults += f->nr * np;
    ks->numa_hint_faults_local += f->nr_here * np;
    ks->numa_pages_migrated += pages;
    ks->pgmigrate_success += pages;
    ps->numa_hint_faults += f->nr * np;
    ps->numa_hint_faults_local += f->nr_here * np;
    ps->numa_pages_migrated += pages;
    ps->remote_bytes += pages * PAGE_4K;
}

static struct faults
faults_begin(struct kernel *k, struct rq *rq, struct task *p, struct vma *v, uint32_t slice)
{
    struct region *r = v->map->region;
    struct faults f = { .k = k, .rq = rq, .p = p, .v = v, .r = r, .slice = slice };
    const struct mm_node *target = &k->mm->nodes[rq->node];

    f.policy = get_vma_policy(p, v);
    if (target->free_pages > target->high_watermark + r->scale)
        f.room = (target->free_pages - target->high_watermark - 1) / r->scale;
    numa_faults_alloc(k, p->numa);
    f.membuf = numa_faults(k, p->numa, NUMA_MEMBUF, 0);
    return f;
}

sim_time
numa_fault_pages(struct kernel *k, struct rq *rq, struct task *p, struct vma *v, uint32_t slice,
                 uint64_t first, uint64_t end)
{
    struct faults f = faults_begin(k, rq, p, v, slice);

    v->numab.pids_active[1] |= numa_pid_bit(p);
    for (uint64_t page = first; page < end && !p->numa->move_wanted; page++)
        if (mapping_page_marked(v->map, page))
            do_numa_page(&f, page);
    flush_moved(&f);
    mapping_unmarked(v->map, slice, f.nr);
    account(&f);
    count_faults(&f);
    region_changed(k, f.r, slice, f.nr_moved);
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
