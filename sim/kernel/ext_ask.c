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

const struct scx_exit_info *
ext_exit_info(const struct kernel *k)
{
    static const struct scx_exit_info none = { .reason = "", .msg = "", .dump = "" };

    return k->scx != NULL && k->scx->exit_kind != SCX_EXIT_NONE ? &k->scx->exit : &none;
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
    switch (ext_exit_info(k)->kind) {
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
    return k->scx != NULL ? k->scx->left_at : 0;
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
