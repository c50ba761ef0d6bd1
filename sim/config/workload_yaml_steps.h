/* The parts of the program loader: the table of verbs (_steps.c), what they mean (_verbs.c), and
 * those that use memory or meet others (_use.c). */
#pragma once

#include "config/workload_yaml_load.h"

struct verb {
    const char *name;
    enum wstep_kind kind;
};

struct wstep *step_add(struct wload *l, const struct ynode *n, enum wstep_kind kind);

/* NULL: no memory is used, or it was wrong. */
const struct wmem *memory_of_compute(struct wload *l, const struct ynode *n);
const struct wmem *memory_of_stream(struct wload *l, const struct ynode *n, const char *writes);

/* `reuse`, `working_set`, `miss_min`. uniform: unless it says otherwise. */
void read_reuse(struct wload *l, const struct ynode *n, bool uniform, struct wreuse *r);
#define REUSE_KEYS "reuse", "working_set", "miss_min"

void read_meeting(struct wload *l, const struct ynode *n, const struct verb *v);
/* The timer under `sync` that a step names; without a name it is the thread's own. */
void read_shared_timer(struct wload *l, const struct ynode *n, struct wstep *s);
void read_transfer(struct wload *l, const struct ynode *n, const struct verb *v);
void read_call(struct wload *l, const struct ynode *n, const struct verb *v);
void read_choose(struct wload *l, const struct ynode *n, const struct verb *v);
void read_io(struct wload *l, const struct ynode *n, const struct verb *v);
void read_offload(struct wload *l, const struct ynode *n, const struct verb *v);
void read_request(struct wload *l, const struct ynode *n, const struct verb *v);

void read_steps(struct wload *l, const struct ynode *list);
void read_compute(struct wload *l, const struct ynode *n, const struct verb *v);
void read_stream(struct wload *l, const struct ynode *n, const struct verb *v);
void read_touch(struct wload *l, const struct ynode *n, const struct verb *v);
void read_sleep(struct wload *l, const struct ynode *n, const struct verb *v);
void read_timer(struct wload *l, const struct ynode *n, const struct verb *v);
void read_loop(struct wload *l, const struct ynode *n, const struct verb *v);
void read_period(struct wload *l, const struct ynode *n, const struct verb *v);
void read_fork(struct wload *l, const struct ynode *n, const struct verb *v);
void read_bare(struct wload *l, const struct ynode *n, const struct verb *v);
void read_set_mempolicy(struct wload *l, const struct ynode *n, const struct verb *v);
/* `slice` of a map, for a region that is known. True: a mix over several. */
bool wload_slice(struct wload *l, const struct ynode *n, struct wuse *u);

void read_move_pages(struct wload *l, const struct ynode *n, const struct verb *v);
void read_migrate_pages(struct wload *l, const struct ynode *n, const struct verb *v);
void read_set_mems(struct wload *l, const struct ynode *n, const struct verb *v);
void read_mbind(struct wload *l, const struct ynode *n, const struct verb *v);
extern const char *const waccess_names[];
void read_madvise(struct wload *l, const struct ynode *n, const struct verb *v);
void read_mprotect(struct wload *l, const struct ynode *n, const struct verb *v);
void read_unmap(struct wload *l, const struct ynode *n, const struct verb *v);
void read_set_affinity(struct wload *l, const struct ynode *n, const struct verb *v);
void read_set_class(struct wload *l, const struct ynode *n, const struct verb *v);
void read_set_nice(struct wload *l, const struct ynode *n, const struct verb *v);
void read_hint(struct wload *l, const struct ynode *n, const struct verb *v);
void read_work(struct wload *l, const struct ynode *n, const struct verb *v);

/* What one use of memory is written with. */
#define USE_KEYS                                                                                   \
    "region", "slice", "share", "pattern", "stride", "block", "skew", "hot", "accesses", "layout", \
        "shared_writes"
/* `uses`, or the one that stands beside them. */
bool read_uses(struct wload *l, const struct ynode *n, struct wmem *mem);
