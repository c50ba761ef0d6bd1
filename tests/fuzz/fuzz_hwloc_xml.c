/* The check that stands before libhwloc: any bytes are a clean copy or a message, and never both.
 */
#include "config/import_hwloc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag d;
    guint nr_skipped;

    diag_init(&d);
    GString *copy = hwloc_xml_check("fuzz", (const char *)data, size, &d, &nr_skipped);
    g_autofree char *string = g_strndup((const char *)data, size);
    if ((copy == NULL) != diag_failed(&d))
        abort();
    if (copy != NULL)
        g_string_free(copy, TRUE);
    hwloc_synthetic_check(string, string, &d);
    diag_clear(&d);
    return 0;
}
