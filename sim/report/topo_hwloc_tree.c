/*
 * From a machine, where a CPU has a package, a die, caches and a node that know nothing of each
 * other, to a tree, where each thing is in one other.
 *
 * Things are taken from the largest to the smallest, of equals in the order of hwloc's types. Each
 * CPU remembers the innermost thing that it is in so far; the parent of a thing is the one that all
 * its CPUs agree on. Where they do not, the thing overlaps another and has no place.
 *
 * A node hangs on the thing with exactly its CPUs; where there is none, a group is made for it, as
 * libhwloc does. Nodes without CPUs hang on the machine.
 */
#include "report/topo_hwloc_impl.h"

static struct hw_object *
object_new(struct hw_tree *t, enum hw_type type, int32_t number)
{
    struct hw_object *o = arena_new_object(t->arena, struct hw_object);

    o->type = type;
    o->number = number;
    o->cpus = cpumask_new(t->arena, t->m->nr_cpus);
    o->children = g_ptr_array_new();
    return o;
}

/* One object for each id, in the order of the CPUs. */
static void
add_things(struct hw_tree *t, GPtrArray *things, enum hw_type type, gsize offset)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_direct_hash, g_direct_equal);

    for_each_cpu (cpu, t->m->online) {
        int32_t id = *(const int32_t *)(const void *)((const char *)&t->m->cpus[cpu] + offset);
        struct hw_object *o = g_hash_table_lookup(known, GINT_TO_POINTER(id));

        if (id == MACHINE_NONE)
            continue;
        if (o == NULL) {
            o = object_new(t, type, type == HW_PACKAGE || type == HW_CORE ? id : -1);
            g_hash_table_insert(known, GINT_TO_POINTER(id), o);
            g_ptr_array_add(things, o);
        }
        cpumask_set(o->cpus, (uint32_t)cpu);
    }
}

static void
add_nodes_and_pus(struct hw_tree *t, GPtrArray *things)
{
    for (uint32_t i = 0; i < t->m->nr_nodes; i++) {
        struct hw_object *o = object_new(t, HW_GROUP, -1);

        cpumask_and(o->cpus, t->m->nodes[i].cpus, t->m->online);
        if (!cpumask_empty(o->cpus))
            g_ptr_array_add(things, o);
    }
    for_each_cpu (cpu, t->m->online) {
        struct hw_object *o = object_new(t, HW_PU, cpu);

        cpumask_set(o->cpus, (uint32_t)cpu);
        g_ptr_array_add(things, o);
    }
}

static gint
by_size(gconstpointer a, gconstpointer b)
{
    const struct hw_object *x = *(struct hw_object *const *)a, *y = *(struct hw_object *const *)b;

    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return cpumask_first(x->cpus) - cpumask_first(y->cpus);
}

static bool
has_llc_of_its_own(const struct machine *m)
{
    for_each_cpu (cpu, m->online)
        if (m->cpus[cpu].llc >= 0 && m->cpus[cpu].l2 < 0)
            return true;
    for_each_cpu (a, m->online) {
        int b = cpumask_next(m->online, (uint32_t)a + 1);

        if (b >= 0 && (m->cpus[a].llc == m->cpus[b].llc) != (m->cpus[a].l2 == m->cpus[b].l2))
            return true;
    }
    return m->cache.llc_bytes != m->cache.l2_bytes;
}

/* All but the machine itself. */
static GPtrArray *
collect(struct hw_tree *t)
{
    GPtrArray *things = g_ptr_array_new();

    add_things(t, things, HW_PACKAGE, offsetof(struct machine_cpu, package));
    if (t->m->nr_dies > t->m->nr_packages)
        add_things(t, things, HW_DIE, offsetof(struct machine_cpu, die));
    if (has_llc_of_its_own(t->m))
        add_things(t, things, HW_L3, offsetof(struct machine_cpu, llc));
    add_things(t, things, HW_CLUSTER, offsetof(struct machine_cpu, cluster));
    add_things(t, things, HW_L2, offsetof(struct machine_cpu, l2));
    if (t->m->cache.l1d_bytes > 0)
        add_things(t, things, HW_L1, offsetof(struct machine_cpu, core));
    add_things(t, things, HW_CORE, offsetof(struct machine_cpu, core));
    add_nodes_and_pus(t, things);
    for (guint i = 0; i < things->len; i++) {
        struct hw_object *o = things->pdata[i];
        o->weight = cpumask_weight(o->cpus);
    }
    g_ptr_array_sort(things, by_size);
    return things;
}

/* A group that repeats its parent says nothing: a cluster with the CPUs of an L2 or a core neither.
 */
static bool
is_needless(const struct hw_object *o, const struct hw_object *parent, const GPtrArray *things,
            guint at)
{
    if (o->type != HW_GROUP && o->type != HW_CLUSTER)
        return false;
    if (parent->weight == o->weight)
        return true;
    for (guint i = at + 1; i < things->len; i++) {
        const struct hw_object *other = things->pdata[i];

        if (other->weight < o->weight)
            break;
        if (cpumask_equal(other->cpus, o->cpus))
            return true;
    }
    return false;
}

static struct hw_object *
common_parent(struct hw_object *const *innermost, const struct hw_object *o)
{
    struct hw_object *parent = innermost[cpumask_first(o->cpus)];

    for_each_cpu (cpu, o->cpus)
        if (innermost[cpu] != parent)
            return NULL;
    return parent;
}

static gint
by_first_cpu(gconstpointer a, gconstpointer b)
{
    const struct hw_object *x = *(struct hw_object *const *)a, *y = *(struct hw_object *const *)b;

    return cpumask_first(x->cpus) - cpumask_first(y->cpus);
}

static void
attach_memory(struct hw_tree *t)
{
    for (uint32_t i = 0; i < t->m->nr_nodes; i++) {
        struct hw_object *best = t->objects->pdata[0];
        struct cpumask *cpus = cpumask_clone(t->arena, t->m->nodes[i].cpus);

        cpumask_and(cpus, cpus, t->m->online);
        for (guint k = 0; k < t->objects->len && !cpumask_empty(cpus); k++) {
            struct hw_object *o = t->objects->pdata[k];
            if (o->type < HW_PU && cpumask_equal(o->cpus, cpus)) {
                best = o;
                break;
            }
        }
        if (t->m->nodes[i].online)
            best->memory |= NODE_BIT(i);
    }
}

/* The nodes of an object: those of its CPUs, and what hangs on it or below. */
static nodemask
count_nodes(const struct machine *m, struct hw_object *o)
{
    o->nodes = o->memory;
    for_each_cpu (cpu, o->cpus)
        o->nodes |= NODE_BIT(m->cpus[cpu].node);
    for (guint i = 0; i < o->children->len; i++)
        o->nodes |= count_nodes(m, o->children->pdata[i]);
    return o->nodes;
}

void
hw_tree_build(struct hw_tree *t, const struct machine *m)
{
    *t = (struct hw_tree){ .m = m, .arena = arena_new(), .objects = g_ptr_array_new() };
    struct hw_object *root = object_new(t, HW_MACHINE, 0);
    g_autoptr(GPtrArray) things = collect(t);
    g_autofree struct hw_object **innermost = g_new(struct hw_object *, m->nr_cpus);

    cpumask_copy(root->cpus, m->online);
    root->weight = cpumask_weight(root->cpus);
    g_ptr_array_add(t->objects, root);
    for (uint32_t cpu = 0; cpu < m->nr_cpus; cpu++)
        innermost[cpu] = root;
    for (guint i = 0; i < things->len; i++) {
        struct hw_object *o = things->pdata[i], *parent = common_parent(innermost, o);

        if (parent == NULL || is_needless(o, parent, things, i)) {
            g_ptr_array_unref(o->children);
            continue;
        }
        g_ptr_array_add(parent->children, o);
        g_ptr_array_add(t->objects, o);
        for_each_cpu (cpu, o->cpus)
            innermost[cpu] = o;
    }
    for (guint i = 0; i < t->objects->len; i++)
        g_ptr_array_sort(((struct hw_object *)t->objects->pdata[i])->children, by_first_cpu);
    attach_memory(t);
    count_nodes(m, root);
}

void
hw_tree_clear(struct hw_tree *t)
{
    for (guint i = 0; i < t->objects->len; i++)
        g_ptr_array_unref(((struct hw_object *)t->objects->pdata[i])->children);
    g_ptr_array_unref(t->objects);
    arena_free(t->arena);
}
