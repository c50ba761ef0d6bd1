/*
 * exec: a task that starts another program has no warm cache to lose, so it is placed anew
 * (sched_exec; sched-core.md 3.5).
 *
 * It calls this in the midst of its own action. The stopper that moves it runs when the CPU next
 * thinks, in the same instant; a task that sleeps by then is left where it is.
 */
#include "kernel/numa.h"
#include "kernel/select.h"

void
task_exec(struct kernel *k, struct task *p)
{
    int cpu = p->cpu;

    sim_assert(p->state == TASK_RUNNING);
    numa_task_exec(k, p);
    if (p->class->select_task_rq == NULL)
        return;
    cpu = p->class->select_task_rq(k, p, p->cpu, WF_EXEC);
    if (unlikely(cpu < 0 || (uint32_t)cpu >= k->machine->nr_cpus || !allowed_on(p, cpu))) {
        kernel_fail(k, "--force-decision: CPU %d is not one that %s may run on", cpu, p->name);
        return;
    }
    if (cpu == p->cpu)
        return;
    p->stop_cpu = cpu + 1;
    p->migrate_pending = true;
    resched_curr(k, &k->rqs[p->cpu]);
}
