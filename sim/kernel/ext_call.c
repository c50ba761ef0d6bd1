/*
 * The one place through which operations are called, and helpers ask whether they may be.
 *
 * An operation costs time on the CPU that runs it: a base, more for each helper, and what an
 * adapter adds for the program behind it. Within a scheduling cycle the cost is collected and put
 * in front of what the CPU runs next; anywhere else it is charged at once.
 */
#include "kernel/ext_impl.h"

const char *const scx_op_names[SCX_OP_NR + 1] = {
#define X(name, context) #name,
    SCX_OPS(X)
#undef X
};

static const uint16_t op_contexts[SCX_OP_NR] = {
#define X(name, context) SCX_CTX_##context,
    SCX_OPS(X)
#undef X
};

void
scx_op_begin(struct scx *x, struct scx_frame *f, enum scx_op op, struct task *p)
{
    struct kernel *k = x->k;

    *f = (struct scx_frame){
        .prev = x->frame, .op = op, .cpu = k->this_cpu, .task = p, .cost = k->params.ext.op_cost
    };
    x->frame = f;
    x->calls[op]++;
}

static void
charge_cost(struct scx *x, const struct scx_frame *f)
{
    struct scx_rq *er = scx_rq_of(x, f->cpu);

    if (f->cost == 0)
        return;
    er->busy_until = SIM_MAX(er->busy_until, x->k->engine.now) + f->cost;
    if (er->in_cycle)
        er->cost += f->cost;
    else
        scx_charge_now(x, er, f->cost);
}

void
scx_op_end(struct scx *x, struct scx_frame *f)
{
    const struct ext_params *ep = &x->k->params.ext;

    x->frame = f->prev;
    if (f->prev == NULL && unlikely(x->nr_iters > 0)) {
        memset(x->iters, 0, sizeof(x->iters));
        x->nr_iters = 0;
    }
    /* what may sleep holds up nobody */
    bool sleepable = op_contexts[f->op] & (SCX_CTX_SLEEPABLE | SCX_CTX_DUMP);
    if (unlikely(ep->max_runtime != 0 && f->cost > ep->max_runtime && !sleepable)) {
        f->overran = true;
        x->overruns++;
        if (ep->on_overrun == EXT_OVERRUN_EJECT)
            scx_ops_error(x, "ops.%s() took %llu ns, more than ext.max_runtime allows",
                          scx_op_names[f->op], (unsigned long long)f->cost);
        if (ep->on_overrun != EXT_OVERRUN_RESUME)
            f->cost = ep->max_runtime;
    }
    charge_cost(x, f);
}

bool
scx_allowed(struct scx *x, uint32_t contexts, const char *call)
{
    uint32_t own = x->frame != NULL ? op_contexts[x->frame->op] : SCX_CTX_UNLOCKED;

    if (own == SCX_CTX_SELECT_CPU)
        own |= SCX_CTX_ENQUEUE;
    if (own & contexts)
        return true;
    scx_ops_error(x, "%s() is not allowed in ops.%s()", call,
                  x->frame != NULL ? scx_op_names[x->frame->op] : "(none)");
    return false;
}

void
scx_touch(struct scx *x, int32_t *last_cpu, sim_time *last_touch)
{
    const struct ext_params *ep = &x->k->params.ext;
    int32_t cpu = x->k->this_cpu;
    sim_time now = x->k->engine.now;

    if (x->frame != NULL && *last_cpu >= 0 && *last_cpu != cpu &&
        now - *last_touch < ep->contended_window)
        x->frame->cost += ep->contended_cost;
    *last_cpu = cpu;
    *last_touch = now;
}

uint64_t
ext_op_calls(const struct kernel *k, enum scx_op op)
{
    return k->scx != NULL ? k->scx->calls[op] : 0;
}
