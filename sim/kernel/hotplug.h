/*
 * CPU hotplug: CPUs leave while the run goes on, and come back.
 *
 * Tasks of a CPU that leaves are pushed off, as the kernel's balance_push and select_fallback_rq
 * do: to another CPU of the node, else to any that they may use; if none is left, their affinity is
 * broken for good, and a note says so. Domains, and all that hangs on them, are built anew.
 *
 * Model assumptions: all CPUs of an event leave at one instant, while the kernel takes them one by
 * one; the work of the hotplug machinery itself costs nothing. Memory stays: only CPUs go.
 */
#pragma once

#include "kernel/kernel.h"

struct hotplug;

/* Room for `nr` events. The kernel gets a machine of its own, whose set of online CPUs changes. */
const struct machine *hotplug_init(struct kernel *k, const struct machine *m, uint32_t nr);

/* At `at` the CPUs go offline or come online. Those that were not online when the run began are
 * left alone, and so is what would leave no CPU, or too little for deadline tasks (a note). */
void hotplug_at(struct kernel *k, sim_time at, const struct cpumask *cpus, bool online);
/* The same at once. */
void hotplug_now(struct kernel *k, const struct cpumask *cpus, bool online);

/* What of a task's CPUs is online; none: the same CPUs, and its affinity breaks when it wakes. */
const struct cpumask *hotplug_allowed(struct kernel *k, const struct cpumask *wanted);
/* p is to be placed: breaks its affinity if all of its CPUs are offline. */
void hotplug_before_placing(struct kernel *k, struct task *p);
/* The CPU whose interrupts do what an offline CPU's did: timers go to the first that is online. */
int hotplug_interrupt_cpu(const struct kernel *k, int cpu);

static inline bool
cpu_online(const struct kernel *k, int cpu)
{
    return cpumask_test(k->machine->online, (uint32_t)cpu);
}
