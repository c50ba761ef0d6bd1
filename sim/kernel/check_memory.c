/* The identities of memory counters (numa-balancing.md section 3), for --check. */
#include "kernel/check.h"

#include "kernel/mm.h"

static const char *
broken(struct kernel *k, const char *what, uint64_t a, uint64_t b)
{
    return arena_printf(k->arena, "memory counters: %s: %llu and %llu", what, (unsigned long long)a,
                        (unsigned long long)b);
}

static void
add_node(struct mm_node *sum, const struct mm_node *n)
{
    sum->numa_hit += n->numa_hit;
    sum->numa_miss += n->numa_miss;
    sum->numa_foreign += n->numa_foreign;
    sum->local_node += n->local_node;
    sum->other_node += n->other_node;
    sum->interleave_hit += n->interleave_hit;
    sum->pgdemote_kswapd += n->pgdemote_kswapd;
    sum->pgdemote_direct += n->pgdemote_direct;
}

const char *
check_memory(struct kernel *k)
{
    const struct kernel_stats *s = &k->stats;
    struct mm_node sum = { .numa_hit = 0 };

    for (uint32_t i = 0; i < k->machine->nr_nodes; i++)
        add_node(&sum, &k->mm->nodes[i]);
#define EQUAL(what, a, b)                                                                          \
    if ((a) != (b))                                                                                \
    return broken(k, what, a, b)
#define AT_MOST(what, a, b)                                                                        \
    if ((a) > (b))                                                                                 \
    return broken(k, what, a, b)
    EQUAL("hit + miss is local + other", s->numa_hit + s->numa_miss, s->numa_local + s->numa_other);
    EQUAL("as many foreign as missed", s->numa_miss, s->numa_foreign);
    EQUAL("numa_hit of all nodes", s->numa_hit, sum.numa_hit);
    EQUAL("numa_miss of all nodes", s->numa_miss, sum.numa_miss);
    EQUAL("numa_foreign of all nodes", s->numa_foreign, sum.numa_foreign);
    EQUAL("local_node of all nodes", s->numa_local, sum.local_node);
    EQUAL("other_node of all nodes", s->numa_other, sum.other_node);
    EQUAL("interleave_hit of all nodes", s->numa_interleave, sum.interleave_hit);
    EQUAL("pgdemote_kswapd of all nodes", s->pgdemote_kswapd, sum.pgdemote_kswapd);
    EQUAL("pgdemote_direct of all nodes", s->pgdemote_direct, sum.pgdemote_direct);
    EQUAL("stolen by whom is stolen of what", s->pgsteal_kswapd + s->pgsteal_direct,
          s->pgsteal_anon + s->pgsteal_file);
    AT_MOST("local hinting faults are hinting faults", s->numa_hint_faults_local,
            s->numa_hint_faults);
    AT_MOST("what faults, calls and reclaim moved was moved",
            s->numa_pages_migrated + s->pgdemote_kswapd + s->pgdemote_direct, s->pgmigrate_success);
    AT_MOST("promotions are migrations", s->pgpromote_success, s->numa_pages_migrated);
    return NULL;
#undef EQUAL
#undef AT_MOST
}
