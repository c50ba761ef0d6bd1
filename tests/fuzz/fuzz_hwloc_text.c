/* What a process that was taken over could write down the pipe: lines that are taken make a machine
 * or a message. */
#include "config/import_hwloc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct description h;
    struct diag d;
    unsigned bad_line;

    diag_init(&d);
    if (hwloc_description_read(&h, (const char *)data, size, a, &bad_line) && h.refusal == NULL &&
        (description_build(&h, "fuzz", "fuzz", a, &d) == NULL) != diag_failed(&d))
        abort();
    diag_clear(&d);
    arena_free(a);
    return 0;
}
