/*
 * A machine that is a guest: its CPUs take turns on one CPU of the host (sched.host_turn).
 *
 * So does an emulator that runs all CPUs of its guest in one thread, and, more coarsely, a host
 * with more virtual CPUs than real ones. A CPU that has not the turn stands still, but its clock
 * does not: the guest's kernel charges the time to whatever was running, even to something that
 * needed ten microseconds. Ticks, timers, kicks and balancing reach a CPU when it has the turn.
 *
 * Model assumptions: a turn ends with a tick of the guest's clock (host_turn is a multiple of one,
 * or divides it); when the CPU idles; and when a timer of another CPU expires, as emulators stop to
 * deliver it. The next turn is drawn among the CPUs that have something to do, the last one
 * included. Ticks are simulated, not computed. Work that other CPUs do at this CPU's expense is not
 * delayed.
 */
#pragma once

#include "kernel/kernel.h"

enum host_late { HOST_LATE_TICK = 1, HOST_LATE_BALANCE = 2, HOST_LATE_KICK = 4 };

void host_turns_init(struct kernel *k);

bool host_has_turn(const struct kernel *k, const struct rq *rq);
/* Has what reaches the CPU to wait? Then it comes again in its turn. */
bool host_delays(struct kernel *k, struct rq *rq, enum host_late what);
bool host_delays_timer(struct kernel *k, struct task *p);
/* Has p's timer expired on a CPU that has still to see it? */
bool host_keeps_timer(const struct kernel *k, const struct task *p);
/* Kernel work that a CPU has still to do before what runs there goes on, whether it has the turn or
 * not. */
sim_time host_work_ahead(const struct kernel *k, const struct rq *rq);
/* The CPU that has the turn has nothing more to do. */
void host_goes_idle(struct kernel *k, struct rq *rq);
/* How long work of `ns` that begins now takes by the clock of the CPU that has the turn: if its
 * turn ends meanwhile, as much longer as it then waits on average. */
sim_time host_elapsed(struct kernel *k, sim_time ns);
