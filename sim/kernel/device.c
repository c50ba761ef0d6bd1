/*
 * Devices: the stages of an operation and the books of each device. What a device is and what is
 * assumed stands in device.h.
 */
#include "kernel/check.h"
#include "kernel/device_impl.h"

static void device_fire(struct engine *eng, struct event *ev);

/* ---- books ---- */

static void
settle(struct device *d)
{
    sim_time now = d->k->engine.now, elapsed = now - d->at;

    d->at = now;
    d->stats.service_ns += elapsed * d->nr_running;
    d->stats.busy_ns += d->nr_in_flight > 0 ? elapsed : 0;
}

void
devices_settle(struct kernel *k)
{
    for (uint32_t i = 0; i < devices_nr(k); i++) {
        settle(&k->devices->all[i]);
        dma_settle(&k->devices->all[i].in);
        dma_settle(&k->devices->all[i].out);
    }
}

void
devices_reset_stats(struct kernel *k)
{
    for (uint32_t i = 0; i < devices_nr(k); i++) {
        struct device_stats *s = &k->devices->all[i].stats;

        *s = (struct device_stats){ 0 };
        histogram_init(&s->latency, k->arena);
    }
}

/* ---- servers: a heap of what they work on ---- */

static bool
before(const struct device_op *a, const struct device_op *b)
{
    return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static void
heap_push(struct device *d, struct device_op *op)
{
    uint32_t i = d->nr_running++;

    for (; i > 0 && before(op, d->running[(i - 1) / 2]); i = (i - 1) / 2)
        d->running[i] = d->running[(i - 1) / 2];
    d->running[i] = op;
}

static struct device_op *
heap_pop(struct device *d)
{
    struct device_op *first = d->running[0], *last = d->running[--d->nr_running];
    uint32_t i = 0;

    for (uint32_t child = 1; child < d->nr_running; child = 2 * i + 1) {
        child += child + 1 < d->nr_running && before(d->running[child + 1], d->running[child]);
        if (!before(d->running[child], last))
            break;
        d->running[i] = d->running[child];
        i = child;
    }
    d->running[i] = last;
    return first;
}

static void
arm(struct device *d)
{
    engine_at(&d->k->engine, &d->ev, d->nr_running > 0 ? d->running[0]->due : SIM_NEVER);
}

static void
serve_next(struct device *d)
{
    sim_time now = d->k->engine.now;

    settle(d);
    while (d->nr_running < d->spec->parallel && !list_empty(&d->ready)) {
        struct device_op *op = list_entry(d->ready.next, struct device_op, node);

        list_remove(&op->node);
        d->stats.queue_ns += now - op->since;
        op->due = now + op->rq.service;
        heap_push(d, op);
    }
    arm(d);
}

void
device_op_ready(struct device *d, struct device_op *op)
{
    op->since = d->k->engine.now;
    list_push_back(&d->ready, &op->node);
    serve_next(d);
}

static void
device_fire(struct engine *eng, struct event *ev)
{
    struct device *d = container_of(ev, struct device, ev);

    settle(d);
    while (d->nr_running > 0 && d->running[0]->due == eng->now) {
        struct device_op *op = heap_pop(d);

        if (op->rq.bytes_out > 0)
            dma_add(&d->out, op);
        else
            device_op_left(d, op);
    }
    serve_next(d);
}

/* ---- coming and going ---- */

static uint64_t
bytes_of(const struct device_op *op)
{
    return op->rq.bytes_in + op->rq.bytes_out;
}

/* Lets operations in, in order, as long as their bytes fit. */
static void
admit(struct device *d)
{
    uint64_t most = d->spec->mem_bytes > 0 ? d->spec->mem_bytes : UINT64_MAX;

    while (!list_empty(&d->no_room)) {
        struct device_op *op = list_entry(d->no_room.next, struct device_op, node);

        if (bytes_of(op) > most - d->mem_used)
            return;
        list_remove(&op->node);
        d->mem_used += bytes_of(op);
        if (op->rq.bytes_in > 0)
            dma_add(&d->in, op);
        else
            device_op_ready(d, op);
    }
}

void
device_op_left(struct device *d, struct device_op *op)
{
    struct device_stats *s = &d->stats;

    settle(d);
    d->nr_in_flight--;
    d->mem_used -= bytes_of(op);
    s->operations++;
    s->bytes_in += op->rq.bytes_in;
    s->bytes_out += op->rq.bytes_out;
    s->latency_ns += d->k->engine.now - op->submitted_at;
    histogram_record(&s->latency, d->k->engine.now - op->submitted_at);
    irq_raise(d->k, op);
    admit(d);
}

static struct device_op *
op_new(struct kernel *k)
{
    struct devices *ds = k->devices;
    struct device_op *op;

    if (list_empty(&ds->free)) {
        op = arena_new_object(k->arena, struct device_op);
        list_init(&op->node);
    } else {
        op = list_entry(ds->free.next, struct device_op, node);
        list_remove(&op->node);
    }
    op->seq = ds->seq++;
    return op;
}

const char *
device_submit(struct kernel *k, uint32_t device, const struct device_request *rq)
{
    struct device *d = &k->devices->all[device];
    uint64_t most = d->spec->mem_bytes > 0 ? d->spec->mem_bytes : UINT64_MAX;
    int cpu = rq->task->cpu;

    if (rq->bytes_in > most || rq->bytes_out > most - rq->bytes_in)
        return "has more bytes than the device has memory";
    if (rq->queue >= 0 && (uint32_t)rq->queue >= d->spec->nr_queues)
        return "names a queue that the device does not have";
    struct device_op *op = op_new(k);

    settle(d);
    op->device = d;
    op->rq = *rq;
    op->submitted_at = k->engine.now;
    op->queue = rq->queue >= 0 ? (uint32_t)rq->queue : d->queue_of[cpu];
    if (rq->nodes == 0) {
        op->rq.nodes = NODE_BIT(k->machine->cpus[cpu].node);
        op->rq.share_q16[k->machine->cpus[cpu].node] = 65536;
    }
    d->nr_in_flight++;
    list_push_back(&d->no_room, &op->node);
    admit(d);
    return NULL;
}

/* ---- building ---- */

enum { SLOTS_EACH = 3 }; /* service, in, out */

void
devices_slots(const struct machine *m, const struct kernel_limits *limits, uint32_t *nr)
{
    *nr = limits->nr_devices > 0 ? SLOTS_EACH * limits->nr_devices + m->nr_cpus : 0;
}

static void
device_init(struct kernel *k, struct device *d, const struct machine_device *spec, uint32_t index)
{
    d->k = k;
    d->spec = spec;
    list_init(&d->no_room);
    list_init(&d->ready);
    d->running = arena_new_array(k->arena, struct device_op *, spec->parallel);
    event_init(&k->engine, &d->ev, EVENT_DEVICE, SLOTS_EACH * index, PHASE_COMPLETE, device_fire);
    dma_init(d, &d->in, SLOTS_EACH * index + 1, false);
    dma_init(d, &d->out, SLOTS_EACH * index + 2, true);
    irqs_init(d);
    histogram_init(&d->stats.latency, k->arena);
}

void
devices_init(struct kernel *k, const struct machine_device *const *specs, uint32_t nr)
{
    struct devices *ds = arena_new_object(k->arena, struct devices);

    if (nr == 0)
        return;
    k->devices = ds;
    ds->nr = nr;
    ds->all = arena_new_array(k->arena, struct device, nr);
    list_init(&ds->free);
    for (uint32_t i = 0; i < nr; i++)
        device_init(k, &ds->all[i], specs[i], i);
    irq_lines_init(k, ds, SLOTS_EACH * nr);
}

uint32_t
devices_nr(const struct kernel *k)
{
    return k->devices != NULL ? k->devices->nr : 0;
}

const struct machine_device *
device_spec(const struct kernel *k, uint32_t device)
{
    return k->devices->all[device].spec;
}

const struct device_stats *
device_stats(const struct kernel *k, uint32_t device)
{
    return &k->devices->all[device].stats;
}

uint32_t
device_in_flight(const struct kernel *k, uint32_t device)
{
    return k->devices->all[device].nr_in_flight;
}

uint32_t
device_running(const struct kernel *k, uint32_t device)
{
    return k->devices->all[device].nr_running;
}

/* ---- --check ---- */

static uint32_t
count(const struct list *ops, uint64_t *bytes)
{
    uint32_t nr = 0;

    list_for_each (node, ops) {
        *bytes += bytes_of(list_entry(node, struct device_op, node));
        nr++;
    }
    return nr;
}

static const char *
check_device(struct device *d)
{
    uint64_t bytes = 0, outside = 0;
    uint32_t inside =
        count(&d->ready, &bytes) + count(&d->in.waiting, &bytes) + count(&d->out.waiting, &bytes);

    for (uint32_t i = 0; i < d->nr_running; i++) {
        bytes += bytes_of(d->running[i]);
        RULE(d->running[i]->due >= d->k->engine.now);
        RULE(i == 0 || !before(d->running[i], d->running[(i - 1) / 2]));
    }
    RULE(d->nr_running <= d->spec->parallel);
    RULE(list_empty(&d->ready) || d->nr_running == d->spec->parallel);
    RULE(d->nr_in_flight == d->nr_running + inside + count(&d->no_room, &outside));
    RULE(d->mem_used == bytes);
    RULE(d->spec->mem_bytes == 0 || d->mem_used <= d->spec->mem_bytes);
    RULE(engine_when(&d->k->engine, &d->ev) ==
         (d->nr_running > 0 ? d->running[0]->due : SIM_NEVER));
    const char *broken = dma_check(&d->in);
    return broken != NULL ? broken : dma_check(&d->out);
}

const char *
devices_check(struct kernel *k)
{
    const char *broken = NULL;

    for (uint32_t i = 0; i < devices_nr(k) && broken == NULL; i++)
        broken = check_device(&k->devices->all[i]);
    return broken;
}
