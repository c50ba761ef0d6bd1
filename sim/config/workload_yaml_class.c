/*
 * Scheduling classes: class, and what each class takes beside it. The same keys stand in a group of
 * threads and in the step set_class.
 */
#include "config/workload_yaml_steps.h"

static const char *const classes[] = { "normal", "batch",    "idle", "fifo",
                                       "rr",     "deadline", "ext",  NULL };

/* What belongs to which classes. */
static const struct {
    const char *key, *of;
    unsigned classes; /* bit per enum task_policy */
} keys[] = {
    { "slice", "normal, batch and idle",
      1u << POLICY_NORMAL | 1u << POLICY_BATCH | 1u << POLICY_IDLE },
    { "priority", "fifo and rr", 1u << POLICY_FIFO | 1u << POLICY_RR },
    { "runtime", "deadline", 1u << POLICY_DEADLINE },
    { "deadline", "deadline", 1u << POLICY_DEADLINE },
    { "period", "deadline", 1u << POLICY_DEADLINE },
};

static void
check_keys(struct wload *l, const struct ynode *n, const struct wclass *c)
{
    for (guint i = 0; i < ARRAY_LEN(keys); i++) {
        const struct ynode *value = ynode_get(n, keys[i].key);

        if (value != NULL && !(keys[i].classes >> c->policy & 1))
            ynode_error(&l->doc, value, "the class '%s' has no %s; only %s have one",
                        classes[c->policy], keys[i].key, keys[i].of);
    }
}

static void
read_slice(struct wload *l, const struct ynode *n, struct wclass *c)
{
    if (n != NULL && ynode_quantity(&l->doc, n, FIELD_TIME, &c->slice_ns) &&
        (c->slice_ns < USEC(100) || c->slice_ns > MSEC(100)))
        ynode_error(&l->doc, n, "out of range; write a slice from 100us to 100ms");
}

static void
read_priority(struct wload *l, const struct ynode *n, struct wclass *c)
{
    static const struct field field = {
        "priority", FIELD_U32, 0, NULL, "1", "99", NULL, NULL, false
    };
    const struct ynode *value = ynode_get(n, "priority");
    char why[256];

    if (value == NULL)
        ynode_error(&l->doc, ynode_get(n, "class"),
                    "the class '%s' needs a 'priority' from 1 (lowest) to 99", classes[c->policy]);
    else if (ynode_expect(&l->doc, value, YNODE_SCALAR) != NULL &&
             !field_set(&field, &c->rt_priority, value->text, l->doc.arena, why, sizeof(why)))
        ynode_error(&l->doc, value, "%s", why);
}

/* runtime <= deadline <= period; where two are missing they are the one that is given. */
static void
read_reservation(struct wload *l, const struct ynode *n, struct wclass *c)
{
    const struct ynode *at = ynode_get(n, "class"), *runtime = ynode_get(n, "runtime");
    const struct ynode *deadline = ynode_get(n, "deadline"), *period = ynode_get(n, "period");

    if (runtime == NULL || (deadline == NULL && period == NULL)) {
        ynode_error(&l->doc, at,
                    "the class 'deadline' needs 'runtime', and 'deadline' or 'period'");
        return;
    }
    if (!ynode_quantity(&l->doc, runtime, FIELD_TIME, &c->dl_runtime) ||
        (period != NULL && !ynode_quantity(&l->doc, period, FIELD_TIME, &c->dl_period)) ||
        (deadline != NULL && !ynode_quantity(&l->doc, deadline, FIELD_TIME, &c->dl_deadline)))
        return;
    c->dl_deadline = deadline == NULL ? c->dl_period : c->dl_deadline;
    c->dl_period = period == NULL ? c->dl_deadline : c->dl_period;
    if (c->dl_runtime < 1024)
        ynode_error(&l->doc, runtime, "out of range; write a runtime of at least 1024ns");
    else if (c->dl_period < USEC(100) || c->dl_period > USEC(1) << 22)
        ynode_error(&l->doc, period != NULL ? period : deadline,
                    "out of range; write a period from 100us to 4194304us");
    else if (c->dl_runtime > c->dl_deadline || c->dl_deadline > c->dl_period)
        ynode_error(&l->doc, runtime,
                    "write runtime, deadline and period so that runtime <= deadline <= period");
}

bool
wload_class(struct wload *l, const struct ynode *n, struct wclass *c)
{
    guint errors = l->doc.diag->errors->len;
    int class = 0;

    if (ynode_get(n, "class") != NULL)
        class = wload_enum_at(l, n, "class", classes, 0);
    if (class < 0)
        return false;
    c->policy = (enum task_policy) class;
    check_keys(l, n, c);
    if (class <= POLICY_IDLE)
        read_slice(l, ynode_get(n, "slice"), c);
    else if (class == POLICY_DEADLINE)
        read_reservation(l, n, c);
    else if (class != POLICY_EXT)
        read_priority(l, n, c);
    return l->doc.diag->errors->len == errors;
}

void
read_set_class(struct wload *l, const struct ynode *n, const struct verb *v)
{
    struct wclass *c = arena_new_object(l->doc.arena, struct wclass);

    if (wload_class(l, n, c))
        step_add(l, n, v->kind)->class = c;
}
