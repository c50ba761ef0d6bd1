/*
 * The summary of a run in other forms than summary.csv: one JSON object for programs, an aligned
 * Markdown table for people and issue trackers. Names, order and meaning are those of the table of
 * metrics.
 */
#pragma once

#include "report/totals.h"

/*
 * One object: a member for every column of summary.csv, in its order. What does not apply is null,
 * `complete` is a boolean, a number reads back as the same number as the CSV's.
 */
GString *summary_json(const struct totals *t);

/* The JSON Schema (draft 2020-12) of that object, from the same table. */
GString *summary_json_schema(void);

/* "| metric | value |", values in units that one can say; what does not apply has no row. */
GString *summary_markdown(const struct totals *t);

/* summary.json and summary.md. */
bool summary_write(const char *dir, const struct totals *t, GError **error);
