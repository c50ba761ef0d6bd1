/*
 * How long the running entity keeps its CPU from others that are as good (RUN_TO_PARITY).
 *
 * In 6.12 until its slice ends, which is noticed by its deadline having moved; and what has lost
 * this before its time is preempted as soon as it is not eligible any more. Since Linux 6.17, here
 * sched.kernel=6.18, there is a virtual time up to which it may run: the shortest slice of all that
 * are queued, or a base slice without the feature. Once that is over, whatever charges the entity
 * has the CPU choose anew, whether or not the slice is. Both keep it in the lag of the running
 * entity, which means nothing else as long as it runs.
 */
#include "kernel/fair_cfs.h"

enum { NORMALIZED_BASE_SLICE = 700000 }; /* ns; not scaled by the number of CPUs */

static bool
has_vprot(const struct kernel *k)
{
    return unlikely(k->params.sched.kernel >= KERNEL_6_18);
}

enum slice_protection
slice_protection(const struct kernel *k)
{
    if (has_vprot(k))
        return PROTECT_VPROT;
    return sched_feat(k, RUN_TO_PARITY) ? PROTECT_DEADLINE : PROTECT_NOT;
}

/* The entity's virtual time once it has run that long. */
static int64_t
after_running(const struct sched_entity *se, uint64_t ns)
{
    return se->vruntime + (int64_t)calc_delta_fair(ns, se->inv_weight);
}

void
set_protect_slice(struct kernel *k, const struct cfs_rq *cfs, struct sched_entity *se)
{
    se->vlag = se->deadline;
    if (!has_vprot(k))
        return;
    uint64_t slice =
        sched_feat(k, RUN_TO_PARITY) ? cfs_rq_min_slice(cfs) : (uint64_t)NORMALIZED_BASE_SLICE;
    if (slice < se->slice)
        se->vlag = SIM_MIN(se->vlag, after_running(se, slice));
}

bool
slice_is_protected(const struct kernel *k, const struct sched_entity *se)
{
    return protected_slice(se, has_vprot(k) ? PROTECT_VPROT : PROTECT_DEADLINE);
}

void
cancel_protect_slice(const struct kernel *k, struct sched_entity *se)
{
    if (slice_is_protected(k, se))
        se->vlag = has_vprot(k) ? se->vruntime : se->deadline + 1;
}

bool
protection_ended(const struct kernel *k, const struct cfs_rq *cfs, const struct sched_entity *curr)
{
    if (has_vprot(k))
        return !protected_slice(curr, PROTECT_VPROT);
    return sched_feat(k, PREEMPT_SHORT) && !protected_slice(curr, PROTECT_DEADLINE) &&
           !entity_eligible(cfs, curr);
}

/* 6.12: a shorter slice overrides the protection of a longer one, if it is eligible and has the
 * earlier deadline, or if the longer one is not eligible. */
static bool
do_preempt_short(const struct kernel *k, const struct cfs_rq *cfs, const struct sched_entity *pse,
                 const struct sched_entity *se)
{
    if (!sched_feat(k, PREEMPT_SHORT) || pse->slice >= se->slice || !entity_eligible(cfs, pse))
        return false;
    return pse->deadline < se->deadline || !entity_eligible(cfs, se);
}

/* A shorter slice is no reason to be picked, but protection does not count; se is left with no more
 * of it than that slice. */
static bool
preempts_vprot(const struct kernel *k, struct cfs_rq *cfs, const struct sched_entity *pse,
               struct sched_entity *se)
{
    bool shorter = sched_feat(k, PREEMPT_SHORT) && pse->slice < se->slice;

    if (pick_eevdf(cfs, shorter ? PROTECT_NOT : PROTECT_VPROT) == pse) {
        if (shorter)
            cancel_protect_slice(k, se);
        return true;
    }
    if (shorter && sched_feat(k, RUN_TO_PARITY))
        se->vlag = SIM_MIN(se->vlag, after_running(se, cfs_rq_min_slice(cfs)));
    return false;
}

bool
pick_says_preempt(const struct kernel *k, struct cfs_rq *cfs, const struct sched_entity *pse,
                  struct sched_entity *se)
{
    if (has_vprot(k))
        return preempts_vprot(k, cfs, pse, se);
    if (do_preempt_short(k, cfs, pse, se))
        cancel_protect_slice(k, se);
    return pick_eevdf(cfs, slice_protection(k)) == pse;
}
