/* What the parts of `numasim topo` share. */
#pragma once

#include "cli/cli.h"
#include "machine/machine.h"

/* A machine by name or path; NULL as the name: the one that we run on. Messages are printed, notes
 * too if wanted; NULL: there was an error. */
struct machine *topo_load(const char *name, struct arena *a, bool notes);
/* To a file; NULL or "-": to the standard output. An exit code. */
int topo_write(const char *path, const GString *s);

/* Actions with options of their own. argv[0] is the action's name. */
int topo_mlc(int argc, char **argv);
int topo_calibrate(int argc, char **argv);
