/*
 * Values in workload files: numbers that may depend on the machine, durations that may be random.
 */
#include "config/workload_yaml_load.h"

static const char *const known_text = "letters, digits, '_', '.' and '-'";

void
wload_not_yet(struct wload *l, const struct ynode *n, const char *what)
{
    ynode_error(&l->doc, n, "%s is not modelled yet", what);
}

bool
wload_number(struct wload *l, const struct ynode *n, enum field_type type, enum wexpr_scope scope,
             struct wexpr *e)
{
    char why[400] = "";

    if (n == NULL || ynode_string(&l->doc, n) == NULL)
        return false;
    if (wexpr_parse(e, n->text, type, scope, l->doc.arena, why, sizeof(why)))
        return true;
    ynode_error(&l->doc, n, "%s", why);
    return false;
}

bool
wload_number_at(struct wload *l, const struct ynode *map, const char *key, enum field_type type,
                enum wexpr_scope scope, const char *def, struct wexpr *e)
{
    const struct ynode *n = ynode_get(map, key);
    char why[400];

    if (n != NULL)
        return wload_number(l, n, type, scope, e);
    if (def == NULL) {
        ynode_error(&l->doc, map, "'%s' is missing: a %s", key, field_type_name(type));
        return false;
    }
    return wexpr_parse(e, def, type, scope, l->doc.arena, why, sizeof(why));
}

bool
wload_ratio_at(struct wload *l, const struct ynode *map, const char *key, const char *def,
               uint32_t *ppm)
{
    const struct ynode *n = ynode_get(map, key);
    char why[256];
    uint64_t value = 0;
    bool ok = n != NULL ? ynode_quantity(&l->doc, n, FIELD_RATIO, &value)
                        : parse_quantity(FIELD_RATIO, def, &value, why, sizeof(why));

    *ppm = (uint32_t)value;
    return ok;
}

int
wload_enum_at(struct wload *l, const struct ynode *map, const char *key, const char *const *names,
              int def)
{
    const struct ynode *n = ynode_get(map, key);
    int value = n == NULL ? def : ynode_enum(&l->doc, n, names);

    return value < 0 ? def : value;
}

bool
wload_bool_at(struct wload *l, const struct ynode *map, const char *key, bool def)
{
    static const char *const words[] = { "no", "yes", "false", "true", "off", "on", NULL };

    return wload_enum_at(l, map, key, words, def) & 1;
}

const char *
wload_text_at(struct wload *l, const struct ynode *map, const char *key)
{
    const struct ynode *n = ynode_get(map, key);

    return n == NULL ? NULL : ynode_string(&l->doc, n);
}

const char *
wload_name(struct wload *l, const struct ynode *n)
{
    const char *text = n == NULL ? NULL : ynode_string(&l->doc, n);

    if (text == NULL)
        return NULL;
    for (const char *c = text; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && strchr("_.-", *c) == NULL) {
            ynode_error(&l->doc, n, "a name is made of %s", known_text);
            return NULL;
        }
    if (strlen(text) <= 60)
        return text;
    ynode_error(&l->doc, n, "a name has at most 60 characters");
    return NULL;
}

bool
wload_rate(struct wload *l, const struct ynode *n, struct wexpr *e)
{
    char why[400] = "";

    if (n == NULL || ynode_expect(&l->doc, n, YNODE_SCALAR) == NULL)
        return false;
    if (!g_str_has_suffix(n->text, "/s")) {
        g_autofree char *excerpt = diag_excerpt(n->text);
        ynode_error(&l->doc, n, "'%s' is not a rate; write a number a second, as in 5000/s",
                    excerpt);
        return false;
    }
    g_autofree char *number = g_strndup(n->text, strlen(n->text) - 2);
    if (wexpr_parse(e, g_strstrip(number), FIELD_U64, WEXPR_MACHINE, l->doc.arena, why,
                    sizeof(why)))
        return true;
    ynode_error(&l->doc, n, "%s", why);
    return false;
}

/* ---- durations ---- */

static int32_t
add_dist(struct wload *l, const struct wdist *d)
{
    g_array_append_val(l->dists, *d);
    return (int32_t)l->dists->len - 1;
}

int32_t
wload_constant(struct wload *l, uint64_t ns)
{
    struct wdist d = { .kind = WDIST_CONSTANT, .a = wexpr_const(l->doc.arena, ns) };

    return add_dist(l, &d);
}

/* A distribution is of times, or of sizes if its first number is one. */
static bool
quantity(struct wload *l, const struct ynode *n, struct wdist *d, struct wexpr *e)
{
    char why[400];

    if (n != NULL && n->kind == YNODE_SCALAR && d->a.nr == 0 &&
        !wexpr_parse(e, n->text, FIELD_TIME, WEXPR_MACHINE, l->doc.arena, why, sizeof(why)))
        d->is_size =
            wexpr_parse(e, n->text, FIELD_SIZE, WEXPR_MACHINE, l->doc.arena, why, sizeof(why));
    return wload_number(l, n, d->is_size ? FIELD_SIZE : FIELD_TIME, WEXPR_MACHINE, e);
}

static bool
quantity_at(struct wload *l, const struct ynode *map, const char *key, struct wdist *d,
            struct wexpr *e)
{
    const struct ynode *n = ynode_get(map, key);

    if (n == NULL)
        ynode_error(&l->doc, map, "'%s' is missing: a time, as in 2ms, or a size", key);
    return n != NULL && quantity(l, n, d, e);
}

/* The shape of a generalized distribution. */
static bool
tail_at(struct wload *l, const struct ynode *map, struct wdist *d)
{
    if (!wload_ratio_at(l, map, "shape", "0", &d->shape_ppm))
        return false;
    if (d->shape_ppm == 0 || (d->shape_ppm >= 10000 && d->shape_ppm <= 2 * 1000000))
        return true;
    ynode_error(&l->doc, ynode_get(map, "shape"),
                "out of range; write 0, or a number from 0.01 to 2");
    return false;
}

static bool
shape_at(struct wload *l, const struct ynode *map, const char *key, struct wdist *d)
{
    const struct ynode *n = ynode_get(map, key);

    if (n == NULL) {
        ynode_error(&l->doc, map, "'%s' is missing: a plain number, as in 0.5", key);
        return false;
    }
    if (!wload_ratio_at(l, map, key, "0", &d->shape_ppm))
        return false;
    if (d->shape_ppm >= 10000 && d->shape_ppm <= 100 * 1000000)
        return true;
    ynode_error(&l->doc, n, "out of range; write a number from 0.01 to 100");
    return false;
}

static bool
keys_of_kind(struct wload *l, const struct ynode *n, const char *a, const char *b, const char *c)
{
    const char *const keys[] = { a, b, c, NULL };

    if (ynode_expect(&l->doc, n, YNODE_MAP) == NULL)
        return false;
    ynode_check_keys(&l->doc, n, NULL, keys);
    return true;
}

static bool
read_kind(struct wload *l, const struct ynode *n, struct wdist *d)
{
    switch (d->kind) {
    case WDIST_CONSTANT:
    case WDIST_EXPONENTIAL:
        return quantity(l, n, d, &d->a);
    case WDIST_UNIFORM:
        return keys_of_kind(l, n, "min", "max", NULL) && quantity_at(l, n, "min", d, &d->a) &&
               quantity_at(l, n, "max", d, &d->b);
    case WDIST_NORMAL:
        return keys_of_kind(l, n, "mean", "stddev", NULL) && quantity_at(l, n, "mean", d, &d->a) &&
               quantity_at(l, n, "stddev", d, &d->b);
    case WDIST_LOGNORMAL:
        d->has_median = ynode_get(n, "median") != NULL;
        if (d->has_median)
            return keys_of_kind(l, n, "median", "sigma", NULL) &&
                   quantity_at(l, n, "median", d, &d->a) && shape_at(l, n, "sigma", d);
        return keys_of_kind(l, n, "mean", "cv", "median") && quantity_at(l, n, "mean", d, &d->a) &&
               shape_at(l, n, "cv", d);
    case WDIST_GENERALIZED_PARETO:
    case WDIST_GENERALIZED_EXTREME_VALUE:
        return keys_of_kind(l, n, "location", "scale", "shape") &&
               quantity_at(l, n, "location", d, &d->a) && quantity_at(l, n, "scale", d, &d->b) &&
               tail_at(l, n, d);
    default:
        return keys_of_kind(l, n, "min", "alpha", "max") && quantity_at(l, n, "min", d, &d->a) &&
               shape_at(l, n, "alpha", d) &&
               (ynode_get(n, "max") == NULL || quantity_at(l, n, "max", d, &d->b));
    }
}

/* {exponential: 1ms} */
static bool
read_dist(struct wload *l, const struct ynode *n, struct wdist *d)
{
    if (n->kind != YNODE_MAP || n->nr != 1) {
        ynode_error(&l->doc, n,
                    "write a time, the name of a distribution, or one kind with its "
                    "numbers, as in {exponential: 1ms}");
        return false;
    }
    int kind = ynode_enum(&l->doc, n->keys[0], wdist_names);
    d->kind = (enum wdist_kind)kind;
    return kind >= 0 && read_kind(l, n->values[0], d);
}

static int32_t
named_dist(const struct wload *l, const struct ynode *n)
{
    for (guint i = 0; n->kind == YNODE_SCALAR && i < l->nr_named; i++) {
        const char *name = g_array_index(l->dists, struct wdist, i).name;
        if (name != NULL && strcmp(name, n->text) == 0)
            return (int32_t)i;
    }
    return -1;
}

/* A distribution of times, or of sizes, named or in place; or one number of that type. */
static int32_t
dist_of(struct wload *l, const struct ynode *n, bool size)
{
    struct wdist d = { .kind = WDIST_CONSTANT };
    int32_t found = named_dist(l, n);
    bool ok;

    if (found >= 0)
        d = g_array_index(l->dists, struct wdist, found);
    if (found >= 0 || n->kind != YNODE_SCALAR)
        ok = found >= 0 || read_dist(l, n, &d);
    else
        ok = wload_number(l, n, size ? FIELD_SIZE : FIELD_TIME, WEXPR_MACHINE, &d.a);
    d.is_size |= found < 0 && n->kind == YNODE_SCALAR && size;
    if (ok && d.is_size != size) {
        ynode_error(&l->doc, n, "this is a distribution of %s; one of %s is needed",
                    size ? "times" : "sizes", size ? "sizes" : "times");
        return -1;
    }
    return found >= 0 ? found : ok ? add_dist(l, &d) : -1;
}

int32_t
wload_duration(struct wload *l, const struct ynode *n)
{
    return n == NULL ? -1 : dist_of(l, n, false);
}

bool
wload_is_dist(const struct wload *l, const struct ynode *n)
{
    return n->kind != YNODE_SCALAR || named_dist(l, n) >= 0;
}

int32_t
wload_bytes(struct wload *l, const struct ynode *n)
{
    return dist_of(l, n, true);
}

void
wload_distributions(struct wload *l, const struct ynode *map)
{
    if (map == NULL || ynode_expect(&l->doc, map, YNODE_MAP) == NULL)
        return;
    if (map->nr > 1000) {
        ynode_error(&l->doc, map, "there are more than 1000 distributions");
        return;
    }
    for (guint i = 0; i < map->nr; i++) {
        struct wdist d = { .name = wload_name(l, map->keys[i]) };

        if (read_dist(l, map->values[i], &d) && d.name != NULL)
            add_dist(l, &d);
    }
    l->nr_named = l->dists->len;
}
