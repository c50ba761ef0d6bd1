/* For tests of the ext class: a machine with room for policies, and a policy that writes down which
 * operations were called. */
#pragma once

#include <errno.h>
#include <stdio.h>

#include "kernel/ext.h"
#include "kernel/group.h"
#include "sim_fixture.h"

/* What the operations of a test share: sched_ops.adapter. */
struct notes {
    char log[4096];
    uint32_t len;
    uint64_t flags, slice;
    int64_t number, result;
    struct task *task, *other;
    bool done;
};

static inline struct notes *
notes_of(struct scx *scx)
{
    return scx_adapter(scx);
}

static inline void
note(struct scx *scx, const char *word)
{
    struct notes *n = notes_of(scx);

    n->len += (uint32_t)snprintf(n->log + n->len, sizeof(n->log) - n->len, "%s%s",
                                 n->len > 0 ? " " : "", word);
    assert_true(n->len < sizeof(n->log) - 64);
}

static inline void
open_with(struct fixture *f, uint32_t nodes, uint32_t cores, uint32_t threads, const char *key,
          const char *value)
{
    struct kernel_params kp;
    struct kernel_limits limits = {
        .max_tasks = 64, .nr_groups = 8, .nr_hotplug = 2, .ext = true, .nr_policy_timers = 4
    };
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, nodes, cores, threads, 20);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    if (key != NULL)
        assert_true(kernel_params_set(&kp, key, value, f->arena, why, sizeof(why)));
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

static inline struct task *
start_hog(struct fixture *f, const char *name, const char *cpus, int nice)
{
    struct script *s = arena_new_object(f->arena, struct script);

    s->actions = hog_actions;
    s->nr = 1;
    struct task *p = task_new(f->k, f->process,
                              &(struct task_attr){ .name = name,
                                                   .nice = nice,
                                                   .ops = &script_ops,
                                                   .allowed = fixture_cpus(f, cpus),
                                                   .prog = s });
    task_start_at(f->k, p, 0);
    return p;
}

/* Runs on one step after the other, then ends. */
static inline struct task *
start_script(struct fixture *f, const char *name, const char *cpus, const struct action *actions,
             uint32_t nr)
{
    struct script *s = arena_new_object(f->arena, struct script);

    s->actions = actions;
    s->nr = nr;
    struct task *p = task_new(
        f->k, f->process,
        &(struct task_attr){
            .name = name, .ops = &script_ops, .allowed = fixture_cpus(f, cpus), .prog = s });
    task_start_at(f->k, p, 0);
    return p;
}

static inline void
assert_left(const struct fixture *f, enum scx_exit_kind kind, const char *words)
{
    const struct scx_exit_info *info = ext_exit_info(f->k);

    if (info->kind != kind || strstr(info->msg, words) == NULL)
        fail_msg("left with %d: %s", (int)info->kind, info->msg);
}

static inline void
assert_stays(const struct fixture *f)
{
    if (ext_state(f->k) != SCX_ENABLED || ext_exit_info(f->k)->kind != SCX_EXIT_NONE)
        fail_msg("it left: %s", ext_exit_info(f->k)->msg);
}
