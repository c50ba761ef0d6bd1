/*
 * The reasons of picks and of wake-up preemption, for the probe: a row of decisions.csv suffices to
 * make the choice again.
 *
 * A queue is shown with all that competes in it: "L0.task7=DEADLINE" among the candidates, and
 * "L0.vruntime_of_task7" and so on among the inputs. L0 is the root, L1 the queue of the group that
 * was picked there, down to the task. Nothing here may change what it looks at.
 */
#include "base/text.h"
#include "kernel/fair_cfs.h"

struct shown {
    struct kernel *k;
    uint32_t level;
    const char *kind; /* task or group */
    int64_t id;
};

/* "L1." */
static char *
add_level(char *text, const char *end, uint32_t level)
{
    return text_add(text_add_int(text_add(text, end, "L"), end, level), end, ".");
}

static void
show(const struct shown *s, const char *what, int64_t value)
{
    char text[48], *end = text + sizeof(text), *at = add_level(text, end, s->level);

    at = text_add(text_add(at, end, what), end, "_of_");
    text_add(at, end, s->kind);
    probe_input_of(s->k, text, s->id, value);
}

static struct shown
shown_entity(struct kernel *k, const struct sched_entity *se, uint32_t level)
{
    bool task = entity_is_task(se);

    return (struct shown){
        .k = k,
        .level = level,
        .kind = task ? "task" : "group",
        .id = task ? task_of((struct sched_entity *)(uintptr_t)se)->id : se->my_q->tg->id,
    };
}

/* With classic CFS the candidates' values are vruntimes. */
static void
show_cfs(const struct shown *s, const struct cfs_rq *cfs, const struct sched_entity *se,
         uint64_t order)
{
    show(s, "granularity", (int64_t)cfs_wakeup_gran(s->k, se));
    show(s, "order", (int64_t)order);
    if (se == cfs->curr)
        show(s, "curr", 1);
    if (se == cfs->next)
        show(s, "next", 1);
    if (se == cfs->last)
        show(s, "last", 1);
    if (se == cfs->skip)
        show(s, "skip", 1);
}

static void
probe_entity(struct kernel *k, const struct cfs_rq *cfs, const struct sched_entity *se,
             uint32_t level, uint64_t order)
{
    struct shown s = shown_entity(k, se, level);
    char text[48], *end = text + sizeof(text);

    text_add(add_level(text, end, level), end, s.kind);
    if (fair_is_cfs(k)) {
        probe_candidate(k, text, s.id, se->vruntime);
        show_cfs(&s, cfs, se, order);
        return;
    }
    probe_candidate(k, text, s.id, se->deadline);
    show(&s, "vruntime", se->vruntime);
    show(&s, "weight", se->weight);
    show(&s, "slice", (int64_t)se->slice);
    show(&s, "order", (int64_t)order); /* of equal deadlines the first that was queued is taken */
    if (se == cfs->next)
        show(&s, "buddy", 1);
    if (se->sched_delayed)
        show(&s, "delayed", 1);
    if (se != cfs->curr)
        return;
    show(&s, "curr", 1);
    show(&s, "protected", slice_is_protected(k, se));
}

static void
probe_cfs_rq(struct kernel *k, const struct cfs_rq *cfs, uint32_t level)
{
    if (cfs->curr != NULL && cfs->curr->on_rq)
        probe_entity(k, cfs, cfs->curr, level, 0);
    for (uint32_t i = 0; i < cfs->nr; i++)
        probe_entity(k, cfs, cfs->entity[i], level, cfs->order[i]);
}

void
probe_pick_fair(struct kernel *k, const struct task *next)
{
    if (fair_is_cfs(k)) {
        probe_input(k, "cfs", 1);
    } else {
        probe_input(k, "run_to_parity", sched_feat(k, RUN_TO_PARITY));
        probe_input(k, "pick_buddy", sched_feat(k, PICK_BUDDY));
    }
    for (uint32_t level = 0; level <= next->se.depth; level++) {
        const struct sched_entity *se = &next->se;

        while (se->depth > level)
            se = se->parent;
        probe_cfs_rq(k, se->cfs_rq, level);
    }
}

void
probe_preempt_class(struct kernel *k, const struct task *p, bool curr_idle, bool p_idle)
{
    probe_input(k, "curr_idle", curr_idle);
    probe_input(k, "woken_idle", p_idle);
    probe_input(k, "woken_normal", p->policy == POLICY_NORMAL);
    probe_input(k, "run_to_parity", sched_feat(k, RUN_TO_PARITY));
    probe_input(k, "preempt_short", sched_feat(k, PREEMPT_SHORT));
}

void
probe_preempt_queue(struct kernel *k, const struct sched_entity *pse)
{
    struct shown s = shown_entity(k, pse, pse->depth);

    probe_cfs_rq(k, pse->cfs_rq, pse->depth);
    show(&s, "woken", 1);
}

void
probe_preempt_task_cfs(struct kernel *k, const struct task *curr, const struct task *p)
{
    probe_input(k, "cfs", 1);
    probe_input(k, "curr_task_idle", curr->policy == POLICY_IDLE);
    probe_input(k, "woken_task_idle", p->policy == POLICY_IDLE);
    probe_input(k, "woken_normal", p->policy == POLICY_NORMAL);
    probe_input(k, "wakeup_preemption", sched_feat(k, WAKEUP_PREEMPTION));
}

void
probe_preempt_queue_cfs(struct kernel *k, const struct sched_entity *pse, bool curr_idle,
                        bool p_idle)
{
    probe_input(k, "curr_idle", curr_idle);
    probe_input(k, "woken_idle", p_idle);
    probe_preempt_queue(k, pse);
}
