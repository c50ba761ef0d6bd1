/*
 * What a task is expected to do, as far as its program says beforehand: for policies that place
 * tasks and memory before the run (static:best). Nothing in a run depends on it.
 *
 * Random durations count as their mean. What depends on other tasks (locks, messages, requests that
 * come) takes no time here: a plan is the work, not the waiting for others.
 */
#pragma once

#include "kernel/task.h"

enum { PLAN_PARTS_MAX = 32 };

/* Misses of one part of the plan in one region or slice. */
struct plan_use {
    struct region *region;
    uint32_t slice; /* or REGION_WHOLE */
    uint32_t part;
    double misses;  /* lines */
    double written; /* of them, lines that are written back */
    double stalls;  /* misses over those that are in flight at once: how often a latency is paid */
};

/* What is done between two barriers. A part in a loop counts as often as the loop goes round. */
struct plan_part {
    double work_ns, idle_ns;
};

struct task_plan {
    double work_ns;           /* CPU time at nominal speed, every access a cache hit */
    double idle_ns;           /* asleep */
    double units;             /* of work done */
    bool endless;             /* all of this is one round of a loop that never ends */
    const struct task *after; /* who starts it; NULL: it starts by itself */
    double after_part;        /* of what that one does before it does so */
    bool background;
    uint32_t nr_uses, cap_uses;
    struct plan_use *uses; /* in the run's arena, by first appearance */
    uint32_t nr_parts;     /* one more than barriers; the last takes what does not fit */
    struct plan_part parts[PLAN_PARTS_MAX];
};
