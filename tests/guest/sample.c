/* The sampler, and trace events. */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Raw text of the samples of one repetition; `wanted` lines of it go out when the repetition is
 * over. */
#define CAPACITY (48ul << 20)
#define FILE_MAX (1 << 19)
static char *buf;
static size_t len;

void
sample_setup(void)
{
    buf = mmap(0, CAPACITY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buf == MAP_FAILED)
        complain("mmap", "samples");
}

/* A file, unless there is no room. */
static void
cat(const char *tag, int i, const char *path)
{
    if (CAPACITY - len < 2 * FILE_MAX)
        return;
    len += sprintf(buf + len, "@%s %d\n", tag, i);
    int n = slurp(path, buf + len, FILE_MAX);
    if (n > 0)
        len += n;
    buf[len++] = '\n';
}

static void
sample_thread(int i)
{
    static const struct {
        const char *tag, *file;
    } files[] = { { "ss", "schedstat" }, { "stat", "stat" }, { "sched", "sched" } };
    char p[96];
    for (int k = 0; k < (o.sampled ? 3 : 2); k++) {
        snprintf(p, sizeof p, "/proc/%d/task/%d/%s", sh->pid[i], sh->tid[i], files[k].file);
        cat(files[k].tag, i, p);
    }
}

void
sample(void)
{
    char p[96];
    len += sprintf(buf + len, "@T %lld\n", (long long)(now() - sh->t0));
    if (o.sampled) {
        cat("vmstat", 0, "/proc/vmstat");
        for (int i = 0; i < o.nproc; i++) {
            snprintf(p, sizeof p, "/proc/%d/numa_maps", sh->pid[i * o.thr]);
            cat("maps", i, p);
        }
    }
    for (int i = 0; i < o.total; i++)
        sample_thread(i);
    len += sprintf(buf + len, "@work 0\n");
    for (int i = 0; i < o.total; i++)
        len += sprintf(buf + len, "%llu ", (unsigned long long)sh->work[i]);
    buf[len++] = '\n';
}

static int
starts(const char *line, const char *with)
{
    return !strncmp(line, with, strlen(with));
}

static int
is_region(unsigned long address)
{
    for (int i = 0; i < MAXT; i++)
        if (address && sh->base[i] == address)
            return 1;
    return 0;
}

static int
wanted(const char *tag, const char *l)
{
    if (!strcmp(tag, "vmstat"))
        return starts(l, "numa_") || starts(l, "pgmigrate") || starts(l, "pgfault");
    if (!strcmp(tag, "sched"))
        return strstr(l, "numa") || starts(l, "nr_migrations");
    return strcmp(tag, "maps") || is_region(strtoul(l, 0, 16));
}

void
sample_flush(void)
{
    char tag[32] = "";
    buf[len] = 0;
    for (char *l = buf, *e; l < buf + len && (e = strchr(l, '\n')); l = e + 1) {
        *e = 0;
        if (*l == '@')
            sscanf(l + 1, "%31s", tag);
        if (*l == '@' || (*l && wanted(tag, l)))
            say("%s\n", l);
    }
    len = 0;
}

void
trace_on(int on)
{
    put(TRACING "tracing_on", on ? "1" : "0");
}

void
trace_clear(void)
{
    put(TRACING "trace", "");
}

static void
event_on(const char *event)
{
    char p[128];
    snprintf(p, sizeof p, TRACING "events/%s/enable", event);
    put(p, "1");
}

/* o.probes: definitions of kprobes, divided by ';', with '~' for blanks. */
static void
probes_setup(void)
{
    char k[1024];
    opt("probes", "", k, sizeof k);
    for (char *s = strtok(k, ";"); s; s = strtok(0, ";")) {
        for (char *c = s; *c; c++)
            if (*c == '~')
                *c = ' ';
        int f = open(TRACING "kprobe_events", O_WRONLY | O_APPEND);
        if (f < 0 || write(f, s, strlen(s)) < 0)
            complain("kprobe", s);
        if (f >= 0)
            close(f);
    }
    if (k[0])
        event_on("kprobes");
}

void
trace_setup(void)
{
    put(TRACING "trace_clock", "mono");
    put(TRACING "buffer_size_kb", "4096");
    put(TRACING "events/sched/sched_migrate_task/filter", "comm ~ \"ow*\"");
    put(TRACING "events/sched/sched_wakeup_new/filter", "comm ~ \"ow*\"");
    event_on("sched/sched_migrate_task");
    event_on("sched/sched_wakeup_new");
    event_on("sched/sched_move_numa");
    event_on("sched/sched_swap_numa");
    event_on("sched/sched_stick_numa");
    if (num("switches", 0)) {
        event_on("sched/sched_switch");
        event_on("sched/sched_wakeup");
    }
    if (num("skips", 0))
        event_on("sched/sched_skip_vma_numa");
    probes_setup();
}

/* Whole lines at a time. */
void
trace_dump(void)
{
    static char b[65536];
    int f = open(TRACING "trace", O_RDONLY), n, have = 0;
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
