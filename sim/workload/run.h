/*
 * What a workload is while it runs: threads with their place in a program, and the objects that
 * they wait at. Built once; afterwards nothing is allocated.
 */
#pragma once

#include "kernel/caches.h"
#include "kernel/requests.h"
#include "workload/chance.h"
#include "workload/replay.h"
#include "workload/workload.h"

struct thread;
struct instance;

/* A lock, barrier, condition, semaphore, channel or queue. */
struct meeting {
    const struct wobject *spec;
    struct shared_word word; /* that its threads write */
    struct list waiters;     /* first come, first served */
    struct list senders;     /* channel: they wait for room */
    struct thread *owner;    /* lock */
    uint64_t value;          /* barrier: arrived; semaphore: value; channel: bytes inside;
                              * timer: the last release */
    uint64_t size;           /* barrier: of how many; channel: room; timer: 1 once it is set */
    struct meeting *lock;    /* condition */
    struct source *source;   /* queue */
    bool pi;                 /* lock: its holder inherits priorities */
    struct list held;        /* such a lock: in its holder's pi_held */
};

struct request {
    sim_time at;
    uint32_t client;           /* closed loop */
    struct thread *caller;     /* waits for the answer; NULL: nobody */
    struct request_kind *kind; /* the step of the load that it came in; NULL: none */
};

/* Where requests come from, and the queue that they wait in. */
struct source {
    struct event ev;
    struct workload_run *run;
    struct meeting *queue;
    const struct warrival *spec;
    struct rng rng, think;
    uint64_t left; /* arrivals still to come; UINT64_MAX: endless */
    uint64_t clock_ps, gap_ps;
    uint32_t state; /* mmpp */
    uint64_t state_until_ps, *state_gap_ps, *state_time_ps;
    uint32_t next_time; /* times */
    uint32_t nr_clients, nr_thinking;
    struct request_kind *kind; /* of all requests; and of steps, by number */
    struct request_kind **kinds;
    uint32_t nr_steps, step; /* stairs: the one that is on */
    uint64_t step_end_ps, step_ps, *step_gap_ps;
    struct request *thinking; /* closed: a heap of clients by the end of their thinking */
    struct request *ring;
    uint64_t capacity, first, nr;
    uint64_t nr_dropped;
};

/* The threads of one group in one copy of its process. */
struct crew {
    const struct wgroup *spec;
    struct instance *instance;
    struct thread *threads;
    uint32_t nr, nr_alive, next;
    struct list waiters;         /* forks that find no free thread, and joins */
    struct request_kind **kinds; /* by step: of its requests; NULL: it has none */
};

struct instance {
    const struct wprocess *spec;
    uint32_t number, nr_copies, first_index;
    struct task_group *autogroup; /* of threads that are in no cgroup; NULL: the root */
    struct process *process;
    struct region ***regions;  /* by region of the workload, by thread if private */
    struct meeting **meetings; /* by object of the workload: an array */
    uint64_t *nr_meetings;
    struct crew *crews; /* by place in its process */
};

/* What a step needs that depends on the machine; by step. */
struct step_aux {
    uint32_t burst;
    const struct cpumask *cpus;
    const struct mempolicy *policy;
};

struct burst {
    struct burst_profile profile;
    bool has_misses;
    uint64_t work;    /* stream: ns */
    uint32_t line_ps; /* stream: of one line */
};

struct level {
    uint64_t left, round; /* left: UINT64_MAX is forever */
    sim_time release;
};

enum { THREAD_HINTS_MAX = 4 };

struct thread {
    /* what every step looks at: one cache line, then the outer loops */
    struct task *task;
    struct crew *crew;
    struct workload_run *run;
    struct burst *bursts;
    struct rng rng;
    uint32_t pc, depth;
    uint32_t number, index; /* in its crew; in the workload */
    struct level levels[WORKLOAD_LOOPS_MAX];
    bool alive;
    /* waiting */
    bool queued, granted;
    bool retrying; /* for a lock: was woken, and keeps its place */
    enum { HOW_BLOCKED, HOW_SPINNING, HOW_POLLING } how;
    struct list node;
    uint64_t need, spin_left;
    struct list pi_held; /* locks that hand on priorities */
    struct meeting *pi_waits;
    uint32_t nr_forked;
    struct meeting *met;    /* where it waited or passed last */
    struct meeting *locked; /* the lock that it took last */
    /* the request in hand */
    bool has_request;
    struct request request;
    struct source *request_source;
    uint64_t calls_open; /* calls that are not answered */
    struct list replies; /* itself, while it waits for them */
    sim_time began, timer_at;
    bool timer_set;
    uint32_t nr_io; /* operations of devices that are under way */
    enum { IO_NONE, IO_WAITS, IO_WAITS_ALL, IO_OVER } io;
    uint32_t nr_hints;
    const struct whint *hints[THREAD_HINTS_MAX];
    struct mempolicy policy; /* of the task, outside of a forced node */
    struct task_attr attr;
};

/* An operation of a device that raises a semaphore at its end. */
struct io_signal {
    struct list node; /* of the free ones */
    struct thread *thread;
    struct meeting *meeting;
};
enum { IO_MOST = 65536 }; /* operations of a thread that are under way */

struct workload_run {
    struct kernel *k;
    const struct workload *w;
    struct wenv env; /* the machine's part */
    struct chance *chances;
    struct task_group **cgroups; /* by cgroup of the workload */
    uint32_t nr_instances;
    struct instance *instances;
    struct step_aux **aux; /* by group, by step */
    uint32_t nr_threads;
    struct thread **threads;
    uint32_t nr_sources;
    struct source *sources;
    uint32_t nr_failed_calls;
    struct wdevice_set {
        uint32_t nr, *ids;
    } * devices; /* by device of the workload: those of the kernel */
    struct list free_signals;
    int32_t irq_cpu;           /* whoever is woken without a waker is woken from it; -1: none */
    uint32_t nr_unfinished;    /* foreground threads that have been started and live */
    struct mempolicy forced;   /* the run's random node */
    struct replay_run *replay; /* instead of all that: a recording */
};

static inline const struct step_aux *
aux_of(const struct thread *t, const struct wstep *s)
{
    const struct wgroup *g = t->crew->spec;

    return &t->run->aux[g - t->run->w->groups][s - g->steps];
}

extern const struct task_ops program_ops;

/* plan.c: what a thread's program says beforehand. */
void program_plan(struct kernel *k, struct task *p, struct task_plan *plan);

/* compile.c: numbers and names of a step for one thread. */
void env_of_thread(struct wenv *env, const struct thread *t);
/* NULL, or why the run cannot be built. */
const char *build_steps(struct workload_run *r);
/* CPU time of a stream of so many bytes. */
uint64_t stream_work(const struct workload_run *r, const struct burst *b, uint64_t bytes);
/* A region and its part; NULL, or what is wrong with the number of the part. */
const char *build_use(const struct thread *t, const struct wuse *u, struct burst_use *to);
void resolve_policy(const struct workload_run *r, const struct wpolicy *from, struct mempolicy *to);
const struct cpumask *resolve_affinity(struct workload_run *r, const struct waffinity *from);
/* Those that are meant, and are among `of`. */
const struct cpumask *resolve_cpus(struct workload_run *r, const struct waffinity *from,
                                   const struct cpumask *of);
/* The same within the cpuset of a cgroup (-1: the root), where workload_limits() has found some. */
const struct cpumask *resolve_affinity_in(struct workload_run *r, const struct waffinity *from,
                                          int32_t cgroup);

/* cgroups.c: the tree of groups, before there are tasks. */
void build_hotplug(struct workload_run *r);
const char *build_cgroups(struct workload_run *r);

/* devices.c: what names mean on this machine. How many devices a run on it has, the machine's own
 * included; NULL with *why: a name means nothing there. */
const char *count_devices(const struct workload *w, const struct machine *m, const struct wenv *env,
                          struct arena *a, uint32_t *nr);
void build_devices(struct workload_run *r);
bool step_io(struct thread *t, const struct wstep *s, struct action *act);
bool step_await(struct thread *t, const struct wstep *s, struct action *act);

/* bind.c: the workload's own bindings. */
void bind_instances(struct workload_run *r);

/* interp.c */
void thread_start(struct thread *t, struct task *parent);
void thread_fail(struct thread *t, const struct wstep *s, const char *what);
bool step_number_drawn(struct thread *t, const struct wstep *s, const struct wexpr *e,
                       uint64_t *value);
/* A number of a step; false: the run has failed. */
static inline bool
step_number(struct thread *t, const struct wstep *s, const struct wexpr *e, uint64_t *value)
{
    if (!wexpr_is_const(e))
        return step_number_drawn(t, s, e, value);
    *value = e->ops[0].value;
    return true;
}

/* sync.c, channel.c: each does its step: true if the thread now acts as `act` says. */
bool step_barrier(struct thread *t, const struct wstep *s, struct action *act);
bool step_lock(struct thread *t, const struct wstep *s, struct action *act);
bool step_unlock(struct thread *t, const struct wstep *s, struct action *act);
bool step_wait(struct thread *t, const struct wstep *s, struct action *act);
bool step_signal(struct thread *t, const struct wstep *s, struct action *act);
bool step_broadcast(struct thread *t, const struct wstep *s, struct action *act);
bool step_down(struct thread *t, const struct wstep *s, struct action *act);
bool step_up(struct thread *t, const struct wstep *s, struct action *act);
bool step_send(struct thread *t, const struct wstep *s, struct action *act);
bool step_receive(struct thread *t, const struct wstep *s, struct action *act);
bool step_fork(struct thread *t, const struct wstep *s, struct action *act);
bool step_join(struct thread *t, const struct wstep *s, struct action *act);
/* The object of the step, whose word the thread writes now. */
struct meeting *meeting_of(struct thread *t, const struct wstep *s);
bool wait_in(struct list *waiters, struct thread *t, const struct wstep *s, struct action *act);
bool wait_more(struct thread *t, const struct wstep *s, struct action *act);
bool is_granted(struct thread *t);
/* The first waiter has what it waits for. `by`: the running task that gives it, or NULL. */
void grant_first(struct list *waiters, struct task *by, bool sync);
/* All waiters look again. */
void retry_all(struct list *waiters, struct task *by);

/* reuse.c: of a step whose slices have so many bytes. NULL, or what is wrong. */
const char *build_reuse(struct thread *t, const struct wmem *mem, uint64_t bytes, bool all_levels,
                        struct burst_profile *to);

/* calls.c */
void thread_apply_policy(struct thread *t);
bool step_set_mempolicy(struct thread *t, const struct wstep *s, struct action *act);
bool step_force_node(struct thread *t, const struct wstep *s, struct action *act);
bool step_move_pages(struct thread *t, const struct wstep *s, struct action *act);
bool step_migrate_pages(struct thread *t, const struct wstep *s, struct action *act);
bool step_set_mems(struct thread *t, const struct wstep *s, struct action *act);
bool step_mbind(struct thread *t, const struct wstep *s, struct action *act);
bool step_madvise(struct thread *t, const struct wstep *s, struct action *act);
bool step_mprotect(struct thread *t, const struct wstep *s, struct action *act);
bool step_unmap(struct thread *t, const struct wstep *s, struct action *act);
bool step_set_affinity(struct thread *t, const struct wstep *s, struct action *act);
/* Locks with priority inheritance: t is about to wait for one, has taken one, gives one up. */
void pi_wait(struct thread *t, struct meeting *m);
void pi_taken(struct thread *t, struct meeting *m);
void pi_released(struct thread *t, struct meeting *m);
void pi_left(struct thread *t);
/* A thread that was killed waits no more. */
void wait_leave(struct thread *t);
struct thread *pi_first_waiter(const struct meeting *m);

bool step_set_class(struct thread *t, const struct wstep *s, struct action *act);
bool step_set_nice(struct thread *t, const struct wstep *s, struct action *act);
bool step_hint(struct thread *t, const struct wstep *s, struct action *act);

/* requests.c */
bool step_request_begin(struct thread *t, const struct wstep *s, struct action *act);
bool step_request_end(struct thread *t, const struct wstep *s, struct action *act);
bool step_call(struct thread *t, const struct wstep *s, struct action *act);
bool step_replies(struct thread *t, const struct wstep *s, struct action *act);

void request_take(struct thread *t, struct source *src, struct request q);
/* What requests of a group are counted as. */
void build_request_kinds(struct workload_run *r, struct crew *c);

/* arrivals.c */
/* A request comes, from outside or from the running task `by`. False: it found no room. */
bool request_arrives(struct source *src, struct request q, struct task *by);
/* `pr` counts its requests. NULL, or what is wrong with a number, as a phrase. */
const char *source_init(struct source *src, struct workload_run *r, struct meeting *queue,
                        struct process *pr);
void source_start(struct source *src);
/* The client of a closed loop has its answer, and thinks. */
void source_answered(struct source *src, uint32_t client);
static inline bool
source_exhausted(const struct source *src)
{
    return src->left == 0 && src->nr == 0;
}
