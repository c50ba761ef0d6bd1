/*
 * ext.csv: the programmable policies of the run, a row each in the order of loading: how it is or
 * left, the numbers that it exports, what the core counted (scx_bpf_events), how often each of its
 * operations was called. A number that a policy does not export is empty.
 */
#include "kernel/ext.h"
#include "report/run_report_impl.h"

bool
report_has_ext(const struct kernel *k)
{
    return ext_last_ops(k) != NULL;
}

/* The numbers that all of them export, by name, each once. */
static GPtrArray *
stat_names(const struct kernel *k)
{
    GPtrArray *names = g_ptr_array_new();
    struct ext_past p;

    for (guint i = 0; ext_policy(k, i, &p); i++)
        for (const struct scx_stat *s = p.ops->stats; s != NULL && s->name != NULL; s++)
            if (!g_ptr_array_find_with_equal_func(names, s->name, g_str_equal, NULL))
                g_ptr_array_add(names, (gpointer)(uintptr_t)s->name);
    return names;
}

static void
header(const GPtrArray *names, struct csv *c)
{
    g_autoptr(GString) s = g_string_new("policy,state,exit_kind,exit_code,exit_reason,exit_msg");

    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(s, ",%s", (const char *)names->pdata[i]);
#define X(name, doc) g_string_append(s, "," #name);
    SCX_EVENTS(X)
#undef X
    for (guint i = 0; i < SCX_OP_NR; i++)
        g_string_append_printf(s, ",calls_%s", scx_op_names[i]);
    g_string_append(s, ",loaded_at_ns");
    csv_header(c, s->str);
}

static void
write_stat(const struct ext_past *p, const char *name, struct csv *c)
{
    const struct scx_stat *stats = p->ops->stats;

    for (guint i = 0; stats != NULL && i < SCX_STATS_MAX && stats[i].name != NULL; i++)
        if (strcmp(stats[i].name, name) == 0) {
            csv_uint(c, p->stats[i]);
            return;
        }
    csv_text(c, "");
}

static void
write_policy(const struct ext_past *p, const GPtrArray *names, struct csv *c)
{
    csv_text(c, p->ops->name);
    csv_text(c, scx_state_names[p->state]);
    csv_text(c, scx_exit_word(p->exit.kind));
    csv_int(c, p->exit.exit_code);
    csv_text(c, p->exit.reason);
    csv_text(c, p->exit.msg);
    for (guint i = 0; i < names->len; i++)
        write_stat(p, names->pdata[i], c);
#define X(name, doc) csv_uint(c, p->events.name);
    SCX_EVENTS(X)
#undef X
    for (guint i = 0; i < SCX_OP_NR; i++)
        csv_uint(c, p->calls[i]);
    csv_uint(c, p->loaded_at);
    csv_end_row(c);
}

void
report_ext(const struct report *r, struct csv *c)
{
    g_autoptr(GPtrArray) names = stat_names(r->k);
    struct ext_past p;

    header(names, c);
    for (guint i = 0; ext_policy(r->k, i, &p); i++)
        write_policy(&p, names, c);
}
