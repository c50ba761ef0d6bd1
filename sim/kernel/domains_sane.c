/*
 * What does not fit: masks that overlap, and hardware that firmware reports across nodes.
 *
 * The kernel gives up on a machine whose masks overlap below the NUMA levels, and warns of the
 * first hardware that it has to cut at the border of a node. We say the same, so that who describes
 * such a machine learns it here and not from odd results.
 */
#include "kernel/domains_impl.h"

static const struct {
    const char *what;
    size_t offset;
} cut_kinds[] = {
    { "smt", offsetof(struct machine_cpu, core) },
    { "llc", offsetof(struct machine_cpu, llc) },
    { "l2c", offsetof(struct machine_cpu, l2) },
};

/* The lowest CPU below `cpu` that shares its hardware from another node, or -1. */
static int
cut_sibling(const struct builder *b, int cpu, size_t offset, struct level_set *const *sets)
{
    const struct machine_cpu *cpus = b->m->cpus;

    if (sets[cpu] == NULL || !sets[cpu]->cut)
        return -1;
    for_each_cpu (other, b->m->online) {
        if (other >= cpu)
            break;
        if (machine_cpu_id(&cpus[other], offset) == machine_cpu_id(&cpus[cpu], offset) &&
            cpus[other].node != cpus[cpu].node)
            return other;
    }
    return -1;
}

/* Parts of an Intel package that are nodes share its cache by design. */
static bool
cut_is_expected(const struct builder *b, int cpu, int other, size_t offset)
{
    return offset == offsetof(struct machine_cpu, llc) && b->m->vendor == VENDOR_INTEL &&
           b->m->cpus[cpu].package == b->m->cpus[other].package;
}

/* x86 only: CPUs come up in ascending order, and only the first cut of a boot is logged. */
void
domains_warn_of_cuts(struct builder *b)
{
    struct level_set **sets[ARRAY_LEN(cut_kinds)];

    if (b->m->vendor == VENDOR_ARM)
        return;
    for (uint32_t i = 0; i < ARRAY_LEN(cut_kinds); i++)
        sets[i] = domains_sets_by_id(b, cut_kinds[i].offset);
    for_each_cpu (cpu, b->m->online)
        for (uint32_t i = 0; i < ARRAY_LEN(cut_kinds); i++) {
            int other = cut_sibling(b, cpu, cut_kinds[i].offset, sets[i]);

            if (other < 0 || cut_is_expected(b, cpu, other, cut_kinds[i].offset))
                continue;
            domains_message(b,
                            "sched: CPU #%d's %s-sibling CPU #%d is not on the same node! "
                            "[node: %u != %u]. Ignoring dependency.",
                            cpu, cut_kinds[i].what, other,
                            b->m->nodes[b->m->cpus[cpu].node].os_index,
                            b->m->nodes[b->m->cpus[other].node].os_index);
            return;
        }
}

/* Sets of one level have all in common or nothing; each set is looked at once. */
static bool
level_sane(struct builder *b, const struct level *l)
{
    struct level_set **owner = arena_new_array(b->scratch, struct level_set *, b->m->nr_cpus);

    for_each_cpu (cpu, b->cpu_map)
        l->of[cpu]->seen = false;
    for_each_cpu (cpu, b->cpu_map) {
        struct level_set *set = l->of[cpu];

        if (set->seen)
            continue;
        set->seen = true;
        for_each_cpu (other, set->mask) {
            if (owner[other] != NULL && !cpumask_equal(owner[other]->mask, set->mask))
                return false;
            owner[other] = set;
        }
    }
    return true;
}

bool
domains_levels_sane(struct builder *b)
{
    for (uint32_t i = 0; i < b->nr_levels; i++) {
        if (b->levels[i].flags & SD_OVERLAP || level_sane(b, &b->levels[i]))
            continue;
        domains_message(b, "the masks of level %s overlap: the kernel builds no domains at all",
                        b->levels[i].name);
        return false;
    }
    return true;
}

static bool
level_spans_sane(const struct builder *b, uint32_t level)
{
    struct cpumask **owner = arena_new_array(b->scratch, struct cpumask *, b->m->nr_cpus);

    for_each_cpu (cpu, b->cpu_map) {
        const struct sched_domain *sd = domain_at(b, level, (uint32_t)cpu);

        if (sd == NULL || owner[cpu] == sd->span)
            continue;
        for_each_cpu (other, sd->span) {
            if (owner[other] != NULL && !spans_equal(owner[other], sd->span))
                return false;
            owner[other] = sd->span;
        }
    }
    return true;
}

/* Widening can make spans overlap. The kernel would link broken rings of groups; we decline. */
bool
domains_trees_sane(struct builder *b)
{
    for (uint32_t i = 0; i < b->nr_levels; i++) {
        if (b->levels[i].flags & SD_OVERLAP || level_spans_sane(b, i))
            continue;
        domains_message(b,
                        "BUG: arch topology broken: the spans of level %s overlap once each holds "
                        "the level below",
                        b->levels[i].name);
        return false;
    }
    return true;
}
