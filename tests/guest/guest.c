/* Init of the guest that records: mounts, runs one workload `reps` times, writes what it saw to the
 * debug port 0x402. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAXT 128
#define MAXN 64
struct shared {
    volatile int go, ready, begun, stop;
    volatile int64_t t0;
    volatile int tid[MAXT], pid[MAXT];
    volatile uintptr_t base[MAXT];
    char pad[0] __attribute__((aligned(4096)));
    volatile uint64_t work[MAXT];
};
static struct shared *sh;
static char cmdline[8192];
static int ncpu, nnode, node_cpus[MAXN][64], node_n[MAXN], cpu_node[512];
static int cpunode[MAXN], ncn; /* nodes with CPUs */
static char *buf;
static size_t len, cap = 48 << 20;
static int thr, nproc, total, dur, ivl, prespin, nowait, nb, run_us, sleep_us, work_n, nonuma;
static long kb;
static char mode[16], region[16], initw[16], policy[16], start[16], aff[16], nice_s[256], cgw[256],
    cgn[256];

static void
out(const char *s, size_t n)
{
    outsb(0x402, s, n);
}
static void
say(const char *f, ...)
{
    char b[4096];
    va_list a;
    va_start(a, f);
    int n = vsnprintf(b, sizeof b, f, a);
    va_end(a);
    out(b, n);
}
static int64_t
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static void
put(const char *path, const char *text)
{
    int f = open(path, O_WRONLY | O_TRUNC);
    if (f < 0 || write(f, text, strlen(text)) < 0)
        say("W cannot write %s: %s\n", path, strerror(errno));
    if (f >= 0)
        close(f);
}
static int
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
static const char *
opt(const char *key, const char *def, char *to, int n)
{
    char k[64];
    snprintf(k, sizeof k, " o.%s=", key);
    char *p = strstr(cmdline, k);
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
static long
num(const char *key, long def)
{
    char b[32], d[32];
    snprintf(d, sizeof d, "%ld", def);
    return atol(opt(key, d, b, sizeof b));
}
static int
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
static int
nth(const char *s, int i)
{
    int v[64], n = 0;
    while (*s) {
        v[n++] = strtol(s, (char **)&s, 10);
        if (*s == ',')
            s++;
    }
    return n ? v[i % n] : 0;
}
static void
pin(const int *cpus, int n)
{
    cpu_set_t *m = CPU_ALLOC(512);
    size_t z = CPU_ALLOC_SIZE(512);
    CPU_ZERO_S(z, m);
    for (int i = 0; i < n; i++)
        CPU_SET_S(cpus[i], z, m);
    if (syscall(SYS_sched_setaffinity, 0, z, m) < 0)
        say("W affinity %s\n", strerror(errno));
}
static void
pin1(int c)
{
    pin(&c, 1);
}
static void
pin_all(void)
{
    int c[512];
    for (int i = 0; i < ncpu; i++)
        c[i] = i;
    pin(c, ncpu);
}
static void __attribute__((noinline)) spin(long n)
{
    __asm__ volatile("1: dec %0; jnz 1b" : "+r"(n));
}
static int
start_cpu(int i)
{
    if (!strncmp(start, "cpu", 3))
        return atoi(start + 3);
    if (!strncmp(start, "node", 4)) {
        int n = atoi(start + 4);
        return node_cpus[n][i % node_n[n]];
    }
    int n = cpunode[i % ncn];
    return node_cpus[n][i / ncn % node_n[n]];
}
static long npages, slice_first, slice_n;
static char *
reg_alloc(long pages)
{
    int thp = num("thp", 0);
    size_t size = pages * 4096, more = thp ? 4 << 20 : 2 * 4096;
    char *p = mmap(0, size + more, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    char *q = thp ? (char *)(((uintptr_t)p + (2 << 20)) & ~((2ul << 20) - 1)) : p + 4096;
    munmap(p, q - p);
    munmap(q + size, p + size + more - (q + size));
    unsigned long mask = 0;
    if (!strncmp(policy, "interleave", 4)) {
        mask = (1ul << nnode) - 1;
        syscall(SYS_mbind, q, size, 3, &mask, 65, 0);
    } else if (!strncmp(policy, "bind", 4)) {
        mask = 1ul << atoi(policy + 4);
        syscall(SYS_mbind, q, size, 2, &mask, 65, 0);
    } else if (!strncmp(policy, "pref", 4)) {
        mask = 1ul << atoi(policy + 4);
        syscall(SYS_mbind, q, size, 1, &mask, 65, 0);
    }
    return q;
}
static void
touch_pages(char *q, long first, long pages, long step)
{
    for (long p = first; p < pages; p += step)
        *(volatile uint64_t *)(q + p * 4096) = 1;
}
static void
reg_init(char *q, long pages, int i)
{
    if (!strcmp(initw, "spread")) {
        for (int k = 0; k < ncn; k++) {
            pin(node_cpus[cpunode[k]], node_n[cpunode[k]]);
            touch_pages(q, k, pages, ncn);
        }
        return;
    }
    int n = !strncmp(initw, "node", 4) ? atoi(initw + 4) : 0;
    if (!strcmp(initw, "wrong")) {
        int s = cpu_node[start_cpu(i)], k = 0;
        while (cpunode[k] != s)
            k++;
        n = cpunode[(k + 1) % ncn];
    }
    if (!strcmp(initw, "own"))
        n = cpu_node[start_cpu(i)];
    pin(node_cpus[n], node_n[n]);
    touch_pages(q, 0, pages, 1);
}
struct arg {
    int idx, proc, k;
    char *reg;
};
static int pipes[MAXT][2], forked[2];

static void
run_touch(struct arg *a)
{
    long pages = npages, at = 0, first = 0;
    if (!strcmp(region, "slice"))
        pages = npages / thr, first = pages * a->k;
    else if (!strcmp(region, "shared"))
        at = npages / thr * a->k;
    char *q = a->reg + first * 4096;
    for (;;) {
        (*(volatile uint64_t *)(q + at * 4096 + (a->k & 63) * 8))++;
        spin(work_n);
        sh->work[a->idx]++;
        if (++at == pages)
            at = 0;
    }
}
static void
run_body(struct arg *a)
{
    int i = a->idx;
    if (!strcmp(mode, "touch"))
        run_touch(a);
    if (!strcmp(mode, "duty"))
        for (;;) {
            spin(run_us * 125l / 2);
            sh->work[i]++;
            usleep(sleep_us);
        }
    if (!strcmp(mode, "pipe")) {
        char m[100] = { 0 };
        for (;;) {
            if (i & 1) {
                if (read(pipes[i / 2][0], m, 100) != 100)
                    break;
            } else {
                spin(5000);
                if (write(pipes[i / 2][1], m, 100) != 100)
                    break;
            }
            sh->work[i]++;
        }
    }
    for (;;) {
        spin(2000);
        sh->work[i]++;
    }
}
static void *
worker(void *p)
{
    struct arg *a = p;
    int i = a->idx;
    sh->tid[i] = syscall(SYS_gettid);
    sh->pid[i] = getpid();
    if (nowait) {
        __atomic_add_fetch(&sh->begun, 1, __ATOMIC_SEQ_CST);
        run_body(a);
    }
    if (nice_s[0])
        setpriority(PRIO_PROCESS, sh->tid[i], nth(nice_s, i));
    pin1(start_cpu(i));
    if (!strcmp(region, "priv")) {
        a->reg = reg_alloc(npages);
        sh->base[i] = (uintptr_t)a->reg;
        reg_init(a->reg, npages, i);
        pin1(start_cpu(i));
    }
    __atomic_add_fetch(&sh->ready, 1, __ATOMIC_SEQ_CST);
    while (!sh->go)
        usleep(1000);
    if (prespin)
        while (now() - sh->t0 < prespin * 1000000ll)
            spin(500);
    if (!strcmp(aff, "free"))
        pin_all();
    else if (!strcmp(aff, "node")) {
        int n = cpunode[i % ncn];
        pin(node_cpus[n], node_n[n]);
    } else if (!strncmp(aff, "cpu", 3))
        pin1(atoi(aff + 3));
    __atomic_add_fetch(&sh->begun, 1, __ATOMIC_SEQ_CST);
    run_body(a);
    return 0;
}
static void
process(int proc)
{
    static struct arg args[MAXT];
    char *reg = 0;
    prctl(PR_SET_NAME, "ow");
    if (cgw[0]) {
        int g = 0, sum = nth(cgn, 0);
        char p[64];
        while (proc >= sum)
            sum += nth(cgn, ++g);
        snprintf(p, sizeof p, "/cg/g%d/cgroup.procs", g);
        put(p, "0");
    }
    if (!strcmp(region, "shared") || !strcmp(region, "slice")) {
        reg = reg_alloc(npages);
        sh->base[proc] = (uintptr_t)reg;
        reg_init(reg, npages, proc * thr);
        pin_all();
    }
    if (!strcmp(mode, "pipe"))
        for (int k = 0; k < thr / 2; k++)
            if (pipe(pipes[k]))
                say("W pipe\n");
    for (int k = 0; k < thr; k++) {
        pthread_t t;
        args[k] = (struct arg){ proc * thr + k, proc, k, reg };
        if (pthread_create(&t, 0, worker, &args[k]))
            say("W pthread_create\n");
    }
    if (nowait && write(forked[1], "x", 1) != 1)
        say("W forked\n");
    for (;;)
        pause();
}

/* ---- sampling: raw text into a buffer, between rounds of the workload written out ---- */
static void
cat(const char *tag, int i, const char *path)
{
    if (cap - len < (1 << 20))
        return;
    len += sprintf(buf + len, "@%s %d\n", tag, i);
    int n = slurp(path, buf + len, 1 << 19);
    if (n > 0)
        len += n;
    buf[len++] = '\n';
}
static void
sample(void)
{
    char p[96];
    len += sprintf(buf + len, "@T %lld\n", (long long)(now() - sh->t0));
    int touch = !strcmp(mode, "touch") || !nonuma;
    if (touch)
        cat("vmstat", 0, "/proc/vmstat");
    if (touch)
        for (int i = 0; i < nproc; i++) {
            snprintf(p, sizeof p, "/proc/%d/numa_maps", sh->pid[i * thr]);
            cat("maps", i, p);
        }
    for (int i = 0; i < total; i++) {
        snprintf(p, sizeof p, "/proc/%d/task/%d/schedstat", sh->pid[i], sh->tid[i]);
        cat("ss", i, p);
        snprintf(p, sizeof p, "/proc/%d/task/%d/stat", sh->pid[i], sh->tid[i]);
        cat("stat", i, p);
        if (touch) {
            snprintf(p, sizeof p, "/proc/%d/task/%d/sched", sh->pid[i], sh->tid[i]);
            cat("sched", i, p);
        }
    }
    len += sprintf(buf + len, "@work 0\n");
    for (int i = 0; i < total; i++)
        len += sprintf(buf + len, "%llu ", (unsigned long long)sh->work[i]);
    buf[len++] = '\n';
}
static int
wanted(const char *tag, const char *l)
{
    if (!strcmp(tag, "vmstat"))
        return !strncmp(l, "numa_", 5) || !strncmp(l, "pgmigrate", 9) || !strncmp(l, "pgfault", 7);
    if (!strcmp(tag, "sched"))
        return !!strstr(l, "numa") || !strncmp(l, "nr_migrations", 13);
    if (!strcmp(tag, "maps")) {
        unsigned long a = strtoul(l, 0, 16);
        for (int i = 0; i < MAXT; i++)
            if (sh->base[i] == a && a)
                return 1;
        return 0;
    }
    return 1;
}
static void
flush(void)
{
    char tag[32] = "";
    buf[len] = 0;
    for (char *l = buf, *e; l < buf + len; l = e + 1) {
        e = strchr(l, '\n');
        if (!e)
            break;
        *e = 0;
        if (*l == '@') {
            sscanf(l + 1, "%31s", tag);
            say("%s\n", l);
        } else if (*l && wanted(tag, l))
            say("%s\n", l);
    }
    len = 0;
}
#define TR "/sys/kernel/tracing/"
static void
trace_setup(void)
{
    put(TR "trace_clock", "mono");
    put(TR "buffer_size_kb", "4096");
    put(TR "events/sched/sched_migrate_task/filter", "comm ~ \"ow*\"");
    put(TR "events/sched/sched_wakeup_new/filter", "comm ~ \"ow*\"");
    const char *ev[] = { "sched_migrate_task", "sched_wakeup_new", "sched_move_numa",
                         "sched_swap_numa", "sched_stick_numa" };
    for (int i = 0; i < 5; i++) {
        char p[128];
        snprintf(p, sizeof p, TR "events/sched/%s/enable", ev[i]);
        put(p, "1");
    }
    if (num("switches", 0)) {
        put(TR "events/sched/sched_switch/enable", "1");
        put(TR "events/sched/sched_wakeup/enable", "1");
    }
    if (num("skips", 0))
        put(TR "events/sched/sched_skip_vma_numa/enable", "1");
    char k[1024];
    /* o.probes: kprobe definitions separated by ';', with ',' for blanks */
    opt("probes", "", k, sizeof k);
    for (char *s = strtok(k, ";"); s; s = strtok(0, ";")) {
        for (char *c = s; *c; c++)
            if (*c == '~')
                *c = ' ';
        int f = open(TR "kprobe_events", O_WRONLY | O_APPEND);
        if (f < 0 || write(f, s, strlen(s)) < 0)
            say("W kprobe %s: %s\n", s, strerror(errno));
        close(f);
    }
    if (k[0])
        put(TR "events/kprobes/enable", "1");
}
static void
trace_dump(void)
{
    static char b[65536];
    int f = open(TR "trace", O_RDONLY), n, have = 0;
    say("@trace 0\n");
    while ((n = read(f, b + have, sizeof b - have)) > 0) {
        have += n;
        char *e = memrchr(b, '\n', have);
        if (!e)
            continue;
        out(b, e + 1 - b);
        have -= e + 1 - b;
        memmove(b, e + 1, have);
    }
    close(f);
}
static void
make_groups(void)
{
    mkdir("/cg", 0755);
    if (mount("cg", "/cg", "cgroup2", 0, 0))
        say("W cgroup2: %s\n", strerror(errno));
    put("/cg/cgroup.subtree_control", "+cpu");
    int n = 1;
    for (char *c = cgw; *c; c++)
        n += *c == ',';
    for (int g = 0; g < n; g++) {
        char p[64], v[16];
        snprintf(p, sizeof p, "/cg/g%d", g);
        mkdir(p, 0755);
        snprintf(p, sizeof p, "/cg/g%d/cpu.weight", g);
        snprintf(v, sizeof v, "%d", nth(cgw, g));
        put(p, v);
    }
}
static void
fifo(int on)
{
    struct sched_param sp = { .sched_priority = on ? 50 : 0 };
    sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &sp);
}
static void
until(int64_t t)
{
    struct timespec ts = { t / 1000000000, t % 1000000000 };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, 0);
}
static void
one_rep(int rep, int seed)
{
    pid_t kids[MAXT];
    memset(sh, 0, sizeof *sh);
    srand(seed);
    put("/proc/sys/kernel/numa_balancing", "0");
    put(TR "tracing_on", "0");
    put(TR "trace", "");
    pin_all();
    fifo(0);
    if (nowait) {
        if (forked[1] == 0 && pipe(forked))
            say("W pipe\n");
        usleep(100000 + rand() % 20000);
        put("/proc/sys/kernel/numa_balancing", nb ? "1" : "0");
        put(TR "tracing_on", "1");
        sh->t0 = now();
    }
    if (num("early", 0))
        put(TR "tracing_on", "1");
    for (int p = 0; p < nproc; p++) {
        kids[p] = fork();
        if (!kids[p])
            process(p);
    }
    pin1(ncpu - 1);
    fifo(1);
    if (nowait) {
        char c;
        for (int p = 0; p < nproc; p++)
            if (read(forked[0], &c, 1) != 1)
                say("W forked\n");
        while (sh->begun < total)
            spin(500);
    } else {
        while (sh->ready < total)
            usleep(2000);
        usleep(100000 + rand() % 20000);
        put(TR "tracing_on", "1");
        put("/proc/sys/kernel/numa_balancing", nb ? "1" : "0");
        sh->t0 = now();
        sh->go = 1;
    }
    sample();
    for (int k = 1; k * ivl <= dur; k++) {
        until(sh->t0 + (int64_t)k * ivl * 1000000);
        sample();
    }
    sample();
    put(TR "tracing_on", "0");
    for (int p = 0; p < nproc; p++)
        kill(kids[p], SIGKILL);
    for (int p = 0; p < nproc; p++)
        waitpid(kids[p], 0, 0);
    say("@rep %d %d %lld\n", rep, seed, (long long)sh->t0);
    for (int i = 0; i < total; i++)
        say("@thread %d %d %d %d\n", i, sh->tid[i], sh->pid[i], i / thr);
    for (int i = 0; i < MAXT; i++)
        if (sh->base[i])
            say("@region %d %lx\n", i, (unsigned long)sh->base[i]);
    flush();
    trace_dump();
}
static void
machine_facts(void)
{
    char b[4096], p[96];
    slurp("/sys/devices/system/cpu/online", b, sizeof b);
    int c[512];
    ncpu = list(b, c, 512);
    slurp("/sys/devices/system/node/online", b, sizeof b);
    int nodes[MAXN];
    nnode = list(b, nodes, MAXN);
    for (int i = 0; i < nnode; i++) {
        snprintf(p, sizeof p, "/sys/devices/system/node/node%d/cpulist", nodes[i]);
        slurp(p, b, sizeof b);
        node_n[i] = list(b, node_cpus[i], 64);
        for (int k = 0; k < node_n[i]; k++)
            cpu_node[node_cpus[i][k]] = i;
        if (node_n[i])
            cpunode[ncn++] = i;
        snprintf(p, sizeof p, "/sys/devices/system/node/node%d/distance", nodes[i]);
        slurp(p, b + 2000, 2000);
        say("@node %d %d %.*s | %s", i, node_n[i], (int)strcspn(b, "\n"), b, b + 2000);
    }
    const char *files[] = { "base_slice_ns",
                            "numa_balancing/hot_threshold_ms",
                            "numa_balancing/scan_size_mb",
                            "numa_balancing/scan_period_max_ms",
                            "numa_balancing/scan_period_min_ms",
                            "numa_balancing/scan_delay_ms" };
    for (int i = 0; i < 6; i++) {
        snprintf(p, sizeof p, "/sys/kernel/debug/sched/%s", files[i]);
        slurp(p, b, sizeof b);
        say("@param %s %s", files[i], b);
    }
}
static void
domains(void)
{
    char p[160], b[4096];
    int c[512], n;
    slurp("/sys/devices/system/cpu/possible", b, sizeof b);
    n = list(b, c, 512);
    for (int i = 0; i < n; i++)
        for (int d = 0; d < 16; d++) {
            const char *f[] = { "name",         "flags",       "groups_flags",  "min_interval",
                                "max_interval", "busy_factor", "imbalance_pct", "cache_nice_tries",
                                "level" };
            snprintf(p, sizeof p, "/sys/kernel/debug/sched/domains/cpu%d/domain%d/name", i, d);
            if (slurp(p, b, sizeof b) < 0)
                break;
            say("@domain %d %d\n", i, d);
            for (int k = 0; k < 9; k++) {
                snprintf(p, sizeof p, "/sys/kernel/debug/sched/domains/cpu%d/domain%d/%s", i, d,
                         f[k]);
                if (slurp(p, b, sizeof b) > 0)
                    say("%s=%.*s\n", f[k], (int)strcspn(b, "\n"), b);
            }
        }
    for (int i = 0; i < n; i++) {
        const char *f[] = { "topology/physical_package_id",
                            "topology/die_id",
                            "topology/core_id",
                            "topology/thread_siblings_list",
                            "topology/cluster_cpus_list",
                            "topology/die_cpus_list",
                            "topology/package_cpus_list",
                            "cache/index0/shared_cpu_list",
                            "cache/index2/shared_cpu_list",
                            "cache/index3/shared_cpu_list" };
        for (int k = 0; k < 10; k++) {
            snprintf(p, sizeof p, "/sys/devices/system/cpu/cpu%d/%s", i, f[k]);
            if (slurp(p, b, sizeof b) > 0)
                say("@cpu %d %s %.*s\n", i, f[k], (int)strcspn(b, "\n"), b);
        }
    }
    static char log[1 << 20];
    int got = syscall(SYS_syslog, 3, log, sizeof log);
    say("@log %d\n", got);
    if (got > 0)
        out(log, got);
}
int
main(void)
{
    char b[64];
    mkdir("/proc", 0755), mkdir("/sys", 0755), mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, 0);
    mount("sys", "/sys", "sysfs", 0, 0);
    mount("dev", "/dev", "devtmpfs", 0, 0);
    mount("dbg", "/sys/kernel/debug", "debugfs", 0, 0);
    mount("trc", "/sys/kernel/tracing", "tracefs", 0, 0);
    if (iopl(3))
        return 1;
    cmdline[0] = ' ';
    slurp("/proc/cmdline", cmdline + 1, sizeof cmdline - 1);
    say("@begin 1\n");
    machine_facts();
    if (strstr(cmdline, " oracle=topo")) {
        domains();
        say("@end 0\n");
        reboot(RB_POWER_OFF);
    }
    opt("mode", "hog", mode, sizeof mode), opt("region", "none", region, sizeof region),
        opt("init", "node0", initw, sizeof initw);
    opt("policy", "", policy, sizeof policy), opt("start", "default", start, sizeof start),
        opt("aff", "free", aff, sizeof aff);
    opt("nice", "", nice_s, sizeof nice_s), opt("cgw", "", cgw, sizeof cgw),
        opt("cgn", "", cgn, sizeof cgn);
    nproc = num("nproc", 1), thr = num("thr", ncpu), total = nproc * thr;
    dur = num("dur", 4000), ivl = num("ivl", 1000), prespin = num("prespin", 0),
    nowait = num("nowait", 0), nb = num("nb", 1);
    run_us = num("run", 1000), sleep_us = num("sleep", 1000), work_n = num("work", 200),
    kb = num("kb", 8192), npages = kb / 4;
    nonuma = !num("numa", 1);
    put("/sys/kernel/mm/transparent_hugepage/enabled", num("thp", 0) ? "always" : "never");
    put("/sys/kernel/mm/transparent_hugepage/khugepaged/defrag", "0");
    put("/proc/sys/kernel/sched_schedstats", "0");
    sh = mmap(0, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    buf = mmap(0, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (cgw[0])
        make_groups();
    trace_setup();
    opt("name", "x", b, sizeof b);
    for (int r = 0, n = num("reps", 3), s = num("seed", 1); r < n; r++)
        one_rep(r, s + 1000 * r);
    static char log[1 << 18];
    say("@dmesg 0\n");
    int got = syscall(SYS_syslog, 3, log, sizeof log);
    for (char *l = strtok(got > 0 ? log : "", "\n"); l; l = strtok(0, "\n"))
        if (l[0] == '<' && l[1] <= '4')
            say("%s\n", l);
    say("@end 0\n");
    reboot(RB_POWER_OFF);
    return 0;
}
