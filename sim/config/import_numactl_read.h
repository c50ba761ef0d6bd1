/*
 * A listing while it is being read: for import_numactl.c (lines) and import_numactl_table.c only.
 */
#pragma once

#include "config/import_numactl.h"

/* What a line of nothing but numbers goes on with. */
enum section { SECTION_NONE, SECTION_CPUS, SECTION_HEADER, SECTION_ROW };

struct listing_reader {
    struct listing *l;
    unsigned line;     /* counts from 1 */
    const char *start; /* of the line, zero-terminated */
    enum section section;
    bool in_table;            /* after "node distances:" */
    struct listed_node *node; /* of SECTION_CPUS */
    guint nr_in_row;
    unsigned row_lines[NODE_MAX];
    guint nr_errors; /* that were there before us */
};

/* An error at a place in the line. */
void listing_fail(struct listing_reader *r, const char *at, const char *fmt, ...) SIM_PRINTF(3, 4);
/* Has this listing had an error? */
bool listing_failed(const struct listing_reader *r);

const char *listing_skip_blanks(const char *s);
/* A decimal number of at most nine digits that ends at a blank, a colon or the end. */
bool listing_take_number(const char **s, uint32_t *value);
/* The node of that number, added if there is no list of available nodes. NULL: an error was told.
 */
struct listed_node *listing_known_node(struct listing_reader *r, const char *at, uint32_t os_index);
/* Numbers up to the end of the line, for r->node. */
void listing_read_cpus(struct listing_reader *r, const char *c);

/* False: the line is neither of the table nor the rest of another. */
bool listing_read_table_line(struct listing_reader *r);
/* At the end: is the table square, of the nodes that are listed, with the diagonal smallest? */
void listing_check_table(struct listing_reader *r);
