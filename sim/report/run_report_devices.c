/* devices.csv: what each device did. */
#include "kernel/device.h"
#include "report/run_report_impl.h"

bool
report_has_devices(const struct kernel *k)
{
    return devices_nr(k) > 0;
}

static void
device_row(const struct report *r, struct csv *c, uint32_t i)
{
    const struct machine_device *d = device_spec(r->k, i);
    const struct device_stats *s = device_stats(r->k, i);
    sim_time window = r->info->elapsed - SIM_MIN(r->k->warmup_at, r->info->elapsed);

    csv_text(c, d->name);
    csv_text(c, device_kind_names[d->kind]);
    csv_uint(c, r->k->machine->nodes[d->node].os_index);
    csv_uint(c, s->operations);
    csv_uint(c, s->bytes_in);
    csv_uint(c, s->bytes_out);
    csv_uint(c, s->busy_ns);
    csv_uint(c, s->service_ns);
    if (window > 0)
        csv_real(c, (double)s->service_ns / (double)window / d->parallel);
    else
        csv_empty(c);
    if (s->operations == 0) {
        for (int empty = 0; empty < 5; empty++)
            csv_empty(c);
        return;
    }
    csv_real(c, (double)s->queue_ns / (double)s->operations);
    csv_real(c, (double)s->latency_ns / (double)s->operations);
    csv_uint(c, histogram_percentile(&s->latency, 5000));
    csv_uint(c, histogram_percentile(&s->latency, 9900));
    csv_uint(c, s->latency.max);
}

void
report_devices(const struct report *r, struct csv *c)
{
    csv_header(c, "device,kind,node,operations,bytes_in,bytes_out,busy_ns,service_ns,"
                  "utilisation_ratio,queue_mean_ns,latency_mean_ns,latency_p50_ns,latency_p99_ns,"
                  "latency_max_ns");
    for (uint32_t i = 0; i < devices_nr(r->k); i++) {
        device_row(r, c, i);
        csv_end_row(c);
    }
}
