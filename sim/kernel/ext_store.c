/*
 * What policies keep: maps, queues, data of tasks, CPUs, nodes and groups, timers, draws. All of it
 * is in the policy's arena, is made by init, and is gone when the policy is.
 *
 * A map is an array of entries in order of insertion, found by open addressing; a deletion closes
 * the gap, so that the order is kept.
 */
#include "kernel/ext_impl.h"

#include <errno.h>

enum { MAPS_MAX = 64, QUEUES_MAX = 256, TIMERS_MAX = 8192, STREAMS = 16 };

struct scx_map {
    uint32_t capacity, len, value_size, nr_slots;
    uint64_t *keys;
    uint8_t *values;
    uint32_t *slots; /* entry + 1 */
    int32_t last_cpu;
    sim_time last_touch;
};

struct scx_queue {
    uint32_t capacity, len, head;
    uint64_t *values;
    int32_t last_cpu;
    sim_time last_touch;
};

struct scx_timer {
    struct event ev;
    int32_t cpu;
    uint32_t id;
};

struct scx_store {
    struct scx_map maps[MAPS_MAX];
    struct scx_queue queues[QUEUES_MAX];
    uint32_t nr_maps, nr_queues;
    struct rng streams[STREAMS];
    uint64_t used; /* bytes */
    void **cgroup_data;
};

void
scx_store_new(struct scx *x)
{
    x->store = arena_new_object(x->arena, struct scx_store);
    for (uint32_t i = 0; i < STREAMS; i++)
        rng_init(&x->store->streams[i], x->k->seed, "policy", i);
    x->store->cgroup_data = arena_new_array(x->arena, void *, x->k->max_groups + 2);
}

/* Memory of the policy, if it may have that much. */
static void *
take(struct scx *x, uint64_t bytes)
{
    if (bytes > x->k->params.ext.max_memory - SIM_MIN(x->k->params.ext.max_memory, x->store->used))
        return NULL;
    x->store->used += bytes;
    return arena_alloc(x->arena, bytes);
}

/* ---- data of things ---- */

void *
scx_priv(const struct scx *x)
{
    return x->priv;
}

void *
scx_adapter(const struct scx *x)
{
    return x->ops->adapter;
}

void *
scx_task_data(struct scx *x, const struct task *p)
{
    (void)x;
    return p->scx != NULL ? p->scx->data : NULL;
}

void *
scx_cpu_data(struct scx *x, int cpu)
{
    return scx_cpu_valid(x, cpu, NULL) && x->ops->cpu_size > 0 ? x->rqs[cpu].data : NULL;
}

void *
scx_node_data(struct scx *x, int node)
{
    bool known = node >= 0 && (uint32_t)node < x->k->machine->nr_nodes;

    return known && x->ops->node_size > 0 ? x->node_data[node] : NULL;
}

void *
scx_cgroup_data(struct scx *x, const struct task_group *cgrp)
{
    void **data = &x->store->cgroup_data[cgrp->id];

    if (*data == NULL && x->ops->cgroup_size > 0)
        *data = arena_alloc(x->arena, x->ops->cgroup_size);
    return *data;
}

/* ---- maps ---- */

int
scx_map_new(struct scx *x, uint32_t capacity, uint32_t value_size)
{
    struct scx_store *st = x->store;

    if (!scx_allowed(x, SCX_CTX_SLEEPABLE, "scx_map_new"))
        return -EPERM;
    if (capacity == 0 || capacity > 1u << 24 || value_size > 1u << 20)
        return -EINVAL;
    if (st->nr_maps == MAPS_MAX)
        return -ENOSPC;
    struct scx_map *m = &st->maps[st->nr_maps];
    m->nr_slots = 16;
    while (m->nr_slots < 2 * capacity)
        m->nr_slots *= 2;
    m->keys = take(x, sizeof(*m->keys) * capacity);
    m->values = take(x, (uint64_t)SIM_MAX(value_size, 8) * capacity);
    m->slots = take(x, sizeof(*m->slots) * m->nr_slots);
    if (m->keys == NULL || m->values == NULL || m->slots == NULL)
        return -ENOMEM;
    m->capacity = capacity;
    m->value_size = (SIM_MAX(value_size, 8) + 7) & ~7u;
    if (m->value_size > SIM_MAX(value_size, 8))
        m->values = take(x, (uint64_t)m->value_size * capacity);
    if (m->values == NULL)
        return -ENOMEM;
    m->last_cpu = -1;
    return (int)st->nr_maps++;
}

static struct scx_map *
map_of(struct scx *x, int map)
{
    struct scx_store *st = x->store;

    scx_cost(x);
    if (map < 0 || (uint32_t)map >= st->nr_maps) {
        scx_ops_error(x, "there is no map %d", map);
        return NULL;
    }
    scx_touch(x, &st->maps[map].last_cpu, &st->maps[map].last_touch);
    return &st->maps[map];
}

/* The slot of the key, or the free one where it belongs. */
static uint32_t
slot_of(const struct scx_map *m, uint64_t key)
{
    uint32_t mask = m->nr_slots - 1, at = (uint32_t)rng_at(2, key) & mask;

    while (m->slots[at] != 0 && m->keys[m->slots[at] - 1] != key)
        at = (at + 1) & mask;
    return at;
}

void *
scx_map_get(struct scx *x, int map, uint64_t key)
{
    struct scx_map *m = map_of(x, map);
    uint32_t entry = m != NULL ? m->slots[slot_of(m, key)] : 0;

    return entry != 0 ? m->values + (size_t)(entry - 1) * m->value_size : NULL;
}

void *
scx_map_put(struct scx *x, int map, uint64_t key)
{
    struct scx_map *m = map_of(x, map);

    if (m == NULL)
        return NULL;
    uint32_t slot = slot_of(m, key);
    if (m->slots[slot] == 0) {
        if (m->len == m->capacity)
            return NULL;
        m->keys[m->len] = key;
        memset(m->values + (size_t)m->len * m->value_size, 0, m->value_size);
        m->slots[slot] = ++m->len;
    }
    return m->values + (size_t)(m->slots[slot] - 1) * m->value_size;
}

bool
scx_map_delete(struct scx *x, int map, uint64_t key)
{
    struct scx_map *m = map_of(x, map);
    uint32_t entry = m != NULL ? m->slots[slot_of(m, key)] : 0;

    if (entry == 0)
        return false;
    uint32_t after = m->len - entry;
    memmove(&m->keys[entry - 1], &m->keys[entry], sizeof(*m->keys) * after);
    memmove(m->values + (size_t)(entry - 1) * m->value_size,
            m->values + (size_t)entry * m->value_size, (size_t)after * m->value_size);
    m->len--;
    memset(m->slots, 0, sizeof(*m->slots) * m->nr_slots);
    for (uint32_t i = 0; i < m->len; i++)
        m->slots[slot_of(m, m->keys[i])] = i + 1;
    return true;
}

uint32_t
scx_map_len(struct scx *x, int map)
{
    const struct scx_map *m = map_of(x, map);

    return m != NULL ? m->len : 0;
}

void *
scx_map_at(struct scx *x, int map, uint32_t i, uint64_t *key)
{
    struct scx_map *m = map_of(x, map);

    if (m == NULL || i >= m->len)
        return NULL;
    if (key != NULL)
        *key = m->keys[i];
    return m->values + (size_t)i * m->value_size;
}

/* ---- queues ---- */

int
scx_queue_new(struct scx *x, uint32_t capacity)
{
    struct scx_store *st = x->store;

    if (!scx_allowed(x, SCX_CTX_SLEEPABLE, "scx_queue_new"))
        return -EPERM;
    if (capacity == 0 || capacity > 1u << 24)
        return -EINVAL;
    if (st->nr_queues == QUEUES_MAX)
        return -ENOSPC;
    struct scx_queue *q = &st->queues[st->nr_queues];
    q->values = take(x, sizeof(*q->values) * capacity);
    if (q->values == NULL)
        return -ENOMEM;
    q->capacity = capacity;
    q->last_cpu = -1;
    return (int)st->nr_queues++;
}

static struct scx_queue *
queue_of(struct scx *x, int queue)
{
    struct scx_store *st = x->store;

    scx_cost(x);
    if (queue < 0 || (uint32_t)queue >= st->nr_queues) {
        scx_ops_error(x, "there is no queue %d", queue);
        return NULL;
    }
    scx_touch(x, &st->queues[queue].last_cpu, &st->queues[queue].last_touch);
    return &st->queues[queue];
}

bool
scx_queue_push(struct scx *x, int queue, uint64_t value)
{
    struct scx_queue *q = queue_of(x, queue);

    if (q == NULL || q->len == q->capacity)
        return false;
    uint32_t at = q->head + q->len++;
    q->values[at < q->capacity ? at : at - q->capacity] = value;
    return true;
}

bool
scx_queue_pop(struct scx *x, int queue, uint64_t *value)
{
    struct scx_queue *q = queue_of(x, queue);

    if (q == NULL || q->len == 0)
        return false;
    *value = q->values[q->head];
    q->head = q->head + 1 == q->capacity ? 0 : q->head + 1;
    q->len--;
    return true;
}

bool
scx_queue_peek(struct scx *x, int queue, uint64_t *value)
{
    struct scx_queue *q = queue_of(x, queue);

    if (q == NULL || q->len == 0)
        return false;
    *value = q->values[q->head];
    return true;
}

uint32_t
scx_queue_len(struct scx *x, int queue)
{
    const struct scx_queue *q = queue_of(x, queue);

    return q != NULL ? q->len : 0;
}

/* ---- timers: their events are the run's, not the policy's ---- */

struct scx_timers {
    uint32_t nr, made;
    struct scx_timer timers[];
};

static void
timer_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct scx *x = k->scx;
    struct scx_timer *t = container_of(ev, struct scx_timer, ev);

    if (!SCX_HAS(x, timer) || scx_bypassing(x))
        return;
    k->this_cpu = hotplug_interrupt_cpu(k, t->cpu);
    SCX_CALL(x, timer, NULL, t->id);
}

static struct scx_timers *
timers_new(struct scx *x)
{
    struct kernel *k = x->k;
    struct scx_timers *ts =
        arena_alloc(k->arena, sizeof(*ts) + sizeof(struct scx_timer) * k->nr_policy_timers);

    ts->made = k->nr_policy_timers;
    for (uint32_t i = 0; i < ts->made; i++) {
        ts->timers[i].id = i;
        event_init(&k->engine, &ts->timers[i].ev, EVENT_POLICY, i, PHASE_BALANCE, timer_fire);
    }
    return ts;
}

int
scx_timers_new(struct scx *x, uint32_t nr)
{
    if (!scx_allowed(x, SCX_CTX_SLEEPABLE, "scx_timers_new"))
        return -EPERM;
    if (nr == 0 || nr > x->k->nr_policy_timers)
        return -EINVAL;
    if (x->timers == NULL)
        x->timers = timers_new(x);
    x->timers->nr = nr;
    return 0;
}

static struct scx_timer *
timer_of(struct scx *x, uint32_t timer)
{
    scx_cost(x);
    if (x->timers != NULL && timer < x->timers->nr)
        return &x->timers->timers[timer];
    scx_ops_error(x, "there is no timer %u", timer);
    return NULL;
}

void
scx_timer_start(struct scx *x, uint32_t timer, sim_time delay)
{
    struct scx_timer *t = timer_of(x, timer);

    if (t == NULL)
        return;
    t->cpu = x->k->this_cpu;
    engine_at(&x->k->engine, &t->ev, x->k->engine.now + SIM_CLAMP(delay, 1, SEC(1000000)));
}

void
scx_timer_cancel(struct scx *x, uint32_t timer)
{
    struct scx_timer *t = timer_of(x, timer);

    if (t != NULL)
        engine_cancel(&x->k->engine, &t->ev);
}

void
scx_timers_cancel(struct scx *x)
{
    for (uint32_t i = 0; x->timers != NULL && i < x->timers->made; i++)
        engine_cancel(&x->k->engine, &x->timers->timers[i].ev);
    if (x->timers != NULL)
        x->timers->nr = 0;
}

/* ---- chance, time ---- */

uint64_t
scx_random(struct scx *x, uint32_t stream)
{
    scx_cost(x);
    return rng_u64(&x->store->streams[stream % STREAMS]);
}

uint64_t
scx_random_below(struct scx *x, uint32_t stream, uint64_t n)
{
    scx_cost(x);
    return rng_below(&x->store->streams[stream % STREAMS], SIM_MAX(n, 1));
}

sim_time
scx_now(struct scx *x)
{
    return x->k->engine.now;
}

uint32_t
scx_hz(struct scx *x)
{
    return x->k->params.sched.hz;
}
