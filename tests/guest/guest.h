/* Init of the guest that records: its parts, and what they share.
 *
 *     main.c     mounts, options, repetitions: one workload run `reps` times
 *     base.c     output, files, options, affinity
 *     machine.c  what machine it is, and what the kernel built of it
 *     memory.c   regions: how they are mapped, and who touches them first
 *     work.c     threads and what they do: touch, hog, duty, pipe; cgroups
 *     sample.c   the sampler, and trace events
 *
 * All output goes to QEMU's debug port 0x402, as lines of text that record.py reads. Options come
 * from the kernel's command line as ` o.KEY=VALUE`.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>

#define MAXT 128 /* threads of all processes */
#define MAXN 64  /* nodes, and CPUs of a node */
#define MAXC 512 /* CPUs */
#define PAGE 4096
#define SYSLOG_READ_ALL 3
#define TRACING "/sys/kernel/tracing/"

/* Memory that init and all workers share, set to zero before each repetition. */
struct shared {
    volatile int go;           /* set at t=0: workers that wait may begin */
    volatile int ready, begun; /* workers that wait; that do their work */
    volatile int64_t t0;       /* ns of CLOCK_MONOTONIC */
    volatile int tid[MAXT], pid[MAXT];
    volatile uintptr_t base[MAXT]; /* of the region of thread or process i; 0: none */
    char pad[0] __attribute__((aligned(PAGE)));
    volatile uint64_t work[MAXT]; /* rounds: on pages of their own, which nobody else writes to */
};

/* What /sys says of the machine. Nodes are numbered in the order of their ids. */
struct machine {
    int ncpu, nnode;
    int node_cpus[MAXN][MAXN], node_n[MAXN]; /* CPUs of a node, and how many */
    int cpu_node[MAXC];
    int cpunode[MAXN], ncn; /* nodes with CPUs, and how many */
};

/* The workload; the oracle's README has the table. Times in ms but for run_us, sleep_us. */
struct options {
    int thr, nproc, total; /* threads of a process, processes, threads of all */
    int dur, ivl, prespin, nowait;
    int nb;      /* NUMA balancing on from t=0 */
    int sampled; /* counters of NUMA balancing and pages are sampled */
    int run_us, sleep_us, work_n;
    long npages; /* of a region */
    char mode[16], region[16], init[16], policy[16], start[16], aff[16];
    char nice[256], cgw[256], cgn[256]; /* lists; empty: none */
};

extern struct shared *sh;
extern struct machine machine;
extern struct options o;
extern int forked[2]; /* pipe by which processes say that their threads are there (nowait) */

/* base.c: output */
void out(const char *s, size_t n);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void complain(const char *what, const char *which); /* a warning, with errno's text */
/* base.c: files. slurp: bytes read, ended by 0; -1 if there is no such file. */
void put(const char *path, const char *text);
int slurp(const char *path, char *b, int n);
/* base.c: options. list: the numbers of one such as 0-3,8, and how many; nth: element i,
 * cyclically, of a list of single numbers, 0 of an empty one. topology_only: is this boot for
 * domains only? */
void options_read(void);
const char *opt(const char *key, const char *def, char *to, int n);
long num(const char *key, long def);
int list(const char *s, int *to, int max);
int nth(const char *list, int i);
int topology_only(void);
/* base.c: affinity of the caller, and time */
void pin(const int *cpus, int n);
void pin1(int cpu);
void pin_all(void);
int64_t now(void);
/* machine.c: fills `machine`, and writes it out; writes domains, topology and log out */
void machine_read(void);
void domains_write(void);

/* memory.c */
char *region_alloc(long pages);
void region_init(char *region, long pages, int i); /* as thread i, whose affinity it changes */

/* work.c */
int start_cpu(int i); /* where thread i begins */
void spin(long n);    /* n turns of a loop, whatever the compiler makes of the rest */
void process(int proc) __attribute__((noreturn));
void groups_make(void);

/* sample.c */
void sample_setup(void);
void sample(void);       /* into a buffer, so that it takes little time */
void sample_flush(void); /* what was sampled goes out */
void trace_setup(void);
void trace_on(int on);
void trace_clear(void);
void trace_dump(void);

#endif
