/*
 * How much may be reserved: per CPU sched.rt_runtime in each sched.rt_period, as far as its
 * capacity goes, less what the fair server of each CPU holds. A task that leaves the class frees
 * its part at its zero-lag time, when it could have used no more of it; nobody waits for that
 * instant, so it is no event: who asks for room looks first at what has become free.
 */
#include "kernel/deadline.h"

void
dl_bw_init(struct kernel *k)
{
    const struct sched_params *sp = &k->params.sched;
    struct dl_bw *b = arena_new_object(k->arena, struct dl_bw);

    k->dl_bw = b;
    b->limit = sp->rt_runtime == 0 ? UINT64_MAX : to_ratio(sp->rt_period, sp->rt_runtime);
    b->total = k->nr_online * to_ratio(sp->fair_server_period, sp->fair_server_runtime);
}

const char *
dl_check_params(const struct task_attr *attr)
{
    uint64_t period = attr->dl_period != 0 ? attr->dl_period : attr->dl_deadline;

    if (attr->dl_deadline == 0)
        return "a deadline task needs a deadline";
    if (attr->dl_runtime < (uint64_t)1 << DL_SCALE)
        return "the runtime of a deadline task is at least 1024ns";
    if (attr->dl_runtime > attr->dl_deadline)
        return "the runtime of a deadline task is at most its deadline";
    if (attr->dl_deadline > period)
        return "the deadline of a deadline task is at most its period";
    if (period < USEC(100) || period > USEC(1) << 22)
        return "the period of a deadline task is from 100us to 4194304us";
    return NULL;
}

static void
release_passed(struct kernel *k, const struct task *of)
{
    struct dl_bw *b = k->dl_bw;
    uint32_t left = 0;

    for (uint32_t i = 0; i < b->nr_releases; i++) {
        struct dl_release *r = &b->releases[i];

        if (r->at <= k->engine.now || r->task == of)
            b->total -= r->bw;
        else
            b->releases[left++] = *r;
    }
    b->nr_releases = left;
}

/* What CPUs may reserve: each as much as its capacity is of 1024. */
static uint64_t
room_of(const struct kernel *k, const struct cpumask *cpus)
{
    uint64_t capacity = 0;

    for_each_cpu (cpu, cpus)
        capacity += k->machine->cpus[cpu].capacity;
    return k->dl_bw->limit * capacity >> 10;
}

static bool
dl_overflow(const struct kernel *k, uint64_t old, uint64_t new)
{
    const struct dl_bw *b = k->dl_bw;

    return b->limit != UINT64_MAX && room_of(k, k->machine->online) < b->total - old + new;
}

static uint64_t
server_bw(const struct kernel *k)
{
    return to_ratio(k->params.sched.fair_server_period, k->params.sched.fair_server_runtime);
}

bool
dl_bw_may_leave(struct kernel *k, const struct cpumask *cpus)
{
    const struct dl_bw *b = k->dl_bw;

    release_passed(k, NULL);
    if (b->limit == UINT64_MAX || b->total <= k->nr_online * server_bw(k))
        return true;
    return room_of(k, k->machine->online) - room_of(k, cpus) >=
           b->total - cpumask_weight(cpus) * server_bw(k);
}

void
dl_bw_count_servers(struct kernel *k, const struct cpumask *cpus, bool online)
{
    uint64_t bw = cpumask_weight(cpus) * server_bw(k);

    k->dl_bw->total += online ? bw : -bw;
}

const char *
dl_bw_admit(struct kernel *k, struct task *p, const struct task_attr *attr)
{
    uint64_t period = attr->dl_period != 0 ? attr->dl_period : attr->dl_deadline;
    uint64_t bw = to_ratio(period, attr->dl_runtime);
    uint64_t old = p->policy == POLICY_DEADLINE ? p->dl.dl_bw : 0;

    if (k->dl_bw->limit != UINT64_MAX && !cpumask_subset(k->machine->online, p->allowed))
        return "a deadline task must be allowed on all CPUs";
    release_passed(k, NULL);
    if (dl_overflow(k, old, bw))
        return "too much is reserved by deadline tasks and the fair server "
               "(sched.rt_runtime, sched.fair_server_runtime)";
    release_passed(k, p);
    k->dl_bw->total += bw - old;
    return NULL;
}

void
dl_bw_leave(struct kernel *k, struct task *p)
{
    struct sched_dl_entity *dl = &p->dl;
    struct dl_bw *b = k->dl_bw;
    int64_t used = dl->runtime * (int64_t)dl->dl_period / (int64_t)SIM_MAX(dl->dl_runtime, 1);
    uint64_t zero_lag = dl->deadline - (uint64_t)used;

    if ((int64_t)(zero_lag - k->engine.now) <= 0) {
        b->total -= dl->dl_bw;
        return;
    }
    if (b->nr_releases == b->cap_releases) {
        uint32_t cap = b->cap_releases ? 2 * b->cap_releases : 16;
        b->releases = arena_grow(k->arena, b->releases, b->cap_releases * sizeof(*b->releases),
                                 cap * sizeof(*b->releases));
        b->cap_releases = cap;
    }
    b->releases[b->nr_releases++] =
        (struct dl_release){ .at = zero_lag, .bw = dl->dl_bw, .task = p };
}

void
dl_set_params(struct sched_dl_entity *dl, uint64_t runtime, uint64_t deadline, uint64_t period)
{
    dl->dl_runtime = runtime;
    dl->dl_deadline = deadline;
    dl->dl_period = period != 0 ? period : deadline;
    dl->dl_bw = to_ratio(dl->dl_period, runtime);
    dl->dl_density = to_ratio(deadline, runtime);
}
