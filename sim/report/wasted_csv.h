/* wasted_cores.csv: a row for each stretch of a tick or more during which a CPU idled while a task
 * waited that could have run there, written as they end; and the whole in a sentence. */
#pragma once

#include "kernel/wasted.h"
#include "report/csv.h"

/* NULL with an error. The detector must be at work (k->wasted). */
struct csv *wasted_csv_start(struct kernel *k, const char *dir, GError **error);
/* "wasted cores: ..."; NULL: nothing was wasted. */
char *wasted_sentence(const struct wasted *w);
