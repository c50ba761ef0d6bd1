/*
 * What a sample sees. It reads, and only reads: what a burst has done since it was last charged is
 * computed from its rate and its mix, and the books stay as they are.
 */
#include "kernel/device.h"
#include "kernel/memory_model.h"
#include "kernel/mm.h"
#include "report/samples_impl.h"

/* What grows with a square, or with the workload, has a limit: the first processes have series of
 * their own, and pairs of nodes have them on machines of which one could draw the pairs. */
enum { PROCESSES_MOST = 32, PAIRED_NODES_MOST = 16 };

void
samples_uncharged(const struct kernel *k, const struct task *p, double *local, double *remote)
{
    const struct rq *rq = &k->rqs[p->cpu];

    if (p->state != TASK_RUNNING || rq->curr != p || p->mem == NULL || p->mem->mix_node < 0 ||
        p->profile == NULL || rq->node < 0 || k->engine.now <= rq->burst_at + p->debt_ns)
        return;
    double work = (double)(k->engine.now - rq->burst_at - p->debt_ns) * rq->rate / RATE_FULL;
    double misses = work * p->profile->misses_q20 / (1 << 20) * (p->mem->miss_q16 / 65536.0);
    double share = p->mem->mix.share_q16[rq->node] / 65536.0;
    *local += misses * share;
    *remote += misses * (1 - share);
}

static void
process_accesses(const struct kernel *k, const struct process *pr, double *local, double *remote)
{
    for (uint32_t i = 0; i < pr->nr_members; i++) {
        const struct task *p = pr->members[i];
        *local += (double)p->stats.accesses_local;
        *remote += (double)p->stats.accesses_remote;
        samples_uncharged(k, p, local, remote);
    }
}

static void
look_at_memory(struct samples *s, struct sample *to, const struct process *pr)
{
    const struct machine *m = s->kernel->machine;

    if (pr->mm == NULL)
        return;
    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        uint64_t bytes = 0;
        for (const struct vma *v = pr->mm->vmas; v != NULL; v = v->next)
            if (v->first == 0)
                bytes += region_whole(v->map->region)->count[n] * PAGE_4K;
        g_autofree char *metric = g_strdup_printf("node%u_bytes", m->nodes[n].os_index);
        sample_add(s, to, SERIES_LEVEL, "process", pr->name, metric, (double)bytes, 0);
    }
}

static void
look_at_processes(struct samples *s, struct sample *to)
{
    const struct kernel *k = s->kernel;
    double all_local = 0, all_remote = 0;

    for (uint32_t i = 0; i < k->nr_processes; i++) {
        double local = 0, remote = 0;
        process_accesses(k, k->processes[i], &local, &remote);
        if (i < PROCESSES_MOST) {
            sample_add(s, to, SERIES_RATIO, "process", k->processes[i]->name, "local_access_ratio",
                       local, remote);
            look_at_memory(s, to, k->processes[i]);
        }
        all_local += local;
        all_remote += remote;
    }
    sample_add(s, to, SERIES_RATIO, "run", "", "local_access_ratio", all_local, all_remote);
}

static void
look_at_nodes(struct samples *s, struct sample *to)
{
    const struct kernel *k = s->kernel;
    const struct machine *m = k->machine;

    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        g_autofree char *id = g_strdup_printf("%u", m->nodes[n].os_index);
        uint32_t running = 0, runnable = 0;
        for_each_cpu (cpu, m->nodes[n].cpus) {
            running += k->rqs[cpu].curr != NULL;
            runnable += k->rqs[cpu].nr_running;
        }
        sample_add(s, to, SERIES_LEVEL, "node", id, "running", running, 0);
        sample_add(s, to, SERIES_LEVEL, "node", id, "runnable", runnable, 0);
        if (k->mm != NULL)
            sample_add(s, to, SERIES_LEVEL, "node", id, "free_bytes",
                       (double)k->mm->nodes[n].free_pages * PAGE_4K, 0);
    }
}

static void
look_at_traffic(struct samples *s, struct sample *to)
{
    const struct kernel *k = s->kernel;
    const struct machine *m = k->machine;

    for (uint32_t from = 0; from < m->nr_nodes && m->nr_nodes <= PAIRED_NODES_MOST; from++)
        for (uint32_t at = 0; at < m->nr_nodes; at++) {
            uint64_t bytes = k->traffic[from * m->nr_nodes + at];
            g_autofree char *id =
                g_strdup_printf("%u-%u", m->nodes[from].os_index, m->nodes[at].os_index);
            if (bytes > 0)
                sample_add(s, to, SERIES_RATE, "node_pair", id, "bytes_per_s", (double)bytes, 0);
        }
}

/* How busy controllers and links are at this instant, and what an access costs. */
static void
look_at_load(struct samples *s, struct sample *to)
{
    const struct kernel *k = s->kernel;
    const struct machine *m = k->machine;

    for (uint32_t l = 0; l < m->nr_links && k->memory->link_load != NULL; l++) {
        uint32_t load = k->memory->link_load(k, l);

        s->link_load_max[l] = SIM_MAX(s->link_load_max[l], load);
        sample_add(s, to, SERIES_LEVEL, "link", m->links[l].name, "utilisation_ratio",
                   load / 1000.0, 0);
    }
    for (uint32_t n = 0; n < m->nr_nodes && k->memory->node_load != NULL; n++) {
        uint32_t load = k->memory->node_load(k, n);
        g_autofree char *id = g_strdup_printf("%u", m->nodes[n].os_index);

        s->node_load_max[n] = SIM_MAX(s->node_load_max[n], load);
        sample_add(s, to, SERIES_LEVEL, "node", id, "utilisation_ratio", load / 1000.0, 0);
    }
    bool pairs = m->nr_nodes <= PAIRED_NODES_MOST && k->memory->latency_ps != NULL;
    for (uint32_t i = 0; i < m->nr_nodes && pairs; i++)
        for (uint32_t j = 0; j < m->nr_nodes; j++) {
            g_autofree char *id =
                g_strdup_printf("%u-%u", m->nodes[j].os_index, m->nodes[i].os_index);

            if (!cpumask_empty(m->nodes[i].cpus) && m->nodes[j].mem_bytes > 0)
                sample_add(s, to, SERIES_LEVEL, "node_pair", id, "latency_ns",
                           (double)k->memory->latency_ps(k, (int)i, (int)j, false) / 1000, 0);
        }
}

static void
look_at_devices(struct samples *s, struct sample *to)
{
    const struct kernel *k = s->kernel;

    for (uint32_t i = 0; i < devices_nr(k); i++) {
        const struct machine_device *d = device_spec(k, i);

        sample_add(s, to, SERIES_LEVEL, "device", d->name, "operations", device_in_flight(k, i), 0);
        sample_add(s, to, SERIES_LEVEL, "device", d->name, "utilisation_ratio",
                   (double)device_running(k, i) / d->parallel, 0);
    }
}

void
samples_look(struct samples *s, struct sample *to)
{
    look_at_processes(s, to);
    look_at_nodes(s, to);
    look_at_traffic(s, to);
    look_at_load(s, to);
    look_at_devices(s, to);
    samples_look_at_memory(s, to);
}
