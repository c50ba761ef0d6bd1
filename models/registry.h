/*
 * All models, in one place, in the order in which they are listed: memory models and placement
 * policies (the presets of product.md section 1), and programmable schedulers (ext:NAME).
 */
#pragma once

#include "kernel/kernel.h"
#include "kernel/memory_model.h"
#include "numasim/policy.h"

/* A policy: kernel parameters that it sets, and what it binds before the run starts. */
struct param_setting {
    const char *key, *value;
};
struct placement_ops {
    const char *name;                     /* "static:pack" */
    int level;                            /* 1 topology only, 2 static, 3 dynamic */
    const char *doc;                      /* one sentence */
    const char *page;                     /* what `policy show` prints: a paragraph or two */
    const struct param_setting *settings; /* ends with a NULL key; may be NULL */
    bool overrides_bindings;              /* bindings of the workload itself are overridden */
    /* All processes, tasks and regions of the start are built: bind them. Messages through
     * kernel_note(). May be NULL. */
    void (*place)(struct kernel *k);
    /* A task that is made later; may be NULL. place() hands it to the kernel (place_task). */
    void (*task_new)(struct kernel *k, struct task *p);
    /* NULL, or why the policy does not fit the machine ("one node"); may be NULL: fits any. */
    const char *(*fits)(const struct machine *m);
};

extern const struct placement_ops *const placement_models[]; /* NULL at the end */
extern const struct memory_model_ops
    *const memory_models[]; /* NULL at the end; [0] is the default */

/* What no memory model has, to be read beside every result; NULL at the end. */
extern const char *const memory_model_limits[];

extern const struct sched_ops *const sched_models[]; /* NULL at the end */

const struct placement_ops *placement_find(const char *name);
const struct memory_model_ops *memory_model_find(const char *name);
const struct sched_ops *sched_find(const char *name); /* without "ext:" */
