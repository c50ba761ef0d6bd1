/*
 * Load tracking under --check: the averages of a queue against the sums over its parts, which are
 * the tasks and groups that are attached to it, asleep or not. Each part is brought to the queue's
 * last update first, as the kernel would.
 *
 * The two differ by rounding, within these bounds.
 *
 * - Every average is rounded down: one unit for each part. So is the weight of a group (its extra
 *   bits count in the queue's sum and not in the part's), and a weight below 2 counts as 2 in a
 * part: PART_SLACK units of load for each part.
 * - A part that leaves takes its average, rounded down, away from the queue's average, and a sum
 *   that may be less than its own; the queue's sum is then raised to what its average needs at
 *   least (the kernel's rule, since otherwise averages would outlive sums). Each coming or going
 *   may so leave up to a unit (of load: of the part's weight in divider units, at most two) behind,
 *   which halves every 32 ms. How many came and went is not recorded, so MOVES_SLACK stands for the
 *   moves of the last periods, and a queue whose load is large gets one part in 64 more.
 * - Averages of tasks are divided at the end of a period, those of a group whenever its queue has
 *   lost or gained (update_tg_cfs_load), and a clamp as above takes the larger: what leaves may
 *   differ by one period in LOAD_AVG_MAX from what had come. So a queue with groups in it gets a
 * part in MOVED_SLACK of all that came and went lately (cfs_rq.moved), which halves every 32 ms as
 * well.
 * - An average is a sum divided by 46718 to 47742 (pelt_divider), by where in its period it was
 *   made. Who leaves takes an average that was divided elsewhere in a period than the queue's, and
 *   the queue's sum is raised to what is left of its average: so up to a 46th of what leaves may
 *   stay: of load a part in LEFT_SLACK, since cfs_rq.moved counts comings as well.
 * - The sum of a task counts periods, and loses up to one of them, times its weight, whenever it
 *   fades; its queue's loses next to nothing. So where there are only tasks, a part in DECAY_SLACK.
 * - A task that gets another weight while it sleeps takes with it what it had when it went to
 * sleep, although the queue's average has halved and halved since (cfs_rq.stale_load bounds this).
 * - Who is woken elsewhere takes its average away, which is as old as the end of the last period;
 * what it ran or waited since stays in the queue's sum: up to a 46th of its weight (the same
 * bound).
 * - A task that gets another weight while it is in another class, and is back within the period,
 *   has the old average and the new weight, as in the kernel: its sum may be any number. Then loads
 *   are not compared, and what it leaves behind when it goes may be as large (cfs_rq.stale_load).
 *   Its average does not grow within a period as the queue expects, and a
 *   46th of it may stay behind when it goes; so with one that is not queued (cfs_rq.stale_load).
 * - What tasks that were woken elsewhere left behind (cfs_rq.removed_load) is known as averages,
 * which are as old as the last period's end.
 * - Sums of more than 32 bits lose what is above when somebody leaves (the bounds grow by all of
 *   them: cfs_rq.stale_load, cfs_rq.stale_util).
 * - A task whose dequeue is delayed, or that is woken meanwhile, changes h_nr_runnable of all
 * levels before those above its own have been brought up to now (set_delayed, as in the kernel):
 * they count what has passed since their last update with the new number, and their group entities
 *   with the old one. So runnable averages are compared only where no part is a group.
 *
 * A mistake in the books (a task that leaves without its averages, or twice) is some hundred units.
 */
#include "kernel/check.h"

enum {
    PART_SLACK = 4,
    MOVES_SLACK = 32,
    LOAD_SLACK_SHIFT = 6,
    MOVED_SLACK = 40,
    DECAY_SLACK = 512,
    LEFT_SLACK = 92
};

/*
 * What has lately been added to a counter of the queue, halved every 32 ms: not before it is as old
 * as that. So it counts in full in the stretch of 32 ms in which it was seen, and in the next.
 */
struct fading {
    uint64_t fresh, older, counter;
};

struct check_parts {
    uint64_t load, runnable, util, nr, nr_groups, nr_odd;
    /* kept from look to look (of the PELT clock, `seen`) */
    uint64_t seen;
    struct fading moved, stale, late;
};

static struct check_parts *
parts_of(struct kernel *k, const struct cfs_rq *cfs)
{
    return &k->check_parts[(size_t)cfs->tg->id * k->machine->nr_cpus + (uint32_t)cfs->rq->cpu];
}

static void
add_part(struct kernel *k, const struct sched_entity *se)
{
    const struct cfs_rq *cfs = se->cfs_rq;
    struct check_parts *sum = parts_of(k, cfs);
    struct sched_avg now = se->avg;
    uint64_t runnable = se->my_q != NULL ? se->runnable_weight : se->on_rq;

    if (se->avg.last_update_time == 0)
        return;
    if (cfs->avg.last_update_time > now.last_update_time)
        pelt_update(&now, cfs->avg.last_update_time, se->on_rq, se->sched_delayed ? 0 : runnable,
                    cfs->curr == se, se->weight);
    sum->load += now.load_sum * se->weight;
    sum->runnable += now.runnable_sum;
    sum->util += now.util_sum;
    sum->nr++;
    sum->nr_groups += se->my_q != NULL;
    sum->nr_odd += se->avg.load_sum > LOAD_AVG_MAX;
}

static void
add_all_parts(struct kernel *k)
{
    size_t n = (size_t)k->max_groups * k->machine->nr_cpus;

    if (k->check_parts == NULL)
        k->check_parts = arena_new_array(k->arena, struct check_parts, n);
    for (size_t i = 0; i < n; i++) {
        struct check_parts *sum = &k->check_parts[i];
        sum->load = sum->runnable = sum->util = sum->nr = sum->nr_groups = sum->nr_odd = 0;
    }
    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        const struct task *p = k->tasks[i];

        if (p->class == &fair_sched_class && p->state != TASK_DEAD && p->state != TASK_NEW)
            add_part(k, &p->se);
    }
    for (uint32_t i = 1; i < k->nr_groups; i++)
        for_each_cpu (cpu, k->machine->online)
            if (k->groups[i]->se[cpu] != NULL)
                add_part(k, k->groups[i]->se[cpu]);
}

static bool
near(uint64_t a, uint64_t b, uint64_t slack)
{
    return a <= b + slack && b <= a + slack;
}

static uint64_t
fade(struct fading *f, uint64_t counter, uint64_t halves)
{
    if (halves > 0) {
        f->older = (f->older >> SIM_MIN(halves, 63)) + (f->fresh >> SIM_MIN(halves - 1, 63));
        f->fresh = 0;
    }
    f->fresh += counter - f->counter;
    f->counter = counter;
    return f->older + f->fresh;
}

struct slack {
    uint64_t moved, stale, late;
};

/* What has lately come and gone widens the bounds. */
static struct slack
see_moves(struct check_parts *parts, const struct cfs_rq *cfs)
{
    uint64_t now = cfs->avg.last_update_time;
    uint64_t halves = now > parts->seen ? (now - parts->seen) >> 25 : 0;

    if (halves > 0)
        parts->seen = now;
    return (struct slack){ fade(&parts->moved, cfs->moved, halves),
                           fade(&parts->stale, cfs->stale_load, halves),
                           fade(&parts->late, cfs->stale_util, halves) };
}

static const char *
check_queue(struct kernel *k, const struct cfs_rq *cfs)
{
    struct check_parts *parts = parts_of(k, cfs);
    const struct sched_avg *a = &cfs->avg;
    uint64_t divider = pelt_divider(a);
    uint64_t load_of_parts = parts->load / divider + cfs->removed_load;
    uint64_t util_of_parts = parts->util / divider + cfs->removed_util;
    uint64_t runnable_of_parts = parts->runnable / divider + cfs->removed_runnable;
    struct slack lately = see_moves(parts, cfs);
    uint64_t base =
        parts->nr + MOVES_SLACK + lately.moved / (parts->nr_groups > 0 ? MOVED_SLACK : DECAY_SLACK);
    uint64_t load_slack = base + PART_SLACK * parts->nr + (load_of_parts >> LOAD_SLACK_SHIFT) +
                          lately.stale + (parts->nr_groups > 0 ? 0 : lately.moved / LEFT_SLACK);
    uint64_t slack = base + lately.late;

    RULE(a->load_sum > 0 || a->load_avg == 0);
    RULE(a->util_sum >= (uint64_t)a->util_avg * PELT_MIN_DIVIDER);
    if ((cfs->se != NULL && cfs->propagate) || cfs->throttle_count > 0)
        return NULL; /* its parts know more than it does; a root queue tells nobody, ever */
    if (cfs->nr_removed > 0)
        load_slack += SIM_MAX(a->load_sum / divider, a->load_avg) -
                      SIM_MIN(a->load_sum / divider, a->load_avg);
    RULE(parts->nr_odd > 0 || near(a->load_sum / divider, load_of_parts, load_slack));
    RULE(near(a->util_sum / divider, util_of_parts, slack));
    bool counts_delayed = k->params.sched.kernel == KERNEL_6_12_0; /* here, and not in the parts */
    RULE(parts->nr_groups > 0 || counts_delayed ||
         near(a->runnable_sum / divider, runnable_of_parts, slack));
    return NULL;
}

static const char *
check_group(struct kernel *k, const struct task_group *tg)
{
    uint64_t published = 0;
    const char *broken;

    for_each_cpu (cpu, k->machine->online) {
        const struct cfs_rq *cfs = tg->cfs_rq[cpu];

        if (cfs == NULL)
            continue;
        if ((broken = check_queue(k, cfs)) != NULL)
            return broken;
        published += cfs->tg_load_avg_contrib;
    }
    RULE(tg->load_avg == published);
    return NULL;
}

const char *
check_pelt(struct kernel *k)
{
    const char *broken;

    add_all_parts(k);
    for_each_cpu (cpu, k->machine->online)
        if ((broken = check_queue(k, &k->rqs[cpu].cfs)) != NULL)
            return broken;
    for (uint32_t i = 1; i < k->nr_groups; i++)
        if ((broken = check_group(k, k->groups[i])) != NULL)
            return broken;
    return NULL;
}
