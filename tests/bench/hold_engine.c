/*
 * The engine under the workloads of the reference driver (hold.c): the same increments from the
 * same generator, so the figures stand side by side. What is timed is the engine as users get it:
 * handlers called through their event, engine_at() across a library boundary.
 *
 *   bench_engine auto|wheel|simple exp|sched N [WINDOWS]
 *
 * prints: queue cancel workload n ns_min ns_median hash rearm/ev x stale/ev x
 */
#include "engine/engine.h"

#include "common.h"

static u64 hash, rearms, left;
static u32 nr_slots;
static char *owners;
static size_t owner_size;

static inline struct event *
event_of(u32 i)
{
    return (struct event *)(owners + owner_size * i);
}

static inline void
hash_add(u64 t)
{
    hash = (hash ^ t) * 0x9e3779b97f4a7c15ULL;
}

/* Every handler counts the window down; the last one stops the engine. */
static inline void
fired(struct engine *eng)
{
    hash_add(eng->now);
    if (--left == 0)
        engine_stop(eng);
}

static void
hold_fire(struct engine *eng, struct event *ev)
{
    fired(eng);
    engine_at(eng, ev, eng->now + 1 + d_inc());
}

/* Per CPU: 0 the tick, 1 the slice timer, 2 and 3 sleeping tasks, whose wake-up re-arms the slice.
 */
static u64
wake_inc(void)
{
    return 20000 + (d_inc() >> 1);
}

static u64
slice_inc(void)
{
    return 750000 + ((rng() >> 32) * 2250000 >> 32);
}

static void
tick_fire(struct engine *eng, struct event *ev)
{
    fired(eng);
    engine_at(eng, ev, eng->now + 4000000);
}

static void
slice_fire(struct engine *eng, struct event *ev)
{
    fired(eng);
    engine_at(eng, ev, eng->now + slice_inc());
}

static void
wake_fire(struct engine *eng, struct event *ev)
{
    fired(eng);
    rearms++;
    engine_at(eng, event_of((ev->slot & ~3u) | 1), eng->now + slice_inc());
    engine_at(eng, ev, eng->now + wake_inc());
}

static void
start(struct engine *eng, bool sched)
{
    static const event_fire fires[4] = { tick_fire, slice_fire, wake_fire, wake_fire };

    for (u32 i = 0; i < nr_slots; i++) {
        u64 t = !sched         ? 1 + d_inc()
                : (i & 3) == 0 ? 1 + (rng() >> 32) * 4000000 / (1ull << 32)
                : (i & 3) == 1 ? slice_inc()
                               : wake_inc();

        event_init(eng, event_of(i), EVENT_TASK, i, PHASE_ARRIVE, sched ? fires[i & 3] : hold_fire);
        engine_at(eng, event_of(i), t);
    }
}

static double
window(struct engine *eng, u64 nr)
{
    double t0 = cpu_s();

    left = nr;
    engine_run(eng, SIM_NEVER);
    return (cpu_s() - t0) / (double)nr * 1e9;
}

int
main(int argc, char **argv)
{
    static const char *const names[] = { "auto", "wheel", "simple" };
    struct engine eng;
    u32 nr[EVENT_KIND_NR] = { 0 };
    double r[256];
    int which = -1, reps = argc > 4 ? atoi(argv[4]) : 30;

    for (int i = 0; argc > 3 && i < 3; i++)
        if (strcmp(argv[1], names[i]) == 0)
            which = i;
    if (which < 0 || reps < 1 || reps > 256)
        return 2;
    bool sched = strcmp(argv[2], "sched") == 0;
    nr[EVENT_TASK] = nr_slots = (u32)atoi(argv[3]);
    pin(getenv("CORE") ? atoi(getenv("CORE")) : 1);
    rng_seed(42);
    d_init(D_EXP);
    struct arena *a = arena_new();
    owner_size = getenv("OWNER") ? (size_t)atoi(getenv("OWNER")) : sizeof(struct event);
    owners = arena_alloc(a, owner_size * nr_slots);
    engine_init(&eng, a, nr, (enum engine_queue)which);
    start(&eng, sched);
    u64 nr_window = getenv("H") ? strtoull(getenv("H"), NULL, 10) : 100000;
    window(&eng, nr_slots * 6ull > 400000 ? nr_slots * 6ull : 400000);
    u64 hash_warm = hash;
    u64 before = eng.nr_events;
    rearms = 0;
    for (int i = 0; i < reps; i++)
        r[i] = window(&eng, nr_window);
    qsort(r, (size_t)reps, sizeof *r, cmp_d);
    printf("engine-%-7s %-6s %-8s %8u %8.2f %8.2f %016llx rearm/ev %.2f stale/ev %.2f\n", argv[1],
           "update", argv[2], nr_slots, r[0], r[reps / 2], (unsigned long long)hash_warm,
           (double)rearms / (double)nr_window / reps,
           (double)(eng.nr_events - before) / (double)nr_window / reps - 1);
    arena_free(a);
    return 0;
}
