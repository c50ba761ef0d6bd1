/*
 * What a program says beforehand: its steps are walked once, without running them, and every step
 * counts as often as the loops around it go round, and as likely as the choices before it lead
 * there.
 *
 * A loop that never ends stands for all that comes after: the plan is then one round of it, and
 * what comes before is left out. Numbers that are drawn count as their mean, random(n) as 0, and a
 * number that cannot be known yet as one round.
 */
#include "kernel/cache_share.h"
#include "kernel/task_plan.h"
#include "workload/run.h"

struct walk {
    const struct thread *t;
    struct task_plan *plan;
    double rounds[WORKLOAD_LOOPS_MAX + 1]; /* of a step at this depth */
    uint32_t depth;
    uint32_t nr_forks; /* in the road, inside of each other */
    struct {
        const struct wstep *choose;
        uint32_t end;
    } forks[WORKLOAD_LOOPS_MAX];
    int32_t until; /* a fork of this group ends the walk; -1: none does */
    double chance; /* that the program comes to this step, where it could go another way */
    bool over;
};

static double
number_of(const struct walk *w, const struct wexpr *e, double otherwise)
{
    struct wenv env;
    uint64_t value;

    if (e->nr == 0)
        return otherwise;
    env_of_thread(&env, w->t);
    env.v[WVAR_CPU] = 0;
    env.rng = NULL;
    return wexpr_eval(e, &env, &value) == NULL ? (double)value : otherwise;
}

static double
mean_of(const struct walk *w, const struct wstep *s)
{
    return s->dist >= 0 ? (double)chance_mean(&w->t->run->chances[s->dist]) : 0;
}

/* How often the present step is done. */
static double
times(const struct walk *w)
{
    return w->rounds[w->depth] * w->chance;
}

/* ---- what is added up, as a whole and by parts ---- */

static void
begin_part(struct walk *w)
{
    struct task_plan *plan = w->plan;

    if (plan->nr_parts < PLAN_PARTS_MAX)
        plan->parts[plan->nr_parts++] = (struct plan_part){ 0 };
}

static void
add_work(const struct walk *w, double ns)
{
    w->plan->work_ns += ns;
    w->plan->parts[w->plan->nr_parts - 1].work_ns += ns;
}

static void
add_idle(const struct walk *w, double ns)
{
    w->plan->idle_ns += ns;
    w->plan->parts[w->plan->nr_parts - 1].idle_ns += ns;
}

static struct plan_use *
use_of(struct kernel *k, struct task_plan *plan, const struct burst_use *u)
{
    uint32_t part = plan->nr_parts - 1;

    for (uint32_t i = 0; i < plan->nr_uses; i++)
        if (plan->uses[i].region == u->region && plan->uses[i].slice == u->slice &&
            plan->uses[i].part == part)
            return &plan->uses[i];
    if (plan->nr_uses == plan->cap_uses) {
        uint32_t cap = plan->cap_uses > 0 ? 2 * plan->cap_uses : 4;

        plan->uses = arena_grow(k->arena, plan->uses, plan->cap_uses * sizeof(*plan->uses),
                                cap * sizeof(*plan->uses));
        plan->cap_uses = cap;
    }
    plan->uses[plan->nr_uses] =
        (struct plan_use){ .region = u->region, .slice = u->slice, .part = part };
    return &plan->uses[plan->nr_uses++];
}

/* Part of the references that miss, if all CPUs of a last-level cache have equal parts of it. */
static double
miss_ratio(const struct walk *w, const struct burst_profile *p)
{
    const struct machine *m = w->t->run->k->machine;
    double bytes = (double)m->cache.llc_bytes * SIM_MAX(m->nr_llcs, 1u) / m->nr_cpus, slope;

    return p->reuse != NULL ? reuse_miss(p->reuse, bytes, &slope) : 1;
}

/* So much work under a profile. */
static void
add_burst(const struct walk *w, const struct burst_profile *p, double work)
{
    double misses = work * p->misses_q20 / (1 << 20), weights = 0;

    for (uint32_t i = 0; i < p->nr_uses; i++)
        weights += p->uses[i].weight;
    for (uint32_t i = 0; i < p->nr_uses && weights > 0; i++) {
        struct plan_use *u = use_of(w->t->run->k, w->plan, &p->uses[i]);
        double part = misses * p->uses[i].weight / weights * (i == 0 ? miss_ratio(w, p) : 1);

        u->misses += part;
        u->written += part * p->write_q8 / 256;
        u->stalls += part * 256 / SIM_MAX(p->mlp_q8, 1u);
    }
}

static void
add_run(const struct walk *w, const struct wstep *s)
{
    const struct burst *b = s->mem != NULL ? &w->t->bursts[aux_of(w->t, s)->burst] : NULL;
    double work;

    if (s->kind == WSTEP_STREAM && s->dist >= 0)
        work = (double)stream_work(w->t->run, b, (uint64_t)mean_of(w, s));
    else if (s->kind == WSTEP_STREAM)
        work = (double)b->work;
    else if (s->dist >= 0)
        work = mean_of(w, s);
    else
        work = number_of(w, &s->amount, 0) * w->t->run->w->instruction_ps / 1000;
    work *= times(w);
    add_work(w, work);
    if (b != NULL && b->has_misses)
        add_burst(w, &b->profile, work);
}

/* A round of a loop without end is all that counts. */
static void
begin_loop(struct walk *w, const struct wstep *s)
{
    double rounds = w->rounds[w->depth++];

    w->rounds[w->depth] = rounds * number_of(w, &s->amount, 1);
    if (s->amount.nr > 0)
        return;
    *w->plan = (struct task_plan){
        .endless = true,
        .background = w->plan->background,
        .uses = w->plan->uses,
        .cap_uses = w->plan->cap_uses,
    };
    begin_part(w);
    w->rounds[w->depth] = 1;
}

static void
end_loop(struct walk *w, const struct wstep *s)
{
    const struct wstep *head = &w->t->crew->spec->steps[s->jump];

    if (head->kind == WSTEP_PERIOD)
        add_idle(w, mean_of(w, head) * times(w));
    w->over |= head->amount.nr == 0;
    w->depth--;
}

/* ---- choices: the ways stand one after the other, and each but the last ends in a jump ---- */

static void
begin_choice(struct walk *w, const struct wstep *s)
{
    const struct wgroup *g = w->t->crew->spec;

    if (s->nr_choices < 2 || w->nr_forks == ARRAY_LEN(w->forks))
        return;
    const struct wstep *last = &g->steps[s->choices[1].jump - 1];
    w->forks[w->nr_forks].choose = s;
    w->forks[w->nr_forks++].end = last->kind == WSTEP_JUMP ? last->jump : s->choices[1].jump;
}

/* The chance of the way that step `at` is on. */
static double
way_of(const struct walk *w, const struct wstep *s, uint32_t at)
{
    double sum = 0, way = 0;

    for (uint32_t i = 0; i < s->nr_choices; i++) {
        double weight = number_of(w, &s->choices[i].weight, 1);

        sum += weight;
        way = s->choices[i].jump <= at ? weight : way;
    }
    return sum > 0 ? way / sum : 0;
}

static void
look_at_forks(struct walk *w, uint32_t at)
{
    while (w->nr_forks > 0 && w->forks[w->nr_forks - 1].end <= at)
        w->nr_forks--;
    w->chance = 1;
    for (uint32_t i = 0; i < w->nr_forks; i++)
        w->chance *= way_of(w, w->forks[i].choose, at);
}

/* What the device needs if nobody else uses it, transfers apart. */
static void
add_io(struct walk *w, const struct wstep *s)
{
    double ns = s->io == NULL      ? mean_of(w, s)
                : s->io->time >= 0 ? (double)chance_mean(&w->t->run->chances[s->io->time])
                                   : 0;

    add_idle(w, ns * times(w));
}

static void
add_step(struct walk *w, const struct wstep *s)
{
    switch (s->kind) {
    case WSTEP_COMPUTE:
    case WSTEP_STREAM:
        add_run(w, s);
        break;
    case WSTEP_SLEEP:
    case WSTEP_TIMER:
        add_idle(w, mean_of(w, s) * times(w));
        break;
    case WSTEP_IO:
    case WSTEP_OFFLOAD:
        add_io(w, s);
        break;
    case WSTEP_LOOP:
    case WSTEP_PERIOD:
        begin_loop(w, s);
        break;
    case WSTEP_END_LOOP:
    case WSTEP_END_PERIOD:
        end_loop(w, s);
        break;
    case WSTEP_WORK:
        w->plan->units += number_of(w, &s->amount, 1) * times(w);
        break;
    case WSTEP_REQUEST_END:
        w->plan->units += times(w);
        break;
    case WSTEP_BARRIER:
        begin_part(w);
        break;
    case WSTEP_CHOOSE:
        begin_choice(w, s);
        break;
    case WSTEP_FORK:
        w->over = s->group == w->until;
        break;
    case WSTEP_EXIT:
        w->over = w->chance == 1;
        break;
    default:
        break;
    }
}

/* The plan of a thread's program, up to where it forks a group; false: it never does. */
static bool
walk_program(const struct thread *t, int32_t until, struct task_plan *plan)
{
    const struct wgroup *g = t->crew->spec;
    struct walk w = { .t = t, .plan = plan, .rounds = { 1 }, .until = until, .chance = 1 };

    plan->background = g->background;
    begin_part(&w);
    for (uint32_t i = 0; i < g->nr_steps && !w.over; i++) {
        look_at_forks(&w, i);
        add_step(&w, &g->steps[i]);
    }
    return w.over && w.depth == 0; /* in a loop, the first round comes at once */
}

/* Who forks it, and after which part of the work. */
static void
find_parent(const struct thread *t, struct task_plan *plan)
{
    const struct instance *in = t->crew->instance;
    int32_t group = (int32_t)(t->crew->spec - t->run->w->groups);

    for (uint32_t i = 0; i < in->spec->nr_groups; i++) {
        const struct crew *c = &in->crews[i];
        struct task_plan all = { 0 }, before = { 0 };

        if (c == t->crew || c->nr == 0 || !walk_program(&c->threads[0], group, &before))
            continue;
        walk_program(&c->threads[0], -1, &all);
        plan->after = c->threads[0].task;
        plan->after_part = all.work_ns > 0 ? before.work_ns / all.work_ns : 0;
        return;
    }
}

void
program_plan(struct kernel *k, struct task *p, struct task_plan *plan)
{
    const struct thread *t = p->prog;
    (void)k;

    walk_program(t, -1, plan);
    if (t->crew->spec->by_fork)
        find_parent(t, plan);
}
