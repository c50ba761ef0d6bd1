/*
 * Exponentials and logarithms with integers only: the same bits under every compiler.
 */
#pragma once

#include "base/base.h"

#define EXP_MAX ((uint64_t)1 << 62)

/* x * e^y, y in 1/2^32; saturates at EXP_MAX. */
uint64_t mul_exp_q32(uint64_t x, int64_t y_q32);
/* ln(x), x in 1/2^32 and at least 1. */
uint64_t ln_q32(uint64_t x_q32);
