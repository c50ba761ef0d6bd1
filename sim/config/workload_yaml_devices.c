/*
 * Devices in a workload file: those that it brings, and the steps `io` and `offload`.
 *
 * Which devices a machine has is not known here; names that steps use are collected, and looked up
 * when the workload meets its machine.
 */
#include "config/topology_yaml.h"
#include "config/workload_yaml_steps.h"

enum { DEVICES_MOST = 1000 };

/* ---- names ---- */

static struct wdevice *
device_named(struct wload *l, const char *name)
{
    for (guint i = 0; i < l->devices->len; i++) {
        struct wdevice *d = &g_array_index(l->devices, struct wdevice, i);

        if (strcmp(d->name, name) == 0)
            return d;
    }
    return NULL;
}

static uint32_t
add_device(struct wload *l, const struct wdevice *d)
{
    g_array_append_val(l->devices, *d);
    return l->devices->len - 1;
}

/* The device that a step means; false with an error. */
static bool
find_device(struct wload *l, const struct ynode *n, uint32_t *device)
{
    const char *name = ynode_string(&l->doc, n);

    if (name == NULL)
        return false;
    struct wdevice *d = device_named(l, name);
    if (d != NULL) {
        *device = (uint32_t)(d - (struct wdevice *)(void *)l->devices->data);
        return true;
    }
    if (l->devices->len >= DEVICES_MOST) {
        ynode_error(&l->doc, n, "more than %d names of devices", DEVICES_MOST);
        return false;
    }
    *device = add_device(l, &(struct wdevice){ .name = name, .line = n->line });
    return true;
}

/* ---- the list under `devices` ---- */

static const char *const device_others[] = { "node", "count", NULL };

static void
read_device(struct wload *l, const struct ynode *entry)
{
    struct wdevice d = { .declared = true, .line = entry->line };

    if (!ynode_load_fields(&l->doc, entry, topo_device_fields, device_others, &d.spec))
        return;
    if (d.spec.active_w < d.spec.idle_w)
        ynode_error(&l->doc, ynode_get(entry, "idle_w"),
                    "more watts than while it works ('active_w')");
    wload_number(l, ynode_get(entry, "count"), FIELD_U64, WEXPR_MACHINE, &d.count);
    wload_number(l, ynode_get(entry, "node"), FIELD_U64, WEXPR_MACHINE, &d.node);
    if (ynode_get(entry, "name") == NULL || wload_name(l, ynode_get(entry, "name")) == NULL)
        return;
    d.name = d.spec.name;
    if (device_named(l, d.name) != NULL)
        ynode_error(&l->doc, ynode_get(entry, "name"),
                    "another device is called '%s'; give each a name of its own", d.name);
    else
        add_device(l, &d);
}

void
wload_devices(struct wload *l, const struct ynode *root)
{
    const struct ynode *list = wload_list_at(l, root, "devices");

    for (guint i = 0; list != NULL && i < list->nr && !wload_is_enough(l); i++)
        if (ynode_expect(&l->doc, list->values[i], YNODE_MAP) != NULL)
            read_device(l, list->values[i]);
}

/* ---- steps ---- */

static const struct wuse *
read_memory(struct wload *l, const struct ynode *n)
{
    struct wuse *use = arena_new_object(l->doc.arena, struct wuse);
    const struct ynode *region = ynode_get(n, "region"), *slice = ynode_get(n, "slice");

    if (region == NULL && slice != NULL)
        ynode_error(&l->doc, slice, "'region' is missing: the memory whose slice is meant");
    int32_t found = region != NULL ? wload_find_region(l, region) : -1;
    if (found < 0)
        return NULL;
    use->region = (uint32_t)found;
    wload_slice(l, n, use);
    if (use->slice == WSLICE_NEIGHBOURS)
        ynode_error(&l->doc, slice, "an operation works on one slice; write 'own'");
    return use;
}

static void
read_bytes(struct wload *l, const struct ynode *n, const char *key, struct wexpr *e)
{
    wload_number(l, ynode_get(n, key), FIELD_SIZE, WEXPR_LOOP, e);
}

/* What both steps have; the step itself is added last. */
static void
read_common(struct wload *l, const struct ynode *n, struct wio *io)
{
    const struct ynode *cost = ynode_get(n, "cost"), *done = ynode_get(n, "done");

    find_device(l, ynode_get(n, "device"), &io->device);
    io->cost = cost != NULL ? wload_duration(l, cost) : -1;
    wload_number(l, ynode_get(n, "queue"), FIELD_U64, WEXPR_LOOP, &io->queue);
    io->memory = read_memory(l, n);
    io->wait = wload_bool_at(l, n, "wait", true);
    io->done = -1;
    if (done != NULL && io->wait)
        ynode_error(&l->doc, done, "whoever waits for the end needs no semaphore; add 'wait: no'");
    if (done != NULL && ynode_string(&l->doc, done) != NULL)
        io->done = wload_find_object(l, done, done->text, 1u << WOBJECT_SEMAPHORE);
}

static void
add_step(struct wload *l, const struct ynode *n, enum wstep_kind kind, const struct wio *io)
{
    struct wio *kept = arena_new_object(l->doc.arena, struct wio);
    struct wstep *s;

    *kept = *io;
    s = step_add(l, n, kind);
    s->io = kept;
    s->object = io->done;
    if (ynode_get(n, "index") != NULL)
        wload_number(l, ynode_get(n, "index"), FIELD_U64, WEXPR_LOOP, &kept->index);
    if (ynode_get(n, "done_index") != NULL)
        wload_number(l, ynode_get(n, "done_index"), FIELD_U64, WEXPR_LOOP, &s->index);
}

/* Without a device only the time is known, and the thread does the work of completion. */
static void
read_plain_io(struct wload *l, const struct ynode *n)
{
    static const char *const known[] = { "time", "cost" };
    const struct ynode *time = ynode_get(n, "time"), *cost = ynode_get(n, "cost");
    bool fine = true;

    for (guint i = 0; i < n->nr && fine; i++) {
        fine = false;
        for (guint j = 0; j < ARRAY_LEN(known); j++)
            fine |= strcmp(n->keys[i]->text, known[j]) == 0;
        if (!fine)
            ynode_error(&l->doc, n->keys[i],
                        "without a 'device' there is only a 'time' and a 'cost'; name the device");
    }
    if (time == NULL) {
        ynode_error(&l->doc, n, "write a 'device', or the 'time' that it takes");
        return;
    }
    int32_t dist = wload_duration(l, time);
    step_add(l, n, WSTEP_IO)->dist = dist;
    if (cost == NULL)
        return;
    dist = wload_duration(l, cost);
    step_add(l, n, WSTEP_COMPUTE)->dist = dist;
}

static bool
is_wait(const struct ynode *n)
{
    return n->kind == YNODE_SCALAR && strcmp(n->text, "wait") == 0;
}

void
read_io(struct wload *l, const struct ynode *n, const struct verb *v)
{
    struct wio io = { .time = -1 };
    const struct ynode *time = ynode_get(n, "time");

    if (is_wait(n)) {
        step_add(l, n, WSTEP_AWAIT);
    } else if (n->kind == YNODE_SCALAR) {
        int32_t dist = wload_duration(l, n);
        step_add(l, n, v->kind)->dist = dist;
    } else if (ynode_get(n, "device") == NULL) {
        read_plain_io(l, n);
    } else {
        read_common(l, n, &io);
        io.time = time != NULL ? wload_duration(l, time) : -1;
        read_bytes(l, n, "bytes",
                   wload_bool_at(l, n, "write", false) ? &io.bytes_in : &io.bytes_out);
        add_step(l, n, v->kind, &io);
    }
}

void
read_offload(struct wload *l, const struct ynode *n, const struct verb *v)
{
    struct wio io = { .time = -1, .offload = true };
    const struct ynode *work = ynode_get(n, "work");

    if (n->kind == YNODE_SCALAR) {
        if (is_wait(n))
            step_add(l, n, WSTEP_AWAIT);
        else
            ynode_error(&l->doc, n, "write {device: gpu, work: 5ms, ...}, or 'wait'");
        return;
    }
    if (ynode_get(n, "device") == NULL) {
        ynode_error(&l->doc, n, "'device' is missing: its name, or a kind of device");
        return;
    }
    if (work == NULL && ynode_get(n, "bytes_in") == NULL && ynode_get(n, "bytes_out") == NULL)
        ynode_error(&l->doc, n, "nothing is to be done; give 'work', 'bytes_in' or 'bytes_out'");
    read_common(l, n, &io);
    io.time = work != NULL ? wload_duration(l, work) : -1;
    read_bytes(l, n, "bytes_in", &io.bytes_in);
    read_bytes(l, n, "bytes_out", &io.bytes_out);
    add_step(l, n, v->kind, &io);
}
