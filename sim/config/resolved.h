/*
 * resolved.yaml: everything that defined a run, in one file. Feeding it back to `numasim run` gives
 * the same bytes, whatever has happened to the files that it came from.
 */
#pragma once

#include "config/diag.h"
#include "run/run_spec.h"

/* A run, and what was recorded of it. */
struct resolved {
    struct run_spec spec;
    sim_time sample_interval; /* 0: chosen by the run */
    uint32_t decisions;       /* bits of enum decision_kind; 0: none recorded */
};

/* `dir`: the folder where it will stand, from which traces are named; NULL: by their whole path. */
void resolved_write(const struct resolved *r, const char *dir, GString *out);
/* All of it but the texts of machine and workload. */
void resolved_write_head(const struct resolved *r, const char *dir, GString *out);
/* A text between quotes that YAML reads back, whatever is in it. */
void yaml_quote(GString *out, const char *text);
/* A line "key: value", with six digits. */
void yaml_real(GString *out, const char *key, double value);

/* False: messages in diag. */
bool resolved_load(const char *path, struct arena *a, struct resolved *out, struct diag *d);
