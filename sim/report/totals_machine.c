/*
 * Totals of the machine: energy by its power figures, and how evenly its memory was used.
 */
#include "report/totals_impl.h"

#include "kernel/device.h"
#include "kernel/mm.h"

#include <math.h>

/* ---- energy ---- */

/*
 * Core seconds: a core is active while one of its threads is busy. Of the threads only the sums of
 * their busy times are known; they are taken to be independent of each other, which is exact for
 * threads that are always or never busy.
 */
static double
active_cores(const struct kernel *k, sim_time window)
{
    const struct machine *m = k->machine;
    g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL); /* by id of the core, from 1 */
    g_autofree double *idle = g_new(double, m->nr_cpus);
    guint nr = 0;
    double sum = 0;

    for_each_cpu (cpu, k->possible) {
        gpointer id = GINT_TO_POINTER(m->cpus[cpu].core);
        guint core = GPOINTER_TO_UINT(g_hash_table_lookup(numbers, id));

        if (core == 0) {
            g_hash_table_insert(numbers, id, GUINT_TO_POINTER(core = ++nr));
            idle[core - 1] = 1;
        }
        idle[core - 1] *= 1 - (double)k->rqs[cpu].busy_ns / (double)window;
    }
    for (guint i = 0; i < nr; i++)
        sum += 1 - idle[i];
    return sum * (double)window / 1e9;
}

static double
device_energy(const struct kernel *k, double seconds)
{
    double joules = 0;

    for (uint32_t i = 0; i < devices_nr(k); i++) {
        const struct machine_device *d = device_spec(k, i);
        double busy = (double)device_stats(k, i)->busy_ns / 1e9;

        joules += d->idle_w * seconds + (d->active_w - d->idle_w) * busy;
    }
    return joules;
}

/* Cores and devices by whether they work, nodes all the time, bytes by whether they crossed nodes.
 */
static double
energy(const struct totals *t, const struct kernel *k)
{
    const struct machine *m = k->machine;
    const struct machine_power *w = &m->power;
    double seconds = (double)t->window / 1e9, local = 0;

    if (!w->given || t->window == 0)
        return NAN;
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        local += (double)k->traffic[n * m->nr_nodes + n];
    return active_cores(k, t->window) * (w->core_active_w - w->core_idle_w) +
           m->nr_cores * w->core_idle_w * seconds + m->nr_nodes * w->node_w * seconds +
           local * w->pj_per_byte_local * 1e-12 +
           (double)t->remote_bytes * w->pj_per_byte_remote * 1e-12 + device_energy(k, seconds);
}

/* ---- controllers and links ---- */

double
controller_load(const struct kernel *k, uint32_t node, sim_time window)
{
    const struct machine_node *n = &k->machine->nodes[node];
    double read = (double)k->served[node].read, written = (double)k->served[node].written;
    double bytes = read + written;

    if (n->bandwidth == 0 || window == 0)
        return NAN;
    if (bytes == 0)
        return 0;
    double most = (double)n->bandwidth * (1 - n->write_derate_ppm / 1e6 * written / bytes);
    return bytes / (most * (double)window / 1e9);
}

double
link_load(const struct kernel *k, uint32_t link, uint64_t bytes, sim_time window)
{
    double most = (double)k->machine->links[link].bandwidth * (double)window / 1e9;

    return most > 0 ? (double)bytes / most : NAN;
}

/* Carrefour's measure: the standard deviation of the controllers' loads over their mean. */
static double
imbalance(const struct kernel *k)
{
    double sum = 0, squares = 0;
    uint32_t nr = 0;

    for (uint32_t n = 0; n < k->machine->nr_nodes; n++) {
        double bytes = (double)k->served[n].read + (double)k->served[n].written;

        if (k->machine->nodes[n].mem_bytes == 0)
            continue;
        sum += bytes;
        squares += bytes * bytes;
        nr++;
    }
    if (sum <= 0)
        return NAN;
    double mean = sum / nr, variance = squares / nr - mean * mean;
    return variance > 0 ? sqrt(variance) / mean : 0;
}

/* The larger one; a NAN is no number. */
static double
larger(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

void
totals_of_machine(struct totals *t, const struct kernel *k)
{
    g_autofree uint64_t *of_links = g_new0(uint64_t, k->machine->nr_links + 1);

    mm_link_bytes(k, of_links);
    t->energy_j = energy(t, k);
    t->controller_imbalance = imbalance(k);
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        t->controller_load_max = larger(t->controller_load_max, controller_load(k, n, t->window));
    for (uint32_t l = 0; l < k->machine->nr_links; l++)
        t->link_load_max = larger(t->link_load_max, link_load(k, l, of_links[l], t->window));
}
