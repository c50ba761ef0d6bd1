/* What the files of the grid loader share. */
#pragma once

#include "config/grid.h"
#include "config/yaml_tree.h"

/* Axes and their values from the tree. */
void grid_read_axes(struct grid *g);
/* Machines, workloads, policies; whether all goes together; and the points. */
void grid_load_inputs(struct grid *g);

/* The cross product without what `exclude` and misfits take away. False: there are too many. */
bool grid_make_points(struct grid *g);

/* The tree in a line for each key of the map, texts in quotes. */
void grid_write_canonical(const struct ynode *map, GString *out);

/* A growing array in the arena: `array` has n of them and gets room for one more. */
#define GRID_ROOM(a, array, n)                                                                     \
    (((n) & ((n)-1)) == 0 ? ((array) = arena_grow(a, array, sizeof(*(array)) * (n),                \
                                                  sizeof(*(array)) * SIM_MAX(1, 2 * (size_t)(n)))) \
                          : (array))
