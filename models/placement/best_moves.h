/* Between best_search.c and best_moves.c: the search under way. */
#pragma once

#include "models/placement/best.h"

struct search {
    struct best *b;
    struct best_choice now, trial; /* the best so far; what is tried next */
    double value;                  /* of `now` */
};

/* Keeps `trial` if it is better. */
bool best_try(struct search *s);
/* One round of changes of one thing each. False: none was better, or the evaluations are used up.
 */
bool best_moves(struct search *s);
