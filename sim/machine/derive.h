/*
 * The steps of machine_finish(), for the files of sim/machine only. A step returns NULL or what
 * does not fit together.
 */
#pragma once

#include "machine/machine.h"

/* derive.c: ids that were left out, and the counts. */
void machine_derive_ids(struct machine *m);
void machine_derive_counts(struct machine *m);
const char *machine_check_cores(const struct machine *m);

/* physics.c: distances, latencies, bandwidths, loaded-latency curves. */
void machine_assume_distances(struct machine *m);
void machine_assume_latency(struct machine *m);
void machine_assume_memory(struct machine *m);
const char *machine_check_curves(const struct machine *m);
void machine_assume_devices(struct machine *m);

/* caches.c: what hits and lines of other caches take. */
void machine_assume_caches(struct machine *m);

/* routes.c: links and the ways over them. */
void machine_assume_links(struct machine *m);
const char *machine_find_routes(struct machine *m);

/* Do all CPUs of the two nodes sit in one package? False if a node has no CPUs. */
bool machine_same_package(const struct machine *m, uint32_t a, uint32_t b);
