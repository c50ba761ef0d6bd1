/*
 * Flows between the owner of one and the memory model; see flow.h.
 */
#include "kernel/flow.h"

#include "kernel/burst.h"
#include "kernel/memory_model.h"

void
flow_set_rate(struct kernel *k, struct flow *f, uint64_t rate)
{
    sim_assert(rate > 0 && rate <= f->want);
    if (rate == f->rate)
        return;
    if (f->settle != NULL)
        f->settle(k, f);
    f->rate = rate;
    if (f->repriced != NULL)
        f->repriced(k, f);
}

void
flow_set(struct kernel *k, struct flow *f, uint64_t want)
{
    f->want = want;
    f->rate = 0;
    if (k->memory->flow_changed != NULL) {
        k->memory->flow_changed(k, f);
        rates_dirty(k);
    } else if (want > 0) {
        f->rate = want;
        if (f->repriced != NULL)
            f->repriced(k, f);
    }
}
