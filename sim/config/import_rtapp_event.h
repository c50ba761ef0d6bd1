/* One event, for the functions of _event.c and _meet.c. */
#pragma once

#include "config/import_rtapp_impl.h"

struct rtevent {
    struct rtapp *r;
    struct rtapp_task *task;
    const struct ynode *key, *value;
    struct ynode *program; /* second pass */
    bool survey;
};

typedef void (*event_fn)(const struct rtevent *e);

/* How threads meet. */
void rtdo_lock(const struct rtevent *e);
void rtdo_wait(const struct rtevent *e);
void rtdo_signal(const struct rtevent *e);
void rtdo_suspend(const struct rtevent *e);
void rtdo_resume(const struct rtevent *e);
void rtdo_semaphore(const struct rtevent *e);
void rtdo_barrier(const struct rtevent *e);
void rtdo_timer(const struct rtevent *e);
