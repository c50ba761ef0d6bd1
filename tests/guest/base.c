/* Output, files, options, affinity. */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char cmdline[8192];

void
out(const char *s, size_t n)
{
    outsb(0x402, s, n);
}

void
say(const char *format, ...)
{
    char b[4096];
    va_list a;
    va_start(a, format);
    int n = vsnprintf(b, sizeof b, format, a);
    va_end(a);
    out(b, n < (int)sizeof b ? n : (int)sizeof b - 1);
}

void
complain(const char *what, const char *which)
{
    say("W %s %s: %s\n", what, which, strerror(errno));
}

int64_t
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void
put(const char *path, const char *text)
{
    int f = open(path, O_WRONLY | O_TRUNC);
    if (f < 0 || write(f, text, strlen(text)) < 0)
        complain("cannot write", path);
    if (f >= 0)
        close(f);
}

int
slurp(const char *path, char *b, int n)
{
    int f = open(path, O_RDONLY), got = 0, r;
    if (f < 0)
        return -1;
    while (got < n - 1 && (r = read(f, b + got, n - 1 - got)) > 0)
        got += r;
    close(f);
    b[got] = 0;
    return got;
}

void
options_read(void)
{
    cmdline[0] = ' ';
    slurp("/proc/cmdline", cmdline + 1, sizeof cmdline - 1);
}

int
topology_only(void)
{
    return strstr(cmdline, " oracle=topo") != 0;
}

const char *
opt(const char *key, const char *def, char *to, int n)
{
    char k[64];
    snprintf(k, sizeof k, " o.%s=", key);
    const char *p = strstr(cmdline, k);
    if (!p) {
        snprintf(to, n, "%s", def);
        return to;
    }
    p += strlen(k);
    int l = strcspn(p, " \n");
    if (l >= n)
        l = n - 1;
    memcpy(to, p, l);
    to[l] = 0;
    return to;
}

long
num(const char *key, long def)
{
    char b[32], d[32];
    snprintf(d, sizeof d, "%ld", def);
    return atol(opt(key, d, b, sizeof b));
}

int
list(const char *s, int *to, int max)
{
    int n = 0;
    while (*s >= '0' && *s <= '9') {
        int a = strtol(s, (char **)&s, 10), b = a;
        if (*s == '-')
            b = strtol(s + 1, (char **)&s, 10);
        for (; a <= b && n < max; a++)
            to[n++] = a;
        if (*s == ',')
            s++;
    }
    return n;
}

int
nth(const char *s, int i)
{
    int v[64], n = 0;
    while (*s && n < 64) {
        v[n++] = strtol(s, (char **)&s, 10);
        if (*s == ',')
            s++;
    }
    return n ? v[i % n] : 0;
}

void
pin(const int *cpus, int n)
{
    cpu_set_t *m = CPU_ALLOC(MAXC);
    size_t z = CPU_ALLOC_SIZE(MAXC);
    CPU_ZERO_S(z, m);
    for (int i = 0; i < n; i++)
        CPU_SET_S(cpus[i], z, m);
    if (syscall(SYS_sched_setaffinity, 0, z, m) < 0)
        complain("affinity", "");
    CPU_FREE(m);
}

void
pin1(int c)
{
    pin(&c, 1);
}

void
pin_all(void)
{
    int c[MAXC];
    for (int i = 0; i < machine.ncpu; i++)
        c[i] = i;
    pin(c, machine.ncpu);
}
