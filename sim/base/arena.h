/*
 * Arena: the memory of one run. Everything built for a run is taken from its arena and dies with
 * it at once; nothing is freed singly. Memory is zeroed. Running out of memory aborts.
 */
#pragma once

#include "base/base.h"

struct arena;

struct arena *arena_new(void);
/* One that may be freed before `parent`, and is freed with it otherwise. */
struct arena *arena_new_below(struct arena *parent);
void arena_free(struct arena *a); /* NULL is allowed */

/* Zeroed memory, aligned for any type (64 bytes when size >= 64). */
/* f(arg) is called when the arena is freed, before its memory is; the last one added comes first. */
void arena_on_free(struct arena *a, void (*f)(void *arg), void *arg);

void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *text);
char *arena_printf(struct arena *a, const char *fmt, ...) SIM_PRINTF(2, 3);

/* A larger copy of an array that has grown; the old one is left to the arena. */
void *arena_grow(struct arena *a, const void *old, size_t old_size, size_t new_size);

/* Bytes handed out so far. */
size_t arena_used(const struct arena *a);

#define arena_new_object(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_new_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))
