/*
 * Charging: the one way in which kernel work costs time.
 *
 * charge() may hit a CPU at any time. Whatever runs there makes no progress for `ns`: the end of
 * its burst moves. The kind decides whether the task's own clock advances meanwhile.
 */
#pragma once

#include "base/base.h"

struct kernel;

/*
 *   kind              who pays                                  sum_exec, vruntime, task clock
 */
enum charge_kind {
    CHARGE_IRQ,     /* interrupts, IPI victims: stolen from the task     stand still */
    CHARGE_SOFTIRQ, /* balancing in the softirq                          stand still */
    CHARGE_TASK,    /* faults, scans, wake-ups, switches: in the task    advance     */
    CHARGE_STOPPER, /* the migration thread                              stand still */
    CHARGE_POLICY,  /* a programmable policy decides                     stand still */
    CHARGE_KIND_NR,
};

extern const char *const charge_kind_names[CHARGE_KIND_NR + 1];

void charge(struct kernel *k, int cpu, sim_time ns, enum charge_kind kind);

/* The same without repricing, for whoever does that next; the books must be settled up to now. */
struct rq;
void charge_ahead(struct kernel *k, struct rq *rq, sim_time ns, enum charge_kind kind);
