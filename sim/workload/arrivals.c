/*
 * Arrivals: requests come from outside, whether or not anybody is ready for them.
 *
 * Open loops keep their own clock in picoseconds, so that a rate of three million a second is not
 * rounded to a multiple of nanoseconds, and draw the next arrival when the last has come. A closed
 * loop is a number of clients that each think, ask, and wait for the answer; they are no tasks. The
 * latency of a request counts from its arrival, so queueing is in it (no coordinated omission).
 */
#include "workload/run.h"

const char *const warrival_names[WARRIVAL_NR + 1] = {
    [WARRIVAL_POISSON] = "poisson", [WARRIVAL_DETERMINISTIC] = "deterministic",
    [WARRIVAL_MMPP] = "mmpp",       [WARRIVAL_TIMES] = "times",
    [WARRIVAL_CLOSED] = "closed",   [WARRIVAL_RENEWAL] = "renewal",
    [WARRIVAL_STAIRS] = "stairs",   [WARRIVAL_NONE] = "none",
};

enum { QUEUE_DEFAULT = 65536, CALLS_DEFAULT = 4096, QUEUE_MAX = 1 << 24, CLIENTS_MAX = 1 << 20 };

#define PS_NEVER UINT64_MAX
#define GAP_MAX ((uint64_t)1 << 56) /* ps: 20 hours */

/* ---- clients that think: a heap by (time, client) ---- */

static bool
earlier(struct request a, struct request b)
{
    return a.at != b.at ? a.at < b.at : a.client < b.client;
}

static void
thinking_push(struct source *src, struct request q)
{
    uint32_t i = src->nr_thinking++;

    for (; i > 0 && earlier(q, src->thinking[(i - 1) / 2]); i = (i - 1) / 2)
        src->thinking[i] = src->thinking[(i - 1) / 2];
    src->thinking[i] = q;
}

static struct request
thinking_pop(struct source *src)
{
    struct request top = src->thinking[0], last = src->thinking[--src->nr_thinking];
    uint32_t i = 0, n = src->nr_thinking;

    for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && earlier(src->thinking[child + 1], src->thinking[child]);
        if (!earlier(src->thinking[child], last))
            break;
        src->thinking[i] = src->thinking[child];
    }
    src->thinking[i] = last;
    return top;
}

/* ---- open loops: when the next one comes ---- */

static uint64_t
add_ps(uint64_t a, uint64_t b)
{
    return a > PS_NEVER - b ? PS_NEVER : a + b;
}

/* A Poisson process whose rate changes at the ends of exponential times: it has no memory, so a
 * draw that passes the end of a state is drawn again in the next. */
static uint64_t
mmpp_next(struct source *src)
{
    for (;;) {
        uint64_t mean = src->state_gap_ps[src->state];
        uint64_t at =
            mean == 0 ? PS_NEVER : add_ps(src->clock_ps, rng_exponential(&src->rng, mean));

        if (at <= src->state_until_ps)
            return at;
        src->clock_ps = src->state_until_ps;
        src->state = (src->state + 1) % src->spec->nr_states;
        src->state_until_ps =
            add_ps(src->clock_ps, rng_exponential(&src->rng, src->state_time_ps[src->state]) + 1);
    }
}

/* The same, where each rate has its time; 0: the last step is over. */
static uint64_t
stairs_next(struct source *src)
{
    while (src->step < src->nr_steps) {
        uint64_t mean = src->step_gap_ps[src->step];
        uint64_t at =
            mean == 0 ? PS_NEVER : add_ps(src->clock_ps, rng_exponential(&src->rng, mean));

        if (at < src->step_end_ps)
            return at;
        src->clock_ps = src->step_end_ps;
        src->step_end_ps = add_ps(src->step_end_ps, src->step_ps);
        src->step++;
    }
    src->left = 0;
    return src->clock_ps;
}

/* The draw before it is left out: that is how seeds have always been read. */
static uint64_t
renewal_gap_ps(struct source *src)
{
    const struct chance *gap = &src->run->chances[src->spec->interval_dist];

    (void)chance_draw(gap, &src->rng);
    return SIM_MIN(chance_draw(gap, &src->rng), GAP_MAX / 1000) * 1000;
}

static void
advance_clock(struct source *src)
{
    const struct warrival *a = src->spec;

    switch (a->kind) {
    case WARRIVAL_POISSON:
        src->clock_ps = add_ps(src->clock_ps, rng_exponential(&src->rng, src->gap_ps));
        break;
    case WARRIVAL_DETERMINISTIC:
        src->clock_ps = add_ps(src->clock_ps, src->gap_ps);
        break;
    case WARRIVAL_MMPP:
        src->clock_ps = mmpp_next(src);
        break;
    case WARRIVAL_STAIRS:
        src->clock_ps = stairs_next(src);
        break;
    case WARRIVAL_RENEWAL:
        src->clock_ps = add_ps(src->clock_ps, renewal_gap_ps(src));
        break;
    case WARRIVAL_NONE:
        src->clock_ps = PS_NEVER;
        break;
    case WARRIVAL_TIMES:
        src->clock_ps = src->next_time < a->nr_times ? a->times[src->next_time++] * 1000 : PS_NEVER;
        break;
    default:
        src->clock_ps = src->nr_thinking > 0 ? src->thinking[0].at * 1000 : PS_NEVER;
    }
}

static void
source_arm(struct source *src)
{
    if (src->left == 0)
        src->clock_ps = PS_NEVER;
    else
        advance_clock(src);
    engine_at(&src->run->k->engine, &src->ev,
              src->clock_ps == PS_NEVER ? SIM_NEVER : src->clock_ps / 1000);
}

/* ---- a request arrives ---- */

bool
request_arrives(struct source *src, struct request q, struct task *by)
{
    struct list *waiters = &src->queue->waiters;

    if (src->spec->kind != WARRIVAL_NONE)
        request_arrived(src->kind);
    if (q.kind != NULL)
        request_arrived(q.kind);
    if (!list_empty(waiters)) {
        request_take(list_entry(waiters->next, struct thread, node), src, q);
        grant_first(waiters, by, false);
        return true;
    }
    if (src->nr == src->capacity)
        return false;
    src->ring[(src->first + src->nr++) % src->capacity] = q;
    return true;
}

static void
take_in(struct source *src, struct request q)
{
    src->left -= src->left != UINT64_MAX;
    if (!request_arrives(src, q, NULL)) {
        src->nr_dropped++;
        if (src->spec->kind == WARRIVAL_CLOSED)
            source_answered(src, q.client);
    }
    if (source_exhausted(src))
        retry_all(&src->queue->waiters, NULL);
}

static void
arrival_fire(struct engine *eng, struct event *ev)
{
    struct source *src = container_of(ev, struct source, ev);
    struct request q = { .at = eng->now };

    if (src->spec->kind == WARRIVAL_CLOSED)
        q = thinking_pop(src);
    if (src->left == 0) { /* the stairs are over */
        retry_all(&src->queue->waiters, NULL);
        return;
    }
    if (src->kinds != NULL)
        q.kind = src->kinds[src->step];
    take_in(src, q);
    source_arm(src);
}

static sim_time
end_of_thinking(struct source *src)
{
    return kernel_now(src->run->k) + chance_draw(&src->run->chances[src->spec->think], &src->think);
}

void
source_answered(struct source *src, uint32_t client)
{
    if (src->spec->kind != WARRIVAL_CLOSED || src->left == 0)
        return;
    thinking_push(src, (struct request){ .at = end_of_thinking(src), .client = client });
    source_arm(src);
}

void
source_start(struct source *src)
{
    sim_time start = src->clock_ps / 1000;

    for (uint32_t i = 0; src->spec->kind == WARRIVAL_CLOSED && i < src->nr_clients; i++)
        thinking_push(src, (struct request){ .at = start + end_of_thinking(src), .client = i });
    if (src->spec->kind == WARRIVAL_MMPP)
        src->state_until_ps =
            add_ps(src->clock_ps, rng_exponential(&src->rng, src->state_time_ps[0]));
    source_arm(src);
}

/* ---- building ---- */

/* Mean time between arrivals, from an interval or a rate; 0: none arrive. */
static const char *
gap_of(const struct wenv *env, const struct wexpr *interval, const struct wexpr *rate,
       uint64_t *gap_ps)
{
    uint64_t n = 0;
    const char *why = wexpr_eval(interval->nr > 0 ? interval : rate, env, &n);

    if (why != NULL)
        return why;
    if (interval->nr > 0)
        *gap_ps = n > GAP_MAX / 1000 ? GAP_MAX : n * 1000;
    else
        *gap_ps = n == 0 ? 0 : UINT64_C(1000000000000) / n;
    if (interval->nr > 0 ? n == 0 : n > UINT64_C(1000000000))
        return "is more than 10^9 arrivals a second";
    return NULL;
}

static const char *
states_init(struct source *src, const struct wenv *env, struct arena *a)
{
    const struct warrival *spec = src->spec;
    uint64_t ns, most = 0;
    const char *why;

    src->state_gap_ps = arena_new_array(a, uint64_t, spec->nr_states);
    src->state_time_ps = arena_new_array(a, uint64_t, spec->nr_states);
    for (uint32_t i = 0; i < spec->nr_states; i++) {
        static const struct wexpr none;
        if ((why = gap_of(env, &none, &spec->state_rate[i], &src->state_gap_ps[i])) != NULL ||
            (why = wexpr_eval(&spec->state_time[i], env, &ns)) != NULL)
            return why;
        if (ns == 0 || ns > GAP_MAX / 1000)
            return "has a state that lasts no time, or more than 20 hours";
        src->state_time_ps[i] = ns * 1000;
        most = SIM_MAX(most, src->state_gap_ps[i]);
    }
    return most == 0 ? "has no state in which anything arrives" : NULL;
}

static const char *
stairs_numbers(struct source *src, const struct wenv *env, uint64_t *first, uint64_t *last,
               uint64_t *time)
{
    const struct warrival *spec = src->spec;
    uint64_t steps = 0;
    const char *why;

    if ((why = wexpr_eval(&spec->first, env, first)) != NULL ||
        (why = wexpr_eval(&spec->last, env, last)) != NULL ||
        (why = wexpr_eval(&spec->steps, env, &steps)) != NULL ||
        (why = wexpr_eval(&spec->time, env, time)) != NULL)
        return why;
    if (steps < 2 || steps > WARRIVAL_STEPS_MAX)
        return "has stairs of fewer than 2 or more than 200 steps";
    if (*time == 0 || *time > GAP_MAX / 1000 / steps)
        return "has stairs that last no time, or more than 20 hours";
    if (*first > UINT64_C(1000000000) || *last > UINT64_C(1000000000))
        return "is more than 10^9 arrivals a second";
    src->nr_steps = (uint32_t)steps;
    return *first == 0 && *last == 0 ? "has stairs on which nothing arrives" : NULL;
}

/* The rate of step i lies on the line from the first to the last. */
static const char *
stairs_init(struct source *src, struct workload_run *r, struct process *pr)
{
    uint64_t first = 0, last = 0, time = 0;
    const char *why = stairs_numbers(src, &r->env, &first, &last, &time);

    if (why != NULL)
        return why;
    src->step_gap_ps = arena_new_array(r->k->arena, uint64_t, src->nr_steps);
    src->kinds = arena_new_array(r->k->arena, struct request_kind *, src->nr_steps);
    src->step_ps = time * 1000;
    src->step_end_ps = src->clock_ps + src->step_ps;
    for (uint32_t i = 0; i < src->nr_steps; i++) {
        uint64_t up = last > first ? last - first : first - last;
        uint64_t off = up * i / (src->nr_steps - 1);
        uint64_t rate = last > first ? first + off : first - off;
        struct request_kind *kind =
            request_kind(r->k, pr, arena_printf(r->k->arena, "step%u", (unsigned)i + 1));

        src->step_gap_ps[i] = rate == 0 ? 0 : UINT64_C(1000000000000) / rate;
        kind->from = src->clock_ps / 1000 + time * i;
        kind->to = kind->from + time;
        src->kinds[i] = kind;
    }
    return NULL;
}

static const char *
sizes_of(struct source *src, const struct wenv *env, uint64_t *clients, uint64_t *start)
{
    const struct warrival *spec = src->spec;
    const char *why = NULL;

    src->left = UINT64_MAX;
    src->capacity = spec->kind == WARRIVAL_NONE ? CALLS_DEFAULT : QUEUE_DEFAULT;
    if (spec->count.nr > 0 && (why = wexpr_eval(&spec->count, env, &src->left)) != NULL)
        return why;
    if (spec->start.nr > 0 && (why = wexpr_eval(&spec->start, env, start)) != NULL)
        return why;
    if (spec->clients.nr > 0 && (why = wexpr_eval(&spec->clients, env, clients)) != NULL)
        return why;
    if (src->queue->spec->size.nr > 0)
        why = wexpr_eval(&src->queue->spec->size, env, &src->capacity);
    if (why != NULL)
        return why;
    if (src->capacity == 0 || src->capacity > QUEUE_MAX)
        return "has room for none, or for more than 16777216 requests";
    if (*clients > CLIENTS_MAX)
        return "has more than 1048576 clients";
    return *start > GAP_MAX / 1000 ? "starts later than after 20 hours" : NULL;
}

const char *
source_init(struct source *src, struct workload_run *r, struct meeting *queue, struct process *pr)
{
    const struct warrival *spec = &queue->spec->arrivals;
    uint32_t index = (uint32_t)(src - r->sources);
    uint64_t clients = 0, start = 0;
    const char *why;

    *src = (struct source){ .run = r, .queue = queue, .spec = spec };
    src->kind = request_kind(r->k, pr, "");
    rng_init(&src->rng, r->k->seed, "arrivals", index);
    rng_init(&src->think, r->k->seed, "think time", index);
    if ((why = sizes_of(src, &r->env, &clients, &start)) != NULL)
        return why;
    src->clock_ps = start * 1000;
    if (spec->kind == WARRIVAL_TIMES && spec->count.nr == 0)
        src->left = spec->nr_times;
    if (spec->kind == WARRIVAL_POISSON || spec->kind == WARRIVAL_DETERMINISTIC) {
        if ((why = gap_of(&r->env, &spec->interval, &spec->rate, &src->gap_ps)) != NULL)
            return why;
        if (src->gap_ps == 0)
            src->left = 0;
    }
    if (spec->kind == WARRIVAL_STAIRS && (why = stairs_init(src, r, pr)) != NULL)
        return why;
    if (spec->kind == WARRIVAL_MMPP && (why = states_init(src, &r->env, r->k->arena)) != NULL)
        return why;
    src->nr_clients = (uint32_t)clients;
    src->thinking = arena_new_array(r->k->arena, struct request, clients + 1);
    src->ring = arena_new_array(r->k->arena, struct request, src->capacity);
    event_init(&r->k->engine, &src->ev, EVENT_SOURCE, index, PHASE_ARRIVE, arrival_fire);
    return NULL;
}
