/*
 * What policies call to queue tasks: insertions, moves, iterations (sched-ext.md 4 and 8).
 */
#include "kernel/ext_impl.h"

#include <errno.h>

static bool
may_insert(struct scx *x, const struct task *p, uint64_t enq_flags)
{
    scx_cost(x);
    if (!scx_allowed(x, SCX_CTX_ENQUEUE | SCX_CTX_DISPATCH, "scx_dsq_insert"))
        return false;
    if (p == NULL) {
        scx_ops_error(x, "called with NULL task");
        return false;
    }
    if (enq_flags & SCX_ENQ_INTERNAL) {
        scx_ops_error(x, "invalid enq_flags 0x%llx", (unsigned long long)enq_flags);
        return false;
    }
    return p->scx != NULL;
}

/* A slice that a running task is given counts at once, from its last tick on. */
static void
give_slice(struct scx *x, struct task *p, uint64_t slice)
{
    rq_catch_up(x->k, &x->k->rqs[p->cpu]);
    p->scx->slice = slice != 0 ? slice : SIM_MAX(p->scx->slice, 1);
    if (unlikely(x->k->rqs[p->cpu].curr == p))
        tick_update(x->k, &x->k->rqs[p->cpu]);
}

/* In select_cpu and enqueue: of the task that it is about, once. */
static void
mark_direct_dispatch(struct scx *x, struct task *p, dsq_id id, uint64_t enq_flags)
{
    bool spoiled = x->ddsp_spoiled;

    x->ddsp_spoiled = true;
    if (spoiled) {
        scx_ops_error(x, "%s[%u] already direct-dispatched", p->name, task_pid(p));
    } else if (p != x->ddsp_task) {
        scx_ops_error(x, "scheduling for %s[%u] but trying to direct-dispatch %s[%u]",
                      x->ddsp_task->name, task_pid(x->ddsp_task), p->name, task_pid(p));
    } else {
        p->scx->ddsp_dsq_id = id;
        p->scx->ddsp_enq_flags = enq_flags;
    }
}

static void
commit(struct scx *x, struct task *p, dsq_id id, uint64_t enq_flags)
{
    struct scx_rq *er = scx_rq_of(x, x->k->this_cpu);
    const struct scx_task *s = p->scx;

    if (x->ddsp_task != NULL) {
        mark_direct_dispatch(x, p, id, enq_flags);
    } else if (er->cursor >= x->max_batch) {
        scx_ops_error(x, "dispatch buffer overflow");
    } else {
        er->buf[er->cursor++] = (struct scx_verdict){
            .p = p,
            .qseq = s->ops_state == SCX_OPSS_QUEUED ? s->ops_qseq : 0,
            .enq_flags = enq_flags,
            .id = id,
        };
    }
}

void
scx_dsq_insert(struct scx *x, struct task *p, dsq_id id, uint64_t slice, uint64_t enq_flags)
{
    if (!may_insert(x, p, enq_flags))
        return;
    give_slice(x, p, slice);
    commit(x, p, id, enq_flags);
}

void
scx_dsq_insert_vtime(struct scx *x, struct task *p, dsq_id id, uint64_t slice, uint64_t vtime,
                     uint64_t enq_flags)
{
    if (!may_insert(x, p, enq_flags))
        return;
    give_slice(x, p, slice);
    p->scx->dsq_vtime = vtime;
    commit(x, p, id, enq_flags | SCX_ENQ_PRIQ);
}

uint32_t
scx_dispatch_nr_slots(struct scx *x)
{
    scx_cost(x);
    if (!scx_allowed(x, SCX_CTX_DISPATCH, "scx_dispatch_nr_slots"))
        return 0;
    return x->max_batch - x->rqs[x->k->this_cpu].cursor;
}

void
scx_dispatch_cancel(struct scx *x)
{
    struct scx_rq *er = scx_rq_of(x, x->k->this_cpu);

    scx_cost(x);
    if (!scx_allowed(x, SCX_CTX_DISPATCH, "scx_dispatch_cancel"))
        return;
    if (er->cursor > 0)
        er->cursor--;
    else
        scx_ops_error(x, "dispatch buffer underflow");
}

bool
scx_dsq_move_to_local(struct scx *x, dsq_id id)
{
    struct scx_rq *er = scx_rq_of(x, x->k->this_cpu);

    scx_cost(x);
    if (!scx_allowed(x, SCX_CTX_DISPATCH, "scx_dsq_move_to_local"))
        return false;
    flush_verdicts(x, er);
    struct scx_dsq *q = id & SCX_DSQ_BUILTIN ? NULL : dsq_find_user(x, id);
    if (q == NULL) {
        scx_ops_error(x, "invalid DSQ ID 0x%016llx", (unsigned long long)id);
        return false;
    }
    if (!consume_dsq(x, er->rq, q))
        return false;
    er->nr_dispatched++;
    return true;
}

int
scx_dsq_nr_queued(struct scx *x, dsq_id id)
{
    const struct scx_dsq *q = NULL;

    scx_cost(x);
    if (id == SCX_DSQ_LOCAL)
        q = &x->rqs[x->k->this_cpu].local;
    else if ((id & SCX_DSQ_LOCAL_ON) == SCX_DSQ_LOCAL_ON)
        q = scx_cpu_valid(x, (int)(uint32_t)id, NULL) ? &x->rqs[(uint32_t)id].local : NULL;
    else if (!(id & SCX_DSQ_BUILTIN))
        q = dsq_find_user(x, id);
    return q != NULL ? (int)q->nr : -ENOENT;
}

struct task *
scx_dsq_peek(struct scx *x, dsq_id id)
{
    const struct scx_dsq *q = id & SCX_DSQ_BUILTIN ? NULL : dsq_find_user(x, id);

    scx_cost(x);
    if (q == NULL) {
        scx_ops_error(x, "peek on non-existent DSQ 0x%llx", (unsigned long long)id);
        return NULL;
    }
    return q->nr > 0 ? dsq_first(q)->p : NULL;
}

/* Those that wait now are taken off one by one; enqueue may put them back. */
uint32_t
scx_reenqueue_local(struct scx *x)
{
    struct scx_rq *er = scx_rq_of(x, x->k->this_cpu);
    struct scx_task *s;
    struct list taken;
    uint32_t nr = 0;

    scx_cost(x);
    if (!scx_allowed(x, SCX_CTX_CPU_RELEASE, "scx_reenqueue_local"))
        return 0;
    list_init(&taken);
    while ((s = dsq_first(&er->local)) != NULL) {
        dsq_unlink(x, s);
        list_push_back(&taken, &s->node);
    }
    while (!list_empty(&taken)) {
        s = list_entry(taken.next, struct scx_task, node);
        list_remove(&s->node);
        do_enqueue_task(x, er->rq, s, SCX_ENQ_REENQ, -1);
        nr++;
    }
    return nr;
}

/* ---- iterations ---- */

struct iter_state { /* in scx_dsq_iter.opaque */
    uint64_t slot;  /* of x->iters, + 1 */
    uint64_t slice, vtime, has_slice, has_vtime;
};
_Static_assert(sizeof(struct iter_state) <= sizeof(struct scx_dsq_iter), "it has room");

int
scx_dsq_iter_new(struct scx *x, struct scx_dsq_iter *it, dsq_id id, uint64_t flags)
{
    struct iter_state *st = (struct iter_state *)(void *)it;
    struct scx_dsq *q = id & SCX_DSQ_BUILTIN ? NULL : dsq_find_user(x, id);

    scx_cost(x);
    memset(it, 0, sizeof(*it));
    if (flags & ~(uint64_t)SCX_DSQ_ITER_REV)
        return -EINVAL;
    if (q == NULL)
        return -ENOENT;
    for (uint32_t i = 0; i < SCX_ITERS; i++)
        if (x->iters[i].dsq == NULL) {
            bool rev = flags & SCX_DSQ_ITER_REV;

            x->iters[i] = (struct scx_iter){ q, dsq_next(q, NULL, rev), q->seq, rev };
            x->nr_iters++;
            st->slot = i + 1;
            return 0;
        }
    return -EBUSY;
}

static struct scx_iter *
iter_of(struct scx *x, const struct scx_dsq_iter *it)
{
    const struct iter_state *st = (const struct iter_state *)(const void *)it;

    return st->slot != 0 && st->slot <= SCX_ITERS && x->iters[st->slot - 1].dsq != NULL
               ? &x->iters[st->slot - 1]
               : NULL;
}

/* Queued after the iteration began. */
static bool
is_later(const struct scx_iter *i, const struct scx_task *s)
{
    return (int32_t)(s->dsq_seq - i->seq) > 0;
}

struct task *
scx_dsq_iter_next(struct scx *x, struct scx_dsq_iter *it)
{
    struct scx_iter *i = iter_of(x, it);
    struct scx_task *s;

    scx_cost(x);
    if (i == NULL)
        return NULL;
    for (s = i->next; s != NULL && is_later(i, s);)
        s = dsq_next(i->dsq, s, i->rev);
    i->next = s != NULL ? dsq_next(i->dsq, s, i->rev) : NULL;
    return s != NULL ? s->p : NULL;
}

void
scx_dsq_iter_destroy(struct scx *x, struct scx_dsq_iter *it)
{
    struct scx_iter *i = iter_of(x, it);

    if (i == NULL)
        return;
    i->dsq = NULL;
    x->nr_iters--;
}

void
scx_dsq_move_set_slice(struct scx *x, struct scx_dsq_iter *it, uint64_t slice)
{
    struct iter_state *st = (struct iter_state *)(void *)it;

    (void)x;
    st->slice = slice;
    st->has_slice = 1;
}

void
scx_dsq_move_set_vtime(struct scx *x, struct scx_dsq_iter *it, uint64_t vtime)
{
    struct iter_state *st = (struct iter_state *)(void *)it;

    (void)x;
    st->vtime = vtime;
    st->has_vtime = 1;
}

static bool
move(struct scx *x, struct scx_dsq_iter *it, struct task *p, dsq_id id, uint64_t enq_flags)
{
    struct iter_state *st = (struct iter_state *)(void *)it;
    struct scx_iter *i = iter_of(x, it);
    struct scx_task *s = p->scx;
    bool moved = false;

    scx_cost(x);
    if (i == NULL || !scx_allowed(x, SCX_CTX_DISPATCH | SCX_CTX_UNLOCKED, "scx_dsq_move"))
        return false;
    if (s->dsq == i->dsq && !is_later(i, s)) {
        struct scx_dsq *to = dsq_find_for(x, x->k->this_cpu, id, p);

        if (st->has_vtime)
            s->dsq_vtime = st->vtime;
        if (st->has_slice)
            s->slice = st->slice;
        moved = move_between_dsqs(x, s, to, enq_flags);
    }
    st->has_slice = st->has_vtime = 0;
    return moved;
}

bool
scx_dsq_move(struct scx *x, struct scx_dsq_iter *it, struct task *p, dsq_id id, uint64_t enq_flags)
{
    return move(x, it, p, id, enq_flags & ~SCX_ENQ_INTERNAL);
}

bool
scx_dsq_move_vtime(struct scx *x, struct scx_dsq_iter *it, struct task *p, dsq_id id,
                   uint64_t enq_flags)
{
    return move(x, it, p, id, (enq_flags & ~SCX_ENQ_INTERNAL) | SCX_ENQ_PRIQ);
}
