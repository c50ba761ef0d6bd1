/*
 * A machine as one picture that a student can read: what is in what, what connects the nodes, how
 * far they are from each other, and which of the numbers were assumed.
 */
#pragma once

#include "machine/machine.h"

#include <glib.h>

void topo_svg(const struct machine *m, GString *out);
