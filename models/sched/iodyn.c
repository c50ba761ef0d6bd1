/*
 * iodyn: priority by the share of I/O.
 *
 * A task that spends most of its time waiting for devices needs the CPU only to start the next
 * request: the sooner it runs, the busier the device. At each tick of a running task, and when it
 * wakes up, its share of I/O is looked at anew (time asleep for I/O over that and time run, old
 * times fading), and with it its priority: it is queued by virtual time, and the share of I/O lets
 * that pass more slowly, up to `boost` times.
 */
#include "models/sched/models.h"

enum { SHARED = 0, ONE = 1024 };

struct iodyn {
    sim_time slice, window;
    uint32_t boost;
    uint64_t vtime_now, adjusted;
};

struct iodyn_task {
    uint64_t run, io;         /* as last looked at, ns */
    uint64_t old_run, old_io; /* that fade, ns */
    uint32_t share;           /* of I/O, of ONE */
    uint64_t started;         /* sum_exec when it last began to run */
};

static int
iodyn_init(struct scx *scx)
{
    return scx_create_dsq(scx, SHARED, -1);
}

static void
look_at(struct scx *scx, struct task *p)
{
    struct iodyn *d = scx_priv(scx);
    struct iodyn_task *t = scx_task_data(scx, p);
    struct scx_task_times now;

    scx_task_times(scx, p, &now);
    uint64_t run = t->old_run + (now.run - t->run), io = t->old_io + (now.io - t->io);
    t->run = now.run;
    t->io = now.io;
    while (run + io > d->window) {
        run /= 2;
        io /= 2;
    }
    t->old_run = run;
    t->old_io = io;
    uint32_t share = run + io == 0 ? 0 : (uint32_t)(io * ONE / (run + io));
    d->adjusted += share != t->share;
    t->share = share;
}

/* Of the time that it ran, what counts: less with weight, and with the share of I/O. */
static uint64_t
virtual_time(const struct iodyn *d, const struct iodyn_task *t, uint64_t ran, uint32_t weight)
{
    uint64_t boost = ONE + (uint64_t)(d->boost - 1) * t->share;

    return mul_div_u64(ran * SCX_WEIGHT_DFL / weight, ONE, boost);
}

static int
iodyn_select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    const struct iodyn *d = scx_priv(scx);
    bool is_idle;
    int cpu = scx_select_cpu_dfl(scx, p, prev_cpu, wake_flags, &is_idle);

    if (is_idle)
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, d->slice, 0);
    return cpu;
}

static void
iodyn_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    const struct iodyn *d = scx_priv(scx);
    uint64_t vtime = scx_task_dsq_vtime(scx, p);

    if (enq_flags & SCX_ENQ_WAKEUP)
        look_at(scx, p);
    /* what a sleeper has saved is worth a slice at most */
    if ((int64_t)(vtime - (d->vtime_now - d->slice)) < 0)
        vtime = d->vtime_now - d->slice;
    scx_dsq_insert_vtime(scx, p, SHARED, d->slice, vtime, enq_flags);
}

static void
iodyn_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu;
    (void)prev;
    scx_dsq_move_to_local(scx, SHARED);
}

static void
iodyn_running(struct scx *scx, struct task *p)
{
    struct iodyn *d = scx_priv(scx);
    struct iodyn_task *t = scx_task_data(scx, p);
    uint64_t vtime = scx_task_dsq_vtime(scx, p);

    t->started = scx_task_sum_exec(scx, p);
    if ((int64_t)(vtime - d->vtime_now) > 0)
        d->vtime_now = vtime;
}

static void
iodyn_stopping(struct scx *scx, struct task *p, bool runnable)
{
    const struct iodyn *d = scx_priv(scx);
    const struct iodyn_task *t = scx_task_data(scx, p);
    uint64_t ran = scx_task_sum_exec(scx, p) - t->started;

    (void)runnable;
    scx_task_set_dsq_vtime(
        scx, p, scx_task_dsq_vtime(scx, p) + virtual_time(d, t, ran, scx_task_weight(scx, p)));
}

static void
iodyn_enable(struct scx *scx, struct task *p)
{
    const struct iodyn *d = scx_priv(scx);

    scx_task_set_dsq_vtime(scx, p, d->vtime_now);
}

static const struct field params[] = {
    FIELD(FIELD_TIME, struct iodyn, slice, .def = "5ms", .min = "100us", .max = "1s",
          .doc = "how long a task runs before others get a turn"),
    FIELD(FIELD_TIME, struct iodyn, window, .def = "100ms", .min = "1ms", .max = "10s",
          .doc = "how much of a task's time is remembered"),
    FIELD(FIELD_U32, struct iodyn, boost, .def = "8", .min = "1", .max = "64",
          .doc = "how many times less a task's time counts that only waits for I/O"),
    FIELD_END
};

static const struct scx_stat stats[] = {
    SCX_STAT(struct iodyn, adjusted, "changes of a task's share of I/O"),
    { .name = NULL },
};

const struct sched_ops iodyn_ops = {
    .name = "iodyn",
    .doc = "by virtual time, which passes more slowly for tasks that wait for I/O",
    .page = "For devices that stand idle because who feeds them waits for a CPU. It loses when "
            "the CPU is what is\nscarce: batch work pays for every boost, and a task that does "
            "little I/O between long computations\nis boosted for the wrong reason.",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct iodyn),
    .task_size = sizeof(struct iodyn_task),
    .params = params,
    .stats = stats,
    .init = iodyn_init,
    .select_cpu = iodyn_select_cpu,
    .enqueue = iodyn_enqueue,
    .dispatch = iodyn_dispatch,
    .tick = look_at,
    .running = iodyn_running,
    .stopping = iodyn_stopping,
    .enable = iodyn_enable,
};
