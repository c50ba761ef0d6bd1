/*
 * Running gnuplot. It is a program that may be missing: results are complete without pictures, so
 * whoever draws after a run ignores the error, and `numasim plot` reports it.
 */
#include "cli/plot_run.h"

#include "report/plot.h"

const char *const plot_format_names[PLOT_FORMAT_NR + 1] = { "svg", "png", "pdf", "text", NULL };

/* What a script is told; svg is its own default. */
static const char *const settings[PLOT_FORMAT_NR] = {
    [PLOT_SVG] = NULL,
    [PLOT_PNG] = "term='pngcairo size 1000,640 font \"sans,12\"'; ext='png'",
    [PLOT_PDF] = "term='pdfcairo size 25cm,16cm font \"sans,12\"'; ext='pdf'",
    [PLOT_TEXT] = "term='dumb size 100,30 noenhanced'; ext=''",
};

static bool
draw(const char *plots, const char *name, enum plot_format format, GString *text, GError **error)
{
    g_autofree char *script = g_strdup_printf("%s.gp", name);
    g_autofree char *out = NULL, *err = NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    int status;

    g_ptr_array_add(argv, g_strdup("gnuplot"));
    if (settings[format] != NULL) {
        g_ptr_array_add(argv, g_strdup("-e"));
        g_ptr_array_add(argv, g_strdup(settings[format]));
    }
    g_ptr_array_add(argv, g_strdup(script));
    g_ptr_array_add(argv, NULL);
    if (!g_spawn_sync(plots, (char **)argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out,
                      &err, &status, error))
        return false;
    if (!g_spawn_check_wait_status(status, NULL)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "gnuplot could not draw %s: %s",
                    script, err);
        return false;
    }
    if (text != NULL)
        g_string_append(text, out);
    return true;
}

bool
plot_folder_text(const char *dir, enum plot_format format, GString *text, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *plots = g_build_filename(dir, "plots", NULL);

    if (!plot_write(dir, names, error))
        return false;
    for (guint i = 0; i < names->len; i++)
        if (!draw(plots, g_ptr_array_index(names, i), format, text, error))
            return false;
    return true;
}
