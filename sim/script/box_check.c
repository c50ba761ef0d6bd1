/*
 * What is looked at before a script is compiled: its length, that it is text, and how deep its
 * loops are nested. Only the keywords that open and close blocks matter; strings and comments are
 * skipped as Lua does. What is not Lua at all is left to the compiler, which has better messages.
 */
#include <lauxlib.h>
#include <stdio.h>

#include "script/box.h"

enum block { BLOCK_PLAIN, BLOCK_LOOP, BLOCK_REPEAT };
enum { BLOCKS_MAX = 256 };

struct scanner {
    const char *at, *end;
    uint32_t line;
    uint32_t nr_blocks, nr_loops, deepest_line, deepest;
    bool loop_head; /* between for or while and its do */
    unsigned char blocks[BLOCKS_MAX];
};

static bool
letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
}

static char
peek(const struct scanner *s, size_t n)
{
    return (size_t)(s->end - s->at) > n ? s->at[n] : '\0';
}

static void
step(struct scanner *s)
{
    s->line += *s->at == '\n';
    s->at++;
}

/* At "[[" or "[==[": the level, else -1. */
static int
long_bracket(const struct scanner *s)
{
    size_t n = 1;

    while (peek(s, n) == '=')
        n++;
    return peek(s, n) == '[' ? (int)n - 1 : -1;
}

static void
skip_long(struct scanner *s, int level)
{
    for (; s->at < s->end; step(s)) {
        if (*s->at != ']')
            continue;
        int n = 0;
        while (peek(s, (size_t)n + 1) == '=')
            n++;
        if (n == level && peek(s, (size_t)n + 1) == ']') {
            s->at += n + 2;
            return;
        }
    }
}

static void
skip_comment(struct scanner *s)
{
    s->at += 2;
    int level = peek(s, 0) == '[' ? long_bracket(s) : -1;

    if (level >= 0) {
        skip_long(s, level);
        return;
    }
    while (s->at < s->end && *s->at != '\n')
        s->at++;
}

static void
skip_string(struct scanner *s)
{
    char quote = *s->at++;

    while (s->at < s->end && *s->at != quote && *s->at != '\n') {
        if (*s->at == '\\' && s->at + 1 < s->end)
            step(s);
        step(s);
    }
    if (s->at < s->end)
        step(s);
}

static void
open_block(struct scanner *s, enum block block)
{
    if (s->nr_blocks < BLOCKS_MAX)
        s->blocks[s->nr_blocks] = (unsigned char)block;
    s->nr_blocks++;
    s->nr_loops += block != BLOCK_PLAIN;
    if (s->nr_loops > s->deepest) {
        s->deepest = s->nr_loops;
        s->deepest_line = s->line;
    }
}

static void
close_block(struct scanner *s)
{
    if (s->nr_blocks == 0)
        return;
    s->nr_blocks--;
    if (s->nr_blocks < BLOCKS_MAX && s->blocks[s->nr_blocks] != BLOCK_PLAIN)
        s->nr_loops--;
}

static bool
is(const char *word, size_t len, const char *keyword)
{
    return len == strlen(keyword) && memcmp(word, keyword, len) == 0;
}

static void
word(struct scanner *s)
{
    const char *w = s->at;

    while (s->at < s->end && letter(*s->at))
        s->at++;
    size_t len = (size_t)(s->at - w);
    if (is(w, len, "for") || is(w, len, "while")) {
        open_block(s, BLOCK_LOOP);
        s->loop_head = true;
    } else if (is(w, len, "repeat")) {
        open_block(s, BLOCK_REPEAT);
    } else if (is(w, len, "do")) {
        if (!s->loop_head)
            open_block(s, BLOCK_PLAIN);
        s->loop_head = false;
    } else if (is(w, len, "function") || is(w, len, "if")) {
        open_block(s, BLOCK_PLAIN);
    } else if (is(w, len, "end") || is(w, len, "until")) {
        close_block(s);
    }
}

static void
scan(struct scanner *s)
{
    while (s->at < s->end) {
        char c = *s->at;
        if (letter(c))
            word(s);
        else if (c == '-' && peek(s, 1) == '-')
            skip_comment(s);
        else if (c == '"' || c == '\'')
            skip_string(s);
        else if (c == '[' && long_bracket(s) >= 0)
            skip_long(s, long_bracket(s));
        else
            step(s);
    }
}

bool
box_check(struct box *b, const char *name, const char *text, size_t len)
{
    struct scanner s = { .at = text, .end = text + len, .line = 1 };

    if (len > b->limits.program_bytes) {
        snprintf(b->message, sizeof b->message, "%s: %zu bytes long; at most %llu", name, len,
                 (unsigned long long)b->limits.program_bytes);
        return false;
    }
    if (len > 0 && text[0] == LUA_SIGNATURE[0]) {
        snprintf(b->message, sizeof b->message, "%s: this is bytecode; only source text is taken",
                 name);
        return false;
    }
    scan(&s);
    if (s.deepest > b->limits.loop_depth) {
        snprintf(b->message, sizeof b->message, "%s:%u: loops are nested %u deep; at most %u", name,
                 s.deepest_line, s.deepest, b->limits.loop_depth);
        return false;
    }
    return true;
}
