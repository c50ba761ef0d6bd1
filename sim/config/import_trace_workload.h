/* A recorded trace as a workload: `-w TRACE`, or a workload file that names one. */
#pragma once

#include "config/import_trace_replay.h"
#include "config/yaml_tree.h"
#include "workload/workload.h"

/* `settings` as "replay=timing", NULL-terminated; NULL: none. NULL: messages in diag. */
struct workload *import_trace_workload(const char *path, const char *const *settings,
                                       struct arena *a, struct diag *d);
/* The value of the key `trace` of a workload file: {file, sha256, replay, kthreads, placement,
 * memory}. Settings come on top. */
struct workload *import_trace_yaml(const struct yaml_doc *doc, const struct ynode *trace,
                                   const char *const *settings);
/* The text of that key, with the file's name as seen from `dir` (NULL: as it is). */
void import_trace_write(const struct workload *w, const char *dir, unsigned indent, GString *out);

/* The settings alone. o->memory is the caller's to free. False: messages in diag. */
bool trace_options_read(struct trace_options *o, const char *const *settings, struct diag *d);
