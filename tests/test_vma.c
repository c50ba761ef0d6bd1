/* layer: kernel */
#include <stdio.h>

#include "memory_kit.h"

#include "kernel/region.h"

enum { PAGES = 1024 };

static struct region *
region_of(struct fixture *f, struct process *pr, enum region_sharing sharing, enum vma_kind kind,
          bool read_only)
{
    return region_new(f->k, pr->mm,
                      &(struct region_attr){ .name = "r",
                                             .bytes = (uint64_t)PAGES * PAGE_4K,
                                             .sharing = sharing,
                                             .owner = -1,
                                             .nr_slices = 4,
                                             .kind = kind,
                                             .read_only = read_only });
}

static void
a_part_with_a_policy_is_a_vma_until_its_neighbours_are_alike(void **state)
{
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 1 }, none;
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    struct region *r = kit_region(&f, "a", (uint64_t)PAGES * PAGE_4K, 1);
    const struct mapping *m = r->maps;
    m->vmas[0]->numab.made = true;
    region_set_policy(f.k, r, 100, 50, &bind);
    assert_int_equal(m->nr_vmas, 3);
    assert_int_equal(m->vmas[1]->first, 100);
    assert_int_equal(m->vmas[1]->nr_pages, 50);
    assert_int_equal(m->vmas[1]->start, m->start + 100);
    assert_ptr_equal(mapping_vma(m, 99), m->vmas[0]);
    assert_ptr_equal(mapping_vma(m, 149), m->vmas[1]);
    assert_ptr_equal(mapping_vma(m, PAGES - 1), m->vmas[2]);
    assert_true(m->vmas[0]->numab.made); /* what the scan knows stays with the lower part */
    assert_false(m->vmas[2]->numab.made);
    assert_null(mm_check(f.k));
    region_set_policy(f.k, r, 0, PAGES, &none);
    assert_int_equal(m->nr_vmas, 1);
    assert_false(region_has_policy(r));
    assert_null(mm_check(f.k));
    fixture_close(&f);
}

static void
find_vma_gives_the_one_that_holds_the_address_or_follows(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 1, &fixture_memory, NULL);
    struct region *a = kit_region(&f, "a", 3 * PAGE_4K, 1), *b = kit_region(&f, "b", PAGE_4K, 1);
    const struct vma *first = a->maps->vmas[0], *second = b->maps->vmas[0];
    const struct mm *mm = f.process->mm;
    assert_int_equal(second->start, first->start + 512);
    assert_ptr_equal(find_vma(mm, 0), first);
    assert_ptr_equal(find_vma(mm, first->start + 2), first);
    assert_ptr_equal(find_vma(mm, first->start + 3), second);
    assert_ptr_equal(find_vma(mm, second->start), second);
    assert_null(find_vma(mm, second->start + 1));
    fixture_close(&f);
}

static void
each_process_that_shares_a_region_has_marks_and_resident_pages_of_its_own(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    struct process *other = process_new(f.k, "other", NULL), *third = process_new(f.k, "t", NULL);
    struct region *r = region_of(&f, f.process, REGION_GLOBAL, VMA_ANON, false);
    assert_null(region_mapping(r, f.process->mm)); /* nobody uses it yet */
    kit_populate(&f, r, 1);
    struct mapping *a = region_map(f.k, r, f.process->mm), *b = region_map(f.k, r, other->mm);
    assert_ptr_equal(region_map(f.k, r, other->mm), b);
    assert_int_equal(f.process->mm->rss_pages, PAGES);
    assert_int_equal(other->mm->rss_pages, PAGES);
    assert_int_equal(third->mm->rss_pages, 0);
    assert_int_equal(a->vmas[0]->kind, VMA_SHMEM);

    assert_int_equal(kit_mark(b, 0, 300), 300);
    assert_int_equal(*mapping_marked(b, 0), 256);
    assert_int_equal(*mapping_marked(b, 1), 44);
    assert_int_equal(*mapping_marked(a, 0), 0);
    assert_int_equal(kit_mark(a, 10, 20), 10);
    assert_int_equal(region_next_attention(a, 0, PAGES), 10);
    assert_int_equal(region_next_attention(b, 0, PAGES), 0);
    assert_int_equal(region_next_attention(b, 300, PAGES), PAGES);
    for (int i = 0; i < 256; i++)
        assert_null(mm_check(f.k));
    /* a page that moves is mapped anew: nobody's mark is left */
    assert_true(region_move_page(f.k, r, 12, 0));
    assert_false(kit_marked(a, 12));
    assert_false(kit_marked(b, 12));
    assert_int_equal(*mapping_marked(a, 0), 9);
    assert_int_equal(*mapping_marked(b, 0), 255);
    for (int i = 0; i < 256; i++)
        assert_null(mm_check(f.k));
    region_unmap(f.k, r);
    assert_int_equal(other->mm->rss_pages, 0);
    for (int i = 0; i < 256; i++)
        assert_null(mm_check(f.k));
    fixture_close(&f);
}

/* ---- which VMAs a scan skips, and why: numa-balancing.md 1.6 ---- */

struct log {
    char text[4096];
};

static void
note_vma(void *sink, const struct decision *d)
{
    struct log *log = sink;
    size_t used = strlen(log->text);

    snprintf(log->text + used, sizeof(log->text) - used, "%s ", d->rule);
}

struct scanned {
    struct fixture f;
    struct task *p;
    struct log log;
};

static void
balancing(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->numa.mode = NUMA_BALANCING_NORMAL;
}

static void
open_scanned(struct scanned *s)
{
    memset(s, 0, sizeof(*s));
    kit_open(&s->f, 2, 1, &fixture_memory, balancing);
    s->f.k->probe.wanted = 1u << DECISION_SCAN_VMA;
    s->f.k->probe.record = note_vma;
    s->f.k->probe.sink = &s->log;
}

static void
start_scanning(struct scanned *s)
{
    s->p = fixture_hog(&s->f, "p", 0);
    task_set_affinity(s->f.k, s->p, fixture_cpus(&s->f, "0"));
    task_start(s->f.k, s->p, NULL);
    engine_run(&s->f.k->engine, 1);
}

/* One pass now, whatever the clocks say; what was said of each VMA. */
static const char *
scan_now(struct scanned *s)
{
    s->log.text[0] = '\0';
    s->p->mm->numa_next_scan = jiffies(s->f.k);
    task_numa_work(s->f.k, &s->f.k->rqs[0], s->p);
    return s->log.text;
}

static void
rules_apply_in_the_order_of_the_kernel(void **state)
{
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 2 };
    struct scanned s;

    (void)state;
    open_scanned(&s);
    struct process *pr = s.f.process;
    struct region *text = region_of(&s.f, pr, REGION_SHARED, VMA_FILE, true);
    region_of(&s.f, pr, REGION_SHARED, VMA_FILE, false);
    region_of(&s.f, pr, REGION_SHARED, VMA_ANON, true); /* read-only, but no file */
    region_new(
        s.f.k, pr->mm,
        &(struct region_attr){ .name = "guard", .bytes = PAGE_4K, .owner = -1, .no_access = true });
    struct region *bound = region_of(&s.f, pr, REGION_SHARED, VMA_ANON, false);
    region_set_policy(s.f.k, bound, 512, 512, &bind);
    start_scanning(&s);
    assert_string_equal(scan_now(&s), "shared_ro early_pass early_pass inaccessible early_pass "
                                      "unsuitable ");
    assert_int_equal(pr->mm->numa_scan_seq, 1);
    region_set_policy(s.f.k, text, 0, PAGES, &bind); /* the policy is asked first */
    assert_string_equal(scan_now(&s),
                        "unsuitable scan_delay scan_delay inaccessible scan_delay unsuitable ");
    fixture_close(&s.f);
}

/* PID bits: 1000 -> 61, 1001 -> 22, 1002 -> 46, 4242 -> 19. */
static void
vmas_of_others_are_left_until_one_is_forced(void **state)
{
    struct scanned s;

    (void)state;
    open_scanned(&s);
    struct mm *mm = s.f.process->mm;
    struct vma *a = region_of(&s.f, s.f.process, REGION_SHARED, VMA_ANON, false)->maps->vmas[0];
    struct vma *b = region_of(&s.f, s.f.process, REGION_SHARED, VMA_ANON, false)->maps->vmas[0];
    start_scanning(&s);
    scan_now(&s);
    scan_now(&s);
    engine_run(&s.f.k->engine, SEC(2)); /* delays are over; scans of the tick were made as well */
    uint64_t seq = mm->numa_scan_seq = 10;

    /* nobody's: the first is scanned by force, to its end, and the pass stops behind it */
    mm->numa_scan_offset = 0;
    a->numab.prev_scan_seq = b->numab.prev_scan_seq = seq - 1;
    assert_string_equal(scan_now(&s), "pid_inactive pid_inactive forced ");
    assert_int_equal(mm->numa_scan_offset, vma_end(a));
    assert_int_equal(mm->numa_scan_seq, seq);
    /* from there b alone is left, and by force again; then the pass is over */
    assert_string_equal(scan_now(&s), "pid_inactive forced ");
    assert_int_equal(mm->numa_scan_offset, vma_end(b));
    assert_string_equal(scan_now(&s), "pid_inactive pid_inactive forced ");
    assert_int_equal(mm->numa_scan_seq, seq + 1);

    /* [pid_inactive, seq_completed]: the address has moved behind b, so the forced walk begins a
     * new pass, at a */
    seq = mm->numa_scan_seq;
    mm->numa_scan_offset = 0;
    a->numab.prev_scan_seq = seq - 1;
    b->numab.prev_scan_seq = seq;
    assert_string_equal(scan_now(&s), "pid_inactive seq_completed forced ");
    assert_int_equal(mm->numa_scan_seq, seq + 1);
    assert_int_equal(a->numab.prev_scan_seq, seq + 1);
    assert_int_equal(mm->numa_scan_offset, vma_end(a));

    /* its own VMA is scanned; one that nobody scanned for long as well (one thread) */
    seq = mm->numa_scan_seq;
    mm->numa_scan_offset = 0;
    a->numab.prev_scan_seq = seq - 1;
    b->numab.prev_scan_seq = seq - 2;
    a->numab.pids_active[1] = numa_pid_bit(s.p);
    assert_string_equal(scan_now(&s), "pid_active not_scanned_for_long ");
    assert_int_equal(mm->numa_scan_seq, seq + 1);
    assert_int_equal(mm->numa_scan_offset, 0);

    /* begun before: goes on, whoever uses it; the forced walk begins at the same address */
    a->numab.pids_active[1] = 0;
    a->numab.prev_scan_seq = b->numab.prev_scan_seq = mm->numa_scan_seq - 1;
    mm->numa_scan_offset = a->start + 5;
    assert_string_equal(scan_now(&s), "ignore_pid pid_inactive seq_completed forced ");
    fixture_close(&s.f);
}

/* The budget ends at a multiple of 2 MiB of addresses: numa-balancing.md 1.5 step 8. */
static void
chunks_end_at_multiples_of_2_mib_of_address(void **state)
{
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 2 };
    struct scanned s;

    (void)state;
    open_scanned(&s);
    s.f.k->params.numa.scan_size = 100 * PAGE_4K;
    struct region *r = kit_region(&s.f, "r", 2048ull * PAGE_4K, 1);
    kit_populate(&s.f, r, 1);
    region_set_policy(s.f.k, r, 0, 450, &bind);
    start_scanning(&s);
    scan_now(&s);
    /* from page 450: 100 pages end in the second 2 MiB, which is taken to its end */
    assert_int_equal(s.f.process->mm->numa_scan_offset, r->maps->start + 1024);
    assert_int_equal(region_whole(r)->marked, 1024 - 450);
    fixture_close(&s.f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_with_a_policy_is_a_vma_until_its_neighbours_are_alike),
        cmocka_unit_test(find_vma_gives_the_one_that_holds_the_address_or_follows),
        cmocka_unit_test(each_process_that_shares_a_region_has_marks_and_resident_pages_of_its_own),
        cmocka_unit_test(rules_apply_in_the_order_of_the_kernel),
        cmocka_unit_test(vmas_of_others_are_left_until_one_is_forced),
        cmocka_unit_test(chunks_end_at_multiples_of_2_mib_of_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
