/*
 * An emulator that runs one CPU of its guest at a time: a CPU reacts to what is due (the end of a
 * piece of work, a tick, a timer, a kick) only within windows of time, which the recording shows:
 * where a CPU did something. Work goes on meanwhile, as the guest's clock does. So the time at
 * which a CPU acts is input, and what it does then is compared.
 *
 * It is done from outside, by handlers in front of the kernel's.
 */
#include "tool_ext.h"

#include "kernel/burst.h"
#include "kernel/core.h"

enum { CPUS_MAX = 16, WINDOWS_MAX = 1024 };

struct windows {
    uint32_t nr;
    struct {
        sim_time from, to;
        uint32_t what; /* enum window_what */
    } at[WINDOWS_MAX];
};

static struct windows of_cpu[CPUS_MAX];
static sim_time begins;

void
window_add(const struct logger *l, uint32_t cpu, int64_t from_us, int64_t to_us, uint32_t what)
{
    struct windows *w = &of_cpu[cpu];

    if (cpu >= CPUS_MAX || w->nr == WINDOWS_MAX)
        fail_msg("too many windows");
    begins = l->zero;
    w->at[w->nr].from = (sim_time)((int64_t)l->zero + from_us * 1000);
    w->at[w->nr].to = (sim_time)((int64_t)l->zero + to_us * 1000);
    w->at[w->nr++].what = what;
}

/* Has what is due to wait? Then it comes again. After the last window nothing waits. */
static bool
waits(struct engine *eng, struct event *ev, int cpu, uint32_t what)
{
    const struct windows *w = &of_cpu[cpu];
    uint32_t i = 0;

    while (i < w->nr && (w->at[i].to < eng->now || (w->at[i].what & what) != what))
        i++;
    if (eng->now < begins || i == w->nr || w->at[i].from <= eng->now)
        return false;
    engine_at(eng, ev, w->at[i].from);
    return true;
}

/* A piece of work ends when the recording says so. */
static void
burst_waits(struct engine *eng, struct event *ev)
{
    const struct rq *rq = container_of(ev, struct rq, burst_ev);
    const struct wtask *t = rq->curr != NULL && rq->curr->ops == &wtask_ops ? rq->curr->prog : NULL;
    sim_time end =
        t != NULL && t->next_end > 0 && t->next_end <= t->nr_ends ? t->ends[t->next_end - 1] : 0;

    if (end > eng->now)
        engine_at(eng, ev, end);
    else
        burst_fire(eng, ev);
}

static void
kick_waits(struct engine *eng, struct event *ev)
{
    if (!waits(eng, ev, container_of(ev, struct rq, kick_ev)->cpu, WINDOW_SCHEDULE))
        kick_fire(eng, ev);
}

static void
tick_waits(struct engine *eng, struct event *ev)
{
    if (!waits(eng, ev, container_of(ev, struct rq, tick_ev)->cpu, 0))
        tick_fire(eng, ev);
}

static void
timer_waits(struct engine *eng, struct event *ev)
{
    if (!waits(eng, ev, container_of(ev, struct task, timer)->cpu, WINDOW_WAKE))
        task_timer_fire(eng, ev);
}

void
windows_begin(struct engine *eng)
{
    static const struct {
        event_fire is, becomes;
    } handlers[] = { { burst_fire, burst_waits },
                     { kick_fire, kick_waits },
                     { tick_fire, tick_waits },
                     { task_timer_fire, timer_waits } };

    for (size_t i = 0; i < ARRAY_LEN(eng->handlers); i++)
        for (size_t j = 0; j < ARRAY_LEN(handlers); j++)
            if (eng->handlers[i] == handlers[j].is)
                eng->handlers[i] = handlers[j].becomes;
}
