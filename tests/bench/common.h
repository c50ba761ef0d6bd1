/* common.h - shared bits of the micro-benchmarks: clock, RNG, distributions. */
#ifndef COMMON_H
#define COMMON_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <math.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

static inline double
now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
/* CPU time of this thread: insensitive to being descheduled by a neighbour */
static inline double
cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static inline void
pin(int c)
{
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET(c, &s);
    sched_setaffinity(0, sizeof s, &s);
}
static inline u64
rotl(u64 x, int k)
{
    return (x << k) | (x >> (64 - k));
}
static u64 g_s[4];
static inline u64
splitmix(u64 *s)
{
    u64 z = (*s += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}
static inline void
rng_seed(u64 s)
{
    for (int i = 0; i < 4; i++)
        g_s[i] = splitmix(&s);
}
static inline u64
rng(void) /* xoshiro256++ */
{
    u64 r = rotl(g_s[0] + g_s[3], 23) + g_s[0], t = g_s[1] << 17;
    g_s[2] ^= g_s[0];
    g_s[3] ^= g_s[1];
    g_s[1] ^= g_s[2];
    g_s[0] ^= g_s[3];
    g_s[2] ^= t;
    g_s[3] = rotl(g_s[3], 45);
    return r;
}
/* increments: a 4096-entry quantile table (16 KiB) per distribution, mean = MEAN */
enum { D_EXP, D_UNI, D_BIASED, D_BIMODAL, D_TRI, D_N };
__attribute__((unused)) static const char *d_name[] = { "exp", "uniform", "biased", "bimodal",
                                                        "triang" };
#define DT 4096
static u32 d_tab[DT];
#define MEAN 1000000.0 /* 1 ms in ns */
static inline void
d_init(int d)
{
    u64 s = 12345;
    for (int i = 0; i < DT; i++) {
        double u = (i + 0.5) / DT, v = 0;
        switch (d) {
        case D_EXP:
            v = -log(1 - u);
            break;
        case D_UNI:
            v = 2 * u;
            break;
        case D_BIASED:
            v = 0.9 + 0.2 * u;
            break;
        case D_BIMODAL:
            v = 0.95238 * u + (((splitmix(&s) >> 11) * 0x1p-53) < 0.1 ? 9.5238 : 0);
            break;
        case D_TRI:
            v = 1.5 * sqrt(u);
            break;
        }
        d_tab[i] = (u32)(v * MEAN / (d == D_BIMODAL ? 1.42857 : 1.0));
    }
}
/* low 12 bits pick the quantile, some more bits smear it so that ties are rare */
static inline u64
d_inc(void)
{
    u64 r = rng();
    return d_tab[r & (DT - 1)] + ((r >> 40) & 1023);
}
static inline void *
big(size_t n)
{
    n = (n + (2u << 20) - 1) & ~(size_t)((2u << 20) - 1);
    void *p = mmap(0, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        abort();
#ifndef NO_THP
    madvise(p, n, MADV_HUGEPAGE);
#endif
    return p;
}
__attribute__((unused)) static int
cmp_d(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
#endif
