/*
 * Field tables: one reader and one writer for every parameter of the program.
 *
 * A table is data, so the defaults and limits in it are text in the user's own notation and go
 * through the same reader as the user's values: a default that the reader refuses is our mistake
 * and stops the program at start. A value outside [min, max] is refused with the limit it crossed.
 */
#include "base/field.h"

#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

/* Any value a field can hold, so that limits can be compared before anything is stored. */
struct value {
    uint64_t u; /* quantities, enums, bools */
    int64_t i;  /* FIELD_I32 */
    double real;
    const char *text;
};

const struct field *
fields_find(const struct field *table, const char *name)
{
    for (const struct field *f = table; f->name != NULL; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

static bool
bool_parse(const char *text, uint64_t *value, char *why, size_t why_size)
{
    static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

    for (uint32_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(text, words[i]) == 0) {
            *value = i & 1;
            return true;
        }
    snprintf(why, why_size, "'%s' is not a truth value; write yes or no", text);
    return false;
}

static bool
enum_parse(const struct field *f, const char *text, uint64_t *value, char *why, size_t why_size)
{
    for (uint32_t i = 0; f->names[i] != NULL; i++)
        if (strcmp(text, f->names[i]) == 0) {
            *value = i;
            return true;
        }
    size_t n = (size_t)snprintf(why, why_size, "'%s' is not known here; write one of", text);
    for (uint32_t i = 0; f->names[i] != NULL && n < why_size; i++)
        n += (size_t)snprintf(why + n, why_size - n, "%s %s", i > 0 ? "," : "", f->names[i]);
    return false;
}

/* Names separated by commas or spaces; NO_NAME takes a bit away. */
static bool
flags_apply(const struct field *f, const char *text, uint64_t *bits, char *why, size_t why_size)
{
    while (*(text += strspn(text, ", ")) != '\0') {
        size_t n = strcspn(text, ", "), skip = n > 3 && strncmp(text, "NO_", 3) == 0 ? 3 : 0;
        uint32_t i = 0;

        while (f->names[i] != NULL && (strlen(f->names[i]) != n - skip ||
                                       strncmp(f->names[i], text + skip, n - skip) != 0))
            i++;
        if (f->names[i] == NULL) {
            struct field names = { .names = f->names };
            char *name = strndup(text + skip, n - skip);
            enum_parse(&names, name, &(uint64_t){ 0 }, why, why_size);
            free(name);
            return false;
        }
        *bits = skip ? *bits & ~((uint64_t)1 << i) : *bits | (uint64_t)1 << i;
        text += n;
    }
    return true;
}

static char *
flags_text(const struct field *f, uint64_t bits, struct arena *a)
{
    char *text = arena_strdup(a, "");

    for (uint32_t i = 0; f->names[i] != NULL; i++)
        text = arena_printf(a, "%s%s%s%s", text, i > 0 ? "," : "", bits >> i & 1 ? "" : "NO_",
                            f->names[i]);
    return text;
}

static bool
i32_parse(const char *text, int64_t *value, char *why, size_t why_size)
{
    bool negative = text[0] == '-';
    uint64_t size;

    if (!parse_quantity(FIELD_U64, text + negative, &size, why, why_size)) {
        snprintf(why, why_size, "'%s' is not a number; write a whole number, as in -4", text);
        return false;
    }
    if (size > (uint64_t)INT32_MAX + negative) {
        snprintf(why, why_size, "%s is too %s", text, negative ? "small" : "large");
        return false;
    }
    *value = negative ? -(int64_t)size : (int64_t)size;
    return true;
}

/* [-]digits[.digits][e[+-]digits]: no hexadecimal, no inf, no nan. */
static bool
looks_real(const char *at)
{
    at += *at == '-';
    if (!isdigit((unsigned char)*at))
        return false;
    at += strspn(at, "0123456789");
    if (*at == '.') {
        if (!isdigit((unsigned char)*++at))
            return false;
        at += strspn(at, "0123456789");
    }
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '-' || at[1] == '+');
        if (!isdigit((unsigned char)*at))
            return false;
        at += strspn(at, "0123456789");
    }
    return *at == '\0';
}

/* strtod() reads the point of the locale; the user writes a point. */
static bool
real_parse(const char *text, double *value, char *why, size_t why_size)
{
    char local[128];

    if (!looks_real(text) || strlen(text) >= sizeof(local)) {
        snprintf(why, why_size, "'%s' is not a number; write one as in 0.35", text);
        return false;
    }
    strcpy(local, text);
    char *point = strchr(local, '.');
    if (point != NULL)
        *point = localeconv()->decimal_point[0];
    *value = strtod(local, NULL);
    if (__builtin_isinf(*value)) {
        snprintf(why, why_size, "%s is too large", text);
        return false;
    }
    return true;
}

static bool
value_parse(const struct field *f, const char *text, struct value *v, char *why, size_t why_size)
{
    *v = (struct value){ .text = text };
    switch (f->type) {
    case FIELD_BOOL:
        return bool_parse(text, &v->u, why, why_size);
    case FIELD_ENUM:
        return enum_parse(f, text, &v->u, why, why_size);
    case FIELD_I32:
        return i32_parse(text, &v->i, why, why_size);
    case FIELD_REAL:
        return real_parse(text, &v->real, why, why_size);
    case FIELD_STRING:
        return true;
    case FIELD_FLAGS: /* alone, to see whether it can be read */
        return flags_apply(f, text, &v->u, why, why_size);
    default:
        return parse_quantity(f->type, text, &v->u, why, why_size);
    }
}

static bool
value_less(enum field_type type, const struct value *a, const struct value *b)
{
    if (type == FIELD_REAL)
        return a->real < b->real;
    if (type == FIELD_I32)
        return a->i < b->i;
    return a->u < b->u;
}

static bool
in_range(const struct field *f, const struct value *v, char *why, size_t why_size)
{
    struct value limit;

    if (f->min != NULL) {
        sim_assert(value_parse(f, f->min, &limit, why, why_size));
        if (value_less(f->type, v, &limit)) {
            snprintf(why, why_size, "%s is too small; the least is %s", v->text, f->min);
            return false;
        }
    }
    if (f->max != NULL) {
        sim_assert(value_parse(f, f->max, &limit, why, why_size));
        if (value_less(f->type, &limit, v)) {
            snprintf(why, why_size, "%s is too large; the most is %s", v->text, f->max);
            return false;
        }
    }
    return true;
}

/* How a value of each type lies in memory. */
enum store { STORE_U64, STORE_U32, STORE_BOOL, STORE_I32, STORE_REAL, STORE_STRING };

static const uint8_t stores[FIELD_NR_TYPES] = {
    [FIELD_BOOL] = STORE_BOOL,     [FIELD_U32] = STORE_U32,  [FIELD_I32] = STORE_I32,
    [FIELD_RATIO] = STORE_U32,     [FIELD_ENUM] = STORE_U32, [FIELD_REAL] = STORE_REAL,
    [FIELD_STRING] = STORE_STRING,
};

bool
field_set(const struct field *f, void *object, const char *text, struct arena *a, char *why,
          size_t why_size)
{
    void *at = (char *)object + f->offset;
    struct value v;

    if (!value_parse(f, text, &v, why, why_size) || !in_range(f, &v, why, why_size))
        return false;
    if (f->type == FIELD_FLAGS)
        return flags_apply(f, text, at, why, why_size);
    switch ((enum store)stores[f->type]) {
    case STORE_U64:
        *(uint64_t *)at = v.u;
        break;
    case STORE_U32:
        *(uint32_t *)at = (uint32_t)v.u;
        break;
    case STORE_BOOL:
        *(bool *)at = v.u != 0;
        break;
    case STORE_I32:
        *(int32_t *)at = (int32_t)v.i;
        break;
    case STORE_REAL:
        *(double *)at = v.real;
        break;
    case STORE_STRING:
        *(const char **)at = arena_strdup(a, text);
        break;
    }
    return true;
}

void
fields_init(const struct field *table, void *object, struct arena *a)
{
    char why[256];

    for (const struct field *f = table; f->name != NULL; f++)
        if (f->def != NULL && !field_set(f, object, f->def, a, why, sizeof(why)))
            sim_panic(__FILE__, __LINE__, "default of %s: %s", f->name, why);
}

/* The shortest text that reads back as the same number. */
static char *
real_text(double value, struct arena *a)
{
    char text[64], why[128];
    double again = 0;

    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        char *point = strchr(text, localeconv()->decimal_point[0]);
        if (point != NULL)
            *point = '.';
        if (real_parse(text, &again, why, sizeof(why)) && again == value)
            break;
    }
    return arena_strdup(a, text);
}

char *
field_text(const struct field *f, const void *object, struct arena *a)
{
    const void *at = (const char *)object + f->offset;

    switch (f->type) {
    case FIELD_BOOL:
        return arena_strdup(a, *(const bool *)at ? "yes" : "no");
    case FIELD_ENUM:
        return arena_strdup(a, f->names[*(const uint32_t *)at]);
    case FIELD_FLAGS:
        return flags_text(f, *(const uint64_t *)at, a);
    case FIELD_I32:
        return arena_printf(a, "%d", *(const int32_t *)at);
    case FIELD_REAL:
        return real_text(*(const double *)at, a);
    case FIELD_STRING:
        return arena_strdup(a, *(const char *const *)at != NULL ? *(const char *const *)at : "");
    default:
        return format_quantity(
            f->type, stores[f->type] == STORE_U32 ? *(const uint32_t *)at : *(const uint64_t *)at,
            a);
    }
}
