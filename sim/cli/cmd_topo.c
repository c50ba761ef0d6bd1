/* numasim topo: machines, and what the kernel would make of them. */
#include "base/field.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/topo.h"
#include "config/load.h"
#include "kernel/domains.h"
#include "report/topo_dot.h"
#include "report/topo_hwloc.h"
#include "report/topo_json.h"
#include "report/topo_svg.h"

struct topo {
    struct arena *arena;
    const struct machine *machine;
    gboolean json;
    char *format, *output;
};

static int export(const struct topo *t);

struct machine *
topo_load(const char *name, struct arena *a, bool notes)
{
    struct diag d;

    inputs_diag_init(&d);
    struct machine *m = name != NULL ? load_machine(name, a, &d) : load_this_machine(a, &d);
    g_autofree char *text = diag_text(&d);
    g_printerr("%s", text);
    for (guint i = 0; notes && i < d.notes->len; i++)
        g_printerr("note: %s\n", (const char *)g_ptr_array_index(d.notes, i));
    diag_clear(&d);
    return m;
}

static int
print(const GString *s)
{
    return cli_print(s->str) ? EXIT_DONE : EXIT_OUTPUT;
}

static int
list(void)
{
    g_auto(GStrv) names = shipped_names(data_dir(), "topologies");
    g_autoptr(GString) s = g_string_new(NULL);

    for (guint i = 0; names[i] != NULL; i++) {
        struct arena *a = arena_new();
        const struct machine *m = topo_load(names[i], a, false);
        if (m != NULL)
            g_string_append_printf(s, "%-26s %5u CPUs %3u nodes  %s\n", names[i],
                                   cpumask_weight(m->online), m->nr_nodes,
                                   m->title != NULL ? m->title : "");
        arena_free(a);
    }
    return print(s);
}

/* ---- show ---- */

/* A line for the CPUs of each speed, where there are several. */
static void
add_capacities(GString *s, const struct topo *t)
{
    const struct machine *m = t->machine;
    struct cpumask *alike = cpumask_new(t->arena, m->nr_cpus);

    for (uint32_t capacity = 1; capacity <= 1024; capacity++) {
        cpumask_zero(alike);
        for_each_cpu (cpu, m->present)
            if (m->cpus[cpu].capacity == capacity)
                cpumask_set(alike, (uint32_t)cpu);
        if (!cpumask_empty(alike) && !cpumask_equal(alike, m->present))
            g_string_append_printf(s, "  capacity %u: CPUs %s\n", capacity,
                                   cpumask_text(t->arena, alike));
    }
}

static void
add_cpus(GString *s, const struct topo *t)
{
    const struct machine *m = t->machine;
    struct cpumask *offline = cpumask_new(t->arena, m->nr_cpus);

    cpumask_andnot(offline, m->present, m->online);
    if (!cpumask_empty(offline))
        g_string_append_printf(s, "  offline: CPUs %s\n", cpumask_text(t->arena, offline));
    if (!cpumask_empty(m->isolated))
        g_string_append_printf(s, "  isolated: CPUs %s\n", cpumask_text(t->arena, m->isolated));
    add_capacities(s, t);
}

static void
add_nodes(GString *s, const struct topo *t)
{
    const struct machine *m = t->machine;

    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        const struct machine_node *n = &m->nodes[i];
        g_string_append_printf(
            s, "  node %u: %s %s, %s%s", n->os_index,
            format_quantity(FIELD_SIZE, n->mem_bytes, t->arena), memory_kind_names[n->kind],
            cpumask_empty(n->cpus) ? "no CPUs" : "CPUs ", cpumask_text(t->arena, n->cpus));
        if (n->bandwidth > 0)
            g_string_append_printf(s, ", %s",
                                   format_quantity(FIELD_BANDWIDTH, n->bandwidth, t->arena));
        g_string_append(s, n->online ? "\n" : ", offline\n");
    }
}

/* A table by node; row = node of the CPU. */
static void
add_matrix(GString *s, const struct machine *m, const char *title,
           double (*value)(const struct machine *, uint32_t, uint32_t), const char *format)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append_printf(s, "\n%s\n       ", title);
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        g_string_append_printf(s, "%8u", m->nodes[i].os_index);
    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        g_string_append_printf(s, "\n%6u:", m->nodes[i].os_index);
        for (uint32_t j = 0; j < m->nr_nodes; j++)
            g_string_append_printf(s, "%8s",
                                   g_ascii_formatd(text, sizeof(text), format, value(m, i, j)));
    }
    g_string_append_c(s, '\n');
}

static double
distance_of(const struct machine *m, uint32_t i, uint32_t j)
{
    return machine_distance(m, i, j);
}

static double
latency_of(const struct machine *m, uint32_t i, uint32_t j)
{
    return machine_latency_ps(m, i, j) / 1e3;
}

static void
add_links(GString *s, const struct topo *t)
{
    const struct machine *m = t->machine;

    for (uint32_t i = 0; i < m->nr_links; i++)
        g_string_append_printf(s, "%s  %s: node %u to node %u, %s\n", i == 0 ? "\nlinks\n" : "",
                               m->links[i].name, m->nodes[m->links[i].from].os_index,
                               m->nodes[m->links[i].to].os_index,
                               format_quantity(FIELD_BANDWIDTH, m->links[i].bandwidth, t->arena));
}

static void
add_devices(GString *s, const struct topo *t)
{
    const struct machine *m = t->machine;

    for (uint32_t i = 0; i < m->nr_devices; i++) {
        const struct machine_device *d = &m->devices[i];

        g_string_append_printf(
            s, "%s  %s: %s on node %u, %s, %u at once", i == 0 ? "\ndevices\n" : "", d->name,
            device_kind_names[d->kind], m->nodes[d->node].os_index,
            format_quantity(FIELD_BANDWIDTH, d->bandwidth, t->arena), d->parallel);
        if (d->latency > 0)
            g_string_append_printf(s, ", %s", format_quantity(FIELD_TIME, d->latency, t->arena));
        if (d->mem_bytes > 0)
            g_string_append_printf(s, ", %s of memory",
                                   format_quantity(FIELD_SIZE, d->mem_bytes, t->arena));
        g_string_append_printf(s, ", interrupts %s\n",
                               d->irq_cpus == NULL || cpumask_empty(d->irq_cpus)
                                   ? "its node"
                                   : cpumask_text(t->arena, d->irq_cpus));
    }
}

static int
show(const struct topo *t)
{
    const struct machine *m = t->machine;
    g_autoptr(GString) s = g_string_new(NULL);

    if (t->format != NULL && strcmp(t->format, "text") != 0)
        return export(t);
    g_string_append_printf(s, "%s: %s\n", m->name, m->title != NULL ? m->title : "");
    g_string_append_printf(s, "  %u packages, %u LLCs, %u cores, %u CPUs online (%s), vendor %s\n",
                           m->nr_packages, m->nr_llcs, m->nr_cores, cpumask_weight(m->online),
                           cpumask_text(t->arena, m->online), machine_vendor_names[m->vendor]);
    add_cpus(s, t);
    add_nodes(s, t);
    add_matrix(s, m, "distances (SLIT)", distance_of, "%.0f");
    add_matrix(s, m, "idle latency, ns (row: node of the CPU)", latency_of, "%.1f");
    add_links(s, t);
    add_devices(s, t);
    for (uint32_t i = 0; i < m->nr_notes; i++)
        g_string_append_printf(s, "%s  %s\n", i == 0 ? "\nsources\n" : "", m->notes[i]);
    return print(s);
}

/* ---- domains ---- */

static void
add_flags(GString *s, uint32_t flags)
{
    for (guint i = 0; i < SD_FLAG_NR; i++)
        if (flags >> i & 1)
            g_string_append_printf(s, " %s", sd_flag_names[i]);
    g_string_append_c(s, '\n');
}

static void
add_tree(GString *s, const struct topo *t, const struct domains *d, int cpu)
{
    for_each_domain (sd, d->cpus[cpu].sd) {
        g_string_append_printf(s, "  %-5s %s\n       groups", sd->name,
                               cpumask_text(t->arena, sd->span));
        for_each_group(sg, sd->groups)
            g_string_append_printf(s, " {%s}", cpumask_text(t->arena, sg->span));
        g_string_append(s, "\n       flags");
        add_flags(s, sd->flags);
    }
}

static bool
same_tree(const struct domains *d, int a, int b)
{
    const struct sched_domain *x = d->cpus[a].sd, *y = d->cpus[b].sd;

    for (; x != NULL && y != NULL; x = x->parent, y = y->parent)
        if (!cpumask_equal(x->span, y->span) || strcmp(x->name, y->name) != 0 ||
            x->flags != y->flags)
            return false;
    return x == y;
}

/* CPUs in a row with the same domains are said once. */
static void
add_trees(GString *s, const struct topo *t, const struct domains *d)
{
    int last = -1;

    for_each_cpu (cpu, t->machine->online) {
        if (last >= 0 && same_tree(d, last, cpu))
            continue;
        g_string_append_printf(s, "from CPU %d\n", cpu);
        add_tree(s, t, d, cpu);
        last = cpu;
    }
}

static int
domains(const struct topo *t)
{
    const struct domains *d = domains_build(t->arena, t->machine);
    g_autoptr(GString) s = g_string_new(NULL);

    if (t->json) {
        GString *json = topo_domains_json(t->machine, d);
        int code = print(json);
        g_string_free(json, TRUE);
        return code;
    }
    g_string_append_printf(s, "%s: %s\n", t->machine->name,
                           numa_topology_type_names[d->topology_type]);
    for (uint32_t i = 0; i < d->nr_messages; i++)
        g_string_append_printf(s, "kernel: %s\n", d->messages[i]);
    if (!d->refused)
        add_trees(s, t, d);
    return print(s);
}

/* ---- check, import ---- */

/* Says what was assumed; a machine that the kernel would not take is no good input. */
static int
check(const struct topo *t)
{
    const struct domains *d = domains_build(t->arena, t->machine);

    for (uint32_t i = 0; i < t->machine->nr_notes; i++)
        g_printerr("note: %s\n", t->machine->notes[i]);
    for (uint32_t i = 0; i < d->nr_messages; i++)
        g_printerr("kernel: %s\n", d->messages[i]);
    return d->refused
               ? cli_fail(EXIT_INPUT, "%s: the kernel would build no domains", t->machine->name)
               : EXIT_DONE;
}

/* ---- export; import and capture are exports to YAML ---- */

static void
yaml(const struct machine *m, GString *out)
{
    topology_yaml_write(m, out);
}

static const struct {
    const char *name;
    void (*write)(const struct machine *m, GString *out);
} formats[] = {
    { "yaml", yaml },
    { "hwloc", topo_hwloc_xml },
    { "dot", topo_dot },
    { "svg", topo_svg },
};

int
topo_write(const char *path, const GString *s)
{
    g_autoptr(GError) error = NULL;

    if (path == NULL || strcmp(path, "-") == 0)
        return print(s);
    if (!g_file_set_contents(path, s->str, (gssize)s->len, &error))
        return cli_fail(EXIT_OUTPUT, "%s", error->message);
    return EXIT_DONE;
}

static int export(const struct topo *t)
{
    const char *format = t->format != NULL ? t->format : "yaml";
    g_autoptr(GString) s = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(formats); i++)
        if (strcmp(formats[i].name, format) == 0) {
            formats[i].write(t->machine, s);
            return topo_write(t->output, s);
        }
    return cli_fail(EXIT_USAGE, "there is no format '%s'; known: yaml, hwloc, dot, svg", format);
}

static const struct {
    const char *name;
    int (*run)(const struct topo *t);
} actions[] = {
    { "show", show },     { "domains", domains }, { "check", check },
    { "import", export }, { "export", export },
};

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} with_options[] = {
    { "mlc", topo_mlc },
    { "calibrate", topo_calibrate },
};

static int
act(const struct command *c, struct topo *t, GStrv rest)
{
    guint nr = g_strv_length(rest);

    if (nr == 1 && strcmp(rest[0], "list") == 0)
        return list();
    if (nr == 1 && strcmp(rest[0], "capture") == 0) {
        t->machine = topo_load(NULL, t->arena, true);
        return t->machine != NULL ? export(t) : EXIT_INPUT;
    }
    for (guint i = 0; nr == 2 && i < G_N_ELEMENTS(actions); i++) {
        if (strcmp(actions[i].name, rest[0]) != 0)
            continue;
        t->machine = topo_load(rest[1], t->arena, true);
        return t->machine != NULL ? actions[i].run(t) : EXIT_INPUT;
    }
    return cli_usage(c, "write list, show T, domains T, check T, import FILE, capture, export T, "
                        "mlc T or calibrate FILE");
}

int
cmd_topo(const struct command *c, int argc, char **argv)
{
    struct topo t = { 0 };
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &t.json,
          "domains: in the form that kernels are compared in, key by key", NULL },
        { "format", 0, 0, G_OPTION_ARG_STRING, &t.format,
          "export, show: yaml, hwloc (XML that lstopo reads), dot (Graphviz) or svg", "FORMAT" },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &t.output, "write to FILE", "FILE" },
        { .long_name = NULL },
    };
    const GOptionEntry *tables[] = { entries, NULL };
    g_auto(GStrv) rest = NULL;
    int code;

    for (guint i = 0; argc > 1 && i < G_N_ELEMENTS(with_options); i++)
        if (strcmp(with_options[i].name, argv[1]) == 0)
            return with_options[i].run(argc - 1, argv + 1);
    if (!cli_parse(c, tables, argc, argv, &rest, &code))
        return code;
    t.arena = arena_new();
    code = act(c, &t, rest);
    arena_free(t.arena);
    g_free(t.format);
    g_free(t.output);
    return code;
}
