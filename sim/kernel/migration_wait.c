/*
 * Who moves which pages, and who waits for them: see migration_wait.h.
 *
 * A group (a slice of a region, and the whole) remembers one stretch for each task that has moved
 * pages of it lately; a stretch that is over gives its place to the next. While nothing is in
 * migration, which is nearly always, one comparison says so.
 *
 * Nothing is set up for a stretch that nobody comes to: its mover's event is armed by the first
 * that has to wait.
 */
#include "kernel/migration_wait.h"

#include "kernel/burst.h"
#include "kernel/host_turns.h"

/* Those that wait for p look again. */
static void
wake_all(struct kernel *k, struct task *p)
{
    struct list *waiters = &p->mem->waiters;
    bool running = k->rqs[p->cpu].curr == p;

    while (!list_empty(waiters)) {
        struct task_mem *mem = list_entry(waiters->next, struct task_mem, wait_node);

        list_remove(&mem->wait_node);
        if (running)
            task_wake(k, mem->task, p, false);
        else
            task_wake_irq(k, mem->task, p->cpu);
    }
}

/* A guest's CPU that has not the turn moves no page: then there is nothing to do but to look again.
 */
static bool
has_still_to_arrive(struct kernel *k, struct task *p)
{
    struct task_mem *mem = p->mem;
    const struct rq *rq = &k->rqs[p->cpu];

    if (likely(k->host == NULL) || rq->curr != p || mem->nr_stops != mem->arrived_stop)
        return false;
    sim_time ahead = host_work_ahead(k, rq);
    if (ahead <= mem->arrived_left)
        return false;
    sim_time wait =
        host_has_turn(k, rq) ? ahead - mem->arrived_left : k->params.sched.host_turn / 16;
    engine_at(&k->engine, &mem->arrived, k->engine.now + wait);
    return true;
}

static void
arrived_fire(struct engine *eng, struct event *ev)
{
    struct task *p = container_of(ev, struct task_mem, arrived)->task;

    if (!has_still_to_arrive(eng->owner, p))
        wake_all(eng->owner, p);
}

void
migration_task_init(struct kernel *k, struct task *p)
{
    struct task_mem *mem = p->mem;

    mem->task = p;
    list_init(&mem->waiters);
    list_init(&mem->wait_node);
    event_init(&k->engine, &mem->arrived, EVENT_MOVED, p->slot, PHASE_ARRIVE, arrived_fire);
}

void
migration_task_exit(struct kernel *k, struct task *p)
{
    list_remove(&p->mem->wait_node);
    engine_cancel(&k->engine, &p->mem->arrived);
    wake_all(k, p);
}

/* What its mover has still to do for it. */
static sim_time
work_left(const struct kernel *k, const struct in_migration *m)
{
    const struct task *p = m->task;

    if (p->mem == NULL || p->mem->nr_stops != m->stop)
        return 0;
    if (likely(k->host == NULL))
        return m->until > k->engine.now ? m->until - k->engine.now : 0;
    return k->rqs[p->cpu].curr == p ? host_work_ahead(k, &k->rqs[p->cpu]) : 0;
}

/* The place of p's stretch in a group: its own, or one that is free. */
static struct in_migration *
place_of(struct kernel *k, struct region_group *g, const struct task *p)
{
    struct in_migration *free = NULL;

    for (uint32_t i = 0; i < g->nr_moving; i++) {
        struct in_migration *m = &g->moving[i];

        if (m->task == p)
            return m;
        if (free == NULL && work_left(k, m) == 0)
            free = m;
    }
    if (free != NULL)
        return free;
    if (g->nr_moving == g->cap_moving) {
        uint32_t cap = g->cap_moving ? 2 * g->cap_moving : 2;

        g->moving = arena_grow(k->arena, g->moving, g->cap_moving * sizeof(*g->moving),
                               cap * sizeof(*g->moving));
        g->cap_moving = cap;
    }
    return &g->moving[g->nr_moving++];
}

static void
group_begin(struct kernel *k, struct region_group *g, const struct in_migration *m)
{
    *place_of(k, g, m->task) = *m;
    g->moving_until = k->host != NULL ? SIM_NEVER : SIM_MAX(g->moving_until, m->until);
}

void
migration_begin(struct kernel *k, struct rq *rq, struct task *p, struct region *r, uint32_t slice,
                const struct in_migration *what)
{
    struct in_migration m = *what;

    m.task = p;
    m.begin = SIM_MAX(k->engine.now, rq->burst_at) + p->mem->paying;
    m.until += m.begin;
    m.stop = p->mem->nr_stops;
    group_begin(k, &r->groups[slice], &m);
    if (r->nr_groups > 1)
        group_begin(k, region_whole(r), &m);
}

/* Does the walk have to look at it, at a page of [from, to)? */
static bool
is_in_the_way(const struct kernel *k, const struct in_migration *m, const struct mem_use *u,
              uint64_t from, uint64_t to)
{
    if (m->end <= from || m->first >= to || m->task == u->task || work_left(k, m) == 0)
        return false;
    return u->passed_until <= k->engine.now || m->end <= u->passed_first ||
           m->first >= u->passed_end;
}

uint64_t
migration_next_slow(const struct kernel *k, const struct mem_use *u, uint64_t from, uint64_t to)
{
    const struct region_group *g = u->group;

    for (uint32_t i = 0; i < g->nr_moving; i++)
        if (is_in_the_way(k, &g->moving[i], u, from, to))
            to = SIM_MAX(g->moving[i].first, from);
    return to;
}

/* It need not look again; nor at what it has passed before, if it is still there: stretches of two
 * movers may overlap. */
static void
pass(const struct kernel *k, struct mem_use *u, const struct in_migration *m)
{
    bool both =
        u->passed_until > k->engine.now && m->first <= u->passed_end && m->end >= u->passed_first;
    sim_time until = SIM_MAX(m->until, k->engine.now + k->params.sched.host_turn);

    u->passed_first = both ? SIM_MIN(u->passed_first, m->first) : m->first;
    u->passed_end = both ? SIM_MAX(u->passed_end, m->end) : m->end;
    u->passed_until = both ? SIM_MAX(u->passed_until, until) : until;
}

/* How much its mover has still to do when the page that it is moving now has arrived; if none is
 * yet, false. */
static bool
page_arrives(const struct kernel *k, const struct in_migration *m, sim_time *left)
{
    sim_time all = m->until - m->begin, now = work_left(k, m);

    if (now > all || m->period == 0)
        return false;
    sim_time at = (all - now) % m->period;
    *left = now - SIM_MIN(now, m->period - at);
    return at >= m->mapped;
}

/* When it will have arrived, unless its mover is stopped. */
static void
wait_for(struct kernel *k, struct rq *rq, struct task *p, const struct in_migration *m,
         sim_time left)
{
    struct task_mem *mover = m->task->mem;
    sim_time when = k->engine.now + work_left(k, m) - left;

    mover->arrived_left = left;
    mover->arrived_stop = m->stop;
    list_push_back(&mover->waiters, &p->mem->wait_node);
    if (engine_when(&k->engine, &mover->arrived) > when)
        engine_at(&k->engine, &mover->arrived, when);
    burst_wait_io(k, rq);
}

bool
migration_wait(struct kernel *k, struct rq *rq, struct mem_use *u,
               const struct in_migration **isolated)
{
    const struct region_group *g = u->group;

    *isolated = NULL;
    for (uint32_t i = 0; i < g->nr_moving; i++) {
        const struct in_migration *m = &g->moving[i];
        sim_time left;

        if (!is_in_the_way(k, m, u, u->page, u->page + 1))
            continue;
        pass(k, u, m);
        if (!page_arrives(k, m, &left)) {
            if (m->from >= 0 && m->map == u->map && m->period > 0)
                *isolated = m;
            continue;
        }
        wait_for(k, rq, u->task, m, left);
        return true;
    }
    return false;
}
