/*
 * The engine: take the earliest instant, fire what is due in it by (phase, slot), and again.
 *
 * Two structures share the work. The queue knows times only; the now set knows order only. Whenever
 * the clock moves, everything due at the new instant goes from the one to the other, so at any
 * moment an event is in the now set if and only if it is due now. The usual case, a single event,
 * goes past the now set; and an event scheduled for this instant, which is every kick, goes past
 * the queue.
 *
 * That is also what makes the order total without a wide key: the queue may be any structure that
 * finds the earliest time, whatever it does with ties.
 */
#include "engine/engine.h"

#include "engine/now_set.h"
#include "engine/queue.h"

#include <stdio.h>

enum { SAME_INSTANT_LIMIT = 10000000 };

static const char *const kind_names[EVENT_KIND_NR] = {
    [EVENT_BURST] = "burst",
    [EVENT_TICK] = "tick",
    [EVENT_BALANCE] = "balance",
    [EVENT_KICK] = "kick",
    [EVENT_TASK] = "task",
    [EVENT_SOURCE] = "source",
    [EVENT_CGROUP] = "cgroup",
    [EVENT_DL] = "dl",
    [EVENT_DEVICE] = "device",
    [EVENT_POLICY] = "policy",
    [EVENT_RATES] = "rates",
    [EVENT_SAMPLER] = "sampler",
    [EVENT_NOHZ] = "nohz",
    [EVENT_HOTPLUG] = "hotplug",
    [EVENT_HOST] = "host",
    [EVENT_KSWAPD] = "kswapd",
    [EVENT_KHUGEPAGED] = "khugepaged",
    [EVENT_EXT] = "ext",
    [EVENT_COPIES] = "copies",
    [EVENT_MOVED] = "moved",
};

static const char *const phase_names[PHASE_NR] = {
    [PHASE_COMPLETE] = "complete", [PHASE_ARRIVE] = "arrive",   [PHASE_TICK] = "tick",
    [PHASE_BALANCE] = "balance",   [PHASE_RESCHED] = "resched", [PHASE_RATES] = "rates",
    [PHASE_SAMPLE] = "sample",
};

const char *
event_kind_name(enum event_kind kind)
{
    sim_assert(kind < EVENT_KIND_NR);
    return kind_names[kind];
}

const char *
event_phase_name(enum event_phase phase)
{
    sim_assert(phase < PHASE_NR);
    return phase_names[phase];
}

void
engine_init(struct engine *eng, struct arena *a, const uint32_t nr[EVENT_KIND_NR],
            enum engine_queue which)
{
    uint32_t n = 0, slot_bits = 0;

    *eng = (struct engine){ .same_instant_limit = SAME_INSTANT_LIMIT };
    for (uint32_t kind = 0; kind < EVENT_KIND_NR; kind++) {
        eng->first_slot[kind] = n;
        sim_assert(nr[kind] <= INT32_MAX - n);
        n += nr[kind];
    }
    eng->first_slot[EVENT_KIND_NR] = n;
    while (UINT32_C(1) << slot_bits < n)
        slot_bits++;
    eng->events = arena_new_array(a, struct event *, SIM_MAX(n, 1));
    eng->queue = arena_new_object(a, struct queue);
    queue_init(eng->queue, a, n, which);
    eng->now_set = arena_new_object(a, struct now_set);
    now_set_init(eng->now_set, a, slot_bits, eng->events);
}

/* There are as many handlers as there are kinds of things to happen: a byte names them. */
static uint8_t
handler_of(struct engine *eng, event_fire fire)
{
    for (uint32_t i = 1; i < ENGINE_HANDLERS; i++) {
        if (eng->handlers[i] == NULL)
            eng->handlers[i] = fire;
        if (eng->handlers[i] == fire)
            return (uint8_t)i;
    }
    sim_panic(__FILE__, __LINE__, "more than %d handlers", ENGINE_HANDLERS - 1);
}

void
event_init(struct engine *eng, struct event *ev, enum event_kind kind, uint32_t index,
           enum event_phase phase, event_fire fire)
{
    uint32_t slot = eng->first_slot[kind] + index;

    sim_assert(slot < eng->first_slot[kind + 1]);
    sim_assert(phase < PHASE_NR);
    const struct event *old = eng->events[slot];
    sim_assert(old == NULL || old->handler == 0 || old->when == SIM_NEVER);
    *ev = (struct event){ .when = SIM_NEVER,
                          .slot = slot,
                          .phase = (uint8_t)phase,
                          .kind = (uint8_t)kind,
                          .handler = handler_of(eng, fire) };
    eng->events[slot] = ev;
}

static inline void
put_in(struct engine *eng, struct event *ev, sim_time when)
{
    ev->when = when;
    if (likely(when > eng->now && when != SIM_NEVER))
        queue_insert(eng->queue, ev);
    else if (when == eng->now)
        now_set_add(eng->now_set, ev);
}

/* Out of line: most events are scheduled once, and then fire. Most moves are short: the end of a
 * burst, for what a wake-up costs. */
static __attribute__((noinline)) void
move(struct engine *eng, struct event *ev, sim_time when)
{
    if (ev->when == when)
        return;
    if (ev->when == eng->now) {
        now_set_del(eng->now_set, ev);
    } else if (when > eng->now && when != SIM_NEVER && queue_stays(eng->queue, ev, when)) {
        ev->when = when;
        return;
    } else {
        queue_remove(eng->queue, ev);
    }
    put_in(eng, ev, when);
}

void
engine_at(struct engine *eng, struct event *ev, sim_time when)
{
    sim_assert(when >= eng->now);
    if (unlikely(ev->when != SIM_NEVER))
        move(eng, ev, when);
    else
        put_in(eng, ev, when);
}

void
engine_at_now(struct engine *eng, struct event *ev)
{
    if (unlikely(ev->when != SIM_NEVER)) {
        move(eng, ev, eng->now);
        return;
    }
    ev->when = eng->now;
    now_set_add(eng->now_set, ev);
}

static inline void
fire(struct engine *eng, struct event *ev)
{
    ev->when = SIM_NEVER;
    uint64_t place = engine_place((enum event_phase)ev->phase, ev->slot);

    eng->reached = SIM_MAX(eng->reached, place);
    eng->recent[eng->same_instant++ % ENGINE_RECENT] = ev->slot;
    eng->nr_events++;
    eng->handlers[ev->handler](eng, ev);
    if (unlikely(eng->after != NULL))
        eng->after(eng, ev);
}

void
engine_foresee(struct engine *eng, struct arena *a, engine_soon soon)
{
    queue_foresee(eng->queue, a, eng, soon);
}

/* Moves to the now set what else is due at this instant. */
static void
gather(struct engine *eng)
{
    struct event *ev;

    while ((ev = queue_pop(eng->queue, eng->now + 1)) != NULL)
        now_set_add(eng->now_set, ev);
}

/* Moves the clock to the next instant before `until`; returns what fires first in it, or NULL. */
static inline struct event *
next_instant(struct engine *eng, sim_time until)
{
    struct event *ev = queue_pop(eng->queue, until);

    if (ev == NULL)
        return NULL;
    eng->now = ev->when;
    eng->same_instant = 0;
    eng->reached = 0;
    if (likely(!queue_has_more(eng->queue, eng->now)))
        return ev;
    gather(eng);
    now_set_add(eng->now_set, ev);
    return now_set_take(eng->now_set);
}

/* Nothing is due before `until`: wait there, with what is due at it at hand. */
static enum engine_end
wait_until(struct engine *eng, sim_time until)
{
    if (queue_is_empty(eng->queue))
        return ENGINE_DRAINED;
    eng->now = until;
    eng->same_instant = 0;
    eng->reached = 0;
    gather(eng);
    return ENGINE_UNTIL;
}

enum engine_end
engine_run(struct engine *eng, sim_time until)
{
    sim_assert(until >= eng->now);
    eng->stop = false;
    while (!eng->stop) {
        struct event *ev;

        if (!now_set_empty(eng->now_set)) {
            if (eng->now == until)
                return ENGINE_UNTIL;
            if (eng->same_instant >= eng->same_instant_limit)
                return ENGINE_STUCK;
            ev = now_set_take(eng->now_set);
        } else {
            ev = next_instant(eng, until);
            if (ev == NULL)
                return wait_until(eng, until);
        }
        fire(eng, ev);
    }
    return ENGINE_STOPPED;
}

void
engine_stop(struct engine *eng)
{
    eng->stop = true;
}

char *
engine_stuck_report(const struct engine *eng, struct arena *a)
{
    uint64_t n = SIM_MIN(eng->same_instant, ENGINE_RECENT);
    char text[ENGINE_RECENT * 32] = "";
    size_t len = 0;

    for (uint64_t i = eng->same_instant - n; i < eng->same_instant; i++) {
        const struct event *ev = eng->events[eng->recent[i % ENGINE_RECENT]];

        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %u", len ? ", " : "",
                                kind_names[ev->kind], event_index(eng, ev));
    }
    return arena_strdup(a, text);
}
