/*
 * Devices: disks, network cards, accelerators, and the interrupts by which they report.
 *
 * An operation goes through a device in stages:
 *
 *     own memory   waits until its bytes fit beside those of the operations before it
 *     in           its bytes come from memory, one operation after the other, over the device's
 * link service      one of `parallel` servers works on it; first come, first served out its bytes
 * go to memory, one operation after the other, over the same link the other way interrupt    a CPU
 * is interrupted, does the work of completion, and tells the owner
 *
 * Stages that an operation does not need take no time. Both transfers are flows (flow.h): they load
 * the controllers of the memory and the links on the way to the device's node, and get what these
 * leave. A device that is attached to a node of GPU memory keeps what it gets there.
 *
 * The interrupt goes to the CPU of the operation's queue, which is that of the CPU that gave the
 * operation unless it was chosen: a CPU that takes interrupts of the device uses its own queue,
 * others those of their node in turn, else those of the nearest node. If the CPU is offline the
 * next one of the device that is online takes it, else the next one at all. Interrupts of a CPU
 * are served in order; each takes cost.interrupt (irq) and the operation's own cost (softirq),
 * charged to that CPU, and only then is the owner told.
 *
 * Model assumptions: queues only say whom to interrupt, and are served as one; a transfer takes the
 * whole link; reads of a device's memory by its own work are part of its speed.
 */
#pragma once

#include "kernel/kernel.h"

struct device_request {
    struct task *task;            /* whose it is; runs now */
    uint64_t bytes_in, bytes_out; /* to the device, from it */
    uint64_t service;             /* ns of a server */
    int32_t queue;                /* -1: that of the CPU */
    uint64_t cost;                /* of its completion, ns */
    nodemask nodes;               /* where its memory is; 0: the node of the CPU */
    uint32_t share_q16[NODE_MAX]; /* sums to 65536 */
    /* It is done, and `cpu` has been interrupted for it. The task may be dead by now. */
    void (*done)(struct kernel *k, void *owner, struct task *p, int cpu);
    void *owner;
};

struct device_stats {
    uint64_t operations, bytes_in, bytes_out;
    uint64_t busy_ns;         /* with an operation in it */
    uint64_t service_ns;      /* of all servers */
    uint64_t queue_ns;        /* that operations waited for a server */
    uint64_t latency_ns;      /* the sum of: */
    struct histogram latency; /* from the request to the interrupt */
};

struct device;
struct devices;

/* The devices of this run, in this order; nr may be 0. kernel_limits.nr_devices was at least nr. */
void devices_init(struct kernel *k, const struct machine_device *const *specs, uint32_t nr);
uint32_t devices_nr(const struct kernel *k);
const struct machine_device *device_spec(const struct kernel *k, uint32_t device);
const struct device_stats *device_stats(const struct kernel *k, uint32_t device);
/* Operations that are in it, servers that work, now: for samplers. */
uint32_t device_in_flight(const struct kernel *k, uint32_t device);
uint32_t device_running(const struct kernel *k, uint32_t device);

/* Gives an operation to a device. NULL, or why it can never be done: a phrase. */
const char *device_submit(struct kernel *k, uint32_t device, const struct device_request *rq);

/* Which CPU takes the interrupts of a queue now. */
int device_irq_cpu(const struct kernel *k, uint32_t device, uint32_t queue);
/* The queue that a CPU uses. */
uint32_t device_queue_of(const struct kernel *k, uint32_t device, int cpu);

/* For kernel.c. */
void devices_slots(const struct machine *m, const struct kernel_limits *limits, uint32_t *nr);
void devices_settle(struct kernel *k);
void devices_reset_stats(struct kernel *k);
/* NULL, or what does not add up. */
const char *devices_check(struct kernel *k);
