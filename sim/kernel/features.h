/*
 * The scheduler's feature switches (kernel/sched/features.h; sched-core.md 0.3): set by
 * --set sched.features=NO_NAME,OTHER as in the kernel's debugfs.
 */
#pragma once

/* name, on by default */
#define SCHED_FEATURES(X)                                                                          \
    X(PLACE_LAG, true)                                                                             \
    X(PLACE_DEADLINE_INITIAL, true)                                                                \
    X(PLACE_REL_DEADLINE, true)                                                                    \
    X(RUN_TO_PARITY, true)                                                                         \
    X(PREEMPT_SHORT, true)                                                                         \
    X(NEXT_BUDDY, false)                                                                           \
    X(PICK_BUDDY, true)                                                                            \
    X(CACHE_HOT_BUDDY, true)                                                                       \
    X(DELAY_DEQUEUE, true)                                                                         \
    X(DELAY_ZERO, true)                                                                            \
    X(WAKEUP_PREEMPTION, true)                                                                     \
    X(NONTASK_CAPACITY, true)                                                                      \
    X(SIS_UTIL, true)                                                                              \
    X(ATTACH_AGE_LOAD, true)                                                                       \
    X(WA_IDLE, true)                                                                               \
    X(WA_WEIGHT, true)                                                                             \
    X(WA_BIAS, true)                                                                               \
    X(UTIL_EST, true)                                                                              \
    X(LB_MIN, false)                                                                               \
    X(NI_RANDOM, true)                                                                             \
    /* of sched.fair=cfs */                                                                        \
    X(GENTLE_FAIR_SLEEPERS, true)                                                                  \
    X(START_DEBIT, true)                                                                           \
    X(LAST_BUDDY, true)                                                                            \
    X(ALT_PERIOD, true)                                                                            \
    X(BASE_SLICE, true)

enum sched_feature {
#define X(name, on) SCHED_FEAT_##name,
    SCHED_FEATURES(X)
#undef X
        SCHED_FEATURE_NR
};

extern const char *const sched_feature_names[SCHED_FEATURE_NR + 1];

/* sched_feat(k, WA_IDLE): is it on? */
#define sched_feat(k, name) ((k)->params.sched.features >> SCHED_FEAT_##name & 1)
