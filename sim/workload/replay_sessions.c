/*
 * Sessions of a recorded machine (sched.autogroup): kernels built with CONFIG_SCHED_AUTOGROUP give
 * each session a task group of its own, so that a session of many tasks gets no more than one of
 * few. Who is in which was found out when the recording was read; kernel threads are in the root
 * group.
 */
#include "workload/replay_run.h"
#include "workload/workload.h"

struct task_group **
replay_sessions(struct kernel *k, const struct replay *r)
{
    struct task_group **groups = arena_new_array(k->arena, struct task_group *, r->nr_sessions);

    if (k->params.sched.autogroup == AUTOGROUP_OFF || r->placement ||
        (k->params.sched.autogroup == AUTOGROUP_REPLAYS && !r->grouped))
        return groups;
    for (uint32_t i = 0; i < r->nr_tasks; i++) {
        const struct replay_task *t = &r->tasks[i];
        if (!t->kthread && groups[t->session] == NULL)
            groups[t->session] = build_autogroup(k, t->session + 1);
    }
    return groups;
}
