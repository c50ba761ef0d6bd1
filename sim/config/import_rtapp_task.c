/*
 * Tasks and their phases.
 *
 * A task is a group of threads; its phases follow each other, each repeated by its own `loop`, all
 * of them by the task's. A task without phases is one phase. Each time round a phase counts as one
 * unit of work, because that is a line in rt-app's own log: the throughput of a thread compares
 * with it.
 *
 * This is the second pass; it runs only if the first (import_rtapp_survey.c) found nothing wrong.
 */
#include "config/import_rtapp_impl.h"

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

/* A phase that says nothing of its class keeps the one that the thread has. */
static void
write_class(struct rtapp *r, const struct rtapp_task *t, const struct ynode *at,
            const struct ynode *map, struct ynode *program)
{
    struct rtapp_class_values v = { 0 };
    bool rt = false;

    if (!rtapp_has_class(r, map) || !rtapp_class_read(r, t->map, map, &v))
        return;
    rt = strcmp(v.class, "fifo") == 0 || strcmp(v.class, "rr") == 0;
    if (rt || rtapp_get(r, map, "policy") != NULL || rtapp_get(r, map, "dl-runtime") != NULL) {
        struct ynode *step = make_map(r, at);
        rtapp_class_write(r, at, &v, step);
        make_step(r, program, "set_class", step);
    }
    if (!rt && v.has_priority)
        make_step(r, program, "set_nice", make_text(r, at, "%" PRId64, v.priority));
}

/* A phase without a place of its own returns to the task's. */
static void
write_place(struct rtapp *r, const struct rtapp_task *t, const struct ynode *at,
            const struct ynode *map, struct ynode *program)
{
    const struct ynode *cpus = rtapp_get(r, map, "cpus"), *nodes = rtapp_nodes(r, map);

    cpus = cpus != NULL ? cpus : rtapp_get(r, t->map, "cpus");
    nodes = nodes != NULL ? nodes : rtapp_nodes(r, t->map);
    if (t->moves)
        make_step(r, program, "set_affinity",
                  cpus != NULL ? affinity(r, cpus) : make_text(r, at, "all"));
    if (t->binds)
        make_step(r, program, "set_mempolicy",
                  nodes != NULL ? bound_to(r, nodes) : make_text(r, at, "default"));
    write_class(r, t, at, map, program);
}

static void
write_phase(struct rtapp *r, struct rtapp_task *t, const struct ynode *key, const struct ynode *map,
            struct ynode *program)
{
    int64_t loop = rtapp_loop(r, map, t->phases != NULL ? 1 : -1);

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
    const struct ynode *nodes = rtapp_nodes(r, t->map), *cpus = rtapp_get(r, t->map, "cpus");
    const struct ynode *nice = rtapp_get(r, t->map, "priority");
    struct rtapp_class_values v = { 0 };

    if (rtapp_class_read(r, t->map, t->map, &v)) {
        if (strcmp(v.class, "normal") != 0)
            rtapp_class_write(r, t->key, &v, group);
        if (v.has_priority && strcmp(v.class, "fifo") != 0 && strcmp(v.class, "rr") != 0)
            make_put(r, group, "nice", make_text(r, nice, "%s", nice->text));
    }
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
