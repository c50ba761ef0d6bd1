/*
 * What a recording cannot say: how the tasks use memory. A user names a profile for the tasks of a
 * pattern; without one a task has no misses.
 *
 * The recorded CPU time already holds the stalls of the recorded machine. So the work of a burst is
 * less than its time, by what its misses cost on the own node of this machine without load: a
 * replay with everything local and idle takes the recorded time, and what is more is the doing of
 * placement and load.
 *
 * The figures are round: an online transaction misses some ten times in 1000 instructions, mostly
 * in shared buffers; a stream takes a line each 3 ns of work and has a dozen under way; a chase
 * waits for each.
 */
#include "kernel/region.h"
#include "workload/replay_run.h"

const struct replay_memory replay_memories[] = {
    { .name = "none", .doc = "no misses (the default)" },
    { .name = "oltp",
      .doc = "10 misses in 1000 instructions, random, 80 % in memory that the process shares",
      .private_bytes = MIB(8),
      .shared_bytes = MIB(256),
      .misses_per_us = 25,
      .mlp_q8 = 2 * 256,
      .write_q8 = 77,
      .shared_weight = 80,
      .pattern = ACCESS_RANDOM },
    { .name = "stream",
      .doc = "a line each 3 ns through 64 MiB of its own, 12 under way",
      .private_bytes = MIB(64),
      .misses_per_us = 300,
      .mlp_q8 = 12 * 256,
      .write_q8 = 85,
      .pattern = ACCESS_SEQUENTIAL },
    { .name = "chase",
      .doc = "pointers through 64 MiB of its own, one miss after the other",
      .private_bytes = MIB(64),
      .misses_per_us = 50,
      .mlp_q8 = 256,
      .pattern = ACCESS_CHASE },
    { .name = "light",
      .doc = "1 miss in 1000 instructions, random, in 4 MiB of its own",
      .private_bytes = MIB(4),
      .misses_per_us = 3,
      .mlp_q8 = 4 * 256,
      .write_q8 = 77,
      .pattern = ACCESS_RANDOM },
    { .name = NULL },
};

static struct region *
new_region(struct replay_run *run, struct process *pr, const char *name, uint64_t bytes, bool own,
           uint32_t index)
{
    const struct region_attr attr = {
        .name = name,
        .bytes = bytes,
        .page_size = (uint32_t)KIB(4),
        .sharing = own ? REGION_PRIVATE : REGION_SHARED,
        .owner = own ? (int32_t)index : -1,
        .nr_slices = 1,
    };

    return region_new(run->k, pr->mm, &attr);
}

/* Of the nodes that have both CPUs and memory. */
static uint64_t
mean_local_ps(const struct machine *m)
{
    nodemask both = machine_cpu_nodes(m) & machine_memory_nodes(m);
    uint64_t sum = 0;

    for_each_node (n, both)
        sum += machine_latency_ps(m, (uint32_t)n, (uint32_t)n);
    return both ? sum / (uint64_t)__builtin_popcountll(both) : 0;
}

/* Work in a ns of recorded time, in 1/2^20: 1 / (1 + what the misses of a ns cost at home). */
static uint32_t
work_share(const struct machine *m, const struct replay_memory *how)
{
    uint64_t local_ps = mean_local_ps(m);
    uint64_t stall_ps = local_ps * how->misses_per_us * 256 / how->mlp_q8; /* of a us of work */

    return (uint32_t)mul_div_u64(1 << 20, 1000000, 1000000 + stall_ps);
}

static void
build_profile(struct replay_run *run, struct replay_thread *t, struct region *own,
              struct region *shared)
{
    const struct replay_memory *how = &replay_memories[t->spec->memory];
    uint32_t n = 0;

    if (own != NULL)
        t->uses[n++] = (struct burst_use){ own,          REGION_WHOLE, 100 - how->shared_weight,
                                           how->pattern, { 0 },        0 };
    if (shared != NULL)
        t->uses[n++] =
            (struct burst_use){ shared, REGION_WHOLE, how->shared_weight, how->pattern, { 0 }, 0 };
    t->profile = (struct burst_profile){
        .misses_q20 = (uint32_t)(((uint64_t)how->misses_per_us << MISS_SHIFT) / 1000),
        .mlp_q8 = how->mlp_q8,
        .write_q8 = how->write_q8,
        .nr_uses = n,
        .uses = t->uses,
    };
    t->has_memory = true;
    t->work_q20 = work_share(run->k->machine, how);
}

/* One shared region for each process and profile. */
void
replay_memory_build(struct replay_run *run, struct process *const *processes)
{
    enum { PROFILES = 8 };
    struct region **shared =
        arena_new_array(run->k->arena, struct region *, run->spec->nr_processes * PROFILES);
    uint32_t *members = arena_new_array(run->k->arena, uint32_t, run->spec->nr_processes);

    for (uint32_t i = 0; i < run->spec->nr_tasks; i++) {
        struct replay_thread *t = &run->threads[i];
        const struct replay_memory *how = &replay_memories[t->spec->memory];
        struct region **common = &shared[t->spec->process * PROFILES + t->spec->memory % PROFILES];
        struct process *pr = processes[t->spec->process];
        uint32_t index = members[t->spec->process]++;

        if (how->misses_per_us == 0)
            continue;
        if (*common == NULL && how->shared_bytes > 0)
            *common = new_region(run, pr, "shared", how->shared_bytes, false, 0);
        build_profile(run, t, new_region(run, pr, "own", how->private_bytes, true, index), *common);
    }
}
