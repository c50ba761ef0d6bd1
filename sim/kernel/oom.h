/* Out of memory: a process is killed, and the run goes on (mm/oom_kill.c). */
#pragma once

#include "kernel/kernel.h"

/*
 * No page is left on `nodes`, and p (NULL: nobody, before the run) needs one. `bound`: by a policy.
 * True: another process was killed, and its memory is free. False: p's own is being killed, or
 * there is nobody to kill and the run has failed.
 */
bool out_of_memory(struct kernel *k, struct task *p, nodemask nodes, bool bound);
/* The process gets SIGKILL: who runs exits at once, others when they next run. */
void process_kill(struct kernel *k, struct process *pr);
/* What it had in memory is free, but for what other processes map too. */
void process_reap(struct kernel *k, struct process *pr);
