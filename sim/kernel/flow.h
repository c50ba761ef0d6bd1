/*
 * Flows: bytes that no task's misses move, but that load controllers and links all the same. What a
 * device reads and writes, and copies of pages.
 *
 * A flow leads from the memory of some nodes, in fixed shares, to one node (where the device is, or
 * where pages go), or the other way. It wants so many bytes a second; the memory model says how
 * many it gets. Like a core, a DMA engine has a bounded number of requests in flight: where a
 * resource is saturated a flow gets less in the proportion in which latency rises, so that it
 * shares with tasks as a task does that only waits for memory.
 *
 * The owner embeds the flow and keeps its books: settle() is called before the rate changes,
 * repriced() when it has. A model without load gives every flow what it wants.
 */
#pragma once

#include "kernel/kernel.h"

struct flow {
    int32_t node;
    bool out;         /* from the node to the memory of `nodes`; else from there to the node */
    bool node_memory; /* the node's own memory is the other end, and its controller works too */
    nodemask nodes;
    uint32_t share_q16[NODE_MAX]; /* of the bytes, by node; sums to 65536 */
    uint64_t want;                /* bytes/s; 0: closed */
    uint64_t rate;                /* what it gets; 0: not known before the end of this instant */
    void (*settle)(struct kernel *k, struct flow *f);   /* may be NULL */
    void (*repriced)(struct kernel *k, struct flow *f); /* may be NULL */
    uint32_t place;                                     /* the model's; 0: it does not know it */
};

/* Opens, changes or closes (want 0) a flow. Its nodes and shares may have changed as well; whoever
 * closes or changes it has settled its books. The rate is known at the end of the instant, or, if
 * nothing in the model depends on load, at once: repriced() is called then. */
void flow_set(struct kernel *k, struct flow *f, uint64_t want);

/* The memory model's answer: settles, changes the rate, tells the owner. */
void flow_set_rate(struct kernel *k, struct flow *f, uint64_t rate);
