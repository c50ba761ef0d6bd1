/* The oracle's logging policy, rebuilt on our operations. */
#include "tool_ext.h"

#include <inttypes.h>

static struct logger *
log_of(struct scx *scx)
{
    return scx_priv(scx);
}

struct said { /* per task */
    uint64_t started;
    uint64_t sum;
};

#define SAY(scx, op, p, ...) say_op(scx, op, p, __VA_ARGS__)

SIM_PRINTF(4, 5)
static void
say_op(struct scx *scx, const char *op, const struct task *p, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    if (log_of(scx)->silent)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    printf("%" PRId64 " %d %s %s %s\n", (int64_t)(scx_now(scx) - log_of(scx)->zero) / 1000,
           scx_this_cpu(scx), op, p != NULL ? scx_task_process(scx, p) : "-", text);
}

static const char *
name_of(struct scx *scx, const struct task *p)
{
    return p != NULL ? scx_task_process(scx, p) : "none";
}

static bool
is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static int
l_init(struct scx *scx)
{
    SAY(scx, "init", NULL, " ");
    log_of(scx)->queue = scx_queue_new(scx, 64);
    for (uint32_t cpu = 0; cpu < scx_nr_cpu_ids(scx); cpu++) {
        scx_create_dsq(scx, 1000 + cpu, -1);
        scx_create_dsq(scx, 2000 + cpu, -1);
    }
    return scx_create_dsq(scx, 0, -1);
}

static int
l_select_cpu(struct scx *scx, struct task *p, int prev, uint64_t wake_flags)
{
    struct logger *l = log_of(scx);
    const char *insert = "none";
    bool idle = false;
    int cpu = prev;

    follow_choice(l->k, p);
    if (is(l->select_cpu, "badcpu"))
        cpu = 9999;
    else if (!is(l->select_cpu, "prev"))
        cpu = scx_select_cpu_dfl(scx, p, prev, wake_flags, &idle);
    if ((is(l->select_cpu, "dfl_local") && idle) || is(l->select_cpu, "twice"))
        insert = "LOCAL";
    if (is(l->select_cpu, "dfl_global") && idle)
        insert = "GLOBAL";
    SAY(scx, "select_cpu", p, "prev=%d ret=%d wake_flags=0x%" PRIx64 " is_idle=%d insert=%s", prev,
        cpu, wake_flags, idle, insert);
    if (is(insert, "LOCAL"))
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, l->slice_ns, 0);
    if (is(l->select_cpu, "twice"))
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, l->slice_ns, 0);
    if (is(insert, "GLOBAL"))
        scx_dsq_insert(scx, p, SCX_DSQ_GLOBAL, l->slice_ns, 0);
    return cpu;
}

static void
insert_vtime(struct scx *scx, struct task *p, uint64_t flags)
{
    struct logger *l = log_of(scx);
    uint64_t v = scx_task_dsq_vtime(scx, p);

    if ((int64_t)(v - (l->vnow - SCX_SLICE_DFL)) < 0)
        v = l->vnow - SCX_SLICE_DFL;
    scx_dsq_insert_vtime(scx, p, 0, l->slice_ns, v, flags);
}

static dsq_id
queue_for(struct scx *scx, const struct task *p, const char *how, uint64_t arg)
{
    int cpu = scx_task_cpu(scx, p);

    if (is(how, "local") || is(how, "slice0"))
        return SCX_DSQ_LOCAL;
    if (is(how, "global"))
        return SCX_DSQ_GLOBAL;
    if (is(how, "local_on"))
        return SCX_DSQ_LOCAL_OF(arg);
    if (is(how, "local_on_bad"))
        return SCX_DSQ_LOCAL_OF(9999);
    if (is(how, "local_on_badmask"))
        return SCX_DSQ_LOCAL_OF(arg);
    if (is(how, "baddsq"))
        return 0x1267;
    if (is(how, "user_cpu"))
        return 1000 + (dsq_id)cpu;
    if (is(how, "user_node"))
        return 2000 + (dsq_id)cpu / 2;
    return 0;
}

static void
kick_after(struct scx *scx, uint64_t enq_flags)
{
    struct logger *l = log_of(scx);

    if (!(enq_flags & SCX_ENQ_WAKEUP))
        return;
    if (is(l->kick, "cpu"))
        scx_kick_cpu(scx, (int)l->arg, 0);
    else if (is(l->kick, "preempt"))
        scx_kick_cpu(scx, (int)l->arg, SCX_KICK_PREEMPT);
    else if (is(l->kick, "idle"))
        scx_kick_cpu(scx, (int)l->arg, SCX_KICK_IDLE);
    else if (is(l->kick, "idle_preempt"))
        scx_kick_cpu(scx, (int)l->arg, SCX_KICK_IDLE | SCX_KICK_PREEMPT);
}

static void
l_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    struct logger *l = log_of(scx);
    const char *how = l->enqueue;
    uint64_t slice = l->slice_ns;

    SAY(scx, "enqueue", p, "flags=0x%" PRIx64 " slice=%" PRIu64 " task_cpu=%d vtime=%" PRIu64,
        flags, scx_task_slice(scx, p), scx_task_cpu(scx, p), scx_task_dsq_vtime(scx, p));
    if (l->nr_enqueues++ < l->first_n_user)
        how = "user";
    if (flags & SCX_ENQ_LAST && is(l->last, "LOCAL"))
        how = "local";
    if (is(how, "slice0"))
        slice = 0;
    if (is(how, "hold") || (flags & SCX_ENQ_LAST && is(l->last, "dropped")))
        return;
    if (is(how, "bpfq"))
        scx_queue_push(scx, l->queue, (uint64_t)scx_task_pid(scx, p));
    else if (is(how, "vtime"))
        insert_vtime(scx, p, flags | l->enq_flags_added);
    else if (is(how, "error"))
        scx_error(scx, "logger error %d", 42);
    else if (is(how, "exit"))
        scx_exit(scx, 77, "logger exit %d", 43);
    else if (is(how, "badflag"))
        scx_dsq_insert(scx, p, 0, slice, UINT64_C(1) << 60);
    else if (is(how, "mix") && scx_task_pid(scx, p) % 2 == 0)
        insert_vtime(scx, p, flags);
    else
        scx_dsq_insert(scx, p, queue_for(scx, p, how, l->arg), slice, flags | l->enq_flags_added);
    kick_after(scx, flags);
}

static bool
pop_to(struct scx *scx, dsq_id id)
{
    struct logger *l = log_of(scx);
    struct task *p;
    uint64_t pid;

    if (!scx_queue_pop(scx, l->queue, &pid) || (p = scx_task_from_pid(scx, (int)pid)) == NULL)
        return false;
    scx_dsq_insert(scx, p, id, l->slice_ns, 0);
    return true;
}

static void
l_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    struct logger *l = log_of(scx);
    bool queued = prev != NULL && scx_task_queued(scx, prev), result = false;
    uint64_t slice = prev != NULL ? scx_task_slice(scx, prev) : 0;

    if (cpu == (int)l->keeper && strncmp(l->dispatch, "bpfq", 4) == 0)
        return; /* what it holds is the workload's */

    if (is(l->dispatch, "consume"))
        result = scx_dsq_move_to_local(scx, 0);
    else if (is(l->dispatch, "consume_bad"))
        result = scx_dsq_move_to_local(scx, 0x1267);
    else if (is(l->dispatch, "consume_node"))
        result = scx_dsq_move_to_local(scx, 2000 + (dsq_id)cpu / 2);
    else if (is(l->dispatch, "consume_cpu"))
        result = scx_dsq_move_to_local(scx, 1000 + (dsq_id)cpu);
    else if (is(l->dispatch, "bpfq_local"))
        result = pop_to(scx, SCX_DSQ_LOCAL);
    else if (is(l->dispatch, "bpfq_global"))
        result = pop_to(scx, SCX_DSQ_GLOBAL);
    else if (is(l->dispatch, "bpfq_local_on"))
        result = pop_to(scx, SCX_DSQ_LOCAL_OF(l->arg));
    else if (is(l->dispatch, "prev_first")) {
        if (queued) {
            scx_dsq_insert(scx, prev, SCX_DSQ_LOCAL, l->slice_ns, 0);
        } else {
            result = scx_dsq_move_to_local(scx, 0);
        }
    }
    SAY(scx, "dispatch", NULL, "prev=%s prev_queued=%d prev_slice=%" PRIu64 " result=%d",
        name_of(scx, prev), queued, slice, result);
}

static void
l_dequeue(struct scx *scx, struct task *p, uint64_t flags)
{
    SAY(scx, "dequeue", p, "flags=0x%" PRIx64, flags);
}

static void
l_tick(struct scx *scx, struct task *p)
{
    if (log_of(scx)->tick_zeroes_slice)
        scx_task_set_slice(scx, p, 0);
}

static void
l_runnable(struct scx *scx, struct task *p, uint64_t flags)
{
    SAY(scx, "runnable", p, "flags=0x%" PRIx64 " slice=%" PRIu64 " task_cpu=%d", flags,
        scx_task_slice(scx, p), scx_task_cpu(scx, p));
}

static void
l_running(struct scx *scx, struct task *p)
{
    struct logger *l = log_of(scx);
    struct said *s = scx_task_data(scx, p);

    SAY(scx, "running", p, "slice=%" PRIu64 " sum_exec=%" PRIu64, scx_task_slice(scx, p),
        scx_task_sum_exec(scx, p));
    s->sum = scx_task_sum_exec(scx, p);
    if ((int64_t)(l->vnow - scx_task_dsq_vtime(scx, p)) < 0)
        l->vnow = scx_task_dsq_vtime(scx, p);
}

static void
l_stopping(struct scx *scx, struct task *p, bool runnable)
{
    const struct said *s = scx_task_data(scx, p);
    uint64_t used = scx_task_sum_exec(scx, p) - s->sum;

    scx_task_set_dsq_vtime(scx, p,
                           scx_task_dsq_vtime(scx, p) + used * 100 / scx_task_weight(scx, p));
    SAY(scx, "stopping", p, "runnable=%d slice=%" PRIu64 " used=%" PRIu64, runnable,
        scx_task_slice(scx, p), used);
}

static void
l_quiescent(struct scx *scx, struct task *p, uint64_t flags)
{
    SAY(scx, "quiescent", p, "flags=0x%" PRIx64, flags);
}

static bool
l_yield(struct scx *scx, struct task *from, struct task *to)
{
    SAY(scx, "yield", from, "to=%s", name_of(scx, to));
    if (log_of(scx)->yield_zeroes_slice)
        scx_task_set_slice(scx, from, 0);
    return false;
}

static void
l_set_weight(struct scx *scx, struct task *p, uint32_t weight)
{
    SAY(scx, "set_weight", p, "weight=%u", weight);
}

static void
l_set_cpumask(struct scx *scx, struct task *p, const struct cpumask *mask)
{
    SAY(scx, "set_cpumask", p, "mask=0x%" PRIx64, mask->bits[0]);
}

static void
l_update_idle(struct scx *scx, int cpu, bool idle)
{
    SAY(scx, "update_idle", NULL, "of_cpu=%d idle=%d", cpu, idle);
}

static void
l_cpu_acquire(struct scx *scx, int cpu, const struct scx_cpu_acquire_args *args)
{
    (void)args;
    SAY(scx, "cpu_acquire", NULL, "of_cpu=%d", cpu);
}

static void
l_cpu_release(struct scx *scx, int cpu, const struct scx_cpu_release_args *args)
{
    static const char *const reasons[] = { "RT", "DL", "STOP", "UNKNOWN" };

    SAY(scx, "cpu_release", NULL, "of_cpu=%d reason=%s", cpu, reasons[args->reason]);
    if (log_of(scx)->reenqueue_in_release)
        SAY(scx, "reenqueue_local", NULL, "n=%u", scx_reenqueue_local(scx));
}

static int
l_init_task(struct scx *scx, struct task *p, const struct scx_init_task_args *args)
{
    SAY(scx, "init_task", p, "fork=%d", args->fork);
    return 0;
}

static void
l_exit_task(struct scx *scx, struct task *p, const struct scx_exit_task_args *args)
{
    SAY(scx, "exit_task", p, "cancelled=%d", args->cancelled);
}

static void
l_enable(struct scx *scx, struct task *p)
{
    SAY(scx, "enable", p, "slice=%" PRIu64, scx_task_slice(scx, p));
    scx_task_set_dsq_vtime(scx, p, log_of(scx)->vnow);
}

static void
l_disable(struct scx *scx, struct task *p)
{
    SAY(scx, "disable", p, " ");
}

static void
l_dump(struct scx *scx, const struct scx_dump_ctx *ctx)
{
    (void)ctx;
    SAY(scx, "dump", NULL, " ");
}

static void
l_dump_task(struct scx *scx, const struct scx_dump_ctx *ctx, struct task *p)
{
    (void)ctx;
    SAY(scx, "dump_task", p, " ");
}

static int
level(struct scx *scx, const struct task_group *tg)
{
    int n = 0;

    while ((tg = scx_cgroup_parent(scx, tg)) != NULL)
        n++;
    return n;
}

static int
l_cgroup_init(struct scx *scx, struct task_group *tg, const struct scx_cgroup_init_args *args)
{
    SAY(scx, "cgroup_init", NULL, "level=%d weight=%u", level(scx, tg), args->weight);
    return 0;
}

static void
l_cgroup_exit(struct scx *scx, struct task_group *tg)
{
    SAY(scx, "cgroup_exit", NULL, "level=%d", level(scx, tg));
}

static int
l_cgroup_prep_move(struct scx *scx, struct task *p, struct task_group *from, struct task_group *to)
{
    SAY(scx, "cgroup_prep_move", p, "from_level=%d to_level=%d", level(scx, from), level(scx, to));
    return 0;
}

static void
l_cgroup_move(struct scx *scx, struct task *p, struct task_group *from, struct task_group *to)
{
    SAY(scx, "cgroup_move", p, "from_level=%d to_level=%d", level(scx, from), level(scx, to));
}

static void
l_cgroup_set_weight(struct scx *scx, struct task_group *tg, uint32_t weight)
{
    SAY(scx, "cgroup_set_weight", NULL, "level=%d weight=%u", level(scx, tg), weight);
}

static void
l_exit(struct scx *scx, const struct scx_exit_info *info)
{
    SAY(scx, "exit", NULL, "kind=%d exit_code=%" PRId64, (int)info->kind, info->exit_code);
}

const struct sched_ops logger_ops = {
    .name = "logger",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct logger),
    .task_size = sizeof(struct said),
    .select_cpu = l_select_cpu,
    .enqueue = l_enqueue,
    .dequeue = l_dequeue,
    .dispatch = l_dispatch,
    .tick = l_tick,
    .runnable = l_runnable,
    .running = l_running,
    .stopping = l_stopping,
    .quiescent = l_quiescent,
    .yield = l_yield,
    .set_weight = l_set_weight,
    .set_cpumask = l_set_cpumask,
    .update_idle = l_update_idle,
    .cpu_acquire = l_cpu_acquire,
    .cpu_release = l_cpu_release,
    .init_task = l_init_task,
    .exit_task = l_exit_task,
    .enable = l_enable,
    .disable = l_disable,
    .dump = l_dump,
    .dump_task = l_dump_task,
    .cgroup_init = l_cgroup_init,
    .cgroup_exit = l_cgroup_exit,
    .cgroup_prep_move = l_cgroup_prep_move,
    .cgroup_move = l_cgroup_move,
    .cgroup_set_weight = l_cgroup_set_weight,
    .init = l_init,
    .exit = l_exit,
};
