/*
 * Policies.
 *
 * A policy file is a preset with changes, and no format of its own: what can
 * be set is the table of kernel parameters, and its ranges and messages are the ones of --set.
 * Parameters may be written with their dotted name or as nested maps.
 */
#include "config/policy_yaml.h"

#include "config/kernel_names.h"

#include "config/file_reference.h"
#include "config/policy_table.h"
#include "config/policy_then.h"
#include "config/yaml_tree.h"
#include "models/registry.h"

/* ---- names with did-you-mean ---- */

static char *
unknown(const char *what, const char *wrong, GPtrArray *names)
{
    g_ptr_array_add(names, NULL);
    g_autofree char *shown = diag_excerpt(wrong);
    g_autofree char *hint = did_you_mean(wrong, (const char *const *)names->pdata);
    return g_strdup_printf("there is no %s '%s'%s", what, shown, hint);
}

static char *
unknown_policy(const char *wrong)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; placement_models[i] != NULL; i++)
        g_ptr_array_add(names, g_strdup(placement_models[i]->name));
    for (guint i = 0; sched_models[i] != NULL; i++)
        g_ptr_array_add(names, g_strdup_printf("ext:%s", sched_models[i]->name));
    return unknown("policy", wrong, names);
}

static char *
unknown_memory(const char *wrong)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; memory_models[i] != NULL; i++)
        g_ptr_array_add(names, g_strdup(memory_models[i]->name));
    return unknown("memory model", wrong, names);
}

static char *
unknown_parameter(const struct policy_spec *p, const char *wrong)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    for (const struct field *f = kernel_param_fields; f->name != NULL; f++)
        g_ptr_array_add(names, g_strdup(f->name));
    if (p->ext != NULL)
        for (const struct field *f = p->ext->params; f != NULL && f->name != NULL; f++)
            g_ptr_array_add(names, g_strdup_printf("policy.%s", f->name));
    g_ptr_array_add(names, g_strdup("memory.model"));
    g_ptr_array_add(names, g_strdup("noise"));
    return unknown("parameter", wrong, names);
}

/* ---- settings ---- */

bool
policy_set_memory(struct policy_spec *p, const char *name, char **why)
{
    const struct memory_model_ops *found = memory_model_find(name);

    if (found == NULL)
        *why = unknown_memory(name);
    else
        p->memory = found;
    return found != NULL;
}

/* "policy.slice": a parameter of the programmable scheduler itself. */
static const struct field *
own_field(const struct policy_spec *p, const char *key)
{
    return p->ext != NULL && p->ext->params != NULL
               ? fields_find(p->ext->params, key + strlen("policy."))
               : NULL;
}

bool
policy_set(struct policy_spec *p, const char *key, const char *value, struct arena *a, char **why)
{
    char text[256] = "";

    if (strcmp(key, "memory.model") == 0)
        return policy_set_memory(p, value, why);
    if (!kernel_name_to_ours(&key, &value, a, why))
        return false;
    if (not_modelled(key) != NULL) {
        *why = g_strdup_printf("%s is not modelled; leave it out", not_modelled(key));
        return false;
    }
    if (g_str_has_prefix(key, "policy.") && own_field(p, key) != NULL) {
        if (field_set(own_field(p, key), p->ext_params, value, a, text, sizeof(text)))
            return true;
        *why = g_strdup(text);
        return false;
    }
    if (strcmp(key, "noise") != 0 && fields_find(kernel_param_fields, key) == NULL) {
        *why = unknown_parameter(p, key);
        return false;
    }
    if (kernel_params_set(&p->params, key, value, a, text, sizeof(text)))
        return true;
    *why = g_strdup(text);
    return false;
}

/* "ext:dir/two.lua", or without the prefix: a policy by its file. */
static bool
is_ext_file(const char *name)
{
    return g_str_has_suffix(name, ".lua") || g_str_has_suffix(name, ".so");
}

static const struct sched_ops *
ext_of_file(const char *path, struct arena *a, struct diag *d)
{
    return g_str_has_suffix(path, ".so") ? policy_plugin_load(path, a, d)
                                         : policy_script_load(path, a, d);
}

/* The preset `topology` with a programmable scheduler in charge. */
static bool
set_ext(const struct sched_ops *ops, const char *file, struct arena *a, struct policy_spec *out)
{
    char *why = NULL;

    if (!policy_preset("topology", a, out, &why))
        return false;
    /* its hooks hear of nothing unless pages are scanned */
    if (ops->hint_fault != NULL || ops->scan != NULL)
        sim_assert(policy_set(out, "numa_balancing.mode", "on", a, &why));
    out->name = arena_printf(a, "ext:%s", ops->name);
    out->ext = ops;
    out->ext_file = file == NULL ? NULL : arena_strdup(a, file);
    out->ext_params = arena_alloc(a, ops->priv_size + 1);
    if (ops->params != NULL)
        fields_init(ops->params, out->ext_params, a);
    return true;
}

static bool
load_ext_file(const char *name, struct arena *a, struct policy_spec *out, struct diag *d)
{
    const char *path = g_str_has_prefix(name, "ext:") ? name + strlen("ext:") : name;
    const struct sched_ops *ops = ext_of_file(path, a, d);
    g_autofree char *sha256 = ops != NULL ? file_sha256(path, d) : NULL;

    if (sha256 == NULL || !set_ext(ops, path, a, out))
        return false;
    out->ext_sha256 = arena_strdup(a, sha256);
    return true;
}

/* "ext:fifo", or a file, whose messages are lines of *why. */
static bool
policy_ext(const char *name, struct arena *a, struct policy_spec *out, char **why)
{
    const struct sched_ops *ops = NULL;
    struct diag d;

    if (!is_ext_file(name)) {
        ops = g_str_has_prefix(name, "ext:") ? sched_find(name + strlen("ext:")) : NULL;
        return ops != NULL && set_ext(ops, NULL, a, out);
    }
    diag_init(&d);
    bool done = load_ext_file(name, a, out, &d);
    if (!done)
        *why = g_strchomp(diag_text(&d));
    diag_clear(&d);
    return done;
}

bool
policy_preset(const char *name, struct arena *a, struct policy_spec *out, char **why)
{
    const struct placement_ops *found = placement_find(name);

    if (found == NULL && policy_ext(name, a, out, why))
        return true;
    if (found == NULL) {
        if (*why == NULL)
            *why = unknown_policy(name);
        return false;
    }
    *out =
        (struct policy_spec){ .name = found->name, .placement = found, .memory = memory_models[0] };
    kernel_params_init(&out->params, a);
    for (const struct param_setting *s = found->settings; s != NULL && s->key != NULL; s++)
        sim_assert(policy_set(out, s->key, s->value, a, why));
    return true;
}

/* ---- files ---- */

static void
load_setting(const struct yaml_doc *doc, const char *key, const struct ynode *value,
             struct policy_spec *p)
{
    char *why = NULL;

    if (p->name == NULL && g_str_has_prefix(key, "policy"))
        return; /* parameters of a base that nobody knows */
    if (value->kind == YNODE_MAP) {
        for (guint i = 0; i < value->nr; i++) {
            g_autofree char *longer = g_strdup_printf("%s.%s", key, value->keys[i]->text);
            load_setting(doc, longer, value->values[i], p);
        }
        return;
    }
    if (ynode_expect(doc, value, YNODE_SCALAR) == NULL)
        return;
    if (!policy_set(p, key, value->text, doc->arena, &why))
        ynode_error(doc, value, "%s", why);
    g_free(why);
}

void
policy_load_settings(const struct yaml_doc *doc, const struct ynode *map, struct policy_spec *p)
{
    if (ynode_expect(doc, map, YNODE_MAP) == NULL)
        return;
    for (guint i = 0; i < map->nr; i++)
        load_setting(doc, map->keys[i]->text, map->values[i], p);
}

/* "dir/small scan.yaml" is the policy "small_scan". */
static const char *
name_of_file(const char *path, struct arena *a)
{
    g_autofree char *base = g_path_get_basename(path);

    for (guint i = 0; i < 2; i++) {
        const char *ends[] = { ".yaml", ".yml" };
        if (g_str_has_suffix(base, ends[i]))
            base[strlen(base) - strlen(ends[i])] = '\0';
    }
    g_strcanon(base, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-", '_');
    return arena_strdup(a, base);
}

static char *
name_of_change(const struct yaml_doc *doc, const struct ynode *item)
{
    const struct ynode *policy = ynode_get(item, "policy");

    if (policy == NULL)
        ynode_error(doc, item,
                    "policy is missing; write which one takes over, as in policy: ext:rr");
    return policy != NULL ? g_strdup(ynode_string(doc, policy)) : NULL;
}

/* What the file begins with. With an error `topology` stands in, without a name, so that the rest
 * of the file is looked at, too. */
static void
load_base(const struct yaml_doc *doc, struct arena *a, struct policy_spec *out)
{
    const struct ynode *base = ynode_get(doc->root, "base");
    const char *name = base != NULL ? ynode_string(doc, base) : NULL;
    char *why = NULL;

    if (base == NULL)
        ynode_error(doc, doc->root, "base is missing; write a preset, as in base: autonuma");
    if (name != NULL && policy_preset(name, a, out, &why))
        return;
    if (name != NULL)
        ynode_error(doc, base, "%s", why);
    g_free(why);
    why = NULL;
    sim_assert(policy_preset("topology", a, out, &why));
    out->name = NULL;
}

static void
load_settings(const struct yaml_doc *doc, const struct ynode *set, struct policy_spec *out)
{
    policy_load_settings(doc, set, out);
    const char *conflict = kernel_params_conflict(&out->params);
    if (conflict != NULL)
        ynode_error(doc, set, "%s", conflict);
}

static bool
load_file(const char *path, struct arena *a, struct policy_spec *out, struct diag *d)
{
    static const char *const keys[] = { "base", "doc", "memory", "set", "then", NULL };
    static const char *const then_keys[] = { "at", "policy", "set", NULL };
    guint before = d->errors->len;
    struct yaml_doc doc;
    char *why = NULL;

    if (!yaml_load_file(&doc, path, a, d) || ynode_expect(&doc, doc.root, YNODE_MAP) == NULL)
        return false;
    ynode_check_keys(&doc, doc.root, NULL, keys);
    load_base(&doc, a, out);
    const char *name;
    const struct ynode *memory = ynode_get(doc.root, "memory");
    if (memory != NULL && (name = ynode_string(&doc, memory)) != NULL &&
        !policy_set_memory(out, name, &why))
        ynode_error(&doc, memory, "%s", why);
    g_free(why);
    if (ynode_get(doc.root, "set") != NULL)
        load_settings(&doc, ynode_get(doc.root, "set"), out);
    if (ynode_get(doc.root, "then") != NULL && out->name != NULL)
        policy_load_then(&doc, ynode_get(doc.root, "then"), out, then_keys, name_of_change);
    out->name = name_of_file(path, a);
    return d->errors->len == before;
}

static bool
looks_like_path(const char *spec)
{
    return strchr(spec, '/') != NULL || g_str_has_suffix(spec, ".yaml") ||
           g_str_has_suffix(spec, ".yml") || strcmp(spec, "-") == 0;
}

bool
load_policy(const char *spec, struct arena *a, struct policy_spec *out, struct diag *d)
{
    char *why = NULL;

    if (is_ext_file(spec))
        return load_ext_file(spec, a, out, d);
    if (looks_like_path(spec) && !g_str_has_prefix(spec, "ext:"))
        return load_file(spec, a, out, d);
    if (policy_preset(spec, a, out, &why))
        return true;
    diag_error(d, NULL, 0, 0, NULL, "%s", why);
    g_free(why);
    return false;
}
