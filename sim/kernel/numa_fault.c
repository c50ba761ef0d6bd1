/*
 * Hinting faults (do_numa_page): a marked page is touched, and the kernel learns who uses it.
 *
 * A page moves to the faulting CPU's node if the policy says that it is misplaced and
 * should_numa_migrate_memory() agrees: at once early in a task's life, and otherwise only when two
 * recorded faults in a row came from the same node, or the task is alone with the page. As in the
 * kernel, a fault on a local page under the default policy leaves the tag alone, so "in a row"
 * means among remote faults.
 *
 * A stretch of pages faults in one go, and pages side by side that are alike are one unit, decided
 * upon once. The order within a fault is the kernel's: counters, tag and decision, migration,
 * group, placement, and then this fault is added. What changes later decisions is done for one page
 * alone: the first fault when the gate of the placement is open, and the first with a tag that may
 * make the task join a group. A fault that makes its task want to move ends the stretch: the task
 * pays, moves, and faults on at its new place.
 */
#include "kernel/numa_fault.h"

#include "kernel/ext.h"
#include "kernel/filemap.h"
#include "kernel/lru_batch.h"
#include "kernel/mempolicy.h"
#include "kernel/migration_wait.h"
#include "kernel/numa_misplaced.h"
#include "kernel/page_alloc.h"
#include "kernel/region.h"

static void
probe_fault(const struct faults *f, const struct numa_fault *one, uint64_t page, uint32_t last)
{
    struct kernel *k = f->k;
    const struct task_numa *n = f->one.p->numa;

    probe_input(k, "region", f->r->id);
    probe_input(k, "page", (int64_t)page);
    probe_input(k, "src", one->src);
    probe_input(k, "dst", f->one.rq->node);
    probe_input(k, "last_cpu", last == 0 ? -1 : numa_tag_cpu(k, last));
    probe_input(k, "last_pid", last == 0 ? -1 : numa_tag_pid(k, last));
    probe_input(k, "preferred", n->preferred);
    probe_input(k, "scan_seq", (int64_t)n->scan_seq);
    probe_input(k, "group", n->group != NULL ? n->group->gid : 0);
    if (n->group == NULL)
        return;
    probe_input(k, "cpu_src", (int64_t)group_faults_cpu(k, n->group, one->src));
    probe_input(k, "cpu_dst", (int64_t)group_faults_cpu(k, n->group, f->one.rq->node));
    probe_input(k, "mem_src", (int64_t)group_faults(k, n->group, one->src));
    probe_input(k, "mem_dst", (int64_t)group_faults(k, n->group, f->one.rq->node));
}

/* True: the pages are to move. f->one.tag: what their tag becomes. */
static inline __attribute__((always_inline)) bool
decide(struct faults *f, const struct page_unit *u, uint32_t nr, bool mine, bool timed)
{
    struct numa_fault *one = &f->one;

    one->src = u->node;
    one->np = u->np;
    one->tag = u->tag;
    bool move = numa_is_misplaced(f->k, one, mine, timed);

    if (unlikely(f->k->scx != NULL))
        move = ext_hint_fault(f->k, one->rq, one->p, u->node, (uint64_t)nr * u->np, move);
    if (probe_wants(f->k, DECISION_HINT_FAULT)) {
        probe_fault(f, one, u->first, u->tag);
        probe_input(f->k, "pages", (int64_t)nr * u->np);
    }
    return probe_decide(f->k, DECISION_HINT_FAULT, one->rule, one->p, one->rq->cpu, move) == 1 &&
           u->node != f->node;
}

static __attribute__((noinline)) void
tell_observers(const struct faults *f, int from)
{
    struct kernel *k = f->k;

    for (struct observer *o = k->observers; o != NULL; o = o->next)
        if (o->pages_migrate != NULL)
            o->pages_migrate(o->priv, k, f->one.p, from, f->node, f->from_pages[from]);
}

/* What others hear of pages that moved: bytes, observers. */
static inline void
tell_moved(const struct faults *f)
{
    for_each_node (from, f->from) {
        mm_copied(f->k, from, f->node, f->from_pages[from] * PAGE_4K);
        if (unlikely(f->k->observers != NULL))
            tell_observers(f, from);
    }
}

static inline void
count_from(struct faults *f, int from, uint64_t pages)
{
    if (!(f->from & NODE_BIT(from)))
        f->from_pages[from] = 0;
    f->from |= NODE_BIT(from);
    f->from_pages[from] += pages;
}

/* How many of nr pages can be taken to the task's node (migrate_misplaced_folio_prepare): none that
 * waits on a CPU's batch, and as many as there is room for. */
static inline uint32_t
movable(const struct faults *f, const struct page_unit *u, uint32_t nr)
{
    const struct mm_node *target = &f->k->mm->nodes[f->node];
    uint64_t room = 0;

    if (f->v->kind == VMA_FILE && !file_may_migrate(f->k, f->v, f->slice))
        return 0;
    nr -= u->np > 1 ? 0 : lru_waiting(f->k, f->r, u->first, nr, u->node, u->tag);
    if (target->free_pages > target->high_watermark)
        room = target->free_pages - target->high_watermark - 1;
    if (u->np > 1)
        room /= u->np;
    if (likely(room >= nr))
        return nr;
    migrate_check_room(f->k, f->node, u->np); /* kswapd may hear of it */
    return (uint32_t)room;
}

/* A page that a hinting fault has moved is mapped read-only, since its marked entry was not
 * writable. Memory of one process gets the right back by another fault, at the first write
 * (wp_page_reuse), which also forgets who used the page. Whoever writes at all does so before the
 * next scan. */
static inline bool
write_forgets(const struct faults *f, const struct page_unit *u)
{
    return u->np == 1 && f->v->kind == VMA_ANON && f->one.p->profile != NULL &&
           f->one.p->profile->write_q8 > 0 && numa_quirk(f->k, WRITE_FORGETS);
}

/* The cpuset of the task does not have the node. This comes out when the pages are unmapped and new
 * ones are asked for, so that it is a migration that failed, and leaves them mapped read-only. */
static __attribute__((noinline)) uint32_t
cpuset_refuses(struct faults *f, const struct page_unit *u, uint32_t nr)
{
    f->k->stats.pgmigrate_fail += (uint64_t)nr * u->np;
    f->k->stats.thp_migration_fail += u->np > 1 ? nr : 0;
    if (write_forgets(f, u))
        f->one.tag = 0;
    return 0;
}

/* As many of nr pages as can go to the task's node. How many went. */
static inline __attribute__((always_inline)) uint32_t
move_pages(struct faults *f, struct page_unit *u, uint32_t nr, bool timed)
{
    /* a page of a fast node has a tag: unset */
    uint32_t tag = timed || write_forgets(f, u) ? 0 : f->one.tag;
    uint64_t first = u->first, pages;

    nr = movable(f, u, nr);
    if (unlikely(nr == 0))
        return 0;
    if (unlikely(!(task_mems(f->k, f->one.p) & NODE_BIT(f->node))))
        return cpuset_refuses(f, u, nr);
    f->r->ops->settle(f->k, f->v->map, u, nr, f->node, tag);
    pages = (uint64_t)nr * u->np;
    count_from(f, u->node, pages);
    f->sums.moved += pages;
    u->first += pages;
    if (unlikely(timed))
        f->k->stats.pgpromote_success += pages;
    if (likely(u->np == 1)) {
        lru_add_tagged(f->k, f->one.rq->cpu, f->r, first, pages, f->node, tag);
        return nr;
    }
    lru_add(f->k, f->one.rq->cpu, f->r, first, pages, f->node, true);
    f->sums.huge_moved++;
    return nr;
}

/* Would the entry be writable again (can_change_pte_writable)? Memory that is only read groups
 * nobody (TNF_NO_GROUP). A page of a file that is clean is written to by way of another fault; what
 * a private mapping shows of a file is never written. */
static bool
is_writable(const struct faults *f)
{
    if (f->v->kind != VMA_FILE)
        return f->v->writable;
    return f->v->writable && f->v->shared && file_is_dirty(f->k, f->r, f->slice);
}

/* A fault on what somebody else used before may make the task join a group. */
static __attribute__((noinline)) int
classify_others(struct faults *f, uint32_t last)
{
    const struct kernel *k = f->k;

    if (!k->params.numa.private_weight)
        return NUMA_PRIVATE;
    if (!numa_tag_has_cpu(k, &f->one, last) || !is_writable(f))
        return NUMA_SHARED;
    return task_numa_group(f->k, f->one.p, numa_tag_cpu(k, last), numa_tag_pid(k, last),
                           f->v->shared && region_nr_mappers(f->r) > 1);
}

/* Shared between nodes that the group uses anyway: as good as local. */
static __attribute__((noinline)) bool
shared_is_local(const struct faults *f, int mem)
{
    const struct kernel *k = f->k;
    const struct numa_group *g = f->one.p->numa->group;

    return g != NULL && g->active_nodes > 1 && numa_is_active_node(k, g, f->node) &&
           numa_is_active_node(k, g, mem);
}

static __attribute__((noinline)) void
pass_gate(struct faults *f)
{
    task_numa_placement(f->k, f->one.rq, f->one.p);
    numa_migrate_preferred(f->k, f->one.p);
    f->gate_open = false;
}

/* task_numa_fault(): the gate of the next placement opens at most once in an instant, and what is
 * decided there does not know of this fault yet. Private or shared is told by the tag that the page
 * had (`mine`: numa_tag_is_mine()). */
static inline __attribute__((always_inline)) void
task_numa_fault(struct faults *f, uint32_t last, bool mine, int mem, bool local, uint64_t pages)
{
    if (numa_tag_stale(f->k, &f->one, last, mem)) /* as those that are times: `last` is 0 */
        return;
    int priv = last == 0 || mine ? NUMA_PRIVATE : classify_others(f, last);
    if (priv == NUMA_SHARED && !local)
        local = shared_is_local(f, mem);
    if (unlikely(f->gate_open))
        pass_gate(f);
    f->membuf[2 * mem + priv] += pages;
    f->sums.nr_kind[priv] += pages;
    f->sums.nr_local[local] += pages;
}

static inline void
count_fault(struct fault_sums *s, uint32_t nr, uint32_t np, bool local)
{
    s->nr += nr;
    if (unlikely(np > 1))
        s->nr_huge++;
    if (!local)
        return;
    s->nr_here += nr;
    s->here += (uint64_t)nr * np;
}

/* Pages of the unit that stay where they are, with the tag that was decided on. */
static inline void
stay(struct faults *f, struct page_unit *u, uint32_t nr)
{
    f->r->ops->settle(f->k, f->v->map, u, nr, u->node, f->one.tag);
    u->first += (uint64_t)nr * u->np;
}

/* There was no room for the last nr pages that were to move. */
static __attribute__((noinline)) void
fail_to_move(struct faults *f, struct page_unit *u, uint32_t nr, uint32_t last, bool mine,
             bool timed)
{
    uint64_t pages = (uint64_t)nr * u->np;
    bool local = u->node == f->node;

    if (!timed) /* those are not accounted */
        f->sums.failed += pages;
    stay(f, u, nr);
    task_numa_fault(f, last, mine, u->node, local, pages);
}

/* The next nr pages of the unit, which have one fate, but for those that there is no room for. */
static inline __attribute__((always_inline)) void
do_numa_pages(struct faults *f, struct page_unit *u, uint32_t nr, bool mine, bool timed)
{
    bool local = u->node == f->node;
    uint32_t last = timed ? 0 : u->tag;

    count_fault(&f->sums, nr, u->np, local);
    u->nr -= nr;
    if (!decide(f, u, nr, mine, timed)) {
        stay(f, u, nr);
        task_numa_fault(f, last, mine, u->node, local, (uint64_t)nr * u->np);
        return;
    }
    uint32_t moved = move_pages(f, u, nr, timed);
    if (likely(moved > 0))
        task_numa_fault(f, last, mine, f->node, false, (uint64_t)moved * u->np);
    if (unlikely(moved < nr))
        fail_to_move(f, u, nr - moved, last, mine, timed);
}

/* How many pages of the unit may be decided upon at once. */
static inline uint32_t
pages_alike(struct faults *f, const struct page_unit *u, bool mine, bool timed)
{
    bool others = u->tag != 0 && !mine && u->tag != f->asked;

    if (unlikely(others))
        f->asked = u->tag;
    if (unlikely(others || f->gate_open || timed))
        return 1;
    return u->np > 1 || f->r->ops->lot != NULL ? u->nr : lru_alike(f->k, f->r, u->first, u->nr);
}

/* The sums of a stretch. */
static inline void
account(const struct faults *f)
{
    struct task_numa *n = f->one.p->numa;
    uint64_t *cpubuf = numa_faults(f->k, n, NUMA_CPUBUF, f->node);

    cpubuf[NUMA_SHARED] += f->sums.nr_kind[NUMA_SHARED];
    cpubuf[NUMA_PRIVATE] += f->sums.nr_kind[NUMA_PRIVATE];
    n->locality[NUMA_LOCAL] += f->sums.nr_local[NUMA_LOCAL];
    n->locality[NUMA_REMOTE] += f->sums.nr_local[NUMA_REMOTE];
    n->locality[NUMA_FAILED] += f->sums.failed;
    n->pages_migrated += f->sums.moved;
}

static sim_time
fault_cost(const struct faults *f)
{
    const struct cost_params *c = &f->k->params.cost;
    const struct fault_sums *s = &f->sums;
    uint64_t small_moved = s->moved - s->huge_moved * CHUNK_PAGES;
    sim_time cost = (s->nr - s->nr_huge) * c->hint_fault +
                    small_moved * (c->page_migration + f->k->numa->copy_4k);

    if (s->nr_huge > 0)
        cost += s->nr_huge * c->hint_fault_huge +
                s->huge_moved * (c->page_migration_huge + f->k->numa->copy_2m);
    return cost;
}

static inline void
count_faults(const struct faults *f)
{
    struct kernel_stats *ks = &f->k->stats;
    struct process_stats *ps = &f->one.p->process->stats;
    bool once = numa_quirk(f->k, THP_COUNTS_ONCE);
    uint64_t all = f->sums.nr + (once ? 0 : f->sums.nr_huge * (CHUNK_PAGES - 1));
    uint64_t here = once ? f->sums.nr_here : f->sums.here;

    ks->pgfault += f->sums.nr;
    ks->numa_hint_faults += all;
    ks->numa_hint_faults_local += here;
    ks->numa_pages_migrated += f->sums.moved;
    ks->pgmigrate_success += f->sums.moved;
    ks->thp_migration_success += f->sums.huge_moved;
    ps->numa_hint_faults += all;
    ps->numa_hint_faults_local += here;
    ps->numa_pages_migrated += f->sums.moved;
    ps->remote_bytes += f->sums.moved * PAGE_4K;
}

/* One by one: of an object of this size compilers make a loop that takes as long as all the rest.
 */
static inline void
sums_clear(struct fault_sums *s)
{
    s->nr = s->nr_here = s->nr_huge = 0;
    s->here = s->moved = s->failed = s->huge_moved = 0;
    s->nr_kind[NUMA_SHARED] = s->nr_kind[NUMA_PRIVATE] = 0;
    s->nr_local[NUMA_REMOTE] = s->nr_local[NUMA_LOCAL] = 0;
}

static inline __attribute__((always_inline)) void
faults_begin(struct faults *f, struct kernel *k, struct rq *rq, struct task *p, struct vma *v,
             uint32_t slice)
{
    f->k = k;
    f->one.rq = rq;
    f->one.p = p;
    f->v = v;
    f->r = v->map->region;
    f->slice = slice;
    f->node = rq->node;
    f->one.policy = get_vma_policy(p, v);
    f->one.self = numa_tag_of(k, rq->cpu, p);
    sums_clear(&f->sums);
    f->from = 0;
    f->asked = 0;
    f->gate_open = jiffies(k) > p->numa->migrate_retry;
    if (unlikely(p->numa->faults == NULL))
        numa_faults_alloc(k, p->numa);
    f->membuf = numa_faults(k, p->numa, NUMA_MEMBUF, 0);
}

void
numa_faults_begin(struct faults *f, struct kernel *k, struct rq *rq, struct task *p, struct vma *v,
                  uint32_t slice)
{
    faults_begin(f, k, rq, p, v, slice);
}

void
numa_faults_take(struct faults *f, struct page_stretch *st)
{
    const struct task_numa *n = f->one.p->numa;
    struct page_unit u;

    while (st->at < st->end && !n->move_wanted && f->r->ops->marked_unit(f->v->map, st, &u)) {
        bool mine = numa_tag_is_mine(&f->one.self, u.tag);
        bool timed = numa_uses_access_time(f->k, u.node);

        while (u.nr > 0 && !n->move_wanted)
            do_numa_pages(f, &u, pages_alike(f, &u, mine, timed), mine, timed);
    }
}

static inline __attribute__((always_inline)) sim_time
faults_end(const struct faults *f)
{
    if (unlikely(f->sums.nr == 0))
        return 0;
    f->v->numab.pids_active[1] |= numa_pid_bit(f->one.p);
    tell_moved(f);
    account(f);
    count_faults(f);
    return fault_cost(f);
}

sim_time
numa_faults_end(const struct faults *f)
{
    return faults_end(f);
}

sim_time
numa_fault_pages(struct kernel *k, struct rq *rq, struct task *p, struct vma *v,
                 struct page_stretch st)
{
    struct faults f;

    faults_begin(&f, k, rq, p, v, region_slice_of(v->map->region, st.at));
    numa_faults_take(&f, &st);
    sim_time cost = faults_end(&f);
    region_changed(k, f.r, f.slice, f.sums.moved);
    return cost;
}

sim_time
numa_fault_isolated(struct kernel *k, struct rq *rq, struct task *p, struct vma *v, uint64_t page,
                    const struct in_migration *m)
{
    bool local = m->from == rq->node;
    uint32_t last = numa_uses_access_time(k, m->from) ? 0 : numa_tag(k, m->task->cpu, m->task);
    struct faults f;

    if (p->numa == NULL || v->kind == VMA_FILE)
        return 0;
    numa_faults_begin(&f, k, rq, p, v, region_slice_of(v->map->region, page));
    f.sums.nr = 1;
    f.sums.nr_here = f.sums.here = local;
    f.sums.failed = !local;
    task_numa_fault(&f, last, numa_tag_is_mine(&f.one.self, last), m->from, local, 1);
    return numa_faults_end(&f);
}

void
numa_fault_done(struct kernel *k, struct task *p)
{
    if (p->numa == NULL || !p->numa->move_wanted)
        return;
    p->numa->move_wanted = false;
    task_numa_migrate(k, p);
}

static int
only_node(nodemask nodes)
{
    return (nodes & (nodes - 1)) == 0 ? __builtin_ctzll(nodes) : -1;
}

void
numa_faults_hold_up(const struct faults *f, uint64_t first, uint64_t end, sim_time cost)
{
    const struct cost_params *c = &f->k->params.cost;
    uint64_t huge = f->sums.huge_moved, small = f->sums.moved - huge * CHUNK_PAGES;
    sim_time faults =
        (f->sums.nr - f->sums.nr_huge) * c->hint_fault + f->sums.nr_huge * c->hint_fault_huge;
    sim_time fixed = small * c->page_migration + huge * c->page_migration_huge;

    if (small + huge == 0)
        return;
    migration_begin(f->k, f->one.rq, f->one.p, f->r, f->slice,
                    &(struct in_migration){ .first = first,
                                            .end = end,
                                            .period = cost / (small + huge),
                                            .mapped = (faults + fixed / 2) / (small + huge),
                                            .map = f->v->map,
                                            .from = huge == 0 ? only_node(f->from) : -1,
                                            .until = cost });
}
