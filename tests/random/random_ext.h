/* Programmable policies of random cases: a built-in one, or one that decides by the dice. */
#pragma once

#include "random_case.h"

/* Loads the case's policy, if it has one; kernel_limits.ext was set then. */
void random_ext(const struct random_case *c, struct kernel *k);
/* Its policy is a program. */
bool random_ext_is_script(const struct random_case *c);
