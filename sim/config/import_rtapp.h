/*
 * rt-app files as workloads. What each key and event means stands in workloads/README.md.
 */
#pragma once

#include "config/workload_yaml.h"

/* By content: an object in braces with quoted keys that are not those of a workload YAML. */
bool looks_like_rtapp(const char *text, gsize len);

/* NULL with messages in diag; what was assumed or passed over is in its notes. The workload's
 * source is the workload YAML that means the same. */
struct workload *import_rtapp(const char *path, const char *text, gsize len,
                              const char *const *settings, struct arena *a, struct diag *d);
