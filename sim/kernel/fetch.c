/*
 * Fetching for events that are some microseconds ahead, all of a group at once.
 *
 * What an event will look at hangs together by pointers: a timer's task was on a CPU whose queue
 * has a task that has a group of the memory model. For one event each pointer would be waited for.
 * So all events of a group go one pointer further before any of them goes the next: by then what
 * the first asked for has come. A step reads only what a step before it has fetched.
 */
#include "kernel/fetch.h"

#include "kernel/cfs_rq.h"
#include "kernel/memory_model.h"

/* Entries of a queue that are looked at one after the other. */
enum { SOON_ENTRIES = 8 };

/* What is known of an event: a task that wakes up on a CPU, or a CPU where something ends. */
struct soon {
    const struct task *timer;
    const struct rq *rq;
    const struct task *curr, *next; /* next: a guess, the first in the queue's arrays */
    const struct sched_domain *sd;
};

static void
find_owner(const struct kernel *k, struct event *ev, struct soon *s)
{
    *s = (struct soon){ 0 };
    if (ev->kind == EVENT_TASK) {
        s->timer = container_of(ev, struct task, timer);
        fetch_task(k, s->timer);
    } else if (ev->kind == EVENT_BURST || ev->kind == EVENT_TICK || ev->kind == EVENT_BALANCE) {
        int cpu = (int)event_index(&k->engine, ev);

        s->rq = &k->rqs[cpu];
        fetch_rq(k, cpu);
    }
}

static void
fetch_queue(const struct cfs_rq *cfs)
{
    fetch_bytes(cfs->vruntime, SIM_MIN(cfs->capacity, (uint32_t)SOON_ENTRIES) * CFS_ENTRY);
}

static void
fetch_group(const struct sched_domain *sd)
{
    if (sd != NULL)
        fetch_bytes(sd->groups, sizeof(*sd->groups));
}

static void
fetch_group_capacity(const struct sched_domain *sd)
{
    if (sd != NULL)
        fetch_bytes(sd->groups->sgc, sizeof(*sd->groups->sgc));
}

/* What the memory model knows of the CPU, or of the burst that p goes on with. */
static void
fetch_rate(const struct kernel *k, int cpu, const struct task *p, int step)
{
    if (k->memory->fetch != NULL && (p == NULL || p->mem != NULL))
        k->memory->fetch(k, cpu, p != NULL ? &p->mem->mix : NULL, step);
}

/* ---- a task wakes up ---- */

static void
timer_second(const struct kernel *k, struct soon *s)
{
    s->rq = &k->rqs[s->timer->cpu];
    fetch_rq(k, s->timer->cpu);
    fetch_task_parts(k, s->timer);
}

static void
timer_third(const struct kernel *k, struct soon *s)
{
    s->curr = s->rq->curr;
    if (s->curr != NULL)
        fetch_task(k, s->curr);
    fetch_queue(&s->rq->cfs);
    fetch_task_memory(k, s->timer);
    fetch_domain(k->domains->cpus[s->rq->cpu].sd);
}

static void
timer_fourth(const struct kernel *k, struct soon *s)
{
    if (s->curr != NULL)
        fetch_task_parts(k, s->curr);
    fetch_rate(k, s->rq->cpu, NULL, 0);
}

static void
timer_fifth(const struct kernel *k, struct soon *s)
{
    if (s->curr != NULL)
        fetch_task_memory(k, s->curr);
    fetch_rate(k, s->rq->cpu, NULL, 1);
}

/* ---- something ends on a CPU: somebody else runs, or it looks for work ---- */

static void
cpu_second(const struct kernel *k, struct soon *s)
{
    s->curr = s->rq->curr;
    if (s->curr != NULL)
        fetch_task(k, s->curr);
    if (s->rq->cfs.nr > 0)
        fetch_queue(&s->rq->cfs);
    fetch_domain(s->sd = k->domains->cpus[s->rq->cpu].sd);
}

static void
cpu_third(const struct kernel *k, struct soon *s)
{
    if (s->curr != NULL)
        fetch_task_parts(k, s->curr);
    if (s->rq->cfs.nr > 0) {
        s->next = task_of(s->rq->cfs.entity[0]); /* unless it stands for a group */
        fetch_task(k, s->next);
    }
    fetch_rate(k, s->rq->cpu, NULL, 0);
    if (s->sd == NULL)
        return;
    fetch_domain(s->sd->parent);
    fetch_bytes(&s->sd->stat.lb[CPU_NEWLY_IDLE], sizeof(s->sd->stat.lb[CPU_NEWLY_IDLE]));
    fetch_bytes(&s->sd->span->bits[s->rq->cpu / 64], sizeof(uint64_t));
    fetch_group(s->sd);
}

static void
cpu_fourth(const struct kernel *k, struct soon *s)
{
    if (s->next != NULL && s->next->se.my_q != NULL)
        s->next = NULL;
    if (s->curr != NULL)
        fetch_task_memory(k, s->curr);
    if (s->next != NULL)
        fetch_task_parts(k, s->next);
    fetch_rate(k, s->rq->cpu, NULL, 1);
    fetch_group_capacity(s->sd);
    if (s->sd == NULL || s->sd->parent == NULL)
        return;
    fetch_group(s->sd->parent);
    fetch_domain(s->sd->parent->parent);
}

static void
cpu_fifth(const struct kernel *k, struct soon *s)
{
    if (s->next != NULL) {
        fetch_task_memory(k, s->next);
        fetch_rate(k, s->rq->cpu, s->next, 0);
    }
    if (s->sd != NULL)
        fetch_group_capacity(s->sd->parent);
}

static void
cpu_sixth(const struct kernel *k, struct soon *s)
{
    if (s->next != NULL)
        fetch_rate(k, s->rq->cpu, s->next, 1);
}

typedef void (*soon_step)(const struct kernel *k, struct soon *s);

static inline __attribute__((always_inline)) void
each(const struct kernel *k, struct soon *s, uint32_t nr, soon_step timer, soon_step cpu)
{
    for (uint32_t i = 0; i < nr; i++)
        if (s[i].timer == NULL) {
            if (s[i].rq != NULL)
                cpu(k, &s[i]);
        } else if (timer != NULL) {
            timer(k, &s[i]);
        }
}

void
fetch_soon(struct engine *eng, struct event *const *ev, uint32_t nr)
{
    const struct kernel *k = eng->owner;
    struct soon soon[ENGINE_SOON_MAX];

    for (uint32_t i = 0; i < nr; i++)
        find_owner(k, ev[i], &soon[i]);
    each(k, soon, nr, timer_second, cpu_second);
    each(k, soon, nr, timer_third, cpu_third);
    each(k, soon, nr, timer_fourth, cpu_fourth);
    each(k, soon, nr, timer_fifth, cpu_fifth);
    each(k, soon, nr, NULL, cpu_sixth);
}
