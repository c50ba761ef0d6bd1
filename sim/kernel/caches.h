/*
 * Caches and cores: how fast a CPU works while it waits for no memory, which references of a burst
 * miss the last-level cache, and what a task pays to get its data into another cache.
 *
 * Work is counted in ns at nominal speed with every access a hit. It takes
 *
 *     cpu = 1 / (capacity x what busy siblings leave) + hits in the L2 and LLC
 *
 * ns for each, and then what the memory model adds for the misses. rq->speed is 1/cpu; a mix's
 * miss_q16 is the part of the references that miss, times that speed, so that models know of work
 * done at their own pace of 1 only, and burst.c scales what they answer.
 *
 * Nothing here costs anything on a machine with one thread a core and equal CPUs as long as no
 * burst has a working set (k->caches_on).
 */
#pragma once

#include "kernel/kernel.h"

struct mem_mix;

void caches_init(struct kernel *k);
/* p begins with another working set than it had: from now on caches matter. */
void caches_set_begin(struct kernel *k, struct task *p, const struct burst_profile *profile);

/* A burst that writes lines which others use begins. */
void caches_lines_begin(struct kernel *k);

/* Idle, or no longer. Speeds of the core's threads follow at the end of the instant. */
void caches_cpu_busy(struct kernel *k, struct rq *rq);
/* Another burst runs on the CPU, or none; `uses`: it uses memory. True: its rate has to wait for
 * the end of this instant. */
bool caches_run_changed(struct kernel *k, struct rq *rq, bool uses);
/* curr is about to leave the CPU. */
void caches_leave(struct kernel *k, struct rq *rq, struct task *p);
/* Brings speeds and misses of all that changed up to date, and tells the memory model. */
void caches_resolve(struct kernel *k);

/* What a mix made for p on its CPU begins with. */
void caches_mix(const struct kernel *k, const struct task *p, struct mem_mix *mix);
/* References that reached the L2 of a CPU and misses of its LLC, for what they push out. */
void caches_filled(struct kernel *k, int cpu, uint64_t refs, uint64_t misses);
/* Of `elapsed` ns in which p did `work`: stall on memory; *cache: and on hits in caches. */
uint64_t caches_stall(const struct kernel *k, const struct rq *rq, uint64_t work, sim_time elapsed,
                      uint64_t *cache);

/*
 * A word in memory that tasks of several cores write, as that of a lock: p, which runs, takes it
 * from the core that had it last, or only reads it there. `bytes` are read with it, as a message.
 */
struct shared_word {
    int32_t cpu; /* + 1: that wrote it last; 0: nobody yet */
};
void caches_take(struct kernel *k, struct task *p, struct shared_word *w, uint64_t bytes);
void caches_read(struct kernel *k, struct task *p, const struct shared_word *w, uint64_t bytes);
