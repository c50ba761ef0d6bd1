/* layer: models */
#include "memory_kit.h"

#include "models/memory/models.h"

static void
hundred_gbs(struct kernel_params *kp, struct machine *m)
{
    (void)kp;
    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        m->nodes[n].bandwidth = 100000000000u;
        m->nodes[n].write_derate_ppm = 0;
    }
    for (uint32_t l = 0; l < m->nr_links; l++)
        m->links[l].bandwidth = 50000000000u;
}

static uint32_t
link_between(const struct fixture *f, int from, int to)
{
    for (uint32_t l = 0; l < f->machine->nr_links; l++)
        if (f->machine->links[l].from == from && f->machine->links[l].to == to)
            return l;
    fail();
    return 0;
}

/* 10 MB in a millisecond: 10 GB/s of 100 at both controllers, of 50 at one direction of the link,
 * in the millisecond after; then it is over. */
static void
copies_of_pages_load_both_controllers_and_the_link(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, hundred_gbs);
    const struct memory_model_ops *model = f.k->memory;
    mm_copied(f.k, 0, 1, 10000000);
    assert_int_equal(f.k->traffic[1], 10000000);
    engine_run(&f.k->engine, USEC(500));
    assert_int_equal(model->node_load(f.k, 0), 0);
    engine_run(&f.k->engine, USEC(1500));
    assert_in_range(model->node_load(f.k, 0), 99, 101);
    assert_in_range(model->node_load(f.k, 1), 99, 101);
    assert_in_range(model->link_load(f.k, link_between(&f, 0, 1)), 199, 201);
    assert_int_equal(model->link_load(f.k, link_between(&f, 1, 0)), 0);
    engine_run(&f.k->engine, USEC(2500));
    assert_int_equal(model->node_load(f.k, 0), 0);
    assert_int_equal(model->node_load(f.k, 1), 0);
    assert_int_equal(engine_run(&f.k->engine, SEC(1)), ENGINE_DRAINED);
    fixture_close(&f);
}

/* A task that waits for memory is slower while pages are copied past it, and as fast as before
 * afterwards. */
static void
a_task_feels_copies_that_pass_its_memory(void **state)
{
    struct fixture f;
    uint32_t alone;

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, hundred_gbs);
    struct region *r = kit_region(&f, "data", 64 * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    task_start(f.k, kit_task(&f, "0", kit_profile(&f, r, REGION_WHOLE, 20, 0), SEC(1000)), NULL);
    engine_run(&f.k->engine, MSEC(1));
    alone = f.k->rqs[0].rate;
    mm_copied(f.k, 0, 1, 45000000); /* 45 GB/s */
    engine_run(&f.k->engine, kernel_now(f.k) + USEC(1500));
    assert_true(f.k->rqs[0].rate < alone - alone / 50);
    engine_run(&f.k->engine, kernel_now(f.k) + MSEC(3));
    assert_in_range(f.k->rqs[0].rate, alone - alone / 1000, alone + alone / 1000);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_of_pages_load_both_controllers_and_the_link),
        cmocka_unit_test(a_task_feels_copies_that_pass_its_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
