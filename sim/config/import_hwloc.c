/* hwloc files and strings: the way in. import_hwloc.h tells the steps. */
#include "config/import_hwloc.h"

#include "config/import_archive.h"
#include "config/import_sandbox.h"

enum { XML_MOST = 64 << 20 };

static const struct sandbox_limits limits = {
    .wall_seconds = 30,
    .cpu_seconds = 20,
    .memory_bytes = (guint64)2 << 30,
    .output_bytes = 4 << 20,
};

static struct machine *
load_in_sandbox(const char *file, const char *name, struct hwloc_job *job, guint nr_skipped,
                struct arena *a, struct diag *d)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct description h;
    unsigned bad_line;
    enum sandbox_end end = sandbox_run(hwloc_describe, job, &limits, text);

    if (end != SANDBOX_DONE) {
        diag_error(d, file, 1, 1, NULL,
                   "libhwloc %s on it; expected a topology that lstopo can show",
                   sandbox_end_text(end));
        return NULL;
    }
    if (!hwloc_description_read(&h, text->str, text->len, a, &bad_line)) {
        diag_error(
            d, file, 1, 1, NULL,
            "libhwloc describes it in a way that makes no sense (line %u of the description); "
            "expected a topology that lstopo can show",
            bad_line);
        return NULL;
    }
    if (h.refusal != NULL) {
        diag_error(d, file, 1, 1, NULL, "%s; expected a topology that lstopo can show", h.refusal);
        return NULL;
    }
    if (nr_skipped > 0)
        description_note(&h, a, "%u unknown elements skipped", nr_skipped);
    h.chose_nodes = true;
    h.source = "hwloc";
    h.attributes = "hwloc's memory attributes";
    h.zero_is_unknown = job->synthetic && strstr(job->text, "memory=0") == NULL;
    return description_build(&h, file, name, a, d);
}

struct machine *
import_hwloc_xml(const char *path, const char *text, gsize len, struct arena *a, struct diag *d)
{
    g_autofree char *unpacked = NULL;
    guint nr_skipped;

    if (looks_like_compressed(text, len)) {
        unpacked = import_unpack_text(path, text, len, XML_MOST, &len, d);
        if (unpacked == NULL)
            return NULL;
        text = unpacked;
    }
    GString *xml = hwloc_xml_check(path, text, len, d, &nr_skipped);
    if (xml == NULL)
        return NULL;
    struct hwloc_job job = { .text = xml->str, .len = xml->len };
    struct machine *m = load_in_sandbox(path, import_name(a, path), &job, nr_skipped, a, d);
    g_string_free(xml, TRUE);
    return m;
}

/* "pack:2 [numa] core:4 pu:2" becomes "pack_2_numa_core_4_pu_2". */
static const char *
string_name(struct arena *a, const char *string)
{
    g_autoptr(GString) s = g_string_new(NULL);

    for (; *string != '\0'; string++)
        if (g_ascii_isalnum(*string))
            g_string_append_c(s, *string);
        else if (s->len > 0 && s->str[s->len - 1] != '_')
            g_string_append_c(s, '_');
    if (s->len > 0 && s->str[s->len - 1] == '_')
        g_string_truncate(s, s->len - 1);
    return import_name(a, s->str);
}

/* What is described, without quotes that no shell has taken off, as in a YAML list. */
static char *
description(const char *spec)
{
    const char *string = looks_like_hwloc_synthetic(spec) ? spec + strlen("hwloc:") : spec;
    gsize len = strlen(string);

    if (len >= 2 && (*string == '"' || *string == '\'') && string[len - 1] == *string)
        return g_strndup(string + 1, len - 2);
    return g_strdup(string);
}

struct machine *
import_hwloc_synthetic(const char *spec, struct arena *a, struct diag *d)
{
    g_autofree char *string = description(spec);

    if (!hwloc_synthetic_check(spec, string, d))
        return NULL;
    struct hwloc_job job = { .synthetic = true, .text = string, .len = strlen(string) };
    return load_in_sandbox(spec, string_name(a, string), &job, 0, a, d);
}
