/*
 * central: one CPU decides for all.
 *
 * All tasks wait in one queue that the central CPU serves. A CPU that runs dry says so and kicks
 * the central one, which takes tasks from the queue and puts them on the local queues of those that
 * asked. Slices have no end, so the other CPUs need no ticks; a timer of the central CPU ends the
 * turn of whoever has run for `slice` while somebody waits.
 *
 * What a task may not run on is looked at when it is taken from the queue: it then waits at its
 * end, a bounded number of times in one go.
 */
#include "models/sched/models.h"

enum { WAITING_MOST = 65536, PUT_BACK_MOST = 16 };

struct central {
    uint32_t cpu;
    sim_time slice, period;
    uint64_t dispatched, put_back, preempted;
    int queue;
};

struct central_cpu {
    bool wants;
    sim_time since; /* its task began */
};

static int
central_init(struct scx *scx)
{
    struct central *c = scx_priv(scx);

    if (c->cpu >= scx_nr_cpu_ids(scx) || !cpumask_test(scx_online_cpumask(scx), c->cpu)) {
        scx_error(scx, "central CPU %u is not online", c->cpu);
        return -1;
    }
    c->queue = scx_queue_new(scx, WAITING_MOST);
    return c->queue < 0 ? c->queue : scx_timers_new(scx, 1);
}

/* Everything goes through the central CPU, also who decides on it. */
static int
central_select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    const struct central *c = scx_priv(scx);

    (void)wake_flags;
    return cpumask_test(scx_task_cpumask(scx, p), c->cpu) ? (int)c->cpu : prev_cpu;
}

static void
central_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    const struct central *c = scx_priv(scx);

    if (!scx_queue_push(scx, c->queue, (uint64_t)scx_task_pid(scx, p))) {
        scx_dsq_insert(scx, p, SCX_DSQ_GLOBAL, SCX_SLICE_INF, enq_flags);
        return;
    }
    if (!scx_task_running(scx, p)) /* a turn that ends does not end the next one */
        scx_kick_cpu(scx, (int)c->cpu, SCX_KICK_PREEMPT);
}

/* The first waiting task that may run there goes to the CPU's local queue. */
static bool
give(struct scx *scx, struct central *c, int cpu)
{
    uint64_t pid;

    for (int i = 0; i < PUT_BACK_MOST && scx_queue_pop(scx, c->queue, &pid); i++) {
        struct task *p = scx_task_from_pid(scx, (int)pid);
        if (p == NULL)
            continue; /* it has ended since */
        if (cpumask_test(scx_task_cpumask(scx, p), (uint32_t)cpu)) {
            scx_dsq_insert(scx, p, SCX_DSQ_LOCAL_OF(cpu), SCX_SLICE_INF, 0);
            c->dispatched++;
            return true;
        }
        scx_queue_push(scx, c->queue, pid);
        c->put_back++;
    }
    return false;
}

static void
serve_all(struct scx *scx, struct central *c)
{
    for_each_cpu (cpu, scx_online_cpumask(scx)) {
        struct central_cpu *cc = scx_cpu_data(scx, cpu);
        if (scx_dispatch_nr_slots(scx) == 0 || scx_queue_len(scx, c->queue) == 0)
            return;
        if (!cc->wants || (uint32_t)cpu == c->cpu || !give(scx, c, cpu))
            continue;
        cc->wants = false;
        scx_kick_cpu(scx, cpu, SCX_KICK_IDLE);
    }
}

static void
central_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    struct central *c = scx_priv(scx);
    struct central_cpu *cc = scx_cpu_data(scx, cpu);

    (void)prev;
    if ((uint32_t)cpu != c->cpu) {
        cc->wants = true;
        scx_kick_cpu(scx, (int)c->cpu, SCX_KICK_PREEMPT);
        return;
    }
    serve_all(scx, c);
    if (scx_dispatch_nr_slots(scx) > 0)
        give(scx, c, cpu);
    scx_timer_start(scx, 0, c->period);
}

static void
central_running(struct scx *scx, struct task *p)
{
    struct central_cpu *cc = scx_cpu_data(scx, scx_task_cpu(scx, p));

    cc->since = scx_now(scx);
    cc->wants = false;
}

static void
central_timer(struct scx *scx, uint32_t timer)
{
    struct central *c = scx_priv(scx);

    if (scx_queue_len(scx, c->queue) > 0) {
        for_each_cpu (cpu, scx_online_cpumask(scx)) {
            struct central_cpu *cc = scx_cpu_data(scx, cpu);
            if (scx_cpu_curr(scx, cpu) == NULL || scx_now(scx) - cc->since < c->slice)
                continue;
            scx_kick_cpu(scx, cpu, SCX_KICK_PREEMPT);
            c->preempted++;
        }
    }
    scx_timer_start(scx, timer, c->period);
}

static const struct field params[] = {
    FIELD(FIELD_U32, struct central, cpu, .def = "0", .max = "8191", .doc = "the CPU that decides"),
    FIELD(FIELD_TIME, struct central, slice, .def = "20ms", .min = "100us", .max = "1s",
          .doc = "how long a task runs while others wait"),
    FIELD(FIELD_TIME, struct central, period, .def = "1ms", .min = "100us", .max = "1s",
          .doc = "how often the central CPU looks for those that ran too long"),
    FIELD_END
};

static const struct scx_stat stats[] = {
    SCX_STAT(struct central, dispatched, "tasks given to CPUs"),
    SCX_STAT(struct central, put_back, "tasks that could not run where they were to go"),
    SCX_STAT(struct central, preempted, "turns that the timer ended"),
    { .name = NULL },
};

const struct sched_ops central_ops = {
    .name = "central",
    .doc = "one CPU decides for all; slices without end",
    .page = "For machines whose CPUs should not be disturbed by ticks, as hosts of virtual "
            "machines: what decides\nis in one place and sees everything. It loses where tasks "
            "sleep often: every wake-up and every idle\nCPU goes through the central one, which "
            "becomes the bottleneck of a large machine, and nothing knows\nwhere memory is.",
    .abi = SCX_OPS_ABI,
    .flags = SCX_OPS_ENQ_LAST,
    .priv_size = sizeof(struct central),
    .cpu_size = sizeof(struct central_cpu),
    .params = params,
    .stats = stats,
    .init = central_init,
    .select_cpu = central_select_cpu,
    .enqueue = central_enqueue,
    .dispatch = central_dispatch,
    .running = central_running,
    .timer = central_timer,
};
