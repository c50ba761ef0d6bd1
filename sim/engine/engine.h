/*
 * The engine: a clock and a queue of events.
 *
 * An event sits inside the thing it happens to and owns one slot of the queue from the start of the
 * run: scheduling cannot fail, moving it is a key update, cancelling needs no search, and nothing
 * stale is ever left behind. The order of events is total: (time, phase, kind, index). Whoever is
 * re-armed keeps its place, and a new kind of event shifts nobody.
 *
 * An event stays where it is in memory while it is pending. First of all: engine_init() with the
 * number of slots of every kind.
 */
#pragma once

#include "base/arena.h"

/* The order of things that happen at the same instant. */
enum event_phase {
    PHASE_COMPLETE, /* bursts and transfers end, and free what they held */
    PHASE_ARRIVE,   /* tasks arrive and wake */
    PHASE_TICK,     /* slices expire */
    PHASE_BALANCE,  /* periodic policies and NUMA scans look around */
    PHASE_RESCHED,  /* every CPU that was kicked picks its next task, once */
    PHASE_RATES,    /* what runs where is settled: the memory model re-solves what changed, once */
    PHASE_SAMPLE,   /* metrics look at a settled machine */
    PHASE_NR,
};

/* Who owns the slot. The table only grows: its order breaks ties, so entries never move. */
enum event_kind {
    EVENT_BURST,      /* per CPU: the running burst ends or needs the memory's attention */
    EVENT_TICK,       /* per CPU: the next tick that can change anything */
    EVENT_BALANCE,    /* per CPU: periodic load balancing */
    EVENT_KICK,       /* per CPU: pick again */
    EVENT_TASK,       /* per task: its timer */
    EVENT_SOURCE,     /* per arrival source of the workload */
    EVENT_CGROUP,     /* per cgroup: bandwidth period */
    EVENT_DL,         /* per CPU: deadline timers */
    EVENT_DEVICE,     /* per device: service and transfers; per CPU: its interrupts */
    EVENT_POLICY,     /* per policy timer */
    EVENT_RATES,      /* one: the memory model re-solves */
    EVENT_SAMPLER,    /* per sampler */
    EVENT_NOHZ,       /* one: ticks that may kick the balancer of idle CPUs */
    EVENT_HOTPLUG,    /* per change of the online CPUs */
    EVENT_HOST,       /* one: the turn of a guest's CPU ends; per CPU: its waiter goes on */
    EVENT_KSWAPD,     /* per node: a batch of reclaim */
    EVENT_EXT,        /* per CPU: kicks of a programmable policy; then seven of the ext class */
    EVENT_COPIES,     /* one: a window of copied pages ends */
    EVENT_MOVED,      /* per task: the pages that it moves have arrived */
    EVENT_KHUGEPAGED, /* one: a look at pages that could be huge */
    EVENT_KIND_NR,
};

struct engine;
struct event;

typedef void (*event_fire)(struct engine *eng, struct event *ev);
typedef void (*engine_soon)(struct engine *eng, struct event *const *ev, uint32_t nr);

/* Set by event_init(); nobody but the engine writes to it afterwards. Two fit into a cache line:
 * with thousands pending, an event costs what its bytes cost. */
struct event {
    sim_time when;              /* SIM_NEVER: not pending */
    struct event *next, **prev; /* of the queue's choosing */
    uint32_t slot;              /* first of its kind, plus event_index() */
    uint8_t phase, kind;
    uint8_t handler; /* in the engine's table, from 1 */
};

enum engine_end {
    ENGINE_DRAINED, /* no event is left; the clock stands at the last one */
    ENGINE_UNTIL,   /* the next event lies at or after the limit; the clock stands at the limit */
    ENGINE_STOPPED, /* a handler called engine_stop() */
    ENGINE_STUCK,   /* time stood still for too many events: see engine_stuck_report() */
};

/* AUTO is the fastest by measurement; SIMPLE is the one to believe when they disagree. */
enum engine_queue { ENGINE_QUEUE_AUTO, ENGINE_QUEUE_WHEEL, ENGINE_QUEUE_SIMPLE };

enum { ENGINE_RECENT = 16, ENGINE_HANDLERS = 64, ENGINE_SOON_MAX = 64 };

struct queue;   /* when each slot is due: queue.h */
struct now_set; /* the slots due at this instant: now_set.h */

struct engine {
    sim_time now;
    uint64_t nr_events; /* handlers called */
    struct queue *queue;
    struct now_set *now_set;
    struct event **events; /* by slot */
    event_fire handlers[ENGINE_HANDLERS];
    uint32_t first_slot[EVENT_KIND_NR + 1];
    void *owner; /* of the handlers' choosing: the kernel */
    void (*after)(struct engine *eng,
                  struct event *ev); /* after every handler; NULL: none (--check) */
    bool stop;
    uint64_t
        reached; /* of the events that fired at this instant, the last in order of (phase, slot) */
    /* the guard against time standing still */
    uint64_t same_instant, same_instant_limit; /* engine_init sets 10 million */
    uint32_t recent[ENGINE_RECENT];            /* slots, by number of events at this instant */
};

/* `nr[kind]` slots for every kind. Memory is the arena's. */
void engine_init(struct engine *eng, struct arena *a, const uint32_t nr[EVENT_KIND_NR],
                 enum engine_queue which);

/* Gives an event its slot; once per event, before it is scheduled. A slot may be taken over by a
 * new event once its old one is not pending (task slots are reused). */
void event_init(struct engine *eng, struct event *ev, enum event_kind kind, uint32_t index,
                enum event_phase phase, event_fire fire);

/*
 * Schedules or moves an event; `when` must not lie in the past. SIM_NEVER cancels. An event at
 * `now` fires within this instant: next of all if its phase is earlier than that of every other
 * event left in the instant, even when later phases have already begun (a wake-up caused while CPUs
 * pick).
 */
void engine_at(struct engine *eng, struct event *ev, sim_time when);
/* The same for this instant. */
void engine_at_now(struct engine *eng, struct event *ev);
static inline void
engine_cancel(struct engine *eng, struct event *ev)
{
    if (ev->when != SIM_NEVER)
        engine_at(eng, ev, SIM_NEVER);
}

/* The index that it was given. */
static inline uint32_t
event_index(const struct engine *eng, const struct event *ev)
{
    return ev->slot - eng->first_slot[ev->kind];
}

/* Where an event stands in the order of an instant. */
static inline uint64_t
engine_place(enum event_phase phase, uint32_t slot)
{
    return (uint64_t)phase << 32 | slot;
}
/* Has this instant come to the phase? */
static inline bool
engine_reached(const struct engine *eng, enum event_phase phase)
{
    return eng->reached >= engine_place(phase, 0);
}
/* Has it come to the event's place, or gone beyond, whether the event was due or not? While the
 * event itself fires it has. */
static inline bool
engine_passed(const struct engine *eng, const struct event *ev)
{
    return eng->reached >= engine_place((enum event_phase)ev->phase, ev->slot);
}

/* When it will fire, or SIM_NEVER. */
static inline sim_time
engine_when(const struct engine *eng, const struct event *ev)
{
    (void)eng;
    return ev->when;
}

static inline bool
engine_pending(const struct engine *eng, const struct event *ev)
{
    return engine_when(eng, ev) != SIM_NEVER;
}

/*
 * For runs with thousands of events pending, before the first is scheduled: `soon` hears of most
 * events some microseconds before they fire, in groups and in no order, so that what they will look
 * at can be fetched. It schedules nothing and changes nothing; an event may yet be moved.
 */
void engine_foresee(struct engine *eng, struct arena *a, engine_soon soon);

/* Runs handlers until one of the ends; events at `until` itself do not fire. May be called again.
 */
enum engine_end engine_run(struct engine *eng, sim_time until);
void engine_stop(struct engine *eng);

/* The last handlers before the clock stood still, as text: "burst 3, kick 3, ...". */
char *engine_stuck_report(const struct engine *eng, struct arena *a);

const char *event_kind_name(enum event_kind kind);
const char *event_phase_name(enum event_phase phase);
