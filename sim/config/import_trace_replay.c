/*
 * A recording becomes stories.
 *
 * Every task has a state, and events move it: a switch lets one run and stops another, a waking
 * ends a wait. What a task did is appended to its story as it is understood, so that a recording of
 * any size is read once. The rules (formats.md 2.3):
 *
 *   run         from switch to switch; pieces parted by preemption are joined, since when it was
 *               preempted is the recorded scheduler's doing
 *   wait        begins where the task leaves its CPU in another state than R, ends with its
 *               sched_waking: by a running task, then it is that task's doing at that point of its
 *               own CPU time; by idle, by an interrupt, or by a task that is left out, then it is
 *               the outside world, and only its length is known
 *   queueing    between waking and running: a result, not part of any story
 *
 * A task that is woken before it has left its CPU has its wait all the same, of length zero, if it
 * then leaves; if it goes on running, there was none. Tasks that were there before the recording
 * begin in the state that their first event implies.
 */
#include "config/import_trace_replay.h"

#include <fnmatch.h>

enum { PROCESSES_MOST = 1024, IDLE = 0 };

enum state { UNKNOWN, UNBORN, RUNNING, RUNNABLE, SLEEPING, DEAD };

struct teller {
    struct trace_story s;
    uint32_t index;
    enum state state;
    bool dropped, early;
    enum replay_start start;
    uint64_t start_at;
    GByteArray *code;
    uint64_t run;            /* of the burst, so far untold */
    uint64_t since;          /* RUNNING: switched in; SLEEPING: left */
    uint64_t awake_since;    /* began to want a CPU */
    uint64_t left;           /* its CPU, the last time */
    uint64_t ordinal;        /* of the last wake-up */
    int32_t cpu, parent;     /* RUNNING: where; a pid */
    struct teller *early_by; /* NULL: from outside */
    uint64_t early_at;
};

struct lane {
    struct teller *curr; /* NULL: idle, if known */
    bool known, seen;
    uint64_t last_switch;
    guint next_at; /* where its last switch names the next task in the script */
};

struct trace_compiler {
    struct trace_options o;
    GPtrArray *tellers; /* in order of appearance */
    GHashTable *by_pid; /* the living one of each number */
    struct lane *lanes;
    uint32_t nr_lanes;
    uint32_t nr_kept;
    bool begun;
    uint64_t t0, now, script_at;
    uint64_t mismatches, run_sum;
    GByteArray *script;
    bool irq_known;        /* some event was marked: the recorder tells */
    GHashTable *relations; /* struct relation, also in order in: */
    GPtrArray *all_relations;
    GHashTable *run_names, *woken_names; /* sums by name */
};

/* ---- writing ---- */

static void
put_number(GByteArray *to, uint64_t value)
{
    guint8 bytes[10];
    guint n = 0;

    do {
        bytes[n++] = (guint8)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
    g_byte_array_append(to, bytes, n);
}

static void
put_op(GByteArray *to, guint8 op, uint64_t a)
{
    g_byte_array_append(to, &op, 1);
    put_number(to, a);
}

static void
put_op2(GByteArray *to, guint8 op, uint64_t a, uint64_t b)
{
    put_op(to, op, a);
    put_number(to, b);
}

static void
put_script(struct trace_compiler *c, guint8 what, uint64_t x, uint64_t y)
{
    if (!c->o.placement)
        return;
    put_number(c->script, c->now - c->script_at);
    c->script_at = c->now;
    put_op2(c->script, what, x, y);
}

/* A third number of the same event. */
static void
put_more(struct trace_compiler *c, uint64_t z)
{
    if (c->o.placement)
        put_number(c->script, z);
}

static void
put_wakeup(struct trace_compiler *c, const struct trace_event *e, const struct teller *t)
{
    if (t->dropped)
        return;
    put_script(c, REPLAY_WAKEUP, (uint64_t)e->cpu << 1 | (e->irq || e->by <= IDLE), t->index + 1);
    put_more(c, e->target_cpu);
}

/* ---- tasks ---- */

bool
trace_is_kthread(const char *comm)
{
    static const char *const names[] = {
        "kworker/*",    "ksoftirqd/*",  "migration/*", "rcu_*",         "rcuos/*",
        "rcuop/*",      "rcuog/*",      "rcub/*",      "rcuc/*",        "kthreadd",
        "kswapd[0-9]*", "kcompactd*",   "khugepaged",  "ksmd",          "kdevtmpfs",
        "kauditd",      "khungtaskd",   "oom_reaper",  "writeback",     "kblockd",
        "watchdog*",    "cpuhp/*",      "irq/*",       "jbd2/*",        "ext4-*",
        "xfs*/*",       "xfsaild/*",    "btrfs-*",     "scsi_eh_*",     "scsi_tmf_*",
        "nvme-*",       "dm-*",         "md[0-9]*_*",  "idle_inject/*", "pool_workqueue*",
        "kthrotld",     "kstrp",        "zswap*",      "charger_man*",  "loop[0-9]*",
        "kvm-*",        "napi/*",       "vhost-*",     "hwrng",         "netns",
        "mm_percpu_wq", "slub_flushwq", "psimon",      "tpm*-*",        "acpi_thermal_pm",
        "cfg80211",     "inet_frag_wq", "edac-poller", "devfreq_wq",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (fnmatch(names[i], comm, 0) == 0)
            return true;
    return false;
}

static void
name_teller(struct teller *t, const struct trace_task *from)
{
    if (from->comm[0] != '\0' && from->comm[0] != ':' && strcmp(from->comm, "<...>") != 0)
        memcpy(t->s.comm, from->comm, TRACE_COMM);
    if (from->prio != 0 || t->s.prio == 0)
        t->s.prio = from->prio;
}

static struct teller *
new_teller(struct trace_compiler *c, const struct trace_task *from, enum state state)
{
    struct teller *t = g_new0(struct teller, 1);

    t->s.pid = from->pid;
    t->s.tgid = -1;
    t->state = state;
    t->code = g_byte_array_new();
    t->start_at = c->now - c->t0;
    name_teller(t, from);
    t->s.kthread = trace_is_kthread(t->s.comm);
    t->dropped = t->s.kthread && c->o.drop_kthreads;
    t->index = t->dropped ? UINT32_MAX : c->nr_kept++;
    g_ptr_array_add(c->tellers, t);
    g_hash_table_insert(c->by_pid, GINT_TO_POINTER(from->pid), t);
    return t;
}

/* NULL: idle, or a number that the recorder did not know. */
static struct teller *
teller_of(struct trace_compiler *c, const struct trace_task *from)
{
    struct teller *t;

    if (from->pid <= IDLE)
        return NULL;
    t = g_hash_table_lookup(c->by_pid, GINT_TO_POINTER(from->pid));
    if (t == NULL)
        return new_teller(c, from, UNKNOWN);
    name_teller(t, from);
    return t;
}

/* ---- who has to do with whom ---- */

/* All wake-ups of tasks of one name by tasks of another. */
struct relation {
    char waker[TRACE_COMM], wakee[TRACE_COMM];
    guint number;
    uint64_t count;
    bool kin, kthread; /* parent and child; the waker is a kernel thread */
};

static guint
relation_hash(gconstpointer key)
{
    const struct relation *r = key;

    return g_str_hash(r->waker) * 31 + g_str_hash(r->wakee);
}

static gboolean
relation_equal(gconstpointer a, gconstpointer b)
{
    const struct relation *x = a, *y = b;

    return strcmp(x->waker, y->waker) == 0 && strcmp(x->wakee, y->wakee) == 0;
}

static struct relation *
find_relation(const struct trace_compiler *c, const char *waker, const char *wakee)
{
    struct relation key = { .number = 0 };

    memcpy(key.waker, waker, TRACE_COMM);
    memcpy(key.wakee, wakee, TRACE_COMM);
    return g_hash_table_lookup(c->relations, &key);
}

/* One more wake-up of `t` by `by`: the number of their relation. */
static guint
relation_of(struct trace_compiler *c, const struct teller *by, const struct teller *t)
{
    struct relation *r = find_relation(c, by->s.comm, t->s.comm);

    if (r == NULL) {
        r = g_new0(struct relation, 1);
        memcpy(r->waker, by->s.comm, TRACE_COMM);
        memcpy(r->wakee, t->s.comm, TRACE_COMM);
        r->number = c->all_relations->len;
        r->kthread = by->s.kthread;
        g_hash_table_add(c->relations, r);
        g_ptr_array_add(c->all_relations, r);
    }
    r->count++;
    r->kin |= by->parent == t->s.pid || t->parent == by->s.pid;
    return r->number;
}

/*
 * Was it the waker, or an interrupt that met it? perf's text does not tell. An interrupt meets
 * tasks as often as they run: a waker that gives a far larger share of the wake-ups than it has of
 * the CPU time is meant. So is one that is woken in return, a parent, a child, a namesake, and a
 * kernel thread, which runs too seldom to be met by chance. ftrace marks interrupts: there all
 * count.
 */
static bool
is_meant(const struct trace_compiler *c, const struct relation *r)
{
    const uint64_t *all = g_hash_table_lookup(c->woken_names, r->wakee);
    const uint64_t *ran = g_hash_table_lookup(c->run_names, r->waker);
    double expected = all == NULL || ran == NULL || c->run_sum == 0
                          ? 0
                          : (double)*all * (double)*ran / (double)c->run_sum;

    if (c->irq_known || r->kin || r->kthread || strcmp(r->waker, r->wakee) == 0)
        return true;
    const struct relation *back = find_relation(c, r->wakee, r->waker);
    return (double)r->count > 3 * expected + 2 ||
           (back != NULL && back->count * 4 > r->count && (double)r->count > 2 * expected);
}

static void
add_to(GHashTable *names, const char *name, uint64_t n)
{
    uint64_t *sum = g_hash_table_lookup(names, name);

    if (sum == NULL) {
        sum = g_new0(uint64_t, 1);
        g_hash_table_insert(names, g_strdup(name), sum);
    }
    *sum += n;
}

static void
sum_up_names(struct trace_compiler *c)
{
    for (guint i = 0; i < c->tellers->len; i++) {
        const struct teller *t = g_ptr_array_index(c->tellers, i);

        add_to(c->run_names, t->s.comm, t->s.run_ns);
        add_to(c->woken_names, t->s.comm, t->s.woken_by_tasks + t->s.woken_from_outside);
        c->run_sum += t->s.run_ns;
    }
}

/* ---- what they did ---- */

static void
tell_run(struct teller *t, uint64_t now)
{
    if (t->state == RUNNING) {
        t->run += now - t->since;
        t->s.run_ns += now - t->since;
        t->since = now;
    }
    if (t->run > 0)
        put_op(t->code, REPLAY_RUN, t->run);
    t->run = 0;
}

/* The wait that t began at `since` is over, by a task or from outside. */
static void
tell_wait(struct trace_compiler *c, struct teller *t, struct teller *by, uint64_t began,
          uint64_t ended)
{
    uint64_t took = ended - MIN(began, ended);

    t->awake_since = ended;

    if (by != NULL) {
        t->s.woken_by_tasks++;
        put_op2(t->code, REPLAY_WAIT, t->ordinal, MAX(took, 1));
        put_number(t->code, ended - c->t0);
        put_number(t->code, relation_of(c, by, t));
    } else {
        t->s.woken_from_outside++;
        put_op2(t->code, REPLAY_SLEEP, MAX(took, 1), ended - c->t0);
    }
}

/* Its first event is that it is woken: its story begins there. */
static void
tell_beginning(struct trace_compiler *c, struct teller *t, struct teller *by)
{
    t->start_at = c->now - c->t0;
    t->awake_since = c->now;
    t->start = by != NULL ? REPLAY_START_WOKEN : REPLAY_START_AT;
    if (by != NULL)
        tell_wait(c, t, by, c->t0, c->now);
}

/* The waker as far as it counts: a task that runs, and not the sleeper itself. */
static struct teller *
waker_of(struct trace_compiler *c, const struct trace_event *e, const struct teller *t)
{
    struct teller *by;

    if (e->irq || e->by <= IDLE)
        return NULL;
    by = g_hash_table_lookup(c->by_pid, GINT_TO_POINTER(e->by));
    return by != NULL && by != t && !by->dropped && by->state == RUNNING ? by : NULL;
}

static void
waking(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    struct teller *by = waker_of(c, e, t);

    if (t->state != SLEEPING && t->state != UNKNOWN && t->state != RUNNING)
        return;
    if (by != NULL && !t->dropped) {
        tell_run(by, c->now);
        put_op2(by->code, REPLAY_WAKE, t->index, ++t->ordinal);
        by->s.wakes++;
    }
    if (t->state == RUNNING) {
        t->early = true;
        t->early_by = by;
        t->early_at = c->now;
        return;
    }
    if (t->state == UNKNOWN)
        tell_beginning(c, t, by);
    else
        tell_wait(c, t, by, t->since, c->now);
    t->state = RUNNABLE;
}

/* The wake-up itself tells what its sched_waking has not: where that is not recorded. */
static void
wakeup(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    if (t->state == SLEEPING || t->state == UNKNOWN)
        waking(c, e, t);
    else if (t->state == RUNNING)
        t->early = false; /* it went on running */
    put_wakeup(c, e, t);
}

static void
born(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    struct teller *by = waker_of(c, e, t);

    if (t->state == UNBORN && by != NULL && !t->dropped) {
        tell_run(by, c->now);
        put_op(by->code, REPLAY_FORK, t->index);
        by->s.forks++;
        t->start = REPLAY_START_FORKED;
        t->awake_since = c->now;
        t->state = RUNNABLE;
    } else if (t->state == UNBORN || t->state == UNKNOWN) {
        tell_beginning(c, t, NULL);
        t->state = RUNNABLE;
    }
    put_wakeup(c, e, t);
}

/* A task leaves its CPU. */
static void
leave(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    bool slept = e->state != 'R';
    bool early = t->early && slept;

    if (t->state != RUNNING)
        return;
    if (!slept) {
        t->run += c->now - t->since;
        t->s.run_ns += c->now - t->since;
        t->left = c->now;
        t->state = RUNNABLE;
        return;
    }
    tell_run(t, c->now);
    t->s.bursts++;
    t->early = false;
    t->since = c->now;
    t->state = SLEEPING;
    if (e->state == 'X' || e->state == 'x' || e->state == 'Z') {
        t->state = DEAD;
        if (g_hash_table_lookup(c->by_pid, GINT_TO_POINTER(t->s.pid)) == t)
            g_hash_table_remove(c->by_pid, GINT_TO_POINTER(t->s.pid));
    } else if (early) {
        tell_wait(c, t, t->early_by, c->now, c->now);
        t->state = RUNNABLE;
    }
}

/* Number of a task in the script, four bytes: it may turn out to have been another one. */
static void
put_next(struct trace_compiler *c, struct lane *lane, const struct teller *t)
{
    guint32 number = t != NULL && !t->dropped ? GUINT32_TO_LE(t->index + 1) : 0;

    if (!c->o.placement)
        return;
    lane->next_at = c->script->len;
    g_byte_array_append(c->script, (const guint8 *)&number, sizeof(number));
}

/* What ran on the lane by our books cannot have: prev did, since the last switch that we saw. */
static void
repair_lane(struct trace_compiler *c, struct lane *lane, struct teller *prev)
{
    struct teller *t = lane->curr;
    guint32 number = prev != NULL && !prev->dropped ? GUINT32_TO_LE(prev->index + 1) : 0;

    if (!lane->known || t == prev)
        return;
    c->mismatches++;
    if (t != NULL && t->state == RUNNING && &c->lanes[t->cpu] == lane)
        t->state = RUNNABLE;
    if (c->o.placement && lane->next_at > 0)
        memcpy(c->script->data + lane->next_at, &number, sizeof(number));
}

/* Somebody who runs is found running: since the start, or since the last switch that we saw. */
static void
find_running(struct trace_compiler *c, struct lane *lane, struct teller *t, uint32_t cpu)
{
    uint64_t since = lane->known ? lane->last_switch : c->t0;

    if (t->state == RUNNING && t->cpu == (int32_t)cpu)
        return;
    if (t->state == UNKNOWN)
        t->start_at = (t->awake_since = since) - c->t0;
    else if (t->state == SLEEPING)
        tell_wait(c, t, NULL, t->since, MAX(since, t->since));
    t->since = since;
    t->state = RUNNING;
    t->cpu = (int32_t)cpu;
    lane->curr = t;
}

static void
enter(struct trace_compiler *c, struct lane *lane, struct teller *t, uint32_t cpu)
{
    switch (t->state) {
    case UNKNOWN:
    case UNBORN:
        tell_beginning(c, t, NULL);
        break;
    case SLEEPING: /* how it was woken was lost */
        tell_wait(c, t, NULL, t->since, c->now);
        break;
    default:
        break;
    }
    t->state = RUNNING;
    t->early = false;
    t->since = c->now;
    t->cpu = (int32_t)cpu;
    lane->curr = t;
}

static void
on_switch(struct trace_compiler *c, struct lane *lane, const struct trace_event *e)
{
    struct teller *prev = teller_of(c, &e->task), *next = teller_of(c, &e->other);
    guint8 state = e->preempted ? '+' : (guint8)e->state;

    repair_lane(c, lane, prev);
    if (prev != NULL) {
        find_running(c, lane, prev, e->cpu);
        leave(c, e, prev);
    }
    lane->curr = NULL;
    lane->known = true;
    if (next != NULL && next->state != DEAD)
        enter(c, lane, next, e->cpu);
    put_script(c, REPLAY_SWITCH, e->cpu, state == 'x' ? 'X' : state);
    put_next(c, lane, next);
    lane->last_switch = c->now;
}

static void
on_fork(struct trace_compiler *c, const struct trace_event *e)
{
    struct teller *parent = teller_of(c, &e->task);

    if (e->other.pid <= IDLE)
        return;
    struct teller *child = new_teller(c, &e->other, UNBORN);
    child->parent = e->task.pid;
    if (parent != NULL)
        child->s.prio = parent->s.prio;
}

static void
on_move(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    if (!t->dropped)
        put_script(c, REPLAY_MOVE, t->index + 1, e->target_cpu);
}

/* ---- the stream ---- */

static struct lane *
lane_of(struct trace_compiler *c, uint32_t cpu)
{
    if (cpu >= c->nr_lanes) {
        uint32_t nr = MAX(cpu + 1, 2 * c->nr_lanes);

        c->lanes = g_renew(struct lane, c->lanes, nr);
        memset(c->lanes + c->nr_lanes, 0, (nr - c->nr_lanes) * sizeof(struct lane));
        c->nr_lanes = nr;
    }
    return &c->lanes[cpu];
}

/* Whoever an event is by runs on its CPU, and may have done so since before the recording. */
static void
see_current(struct trace_compiler *c, struct lane *lane, const struct trace_event *e)
{
    struct teller *by = g_hash_table_lookup(c->by_pid, GINT_TO_POINTER(e->by));
    const struct trace_task unknown = { .pid = e->by, .prio = 120 };

    if (by != NULL && e->tgid >= 0)
        by->s.tgid = e->tgid;
    if (lane->known || e->by <= IDLE)
        return;
    if (by == NULL)
        by = new_teller(c, &unknown, UNKNOWN);
    find_running(c, lane, by, e->cpu);
    lane->known = true;
    lane->last_switch = c->t0;
}

void
trace_compiler_event(void *compiler, const struct trace_event *e)
{
    struct trace_compiler *c = compiler;
    struct lane *lane = lane_of(c, e->cpu);
    struct teller *t;

    if (!c->begun)
        c->t0 = c->now = c->script_at = e->counts->simulated ? 0 : e->time;
    c->begun = true;
    c->now = e->time;
    c->irq_known |= e->irq;
    see_current(c, lane, e);
    if (e->kind == TRACE_SWITCH)
        on_switch(c, lane, e);
    else if (e->kind == TRACE_FORK)
        on_fork(c, e);
    else if ((t = teller_of(c, &e->task)) != NULL) {
        if (e->kind == TRACE_WAKING)
            waking(c, e, t);
        else if (e->kind == TRACE_WAKEUP)
            wakeup(c, e, t);
        else if (e->kind == TRACE_WAKEUP_NEW)
            born(c, e, t);
        else if (e->kind == TRACE_MIGRATE)
            on_move(c, e, t);
    }
    lane->seen = true;
}

static void
free_teller(gpointer data)
{
    struct teller *t = data;

    if (t->code != NULL)
        g_byte_array_unref(t->code);
    g_free(t);
}

struct trace_compiler *
trace_compiler_new(const struct trace_options *o)
{
    struct trace_compiler *c = g_new0(struct trace_compiler, 1);

    c->o = *o;
    c->tellers = g_ptr_array_new_with_free_func(free_teller);
    c->by_pid = g_hash_table_new(g_direct_hash, g_direct_equal);
    c->script = g_byte_array_new();
    c->relations = g_hash_table_new(relation_hash, relation_equal);
    c->all_relations = g_ptr_array_new_with_free_func(g_free);
    c->run_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    c->woken_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return c;
}

void
trace_compiler_free(struct trace_compiler *c)
{
    g_ptr_array_unref(c->tellers);
    g_hash_table_unref(c->by_pid);
    g_byte_array_unref(c->script);
    g_hash_table_unref(c->relations);
    g_ptr_array_unref(c->all_relations);
    g_hash_table_unref(c->run_names);
    g_hash_table_unref(c->woken_names);
    g_free(c->lanes);
    g_free(c);
}

/* ---- the result ---- */

/* Who has wanted a CPU for half of the recording, ran not long before its end and still wanted one
 * then would have gone on. */
static bool
would_go_on(const struct trace_compiler *c, const struct teller *t)
{
    uint64_t length = c->now - c->t0;

    return (t->state == RUNNING || (t->state == RUNNABLE && c->now - t->left < length / 4)) &&
           c->now - t->awake_since > length / 2;
}

/* What still runs at the end has run until then. */
static void
end_stories(struct trace_compiler *c)
{
    for (guint i = 0; i < c->tellers->len; i++) {
        struct teller *t = g_ptr_array_index(c->tellers, i);
        bool on = would_go_on(c, t);

        if (t->state == RUNNING || t->run > 0) {
            tell_run(t, c->now);
            t->s.bursts++;
        }
        if (on)
            put_op(t->code, REPLAY_GO_ON, 0);
        t->state = DEAD;
    }
}

GArray *
trace_compiler_stories(struct trace_compiler *c, struct trace_story_counts *counts)
{
    GArray *stories = g_array_sized_new(FALSE, FALSE, sizeof(struct trace_story), c->tellers->len);

    end_stories(c);
    for (guint i = 0; i < c->tellers->len; i++)
        g_array_append_val(stories, ((struct teller *)g_ptr_array_index(c->tellers, i))->s);
    *counts = (struct trace_story_counts){ .mismatches = c->mismatches,
                                           .length = c->now - c->t0,
                                           .nr_cpus = 0 };
    for (uint32_t i = 0; i < c->nr_lanes; i++)
        if (c->lanes[i].seen)
            counts->nr_cpus = i + 1;
    return stories;
}

static uint32_t
memory_of(const struct trace_compiler *c, const char *comm)
{
    for (guint i = 0; c->o.memory != NULL && i < c->o.memory->len; i++) {
        g_auto(GStrv) parts = g_strsplit(g_ptr_array_index(c->o.memory, i), ":", 2);

        if (fnmatch(g_strstrip(parts[0]), comm, 0) != 0)
            continue;
        for (uint32_t m = 0; replay_memories[m].name != NULL; m++)
            if (strcmp(replay_memories[m].name, g_strstrip(parts[1])) == 0)
                return m;
    }
    return 0;
}

/* Tasks of one address space where the recording says so, else of one name, are a process. */
static uint32_t
process_of(GHashTable *known, GPtrArray *names, GArray *pids, const struct teller *t,
           struct arena *a)
{
    char *key = t->s.tgid > 0 ? g_strdup_printf("%d", t->s.tgid) : g_strdup(t->s.comm);
    gpointer found = g_hash_table_lookup(known, key);

    if (found == NULL) {
        bool full = names->len >= PROCESSES_MOST - 1;
        if (!full || names->len == PROCESSES_MOST - 1) {
            int32_t pid = full ? 0 : MAX(t->s.tgid, 0);
            g_ptr_array_add(names, arena_strdup(a, full ? "others" : t->s.comm));
            g_array_append_val(pids, pid);
        }
        found = GUINT_TO_POINTER(MIN(names->len, (guint)PROCESSES_MOST));
        g_hash_table_insert(known, key, found);
    } else {
        g_free(key);
    }
    return GPOINTER_TO_UINT(found) - 1;
}

static int8_t
nice_of(const struct trace_story *s)
{
    return (int8_t)CLAMP(s->prio - 120, -20, 19);
}

static void
fill_task(struct replay_task *to, struct teller *t, struct arena *a)
{
    *to = (struct replay_task){ .name = arena_strdup(a, t->s.comm[0] != '\0' ? t->s.comm : "task"),
                                .pid = t->s.pid,
                                .nice = nice_of(&t->s),
                                .kthread = t->s.kthread,
                                .start = t->code->len > 0 ? t->start : REPLAY_START_NEVER,
                                .start_at = t->start_at,
                                .code_len = t->code->len };
    uint8_t *code = arena_alloc(a, to->code_len + 1);
    memcpy(code, t->code->data != NULL ? t->code->data : (const guint8 *)"", to->code_len);
    to->code = code;
    g_byte_array_unref(t->code);
    t->code = NULL;
}

struct replay *
trace_compiler_replay(struct trace_compiler *c, struct arena *a)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GArray) pids = g_array_new(FALSE, FALSE, sizeof(int32_t));
    struct replay *r = arena_new_object(a, struct replay);

    r->mode = c->o.mode;
    r->placement = c->o.placement;
    r->drain = c->o.drain;
    r->tasks = arena_new_array(a, struct replay_task, c->nr_kept);
    for (uint32_t i = 0; i < c->tellers->len; i++) {
        struct teller *t = g_ptr_array_index(c->tellers, i);

        if (t->dropped)
            continue;
        struct replay_task *to = &r->tasks[r->nr_tasks++];
        fill_task(to, t, a);
        to->process = process_of(known, names, pids, t, a);
        to->memory = memory_of(c, t->s.comm);
    }
    sum_up_names(c);
    uint8_t *meant = arena_alloc(a, c->all_relations->len + 1);
    for (guint i = 0; i < c->all_relations->len; i++)
        meant[i] = is_meant(c, g_ptr_array_index(c->all_relations, i));
    r->meant = meant;
    r->nr_relations = c->all_relations->len;
    r->nr_processes = names->len;
    r->processes = arena_new_array(a, const char *, names->len);
    for (guint i = 0; i < names->len; i++)
        r->processes[i] = g_ptr_array_index(names, i);
    r->process_pids = arena_new_array(a, int32_t, names->len + 1);
    for (guint i = 0; i < pids->len; i++)
        r->process_pids[i] = g_array_index(pids, int32_t, i);
    r->length = c->now - c->t0;
    r->offset = c->t0;
    for (uint32_t i = 0; i < c->nr_lanes; i++)
        if (c->lanes[i].seen)
            r->nr_cpus = i + 1;
    if (c->o.placement) {
        uint8_t *script = arena_alloc(a, c->script->len + 1);
        if (c->script->len > 0)
            memcpy(script, c->script->data, c->script->len);
        r->script = script;
        r->script_len = c->script->len;
    }
    return r;
}
