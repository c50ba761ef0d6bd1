/*
 * For tests of scheduling domains: machines as texts, and domains as texts.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernel/domains.h"
#include "machine_text.h"

#define RING "10 20 30 20/20 10 20 30/30 20 10 20/20 30 20 10"
#define LINE "10 20 30 40/20 10 20 30/30 20 10 20/40 30 20 10"
#define PAIRS "10 20 30 30/20 10 30 30/30 30 10 20/30 30 20 10"
#define TWO_SOCKETS_OF_FOUR                                                                        \
    "10 12 12 12 32 32 32 32/12 10 12 12 32 32 32 32/12 12 10 12 32 32 32 32/"                     \
    "12 12 12 10 32 32 32 32/32 32 32 32 10 12 12 12/32 32 32 32 12 10 12 12/"                     \
    "32 32 32 32 12 12 10 12/32 32 32 32 12 12 12 10"

static struct arena *a;

static inline int
setup(void **state)
{
    a = arena_new();
    return 0;
}

static inline int
teardown(void **state)
{
    arena_free(a);
    return 0;
}

static inline struct domains *
build_machine(struct machine *m)
{
    assert_null(machine_finish(m));
    return domains_build(a, m);
}

static inline struct domains *
build(const char *text)
{
    return build_machine(machine_from_text(a, text));
}

/* ---- domains as text, bottom first */

struct text {
    char bytes[8192];
    size_t len;
};

static inline void SIM_PRINTF(2, 3) put(struct text *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    t->len += (size_t)vsnprintf(t->bytes + t->len, sizeof(t->bytes) - t->len, fmt, ap);
    va_end(ap);
    sim_assert(t->len < sizeof(t->bytes));
}

/* "MC 0-1 {0}{1}; NUMA 0-3 {0-1}{2-3}"; "{0-3|0-1}": a group and its balance mask. */
static inline const char *
groups_of(const struct domains *d, int cpu)
{
    struct text t = { .len = 0 };

    for_each_domain (sd, d->cpus[cpu].sd) {
        put(&t, "%s%s %s ", t.len > 0 ? "; " : "", sd->name, cpumask_text(a, sd->span));
        for_each_group(sg, sd->groups)
        {
            put(&t, "{%s", cpumask_text(a, sg->span));
            if (!cpumask_equal(sg->span, sg->sgc->balance_mask))
                put(&t, "|%s", cpumask_text(a, sg->sgc->balance_mask));
            put(&t, "}");
        }
    }
    return arena_strdup(a, t.bytes);
}

static inline const char *
names_of(const struct domains *d, int cpu)
{
    struct text t = { .len = 0 };

    for_each_domain (sd, d->cpus[cpu].sd)
        put(&t, "%s%s", t.len > 0 ? " " : "", sd->name);
    return arena_strdup(a, t.bytes);
}

static inline struct sched_domain *
domain_named(const struct domains *d, int cpu, const char *name, int which)
{
    for_each_domain (sd, d->cpus[cpu].sd)
        if (strcmp(sd->name, name) == 0 && which-- == 0)
            return sd;
    fail_msg("CPU %d has no such domain %s", cpu, name);
    return NULL;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
