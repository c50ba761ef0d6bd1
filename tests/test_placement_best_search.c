/* layer: models */
/* The search of static:best against trying everything that there is. */
#include "placement_kit.h"

/* Every node for every task, and for every family its users' nodes, one node, or all. */
static double
exhaustive(struct best *b, struct best_choice *c, uint32_t at)
{
    uint32_t nr_nodes = b->k->machine->nr_nodes;
    double best = __builtin_inf();

    if (at == b->nr_tasks + b->nr_families)
        return best_value(b, c);
    for (uint32_t i = 0; i < nr_nodes + (at < b->nr_tasks ? 0 : 2); i++) {
        struct best_weights w = { .own = i == nr_nodes };

        for (uint32_t n = 0; n < nr_nodes; n++)
            w.node[n] = i == n || i == nr_nodes + 1;
        if (at < b->nr_tasks)
            c->node[at] = (int32_t)i;
        else
            c->weights[at - b->nr_tasks] = w;
        double value = exhaustive(b, c, at + 1);
        best = value < best ? value : best;
    }
    return best;
}

/* Unlike controllers and a narrow link between 0 and 2; what is loaded slows, long before it is
 * full. */
static void
uneven(struct kernel_params *kp, struct machine *m)
{
    static const uint64_t gb[] = { 20, 12, 16 };

    kp->fixed.best_evaluations = 1000;
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        m->nodes[n].bandwidth = gb[n] * 1000000000;
    for (uint32_t l = 0; l < m->nr_links; l++) {
        bool narrow = m->links[l].from + m->links[l].to == 2 && m->links[l].from != 1;

        m->links[l].bandwidth = narrow ? 2000000000 : 8000000000;
    }
}

/* What is not full does not slow: then there are cliffs. */
static void
uneven_without_curves(struct kernel_params *kp, struct machine *m)
{
    uneven(kp, m);
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        m->nodes[n].curve_a = 0;
    for (uint32_t l = 0; l < m->nr_links; l++)
        m->links[l].curve_a = 0;
}

/* The search may weight nodes as well, so that it can be better, and must not be worse. */
static void
tiny_cases_are_as_good_as_trying_everything(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 200; seed++) {
        struct rng rng;
        struct fixture f;
        struct best b, all;

        kit_open(&f, 3, 2, memory_models[0], seed % 2 == 0 ? uneven : uneven_without_curves);
        rng_init(&rng, seed, "cases", 0);
        struct region *regions[] = { region(&f, "a", MIB(4)), region(&f, "b", MIB(4)) };
        for (uint32_t t = 0; t < 4; t++)
            add(&f, 1e6 * (double)(1 + rng_below(&rng, 4)), 0.01 * (double)rng_below(&rng, 30),
                regions[rng_below(&rng, 2)], REGION_WHOLE);
        open_search(&f, &b);
        open_search(&f, &all);
        struct best_choice found = best_choice_new(&b), c = best_choice_new(&all);
        double value = best_search(&b, &found), least = exhaustive(&all, &c, 0);
        if (value > least * 1.0001)
            fail_msg("case %u: %g, but %g is possible", seed, value, least);
        assert_true(b.nr_evaluations <= 1000);
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_cases_are_as_good_as_trying_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
