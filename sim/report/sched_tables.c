/*
 * The tables of `perf sched`, gathered.
 *
 * perf has two notions of waiting, and users compare both with what they remember, so both are
 * kept. latency: a wait begins when a sleeper is woken or when somebody is switched out although it
 * could go on; it ends when the task is switched in, and only such ends are counted ("Switches"). A
 * task that is switched in without ever having been seen counts as one wait of nothing. timehist:
 * a delay begins at the wake-up only; the time after a preemption is part of the wait between two
 * runs. A run lasts from one switch of the CPU to its next.
 *
 * Run time in latency is what the kernel said in sched_stat_runtime where a recording has such
 * events: with them it differs from the time between switches by what interrupts stole.
 */
#include "report/sched_tables_impl.h"

#include <inttypes.h>

static void
task_free(gpointer data)
{
    struct sched_task *p = data;

    g_free(p->name);
    g_free(p);
}

static void
put_line(struct sched_tables *t, FILE *f)
{
    fwrite(t->line->str, 1, t->line->len, f);
    g_string_truncate(t->line, 0);
}

struct sched_tables *
sched_tables_new(const struct sched_tables_options *o)
{
    struct sched_tables *t = g_new0(struct sched_tables, 1);

    t->o = *o;
    t->by_id = g_hash_table_new_full(NULL, NULL, NULL, task_free);
    t->cpus = g_array_new(FALSE, TRUE, sizeof(struct sched_cpu));
    g_array_set_size(t->cpus, o->nr_cpus);
    t->line = g_string_new(NULL);
    if (o->timehist != NULL) {
        g_string_printf(
            t->line,
            "%15s %6s  %-30s  %9s  %9s  %9s\n%15s %6s  %-30s  %9s  %9s  %9s\n"
            "--------------- ------  ------------------------------  ---------  ---------"
            "  ---------\n",
            "time", "cpu", "task name", "wait time", "sch delay", "run time", "", "", "[tid/pid]",
            "(msec)", "(msec)", "(msec)");
        put_line(t, o->timehist);
    }
    return t;
}

void
sched_tables_free(struct sched_tables *t)
{
    if (t == NULL)
        return;
    g_hash_table_destroy(t->by_id);
    g_array_free(t->cpus, TRUE);
    g_string_free(t->line, TRUE);
    g_free(t);
}

static struct sched_task *
task_get(struct sched_tables *t, uint32_t id)
{
    struct sched_task *p = g_hash_table_lookup(t->by_id, GUINT_TO_POINTER(id));

    if (p == NULL) {
        p = g_new0(struct sched_task, 1);
        p->row.task = id;
        p->name = id == SCHED_TABLES_IDLE ? g_strdup("swapper") : g_strdup_printf(":%u", id);
        p->row.name = p->name;
        g_hash_table_insert(t->by_id, GUINT_TO_POINTER(id), p);
    }
    return p;
}

static struct sched_cpu *
cpu_get(struct sched_tables *t, uint32_t cpu)
{
    if (cpu >= t->cpus->len)
        g_array_set_size(t->cpus, cpu + 1);
    struct sched_cpu *c = &g_array_index(t->cpus, struct sched_cpu, cpu);
    c->seen = true;
    return c;
}

static void
tick(struct sched_tables *t, sim_time now)
{
    if (!t->begun)
        t->first = now;
    t->begun = true;
    t->last = now;
}

void
sched_tables_name(struct sched_tables *t, uint32_t task, const char *name)
{
    struct sched_task *p = task_get(t, task);

    if (task == SCHED_TABLES_IDLE || (p->named && strcmp(p->name, name) == 0))
        return;
    g_free(p->name);
    p->name = g_strdup(name);
    p->row.name = p->name;
    p->named = true;
}

void
sched_tables_fork(struct sched_tables *t, uint32_t parent, uint32_t child)
{
    task_get(t, child)->parent = parent;
}

/* ---- latency ---- */

static void
delay_out(const struct sched_tables *t, struct sched_task *p, sim_time now, char state)
{
    bool waits = state == 'R' || (state == '+' && !t->o.skip_preempted);

    p->state = waits ? DELAY_WAITS : DELAY_ASLEEP;
    p->waits_since = now;
}

static void
delay_in(struct sched_task *p, sim_time now)
{
    sim_time delay = 0;

    if (p->state == DELAY_WAITS && now >= p->waits_since)
        delay = now - p->waits_since;
    if (p->state == DELAY_WAITS || p->state == DELAY_UNKNOWN) {
        p->row.nr_delays++;
        p->row.delay_sum_ns += delay;
    }
    if (delay > p->row.max_delay_ns) {
        p->row.max_delay_ns = delay;
        p->row.max_start = p->waits_since;
        p->row.max_end = now;
    }
    p->state = DELAY_RUNS;
}

/* ---- timehist ---- */

static void
append_ms(GString *line, uint64_t ns)
{
    g_string_append_printf(line, "  %5" PRIu64 ".%03" PRIu64, ns / 1000000, ns / 1000 % 1000);
}

static void
print_run(struct sched_tables *t, sim_time now, uint32_t cpu, const struct sched_task *p,
          const uint64_t ms[3])
{
    g_autofree char *name = p->row.task == SCHED_TABLES_IDLE
                                ? g_strdup("<idle>")
                                : g_strdup_printf("%s[%u]", p->name, p->row.task);

    g_string_append_printf(t->line, "%8" PRIu64 ".%06" PRIu64 " [%04u]  %-30s", now / 1000000000,
                           now / 1000 % 1000000, cpu, name);
    for (int i = 0; i < 3; i++)
        append_ms(t->line, ms[i]);
    g_string_append(t->line, " \n");
    put_line(t, t->o.timehist);
}

static void
count_run(struct sched_task *p, uint64_t run)
{
    struct sched_tables_row *r = &p->row;
    double delta = (double)run - p->mean_run;

    r->min_run_ns = r->nr_runs == 0 ? run : SIM_MIN(r->min_run_ns, run);
    r->max_run_ns = SIM_MAX(r->max_run_ns, run);
    r->nr_runs++;
    r->run_ns += run;
    p->mean_run += delta / (double)r->nr_runs;
    p->m2_run += delta * ((double)run - p->mean_run);
}

/* p has run on the CPU since its last switch. */
static void
account_run(struct sched_tables *t, sim_time now, uint32_t cpu, struct sched_task *p)
{
    const struct sched_cpu *c = cpu_get(t, cpu);
    sim_time in = c->last_switch;
    uint64_t ms[3] = { 0, 0, c->switched ? now - in : 0 };

    if (c->switched && p->has_left && in >= p->left_at)
        ms[0] = in - p->left_at;
    if (c->switched && p->ready && in >= p->ready_at)
        ms[1] = in - p->ready_at;
    if (p->row.task == SCHED_TABLES_IDLE)
        ms[0] = ms[1] = 0;
    count_run(p, ms[2]);
    if (!p->runtime_told)
        p->row.runtime_ns += ms[2];
    if (t->o.timehist != NULL)
        print_run(t, now, cpu, p, ms);
    p->has_left = true;
    p->left_at = now;
    p->ready = false;
}

/* ---- map ---- */

/* A0 ... Z0, A1 ... Z9, and again: perf's letters. */
static bool
give_letter(struct sched_tables *t, struct sched_task *p)
{
    if (p->letter[0] != '\0')
        return false;
    if (p->row.task == SCHED_TABLES_IDLE) {
        memcpy(p->letter, ". ", 3);
        return true;
    }
    p->letter[0] = (char)('A' + t->nr_letters % 26);
    p->letter[1] = (char)('0' + t->nr_letters / 26 % 10);
    t->nr_letters++;
    return true;
}

static void
print_map(struct sched_tables *t, sim_time now, uint32_t changed, struct sched_task *next)
{
    GString *line = t->line;
    bool fresh = give_letter(t, next);

    g_string_append(line, "  ");
    for (uint32_t cpu = 0; cpu < t->cpus->len; cpu++) {
        const struct sched_cpu *c = &g_array_index(t->cpus, struct sched_cpu, cpu);
        if (c->switched)
            g_string_append_printf(line, "%c%-2s ", cpu == changed ? '*' : ' ',
                                   task_get(t, c->curr)->letter);
        else
            g_string_append(line, "    ");
    }
    g_string_append_printf(line, "  %5" PRIu64 ".%06" PRIu64 " secs ", now / 1000000000,
                           now / 1000 % 1000000);
    if (fresh)
        g_string_append_printf(line, "%s => %s:%u", next->letter, next->name, next->row.task);
    g_string_append_c(line, '\n');
    put_line(t, t->o.map);
}

/* ---- events ---- */

void
sched_tables_begin(struct sched_tables *t, sim_time now)
{
    tick(t, now);
    give_letter(t, task_get(t, SCHED_TABLES_IDLE));
    for (uint32_t cpu = 0; cpu < t->o.nr_cpus; cpu++)
        *cpu_get(t, cpu) = (struct sched_cpu){ .seen = true, .switched = true, .last_switch = now };
}

void
sched_tables_switch(struct sched_tables *t, sim_time now, uint32_t cpu, uint32_t prev, char state,
                    uint32_t next)
{
    struct sched_task *out = task_get(t, prev), *in = task_get(t, next);
    struct sched_cpu *c = cpu_get(t, cpu);

    tick(t, now);
    if (c->switched && prev == SCHED_TABLES_IDLE)
        c->idle_ns += now - c->last_switch;
    delay_out(t, out, now, state);
    delay_in(in, now);
    account_run(t, now, cpu, out);
    out->ended |= state == 'X' || state == 'Z';
    c->switched = true;
    c->last_switch = now;
    c->curr = next;
    t->nr_switches++;
    if (t->o.map != NULL)
        print_map(t, now, cpu, in);
}

void
sched_tables_wakeup(struct sched_tables *t, sim_time now, uint32_t task)
{
    struct sched_task *p = task_get(t, task);

    tick(t, now);
    if (p->state == DELAY_UNKNOWN || p->state == DELAY_ASLEEP) {
        p->state = DELAY_WAITS;
        p->waits_since = now;
    }
    if (!p->ready) {
        p->ready = true;
        p->ready_at = now;
    }
}

void
sched_tables_migrate(struct sched_tables *t, sim_time now, uint32_t task, uint32_t from,
                     uint32_t to)
{
    (void)from, (void)to;
    tick(t, now);
    task_get(t, task)->row.nr_migrations++;
}

void
sched_tables_runtime(struct sched_tables *t, sim_time now, uint32_t task, uint64_t ns)
{
    struct sched_task *p = task_get(t, task);

    tick(t, now);
    if (!p->runtime_told)
        p->row.runtime_ns = 0;
    if (p->state == DELAY_UNKNOWN) /* perf: first heard of while it runs, or in the queue */
        delay_out(t, p, now, 'R');
    p->runtime_told = true;
    p->row.runtime_ns += ns;
}

void
sched_tables_end(struct sched_tables *t, sim_time now)
{
    tick(t, now);
    for (uint32_t cpu = 0; cpu < t->cpus->len; cpu++) {
        struct sched_cpu *c = &g_array_index(t->cpus, struct sched_cpu, cpu);
        if (!c->switched || now == c->last_switch)
            continue;
        if (c->curr == SCHED_TABLES_IDLE)
            c->idle_ns += now - c->last_switch;
        else
            account_run(t, now, cpu, task_get(t, c->curr));
        c->last_switch = now;
    }
}
