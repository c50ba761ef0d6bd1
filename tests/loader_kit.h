/* For tests of loaders: an arena, and what a file is told. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "config/diag.h"

struct fixture {
    struct arena *arena;
    struct diag diag;
};

static inline int
set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);

    f->arena = arena_new();
    diag_init(&f->diag);
    *state = f;
    return 0;
}

static inline int
tear_down(void **state)
{
    struct fixture *f = *state;

    diag_clear(&f->diag);
    arena_free(f->arena);
    g_free(f);
    return 0;
}
