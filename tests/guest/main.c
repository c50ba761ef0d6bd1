/* Mounts, options, repetitions: one workload is run `reps` times, and what was seen written out. */
#define _GNU_SOURCE
#include "guest.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared *sh;
struct options o;
static pid_t kids[MAXT];

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
balancing(int on)
{
    put("/proc/sys/kernel/numa_balancing", on ? "1" : "0");
}

/* So that repetitions differ. */
static void
some_time(void)
{
    usleep(100000 + rand() % 20000);
}

static void
quiet(int seed)
{
    memset(sh, 0, sizeof *sh);
    srand(seed);
    balancing(0);
    trace_on(0);
    trace_clear();
    pin_all();
    fifo(0);
}

/* nowait: t=0 is before the first fork. */
static void
begin_before_forks(void)
{
    if (forked[1] == 0 && pipe(forked))
        complain("pipe", "");
    some_time();
    balancing(o.nb);
    trace_on(1);
    sh->t0 = now();
}

static void
fork_all(void)
{
    for (int p = 0; p < o.nproc; p++) {
        kids[p] = fork();
        if (!kids[p])
            process(p);
    }
}

/* nowait: until all threads do their work. */
static void
wait_for_forks(void)
{
    char c;
    for (int p = 0; p < o.nproc; p++)
        if (read(forked[0], &c, 1) != 1)
            complain("forked", "");
    while (sh->begun < o.total)
        spin(500);
}

/* t=0 is when all threads wait, with their memory touched. */
static void
begin_when_ready(void)
{
    while (sh->ready < o.total)
        usleep(2000);
    some_time();
    trace_on(1);
    balancing(o.nb);
    sh->t0 = now();
    sh->go = 1;
}

static void
sample_all(void)
{
    sample();
    for (int k = 1; k * o.ivl <= o.dur; k++) {
        until(sh->t0 + (int64_t)k * o.ivl * 1000000);
        sample();
    }
    sample();
}

static void
kill_all(void)
{
    trace_on(0);
    for (int p = 0; p < o.nproc; p++)
        kill(kids[p], SIGKILL);
    for (int p = 0; p < o.nproc; p++)
        waitpid(kids[p], 0, 0);
}

static void
write_rep(int rep, int seed)
{
    say("@rep %d %d %lld\n", rep, seed, (long long)sh->t0);
    for (int i = 0; i < o.total; i++)
        say("@thread %d %d %d %d\n", i, sh->tid[i], sh->pid[i], i / o.thr);
    for (int i = 0; i < MAXT; i++)
        if (sh->base[i])
            say("@region %d %lx\n", i, (unsigned long)sh->base[i]);
    sample_flush();
    trace_dump();
}

static void
one_rep(int rep, int seed)
{
    quiet(seed);
    if (o.nowait)
        begin_before_forks();
    if (num("early", 0))
        trace_on(1);
    fork_all();
    pin1(machine.ncpu - 1);
    fifo(1);
    if (o.nowait)
        wait_for_forks();
    else
        begin_when_ready();
    sample_all();
    kill_all();
    write_rep(rep, seed);
}

static void
mount_all(void)
{
    mkdir("/proc", 0755), mkdir("/sys", 0755), mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, 0);
    mount("sys", "/sys", "sysfs", 0, 0);
    mount("dev", "/dev", "devtmpfs", 0, 0);
    mount("dbg", "/sys/kernel/debug", "debugfs", 0, 0);
    mount("trc", "/sys/kernel/tracing", "tracefs", 0, 0);
}

static void
set_options(void)
{
    opt("mode", "hog", o.mode, sizeof o.mode);
    opt("region", "none", o.region, sizeof o.region);
    opt("init", "node0", o.init, sizeof o.init);
    opt("policy", "", o.policy, sizeof o.policy);
    opt("start", "default", o.start, sizeof o.start);
    opt("aff", "free", o.aff, sizeof o.aff);
    opt("nice", "", o.nice, sizeof o.nice);
    opt("cgw", "", o.cgw, sizeof o.cgw);
    opt("cgn", "", o.cgn, sizeof o.cgn);
    o.nproc = num("nproc", 1), o.thr = num("thr", machine.ncpu), o.total = o.nproc * o.thr;
    o.dur = num("dur", 4000), o.ivl = num("ivl", 1000);
    o.prespin = num("prespin", 0), o.nowait = num("nowait", 0), o.nb = num("nb", 1);
    o.run_us = num("run", 1000), o.sleep_us = num("sleep", 1000), o.work_n = num("work", 200);
    o.npages = num("kb", 8192) * 1024 / PAGE;
    o.sampled = num("numa", 1) || !strcmp(o.mode, "touch");
}

static void
set_up(void)
{
    put("/sys/kernel/mm/transparent_hugepage/enabled", num("thp", 0) ? "always" : "never");
    put("/sys/kernel/mm/transparent_hugepage/khugepaged/defrag", "0");
    put("/proc/sys/kernel/sched_schedstats", "0");
    sh = mmap(0, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sample_setup();
    if (o.cgw[0])
        groups_make();
    trace_setup();
}

/* Of the kernel's log, warnings and worse. */
static void
write_warnings(void)
{
    static char log[1 << 18];
    say("@dmesg 0\n");
    int got = syscall(SYS_syslog, SYSLOG_READ_ALL, log, sizeof log - 1);
    for (char *l = strtok(got > 0 ? log : "", "\n"); l; l = strtok(0, "\n"))
        if (l[0] == '<' && l[1] <= '4')
            say("%s\n", l);
}

int
main(void)
{
    mount_all();
    if (iopl(3))
        return 1;
    options_read();
    say("@begin 1\n");
    machine_read();
    if (topology_only()) {
        domains_write();
    } else {
        set_options();
        set_up();
        for (int r = 0, n = num("reps", 3), s = num("seed", 1); r < n; r++)
            one_rep(r, s + 1000 * r);
        write_warnings();
    }
    say("@end 0\n");
    reboot(RB_POWER_OFF);
    return 0;
}
