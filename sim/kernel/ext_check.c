/*
 * --check of the ext class: a runnable task is in exactly one place, and queues count what they
 * hold.
 */
#include "kernel/check.h"
#include "kernel/ext_impl.h"

/* Who comes before it in the tree, or NULL. */
static const struct scx_task *
tree_before(const struct scx_task *s)
{
    const struct scx_task *at = s->left;

    if (at != NULL) {
        while (at->right != NULL)
            at = at->right;
        return at;
    }
    for (at = s; at->parent != NULL && at->parent->left == at;)
        at = at->parent;
    return at->parent;
}

/* The list has the order of the tree; not that of dsq_vtime, which policies may write. */
static const char *
check_dsq(const struct scx_dsq *q, uint32_t *nr_queued)
{
    const struct scx_task *prev = NULL;
    uint32_t nr = 0, on_tree = 0;

    for (const struct scx_task *s = dsq_first(q); s != NULL; s = dsq_next(q, s, false)) {
        RULE(s->dsq == q);
        RULE(s->queued);
        RULE(s->ops_state == SCX_OPSS_NONE);
        RULE(q->cpu < 0 || s->p->cpu == q->cpu);
        RULE(s->parent == NULL || s->parent->tree_prio >= s->tree_prio);
        RULE(!s->on_tree || tree_before(s) == prev);
        if (s->on_tree)
            prev = s;
        on_tree += s->on_tree;
        nr++;
    }
    uint32_t tasks_counted = q->nr, tasks_listed = nr;
    RULE(tasks_counted == tasks_listed);
    RULE(on_tree == 0 || q->id < SCX_DSQ_BUILTIN);
    *nr_queued += nr;
    return NULL;
}

/* In a DSQ, with the policy, on its way, or running: one of them. */
static const char *
check_task(const struct scx *x, const struct task *p)
{
    const struct scx_task *s = p->scx;
    bool running = x->k->rqs[p->cpu].curr == p;

    if (p->state == TASK_NEW)
        return NULL;
    RULE(s != NULL);
    RULE(s->state == SCX_TASK_ENABLED || p->state == TASK_DEAD);
    RULE(s->queued == p->on_rq);
    bool in_dsq = s->dsq != NULL, owned = s->ops_state == SCX_OPSS_QUEUED;
    bool deferred = !in_dsq && !list_empty(&s->node);
    RULE(s->ops_state != SCX_OPSS_QUEUEING);
    RULE(in_dsq + owned + deferred + (running && s->queued) == s->queued);
    RULE(list_empty(&s->runnable_node) == (!s->queued || running));
    RULE(s->sticky_cpu < 0);
    return NULL;
}

static const char *
check_cpu(const struct scx *x, const struct scx_rq *er, uint32_t *nr_queued)
{
    uint32_t waiting = 0;

    list_for_each (node, &er->runnable) {
        const struct scx_task *s = list_entry(node, struct scx_task, runnable_node);

        RULE(s->p->cpu == er->rq->cpu);
        waiting++;
    }
    bool runs = er->rq->curr != NULL && is_ext(er->rq->curr) && er->rq->curr->scx->queued;
    RULE(er->nr_running == waiting + runs);
    RULE(!er->in_balance && !er->putting && !er->moving && !er->in_cycle);
    RULE(er->cursor == 0);
    /* at load all CPUs are taken for idle; from its first change on a CPU's bit is right */
    bool said_to_idle = x->enabled && er->idle_known && x->builtin_idle &&
                        cpumask_test(x->idle_cpus, (uint32_t)er->rq->cpu);
    RULE(!said_to_idle || er->rq->curr == NULL);
    return check_dsq(&er->local, nr_queued);
}

uint32_t
ext_nr_running(const struct kernel *k, int cpu)
{
    return k->scx != NULL ? k->scx->rqs[cpu].nr_running : 0;
}

const char *
ext_check(const struct kernel *k)
{
    const struct scx *x = k->scx;
    uint32_t nr_queued = 0;
    const char *broken;

    RULE(x->frame == NULL);
    /* while CPUs of cores are offline, whole cores are not looked after, as in the kernel */
    bool cores_known = k->smt_active && x->hotplug_seq == 0;
    RULE(!cores_known || cpumask_subset(x->idle_smt, x->idle_cpus));
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++)
        if ((broken = check_cpu(x, &x->rqs[cpu], &nr_queued)) != NULL)
            return broken;
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        if ((broken = check_dsq(&x->global[n], &nr_queued)) != NULL)
            return broken;
    for (uint32_t b = 0; b < SCX_DSQ_BUCKETS; b++)
        for (const struct scx_dsq *q = x->buckets[b]; q != NULL; q = q->next)
            if ((broken = check_dsq(q, &nr_queued)) != NULL)
                return broken;
    uint32_t in_dsqs = 0;
    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        const struct task *p = k->tasks[i];

        if (is_ext(p) && (broken = check_task(x, p)) != NULL)
            return broken;
        RULE(is_ext(p) || p->scx == NULL || (p->scx->dsq == NULL && !p->scx->queued));
        in_dsqs += p->scx != NULL && p->scx->dsq != NULL;
    }
    RULE(in_dsqs == nr_queued);
    return NULL;
}
