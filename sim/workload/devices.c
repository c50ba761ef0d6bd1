/*
 * Devices of a workload: what the names in its steps mean on this machine, and the steps.
 *
 * A name is that of one device of the machine, or a kind (gpu, nvme...): all devices of that kind.
 * A workload may declare devices, so that it runs on machines that do not describe any: a declared
 * name is the machine's device of that name if there is one, else all of the machine's of that
 * kind, and only else the declared ones, which then belong to the machine for this run; a note says
 * so. Of several devices a thread uses the one of its number, unless the step has an index.
 *
 * An operation that is waited for blocks the thread at once, as a read() that misses the page cache
 * does; what the call itself costs is a compute step before it. Its memory is where a region of the
 * step lies, else what the thread's last step with memory used, else the node of its CPU.
 */
#include "kernel/device.h"
#include "workload/run.h"

enum { DEVICES_MOST = 4096 };

/* ---- what names mean ---- */

static int
kind_of(const char *name)
{
    for (int i = 0; device_kind_names[i] != NULL; i++)
        if (strcmp(device_kind_names[i], name) == 0)
            return i;
    return -1;
}

/* The machine's devices that are meant; ids may be NULL. */
static uint32_t
of_machine(const struct machine *m, const struct wdevice *d, uint32_t *ids)
{
    int kind = !d->declared                   ? kind_of(d->name)
               : d->spec.kind != DEVICE_OTHER ? (int)d->spec.kind
                                              : -1; /* others have nothing in common */
    uint32_t nr = 0;

    for (uint32_t i = 0; i < m->nr_devices; i++)
        if (strcmp(m->devices[i].name, d->name) == 0) {
            if (ids != NULL)
                ids[0] = i;
            return 1;
        }
    for (uint32_t i = 0; i < m->nr_devices && kind >= 0; i++)
        if (m->devices[i].kind == (enum device_kind)kind) {
            if (ids != NULL)
                ids[nr] = i;
            nr++;
        }
    return nr;
}

static const char *
list_devices(const struct machine *m, struct arena *a)
{
    const char *text = "";

    for (uint32_t i = 0; i < m->nr_devices && i < 20; i++)
        text = arena_printf(a, "%s%s%s", text, i > 0 ? ", " : "", m->devices[i].name);
    return m->nr_devices == 0 ? "none" : text;
}

/* How many a workload brings; 0 with *why. */
static uint32_t
brought(const struct workload *w, const struct machine *m, const struct wenv *env,
        const struct wdevice *d, struct arena *a, const char **why)
{
    uint64_t count = 1, node = 0;
    const char *wrong = NULL;

    if (d->count.nr > 0)
        wrong = wexpr_eval(&d->count, env, &count);
    if (wrong == NULL && d->node.nr > 0)
        wrong = wexpr_eval(&d->node, env, &node);
    if (wrong != NULL)
        *why = arena_printf(a, "%s:%u: a number of device %s %s", w->file, d->line, d->name, wrong);
    else if (count == 0 || count > DEVICES_MOST)
        *why = arena_printf(a, "%s:%u: %llu devices %s; from 1 to %d are possible", w->file,
                            d->line, (unsigned long long)count, d->name, DEVICES_MOST);
    else if (d->node.nr > 0 && (node > UINT32_MAX || machine_node_by_os(m, (uint32_t)node) < 0))
        *why = arena_printf(a, "%s:%u: device %s is on node %llu, which the machine does not have",
                            w->file, d->line, d->name, (unsigned long long)node);
    return *why == NULL ? (uint32_t)count : 0;
}

const char *
count_devices(const struct workload *w, const struct machine *m, const struct wenv *env,
              struct arena *a, uint32_t *nr)
{
    const char *why = NULL;

    *nr = m->nr_devices;
    for (uint32_t i = 0; i < w->nr_devices && why == NULL; i++) {
        const struct wdevice *d = &w->devices[i];

        if (of_machine(m, d, NULL) > 0)
            continue;
        if (d->declared)
            *nr += brought(w, m, env, d, a, &why);
        else
            why = arena_printf(a,
                               "%s:%u: there is no device '%s' on machine %s; its devices: %s. "
                               "A workload may bring its own under 'devices'",
                               w->file, d->line, d->name, m->name, list_devices(m, a));
    }
    return why;
}

/* The nth node with CPUs, beginning anew after the last. */
static int32_t
node_in_turn(const struct machine *m, uint64_t nth)
{
    nodemask nodes = machine_cpu_nodes(m);

    nth %= (uint64_t)__builtin_popcountll(nodes);
    for_each_node (n, nodes)
        if (nth-- == 0)
            return n;
    return 0;
}

/* The ith of those that stand in for a kind that the machine does not have. */
static const struct machine_device *
stand_in(struct workload_run *r, const struct wdevice *d, uint64_t i, bool one)
{
    struct machine_device *spec = arena_new_object(r->k->arena, struct machine_device);
    uint64_t node = 0;

    *spec = d->spec;
    spec->name =
        one ? d->name : arena_printf(r->k->arena, "%s%llu", d->name, (unsigned long long)i);
    if (d->node.nr > 0)
        wexpr_eval(&d->node, &r->env, &node);
    spec->node = d->node.nr > 0 ? machine_node_by_os(r->k->machine, (uint32_t)node)
                                : node_in_turn(r->k->machine, i);
    machine_device_complete(spec);
    return spec;
}

static void
bring(struct workload_run *r, const struct wdevice *d, const struct machine_device **specs,
      struct wdevice_set *set, uint32_t *nr)
{
    uint64_t count = 1;

    if (d->count.nr > 0)
        wexpr_eval(&d->count, &r->env, &count);
    set->ids = arena_new_array(r->k->arena, uint32_t, count);
    for (uint64_t i = 0; i < count; i++) {
        specs[*nr] = stand_in(r, d, i, count == 1);
        set->ids[set->nr++] = (*nr)++;
    }
    kernel_note(r->k, "the machine has no device for '%s': %llu of the workload's own", d->name,
                (unsigned long long)count);
}

void
build_devices(struct workload_run *r)
{
    const struct workload *w = r->w;
    const struct machine *m = r->k->machine;
    uint32_t nr = m->nr_devices, all;

    if (count_devices(w, m, &r->env, r->k->arena, &all) != NULL || all == 0)
        return;
    const struct machine_device **specs =
        arena_new_array(r->k->arena, const struct machine_device *, all);
    for (uint32_t i = 0; i < nr; i++)
        specs[i] = &m->devices[i];
    r->devices = arena_new_array(r->k->arena, struct wdevice_set, w->nr_devices);
    for (uint32_t i = 0; i < w->nr_devices; i++) {
        struct wdevice_set *set = &r->devices[i];

        set->nr = of_machine(m, &w->devices[i], NULL);
        if (set->nr == 0) {
            bring(r, &w->devices[i], specs, set, &nr);
            continue;
        }
        set->ids = arena_new_array(r->k->arena, uint32_t, set->nr);
        of_machine(m, &w->devices[i], set->ids);
    }
    devices_init(r->k, specs, nr);
}

/* ---- operations ---- */

static bool
is_there(const struct thread *t, const struct task *p)
{
    return t->task == p && t->alive;
}

/* The thread blocks until this one is over. */
static void
io_done_waited(struct kernel *k, void *owner, struct task *p, int cpu)
{
    struct thread *t = owner;

    if (!is_there(t, p))
        return;
    t->io = IO_OVER;
    task_wake_irq(k, p, cpu);
}

static void
io_done(struct kernel *k, void *owner, struct task *p, int cpu)
{
    struct thread *t = owner;

    if (!is_there(t, p) || --t->nr_io > 0 || t->io != IO_WAITS_ALL)
        return;
    t->io = IO_OVER;
    task_wake_irq(k, p, cpu);
}

/* The same, and a semaphore goes up. */
static void
io_done_up(struct kernel *k, void *owner, struct task *p, int cpu)
{
    struct io_signal *signal = owner;
    struct thread *t = signal->thread;
    struct meeting *m = signal->meeting;

    list_remove(&signal->node);
    list_push_front(&t->run->free_signals, &signal->node);
    t->run->irq_cpu = cpu;
    if (list_empty(&m->waiters))
        m->value++;
    else
        grant_first(&m->waiters, NULL, false);
    t->run->irq_cpu = -1;
    io_done(k, t, p, cpu);
}

static struct io_signal *
signal_new(struct thread *t, struct meeting *m)
{
    struct workload_run *r = t->run;
    struct io_signal *signal;

    if (list_empty(&r->free_signals)) {
        signal = arena_new_object(r->k->arena, struct io_signal);
        list_init(&signal->node);
    } else {
        signal = list_entry(r->free_signals.next, struct io_signal, node);
        list_remove(&signal->node);
    }
    signal->thread = t;
    signal->meeting = m;
    return signal;
}

/* Where the operation's memory is. */
static bool
find_memory(struct thread *t, const struct wstep *s, struct device_request *rq)
{
    struct task *p = t->task;

    if (s->io->memory != NULL) {
        struct burst_use use;
        const char *why = build_use(t, s->io->memory, &use);

        if (why != NULL)
            thread_fail(t, s, why);
        else
            region_shares(t->run->k, use.region, use.slice, &rq->nodes, rq->share_q16);
        return why == NULL;
    }
    if (p->mem->profile != NULL) {
        const struct mem_mix *mix = mm_mix(t->run->k, p);

        rq->nodes = mix->nodes;
        memcpy(rq->share_q16, mix->share_q16, sizeof(rq->share_q16));
    }
    return true;
}

static bool
find_device(struct thread *t, const struct wstep *s, uint32_t *device)
{
    const struct wdevice_set *set = &t->run->devices[s->io->device];
    uint64_t index = t->number;

    if (s->io->index.nr > 0 && !step_number(t, s, &s->io->index, &index))
        return false;
    *device = set->ids[index % set->nr];
    return true;
}

static bool
bytes_of(struct thread *t, const struct wstep *s, const struct wexpr *e, uint64_t *bytes)
{
    *bytes = 0;
    return e->nr == 0 || step_number(t, s, e, bytes);
}

/* What a server is busy with: the device's latency and the work at its speed, or the step's own
 * time. */
static uint64_t
service_of(const struct thread *t, const struct wio *io, const struct machine_device *d, double ns)
{
    if (io->time < 0)
        return d->latency;
    if (!io->offload)
        return (uint64_t)ns;
    return d->latency + (uint64_t)(ns / d->speed + 0.5);
}

static bool
make_request(struct thread *t, const struct wstep *s, uint32_t device, struct device_request *rq)
{
    const struct wio *io = s->io;
    struct workload_run *r = t->run;
    uint64_t queue, ns = io->time >= 0 ? chance_draw(&r->chances[io->time], &t->rng) : 0;

    rq->task = t->task;
    rq->queue = -1;
    rq->service = service_of(t, io, device_spec(r->k, device), (double)ns);
    rq->cost = io->cost >= 0 ? chance_draw(&r->chances[io->cost], &t->rng)
                             : r->k->params.cost.io_completion;
    if (!bytes_of(t, s, &io->bytes_in, &rq->bytes_in) ||
        !bytes_of(t, s, &io->bytes_out, &rq->bytes_out) || !find_memory(t, s, rq))
        return false;
    if (io->queue.nr == 0)
        return true;
    if (!step_number(t, s, &io->queue, &queue))
        return false;
    rq->queue = (int32_t)SIM_MIN(queue, (uint64_t)INT32_MAX);
    return true;
}

static bool
submit(struct thread *t, const struct wstep *s)
{
    struct device_request rq = { .done = io_done, .owner = t };
    struct meeting *m = NULL;
    uint32_t device;

    if (!find_device(t, s, &device) || !make_request(t, s, device, &rq))
        return false;
    if (s->io->done >= 0 && (m = meeting_of(t, s)) == NULL)
        return false;
    if (t->nr_io >= IO_MOST) {
        thread_fail(t, s, "has too many operations under way that nobody waits for");
        return false;
    }
    if (s->io->wait)
        rq.done = io_done_waited;
    if (m != NULL) {
        rq.done = io_done_up;
        rq.owner = signal_new(t, m);
    }
    const char *why = device_submit(t->run->k, device, &rq);
    if (why != NULL)
        thread_fail(t, s, why);
    else
        t->nr_io += !s->io->wait;
    return why == NULL;
}

static bool
block(struct thread *t, const struct wstep *s, struct action *act)
{
    *act = (struct action){ .kind = ACTION_BLOCK, .io = s->kind != WSTEP_OFFLOAD };
    return true;
}

bool
step_io(struct thread *t, const struct wstep *s, struct action *act)
{
    if (s->io == NULL) { /* a time, and nothing is known of the device */
        uint64_t ns = chance_draw(&t->run->chances[s->dist], &t->rng);

        t->pc++;
        *act = (struct action){ .kind = ACTION_SLEEP,
                                .until = kernel_now(t->run->k) + ns,
                                .io = true };
        return ns > 0;
    }
    if (t->io == IO_NONE) {
        if (!submit(t, s))
            return false;
        if (s->io->wait) {
            t->io = IO_WAITS;
            return block(t, s, act);
        }
    }
    t->io = IO_NONE;
    t->pc++;
    return false;
}

bool
step_await(struct thread *t, const struct wstep *s, struct action *act)
{
    if (t->nr_io > 0) {
        t->io = IO_WAITS_ALL;
        return block(t, s, act);
    }
    t->io = IO_NONE;
    t->pc++;
    return false;
}
