/*
 * Everything that defines a run. Plain structs: after this nobody sees YAML. The same run_spec
 * always gives the same results.
 */
#pragma once

#include "kernel/kernel.h"
#include "models/registry.h"
#include "workload/workload.h"

/* Another programmable scheduler takes over at a time of the run; ext NULL: the fair class. */
struct policy_change {
    sim_time at;
    const struct sched_ops *ext;
    const char *ext_file, *ext_sha256; /* as in policy_spec */
    void *ext_params;
};

struct policy_spec {
    const char *name; /* as the user knows it: a preset, or the name of a policy file */
    const struct placement_ops *placement;
    const struct memory_model_ops *memory;
    const struct sched_ops *ext; /* programmable scheduler; NULL: none */
    const char *ext_file;        /* that it was loaded from; NULL: built in */
    const char *ext_sha256;      /* of that file */
    void *ext_params;            /* what its private state begins as */
    struct policy_change *then;  /* in order of time */
    uint32_t nr_then;
    struct kernel_params params; /* the preset's settings, the file's, then --set */
};

struct run_spec {
    const struct machine *machine;
    const struct workload *workload;
    struct policy_spec policy;
    uint64_t seed;
    sim_time until; /* SIM_NEVER: until the last task has ended */
    sim_time warmup;
    uint64_t force_seq; /* 0: none */
    int64_t force_choice;
    bool check;
};
