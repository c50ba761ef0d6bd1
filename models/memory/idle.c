/*
 * idle: the latency matrix as measured on a machine that does nothing else. Bandwidth is unlimited.
 */
#include "models/memory/models.h"

#include "models/memory/common.h"

static uint64_t
latency(const struct machine *m, uint32_t cpu_node, uint32_t mem_node)
{
    return machine_latency_ps(m, cpu_node, mem_node);
}

static void
idle_init(struct kernel *k)
{
    unloaded_init(k, latency);
}

const struct memory_model_ops memory_idle = {
    .name = "idle",
    .doc = "the latency matrix, no load",
    .priv_size = sizeof(struct unloaded),
    .init = idle_init,
    .run_changed = unloaded_rate,
    .pages_changed = unloaded_changed,
    .resolve = unloaded_resolve,
    .latency_ps = unloaded_latency_ps,
    .predict = unloaded_predict,
};
