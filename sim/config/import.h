/*
 * What the importers of foreign machine descriptions have in common: telling the formats apart by
 * their content, and the assumptions that fill what a format cannot say. Every assumption becomes a
 * note of the machine ("assumed: ..."); nothing is invented silently.
 */
#pragma once

#include "config/load.h"

/* By content, never by the name of the file. They look at the beginning only. */
bool looks_like_numactl(const char *text, gsize len);
bool looks_like_hwloc_xml(const char *text, gsize len); /* plain XML */
bool looks_like_hwloc_synthetic(const char *spec);      /* "hwloc:..." */

/* "dir/My machine.xml.gz" becomes "My_machine". */
const char *import_name(struct arena *a, const char *path);

/* ASSUMED_MEMORY_GIB for every node of the set, with a note that says why. */
void import_assume_memory(struct machine *m, nodemask nodes, const char *why);

/* A last-level cache for the online CPUs whose own is MACHINE_NONE: one a node and package. */
void import_assume_llcs(struct machine *m);

/*
 * machine_finish(). All notes of the machine go to diag too, and so does what does not fit
 * together: NULL then.
 */
struct machine *import_finish(struct machine *m, const char *file, struct diag *d);
