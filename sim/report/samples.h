/*
 * Samples: the state of the machine over simulated time, for timeseries.csv.
 *
 * Looking changes nothing: a sample is taken between two stretches of the run, is no event of the
 * engine, and settles nothing; what a burst has done since it was last charged is computed and
 * forgotten.
 */
#pragma once

#include "kernel/kernel.h"
#include "report/csv.h"

struct samples;

/* interval 0: chosen so that a run has some hundreds of samples, whatever its length. Another one
 * doubles only when there are a hundred thousand. */
struct samples *samples_new(const struct kernel *k, sim_time interval);
void samples_free(struct samples *s);

/* When the next sample is due. */
sim_time samples_next(const struct samples *s);
/* What lies between the samples that are kept. */
sim_time samples_interval(const struct samples *s);
/* Takes one at the present time. */
void samples_take(struct samples *s);

/* The highest utilisation of a node's controllers, of a link, at any sample (also those that were
 * not kept); NAN: the memory model knows of none. */
double samples_node_load_max(const struct samples *s, uint32_t node);
double samples_link_load_max(const struct samples *s, uint32_t link);

/* timeseries.csv, written in one go. */
bool samples_write(const struct samples *s, const char *dir, GError **error);
