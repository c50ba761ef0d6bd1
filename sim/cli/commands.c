/* The commands, in the order of the help. */
#include "cli/cli.h"

const struct command commands[] = {
    { 0 },
};
