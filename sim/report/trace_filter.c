#include "report/trace_filter.h"

#include "base/field.h"

enum { USUAL_LIMIT = 5000000 }; /* some 400 MB of JSON: more than a browser likes */

static bool
set_time(const char *text, sim_time *at, GError **error)
{
    char why[256];

    if (parse_quantity(FIELD_TIME, text, at, why, sizeof(why)))
        return true;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--trace-filter: %s", why);
    return false;
}

static void
add_list(char **list, const char *more)
{
    char *both = *list != NULL ? g_strconcat(*list, ",", more, NULL) : g_strdup(more);

    g_free(*list);
    *list = both;
}

static bool
set_limit(struct trace_filter *f, const char *text, GError **error)
{
    if (g_ascii_string_to_unsigned(text, 10, 1, UINT64_MAX / 2, &f->limit, NULL))
        return true;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--trace-filter: limit: '%s' is not a number of events", text);
    return false;
}

static bool
set_key(struct trace_filter *f, const char *key, const char *value, GError **error)
{
    if (strcmp(key, "task") == 0) {
        g_ptr_array_add(f->tasks, g_pattern_spec_new(value));
        return true;
    }
    if (strcmp(key, "cpu") == 0 || strcmp(key, "node") == 0) {
        add_list(*key == 'c' ? &f->cpus : &f->nodes, value);
        return true;
    }
    if (strcmp(key, "from") == 0)
        return set_time(value, &f->from, error);
    if (strcmp(key, "to") == 0)
        return set_time(value, &f->to, error);
    if (strcmp(key, "limit") == 0)
        return set_limit(f, value, error);
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--trace-filter: unknown key '%s'; known keys: task, cpu, node, from, to, limit",
                key);
    return false;
}

/* A piece without '=' goes on with the key before it: cpu=0-3,8 is one list. */
bool
trace_filter_parse(struct trace_filter *f, const char *text, GError **error)
{
    *f = (struct trace_filter){ .tasks = g_ptr_array_new_with_free_func(
                                    (GDestroyNotify)g_pattern_spec_free),
                                .to = SIM_NEVER,
                                .limit = USUAL_LIMIT };
    g_auto(GStrv) pieces = g_strsplit(text != NULL ? text : "", ",", -1);
    g_autofree char *key = NULL;

    for (guint i = 0; pieces[i] != NULL; i++) {
        const char *equals = strchr(pieces[i], '=');
        if (equals != NULL) {
            g_free(key);
            key = g_strndup(pieces[i], (gsize)(equals - pieces[i]));
        }
        if (key == NULL || *pieces[i] == '\0') {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "--trace-filter: '%s' is not KEY=VALUE, as in task=hog*", pieces[i]);
            return false;
        }
        if (!set_key(f, key, equals != NULL ? equals + 1 : pieces[i], error))
            return false;
    }
    if (f->from < f->to)
        return true;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--trace-filter: 'to' is not later than 'from'");
    return false;
}

static bool
bad_list(const char *key, const char *list, GError **error)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--trace-filter: %s=%s: not a list of numbers of this machine, as in 0-3,8", key,
                list);
    return false;
}

/* CPUs of the listed nodes; nodes are named as the machine names them. */
static bool
bind_nodes(struct trace_filter *f, const struct machine *m, struct cpumask *named, GError **error)
{
    const char *bad;

    if (!cpumask_parse(named, f->nodes, &bad))
        return bad_list("node", f->nodes, error);
    for_each_cpu (number, named) {
        uint32_t n = 0;
        while (n < m->nr_nodes && m->nodes[n].os_index != (uint32_t)number)
            n++;
        if (n == m->nr_nodes)
            return bad_list("node", f->nodes, error);
    }
    for (uint32_t cpu = 0; cpu < m->nr_cpus; cpu++) {
        int32_t node = m->cpus[cpu].node;
        f->cpu[cpu] &= m->cpus[cpu].present && cpumask_test(named, m->nodes[node].os_index);
    }
    return true;
}

bool
trace_filter_bind(struct trace_filter *f, const struct machine *m, GError **error)
{
    struct arena *a = arena_new();
    uint32_t top = 0;
    bool fine = true;
    const char *bad;

    for (uint32_t n = 0; n < m->nr_nodes; n++)
        top = SIM_MAX(top, m->nodes[n].os_index);
    struct cpumask *cpus = cpumask_new(a, m->nr_cpus), *nodes = cpumask_new(a, top + 1);
    f->cpu = g_new0(bool, m->nr_cpus);
    if (f->cpus != NULL && !cpumask_parse(cpus, f->cpus, &bad))
        fine = bad_list("cpu", f->cpus, error);
    for (uint32_t cpu = 0; cpu < m->nr_cpus; cpu++)
        f->cpu[cpu] = f->cpus == NULL || cpumask_test(cpus, cpu);
    if (fine && f->nodes != NULL)
        fine = bind_nodes(f, m, nodes, error);
    arena_free(a);
    return fine;
}

void
trace_filter_clear(struct trace_filter *f)
{
    if (f->tasks != NULL)
        g_ptr_array_free(f->tasks, TRUE);
    g_free(f->cpus);
    g_free(f->nodes);
    g_free(f->cpu);
    *f = (struct trace_filter){ 0 };
}

bool
trace_filter_task(const struct trace_filter *f, const struct task *p)
{
    for (guint i = 0; i < f->tasks->len; i++)
        if (g_pattern_spec_match_string(g_ptr_array_index(f->tasks, i), p->name))
            return true;
    return f->tasks->len == 0;
}
