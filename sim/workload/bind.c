/*
 * HARD_BIND and INVERSE_BIND, as autonumabench defines them, on any number of nodes.
 *
 * The nodes are dealt to the processes that ask for it: with two processes, half of them each; with
 * more processes than nodes, one node in turn. If the threads of a process own slices of a region,
 * each of them is pinned to one of the process's nodes and its slice bound to that node; all other
 * threads and regions belong to the process's nodes as a whole. The inverse has the same CPUs, and
 * puts each slice on the node farthest from its thread, other memory on the node farthest from the
 * process.
 */
#include "workload/run.h"

#include "kernel/vma.h"

const char *const wbind_names[WBIND_NR + 1] = {
    [WBIND_NONE] = "none",
    [WBIND_HARD] = "hard",
    [WBIND_INVERSE] = "inverse",
};

struct deal {
    struct workload_run *run;
    nodemask own;
    uint32_t nr_own;
    int32_t nodes[NODE_MAX];
};

static struct cpumask *
cpus_of(struct workload_run *r, nodemask nodes)
{
    const struct machine *m = r->k->machine;
    struct cpumask *cpus = cpumask_new(r->k->arena, m->nr_cpus);

    for_each_cpu (cpu, m->online)
        if (nodes & NODE_BIT(m->cpus[cpu].node))
            cpumask_set(cpus, (uint32_t)cpu);
    return cpus;
}

/* The node with memory and CPUs that is farthest from all of `from`; among equals the one that
 * comes first from (first of `from` + N/2) mod N on. */
static int
farthest(const struct machine *m, nodemask from)
{
    nodemask candidates = machine_memory_nodes(m) & machine_cpu_nodes(m);
    uint32_t start = (uint32_t)__builtin_ctzll(from) + m->nr_nodes / 2;
    int best = __builtin_ctzll(from);
    uint64_t most = 0;

    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        uint32_t n = (start + i) % m->nr_nodes;
        uint64_t sum = 0;

        for_each_node (f, from)
            sum += machine_distance(m, (uint32_t)f, n);
        if ((candidates & NODE_BIT(n)) && sum > most) {
            most = sum;
            best = (int)n;
        }
    }
    return best;
}

static struct mempolicy
bound_to(const struct deal *d, const struct instance *in, nodemask cpu_nodes)
{
    const struct machine *m = d->run->k->machine;
    nodemask nodes = cpu_nodes & machine_memory_nodes(m);

    if (in->spec->bind == WBIND_INVERSE)
        nodes = NODE_BIT(farthest(m, cpu_nodes));
    return (struct mempolicy){ .mode = MPOL_BIND,
                               .nodes = nodes ? nodes : machine_memory_nodes(m) };
}

static void
bind_thread(struct workload_run *r, struct thread *t, nodemask nodes)
{
    t->attr.allowed = cpus_of(r, nodes);
    task_set_affinity(r->k, t->task, t->attr.allowed);
}

/* Pins the threads that own the slices, one node each, and the slices with them. */
static void
bind_slices(struct deal *d, struct instance *in, const struct wregion *spec, struct region *region)
{
    struct crew *c = &in->crews[(uint32_t)spec->slices_of - in->spec->first_group];

    for (uint32_t i = 0; i < c->nr; i++) {
        nodemask node = NODE_BIT(d->nodes[(uint64_t)i * d->nr_own / c->nr]);

        bind_thread(d->run, &c->threads[i], node);
        if (i >= region->nr_slices)
            continue;
        struct mempolicy policy = bound_to(d, in, node);
        region_set_policy(d->run->k, region, region_slice_first(region, i),
                          region_slice_pages(region, i), &policy);
    }
}

static void
bind_instance(struct deal *d, struct instance *in)
{
    const struct workload *w = d->run->w;

    for (uint32_t i = 0; i < in->spec->nr_groups; i++)
        for (uint32_t j = 0; j < in->crews[i].nr; j++)
            bind_thread(d->run, &in->crews[i].threads[j], d->own);
    for (uint32_t i = 0; i < w->nr_regions; i++) {
        const struct wregion *spec = &w->regions[i];

        if (spec->process < 0 || &w->processes[spec->process] != in->spec)
            continue;
        uint32_t nr =
            spec->group < 0 ? 1 : in->crews[(uint32_t)spec->group - in->spec->first_group].nr;
        struct mempolicy policy = bound_to(d, in, d->own);
        for (uint32_t j = 0; j < nr; j++) {
            struct region *region = in->regions[i][j];
            region_set_policy(d->run->k, region, 0, region->nr_pages, &policy);
        }
        if (spec->slices_of >= 0)
            bind_slices(d, in, spec, in->regions[i][0]);
    }
}

static void
deal_nodes(struct deal *d, nodemask all, uint32_t place, uint32_t nr_places)
{
    int32_t nodes[NODE_MAX];
    uint32_t nr = 0;

    for_each_node (n, all)
        nodes[nr++] = n;
    uint32_t first = nr_places > nr ? place % nr : (uint32_t)((uint64_t)place * nr / nr_places);
    uint32_t last = nr_places > nr ? first + 1 : (uint32_t)((uint64_t)(place + 1) * nr / nr_places);
    d->own = 0;
    d->nr_own = last - first;
    for (uint32_t i = first; i < last; i++) {
        d->nodes[i - first] = nodes[i];
        d->own |= NODE_BIT(nodes[i]);
    }
}

void
bind_instances(struct workload_run *r)
{
    const struct machine *m = r->k->machine;
    nodemask both = machine_cpu_nodes(m) & machine_memory_nodes(m);
    struct deal d = { .run = r };
    uint32_t nr = 0, place = 0;

    for (uint32_t i = 0; i < r->nr_instances; i++)
        nr += r->instances[i].spec->bind != WBIND_NONE;
    for (uint32_t i = 0; i < r->nr_instances; i++) {
        if (r->instances[i].spec->bind == WBIND_NONE)
            continue;
        deal_nodes(&d, both ? both : machine_cpu_nodes(m), place++, nr);
        bind_instance(&d, &r->instances[i]);
    }
}
