/*
 * Devices of a random case: of all kinds, fast and slow, with and without memory of their own.
 * Operations have any of the stages, are waited for or not, and may outlive their task.
 */
#include "random_devices.h"

#include "kernel/device.h"
#include "kernel/mm.h"

enum { IN_FLIGHT = 128 };

void
random_devices(const struct random_case *c, struct kernel *k)
{
    const struct machine *m = k->machine;
    uint32_t nr = c->value[DIM_DEVICES];
    const struct machine_device *specs[DEVICES_OF_CASE] = { 0 };

    for (uint32_t i = 0; i < nr; i++) {
        struct machine_device *d = arena_new_object(k->arena, struct machine_device);
        struct rng rng;

        rng_init(&rng, c->seed, "device", i);
        *d = (struct machine_device){
            .name = "device",
            .kind = (enum device_kind)rng_below(&rng, DEVICE_KIND_NR),
            .node = (int32_t)rng_below(&rng, m->nr_nodes),
            .nr_queues = 1 + (uint32_t)rng_below(&rng, 8),
            .parallel = (uint32_t)rng_below(&rng, 3) * 4,
            .bandwidth = (uint64_t)100000000 << rng_below(&rng, 10),
            .mem_bytes = rng_below(&rng, 2) * (MIB(1) + rng_below(&rng, MIB(64))),
        };
        if (rng_below(&rng, 2))
            d->irq_cpus = cpumask_clone(k->arena, case_cpus(m, k->arena, &rng));
        machine_device_complete(d);
        specs[i] = d;
    }
    devices_init(k, specs, nr);
}

static void
over(struct kernel *k, void *owner, struct task *p, int cpu)
{
    (void)owner;
    if (p->state == TASK_BLOCKED) /* for this one, or something else: any wake-up will do */
        task_wake_irq(k, p, cpu);
}

static void
over_unseen(struct kernel *k, void *owner, struct task *p, int cpu)
{
    (void)k, (void)owner, (void)p, (void)cpu;
}

bool
random_operation(struct kernel *k, struct task *p, struct rng *rng)
{
    bool waits = rng_below(rng, 3) > 0;
    uint32_t device = (uint32_t)rng_below(rng, devices_nr(k));
    struct device_request rq = {
        .task = p,
        .bytes_in = rng_below(rng, 2) * rng_below(rng, KIB(256)),
        .bytes_out = rng_below(rng, 2) * rng_below(rng, KIB(256)),
        .service = rng_below(rng, 4) * rng_below(rng, USEC(200)),
        .queue =
            rng_below(rng, 2) ? -1 : (int32_t)rng_below(rng, device_spec(k, device)->nr_queues),
        .cost = rng_below(rng, 2) * rng_below(rng, USEC(5)),
        .done = waits ? over : over_unseen,
    };

    /* nobody gives more to a slow device than it has room for, and --check looks at each of them */
    if (device_in_flight(k, device) >= IN_FLIGHT)
        return false;
    if (k->mm->nr_regions > 0 && rng_below(rng, 2)) {
        const struct region *r = k->mm->regions[rng_below(rng, k->mm->nr_regions)];

        region_shares(k, r, REGION_WHOLE, &rq.nodes, rq.share_q16);
    }
    return device_submit(k, device, &rq) == NULL && waits;
}
