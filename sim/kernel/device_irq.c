/*
 * Interrupts of devices: whom they reach, and what happens there.
 *
 * A CPU serves its interrupts one after the other. The time they take is stolen from whatever runs,
 * as that of all interrupts, and the owner of an operation is told at its end: a CPU that gets more
 * of them than it can serve delays them, and a task that is woken has the interrupted CPU as the
 * one that it is woken from.
 */
#include "kernel/device_impl.h"

#include "kernel/hotplug.h"

/* ---- which CPU ---- */

static int
next_online(const struct kernel *k, int after)
{
    int cpu = cpumask_next(k->machine->online, (uint32_t)after + 1);

    return cpu >= 0 ? cpu : cpumask_first(k->machine->online);
}

int
device_irq_cpu(const struct kernel *k, uint32_t device, uint32_t queue)
{
    const struct device *d = &k->devices->all[device];

    for (uint32_t i = 0; i < d->nr_irqs; i++) {
        int cpu = (int)d->irqs[(queue + i) % d->nr_irqs];

        if (cpumask_test(k->machine->online, (uint32_t)cpu))
            return cpu;
    }
    return next_online(k, (int)d->irqs[queue % d->nr_irqs]);
}

uint32_t
device_queue_of(const struct kernel *k, uint32_t device, int cpu)
{
    return k->devices->all[device].queue_of[cpu];
}

/* Of the nodes in a set the one that is nearest to `node`, which is nearest to itself. */
static uint32_t
nearest(const struct machine *m, nodemask nodes, uint32_t node)
{
    uint32_t best = node, least = UINT32_MAX;

    if (nodes & NODE_BIT(node))
        return node;
    for_each_node (n, nodes)
        if (machine_distance(m, node, (uint32_t)n) < least) {
            best = (uint32_t)n;
            least = machine_distance(m, node, best);
        }
    return best;
}

/* CPUs of a node use in turn the queues that interrupt one of them, else one of the nearest node
 * that has such. `nr` queues have interrupts; `mine` has room for them. */
static void
queues_of_node(struct device *d, uint32_t nr, nodemask with_queues, uint32_t node, uint32_t *mine)
{
    const struct machine *m = d->k->machine;
    int32_t at = (int32_t)nearest(m, with_queues, node);
    uint32_t all = 0, turn = 0;

    for (uint32_t q = 0; q < nr; q++)
        if (m->cpus[d->irqs[q]].node == at)
            mine[all++] = q;
    for_each_cpu (cpu, m->nodes[node].cpus)
        d->queue_of[cpu] = mine[turn++ % all];
}

static void
queues_of_cpus(struct device *d)
{
    const struct machine *m = d->k->machine;
    uint32_t nr = SIM_MIN(d->nr_irqs, d->spec->nr_queues);
    uint32_t *mine = arena_new_array(d->k->arena, uint32_t, nr);
    nodemask with_queues = 0;

    d->queue_of = arena_new_array(d->k->arena, uint32_t, m->nr_cpus);
    for (uint32_t q = 0; q < nr; q++)
        with_queues |= NODE_BIT(m->cpus[d->irqs[q]].node);
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        queues_of_node(d, nr, with_queues, n, mine);
    for (uint32_t q = 0; q < nr; q++)
        d->queue_of[d->irqs[q]] = q;
}

void
irqs_init(struct device *d)
{
    struct kernel *k = d->k;
    const struct machine *m = k->machine;
    const struct cpumask *from = d->spec->irq_cpus;

    if (from == NULL || cpumask_empty(from))
        from = m->nodes[nearest(m, machine_cpu_nodes(m), (uint32_t)d->spec->node)].cpus;
    d->irqs = arena_new_array(k->arena, uint32_t, cpumask_weight(from));
    for_each_cpu (cpu, from)
        d->irqs[d->nr_irqs++] = (uint32_t)cpu;
    queues_of_cpus(d);
}

/* ---- what happens there ---- */

static void
line_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct irq_line *line = container_of(ev, struct irq_line, ev);
    int cpu = hotplug_interrupt_cpu(k, (int)(line - k->devices->lines));

    while (!list_empty(&line->ops)) {
        struct device_op *op = list_entry(line->ops.next, struct device_op, node);

        if (op->due > eng->now) {
            engine_at(eng, &line->ev, op->due);
            return;
        }
        list_remove(&op->node);
        list_push_front(&k->devices->free, &op->node);
        op->rq.done(k, op->rq.owner, op->rq.task, cpu);
    }
}

void
irq_raise(struct kernel *k, struct device_op *op)
{
    uint32_t device = (uint32_t)(op->device - k->devices->all);
    int cpu = device_irq_cpu(k, device, op->queue);
    struct irq_line *line = &k->devices->lines[cpu];
    struct rq *rq = &k->rqs[cpu];

    charge(k, cpu, k->params.cost.interrupt, CHARGE_IRQ);
    charge(k, cpu, op->rq.cost, CHARGE_SOFTIRQ);
    op->due = SIM_MAX(rq->irq_until, k->engine.now);
    list_push_back(&line->ops, &op->node);
    if (!engine_pending(&k->engine, &line->ev))
        engine_at(&k->engine, &line->ev, op->due);
}

void
irq_lines_init(struct kernel *k, struct devices *ds, uint32_t first_slot)
{
    ds->lines = arena_new_array(k->arena, struct irq_line, k->machine->nr_cpus);
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++) {
        list_init(&ds->lines[cpu].ops);
        event_init(&k->engine, &ds->lines[cpu].ev, EVENT_DEVICE, first_slot + cpu, PHASE_ARRIVE,
                   line_fire);
    }
}
