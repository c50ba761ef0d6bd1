/*
 * The tree under `cgroups`: names, the limits of each group under the kernel's own file names, and
 * groups in groups. Groups are kept in one array, parents before children, under their paths
 * ("web/db").
 */
#include "config/workload_yaml_load.h"

#include "kernel/group.h"

enum { CGROUPS_MAX = 1000, CGROUPS_DEEP = 16 };

static const char *const cgroup_keys[] = { "cpu.weight",  "cpu.weight.nice", "cpu.idle",
                                           "cpu.max",     "cpu.max.burst",   "cpuset.cpus",
                                           "cpuset.mems", "cgroups",         NULL };

/* ---- cpu.weight, cpu.weight.nice, cpu.idle ---- */

static void
read_share(struct wload *l, const struct ynode *n, struct wcgroup *g)
{
    const struct ynode *weight = ynode_get(n, "cpu.weight");
    const struct ynode *nice = ynode_get(n, "cpu.weight.nice");
    uint64_t value;

    g->weight = CPU_WEIGHT_DEFAULT;
    g->idle = wload_bool_at(l, n, "cpu.idle", false);
    if (weight != NULL && nice != NULL)
        ynode_error(&l->doc, nice, "'cpu.weight' says the same in other words; write one of them");
    else if (g->idle && (weight != NULL || nice != NULL))
        ynode_error(&l->doc, weight != NULL ? weight : nice,
                    "a group with 'cpu.idle' has the least weight; leave this out");
    else if (weight != NULL && ynode_number(&l->doc, weight, 1, CPU_WEIGHT_MAX, &value))
        g->weight = (uint32_t)value;
    else if (nice != NULL)
        g->by_nice = wload_nice(l, nice, &g->nice);
}

/* ---- cpu.max, cpu.max.burst ---- */

/* A number that the file settles is checked here, where it has a place; others by the machine. */
static void
check_range(struct wload *l, const struct ynode *n, const struct wexpr *e, uint64_t least,
            uint64_t most, const char *right)
{
    if (n != NULL && wexpr_is_const(e) && (e->ops[0].value < least || e->ops[0].value > most))
        ynode_error(&l->doc, n, "out of range; write %s", right);
}

/* "50000 100000", as it stands in the kernel's file. */
static bool
is_kernel_form(const struct ynode *n)
{
    return n->kind == YNODE_SCALAR && n->text[strspn(n->text, "0123456789 ")] == '\0' &&
           strchr(n->text, ' ') != NULL;
}

static void
read_max(struct wload *l, const struct ynode *n, struct wcgroup *g)
{
    static const char *const keys[] = { "quota", "period", NULL };
    const struct ynode *quota = n, *period = NULL;

    if (n->kind == YNODE_SCALAR && strcmp(n->text, "max") == 0)
        return;
    if (n->kind == YNODE_MAP) {
        ynode_check_keys(&l->doc, n, NULL, keys);
        quota = ynode_get(n, "quota");
        period = ynode_get(n, "period");
        if (quota == NULL) {
            ynode_error(&l->doc, n, "'quota' is missing: the CPU time of each period, or 'max'");
            return;
        }
        if (quota->kind == YNODE_SCALAR && strcmp(quota->text, "max") == 0)
            quota = NULL;
    }
    if (quota != NULL && is_kernel_form(quota)) {
        ynode_error(&l->doc, quota,
                    "times have units; write {quota: 50ms, period: 100ms}, or 50ms where the "
                    "period is 100ms");
        return;
    }
    if (quota != NULL && wload_number(l, quota, FIELD_TIME, WEXPR_MACHINE, &g->quota))
        check_range(l, quota, &g->quota, CFS_QUOTA_MIN, CFS_QUOTA_MAX, "a quota of at least 1ms");
    if (period != NULL && wload_number(l, period, FIELD_TIME, WEXPR_MACHINE, &g->period))
        check_range(l, period, &g->period, CFS_PERIOD_MIN, CFS_PERIOD_MAX,
                    "a period from 1ms to 1s");
}

static void
read_burst(struct wload *l, const struct ynode *n, struct wcgroup *g)
{
    if (!wload_number(l, n, FIELD_TIME, WEXPR_MACHINE, &g->burst))
        return;
    if (g->quota.nr == 0)
        ynode_error(&l->doc, n, "a group without a quota has no bursts; write 'cpu.max' first");
    else if (wexpr_is_const(&g->quota))
        check_range(l, n, &g->burst, 0, g->quota.ops[0].value, "a burst of at most the quota");
}

/* ---- cpuset.cpus ---- */

/* As in the kernel's file, "0-3,8"; or as an affinity is written. */
static void
read_cpus(struct wload *l, const struct ynode *n, struct wcgroup *g)
{
    if (n->kind == YNODE_MAP || (n->kind == YNODE_SCALAR && strcmp(n->text, "all") == 0)) {
        wload_affinity(l, n, &g->cpus);
        return;
    }
    struct cpumask *set = cpumask_new(l->doc.arena, CPU_MAX);
    if (!ynode_cpulist(&l->doc, n, set))
        return;
    if (cpumask_empty(set)) {
        ynode_error(&l->doc, n, "the list is empty; write 0-3, or leave 'cpuset.cpus' out");
        return;
    }
    g->cpus = (struct waffinity){ .at = wload_place(l, n), .kind = WAFFINITY_CPUS, .set = set };
}

/* ---- the tree ---- */

static void
read_cgroup(struct wload *l, const struct ynode *n, struct wcgroup *g)
{
    const struct ynode *max = ynode_get(n, "cpu.max"), *burst = ynode_get(n, "cpu.max.burst");
    const struct ynode *cpus = ynode_get(n, "cpuset.cpus");
    const struct ynode *mems = ynode_get(n, "cpuset.mems");

    ynode_check_keys(&l->doc, n, NULL, cgroup_keys);
    read_share(l, n, g);
    if (max != NULL)
        read_max(l, max, g);
    if (burst != NULL)
        read_burst(l, burst, g);
    if (cpus != NULL)
        read_cpus(l, cpus, g);
    if (mems != NULL) {
        g->mems.at = wload_place(l, mems);
        wload_nodes(l, mems, &g->mems);
    }
}

static void
read_tree(struct wload *l, const struct ynode *map, GArray *all, int32_t parent, guint depth)
{
    if (ynode_expect(&l->doc, map, YNODE_MAP) == NULL)
        return;
    if (depth > CGROUPS_DEEP) {
        ynode_error(&l->doc, map, "groups are nested deeper than %d", CGROUPS_DEEP);
        return;
    }
    for (guint i = 0; i < map->nr && all->len <= CGROUPS_MAX; i++) {
        const struct ynode *n = map->values[i];
        const char *name = wload_name(l, map->keys[i]);
        struct wcgroup g = { .name = name, .at = wload_place(l, n), .parent = parent };
        bool bare = n->kind == YNODE_SCALAR && n->text[0] == '\0'; /* a group as it comes */

        g.weight = CPU_WEIGHT_DEFAULT;
        if (name != NULL && parent >= 0 && g_array_index(all, struct wcgroup, parent).name != NULL)
            g.name = arena_printf(l->doc.arena, "%s/%s",
                                  g_array_index(all, struct wcgroup, parent).name, name);
        if (!bare && ynode_expect(&l->doc, n, YNODE_MAP) != NULL)
            read_cgroup(l, n, &g);
        g_array_append_val(all, g);
        const struct ynode *below = ynode_get(n, "cgroups");
        if (below != NULL)
            read_tree(l, below, all, (int32_t)all->len - 1, depth + 1);
    }
}

void
wload_cgroups(struct wload *l, const struct ynode *map)
{
    g_autoptr(GArray) all = g_array_new(FALSE, TRUE, sizeof(struct wcgroup));

    if (map == NULL)
        return;
    read_tree(l, map, all, -1, 1);
    if (all->len > CGROUPS_MAX) {
        l->too_many = true;
        ynode_error(&l->doc, map, "there are more than %d groups", CGROUPS_MAX);
    }
    l->w->cgroups = wload_to_arena(l, all, &l->w->nr_cgroups);
}

int32_t
wload_find_cgroup(struct wload *l, const struct ynode *n)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    if (ynode_string(&l->doc, n) == NULL || strcmp(n->text, "/") == 0)
        return -1;
    for (uint32_t i = 0; i < l->w->nr_cgroups; i++) {
        const char *name = l->w->cgroups[i].name;

        if (name == NULL)
            continue;
        if (strcmp(name, n->text) == 0)
            return (int32_t)i;
        g_ptr_array_add(names, (gpointer)(gsize)name);
    }
    g_ptr_array_add(names, NULL);
    g_autofree char *hint = did_you_mean(n->text, (const char *const *)names->pdata);
    g_autofree char *excerpt = diag_excerpt(n->text);
    ynode_error(&l->doc, n, "there is no cgroup '%s'%s", excerpt,
                names->len > 1 ? hint : "; declare it under 'cgroups'");
    return -1;
}
