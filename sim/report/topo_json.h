/*
 * Scheduling domains as JSON, in the form of the oracle's topology files, so that what we build and
 * what a kernel built can be compared key by key.
 */
#pragma once

#include <glib.h>

#include "kernel/domains.h"

/* `online`, `numa`, `zonelist_fallback`, `domain_attrs`, `domains`, and the kernel's messages. */
GString *topo_domains_json(const struct machine *m, const struct domains *d);
