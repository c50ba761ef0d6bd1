/*
 * A machine as hwloc XML, version 2.0, so that lstopo and all that links libhwloc can use it. What
 * the format cannot say (links and routes, latency under load, offline CPUs) is left out.
 */
#pragma once

#include "machine/machine.h"

#include <glib.h>

void topo_hwloc_xml(const struct machine *m, GString *out);
