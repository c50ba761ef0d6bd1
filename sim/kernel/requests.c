/*
 * Requests by kind; see requests.h.
 */
#include "kernel/requests.h"

static struct request_kind *
add_kind(struct kernel *k, struct process *pr, const char *name)
{
    struct request_kind *kind = arena_new_object(k->arena, struct request_kind);
    size_t size = pr->nr_kinds * sizeof(struct request_kind *);

    kind->name = arena_strdup(k->arena, name);
    histogram_init(&kind->latency, k->arena);
    pr->kinds = arena_grow(k->arena, pr->kinds, size, size + sizeof(struct request_kind *));
    pr->kinds[pr->nr_kinds++] = kind;
    return kind;
}

struct request_kind *
request_kind(struct kernel *k, struct process *pr, const char *name)
{
    if (pr->nr_kinds == 0)
        add_kind(k, pr, "");
    for (uint32_t i = 0; i < pr->nr_kinds; i++)
        if (strcmp(pr->kinds[i]->name, name) == 0)
            return pr->kinds[i];
    return add_kind(k, pr, name);
}

void
request_arrived(struct request_kind *kind)
{
    kind->arrived++;
}

void
request_ended(struct request_kind *kind, sim_time latency)
{
    histogram_record(&kind->latency, latency);
}

void
requests_reset(struct kernel *k)
{
    for (uint32_t i = 0; i < k->nr_processes; i++)
        for (uint32_t j = 0; j < k->processes[i]->nr_kinds; j++) {
            k->processes[i]->kinds[j]->arrived = 0;
            histogram_init(&k->processes[i]->kinds[j]->latency, k->arena);
        }
}
