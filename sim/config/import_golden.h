/*
 * A topology file of the oracle while it is read. import_golden.c decides; _nodes.c and _cpus.c
 * read the two lists.
 */
#pragma once

#include "config/golden_json.h"
#include "config/import.h"

struct golden {
    struct json_doc doc;
    struct arena *arena, *scratch;
    struct machine *m;
    JsonArray *cpus, *nodes;
    struct cpumask *online; /* CPU_MAX wide, as all masks of the file */
    struct cpumask *isolated;
    guint shape_cpus;      /* CPUs of machine.sockets x dies x cores x threads; 0: not told */
    guint max_cpus;        /* of maxcpus=; UINT_MAX: not given */
    guint order[NODE_MAX]; /* order[i]: which element of `nodes` is dense node i */
};

/* A CPU list of the file, CPU_MAX wide; NULL with an error. */
struct cpumask *golden_list(struct golden *g, JsonObject *object, const char *path,
                            const char *name);

/* Which element of `nodes` is which dense node: they ascend by number. */
bool golden_order_nodes(struct golden *g);
bool golden_read_nodes(struct golden *g);

/* The machine has room for all CPUs that any part of the file mentions. */
guint golden_count_cpus(struct golden *g);
bool golden_read_cpus(struct golden *g);
void golden_add_offline_cpus(struct golden *g);
