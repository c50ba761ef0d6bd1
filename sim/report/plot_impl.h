/* What the pictures share. */
#pragma once

#include <stdint.h>

#include "report/csv.h"
#include "report/plot.h"

enum { PLOT_SERIES_MOST = 8 }; /* more lines than colours tell nobody anything */

/* One run that is drawn. */
struct plot_source {
    char *label, *dir;
};

/* What pictures of comparisons have a panel for. */
struct plot_panel {
    const char *metric, *title, *most; /* upper end of the y axis */
    double scale;
};
enum { PLOT_PANELS = 6 };
extern const struct plot_panel plot_panels[PLOT_PANELS];

struct plot {
    const char *dir;
    char *title; /* "stream on four-node" */
    bool comparison, sweep;
    GPtrArray *sources; /* struct plot_source */
    GString *data, *script;
};

/* Each fills data and script; false: there is nothing to draw. */
bool plot_policies(struct plot *p);
bool plot_locality(struct plot *p);
bool plot_latency(struct plot *p);
bool plot_traffic(struct plot *p);
bool plot_pages(struct plot *p);
bool plot_load(struct plot *p);
bool plot_sweep(struct plot *p);

/* One line of a `plot` command: "data index 0 using ... with ..."; `first` of its command. */
void plot_add_series(GString *plot, guint index, bool first, const char *how, const char *label,
                     bool heavy);
/* A text as gnuplot reads it literally. */
char *plot_quote(const char *text);
/* The field of a row under a column's name, or NULL. */
const char *plot_field(const GPtrArray *rows, guint row, const char *column);
/* The number there, or `otherwise` if the field is empty. */
double plot_value(const GPtrArray *rows, guint row, const char *column, double otherwise);
/* The rows of DIR/NAME, or NULL. */
GPtrArray *plot_rows(const char *dir, const char *name);
/* Two empty lines: the next data have an index of their own. */
static inline void
plot_end_block(GString *data)
{
    g_string_append(data, "\n\n");
}
void plot_number(GString *out, double value);

/* Colours that people with any colour vision can tell apart (Okabe and Ito), and dashes besides. */
extern const char *const plot_colours[PLOT_SERIES_MOST];
