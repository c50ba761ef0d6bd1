/*
 * The table of lscpu: columns in any order and number, as the user asked for them. A cell of caches
 * ("0:0:0:0") is as many cells as the header has names in that place.
 */
#include "config/import_lscpu.h"

enum { ID_MOST = 1 << 20, CELLS_MOST = 64 };

static bool
take_id(int32_t *to, const char *cell)
{
    gint64 value;

    if (*cell == '\0' || g_str_equal(cell, "-"))
        return true;
    if (!g_ascii_string_to_signed(cell, 10, 0, ID_MOST, &value, NULL))
        return false;
    *to = (int32_t)value;
    return true;
}

/* "3900.0000" */
static bool
take_mhz(int32_t *to, const char *cell)
{
    double value = g_ascii_strtod(cell, NULL);

    *to = value >= 1 && value < ID_MOST ? (int32_t)value : 0;
    return true;
}

static bool
take_online(bool *offline, const char *cell)
{
    *offline = g_ascii_strcasecmp(cell, "no") == 0 || g_ascii_strcasecmp(cell, "n") == 0 ||
               g_ascii_strcasecmp(cell, "false") == 0;
    return true;
}

/* "L2" is 2, "L1d" 1, "L1i" and all else 0. */
static int
cache_level(const char *column)
{
    bool named = (column[0] == 'L' || column[0] == 'l') && g_ascii_isdigit(column[1]);

    if (!named || (column[2] != '\0' && g_ascii_strcasecmp(column + 2, "d") != 0))
        return 0;
    return column[1] - '0' < LSCPU_LEVELS ? column[1] - '0' : 0;
}

static bool
take_cell(struct lscpu_row *r, const char *column, const char *cell)
{
    const struct {
        const char *name;
        int32_t *id;
    } ids[] = { { "CPU", &r->cpu },
                { "CORE", &r->core },
                { "SOCKET", &r->socket },
                { "CLUSTER", &r->cluster },
                { "NODE", &r->node } };
    int level = cache_level(column);

    for (gsize i = 0; i < ARRAY_LEN(ids); i++)
        if (g_ascii_strcasecmp(column, ids[i].name) == 0)
            return take_id(ids[i].id, cell);
    if (level > 0)
        return take_id(&r->cache[level], cell);
    if (g_ascii_strcasecmp(column, "ONLINE") == 0)
        return take_online(&r->offline, cell);
    return g_ascii_strcasecmp(column, "MAXMHZ") != 0 || take_mhz(&r->max_mhz, cell);
}

void
lscpu_take_header(struct lscpu *l, char **cells)
{
    if (l->columns == NULL)
        l->columns = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_set_size(l->columns, 0);
    for (; *cells != NULL && l->columns->len < CELLS_MOST; cells++)
        g_ptr_array_add(l->columns, g_strdup(*cells));
}

/* "CACHE" heads a cell whose parts have no names: L1d, L1i, and then level by level. */
static bool
take_caches(struct lscpu_row *r, const char *column, const char *cell)
{
    static const char *const usual = "L1d:L1i:L2:L3";
    bool unnamed = g_ascii_strcasecmp(column, "CACHE") == 0;
    g_auto(GStrv) names = g_strsplit(unnamed ? usual : column, ":", LSCPU_LEVELS + 2);
    g_auto(GStrv) ids = g_strsplit(cell, ":", LSCPU_LEVELS + 2);

    if (*cell == '\0' || g_str_equal(cell, "-"))
        return true;
    if (!unnamed && g_strv_length(names) != g_strv_length(ids))
        return false;
    for (guint i = 0; ids[i] != NULL && names[i] != NULL; i++)
        if (!take_cell(r, names[i], ids[i]))
            return false;
    return true;
}

bool
lscpu_take_row(struct lscpu *l, char **cells)
{
    struct lscpu_row r = { .cpu = -1, .core = -1, .socket = -1, .cluster = -1, .node = -1 };

    for (int i = 0; i < LSCPU_LEVELS; i++)
        r.cache[i] = -1;
    for (guint i = 0; i < l->columns->len; i++) {
        const char *column = g_ptr_array_index(l->columns, i);
        bool is_caches = strchr(column, ':') != NULL || g_ascii_strcasecmp(column, "CACHE") == 0;

        if (cells[i] == NULL)
            return false;
        if (!(is_caches ? take_caches : take_cell)(&r, column, cells[i]))
            return false;
    }
    if (cells[l->columns->len] != NULL || r.cpu < 0)
        return false;
    g_array_append_val(l->rows, r);
    return true;
}
