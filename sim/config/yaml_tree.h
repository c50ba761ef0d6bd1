/*
 * YAML as a tree with places. libyaml parses; we keep scalars as text with line and column, resolve
 * aliases within limits, and refuse duplicate keys. Loaders walk the tree and report through diag.
 *
 * Limits against hostile files: depth, number of nodes, bytes, expansions of aliases.
 */
#pragma once

#include "base/field.h"
#include "base/cpumask.h"
#include "config/diag.h"

enum ynode_kind { YNODE_SCALAR, YNODE_SEQ, YNODE_MAP };

struct ynode {
    enum ynode_kind kind;
    unsigned line, column;
    const char *text;   /* scalar */
    bool quoted;        /* scalar: was written in quotes */
    guint nr;           /* seq: items; map: pairs */
    struct ynode **keys; /* map only */
    struct ynode **values;
    const struct ynode *parent;
    const char *key;    /* of this node in its map, or NULL; index in a sequence: */
    guint index;
};

struct yaml_doc {
    const char *file; /* as the user wrote it */
    struct arena *arena;
    struct ynode *root;
    struct diag *diag;
};

/* Reads one document. False: messages are in diag. The file may be "-". */
bool yaml_load_file(struct yaml_doc *doc, const char *path, struct arena *a, struct diag *d);
bool yaml_load_text(struct yaml_doc *doc, const char *name, const char *text, gsize len,
                    struct arena *a, struct diag *d);

/* An error at a node; the path ("processes[1].threads.count") is derived from the tree. */
void ynode_error(const struct yaml_doc *doc, const struct ynode *n, const char *fmt, ...)
    SIM_PRINTF(3, 4);

/* The value under a key, or NULL. The node must be a map (else NULL). */
const struct ynode *ynode_get(const struct ynode *map, const char *key);

/* NULL with an error unless the node is of that kind ("expected a list"). */
const struct ynode *ynode_expect(const struct yaml_doc *doc, const struct ynode *n, enum ynode_kind kind);

/* An error for every key of the map that is in neither the table nor `others` (NULL-terminated, may
 * be NULL), with did-you-mean. */
void ynode_check_keys(const struct yaml_doc *doc, const struct ynode *map, const struct field *table,
                      const char *const *others);

/*
 * Fills `object` from the map by the table: defaults first, then what the file gives; errors for
 * unknown keys (unless in `others`), wrong types, ranges, missing required keys. True if all is well.
 */
bool ynode_load_fields(const struct yaml_doc *doc, const struct ynode *map, const struct field *table,
                       const char *const *others, void *object);

/* One quantity of a scalar node; false with an error. */
bool ynode_quantity(const struct yaml_doc *doc, const struct ynode *n, enum field_type type,
                    uint64_t *value);
/* A cpulist or nodelist: a scalar ("0-3,8") or a list of numbers. */
bool ynode_cpulist(const struct yaml_doc *doc, const struct ynode *n, struct cpumask *m);
const char *ynode_string(const struct yaml_doc *doc, const struct ynode *n);
