/*
 * Any bytes are a workload or messages, and never both; a workload that is written and read again
 * is written the same; and whatever loads either fits a small machine or is refused by name.
 */
#include <stdlib.h>

#include "config/workload_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct machine *
small_machine(struct arena *a)
{
    struct machine *m = machine_new(a, 4, 2);

    m->name = "small";
    for (uint32_t n = 0; n < 2; n++) {
        m->nodes[n].os_index = n;
        m->nodes[n].online = true;
        m->nodes[n].mem_bytes = GIB(1);
    }
    for (uint32_t c = 0; c < 4; c++) {
        m->cpus[c] = (struct machine_cpu){ .present = true,
                                           .online = true,
                                           .node = (int32_t)c / 2,
                                           .package = (int32_t)c / 2,
                                           .die = (int32_t)c / 2,
                                           .core = (int32_t)c,
                                           .cluster = (int32_t)c,
                                           .l2 = (int32_t)c,
                                           .llc = (int32_t)c / 2,
                                           .capacity = 1024 };
        cpumask_set(m->nodes[c / 2].cpus, c);
        cpumask_set(m->present, c);
        cpumask_set(m->online, c);
    }
    if (machine_finish(m) != NULL)
        abort();
    return m;
}

static void
check_written(const struct workload *w, struct arena *a, struct diag *d)
{
    g_autoptr(GString) once = g_string_new(NULL), twice = g_string_new(NULL);

    workload_yaml_write(w, NULL, 0, once);
    const struct workload *again = workload_yaml_load("again", once->str, once->len, NULL, a, d);
    if (again == NULL)
        abort();
    workload_yaml_write(again, NULL, 0, twice);
    if (strcmp(once->str, twice->str) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct kernel_limits limits = { 0 };
    struct diag d;

    diag_init(&d);
    d.data_dir = "/nonexistent"; /* nothing is shipped, so that only the bytes count */
    struct workload *w = workload_yaml_load("fuzz", (const char *)data, size, NULL, a, &d);
    if ((w == NULL) != diag_failed(&d))
        abort();
    if (w != NULL && w->source != NULL)
        check_written(w, a, &d);
    if (w != NULL)
        workload_limits(w, small_machine(a), &limits);
    diag_clear(&d);
    arena_free(a);
    return 0;
}
