/*
 * The adapter from five hooks to sched_ext's operations.
 *
 * Tasks that wait are held here, in a list for each node in the order in which they came: it is
 * what the decision falls back to, and what a program's choice is checked against. So a program
 * cannot lose a task: whoever it never picks runs when it has no opinion.
 */
#include "numasim/hooks.h"

#include "base/list.h"

struct hooks_task {
    struct list node; /* of its node's list, while it waits */
    struct task *p;
    bool waits;
    _Alignas(8) unsigned char data[HOOKS_PROGRAMS_MOST][HOOKS_TASK_DATA];
};

struct hooks {
    uint64_t picked, defaulted;
    int nr_programs;
    const struct sched_hooks *const *programs;
    void *states[HOOKS_PROGRAMS_MOST];
    struct list waiting[NODE_MAX];
    _Alignas(16) unsigned char state[HOOKS_STATE_MOST];
};

_Static_assert(sizeof(struct hooks) <= HOOKS_PRIV_SIZE, "struct hooks");
_Static_assert(sizeof(struct hooks_task) <= HOOKS_TASK_SIZE, "struct hooks_task");

const struct scx_stat hooks_stats[] = {
    SCX_STAT(struct hooks, picked, "decisions of the programs"),
    SCX_STAT(struct hooks, defaulted, "decisions that none of them had an opinion on"),
    { .name = NULL },
};

int
hooks_init(struct scx *scx)
{
    struct hooks *h = scx_priv(scx);
    size_t used = 0;

    h->programs = scx_adapter(scx);
    for (int node = 0; node < NODE_MAX; node++)
        list_init(&h->waiting[node]);
    for (; h->programs[h->nr_programs] != NULL; h->nr_programs++) {
        size_t size = (h->programs[h->nr_programs]->state_size + 15) & ~(size_t)15;
        if (h->nr_programs == HOOKS_PROGRAMS_MOST || size > HOOKS_STATE_MOST - used) {
            scx_error(scx, "more than %d programs, or their state is larger than %d bytes",
                      HOOKS_PROGRAMS_MOST, HOOKS_STATE_MOST);
            return -1;
        }
        h->states[h->nr_programs] = &h->state[used];
        used += size;
    }
    return 0;
}

#define FOR_EACH_PROGRAM(h, i, hook)                                                               \
    for (int i = 0; i < (h)->nr_programs; i++)                                                     \
        if ((h)->programs[i]->hook != NULL)

int
hooks_init_task(struct scx *scx, struct task *p, const struct scx_init_task_args *args)
{
    struct hooks *h = scx_priv(scx);
    struct hooks_task *t = scx_task_data(scx, p);

    (void)args;
    t->p = p;
    list_init(&t->node);
    FOR_EACH_PROGRAM(h, i, task_new)
    h->programs[i]->task_new(scx, h->states[i], p);
    return 0;
}

static void
forget(struct hooks_task *t)
{
    list_remove(&t->node);
    t->waits = false;
}

void
hooks_exit_task(struct scx *scx, struct task *p, const struct scx_exit_task_args *args)
{
    (void)args;
    forget(scx_task_data(scx, p));
}

/* The kernel's choice; who runs there is for pick_next to say. */
int
hooks_select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    bool is_idle;

    return scx_select_cpu_dfl(scx, p, prev_cpu, wake_flags, &is_idle);
}

void
hooks_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    struct hooks *h = scx_priv(scx);
    struct hooks_task *t = scx_task_data(scx, p);

    (void)enq_flags;
    forget(t);
    list_push_back(&h->waiting[scx_cpu_node(scx, scx_task_cpu(scx, p))], &t->node);
    t->waits = true;
    FOR_EACH_PROGRAM(h, i, enqueue)
    h->programs[i]->enqueue(scx, h->states[i], p);
}

void
hooks_dequeue(struct scx *scx, struct task *p, uint64_t deq_flags)
{
    (void)deq_flags;
    forget(scx_task_data(scx, p));
}

void
hooks_quiescent(struct scx *scx, struct task *p, uint64_t deq_flags)
{
    struct hooks *h = scx_priv(scx);

    (void)deq_flags;
    FOR_EACH_PROGRAM(h, i, dequeue)
    h->programs[i]->dequeue(scx, h->states[i], p);
}

static void
run(struct scx *scx, struct task *p, sim_time slice)
{
    forget(scx_task_data(scx, p));
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, slice == 0 ? SCX_SLICE_DFL : slice, 0);
}

static bool
ask_programs(struct scx *scx, struct hooks *h, int cpu)
{
    FOR_EACH_PROGRAM(h, i, pick_next)
    {
        struct task *p = h->programs[i]->pick_next(scx, h->states[i], cpu);
        if (p == NULL)
            continue;
        if (!hooks_may_pick(scx, p, cpu)) {
            scx_error(scx, "%s picked task %d for CPU %d, which does not wait or may not run there",
                      h->programs[i]->name, scx_task_pid(scx, p), cpu);
            return true;
        }
        h->picked++;
        run(scx, p, h->programs[i]->slice);
        return true;
    }
    return false;
}

void
hooks_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    struct hooks *h = scx_priv(scx);

    (void)prev;
    if (ask_programs(scx, h, cpu))
        return;
    list_for_each (node, &h->waiting[scx_cpu_node(scx, cpu)]) {
        struct hooks_task *t = list_entry(node, struct hooks_task, node);
        if (!cpumask_test(scx_task_cpumask(scx, t->p), (uint32_t)cpu))
            continue;
        h->defaulted++;
        run(scx, t->p, 0);
        return;
    }
}

void
hooks_tick(struct scx *scx, struct task *p)
{
    struct hooks *h = scx_priv(scx);
    bool over = false;

    FOR_EACH_PROGRAM(h, i, task_tick)
    over |= h->programs[i]->task_tick(scx, h->states[i], p);
    if (over)
        scx_task_set_slice(scx, p, 0);
}

void *
hooks_task_data(struct scx *scx, const struct task *p, int program)
{
    struct hooks_task *t = scx_task_data(scx, p);

    return t->data[program];
}

bool
hooks_may_pick(struct scx *scx, const struct task *p, int cpu)
{
    const struct hooks_task *t = scx_task_data(scx, p);

    return t->waits && cpumask_test(scx_task_cpumask(scx, p), (uint32_t)cpu);
}
