/*
 * Field tables: a parameter is described once, beside the struct that holds it. Loader, defaults,
 * range checks, help text and documentation all read this table. Values are written the way a user
 * would write them, with their unit.
 */
#pragma once

#include "base/arena.h"

enum field_type {
    FIELD_BOOL,      /* bool:     yes, no, true, false, on, off */
    FIELD_U32,       /* uint32_t: a plain number */
    FIELD_U64,       /* uint64_t: a plain number */
    FIELD_I32,       /* int32_t: a plain number, may be negative */
    FIELD_TIME,      /* uint64_t, ns: 20ms, 1.5us, 2s, 80ns */
    FIELD_TIME_PS,   /* uint64_t, ps: a latency, 61.7ns */
    FIELD_SIZE,      /* uint64_t, bytes: 16GiB, 4KiB, 512B (KB, MB, GB: powers of ten) */
    FIELD_BANDWIDTH, /* uint64_t, bytes/s: 25GB/s, 800MB/s, 3GiB/s */
    FIELD_FREQ,      /* uint64_t, Hz: 2.6GHz */
    FIELD_RATIO,     /* uint32_t, millionths: 0.35, 35% */
    FIELD_REAL,      /* double: for physics parameters only */
    FIELD_STRING,    /* const char *, in the arena */
    FIELD_FLAGS,     /* uint64_t: some of .names, a bit each; NO_NAME takes one away */
    FIELD_ENUM,      /* uint32_t: one of .names (NULL-terminated); the value is the index */
    FIELD_NR_TYPES
};

struct field {
    const char *name; /* dotted where it belongs to a part: "numa_balancing.scan_size" */
    enum field_type type;
    size_t offset;
    const char *def; /* NULL: required, or left as it is when absent */
    const char *min, *max;
    const char *const *names; /* FIELD_ENUM, FIELD_FLAGS */
    const char *doc;          /* one sentence, no full stop */
    bool required;
};

#define FIELD(field_type, struct_type, member, ...)                                                \
    {                                                                                              \
        .name = #member, .type = (field_type), .offset = offsetof(struct_type, member),            \
        __VA_ARGS__                                                                                \
    }
/* As FIELD, under a name of its own. */
#define FIELD_NAMED(field_type, key, struct_type, member, ...)                                     \
    {                                                                                              \
        .name = (key), .type = (field_type), .offset = offsetof(struct_type, member), __VA_ARGS__  \
    }
#define FIELD_END                                                                                  \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/* Sets every field of `object` that has a default. */
void fields_init(const struct field *table, void *object, struct arena *a);

/* The entry called `name`, or NULL. */
const struct field *fields_find(const struct field *table, const char *name);

/*
 * Parses `text` into the field. On failure returns false and writes into `why` what is wrong and
 * what would be right ("'5' is not a time; write a number and a unit, as in 20ms").
 */
bool field_set(const struct field *f, void *object, const char *text, struct arena *a, char *why,
               size_t why_size);

/* The value as a user would write it; feeding it back gives the same value. */
char *field_text(const struct field *f, const void *object, struct arena *a);

/* "time", "size", "one of a, b, c": for messages and help. */
const char *field_type_name(enum field_type type);

/* Single quantities, for loaders without a table. Each as field_set: false and a reason. */
bool parse_quantity(enum field_type type, const char *text, uint64_t *value, char *why,
                    size_t why_size);
char *format_quantity(enum field_type type, uint64_t value, struct arena *a);
