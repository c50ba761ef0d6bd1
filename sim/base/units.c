/*
 * Quantities as people write them: 20ms, 61.7ns, 16GiB, 25GB/s, 35%.
 *
 * A quantity is a whole number of base units (ns, ps, bytes, Hz, millionths), and text is read with
 * integers only, so that 0.1us is 100 ns under every compiler. A time or a ratio that is finer than
 * its base unit is refused, because rounding it would silently change what was asked for. Sizes,
 * bandwidths and frequencies are cut to a whole number instead: 23.8GiB is a fine thing to say, and
 * no decimal fraction of a power of two is ever whole.
 */
#include "base/field.h"

#include <ctype.h>
#include <stdio.h>

__extension__ typedef unsigned __int128 u128;

struct unit {
    const char *suffix;
    uint64_t factor;
};

struct quantity {
    const char *name, *how;   /* "time", "write a number and a unit, as in 20ms" */
    const struct unit *units; /* the first is the one for values that fit no other; NULL ends */
    uint64_t most;
    uint32_t nr_written; /* only the first so many are used for writing */
    uint32_t decimals;   /* written */
    bool cut;            /* a fraction of a base unit is dropped, not refused */
};

static const struct unit plain_units[] = { { "", 1 }, { NULL, 0 } };

static const struct unit time_units[] = {
    { "ns", 1 },         { "us", 1000 },         { "ms", 1000000 },
    { "s", 1000000000 }, { "min", 60000000000 }, { "h", 3600000000000 },
    { NULL, 0 }
};

static const struct unit time_ps_units[] = {
    { "ps", 1 },          { "ns", 1000 },         { "us", 1000000 },
    { "ms", 1000000000 }, { "s", 1000000000000 }, { NULL, 0 }
};

static const struct unit size_units[] = {
    { "B", 1 },        { "KiB", KIB(1) },    { "MiB", MIB(1) },
    { "GiB", GIB(1) }, { "TiB", GIB(1024) }, { "KB", 1000 },
    { "MB", 1000000 }, { "GB", 1000000000 }, { "TB", 1000000000000 },
    { "kB", 1000 },    { NULL, 0 },
};

static const struct unit bandwidth_units[] = {
    { "B/s", 1 },
    { "KB/s", 1000 },
    { "MB/s", 1000000 },
    { "GB/s", 1000000000 },
    { "TB/s", 1000000000000 },
    { "KiB/s", KIB(1) },
    { "MiB/s", MIB(1) },
    { "GiB/s", GIB(1) },
    { "TiB/s", GIB(1024) },
    { "kB/s", 1000 },
    { NULL, 0 },
};

static const struct unit freq_units[] = {
    { "Hz", 1 }, { "kHz", 1000 }, { "MHz", 1000000 }, { "GHz", 1000000000 }, { NULL, 0 }
};

static const struct unit ratio_units[] = { { "", 1000000 }, { "%", 10000 }, { NULL, 0 } };

static const struct quantity quantities[FIELD_NR_TYPES] = {
    [FIELD_U32] = { "number", "write a whole number, as in 4", plain_units, UINT32_MAX, 1, 0,
                    false },
    [FIELD_U64] = { "number", "write a whole number, as in 4", plain_units, UINT64_MAX, 1, 0,
                    false },
    [FIELD_TIME] = { "time", "write a number and a unit, as in 20ms", time_units, SIM_NEVER - 1, 4,
                     3, false },
    [FIELD_TIME_PS] = { "time", "write a number and a unit, as in 61.7ns", time_ps_units,
                        UINT64_MAX, 5, 3, false },
    [FIELD_SIZE] = { "size", "write a number and a unit, as in 16GiB", size_units, UINT64_MAX, 9, 1,
                     true },
    [FIELD_BANDWIDTH] = { "bandwidth", "write a number and a unit, as in 25GB/s", bandwidth_units,
                          UINT64_MAX, 9, 1, true },
    [FIELD_FREQ] = { "frequency", "write a number and a unit, as in 2.6GHz", freq_units, UINT64_MAX,
                     4, 3, true },
    [FIELD_RATIO] = { "ratio", "write a fraction or a percentage, as in 0.35 or 35%", ratio_units,
                      UINT32_MAX, 1, 6, false },
};

/* A number as written: whole + frac / 10^18. */
struct decimal {
    uint64_t whole, frac;
    bool has_point;
    bool too_large, too_fine; /* digits were lost at either end */
};

#define FRAC_ONE UINT64_C(1000000000000000000)

/* Reads digits[.digits]; returns what follows, or NULL when this is no number. */
static const char *
decimal_parse(struct decimal *d, const char *at)
{
    *d = (struct decimal){ 0 };
    if (!isdigit((unsigned char)*at))
        return NULL;
    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(d->whole, 10, &d->whole) ||
            __builtin_add_overflow(d->whole, (uint64_t)(*at - '0'), &d->whole))
            d->too_large = true;
    if (*at != '.')
        return at;
    d->has_point = true;
    if (!isdigit((unsigned char)*++at))
        return NULL;
    for (uint64_t place = FRAC_ONE; isdigit((unsigned char)*at); at++) {
        place /= 10;
        d->frac += place * (uint64_t)(*at - '0');
        if (place == 0 && *at != '0')
            d->too_fine = true;
    }
    return at;
}

static const struct unit *
unit_find(const struct quantity *q, const char *at)
{
    while (*at == ' ')
        at++;
    for (const struct unit *u = q->units; u->suffix != NULL; u++)
        if (strcmp(u->suffix, at) == 0)
            return u;
    return NULL;
}

enum { QUANTITY_TEXT = 48 };

/* Whole and decimals of value / factor, or 0 when that would not be exact. */
static size_t
write_in_unit(const struct quantity *q, const struct unit *u, uint64_t value, char *text)
{
    uint64_t scale = 1;

    for (uint32_t i = 0; i < q->decimals; i++)
        scale *= 10;
    u128 part = (u128)(value % u->factor) * scale;
    if (part % u->factor != 0)
        return 0;
    size_t n =
        (size_t)snprintf(text, QUANTITY_TEXT, "%llu", (unsigned long long)(value / u->factor));
    if (part > 0) {
        n += (size_t)snprintf(text + n, QUANTITY_TEXT - n, ".%0*llu", (int)q->decimals,
                              (unsigned long long)(part / u->factor));
        while (text[n - 1] == '0')
            n--;
    }
    return n + (size_t)snprintf(text + n, QUANTITY_TEXT - n, "%s", u->suffix);
}

/* The shortest exact text; among equals the earliest unit. */
static void
quantity_write(const struct quantity *q, uint64_t value, char *text)
{
    size_t shortest = write_in_unit(q, &q->units[0], value, text);

    sim_assert(shortest > 0);
    for (uint32_t i = 1; i < q->nr_written; i++) {
        char other[QUANTITY_TEXT];

        if (value < q->units[i].factor)
            continue;
        size_t n = write_in_unit(q, &q->units[i], value, other);
        if (n > 0 && n < shortest) {
            shortest = n;
            memcpy(text, other, n + 1);
        }
    }
}

static const struct quantity *
quantity_of(enum field_type type)
{
    sim_assert(type < FIELD_NR_TYPES && quantities[type].name != NULL);
    return &quantities[type];
}

bool
parse_quantity(enum field_type type, const char *text, uint64_t *value, char *why, size_t why_size)
{
    const struct quantity *q = quantity_of(type);
    struct decimal d;
    const char *rest = decimal_parse(&d, text);
    const struct unit *u = rest == NULL ? NULL : unit_find(q, rest);

    if (u == NULL || (d.has_point && q->units == plain_units)) {
        snprintf(why, why_size, "'%s' is not a %s; %s", text, q->name, q->how);
        return false;
    }
    u128 part = (u128)d.frac * u->factor;
    u128 sum = (u128)d.whole * u->factor + part / FRAC_ONE;
    if (d.too_large || sum > q->most) {
        char most[QUANTITY_TEXT];

        quantity_write(q, q->most, most);
        snprintf(why, why_size, "%s is too large; the most is %s", text, most);
        return false;
    }
    if (!q->cut && (d.too_fine || part % FRAC_ONE != 0)) {
        snprintf(why, why_size, "%s is too fine; write a whole number of %s", text,
                 type == FIELD_RATIO ? "millionths" : q->units[0].suffix);
        return false;
    }
    *value = (uint64_t)sum;
    return true;
}

char *
format_quantity(enum field_type type, uint64_t value, struct arena *a)
{
    char text[QUANTITY_TEXT];

    quantity_write(quantity_of(type), value, text);
    return arena_strdup(a, text);
}

const char *
field_type_name(enum field_type type)
{
    static const char *const others[FIELD_NR_TYPES] = {
        [FIELD_BOOL] = "yes or no", [FIELD_I32] = "number",         [FIELD_REAL] = "number",
        [FIELD_STRING] = "text",    [FIELD_ENUM] = "one of a list",
        [FIELD_FLAGS] = "some of a list",
    };

    return others[type] != NULL ? others[type] : quantity_of(type)->name;
}
