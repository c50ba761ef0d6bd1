/* hold.c - HOLD model and a scheduler-shaped workload over one event queue (-DQ="q/x.h").
   usage: hold WORKLOAD N [REPS]   WORKLOAD: exp uniform biased bimodal triang sched extend percpu
   prints: queue cancel workload n ns_min ns_med checksum extra */
#ifdef ENGINE
#include "engine/engine.h"
#endif
#include "common.h"
#include Q
#ifndef ADDR
#define ADDR 0
#endif
#ifndef HASTOP
#define HASTOP 0
#endif
static u32 seq;
static u64 hash;
static u64 *dl; /* true deadline of each id */
static inline void
hsh(u64 t)
{
    hash = (hash ^ t) * 0x9e3779b97f4a7c15ULL;
}

static __attribute__((noinline)) void
do_hold(u64 h)
{
    while (h--) {
#if HASTOP && defined(USE_RETOP)
        u64 t;
        q_top(&t);
        hsh(t);
        q_retop(t + 1 + d_inc(), seq++);
#else
        u64 t;
        u32 id = q_pop(&t);
        hsh(t);
        q_push(t + 1 + d_inc(), seq++, id);
#endif
    }
}
/* ---- scheduler shape: per CPU 1 tick (4 ms), 1 slice timer, 2 sleeping tasks ---- */
static u64 rearms, stale;
static inline u64
wake_inc(void)
{
    return 20000 + (d_inc() >> 1);
} /* ~0.5 ms */
static inline u64
slice_inc(void)
{
    return 750000 + ((rng() >> 32) * 2250000 >> 32);
} /* 0.75..3 ms */
static inline void
rearm(u32 id, u64 t)
{
    rearms++;
    dl[id] = t;
#if ADDR
    q_update(id, t, seq++);
#else
    q_push(t, seq++, id);
#endif
}
static inline u32
popv(u64 *t)
{
    for (;;) {
        u32 id = q_pop(t);
        if (ADDR || likely(dl[id] == *t))
            return id;
        stale++;
    }
}
static inline void
put(u32 id, u64 t)
{
    dl[id] = t;
    q_push(t, seq++, id);
}
static __attribute__((noinline)) void
do_sched(u64 h)
{
    while (h--) {
        u64 t;
        u32 id = popv(&t);
        hsh(t);
        switch (id & 3) {
        case 0:
            put(id, t + 4000000);
            break;
        case 1:
            put(id, t + slice_inc());
            break;
        default:
            rearm((id & ~3u) | 1, t + slice_inc());
            put(id, t + wake_inc());
            break;
        }
    }
}
/* extend: a re-arm to a LATER time only stores the deadline; the early entry re-queues itself */
static u64 *qt;
static __attribute__((noinline)) void
do_extend(u64 h)
{
    while (h--) {
        u64 t;
        u32 id;
        for (;;) {
            id = q_pop(&t);
            if (!ADDR && unlikely(qt[id] != t)) {
                stale++;
                continue;
            }
            if (dl[id] == t)
                break;
            stale++;
            qt[id] = dl[id];
            q_push(dl[id], seq++, id);
        }
        hsh(t);
        u64 n;
        switch (id & 3) {
        case 0:
            n = t + 4000000;
            break;
        case 1:
            n = t + slice_inc();
            break;
        default: {
            u32 s = (id & ~3u) | 1;
            u64 d = t + slice_inc();
            rearms++;
            dl[s] = d;
            if (d < qt[s]) {
                qt[s] = d;
#if ADDR
                q_update(s, d, seq++);
#else
                q_push(d, seq++, s);
#endif
            }
            n = t + wake_inc();
            break;
        }
        }
        dl[id] = qt[id] = n;
        q_push(n, seq++, id);
    }
}
/* percpu: each CPU keeps its 4 deadlines in one small array; only the CPU's minimum is queued,
   one entry per CPU, replaced in place at the top (no cancel, no insert) */
static __attribute__((noinline)) void
do_percpu(u64 h)
{
    while (h--) {
        u64 t;
#if HASTOP
        u32 c = q_top(&t);
#else
        u32 c = q_pop(&t);
#endif
        hsh(t);
        u64 *d = dl + 4ul * c;
        u32 k = d[0] == t ? 0 : d[1] == t ? 1 : d[2] == t ? 2 : 3;
        switch (k) {
        case 0:
            d[0] = t + 4000000;
            break;
        case 1:
            d[1] = t + slice_inc();
            break;
        default:
            d[1] = t + slice_inc();
            rearms++;
            d[k] = t + wake_inc();
            break;
        }
        u64 a = d[0] < d[1] ? d[0] : d[1], b = d[2] < d[3] ? d[2] : d[3];
#if HASTOP
        q_retop(a < b ? a : b, seq++);
#else
        q_push(a < b ? a : b, seq++, c);
#endif
    }
}
int
main(int ac, char **av)
{
    if (ac < 3)
        return 1;
    const char *w = av[1];
    u32 n = (u32)atoi(av[2]);
    int reps = ac > 3 ? atoi(av[3]) : 7;
    pin(getenv("CORE") ? atoi(getenv("CORE")) : 1);
    rng_seed(42);
    int d = -1, mode = 0;
    for (int i = 0; i < D_N; i++)
        if (!strcmp(w, d_name[i]))
            d = i;
    if (d < 0) {
        d = D_EXP;
        mode = !strcmp(w, "sched") ? 1 : !strcmp(w, "extend") ? 2 : 3;
    }
    d_init(d);
#ifdef QMAX
    if (n > QMAX) {
        printf("%-14s %-6s %-8s %8u - (too large)\n", QNAME, QCANCEL, w, n);
        return 0;
    }
#endif
    dl = big(8ul * n);
    qt = big(8ul * n);
    q_init(ADDR || mode == 0 ? n : n * 6 + 1024);
    if (mode == 0)
        for (u32 i = 0; i < n; i++)
            q_push(1 + d_inc(), seq++, i);
    else if (mode < 3)
        for (u32 i = 0; i < n; i++) {
            u64 t = (i & 3) == 0   ? 1 + (rng() >> 32) * 4000000 / (1ull << 32)
                    : (i & 3) == 1 ? slice_inc()
                                   : wake_inc();
            qt[i] = t;
            put(i, t);
        }
    else
        for (u32 c = 0; c < n / 4; c++) {
            u64 m = ~0ull;
            for (u32 k = 0; k < 4; k++) {
                u64 t = k == 0   ? 1 + (rng() >> 32) * 4000000 / (1ull << 32)
                        : k == 1 ? slice_inc()
                                 : wake_inc();
                dl[4 * c + k] = t;
                if (t < m)
                    m = t;
            }
            q_push(m, seq++, c);
        }
    void (*f)(u64) = mode == 0 ? do_hold : mode == 1 ? do_sched : mode == 2 ? do_extend : do_percpu;
    u64 warm = n * 6ull > 400000 ? n * 6ull : 400000, H = n > 200000 ? 2000000 : 1000000;
    if (getenv("H"))
        H = strtoull(getenv("H"), 0, 10);
    f(warm);
    u64 ck = hash;
    double r[256];
    rearms = stale = 0;
    for (int i = 0; i < reps; i++) {
        double t0 = cpu_s();
        f(H);
        r[i] = (cpu_s() - t0) / (double)H * 1e9;
    }
    qsort(r, (size_t)reps, sizeof *r, cmp_d);
    printf("%-14s %-6s %-8s %8u %8.2f %8.2f %016llx rearm/ev %.2f stale/ev %.2f\n", QNAME, QCANCEL,
           w, n, r[0], r[reps / 2], (unsigned long long)ck, (double)rearms / (double)H / reps,
           (double)stale / (double)H / reps);
    return 0;
}
