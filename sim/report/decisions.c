#include "report/decisions.h"

static void
record(void *sink, const struct decision *d)
{
    struct csv *c = sink;

    csv_uint(c, d->seq);
    if (d->cause_seq != 0)
        csv_uint(c, d->cause_seq);
    else
        csv_empty(c);
    csv_uint(c, d->time);
    csv_text(c, decision_kind_names[d->kind]);
    csv_text(c, d->rule);
    csv_text(c, d->task != NULL ? d->task->name : NULL);
    if (d->cpu >= 0)
        csv_int(c, d->cpu);
    else
        csv_empty(c);
    csv_int(c, d->chosen);
    csv_text(c, d->candidates);
    csv_text(c, d->inputs);
    csv_end_row(c);
}

struct csv *
decisions_start(struct kernel *k, uint32_t wanted, const char *dir, GError **error)
{
    struct csv *c = csv_create(dir, "decisions.csv", error);

    if (c == NULL)
        return NULL;
    csv_header(c, "seq,cause_seq,time_ns,kind,rule,task,cpu,chosen,candidates,inputs");
    k->probe.record = record;
    k->probe.sink = c;
    k->probe.wanted = wanted;
    return c;
}

bool
decisions_parse(const char *kinds, uint32_t *wanted, char **bad)
{
    *wanted = ((uint32_t)1 << DECISION_KIND_NR) - 1;
    if (kinds == NULL || *kinds == '\0')
        return true;
    g_auto(GStrv) names = g_strsplit(kinds, ",", -1);
    *wanted = 0;
    for (guint i = 0; names[i] != NULL; i++) {
        guint kind = 0;
        while (kind < DECISION_KIND_NR && strcmp(decision_kind_names[kind], names[i]) != 0)
            kind++;
        if (kind == DECISION_KIND_NR) {
            *bad = g_strdup(names[i]);
            return false;
        }
        *wanted |= (uint32_t)1 << kind;
    }
    return true;
}
