/*
 * The wasted cores detector: CPUs that idle while a task waits elsewhere that may run on them.
 *
 * It looks after every event and never touches. A stretch is a time during which a CPU was idle and
 * at every instant some fair task was waiting that may run there. Much of that is as
 * the kernel's rules have it: wasted_rule.c says how long they allow the idle CPU and a queue to
 * be side by side, and why. Beyond that, --check calls it broken, unless sched.wasted_check=no.
 */
#pragma once

#include "kernel/kernel.h"

struct wasted_stretch {
    int32_t cpu;
    sim_time from, to;
    const struct task *task; /* that waited beside it */
    int32_t task_cpu;
    sim_time together;         /* how long the two were side by side, and nothing improved */
    sim_time allowed;          /* by the kernel's rules; SIM_NEVER: for ever */
    const char *level;         /* the domain that should have brought them together */
    struct probe_note of_task; /* what put the task where it waited */
    struct probe_note of_cpu;  /* what was decided last on the idle CPU */
};
static inline bool
wasted_beyond(const struct wasted_stretch *s)
{
    return s->together > s->allowed;
}

struct wasted_totals {
    uint64_t nr_stretches, ns, longest_ns, nr_beyond, beyond_ns;
    int32_t longest_cpu;
};

/* Begins to look. `stretch` is called at the end of each, in order of time; it may be NULL. */
struct wasted *wasted_new(struct kernel *k);
void wasted_report_to(struct wasted *w, void (*stretch)(void *priv, const struct wasted_stretch *s),
                      void *priv);

/* After every event. */
void wasted_look(struct wasted *w);
/* The run has ended: ends what is open. */
void wasted_finish(struct wasted *w);
const struct wasted_totals *wasted_totals(const struct wasted *w);
/* NULL, or the first stretch that went beyond what is allowed, in words. */
const char *wasted_broken(const struct wasted *w);

/* ---- the rule (wasted_rule.c) ---- */

enum { WASTED_DEPTH = 16 }; /* domains of one CPU, at most */

/* A task waits on CPU `busy`, and CPU `idle` has nothing to do: what do the rules say? */
struct wasted_verdict {
    const char *level;
    uint32_t depth; /* of the largest domain of `idle` without `busy`, from 1; 0: the CPU alone */
    sim_time allowed;
};
struct wasted_verdict wasted_rule(struct kernel *k, const struct task *p, int busy, int idle);
/* p waits, and would run if it were on an idle CPU. */
bool wasted_waits(const struct kernel *k, const struct task *p);
