/* The placement presets, for the registry. */
#pragma once

#include "models/registry.h"

extern const struct placement_ops placement_topology, placement_topology_early, placement_autonuma,
    placement_tiering, placement_workload, placement_pack, placement_spread, placement_interleave,
    placement_weighted, placement_inverse, placement_best;
