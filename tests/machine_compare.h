/* For tests: what two descriptions of one machine agree on, whatever their ids are. */
#pragma once

#include "machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static inline int32_t
cpu_field(const struct machine *m, int cpu, size_t offset)
{
    return *(const int32_t *)(const void *)((const char *)&m->cpus[cpu] + offset);
}

/* Where both know, the same CPUs of `cpus` are together in both. False: and it says which are not.
 */
static inline bool
same_partition(const char *what, const struct cpumask *cpus, const struct machine *a,
               const struct machine *b, size_t offset)
{
    for_each_cpu (x, cpus) {
        for_each_cpu (y, cpus) {
            int32_t ax = cpu_field(a, x, offset), ay = cpu_field(a, y, offset);
            int32_t bx = cpu_field(b, x, offset), by = cpu_field(b, y, offset);

            if (ax < 0 || ay < 0 || bx < 0 || by < 0 || (ax == ay) == (bx == by))
                continue;
            print_message("%s of CPU %d and CPU %d: %d %d in one, %d %d in the other\n", what, x, y,
                          ax, ay, bx, by);
            return false;
        }
    }
    return true;
}

#define assert_same_partition(cpus, a, b, field)                                                   \
    assert_true(same_partition(#field, cpus, a, b, offsetof(struct machine_cpu, field)))
