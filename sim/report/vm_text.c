/*
 * /proc/vmstat, numastat and /proc/PID/numa_maps (mm/vmstat.c, fs/proc/task_mmu.c).
 *
 * Pages are 4 KiB pages everywhere, also those of a 2 MiB page. Of numa_maps: all memory that is
 * not of a file was written, so anon and dirty are the pages that are there; files that are not
 * mapped have no line.
 */
#include "report/vm_text.h"

#include "kernel/filemap.h"
#include "kernel/numa.h"

/* ---- what memory is used for ---- */

struct in_use {
    uint64_t anon, file, mapped, shmem; /* mapped: of `file` */
};

/* Of one node. What is shared between processes is mapped, and counts as shmem. */
static void
add_in_use(const struct kernel *k, int node, struct in_use *sum)
{
    uint64_t mapped;

    sum->file += file_pages(k, node, &mapped);
    sum->mapped += mapped;
    for (uint32_t i = 0; i < k->mm->nr_regions; i++) {
        const struct region *r = k->mm->regions[i];
        enum vma_kind kind = r->maps->vmas[0]->kind;

        if (kind != VMA_FILE)
            *(kind == VMA_ANON ? &sum->anon : &sum->shmem) += region_whole(r)->count[node];
    }
}

/* ---- vmstat ---- */

void
vmstat_text(const struct kernel *k, GString *out)
{
    const struct kernel_stats *s = &k->stats;
    struct in_use in_use = { 0 };
    uint64_t free_pages = 0;

    for (uint32_t n = 0; n < k->machine->nr_nodes; n++) {
        free_pages += k->mm->nodes[n].free_pages;
        add_in_use(k, (int)n, &in_use);
    }
    const struct {
        const char *name;
        uint64_t value;
    } lines[] = {
        { "nr_free_pages", free_pages },
        { "numa_hit", s->numa_hit },
        { "numa_miss", s->numa_miss },
        { "numa_foreign", s->numa_foreign },
        { "numa_interleave", s->numa_interleave },
        { "numa_local", s->numa_local },
        { "numa_other", s->numa_other },
        { "nr_anon_pages", in_use.anon },
        { "nr_mapped", in_use.mapped + in_use.shmem },
        { "nr_file_pages", in_use.file + in_use.shmem },
        { "nr_shmem", in_use.shmem },
        { "pgpromote_success", s->pgpromote_success },
        { "pgpromote_candidate", s->pgpromote_candidate },
        { "pgdemote_kswapd", s->pgdemote_kswapd },
        { "pgdemote_direct", s->pgdemote_direct },
        { "pgdemote_khugepaged", 0 }, /* khugepaged allocates without reclaim that demotes */
        { "pswpin", s->pswpin },
        { "pswpout", s->pswpout },
        { "pgfault", s->pgfault },
        { "pgmajfault", s->pgmajfault },
        { "pgsteal_kswapd", s->pgsteal_kswapd },
        { "pgsteal_direct", s->pgsteal_direct },
        { "pgscan_kswapd", s->pgscan_kswapd },
        { "pgscan_direct", s->pgscan_direct },
        { "pgsteal_anon", s->pgsteal_anon },
        { "pgsteal_file", s->pgsteal_file },
        { "oom_kill", s->oom_kill },
        { "numa_pte_updates", s->numa_pte_updates },
        { "numa_huge_pte_updates", s->numa_huge_pte_updates },
        { "numa_hint_faults", s->numa_hint_faults },
        { "numa_hint_faults_local", s->numa_hint_faults_local },
        { "numa_pages_migrated", s->numa_pages_migrated },
        { "pgmigrate_success", s->pgmigrate_success },
        { "pgmigrate_fail", s->pgmigrate_fail },
        { "thp_migration_success", s->thp_migration_success },
        { "thp_migration_fail", s->thp_migration_fail },
        { "thp_migration_split", s->thp_migration_split },
        { "thp_fault_alloc", s->thp_fault_alloc },
        { "thp_fault_fallback", s->thp_fault_fallback },
        { "thp_collapse_alloc", s->thp_collapse_alloc },
        { "thp_collapse_alloc_failed", s->thp_collapse_alloc_failed },
        { "thp_split_page", s->thp_split_page },
        { "thp_deferred_split_page", s->thp_deferred_split_page },
        { "thp_swpout", s->thp_swpout },
    };

    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        g_string_append_printf(out, "%s %" G_GUINT64_FORMAT "\n", lines[i].name, lines[i].value);
}

/* ---- numastat ---- */

static void
numastat_line(const struct kernel *k, const char *name, size_t offset, GString *out)
{
    g_string_append_printf(out, "%-16s", name);
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++) {
        uint64_t value;

        memcpy(&value, (const char *)&k->mm->nodes[n] + offset, sizeof(value));
        g_string_append_printf(out, "%16" G_GUINT64_FORMAT, value);
    }
    g_string_append_c(out, '\n');
}

void
numastat_text(const struct kernel *k, GString *out)
{
    static const struct {
        const char *name;
        size_t offset;
    } lines[] = {
        { "numa_hit", offsetof(struct mm_node, numa_hit) },
        { "numa_miss", offsetof(struct mm_node, numa_miss) },
        { "numa_foreign", offsetof(struct mm_node, numa_foreign) },
        { "interleave_hit", offsetof(struct mm_node, interleave_hit) },
        { "local_node", offsetof(struct mm_node, local_node) },
        { "other_node", offsetof(struct mm_node, other_node) },
    };

    g_string_append_printf(out, "%-16s", "");
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++) {
        g_autofree char *name = g_strdup_printf("node%u", k->machine->nodes[n].os_index);
        g_string_append_printf(out, "%16s", name);
    }
    g_string_append_c(out, '\n');
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        numastat_line(k, lines[i].name, lines[i].offset, out);
}

/* ---- numa_maps ---- */

/* As the kernel writes sets: 0-2,5. */
static void
put_nodes(const struct kernel *k, nodemask nodes, GString *out)
{
    const struct machine *m = k->machine;
    bool first = true;

    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        uint32_t last = n;

        if (!(nodes & NODE_BIT(n)))
            continue;
        while (last + 1 < m->nr_nodes && (nodes & NODE_BIT(last + 1)) &&
               m->nodes[last + 1].os_index == m->nodes[last].os_index + 1)
            last++;
        g_string_append_printf(out, "%s%u", first ? "" : ",", m->nodes[n].os_index);
        if (last > n)
            g_string_append_printf(out, "-%u", m->nodes[last].os_index);
        first = false;
        n = last;
    }
}

static void
put_flags(const struct mempolicy *pol, GString *out)
{
    const char *nodes = pol->static_nodes ? "static" : pol->relative_nodes ? "relative" : NULL;

    if (nodes != NULL)
        g_string_append_printf(out, "=%s", nodes);
    if (pol->numa_balancing)
        g_string_append_printf(out, "%sbalancing", nodes != NULL ? "|" : "=");
}

/* mpol_to_str() */
static void
put_policy(const struct kernel *k, const struct mempolicy *pol, GString *out)
{
    static const char *const names[] = {
        [MPOL_DEFAULT] = "default",
        [MPOL_LOCAL] = "local",
        [MPOL_PREFERRED] = "prefer",
        [MPOL_PREFERRED_MANY] = "prefer (many)",
        [MPOL_BIND] = "bind",
        [MPOL_INTERLEAVE] = "interleave",
        [MPOL_WEIGHTED_INTERLEAVE] = "weighted interleave",
    };
    /* PREFERRED of no node is made LOCAL */
    enum mempolicy_mode mode =
        pol->mode == MPOL_PREFERRED && pol->nodes == 0 ? MPOL_LOCAL : pol->mode;

    g_string_append(out, names[mode]);
    put_flags(pol, out);
    if (mode == MPOL_DEFAULT || mode == MPOL_LOCAL)
        return;
    g_string_append_c(out, ':');
    put_nodes(k, pol->nodes, out);
}

/* Of a VMA without a policy it is the main thread's, while that lives. */
static const struct mempolicy *
policy_shown(const struct process *pr, const struct vma *v)
{
    const struct task *leader = pr->nr_members > 0 ? pr->members[0] : NULL;

    if (v->policy.mode != MPOL_DEFAULT || leader == NULL || leader->mem == NULL)
        return &v->policy;
    return &leader->mem->policy;
}

/* Pages on each node of a VMA's pages; returns how many there are. */
static uint64_t
count_vma(const struct kernel *k, const struct vma *v, uint64_t *count)
{
    const struct region_group *whole = region_whole(v->map->region);
    uint64_t sum = 0;

    memset(count, 0, k->machine->nr_nodes * sizeof(*count));
    if (v->nr_pages == v->map->region->nr_pages)
        memcpy(count, whole->count, k->machine->nr_nodes * sizeof(*count));
    else
        v->map->region->ops->count(v->map->region, v->first, v->nr_pages, count);
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        sum += count[n];
    return sum;
}

/* Whose pages they are. Shared memory is a file, too; what is all dirty, or all anonymous, is not
 * called mapped. */
static void
put_kind(const struct kernel *k, const struct vma *v, uint64_t there, GString *out)
{
    const struct region *r = v->map->region;
    uint32_t mappers = v->kind == VMA_ANON ? 1 : region_nr_mappers(r);
    bool dirty = v->kind != VMA_FILE || file_is_dirty(k, r, region_slice_of(r, v->first));

    if (v->kind != VMA_ANON)
        g_string_append_printf(out, " file=/%s%s", v->kind == VMA_SHMEM ? "dev/shm/" : "", r->name);
    if (there == 0)
        return;
    if (v->kind == VMA_ANON)
        g_string_append_printf(out, " anon=%" G_GUINT64_FORMAT, there);
    g_string_append_printf(out, " %s=%" G_GUINT64_FORMAT, dirty ? "dirty" : "mapped", there);
    if (mappers > 1)
        g_string_append_printf(out, " mapmax=%u", mappers);
    g_string_append(out, " active=0");
}

static void
numa_maps_line(const struct kernel *k, const struct process *pr, const struct vma *v, GString *out)
{
    uint64_t count[NODE_MAX], there = count_vma(k, v, count);

    g_string_append_printf(out, "%08" G_GINT64_MODIFIER "x ", v->start * PAGE_4K);
    put_policy(k, policy_shown(pr, v), out);
    put_kind(k, v, there, out);
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        if (count[n] > 0)
            g_string_append_printf(out, " N%u=%" G_GUINT64_FORMAT, k->machine->nodes[n].os_index,
                                   count[n]);
    g_string_append(out, there > 0 ? " kernelpagesize_kB=4\n" : "\n");
}

void
numa_maps_text(const struct kernel *k, GString *out)
{
    for (uint32_t i = 0; i < k->nr_processes; i++) {
        const struct process *pr = k->processes[i];

        if (pr->mm == NULL)
            continue;
        g_string_append_printf(out, "# %s\n", pr->name);
        for (const struct vma *v = pr->mm->vmas; v != NULL; v = v->next)
            numa_maps_line(k, pr, v, out);
    }
}

bool
vm_text_write(const char *dir, const struct kernel *k, GError **error)
{
    static const struct {
        const char *name;
        void (*text)(const struct kernel *k, GString *out);
    } files[] = {
        { "vmstat", vmstat_text },
        { "numastat", numastat_text },
        { "numa_maps", numa_maps_text },
    };
    bool fine = true;

    for (guint i = 0; k->params.mm.report && i < G_N_ELEMENTS(files) && fine; i++) {
        g_autoptr(GString) text = g_string_new(NULL);

        files[i].text(k, text);
        fine = write_whole_file(dir, files[i].name, text->str, error);
    }
    return fine;
}
