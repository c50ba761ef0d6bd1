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
 * delayed, but for the answers that a scan of page tables waits for.
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

/* Kernel work that begins now on the CPU that has the turn, ahead of time: when it will be over by
 * the guest's clock, and how long it waits meanwhile for others to answer. Turns are drawn among
 * those that want one now. On a real machine nothing but work takes time. */
struct host_span {
    sim_time end;  /* of what was added so far */
    sim_time ends; /* the turn in which that is */
    sim_time spun; /* ns without a turn of its own */
    int cpu;
};

struct host_span host_span_begin(const struct kernel *k);
void host_span_work(struct kernel *k, struct host_span *s, sim_time ns);
/* An interrupt for a CPU that runs something, which host_span_answer() waits for. */
void host_ask(struct kernel *k, int cpu);
/* Until all that were asked have had a turn in which to answer. Who waits gives up its own: an
 * emulator goes on to the next CPU at the instruction PAUSE. */
void host_span_answer(struct kernel *k, struct host_span *s);
/* Work of a CPU that waits for others in between: `fn` goes on with it. Its state, `size` bytes
 * that belong to the CPU. */
void *host_waiter(struct kernel *k, int cpu, size_t size, void (*fn)(void *state));
/* What was foreseen, happens: the CPU wants no turn until the span's end; then its waiter goes on.
 * Meanwhile threads of `holds` (or NULL) answer, and get no further. */
void host_waits(struct kernel *k, const struct host_span *s, const struct mm *holds);
