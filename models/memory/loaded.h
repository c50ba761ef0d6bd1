/*
 * State of the loaded model, between its files: resources.c knows what accesses pass, groups.c who
 * passes it, solve.c how long that takes, loaded.c when to look again.
 */
#pragma once

#include "models/memory/common.h"
#include "models/memory/curve.h"

/* A group among the users of a resource; `ask` is its place in the group's list. */
struct user {
    uint32_t group, serial, ask;
};

/*
 * A controller, a link, or what the CPUs of a node can pull together.
 *
 * Its load stretches latencies in two ways: below capacity by the curve, `extra` ns an access; at
 * capacity, where the curve has ended, by the factor `lambda` that keeps the flow at the capacity.
 */
struct resource {
    /* looked at with each coming and going */
    uint64_t flow;      /* bytes/s that pass at the present rates; exact, a sum of integers */
    uint64_t low, span; /* as long as flow is in [low, low + span], extra and lambda stand */
    uint32_t nr_cpus;   /* whose accesses pass */
    bool queued;        /* to be solved */
    bool moved;         /* extra or lambda has changed in this solve */

    double extra, lambda;
    double use;      /* of the capacity, that extra is of; at most 1 */
    double steepest; /* of its users: relative change of tau for each ns of extra */
    double idle_ns;  /* what the curve's growth is of */
    double capacity; /* bytes/ns */
    uint64_t limit;  /* the same in bytes/s; UINT64_MAX: none */
    struct load_curve curve;
    sim_time solved_at;
    uint64_t solved_flow, jump; /* bytes/s: then; how far from there is too far to wait */
    nodemask *reads;            /* by node of the CPU: memory nodes whose reads pass here */
    nodemask *writes;           /* and whose write-backs do */
    uint32_t nr_users, cap_users;
    struct user *users; /* those that are gone are left in the list until the next solve */
};

/* What one CPU of a group asks of a resource. */
struct ask {
    uint32_t resource;
    uint32_t listed; /* among the users of the resource */
    uint64_t flow;   /* bytes/s at the group's tau */
    double bytes;    /* for each ns of work, times 1e9 */
};

/* CPUs of one node whose bursts miss alike: one row of the equations. What comings and goings look
 * at fills the first cache line. */
struct group {
    _Alignas(64) uint32_t nr; /* CPUs */
    uint32_t first_cpu;       /* + 1 */
    uint32_t serial;          /* of its making: which mixes it is the group of */
    uint32_t rate;            /* that its CPUs have */
    uint32_t epoch;           /* of its node's latencies, that tau is of */
    int32_t node;
    uint32_t nr_asks, cap_asks;
    struct ask *asks; /* of limited resources: few of many, by resource, ascending */
    struct ask own[1];
    _Alignas(64) double tau; /* ns per ns of work at the present latencies */
    double rated_tau;        /* that `rate` is of */
    bool touched;            /* by the solve that is under way */
    bool writes;
    uint64_t hash;
    uint32_t next; /* in its bucket: slot + 1 */
    nodemask nodes;
    /* what makes it: accesses that go on like these are the group's, whosever they are */
    uint64_t lines; /* misses_q20 * miss_q16 */
    uint32_t mlp_q8, write_q8;
    uint32_t *share_q16; /* by memory node */
    double *stall;       /* by memory node: ns per ns of work and ns of latency */
};

/* A CPU in its group. */
struct member {
    uint32_t group;      /* slot + 1, 0: none */
    uint32_t next, prev; /* CPU + 1 */
};

/* A flow in the equations: nothing but stall, so that tau is how many times its latency is that of
 * an empty machine, and the rate what it wants over tau. */
struct flow_use {
    struct flow *flow; /* NULL: the place is free */
    double tau;
    uint32_t nr_asks, cap_asks;
    struct ask *asks;
    bool changed; /* since it was told its rate */
};

/* A group or a flow that passes the resource that is being solved. */
struct passer {
    struct group *group;   /* or NULL, and */
    struct flow_use *flow; /* a flow */
    double rest;           /* of its tau: what does not pass */
    double through;        /* what does, ns per ns of work */
    double reads;          /* how that grows with each ns of extra */
    double bytes;          /* that its CPUs ask for, per ns, times tau */
};

/* Resources on the way from the memory of one node to the CPUs of another and back. */
struct path {
    uint32_t nr_reads, nr; /* the first nr_reads carry reads, the others write-backs alone */
    uint32_t *resources;
};

struct loaded {
    struct kernel *k;
    double tolerance;
    sim_time interval;
    uint32_t at_once;

    struct dirty_cpus dirty;
    uint32_t nr_nodes, nr_resources;
    struct resource *resources; /* controllers, injection limits, links */

    /* by pair of nodes: nr_nodes^2, row: node of the CPU */
    struct path *paths;
    double *idle, *latency;       /* ns; under load, without lambdas */
    double *lambda, *lambda_back; /* products over what reads pass, over what only writes pass */
    uint64_t *latency_ps;         /* with all; what the books are kept by: of readers, of writers */
    uint32_t *epoch;              /* by node of the CPU: how often its row has changed */

    uint32_t nr_groups; /* slots ever used */
    uint32_t max_groups;
    struct group *groups;
    uint32_t hand, serial;         /* where the last search for an empty group ended; of groups */
    uint32_t nr_buckets, *buckets; /* slot + 1 */
    struct member *members;        /* by CPU */
    uint32_t leaver;               /* a CPU that has ceased to miss, still in its group; + 1 */

    uint32_t nr_flows, cap_flows; /* places ever used */
    struct flow_use *flows;

    uint32_t head, nr_queued; /* resources whose flow has left its band, in the order of that */
    uint32_t *queue;          /* a ring of nr_resources */
    sim_time want;            /* when the first of them may be solved; SIM_NEVER: none waits */

    /* scratch of a solve */
    uint32_t nr_moved, nr_touched;
    uint32_t *later;   /* resources that may not be solved yet */
    uint32_t *moved;   /* resources */
    uint32_t *touched; /* groups */
    struct passer *passers;
    double *bytes; /* by resource; 0 between calls */

    struct loaded *guess; /* predict(): a second one, for groups that are not there */
};

/* resources.c */
void resources_init(struct loaded *ld);
/* Latencies of all pairs that pass the resource, from those of all resources. */
void resource_spread(struct loaded *ld, const struct resource *res);
void resources_spread_all(struct loaded *ld);
/* Makes the latencies under load known outside. */
void resource_publish(struct loaded *ld, const struct resource *res);
/* The flow has left its band: it will be solved, at once or when its interval is over. */
void resource_enqueue(struct loaded *ld, struct resource *res);
/* When it may be solved; now or later. */
sim_time resource_due(const struct loaded *ld, const struct resource *res);
static inline bool
resource_in_band(const struct resource *res)
{
    return res->flow - res->low <= res->span;
}

/* groups.c: joins and leaves keep the flows exact. */
void groups_init(struct loaded *ld);
/* The CPU now runs with this mix; NULL: without misses. */
void group_set(struct loaded *ld, int cpu, struct mem_mix *mix);
/* It runs with the mix, and is in its group: nothing needs to be done. */
static inline bool
group_has(const struct loaded *ld, int cpu, const struct mem_mix *mix)
{
    return mix->serial != 0 && ld->members[cpu].group == mix->group + 1 &&
           ld->groups[mix->group].serial == mix->serial;
}
/* Would a flow leave its band if the CPU left its group? */
static inline bool
group_leave_matters(const struct loaded *ld, int cpu)
{
    const struct group *g = &ld->groups[ld->members[cpu].group - 1];

    for (uint32_t i = 0; i < g->nr_asks; i++) {
        const struct resource *res = &ld->resources[g->asks[i].resource];

        if (res->flow - g->asks[i].flow - res->low > res->span)
            return true;
    }
    return false;
}
/* What it asks for and how long that takes, but not who is in it: `g` is new or has no members. */
void group_make(struct loaded *ld, struct group *g, int node, const struct mem_mix *mix);
/* Before the first member comes: up to date, and a user of what it passes. */
void group_wake(struct loaded *ld, struct group *g);
/* tau has become this: its flows follow. */
void group_set_tau(struct loaded *ld, struct group *g, double tau);
/* What `nr` who ask for this let pass now that their tau is so. */
void asks_set_tau(struct loaded *ld, struct ask *asks, uint32_t nr_asks, uint32_t nr, double tau);
/* One who asks for this joins or leaves the flows of the resources. */
void asks_count(struct loaded *ld, const struct ask *asks, uint32_t nr_asks, bool add);
/* What passes the resource of a CPU of the group: stall under the present latencies, and what each
 * ns more in reads adds to it; ns per ns of work. */
void group_through(const struct loaded *ld, const struct group *g, const struct resource *res,
                   double *stall, double *reads);
/* An entry of the list of users that still stands for a group with members, or NULL: drop it. */
struct group *user_group(struct loaded *ld, const struct user *u);

/* flows.c */
void flow_set_asks(struct loaded *ld, struct flow *f);
/* Adds the flows that pass the resource to the passers; how many there are then. */
uint32_t flows_list(struct loaded *ld, const struct resource *res, uint32_t nr);
/* Tells flows whose tau has changed their rates. */
void flows_tell(struct loaded *ld);

/* predict.c */
void loaded_predict(struct kernel *k, struct mem_guess *guesses, uint32_t nr);

/* solve.c */
/* The band in which the present extra and lambda of the resource stand. */
void resource_set_band(struct loaded *ld, struct resource *res);
/* Solves all resources in the queue that may be solved now, and what they pull along. Groups whose
 * tau has changed are in ld->touched, resources in ld->moved. */
void solve(struct loaded *ld);
