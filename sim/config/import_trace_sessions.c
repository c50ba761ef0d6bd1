/*
 * Sessions of the recorded machine, for sched.autogroup: who shares a task group with whom.
 *
 * A recording does not say who called setsid(). Taken for one session at first: whoever was forked
 * within the recording and who forked it, unless that was init or a kernel thread, whose children
 * are services. Of those that were there before, the threads of one process: by its number where
 * that is recorded, else tasks of one name whose numbers follow each other closely, as those of
 * threads do that are made in a row. A common name alone says nothing: many sessions have a shell.
 * And whoever was told of a death: the last that a dying task does is to wake its parent, or the
 * thread that waits for it. An interrupt may meet it there, too, so the parent must be the older.
 *
 * Then how the CPUs were shared is asked (import_trace_shares.c): two sessions are one if that
 * explains the run times clearly better, the best two first. Sessions of nice tasks alone come
 * last: a task of little weight with little time would fit into any busy session, and says nothing
 * about it. If no groups at all explain them far better, the recorded kernel had none: kernels are
 * built with them more often than not.
 */
#include "config/import_trace_compiler.h"
#include "kernel/weight.h"

enum {
    NEXT_THREAD = 16,     /* numbers between threads of one process, at most */
    CANDIDATES_MOST = 16, /* sessions that are tried together: those that waited most */
    CLEARLY_PERCENT = 90, /* of the misfit that is left, if something explains clearly better */
    FAR_PERCENT = 80,
    LIGHT = 512, /* a weight, half of that of nice level 0 */
};

static uint32_t
session_of(uint32_t *leader, uint32_t t)
{
    while (leader[t] != t)
        t = leader[t] = leader[leader[t]];
    return t;
}

static void
join(uint32_t *leader, const struct teller *a, const struct teller *b)
{
    uint32_t p = session_of(leader, a->index), q = session_of(leader, b->index);

    leader[MAX(p, q)] = MIN(p, q);
}

static bool
shares_with_children(const struct teller *t)
{
    return !t->dropped && !t->s.kthread && t->s.pid > 1;
}

static gint
by_name_and_pid(gconstpointer x, gconstpointer y)
{
    const struct teller *a = *(struct teller *const *)x, *b = *(struct teller *const *)y;
    int names = strcmp(a->s.comm, b->s.comm);

    return names != 0 ? names : (a->s.pid > b->s.pid) - (a->s.pid < b->s.pid);
}

static bool
threads_of_one(const struct teller *a, const struct teller *b)
{
    if (a->s.tgid > 0 && b->s.tgid > 0)
        return a->s.tgid == b->s.tgid;
    return strcmp(a->s.comm, b->s.comm) == 0 && b->s.pid - a->s.pid <= NEXT_THREAD;
}

static void
join_threads(const struct trace_compiler *c, uint32_t *leader)
{
    g_autoptr(GPtrArray) old = g_ptr_array_new();

    for (guint i = 0; i < c->tellers->len; i++) {
        struct teller *t = g_ptr_array_index(c->tellers, i);
        if (!t->dropped && !t->s.kthread && t->mother == NULL)
            g_ptr_array_add(old, t);
    }
    g_ptr_array_sort(old, by_name_and_pid);
    for (guint i = 1; i < old->len; i++)
        if (threads_of_one(old->pdata[i - 1], old->pdata[i]))
            join(leader, old->pdata[i - 1], old->pdata[i]);
}

/* ---- by shares ---- */

/* The question, and room to try answers. Numbers of tasks are those of c->tellers. */
struct trial {
    const struct trace_compiler *c;
    GArray *uses;
    double *weight, *kept, *wants, *own_wants; /* kept: the weight, also of who is left out */
    uint32_t *group;                           /* by task */
    uint32_t candidates[CANDIDATES_MOST], nr;  /* groups */
};

static bool
is_grouped(const struct teller *t)
{
    return !t->dropped && !t->s.kthread;
}

static double
misfit(const struct trial *x, const uint32_t *group)
{
    const struct shares_law law = { x->weight, group, x->wants, x->own_wants };

    return shares_misfit(x->c->shares, x->uses, &law);
}

/* If groups a and b were one. */
static double
misfit_joined(const struct trial *x, uint32_t a, uint32_t b, uint32_t *group)
{
    for (guint i = 0; i < x->c->tellers->len; i++)
        group[i] = x->group[i] == b ? a : x->group[i];
    return misfit(x, group);
}

struct waiter {
    uint32_t group;
    uint64_t waited;
};

static gint
by_wait(gconstpointer x, gconstpointer y)
{
    const struct waiter *a = x, *b = y;

    if (a->waited != b->waited)
        return a->waited > b->waited ? -1 : 1;
    return (a->group > b->group) - (a->group < b->group);
}

static bool
is_left_out(const struct trial *x, uint32_t task)
{
    return x->weight[task] <= 0;
}

/* Leaves out groups without a task of some weight that ever waited. */
static void
leave_out_light(struct trial *x, double *heaviest)
{
    for (guint i = 0; i < x->uses->len; i++) {
        const struct share_use *u = &g_array_index(x->uses, struct share_use, i);
        if (x->group[u->task] != SHARES_NO_GROUP && u->wanted > u->had)
            heaviest[x->group[u->task]] = MAX(heaviest[x->group[u->task]], x->weight[u->task]);
    }
    for (guint i = 0; i < x->c->tellers->len; i++)
        if (x->group[i] != SHARES_NO_GROUP && heaviest[x->group[i]] > 0 &&
            heaviest[x->group[i]] < LIGHT)
            x->weight[i] = 0;
}

/* Whoever did not wait says nothing. Groups that are left out, or the others; by wait. */
static uint32_t
find_waiters(const struct trial *x, bool left_out, uint32_t *groups)
{
    g_autofree struct waiter *all = g_new0(struct waiter, x->c->tellers->len + 1);
    uint32_t nr;

    for (guint i = 0; i < x->c->tellers->len; i++)
        all[i].group = i;
    for (guint i = 0; i < x->uses->len; i++) {
        const struct share_use *u = &g_array_index(x->uses, struct share_use, i);
        if (x->group[u->task] != SHARES_NO_GROUP && is_left_out(x, u->task) == left_out)
            all[x->group[u->task]].waited += u->wanted - u->had;
    }
    qsort(all, x->c->tellers->len, sizeof(*all), by_wait);
    for (nr = 0; nr < MIN((guint)CANDIDATES_MOST, x->c->tellers->len); nr++) {
        if (all[nr].waited == 0)
            break;
        groups[nr] = all[nr].group;
    }
    return nr;
}

/* Joins the best two, if that is clearly better than `now`; returns what is left. */
static double
join_best(struct trial *x, double now, uint32_t *room)
{
    double best = now;
    uint32_t a = 0, b = 0;

    for (uint32_t i = 0; i < x->nr; i++)
        for (uint32_t j = i + 1; j < x->nr; j++) {
            double m = misfit_joined(x, x->candidates[i], x->candidates[j], room);
            if (m < best) {
                best = m;
                a = i;
                b = j;
            }
        }
    if (best * 100 >= now * CLEARLY_PERCENT)
        return now;
    misfit_joined(x, x->candidates[a], x->candidates[b], room);
    memcpy(x->group, room, x->c->tellers->len * sizeof(*room));
    x->candidates[b] = x->candidates[--x->nr];
    return best;
}

/* A group that was left out is back: alone, or where it fits best. */
static double
join_light(struct trial *x, uint32_t light, uint32_t *room)
{
    uint32_t with = light;

    for (guint i = 0; i < x->c->tellers->len; i++)
        if (x->group[i] == light)
            x->weight[i] = x->kept[i];
    double alone = misfit(x, x->group), best = alone;
    for (uint32_t i = 0; i < x->nr; i++) {
        double m = misfit_joined(x, x->candidates[i], light, room);
        if (m < best) {
            best = m;
            with = x->candidates[i];
        }
    }
    if (with == light)
        return alone;
    misfit_joined(x, with, light, room);
    memcpy(x->group, room, x->c->tellers->len * sizeof(*room));
    return best;
}

static bool
no_groups_are_better(const struct trial *x, double with_groups, uint32_t *room)
{
    for (guint i = 0; i < x->c->tellers->len; i++)
        room[i] = SHARES_NO_GROUP;
    return misfit(x, room) * 100 < with_groups * FAR_PERCENT;
}

/* From and to leaders, which are by index of the tasks that are kept. */
static void
fill_trial(struct trial *x, uint32_t *leader, const uint32_t *number)
{
    for (guint i = 0; i < x->c->tellers->len; i++) {
        const struct teller *t = g_ptr_array_index(x->c->tellers, i);

        x->weight[i] = x->kept[i] = nice_weight(CLAMP(t->s.prio - 120, -20, 19));
        x->group[i] = is_grouped(t) ? number[session_of(leader, t->index)] : SHARES_NO_GROUP;
    }
}

static void
join_by_trial(const struct trial *x, uint32_t *leader)
{
    for (guint i = 0; i < x->c->tellers->len; i++)
        if (x->group[i] != SHARES_NO_GROUP)
            join(leader, g_ptr_array_index(x->c->tellers, x->group[i]),
                 g_ptr_array_index(x->c->tellers, i));
}

/* False: there were no groups. */
static bool
join_by_shares(const struct trace_compiler *c, uint32_t *leader, const uint32_t *number)
{
    guint n = c->tellers->len;
    g_autoptr(GArray) uses = shares_uses(c->shares);
    g_autofree double *sums = g_new0(double, 5 * (gsize)n + 1);
    g_autofree uint32_t *groups = g_new(uint32_t, 2 * (gsize)n + 1);
    struct trial x = { .c = c,
                       .uses = uses,
                       .weight = sums,
                       .wants = sums + n,
                       .own_wants = sums + 2 * (gsize)n,
                       .kept = sums + 3 * (gsize)n,
                       .group = groups };
    uint32_t light[CANDIDATES_MOST];
    double now, next;

    fill_trial(&x, leader, number);
    leave_out_light(&x, sums + 4 * (gsize)n);
    x.nr = find_waiters(&x, false, x.candidates);
    for (now = misfit(&x, x.group); (next = join_best(&x, now, groups + n)) < now;)
        now = next;
    uint32_t nr_light = find_waiters(&x, true, light);
    for (uint32_t i = 0; i < nr_light; i++)
        now = join_light(&x, light[i], groups + n);
    join_by_trial(&x, leader);
    return !no_groups_are_better(&x, now, groups + n);
}

/* From the first of each session to numbers without gaps. */
static uint32_t
number_sessions(uint32_t *leader, uint32_t nr)
{
    g_autofree uint32_t *number = g_new(uint32_t, nr + 1);
    uint32_t sessions = 0;

    for (uint32_t i = 0; i < nr; i++) {
        uint32_t first = session_of(leader, i); /* never above i */
        number[i] = first == i ? sessions++ : number[first];
    }
    memcpy(leader, number, nr * sizeof(*number));
    return sessions;
}

static const struct teller *
parent_of(const struct teller *t)
{
    if (t->mother != NULL)
        return t->mother;
    return t->survivor != NULL && !t->s.kthread && t->survivor->s.pid < t->s.pid ? t->survivor
                                                                                 : NULL;
}

bool
trace_sessions(const struct trace_compiler *c, uint32_t *sessions, uint32_t *nr)
{
    g_autofree uint32_t *number = g_new(uint32_t, c->nr_kept + 1); /* in c->tellers */

    for (uint32_t i = 0; i < c->nr_kept; i++)
        sessions[i] = i;
    for (guint i = 0; i < c->tellers->len; i++) {
        const struct teller *t = g_ptr_array_index(c->tellers, i);
        if (t->dropped)
            continue;
        number[t->index] = i;
        const struct teller *parent = parent_of(t);
        if (parent != NULL && shares_with_children(parent))
            join(sessions, parent, t);
    }
    join_threads(c, sessions);
    bool grouped = join_by_shares(c, sessions, number);
    *nr = number_sessions(sessions, c->nr_kept);
    return grouped;
}
