/*
 * Any bytes are a workload or messages, and never both; and a workload that came of an rt-app file
 * loads again from the YAML that it is written as.
 */
#include "config/import_rtapp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_written(const struct workload *w, struct arena *a, struct diag *d)
{
    g_autofree char *text = g_strconcat("name: again\n", w->source, NULL);

    if (workload_yaml_load("again", text, strlen(text), NULL, a, d) == NULL)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct diag d;

    diag_init(&d);
    looks_like_rtapp((const char *)data, size);
    struct workload *w = import_rtapp("fuzz", (const char *)data, size, NULL, a, &d);
    if ((w == NULL) != diag_failed(&d))
        abort();
    if (w != NULL)
        check_written(w, a, &d);
    diag_clear(&d);
    arena_free(a);
    return 0;
}
