/*
 * Tasks and their phases.
 *
 * A task is a group of threads; its phases follow each other, each repeated by its own `loop`, all
 * of them by the task's. A task without phases is one phase. Each time round a phase counts as one
 * unit of work, because that is a line in rt-app's own log: the throughput of a thread compares
 * with it.
 *
 * Two passes, for what a task says about others (see import_rtapp_event.c). The second one runs
 * only if the first found nothing wrong, and so has no errors of its own to repeat.
 */
#include "config/import_rtapp_impl.h"

#include "workload/workload.h"

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
    { "dl-runtime", TASK | PHASE, true },
    { "dl-period", TASK | PHASE, true },
    { "dl-deadline", TASK | PHASE, true },
    { "util_min", TASK | PHASE, true },
    { "util_max", TASK | PHASE, true },
};

static const char *const obsolete[] = { "exec",       "period",    "deadline",
                                        "lock_order", "resources", NULL };

static const struct {
    const char *name, *class;
} policies[] = {
    { "SCHED_OTHER", "normal" }, { "SCHED_BATCH", "batch" }, { "SCHED_IDLE", "idle" },
    { "SCHED_FIFO", NULL },      { "SCHED_RR", NULL },       { "SCHED_DEADLINE", NULL },
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

/* ---- first pass ---- */

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

/* A policy and a priority; only classes without real-time are here. */
static void
survey_policy(struct rtapp *r, const struct ynode *map, bool is_phase)
{
    const struct ynode *policy = rtapp_get(r, map, "policy"), *nice = rtapp_get(r, map, "priority");
    const char *class = r->default_class;
    int64_t value;

    if (policy != NULL && !rtapp_policy(r, policy, &class))
        return;
    if (policy != NULL && class == NULL) {
        g_autofree char *what = g_strdup_printf("the policy %s", policy->text);
        rtapp_not_yet(r, policy, what);
    } else if (policy != NULL && is_phase) {
        rtapp_not_yet(r, policy, "another policy for each phase");
    } else if (nice != NULL && class == NULL) {
        rtapp_not_yet(r, nice, "the priority of a real-time policy");
    } else if (nice != NULL) {
        rtapp_number(r, nice, -20, 19, &value);
    }
}

static const struct ynode *
nodes_of(struct rtapp *r, const struct ynode *map)
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
    survey_numbers(r, nodes_of(r, map), UINT16_MAX);
    if (group != NULL && group->text[0] != '\0' && strcmp(group->text, "/") != 0)
        rtapp_not_yet(r, group, "the membership in a task group");
}

/* -1: forever. `def` where there is none. */
static int64_t
loop_of(struct rtapp *r, const struct ynode *map, int64_t def)
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
        survey_policy(r, map, true);
        survey_place(r, map);
        t->moves |= rtapp_get(r, map, "cpus") != NULL;
        t->binds |= nodes_of(r, map) != NULL;
    }
    t->rounds = rounds(t->phases != NULL ? t->loop : 1, loop_of(r, map, t->phases != NULL ? 1 : -1),
                       t->instances);
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
    survey_policy(r, t->map, false);
    survey_place(r, t->map);
    rtapp_number_at(r, t->map, "delay", 0, INT32_MAX, 0, &delay);
    if (t->phases == NULL) {
        survey_phase(r, t, t->map);
        return;
    }
    t->loop = loop_of(r, t->map, -1);
    if (ynode_expect(&r->in, t->phases, YNODE_MAP) != NULL && t->phases->nr == 0)
        ynode_error(&r->in, t->phases, "there are no phases");
    for (guint i = 0; t->phases->kind == YNODE_MAP && i < t->phases->nr; i++)
        survey_phase(r, t, t->phases->values[i]);
}

void
rtapp_survey_tasks(struct rtapp *r, const struct ynode *map)
{
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

/* ---- second pass ---- */

static struct ynode *
copy_list(struct rtapp *r, const struct ynode *from)
{
    struct ynode *list = make_list(r, from);

    for (guint i = 0; i < from->nr; i++)
        make_push(r, list, make_text(r, from->values[i], "%s", from->values[i]->text));
    return list;
}

static struct ynode *
affinity(struct rtapp *r, const struct ynode *cpus)
{
    struct ynode *map = make_map(r, cpus);

    make_put(r, map, "cpus", copy_list(r, cpus));
    return map;
}

static struct ynode *
bound_to(struct rtapp *r, const struct ynode *nodes)
{
    struct ynode *map = make_map(r, nodes);

    make_put(r, map, "mode", make_text(r, nodes, "bind"));
    make_put(r, map, "nodes", copy_list(r, nodes));
    return map;
}

/* A phase without a place of its own returns to the task's. */
static void
write_place(struct rtapp *r, const struct rtapp_task *t, const struct ynode *at,
            const struct ynode *map, struct ynode *program)
{
    const struct ynode *cpus = rtapp_get(r, map, "cpus"), *nodes = nodes_of(r, map);
    const struct ynode *nice = rtapp_get(r, map, "priority");

    cpus = cpus != NULL ? cpus : rtapp_get(r, t->map, "cpus");
    nodes = nodes != NULL ? nodes : nodes_of(r, t->map);
    if (t->moves)
        make_step(r, program, "set_affinity",
                  cpus != NULL ? affinity(r, cpus) : make_text(r, at, "all"));
    if (t->binds)
        make_step(r, program, "set_mempolicy",
                  nodes != NULL ? bound_to(r, nodes) : make_text(r, at, "default"));
    if (nice != NULL)
        make_step(r, program, "set_nice", make_text(r, nice, "%s", nice->text));
}

static void
write_phase(struct rtapp *r, struct rtapp_task *t, const struct ynode *key, const struct ynode *map,
            struct ynode *program)
{
    int64_t loop = loop_of(r, map, t->phases != NULL ? 1 : -1);

    if (t->phases != NULL)
        write_place(r, t, key, map, program);
    if (loop != 1)
        program = make_loop(r, program, key, loop);
    for (guint i = 0; i < map->nr; i++)
        if (rtapp_is_event(map->keys[i]->text))
            rtapp_event(r, t, map->keys[i], map->values[i], program);
    make_step(r, program, "work", make_text(r, key, "1"));
}

static struct ynode *
write_program(struct rtapp *r, struct rtapp_task *t)
{
    struct ynode *program = make_list(r, t->key), *body = program;

    if (t->phases == NULL) {
        write_phase(r, t, t->key, t->map, program);
        return program;
    }
    if (t->loop != 1)
        body = make_loop(r, program, t->key, t->loop);
    for (guint i = 0; i < t->phases->nr; i++)
        write_phase(r, t, t->phases->keys[i], t->phases->values[i], body);
    return program;
}

static void
write_buffer(struct rtapp *r, const struct rtapp_task *t, struct ynode *group)
{
    struct ynode *list = make_list(r, t->key), *region = make_map(r, t->key);

    if (t->buffer == 0)
        return;
    make_put(r, region, "name", make_text(r, t->key, "buffer"));
    make_put(r, region, "size", make_text(r, t->key, "%" PRIu64 "B", t->buffer));
    make_push(r, list, region);
    make_put(r, group, "regions", list);
}

static void
write_attributes(struct rtapp *r, const struct rtapp_task *t, struct ynode *group)
{
    const struct ynode *nice = rtapp_get(r, t->map, "priority"), *nodes = nodes_of(r, t->map);
    const struct ynode *cpus = rtapp_get(r, t->map, "cpus");
    const struct ynode *policy = rtapp_get(r, t->map, "policy");
    const char *class = r->default_class;

    if (policy != NULL)
        rtapp_policy(r, policy, &class);
    if (class != NULL && strcmp(class, "normal") != 0)
        make_put(r, group, "class", make_text(r, t->key, "%s", class));
    if (nice != NULL)
        make_put(r, group, "nice", make_text(r, nice, "%s", nice->text));
    if (cpus != NULL)
        make_put(r, group, "affinity", affinity(r, cpus));
    if (nodes != NULL)
        make_put(r, group, "mempolicy", bound_to(r, nodes));
}

static void
write_group(struct rtapp *r, struct rtapp_task *t, const char *name, uint64_t count, bool forked)
{
    struct ynode *group = make_map(r, t->key);
    int64_t delay = 0;

    make_put(r, group, "name", make_text(r, t->key, "%s", name));
    make_put(r, group, "count", make_text(r, t->key, "%" PRIu64, count));
    write_attributes(r, t, group);
    rtapp_number_at(r, t->map, "delay", 0, INT32_MAX, 0, &delay);
    if (forked)
        make_put(r, group, "start", make_text(r, t->key, "fork"));
    else if (delay > 0)
        make_put(r, group, "start", make_text(r, t->key, "%" PRId64 "us", delay));
    write_buffer(r, t, group);
    struct ynode *program = write_program(r, t);
    if (forked && delay > 0)
        make_step(r, program, "sleep", make_text(r, t->key, "%" PRId64 "us", delay));
    make_put(r, group, "program", program);
    make_push(r, r->threads, group);
}

static void
write_task(struct rtapp *r, struct rtapp_task *t)
{
    if (t->instances > 0)
        write_group(r, t, t->group, t->instances, false);
    if (t->nr_forks > 0)
        write_group(r, t, t->fork_group, t->nr_forks, true);
    if (t->nr_forks == RTAPP_FORKS_MAX)
        rtapp_note(r, t->key,
                   "at most %d forked threads of it live at a time; rt-app itself gives "
                   "up at the fork after that",
                   RTAPP_FORKS_MAX);
    if (t->instances == 0 && t->nr_forks == 0)
        rtapp_note(r, t->key, "has no instances and is never forked; it is left out");
}

void
rtapp_write_tasks(struct rtapp *r)
{
    for (guint i = 0; i < r->tasks->len; i++) {
        struct rtapp_task *t = &g_array_index(r->tasks, struct rtapp_task, i);
        g_autofree char *forked = g_strconcat(t->name, t->instances > 0 ? ".fork" : "", NULL);

        if (t->instances > 0)
            t->group = make_name(r, t->name);
        if (t->nr_forks > 0)
            t->fork_group = make_name(r, forked);
    }
    for (guint i = 0; i < r->tasks->len && !diag_full(r->in.diag); i++)
        write_task(r, &g_array_index(r->tasks, struct rtapp_task, i));
}
