#include "report/sweep_plan.h"

struct sweep_plan *
sweep_plan_parse(const char *text)
{
    struct sweep_plan *p = g_new0(struct sweep_plan, 1);

    p->rows = csv_parse(text);
    guint columns = p->rows->len > 0 ? g_strv_length(g_ptr_array_index(p->rows, 0)) : 0;
    bool fine = columns >= PLAN_PARAM + 3 && strcmp(sweep_plan_header(p)[PLAN_KEY], "key") == 0 &&
                strcmp(sweep_plan_header(p)[columns - 1], "baseline") == 0;
    for (guint i = 1; fine && i < p->rows->len; i++)
        fine = g_strv_length(g_ptr_array_index(p->rows, i)) == columns;
    if (!fine) {
        sweep_plan_free(p);
        return NULL;
    }
    p->nr = p->rows->len - 1;
    p->nr_params = columns - PLAN_PARAM - 3;
    return p;
}

void
sweep_plan_free(struct sweep_plan *p)
{
    if (p == NULL)
        return;
    g_ptr_array_unref(p->rows);
    g_free(p);
}

bool
sweep_plan_same_cell(const struct sweep_plan *p, guint a, guint b)
{
    GStrv x = sweep_plan_row(p, a), y = sweep_plan_row(p, b);

    for (guint i = PLAN_TOPOLOGY; i < PLAN_PARAM + p->nr_params; i++)
        if (strcmp(x[i], y[i]) != 0)
            return false;
    return true;
}
