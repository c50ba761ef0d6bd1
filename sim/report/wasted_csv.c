#include "report/wasted_csv.h"

struct sink {
    const struct kernel *k;
    struct csv *csv;
};

/* number, kind, rule, choice */
static void
put_decision(struct csv *c, const struct probe_note *n)
{
    if (n->seq == 0) {
        for (int i = 0; i < 4; i++)
            csv_empty(c);
        return;
    }
    csv_uint(c, n->seq);
    csv_text(c, decision_kind_names[n->kind]);
    csv_text(c, n->rule);
    csv_int(c, n->chosen);
}

static void
row(void *priv, const struct wasted_stretch *s)
{
    const struct sink *sink = priv;
    struct csv *c = sink->csv;

    if (s->to - s->from < sink->k->tick_ns)
        return;
    csv_int(c, s->cpu);
    csv_uint(c, s->from);
    csv_uint(c, s->to);
    csv_uint(c, s->to - s->from);
    csv_text(c, s->task != NULL ? s->task->name : NULL);
    csv_int(c, s->task_cpu);
    csv_uint(c, s->together);
    if (s->allowed != SIM_NEVER)
        csv_uint(c, s->allowed);
    else
        csv_empty(c);
    csv_text(c, s->level);
    csv_uint(c, wasted_beyond(s));
    put_decision(c, &s->of_task);
    put_decision(c, &s->of_cpu);
    csv_end_row(c);
}

struct csv *
wasted_csv_start(struct kernel *k, const char *dir, GError **error)
{
    struct csv *c = csv_create(dir, "wasted_cores.csv", error);
    struct sink *sink;

    if (c == NULL)
        return NULL;
    csv_header(c, "cpu,from_ns,to_ns,duration_ns,task,task_cpu,together_ns,allowed_ns,level,beyond,"
                  "task_decision_seq,task_decision_kind,task_decision_rule,task_decision_chosen,"
                  "cpu_decision_seq,cpu_decision_kind,cpu_decision_rule,cpu_decision_chosen");
    sink = arena_new_object(k->arena, struct sink);
    sink->k = k;
    sink->csv = c;
    wasted_report_to(k->wasted, row, sink);
    return c;
}

char *
wasted_sentence(const struct wasted *w)
{
    const struct wasted_totals *t = wasted_totals(w);

    if (t->nr_stretches == 0)
        return NULL;
    return g_strdup_printf("wasted cores: CPUs idled for %.3f ms in all while a task waited that "
                           "could have run there (%" G_GUINT64_FORMAT
                           " times, %.3f ms at most, on CPU %d); %" G_GUINT64_FORMAT
                           " times for longer than the kernel's rules allow%s",
                           (double)t->ns / 1e6, t->nr_stretches, (double)t->longest_ns / 1e6,
                           t->longest_cpu, t->nr_beyond,
                           t->nr_beyond > 0 ? ": see wasted_cores.csv" : "");
}
