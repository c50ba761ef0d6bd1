/*
 * Where pages come from that are not in memory: the device of files, and that of swap.
 *
 * Model assumption: a device has a latency and a bandwidth and serves in the order of asking; its
 * transfers load no controller and interrupt no CPU (an `io` step with a device of the machine
 * does). Who waits for a page sleeps, and that counts as I/O wait.
 */
#pragma once

#include "kernel/kernel.h"

struct backing {
    const struct backing_params *params;
    sim_time free_at; /* all that was asked for before has been transferred */
};

/* When so many bytes will have been transferred that are asked for now. */
sim_time backing_transfer(const struct kernel *k, struct backing *b, uint64_t bytes);
