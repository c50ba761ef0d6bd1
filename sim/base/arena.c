#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

struct chunk {
    struct chunk *next;
};

struct last_will {
    struct last_will *next;
    void (*f)(void *arg);
    void *arg;
};

struct arena {
    struct chunk *chunks;
    struct last_will *wills;
    struct arena *parent, *children, *next, **link; /* link: what points at this one */
    char *at, *end;
    size_t used, chunk_size;
};

enum { ARENA_FIRST = 64 * 1024, ARENA_MOST = 16 * 1024 * 1024, ARENA_ALIGN = 64 };
enum { HUGE_PAGE = 2 * 1024 * 1024 };

struct arena *
arena_new(void)
{
    struct arena *a = calloc(1, sizeof(*a));

    if (a == NULL)
        sim_panic(__FILE__, __LINE__, "out of memory");
    a->chunk_size = ARENA_FIRST;
    return a;
}

struct arena *
arena_new_below(struct arena *parent)
{
    struct arena *a = arena_new();

    a->parent = parent;
    a->next = parent->children;
    if (a->next != NULL)
        a->next->link = &a->next;
    a->link = &parent->children;
    parent->children = a;
    return a;
}

void
arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    while (a->children != NULL)
        arena_free(a->children);
    for (const struct last_will *w = a->wills; w != NULL; w = w->next)
        w->f(w->arg);
    if (a->parent != NULL) {
        *a->link = a->next;
        if (a->next != NULL)
            a->next->link = a->link;
    }
    for (struct chunk *c = a->chunks; c != NULL;) {
        struct chunk *next = c->next;

        free(c);
        c = next;
    }
    free(a);
}

/* A large machine's state is read all over: with small pages, finding a page costs as much as
 * reading from it. A wish, before the first touch; if it is not granted nothing is lost. */
static void
want_huge_pages(char *from, size_t size)
{
#ifdef MADV_HUGEPAGE
    (void)madvise(from, size, MADV_HUGEPAGE);
#else
    (void)from, (void)size;
#endif
}

static uintptr_t
round_up(uintptr_t x, uintptr_t to)
{
    return (x + to - 1) & ~(to - 1);
}

/* Chunks double up to a limit, so that a small run stays small and a large one needs few calls.
 * Large ones are whole huge pages; what lies before the first of them is never touched. */
static void
arena_add_chunk(struct arena *a, size_t at_least)
{
    size_t size = SIM_MAX(a->chunk_size, at_least), align = ARENA_ALIGN;

    if (size >= HUGE_PAGE) {
        align = HUGE_PAGE;
        size = round_up(size, HUGE_PAGE);
    }
    struct chunk *c = calloc(1, sizeof(*c) + align + size);
    if (c == NULL)
        sim_panic(__FILE__, __LINE__, "out of memory: %zu bytes", size);
    c->next = a->chunks;
    a->chunks = c;
    a->at = (char *)round_up((uintptr_t)(c + 1), align);
    a->end = a->at + size;
    if (align == HUGE_PAGE)
        want_huge_pages(a->at, size);
    if (a->chunk_size < ARENA_MOST)
        a->chunk_size *= 2;
}

void *
arena_alloc(struct arena *a, size_t size)
{
    size_t align = size >= ARENA_ALIGN ? ARENA_ALIGN : 16;
    uintptr_t at = ((uintptr_t)a->at + align - 1) & ~(uintptr_t)(align - 1);

    if (a->at == NULL || at + size > (uintptr_t)a->end) {
        arena_add_chunk(a, size + align);
        at = ((uintptr_t)a->at + align - 1) & ~(uintptr_t)(align - 1);
    }
    a->at = (char *)at + size;
    a->used += size;
    return (void *)at;
}

char *
arena_strdup(struct arena *a, const char *text)
{
    size_t n = strlen(text) + 1;

    return memcpy(arena_alloc(a, n), text, n);
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;

    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    sim_assert(n >= 0);
    char *text = arena_alloc(a, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void *
arena_grow(struct arena *a, const void *old, size_t old_size, size_t new_size)
{
    void *bigger = arena_alloc(a, new_size);

    sim_assert(new_size >= old_size);
    if (old_size > 0)
        memcpy(bigger, old, old_size);
    return bigger;
}

size_t
arena_used(const struct arena *a)
{
    return a->used;
}

void
arena_on_free(struct arena *a, void (*f)(void *arg), void *arg)
{
    struct last_will *w = arena_new_object(a, struct last_will);

    *w = (struct last_will){ a->wills, f, arg };
    a->wills = w;
}
