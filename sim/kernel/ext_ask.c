/*
 * What the rest of the program asks about the policy that is loaded, or was.
 */
#include "kernel/ext_impl.h"

const char *const scx_state_names[] = { "disabled", "enabling", "enabled", "disabling" };

enum scx_state
ext_state(const struct kernel *k)
{
    return k->scx != NULL ? k->scx->state : SCX_DISABLED;
}

const struct sched_ops *
ext_ops(const struct kernel *k)
{
    return ext_state(k) != SCX_DISABLED ? k->scx->ops : NULL;
}

/* ---- policies of the past ---- */

static bool
erred(enum scx_exit_kind kind)
{
    return kind != SCX_EXIT_NONE && kind != SCX_EXIT_UNREG;
}

static void
describe(const struct scx *x, struct ext_past *p)
{
    static const struct scx_exit_info none = { .reason = "", .msg = "", .dump = "" };

    *p = (struct ext_past){ .ops = x->ops, .state = x->state, .loaded_at = x->loaded_at };
    p->left_at = x->left_at;
    p->exit = x->exit_kind != SCX_EXIT_NONE ? x->exit : none;
    scx_events((struct scx *)(uintptr_t)x, &p->events);
    memcpy(p->calls, x->calls, sizeof(p->calls));
    for (uint32_t i = 0; i < SCX_STATS_MAX && ext_stat(x->k, i, &p->stats[i]) != NULL; i++)
        ;
}

void
scx_keep_past(struct scx *x)
{
    if (x->ops == NULL || x->nr_past == x->max_past)
        return;
    struct ext_past *p = &x->past[x->nr_past++];
    describe(x, p);
    size_t size = strlen(p->exit.msg) + 1;
    p->exit.msg = memcpy(arena_alloc(x->k->arena, size), p->exit.msg, size);
}

bool
ext_policy(const struct kernel *k, uint32_t i, struct ext_past *p)
{
    const struct scx *x = k->scx;

    if (x == NULL || x->ops == NULL || i > x->nr_past)
        return false;
    if (i < x->nr_past)
        *p = x->past[i];
    else
        describe(x, p);
    return true;
}

/* Of those before the present one, which itself has not erred. */
static const struct ext_past *
first_error(const struct scx *x)
{
    for (uint32_t i = 0; !erred(x->exit_kind) && i < x->nr_past; i++)
        if (erred(x->past[i].exit.kind))
            return &x->past[i];
    return NULL;
}

const struct scx_exit_info *
ext_exit_info(const struct kernel *k)
{
    static const struct scx_exit_info none = { .reason = "", .msg = "", .dump = "" };
    const struct scx *x = k->scx;

    if (x == NULL)
        return &none;
    if (first_error(x) != NULL)
        return &first_error(x)->exit;
    return x->exit_kind != SCX_EXIT_NONE ? &x->exit : &none;
}

bool
ext_switched_all(const struct kernel *k)
{
    return k->scx != NULL && k->scx->switched_all;
}

bool
ext_is_on(const struct kernel *k)
{
    return k->scx->enabled;
}

bool
ext_task_enabled(const struct kernel *k, const struct task *p)
{
    return k->scx != NULL && is_ext(p);
}

const char *
ext_exit_word(const struct kernel *k)
{
    return scx_exit_word(ext_exit_info(k)->kind);
}

const char *
scx_exit_word(enum scx_exit_kind kind)
{
    switch (kind) {
    case SCX_EXIT_UNREG_BPF:
        return "unreg_bpf";
    case SCX_EXIT_UNREG_KERN:
        return "unreg_kern";
    case SCX_EXIT_SYSRQ:
        return "sysrq";
    case SCX_EXIT_ERROR:
        return "error";
    case SCX_EXIT_ERROR_BPF:
        return "error_bpf";
    case SCX_EXIT_ERROR_STALL:
        return "error_stall";
    default:
        return NULL;
    }
}

sim_time
ext_left_at(const struct kernel *k)
{
    const struct scx *x = k->scx;

    if (x == NULL)
        return 0;
    return first_error(x) != NULL ? first_error(x)->left_at : x->left_at;
}

const struct scx_stat *
ext_stat(const struct kernel *k, uint32_t i, uint64_t *value)
{
    const struct scx *x = k->scx;
    const struct scx_stat *stats = x != NULL && x->ops != NULL ? x->ops->stats : NULL;

    if (stats == NULL || i >= SCX_STATS_MAX)
        return NULL;
    for (uint32_t n = 0; n <= i; n++)
        if (stats[n].name == NULL)
            return NULL;
    *value = x->last_stats[i];
    if (x->priv != NULL)
        memcpy(value, (const char *)x->priv + stats[i].offset, sizeof(*value));
    return &stats[i];
}

void
ext_events(const struct kernel *k, struct scx_event_stats *events)
{
    if (k->scx != NULL)
        scx_events(k->scx, events);
}

const struct sched_ops *
ext_last_ops(const struct kernel *k)
{
    return k->scx != NULL ? k->scx->ops : NULL;
}
