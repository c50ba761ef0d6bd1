/*
 * Inputs: what the options come to.
 *
 * Everything that can be wrong with the inputs is looked at before anything runs or is created, and
 * all of it is said in one go: a missing unit in --until and a bad key in the workload are two
 * lines of the same answer.
 */
#include "cli/settings.h"

#include "config/load.h"
#include "config/policy_yaml.h"
#include "config/workload_yaml.h"

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

static void
load_policies(struct inputs *in, const char *const *policies)
{
    for (; *policies != NULL; policies++) {
        struct policy_spec p = { 0 };
        if (load_policy(*policies, in->arena, &p, &in->diag))
            g_array_append_val(in->policies, p);
    }
}

/* The settings "X=VALUE" of all "--set workload.X=VALUE", and of the options that stand for one. */
static GStrv
workload_settings(const struct options *o)
{
    g_autoptr(GPtrArray) settings = g_ptr_array_new();

    for (guint i = 0; o->set != NULL && o->set[i] != NULL; i++)
        if (g_str_has_prefix(o->set[i], "workload."))
            g_ptr_array_add(settings, g_strdup(o->set[i] + strlen("workload.")));
    for (guint i = 0; o->memory != NULL && o->memory[i] != NULL; i++)
        g_ptr_array_add(settings, g_strdup_printf("memory=%s", o->memory[i]));
    if (o->replay_placement)
        g_ptr_array_add(settings, g_strdup("placement=recorded"));
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
check_end(struct inputs *in, bool told)
{
    const struct run_spec *spec = &in->run.spec;

    if (!told && spec->workload != NULL && spec->until == SIM_NEVER &&
        workload_endless(spec->workload))
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
        settings_apply(in, o->set[i], resolved != NULL);
    if (o->wasted_cores)
        settings_apply(in, "sched.wasted_cores=yes", resolved != NULL);
    if (o->schedstat)
        settings_apply(in, "sched.schedstats=yes", resolved != NULL);
    settings_quantity(in, "--seed", FIELD_U64, o->seed_text, &in->run.spec.seed);
    if (in->run.spec.until == SIM_NEVER && in->run.spec.workload != NULL &&
        in->run.spec.workload->duration > 0)
        in->run.spec.until = in->run.spec.workload->duration;
    settings_quantity(in, "--until", FIELD_TIME, o->until, &in->run.spec.until);
    settings_quantity(in, "--warmup", FIELD_TIME, o->warmup, &in->run.spec.warmup);
    settings_force_decision(in, o->force_decision);
    settings_decisions(in, o->decisions);
    in->run.spec.check = o->check;
    check_end(in, o->until != NULL); /* what is wrong with it has been said */
    check_policies(in);
    if (diag_failed(&in->diag))
        return say_errors(in);
    in->run.spec.policy = g_array_index(in->policies, struct policy_spec, 0);
    return EXIT_DONE;
}

void
inputs_print_machine(const struct machine *m, const GPtrArray *notes, bool verbose)
{
    bool said = false; /* by the machine's importer */
    guint assumed = 0;

    for (guint i = 0; i < notes->len && m->nr_notes > 0; i++)
        said |= strcmp(g_ptr_array_index(notes, i), m->notes[0]) == 0;
    for (uint32_t i = 0; i < m->nr_notes; i++) {
        bool is_assumption = g_str_has_prefix(m->notes[i], "assumed");
        assumed += is_assumption;
        if (verbose && !said)
            g_printerr("note: %s: %s\n", m->name, m->notes[i]);
    }
    if (assumed > 0 && !verbose && !said)
        g_printerr("note: %s: %u figures were assumed; see them with -v\n", m->name, assumed);
}

void
inputs_print_notes(const struct inputs *in, const struct options *o)
{
    if (o->quiet)
        return;
    for (guint i = 0; i < in->diag.notes->len; i++)
        g_printerr("note: %s\n", (const char *)g_ptr_array_index(in->diag.notes, i));
    inputs_print_machine(in->run.spec.machine, in->diag.notes, o->verbose);
}
