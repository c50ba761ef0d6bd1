/* The rows of threads, drawn once an instant, and the counters of nodes. */
#include "report/trace_chrome_impl.h"

#include "kernel/mm.h"

static const char *const row_names[] = { [ROW_RUNNABLE] = "runnable",
                                         [ROW_RUNNING] = "running",
                                         [ROW_SLEEPING] = "sleeping",
                                         [ROW_BLOCKED] = "blocked" };

uint32_t
chrome_row_pid(const struct thread_row *r)
{
    return PID_PROCESSES + r->task->process->id;
}

struct thread_row *
chrome_row_of(struct trace_writer *w, struct task *p)
{
    struct chrome *c = w->priv;

    if (p->id >= c->rows->len)
        g_ptr_array_set_size(c->rows, (gint)p->id + 1);
    struct thread_row *r = g_ptr_array_index(c->rows, p->id);
    if (r == NULL) {
        r = g_new0(struct thread_row, 1);
        *r = (struct thread_row){ .task = p, .wanted = trace_filter_task(w->filter, p) };
        g_ptr_array_index(c->rows, p->id) = r;
    }
    return r;
}

static void
name_row(struct trace_writer *w, struct thread_row *r)
{
    struct chrome *c = w->priv;
    const struct process *pr = r->task->process;

    if (r->named)
        return;
    r->named = true;
    if (g_hash_table_add(c->processes, GUINT_TO_POINTER(pr->id)))
        chrome_put_name(w, "process", chrome_row_pid(r), 0, pr->name, PID_PROCESSES + pr->id);
    chrome_put_name(w, "thread", chrome_row_pid(r), trace_pid(r->task), r->task->name, r->task->id);
}

static void
land(struct trace_writer *w, struct thread_row *r, const char *kind, uint64_t *arrow)
{
    if (*arrow != 0)
        chrome_put_arrow(w, 'f', chrome_row_pid(r), trace_pid(r->task), kind, *arrow);
    *arrow = 0;
}

static void
row_end(struct trace_writer *w, struct thread_row *r)
{
    chrome_begin(w, 'E', chrome_row_pid(r), trace_pid(r->task));
    chrome_end(w);
    r->shown = ROW_NONE;
}

/* Draws the state that the thread has come to. */
void
chrome_row_draw(struct trace_writer *w, struct thread_row *r)
{
    bool visible =
        w->open && r->wanted && (trace_filter_cpu(w->filter, r->task->cpu) || r->woken_by != 0);
    enum row_state want = visible ? r->now : ROW_NONE;

    r->pending = false;
    if (want == ROW_NONE && r->shown != ROW_NONE) {
        land(w, r, "wakeup", &r->woken_by);
        land(w, r, "migration", &r->moved_by);
    }
    if (want != r->shown) {
        if (r->shown != ROW_NONE)
            row_end(w, r);
        if (want != ROW_NONE) {
            name_row(w, r);
            chrome_begin(w, 'B', chrome_row_pid(r), trace_pid(r->task));
            chrome_put_text(w, ",\"cat\":\"state\",\"name\":\"", row_names[want]);
            chrome_end(w);
        }
        r->shown = want;
    }
    land(w, r, "wakeup", &r->woken_by);
}

void
chrome_count_waiting(struct trace_writer *w, struct thread_row *r)
{
    struct chrome *c = w->priv;
    int32_t node = w->kernel->machine->cpus[r->task->cpu].node;

    if (r->waits_on != NULL)
        r->waits_on->nr_waiting--;
    r->waits_on = r->now == ROW_RUNNABLE ? &c->nodes[node] : NULL;
    if (r->waits_on != NULL)
        r->waits_on->nr_waiting++;
}

void
chrome_row_set(struct trace_writer *w, struct thread_row *r, enum row_state state)
{
    struct chrome *c = w->priv;

    r->now = state;
    chrome_count_waiting(w, r);
    if (!r->pending)
        g_ptr_array_add(c->pending, r);
    r->pending = true;
}

/* ---- counters ---- */

static void
count_node(struct trace_writer *w, uint32_t node)
{
    struct chrome *c = w->priv;
    struct node_row *n = &c->nodes[node];
    uint64_t free_bytes = w->kernel->mm->nodes[node].free_pages * PAGE_4K;
    uint32_t running = 0;

    for_each_cpu (cpu, w->kernel->machine->nodes[node].cpus)
        running += c->curr[cpu] != NULL;
    if (!n->known || n->free_bytes != free_bytes) {
        chrome_begin(w, 'C', PID_NODES + node, 0);
        chrome_put_number(w, ",\"name\":\"free memory\",\"args\":{\"bytes\":", free_bytes);
        trace_out_text(w->out, "}}");
    }
    if (!n->known || n->running != running || n->waiting != n->nr_waiting) {
        chrome_begin(w, 'C', PID_NODES + node, 0);
        chrome_put_number(w, ",\"name\":\"tasks\",\"args\":{\"running\":", running);
        chrome_put_number(w, ",\"waiting\":", n->nr_waiting);
        trace_out_text(w->out, "}}");
    }
    *n = (struct node_row){ free_bytes, running, n->nr_waiting, n->nr_waiting, true };
}

void
chrome_count(struct trace_writer *w)
{
    struct chrome *c = w->priv;

    for (uint32_t n = 0; n < w->kernel->machine->nr_nodes; n++)
        count_node(w, n);
    c->counted_at = c->now;
}
