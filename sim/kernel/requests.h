/*
 * Requests by kind: how many came, how many were answered, and how long that took.
 *
 * The first kind of a process has no name and counts all of its requests; the others are what the
 * workload tells apart: kinds of requests ("get", "set"), and steps of a load that rises. Kinds are
 * made when a run is built; counting allocates nothing but room for longer latencies.
 */
#pragma once

#include "kernel/kernel.h"

struct request_kind {
    const char *name;         /* "": all of the process */
    sim_time from, to;        /* a step of the load: when its requests come; else 0 and 0 */
    uint64_t arrived;         /* after the warm-up, those that found no room included */
    struct histogram latency; /* from the arrival to the end; of requests that have ended */
};

/* The kind of that name, which is made if there is none; together with the one of all requests. */
struct request_kind *request_kind(struct kernel *k, struct process *pr, const char *name);

void request_arrived(struct request_kind *kind);
void request_ended(struct request_kind *kind, sim_time latency);

/* The end of the warm-up: counts begin anew. */
void requests_reset(struct kernel *k);
