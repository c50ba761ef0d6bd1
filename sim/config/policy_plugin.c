/*
 * C plugins. All symbols are resolved at once, so that a call that this program does not have is
 * found here and not in the middle of a run.
 */
#include <gmodule.h>

#include "config/policy_table.h"

static GModule *
open_module(const char *path, struct diag *d)
{
    /* without a slash the dynamic linker would look in its own folders */
    g_autofree char *full = g_canonicalize_filename(path, NULL);

    if (!g_file_test(full, G_FILE_TEST_IS_REGULAR)) {
        diag_error(d, path, 0, 0, NULL, "there is no such file");
        return NULL;
    }
    GModule *m = g_module_open(full, G_MODULE_BIND_LOCAL);
    if (m == NULL) {
        const char *why = g_module_error();
        /* the message begins with the path, which is ours to say */
        const char *rest = g_str_has_prefix(why, full) ? why + strlen(full) : why;
        diag_error(d, path, 0, 0, NULL, "cannot be loaded: %s", rest + strspn(rest, ": "));
    }
    return m;
}

const struct sched_ops *
policy_plugin_load(const char *path, struct arena *a, struct diag *d)
{
    GModule *m = open_module(path, d);
    gpointer symbol;

    if (m == NULL)
        return NULL;
    if (!g_module_symbol(m, "numasim_policy", &symbol) || symbol == NULL) {
        diag_error(d, path, 0, 0, NULL,
                   "has no symbol 'numasim_policy'; write `const struct sched_ops numasim_policy = "
                   "{...}`");
        g_module_close(m);
        return NULL;
    }
    if (!policy_table_check(symbol, path, a, d)) {
        g_module_close(m);
        return NULL;
    }
    g_module_make_resident(m);
    return symbol;
}
