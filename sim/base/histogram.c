/*
 * HdrHistogram's bucketing for three significant digits, with the lowest value 1.
 *
 * 2048 slots count the values below 2048 one by one; each doubling above takes 1024 slots, twice as
 * coarse, so a slot is never wider than a thousandth of its values. Slot numbers are those of
 * HdrHistogram's counts array: a distribution written out here is the one its tools would write.
 */
#include "base/histogram.h"

enum { SUB_BITS = 11, SUB_COUNT = 1 << SUB_BITS, SUB_HALF = SUB_COUNT / 2 };

static uint32_t
slot_of(uint64_t value)
{
    uint32_t bucket = 64 - SUB_BITS - (uint32_t)__builtin_clzll(value | (SUB_COUNT - 1));

    return bucket * SUB_HALF + (uint32_t)(value >> bucket);
}

static uint32_t
slot_bucket(uint32_t slot)
{
    return slot < SUB_COUNT ? 0 : slot / SUB_HALF - 1;
}

uint64_t
histogram_slot_low(uint32_t slot)
{
    uint32_t bucket = slot_bucket(slot);

    return (uint64_t)(slot - bucket * SUB_HALF) << bucket;
}

uint64_t
histogram_slot_high(uint32_t slot)
{
    return histogram_slot_low(slot) + (UINT64_C(1) << slot_bucket(slot)) - 1;
}

void
histogram_init(struct histogram *h, struct arena *a)
{
    *h = (struct histogram){ .arena = a, .min = UINT64_MAX };
}

/* Room up to the end of the bucket that has `slot`. */
static void
make_room(struct histogram *h, uint32_t slot)
{
    uint32_t slots = slot < SUB_COUNT ? SUB_COUNT : (slot / SUB_HALF + 1) * SUB_HALF;

    h->counts = arena_grow(h->arena, h->counts, h->nr_slots * sizeof(h->counts[0]),
                           slots * sizeof(h->counts[0]));
    h->nr_slots = slots;
}

static inline void
count(struct histogram *h, uint32_t slot, uint64_t value)
{
    if (likely(h->uncounted > 0))
        h->counts[h->uncounted - 1]++;
    h->uncounted = slot + 1;
    __builtin_prefetch(&h->counts[slot], 1);
    h->total++;
    h->sum += value;
    if (unlikely(value < h->min))
        h->min = value;
    if (unlikely(value > h->max))
        h->max = value;
}

static __attribute__((noinline)) void
record_beyond(struct histogram *h, uint32_t slot, uint64_t value)
{
    make_room(h, slot);
    count(h, slot, value);
}

void
histogram_record(struct histogram *h, uint64_t value)
{
    uint32_t slot = slot_of(value);

    if (unlikely(slot >= h->nr_slots))
        record_beyond(h, slot, value);
    else
        count(h, slot, value);
}

void
histogram_add(struct histogram *to, const struct histogram *from)
{
    if (from->nr_slots > to->nr_slots)
        make_room(to, from->nr_slots - 1);
    for (uint32_t i = 0; i < from->nr_slots; i++)
        to->counts[i] += histogram_count(from, i);
    to->total += from->total;
    to->sum += from->sum;
    to->min = SIM_MIN(to->min, from->min);
    to->max = SIM_MAX(to->max, from->max);
}

uint64_t
histogram_percentile(const struct histogram *h, uint32_t per_ten_thousand)
{
    __extension__ typedef unsigned __int128 u128;
    uint64_t rank = (uint64_t)(((u128)h->total * per_ten_thousand + 9999) / 10000), seen = 0;

    rank = SIM_CLAMP(rank, 1, h->total);
    for (uint32_t i = 0; i < h->nr_slots; i++) {
        seen += histogram_count(h, i);
        if (seen >= rank)
            return histogram_slot_high(i);
    }
    return 0;
}
