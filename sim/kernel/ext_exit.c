/*
 * How a policy errs, and what is shown of it: the first error counts, its dump is made in the same
 * instant, and then the policy is unloaded (ext_load.c). The watchdog looks twice in its timeout
 * for tasks that wait for longer than that.
 */
#include "kernel/ext_impl.h"

#include <stdarg.h>
#include <stdio.h>

const char *
scx_exit_reason(enum scx_exit_kind kind)
{
    switch (kind) {
    case SCX_EXIT_UNREG:
        return "unregistered from user space";
    case SCX_EXIT_UNREG_BPF:
        return "unregistered from BPF";
    case SCX_EXIT_UNREG_KERN:
        return "unregistered from the main kernel";
    case SCX_EXIT_SYSRQ:
        return "disabled by sysrq-S";
    case SCX_EXIT_ERROR:
        return "runtime error";
    case SCX_EXIT_ERROR_BPF:
        return "scx_bpf_error";
    case SCX_EXIT_ERROR_STALL:
        return "runnable task stall";
    default:
        return "";
    }
}

static void
fail(struct scx *x, enum scx_exit_kind kind, int64_t code, const char *fmt, va_list ap)
{
    struct kernel *k = x->k;

    if (x->exit_kind != SCX_EXIT_NONE || x->state == SCX_DISABLED)
        return;
    x->exit_kind = kind;
    x->exit_is_new = true;
    x->left_at = k->engine.now;
    vsnprintf(x->msg, sizeof(x->msg), fmt, ap);
    x->exit = (struct scx_exit_info){
        .kind = kind, .exit_code = code, .reason = scx_exit_reason(kind), .msg = x->msg, .dump = ""
    };
    engine_at(&k->engine, &x->disable_ev, k->engine.now);
}

void
scx_fail(struct scx *x, enum scx_exit_kind kind, int64_t code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fail(x, kind, code, fmt, ap);
    va_end(ap);
}

void
scx_error(struct scx *x, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fail(x, SCX_EXIT_ERROR_BPF, 0, fmt, ap);
    va_end(ap);
}

void
scx_exit(struct scx *x, int64_t code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fail(x, SCX_EXIT_UNREG_BPF, code, fmt, ap);
    va_end(ap);
}

/* ---- the dump ---- */

static void
put(struct scx *x, const char *prefix, const char *fmt, va_list ap)
{
    uint32_t room = x->dump_size - x->dump_len;

    if (room < 2)
        return;
    int n = snprintf(x->dump + x->dump_len, room, "%s", prefix);
    n += vsnprintf(x->dump + x->dump_len + n, (uint32_t)n < room ? room - (uint32_t)n : 0, fmt, ap);
    if ((uint32_t)n >= room - 1) {
        x->dump_len = x->dump_size; /* full: this line is cut */
        return;
    }
    x->dump_len += (uint32_t)n;
    x->dump[x->dump_len++] = '\n';
    x->dump[x->dump_len] = '\0';
}

SIM_PRINTF(2, 3) static void line(struct scx *x, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put(x, "", fmt, ap);
    va_end(ap);
}

void
scx_dump(struct scx *x, const char *fmt, ...)
{
    va_list ap;

    if (!x->dumping) {
        scx_ops_error(x, "scx_dump() must be called from ext_ops.dump() and friends");
        return;
    }
    va_start(ap, fmt);
    put(x, "    ", fmt, ap);
    va_end(ap);
}

static void
dump_task(struct scx *x, const struct scx_dump_ctx *ctx, struct scx_task *s, char mark)
{
    char where[32] = "(n/a)", mask[128];

    if (s->dsq != NULL)
        snprintf(where, sizeof(where), "0x%llx", (unsigned long long)s->dsq->id);
    cpumask_format(s->p->allowed, mask, sizeof(mask));
    line(x, " %c %s[%u] waits %lld ms", mark, s->p->name, task_pid(s->p),
         (long long)(ctx->at_jiffies - s->runnable_at) * (long long)(x->k->tick_ns / 1000000));
    line(x, "      ops_state/qseq=%u/%llu dsq_id=%s slice=%llu dsq_vtime=%llu cpus=%s",
         s->ops_state, (unsigned long long)s->ops_qseq, where,
         (unsigned long long)scx_task_slice(x, s->p), (unsigned long long)s->dsq_vtime, mask);
    if (SCX_HAS(x, dump_task))
        SCX_CALL(x, dump_task, s->p, ctx, s->p);
}

static void
dump_cpu(struct scx *x, const struct scx_dump_ctx *ctx, int cpu)
{
    struct scx_rq *er = scx_rq_of(x, cpu);
    struct task *curr = er->rq->curr;
    bool idle = list_empty(&er->runnable) && curr == NULL;
    uint32_t before = x->dump_len;

    if (idle && !SCX_HAS(x, dump_cpu))
        return;
    line(x, "CPU %d: nr_run=%u local=%u cpu_rel=%d curr=%s", cpu, er->nr_running, er->local.nr,
         er->cpu_released, curr != NULL ? curr->name : "idle");
    uint32_t after = x->dump_len;
    if (SCX_HAS(x, dump_cpu))
        SCX_CALL(x, dump_cpu, NULL, ctx, cpu, idle);
    if (idle && x->dump_len == after) {
        x->dump_len = before;
        x->dump[before] = '\0';
        return;
    }
    if (curr != NULL && is_ext(curr))
        dump_task(x, ctx, curr->scx, '*');
    list_for_each (node, &er->runnable)
        dump_task(x, ctx, list_entry(node, struct scx_task, runnable_node), ' ');
}

void
scx_dump_state(struct scx *x)
{
    struct scx_dump_ctx ctx = { .kind = x->exit.kind,
                                .exit_code = x->exit.exit_code,
                                .reason = x->exit.reason,
                                .at_ns = x->k->engine.now,
                                .at_jiffies = jiffies(x->k) };

    x->dump_size = x->ops->exit_dump_len != 0 ? x->ops->exit_dump_len : 32768;
    x->dump_size = SIM_MAX(x->dump_size, 256);
    x->dump = arena_alloc(x->k->arena, x->dump_size + 1);
    x->dump_len = 0;
    x->dumping = true;
    line(x, "exit kind %d: %s (%s)", (int)x->exit.kind, x->exit.reason, x->msg);
    if (SCX_HAS(x, dump))
        SCX_CALL(x, dump, NULL, &ctx);
    for (uint32_t cpu = 0; cpu < x->k->machine->nr_cpus; cpu++)
        dump_cpu(x, &ctx, (int)cpu);
    x->dumping = false;
    x->exit.dump = x->dump;
}

/* ---- the watchdog ---- */

void
scx_watchdog_arm(struct scx *x)
{
    uint64_t half = SIM_MAX(x->watchdog_jiffies / 2, 1);

    engine_at(&x->k->engine, &x->watchdog_ev, jiffy_time(x->k, jiffies(x->k) + half));
}

/* The first task that has waited for too long. */
static const struct scx_task *
find_stalled(const struct scx *x)
{
    uint64_t now = jiffies(x->k);

    for_each_cpu (cpu, x->k->machine->online)
        list_for_each (node, &x->rqs[cpu].runnable) {
            const struct scx_task *s = list_entry(node, struct scx_task, runnable_node);

            if (now > s->runnable_at + x->watchdog_jiffies)
                return s;
        }
    return NULL;
}

void
scx_watchdog_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct scx *x = k->scx;
    const struct scx_task *s;
    (void)ev;

    if (x->state == SCX_DISABLED)
        return;
    s = find_stalled(x);
    if (s != NULL) {
        uint64_t ms = (jiffies(k) - s->runnable_at) * k->tick_ns / 1000000;

        scx_fail(x, SCX_EXIT_ERROR_STALL, 0, "%s[%u] failed to run for %llu.%03llus", s->p->name,
                 task_pid(s->p), (unsigned long long)ms / 1000, (unsigned long long)ms % 1000);
    }
    scx_watchdog_arm(x);
}
