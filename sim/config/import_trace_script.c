/*
 * Writing: the bytes of stories, and the script of a replay with recorded placement.
 */
#include "config/import_trace_compiler.h"

void
trace_put_number(GByteArray *to, uint64_t value)
{
    guint8 bytes[10];
    guint n = 0;

    do {
        bytes[n++] = (guint8)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
    g_byte_array_append(to, bytes, n);
}

void
trace_put_op(GByteArray *to, guint8 op, uint64_t a)
{
    g_byte_array_append(to, &op, 1);
    trace_put_number(to, a);
}

void
trace_put_op2(GByteArray *to, guint8 op, uint64_t a, uint64_t b)
{
    trace_put_op(to, op, a);
    trace_put_number(to, b);
}

/* ---- the script ---- */

static void
put_script(struct trace_compiler *c, guint8 what, uint64_t x, uint64_t y)
{
    trace_put_number(c->script, c->now - c->script_at);
    c->script_at = c->now;
    trace_put_op2(c->script, what, x, y);
}

void
trace_script_wakeup(struct trace_compiler *c, const struct trace_event *e, const struct teller *t)
{
    if (!c->o.placement || t->dropped)
        return;
    put_script(c, REPLAY_WAKEUP, (uint64_t)e->cpu << 1 | (e->irq || e->by <= TRACE_IDLE),
               t->index + 1);
    trace_put_number(c->script, e->target_cpu);
}

void
trace_script_move(struct trace_compiler *c, const struct teller *t, uint32_t cpu)
{
    if (c->o.placement)
        put_script(c, REPLAY_MOVE, t->index + 1, cpu);
}

/* Number of a task in the script, four bytes: it may turn out to have been another one. */
static guint32
script_number(const struct teller *t)
{
    return t != NULL && !t->dropped ? GUINT32_TO_LE(t->index + 1) : 0;
}

void
trace_script_switch(struct trace_compiler *c, struct lane *lane, const struct trace_event *e,
                    const struct teller *next)
{
    guint8 state = e->preempted ? '+' : e->state == TRACE_STATE_LOST ? 'R' : (guint8)e->state;
    guint32 number = script_number(next);

    if (!c->o.placement)
        return;
    put_script(c, REPLAY_SWITCH, e->cpu, state == 'x' ? 'X' : state);
    lane->next_at = c->script->len;
    g_byte_array_append(c->script, (const guint8 *)&number, sizeof(number));
}

void
trace_script_repair(struct trace_compiler *c, const struct lane *lane, const struct teller *prev)
{
    guint32 number = script_number(prev);

    if (c->o.placement && lane->next_at > 0)
        memcpy(c->script->data + lane->next_at, &number, sizeof(number));
}
