/*
 * Common options.
 *
 * Everything that can be wrong with the inputs is looked at before anything runs or is created, and
 * all of it is said in one go: a missing unit in --until and a bad key in the workload are two
 * lines of the same answer.
 */
#include "cli/options.h"

#include "config/load.h"
#include "config/policy_yaml.h"
#include "config/workload_yaml.h"
#include "report/decisions.h"

void
options_clear(struct options *o)
{
    char *texts[] = { o->topology, o->workload, o->policy,    o->seed_text,     o->until,
                      o->warmup,   o->out,      o->decisions, o->force_decision };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_strfreev(o->set);
    *o = (struct options){ 0 };
}

void
options_entries(struct options *o, GOptionEntry entries[OPTION_ENTRIES_MAX])
{
    const GOptionEntry all[] = {
        { "topology", 't', 0, G_OPTION_ARG_STRING, &o->topology,
          "a shipped machine, a file (YAML, hwloc XML, numactl listing), or hwloc:\"...\"",
          "TOPOLOGY" },
        { "workload", 'w', 0, G_OPTION_ARG_STRING, &o->workload, "a shipped workload or a file",
          "WORKLOAD" },
        { "policy", 'p', 0, G_OPTION_ARG_STRING, &o->policy,
          "a preset or a file; compare takes several: A,B,C or all", "POLICY" },
        { "seed", 0, 0, G_OPTION_ARG_STRING, &o->seed_text, "of all chance in the run (default 1)",
          "N" },
        { "until", 0, 0, G_OPTION_ARG_STRING, &o->until,
          "end of the run in simulated time, as in 10s", "TIME" },
        { "warmup", 0, 0, G_OPTION_ARG_STRING, &o->warmup, "what is earlier counts in no metric",
          "TIME" },
        { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->set,
          "a parameter: of the kernel (numasim policy show), workload.X, memory.model,"
          " report.sample_interval",
          "KEY=VALUE" },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->out, "folder of the results", "DIR" },
        { "force", 0, 0, G_OPTION_ARG_NONE, &o->force, "write into a folder that exists", NULL },
        { "decisions", 0, 0, G_OPTION_ARG_STRING, &o->decisions,
          "record decisions, all or of some kinds: --decisions=wake,hint_fault", "[KIND,...]" },
        { "force-decision", 0, 0, G_OPTION_ARG_STRING, &o->force_decision,
          "replay a run with one decision changed", "SEQ=CHOICE" },
        { "check", 0, 0, G_OPTION_ARG_NONE, &o->check, "verify all invariants after every event",
          NULL },
        { "no-plot", 0, 0, G_OPTION_ARG_NONE, &o->no_plot, "no pictures", NULL },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &o->quiet, "errors only", NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &o->verbose, "say what was assumed", NULL },
        { .long_name = NULL },
    };
    G_STATIC_ASSERT(G_N_ELEMENTS(all) <= OPTION_ENTRIES_MAX);
    memcpy(entries, all, sizeof(all));
}

const char *
data_dir(void)
{
    const char *dir = g_getenv("NUMASIM_DATA");

    return dir != NULL && *dir != '\0' ? dir : NUMASIM_DATA_DIR;
}

void
inputs_diag_init(struct diag *d)
{
    diag_init(d);
    d->data_dir = data_dir();
}

void
inputs_init(struct inputs *in)
{
    *in = (struct inputs){ .arena = arena_new() };
    in->run.spec.seed = 1;
    in->run.spec.until = SIM_NEVER;
    in->policies = g_array_new(FALSE, TRUE, sizeof(struct policy_spec));
    inputs_diag_init(&in->diag);
}

void
inputs_clear(struct inputs *in)
{
    diag_clear(&in->diag);
    g_array_unref(in->policies);
    arena_free(in->arena);
}

char *
name_for_folder(const char *name)
{
    char *copy = g_strdup(name);

    g_strcanon(copy, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-", '_');
    return copy;
}

/* ---- single values ---- */

static void
read_quantity(struct inputs *in, const char *option, enum field_type type, const char *text,
              uint64_t *value)
{
    char why[256];

    if (text != NULL && !parse_quantity(type, text, value, why, sizeof(why)))
        diag_error(&in->diag, NULL, 0, 0, option, "%s", why);
}

static void
read_force_decision(struct inputs *in, const char *text)
{
    guint64 seq;
    gint64 choice;

    if (text == NULL)
        return;
    g_auto(GStrv) parts = g_strsplit(text, "=", 2);
    if (parts[0] == NULL || parts[1] == NULL ||
        !g_ascii_string_to_unsigned(parts[0], 10, 1, G_MAXUINT64, &seq, NULL) ||
        !g_ascii_string_to_signed(parts[1], 10, G_MININT64, G_MAXINT64, &choice, NULL)) {
        g_autofree char *shown = diag_excerpt(text);
        diag_error(&in->diag, NULL, 0, 0, "--force-decision",
                   "'%s' is not a decision; write its number and the choice, as in 1234=5", shown);
        return;
    }
    in->run.spec.force_seq = seq;
    in->run.spec.force_choice = choice;
}

static void
read_decisions(struct inputs *in, const char *kinds)
{
    g_autofree char *bad = NULL;

    if (kinds == NULL || decisions_parse(kinds, &in->run.decisions, &bad))
        return;
    g_autofree char *shown = diag_excerpt(bad);
    g_autofree char *hint = did_you_mean(bad, decision_kind_names);
    diag_error(&in->diag, NULL, 0, 0, "--decisions", "there is no kind '%s'%s", shown, hint);
}

/* ---- --set ---- */

static const struct field report_fields[] = {
    FIELD_NAMED(FIELD_TIME, "report.sample_interval", struct resolved, sample_interval,
                .max = "1000s",
                .doc = "time between the samples of timeseries.csv; 0ns: some hundreds a run"),
    FIELD_END,
};

static void
set_report(struct inputs *in, const char *option, const char *key, const char *value)
{
    const struct field *f = fields_find(report_fields, key);
    char why[256];

    if (f == NULL)
        diag_error(&in->diag, NULL, 0, 0, option,
                   "there is no parameter '%s'; known: report.sample_interval", key);
    else if (!field_set(f, &in->run, value, in->arena, why, sizeof(why)))
        diag_error(&in->diag, NULL, 0, 0, option, "%s", why);
}

static void
set_policies(struct inputs *in, const char *option, const char *key, const char *value)
{
    for (guint i = 0; i < in->policies->len; i++) {
        g_autofree char *why = NULL;
        if (!policy_set(&g_array_index(in->policies, struct policy_spec, i), key, value, in->arena,
                        &why)) {
            diag_error(&in->diag, NULL, 0, 0, option, "%s", why);
            return;
        }
    }
}

static void
apply_set(struct inputs *in, const char *setting, bool resolved)
{
    const char *equals = strchr(setting, '=');
    g_autofree char *key = g_strndup(setting, (gsize)(equals - setting));
    g_autofree char *option = g_strdup_printf("--set %s", key);

    if (g_str_has_prefix(key, "workload.") && resolved)
        diag_error(&in->diag, NULL, 0, 0, option, "the workload of a resolved run is as it was");
    if (g_str_has_prefix(key, "workload."))
        return; /* given to the loader of the workload */
    if (g_str_has_prefix(key, "report."))
        set_report(in, option, key, equals + 1);
    else
        set_policies(in, option, key, equals + 1);
}

/* ---- the parts ---- */

static void
load_policies(struct inputs *in, const char *const *policies)
{
    for (; *policies != NULL; policies++) {
        struct policy_spec p = { 0 };
        if (load_policy(*policies, in->arena, &p, &in->diag))
            g_array_append_val(in->policies, p);
    }
}

/* The settings "X=VALUE" of all "--set workload.X=VALUE". */
static GStrv
workload_settings(const struct options *o)
{
    g_autoptr(GPtrArray) settings = g_ptr_array_new();

    for (guint i = 0; o->set != NULL && o->set[i] != NULL; i++)
        if (g_str_has_prefix(o->set[i], "workload."))
            g_ptr_array_add(settings, g_strdup(o->set[i] + strlen("workload.")));
    g_ptr_array_add(settings, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&settings), FALSE);
}

static void
load_parts(struct inputs *in, const struct options *o, const char *const *policies)
{
    g_auto(GStrv) settings = workload_settings(o);

    in->run.spec.machine = load_machine(o->topology, in->arena, &in->diag);
    in->run.spec.workload =
        load_workload(o->workload, (const char *const *)settings, in->arena, &in->diag);
    load_policies(in, policies);
}

static void
load_resolved(struct inputs *in, const char *path)
{
    if (resolved_load(path, in->arena, &in->run, &in->diag))
        g_array_append_val(in->policies, in->run.spec.policy);
}

static void
check_end(struct inputs *in)
{
    const struct run_spec *spec = &in->run.spec;

    if (spec->workload != NULL && spec->until == SIM_NEVER && workload_endless(spec->workload))
        diag_error(&in->diag, NULL, 0, 0, NULL,
                   "the workload %s never ends by itself; write how long to run, as in --until 10s",
                   spec->workload->name);
    if (spec->until == 0)
        diag_error(&in->diag, NULL, 0, 0, "--until", "a run of no length; write a time, as in 10s");
    if (spec->warmup > 0 && spec->warmup >= spec->until)
        diag_error(&in->diag, NULL, 0, 0, "--warmup", "the run ends before the warm-up does");
}

static const char *
misfit(const struct inputs *in, guint index)
{
    const struct policy_spec *p = &g_array_index(in->policies, struct policy_spec, index);

    return p->placement->fits != NULL ? p->placement->fits(in->run.spec.machine) : NULL;
}

static void
check_policies(struct inputs *in)
{
    if (in->run.spec.machine == NULL)
        return;
    for (guint i = in->policies->len; i-- > 0;) {
        const char *why = misfit(in, i);
        if (why != NULL && in->skip_unfit && in->policies->len > 1)
            g_array_remove_index(in->policies, i);
        else if (why != NULL)
            diag_error(&in->diag, NULL, 0, 0, NULL, "the policy %s does not fit %s: %s",
                       g_array_index(in->policies, struct policy_spec, i).name,
                       in->run.spec.machine->name, why);
    }
}

static int
say_errors(const struct inputs *in)
{
    g_autofree char *text = diag_text(&in->diag);

    g_printerr("%s", text);
    return EXIT_INPUT;
}

int
inputs_load(struct inputs *in, const struct options *o, const char *const *policies,
            const char *resolved)
{
    for (guint i = 0; o->set != NULL && o->set[i] != NULL; i++)
        if (strchr(o->set[i], '=') == NULL)
            return cli_fail(EXIT_USAGE, "--set %s: write KEY=VALUE", o->set[i]);
    if (resolved != NULL)
        load_resolved(in, resolved);
    else
        load_parts(in, o, policies);
    for (guint i = 0; o->set != NULL && o->set[i] != NULL; i++)
        apply_set(in, o->set[i], resolved != NULL);
    read_quantity(in, "--seed", FIELD_U64, o->seed_text, &in->run.spec.seed);
    read_quantity(in, "--until", FIELD_TIME, o->until, &in->run.spec.until);
    read_quantity(in, "--warmup", FIELD_TIME, o->warmup, &in->run.spec.warmup);
    read_force_decision(in, o->force_decision);
    read_decisions(in, o->decisions);
    in->run.spec.check = o->check;
    check_end(in);
    check_policies(in);
    if (diag_failed(&in->diag))
        return say_errors(in);
    in->run.spec.policy = g_array_index(in->policies, struct policy_spec, 0);
    return EXIT_DONE;
}

void
inputs_print_notes(const struct inputs *in, const struct options *o)
{
    const struct machine *m = in->run.spec.machine;

    if (o->quiet)
        return;
    for (guint i = 0; i < in->diag.notes->len; i++)
        g_printerr("note: %s\n", (const char *)g_ptr_array_index(in->diag.notes, i));
    guint assumed = 0;
    for (uint32_t i = 0; i < m->nr_notes; i++) {
        bool is_assumption = g_str_has_prefix(m->notes[i], "assumed");
        assumed += is_assumption;
        if (o->verbose)
            g_printerr("note: %s: %s\n", m->name, m->notes[i]);
    }
    if (assumed > 0 && !o->verbose)
        g_printerr("note: %s: %u figures were assumed; see them with -v\n", m->name, assumed);
}
