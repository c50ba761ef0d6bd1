#include "base/cpumask.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct cpumask *
cpumask_new(struct arena *a, uint32_t nr_cpus)
{
    uint32_t words = (nr_cpus + 63) / 64;
    struct cpumask *m = arena_alloc(a, sizeof(*m) + sizeof(uint64_t) * words);

    m->nr_words = m->end_word = words;
    return m;
}

struct cpumask *
cpumask_clone(struct arena *a, const struct cpumask *m)
{
    struct cpumask *copy = cpumask_new(a, m->nr_words * 64);

    cpumask_copy(copy, m);
    return copy;
}

void
cpumask_trim(struct cpumask *m)
{
    m->first_word = 0;
    m->end_word = m->nr_words;
    while (m->end_word > 0 && m->bits[m->end_word - 1] == 0)
        m->end_word--;
    while (m->first_word < m->end_word && m->bits[m->first_word] == 0)
        m->first_word++;
}

void
cpumask_zero(struct cpumask *m)
{
    memset(m->bits, 0, sizeof(uint64_t) * m->nr_words);
}

void
cpumask_copy(struct cpumask *to, const struct cpumask *from)
{
    sim_assert(to->nr_words == from->nr_words);
    memcpy(to->bits, from->bits, sizeof(uint64_t) * to->nr_words);
}

void
cpumask_and(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
    for (uint32_t i = 0; i < to->nr_words; i++)
        to->bits[i] = a->bits[i] & b->bits[i];
}

void
cpumask_or(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
    for (uint32_t i = 0; i < to->nr_words; i++)
        to->bits[i] = a->bits[i] | b->bits[i];
}

void
cpumask_andnot(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
    for (uint32_t i = 0; i < to->nr_words; i++)
        to->bits[i] = a->bits[i] & ~b->bits[i];
}

bool
cpumask_equal(const struct cpumask *a, const struct cpumask *b)
{
    return memcmp(a->bits, b->bits, sizeof(uint64_t) * a->nr_words) == 0;
}

bool
cpumask_subset(const struct cpumask *a, const struct cpumask *of)
{
    for (uint32_t i = a->first_word; i < a->end_word; i++)
        if (a->bits[i] & ~of->bits[i])
            return false;
    return true;
}

bool
cpumask_intersects(const struct cpumask *a, const struct cpumask *b)
{
    for (uint32_t i = a->first_word; i < a->end_word; i++)
        if (a->bits[i] & b->bits[i])
            return true;
    return false;
}

bool
cpumask_empty(const struct cpumask *m)
{
    for (uint32_t i = 0; i < m->nr_words; i++)
        if (m->bits[i])
            return false;
    return true;
}

uint32_t
cpumask_weight(const struct cpumask *m)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < m->nr_words; i++)
        n += (uint32_t)__builtin_popcountll(m->bits[i]);
    return n;
}

int
cpumask_next(const struct cpumask *m, uint32_t from)
{
    uint32_t word = from >> 6;

    if (word >= m->nr_words)
        return -1;
    uint64_t bits = m->bits[word] & (UINT64_MAX << (from & 63));
    while (bits == 0) {
        if (++word == m->nr_words)
            return -1;
        bits = m->bits[word];
    }
    return (int)(word * 64 + (uint32_t)__builtin_ctzll(bits));
}

int
cpumask_next_and(const struct cpumask *a, const struct cpumask *b, uint32_t from)
{
    uint32_t word = from >> 6;
    uint64_t among = UINT64_MAX << (from & 63);

    if (word < a->first_word) {
        word = a->first_word;
        among = UINT64_MAX;
    }
    for (; word < a->end_word; word++, among = UINT64_MAX) {
        uint64_t bits = a->bits[word] & b->bits[word] & among;

        if (bits != 0)
            return (int)(word * 64 + (uint32_t)__builtin_ctzll(bits));
    }
    return -1;
}

int
cpumask_next_wrap(const struct cpumask *m, uint32_t from)
{
    int cpu = cpumask_next(m, from);

    return cpu >= 0 ? cpu : cpumask_first(m);
}

size_t
cpumask_format(const struct cpumask *m, char *text, size_t size)
{
    size_t len = 0;

    if (size > 0)
        text[0] = '\0';
    for (int from = cpumask_first(m); from >= 0;) {
        int to = from;
        char part[32];

        while ((uint32_t)to + 1 < m->nr_words * 64 && cpumask_test(m, (uint32_t)to + 1))
            to++;
        int n =
            snprintf(part, sizeof(part), to > from ? "%s%d-%d" : "%s%d", len ? "," : "", from, to);
        if (len + (size_t)n < size)
            memcpy(text + len, part, (size_t)n + 1);
        len += (size_t)n;
        from = cpumask_next(m, (uint32_t)to + 1);
    }
    return len;
}

char *
cpumask_text(struct arena *a, const struct cpumask *m)
{
    size_t size = cpumask_format(m, NULL, 0) + 1;
    char *text = arena_alloc(a, size);

    cpumask_format(m, text, size);
    return text;
}

/* A number below `limit`; moves *at behind it. */
static bool
parse_below(const char **at, uint32_t limit, uint32_t *value)
{
    if (!isdigit((unsigned char)**at))
        return false;
    char *end;
    unsigned long v = strtoul(*at, &end, 10);
    if (v >= limit)
        return false;
    *at = end;
    *value = (uint32_t)v;
    return true;
}

/* One item of a cpulist: N, N-M or N-M:used/period. */
static bool
parse_item(struct cpumask *m, const char **at)
{
    uint32_t limit = m->nr_words * 64, from, to, used = 1, period = 1;

    if (!parse_below(at, limit, &from))
        return false;
    to = from;
    if (**at == '-') {
        ++*at;
        if (!parse_below(at, limit, &to) || to < from)
            return false;
        if (**at == ':') {
            ++*at;
            if (!parse_below(at, CPU_MAX, &used) || used == 0)
                return false;
            if (**at != '/')
                return false;
            ++*at;
            if (!parse_below(at, CPU_MAX, &period) || period < used)
                return false;
        }
    }
    for (uint32_t cpu = from; cpu <= to; cpu++)
        if ((cpu - from) % period < used)
            cpumask_set(m, cpu);
    return true;
}

static const char *
skip_space(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

bool
cpumask_parse(struct cpumask *m, const char *text, const char **bad)
{
    const char *at = skip_space(text);

    cpumask_zero(m);
    if (*at == '\0')
        return true;
    while (parse_item(m, &at)) {
        at = skip_space(at);
        if (*at == '\0')
            return true;
        if (*at != ',')
            break;
        at = skip_space(at + 1);
    }
    if (bad != NULL)
        *bad = at;
    return false;
}
