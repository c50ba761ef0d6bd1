/*
 * Turns of a guest's CPUs (host_turns.h).
 *
 * The books of a CPU that stands still say that its work is accounted up to a time that never
 * comes, FROZEN, and beyond it by the kernel work that it has still to do: settling finds nothing
 * to settle, and whatever is charged meanwhile adds up.
 */
#include "kernel/host_turns.h"

#include "kernel/burst.h"
#include "kernel/timer_slack.h"

enum { NOBODY = -1, MAX_DRAWS = 64 };
#define FROZEN (SIM_NEVER / 4)

/* A sleeper's timer that has expired on a CPU that stands still. A sleeper that is still queued may
 * be moved meanwhile; its timer stays. */
struct late_timer {
    struct task *task;
    int cpu;
};

struct host_waiter {
    struct kernel *k;
    struct event ev;
    void (*fn)(void *state);
    void *state;
    int cpu;
    const struct mm *holds; /* threads of it get no further while this one waits; NULL: nobody's */
};

struct host_turns {
    int cpu;         /* whose turn it is, or NOBODY */
    sim_time ends;   /* when it ends at the latest */
    bool woken;      /* it began with an idle CPU, which an interrupt may have given work */
    struct event ev; /* its end */
    struct rng rng;
    uint8_t *late;   /* by CPU: bits of enum host_late */
    sim_time *spins; /* by CPU: until then it waits for others, and wants no turn */
    uint32_t nr_waiting;
    struct host_waiter **waiters; /* by CPU: NULL until needed */
    struct cpumask *asked;        /* have still to answer */
    uint32_t *timers;             /* by CPU: expired timers that it has still to see */
    struct late_timer *expired;
    uint32_t nr_expired;
};

static void
stand_still(struct kernel *k, struct rq *rq)
{
    burst_settle(k, rq);
    sim_time ahead = rq->burst_at > k->engine.now ? rq->burst_at - k->engine.now : 0;
    rq->burst_at = FROZEN + ahead;
    engine_cancel(&k->engine, &rq->burst_ev);
}

static void
deliver_timers(struct kernel *k, int cpu)
{
    struct host_turns *h = k->host;
    uint32_t left = 0;

    for (uint32_t i = 0; i < h->nr_expired; i++) {
        struct task *p = h->expired[i].task;

        if (h->expired[i].cpu != cpu)
            h->expired[left++] = h->expired[i];
        else if (p->state == TASK_SLEEPING && !engine_pending(&k->engine, &p->timer))
            task_wake(k, p, NULL, false);
    }
    h->nr_expired = left;
    h->timers[cpu] = 0;
    if (k->slack != NULL)
        timer_slack_interrupt(k, cpu);
}

static void
deliver_late(struct kernel *k, struct rq *rq)
{
    struct host_turns *h = k->host;
    uint8_t late = h->late[rq->cpu];

    h->late[rq->cpu] = 0;
    if (late & HOST_LATE_TICK && rq->curr != NULL)
        engine_at(&k->engine, &rq->tick_ev, k->engine.now);
    if (late & HOST_LATE_BALANCE)
        engine_at(&k->engine, &rq->balance_ev, k->engine.now);
    if (late & HOST_LATE_KICK)
        engine_at(&k->engine, &rq->kick_ev, k->engine.now);
    if (h->timers[rq->cpu] > 0)
        deliver_timers(k, rq->cpu);
}

static void
begin_turn(struct kernel *k, int cpu)
{
    struct host_turns *h = k->host;
    struct rq *rq = &k->rqs[cpu];

    h->cpu = cpu;
    h->woken = rq->curr == NULL;
    rq->burst_at = k->engine.now + (rq->burst_at - FROZEN);
    burst_reprice(k, rq);
    deliver_late(k, rq);
}

static bool
wants_turn(const struct kernel *k, int cpu)
{
    const struct host_turns *h = k->host;

    return h->spins[cpu] <= k->engine.now &&
           (k->rqs[cpu].curr != NULL || h->late[cpu] != 0 || h->timers[cpu] > 0);
}

static uint32_t
nr_wanting(const struct kernel *k)
{
    uint32_t nr = 0;

    for_each_cpu (cpu, k->machine->online)
        nr += wants_turn(k, cpu);
    return nr;
}

/* Who runs into what a waiter has done waits for it in turn. */
static bool
held(const struct kernel *k, int cpu)
{
    const struct host_turns *h = k->host;

    if (h->nr_waiting == 0 || k->rqs[cpu].curr == NULL || k->rqs[cpu].curr->mm == NULL)
        return false;
    for_each_cpu (c, k->machine->online)
        if (h->spins[c] > 0 && h->waiters[c]->holds == k->rqs[cpu].curr->mm)
            return true;
    return false;
}

/* Drawn among those that have something to do, but not `but`. */
static int
draw_turn(struct kernel *k, int but)
{
    uint32_t nr = nr_wanting(k) - (but != NOBODY && wants_turn(k, but));
    uint32_t nth = nr > 1 ? (uint32_t)rng_below(&k->host->rng, nr) : 0;

    for_each_cpu (cpu, k->machine->online)
        if (cpu != but && wants_turn(k, cpu) && nth-- == 0)
            return cpu;
    return NOBODY;
}

/* Nobody, if all wait: one of them will go on. */
static int
whose_turn(struct kernel *k)
{
    int cpu = draw_turn(k, NOBODY);

    for (int tries = 0; cpu != NOBODY && held(k, cpu); tries++) {
        if (tries == MAX_DRAWS)
            return NOBODY;
        cpu = draw_turn(k, NOBODY);
    }
    return cpu;
}

/* Turns end on a grid, that of the ticks: so does what the timers of the CPUs wait for. */
static void
set_end(struct kernel *k)
{
    struct host_turns *h = k->host;
    sim_time turn = k->params.sched.host_turn, from = k->engine.now, phase = k->tick_phase % turn;

    h->ends = from < phase ? phase : from - (from - phase) % turn + turn;
    if (h->cpu == NOBODY)
        engine_cancel(&k->engine, &h->ev);
    else
        engine_at(&k->engine, &h->ev, h->woken ? from + 1 : h->ends);
}

static void
turn_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct host_turns *h = k->host;
    bool stays = h->woken && k->rqs[h->cpu].curr != NULL;
    int next = stays ? h->cpu : whose_turn(k);

    (void)ev;
    h->woken = false;
    if (next != h->cpu) {
        if (h->cpu != NOBODY)
            stand_still(k, &k->rqs[h->cpu]);
        h->cpu = NOBODY;
        if (next != NOBODY)
            begin_turn(k, next);
    }
    set_end(k);
}

/* Nanoseconds later, so that this instant goes on with the CPU that it began with. */
static void
turn_is_over(struct kernel *k)
{
    struct host_turns *h = k->host;

    if (engine_when(&k->engine, &h->ev) > k->engine.now + 1)
        engine_at(&k->engine, &h->ev, k->engine.now + 1);
}

void
host_turns_init(struct kernel *k)
{
    struct host_turns *h;

    if (k->params.sched.host_turn == 0)
        return;
    h = k->host = arena_new_object(k->arena, struct host_turns);
    h->cpu = NOBODY;
    rng_init(&h->rng, k->seed, "host", 0);
    h->late = arena_new_array(k->arena, uint8_t, k->machine->nr_cpus);
    h->timers = arena_new_array(k->arena, uint32_t, k->machine->nr_cpus);
    h->spins = arena_new_array(k->arena, sim_time, k->machine->nr_cpus);
    h->waiters = arena_new_array(k->arena, struct host_waiter *, k->machine->nr_cpus);
    h->asked = cpumask_new(k->arena, k->machine->nr_cpus);
    h->expired = arena_new_array(k->arena, struct late_timer, k->max_tasks);
    event_init(&k->engine, &h->ev, EVENT_HOST, 0, PHASE_COMPLETE, turn_fire);
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++)
        k->rqs[cpu].burst_at = FROZEN;
    k->params.sched.tick = TICK_SIMULATED;
}

bool
host_has_turn(const struct kernel *k, const struct rq *rq)
{
    return k->host == NULL || k->host->cpu == rq->cpu;
}

sim_time
host_work_ahead(const struct kernel *k, const struct rq *rq)
{
    sim_time from = rq->burst_at >= FROZEN ? FROZEN : k->engine.now;

    return rq->burst_at > from ? rq->burst_at - from : 0;
}

bool
host_keeps_timer(const struct kernel *k, const struct task *p)
{
    for (uint32_t i = 0; k->host != NULL && i < k->host->nr_expired; i++)
        if (k->host->expired[i].task == p)
            return true;
    return false;
}

bool
host_delays(struct kernel *k, struct rq *rq, enum host_late what)
{
    if (host_has_turn(k, rq))
        return false;
    k->host->late[rq->cpu] |= (uint8_t)what;
    if (k->host->cpu == NOBODY)
        turn_is_over(k);
    return true;
}

bool
host_delays_timer(struct kernel *k, struct task *p)
{
    struct host_turns *h = k->host;

    if (host_has_turn(k, &k->rqs[p->cpu]))
        return false;
    sim_assert(h->nr_expired < k->max_tasks);
    h->expired[h->nr_expired++] = (struct late_timer){ .task = p, .cpu = p->cpu };
    h->timers[p->cpu]++;
    if (!p->deferrable || h->cpu == NOBODY)
        turn_is_over(k);
    return true;
}

void
host_goes_idle(struct kernel *k, struct rq *rq)
{
    struct host_turns *h = k->host;

    if (h->cpu == rq->cpu && rq->burst_at > k->engine.now)
        engine_at(&k->engine, &h->ev, SIM_MIN(rq->burst_at, h->ends));
    else if (h->cpu == rq->cpu)
        turn_is_over(k);
}

sim_time
host_elapsed(struct kernel *k, sim_time ns)
{
    if (k->host == NULL || k->engine.now + ns <= k->host->ends)
        return ns;
    /* it may have nothing to run itself: who asks is on the point of idling */
    return ns + (nr_wanting(k) - wants_turn(k, k->host->cpu)) * k->params.sched.host_turn;
}

struct host_span
host_span_begin(const struct kernel *k)
{
    const struct host_turns *h = k->host;

    return (struct host_span){ .end = k->engine.now,
                               .ends = h != NULL ? h->ends : SIM_NEVER,
                               .cpu = h != NULL ? h->cpu : NOBODY };
}

/* The turn is over, and others come until it is this CPU's again. */
static void
span_turn_lost(struct kernel *k, struct host_span *s)
{
    do {
        s->end = s->ends;
        s->ends += k->params.sched.host_turn;
    } while (wants_turn(k, s->cpu) && draw_turn(k, NOBODY) != s->cpu);
}

void
host_span_work(struct kernel *k, struct host_span *s, sim_time ns)
{
    while (s->end + ns > s->ends) {
        ns -= s->ends - s->end;
        span_turn_lost(k, s);
    }
    s->end += ns;
}

void
host_ask(struct kernel *k, int cpu)
{
    if (k->host != NULL && wants_turn(k, cpu))
        cpumask_set(k->host->asked, (uint32_t)cpu);
}

void
host_span_answer(struct kernel *k, struct host_span *s)
{
    sim_time from = s->end;

    if (k->host == NULL || cpumask_empty(k->host->asked))
        return;
    do { /* all of them want a turn */
        cpumask_clear(k->host->asked, (uint32_t)draw_turn(k, s->cpu));
        s->end = s->ends;
        s->ends += k->params.sched.host_turn;
    } while (!cpumask_empty(k->host->asked));
    s->spun += s->end - from;
    if (wants_turn(k, s->cpu) && draw_turn(k, NOBODY) != s->cpu)
        span_turn_lost(k, s);
}

static void
waiter_fire(struct engine *eng, struct event *ev)
{
    struct host_waiter *w = container_of(ev, struct host_waiter, ev);

    (void)eng;
    w->k->host->spins[w->cpu] = 0;
    w->k->host->nr_waiting--;
    w->fn(w->state);
    if (w->k->host->cpu == NOBODY)
        turn_is_over(w->k);
}

void *
host_waiter(struct kernel *k, int cpu, size_t size, void (*fn)(void *state))
{
    struct host_waiter *w = k->host->waiters[cpu];

    if (w == NULL) {
        w = k->host->waiters[cpu] = arena_new_object(k->arena, struct host_waiter);
        w->k = k;
        w->cpu = cpu;
        w->state = arena_alloc(k->arena, size);
        event_init(&k->engine, &w->ev, EVENT_HOST, 1 + (uint32_t)cpu, PHASE_COMPLETE, waiter_fire);
    }
    w->fn = fn;
    return w->state;
}

void
host_waits(struct kernel *k, const struct host_span *s, const struct mm *holds)
{
    struct host_waiter *w = k->host->waiters[s->cpu];

    w->holds = holds;
    k->host->nr_waiting++;
    k->host->spins[s->cpu] = SIM_NEVER;
    engine_at(&k->engine, &w->ev, s->end);
    if (k->host->cpu == s->cpu)
        turn_is_over(k);
}
