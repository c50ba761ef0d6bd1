#include "config/policy_then.h"

#include "config/policy_yaml.h"

/* Only the policy's own parameters: the kernel's are those of the run. */
static void
load_own_settings(const struct yaml_doc *doc, const struct ynode *set, struct policy_spec *p)
{
    bool own = true;

    if (ynode_expect(doc, set, YNODE_MAP) == NULL)
        return;
    for (guint i = 0; i < set->nr; i++)
        if (strcmp(set->keys[i]->text, "policy") != 0 &&
            !g_str_has_prefix(set->keys[i]->text, "policy.")) {
            ynode_error(doc, set->keys[i],
                        "'%s' holds for the whole run; here only parameters of the policy itself "
                        "can be set, as in policy.slice: 5ms",
                        set->keys[i]->text);
            own = false;
        }
    if (own)
        policy_load_settings(doc, set, p);
}

static bool
load_scheduler(const struct yaml_doc *doc, const struct ynode *item, const char *name,
               const struct policy_spec *base, struct policy_change *c)
{
    const struct ynode *set = ynode_get(item, "set");
    struct policy_spec p;
    char *why = NULL;

    if (strcmp(name, "none") == 0) {
        if (set != NULL)
            ynode_error(doc, set,
                        "no policy is loaded then: there is nothing to set; leave it out");
        return set == NULL;
    }
    if (!policy_preset(name, doc->arena, &p, &why)) {
        ynode_error(doc, item, "%s", why);
        g_free(why);
        return false;
    }
    if (p.ext == NULL) {
        ynode_error(doc, item,
                    "'%s' is not programmable: only such policies can take over; write "
                    "ext:NAME, or none",
                    name);
        return false;
    }
    if (set != NULL)
        load_own_settings(doc, set, &p);
    if ((p.ext->hint_fault != NULL || p.ext->scan != NULL) &&
        base->params.numa.mode == NUMA_BALANCING_DISABLED) {
        ynode_error(doc, item,
                    "'%s' hears of nothing unless pages are scanned; write numa_balancing.mode: on "
                    "in set of the base",
                    name);
        return false;
    }
    c->ext = p.ext;
    c->ext_file = p.ext_file;
    c->ext_sha256 = p.ext_sha256;
    c->ext_params = p.ext_params;
    return true;
}

static bool
load_item(const struct yaml_doc *doc, const struct ynode *item, const char *const *keys,
          policy_name_fn name_of, sim_time after, const struct policy_spec *base,
          struct policy_change *c)
{
    if (ynode_expect(doc, item, YNODE_MAP) == NULL)
        return false;
    ynode_check_keys(doc, item, NULL, keys);
    const struct ynode *at = ynode_get(item, "at");
    if (at == NULL)
        ynode_error(doc, item, "at is missing; write when it takes over, as in at: 1s");
    bool timed = at != NULL && ynode_quantity(doc, at, FIELD_TIME, &c->at);
    if (timed && c->at <= after)
        ynode_error(doc, at,
                    "it takes over at %s, which is not after the one before; write a later "
                    "time",
                    at->text);
    g_autofree char *name = name_of(doc, item);
    return name != NULL && load_scheduler(doc, item, name, base, c) && timed;
}

void
policy_load_then(const struct yaml_doc *doc, const struct ynode *list, struct policy_spec *p,
                 const char *const *keys, policy_name_fn name_of)
{
    sim_time after = 0;

    if (ynode_expect(doc, list, YNODE_SEQ) == NULL)
        return;
    if (p->ext == NULL) {
        ynode_error(doc, list,
                    "only programmable policies take over from one another; the base is "
                    "none; write base: ext:NAME");
        return;
    }
    p->then = arena_new_array(doc->arena, struct policy_change, list->nr + 1);
    for (guint i = 0; i < list->nr; i++) {
        struct policy_change *c = &p->then[p->nr_then];

        if (load_item(doc, list->values[i], keys, name_of, after, p, c)) {
            after = c->at;
            p->nr_then++;
        }
    }
}
