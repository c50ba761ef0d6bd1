/*
 * Copies of pages as load: what was copied from a node to another in one window (mm.copy_window)
 * loads their controllers and the links between them in the next, as one flow.
 *
 * Pages are copied one at a time, in less than a microsecond each, and thousands of them a second:
 * a flow for each would have the memory model look again at every page. A window is short against
 * anything that a policy does and long against a copy.
 *
 * Model assumption: how long a copy takes is cost.copy_bandwidth, however busy its nodes are.
 */
#pragma once

#include "kernel/kernel.h"

void copies_init(struct kernel *k);
/* A CPU has copied so many bytes from one node's memory to another's. */
void copies_add(struct kernel *k, int from, int to, uint64_t bytes);
