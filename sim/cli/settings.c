/* Options that are single values: times, decisions, and --set. Each says what is wrong with it. */
#include "cli/settings.h"

#include "config/policy_yaml.h"
#include "report/decisions.h"

void
settings_quantity(struct inputs *in, const char *option, enum field_type type, const char *text,
                  uint64_t *value)
{
    char why[256];

    if (text != NULL && !parse_quantity(type, text, value, why, sizeof(why)))
        diag_error(&in->diag, NULL, 0, 0, option, "%s", why);
}

void
settings_force_decision(struct inputs *in, const char *text)
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

void
settings_decisions(struct inputs *in, const char *kinds)
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

void
settings_apply(struct inputs *in, const char *setting, bool resolved)
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
