/*
 * What the oracle's recordings hold besides the operations: which task each CPU runs, how much CPU
 * time the tasks have had by then, and which scheduler it was.
 */
#include "tool_ext.h"

#include <inttypes.h>

#include "models/sched/models.h"

extern const struct sched_ops qmap_ops;

static int64_t
us_of(const struct world *w)
{
    return ((int64_t)w->f.k->engine.now - (int64_t)w->logger.zero) / 1000;
}

static const char *
name_of(const struct task *p)
{
    return p != NULL ? p->process->name : "idle";
}

static void
watch_switch(void *priv, struct kernel *k, int cpu, struct task *prev, struct task *next)
{
    const struct world *w = priv;
    (void)k;

    printf("SWITCH %" PRId64 " %d %s %s\n", us_of(w), cpu, name_of(next), name_of(prev));
}

void
watch(struct world *w)
{
    if (!w->switches)
        return;
    w->observer = (struct observer){ .priv = w, .task_switch = watch_switch };
    kernel_observe(w->f.k, &w->observer);
}

void
sample(struct world *w)
{
    printf("SAMPLE %" PRId64, us_of(w));
    for (uint32_t i = 0; i < w->nr_tasks; i++)
        printf(" %s=%" PRIu64, w->tasks[i].name, w->tasks[i].p->se.sum_exec);
    putchar('\n');
}

/* Among CPUs that are as good the kernel goes round: where it stands is not recorded, but what it
 * chose is. */
void
follow_choice(struct kernel *k, const struct task *p)
{
    struct wtask *t = p->ops == &wtask_ops ? p->prog : NULL;

    if (t != NULL && t->next_chosen < t->nr_chosen)
        k->rqs[k->this_cpu].distribute_prev = t->chosen[t->next_chosen++] - 1;
}

/* Parameters of a built-in one, as if they had been written in YAML. */
static void *
params_of(struct world *w, const struct sched_ops *ops, const char *key, uint64_t value)
{
    void *params = arena_alloc(w->f.arena, ops->priv_size + 1);
    char text[32], why[256];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    fields_init(ops->params, params, w->f.arena);
    if (!field_set(fields_find(ops->params, key), params, text, w->f.arena, why, sizeof(why)))
        fail_msg("%s", why);
    return params;
}

void
load_scheduler(struct world *w)
{
    struct kernel *k = w->f.k;
    bool loaded = true;

    if (strcmp(w->scheduler, "logger") == 0)
        (void)ext_load(k, &w->ops, &w->logger); /* it may err while it is loaded */
    else if (strcmp(w->scheduler, "simple") == 0)
        loaded = ext_load(k, &vtime_ops, NULL);
    else if (strcmp(w->scheduler, "qmap") == 0)
        loaded = ext_load(k, &qmap_ops, NULL);
    else if (strcmp(w->scheduler, "central") == 0)
        loaded =
            ext_load(k, &central_ops, params_of(w, &central_ops, "cpu", (uint64_t)w->housekeeping));
    else if (strcmp(w->scheduler, "none") != 0)
        fail_msg("scheduler %s", w->scheduler);
    assert_true(loaded);
}
