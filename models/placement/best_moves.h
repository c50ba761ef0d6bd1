/* Between best_search.c and best_moves.c: the search under way. */
#pragma once

#include "models/placement/best.h"

enum { BEST_SEEN = 1 << 13 };

struct start {
    struct best_choice choice;
    double value;
};

/* What a choice came to; choices are told apart by their hash. */
struct best_seen {
    uint64_t hash;
    double value;
};

struct search {
    struct best *b;
    struct best_seen *seen;        /* the last one of each place: BEST_SEEN of them */
    struct best_choice now, trial; /* the best since the last start; what is tried next */
    bool coarse;                   /* no tuning of weights */
    double value;                  /* of `now` */
    uint32_t nr_starts, cap_starts;
    struct start *starts;
};

/* Keeps `trial` if it is better. */
bool best_try(struct search *s);
/* One round of changes of one thing each. False: none was better, or the evaluations are used up.
 */
bool best_moves(struct search *s);
