/* The devices behind memory: see backing.h. */
#include "kernel/backing.h"

sim_time
backing_transfer(const struct kernel *k, struct backing *b, uint64_t bytes)
{
    b->free_at =
        SIM_MAX(b->free_at, k->engine.now) + mul_div_u64(bytes, 1000000000u, b->params->bandwidth);
    return b->free_at + b->params->latency;
}
