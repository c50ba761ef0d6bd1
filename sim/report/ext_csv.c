/*
 * ext.csv: a programmable policy, in one row: how it is or left, the numbers that it exports, what
 * the core counted (scx_bpf_events), how often each of its operations was called.
 */
#include "kernel/ext.h"
#include "report/run_report_impl.h"

bool
report_has_ext(const struct kernel *k)
{
    return ext_last_ops(k) != NULL;
}

static void
header(const struct kernel *k, struct csv *c)
{
    g_autoptr(GString) s = g_string_new("policy,state,exit_kind,exit_code,exit_reason,exit_msg");

    const struct scx_stat *stat;
    uint64_t value;
    for (guint i = 0; (stat = ext_stat(k, i, &value)) != NULL; i++)
        g_string_append_printf(s, ",%s", stat->name);
#define X(name, doc) g_string_append(s, "," #name);
    SCX_EVENTS(X)
#undef X
    for (guint i = 0; i < SCX_OP_NR; i++)
        g_string_append_printf(s, ",calls_%s", scx_op_names[i]);
    csv_header(c, s->str);
}

void
report_ext(const struct report *r, struct csv *c)
{
    const struct scx_exit_info *exit = ext_exit_info(r->k);
    const struct sched_ops *ops = ext_last_ops(r->k);
    struct scx_event_stats events;

    header(r->k, c);
    csv_text(c, ops->name);
    csv_text(c, scx_state_names[ext_state(r->k)]);
    csv_text(c, ext_exit_word(r->k));
    csv_int(c, exit->exit_code);
    csv_text(c, exit->reason);
    csv_text(c, exit->msg);
    uint64_t value;
    for (guint i = 0; ext_stat(r->k, i, &value) != NULL; i++)
        csv_uint(c, value);
    ext_events(r->k, &events);
#define X(name, doc) csv_uint(c, events.name);
    SCX_EVENTS(X)
#undef X
    for (guint i = 0; i < SCX_OP_NR; i++)
        csv_uint(c, ext_op_calls(r->k, (enum scx_op)i));
    csv_end_row(c);
}
