/*
 * Expressions: read by recursive descent, kept as postfix.
 *
 * Every value has a dimension, so many times and so many sizes multiplied, which is known when the
 * text is read: `2ms * cpus` is a time, `1GiB / 64KiB` a number, `2ms + 3` a mistake. Nothing has
 * to be checked again when it is evaluated but the arithmetic itself.
 *
 * The depth of parentheses and the number of operations are limited, so that neither the reader nor
 * the evaluator's stack can be driven over its end by a hostile file.
 */
#include "workload/expr.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

const char *const wvar_names[WVAR_NR + 1] = {
    [WVAR_CPUS] = "cpus",           [WVAR_CPU_IDS] = "cpu_ids",
    [WVAR_NODES] = "nodes",         [WVAR_MEMORY_NODES] = "memory_nodes",
    [WVAR_CORES] = "cores",         [WVAR_LLCS] = "llcs",
    [WVAR_PACKAGES] = "packages",   [WVAR_LLC_SIZE] = "llc_size",
    [WVAR_NODE_SIZE] = "node_size", [WVAR_NODE_BANDWIDTH] = "node_bandwidth",
    [WVAR_PROCESSES] = "processes", [WVAR_PROCESS] = "process",
    [WVAR_THREADS] = "threads",     [WVAR_THREAD] = "thread",
    [WVAR_LOOP] = "loop",           [WVAR_CPU] = "cpu",
};

/* Powers of the two units that a value is made of. */
struct dimension {
    int time, size;
};

enum { DEPTH_MAX = 16, TOKEN_MAX = 40, POWER_MAX = 4 };

struct reader {
    const char *at;
    uint32_t scope, depth, nr;
    struct wexpr_op ops[WEXPR_OPS_MAX];
    char *why;
    size_t why_size;
};

static bool read_sum(struct reader *r, struct dimension *dim);

static bool SIM_PRINTF(2, 3) fail(struct reader *r, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(r->why, r->why_size, fmt, args);
    va_end(args);
    return false;
}

static bool
emit(struct reader *r, enum wexpr_code code, uint64_t value)
{
    if (r->nr == WEXPR_OPS_MAX)
        return fail(r, "the expression has more than %d parts", WEXPR_OPS_MAX);
    r->ops[r->nr++] = (struct wexpr_op){ code, value };
    return true;
}

static void
skip_space(struct reader *r)
{
    while (*r->at == ' ')
        r->at++;
}

static bool
take(struct reader *r, char c)
{
    skip_space(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

/* Up to `most` characters of a token, for messages and for look-ups. */
static size_t
token(const struct reader *r, char *text)
{
    size_t n = 0;

    while (n < TOKEN_MAX - 1 && (isalnum((unsigned char)r->at[n]) || strchr("._", r->at[n])) &&
           r->at[n] != '\0') {
        text[n] = r->at[n];
        n++;
    }
    text[n] = '\0';
    return n;
}

static bool
read_number(struct reader *r, struct dimension *dim)
{
    static const struct {
        enum field_type type;
        struct dimension dim;
    } units[] = { { FIELD_U64, { 0, 0 } }, { FIELD_TIME, { 1, 0 } }, { FIELD_SIZE, { 0, 1 } } };
    char text[TOKEN_MAX], why[256];
    uint64_t value;

    r->at += token(r, text);
    for (uint32_t i = 0; i < ARRAY_LEN(units); i++)
        if (parse_quantity(units[i].type, text, &value, why, sizeof(why))) {
            *dim = units[i].dim;
            return emit(r, WEXPR_CONST, value);
        }
    return fail(r, "'%s' is neither a whole number nor a time nor a size", text);
}

static struct dimension
var_dimension(uint32_t var)
{
    bool size = var == WVAR_LLC_SIZE || var == WVAR_NODE_SIZE || var == WVAR_NODE_BANDWIDTH;

    return (struct dimension){ 0, size };
}

static bool
read_variable(struct reader *r, const char *name, struct dimension *dim)
{
    size_t n = 0;
    char known[256];

    for (uint32_t v = 0; v < r->scope; v++)
        if (strcmp(wvar_names[v], name) == 0) {
            *dim = var_dimension(v);
            return emit(r, WEXPR_VAR, v);
        }
    for (uint32_t v = 0; v < r->scope && n < sizeof(known); v++)
        n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", v > 0 ? ", " : "",
                              wvar_names[v]);
    return fail(r, "there is no '%s' to reckon with here; known: %s", name, known);
}

static bool
same(struct reader *r, struct dimension a, struct dimension b)
{
    if (a.time == b.time && a.size == b.size)
        return true;
    return fail(r, "values of different units cannot be added, subtracted or compared");
}

/* min and max take as many as there are, mod two, random one. */
static const struct {
    const char *name;
    enum wexpr_code code;
    uint32_t least, most;
} functions[] = {
    { "min", WEXPR_MIN, 1, UINT32_MAX },
    { "max", WEXPR_MAX, 1, UINT32_MAX },
    { "mod", WEXPR_MOD, 2, 2 },
    { "random", WEXPR_RANDOM, 1, 1 },
};

static bool
read_call(struct reader *r, uint32_t which, struct dimension *dim)
{
    struct dimension other;
    enum wexpr_code code = functions[which].code;
    uint32_t nr = 1;

    if (code == WEXPR_RANDOM && r->scope < WEXPR_LOOP)
        return fail(r, "'random' is for programs; here a number stands before the run");
    if (!take(r, '(') || !read_sum(r, dim))
        return r->why[0] != '\0' ? false
                                 : fail(r, "'(' is missing behind %s", functions[which].name);
    if (code == WEXPR_RANDOM && !emit(r, code, 0))
        return false;
    for (; take(r, ','); nr++)
        if (!read_sum(r, &other) || !same(r, *dim, other) || !emit(r, code, 0))
            return false;
    if (nr < functions[which].least || nr > functions[which].most)
        return fail(r, "%s takes %u numbers, not %u", functions[which].name, functions[which].least,
                    nr);
    return take(r, ')') || fail(r, "')' is missing");
}

static bool
read_name(struct reader *r, const char *name, struct dimension *dim)
{
    for (uint32_t i = 0; i < ARRAY_LEN(functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            return read_call(r, i, dim);
    return read_variable(r, name, dim);
}

static bool
read_operand(struct reader *r, struct dimension *dim)
{
    char text[TOKEN_MAX];
    bool ok;

    skip_space(r);
    if (isdigit((unsigned char)*r->at))
        return read_number(r, dim);
    if (++r->depth > DEPTH_MAX)
        return fail(r, "parentheses are nested deeper than %d", DEPTH_MAX);
    if (take(r, '('))
        ok = read_sum(r, dim) && (take(r, ')') || fail(r, "')' is missing"));
    else if (token(r, text) == 0)
        ok = *r->at == '\0'
                 ? fail(r, "the expression ends too early")
                 : fail(r, "'%.20s' cannot stand here; write a number, a name or '('", r->at);
    else {
        r->at += strlen(text);
        ok = read_name(r, text, dim);
    }
    r->depth--;
    return ok;
}

static bool
read_product(struct reader *r, struct dimension *dim)
{
    struct dimension other;

    if (!read_operand(r, dim))
        return false;
    for (;;) {
        int sign = take(r, '*') ? 1 : take(r, '/') ? -1 : 0;

        if (sign == 0)
            return true;
        if (!read_operand(r, &other) || !emit(r, sign > 0 ? WEXPR_MUL : WEXPR_DIV, 0))
            return false;
        dim->time += sign * other.time;
        dim->size += sign * other.size;
        if (dim->time > POWER_MAX || dim->size > POWER_MAX)
            return fail(r, "too many units are multiplied");
    }
}

static bool
read_sum(struct reader *r, struct dimension *dim)
{
    struct dimension other;

    if (!read_product(r, dim))
        return false;
    for (;;) {
        int sign = take(r, '+') ? 1 : take(r, '-') ? -1 : 0;

        if (sign == 0)
            return true;
        if (!read_product(r, &other) || !same(r, *dim, other) ||
            !emit(r, sign > 0 ? WEXPR_ADD : WEXPR_SUB, 0))
            return false;
    }
}

static bool
read_all(struct reader *r, enum field_type type)
{
    struct dimension dim = { 0, 0 };

    if (!read_sum(r, &dim))
        return false;
    skip_space(r);
    if (*r->at != '\0')
        return fail(r, "'%.20s' is left over; put + - * or / before it", r->at);
    if (dim.time == (type == FIELD_TIME) && dim.size == (type == FIELD_SIZE))
        return true;
    return fail(r, "this is not a %s%s", field_type_name(type),
                type == FIELD_U64 ? "" : "; one of its parts needs a unit");
}

/* A single token is a plain quantity, and its reader has the better words for what is wrong. */
static bool
is_quantity(const char *text)
{
    return isdigit((unsigned char)text[0]) && strpbrk(text, "+-*/(),") == NULL;
}

bool
wexpr_parse(struct wexpr *e, const char *text, enum field_type type, enum wexpr_scope scope,
            struct arena *a, char *why, size_t why_size)
{
    struct reader r = { .at = text, .scope = scope, .why = why, .why_size = why_size };
    uint64_t value;

    *e = (struct wexpr){ 0 };
    why[0] = '\0';
    if (strlen(text) > WEXPR_TEXT_MAX)
        return fail(&r, "the expression is longer than %d characters", WEXPR_TEXT_MAX);
    if (is_quantity(text)) {
        if (!parse_quantity(type, text, &value, why, why_size))
            return false;
        *e = wexpr_const(a, value);
        return true;
    }
    if (!read_all(&r, type))
        return false;
    struct wexpr_op *ops = arena_new_array(a, struct wexpr_op, r.nr);
    memcpy(ops, r.ops, r.nr * sizeof(*ops));
    *e = (struct wexpr){ .nr = r.nr, .ops = ops };
    return true;
}
