/*
 * The calls by which a program says where its memory is, and moves what is there already. Moving
 * takes time, which is charged to the thread; the rest takes none of its own.
 *
 * A call that fails leaves the program going, as one would that only reports the error; the first
 * few are told to the user.
 */
#include "kernel/cpuset.h"
#include "kernel/mempolicy.h"
#include "kernel/migrate.h"
#include "workload/run.h"

enum { FAILURES_TOLD = 20 };

static void
failed(struct thread *t, const struct wstep *s, const char *error)
{
    if (error != NULL && t->run->nr_failed_calls++ < FAILURES_TOLD)
        kernel_note(t->run->k, "line %u: %s of %s fails: %s", s->line, wstep_names[s->kind],
                    t->task->name, error);
}

static void
some_stayed(struct thread *t, const struct wstep *s, uint64_t pages)
{
    if (pages > 0 && t->run->nr_failed_calls++ < FAILURES_TOLD)
        kernel_note(t->run->k, "line %u: %s of %s: %llu pages stay where they are", s->line,
                    wstep_names[s->kind], t->task->name, (unsigned long long)pages);
}

/* set_mempolicy() of the thread's own policy; a refusal leaves the old one in force. */
void
thread_apply_policy(struct thread *t)
{
    struct mempolicy policy = t->policy;

    if (mempolicy_apply(&policy, task_mems(t->run->k, t->task)))
        task_set_mempolicy(t->task, &policy);
    else if (t->run->nr_failed_calls++ < FAILURES_TOLD)
        kernel_note(t->run->k,
                    "set_mempolicy of %s fails: EINVAL: its cpuset allows none of the nodes",
                    t->task->name);
}

bool
step_set_mempolicy(struct thread *t, const struct wstep *s, struct action *act)
{
    t->policy = *aux_of(t, s)->policy;
    thread_apply_policy(t);
    t->pc++;
    return false;
}

bool
step_force_node(struct thread *t, const struct wstep *s, struct action *act)
{
    if (s->kind == WSTEP_FORCE_NODE)
        t->task->mem->policy = t->run->forced;
    else
        thread_apply_policy(t);
    t->pc++;
    return false;
}

bool
step_unmap(struct thread *t, const struct wstep *s, struct action *act)
{
    const struct wregion *spec = &t->run->w->regions[s->region];
    struct region **of = t->crew->instance->regions[s->region];

    region_unmap(t->run->k, of[spec->group >= 0 ? t->number : 0]);
    t->pc++;
    return false;
}

/* The pages that a step means. False: the number of the slice is wrong, and the run has failed. */
static bool
range_of(struct thread *t, const struct wstep *s, struct region **r, uint64_t *first, uint64_t *n)
{
    struct burst_use use;
    const char *why = build_use(t, s->range, &use);

    if (why != NULL) {
        thread_fail(t, s, arena_printf(t->run->k->arena, "has a slice that %s", why));
        return false;
    }
    *r = use.region;
    *first = region_slice_first(use.region, use.slice);
    *n = region_slice_pages(use.region, use.slice);
    return true;
}

bool
step_mbind(struct thread *t, const struct wstep *s, struct action *act)
{
    uint32_t flags = (s->strict ? MBIND_STRICT : 0u) | (s->move ? MBIND_MOVE : 0u) |
                     (s->all ? MBIND_MOVE_ALL : 0u);
    struct region *r;
    uint64_t first, n;

    if (!range_of(t, s, &r, &first, &n))
        return false;
    failed(t, s, mbind_pages(t->run->k, t->task, r, first, n, aux_of(t, s)->policy, flags));
    t->pc++;
    return false;
}

bool
step_move_pages(struct thread *t, const struct wstep *s, struct action *act)
{
    struct region *r;
    uint64_t first, n, stayed;

    if (!range_of(t, s, &r, &first, &n))
        return false;
    int node = __builtin_ctzll(aux_of(t, s)->policy->user_nodes);
    failed(t, s, move_pages(t->run->k, t->task, r, first, n, node, s->all, &stayed));
    some_stayed(t, s, stayed);
    t->pc++;
    return false;
}

bool
step_madvise(struct thread *t, const struct wstep *s, struct action *act)
{
    struct region *r;
    uint64_t first, n;

    if (!range_of(t, s, &r, &first, &n))
        return false;
    failed(t, s, madvise_pages(t->run->k, t->task, r, first, n, s->advice));
    t->pc++;
    return false;
}

bool
step_mprotect(struct thread *t, const struct wstep *s, struct action *act)
{
    struct region *r;
    uint64_t first, n;

    if (!range_of(t, s, &r, &first, &n))
        return false;
    region_set_access(t->run->k, r, first, n,
                      (struct vma_access){ .readable = s->access != WACCESS_NONE,
                                           .writable = s->access == WACCESS_READ_WRITE,
                                           .exec = s->access == WACCESS_READ_EXEC });
    t->pc++;
    return false;
}

bool
step_migrate_pages(struct thread *t, const struct wstep *s, struct action *act)
{
    struct mempolicy from;
    uint64_t stayed;

    resolve_policy(t->run, s->from, &from);
    failed(t, s,
           migrate_pages(t->run->k, t->task, from.user_nodes, aux_of(t, s)->policy->user_nodes,
                         s->all, &stayed));
    some_stayed(t, s, stayed);
    t->pc++;
    return false;
}

bool
step_set_mems(struct thread *t, const struct wstep *s, struct action *act)
{
    task_group_set_mems(t->run->k, t->run->cgroups[s->cgroup], aux_of(t, s)->policy->user_nodes);
    t->pc++;
    return false;
}
