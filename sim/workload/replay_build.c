/*
 * From a recording to the kernel's processes and tasks, and whether it fits the machine.
 */
#include "workload/replay_run.h"

enum { PAGES_MOST = 1 << 26 };

static uint64_t
pages_of(const struct replay *r)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < r->nr_tasks; i++)
        bytes += replay_memories[r->tasks[i].memory].private_bytes +
                 replay_memories[r->tasks[i].memory].shared_bytes;
    return bytes / KIB(4); /* at most: shared regions are counted for each task */
}

const char *
replay_limits(const struct replay *r, const struct machine *m, struct arena *a,
              struct kernel_limits *out)
{
    for (uint32_t cpu = 0; r->placement && cpu < r->nr_cpus; cpu++)
        if (cpu >= m->nr_cpus || !cpumask_test(m->online, cpu))
            return arena_printf(a,
                                "the recording is of CPUs 0-%u, and the machine has no CPU %u: "
                                "recorded placement needs the recorded machine",
                                r->nr_cpus - 1, cpu);
    if (pages_of(r) > PAGES_MOST)
        return arena_printf(a, "the memory profiles of %u tasks come to more than %llu GiB",
                            r->nr_tasks, (unsigned long long)(PAGES_MOST * KIB(4) >> 30));
    out->max_tasks = r->nr_tasks;
    out->nr_sources = 1;
    out->nr_groups = r->nr_sessions; /* autogroups */
    return NULL;
}

static struct process **
build_processes(struct kernel *k, const struct replay *r)
{
    struct process **all = arena_new_array(k->arena, struct process *, r->nr_processes);

    for (uint32_t i = 0; i < r->nr_processes; i++) {
        all[i] = process_new(k, r->processes[i], NULL);
        all[i]->pid = r->process_pids[i];
    }
    return all;
}

/* The CPU of a task that has only one, if the machine has it; NULL: all. What a task asked for on
 * a machine of another size means nothing here. */
static const struct cpumask *
bound_to(struct kernel *k, struct replay_thread *t, const struct replay_task *spec)
{
    uint32_t cpu = (uint32_t)spec->bound;

    bool hint = !spec->kthread && k->machine->nr_cpus != t->run->spec->nr_cpus;

    if (spec->bound < 0 || hint || cpu >= k->machine->nr_cpus ||
        !cpumask_test(k->machine->online, cpu))
        return NULL;
    t->only = cpumask_new(k->arena, k->machine->nr_cpus);
    cpumask_set(t->only, cpu);
    return t->only;
}

static void
build_thread(struct replay_run *run, uint32_t i, struct process *const *processes,
             struct task_group *const *sessions)
{
    const struct replay_task *spec = &run->spec->tasks[i];
    struct replay_thread *t = &run->threads[i];

    t->spec = spec;
    t->run = run;
    const struct task_attr attr = {
        .name = arena_printf(run->k->arena, "%s:%d", spec->name, spec->pid),
        .nice = spec->nice,
        .policy = spec->rt_priority > 0 ? POLICY_FIFO : POLICY_NORMAL,
        .rt_priority = spec->rt_priority,
        .group = spec->kthread ? NULL : sessions[spec->session],
        .allowed = bound_to(run->k, t, spec),
        .ops = run->spec->placement ? &script_ops : &replay_ops,
        .prog = t,
    };

    t->at = spec->code;
    t->end = spec->code + spec->code_len;
    t->first_op = true;
    t->given = arena_new_array(run->k->arena, uint64_t, spec->nr_sources + 1);
    t->task = task_new(run->k, processes[spec->process], &attr);
    t->task->pid = spec->pid;
    t->task->comm = spec->name;
    t->task->cpu_kthread = spec->kthread && spec->bound >= 0;
}

struct replay_run *
replay_build(struct kernel *k, const struct replay *r)
{
    struct replay_run *run = arena_new_object(k->arena, struct replay_run);
    struct process **processes = build_processes(k, r);
    struct task_group **sessions = replay_sessions(k, r);

    run->k = k;
    run->spec = r;
    run->threads = arena_new_array(k->arena, struct replay_thread, r->nr_tasks);
    for (uint32_t i = 0; i < r->nr_tasks; i++)
        build_thread(run, i, processes, sessions);
    if (!r->placement)
        replay_pairs_build(run);
    if (r->placement)
        script_build(run);
    else
        replay_memory_build(run, processes);
    return run;
}

const char *
replay_remark(const struct replay_run *run)
{
    if (run->nr_misfits == 0)
        return NULL;
    return arena_printf(run->k->arena,
                        "%llu events of the recording did not fit what came before them (lost "
                        "events); the tasks were put where they are next",
                        (unsigned long long)run->nr_misfits);
}
