/*
 * Inside static:best: what the search knows of tasks and memory (best_survey.c), what a placement
 * would be worth (best_value.c), and the search (best_search.c).
 *
 * A placement is a node for every task, and weights for every family of memory. A family is what
 * one name in one process stands for: the slices of a region, or the regions of its threads. A spot
 * of it (a slice, a region) is interleaved over nodes by weights: so much for the node of whoever
 * uses the spot most, and so much for each node of the machine.
 */
#pragma once

#include "kernel/task_plan.h"
#include "models/placement/static.h"

/* 0: nothing there. */
struct best_weights {
    uint8_t own;
    uint8_t node[NODE_MAX];
};

/* A slice, or a region that has none. */
struct best_spot {
    struct region *region;
    uint32_t slice;
    uint32_t family;
    uint64_t bytes;
    bool there;                    /* its pages are there before the run, and stay where they are */
    double most_misses;            /* of one user */
    uint32_t first_user, nr_users; /* in best.users: whom memory may follow */
};

struct best_family {
    const char *name;
    struct mm *mm; /* NULL: of all processes */
    uint32_t nr_spots;
};

/* Part of the misses of a task, or of a part of it. */
struct best_use {
    uint32_t spot; /* or, from nr_spots on, a whole region that has several spots */
    double share;
};

/* Uses stand in best.uses. */
struct best_uses {
    uint32_t first, nr;
    double misses;
};

/* What a task does between two barriers. */
struct best_part {
    double work_ns, idle_ns;
    uint32_t profile;
    struct best_uses uses;
};

struct best_task {
    struct task *task;
    uint32_t process, kind; /* kind: tasks of a process that could change places */
    double work_ns, units;
    bool endless, background;
    int32_t after; /* the task that starts it, after this part of its plan; -1: none */
    double after_part;
    struct best_uses uses; /* of all parts together */
    struct best_part *parts;
};

/* A region whose spots are its slices, used as a whole. */
struct best_region {
    struct region *region;
    uint32_t first_spot, nr_spots;
};

/* A placement. */
struct best_choice {
    int32_t *node;                /* by task */
    struct best_weights *weights; /* by family */
};

struct best {
    struct kernel *k;
    struct place *pl;
    uint32_t nr_tasks, nr_processes, nr_spots, nr_families, nr_regions, nr_profiles, nr_kinds;
    uint32_t nr_uses, cap_uses;
    uint32_t nr_parts; /* that all tasks go through together, from barrier to barrier */
    struct best_task *tasks;
    const struct task **parents; /* by task: who starts it, or NULL */
    struct best_spot *spots;
    struct best_family *families;
    struct best_region *regions;
    struct best_use *uses;
    uint32_t *users; /* tasks, by spot */
    struct burst_profile *profiles;
    bool endless;     /* nobody in the foreground ends: the rate counts, not the time */
    bool has_units;   /* work is counted */
    double most_work; /* of a task */

    /* scratch of best_value() */
    uint32_t part;                /* the one that is looked at */
    uint32_t *share_q16;          /* [spot or region][node] */
    struct mem_guess *guesses;    /* by task, at most */
    uint32_t *guess_of, *buckets; /* by task; hash of groups, slot + 1 */
    uint32_t nr_buckets;
    double *time, *left;        /* by task: of the whole plan; what is left of it */
    bool *started;              /* by task */
    bool chained;               /* some tasks start others */
    uint64_t *promised;         /* bytes, by node */
    uint32_t *on_node;          /* tasks, by node */
    uint32_t *cores;            /* with a CPU that is online, by node */
    nodemask *nodes_of_process; /* of its tasks */

    uint32_t nr_evaluations, max_evaluations;
    bool cut_short; /* the evaluations were used up before a climb was over that counts */
};

static inline bool
best_used_up(const struct best *b)
{
    return b->nr_evaluations >= b->max_evaluations;
}

/* Fills in what the programs say. False: they say nothing. */
bool best_survey(struct best *b);

/* What a placement would be worth: less is better; infinite if memory does not fit. Counts as an
 * evaluation unless it is that. */
double best_value(struct best *b, const struct best_choice *c);

/* Where a spot would be: weights by node for its users' places. */
void best_spot_weights(const struct best *b, const struct best_choice *c, const struct best_spot *s,
                       uint32_t weights[NODE_MAX]);

/* Leaves the best placement that was found in `c`; its value, infinite if nothing fits. */
double best_search(struct best *b, struct best_choice *c);

struct best_choice best_choice_new(struct best *b);
void best_choice_copy(const struct best *b, struct best_choice *to, const struct best_choice *from);
/* Weights in proportion to the bandwidth of nodes. */
struct best_weights best_by_bandwidth(const struct best *b, nodemask nodes);
