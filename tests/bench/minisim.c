/* minisim.c - the smallest believable scheduler simulator, to learn what a simulated context switch
   costs: EEVDF per CPU (flat arrays), wake-up placement by an idle mask per 8-CPU domain, wake-up
   preemption, newly idle pull, 4 ms tick (real events, or computed analytically), per-task NUMA
   counters, exact integer time. usage: minisim CPUS TASKS_PER_CPU TICK(0|1) [MILLION_SWITCHES]
   build: -DQ="q/wheel64.h" */
#include "common.h"
#include Q
#ifdef __AVX512F__
#include <immintrin.h>
#endif
typedef int64_t i64;
#ifndef RQ
#define RQ 64
#endif
#define NILT (~0u)
#define TICK 4000000ull
#define FAR (1ull << 43)
typedef struct {
    i64 vr, dl;
    u64 rem;
    u32 cpu, w, im;
    u32 sw;
    u64 ctr;
    float nf[4];
} task; /* 64 bytes */
typedef struct {
    u64 t0;
    i64 avgv, avgw, zero;
    u32 curr, n;
    u64 busy, sw;
} cpu; /* 64 bytes */
static task *T;
static cpu *Cs;
static i64 (*RD)[RQ], (*RV)[RQ];
static u32 C, NT, tickmode;
static u8 *idle;
static u32 sq;
static u64 now, nctx, nev, nwake, npull, nmig, npre;
static const u32 wt[8] = { 1024, 1024, 1024, 1024, 820, 1277, 335, 3121 };
static inline i64
scale(u64 ns, u32 im)
{
    return (i64)((ns * im) >> 22);
}
static inline u64
rnd(task *t, u32 i)
{
    u64 z = ((u64)i << 40) + ++t->ctr * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}
static inline u64
expo(u64 r)
{
    return 1000 + d_tab[r & (DT - 1)] + ((r >> 40) & 1023);
}
static inline void
upd(cpu *c)
{
    u64 d = now - c->t0;
    c->t0 = now;
    if (c->curr == NILT || !d)
        return;
    task *t = &T[c->curr];
    i64 dv = scale(d, t->im);
    t->vr += dv;
    c->avgv += dv * (i64)t->w;
    t->rem -= d;
    c->busy += d;
    t->nf[(c - Cs) & 3] += (float)d;
}
static inline void
enq(u32 ci, u32 i)
{
    cpu *c = &Cs[ci];
    u32 k = c->n++;
    if (unlikely(k >= RQ))
        abort();
    RD[ci][k] = T[i].dl << 20 | i;
    RV[ci][k] = T[i].vr;
}
static inline i64
rz(cpu *c)
{
    i64 q = c->avgv / c->avgw;
    if (q * c->avgw > c->avgv)
        q--;
    c->zero += q;
    c->avgv -= q * c->avgw;
    return c->zero;
}
static inline u32
pickrm(u32 ci)
{
    cpu *c = &Cs[ci];
    if (!c->n)
        return NILT;
    i64 lim = rz(c), *D = RD[ci], *V = RV[ci];
    u32 n = c->n;
    i64 b = INT64_MAX;
    u32 k;
#ifdef __AVX512F__
    __m512i B = _mm512_set1_epi64(INT64_MAX), L = _mm512_set1_epi64(lim);
    for (k = 0; k < n; k += 8) {
        __mmask8 in = (__mmask8)(n - k >= 8 ? 0xff : (1u << (n - k)) - 1);
        in = _mm512_mask_cmple_epi64_mask(in, _mm512_load_si512(V + k), L);
        B = _mm512_mask_min_epi64(B, in, B, _mm512_load_si512(D + k));
    }
    b = _mm512_reduce_min_epi64(B);
    if (unlikely(b == INT64_MAX)) {
        for (k = 0; k < n; k++)
            b = D[k] < b ? D[k] : b;
    }
    __m512i bb = _mm512_set1_epi64(b);
    for (k = 0;; k += 8) {
        u32 m = _mm512_cmpeq_epi64_mask(bb, _mm512_load_si512(D + k));
        if (m) {
            k += (u32)__builtin_ctz(m);
            break;
        }
    }
#else
    for (k = 0; k < n; k++) {
        i64 d = V[k] <= lim ? D[k] : INT64_MAX;
        b = d < b ? d : b;
    }
    if (b == INT64_MAX)
        for (k = 0; k < n; k++)
            b = D[k] < b ? D[k] : b;
    for (k = 0; D[k] != b; k++)
        ;
#endif
    c->n--;
    D[k] = D[c->n];
    V[k] = V[c->n];
    return (u32)(b & 0xfffff);
}
static inline void
arm(u32 ci)
{
    cpu *c = &Cs[ci];
    u64 t;
    if (c->curr == NILT)
        t = FAR;
    else {
        task *k = &T[c->curr];
        t = now + k->rem;
        if (tickmode) {
            u64 x = (now / TICK + 1) * TICK;
            t = x < t ? x : t;
        } else if (c->n) { /* first tick at which vruntime has passed the deadline: computed, not
                              simulated */
            i64 need = k->dl - k->vr;
            u64 x = now + (need > 0 ? ((u64)need * k->w >> 10) : 0);
            x = (x / TICK + 1) * TICK;
            t = x < t ? x : t;
        }
    }
    q_update(ci, t, sq++);
}
static inline void
detach(cpu *c, task *t)
{
    c->avgv -= (t->vr - c->zero) * (i64)t->w;
    c->avgw -= t->w;
}
static inline void
attach(u32 ci, u32 i) /* place with zero lag at the average */
{
    cpu *c = &Cs[ci];
    task *t = &T[i];
    i64 a = c->avgw ? rz(c) : c->zero;
    t->vr = a;
    t->dl = a + scale(3000000, t->im);
    c->avgw += t->w;
    c->avgv += (t->vr - c->zero) * (i64)t->w;
    t->cpu = ci;
}
static inline void
run(u32 ci, u32 i)
{
    cpu *c = &Cs[ci];
    c->curr = i;
    c->t0 = now;
    if (i != NILT) {
        nctx++;
        c->sw++;
        T[i].sw++;
        idle[ci >> 3] &= (u8) ~(1u << (ci & 7));
    } else
        idle[ci >> 3] |= (u8)(1u << (ci & 7));
}
static inline void
newidle(u32 ci)
{
    u32 g = ci & ~7u, b = NILT, bn = 0; /* pull from the longest queue of the domain */
    for (u32 k = g; k < g + 8 && k < C; k++)
        if (Cs[k].n > bn) {
            bn = Cs[k].n;
            b = k;
        }
    if (b == NILT) {
        run(ci, NILT);
        return;
    }
    cpu *s = &Cs[b];
    upd(s);
    u32 i = (u32)(RD[b][--s->n] & 0xfffff);
    detach(s, &T[i]);
    npull++;
    nmig++;
    attach(ci, i);
    run(ci, i);
}
static void
cpu_ev(u32 ci)
{
    cpu *c = &Cs[ci];
    u32 i = c->curr;
    if (unlikely(i == NILT)) {
        arm(ci);
        return;
    }
    upd(c);
    task *t = &T[i];
    if (t->rem == 0) {
        detach(c, t);
        u64 r = rnd(t, i);
        q_push(now + expo(r), sq++, C + i);
        u32 j = pickrm(ci);
        if (j != NILT)
            run(ci, j);
        else
            newidle(ci);
    } else if (t->vr >= t->dl) {
        t->dl = t->vr + scale(3000000, t->im);
        if (c->n) {
            enq(ci, i);
            u32 j = pickrm(ci);
            if (j != i)
                run(ci, j);
            else
                c->curr = i;
        }
    }
    arm(ci);
}
static void
wake(u32 i)
{
    task *t = &T[i];
    nwake++;
    u64 r = rnd(t, i);
    t->rem = expo(r);
    u32 ci = t->cpu;
    if (Cs[ci].curr != NILT) {
        u32 m = idle[ci >> 3];
        if (m) {
            ci = (ci & ~7u) + (u32)__builtin_ctz(m);
            nmig++;
        }
    }
    cpu *c = &Cs[ci];
    upd(c);
    attach(ci, i);
    if (c->curr == NILT) {
        run(ci, i);
        arm(ci);
        return;
    }
    task *k = &T[c->curr];
    if (t->dl < k->dl && k->vr > c->zero) {
        npre++;
        u32 o = c->curr;
        enq(ci, o);
        run(ci, i);
        arm(ci);
    } else {
        enq(ci, i);
        if (c->n == 1)
            arm(ci);
    }
}
int
main(int ac, char **av)
{
    if (ac < 4)
        return 1;
    C = (u32)atoi(av[1]);
    u32 tpc = (u32)atoi(av[2]);
    tickmode = (u32)atoi(av[3]);
    u64 M = (ac > 4 ? strtoull(av[4], 0, 10) : 2) * 1000000;
    NT = C * tpc;
    pin(getenv("CORE") ? atoi(getenv("CORE")) : 1);
    d_init(D_EXP);
    T = big(sizeof(task) * (NT + 1));
    Cs = big(sizeof(cpu) * (C + 8));
    RD = big(8ul * RQ * (C + 8));
    RV = big(8ul * RQ * (C + 8));
    idle = big(C / 8 + 8);
    q_init(C + NT + 16);
    u64 s = 9;
    for (u32 i = 0; i < C; i++) {
        Cs[i].curr = NILT;
        idle[i >> 3] |= (u8)(1u << (i & 7));
        q_push(FAR, sq++, i);
    }
    for (u32 i = 0; i < NT; i++) {
        T[i].w = wt[splitmix(&s) & 7];
        T[i].im = (u32)((1024ull << 22) / T[i].w);
        T[i].cpu = i % C;
        q_push(expo(splitmix(&s)), sq++, C + i);
    }
    double best = 1e9, t0;
    u64 c0 = 0, e0 = 0, sim0 = 0;
    double evr = 0, simr = 0;
    for (int r = 0; r < 6; r++) {
        t0 = cpu_s();
        c0 = nctx;
        e0 = nev;
        sim0 = now;
        u64 lim = nctx + M / (r ? 1 : 2);
        while (nctx < lim) {
            u32 id = q_pop(&now);
            nev++;
            if (id < C) {
                q_push(FAR, sq++, id);
                cpu_ev(id);
            } else
                wake(id - C);
        }
        double x = cpu_s() - t0, ns = x / (double)(nctx - c0) * 1e9;
        if (r && ns < best) {
            best = ns;
            evr = (double)(nev - e0) / (double)(nctx - c0);
            simr = (double)(now - sim0) * 1e-9 / x;
        }
    }
    u64 h = 0, busy = 0;
    for (u32 i = 0; i < NT; i++)
        h = (h ^ (u64)T[i].vr ^ T[i].sw) * 0x9e3779b97f4a7c15ULL;
    for (u32 i = 0; i < C; i++)
        busy += Cs[i].busy;
    printf("%-12s cpus %5u tasks %6u tick %u: %7.1f ns/switch  %6.2f M switches/s  %5.2f "
           "events/switch  %6.1f ns/event  sim/wall %9.4f  util %.2f mig/sw %.2f pre/sw %.2f  %zu "
           "B/cpu %zu B/task  hash %016llx\n",
           QNAME, C, NT, tickmode, best, 1e3 / best, evr, best / evr, simr,
           (double)busy / (double)now / C, (double)nmig / (double)nctx, (double)npre / (double)nctx,
           sizeof(cpu) + 16ul * RQ, sizeof(task) + 16, (unsigned long long)h);
    return 0;
}
