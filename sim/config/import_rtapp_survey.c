/*
 * First pass over the tasks: whatever can be wrong with a file is found here, so that the second
 * pass, which writes the workload, has no errors of its own to repeat; and what tasks say about
 * each other is collected.
 */
#include "config/import_rtapp_impl.h"

#include "workload/workload.h"

#include <inttypes.h>

enum where { TASK = 1, PHASE = 2 };

static const struct {
    const char *key;
    unsigned where;
    bool idle; /* known, and without a meaning here */
} attributes[] = {
    { "instance", TASK, false },
    { "loop", TASK | PHASE, false },
    { "phases", TASK, false },
    { "delay", TASK, false },
    { "policy", TASK | PHASE, false },
    { "priority", TASK | PHASE, false },
    { "cpus", TASK | PHASE, false },
    { "membind_nodes", TASK | PHASE, false },
    { "nodes_membind", TASK | PHASE, false }, /* as rt-app itself writes it */
    { "taskgroup", TASK | PHASE, false },
    { "dl-runtime", TASK | PHASE, false },
    { "dl-period", TASK | PHASE, false },
    { "dl-deadline", TASK | PHASE, false },
    { "util_min", TASK | PHASE, true },
    { "util_max", TASK | PHASE, true },
};

static const char *const obsolete[] = { "exec",       "period",    "deadline",
                                        "lock_order", "resources", NULL };

static const struct {
    const char *name, *class;
} policies[] = {
    { "SCHED_OTHER", "normal" }, { "SCHED_BATCH", "batch" }, { "SCHED_IDLE", "idle" },
    { "SCHED_FIFO", "fifo" },    { "SCHED_RR", "rr" },       { "SCHED_DEADLINE", "deadline" },
};

bool
rtapp_policy(struct rtapp *r, const struct ynode *n, const char **class)
{
    const char *names[ARRAY_LEN(policies) + 1] = { 0 };

    for (gsize i = 0; i < ARRAY_LEN(policies); i++)
        names[i] = policies[i].name;
    int which = ynode_enum(&r->in, n, names);
    *class = which < 0 ? NULL : policies[which].class;
    return which >= 0;
}

/* One message that names all keys of the 0.x format; false if there are any. */
static bool
check_obsolete(struct rtapp *r, const struct ynode *map)
{
    g_autoptr(GString) found = g_string_new(NULL);
    const struct ynode *first = NULL;

    for (guint i = 0; i < map->nr; i++) {
        if (!g_strv_contains(obsolete, map->keys[i]->text))
            continue;
        first = first == NULL ? map->keys[i] : first;
        g_string_append_printf(found, "%s%s", found->len > 0 ? ", " : "", map->keys[i]->text);
        if (found->len > 200)
            break;
    }
    if (first == NULL)
        return true;
    ynode_error(&r->in, first,
                "obsolete keys of rt-app 0.x (%s); expected events of rt-app 1.0: "
                "run, timer, lock, wait...",
                found->str);
    return false;
}

/* Keys that are neither attributes nor events, and those without a meaning. */
static void
survey_keys(struct rtapp *r, const struct ynode *map, enum where where, bool has_events)
{
    for (guint i = 0; i < map->nr; i++) {
        const char *key = map->keys[i]->text;
        gsize a = 0;

        while (a < ARRAY_LEN(attributes) &&
               (strcmp(attributes[a].key, key) != 0 || !(attributes[a].where & where)))
            a++;
        if (a < ARRAY_LEN(attributes) && attributes[a].idle)
            rtapp_idle(r, map->keys[i]);
        else if (a == ARRAY_LEN(attributes) && !(has_events && rtapp_is_event(key)))
            rtapp_unknown(r, map->keys[i]);
    }
}

static bool
is_rt(const char *class)
{
    return strcmp(class, "fifo") == 0 || strcmp(class, "rr") == 0;
}

/* The class that a task, or a phase of it, asks for: its own, the task's, the file's. */
static const char *
rtapp_class(struct rtapp *r, const struct ynode *task, const struct ynode *map)
{
    const struct ynode *policy = rtapp_get(r, map, "policy");
    const char *class = r->default_class;

    if (policy == NULL)
        policy = rtapp_get(r, task, "policy");
    if (policy != NULL)
        rtapp_policy(r, policy, &class);
    return class;
}

static bool
survey_reservation(struct rtapp *r, const struct ynode *map, const struct ynode *at,
                   struct rtapp_class_values *v)
{
    if (!rtapp_number_at(r, map, "dl-runtime", 0, INT32_MAX, 0, &v->runtime) ||
        !rtapp_number_at(r, map, "dl-period", 0, INT32_MAX, v->runtime, &v->period) ||
        !rtapp_number_at(r, map, "dl-deadline", 0, INT32_MAX, v->period, &v->deadline))
        return false;
    if (v->runtime >= 2 && v->runtime <= v->deadline && v->deadline <= v->period &&
        v->period >= 100 && v->period <= 1 << 22)
        return true;
    ynode_error(&r->in, at,
                "SCHED_DEADLINE needs dl-runtime <= dl-deadline <= dl-period, the first from 2 us, "
                "the last from 100 to 4194304 us");
    return false;
}

/* rt-app's defaults: priority 10 of a real-time policy, nice 0; period and deadline are the one
 * before. */
bool
rtapp_class_read(struct rtapp *r, const struct ynode *task, const struct ynode *map,
                 struct rtapp_class_values *v)
{
    const struct ynode *prio = rtapp_get(r, map, "priority");
    const struct ynode *policy = rtapp_get(r, map, "policy");

    v->class = rtapp_class(r, task, map);
    if (v->class == NULL)
        return false;
    if (strcmp(v->class, "deadline") == 0)
        return survey_reservation(r, map, policy != NULL ? policy : task, v);
    v->has_priority = prio != NULL;
    v->priority = is_rt(v->class) ? 10 : 0;
    return prio == NULL || (is_rt(v->class) ? rtapp_number(r, prio, 1, 99, &v->priority)
                                            : rtapp_number(r, prio, -20, 19, &v->priority));
}

/* Puts class, priority or reservation into a map. */
void
rtapp_class_write(struct rtapp *r, const struct ynode *at, const struct rtapp_class_values *v,
                  struct ynode *map)
{
    make_put(r, map, "class", make_text(r, at, "%s", v->class));
    if (is_rt(v->class))
        make_put(r, map, "priority", make_text(r, at, "%" PRId64, v->priority));
    if (strcmp(v->class, "deadline") != 0)
        return;
    make_put(r, map, "runtime", make_text(r, at, "%" PRId64 "us", v->runtime));
    make_put(r, map, "deadline", make_text(r, at, "%" PRId64 "us", v->deadline));
    make_put(r, map, "period", make_text(r, at, "%" PRId64 "us", v->period));
}

/* Its mistakes are shown. */
static void
survey_policy(struct rtapp *r, const struct ynode *task, const struct ynode *map)
{
    struct rtapp_class_values v = { 0 };

    if (map == task || rtapp_has_class(r, map))
        rtapp_class_read(r, task, map, &v);
}

bool
rtapp_has_class(struct rtapp *r, const struct ynode *map)
{
    return rtapp_get(r, map, "policy") != NULL || rtapp_get(r, map, "priority") != NULL ||
           rtapp_get(r, map, "dl-runtime") != NULL;
}

const struct ynode *
rtapp_nodes(struct rtapp *r, const struct ynode *map)
{
    const struct ynode *nodes = rtapp_get(r, map, "membind_nodes");

    return nodes != NULL ? nodes : rtapp_get(r, map, "nodes_membind");
}

static void
survey_numbers(struct rtapp *r, const struct ynode *list, int64_t most)
{
    int64_t value;

    if (list == NULL || ynode_expect(&r->in, list, YNODE_SEQ) == NULL)
        return;
    if (list->nr == 0)
        ynode_error(&r->in, list, "the list is empty; expected at least one number");
    for (guint i = 0; i < list->nr; i++)
        if (!rtapp_number(r, list->values[i], 0, most, &value))
            return;
}

static void
survey_place(struct rtapp *r, const struct ynode *map)
{
    const struct ynode *group = rtapp_get(r, map, "taskgroup");

    survey_numbers(r, rtapp_get(r, map, "cpus"), CPU_MAX - 1);
    survey_numbers(r, rtapp_nodes(r, map), UINT16_MAX);
    if (group != NULL && group->text[0] != '\0' && strcmp(group->text, "/") != 0)
        rtapp_not_yet(r, group, "the membership in a task group");
}

int64_t
rtapp_loop(struct rtapp *r, const struct ynode *map, int64_t def)
{
    const struct ynode *n = rtapp_get(r, map, "loop");
    int64_t loop = def;

    if (n != NULL && rtapp_number(r, n, -1, INT32_MAX, &loop) && loop == 0)
        ynode_error(&r->in, n, "a loop of no rounds; expected -1 (forever) or a number from 1");
    return loop;
}

static uint64_t
rounds(int64_t a, int64_t b, uint64_t c)
{
    if (a < 0 || b < 0 || (uint64_t)a * (uint64_t)b > RTAPP_FORKS_MAX)
        return RTAPP_FORKS_MAX;
    return MIN((uint64_t)a * (uint64_t)b * MIN(c, (uint64_t)RTAPP_FORKS_MAX),
               (uint64_t)RTAPP_FORKS_MAX);
}

static void
survey_phase(struct rtapp *r, struct rtapp_task *t, const struct ynode *map)
{
    guint nr_events = 0;

    if (ynode_expect(&r->in, map, YNODE_MAP) == NULL ||
        (t->phases != NULL && !check_obsolete(r, map)))
        return;
    if (t->phases != NULL) {
        survey_keys(r, map, PHASE, true);
        survey_policy(r, t->map, map);
        survey_place(r, map);
        t->moves |= rtapp_get(r, map, "cpus") != NULL;
        t->binds |= rtapp_nodes(r, map) != NULL;
    }
    t->rounds = rounds(t->phases != NULL ? t->loop : 1,
                       rtapp_loop(r, map, t->phases != NULL ? 1 : -1), t->instances);
    for (guint i = 0; i < map->nr && !diag_full(r->in.diag); i++)
        if (rtapp_is_event(map->keys[i]->text)) {
            rtapp_survey_event(r, t, map->keys[i], map->values[i]);
            nr_events++;
        }
    if (nr_events == 0)
        ynode_error(&r->in, map, "there are no events; expected run, sleep, timer...");
}

static void
survey_task(struct rtapp *r, struct rtapp_task *t)
{
    int64_t delay;

    survey_keys(r, t->map, TASK, t->phases == NULL);
    survey_policy(r, t->map, t->map);
    survey_place(r, t->map);
    rtapp_number_at(r, t->map, "delay", 0, INT32_MAX, 0, &delay);
    if (t->phases == NULL) {
        survey_phase(r, t, t->map);
        return;
    }
    t->loop = rtapp_loop(r, t->map, -1);
    if (ynode_expect(&r->in, t->phases, YNODE_MAP) != NULL && t->phases->nr == 0)
        ynode_error(&r->in, t->phases, "there are no phases");
    for (guint i = 0; t->phases->kind == YNODE_MAP && i < t->phases->nr; i++)
        survey_phase(r, t, t->phases->values[i]);
}

void
rtapp_survey_tasks(struct rtapp *r, const struct ynode *map)
{
    if (map->nr > RTAPP_TASKS_MAX) {
        ynode_error(&r->in, map,
                    "there are %u tasks; expected at most %d (write 'instance' for "
                    "many alike)",
                    map->nr, RTAPP_TASKS_MAX);
        return;
    }
    for (guint i = 0; i < map->nr && !diag_full(r->in.diag); i++) {
        struct rtapp_task t = { .key = map->keys[i], .map = map->values[i] };
        int64_t instances = 1;

        t.name = t.key->text;
        if (ynode_expect(&r->in, t.map, YNODE_MAP) == NULL || !check_obsolete(r, t.map) ||
            !rtapp_number_at(r, t.map, "instance", 0, WORKLOAD_TASKS_MAX, 1, &instances))
            continue;
        t.instances = (uint64_t)instances;
        t.phases = rtapp_get(r, t.map, "phases");
        g_array_append_val(r->tasks, t);
    }
    for (guint i = 0; i < r->tasks->len && !diag_full(r->in.diag); i++)
        survey_task(r, &g_array_index(r->tasks, struct rtapp_task, i));
}
