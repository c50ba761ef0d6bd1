/*
 * short_first: shortest burst first, in the five hooks of textbooks (numasim/hooks.h).
 *
 * How long a task's next burst will be is guessed from those before: the mean of the last one and
 * of the guess before it. The program remembers the waiting tasks; for the ones that it has no room
 * for it has no opinion, and they run in the order of their coming.
 */
#include "models/sched/models.h"
#include "numasim/hooks.h"

enum { WAITING_MOST = 1024 };

struct short_first {
    uint32_t nr;
    struct task *waiting[WAITING_MOST];
};

struct short_task {
    uint64_t guess, ran; /* ns; ran: sum_exec when the burst began */
};

static struct short_task *
data(struct scx *scx, const struct task *p)
{
    return hooks_task_data(scx, p, 0);
}

static void
leave(struct short_first *s, const struct task *p)
{
    for (uint32_t i = 0; i < s->nr; i++)
        if (s->waiting[i] == p) {
            s->waiting[i] = s->waiting[--s->nr];
            return;
        }
}

static void
short_enqueue(struct scx *scx, void *state, struct task *p)
{
    struct short_first *s = state;

    leave(s, p);
    if (s->nr < WAITING_MOST)
        s->waiting[s->nr++] = p;
}

/* The burst is over. */
static void
short_dequeue(struct scx *scx, void *state, struct task *p)
{
    struct short_task *t = data(scx, p);
    uint64_t ran = scx_task_sum_exec(scx, p);

    leave(state, p);
    t->guess = (t->guess + (ran - t->ran)) / 2;
    t->ran = ran;
}

static struct task *
short_pick_next(struct scx *scx, void *state, int cpu)
{
    struct short_first *s = state;
    struct task *best = NULL;

    for (uint32_t i = 0; i < s->nr; i++) {
        struct task *p = s->waiting[i];
        if (!hooks_may_pick(scx, p, cpu))
            continue;
        if (best == NULL || data(scx, p)->guess < data(scx, best)->guess ||
            (data(scx, p)->guess == data(scx, best)->guess &&
             scx_task_pid(scx, p) < scx_task_pid(scx, best)))
            best = p;
    }
    if (best != NULL)
        leave(s, best);
    return best;
}

static const struct sched_hooks short_first = {
    .name = "short_first",
    .slice = MSEC(20),
    .state_size = sizeof(struct short_first),
    .enqueue = short_enqueue,
    .dequeue = short_dequeue,
    .pick_next = short_pick_next,
};

static const struct sched_hooks *const programs[] = { &short_first, NULL };

const struct sched_ops short_first_ops = {
    .name = "short_first",
    .doc = "the task whose next burst is likely the shortest; written with the five hooks",
    .page = "For a class: the mean waiting time is the least that any order gives, if the guesses "
            "are right. It loses\nfor whoever has long bursts, who may wait without end while "
            "short ones come, and it looks at all waiting\ntasks for each decision.",
    SCHED_HOOKS(programs),
};
