/* Options that are single values. What is wrong goes to in->diag. */
#pragma once

#include "cli/options.h"

void settings_quantity(struct inputs *in, const char *option, enum field_type type,
                       const char *text, uint64_t *value);
void settings_force_decision(struct inputs *in, const char *text);
void settings_decisions(struct inputs *in, const char *kinds);
/* One --set KEY=VALUE. `resolved`: the workload is given and has no parameters left. */
void settings_apply(struct inputs *in, const char *setting, bool resolved);
