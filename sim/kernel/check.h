/*
 * The parts of kernel_check(): each function tells the first rule that is broken, or NULL, and
 * changes nothing.
 */
#pragma once

#include "kernel/fair.h"

/* The text of the rule is the message. */
#define RULE(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return #cond;                                                                          \
    } while (0)

/* The fair queues of a CPU, of every group, level by level (check_fair.c). */
const char *check_memory(struct kernel *k);
const char *check_fair(const struct kernel *k, const struct rq *rq);
/* A fair task and its entity. */
const char *check_fair_task(const struct kernel *k, const struct task *p);
/* Averages of queues against those of their parts (check_pelt.c). */
const char *check_pelt(struct kernel *k);
/* Nobody's time is lost or counted twice (check_time.c). */
const char *check_time(const struct kernel *k);
/* Groups, faults and preferred nodes of NUMA balancing (check_numa.c). */
const char *check_numa(const struct kernel *k);
