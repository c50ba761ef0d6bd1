/*
 * Slack of timers: a sleep of a fair task ends when it is due or up to sched.timer_slack later
 * (PR_SET_TIMERSLACK: 50 us unless a task asks for something else; none for rt and deadline
 * tasks), so that sleeps that end nearly together share one interrupt.
 */
#pragma once

#include "kernel/kernel.h"

/* k->slack stays NULL if the parameter is 0. */
void timer_slack_init(struct kernel *k);

/* p begins to sleep until `until`, with slack if it is a fair task's high-resolution timer; arms
 * its timer. */
void timer_slack_arm(struct kernel *k, struct task *p, sim_time until);
/* The CPU is in a timer interrupt: whatever is due on it wakes, in the order in which it fell due.
 */
void timer_slack_interrupt(struct kernel *k, int cpu);
