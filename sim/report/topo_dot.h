/* Nodes and links of a machine for Graphviz: `dot -Tsvg`, or `neato` for many links. */
#pragma once

#include "machine/machine.h"

#include <glib.h>

void topo_dot(const struct machine *m, GString *out);
