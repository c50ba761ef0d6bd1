/* The oracle's task scripts, and its driver. */
#include "tool_ext.h"

#include <inttypes.h>

#include "kernel/group.h"
#include "kernel/hotplug.h"

/* The oracle's program looks at its CPU time after each piece of work. */
#define BURST_OVERRUN USEC(90)

static void
set_policy(struct kernel *k, struct task *p, int number)
{
    static const enum task_policy policies[] = { [0] = POLICY_NORMAL,
                                                 [1] = POLICY_FIFO,
                                                 [3] = POLICY_BATCH,
                                                 [5] = POLICY_IDLE,
                                                 [7] = POLICY_EXT };
    struct task_attr attr = { .nice = p->nice, .policy = policies[number] };

    if (attr.policy == POLICY_FIFO)
        attr.rt_priority = 10;
    assert_null(task_set_scheduler(k, p, &attr));
}

static const struct cpumask *
mask_of(struct world *w, uint64_t bits)
{
    struct cpumask *m = cpumask_new(w->f.arena, w->f.machine->nr_cpus);

    m->bits[0] = bits;
    return m;
}

static void
wake_waiters(struct kernel *k, struct wtask *by, char op, uint64_t key, uint64_t *count, bool sync)
{
    struct world *w = by->w;

    for (uint32_t i = 0; i<w->nr_tasks && * count> 0; i++) {
        struct wtask *t = &w->tasks[i];

        if (!t->waiting || t->key_op != op || t->key != key)
            continue;
        t->waiting = false;
        (*count)--;
        task_wake(k, t->p, by->p, sync);
    }
}

/* Waits for one of *count. */
static bool
takes(struct wtask *t, char op, uint64_t key, uint64_t *count, struct action *act)
{
    if (*count > 0) {
        (*count)--;
        return true;
    }
    t->waiting = true;
    t->key_op = op;
    t->key = key;
    act->kind = ACTION_BLOCK;
    return false;
}

/* One step; false: it took no time. */
static bool
take_step(struct kernel *k, struct wtask *t, struct action *act)
{
    struct world *w = t->w;
    const struct step s = t->steps[t->at++];

    switch (s.op) {
    case '(':
        t->loops[t->at - 1] = (uint32_t)s.arg;
        return false;
    case ')':
        if (--t->loops[s.peer] > 0)
            t->at = s.peer + 1;
        return false;
    case 'b':
    case 'u':
        *act = (struct action){ .kind = ACTION_RUN,
                                .work = s.arg * (s.op == 'b' ? 1000000 : 1000) +
                                        (w->windows ? 0 : BURST_OVERRUN) };
        return true;
    case 'h':
        *act = (struct action){ .kind = ACTION_RUN, .work = SEC(1000) };
        return true;
    case 's':
        *act = (struct action){ .kind = ACTION_SLEEP,
                                .until = kernel_now(k) + MSEC(s.arg) +
                                         (t->p->policy == POLICY_FIFO ? USEC(15) : 0) };
        t->due = act->until;
        return true;
    case 'y':
        act->kind = ACTION_YIELD;
        return true;
    case 'n':
        task_set_nice(k, t->p, (int)s.arg);
        return false;
    case 'a':
        task_set_affinity(k, t->p, mask_of(w, s.arg));
        return false;
    case 'c':
        set_policy(k, t->p, (int)s.arg);
        *act = (struct action){ .kind = ACTION_RUN, .work = USEC(5) };
        return true;
    case 'f':
        w->tasks[s.arg].parent = (int)(t - w->tasks);
        t->children_alive++;
        task_start(k, w->tasks[s.arg].p, t->p);
        return false;
    case 'w':
        if (t->children_alive == 0)
            return false;
        t->waiting = true;
        t->key_op = 'w';
        act->kind = ACTION_BLOCK;
        return true;
    case 'P':
        w->posts[s.arg]++;
        wake_waiters(k, t, 'W', s.arg, &w->posts[s.arg], false);
        return false;
    case 'W':
        return !takes(t, 'W', s.arg, &w->posts[s.arg], act);
    case 'q':
        w->pipes[s.arg]++;
        wake_waiters(k, t, 'r', s.arg, &w->pipes[s.arg], true);
        return false;
    case 'r':
        return !takes(t, 'r', s.arg, &w->pipes[s.arg], act);
    case 'e':
        task_exec(k, t->p);
        return false;
    }
    fail_msg("step '%c'", s.op);
    return false;
}

static struct action
next_action(struct kernel *k, struct task *p)
{
    struct wtask *t = p->prog;
    struct action act = { .kind = ACTION_EXIT };

    if (!t->entered) { /* a program that begins needs a little */
        t->entered = true;
        return (struct action){ .kind = ACTION_RUN, .work = USEC(150) };
    }
    if (t->due != 0) /* as the oracle counts it: until it runs again */
        printf("OVERSLEEP %s %" PRId64 "\n", t->name, (int64_t)(kernel_now(k) - t->due) / 1000);
    t->due = 0;
    while (t->at < t->nr_steps) {
        const struct step *s = &t->steps[t->at];

        if (s->op != '(' && s->op != ')' && s->arg < 100000)
            snprintf(t->comm, sizeof(t->comm), "%s:%c%u", t->name, s->op, (unsigned)s->arg);
        if (take_step(k, t, &act))
            return act;
    }
    if (!t->ending) { /* so does one that ends: it is already marked as exiting (do_exit) */
        t->ending = true;
        if (p->scx != NULL)
            ext_task_exiting(p);
        return (struct action){ .kind = ACTION_RUN, .work = USEC(450) };
    }
    return (struct action){ .kind = ACTION_EXIT };
}

static struct action
wtask_next(struct kernel *k, struct task *p)
{
    struct wtask *t = p->prog;
    struct action act = next_action(k, p);

    if (t->w->windows && act.kind == ACTION_RUN) {
        act.work = USEC(1); /* its end is in the recording */
        t->next_end++;
    }
    return act;
}

static void
wtask_exited(struct kernel *k, struct task *p)
{
    struct wtask *t = p->prog;

    if (t->parent < 0)
        return;
    struct wtask *parent = &t->w->tasks[t->parent];
    if (--parent->children_alive == 0 && parent->waiting && parent->key_op == 'w') {
        parent->waiting = false;
        task_wake(k, parent->p, p, false);
    }
}

const struct task_ops wtask_ops = { .next = wtask_next, .exited = wtask_exited };

/* ---- the driver ---- */

static void
kill_task(struct kernel *k, struct task *p)
{
    p->process->killed = true;
    if (p->state == TASK_SLEEPING || p->state == TASK_BLOCKED)
        task_wake(k, p, NULL, false);
    else if (k->rqs[p->cpu].curr != p)
        p->in_burst = false;
}

static void
act_on(struct kernel *k, struct world *w, const struct waction *a)
{
    struct task *p = a->task < w->nr_tasks ? w->tasks[a->task].p : NULL;

    if (strcmp(a->what, "nice") == 0)
        task_set_nice(k, p, (int)(int64_t)a->value);
    else if (strcmp(a->what, "aff") == 0)
        task_set_affinity(k, p, mask_of(w, a->value));
    else if (strcmp(a->what, "pol") == 0)
        set_policy(k, p, (int)a->value);
    else if (strcmp(a->what, "kill") == 0)
        kill_task(k, p);
    else if (strcmp(a->what, "mkcg") == 0)
        w->group = task_group_new(k, NULL, "workload");
    else if (strcmp(a->what, "cg") == 0)
        task_set_group(k, p, a->value != 0 ? w->group : k->groups[0]);
    else if (strcmp(a->what, "cgw") == 0)
        task_group_set_weight(k, w->group, (uint32_t)a->task);
    else if (strcmp(a->what, "cpu") == 0)
        hotplug_now(k, mask_of(w, UINT64_C(1) << a->task), a->value != 0);
    else if (strcmp(a->what, "unload") == 0)
        ext_unload(k);
    else if (strcmp(a->what, "load") == 0)
        load_scheduler(w);
    else if (strcmp(a->what, "sample") == 0)
        sample(w);
    else if (strcmp(a->what, "start") == 0)
        task_wake(k, p, w->driver, false);
    else if (strcmp(a->what, "end") == 0)
        w->logger.silent = true;
    else
        fail_msg("action %s", a->what);
}

static struct action
driver_next(struct kernel *k, struct task *p)
{
    struct world *w = p->prog;

    while (w->next_action < w->nr_actions) {
        const struct waction *a = &w->actions[w->next_action];
        sim_time when = w->logger.zero + USEC(a->ms);

        if (when > kernel_now(k))
            return (struct action){ .kind = ACTION_SLEEP, .until = when };
        w->next_action++;
        act_on(k, w, a);
    }
    return (struct action){ .kind = ACTION_BLOCK };
}

const struct task_ops driver_ops = { .next = driver_next };
