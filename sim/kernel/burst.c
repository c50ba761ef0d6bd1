/*
 * Bursts: how fast a task gets through its work.
 *
 * Work is counted in nanoseconds at nominal speed with every access a cache hit. A running task has
 * a rate, at most 1, that the memory model derives from where its pages are and how busy those
 * nodes are. Nothing ticks: we remember when a task was last charged, and charge it again when
 * something changes. Whoever only looks computes from the last charge and leaves it: observing must
 * not change how the arithmetic rounds.
 *
 * So the rule: settle before you change. Whoever alters a rate, a page count or a CPU first brings
 * the books up to now; whoever has altered it reprices, which moves the event that ends the burst.
 * Only burst_settle() and burst_reprice() touch `work_left`.
 *
 * The end of a burst is not the only thing that its event may mean: memory that has to be touched
 * for the first time, or that a NUMA scan has marked, stops it earlier (mm_horizon), and
 * mm_attend() deals with the next stretch.
 */
#include "kernel/burst.h"

#include "kernel/caches.h"
#include "kernel/fetch.h"
#include "kernel/memory_model.h"
#include "kernel/mm.h"
#include "kernel/timer_slack.h"

__extension__ typedef unsigned __int128 u128;

static inline bool
uses_memory(const struct task *p)
{
    return p->in_burst && p->profile != NULL && p->profile->misses_q20 > 0;
}

void
burst_account(struct kernel *k, struct rq *rq)
{
    struct task *p = rq->curr;
    sim_time now = k->engine.now;
    sim_time elapsed = now - rq->burst_at;
    rq->burst_at = now;
    if (p == NULL || !p->in_burst || p->spinning)
        return;
    if (unlikely(p->debt_ns > 0)) {
        sim_time paid = SIM_MIN(elapsed, p->debt_ns);

        p->debt_ns -= paid;
        elapsed -= paid;
        if (elapsed == 0)
            return;
    }
    uint64_t work = (uint64_t)((u128)elapsed * rq->rate >> RATE_SHIFT);
    work = SIM_MIN(work, p->work_left);
    p->work_left -= work;
    if (uses_memory(p))
        mm_account(k, rq, p, work, elapsed);
}

/* The instant at which `work` is done at `rate`, counted from `from`. */
static sim_time
burst_end(sim_time from, uint64_t work, uint32_t rate)
{
    if (likely(work < (uint64_t)1 << 39))
        return from + div_round_up_u64(work << RATE_SHIFT, rate);
    u128 ns = (((u128)work << RATE_SHIFT) + rate - 1) / rate;
    return ns > SIM_NEVER / 2 ? SIM_NEVER - 1 : from + (uint64_t)ns;
}

void
burst_reprice(struct kernel *k, struct rq *rq)
{
    struct task *p = rq->curr;

    if (rq->awaits_rate)
        return;
    if (p == NULL || !p->in_burst || p->spinning) {
        engine_cancel(&k->engine, &rq->burst_ev);
        return;
    }
    uint64_t work = p->work_left;
    if (uses_memory(p))
        work = SIM_MIN(work, mm_horizon(k, p));
    sim_time from = SIM_MAX(k->engine.now, rq->burst_at) + p->debt_ns;
    engine_at(&k->engine, &rq->burst_ev, burst_end(from, work, rq->rate));
}

void
burst_owe(struct kernel *k, struct rq *rq, sim_time ns)
{
    if (ns == 0)
        return;
    burst_settle(k, rq);
    rq->curr->debt_ns += ns;
    burst_reprice(k, rq);
}

/* Models know of full speed only. */
static uint32_t
at_speed(uint32_t rate, uint32_t speed)
{
    uint64_t both = (uint64_t)rate * speed >> RATE_SHIFT;

    return both == 0 ? 1 : (uint32_t)both;
}

void
burst_set_speed(struct kernel *k, struct rq *rq, uint32_t speed)
{
    if (speed == rq->speed && rq->rate == speed)
        return;
    burst_settle(k, rq);
    rq->speed = rq->rate = speed;
    rq->awaits_rate = false;
    burst_reprice(k, rq);
}

void
burst_set_rate(struct kernel *k, struct rq *rq, uint32_t rate)
{
    sim_assert(rate > 0 && rate <= RATE_FULL);
    rate = at_speed(rate, rq->speed);
    if (rate == rq->rate && !rq->awaits_rate)
        return;
    burst_settle(k, rq);
    rq->rate = rate;
    rq->awaits_rate = false;
    burst_reprice(k, rq);
}

void
rates_dirty(struct kernel *k)
{
    if (engine_when(&k->engine, &k->rates_ev) != k->engine.now)
        engine_at(&k->engine, &k->rates_ev, k->engine.now);
}

void
rates_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = container_of(ev, struct kernel, rates_ev);
    (void)eng;

    if (unlikely(k->caches_on))
        caches_resolve(k);
    k->memory->resolve(k);
}

/* What runs on the CPU has changed, and uses memory. The model's answer prices the burst: at once,
 * or at the end of this instant. A burst that begins at this very instant may have to stop in it,
 * and waits for that end in any case. */
static inline void
tell_memory_used(struct kernel *k, struct rq *rq)
{
    bool later = unlikely(k->caches_on) && caches_run_changed(k, rq, true);
    uint32_t rate = 0;

    if (unlikely(later || rq->burst_at <= k->engine.now))
        k->memory->pages_changed(k, rq->cpu);
    else
        rate = k->memory->run_changed(k, rq->cpu);
    rq->awaits_rate = rate == 0;
    if (likely(rate != 0))
        rq->rate = at_speed(rate, rq->speed);
    else
        rates_dirty(k);
}

/* It has changed, and uses none; `before` says whether what ran until now did. */
static inline void
tell_memory_unused(struct kernel *k, struct rq *rq, bool before)
{
    if (unlikely(k->caches_on))
        caches_run_changed(k, rq, false);
    if (before && k->memory->run_changed(k, rq->cpu) == 0)
        rates_dirty(k);
    rq->awaits_rate = false;
    rq->rate = rq->speed;
}

static void
leave_asleep(struct kernel *k, struct rq *rq, struct task *p)
{
    p->slept_at = k->engine.now;
    p->stats.nr_voluntary++;
    /* the stopper would have moved it first: it is placed anew when it wakes */
    bool moves = p->migrate_pending;
    p->migrate_pending = false;
    deactivate_task(k, rq, p, DEQUEUE_SLEEP | (moves ? DEQUEUE_SPECIAL : 0));
}

static void
task_sleep(struct kernel *k, struct rq *rq, struct task *p, const struct action *act)
{
    p->state = act->kind == ACTION_SLEEP ? TASK_SLEEPING : TASK_BLOCKED;
    p->io_sleep = act->io;
    if (act->kind == ACTION_SLEEP && unlikely(k->slack != NULL))
        timer_slack_arm(k, p, SIM_MAX(act->until, k->engine.now));
    else if (act->kind == ACTION_SLEEP)
        engine_at(&k->engine, &p->timer, SIM_MAX(act->until, k->engine.now));
    leave_asleep(k, rq, p);
}

void
burst_wait_io(struct kernel *k, struct rq *rq)
{
    rq->curr->state = TASK_BLOCKED;
    rq->curr->io_sleep = true;
    leave_asleep(k, rq, rq->curr);
}

/* Carries out one action. False: it was over at once, ask again. */
static bool
task_act(struct kernel *k, struct rq *rq, struct task *p, const struct action *act)
{
    switch (act->kind) {
    case ACTION_RUN:
        if (act->work == 0)
            return false;
        p->work_left = act->work;
        p->spinning = false;
        p->in_burst = true;
        p->profile = act->profile;
        if (uses_memory(p))
            mm_burst_begin(k, p, act->profile);
        return true;
    case ACTION_SPIN:
        p->spinning = p->in_burst = true;
        p->profile = NULL;
        return true;
    case ACTION_SLEEP:
        if (act->until <= k->engine.now)
            return false;
        task_sleep(k, rq, p, act);
        return true;
    case ACTION_BLOCK:
        task_sleep(k, rq, p, act);
        return true;
    case ACTION_YIELD:
        rq->stat.yld_count++;
        if (rq->nr_running == 1 && p->class != &dl_sched_class && p->class->rank > 0)
            return false;
        update_rq_clock(k, rq);
        p->class->yield_task(k, rq);
        resched_curr(k, rq);
        return true;
    case ACTION_EXIT:
        task_exit(k, p);
        return true;
    }
    sim_panic(__FILE__, __LINE__, "action %d", (int)act->kind);
}

/* Asks the workload until there is something to run, or the task has left the CPU. */
static void
task_next(struct kernel *k, struct rq *rq)
{
    struct task *p = rq->curr;
    bool before = uses_memory(p);
    struct action act = { .kind = ACTION_EXIT };

    k->this_cpu = rq->cpu;
    p->in_burst = false;
    do {
        if (likely(!p->process->killed))
            act = p->ops->next(k, p);
        if (unlikely(p->process->killed)) /* in the middle of a call, too */
            act.kind = ACTION_EXIT;
        sim_assert(rq->curr == p);
    } while (!task_act(k, rq, p, &act));
    if (rq->curr == p && uses_memory(p))
        tell_memory_used(k, rq);
    else
        tell_memory_unused(k, rq, before);
    if (rq->curr == p)
        burst_reprice(k, rq);
}

/* A page that the burst needs is being read: the task sleeps, and goes on with its burst then. */
static bool
sleep_for_page(struct kernel *k, struct rq *rq, struct task *p)
{
    if (likely(!p->awaits_page))
        return false;
    struct action act = { .kind = ACTION_SLEEP, .io = true, .until = p->mem->io_until };
    p->awaits_page = false;
    if (act.until <= k->engine.now || p->process->killed)
        return false;
    p->mem->io_until = 0;
    k->this_cpu = rq->cpu;
    task_sleep(k, rq, p, &act);
    return true;
}

void
burst_resume(struct kernel *k, struct rq *rq)
{
    struct task *p = rq->curr;

    rq->burst_at = SIM_MAX(rq->burst_at, k->engine.now);
    if (!p->in_burst) {
        task_next(k, rq);
        return;
    }
    if (sleep_for_page(k, rq, p))
        return;
    if (uses_memory(p))
        tell_memory_used(k, rq);
    else
        tell_memory_unused(k, rq, false);
    burst_reprice(k, rq);
}

void
burst_suspend(struct kernel *k, struct rq *rq)
{
    bool before = uses_memory(rq->curr);

    burst_settle(k, rq); /* kernel work that is still ahead delays whoever runs next */
    if (unlikely(k->caches_on))
        caches_leave(k, rq, rq->curr);
    rq->curr = NULL;
    engine_cancel(&k->engine, &rq->burst_ev);
    tell_memory_unused(k, rq, before);
}

void
burst_fire(struct engine *eng, struct event *ev)
{
    struct rq *rq = container_of(ev, struct rq, burst_ev);
    struct kernel *k = eng->owner;
    struct task *p = rq->curr;

    fetch_rq(k, rq->cpu);
    fetch_task(k, p);
    fetch_task_parts(k, p);
    burst_settle(k, rq);
    if (p->work_left == 0 && p->mem->due == 0) {
        task_next(k, rq);
        return;
    }
    mm_attend(k, rq, p);
    if (rq->curr == p && !sleep_for_page(k, rq, p))
        burst_reprice(k, rq);
}

void
task_unspin(struct kernel *k, struct task *p)
{
    struct rq *rq = &k->rqs[p->cpu];

    if (!p->spinning)
        return;
    p->spinning = false;
    p->work_left = 0;
    if (rq->curr == p)
        engine_at(&k->engine, &rq->burst_ev, SIM_MAX(k->engine.now, rq->burst_at));
}
