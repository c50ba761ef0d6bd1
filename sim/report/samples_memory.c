/*
 * What a sample sees of memory with mm.report=yes: each task's node and where its accesses go, each
 * region's pages by node and how many of the accesses to it are local, and a map of pages.
 */
#include "kernel/pages.h"
#include "report/samples_impl.h"

enum { TASKS_MOST = 64, REGIONS_MOST = 64, CELLS = 64 };

static void
look_at_task(struct samples *s, struct sample *to, const struct task *p)
{
    const struct machine *m = s->kernel->machine;
    double local = (double)p->stats.accesses_local, remote = (double)p->stats.accesses_remote;
    int node = m->cpus[p->cpu].node;

    if (p->state == TASK_DEAD || p->state == TASK_NEW)
        return;
    samples_uncharged(s->kernel, p, &local, &remote);
    if (node >= 0)
        sample_add(s, to, SERIES_LEVEL, "task", p->name, "node", m->nodes[node].os_index, 0);
    sample_add(s, to, SERIES_RATIO, "task", p->name, "local_access_ratio", local, remote);
}

/* Of the tasks that use the region now: the share of its pages that are on their nodes. */
static bool
local_share(const struct kernel *k, const struct region *r, double *share)
{
    double local = 0, all = 0;

    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        const struct task *p = k->tasks[i];
        int node = k->machine->cpus[p->cpu].node;

        if (p->mem == NULL || !p->in_burst || p->profile != p->mem->profile || node < 0)
            continue;
        for (uint32_t j = 0; j < p->mem->nr_uses; j++) {
            const struct mem_use *u = &p->mem->uses[j];

            if (u->region != r || region_group_populated(u->group) == 0)
                continue;
            all += u->weight;
            local += u->weight * (double)u->group->count[node] /
                     (double)region_group_populated(u->group);
        }
    }
    *share = all > 0 ? local / all : 0;
    return all > 0;
}

/* process:region, of a thread's own also the thread. */
static char *
region_name(const struct region *r)
{
    const char *process = r->mm->process->name;

    return r->owner < 0 ? g_strdup_printf("%s:%s", process, r->name)
                        : g_strdup_printf("%s:%s/%d", process, r->name, r->owner);
}

static void
look_at_region(struct samples *s, struct sample *to, const struct region *r)
{
    const struct machine *m = s->kernel->machine;
    g_autofree char *name = region_name(r);
    double share;

    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        g_autofree char *metric = g_strdup_printf("node%u_bytes", m->nodes[n].os_index);
        sample_add(s, to, SERIES_LEVEL, "region", name, metric,
                   (double)region_whole(r)->count[n] * PAGE_4K, 0);
    }
    if (local_share(s->kernel, r, &share))
        sample_add(s, to, SERIES_LEVEL, "region", name, "local_share", share, 0);
}

/* Parts that lie side by side, each on one node only, become one. */
static void
add_cell(struct sample *to, struct cell cell)
{
    struct cell *last =
        to->cells->len > 0 ? &g_array_index(to->cells, struct cell, to->cells->len - 1) : NULL;

    if (last != NULL && last->region == cell.region && last->node == cell.node &&
        last->first + last->nr_pages == cell.first && last->on_node == last->nr_pages &&
        cell.on_node == cell.nr_pages) {
        last->nr_pages += cell.nr_pages;
        last->on_node += cell.on_node;
        return;
    }
    g_array_append_val(to->cells, cell);
}

/* The region in parts: pages by node. */
static void
look_at_cells(const struct kernel *k, struct sample *to, const struct region *r)
{
    uint64_t cells = SIM_MIN(r->nr_pages, (uint64_t)CELLS);

    for (uint64_t c = 0; c < cells; c++) {
        uint64_t first = mul_div_u64(r->nr_pages, c, cells);
        uint64_t end = mul_div_u64(r->nr_pages, c + 1, cells), count[NODE_MAX] = { 0 };

        r->ops->count(r, first, end - first, count);
        for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
            if (count[n] > 0)
                add_cell(to, (struct cell){ r, first, end - first, n, count[n] });
    }
}

/* How much of what the CPUs of a node read came from its own memory. */
static void
look_at_node_traffic(struct samples *s, struct sample *to, uint32_t node)
{
    const struct kernel *k = s->kernel;
    uint32_t nr = k->machine->nr_nodes;
    g_autofree char *id = g_strdup_printf("%u", k->machine->nodes[node].os_index);
    double remote = 0;

    for (uint32_t from = 0; from < nr; from++)
        if (from != node)
            remote += (double)k->traffic[from * nr + node];
    sample_add(s, to, SERIES_RATIO, "node", id, "local_traffic_ratio",
               (double)k->traffic[node * nr + node], remote);
}

void
samples_look_at_memory(struct samples *s, struct sample *to)
{
    const struct kernel *k = s->kernel;

    if (!k->params.mm.report)
        return;
    for (uint32_t i = 0; i < SIM_MIN(k->nr_tasks, (uint32_t)TASKS_MOST); i++)
        look_at_task(s, to, k->tasks[i]);
    for (uint32_t i = 0; i < SIM_MIN(k->mm->nr_regions, (uint32_t)REGIONS_MOST); i++) {
        look_at_region(s, to, k->mm->regions[i]);
        look_at_cells(k, to, k->mm->regions[i]);
    }
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        look_at_node_traffic(s, to, n);
}

/* ---- pages.csv ---- */

bool
samples_write_pages(const struct samples *s, const char *dir, GError **error)
{
    const struct machine *m = s->kernel->machine;

    if (!s->kernel->params.mm.report)
        return true;
    struct csv *c = csv_create(dir, "pages.csv", error);
    if (c == NULL)
        return false;
    csv_header(c, "time_ns,region,first_byte,bytes,node,node_bytes");
    for (guint i = 0; i < s->all->len; i++) {
        const struct sample *at = g_ptr_array_index(s->all, i);

        for (guint j = 0; j < at->cells->len; j++) {
            const struct cell *cell = &g_array_index(at->cells, struct cell, j);
            g_autofree char *name = region_name(cell->region);

            csv_uint(c, at->time);
            csv_text(c, name);
            csv_uint(c, cell->first * PAGE_4K);
            csv_uint(c, cell->nr_pages * PAGE_4K);
            csv_uint(c, m->nodes[cell->node].os_index);
            csv_uint(c, cell->on_node * PAGE_4K);
            csv_end_row(c);
        }
    }
    return csv_close(c, error);
}
