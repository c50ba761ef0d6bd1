/* What the virtual memory latency checker prints: the layout of Intel's, and a table for programs.
 */
#include <math.h>

#include "cli/mlc.h"

static void
add_number(GString *s, const char *format, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append(s, g_ascii_formatd(text, sizeof(text), format, value));
}

/* MB/s of MLC are powers of ten. */
static double
mb(double bytes_per_s)
{
    return bytes_per_s / 1e6;
}

static void
add_matrix(const struct mlc *mlc, const double *values, double scale, GString *s)
{
    const struct machine *m = mlc->machine;

    g_string_append(s, "\t\tNuma node\nNuma node\t");
    for (uint32_t j = 0; j < m->nr_nodes; j++)
        g_string_append_printf(s, "%6u\t", m->nodes[j].os_index);
    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        if (mlc_first_cpu(mlc, i) < 0)
            continue;
        g_string_append_printf(s, "\n%8u\t", m->nodes[i].os_index);
        for (uint32_t j = 0; j < m->nr_nodes; j++) {
            double value = values[i * m->nr_nodes + j];
            if (isnan(value))
                g_string_append(s, "     -");
            else
                add_number(s, "%6.1f", value / scale);
            g_string_append_c(s, '\t');
        }
    }
    g_string_append(s, "\n\n");
}

static void
add_peak(const struct mlc_results *r, GString *s)
{
    for (guint i = 0; i < mlc_nr_mixes; i++) {
        g_string_append_printf(s, "%s:\t", mlc_mixes[i].name);
        add_number(s, "%.1f", mb(r->peak[i]));
        g_string_append_c(s, '\n');
    }
    g_string_append_c(s, '\n');
}

static void
add_loaded(const struct mlc *mlc, const struct mlc_results *r, GString *s)
{
    g_string_append(s, "Inject\tLatency\tBandwidth\nDelay\t(ns)\tMB/sec\n"
                       "==========================\n");
    for (guint i = 0; i < mlc->delays->len; i++) {
        g_string_append_printf(s, " %05u\t", g_array_index(mlc->delays, guint, i));
        add_number(s, "%6.2f", r->loaded[i].latency_ns);
        g_string_append_c(s, '\t');
        add_number(s, "%9.1f", mb(r->loaded[i].bytes_per_s));
        g_string_append_c(s, '\n');
    }
}

static const char UNITS[] = "Bandwidths are in MB/sec (1 MB/sec = 1,000,000 Bytes/sec)\n";
static const char THREADS[] =
    "Using all the threads from each core if Hyper-threading is enabled\n";

void
mlc_print_text(const struct mlc *mlc, const struct mlc_results *r, GString *s)
{
    g_string_append_printf(s,
                           "numasim virtual memory latency checker: %s\n"
                           "Measured inside the simulation, memory model '%s'\n\n",
                           mlc->machine->name, mlc->policy.memory->name);
    if (r->latency != NULL) {
        g_string_append(s, "Measuring idle latencies (in ns)...\n");
        add_matrix(mlc, r->latency, 1, s);
    }
    if (r->peak != NULL) {
        g_string_append_printf(s,
                               "Measuring Peak Injection Memory Bandwidths for the system\n%s%s"
                               "Using traffic with the following read-write ratios\n",
                               UNITS, THREADS);
        add_peak(r, s);
    }
    if (r->bandwidth != NULL) {
        g_string_append_printf(s,
                               "Measuring Memory Bandwidths between nodes within system\n%s%s"
                               "Using Read-only traffic type\n",
                               UNITS, THREADS);
        add_matrix(mlc, r->bandwidth, 1e6, s);
    }
    if (r->loaded != NULL) {
        g_string_append(s, "Measuring Loaded Latencies for the system\n"
                           "Using only one thread from each core if Hyper-threading is enabled\n"
                           "Using Read-only traffic type\n");
        add_loaded(mlc, r, s);
    }
}

static void
add_row(GString *s, const char *head, double latency, double bandwidth)
{
    g_string_append(s, head);
    g_string_append_c(s, ',');
    if (latency > 0)
        add_number(s, "%.3f", latency);
    g_string_append_c(s, ',');
    if (bandwidth > 0)
        add_number(s, "%.3f", mb(bandwidth));
    g_string_append_c(s, '\n');
}

static void
add_matrix_rows(const struct mlc *mlc, const double *values, const char *part, bool latency,
                GString *s)
{
    const struct machine *m = mlc->machine;

    for (uint32_t i = 0; values != NULL && i < m->nr_nodes * m->nr_nodes; i++) {
        if (isnan(values[i]))
            continue;
        g_autofree char *head =
            g_strdup_printf("%s,%u,%u,,", part, m->nodes[i / m->nr_nodes].os_index,
                            m->nodes[i % m->nr_nodes].os_index);
        add_row(s, head, latency ? values[i] : 0, latency ? 0 : values[i]);
    }
}

void
mlc_print_csv(const struct mlc *mlc, const struct mlc_results *r, GString *s)
{
    g_string_append(s, "part,cpu_node,memory_node,mix,inject_delay,latency_ns,bandwidth_mb_s\n");
    add_matrix_rows(mlc, r->latency, "idle_latency", true, s);
    for (guint i = 0; r->peak != NULL && i < mlc_nr_mixes; i++) {
        g_autofree char *mix = g_strstrip(g_strdup(mlc_mixes[i].name));
        g_autofree char *head = g_strdup_printf("peak_bandwidth,,,%s,", mix);
        add_row(s, head, 0, r->peak[i]);
    }
    add_matrix_rows(mlc, r->bandwidth, "bandwidth", false, s);
    for (guint i = 0; r->loaded != NULL && i < mlc->delays->len; i++) {
        g_autofree char *head =
            g_strdup_printf("loaded_latency,,,ALL Reads,%u", g_array_index(mlc->delays, guint, i));
        add_row(s, head, r->loaded[i].latency_ns, r->loaded[i].bytes_per_s);
    }
}
