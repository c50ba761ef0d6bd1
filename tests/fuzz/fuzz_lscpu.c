/* Any bytes are the output of lscpu or a message, and never both. */
#include "config/import_lscpu.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct diag d;

    diag_init(&d);
    looks_like_lscpu((const char *)data, size);
    if ((import_lscpu("fuzz", (const char *)data, size, a, &d) == NULL) != diag_failed(&d))
        abort();
    diag_clear(&d);
    arena_free(a);
    return 0;
}
