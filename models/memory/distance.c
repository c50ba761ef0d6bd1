/*
 * distance: what a kernel believes. Latencies are the local one times the SLIT distance over 10,
 * which is how policies see the machine, and often far from how it is.
 */
#include "models/memory/models.h"

#include "models/memory/common.h"

static uint64_t
latency(const struct machine *m, uint32_t cpu_node, uint32_t mem_node)
{
    return machine_local_ps(m) * machine_distance(m, cpu_node, mem_node) / LOCAL_DISTANCE;
}

static void
distance_init(struct kernel *k)
{
    unloaded_init(k, latency);
}

const struct memory_model_ops memory_distance = {
    .name = "distance",
    .doc = "local latency times the SLIT distance, no load",
    .priv_size = sizeof(struct unloaded),
    .init = distance_init,
    .run_changed = unloaded_rate,
    .pages_changed = unloaded_changed,
    .resolve = unloaded_resolve,
    .latency_ps = unloaded_latency_ps,
    .predict = unloaded_predict,
};
