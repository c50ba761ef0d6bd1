/*
 * State of the proportional model, between its files: proportional.c knows the resources, groups.c
 * who asks for them, saturate.c the factors by which saturated ones slow their users.
 */
#pragma once

#include "models/memory/common.h"

/* A controller, a link, or what the CPUs of a node can pull together. */
struct resource {
    double capacity;  /* bytes/ns */
    uint64_t demand;  /* bytes/s if nothing were saturated; exact, kept as groups come and go */
    uint64_t limit;   /* capacity in the same unit */
    double lambda;    /* >= 1: latency of its users is multiplied by it */
    nodemask *reads;  /* by node of the CPU: memory nodes whose reads pass here */
    nodemask *writes; /* and whose write-backs do */
};

/* What one CPU asks of a resource at idle_tau, bytes/s. */
struct ask {
    uint32_t resource;
    uint64_t demand;
};

/* CPUs of one node with the same profile and mix: one row of the equations. What comings and goings
 * look at fills the first cache line. */
struct group {
    _Alignas(64) uint32_t nr; /* CPUs */
    uint32_t first_cpu;       /* + 1 */
    uint32_t serial;          /* of its making: which mixes it is the group of */
    uint32_t idle_rate;       /* of a member if nothing is saturated */
    double tau;               /* ns per ns of work at the present factors */
    double idle_tau;          /* and if nothing were saturated */
    uint32_t nr_asks, cap_asks;
    struct ask *asks; /* of limited resources: few of many, by resource, ascending */
    struct ask own[1];
    _Alignas(64) struct mem_mix mix;
    uint64_t hash;
    uint32_t next; /* in its bucket: slot + 1 */
    int32_t node;
    bool writes;
    double *idle_stall; /* by memory node, ns per ns of work */
};

/* A CPU in its group. */
struct member {
    uint32_t group;      /* slot + 1, 0: none */
    uint32_t next, prev; /* CPU + 1 */
};

/* A flow in the equations: nothing but stall, so that tau is how many times its latency is that of
 * an idle machine, and the rate what it wants over tau. */
struct flow_use {
    struct flow *flow; /* NULL: the place is free */
    double tau;
    uint32_t nr_asks, cap_asks;
    struct ask *asks;
    bool changed; /* since the last resolve() */
};

/* A group or a flow that passes the resource that is being solved. */
struct user {
    double *tau;
    double through; /* its stall that passes the resource */
    double bytes;   /* per ns, times tau */
};

struct proportional {
    struct dirty_cpus dirty;
    const struct machine *machine;
    uint32_t nr_nodes, nr_resources;
    struct resource *resources; /* controllers, injection limits, links */
    double *latency;            /* ns, idle, nr_nodes^2 */
    double *lambda;             /* nr_nodes^2: product over the resources that reads pass */
    double *lambda_back;        /* and over those that only write-backs pass */
    uint32_t nr_groups;         /* slots ever used */
    uint32_t max_groups;
    struct group *groups;
    uint32_t hand, serial;         /* where the last search for an empty group ended; of groups */
    uint32_t nr_buckets, *buckets; /* slot + 1 */
    struct member *members;        /* by CPU */
    uint32_t nr_over;              /* resources with more demand than capacity */
    bool saturated;                /* some factor is not 1 */
    bool changed;                  /* since the last resolve(), a CPU has come or gone */
    uint32_t nr_flows, cap_flows;  /* places ever used */
    struct flow_use *flows;
    struct user *users;         /* scratch of saturate() */
    uint64_t *demand;           /* scratch of groups.c: by resource, 0 between calls */
    struct proportional *guess; /* predict(): a second one, for groups that are not there */
};

/* Finds the factor of every resource so that demand fits, and tau of every group. */
void saturate(struct proportional *pp);

/* groups.c: joins and leaves keep the demands exact. */
void groups_init(struct kernel *k, struct proportional *pp);
/* The CPU now runs with this mix; NULL: without misses. False: as before. */
bool group_set(struct kernel *k, struct proportional *pp, int cpu, struct mem_mix *mix);
/* What one CPU of this node with this mix asks for, and how long it takes alone. */
void group_make(struct kernel *k, struct proportional *pp, struct group *g, int node,
                const struct mem_mix *mix);
/* predict.c */
void proportional_predict(struct kernel *k, struct mem_guess *guesses, uint32_t nr);
/* Its members that still miss the cache. */
uint32_t group_busy(const struct kernel *k, const struct proportional *pp, const struct group *g);
/* Bytes/s that one CPU of the group asks of resource r. */
uint64_t group_demand(const struct group *g, uint32_t r);
/* Bytes/s that one of `nr` asks, sorted by resource, has for r. */
uint64_t asks_demand(const struct ask *asks, uint32_t nr, uint32_t r);
/* All asks join or leave the sums of their resources. */
void asks_count(struct proportional *pp, const struct ask *asks, uint32_t nr, bool add);

/* flows.c */
void flows_changed(struct kernel *k, struct proportional *pp, struct flow *f);
/* tau of every flow under the present factors. */
void flows_begin(struct proportional *pp);
/* Adds the flows that pass the resource to the list of its users; how many there are then. */
uint32_t flows_list(struct proportional *pp, uint32_t r, uint32_t nr);
/* Tells flows their rates: all, or those that changed. */
void flows_tell(struct kernel *k, struct proportional *pp, bool all);
/* Bytes/s of resource r that flows take now. */
double flows_load(const struct proportional *pp, uint32_t r);
