/*
 * How a step uses memory: which part of which region, and in which order.
 */
#include "config/workload_yaml_steps.h"

enum { PATTERN_UNIFORM = ACCESS_NR };
static const char *const pattern_names[] = {
    [ACCESS_SEQUENTIAL] = "sequential",
    [ACCESS_RANDOM] = "random",
    [ACCESS_STRIDED] = "strided",
    [ACCESS_CHASE] = "chase",
    [ACCESS_ZIPF] = "zipf",
    [ACCESS_HOT] = "hot",
    [PATTERN_UNIFORM] = "uniform", /* another word for random */
    NULL,
};

/* Words for slices; anything else is a number. */
static const char *const slice_words[] = { "whole", "own", "neighbours", "all_to_all", NULL };
enum { SLICE_WORD_ALL_TO_ALL = 3 };
static const enum wslice slice_kinds[] = { WSLICE_WHOLE, WSLICE_OWN, WSLICE_NEIGHBOURS,
                                           WSLICE_WHOLE };

/* ---- shapes ---- */

/* A key that only some patterns have. */
static const struct ynode *
key_of(struct wload *l, const struct ynode *n, const char *key, bool has, const char *whose)
{
    const struct ynode *value = n->kind == YNODE_MAP ? ynode_get(n, key) : NULL;

    if (value == NULL || has)
        return value;
    ynode_error(&l->doc, value, "only %s", whose);
    return NULL;
}

static bool
ratio_in(struct wload *l, const struct ynode *value, const char *def, uint32_t min_ppm,
         uint32_t max_ppm, const char *range, uint32_t *ppm)
{
    uint64_t got = 0;
    char why[64];

    if (value == NULL)
        parse_quantity(FIELD_RATIO, def, &got, why, sizeof(why));
    else if (!ynode_quantity(&l->doc, value, FIELD_RATIO, &got))
        return false;
    *ppm = (uint32_t)got;
    if (got >= min_ppm && got <= max_ppm)
        return true;
    ynode_error(&l->doc, value, "out of range; write %s", range);
    return false;
}

static bool
read_stride(struct wload *l, const struct ynode *n, struct wuse *u)
{
    const struct ynode *value =
        key_of(l, n, "stride", u->pattern == ACCESS_STRIDED, "the pattern 'strided' has a stride");
    uint64_t bytes = 0;

    if (value == NULL)
        return true;
    if (!ynode_quantity(&l->doc, value, FIELD_SIZE, &bytes))
        return false;
    u->shape.stride = (uint32_t)bytes;
    if (bytes >= 64 && bytes <= UINT32_MAX)
        return true;
    ynode_error(&l->doc, value, "out of range; write a size from 64B to 4GiB");
    return false;
}

static bool
read_block(struct wload *l, const struct ynode *n, struct wuse *u)
{
    bool walks = u->pattern == ACCESS_SEQUENTIAL || u->pattern == ACCESS_STRIDED;
    const struct ynode *value = key_of(l, n, "block", !walks, "random patterns have a block");
    uint64_t bytes = 0;

    if (value == NULL)
        return true;
    if (!ynode_quantity(&l->doc, value, FIELD_SIZE, &bytes))
        return false;
    u->shape.block = (uint32_t)bytes;
    if (bytes >= 64 && bytes <= 16 << 20)
        return true;
    ynode_error(&l->doc, value, "out of range; write a size from 64B to 16MiB");
    return false;
}

static bool
read_popularity(struct wload *l, const struct ynode *n, struct wuse *u)
{
    static const char *const layouts[] = { "contiguous", "scattered", NULL };
    bool zipf = u->pattern == ACCESS_ZIPF, hot = u->pattern == ACCESS_HOT;
    const struct ynode *skew = key_of(l, n, "skew", zipf, "the pattern 'zipf' has a skew");
    const struct ynode *part = key_of(l, n, "hot", hot, "the pattern 'hot' has a hot part");
    const struct ynode *accesses = key_of(l, n, "accesses", hot, "the pattern 'hot' has it");
    const struct ynode *layout =
        key_of(l, n, "layout", zipf || hot, "the patterns 'zipf' and 'hot' have a layout");

    if (layout != NULL)
        u->shape.scattered = ynode_enum(&l->doc, layout, layouts) == 1;
    if (zipf)
        return ratio_in(l, skew, "0.99", 10000, 3000000, "a number from 0.01 to 3",
                        &u->shape.skew_ppm);
    return !hot ||
           (ratio_in(l, part, "20%", 1, 999999, "a share below 100%", &u->shape.hot_ppm) &&
            ratio_in(l, accesses, "80%", 1, 999999, "a share below 100%", &u->shape.skew_ppm));
}

/* ---- slices ---- */

static void
check_owner(struct wload *l, const struct ynode *slice, const struct wregion *r)
{
    if (r->slices_of >= 0 && r->slices_of != l->group)
        ynode_error(&l->doc, slice, "the slices of '%s' are owned by '%s'", r->name,
                    l->w->groups[r->slices_of].name);
}

static int
word_of(const struct ynode *slice)
{
    for (int i = 0; slice->kind == YNODE_SCALAR && slice_words[i] != NULL; i++)
        if (strcmp(slice->text, slice_words[i]) == 0)
            return i;
    return -1;
}

/* Returns whether it is all-to-all. */
bool
wload_slice(struct wload *l, const struct ynode *n, struct wuse *u)
{
    const struct ynode *slice = n->kind == YNODE_MAP ? ynode_get(n, "slice") : NULL;
    int word = slice == NULL ? 0 : word_of(slice);

    u->slice = word >= 0 ? slice_kinds[word] : WSLICE_NUMBER;
    if (u->slice == WSLICE_WHOLE)
        return word == SLICE_WORD_ALL_TO_ALL;
    const struct wregion *r = &l->w->regions[u->region];
    if (r->slices_of < 0 && r->slices.nr == 0)
        ynode_error(&l->doc, slice, "the region '%s' has no 'slices'", r->name);
    else if (u->slice == WSLICE_NUMBER)
        wload_number(l, slice, FIELD_U64, WEXPR_THREAD, &u->number);
    else
        check_owner(l, slice, r);
    return false;
}

static bool
read_share(struct wload *l, const struct ynode *n, struct wuse *u)
{
    bool has = u->slice == WSLICE_NEIGHBOURS;
    const struct ynode *share = key_of(l, n, "share", has, "'slice: neighbours' has a share");

    return !has || ratio_in(l, share, "10%", 1, 1000000, "a share up to 100%", &u->share_ppm);
}

/* Of the accesses, those to lines that another core has written last. */
static bool
read_shared(struct wload *l, const struct ynode *n, struct wuse *u)
{
    const struct ynode *shared = n->kind == YNODE_MAP ? ynode_get(n, "shared_writes") : NULL;

    return ratio_in(l, shared, "0", 0, 1000000, "a share up to 100%", &u->shared_ppm);
}

/* ---- uses ---- */

static bool
read_use(struct wload *l, const struct ynode *n, struct wmem *mem)
{
    const struct ynode *name = n->kind == YNODE_MAP ? ynode_get(n, "region") : n;
    struct wuse *u = &mem->uses[mem->nr_uses];
    uint64_t weight = 1;

    if (name == NULL) {
        ynode_error(&l->doc, n, "'region' is missing: the memory that is used");
        return false;
    }
    int32_t region = wload_find_region(l, name);
    if (region < 0)
        return false;
    *u = (struct wuse){ .region = (uint32_t)region };
    bool mixes = wload_slice(l, n, u);
    int pattern =
        wload_enum_at(l, n, "pattern", pattern_names, mixes ? ACCESS_RANDOM : ACCESS_SEQUENTIAL);
    u->pattern = pattern == PATTERN_UNIFORM ? ACCESS_RANDOM : (enum access_pattern)pattern;
    if (ynode_get(n, "weight") != NULL &&
        !ynode_number(&l->doc, ynode_get(n, "weight"), 1, 1000000, &weight))
        return false;
    u->weight = (uint32_t)weight;
    mem->nr_uses++;
    return read_shared(l, n, u) && read_share(l, n, u) && read_stride(l, n, u) &&
           read_block(l, n, u) && read_popularity(l, n, u);
}

/* Beside `uses` stands nothing that belongs in it. */
static void
check_beside(struct wload *l, const struct ynode *n, const struct ynode *list)
{
    static const char *const keys[] = { USE_KEYS };

    for (guint i = 0; i < ARRAY_LEN(keys); i++)
        if (ynode_get(n, keys[i]) != NULL) {
            ynode_error(&l->doc, list, "write '%s' beside 'uses' or in it, not both", keys[i]);
            return;
        }
}

bool
read_uses(struct wload *l, const struct ynode *n, struct wmem *mem)
{
    static const char *const keys[] = { USE_KEYS, "weight", NULL };
    const struct ynode *list = n->kind == YNODE_MAP ? ynode_get(n, "uses") : NULL;
    bool ok = true;

    if (list == NULL)
        return read_use(l, n, mem);
    if (ynode_expect(&l->doc, list, YNODE_SEQ) == NULL)
        return false;
    check_beside(l, n, list);
    if (list->nr < 1 || list->nr > WORKLOAD_USES_MAX) {
        ynode_error(&l->doc, list, "a step uses from 1 to %d regions", WORKLOAD_USES_MAX);
        return false;
    }
    for (guint i = 0; i < list->nr; i++) {
        if (ynode_expect(&l->doc, list->values[i], YNODE_MAP) == NULL)
            return false;
        ynode_check_keys(&l->doc, list->values[i], NULL, keys);
        ok &= read_use(l, list->values[i], mem);
    }
    return ok;
}
