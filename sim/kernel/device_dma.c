/*
 * Transfers between memory and a device: one direction of its link.
 *
 * Operations are sent one after the other, in order. The one under way is a flow; the memory model
 * says how fast it is, and the event at its end moves with the rate. Bytes are counted exactly:
 * elapsed nanoseconds times bytes a second, with the remainder carried on. They are dealt to the
 * nodes by their shares of what has moved so far, so that settling in the middle, as observers of
 * the end of a run do, changes no sum.
 */
#include "kernel/check.h"
#include "kernel/device_impl.h"
#include "kernel/mm.h"

__extension__ typedef unsigned __int128 u128;

enum { NS_PER_SECOND = 1000000000 };

static struct device_op *
first(const struct dma *dma)
{
    return list_entry(dma->waiting.next, struct device_op, node);
}

static uint64_t
bytes_of(const struct dma *dma, const struct device_op *op)
{
    return dma->flow.out ? op->rq.bytes_out : op->rq.bytes_in;
}

/* ---- books ---- */

static void
move_of(struct dma *dma, struct device_op *op, int node, uint64_t upto)
{
    struct kernel *k = dma->device->k;
    uint64_t bytes = upto - dma->moved_of[node];
    int there = dma->flow.node;

    dma->moved_of[node] = upto;
    if (dma->flow.out)
        mm_traffic(k, there, node, bytes);
    else
        mm_traffic(k, node, there, bytes);
    mm_served(k, node, dma->flow.out ? 0 : bytes, dma->flow.out ? bytes : 0);
    if (dma->flow.node_memory)
        mm_served(k, there, dma->flow.out ? bytes : 0, dma->flow.out ? 0 : bytes);
    if (node != there)
        op->rq.task->process->stats.remote_bytes += bytes;
}

/* So many bytes more have gone. What rounding leaves is the last node's when all are through. */
static void
move(struct dma *dma, uint64_t bytes)
{
    struct device_op *op = first(dma);
    uint64_t sum = 0;
    int last = -1;

    dma->left -= bytes;
    dma->moved += bytes;
    for_each_node (n, op->rq.nodes) {
        uint64_t upto = mul_div_u64(dma->moved, op->rq.share_q16[n], 65536);

        sum += upto;
        last = n;
        move_of(dma, op, n, upto);
    }
    if (dma->left == 0 && last >= 0)
        move_of(dma, op, last, dma->moved_of[last] + dma->moved - sum);
}

void
dma_settle(struct dma *dma)
{
    sim_time now = dma->device->k->engine.now, elapsed = now - dma->at;

    dma->at = now;
    if (list_empty(&dma->waiting) || elapsed == 0 || dma->flow.rate == 0)
        return;
    u128 sum = (u128)elapsed * dma->flow.rate + dma->fraction;
    uint64_t bytes = (uint64_t)(sum / NS_PER_SECOND);
    dma->fraction = (uint64_t)(sum % NS_PER_SECOND);
    move(dma, SIM_MIN(bytes, dma->left));
}

static void
flow_settle(struct kernel *k, struct flow *f)
{
    (void)k;
    dma_settle(container_of(f, struct dma, flow));
}

/* ---- one after the other ---- */

static void
reprice(struct dma *dma)
{
    struct engine *eng = &dma->device->k->engine;
    u128 units = (u128)dma->left * NS_PER_SECOND;

    if (dma->flow.rate == 0)
        return;
    units -= SIM_MIN((u128)dma->fraction, units);
    u128 ns = (units + dma->flow.rate - 1) / dma->flow.rate;
    engine_at(eng, &dma->ev, ns < SIM_NEVER / 2 ? eng->now + (sim_time)ns : SIM_NEVER - 1);
}

static void
flow_repriced(struct kernel *k, struct flow *f)
{
    (void)k;
    reprice(container_of(f, struct dma, flow));
}

static bool
same_way(const struct flow *f, const struct device_request *rq)
{
    if (f->want == 0 || f->nodes != rq->nodes)
        return false;
    for_each_node (n, rq->nodes)
        if (f->share_q16[n] != rq->share_q16[n])
            return false;
    return true;
}

/* The next one sets out. One that goes the same way as the last goes on at its rate. */
static void
begin(struct dma *dma)
{
    struct kernel *k = dma->device->k;
    struct device_op *op = first(dma);

    dma->at = k->engine.now;
    dma->left = bytes_of(dma, op);
    dma->moved = dma->fraction = 0;
    for_each_node (n, op->rq.nodes)
        dma->moved_of[n] = 0;
    if (same_way(&dma->flow, &op->rq)) {
        reprice(dma);
        return;
    }
    dma->flow.nodes = op->rq.nodes;
    memcpy(dma->flow.share_q16, op->rq.share_q16, sizeof(dma->flow.share_q16));
    flow_set(k, &dma->flow, dma->device->spec->bandwidth);
}

void
dma_add(struct dma *dma, struct device_op *op)
{
    bool idle = list_empty(&dma->waiting);

    list_push_back(&dma->waiting, &op->node);
    if (idle)
        begin(dma);
}

static void
dma_fire(struct engine *eng, struct event *ev)
{
    struct dma *dma = container_of(ev, struct dma, ev);
    struct device_op *op = first(dma);
    (void)eng;

    dma_settle(dma);
    sim_assert(dma->left == 0);
    list_remove(&op->node);
    if (list_empty(&dma->waiting))
        flow_set(dma->device->k, &dma->flow, 0);
    else
        begin(dma);
    if (dma->flow.out)
        device_op_left(dma->device, op);
    else
        device_op_ready(dma->device, op);
}

void
dma_init(struct device *d, struct dma *dma, uint32_t index, bool out)
{
    const struct machine *m = d->k->machine;

    dma->device = d;
    list_init(&dma->waiting);
    dma->flow = (struct flow){
        .node = d->spec->node,
        .out = out,
        .node_memory = m->nodes[d->spec->node].kind == MEMORY_GPU,
        .settle = flow_settle,
        .repriced = flow_repriced,
    };
    event_init(&d->k->engine, &dma->ev, EVENT_DEVICE, index, PHASE_COMPLETE, dma_fire);
}

const char *
dma_check(const struct dma *dma)
{
    bool idle = list_empty(&dma->waiting);
    uint64_t upto = 0;

    RULE(idle == (dma->flow.want == 0));
    RULE(dma->flow.rate <= dma->flow.want);
    RULE(!idle || !engine_pending(&dma->device->k->engine, &dma->ev));
    if (idle)
        return NULL;
    RULE(dma->moved + dma->left == bytes_of(dma, first(dma)));
    for_each_node (n, first(dma)->rq.nodes)
        upto += dma->moved_of[n];
    RULE(upto <= dma->moved);
    return NULL;
}
