/*
 * Where requests come from: the map under `arrivals` of a queue.
 */
#include "config/workload_yaml_load.h"

static void
read_open(struct wload *l, const struct ynode *n, struct warrival *a)
{
    static const char *const keys[] = { "rate", "interval", "count", "start", NULL };
    const struct ynode *rate = ynode_get(n, "rate"), *interval = ynode_get(n, "interval");

    ynode_check_keys(&l->doc, n, NULL, keys);
    if ((rate == NULL) == (interval == NULL))
        ynode_error(&l->doc, n, "write one of 'rate' (5000/s) and 'interval' (200us)");
    else if (rate != NULL)
        wload_rate(l, rate, &a->rate);
    else
        wload_number(l, interval, FIELD_TIME, WEXPR_MACHINE, &a->interval);
}

static void
read_states(struct wload *l, const struct ynode *n, struct warrival *a)
{
    static const char *const keys[] = { "states", "count", "start", NULL };
    static const char *const state_keys[] = { "rate", "time", NULL };
    const struct ynode *states = ynode_get(n, "states");

    ynode_check_keys(&l->doc, n, NULL, keys);
    if (states == NULL || ynode_expect(&l->doc, states, YNODE_SEQ) == NULL || states->nr < 2 ||
        states->nr > WARRIVAL_STATES_MAX) {
        ynode_error(&l->doc, n,
                    "'states' is a list of 2 to %d states, each {rate: 5000/s, time: 1s}",
                    WARRIVAL_STATES_MAX);
        return;
    }
    for (guint i = 0; i < states->nr; i++) {
        const struct ynode *s = states->values[i];

        if (ynode_expect(&l->doc, s, YNODE_MAP) == NULL)
            continue;
        ynode_check_keys(&l->doc, s, NULL, state_keys);
        if (ynode_get(s, "rate") == NULL)
            ynode_error(&l->doc, s, "'rate' is missing: as in 5000/s");
        else
            wload_rate(l, ynode_get(s, "rate"), &a->state_rate[i]);
        wload_number_at(l, s, "time", FIELD_TIME, WEXPR_MACHINE, NULL, &a->state_time[i]);
    }
    a->nr_states = states->nr;
}

static void
read_times(struct wload *l, const struct ynode *n, struct warrival *a)
{
    sim_time *times, last = 0;

    if (ynode_expect(&l->doc, n, YNODE_SEQ) == NULL)
        return;
    times = arena_new_array(l->doc.arena, sim_time, n->nr);
    for (guint i = 0; i < n->nr; i++) {
        if (!ynode_quantity(&l->doc, n->values[i], FIELD_TIME, &times[i]))
            return;
        if (times[i] < last || times[i] > SEC(72000)) {
            ynode_error(&l->doc, n->values[i], "times must not go back, nor pass 20 hours");
            return;
        }
        last = times[i];
    }
    if (n->nr == 0)
        ynode_error(&l->doc, n, "the list is empty; write the times of the arrivals");
    a->nr_times = n->nr;
    a->times = times;
}

static void
read_closed(struct wload *l, const struct ynode *n, struct warrival *a)
{
    static const char *const keys[] = { "clients", "think", "count", "start", NULL };
    const struct ynode *think = ynode_get(n, "think");

    ynode_check_keys(&l->doc, n, NULL, keys);
    wload_number_at(l, n, "clients", FIELD_U64, WEXPR_MACHINE, NULL, &a->clients);
    int32_t dist = think == NULL ? wload_constant(l, 0) : wload_duration(l, think);
    a->think = dist < 0 ? 0 : (uint32_t)dist;
}

static void
read_renewal(struct wload *l, const struct ynode *n, struct warrival *a)
{
    static const char *const keys[] = { "interval", "count", "start", NULL };
    const struct ynode *interval = ynode_get(n, "interval");

    ynode_check_keys(&l->doc, n, NULL, keys);
    if (interval == NULL)
        ynode_error(&l->doc, n, "'interval' is missing: the distribution of the times between two");
    int32_t dist = wload_duration(l, interval);
    a->interval_dist = dist < 0 ? 0 : (uint32_t)dist;
}

static void
read_stairs(struct wload *l, const struct ynode *n, struct warrival *a)
{
    static const char *const keys[] = { "first", "last", "steps", "time", "count", "start", NULL };
    const struct ynode *first = ynode_get(n, "first"), *last = ynode_get(n, "last");

    ynode_check_keys(&l->doc, n, NULL, keys);
    if (first == NULL || last == NULL)
        ynode_error(&l->doc, n, "write the rates of the 'first' and the 'last' step (5000/s)");
    wload_rate(l, first, &a->first);
    wload_rate(l, last, &a->last);
    wload_number_at(l, n, "steps", FIELD_U64, WEXPR_MACHINE, NULL, &a->steps);
    wload_number_at(l, n, "time", FIELD_TIME, WEXPR_MACHINE, NULL, &a->time);
}

void
wload_arrivals(struct wload *l, const struct ynode *n, struct warrival *a)
{
    if (ynode_expect(&l->doc, n, YNODE_MAP) == NULL)
        return;
    if (n->nr == 1 && strcmp(n->keys[0]->text, "trace") == 0) {
        wload_not_yet(l, n->keys[0], "a file of arrivals");
        return;
    }
    int kind = n->nr == 1 ? ynode_enum(&l->doc, n->keys[0], warrival_names) : -1;
    if (n->nr != 1)
        ynode_error(&l->doc, n, "write one kind with its numbers, as in {poisson: {rate: 5000/s}}");
    if (kind < 0)
        return;
    const struct ynode *v = n->values[0];
    if (kind == WARRIVAL_NONE) {
        ynode_error(&l->doc, n->keys[0], "without 'arrivals' a queue is for calls; leave them out");
        return;
    }
    a->kind = (enum warrival_kind)kind;
    if (kind == WARRIVAL_TIMES) {
        read_times(l, v, a);
        return;
    }
    if (ynode_expect(&l->doc, v, YNODE_MAP) == NULL)
        return;
    if (kind == WARRIVAL_MMPP)
        read_states(l, v, a);
    else if (kind == WARRIVAL_CLOSED)
        read_closed(l, v, a);
    else if (kind == WARRIVAL_RENEWAL)
        read_renewal(l, v, a);
    else if (kind == WARRIVAL_STAIRS)
        read_stairs(l, v, a);
    else
        read_open(l, v, a);
    wload_number(l, ynode_get(v, "count"), FIELD_U64, WEXPR_MACHINE, &a->count);
    wload_number(l, ynode_get(v, "start"), FIELD_TIME, WEXPR_MACHINE, &a->start);
}
