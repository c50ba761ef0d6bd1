/*
 * Workloads: what tasks do next.
 *
 * struct workload describes one: processes, their threads and regions, the program of each thread,
 * and where requests come from. It is plain data, the same for every machine and seed; numbers that
 * depend on the machine are expressions. workload_build() turns it into the kernel's processes,
 * regions and tasks; from then on the interpreter answers task_ops.next().
 *
 * A program is a flat array of steps; loops are jumps. Names are indices into the arrays below.
 */
#pragma once

#include "kernel/kernel.h"
#include "kernel/madvise.h"
#include "kernel/mm.h"
#include "workload/expr.h"

enum {
    WORKLOAD_TASKS_MAX = 1000000,
    WORKLOAD_LOOPS_MAX = 12, /* nested in each other */
    WORKLOAD_USES_MAX = 4,   /* regions that one step works on */
    WORKLOAD_REUSE_MAX = 16, /* points of a table of misses */
    WORKLOAD_NICE_MAX = 64,  /* values that are dealt to the threads of a group */
};

/* ---- random durations, and random sizes ---- */

enum wdist_kind {
    WDIST_CONSTANT,
    WDIST_UNIFORM,
    WDIST_EXPONENTIAL,
    WDIST_NORMAL,
    WDIST_LOGNORMAL,
    WDIST_PARETO,
    WDIST_GENERALIZED_PARETO,
    WDIST_GENERALIZED_EXTREME_VALUE,
    WDIST_NR
};
extern const char *const wdist_names[WDIST_NR + 1];

struct wdist {
    const char *name; /* NULL: written where it is used */
    enum wdist_kind kind;
    bool is_size;       /* of bytes, else of ns */
    struct wexpr a;     /* constant; min; mean; median; location */
    struct wexpr b;     /* uniform: max; normal: standard deviation; pareto: largest (or none);
                         * generalized: scale */
    uint32_t shape_ppm; /* lognormal: sigma or cv; pareto: alpha; generalized: shape, may be 0 */
    bool has_median;    /* lognormal: median and sigma, else mean and cv */
};

/* ---- memory ---- */

/* A mempolicy as written: node numbers are the machine's own. */
/* Where something stands in the file, for messages. */
struct wplace {
    unsigned line, column; /* 0: not known */
    const char *path;      /* as in processes[0].threads[1] */
};

struct wpolicy {
    struct wplace at;
    enum mempolicy_mode mode;
    bool all_nodes;   /* of the machine, with memory */
    bool random_node; /* one node, drawn once a run, the same for everybody */
    uint32_t nr_nodes;
    const uint32_t *nodes;   /* OS numbers */
    const uint32_t *weights; /* weighted_interleave: one a node; NULL: the machine's */
    bool numa_balancing, static_nodes, relative_nodes, has_home;
    uint32_t home; /* bind, preferred_many: an OS number */
};

/* How a mapping may be used (mmap(), mprotect()). */
enum waccess { WACCESS_READ_WRITE, WACCESS_READ, WACCESS_READ_EXEC, WACCESS_NONE };
/* What a region is of: memory of its own, or a file, mapped or read and written by calls. */
enum wfile { WFILE_NONE, WFILE_SHARED, WFILE_PRIVATE, WFILE_UNMAPPED };

struct wregion {
    const char *name;
    struct wplace at;
    int32_t process; /* -1: global, built in the first process */
    int32_t group;   /* -1: shared by the process; else one for each thread of the group */
    struct wexpr size;
    uint32_t page_size;
    int32_t slices_of;   /* -1, or the group whose threads own a slice each */
    struct wexpr slices; /* or any number of slices */
    struct wpolicy policy;
    bool populated; /* before the run, by `initial` */
    struct wpolicy initial;
    enum thp_advice advice; /* `madvise` */
    bool advised;           /* some step asks for huge pages in it */
    enum waccess access;
    enum wfile file;
};

enum wslice {
    WSLICE_WHOLE,
    WSLICE_OWN,
    WSLICE_NEIGHBOURS, /* own, and a share of the accesses in those of the threads beside */
    WSLICE_NUMBER
};

struct wuse {
    uint32_t region;
    enum wslice slice;
    uint32_t share_ppm; /* NEIGHBOURS */
    struct wexpr number;
    uint32_t weight;
    enum access_pattern pattern;
    struct access_shape shape;
    uint32_t shared_ppm; /* of its accesses, to lines that other cores have written */
};

/* What of its memory a step uses again before a cache has lost it. */
enum wreuse_kind { WREUSE_NONE, WREUSE_UNIFORM, WREUSE_TABLE };
struct wreuse_point {
    uint64_t bytes;
    uint32_t miss_ppm;
};
struct wreuse {
    enum wreuse_kind kind;
    struct wexpr working_set; /* bytes; not given: all that the uses have */
    uint32_t miss_min_ppm;
    uint32_t nr_points; /* TABLE: bytes ascend, misses do not */
    const struct wreuse_point *points;
};

/* How a compute or stream step uses memory. */
struct wmem {
    uint32_t nr_uses;
    struct wuse uses[WORKLOAD_USES_MAX];
    uint32_t mpki_ppm; /* compute: misses in 1000 instructions, in millionths; with `reuse`
                          references to the last-level cache */
    struct wreuse reuse;
    uint32_t write_ppm, mlp_ppm;
    uint32_t line_ps; /* stream: CPU time for one line */
};

/* ---- cgroups ---- */

/* A mask as written: numbers are the machine's own. */
struct waffinity {
    struct wplace at;
    enum { WAFFINITY_ALL, WAFFINITY_CPUS, WAFFINITY_NODES } kind;
    const struct cpumask *set; /* CPU numbers, or OS numbers of nodes */
};

/* CPUs go offline or come online. */
struct whotplug {
    sim_time at;
    struct waffinity cpus;
    bool online;
};

/* A group of the tree; parents stand before their children. */
struct wcgroup {
    const char *name; /* path below the root, "web/db" */
    struct wplace at;
    int32_t parent;  /* -1: the root */
    uint32_t weight; /* cpu.weight, unless: */
    bool by_nice, idle;
    int32_t nice;                      /* cpu.weight.nice */
    struct wexpr quota, period, burst; /* ns; no quota: no limit; no period: 100 ms */
    struct waffinity cpus;             /* cpuset.cpus */
    struct wpolicy mems;               /* cpuset.mems: its nodes */
};

/* ---- what threads meet at ---- */

enum wobject_kind {
    WOBJECT_LOCK,
    WOBJECT_BARRIER,
    WOBJECT_CONDITION,
    WOBJECT_SEMAPHORE,
    WOBJECT_CHANNEL,
    WOBJECT_QUEUE, /* of requests, fed by arrivals */
    WOBJECT_TIMER, /* whose releases several threads share */
    WOBJECT_NR
};
extern const char *const wobject_names[WOBJECT_NR + 1];

enum warrival_kind {
    WARRIVAL_POISSON,
    WARRIVAL_DETERMINISTIC,
    WARRIVAL_MMPP,
    WARRIVAL_TIMES,
    WARRIVAL_CLOSED,
    WARRIVAL_RENEWAL, /* `interval_dist` apart */
    WARRIVAL_STAIRS,  /* Poisson, at a rate that changes in steps of equal length */
    WARRIVAL_NONE,    /* other threads call */
    WARRIVAL_NR
};
extern const char *const warrival_names[WARRIVAL_NR + 1];

enum { WARRIVAL_STATES_MAX = 8, WARRIVAL_STEPS_MAX = 200 };

struct warrival {
    enum warrival_kind kind;
    struct wexpr interval; /* ns between arrivals (mean), or: */
    struct wexpr rate;     /* arrivals a second */
    struct wexpr count;    /* requests in all; not given: endless */
    struct wexpr start;    /* ns */
    struct wexpr clients;  /* closed */
    uint32_t think;        /* closed: distribution */
    uint32_t nr_states;    /* mmpp: visited in turn */
    struct wexpr state_rate[WARRIVAL_STATES_MAX], state_time[WARRIVAL_STATES_MAX];
    uint32_t nr_times; /* times */
    const sim_time *times;
    uint32_t interval_dist;                /* renewal */
    struct wexpr first, last, steps, time; /* stairs: arrivals a second; how many; ns of each */
};

struct wobject {
    const char *name;
    struct wplace at;
    enum wobject_kind kind;
    int32_t process;    /* -1: one for the whole workload; else one for each copy */
    struct wexpr count; /* an array of them */
    struct wexpr size;  /* barrier: threads; semaphore: value; channel: bytes; queue: requests */
    int32_t lock;       /* condition: the lock that wait releases */
    struct warrival arrivals; /* queue */
};

/* ---- devices ---- */

/* A name that steps use: the machine's device of that name, else all of its devices of a kind, else
 * those that the workload brings. */
struct wdevice {
    const char *name;
    unsigned line;              /* where it was first used, or declared */
    bool declared;              /* under `devices`; else it is the machine's, by name or kind */
    struct machine_device spec; /* declared */
    struct wexpr count, node;   /* declared: how many; OS number (not given: nodes in turn) */
};

/* What a step wants of a device. */
struct wio {
    uint32_t device;
    struct wexpr index; /* of several; not given: the thread's number */
    struct wexpr queue; /* not given: that of the CPU */
    struct wexpr bytes_in, bytes_out;
    int32_t time, cost;        /* distributions; -1: the device's latency; cost.io_completion */
    bool offload;              /* `time` is work, done at the device's speed */
    bool wait;                 /* for its end */
    int32_t done;              /* a semaphore that goes up then, or -1 */
    const struct wuse *memory; /* NULL: that of the last step that used some */
};

/* ---- programs ---- */

enum wait_mode { WAIT_BLOCK, WAIT_SPIN, WAIT_SPIN_THEN_BLOCK, WAIT_NR };

enum wstep_kind {
    WSTEP_COMPUTE, /* `dist` ns, or `amount` instructions */
    WSTEP_STREAM,  /* `amount` or `dist` bytes, or all of every use */
    WSTEP_SLEEP,   /* `dist` from now */
    WSTEP_IO,      /* the same as I/O wait, or what `io` says */
    WSTEP_OFFLOAD, /* what `io` says */
    WSTEP_AWAIT,   /* until no operation of the thread's is under way */
    WSTEP_TIMER,   /* until `dist` after the last release; object: of a shared timer */
    WSTEP_BARRIER,
    WSTEP_LOCK,
    WSTEP_UNLOCK,
    WSTEP_WAIT, /* on a condition; the loader adds the LOCK behind it */
    WSTEP_SIGNAL,
    WSTEP_BROADCAST,
    WSTEP_DOWN,
    WSTEP_UP,
    WSTEP_SEND, /* `amount` bytes; the CPU time is a COMPUTE before it */
    WSTEP_RECEIVE,
    WSTEP_FORK, /* `group`, `amount` threads of it or all */
    WSTEP_JOIN, /* until no thread of `group` is alive */
    WSTEP_EXIT,
    WSTEP_YIELD,
    WSTEP_EXEC,          /* exec(): the CPU is chosen anew */
    WSTEP_REQUEST_BEGIN, /* object: the next request of a queue; -1: one that begins now */
    WSTEP_REQUEST_END,   /* `amount` units of work; `tag`: also counted by that name */
    WSTEP_CALL,          /* object: a queue that gets `amount` requests; `reply` */
    WSTEP_REPLIES,       /* until all calls are answered */
    WSTEP_CHOOSE,        /* goes on at one of `choices` */
    WSTEP_JUMP,          /* goes on at `jump` */
    WSTEP_LOOP,          /* `amount` rounds; not given: forever; `jump`: its END_LOOP */
    WSTEP_END_LOOP,
    WSTEP_PERIOD, /* a loop with a release every `dist` */
    WSTEP_END_PERIOD,
    WSTEP_SET_MEMPOLICY,
    WSTEP_FORCE_NODE,   /* new pages on the run's random node, */
    WSTEP_UNFORCE_NODE, /* until here */
    WSTEP_MBIND,
    WSTEP_MOVE_PAGES,
    WSTEP_MIGRATE_PAGES,
    WSTEP_SET_MEMS,
    WSTEP_UNMAP,
    WSTEP_MADVISE,
    WSTEP_MPROTECT,
    WSTEP_SET_AFFINITY,
    WSTEP_SET_NICE,
    WSTEP_SET_CLASS,
    WSTEP_HINT,
    WSTEP_WORK, /* `amount` units are done */
    WSTEP_NR
};
extern const char *const wstep_names[WSTEP_NR + 1];

struct whint {
    const char *name, *value;
};

/* A scheduling class and what it takes; a nice level stands apart. */
struct wclass {
    enum task_policy policy;
    uint64_t slice_ns; /* requested; 0: none */
    uint32_t rt_priority;
    uint64_t dl_runtime, dl_deadline, dl_period;
};

enum wmiss { WMISS_CONTINUE, WMISS_SKIP, WMISS_NR };

/* What the caller does about the answer: waits, waits at a REPLIES, wants none. */
enum wreply { WREPLY_NOW, WREPLY_LATER, WREPLY_NONE, WREPLY_NR };

enum { WCHOICE_MAX = 32 };
struct wchoice {
    struct wexpr weight;
    uint32_t jump;
};

struct wstep {
    enum wstep_kind kind;
    unsigned line; /* in the file, for messages; 0: none */
    int32_t object, group, region;
    int32_t dist; /* -1: none */
    uint32_t jump;
    struct wexpr index; /* of an array of objects */
    struct wexpr amount;
    enum wait_mode wait;
    uint64_t spin_ns;
    const struct wmem *mem;
    const struct wio *io;
    const struct wpolicy *policy; /* or the nodes that pages go to */
    const struct wpolicy *from;   /* MIGRATE_PAGES */
    const struct wuse *range;     /* MBIND, MOVE_PAGES, MADVISE, MPROTECT */
    enum madvise_advice advice;   /* MADVISE */
    enum waccess access;          /* MPROTECT */
    bool move, all, strict;
    int32_t cgroup; /* SET_MEMS */
    const struct waffinity *affinity;
    int32_t nice;
    const struct wclass *class; /* SET_CLASS */
    bool pi;                    /* LOCK: its holder inherits priorities */
    struct wexpr deadline;      /* PERIOD: after the release; not given: the period */
    enum wmiss on_miss;
    bool relative;   /* PERIOD, TIMER: when late, the next release counts from now */
    bool from_start; /* TIMER: the first release counts from the thread's start */
    struct whint hint;
    const char *tag;     /* REQUEST_END; NULL: none */
    enum wreply reply;   /* CALL */
    uint32_t nr_choices; /* CHOOSE */
    struct wchoice *choices;
};

struct wgroup {
    const char *name, *tag;
    struct wplace at;
    uint32_t process;
    int32_t cgroup; /* -1: the root */
    struct wexpr count;
    uint32_t nr_nice;
    const int32_t *nice; /* dealt to the threads in turn */
    struct wclass class;
    struct waffinity affinity;
    struct wpolicy mempolicy;
    bool by_fork;    /* started by a fork step, not at `start` */
    bool background; /* the run does not wait for its end */
    bool deferrable; /* its sleeps do not wake an idle CPU */
    struct wexpr start, stagger;
    uint32_t nr_hints;
    const struct whint *hints;
    uint32_t nr_steps;
    const struct wstep *steps;
};

/* How the workload binds itself (autonumabench's variants); see workloads/README.md. */
enum wbind { WBIND_NONE, WBIND_HARD, WBIND_INVERSE, WBIND_NR };
extern const char *const wbind_names[WBIND_NR + 1];

struct wprocess {
    const char *name, *tag;
    struct wplace at;
    struct wexpr count;
    int32_t cgroup; /* of groups that name none; -1: the root */
    enum wbind bind;
    uint32_t first_group, nr_groups;
};

struct replay;

struct wparam {
    const char *name, *type, *doc;
    const char *def, *value; /* as text */
    const char *words;       /* of a choice: "hard, none"; else NULL */
};

struct workload {
    struct arena *arena;
    const char *name, *doc, *file;
    uint32_t nr_params;
    struct wparam *params;
    uint32_t instruction_ps; /* one instruction of the reference core */
    sim_time duration;       /* how long it is meant to run; 0: not given */
    uint32_t nr_hotplug;
    struct whotplug *hotplug; /* in the order of the file */
    uint32_t nr_dists, nr_cgroups, nr_processes, nr_groups, nr_regions, nr_objects, nr_devices;
    struct wdevice *devices;
    struct wdist *dists;
    struct wcgroup *cgroups;
    struct wprocess *processes;
    struct wgroup *groups;
    struct wregion *regions;
    struct wobject *objects;
    const char *source;          /* YAML that loads to the same workload: resolved.yaml */
    const struct replay *replay; /* a recording, and nothing of the above; NULL: a program */
    const char *trace_file;      /* where it was read */
};

/* ---- one run of it ---- */

struct workload_run;

/* What the workload needs on this machine. NULL, or all reasons why it cannot run there, a line
 * each, in w's arena. Nothing
 * large is allocated: a workload of 10^9 threads is refused here. */
const char *workload_limits(const struct workload *w, const struct machine *m,
                            struct kernel_limits *out);

/* Creates processes, address spaces, regions and tasks, and starts nothing. The kernel must have
 * been made with workload_limits(). NULL with *why in the kernel's arena. */
struct workload_run *workload_build(struct kernel *k, const struct workload *w, const char **why);

/* Starts tasks and arrivals; call it after placement has bound what it binds. */
void workload_start(struct workload_run *r);

/* Whether it never ends by itself, so that a run needs a limit. */
bool workload_endless(const struct workload *w);

/* The last task that is not in the background has ended. */
bool workload_done(const struct workload_run *r);

/* What the user should hear after the run (requests that found the queue full), or NULL. */
const char *workload_remark(const struct workload_run *r);

/* The group of sched.autogroup for the session that a process leads (cgroups.c). */
struct task_group *build_autogroup(struct kernel *k, uint32_t number);

/* The value of a hint that is in force for a task of the workload, or NULL. */
const char *workload_hint(const struct task *p, const char *name);
