/* The hash is made anew when a source of a layer below cli changes. */
#include "cli/sweep.h"
#include "source_hash.h"

const char sweep_program_version[] = NUMASIM_VERSION " " NUMASIM_SOURCE_HASH;
