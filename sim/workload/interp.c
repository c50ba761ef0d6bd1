/*
 * The interpreter: what a thread does next.
 *
 * A step either takes no time (the thread goes on to the next one at once) or ends in an action:
 * run for so long, sleep, block. The kernel asks again when the action is over. Each step is a
 * function in the table below; it moves the thread's place in its program itself, because a step
 * that had to wait is entered again.
 *
 * A program that goes round without ever doing anything would hold up the clock forever, so the
 * number of steps without an action is limited.
 */
#include "workload/run.h"

enum { STEPS_AT_ONCE = 1000000 };

typedef bool (*step_fn)(struct thread *t, const struct wstep *s, struct action *act);

void
thread_fail(struct thread *t, const struct wstep *s, const char *what)
{
    kernel_fail(t->run->k, "%s:%u: step %s of %s %s", t->run->w->file, s->line,
                wstep_names[s->kind], t->attr.name, what);
    t->pc = t->crew->spec->nr_steps;
    t->depth = 0;
}

bool
step_number_drawn(struct thread *t, const struct wstep *s, const struct wexpr *e, uint64_t *value)
{
    struct wenv env;

    env_of_thread(&env, t);
    env.v[WVAR_CPU] = (uint64_t)t->task->cpu;
    env.rng = &t->rng;
    const char *why = wexpr_eval(e, &env, value);
    if (why != NULL)
        thread_fail(t, s, arena_printf(t->run->k->arena, "has a number that %s", why));
    return why == NULL;
}

static bool
run_for(struct action *act, uint64_t work, const struct burst *b)
{
    *act = (struct action){ .kind = ACTION_RUN, .work = work };
    if (b != NULL && b->has_misses)
        act->profile = &b->profile;
    return work > 0;
}

static bool
step_compute(struct thread *t, const struct wstep *s, struct action *act)
{
    const struct burst *b = s->mem != NULL ? &t->bursts[aux_of(t, s)->burst] : NULL;
    uint64_t work;

    if (s->dist >= 0)
        work = chance_draw(&t->run->chances[s->dist], &t->rng);
    else if (step_number(t, s, &s->amount, &work))
        work = work > CHANCE_MAX >> 12 ? CHANCE_MAX : work * t->run->w->instruction_ps / 1000;
    else
        return false;
    t->pc++;
    return run_for(act, work, b);
}

static bool
step_stream(struct thread *t, const struct wstep *s, struct action *act)
{
    const struct burst *b = &t->bursts[aux_of(t, s)->burst];
    uint64_t work = b->work;

    if (s->dist >= 0)
        work = stream_work(t->run, b, chance_draw(&t->run->chances[s->dist], &t->rng));
    t->pc++;
    return run_for(act, work, b);
}

static bool
sleep_until(struct thread *t, struct action *act, sim_time until)
{
    *act = (struct action){ .kind = ACTION_SLEEP, .until = until };
    return until > kernel_now(t->run->k);
}

static bool
step_sleep(struct thread *t, const struct wstep *s, struct action *act)
{
    uint64_t ns = chance_draw(&t->run->chances[s->dist], &t->rng);

    t->pc++;
    return sleep_until(t, act, kernel_now(t->run->k) + ns);
}

/* The next release: absolute times catch up what was late, relative ones begin anew when late. */
static sim_time
next_release(sim_time last, uint64_t period, sim_time now, bool relative)
{
    sim_time next = last + period;

    return relative && next < now ? now : next;
}

static bool
step_timer(struct thread *t, const struct wstep *s, struct action *act)
{
    struct meeting *m = s->object >= 0 ? meeting_of(t, s) : NULL;
    sim_time now = kernel_now(t->run->k), first = s->from_start ? t->began : now;
    uint64_t period = chance_draw(&t->run->chances[s->dist], &t->rng);

    if (s->object >= 0 && m == NULL)
        return false;
    bool is_set = m != NULL ? m->size > 0 : t->timer_set;
    sim_time last = !is_set ? first : m != NULL ? m->value : t->timer_at;
    sim_time next = next_release(last, period, now, s->relative);
    if (m != NULL) {
        m->value = next;
        m->size = 1;
    } else {
        t->timer_at = next;
        t->timer_set = true;
    }
    t->pc++;
    return sleep_until(t, act, next);
}

static bool
step_yield(struct thread *t, const struct wstep *s, struct action *act)
{
    t->pc++;
    *act = (struct action){ .kind = ACTION_YIELD };
    return true;
}

static bool
step_exit(struct thread *t, const struct wstep *s, struct action *act)
{
    t->pc = t->crew->spec->nr_steps;
    t->depth = 0;
    return false;
}

/* The program begins anew as another one: a good moment to choose a CPU. */
static bool
step_exec(struct thread *t, const struct wstep *s, struct action *act)
{
    t->pc++;
    task_exec(t->run->k, t->task);
    return false;
}

/* ---- loops ---- */

static bool
step_loop(struct thread *t, const struct wstep *s, struct action *act)
{
    uint64_t rounds = UINT64_MAX;

    if (s->amount.nr > 0 && !step_number(t, s, &s->amount, &rounds))
        return false;
    if (rounds == 0) {
        t->pc = s->jump + 1;
        return false;
    }
    t->levels[t->depth++] = (struct level){ .left = rounds, .release = kernel_now(t->run->k) };
    t->pc++;
    return false;
}

/* False: the last round is over, and the loop is left. */
static bool
next_round(struct thread *t, const struct wstep *s)
{
    struct level *l = &t->levels[t->depth - 1];

    l->left -= l->left != UINT64_MAX;
    l->round++;
    if (l->left == 0)
        t->depth--;
    t->pc = l->left == 0 ? t->pc + 1 : s->jump + 1;
    return l->left > 0;
}

static bool
step_end_loop(struct thread *t, const struct wstep *s, struct action *act)
{
    next_round(t, s);
    return false;
}

/* A round of a period is over: was it in time, and when does the next begin? */
static bool
step_end_period(struct thread *t, const struct wstep *s, struct action *act)
{
    struct level *l = &t->levels[t->depth - 1];
    const struct wstep *head = &t->crew->spec->steps[s->jump];
    struct process_stats *stats = &t->crew->instance->process->stats;
    sim_time now = kernel_now(t->run->k);
    uint64_t period = chance_draw(&t->run->chances[head->dist], &t->rng), deadline = period;

    if (head->deadline.nr > 0 && !step_number(t, head, &head->deadline, &deadline))
        return false;
    stats->deadline_total++;
    stats->deadline_misses += now > l->release + deadline;
    sim_time next = next_release(l->release, period, now, head->relative);
    if (head->on_miss == WMISS_SKIP && next < now && period > 0)
        next += div_round_up_u64(now - next, period) * period;
    l->release = next;
    return next_round(t, s) && sleep_until(t, act, next);
}

/* ---- branches ---- */

static bool
step_jump(struct thread *t, const struct wstep *s, struct action *act)
{
    t->pc = s->jump;
    return false;
}

static bool
step_choose(struct thread *t, const struct wstep *s, struct action *act)
{
    uint64_t weights[WCHOICE_MAX], sum = 0, at;

    for (uint32_t i = 0; i < s->nr_choices; i++) {
        if (!step_number(t, s, &s->choices[i].weight, &weights[i]))
            return false;
        weights[i] = SIM_MIN(weights[i], (uint64_t)1 << 32);
        sum += weights[i];
    }
    if (sum == 0) {
        thread_fail(t, s, "has nothing to choose: all weights are 0");
        return false;
    }
    at = rng_below(&t->rng, sum);
    for (uint32_t i = 0; i < s->nr_choices; at -= weights[i++])
        if (at < weights[i]) {
            t->pc = s->choices[i].jump;
            return false;
        }
    sim_panic(__FILE__, __LINE__, "no choice");
}

/* ---- words about work ---- */

static bool
step_work(struct thread *t, const struct wstep *s, struct action *act)
{
    uint64_t n;

    if (step_number(t, s, &s->amount, &n)) {
        task_work_done(t->task, n);
        t->pc++;
    }
    return false;
}

static const step_fn steps[WSTEP_NR] = {
    [WSTEP_COMPUTE] = step_compute,
    [WSTEP_STREAM] = step_stream,
    [WSTEP_SLEEP] = step_sleep,
    [WSTEP_IO] = step_io,
    [WSTEP_OFFLOAD] = step_io,
    [WSTEP_AWAIT] = step_await,
    [WSTEP_TIMER] = step_timer,
    [WSTEP_BARRIER] = step_barrier,
    [WSTEP_LOCK] = step_lock,
    [WSTEP_UNLOCK] = step_unlock,
    [WSTEP_WAIT] = step_wait,
    [WSTEP_SIGNAL] = step_signal,
    [WSTEP_BROADCAST] = step_broadcast,
    [WSTEP_DOWN] = step_down,
    [WSTEP_UP] = step_up,
    [WSTEP_SEND] = step_send,
    [WSTEP_RECEIVE] = step_receive,
    [WSTEP_FORK] = step_fork,
    [WSTEP_JOIN] = step_join,
    [WSTEP_EXIT] = step_exit,
    [WSTEP_YIELD] = step_yield,
    [WSTEP_EXEC] = step_exec,
    [WSTEP_REQUEST_BEGIN] = step_request_begin,
    [WSTEP_REQUEST_END] = step_request_end,
    [WSTEP_CALL] = step_call,
    [WSTEP_REPLIES] = step_replies,
    [WSTEP_CHOOSE] = step_choose,
    [WSTEP_JUMP] = step_jump,
    [WSTEP_LOOP] = step_loop,
    [WSTEP_END_LOOP] = step_end_loop,
    [WSTEP_PERIOD] = step_loop,
    [WSTEP_END_PERIOD] = step_end_period,
    [WSTEP_SET_MEMPOLICY] = step_set_mempolicy,
    [WSTEP_FORCE_NODE] = step_force_node,
    [WSTEP_UNFORCE_NODE] = step_force_node,
    [WSTEP_MBIND] = step_mbind,
    [WSTEP_MOVE_PAGES] = step_move_pages,
    [WSTEP_MIGRATE_PAGES] = step_migrate_pages,
    [WSTEP_SET_MEMS] = step_set_mems,
    [WSTEP_UNMAP] = step_unmap,
    [WSTEP_MADVISE] = step_madvise,
    [WSTEP_MPROTECT] = step_mprotect,
    [WSTEP_SET_AFFINITY] = step_set_affinity,
    [WSTEP_SET_NICE] = step_set_nice,
    [WSTEP_SET_CLASS] = step_set_class,
    [WSTEP_HINT] = step_hint,
    [WSTEP_WORK] = step_work,
};

static struct action
program_next(struct kernel *k, struct task *p)
{
    struct thread *t = p->prog;
    const struct wgroup *g = t->crew->spec;
    struct action act = { .kind = ACTION_EXIT };

    for (uint32_t n = 0; n < STEPS_AT_ONCE && t->pc < g->nr_steps; n++) {
        const struct wstep *s = &g->steps[t->pc];

        if (steps[s->kind](t, s, &act))
            return act;
    }
    if (t->pc < g->nr_steps)
        thread_fail(t, &g->steps[t->pc], "goes round and round without doing anything");
    act = (struct action){ .kind = ACTION_EXIT };
    return act;
}

static void
program_exited(struct kernel *k, struct task *p)
{
    struct thread *t = p->prog;
    struct crew *c = t->crew;

    t->alive = false;
    c->nr_alive--;
    wait_leave(t);
    retry_all(&c->waiters, p);
    if (!c->spec->background && --t->run->nr_unfinished == 0)
        engine_stop(&k->engine);
}

const struct task_ops program_ops = { .next = program_next,
                                      .exited = program_exited,
                                      .plan = program_plan };
