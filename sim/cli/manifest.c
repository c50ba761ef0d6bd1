/*
 * manifest.yaml: where a result comes from. The only file with times in it. Its first line is how a
 * later run knows that the folder is numasim's to replace.
 */
#include "cli/run_one.h"
#include "config/load.h"
#include "config/workload_yaml.h"
#include "models/registry.h"
#include "report/csv.h"

static void
add_text(GString *s, const char *key, const char *value)
{
    g_string_append_printf(s, "%s: ", key);
    yaml_quote(s, value);
    g_string_append_c(s, '\n');
}

static void
add_hash(GString *s, const char *key, const char *text)
{
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

    g_string_append_printf(s, "%s: %s\n", key, sum);
}

static void
add_inputs(GString *s, const struct run_spec *spec)
{
    g_autoptr(GString) machine = g_string_new(NULL);
    g_autoptr(GString) workload = g_string_new(NULL);

    topology_yaml_write(spec->machine, machine);
    workload_yaml_write(spec->workload, NULL, 0, workload);
    add_text(s, "topology", spec->machine->name);
    add_hash(s, "topology_sha256", machine->str);
    add_text(s, "workload", spec->workload->name);
    add_hash(s, "workload_sha256", workload->str);
    for (uint32_t i = 0; i < spec->machine->nr_notes; i++) {
        g_string_append(s, i == 0 ? "notes:\n  - " : "  - ");
        yaml_quote(s, spec->machine->notes[i]);
        g_string_append_c(s, '\n');
    }
}

/* What the result does not know of, beside it. */
static void
add_limits(GString *s, const struct memory_model_ops *memory)
{
    add_text(s, "memory_model", memory->name);
    for (guint i = 0; memory_model_limits[i] != NULL; i++) {
        g_string_append(s, i == 0 ? "memory_model_limits:\n  - " : "  - ");
        yaml_quote(s, memory_model_limits[i]);
        g_string_append_c(s, '\n');
    }
}

static void
add_resolved(GString *s, const struct resolved *resolved)
{
    g_autoptr(GString) text = g_string_new(NULL);

    resolved_write(resolved, NULL, text);
    add_text(s, "policy", resolved->spec.policy.name);
    add_limits(s, resolved->spec.policy.memory);
    add_hash(s, "resolved_sha256", text->str);
}

bool
manifest_write(const struct manifest *m, const char *dir, GError **error)
{
    g_autoptr(GString) s = g_string_new("numasim: " NUMASIM_VERSION "\n");
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *date = g_date_time_format_iso8601(now);

    g_string_append_printf(s, "complete: %s\n", m->complete ? "yes" : "no");
    if (m->end != NULL)
        add_text(s, "end", m->end);
    add_text(s, "command", m->command_line);
    g_string_append_printf(s, "seed: %" G_GUINT64_FORMAT "\n", m->seed);
    add_text(s, "written", date);
    yaml_real(s, "wall_s", m->wall_s);
    if (m->events > 0) {
        g_string_append_printf(s, "events: %" G_GUINT64_FORMAT "\n", m->events);
        yaml_real(s, "events_per_s", m->wall_s > 0 ? (double)m->events / m->wall_s : 0);
    }
    if (m->resolved != NULL)
        add_resolved(s, m->resolved);
    add_inputs(s, m->spec);
    return write_whole_file(dir, "manifest.yaml", s->str, error);
}
