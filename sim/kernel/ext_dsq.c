/*
 * Dispatch queues.
 *
 * A queue is a list in the order in which its tasks will run. The place of a task in a vtime queue
 * is found by a treap: a search tree by vtime that drawn priorities keep balanced; tasks of equal
 * vtime keep the order of insertion. Nothing is allocated: links are in the task.
 */
#include "kernel/ext_impl.h"

#include <errno.h>

static struct scx_task *
entry(const struct list *node)
{
    return (struct scx_task *)(void *)((char *)(uintptr_t)node - offsetof(struct scx_task, node));
}

void
dsq_init(struct scx_dsq *q, dsq_id id, int cpu)
{
    memset(q, 0, sizeof(*q));
    q->id = id;
    q->cpu = cpu;
    q->last_cpu = -1;
    list_init(&q->list);
}

struct scx_task *
dsq_first(const struct scx_dsq *q)
{
    return list_empty(&q->list) ? NULL : entry(q->list.next);
}

struct scx_task *
dsq_next(const struct scx_dsq *q, const struct scx_task *s, bool rev)
{
    const struct list *at = s != NULL ? &s->node : &q->list;
    const struct list *next = rev ? at->prev : at->next;

    return next == &q->list ? NULL : entry(next);
}

/* ---- finding ---- */

struct scx_dsq *
dsq_find_user(struct scx *x, dsq_id id)
{
    if (likely(id < SCX_DSQ_BUCKETS))
        return x->user[id];
    struct scx_dsq *q = x->buckets[rng_at(0, id) % SCX_DSQ_BUCKETS];

    while (q != NULL && q->id != id)
        q = q->next;
    return q;
}

struct scx_dsq *
dsq_global_of(struct scx *x, const struct task *p)
{
    return &x->global[x->k->rqs[p->cpu].node];
}

struct scx_dsq *
dsq_find_for(struct scx *x, int cpu, dsq_id id, const struct task *p)
{
    struct scx_dsq *q;

    if (id == SCX_DSQ_LOCAL)
        return &x->rqs[cpu].local;
    if ((id & SCX_DSQ_LOCAL_ON) == SCX_DSQ_LOCAL_ON) {
        int on = (int)(uint32_t)id;

        if (!scx_cpu_valid(x, on, "in SCX_DSQ_LOCAL_ON dispatch verdict"))
            return dsq_global_of(x, p);
        return &x->rqs[on].local;
    }
    q = id == SCX_DSQ_GLOBAL ? dsq_global_of(x, p) : dsq_find_user(x, id);
    if (unlikely(q == NULL)) {
        scx_ops_error(x, "non-existent DSQ 0x%llx for %s[%u]", (unsigned long long)id, p->name,
                      task_pid(p));
        return dsq_global_of(x, p);
    }
    return q;
}

/* ---- the tree ---- */

static bool
before(const struct scx_task *a, const struct scx_task *b)
{
    return (int64_t)(a->dsq_vtime - b->dsq_vtime) < 0;
}

static void
replace_child(struct scx_dsq *q, struct scx_task *parent, const struct scx_task *old,
              struct scx_task *new)
{
    if (parent == NULL)
        q->root = new;
    else if (parent->left == old)
        parent->left = new;
    else
        parent->right = new;
    if (new != NULL)
        new->parent = parent;
}

/* s takes the place of its parent, which becomes its child. */
static void
rotate_up(struct scx_dsq *q, struct scx_task *s)
{
    struct scx_task *up = s->parent, *moved;

    replace_child(q, up->parent, up, s);
    if (up->left == s) {
        moved = s->right;
        s->right = up;
        up->left = moved;
    } else {
        moved = s->left;
        s->left = up;
        up->right = moved;
    }
    if (moved != NULL)
        moved->parent = up;
    up->parent = s;
}

/* Returns the task after which s comes, or NULL: it is the first. */
static struct scx_task *
tree_insert(struct scx *x, struct scx_dsq *q, struct scx_task *s)
{
    struct scx_task *at = q->root, *up = NULL, *prev = NULL;
    bool left = false;

    while (at != NULL) {
        up = at;
        left = before(s, at);
        if (!left)
            prev = at;
        at = left ? at->left : at->right;
    }
    s->left = s->right = NULL;
    s->parent = up;
    s->tree_prio = (uint32_t)rng_at(1, x->tree_draws++);
    if (up == NULL)
        q->root = s;
    else if (left)
        up->left = s;
    else
        up->right = s;
    while (s->parent != NULL && s->parent->tree_prio < s->tree_prio)
        rotate_up(q, s);
    s->on_tree = true;
    return prev;
}

static void
tree_remove(struct scx_dsq *q, struct scx_task *s)
{
    while (s->left != NULL && s->right != NULL)
        rotate_up(q, s->left->tree_prio > s->right->tree_prio ? s->left : s->right);
    replace_child(q, s->parent, s, s->left != NULL ? s->left : s->right);
    s->parent = s->left = s->right = NULL;
    s->on_tree = false;
}

/* ---- in and out ---- */

/* A task has come to a local DSQ: does its CPU have to look? */
void
local_dsq_post_enq(struct scx *x, struct scx_dsq *q, struct scx_task *s, uint64_t enq_flags)
{
    struct scx_rq *er = &x->rqs[q->cpu];
    struct rq *rq = er->rq;
    bool preempt = false;

    if (er->in_balance || er->putting)
        return;
    if (enq_flags & SCX_ENQ_PREEMPT && rq->curr != NULL && rq->curr != s->p && is_ext(rq->curr)) {
        rq->curr->scx->slice = 0;
        preempt = true;
    }
    if (preempt || rq->curr == NULL)
        resched_curr(x->k, rq);
}

static void
insert_by_vtime(struct scx *x, struct scx_dsq *q, struct scx_task *s)
{
    if (unlikely(q->root == NULL && q->nr > 0))
        scx_ops_error(x, "DSQ ID 0x%016llx already had FIFO-enqueued tasks",
                      (unsigned long long)q->id);
    struct scx_task *prev = tree_insert(x, q, s);
    list_push_front(prev != NULL ? &prev->node : &q->list, &s->node);
}

static void
insert_fifo(struct scx *x, struct scx_dsq *q, struct scx_task *s, uint64_t enq_flags)
{
    if (unlikely(q->root != NULL))
        scx_ops_error(x, "DSQ ID 0x%016llx already had PRIQ-enqueued tasks",
                      (unsigned long long)q->id);
    if (enq_flags & (SCX_ENQ_HEAD | SCX_ENQ_PREEMPT))
        list_push_front(&q->list, &s->node);
    else
        list_push_back(&q->list, &s->node);
}

void
dsq_enqueue(struct scx *x, struct scx_dsq *q, struct scx_task *s, uint64_t enq_flags)
{
    sim_assert(s->dsq == NULL && list_empty(&s->node));
    if (unlikely(q->id & SCX_DSQ_BUILTIN && enq_flags & SCX_ENQ_PRIQ)) {
        scx_ops_error(x, "cannot use vtime ordering for built-in DSQs");
        enq_flags &= ~SCX_ENQ_PRIQ;
    }
    if (q->cpu < 0)
        scx_touch(x, &q->last_cpu, &q->last_touch);
    if (enq_flags & SCX_ENQ_PRIQ)
        insert_by_vtime(x, q, s);
    else
        insert_fifo(x, q, s, enq_flags);
    s->dsq_seq = ++q->seq;
    q->nr++;
    s->dsq = q;
    if (enq_flags & SCX_ENQ_CLEAR_OPSS)
        s->ops_state = SCX_OPSS_NONE;
    if (q->cpu >= 0)
        local_dsq_post_enq(x, q, s, enq_flags);
}

/* Iterations that stand at s go on to the next one. */
static void
iters_pass(struct scx *x, const struct scx_task *s)
{
    for (uint32_t i = 0; i < SCX_ITERS; i++)
        if (x->iters[i].dsq == s->dsq && x->iters[i].next == s)
            x->iters[i].next = dsq_next(s->dsq, s, x->iters[i].rev);
}

void
dsq_unlink(struct scx *x, struct scx_task *s)
{
    struct scx_dsq *q = s->dsq;

    if (unlikely(x->nr_iters > 0))
        iters_pass(x, s);
    if (s->on_tree)
        tree_remove(q, s);
    list_remove(&s->node);
    q->nr--;
    s->dsq = NULL;
}

void
dsq_dequeue(struct scx *x, struct scx_task *s)
{
    if (s->dsq != NULL)
        dsq_unlink(x, s);
    else if (!list_empty(&s->node))
        list_remove(&s->node); /* a deferred dispatch is off */
}

/* ---- user DSQs ---- */

int
scx_create_dsq(struct scx *x, dsq_id id, int node)
{
    (void)node;
    if (!scx_allowed(x, SCX_CTX_SLEEPABLE | SCX_CTX_UNLOCKED, "scx_create_dsq"))
        return -EPERM;
    if (id & SCX_DSQ_BUILTIN)
        return -EINVAL;
    if (dsq_find_user(x, id) != NULL)
        return -EEXIST;
    struct scx_dsq *q = arena_new_object(x->arena, struct scx_dsq);
    dsq_init(q, id, -1);
    struct scx_dsq **bucket = &x->buckets[rng_at(0, id) % SCX_DSQ_BUCKETS];
    q->next = *bucket;
    *bucket = q;
    if (id < SCX_DSQ_BUCKETS)
        x->user[id] = q;
    return 0;
}

void
scx_destroy_dsq(struct scx *x, dsq_id id)
{
    struct scx_dsq *q = dsq_find_user(x, id);
    struct scx_dsq **at = &x->buckets[rng_at(0, id) % SCX_DSQ_BUCKETS];

    if (q == NULL)
        return;
    if (q->nr > 0) {
        scx_ops_error(x, "attempting to destroy in-use dsq 0x%016llx (nr=%u)",
                      (unsigned long long)id, q->nr);
        return;
    }
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    if (id < SCX_DSQ_BUCKETS)
        x->user[id] = NULL;
}

void
dsq_destroy_all(struct scx *x)
{
    memset(x->buckets, 0, sizeof(x->buckets));
    memset(x->user, 0, sizeof(x->user));
}
