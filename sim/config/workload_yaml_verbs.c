/*
 * What the verbs of a program mean, one function each: it reads the words of its step and appends
 * one or more steps to the flat program. A pointer to a step is good until the next one is
 * appended.
 */
#include "config/workload_yaml_steps.h"

/* `hint` and `work` beside what a step does. */
static void
add_hints(struct wload *l, const struct ynode *n)
{
    uint32_t nr;
    const struct whint *hints = wload_hints(l, n, &nr);

    for (uint32_t i = 0; i < nr; i++)
        step_add(l, n, WSTEP_HINT)->hint = hints[i];
}

static void
add_work(struct wload *l, const struct ynode *n)
{
    struct wexpr amount;

    if (n != NULL && wload_number(l, n, FIELD_U64, WEXPR_LOOP, &amount))
        step_add(l, n, WSTEP_WORK)->amount = amount;
}

/* The scalar itself, or the value under `key` of a map; NULL with an error. */
static const struct ynode *
main_value(struct wload *l, const struct ynode *n, const char *key)
{
    const struct ynode *value = n->kind == YNODE_MAP ? ynode_get(n, key) : n;

    if (value == NULL)
        ynode_error(&l->doc, n, "'%s' is missing", key);
    return value;
}

/* ---- running ---- */

void
read_compute(struct wload *l, const struct ynode *n, const struct verb *v)
{
    const struct ynode *time = n->kind == YNODE_MAP ? ynode_get(n, "time") : n;
    const struct ynode *instructions = ynode_get(n, "instructions");
    struct wexpr amount = { 0 };
    int32_t dist = -1;

    add_hints(l, ynode_get(n, "hint"));
    if ((time == NULL) == (instructions == NULL))
        ynode_error(&l->doc, n, "write one of 'time' (2ms) and 'instructions' (5000000)");
    if (time != NULL)
        dist = wload_duration(l, time);
    else
        wload_number(l, instructions, FIELD_U64, WEXPR_LOOP, &amount);
    const struct wmem *mem = memory_of_compute(l, n);
    struct wstep *s = step_add(l, n, WSTEP_COMPUTE);
    s->dist = dist;
    s->amount = amount;
    s->mem = mem;
    add_work(l, ynode_get(n, "work"));
}

static void
open_loop(struct wload *l, const struct ynode *n, enum wstep_kind kind)
{
    if (++l->depth > WORKLOAD_LOOPS_MAX)
        ynode_error(&l->doc, n, "loops are nested deeper than %d", WORKLOAD_LOOPS_MAX);
    step_add(l, n, kind);
}

static void
close_loop(struct wload *l, const struct ynode *n, guint head, enum wstep_kind kind)
{
    step_add(l, n, kind)->jump = head;
    g_array_index(l->steps, struct wstep, head).jump = l->steps->len - 1;
    l->depth--;
}

void
read_stream(struct wload *l, const struct ynode *n, const struct verb *v)
{
    const struct ynode *loops = ynode_get(n, "loops"), *bytes = ynode_get(n, "bytes");
    struct wexpr rounds, amount = { 0 };
    int32_t dist = -1;
    bool looped = loops != NULL && wload_number(l, loops, FIELD_U64, WEXPR_LOOP, &rounds);
    guint head = l->steps->len;

    add_hints(l, ynode_get(n, "hint"));
    if (looped) {
        head = l->steps->len;
        open_loop(l, n, WSTEP_LOOP);
        g_array_index(l->steps, struct wstep, l->steps->len - 1).amount = rounds;
    }
    if (bytes != NULL && wload_is_dist(l, bytes))
        dist = wload_bytes(l, bytes);
    else if (bytes != NULL)
        wload_number(l, bytes, FIELD_SIZE, WEXPR_THREAD, &amount);
    const struct wmem *mem = memory_of_stream(l, n, "0");
    struct wstep *s = step_add(l, n, WSTEP_STREAM);
    s->mem = mem;
    s->amount = amount;
    s->dist = dist;
    add_work(l, ynode_get(n, "work"));
    if (looped)
        close_loop(l, n, head, WSTEP_END_LOOP);
}

/* The first pass over memory: all of it written, on one node for everybody or where each runs. */
void
read_touch(struct wload *l, const struct ynode *n, const struct verb *v)
{
    static const char *const ways[] = { "race", "one_node", NULL };
    bool one_node = n->kind == YNODE_MAP && wload_enum_at(l, n, "first_touch", ways, 0) == 1;
    const struct wmem *mem = memory_of_stream(l, n, "1");

    if (one_node)
        step_add(l, n, WSTEP_FORCE_NODE);
    step_add(l, n, WSTEP_STREAM)->mem = mem;
    if (one_node)
        step_add(l, n, WSTEP_UNFORCE_NODE);
}

/* ---- time ---- */

void
read_sleep(struct wload *l, const struct ynode *n, const struct verb *v)
{
    int32_t dist = wload_duration(l, n);

    step_add(l, n, WSTEP_SLEEP)->dist = dist;
}

static const char *const timer_modes[] = { "absolute", "relative", NULL };

static int32_t
every(struct wload *l, const struct ynode *n)
{
    const struct ynode *value = main_value(l, n, "every");

    return value == NULL ? -1 : wload_duration(l, value);
}

void
read_timer(struct wload *l, const struct ynode *n, const struct verb *v)
{
    static const char *const keys[] = { "every", "mode", "from", "name", "index", NULL };
    static const char *const froms[] = { "now", "start", NULL };
    bool is_dist = n->kind == YNODE_MAP && ynode_get(n, "every") == NULL && n->nr == 1;
    int32_t dist = is_dist ? wload_duration(l, n) : every(l, n);
    struct wstep *s = step_add(l, n, WSTEP_TIMER);

    s->dist = dist;
    if (is_dist || n->kind != YNODE_MAP)
        return;
    ynode_check_keys(&l->doc, n, NULL, keys);
    s->relative = wload_enum_at(l, n, "mode", timer_modes, 0) == 1;
    s->from_start = wload_enum_at(l, n, "from", froms, 0) == 1;
    read_shared_timer(l, n, s);
}

/* ---- loops ---- */

static struct wexpr
rounds_of(struct wload *l, const struct ynode *n)
{
    const struct ynode *count = ynode_get(n, "count");
    struct wexpr rounds = { 0 };

    if (count == NULL)
        ynode_error(&l->doc, n, "'count' is missing: a number, or 'forever'");
    else if (count->kind != YNODE_SCALAR || strcmp(count->text, "forever") != 0)
        wload_number(l, count, FIELD_U64, WEXPR_LOOP, &rounds);
    return rounds;
}

static void
read_body(struct wload *l, const struct ynode *n)
{
    const struct ynode *body = ynode_get(n, "do");

    if (body == NULL)
        ynode_error(&l->doc, n, "'do' is missing: the list of steps");
    else
        read_steps(l, body);
}

void
read_loop(struct wload *l, const struct ynode *n, const struct verb *v)
{
    guint head = l->steps->len;
    struct wexpr rounds = rounds_of(l, n);

    open_loop(l, n, WSTEP_LOOP);
    g_array_index(l->steps, struct wstep, head).amount = rounds;
    read_body(l, n);
    close_loop(l, n, head, WSTEP_END_LOOP);
}

void
read_period(struct wload *l, const struct ynode *n, const struct verb *v)
{
    static const char *const misses[] = { "continue", "skip", "abort", NULL };
    guint head = l->steps->len;
    const struct ynode *deadline = ynode_get(n, "deadline"), *miss = ynode_get(n, "on_miss");
    struct wstep s = { .amount = rounds_of(l, n), .dist = every(l, n) };

    if (deadline != NULL)
        wload_number(l, deadline, FIELD_TIME, WEXPR_MACHINE, &s.deadline);
    int on_miss = wload_enum_at(l, n, "on_miss", misses, 0);
    if (on_miss == 2)
        wload_not_yet(l, miss, "the end of a job at its deadline");
    bool relative = wload_enum_at(l, n, "mode", timer_modes, 0) == 1;
    open_loop(l, n, WSTEP_PERIOD);
    struct wstep *step = &g_array_index(l->steps, struct wstep, l->steps->len - 1);
    step->amount = s.amount;
    step->dist = s.dist;
    step->deadline = s.deadline;
    step->on_miss = on_miss == 1 ? WMISS_SKIP : WMISS_CONTINUE;
    step->relative = relative;
    read_body(l, n);
    close_loop(l, n, head, WSTEP_END_PERIOD);
}

/* ---- branches ---- */

static void
read_choice(struct wload *l, const struct ynode *n, struct wchoice *c)
{
    static const char *const keys[] = { "weight", "do", NULL };

    if (ynode_expect(&l->doc, n, YNODE_MAP) == NULL)
        return;
    ynode_check_keys(&l->doc, n, NULL, keys);
    wload_number_at(l, n, "weight", FIELD_U64, WEXPR_LOOP, "1", &c->weight);
    c->jump = l->steps->len;
    read_body(l, n);
}

/* Each branch ends in a jump behind the last. */
void
read_choose(struct wload *l, const struct ynode *n, const struct verb *v)
{
    guint jumps[WCHOICE_MAX];

    if (ynode_expect(&l->doc, n, YNODE_SEQ) == NULL)
        return;
    if (n->nr < 2 || n->nr > WCHOICE_MAX) {
        ynode_error(&l->doc, n, "a choice is between 2 to %d: [{weight: 9, do: [..]}, {do: [..]}]",
                    WCHOICE_MAX);
        return;
    }
    if (++l->depth > WORKLOAD_LOOPS_MAX)
        ynode_error(&l->doc, n, "loops and choices are nested deeper than %d", WORKLOAD_LOOPS_MAX);
    struct wchoice *choices = arena_new_array(l->doc.arena, struct wchoice, n->nr);
    struct wstep *s = step_add(l, n, WSTEP_CHOOSE);
    s->nr_choices = n->nr;
    s->choices = choices;
    for (guint i = 0; i < n->nr; i++) {
        read_choice(l, n->values[i], &choices[i]);
        jumps[i] = l->steps->len;
        step_add(l, n->values[i], WSTEP_JUMP);
    }
    for (guint i = 0; i < n->nr && !l->steps_full; i++)
        g_array_index(l->steps, struct wstep, jumps[i]).jump = l->steps->len;
    l->depth--;
}

/* ---- threads ---- */

void
read_fork(struct wload *l, const struct ynode *n, const struct verb *v)
{
    const struct ynode *name = main_value(l, n, "threads");
    int32_t group = name == NULL ? -1 : wload_find_group(l, name);
    struct wexpr amount = { 0 };

    wload_number(l, ynode_get(n, "count"), FIELD_U64, WEXPR_LOOP, &amount);
    struct wstep *s = step_add(l, n, v->kind);
    s->group = group;
    s->amount = amount;
    if (group >= 0 && v->kind == WSTEP_FORK && !l->w->groups[group].by_fork)
        ynode_error(&l->doc, name, "these threads start by themselves; give them 'start: fork'");
}

void
read_bare(struct wload *l, const struct ynode *n, const struct verb *v)
{
    if (n->kind != YNODE_SCALAR || n->text[0] != '\0')
        ynode_error(&l->doc, n, "'%s' takes nothing; write it as a bare word", v->name);
    step_add(l, n, v->kind);
}

/* ---- placement ---- */

void
read_set_mempolicy(struct wload *l, const struct ynode *n, const struct verb *v)
{
    struct wpolicy *p = arena_new_object(l->doc.arena, struct wpolicy);

    if (wload_policy(l, n, p))
        step_add(l, n, WSTEP_SET_MEMPOLICY)->policy = p;
}

void
read_unmap(struct wload *l, const struct ynode *n, const struct verb *v)
{
    int32_t r = wload_find_region(l, n);

    step_add(l, n, WSTEP_UNMAP)->region = r;
}

void
read_set_affinity(struct wload *l, const struct ynode *n, const struct verb *v)
{
    struct waffinity *a = arena_new_object(l->doc.arena, struct waffinity);

    if (wload_affinity(l, n, a))
        step_add(l, n, WSTEP_SET_AFFINITY)->affinity = a;
}

void
read_set_nice(struct wload *l, const struct ynode *n, const struct verb *v)
{
    int32_t nice;

    if (wload_nice(l, n, &nice))
        step_add(l, n, WSTEP_SET_NICE)->nice = nice;
}

void
read_hint(struct wload *l, const struct ynode *n, const struct verb *v)
{
    add_hints(l, n);
}

void
read_work(struct wload *l, const struct ynode *n, const struct verb *v)
{
    add_work(l, n);
}
