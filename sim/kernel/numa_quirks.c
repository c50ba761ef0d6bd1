#include "kernel/numa_quirks.h"

#include <stddef.h>

#define X(name, doc) #name,
const char *const numa_quirk_names[NUMA_QUIRK_NR + 1] = { NUMA_QUIRKS(X) NULL };
#undef X

#define X(name, doc) doc,
const char *const numa_quirk_docs[NUMA_QUIRK_NR] = { NUMA_QUIRKS(X) };
#undef X
