/* Whether a page should move: the parts that few faults come to. See numa_misplaced.h. */
#include "kernel/numa_misplaced.h"

bool
numa_group_wants(struct kernel *k, struct numa_fault *f)
{
    const struct numa_group *g = f->p->numa->group;
    int src = f->src, dst = f->rq->node;
    uint64_t cpu_dst = group_faults_cpu(k, g, dst), cpu_src = group_faults_cpu(k, g, src);

    if (cpu_dst > 3 * cpu_src)
        return numa_answer(f, "group_node", true);
    return numa_answer(f, "group_balance",
                       cpu_dst * group_faults(k, g, src) * 3 >
                           cpu_src * group_faults(k, g, dst) * 4);
}

static bool
know_self(const struct kernel *k, struct numa_fault *f)
{
    f->self = numa_tag_of(k, f->rq->cpu, f->p);
    return numa_tag_is_mine(&f->self, f->tag);
}

bool
should_numa_migrate_memory(struct kernel *k, struct numa_fault *f)
{
    return numa_should_migrate(k, f, know_self(k, f), numa_uses_access_time(k, f->src));
}

bool
numa_misplaced(struct kernel *k, struct numa_fault *f)
{
    return numa_is_misplaced(k, f, know_self(k, f), numa_uses_access_time(k, f->src));
}
