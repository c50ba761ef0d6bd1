/*
 * /proc/schedstat, versions 15 to 17 (kernel/sched/stats.c).
 *
 * A line for each CPU, then one for each of its domains: counters of balancing for each idle type,
 * then those of active balancing and wake-ups. 15 has the idle types in the order idle, busy, newly
 * idle, 16 and 17 busy first; 17 has four kinds of imbalance in place of their sum, and the name of
 * the domain before its CPUs. What the kernel prints and never counts (sbe_*, sbf_*,
 * ttwu_move_balance) is 0.
 */
#include "report/schedstat.h"

#include "kernel/kernel.h"

static void
put(GString *out, uint64_t value)
{
    g_string_append_printf(out, " %" G_GUINT64_FORMAT, value);
}

static void
cpu_line(const struct kernel *k, const struct rq *rq, GString *out)
{
    const struct rq_schedstat *s = &rq->stat;
    const uint64_t numbers[] = { s->yld_count,   0,
                                 s->sched_count, s->sched_goidle,
                                 s->ttwu_count,  s->ttwu_local,
                                 s->rq_cpu_time, s->run_delay,
                                 s->pcount };
    (void)k;

    g_string_append_printf(out, "cpu%d", rq->cpu);
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
        put(out, numbers[i]);
    g_string_append_c(out, '\n');
}

/* As the kernel prints masks: words of 32 bits in hexadecimal, the first as short as it is. */
static void
put_mask(const struct cpumask *m, uint32_t nr_cpus, GString *out)
{
    uint32_t words = (nr_cpus + 31) / 32;

    for (uint32_t w = words; w-- > 0;) {
        guint bits = w == words - 1 && nr_cpus % 32 != 0 ? nr_cpus % 32 : 32;
        guint32 word = (guint32)(m->bits[w / 2] >> (w % 2 * 32));

        g_string_append_printf(out, "%0*x%s", (int)(bits + 3) / 4, word, w > 0 ? "," : "");
    }
}

static void
put_balancing(const struct sd_schedstat *s, enum idle_type idle, uint32_t version, GString *out)
{
    uint64_t imbalance = s->lb[idle].imbalance_load + s->lb[idle].imbalance_util +
                         s->lb[idle].imbalance_task + s->lb[idle].imbalance_misfit;

    put(out, s->lb[idle].count);
    put(out, s->lb[idle].balanced);
    put(out, s->lb[idle].failed);
    if (version == SCHEDSTAT_17) {
        put(out, s->lb[idle].imbalance_load);
        put(out, s->lb[idle].imbalance_util);
        put(out, s->lb[idle].imbalance_task);
        put(out, s->lb[idle].imbalance_misfit);
    } else {
        put(out, imbalance);
    }
    put(out, s->lb[idle].gained);
    put(out, s->lb[idle].hot_gained);
    put(out, s->lb[idle].nobusyq);
    put(out, s->lb[idle].nobusyg);
}

static void
domain_line(const struct kernel *k, const struct sched_domain *sd, uint32_t number, GString *out)
{
    static const enum idle_type busy_first[] = { CPU_NOT_IDLE, CPU_IDLE, CPU_NEWLY_IDLE },
                                idle_first[] = { CPU_IDLE, CPU_NOT_IDLE, CPU_NEWLY_IDLE };
    uint32_t version = k->params.sched.schedstat_version;
    const enum idle_type *order = version == SCHEDSTAT_15 ? idle_first : busy_first;
    const struct sd_schedstat *s = &sd->stat;
    const uint64_t last[] = { s->alb_count,
                              s->alb_failed,
                              s->alb_pushed,
                              0,
                              0,
                              0,
                              0,
                              0,
                              0,
                              s->ttwu_wake_remote,
                              s->ttwu_move_affine,
                              0 };

    g_string_append_printf(out, "domain%u ", number);
    if (version == SCHEDSTAT_17)
        g_string_append_printf(out, "%s ", sd->name);
    put_mask(sd->span, k->machine->nr_cpus, out);
    for (guint i = 0; i < CPU_IDLE_TYPES; i++)
        put_balancing(s, order[i], version, out);
    for (guint i = 0; i < G_N_ELEMENTS(last); i++)
        put(out, last[i]);
    g_string_append_c(out, '\n');
}

void
schedstat_text(const struct kernel *k, GString *out)
{
    g_string_append_printf(out, "version %u\ntimestamp %" G_GUINT64_FORMAT "\n",
                           15 + k->params.sched.schedstat_version, jiffies(k));
    for_each_cpu (cpu, k->machine->online) {
        uint32_t number = 0;

        cpu_line(k, &k->rqs[cpu], out);
        for_each_domain (sd, k->domains->cpus[cpu].sd)
            domain_line(k, sd, number++, out);
    }
}

bool
schedstat_write(const char *dir, const struct kernel *k, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!k->params.sched.schedstats)
        return true;
    schedstat_text(k, text);
    return write_whole_file(dir, "schedstat", text->str, error) && proc_sched_write(dir, k, error);
}
