/*
 * What parameters must agree on once all of them are set. Linux refuses the write that would break
 * it (sched_rt_global_validate() of kernel/sched/rt.c, sched_dl_global_validate() and
 * dl_server_apply_params() of deadline.c, sched_fair_server_write() of debug.c); ours have no
 * order.
 */
#include "kernel/deadline.h"
#include "kernel/params.h"

const char *
kernel_params_conflict(const struct kernel_params *kp)
{
    const struct sched_params *s = &kp->sched;
    bool limited = s->rt_runtime != 0;

    if (limited && s->rt_runtime > s->rt_period)
        return "sched.rt_runtime is above sched.rt_period (EINVAL); write at most the period, or "
               "0ns for no limit";
    if (s->fair_server_runtime > s->fair_server_period)
        return "sched.fair_server_runtime is above sched.fair_server_period (EINVAL); write at "
               "most the period, or 0ns for no server";
    if (limited && to_ratio(s->fair_server_period, s->fair_server_runtime) >
                       to_ratio(s->rt_period, s->rt_runtime))
        return "the share of the fair server, sched.fair_server_runtime of "
               "sched.fair_server_period, is above that of sched.rt_runtime in sched.rt_period, "
               "which it is part of (EBUSY); write a smaller runtime of the server, or 0ns";
    return NULL;
}
