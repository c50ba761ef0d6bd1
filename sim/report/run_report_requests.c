/*
 * requests.csv: requests by kind, of the run and of each process.
 *
 * A row of the run adds up what processes count under one name. The kinds of a load that rises in
 * steps say when their step was; rates are over that time, else over the run after its warm-up.
 */
#include "kernel/requests.h"
#include "report/run_report_impl.h"

#include <math.h>

bool
report_has_requests(const struct kernel *k)
{
    for (uint32_t i = 0; i < k->nr_processes; i++)
        if (k->processes[i]->nr_kinds > 0)
            return true;
    return false;
}

static void
put_time(struct csv *c, uint64_t ns, bool known)
{
    if (known)
        csv_uint(c, ns);
    else
        csv_empty(c);
}

static void
request_row(const struct report *r, struct csv *c, const char *id, const struct request_kind *kind)
{
    static const uint32_t percentiles[] = { 5000, 9000, 9900, 9990 };
    const struct histogram *h = &kind->latency;
    bool step = kind->to > 0, any = h->total > 0;
    sim_time from = step ? kind->from : r->k->warmup_at;
    sim_time to = step ? SIM_MIN(kind->to, r->info->elapsed) : r->info->elapsed;
    double seconds = to > from ? (double)(to - from) / 1e9 : NAN;

    csv_text(c, id[0] != '\0' ? "process" : "run");
    csv_text(c, id);
    csv_text(c, kind->name);
    put_time(c, kind->from, step);
    put_time(c, kind->to, step);
    csv_uint(c, kind->arrived);
    csv_uint(c, h->total);
    csv_real(c, (double)kind->arrived / seconds);
    csv_real(c, (double)h->total / seconds);
    csv_real(c, any ? (double)h->sum / (double)h->total : NAN);
    put_time(c, h->min, any);
    for (guint i = 0; i < G_N_ELEMENTS(percentiles); i++)
        put_time(c, histogram_percentile(h, percentiles[i]), any);
    put_time(c, h->max, any);
    csv_end_row(c);
}

/* The kinds of all processes, those of one name together, in the order of their making. */
static GPtrArray *
kinds_of_run(const struct report *r)
{
    GPtrArray *all = g_ptr_array_new();

    for (uint32_t i = 0; i < r->k->nr_processes; i++)
        for (uint32_t j = 0; j < r->k->processes[i]->nr_kinds; j++) {
            const struct request_kind *kind = r->k->processes[i]->kinds[j];
            struct request_kind *sum = NULL;

            for (guint s = 0; s < all->len && sum == NULL; s++) {
                struct request_kind *at = g_ptr_array_index(all, s);
                sum = strcmp(at->name, kind->name) == 0 && at->from == kind->from ? at : NULL;
            }
            if (sum == NULL) {
                sum = arena_new_object(r->arena, struct request_kind);
                *sum = (struct request_kind){ kind->name, kind->from, kind->to, 0, { 0 } };
                histogram_init(&sum->latency, r->arena);
                g_ptr_array_add(all, sum);
            }
            sum->arrived += kind->arrived;
            histogram_add(&sum->latency, &kind->latency);
        }
    return all;
}

void
report_requests(const struct report *r, struct csv *c)
{
    g_autoptr(GPtrArray) all = kinds_of_run(r);

    csv_header(c, "scope,id,request,from_ns,to_ns,arrived,ended,arrival_rate,rate,mean_ns,min_ns,"
                  "p50_ns,p90_ns,p99_ns,p999_ns,max_ns");
    for (guint i = 0; i < all->len; i++)
        request_row(r, c, "", g_ptr_array_index(all, i));
    for (uint32_t i = 0; i < r->k->nr_processes; i++)
        for (uint32_t j = 0; j < r->k->processes[i]->nr_kinds; j++)
            request_row(r, c, r->k->processes[i]->name, r->k->processes[i]->kinds[j]);
}
