/*
 * Percentile files of HdrHistogram (.hgrm): what its plotter reads, and users of wrk2 know. Made
 * from latency.csv of a run; values are in microseconds.
 *
 * A row for each level of 0, 10, 20, .. %: five to each half of what is left to 100 %, so that the
 * tail is as finely drawn as the rest; the value is the lowest of those recorded at or below which
 * that part lies. Mean and deviation are of the middles of slots, as HdrHistogram has them.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* One slot: its highest value, ns, and how many fell into it. Slots ascend. */
struct hgrm_slot {
    uint64_t high, count;
};

/* Nothing at all if there is no slot. */
void hgrm_text(const struct hgrm_slot *slots, guint nr, GString *out);

/* PLOTS/wait.hgrm, wakeup.hgrm, request.hgrm of the run in DIR, as far as there are such. */
bool hgrm_write(const char *dir, const char *plots, GError **error);
