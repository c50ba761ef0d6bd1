/*
 * Runs a scenario of the ext oracle and prints what the logging policy saw, line by line. Input is
 * the scenario in plain words, from oracle_ext.py, which reads the files and compares:
 *
 *     machine NR_CPUS HOUSEKEEPING     node FIRST LAST THREADS      zero US
 *     policy KEY VALUE                 absent OP                    param KEY VALUE
 *     task NAME NICE POLICY MASK STARTED CPU SCRIPT...              at US WHAT A B
 *     chosen TASK CPU...               ends TASK US...
 *     scheduler NAME                   switches                     window CPU FROM_US TO_US WHAT
 */
#include "tool_ext.h"

#include "kernel/group.h"

#include <inttypes.h>

enum { NODES_MAX = 8 };
struct shape {
    uint32_t nr_cpus, nr_nodes, threads;
    uint32_t first[NODES_MAX], last[NODES_MAX];
};

static struct machine *
build_machine(struct arena *a, const struct shape *sh)
{
    struct machine *m = machine_new(a, sh->nr_cpus, sh->nr_nodes);

    m->name = "oracle";
    m->vendor = VENDOR_INTEL;
    m->has_distances = true;
    for (uint32_t n = 0; n < sh->nr_nodes; n++) {
        m->nodes[n].mem_bytes = GIB(1);
        m->nodes[n].online = true;
        m->nodes[n].os_index = n;
        for (uint32_t j = 0; j < sh->nr_nodes; j++)
            m->distances[n * sh->nr_nodes + j] = n == j ? 10 : 20;
        for (uint32_t cpu = sh->first[n]; cpu <= sh->last[n]; cpu++) {
            int32_t core = (int32_t)(cpu / sh->threads);

            m->cpus[cpu] = (struct machine_cpu){ .present = true,
                                                 .online = true,
                                                 .node = (int32_t)n,
                                                 .package = core,
                                                 .die = core,
                                                 .core = core,
                                                 .cluster = core,
                                                 .l2 = core,
                                                 .llc = core,
                                                 .capacity = 1024 };
            cpumask_set(m->nodes[n].cpus, cpu);
            cpumask_set(m->present, cpu);
            cpumask_set(m->online, cpu);
        }
    }
    assert_null(machine_finish(m));
    return m;
}

static void
remove_op(struct sched_ops *ops, const char *name)
{
    struct sched_ops bare = { .name = ops->name, .abi = ops->abi, .priv_size = ops->priv_size };

    if (strcmp(name, "ALL") == 0)
        *ops = bare;
#define X(op, context)                                                                             \
    if (strcmp(name, #op) == 0)                                                                    \
        ops->op = NULL;
    SCX_OPS(X)
#undef X
}

/* What does not fit is left out. */
static void
copy_word(char *to, size_t size, const char *word)
{
    size_t n = strnlen(word, size - 1);

    memcpy(to, word, n);
    to[n] = '\0';
}

static void
set_policy_key(struct world *w, const char *key, const char *value)
{
    struct logger *l = &w->logger;
    uint64_t number = strtoull(value, NULL, 0);
    struct {
        const char *key;
        char *text;
        uint64_t *number;
    } known[] = {
        { "select_cpu", l->select_cpu, NULL },
        { "enqueue", l->enqueue, NULL },
        { "dispatch", l->dispatch, NULL },
        { "kick", l->kick, NULL },
        { "last", l->last, NULL },
        { "arg", NULL, &l->arg },
        { "first_n_user", NULL, &l->first_n_user },
        { "slice_ns", NULL, &l->slice_ns },
        { "enq_flags_added", NULL, &l->enq_flags_added },
        { "yield_zeroes_slice", NULL, &l->yield_zeroes_slice },
        { "tick_zeroes_slice", NULL, &l->tick_zeroes_slice },
        { "reenqueue_in_release", NULL, &l->reenqueue_in_release },
        { "ops_flags", NULL, &w->ops.flags },
        { "keeper", NULL, &l->keeper },
    };

    if (strcmp(key, "timeout_ms") == 0)
        w->ops.timeout_ms = (uint32_t)number;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(known[i].key, key) != 0)
            continue;
        if (known[i].text != NULL)
            copy_word(known[i].text, 32, value);
        else
            *known[i].number = number;
    }
}

static void
parse_script(struct wtask *t, char *text)
{
    uint32_t open[STEPS_MAX], depth = 0;

    for (char *word = strtok(text, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        struct step *s = &t->steps[t->nr_steps];

        s->op = word[0];
        s->arg = word[1] != '\0' ? (uint64_t)strtoll(word + 1, NULL, 0) : 0;
        if (s->op == '(')
            open[depth++] = t->nr_steps;
        if (s->op == ')')
            s->peer = open[--depth];
        if (++t->nr_steps == STEPS_MAX)
            fail_msg("too many steps");
    }
}

struct input {
    struct shape shape;
    int housekeeping;
    char params[16][2][64];
    uint32_t nr_params;
    bool started[TASKS_MAX];
};

static void
read_choices(struct world *w, const char *task, char *cpus)
{
    struct wtask *t = &w->tasks[strtoul(task + 1, NULL, 10)];

    for (char *word = strtok(cpus, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        t->chosen[t->nr_chosen++] = (int)strtol(word, NULL, 10);
        if (t->nr_chosen == CHOICES_MAX)
            fail_msg("too many choices");
    }
}

static void
read_ends(struct world *w, const char *task, char *times)
{
    struct wtask *t = &w->tasks[strtoul(task + 1, NULL, 10)];

    for (char *word = strtok(times, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        t->ends[t->nr_ends++] =
            (sim_time)((int64_t)w->logger.zero + strtoll(word, NULL, 10) * 1000);
        if (t->nr_ends == PIECES_MAX)
            fail_msg("too many pieces of work");
    }
}

static void
read_line(struct world *w, struct input *in, char *line)
{
    char a[64], b[64];
    int at = 0;
    uint32_t n = in->shape.nr_nodes;
    struct wtask *t = &w->tasks[w->nr_tasks];
    struct waction *act = &w->actions[w->nr_actions];
    uint64_t us;
    int64_t from, to;
    uint32_t cpu, what;
    int started;

    if (sscanf(line, "machine %u %d", &in->shape.nr_cpus, &in->housekeeping) == 2)
        return;
    if (sscanf(line, "node %u %u %u", &in->shape.first[n], &in->shape.last[n],
               &in->shape.threads) == 3)
        in->shape.nr_nodes++;
    else if (sscanf(line, "zero %" SCNu64, &us) == 1)
        w->logger.zero = USEC(us);
    else if (sscanf(line, "scheduler %15s", w->scheduler) == 1)
        return;
    else if (sscanf(line, "chosen %7s %n", a, &at) == 1)
        read_choices(w, a, line + at);
    else if (sscanf(line, "ends %7s %n", a, &at) == 1)
        read_ends(w, a, line + at);
    else if (sscanf(line, "window %u %" SCNi64 " %" SCNi64 " %u", &cpu, &from, &to, &what) == 4) {
        w->windows = true;
        window_add(&w->logger, cpu, from, to, what);
    } else if (strcmp(line, "switches\n") == 0)
        w->switches = true;
    else if (sscanf(line, "policy %63s %63[^\n]", a, b) == 2)
        set_policy_key(w, a, b);
    else if (sscanf(line, "absent %63s", a) == 1)
        remove_op(&w->ops, a);
    else if (sscanf(line, "param %63s %63s", in->params[in->nr_params][0],
                    in->params[in->nr_params][1]) == 2)
        in->nr_params++;
    else if (sscanf(line, "task %7s %d %d %" SCNi64 " %d %d %n", t->name, &t->nice, &t->policy,
                    (int64_t *)&t->mask, &started, &t->cpu, &at) == 6) {
        t->w = w;
        t->parent = -1;
        t->start_ms = started;
        parse_script(t, line + at);
        w->nr_tasks++;
    } else if (sscanf(line, "at %" SCNi64 " %15s %" SCNi64 " %" SCNi64, (int64_t *)&act->ms,
                      act->what, (int64_t *)&act->task, (int64_t *)&act->value) == 4)
        w->nr_actions++;
    if (w->nr_tasks == TASKS_MAX || w->nr_actions == ACTIONS_MAX ||
        in->nr_params == ARRAY_LEN(in->params) || in->shape.nr_nodes == NODES_MAX)
        fail_msg("too many lines of a kind: %s", line);
}

static struct task *
add_task(struct world *w, struct wtask *t)
{
    static const enum task_policy policies[] = {
        [0] = POLICY_NORMAL, [3] = POLICY_BATCH, [5] = POLICY_IDLE, [7] = POLICY_EXT
    };
    struct kernel *k = w->f.k;
    struct cpumask *allowed = cpumask_new(w->f.arena, w->f.machine->nr_cpus);

    allowed->bits[0] = t->mask;
    copy_word(t->comm, sizeof(t->comm) - 1, t->name);
    strcat(t->comm, ":");
    struct task *p = task_new(k, process_new(k, t->name, NULL),
                              &(struct task_attr){ .name = t->name,
                                                   .nice = t->nice,
                                                   .policy = policies[t->policy],
                                                   .allowed = allowed,
                                                   .ops = &wtask_ops,
                                                   .prog = t });
    p->name = t->comm;
    if (t->start_ms >= 0)
        task_start_asleep(k, p, t->cpu >= 0 ? t->cpu : cpumask_first(allowed), 0, 0, SIM_NEVER);
    return p;
}

static void
add_driver(struct world *w, int cpu)
{
    struct kernel *k = w->f.k;
    struct cpumask *allowed = cpumask_new(w->f.arena, w->f.machine->nr_cpus);

    cpumask_set(allowed, (uint32_t)cpu);
    w->driver = task_new(k, process_new(k, "driver", NULL),
                         &(struct task_attr){ .name = "driver",
                                              .policy = POLICY_FIFO,
                                              .rt_priority = 50,
                                              .allowed = allowed,
                                              .ops = &driver_ops,
                                              .prog = w });
    task_start_asleep(k, w->driver, cpu, 0, 0, USEC(100));
}

static void
build(struct world *w, const struct input *in)
{
    struct kernel_params kp;
    struct kernel_limits limits = {
        .max_tasks = 32, .nr_groups = 4, .nr_hotplug = 1, .ext = true, .nr_policy_timers = 4
    };
    char why[256];

    w->f.arena = arena_new();
    w->f.machine = build_machine(w->f.arena, &in->shape);
    kernel_params_init(&kp, w->f.arena);
    assert_true(kernel_params_set(&kp, "noise", "off", w->f.arena, why, sizeof(why)));
    for (uint32_t i = 0; i < in->nr_params; i++)
        if (!kernel_params_set(&kp, in->params[i][0], in->params[i][1], w->f.arena, why,
                               sizeof(why)))
            fail_msg("%s", why);
    w->f.k = kernel_new(w->f.arena, w->f.machine, &kp, 1, &limits, &fixture_memory);
    if (!w->windows)
        w->f.k->engine.after = fixture_check_after;
    task_group_new(w->f.k, NULL, "other"); /* the oracle's systems have one */
    for (uint32_t i = 0; i < w->nr_tasks; i++)
        w->tasks[i].p = add_task(w, &w->tasks[i]);
    w->housekeeping = in->housekeeping;
    add_driver(w, in->housekeeping);
    w->logger.k = w->f.k;
    watch(w);
    if (w->windows)
        windows_begin(&w->f.k->engine);
}

static void
report(struct world *w)
{
    const struct kernel *k = w->f.k;
    const struct scx_exit_info *info = ext_exit_info(k);

    printf("END %d %" PRId64 " %s %s\n", (int)info->kind, info->exit_code,
           scx_state_names[ext_state(k)], info->msg);
    for (uint32_t i = 0; i < w->nr_tasks; i++)
        printf("TASK %s %d %" PRIu64 "\n", w->tasks[i].name, ext_task_enabled(k, w->tasks[i].p),
               w->tasks[i].p->se.sum_exec);
}

int
main(void)
{
    static struct world w;
    static struct input in;
    char line[16384];

    w.ops = logger_ops;
    copy_word(w.logger.last, sizeof(w.logger.last), "as others");
    copy_word(w.scheduler, sizeof(w.scheduler), "logger");
    while (fgets(line, sizeof(line), stdin) != NULL)
        read_line(&w, &in, line);
    build(&w, &in);
    int64_t last = (int64_t)w.actions[w.nr_actions - 1].ms;
    engine_run(&w.f.k->engine, (sim_time)((int64_t)w.logger.zero + (last + 1000) * 1000));
    kernel_settle(w.f.k);
    report(&w);
    fixture_close(&w.f);
    return 0;
}
