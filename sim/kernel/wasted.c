/*
 * Looks after each event at who idles and who waits.
 *
 * What is true between two events is what was true after the first of them, so a stretch begins and
 * ends exactly. At one instant things happen one after the other (a task leaves, the next is picked
 * later in the same instant), hence a stretch that ends and begins again at the same instant goes
 * on. Beside each idle CPU one queue is kept in view on which a task waits, until it has no more
 * than one task or the rule has nothing to say about the two; once a tick, as often as balancing
 * can do anything, that is looked at. It is the queue that counts and not the task: two tasks that
 * take turns wait for a slice each, and the idle CPU is as wasted.
 */
#include "kernel/wasted.h"

#include "kernel/group.h"

/* One idle CPU while some task could run on it. */
struct beside {
    sim_time from, to;
    const struct task *task; /* in view, with the queue where it waits; NULL: none */
    int32_t task_cpu;
    sim_time
        since; /* the two CPUs are side by side, and nothing has come to the idle one's group */
    struct wasted_verdict verdict;
    struct probe_note of_task, of_cpu;
    struct wasted_stretch worst; /* the pair that went farthest beyond, or lasted longest */
};

struct wasted {
    struct kernel *k;
    struct cpumask *open, *ending, *target;
    struct beside *beside;          /* by CPU */
    sim_time *arrival;              /* by CPU and depth: a task came from outside that domain */
    struct cpumask *overloaded;     /* as they were after the last event */
    sim_time *calm;                 /* by CPU: it had no two tasks then, for the last time */
    struct probe_note *cpu, **task; /* last decisions; tasks in pieces of TASK_PIECE */
    uint32_t nr_pieces;
    sim_time last, next_view;
    struct observer observer;
    struct wasted_totals totals;
    void (*stretch)(void *priv, const struct wasted_stretch *s);
    void *priv;
    const char *broken;
};

enum { TASK_PIECE = 256, TASK_PIECES = 8192 };

bool
wasted_waits(const struct kernel *k, const struct task *p)
{
    (void)k;
    return p->state == TASK_RUNNABLE && p->on_rq && p->class == &fair_sched_class &&
           !p->se.sched_delayed && !p->migrate_pending &&
           (p->se.cfs_rq == NULL || !throttled_hierarchy(p->se.cfs_rq));
}

/* ---- what was decided last ---- */

static struct probe_note *
task_note(struct wasted *w, const struct task *p)
{
    uint32_t piece = p->id / TASK_PIECE;

    if (piece >= TASK_PIECES)
        return NULL;
    if (w->task[piece] == NULL)
        w->task[piece] = arena_new_array(w->k->arena, struct probe_note, TASK_PIECE);
    return &w->task[piece][p->id % TASK_PIECE];
}

static void
note(void *sink, const struct probe_note *n, const struct task *p, int cpu)
{
    struct wasted *w = sink;

    if (p == NULL) {
        if (cpu >= 0)
            w->cpu[cpu] = *n;
        return;
    }
    struct probe_note *kept = task_note(w, p);
    if (kept != NULL)
        *kept = *n;
}

static void
task_migrate(void *priv, struct kernel *k, struct task *p, int from, int to)
{
    struct wasted *w = priv;
    uint32_t depth = 1;
    (void)p;

    for_each_domain (sd, k->domains->cpus[to].sd) {
        if (cpumask_test(sd->span, (uint32_t)from) || depth >= WASTED_DEPTH)
            break;
        w->arrival[(uint32_t)to * WASTED_DEPTH + depth++] = k->engine.now;
    }
}

/* ---- the task in view ---- */

/* The task that has waited longest on an overloaded CPU's queue and may run on `cpu`. */
static const struct task *
longest_waiting(const struct kernel *k, const struct rq *rq, int cpu)
{
    const struct task *longest = NULL;

    list_for_each (node, &rq->cfs_tasks) {
        const struct task *p = list_entry(node, struct task, rq_node);

        if (wasted_waits(k, p) && cpumask_test(p->allowed, (uint32_t)cpu) &&
            (longest == NULL || p->queued_at < longest->queued_at))
            longest = p;
    }
    return longest;
}

static void
take_in_view(struct wasted *w, struct beside *b, const struct task *p, int cpu,
             const struct wasted_verdict *v)
{
    const struct probe_note *n = task_note(w, p);

    b->task = p;
    b->task_cpu = p->cpu;
    b->since = w->k->engine.now;
    b->verdict = *v;
    b->of_task = n != NULL ? *n : (struct probe_note){ 0 };
    b->of_cpu = w->cpu[cpu];
}

/* A pair for which the rules set a limit, else any. */
static void
find_in_view(struct wasted *w, int cpu)
{
    struct kernel *k = w->k;
    struct beside *b = &w->beside[cpu];

    b->task = NULL;
    for_each_cpu (busy, k->overloaded_cpus) {
        const struct task *p = longest_waiting(k, &k->rqs[busy], cpu);

        if (p == NULL)
            continue;
        struct wasted_verdict v = wasted_rule(k, p, busy, cpu);
        if (b->task == NULL || v.allowed != SIM_NEVER)
            take_in_view(w, b, p, cpu, &v);
        if (v.allowed != SIM_NEVER)
            return;
    }
}

static struct wasted_stretch
as_stretch(const struct beside *b, int cpu, sim_time to)
{
    return (struct wasted_stretch){
        .cpu = cpu,
        .from = b->from,
        .to = to,
        .task = b->task,
        .task_cpu = b->task_cpu,
        .together = b->task != NULL ? to - b->since : 0,
        .allowed = b->task != NULL ? b->verdict.allowed : SIM_NEVER,
        .level = b->task != NULL ? b->verdict.level : "",
        .of_task = b->of_task,
        .of_cpu = b->of_cpu,
    };
}

static void
say_broken(struct wasted *w, const struct wasted_stretch *s)
{
    if (w->broken != NULL)
        return;
    w->broken = arena_printf(
        w->k->arena,
        "no CPU idles for longer than the rules allow while a task waits that may run there: CPU "
        "%d idled beside CPU %d, where task %s waits, for %llu ns; %s domains allow %llu ns; "
        "last decisions: %llu (%s, %s) of the task, %llu (%s, %s) of the CPU",
        s->cpu, s->task_cpu, s->task->name, (unsigned long long)s->together, s->level,
        (unsigned long long)s->allowed, (unsigned long long)s->of_task.seq,
        decision_kind_names[s->of_task.kind], s->of_task.seq ? s->of_task.rule : "none",
        (unsigned long long)s->of_cpu.seq, decision_kind_names[s->of_cpu.kind],
        s->of_cpu.seq ? s->of_cpu.rule : "none");
}

/* How far the pair in view has come: kept if it is the worst of the stretch. */
static void
judge(struct wasted *w, int cpu, sim_time now)
{
    struct beside *b = &w->beside[cpu];

    if (b->task == NULL)
        return;
    struct wasted_stretch s = as_stretch(b, cpu, now);
    if (wasted_beyond(&s) >= wasted_beyond(&b->worst) && s.together >= b->worst.together)
        b->worst = s;
    if (wasted_beyond(&s))
        say_broken(w, &s);
}

/* Something came to the idle CPU's side of the machine since the two are side by side: balancing
 * is at work. */
static bool
improved(const struct wasted *w, int cpu, const struct beside *b)
{
    const struct sched_domain *sd = w->k->domains->cpus[cpu].sd;

    if (b->verdict.depth == 0 || sd == NULL)
        return false;
    for (uint32_t depth = 1; depth < b->verdict.depth && sd->parent != NULL; depth++)
        sd = sd->parent;
    for_each_cpu (c, sd->span)
        if (w->arrival[(uint32_t)c * WASTED_DEPTH + b->verdict.depth] > b->since)
            return true;
    return false;
}

static void
view(struct wasted *w, int cpu)
{
    struct kernel *k = w->k;
    struct beside *b = &w->beside[cpu];
    const struct task *p = b->task;

    judge(w, cpu, k->engine.now);
    if (p != NULL && w->calm[b->task_cpu] <= b->since && !improved(w, cpu, b))
        p = longest_waiting(k, &k->rqs[b->task_cpu], cpu);
    else
        p = NULL;
    if (p == NULL) {
        find_in_view(w, cpu);
        return;
    }
    b->task = p;
    struct wasted_verdict v = wasted_rule(k, p, b->task_cpu, cpu);
    if (v.allowed == SIM_NEVER && b->verdict.allowed != SIM_NEVER)
        find_in_view(w, cpu);
    else if (v.allowed != SIM_NEVER && b->verdict.allowed == SIM_NEVER)
        take_in_view(w, b, p, cpu, &v);
}

/* ---- stretches ---- */

static void
begin(struct wasted *w, int cpu)
{
    struct beside *b = &w->beside[cpu];

    if (cpumask_test(w->ending, (uint32_t)cpu)) { /* it ended at this very instant */
        cpumask_clear(w->ending, (uint32_t)cpu);
        return;
    }
    *b = (struct beside){ .from = w->k->engine.now };
    find_in_view(w, cpu);
}

static void
end(struct wasted *w, int cpu)
{
    struct beside *b = &w->beside[cpu];
    uint64_t ns = b->to - b->from;

    if (ns == 0)
        return;
    w->totals.nr_stretches++;
    w->totals.ns += ns;
    if (ns > w->totals.longest_ns) {
        w->totals.longest_ns = ns;
        w->totals.longest_cpu = cpu;
    }
    if (wasted_beyond(&b->worst)) {
        w->totals.nr_beyond++;
        w->totals.beyond_ns += b->worst.together - b->worst.allowed;
    }
    b->worst.cpu = cpu;
    b->worst.from = b->from;
    b->worst.to = b->to;
    if (w->stretch != NULL)
        w->stretch(w->priv, &b->worst);
}

static void
flush(struct wasted *w)
{
    for_each_cpu (cpu, w->ending)
        end(w, cpu);
    cpumask_zero(w->ending);
}

/* Idle CPUs on which some waiting task may run; CPUs without domains are nobody's to fill. */
static void
find_target(struct wasted *w)
{
    struct kernel *k = w->k;

    cpumask_zero(w->target);
    if (k->nr_idle == 0 || k->nr_overloaded == 0)
        return;
    for_each_cpu (busy, k->overloaded_cpus)
        list_for_each (node, &k->rqs[busy].cfs_tasks) {
            const struct task *p = list_entry(node, struct task, rq_node);

            if (!wasted_waits(k, p) || p->nr_allowed == 1)
                continue;
            for (uint32_t i = 0; i < w->target->nr_words; i++)
                w->target->bits[i] |=
                    k->idle_cpus->bits[i] & p->allowed->bits[i] & ~k->machine->isolated->bits[i];
            if (p->nr_allowed == k->nr_online)
                return;
        }
}

static void
note_calm(struct wasted *w)
{
    const struct cpumask *now = w->k->overloaded_cpus;

    for (uint32_t i = 0; i < now->nr_words; i++)
        for (uint64_t left = w->overloaded->bits[i] & ~now->bits[i]; left != 0; left &= left - 1)
            w->calm[64 * i + (uint32_t)__builtin_ctzll(left)] = w->k->engine.now;
    cpumask_copy(w->overloaded, now);
}

void
wasted_look(struct wasted *w)
{
    struct kernel *k = w->k;
    sim_time now = k->engine.now;

    if (now != w->last)
        flush(w);
    note_calm(w);
    find_target(w);
    for_each_cpu (cpu, w->open)
        if (!cpumask_test(w->target, (uint32_t)cpu)) {
            w->beside[cpu].to = now;
            judge(w, cpu, now);
            cpumask_set(w->ending, (uint32_t)cpu);
        }
    for_each_cpu (cpu, w->target)
        if (!cpumask_test(w->open, (uint32_t)cpu))
            begin(w, cpu);
    cpumask_copy(w->open, w->target);
    if (now >= w->next_view) {
        for_each_cpu (cpu, w->open)
            view(w, cpu);
        w->next_view = now + k->tick_ns;
    }
    w->last = now;
}

void
wasted_finish(struct wasted *w)
{
    flush(w);
    for_each_cpu (cpu, w->open) {
        w->beside[cpu].to = w->k->engine.now;
        judge(w, cpu, w->k->engine.now);
        end(w, cpu);
    }
    cpumask_zero(w->open);
}

struct wasted *
wasted_new(struct kernel *k)
{
    struct wasted *w = arena_new_object(k->arena, struct wasted);
    uint32_t n = k->machine->nr_cpus;

    w->k = k;
    w->open = cpumask_new(k->arena, n);
    w->ending = cpumask_new(k->arena, n);
    w->target = cpumask_new(k->arena, n);
    w->beside = arena_new_array(k->arena, struct beside, n);
    w->arrival = arena_new_array(k->arena, sim_time, n * WASTED_DEPTH);
    w->overloaded = cpumask_new(k->arena, n);
    w->calm = arena_new_array(k->arena, sim_time, n);
    w->cpu = arena_new_array(k->arena, struct probe_note, n);
    w->task = arena_new_array(k->arena, struct probe_note *, TASK_PIECES);
    w->observer = (struct observer){ .priv = w, .task_migrate = task_migrate };
    kernel_observe(k, &w->observer);
    k->probe.noted = 1u << DECISION_WAKE | 1u << DECISION_FORK | 1u << DECISION_BALANCE_GROUP |
                     1u << DECISION_BALANCE_QUEUE | 1u << DECISION_BALANCE_TASK;
    k->probe.note = note;
    k->probe.note_sink = w;
    return w;
}

void
wasted_report_to(struct wasted *w, void (*stretch)(void *priv, const struct wasted_stretch *s),
                 void *priv)
{
    w->stretch = stretch;
    w->priv = priv;
}

const struct wasted_totals *
wasted_totals(const struct wasted *w)
{
    return &w->totals;
}

const char *
wasted_broken(const struct wasted *w)
{
    return w->broken;
}
