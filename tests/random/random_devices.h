/* Devices of a random case, and operations that tasks give to them. */
#pragma once

#include "random_case.h"

/* Makes them; kernel_limits.nr_devices was the case's number. */
void random_devices(const struct random_case *c, struct kernel *k);
/* p, which runs, gives an operation to one of them. True: it is to block until it is woken. */
bool random_operation(struct kernel *k, struct task *p, struct rng *rng);
