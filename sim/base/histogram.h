/*
 * Latency histogram with three significant decimal digits, bucketed as HdrHistogram does: 2048
 * sub-buckets in the first bucket, 1024 in each following one, each bucket twice as coarse. Values
 * are in ns; percentiles are nearest rank and report the highest value equivalent to the bucket,
 * as HdrHistogram's value_at_percentile.
 *
 * Counts live in the arena and grow by bucket as larger values arrive. They are many, and values
 * come at random: a slot's memory is asked for when its value is recorded, and counted up when the
 * next one is, by when it is there. So `counts` may lack the last value: histogram_count() does
 * not.
 */
#pragma once

#include "base/arena.h"

struct histogram {
    struct arena *arena;
    uint64_t *counts; /* slots in use */
    uint32_t nr_slots;
    uint32_t uncounted; /* 1 + the slot of a value that `counts` lacks, or 0 */
    uint64_t total, min, max;
    uint64_t sum; /* of exact values */
};

void histogram_init(struct histogram *h, struct arena *a);
void histogram_record(struct histogram *h, uint64_t value);
void histogram_add(struct histogram *to, const struct histogram *from);

/* Values in a slot below nr_slots. */
static inline uint64_t
histogram_count(const struct histogram *h, uint32_t slot)
{
    return h->counts[slot] + (h->uncounted == slot + 1);
}

/* In hundredths of a percent: 5000 is the median, 9900 is p99, 9990 is p99.9. 0 if empty. */
uint64_t histogram_percentile(const struct histogram *h, uint32_t per_ten_thousand);

/* Lowest and highest value of a slot, for writing the distribution out. */
uint64_t histogram_slot_low(uint32_t slot);
uint64_t histogram_slot_high(uint32_t slot);
