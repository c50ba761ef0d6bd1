/* Threads and what they do: touch, hog, duty, pipe; cgroups of their processes. */
#define _GNU_SOURCE
#include "guest.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MESSAGE 100 /* bytes that pipes carry at a time */

struct arg {
    int idx, k; /* number among all threads, among those of its process */
    char *region;
};
static int pipes[MAXT][2];
int forked[2];

void __attribute__((noinline)) spin(long n)
{
    __asm__ volatile("1: dec %0; jnz 1b" : "+r"(n));
}

int
start_cpu(int i)
{
    if (!strncmp(o.start, "cpu", 3))
        return atoi(o.start + 3);
    if (!strncmp(o.start, "node", 4)) {
        int n = atoi(o.start + 4);
        return machine.node_cpus[n][i % machine.node_n[n]];
    }
    int n = machine.cpunode[i % machine.ncn];
    return machine.node_cpus[n][i / machine.ncn % machine.node_n[n]];
}

/* Round and round in its slice, or in the region from its part of it on. */
static void
run_touch(struct arg *a)
{
    long pages = o.npages, at = 0, first = 0;
    if (!strcmp(o.region, "slice"))
        pages = o.npages / o.thr, first = pages * a->k;
    else if (!strcmp(o.region, "shared"))
        at = o.npages / o.thr * a->k;
    char *q = a->region + first * PAGE;
    for (;;) {
        (*(volatile uint64_t *)(q + at * PAGE + (a->k & 63) * 8))++;
        spin(o.work_n);
        sh->work[a->idx]++;
        if (++at == pages)
            at = 0;
    }
}

static void
run_duty(int i)
{
    for (;;) {
        spin(o.run_us * 125l / 2);
        sh->work[i]++;
        usleep(o.sleep_us);
    }
}

/* Even threads write, odd ones read. */
static void
run_pipe(int i)
{
    char m[MESSAGE] = { 0 };
    for (;;) {
        if (i & 1) {
            if (read(pipes[i / 2][0], m, MESSAGE) != MESSAGE)
                break;
        } else {
            spin(5000);
            if (write(pipes[i / 2][1], m, MESSAGE) != MESSAGE)
                break;
        }
        sh->work[i]++;
    }
}

static void
run_body(struct arg *a)
{
    if (!strcmp(o.mode, "touch"))
        run_touch(a);
    if (!strcmp(o.mode, "duty"))
        run_duty(a->idx);
    if (!strcmp(o.mode, "pipe"))
        run_pipe(a->idx);
    for (;;) {
        spin(2000);
        sh->work[a->idx]++;
    }
}

static void
set_affinity(int i)
{
    int n = machine.cpunode[i % machine.ncn];
    if (!strcmp(o.aff, "free"))
        pin_all();
    else if (!strcmp(o.aff, "node"))
        pin(machine.node_cpus[n], machine.node_n[n]);
    else if (!strncmp(o.aff, "cpu", 3))
        pin1(atoi(o.aff + 3));
}

/* Begins where it should, has its region, waits for t=0, and is let go. */
static void
prepare(struct arg *a)
{
    int i = a->idx;
    if (o.nice[0])
        setpriority(PRIO_PROCESS, sh->tid[i], nth(o.nice, i));
    pin1(start_cpu(i));
    if (!strcmp(o.region, "priv")) {
        a->region = region_alloc(o.npages);
        sh->base[i] = (uintptr_t)a->region;
        region_init(a->region, o.npages, i);
        pin1(start_cpu(i));
    }
    __atomic_add_fetch(&sh->ready, 1, __ATOMIC_SEQ_CST);
    while (!sh->go)
        usleep(1000);
    if (o.prespin)
        while (now() - sh->t0 < o.prespin * 1000000ll)
            spin(500);
    set_affinity(i);
}

static void *
worker(void *p)
{
    struct arg *a = p;
    sh->tid[a->idx] = syscall(SYS_gettid);
    sh->pid[a->idx] = getpid();
    if (!o.nowait)
        prepare(a);
    __atomic_add_fetch(&sh->begun, 1, __ATOMIC_SEQ_CST);
    run_body(a);
    return 0;
}

static void
join_group(int proc)
{
    int g = 0, sum = nth(o.cgn, 0);
    char p[64];
    while (proc >= sum)
        sum += nth(o.cgn, ++g);
    snprintf(p, sizeof p, "/cg/g%d/cgroup.procs", g);
    put(p, "0");
}

static void
start_threads(int proc, char *region)
{
    static struct arg args[MAXT];
    for (int k = 0; k < o.thr; k++) {
        pthread_t t;
        args[k] = (struct arg){ proc * o.thr + k, k, region };
        if (pthread_create(&t, 0, worker, &args[k]))
            say("W pthread_create\n");
    }
}

void
process(int proc)
{
    char *region = 0;
    prctl(PR_SET_NAME, "ow");
    if (o.cgw[0])
        join_group(proc);
    if (!strcmp(o.region, "shared") || !strcmp(o.region, "slice")) {
        region = region_alloc(o.npages);
        sh->base[proc] = (uintptr_t)region;
        region_init(region, o.npages, proc * o.thr);
        pin_all();
    }
    if (!strcmp(o.mode, "pipe"))
        for (int k = 0; k < o.thr / 2; k++)
            if (pipe(pipes[k]))
                complain("pipe", "");
    start_threads(proc, region);
    if (o.nowait && write(forked[1], "x", 1) != 1)
        complain("forked", "");
    for (;;)
        pause();
}

void
groups_make(void)
{
    mkdir("/cg", 0755);
    if (mount("cg", "/cg", "cgroup2", 0, 0))
        complain("mount", "cgroup2");
    put("/cg/cgroup.subtree_control", "+cpu");
    int n = 1;
    for (char *c = o.cgw; *c; c++)
        n += *c == ',';
    for (int g = 0; g < n; g++) {
        char p[64], v[16];
        snprintf(p, sizeof p, "/cg/g%d", g);
        mkdir(p, 0755);
        snprintf(p, sizeof p, "/cg/g%d/cpu.weight", g);
        snprintf(v, sizeof v, "%d", nth(o.cgw, g));
        put(p, v);
    }
}
