/* Devices, inside: device.c has the stages, device_dma.c transfers, device_irq.c interrupts. */
#pragma once

#include "kernel/device.h"
#include "kernel/flow.h"

#include "base/list.h"

struct device_op {
    struct list node; /* of the stage that it waits in or is done by; or free */
    struct device *device;
    struct device_request rq;
    uint32_t queue;
    sim_time submitted_at, since; /* since: it waits for a server */
    sim_time due;                 /* service or interrupt: when it ends */
    uint64_t seq;
};

/* One direction of a device's link. */
struct dma {
    struct device *device;
    struct flow flow;
    struct list waiting; /* the first is under way */
    uint64_t left;       /* bytes of it */
    uint64_t moved;      /* of it, and by node: */
    uint64_t moved_of[NODE_MAX];
    uint64_t fraction; /* of a byte, in 1/10^9 */
    sim_time at;       /* books are right up to here */
    struct event ev;
};

struct device {
    struct kernel *k;
    const struct machine_device *spec;
    struct list no_room, ready;
    struct dma in, out;
    uint32_t nr_running, nr_in_flight;
    struct device_op **running; /* a heap by (due, seq), room for spec->parallel */
    uint64_t mem_used;
    struct event ev; /* the first of them is done */
    uint32_t nr_irqs, *irqs;
    uint32_t *queue_of; /* by CPU */
    sim_time at;        /* stats are right up to here */
    struct device_stats stats;
};

struct irq_line {
    struct list ops; /* by due */
    struct event ev;
};

struct devices {
    uint32_t nr;
    struct device *all;
    struct irq_line *lines; /* by CPU */
    struct list free;
    uint64_t seq;
};

/* device.c */
void device_op_ready(struct device *d, struct device_op *op); /* its bytes have come */
void device_op_left(struct device *d, struct device_op *op);  /* they have gone */

/* device_dma.c */
void dma_init(struct device *d, struct dma *dma, uint32_t index, bool out);
/* op is sent after those before it; then op_ready or op_left is called. */
void dma_add(struct dma *dma, struct device_op *op);
void dma_settle(struct dma *dma);
const char *dma_check(const struct dma *dma);

/* device_irq.c */
void irqs_init(struct device *d);
void irq_lines_init(struct kernel *k, struct devices *ds, uint32_t first_slot);
/* The device is done with it. */
void irq_raise(struct kernel *k, struct device_op *op);
