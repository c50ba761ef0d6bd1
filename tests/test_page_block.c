/* layer: models */
/*
 * The block representation against the exact one, in fifteen scenarios: means over seeds must
 * agree.
 *
 * What is compared is all that a run reports about pages: updates, faults, local ones, migrations,
 * where the pages are in the end, and how local accesses were. Differences of means may be as large
 * as 4 standard deviations of such a difference, and 2 %: of the faults or, where pages or accesses
 * are counted, of the region.
 *
 * Blocks do not remember the order of their pages. Two that walk in step meet in the same block all
 * along, and what they do differs by about a block's pages in all: their region is large enough for
 * that to be little, as those are that blocks are for. So it is where pages differ in popularity:
 * which of a block's pages are the popular ones is not known.
 */
#include <math.h>
#include <stdio.h>

#include "memory_kit.h"
#include "models/memory/models.h"

enum {
    SEEDS = 6,
    SMALL = 6 * 512 + 100,
    MEDIUM = 40 * 512 + 100,
    LARGE = 96 * 512 + 100,
    HUGE = 1100 * 512 + 100,
    VALUES = 7
};

static const char *const value_names[VALUES] = { "updates", "faults", "local",   "migrated",
                                                 "node 0",  "node 1", "accesses" };

struct thread {
    const char *cpus; /* NULL: anywhere */
    uint32_t process, slice;
    enum access_pattern pattern;
};

struct scenario {
    const char *name;
    uint32_t slices, nr;
    struct thread threads[4];
    int populated;  /* node, -1: first touch, -2: interleaved */
    uint64_t fill;  /* all of node 1 is taken before but so many pages; 0: nothing */
    uint64_t pages; /* 0: SMALL */
};

static const struct scenario scenarios[] = {
    { "one thread, all remote", 1, 1, { { "0", 0, REGION_WHOLE, ACCESS_SEQUENTIAL } }, 1, 0, 0 },
    { "one thread, at random", 1, 1, { { "0", 0, REGION_WHOLE, ACCESS_RANDOM } }, 1, 0, 0 },
    { "two threads share, in order",
      1,
      2,
      { { "0", 0, REGION_WHOLE, ACCESS_SEQUENTIAL }, { "2", 0, REGION_WHOLE, ACCESS_SEQUENTIAL } },
      1,
      0,
      LARGE },
    { "two threads share much, in order",
      1,
      2,
      { { "0", 0, REGION_WHOLE, ACCESS_SEQUENTIAL }, { "2", 0, REGION_WHOLE, ACCESS_SEQUENTIAL } },
      1,
      0,
      HUGE },
    { "two threads share, at random",
      1,
      2,
      { { "0", 0, REGION_WHOLE, ACCESS_RANDOM }, { "2", 0, REGION_WHOLE, ACCESS_RANDOM } },
      1,
      0,
      0 },
    { "three to one",
      1,
      4,
      { { "0", 0, REGION_WHOLE, ACCESS_RANDOM },
        { "1", 0, REGION_WHOLE, ACCESS_RANDOM },
        { "1", 0, REGION_WHOLE, ACCESS_RANDOM },
        { "2", 0, REGION_WHOLE, ACCESS_RANDOM } },
      1,
      0,
      0 },
    { "slices, first touch, then moved",
      3,
      3,
      { { NULL, 0, 0, ACCESS_SEQUENTIAL },
        { NULL, 0, 1, ACCESS_SEQUENTIAL },
        { NULL, 0, 2, ACCESS_RANDOM } },
      0,
      0,
      0 },
    { "first touch by two",
      1,
      2,
      { { "0", 0, REGION_WHOLE, ACCESS_RANDOM }, { "2", 0, REGION_WHOLE, ACCESS_RANDOM } },
      -1,
      0,
      0 },
    { "interleaved",
      2,
      2,
      { { "0", 0, 0, ACCESS_RANDOM }, { "2", 0, 1, ACCESS_SEQUENTIAL } },
      -2,
      0,
      0 },
    { "two processes",
      1,
      2,
      { { "0", 0, REGION_WHOLE, ACCESS_RANDOM }, { "2", 1, REGION_WHOLE, ACCESS_RANDOM } },
      0,
      0,
      0 },
    { "a walk in strides of a page",
      1,
      2,
      { { "0", 0, REGION_WHOLE, ACCESS_STRIDED }, { "2", 0, REGION_WHOLE, ACCESS_RANDOM } },
      1,
      0,
      MEDIUM },
    { "a popular part",
      1,
      2,
      { { "0", 0, REGION_WHOLE, ACCESS_HOT }, { "2", 0, REGION_WHOLE, ACCESS_RANDOM } },
      1,
      0,
      MEDIUM },
    { "by popularity", 1, 1, { { "0", 0, REGION_WHOLE, ACCESS_ZIPF } }, 1, 0, 0 },
    { "two slices, two threads of each on either node",
      2,
      4,
      { { "0", 0, 0, ACCESS_RANDOM },
        { "1", 0, 1, ACCESS_RANDOM },
        { "2", 0, 1, ACCESS_RANDOM },
        { "3", 0, 0, ACCESS_RANDOM } },
      -2,
      0,
      MEDIUM },
    { "the target is nearly full", 1, 1, { { "2", 0, REGION_WHOLE, ACCESS_RANDOM } }, 0, 1500, 0 },
};

/* Nine of ten accesses go to a fifth of the pages; Zipf's law with exponent 0.9. */
static const struct access_shape shapes[ACCESS_NR] = {
    [ACCESS_HOT] = { .skew_ppm = 900000, .hot_ppm = 200000 },
    [ACCESS_ZIPF] = { .skew_ppm = 900000 },
};

static uint64_t
pages_of(const struct scenario *s)
{
    return s->pages > 0 ? s->pages : SMALL;
}

static void
balancing(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->numa.mode = NUMA_BALANCING_NORMAL;
    kp->numa.scan_delay = MSEC(100);
    kp->numa.scan_period_min = MSEC(100);
}
static void
in_blocks(struct kernel_params *kp, struct machine *m)
{
    balancing(kp, m);
    kp->mm.exact_limit = 0;
}

static struct region *
build_region(struct fixture *f, const struct scenario *s)
{
    const struct mempolicy spread = { .mode = MPOL_INTERLEAVE, .nodes = 3 };
    struct region *r = region_new(f->k, f->process->mm,
                                  &(struct region_attr){ .name = "data",
                                                         .bytes = pages_of(s) * PAGE_4K,
                                                         .sharing = REGION_GLOBAL,
                                                         .owner = -1,
                                                         .nr_slices = s->slices });
    if (s->populated >= 0)
        kit_populate(f, r, s->populated);
    else if (s->populated == -2)
        region_populate(f->k, r, 0, pages_of(s), &spread, 0);
    return r;
}

static void
leave_free(struct fixture *f, uint64_t pages)
{
    const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 2 };
    const struct mm_node *n = &f->k->mm->nodes[1];
    struct region *fill = kit_region(f, "fill", GIB(4), 1);

    region_populate(f->k, fill, 0, n->free_pages - n->high_watermark - pages, &bind, 1);
}

static void
run(const struct scenario *s, bool block, uint64_t seed, double *out)
{
    struct fixture f;
    double local = 0, all = 0;

    kit_open(&f, 2, 2, &memory_loaded, block ? in_blocks : balancing);
    f.k->seed = seed;
    struct process *processes[2] = { f.process, process_new(f.k, "other", NULL) };
    struct region *r = build_region(&f, s);
    assert_ptr_equal(r->ops, block ? &page_block : &page_exact);
    if (s->fill > 0)
        leave_free(&f, s->fill);
    struct task *tasks[4];
    for (uint32_t i = 0; i < s->nr; i++) {
        struct burst_profile *p = kit_profile(&f, r, s->threads[i].slice, 5 + i, 0);
        struct burst_use *use = arena_new_object(f.arena, struct burst_use);
        *use = p->uses[0];
        use->pattern = s->threads[i].pattern;
        use->shape = shapes[use->pattern];
        p->uses = use;
        f.process = processes[s->threads[i].process];
        tasks[i] = kit_task(&f, s->threads[i].cpus, p, SEC(100));
        task_start(f.k, tasks[i], NULL);
    }
    fixture_run(&f, pages_of(s) > LARGE ? SEC(6) : MSEC(900));
    for (int i = 0; i < 64; i++)
        assert_null(mm_check(f.k));
    for (uint32_t i = 0; i < s->nr; i++) {
        local += (double)tasks[i]->stats.accesses_local;
        all += (double)(tasks[i]->stats.accesses_local + tasks[i]->stats.accesses_remote);
    }
    const double values[VALUES] = {
        (double)f.k->stats.numa_pte_updates,       (double)f.k->stats.numa_hint_faults,
        (double)f.k->stats.numa_hint_faults_local, (double)f.k->stats.numa_pages_migrated,
        (double)region_whole(r)->count[0],         (double)region_whole(r)->count[1],
        local / all * (double)pages_of(s)
    };
    memcpy(out, values, sizeof(values));
    fixture_close(&f);
}

static void
compare(const struct scenario *s)
{
    double sum[2][VALUES] = { { 0 } }, square[2][VALUES] = { { 0 } };

    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        for (int block = 0; block < 2; block++) {
            double values[VALUES];
            run(s, block, seed, values);
            for (int i = 0; i < VALUES; i++) {
                sum[block][i] += values[i];
                square[block][i] += values[i] * values[i];
            }
        }
    for (int i = 0; i < VALUES; i++) {
        double a = sum[0][i] / SEEDS, b = sum[1][i] / SEEDS;
        double spread = (square[0][i] / SEEDS - a * a + square[1][i] / SEEDS - b * b) / (SEEDS - 1);
        double pages = (double)pages_of(s);
        double of = i < 3 ? fmax(sum[0][1] / SEEDS, pages) : i == 3 ? fmax(a, pages) : pages;
        double most = 4 * sqrt(fmax(spread, 0)) + 2 * of / 100;

        if (fabs(a - b) > most)
            fail_msg("%s: %s: exact %.1f, block %.1f, may differ by %.1f", s->name, value_names[i],
                     a, b, most);
        print_message("  %-46s %-9s exact %9.1f, block %9.1f, within %.1f\n", s->name,
                      value_names[i], a, b, most);
    }
}

static void
blocks_agree_with_exact_pages(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
        compare(&scenarios[i]);
}

/* 1 TiB of small pages: 2^28 of them at 0.07 bytes; of huge ones 26 bytes each, and sums over 16 of
 * them. Exact pages take 4 bytes and those of their chunk. */
static void
a_region_of_one_tebibyte_takes_little(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 8, 1, &fixture_memory, NULL);
    assert_true(page_block.bytes(f.k, 1u << 28, false) <= MIB(20));
    assert_true(page_exact.bytes(f.k, 1u << 28, true) <= MIB(14));
    assert_true(page_exact.bytes(f.k, 1u << 24, false) <= MIB(66));
    struct region *r = kit_region(&f, "large", GIB(1024), 1);
    assert_ptr_equal(r->ops, &page_block);
    assert_non_null(f.k->notes);
    assert_non_null(strstr(f.k->notes->text, "blocks of 2 MiB"));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_agree_with_exact_pages),
        cmocka_unit_test(a_region_of_one_tebibyte_takes_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
