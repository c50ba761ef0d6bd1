/*
 * A recorded schedule as a workload: what each task did, without when it got its CPU.
 *
 * A task's story is a short program of bytes: run so long, wake that one, wait for the n-th
 * wake-up, sleep, fork. How long it had to wait for a CPU is not part of it: that is what the
 * replay finds out. Numbers are written seven bits a byte, lowest first, so that a long recording
 * fits into memory; the story is read in place.
 */
#pragma once

#include "kernel/kernel.h"
#include "kernel/mm.h"

/*
 * What ends a wait.
 *   dependency  the wake-up by whoever gave it in the recording, when that task gets there again;
 *               wake-ups from outside (timers, interrupts) come after as long a sleep as recorded
 *   timing      every sleep is as long as recorded
 *   open        as dependency, but what comes from outside comes at the recorded instant
 */
enum replay_mode { REPLAY_DEPENDENCY, REPLAY_TIMING, REPLAY_OPEN, REPLAY_MODE_NR };
extern const char *const replay_mode_names[REPLAY_MODE_NR + 1];

enum replay_op {
    REPLAY_RUN,   /* ns of CPU time */
    REPLAY_WAKE,  /* task, number of that wake-up among the task's, pair (0: none), source */
    REPLAY_FORK,  /* task */
    REPLAY_WAIT,  /* number of the wake-up, ns that it took, ns since the start, relation, source,
                     number of the wake-up among those of its source */
    REPLAY_SLEEP, /* ns that it took, ns since the start at which it ended */
    REPLAY_NICE,  /* the new nice value + 20 */
    REPLAY_GO_ON, /* the recording ended while it wanted a CPU: ns of what it may have gone on for
                   */
    REPLAY_EXEC,  /* 0: it became another program */
    REPLAY_OP_NR,
};

/* Wake-ups that a waker may be ahead of whom it wakes. */
/* From the wake-up of its parent to the last switch of a dying task, ns, at most: the kernel has
 * little left to do there (exit_notify). */
enum { REPLAY_LAST_WORDS = 50 * 1000 };

enum { REPLAY_SLACK_MOST = 15, REPLAY_NO_LIMIT = 255 };

/* What happened on the CPUs, in order, for a replay with recorded placement. Each begins with the
 * time since the one before. Tasks are their index + 1; 0: idle. */
enum replay_event {
    REPLAY_SWITCH, /* CPU, letter of the previous task's state ('+': R+), next task in 4 bytes */
    REPLAY_WAKEUP, /* CPU of the waker, task, CPU where to; also starts a new task */
    REPLAY_MOVE,   /* task, CPU where to */
    REPLAY_EVENT_NR,
};

enum replay_start {
    REPLAY_START_AT,    /* at `start_at`, by nobody who was recorded */
    REPLAY_START_WOKEN, /* by the first wake-up: its story begins with a wait */
    REPLAY_START_FORKED,
    REPLAY_START_NEVER, /* it never ran */
};

/* How the bursts of some tasks use memory; a recording cannot say. */
struct replay_memory {
    const char *name, *doc;
    uint64_t private_bytes, shared_bytes; /* a task's own region; one of its process */
    uint32_t misses_per_us, mlp_q8, write_q8, shared_weight; /* of 100 */
    enum access_pattern pattern;
};
/* oltp, stream, chase...; ends with a NULL name. The first one is none. */
extern const struct replay_memory replay_memories[];

struct replay_task {
    const char *name;
    int32_t pid;
    int8_t nice;
    uint8_t rt_priority; /* 1 to 99; 0: a fair task */
    bool kthread;
    bool zombie;          /* it died as a process, and not as a thread of one */
    bool open;            /* the recording ended before it did */
    bool old;             /* there before the recording; then, of 1024 of its time: */
    uint16_t wanted, had; /* a CPU */
    int32_t cpu;          /* where it was first seen; -1: nowhere */
    int32_t bound;        /* its only CPU; -1: none */
    enum replay_start start;
    sim_time start_at;
    uint32_t nr_sources; /* of wake-ups, by name of the waker */
    uint32_t session;    /* of nr_sessions, which follow each other; kernel threads are in none */
    uint32_t process;
    uint32_t memory; /* in replay_memories */
    uint32_t code_len;
    const uint8_t *code;
};

struct replay {
    enum replay_mode mode;
    bool grouped;   /* the recorded kernel shared its CPUs out by sessions, as far as one sees */
    bool placement; /* the recorded CPUs and instants are kept */
    /* The run ends with the last story; else it is a window as long as the recording, in which
     * those who were not done at its end go on working. */
    bool drain;
    uint32_t nr_tasks, nr_processes, nr_sessions, nr_cpus;
    struct replay_task *tasks;
    const char **processes; /* names */
    int32_t *process_pids;  /* 0: not recorded */
    uint32_t nr_relations;  /* of wakers and woken: */
    const uint8_t *meant;   /* 0: by chance, an interrupt met the waker; from outside then */
    uint32_t nr_pairs;      /* of a waker and whom it wakes: */
    const uint8_t *slack;   /* wake-ups that it may be ahead, or REPLAY_NO_LIMIT */
    sim_time length;        /* of the recording */
    sim_time offset;        /* the clock of the recording at its first event */
    uint64_t script_len;
    const uint8_t *script; /* of replay_events; NULL without placement */
};

static inline uint64_t
replay_number(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;

    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

/* ---- one run of it: the replay's part of workload.h ---- */

struct replay_run;

const char *replay_limits(const struct replay *r, const struct machine *m, struct arena *a,
                          struct kernel_limits *out);
struct replay_run *replay_build(struct kernel *k, const struct replay *r);
void replay_start(struct replay_run *run);
bool replay_done(const struct replay_run *run);
/* What did not fit on the way, or NULL. */
const char *replay_remark(const struct replay_run *run);
