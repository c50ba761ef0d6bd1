/*
 * mlfq: levels by behaviour.
 *
 * A task begins on the first level. Who uses up a slice goes one level down, where slices are
 * longer and turns rarer; who sleeps before its slice is over goes one up. A level is served when
 * all above it are empty. A wakee of a higher level ends the turn of a lower one on the CPU that it
 * is sent to; whose turn was ended goes on first, with the rest of its slice.
 *
 * So that nobody starves, whoever has waited for `timeout` comes first, whatever its level, and
 * nobody ends that turn before a slice of the first level is over. With enough tasks everybody on
 * the last level has always waited for so long: therefore every other turn is by level all the
 * same.
 */
#include "models/sched/models.h"

enum { LEVELS = 3 };

struct mlfq {
    sim_time slice, timeout;
    uint32_t growth;
    bool was_late; /* the last turn that was given was for one who had waited too long */
    uint64_t promoted, demoted, late;
};

struct mlfq_task {
    uint32_t level;
    bool waits;
    sim_time queued_at, began, kept_until; /* none ends its turn before */
    sim_time used;                         /* of its slice, in turns that others ended */
};

static sim_time
slice_of(const struct mlfq *m, uint32_t level)
{
    sim_time slice = m->slice;

    for (uint32_t i = 0; i < level; i++)
        slice *= m->growth;
    return slice;
}

static int
mlfq_init(struct scx *scx)
{
    int error = 0;

    for (dsq_id level = 0; level < LEVELS && error == 0; level++)
        error = scx_create_dsq(scx, level, -1);
    return error;
}

/* Does p end the turn of what runs there? */
static bool
outranks(struct scx *scx, const struct mlfq_task *t, int cpu)
{
    struct task *curr = scx_cpu_curr(scx, cpu);
    const struct mlfq_task *other = curr == NULL ? NULL : scx_task_data(scx, curr);

    return other != NULL && other->level > t->level && scx_now(scx) >= other->kept_until;
}

static int
mlfq_select_cpu(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    const struct mlfq *m = scx_priv(scx);
    const struct mlfq_task *t = scx_task_data(scx, p);
    bool is_idle;
    int cpu = scx_select_cpu_dfl(scx, p, prev_cpu, wake_flags, &is_idle);

    if (is_idle)
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, slice_of(m, t->level), 0);
    else if (outranks(scx, t, cpu))
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, slice_of(m, t->level), SCX_ENQ_PREEMPT);
    return cpu;
}

static void
mlfq_enqueue(struct scx *scx, struct task *p, uint64_t enq_flags)
{
    const struct mlfq *m = scx_priv(scx);
    struct mlfq_task *t = scx_task_data(scx, p);

    t->waits = true;
    t->queued_at = scx_now(scx);
    scx_dsq_insert(scx, p, t->level, slice_of(m, t->level) - t->used,
                   t->used > 0 ? enq_flags | SCX_ENQ_HEAD : enq_flags);
}

/* The level whose first task has waited for too long, the longest of all; LEVELS: none. */
static uint32_t
late_level(struct scx *scx, const struct mlfq *m)
{
    sim_time now = scx_now(scx), longest = m->timeout;
    uint32_t late = LEVELS;

    for (uint32_t level = 1; level < LEVELS; level++) {
        struct task *first = scx_dsq_peek(scx, level);
        const struct mlfq_task *t = first == NULL ? NULL : scx_task_data(scx, first);
        if (t != NULL && now - t->queued_at >= longest) {
            longest = now - t->queued_at;
            late = level;
        }
    }
    return late;
}

static void
mlfq_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    struct mlfq *m = scx_priv(scx);
    uint32_t late = late_level(scx, m);

    (void)cpu;
    (void)prev;
    m->was_late = !m->was_late && late < LEVELS && scx_dsq_move_to_local(scx, late);
    if (m->was_late) {
        m->late++;
        return;
    }
    for (dsq_id level = 0; level < LEVELS; level++)
        if (scx_dsq_move_to_local(scx, level))
            return;
}

static void
mlfq_running(struct scx *scx, struct task *p)
{
    const struct mlfq *m = scx_priv(scx);
    struct mlfq_task *t = scx_task_data(scx, p);

    t->began = scx_now(scx);
    if (t->waits && t->began - t->queued_at >= m->timeout)
        t->kept_until = t->began + m->slice;
    t->waits = false;
}

static void
mlfq_stopping(struct scx *scx, struct task *p, bool runnable)
{
    struct mlfq *m = scx_priv(scx);
    struct mlfq_task *t = scx_task_data(scx, p);

    t->used += scx_now(scx) - t->began;
    if (runnable && t->used < slice_of(m, t->level))
        return;
    t->used = 0;
    if (runnable && t->level < LEVELS - 1) {
        t->level++;
        m->demoted++;
    } else if (!runnable && t->level > 0) {
        t->level--;
        m->promoted++;
    }
}

static const struct field params[] = {
    FIELD(FIELD_TIME, struct mlfq, slice, .def = "4ms", .min = "100us", .max = "100ms",
          .doc = "slice of the first level"),
    FIELD(FIELD_U32, struct mlfq, growth, .def = "4", .min = "1", .max = "16",
          .doc = "how many times longer the slice of the next level is"),
    FIELD(FIELD_TIME, struct mlfq, timeout, .def = "100ms", .min = "1ms", .max = "10s",
          .doc = "who has waited for this long comes first"),
    FIELD_END
};

static const struct scx_stat stats[] = {
    SCX_STAT(struct mlfq, promoted, "tasks that slept and went a level up"),
    SCX_STAT(struct mlfq, demoted, "tasks that used up a slice and went a level down"),
    SCX_STAT(struct mlfq, late, "turns out of order, for those who had waited too long"),
    { .name = NULL },
};

const struct sched_ops mlfq_ops = {
    .name = "mlfq",
    .doc = "three levels: who sleeps soon goes up, who uses up a slice goes down; timeouts",
    .page = "For interactive tasks beside batch work: short bursts find short queues, without "
            "anybody telling which\ntask is which. It loses where behaviour is no sign of "
            "importance: a batch task that sleeps now and\nthen rises, weights count for nothing, "
            "and `timeout` puts a floor under the waiting of batch work\nonly. All CPUs share the "
            "queues, so tasks wander over nodes.",
    .abi = SCX_OPS_ABI,
    .priv_size = sizeof(struct mlfq),
    .task_size = sizeof(struct mlfq_task),
    .params = params,
    .stats = stats,
    .init = mlfq_init,
    .select_cpu = mlfq_select_cpu,
    .enqueue = mlfq_enqueue,
    .dispatch = mlfq_dispatch,
    .running = mlfq_running,
    .stopping = mlfq_stopping,
};
