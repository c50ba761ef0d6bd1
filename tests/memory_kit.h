/*
 * For tests of memory: the fixture with a memory model of one's own, regions and profiles in a
 * line.
 */
#pragma once

#include "sim_fixture.h"

#include "kernel/numa.h"
#include "kernel/page_exact.h"
#include "kernel/vma.h"

/* `tolerance` is a part of what is expected; no number is close to anything. */
static inline void
assert_close(double got, double expected, double tolerance)
{
    if (!(got >= expected * (1 - tolerance) && got <= expected * (1 + tolerance)))
        fail_msg("%.6f, expected %.6f within %.4f %%", got, expected, tolerance * 100);
}

/* Costs are zero unless the test sets them; `set` may change parameters. */
static inline void
kit_open(struct fixture *f, uint32_t nodes, uint32_t cores, const struct memory_model_ops *memory,
         void (*set)(struct kernel_params *kp, struct machine *m))
{
    struct kernel_limits limits = { .max_tasks = 600 };
    struct kernel_params kp;
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, nodes, cores, 1, 20);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 1000000000000u;
    if (set != NULL)
        set(&kp, f->machine);
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, memory);
    f->process = process_new(f->k, "test", NULL);
}

static inline struct region *
kit_region(struct fixture *f, const char *name, uint64_t bytes, uint32_t slices)
{
    return region_new(f->k, f->process->mm,
                      &(struct region_attr){ .name = name,
                                             .bytes = bytes,
                                             .sharing = REGION_SHARED,
                                             .owner = -1,
                                             .nr_slices = slices });
}

/* `misses` per 1000 ns of work. */
static inline struct burst_profile *
kit_profile(struct fixture *f, struct region *r, uint32_t slice, uint32_t misses, uint32_t write_q8)
{
    struct burst_use *use = arena_new_object(f->arena, struct burst_use);
    struct burst_profile *p = arena_new_object(f->arena, struct burst_profile);

    *use = (struct burst_use){ .region = r, .slice = slice, .weight = 1 };
    *p = (struct burst_profile){ .misses_q20 = (uint32_t)(((uint64_t)misses << 20) / 1000),
                                 .mlp_q8 = 256,
                                 .write_q8 = write_q8,
                                 .nr_uses = 1,
                                 .uses = use };
    return p;
}

/* Runs `work` under the profile `times` times, then exits; on the CPUs of the list. */
static inline struct task *
kit_task(struct fixture *f, const char *cpus, const struct burst_profile *profile, uint64_t work)
{
    struct action *acts = arena_new_array(f->arena, struct action, 2);

    acts[0] = (struct action){ .kind = ACTION_RUN, .work = work, .profile = profile };
    acts[1] = (struct action){ .kind = ACTION_EXIT };
    struct task *p = fixture_task(f, "walker", 0, acts, 2);
    if (cpus != NULL)
        task_set_affinity(f->k, p, fixture_cpus(f, cpus));
    return p;
}

/* Marks [first, end) as a scan does that leaves out no page; how many. */
static inline uint64_t
kit_mark(struct mapping *m, uint64_t first, uint64_t end)
{
    struct mark_how how = { .skip_node = -1, .skip_huge_node = -1 };
    uint64_t huge = 0;

    return m->region->ops->mark(m, first, end, &how, &huge);
}

static inline bool
kit_marked(const struct mapping *m, uint64_t page)
{
    return exact_page_marked(m, chunk_of(m->region, page), page);
}

static inline void
kit_populate(struct fixture *f, struct region *r, int node)
{
    struct mempolicy bind = { .mode = MPOL_BIND, .nodes = NODE_BIT(node) };

    region_populate(f->k, r, 0, r->nr_pages, &bind, node);
}
