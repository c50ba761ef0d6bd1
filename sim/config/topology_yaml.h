/*
 * Topology YAML, inside: the steps of the loader share this. Others use load.h.
 *
 * In the file nodes are called by the numbers that the machine itself uses (0, 8, 252); in the
 * machine they are dense. topo_node() translates, and says so when a number names nothing.
 */
#pragma once

#include "config/yaml_tree.h"
#include "machine/machine.h"

enum {
    NODE_OS_MAX = 1024, /* numbers that a machine gives its nodes are below */
    NAME_MOST = 64,     /* of a link or device: names become cells of tables */
    TEXT_MOST = 250,
};

/* The regular part of a machine: as many equal things in each thing. */
struct topo_shape {
    uint32_t packages, dies_per_package, nodes_per_package, llcs_per_node, llcs_per_package;
    uint32_t cores_per_llc, cores_per_node, cores_per_cluster, threads_per_core, cpu_numbering;
    uint32_t nr_nodes, nr_cores, cores_per_package; /* follow from the others */
};

/* What a route may call a link, beside its own name. */
struct topo_link {
    const char *base; /* the name that both directions share; NULL: one way */
};

struct topo {
    struct yaml_doc doc;
    const struct ynode *root;
    struct machine *m;
    bool has_shape;
    struct topo_shape shape;
    int16_t node_of_os[NODE_OS_MAX]; /* dense number or -1 */
    struct topo_link *links;         /* m->nr_links of them */
};

/* What the file may say, for the loader, the documentation and the tests. */
enum topo_section_how { SECTION_CHECKED, SECTION_MAP, SECTION_LIST };
struct topo_section {
    const char *name;           /* key at the top of the file; "" for the top itself */
    enum topo_section_how how;  /* CHECKED: by its own step in any case */
    const struct field *fields; /* may be NULL */
    const char *const *others;  /* keys whose values are lists or maps; may be NULL */
};
extern const struct topo_section topology_sections[]; /* ends with name == NULL */
extern const struct field topo_shape_fields[], topo_node_fields[], topo_cpu_fields[],
    topo_link_fields[], topo_cache_fields[], topo_power_fields[], topo_device_fields[],
    topo_span_fields[];
extern const char *const topo_node_others[],
    *const topo_cpu_others[], *const topo_link_others[], *const topo_route_others[],
                                                             *const topo_device_others[],
                                                                 *const topo_source_key[];

/* The steps, in their order. False: the rest cannot be read without it. */
bool topo_read_shape(struct topo *t);
bool topo_number_nodes(struct topo *t);
bool topo_count_cpus(struct topo *t, uint32_t *nr_cpus);
void topo_apply_shape(struct topo *t);
void topo_read_nodes(struct topo *t);
void topo_read_cpus(struct topo *t);
void topo_read_distances(struct topo *t);
void topo_read_latency(struct topo *t);
void topo_read_bandwidth(struct topo *t);
void topo_read_links(struct topo *t);
void topo_read_parts(struct topo *t);

/* A node as the file calls it; -1 with an error if there is none. */
int topo_node(struct topo *t, const struct ynode *n);
/* A set of nodes; 0 with an error. */
nodemask topo_nodes(struct topo *t, const struct ynode *n);
/* The list under a key of the root with all its items maps; NULL if absent or wrong. */
const struct ynode *topo_list(struct topo *t, const char *key);
/* An error if the text under a key is longer than `most` bytes; `why` goes behind it. */
void topo_check_text(struct topo *t, const struct ynode *map, const char *key, gsize most,
                     const char *why);
/* The curve of an entry: `given` with points, or with a and d, which its fields hold. */
struct topo_curve {
    bool given;
    uint32_t nr_points;
    struct machine_curve_point *points;
};
struct topo_curve topo_read_curve(struct topo *t, const struct ynode *entry);
/* Where the numbers of `of` (a path or key; "": of all) come from goes into the machine's notes:
 * the first 200 bytes of it, in whole characters. */
void topo_note_text(struct topo *t, const char *of, const char *text);
/* The same for an entry that says so itself. */
void topo_note_source(struct topo *t, const struct ynode *entry);
