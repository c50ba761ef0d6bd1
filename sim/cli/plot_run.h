/* Pictures by gnuplot, from scripts and data that stay beside the results. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

enum plot_format { PLOT_SVG, PLOT_PNG, PLOT_PDF, PLOT_TEXT, PLOT_FORMAT_NR };
extern const char *const plot_format_names[PLOT_FORMAT_NR + 1];

/*
 * Draws what a folder of `run` or `compare` holds into its plots/. PLOT_TEXT is for the terminal:
 * the pictures are appended to *text. False with an error; no gnuplot is one of its own,
 * G_SPAWN_ERROR_NOENT.
 */
bool plot_folder_text(const char *dir, enum plot_format format, GString *text, GError **error);
static inline bool
plot_folder(const char *dir, enum plot_format format, GError **error)
{
    return plot_folder_text(dir, format, NULL, error);
}
