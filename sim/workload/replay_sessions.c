/*
 * Sessions of a recorded machine (sched.autogroup): kernels built with CONFIG_SCHED_AUTOGROUP give
 * each session a task group of its own, so that a session of many tasks gets no more than one of
 * few.
 *
 * A recording does not say who called setsid(). Taken for one session: processes of which one
 * forked the other within the recording, unless it was init, whose children are services. Kernel
 * threads are in the root group.
 */
#include "workload/replay_run.h"
#include "workload/workload.h"

/* How many numbers follow an op. */
static const uint8_t op_numbers[REPLAY_OP_NR] = {
    [REPLAY_RUN] = 1,   [REPLAY_WAKE] = 2, [REPLAY_FORK] = 1,  [REPLAY_WAIT] = 4,
    [REPLAY_SLEEP] = 2, [REPLAY_NICE] = 1, [REPLAY_GO_ON] = 1,
};

/* The process that stands for the session of p. */
static uint32_t
session_of(uint32_t *leader, uint32_t p)
{
    while (leader[p] != p)
        p = leader[p] = leader[leader[p]];
    return p;
}

static void
join(uint32_t *leader, uint32_t p, uint32_t q)
{
    p = session_of(leader, p);
    q = session_of(leader, q);
    leader[SIM_MAX(p, q)] = SIM_MIN(p, q);
}

/* Those that a task forks are of its session. */
static void
join_children(const struct replay *r, const struct replay_task *t, uint32_t *leader)
{
    const uint8_t *at = t->code, *end = at + t->code_len;

    while (at < end) {
        uint8_t op = *at++;
        uint64_t first = replay_number(&at, end);

        for (unsigned i = 1; i < op_numbers[op]; i++)
            replay_number(&at, end);
        if (op == REPLAY_FORK && first < r->nr_tasks && !r->tasks[first].kthread)
            join(leader, t->process, r->tasks[first].process);
    }
}

struct task_group **
replay_sessions(struct kernel *k, const struct replay *r, struct process *const *processes)
{
    struct task_group **groups = arena_new_array(k->arena, struct task_group *, r->nr_processes);
    uint32_t *leader = arena_new_array(k->arena, uint32_t, r->nr_processes);

    if (k->params.sched.autogroup == AUTOGROUP_OFF || r->placement)
        return groups;
    for (uint32_t i = 0; i < r->nr_processes; i++)
        leader[i] = i;
    for (uint32_t i = 0; i < r->nr_tasks; i++)
        if (!r->tasks[i].kthread && r->tasks[i].pid != 1)
            join_children(r, &r->tasks[i], leader);
    for (uint32_t i = 0; i < r->nr_processes; i++) {
        uint32_t first = session_of(leader, i); /* never above i */
        groups[i] = first == i ? build_autogroup(k, processes[i]) : groups[first];
    }
    return groups;
}
