/*
 * For tests of the reader of rt-app files: files as texts, programs as lines.
 */
#pragma once

#include "loader_kit.h"

#include "config/import_rtapp.h"

static inline struct workload *
try_load(struct fixture *f, const char *text)
{
    diag_clear(&f->diag);
    diag_init(&f->diag);
    return import_rtapp("t.json", text, strlen(text), NULL, f->arena, &f->diag);
}

static inline struct workload *
load(struct fixture *f, const char *text)
{
    struct workload *w = try_load(f, text);
    g_autofree char *messages = diag_text(&f->diag);

    assert_string_equal(messages, "");
    assert_non_null(w);
    return w;
}

static inline void
assert_says(struct fixture *f, const char *text, const char *expected)
{
    assert_null(try_load(f, text));
    g_autofree char *messages = diag_text(&f->diag);
    assert_string_equal(messages, expected);
}

#define TASK(body) "{\"tasks\": {\"a\": {\"loop\": 1, " body "}}}"
