/* Parts of totals.c: what is known of the machine as a whole. */
#pragma once

#include "report/totals.h"

/* Energy, and how evenly memory was used; the counters of the run are in place. */
void totals_of_machine(struct totals *t, const struct kernel *k);
