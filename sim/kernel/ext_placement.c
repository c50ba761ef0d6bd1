/*
 * Placement hooks: what a programmable policy says about pages. Linux has none of this; each hook
 * is asked where the kernel's own rules have come to a decision, and may take another one. A policy
 * that is bypassed, or a task that is not its own, has no say.
 */
#include "kernel/ext_impl.h"
#include "kernel/hotplug.h"
#include "kernel/mempolicy.h"
#include "kernel/migrate.h"

static struct scx *
asked(const struct kernel *k, const struct task *p, enum scx_op op)
{
    struct scx *x = k->scx;

    return x != NULL && (x->has_op & UINT64_C(1) << op) && !scx_bypassing(x) && is_ext(p) ? x
                                                                                          : NULL;
}

bool
ext_places_pages(const struct kernel *k)
{
    const uint64_t hooks = UINT64_C(1) << SCX_OP_hint_fault | UINT64_C(1) << SCX_OP_scan;

    return k->scx != NULL && (k->scx->has_op & hooks) != 0;
}

int
ext_alloc_node(struct kernel *k, struct rq *rq, struct task *p, nodemask usable, uint64_t pages,
               uint32_t scale, int node)
{
    struct scx *x = asked(k, p, SCX_OP_alloc);
    int said = -1;

    if (x == NULL)
        return node;
    const struct scx_alloc_args args = {
        .cpu = rq->cpu, .node = node, .pages = pages * scale, .usable = usable
    };
    k->this_cpu = rq->cpu;
    SCX_CALL_RET(x, said, alloc, p, p, &args);
    if (said < 0)
        return node;
    if (said >= NODE_MAX || !(usable & NODE_BIT(said))) {
        scx_ops_error(x, "ops.alloc() chose node %d, which is not usable for %s[%u]", said, p->name,
                      task_pid(p));
        return node;
    }
    return k->mm->nodes[said].free_pages >= scale ? said : node;
}

bool
ext_hint_fault(struct kernel *k, struct rq *rq, struct task *p, int page_node, uint64_t pages,
               bool move)
{
    struct scx *x = asked(k, p, SCX_OP_hint_fault);
    int said = -1;

    if (x == NULL)
        return move;
    const struct scx_hint_fault_args args = { .cpu = rq->cpu,
                                              .cpu_node = rq->node,
                                              .page_node = page_node,
                                              .pages = pages,
                                              .migrate = move };
    k->this_cpu = rq->cpu;
    SCX_CALL_RET(x, said, hint_fault, p, p, &args);
    return said < 0 ? move : said != 0;
}

int64_t
ext_scan_pages(struct kernel *k, struct rq *rq, struct task *p, int64_t pages)
{
    struct scx *x = asked(k, p, SCX_OP_scan);
    int64_t said = -1;

    if (x == NULL)
        return pages;
    k->this_cpu = rq->cpu;
    SCX_CALL_RET(x, said, scan, p, p, (uint64_t)pages);
    return said < 0 ? pages : said;
}

/* Pages cannot move while a run queue is locked: then when the CPU has chosen, as work that it owes
 * before it goes on. A task has one such order, the last. */
static void
move_later(struct scx *x, struct scx_task *s, int from, int to, uint64_t pages)
{
    s->move_from = (int16_t)from;
    s->move_to = (int16_t)to;
    s->move_pages = pages;
    s->move_cpu = x->frame->cpu;
    if (s->move_due)
        return;
    s->move_due = true;
    s->next_move = x->move_due;
    x->move_due = s;
    engine_at(&x->k->engine, &x->move_ev, x->k->engine.now);
}

void
scx_move_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct scx *x = k->scx;
    (void)ev;

    while (x->move_due != NULL) {
        struct scx_task *s = x->move_due;
        sim_time cost = 0;

        x->move_due = s->next_move;
        s->move_due = false;
        if (s->p->state == TASK_DEAD || s->p->mm == NULL || !x->enabled)
            continue;
        k->this_cpu = hotplug_interrupt_cpu(k, s->move_cpu);
        migrate_some(k, s->p, s->move_from, s->move_to, s->move_pages, k->this_cpu, &cost);
        if (cost > 0)
            scx_charge_now(x, scx_rq_of(x, k->this_cpu), cost);
    }
}

uint64_t
scx_migrate_pages(struct scx *x, struct task *p, int from, int to, uint64_t pages)
{
    struct kernel *k = x->k;
    int nodes = (int)k->machine->nr_nodes;
    sim_time cost = 0;

    scx_cost(x);
    if (x->frame == NULL || p->scx == NULL || from < 0 || from >= nodes || to < 0 || to >= nodes ||
        from == to || p->mm == NULL || !(task_mems(k, p) & NODE_BIT(to)))
        return 0;
    if (scx_rq_of(x, x->frame->cpu)->in_cycle) {
        move_later(x, p->scx, from, to, pages);
        return 0;
    }
    uint64_t moved = migrate_some(k, p, from, to, pages, x->frame->cpu, &cost);
    x->frame->cost += cost;
    return moved;
}
