/*
 * CPUs that come and go while a policy is loaded. One that does not care for them (no cpu_online,
 * cpu_offline) leaves, with a code that says that it may be started again.
 *
 * Model assumption: a CPU leaves in an instant. In the kernel each task that waits on it runs for a
 * moment before the stopper moves it (running, stopping); here only the one that runs is stopped.
 */
#include "kernel/ext_impl.h"

/* The CPU does not ask for tasks any more: what waits elsewhere for it comes to its local DSQ,
 * from where the stopper moves all to other CPUs (rq_offline_scx). */
static void
requeue_locally(struct scx *x, struct scx_rq *er)
{
    struct list *node = er->runnable.prev;

    while (node != &er->runnable) {
        struct list *before = node->prev;
        struct scx_task *s = list_entry(node, struct scx_task, runnable_node);

        if (s->dsq != &er->local) {
            dequeue_task(x->k, er->rq, s->p, DEQUEUE_SAVE | DEQUEUE_MOVE);
            enqueue_task(x->k, er->rq, s->p, ENQUEUE_RESTORE);
        }
        node = before;
    }
}

void
ext_cpu_hotplug(struct kernel *k, int cpu, bool online)
{
    struct scx *x = k->scx;

    x->hotplug_seq++;
    if (x->state == SCX_DISABLED)
        return;
    x->rqs[cpu].online = online;
    if (!online && x->enabled)
        requeue_locally(x, &x->rqs[cpu]);
    if (online && SCX_HAS(x, cpu_online))
        SCX_CALL(x, cpu_online, NULL, cpu);
    else if (!online && SCX_HAS(x, cpu_offline))
        SCX_CALL(x, cpu_offline, NULL, cpu);
    else
        scx_fail(x, SCX_EXIT_UNREG_KERN, SCX_ECODE_ACT_RESTART | SCX_ECODE_RSN_HOTPLUG,
                 "cpu %d going %s, exiting scheduler", cpu, online ? "online" : "offline");
}
