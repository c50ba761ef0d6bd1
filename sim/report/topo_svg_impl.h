/*
 * The parts of the picture: topo_svg.c puts them below and beside each other, _boxes.c draws what
 * is in what, _links.c the ways between nodes, _matrix.c distances and latencies.
 */
#pragma once

#include "report/topo_svg.h"

struct canvas {
    const struct machine *m;
    struct arena *arena;
    GString *s;
};

struct area {
    int w, h;
};

enum text_anchor { TEXT_LEFT, TEXT_MIDDLE, TEXT_RIGHT };

extern const char *const svg_kind_colours[MEMORY_KIND_NR];

void svg_rect(struct canvas *c, int x, int y, int w, int h, const char *attributes);
/* `attributes` may be "". Text is cut, with an ellipsis, where it would be wider than `most`
 * (0: anything goes). */
void svg_text(struct canvas *c, int x, int y, int size, enum text_anchor anchor, int most,
              const char *attributes, const char *fmt, ...) SIM_PRINTF(8, 9);

/* As the user wrote it if that is short, else in GiB. */
const char *svg_size(struct canvas *c, uint64_t bytes);
const char *svg_bandwidth(struct canvas *c, uint64_t bytes_per_second);

/* Each draws at (x, y) and returns what it took. */
struct area svg_boxes(struct canvas *c, int x, int y, int most_width);
struct area svg_links(struct canvas *c, int x, int y);
struct area svg_matrix(struct canvas *c, int x, int y);
