/*
 * The calls by which a program places itself and tells policies about itself, and the words for all
 * steps. They take no time of their own.
 */
#include "workload/run.h"

bool
step_set_affinity(struct thread *t, const struct wstep *s, struct action *act)
{
    t->pc++;
    task_set_affinity(t->run->k, t->task, aux_of(t, s)->cpus);
    return false;
}

bool
step_set_nice(struct thread *t, const struct wstep *s, struct action *act)
{
    t->pc++;
    task_set_nice(t->run->k, t->task, s->nice);
    return false;
}

/* A class that is refused leaves the thread in its old one, as a program that only reports the
 * error would. */
bool
step_set_class(struct thread *t, const struct wstep *s, struct action *act)
{
    const struct wclass *c = s->class;
    struct task_attr attr = { .nice = t->task->nice,
                              .policy = c->policy,
                              .slice_ns = c->slice_ns,
                              .rt_priority = c->rt_priority,
                              .dl_runtime = c->dl_runtime,
                              .dl_deadline = c->dl_deadline,
                              .dl_period = c->dl_period };
    const char *why = task_set_scheduler(t->run->k, t->task, &attr);

    if (why != NULL)
        kernel_note(t->run->k, "line %u: set_class of %s is refused: %s", s->line, t->task->name,
                    why);
    t->pc++;
    return false;
}

bool
step_hint(struct thread *t, const struct wstep *s, struct action *act)
{
    uint32_t i = 0;

    while (i < t->nr_hints && strcmp(t->hints[i]->name, s->hint.name) != 0)
        i++;
    if (i == THREAD_HINTS_MAX) /* the oldest goes */
        memmove(&t->hints[0], &t->hints[1], (--i) * sizeof(t->hints[0]));
    t->hints[i] = &s->hint;
    t->nr_hints = SIM_MAX(t->nr_hints, i + 1);
    t->pc++;
    return false;
}

const char *const wstep_names[WSTEP_NR + 1] = {
    [WSTEP_COMPUTE] = "compute",
    [WSTEP_STREAM] = "stream",
    [WSTEP_SLEEP] = "sleep",
    [WSTEP_IO] = "io",
    [WSTEP_OFFLOAD] = "offload",
    [WSTEP_AWAIT] = "io: wait",
    [WSTEP_TIMER] = "timer",
    [WSTEP_BARRIER] = "barrier",
    [WSTEP_LOCK] = "lock",
    [WSTEP_UNLOCK] = "unlock",
    [WSTEP_WAIT] = "wait",
    [WSTEP_SIGNAL] = "signal",
    [WSTEP_BROADCAST] = "broadcast",
    [WSTEP_DOWN] = "down",
    [WSTEP_UP] = "up",
    [WSTEP_SEND] = "send",
    [WSTEP_RECEIVE] = "receive",
    [WSTEP_FORK] = "fork",
    [WSTEP_JOIN] = "join",
    [WSTEP_EXIT] = "exit",
    [WSTEP_YIELD] = "yield",
    [WSTEP_EXEC] = "exec",
    [WSTEP_REQUEST_BEGIN] = "request",
    [WSTEP_REQUEST_END] = "answer",
    [WSTEP_CALL] = "call",
    [WSTEP_REPLIES] = "replies",
    [WSTEP_CHOOSE] = "choose",
    [WSTEP_JUMP] = "end of choice",
    [WSTEP_LOOP] = "loop",
    [WSTEP_END_LOOP] = "end of loop",
    [WSTEP_PERIOD] = "period",
    [WSTEP_END_PERIOD] = "end of period",
    [WSTEP_SET_MEMPOLICY] = "set_mempolicy",
    [WSTEP_FORCE_NODE] = "touch",
    [WSTEP_UNFORCE_NODE] = "end of touch",
    [WSTEP_MBIND] = "mbind",
    [WSTEP_MOVE_PAGES] = "move_pages",
    [WSTEP_MIGRATE_PAGES] = "migrate_pages",
    [WSTEP_SET_MEMS] = "set_mems",
    [WSTEP_UNMAP] = "unmap",
    [WSTEP_MADVISE] = "madvise",
    [WSTEP_MPROTECT] = "mprotect",
    [WSTEP_SET_AFFINITY] = "set_affinity",
    [WSTEP_SET_NICE] = "set_nice",
    [WSTEP_SET_CLASS] = "set_class",
    [WSTEP_HINT] = "hint",
    [WSTEP_WORK] = "work",
};
