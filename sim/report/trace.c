/*
 * The observer behind --trace and --tables.
 *
 * Viewers want a legal schedule: a task runs on one CPU at a time, leaves it before it is woken,
 * and is woken before it runs. Within one instant of the simulation that order may differ: a task
 * that blocks and is woken again at once may start elsewhere before its old CPU is told to pick
 * another task. So this module keeps its own account of who runs where, and a task that is woken,
 * moved or started while it still counts as running is switched out to idle first. The schedule is
 * the same, with an idle time of no length.
 *
 * Writers get plain events; none of them knows the kernel's hooks.
 */
#include "report/trace.h"
#include "report/trace_impl.h"

struct trace {
    struct kernel *kernel;
    struct observer observer;
    struct trace_filter filter;
    struct task **curr; /* by CPU */
    GArray *where;      /* int32_t CPU by task, NONE: does not run */
    GPtrArray *writers;
    bool irq;          /* the wake-up under way is no task's doing */
    int32_t waker_cpu; /* of it; NOWHERE: none is under way */
};

enum { NOWHERE = -1 };

static const struct trace_writer_ops *const formats[] = { &trace_chrome, &trace_perfetto,
                                                          &trace_ftrace, &trace_dat, NULL };

/* ---- telling writers ---- */

static void
close_writer(struct trace_writer *w, sim_time now)
{
    if (!w->open)
        return;
    w->ops->close(w, now);
    w->open = false;
    w->over = true;
}

static void
tell(struct trace_writer *w, const struct traced_event *e)
{
    const struct trace_filter *f = w->filter;

    if (!w->open && !w->over && e->time >= f->from) {
        w->open = true;
        w->ops->open(w, f->from);
    }
    if (w->open && e->time >= f->to)
        close_writer(w, f->to);
    if (w->over)
        return;
    w->ops->event(w, e);
    if (w->open && w->nr_events >= f->limit) {
        w->cut = true;
        w->cut_at = e->time;
        close_writer(w, e->time);
    }
}

static void
emit(struct trace *t, struct traced_event *e)
{
    e->time = kernel_now(t->kernel);
    e->actor = t->curr[e->cpu];
    for (guint i = 0; i < t->writers->len; i++)
        tell(g_ptr_array_index(t->writers, i), e);
}

/* ---- who runs where ---- */

static int32_t *
where_of(struct trace *t, const struct task *p)
{
    int32_t nowhere = NOWHERE;

    while (p->id >= t->where->len)
        g_array_append_val(t->where, nowhere);
    return &g_array_index(t->where, int32_t, p->id);
}

/* The first task of a process: it leaves a zombie. */
static bool
leads(const struct task *p)
{
    if (p->pid > 0 && p->process->pid > 0)
        return p->pid == p->process->pid;
    return p->process->members[0] == p;
}

static char
state_of(const struct task *p)
{
    switch (p->state) {
    case TASK_DEAD:
        return leads(p) ? 'Z' : 'X';
    case TASK_SLEEPING:
    case TASK_BLOCKED:
        return p->io_sleep ? 'D' : 'S';
    default:
        return '+';
    }
}

static void
switch_to(struct trace *t, int32_t cpu, struct task *next)
{
    struct task *prev = t->curr[cpu];

    if (prev == next)
        return;
    emit(t, &(struct traced_event){ .kind = TRACED_SWITCH,
                                    .cpu = cpu,
                                    .task = prev,
                                    .other = next,
                                    .state = prev != NULL ? state_of(prev) : 'R' });
    if (prev != NULL)
        *where_of(t, prev) = NOWHERE;
    if (next != NULL)
        *where_of(t, next) = cpu;
    t->curr[cpu] = next;
}

static void
leave_cpu(struct trace *t, const struct task *p)
{
    int32_t cpu = *where_of(t, p);

    if (cpu != NOWHERE)
        switch_to(t, cpu, NULL);
}

/* ---- hooks ---- */

static void
on_switch(void *priv, struct kernel *k, int cpu, struct task *prev, struct task *next)
{
    struct trace *t = priv;
    (void)k, (void)prev;

    if (next != NULL && *where_of(t, next) != cpu)
        leave_cpu(t, next);
    switch_to(t, cpu, next);
}

static void
on_fork(void *priv, struct kernel *k, struct task *p, struct task *parent)
{
    struct trace *t = priv;
    (void)k;

    t->irq = parent == NULL;
    if (parent != NULL)
        emit(t, &(struct traced_event){
                    .kind = TRACED_FORK, .cpu = parent->cpu, .task = p, .other = parent });
}

static void
on_exit_task(void *priv, struct kernel *k, struct task *p)
{
    (void)k;
    emit(priv, &(struct traced_event){ .kind = TRACED_EXIT, .cpu = p->cpu, .task = p });
}

static void
on_waking(void *priv, struct kernel *k, struct task *p, int waker_cpu, bool by_task)
{
    struct trace *t = priv;
    (void)k;

    t->irq = !by_task;
    t->waker_cpu = waker_cpu;
    leave_cpu(t, p);
    emit(t,
         &(struct traced_event){
             .kind = TRACED_WAKING, .cpu = waker_cpu, .irq = !by_task, .task = p, .to = p->cpu });
}

static void
on_wakeup(void *priv, struct kernel *k, struct task *p, int waker_cpu)
{
    struct trace *t = priv;
    (void)k;

    emit(t, &(struct traced_event){ .kind = TRACED_WAKEUP,
                                    .cpu = waker_cpu,
                                    .task = p,
                                    .to = p->cpu,
                                    .irq = t->irq,
                                    .first = !p->woken });
    t->waker_cpu = NOWHERE;
}

static void
on_migrate(void *priv, struct kernel *k, struct task *p, int from, int to)
{
    struct trace *t = priv;
    (void)k;

    leave_cpu(t, p);
    /* a waker moves the sleeper; a balancer pulls */
    emit(t, &(struct traced_event){ .kind = TRACED_MIGRATE,
                                    .cpu = t->waker_cpu != NOWHERE ? t->waker_cpu : to,
                                    .irq = t->waker_cpu != NOWHERE && t->irq,
                                    .task = p,
                                    .from = from,
                                    .to = to });
}

static void
on_numa_move(void *priv, struct kernel *k, struct task *p, int to, struct task *other)
{
    (void)k;
    emit(priv, &(struct traced_event){ .kind = TRACED_NUMA_MOVE,
                                       .cpu = p->cpu,
                                       .task = p,
                                       .other = other,
                                       .from = p->cpu,
                                       .to = to });
}

static void
on_pages(void *priv, struct kernel *k, struct task *p, int from, int to, uint64_t pages)
{
    (void)k;
    emit(priv, &(struct traced_event){ .kind = TRACED_PAGES,
                                       .cpu = p->cpu,
                                       .task = p,
                                       .from = from,
                                       .to = to,
                                       .pages = pages });
}

/* ---- start and end ---- */

static const struct trace_writer_ops *
format_of(const char *path)
{
    g_autofree char *name =
        g_str_has_suffix(path, ".gz") ? g_strndup(path, strlen(path) - 3) : g_strdup(path);

    for (guint i = 0; formats[i] != NULL; i++)
        if (g_str_has_suffix(name, formats[i]->suffix))
            return formats[i];
    return NULL;
}

bool
trace_check(const struct trace_request *r, GError **error)
{
    struct trace_filter f;
    bool fine = trace_filter_parse(&f, r->filter, error);

    trace_filter_clear(&f);
    for (guint i = 0; fine && r->files != NULL && r->files[i] != NULL; i++) {
        fine = format_of(r->files[i]) != NULL;
        if (!fine)
            g_set_error(
                error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--trace: %s: the name says no known format; it ends in .json (Chrome),"
                " .pftrace (Perfetto), .txt (ftrace), .dat (trace-cmd), or one of them with .gz",
                r->files[i]);
        if (fine && g_strv_contains(r->files + i + 1, r->files[i])) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "--trace: %s is given twice", r->files[i]);
            fine = false;
        }
    }
    return fine;
}

static void
writer_free(gpointer data)
{
    struct trace_writer *w = data;

    if (w->ops->free != NULL)
        w->ops->free(w);
    if (w->out != NULL)
        trace_out_discard(w->out);
    g_free(w->path);
    g_free(w);
}

static struct trace_writer *
writer_add(struct trace *t, const struct trace_writer_ops *ops, const char *path, bool nanoseconds)
{
    struct trace_writer *w = g_new0(struct trace_writer, 1);

    *w = (struct trace_writer){ .ops = ops,
                                .kernel = t->kernel,
                                .filter = &t->filter,
                                .path = g_strdup(path),
                                .nanoseconds = nanoseconds };
    g_ptr_array_add(t->writers, w);
    return w;
}

static bool
add_writers(struct trace *t, const struct trace_request *r, GError **error)
{
    for (guint i = 0; r->files != NULL && r->files[i] != NULL; i++) {
        struct trace_writer *w = writer_add(t, format_of(r->files[i]), r->files[i], r->nanoseconds);
        if ((w->out = trace_out_new(w->path, error)) == NULL)
            return false;
        w->ops->start(w);
    }
    if (r->tables != NULL) {
        struct trace_writer *w = writer_add(t, &trace_tables, r->tables, false);
        w->ops->start(w);
    }
    return true;
}

static void
trace_free(struct trace *t)
{
    g_ptr_array_free(t->writers, TRUE);
    g_array_free(t->where, TRUE);
    trace_filter_clear(&t->filter);
    g_free(t->curr);
    g_free(t);
}

struct trace *
trace_start(struct kernel *k, const struct trace_request *r, GError **error)
{
    if (!trace_check(r, error))
        return NULL;
    struct trace *t = g_new0(struct trace, 1);
    t->kernel = k;
    t->waker_cpu = NOWHERE;
    t->curr = g_new0(struct task *, k->machine->nr_cpus);
    t->where = g_array_new(FALSE, FALSE, sizeof(int32_t));
    t->writers = g_ptr_array_new_with_free_func(writer_free);
    if (!trace_filter_parse(&t->filter, r->filter, error) ||
        !trace_filter_bind(&t->filter, k->machine, error) || !add_writers(t, r, error)) {
        trace_free(t);
        return NULL;
    }
    t->observer = (struct observer){ .priv = t,
                                     .task_switch = on_switch,
                                     .task_fork = on_fork,
                                     .task_exit = on_exit_task,
                                     .task_waking = on_waking,
                                     .task_wakeup = on_wakeup,
                                     .task_migrate = on_migrate,
                                     .numa_move = on_numa_move,
                                     .pages_migrate = on_pages };
    kernel_observe(k, &t->observer);
    return t;
}

/* The last task of all ends the run before its CPU is told to look for another. */
static void
switch_out_the_dead(struct trace *t)
{
    for (uint32_t cpu = 0; cpu < t->kernel->machine->nr_cpus; cpu++)
        if (t->curr[cpu] != NULL && t->curr[cpu]->state == TASK_DEAD)
            switch_to(t, (int32_t)cpu, NULL);
}

static bool
finish_writer(struct trace_writer *w, sim_time now, GPtrArray *remarks, GError **error)
{
    struct trace_out *out = w->out;

    if (w->cut && remarks != NULL)
        g_ptr_array_add(
            remarks,
            g_strdup_printf("%s ends at %.6f s, after %" G_GUINT64_FORMAT
                            " events; to see more: --trace-filter=limit=N, or narrow it down with"
                            " task=, cpu=, node=, from=, to=",
                            w->path, (double)w->cut_at / 1e9, w->nr_events));
    close_writer(w, SIM_MIN(now, w->filter->to));
    bool fine = w->ops->finish(w, now, error);
    w->out = NULL;
    if (out == NULL)
        return fine;
    if (!fine)
        trace_out_discard(out);
    return fine && trace_out_close(out, error);
}

static void
remark_on_tasks(const struct trace *t, GPtrArray *remarks)
{
    for (uint32_t i = 0; i < t->kernel->nr_tasks; i++)
        if (trace_filter_task(&t->filter, t->kernel->tasks[i]))
            return;
    if (remarks != NULL && t->filter.tasks->len > 0 && t->kernel->nr_tasks > 0)
        g_ptr_array_add(remarks, g_strdup_printf("--trace-filter: no task has such a name; one is"
                                                 " called %s",
                                                 t->kernel->tasks[0]->name));
}

bool
trace_finish(struct trace *t, GPtrArray *remarks, GError **error)
{
    bool fine = true;

    if (t == NULL)
        return true;
    switch_out_the_dead(t);
    remark_on_tasks(t, remarks);
    for (guint i = 0; i < t->writers->len; i++)
        fine &= finish_writer(g_ptr_array_index(t->writers, i), kernel_now(t->kernel), remarks,
                              fine ? error : NULL);
    trace_discard(t);
    return fine;
}

void
trace_discard(struct trace *t)
{
    if (t == NULL)
        return;
    for (struct observer **o = &t->kernel->observers; *o != NULL; o = &(*o)->next)
        if (*o == &t->observer) {
            *o = t->observer.next;
            break;
        }
    trace_free(t);
}
