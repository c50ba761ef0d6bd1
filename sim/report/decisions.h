/* decisions.csv: the probe's records, written as they come. */
#pragma once

#include "kernel/kernel.h"
#include "report/csv.h"

/* Starts to record the wanted kinds (bits of enum decision_kind). NULL with an error. */
struct csv *decisions_start(struct kernel *k, uint32_t wanted, const char *dir, GError **error);

/* The bits for "wake,balance_task" (NULL: all kinds); false: *bad is a name that is unknown. */
bool decisions_parse(const char *kinds, uint32_t *wanted, char **bad);
