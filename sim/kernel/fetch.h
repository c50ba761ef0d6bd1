/*
 * Fetching: what a switch will look at is asked for at once, before it is looked at bit by bit.
 *
 * A large simulated machine does not fit into the caches of the machine that simulates it. A
 * wake-up or a switch looks at ten or more cache lines of a task and of a queue, each where its
 * turn comes, so that each would be waited for by itself. The ranges are those that it looks at:
 * hot fields stand side by side in their structs. On machines whose state stays in the caches
 * nothing is fetched (kernel.fetches). On the largest ones what is needed for events of the next
 * microseconds is fetched besides, for all of them together (fetch.c). It changes nothing but
 * speed.
 */
#pragma once

#include "kernel/kernel.h"
#include "kernel/mm.h"
#include "kernel/numa.h"

/* With fewer CPUs all that they need stays in a second-level cache of a megabyte or two. */
enum { FETCH_MIN_CPUS = 128, FETCH_LINE = 64 };

static inline void
fetch_bytes(const void *from, size_t bytes)
{
#pragma GCC unroll 16 /* sizes are constants but for a queue's: no loop is left */
    for (size_t at = 0; at < bytes; at += FETCH_LINE)
        __builtin_prefetch((const char *)from + at);
    /* gcc takes a function that only fetches for one without effect, and drops its calls */
    __asm__ volatile("");
}

/* From one field of *p, which begins a line, up to another. */
#define FETCH_FROM(p, first) (offsetof(__typeof__(*(p)), first) / FETCH_LINE * FETCH_LINE)
#define FETCH_FIELDS(p, first, end)                                                                \
    fetch_bytes((const char *)(p) + FETCH_FROM(p, first),                                          \
                offsetof(__typeof__(*(p)), end) - FETCH_FROM(p, first))

static inline void
fetch_rq(const struct kernel *k, int cpu)
{
    const struct rq *rq = &k->rqs[cpu];

    if (likely(!k->fetches))
        return;
    FETCH_FIELDS(rq, cpu, cfs.tg);
    FETCH_FIELDS(rq, kick_ev, balance_ev);
    fetch_bytes(&k->domains->cpus[cpu], sizeof(k->domains->cpus[cpu]));
    fetch_bytes(&k->cpu_sums[cpu], sizeof(k->cpu_sums[cpu]));
}

static inline void
fetch_task(const struct kernel *k, const struct task *p)
{
    if (likely(!k->fetches))
        return;
    FETCH_FIELDS(p, se, nr_allowed);
    FETCH_FIELDS(p, stats, stats.migrations_node);
}

/* What belongs to the task and stands for itself: program, books of memory, NUMA state. */
static inline void
fetch_task_parts(const struct kernel *k, const struct task *p)
{
    if (likely(!k->fetches))
        return;
    if (p->prog != NULL)
        fetch_bytes(p->prog, 2 * FETCH_LINE);
    if (p->profile != NULL)
        fetch_bytes(p->profile, FETCH_LINE);
    if (p->numa != NULL)
        fetch_bytes(p->numa, FETCH_LINE);
    if (p->mem == NULL)
        return;
    FETCH_FIELDS(p->mem, profile, uses[0].user);
    fetch_bytes(&p->mem->mix, FETCH_LINE);
}

/* The memory of its burst. */
static inline void
fetch_task_memory(const struct kernel *k, const struct task *p)
{
    if (likely(!k->fetches) || p->mem == NULL || p->mem->nr_uses == 0)
        return;
    fetch_bytes(p->mem->uses[0].group, FETCH_LINE);
    fetch_bytes(p->mem->uses[0].marked, FETCH_LINE);
}

static inline void
fetch_domain(const struct sched_domain *sd)
{
    if (sd != NULL)
        FETCH_FIELDS(sd, parent, shared);
}
/* The domain at which a CPU that runs dry begins to look around. */
static inline void
fetch_lowest_domain(const struct kernel *k, int cpu)
{
    if (unlikely(k->fetches))
        fetch_domain(k->domains->cpus[cpu].sd);
}

/* An engine_soon: for machines so large that even the tasks and queues of a few microseconds are
 * nowhere near. */
enum { FETCH_SOON_CPUS = 1024 };
void fetch_soon(struct engine *eng, struct event *const *ev, uint32_t nr);
