/*
 * Pictures of a result: data files and gnuplot scripts in DIR/plots, made from the CSV files of a
 * run or a comparison. A script can be run by hand there, changed, and run again.
 */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

/*
 * Writes the percentile files of a run (hgrm.h), and DIR/plots/NAME.dat and NAME.gp and adds the
 * names to `names` (char *, in order). A script draws NAME.svg; with `-e "term='...'; ext='...'"`
 * something else, and with ext='' to stdout.
 */
bool plot_write(const char *dir, GPtrArray *names, GError **error);
