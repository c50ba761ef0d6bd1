/*
 * flat: a machine without NUMA. Every access costs what the fastest local one does, so differences
 * between policies that remain have other causes than memory.
 */
#include "models/memory/models.h"

#include "models/memory/common.h"

static uint64_t
latency(const struct machine *m, uint32_t cpu_node, uint32_t mem_node)
{
    (void)cpu_node, (void)mem_node;
    return machine_local_ps(m);
}

static void
flat_init(struct kernel *k)
{
    unloaded_init(k, latency);
}

const struct memory_model_ops memory_flat = {
    .name = "flat",
    .doc = "every access costs the machine's local latency",
    .priv_size = sizeof(struct unloaded),
    .init = flat_init,
    .run_changed = unloaded_rate,
    .pages_changed = unloaded_changed,
    .resolve = unloaded_resolve,
    .latency_ps = unloaded_latency_ps,
    .predict = unloaded_predict,
};
