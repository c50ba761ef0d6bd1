/*
 * A run's beginning and end: who is started when, and when all is done.
 *
 * Threads that start by themselves do so at their time plus a jitter that the seed draws. A thread
 * that is forked again after its end becomes a new task with the old thread's name and program.
 */
#include "workload/run.h"

static void
thread_begin(struct thread *t)
{
    struct kernel *k = t->run->k;

    if (t->task->state != TASK_NEW)
        t->task = task_new(k, t->crew->instance->process, &t->attr);
    t->pc = t->depth = t->nr_forked = 0;
    t->queued = t->granted = t->retrying = t->has_request = t->timer_set = false;
    t->nr_hints = 0;
    t->calls_open = 0;
    t->nr_io = 0;
    t->io = IO_NONE;
    t->task->deferrable = t->crew->spec->deferrable;
    t->locked = NULL;
    t->began = k->engine.now;
    t->alive = true;
    t->crew->nr_alive++;
    t->run->nr_unfinished += !t->crew->spec->background;
    if (t->policy.mode != MPOL_DEFAULT)
        thread_apply_policy(t);
}

void
thread_start(struct thread *t, struct task *parent)
{
    thread_begin(t);
    if (t->policy.mode == MPOL_DEFAULT && parent->mem->policy.mode != MPOL_DEFAULT)
        t->task->mem->policy = parent->mem->policy;
    task_start(t->run->k, t->task, parent);
}

static sim_time
start_of(const struct thread *t)
{
    const struct wgroup *g = t->crew->spec;
    const struct noise_params *noise = &t->run->k->params.noise;
    uint64_t start = 0, stagger = 0;
    struct wenv env;
    struct rng rng;

    env_of_thread(&env, t);
    if (g->start.nr > 0)
        wexpr_eval(&g->start, &env, &start); /* both were evaluated by workload_limits() */
    if (g->stagger.nr > 0)
        wexpr_eval(&g->stagger, &env, &stagger);
    sim_time at = SIM_MIN(start, CHANCE_MAX) + SIM_MIN(stagger, CHANCE_MAX >> 20) * t->number;
    rng_init(&rng, t->run->k->seed, "start jitter", t->index);
    return noise->start_jitter ? at + rng_below(&rng, noise->start_jitter_max + 1) : at;
}

void
workload_start(struct workload_run *r)
{
    if (r->replay != NULL)
        replay_start(r->replay);
    for (uint32_t i = 0; i < r->nr_threads; i++) {
        struct thread *t = r->threads[i];

        if (t->crew->spec->by_fork)
            continue;
        thread_begin(t);
        t->began = start_of(t);
        task_start_at(r->k, t->task, t->began);
    }
    for (uint32_t i = 0; i < r->nr_sources; i++)
        source_start(&r->sources[i]);
}

bool
workload_done(const struct workload_run *r)
{
    if (r->replay != NULL)
        return replay_done(r->replay);
    return r->nr_unfinished == 0;
}

/* ---- does it end? ---- */

/* A loop that goes on forever ends all the same if it takes requests from a source that runs dry,
 * or leaves by an exit. */
static bool
loop_ends(const struct workload *w, const struct wgroup *g, uint32_t loop)
{
    for (uint32_t i = loop + 1; i < g->steps[loop].jump; i++) {
        const struct wstep *s = &g->steps[i];
        const struct warrival *a = s->object >= 0 ? &w->objects[s->object].arrivals : NULL;

        if (s->kind == WSTEP_EXIT)
            return true;
        if (s->kind == WSTEP_REQUEST_BEGIN && a != NULL &&
            (a->count.nr > 0 || a->kind == WARRIVAL_TIMES || a->kind == WARRIVAL_STAIRS))
            return true;
    }
    return false;
}

bool
workload_endless(const struct workload *w)
{
    for (uint32_t g = 0; g < w->nr_groups; g++)
        for (uint32_t i = 0; !w->groups[g].background && i < w->groups[g].nr_steps; i++) {
            const struct wstep *s = &w->groups[g].steps[i];

            if ((s->kind == WSTEP_LOOP || s->kind == WSTEP_PERIOD) && s->amount.nr == 0 &&
                !loop_ends(w, &w->groups[g], i))
                return true;
        }
    return false;
}

const char *
workload_remark(const struct workload_run *r)
{
    uint64_t dropped = 0;

    if (r->replay != NULL)
        return replay_remark(r->replay);
    for (uint32_t i = 0; i < r->nr_sources; i++)
        dropped += r->sources[i].nr_dropped;
    return dropped == 0 ? NULL
                        : arena_printf(r->k->arena,
                                       "%llu requests found their queue full and were dropped; "
                                       "they are in no latency",
                                       (unsigned long long)dropped);
}

const char *
workload_hint(const struct task *p, const char *name)
{
    const struct thread *t = p->prog;
    const struct wgroup *g;

    if (p->ops != &program_ops)
        return NULL;
    for (uint32_t i = t->nr_hints; i-- > 0;)
        if (strcmp(t->hints[i]->name, name) == 0)
            return t->hints[i]->value;
    g = t->crew->spec;
    for (uint32_t i = 0; i < g->nr_hints; i++)
        if (strcmp(g->hints[i].name, name) == 0)
            return g->hints[i].value;
    return NULL;
}
