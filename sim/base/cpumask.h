/*
 * Sets of CPUs, and of nodes.
 *
 * A cpumask has room for the CPUs of its machine and lives in an arena; two masks that are combined
 * must be of the same machine. A nodemask is one word: a machine has at most 64 nodes.
 */
#pragma once

#include "base/arena.h"

enum { CPU_MAX = 8192, NODE_MAX = 64 };

struct cpumask {
    uint32_t nr_words;
    uint32_t first_word, end_word; /* whoever looks for members looks here only */
    uint64_t bits[];
};

typedef uint64_t nodemask;

#define NODE_BIT(n) ((nodemask)1 << (n))

struct cpumask *cpumask_new(struct arena *a, uint32_t nr_cpus);
struct cpumask *cpumask_clone(struct arena *a, const struct cpumask *m);

static inline bool
cpumask_test(const struct cpumask *m, uint32_t cpu)
{
    return (m->bits[cpu >> 6] >> (cpu & 63)) & 1;
}

static inline void
cpumask_set(struct cpumask *m, uint32_t cpu)
{
    m->bits[cpu >> 6] |= (uint64_t)1 << (cpu & 63);
}

static inline void
cpumask_clear(struct cpumask *m, uint32_t cpu)
{
    m->bits[cpu >> 6] &= ~((uint64_t)1 << (cpu & 63));
}

/* For a mask that changes no more: whoever looks for its members goes past the empty words at its
 * ends. */
void cpumask_trim(struct cpumask *m);

void cpumask_zero(struct cpumask *m);
void cpumask_copy(struct cpumask *to, const struct cpumask *from);
void cpumask_and(struct cpumask *to, const struct cpumask *a, const struct cpumask *b);
void cpumask_or(struct cpumask *to, const struct cpumask *a, const struct cpumask *b);
void cpumask_andnot(struct cpumask *to, const struct cpumask *a, const struct cpumask *b);
bool cpumask_equal(const struct cpumask *a, const struct cpumask *b);
bool cpumask_subset(const struct cpumask *a, const struct cpumask *of);
bool cpumask_intersects(const struct cpumask *a, const struct cpumask *b);
bool cpumask_empty(const struct cpumask *m);
uint32_t cpumask_weight(const struct cpumask *m);

/* The first member >= from, or -1. */
int cpumask_next(const struct cpumask *m, uint32_t from);
static inline int
cpumask_first(const struct cpumask *m)
{
    return cpumask_next(m, 0);
}
/* The first member of both that is >= from, or -1. The first mask decides where to look. */
int cpumask_next_and(const struct cpumask *a, const struct cpumask *b, uint32_t from);
/* The first member >= from, wrapping around to the members below it; -1 if the mask is empty. */
int cpumask_next_wrap(const struct cpumask *m, uint32_t from);

#define for_each_cpu(cpu, mask)                                                                    \
    for (int cpu = cpumask_first(mask); cpu >= 0; cpu = cpumask_next(mask, (uint32_t)cpu + 1))

/* `mask` is evaluated once; break and continue do what they say: a break leaves _go at 0. */
#define for_each_node(node, mask)                                                                  \
    for (nodemask node##_left = (mask), node##_go = 1; node##_go && node##_left != 0;              \
         node##_left &= node##_left - 1)                                                           \
        for (int node = (node##_go = 0, __builtin_ctzll(node##_left)); !node##_go; node##_go = 1)

/* "0-3,8,10-12" into `text` (always terminated). Returns the length it has or would have had. */
size_t cpumask_format(const struct cpumask *m, char *text, size_t size);
char *cpumask_text(struct arena *a, const struct cpumask *m);

/*
 * Reads a cpulist: "0-3,8,10-14:2/4", empty for none. False if it cannot be read or names a CPU
 * that has no place in the mask; *bad then points at the offending character.
 */
bool cpumask_parse(struct cpumask *m, const char *text, const char **bad);
