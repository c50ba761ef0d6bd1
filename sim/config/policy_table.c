/*
 * What is looked at before a policy's table is used. What a kernel's verifier does beyond that has
 * no counterpart: scripts are held by their box (script/box.h), plugins and built-in policies are
 * trusted code.
 */
#include "config/policy_table.h"

#include <inttypes.h>

enum { SIZE_MOST = 64 << 20, TIMEOUT_MOST_MS = 30000, BATCH_MOST = 4096, DUMP_MOST = 1 << 20 };

static const uint64_t known_flags = SCX_OPS_KEEP_BUILTIN_IDLE | SCX_OPS_ENQ_LAST |
                                    SCX_OPS_ENQ_EXITING | SCX_OPS_SWITCH_PARTIAL |
                                    SCX_OPS_ENQ_MIGRATION_DISABLED | SCX_OPS_ALLOW_QUEUED_WAKEUP |
                                    SCX_OPS_BUILTIN_IDLE_PER_NODE | SCX_OPS_HAS_CGROUP_WEIGHT;

static bool
good_name(const char *name)
{
    return name != NULL && *name != '\0' && strlen(name) < 128 &&
           strspn(name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_.-") == strlen(name);
}

static void
check_name(const struct sched_ops *ops, const char *file, struct diag *d)
{
    if (!good_name(ops->name))
        diag_error(d, file, 0, 0, "name",
                   "missing, longer than 127, or with other characters; write letters, digits, "
                   "'_', '.' and '-'");
    if (ops->flags & ~known_flags)
        diag_error(d, file, 0, 0, "flags", "0x%" PRIx64 " are no flags; there are SCX_OPS_*",
                   ops->flags & ~known_flags);
    if (ops->flags & SCX_OPS_ENQ_LAST && ops->enqueue == NULL)
        diag_error(d, file, 0, 0, "flags", "ENQ_LAST without enqueue; write that operation");
}

static void
check_size(const char *file, const char *what, uint64_t size, uint64_t most, struct diag *d)
{
    if (size > most)
        diag_error(d, file, 0, 0, what, "%" PRIu64 "; at most %" PRIu64, size, most);
}

static bool
inside(const struct sched_ops *ops, size_t offset, size_t size)
{
    return offset <= ops->priv_size && size <= ops->priv_size - offset;
}

static size_t
size_of(enum field_type type)
{
    switch (type) {
    case FIELD_BOOL:
        return sizeof(bool);
    case FIELD_U32:
    case FIELD_I32:
    case FIELD_RATIO:
    case FIELD_ENUM:
        return sizeof(uint32_t);
    default:
        return sizeof(uint64_t);
    }
}

/* A default must be what --set would take; it is tried on memory of its own. */
static void
check_field(const struct sched_ops *ops, const struct field *f, const char *file, struct arena *a,
            struct diag *d)
{
    g_autofree char *path = g_strdup_printf("params.%s", f->name);
    struct field copy = *f;
    uint64_t slot[2] = { 0 };
    char why[256];

    copy.offset = 0;
    if ((guint)f->type >= FIELD_NR_TYPES) {
        diag_error(d, file, 0, 0, path, "type %u does not exist", (unsigned)f->type);
        return;
    }
    if (!inside(ops, f->offset, size_of(f->type)))
        diag_error(d, file, 0, 0, path, "lies outside of the private state; priv_size is %zu",
                   ops->priv_size);
    if (f->doc == NULL)
        diag_error(d, file, 0, 0, path, "has no doc; write a sentence");
    if (f->def != NULL && !field_set(&copy, slot, f->def, a, why, sizeof(why)))
        diag_error(d, file, 0, 0, path, "default: %s", why);
}

static void
check_members(const struct sched_ops *ops, const char *file, struct arena *a, struct diag *d)
{
    for (const struct field *f = ops->params; f != NULL && f->name != NULL; f++)
        check_field(ops, f, file, a, d);
    for (const struct scx_stat *s = ops->stats; s != NULL && s->name != NULL; s++)
        if (!good_name(s->name) || !inside(ops, s->offset, sizeof(uint64_t)))
            diag_error(d, file, 0, 0, "stats",
                       "'%s' lies outside of the private state, or is no name", s->name);
}

bool
policy_table_check(const struct sched_ops *ops, const char *file, struct arena *a, struct diag *d)
{
    guint before = d->errors->len;

    if (ops->abi != SCX_OPS_ABI) {
        /* nothing behind the number can be trusted to be where it seems to be */
        diag_error(d, file, 0, 0, "abi", "%u; this program has SCX_OPS_ABI %u: build it anew",
                   ops->abi, SCX_OPS_ABI);
        return false;
    }
    check_name(ops, file, d);
    check_size(file, "timeout_ms", ops->timeout_ms, TIMEOUT_MOST_MS, d);
    check_size(file, "dispatch_max_batch", ops->dispatch_max_batch, BATCH_MOST, d);
    check_size(file, "exit_dump_len", ops->exit_dump_len, DUMP_MOST, d);
    check_size(file, "priv_size", ops->priv_size, SIZE_MOST, d);
    check_size(file, "task_size", ops->task_size, SIZE_MOST >> 10, d);
    check_size(file, "cpu_size", ops->cpu_size, SIZE_MOST >> 10, d);
    check_size(file, "node_size", ops->node_size, SIZE_MOST, d);
    check_size(file, "cgroup_size", ops->cgroup_size, SIZE_MOST >> 10, d);
    check_members(ops, file, a, d);
    return d->errors->len == before;
}
