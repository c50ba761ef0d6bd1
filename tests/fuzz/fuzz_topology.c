/* Any bytes are a machine or a message, never both; a machine that is written loads again, and is
 * then written in the same way. */
#include "config/load.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_written(const struct machine *m, struct arena *a, struct diag *d)
{
    g_autoptr(GString) once = g_string_new(NULL), twice = g_string_new(NULL);

    topology_yaml_write(m, once);
    const struct machine *back = topology_yaml_load("fuzz", once->str, once->len, a, d);
    if (back != NULL)
        topology_yaml_write(back, twice);
    /* Notes are comments in one and sources in the other: from the name on the texts must agree. */
    const char *first = strstr(once->str, "name: "), *second = strstr(twice->str, "name: ");
    if (back != NULL && strcmp(first, second) == 0)
        return;
    g_autofree char *messages = diag_text(d);
    fprintf(stderr, "%s\n%s\n%s\n", messages, once->str, twice->str);
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct diag d;

    diag_init(&d);
    const struct machine *m = topology_yaml_load("fuzz", (const char *)data, size, a, &d);
    if ((m == NULL) != diag_failed(&d))
        abort();
    if (m != NULL && m->nr_cpus <= 256 && m->nr_nodes <= 16)
        check_written(m, a, &d);
    diag_clear(&d);
    arena_free(a);
    return 0;
}
