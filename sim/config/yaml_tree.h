/*
 * YAML as a tree with places. libyaml parses; we keep scalars as text with line and column, resolve
 * aliases within limits, and refuse duplicate keys. Loaders walk the tree and report through diag.
 *
 * Limits against hostile files: depth, number of nodes, bytes, nodes made by aliases.
 */
#pragma once

#include "base/cpumask.h"
#include "base/field.h"
#include "config/diag.h"

enum {
    YAML_DEPTH_MAX = 48,
    YAML_BYTES_MAX = 16 << 20,
    YAML_NODES_MAX = 1000000,
    YAML_ALIAS_NODES_MAX = 20000, /* nodes that come from *alias, together */
};

enum ynode_kind { YNODE_SCALAR, YNODE_SEQ, YNODE_MAP };

struct ynode {
    enum ynode_kind kind;
    unsigned line, column;
    const char *text;      /* scalar; "" for a key without a value */
    bool quoted;           /* scalar: was written in quotes */
    guint nr;              /* seq: items; map: pairs */
    struct ynode **keys;   /* map only: scalars */
    struct ynode **values; /* seq: the items */
    const struct ynode *parent;
    const char *key; /* of this node in its map, or NULL; index in a sequence: */
    guint index;
};

struct yaml_doc {
    const char *file; /* as the user wrote it */
    struct arena *arena;
    struct ynode *root;
    struct diag *diag;
};

/*
 * Reads one document. False: there is no tree, and messages are in diag. True: there is a tree; but
 * a duplicate key is an error in diag that leaves the tree usable, so that a loader can go on and
 * report the rest: at its end a loader asks diag_failed(). The file may be "-".
 */
bool yaml_load_file(struct yaml_doc *doc, const char *path, struct arena *a, struct diag *d);
bool yaml_load_text(struct yaml_doc *doc, const char *name, const char *text, gsize len,
                    struct arena *a, struct diag *d);

/* A whole file (or "-") with a limit on its size; false: a message is in diag. Caller g_free()s. */
bool read_whole_file(const char *path, gsize most, char **text, gsize *len, struct diag *d);

/* An error at a node; the path ("processes[1].threads.count") is derived from the tree. */
void ynode_error(const struct yaml_doc *doc, const struct ynode *n, const char *fmt, ...)
    SIM_PRINTF(3, 4);
/* "processes[1].threads.count"; caller frees. */
char *ynode_path(const struct ynode *n);

/* The value under a key, or NULL. The node must be a map (else NULL). */
const struct ynode *ynode_get(const struct ynode *map, const char *key);

/* NULL with an error unless the node is of that kind ("expected a list"). NULL in: NULL out. */
const struct ynode *ynode_expect(const struct yaml_doc *doc, const struct ynode *n,
                                 enum ynode_kind kind);

/* An error for every key of the map that is in neither the table nor `others` (NULL-terminated, may
 * be NULL), with did-you-mean. `table` may be NULL. A dotted name of the table ("caches.l2") is a
 * nested map in the file, or the dotted key itself. */
void ynode_check_keys(const struct yaml_doc *doc, const struct ynode *map,
                      const struct field *table, const char *const *others);

/*
 * Fills `object` from the map by the table: defaults first, then what the file gives; errors for
 * unknown keys (unless in `others`), wrong types, ranges, missing required keys. True if all is
 * well.
 */
bool ynode_load_fields(const struct yaml_doc *doc, const struct ynode *map,
                       const struct field *table, const char *const *others, void *object);

/* One quantity of a scalar node; false with an error. */
bool ynode_quantity(const struct yaml_doc *doc, const struct ynode *n, enum field_type type,
                    uint64_t *value);
/* A plain number between min and max; false with an error that names the range. */
bool ynode_number(const struct yaml_doc *doc, const struct ynode *n, uint64_t min, uint64_t max,
                  uint64_t *value);
/* The index of the scalar in `names`; -1 with an error and did-you-mean. */
int ynode_enum(const struct yaml_doc *doc, const struct ynode *n, const char *const *names);
/* A cpulist or nodelist: a scalar ("0-3,8") or a list of numbers and ranges. */
bool ynode_cpulist(const struct yaml_doc *doc, const struct ynode *n, struct cpumask *m);
/* The text of a scalar; NULL with an error if it is none, or empty. */
const char *ynode_string(const struct yaml_doc *doc, const struct ynode *n);
