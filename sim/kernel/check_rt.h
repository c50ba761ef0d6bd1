/* NULL, or the rule of the rt and deadline classes that a run queue breaks. */
#pragma once

#include "kernel/kernel.h"

const char *check_higher_classes(const struct kernel *k, const struct rq *rq);
