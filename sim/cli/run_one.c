/*
 * One run.
 *
 * The simulation is run in stretches: from sample to sample, so that samples need no event of their
 * own, and short enough for a progress bar and Ctrl-C. Where the stretches end changes nothing in
 * the run.
 */
#include "cli/run_one.h"

#include "cli/plot_run.h"
#include "kernel/ext.h"
#include "report/decisions.h"
#include "report/run_report.h"
#include "report/wasted_csv.h"
#include "run/simulation.h"

struct state {
    struct run_one *r;
    struct simulation *sim;
    struct samples *samples;
    struct csv *decisions, *wasted;
    struct trace *trace;
    gint64 started; /* wall clock, us */
    sim_time step;  /* without samples */
    guint nr_stops;
};
enum { STOPS_A_STEP = 64 };

/* To the next sample; without any, to where somebody asks again whether to go on. */
static sim_time
next_stop(struct state *st)
{
    if (st->samples != NULL)
        return samples_next(st->samples);
    if (++st->nr_stops % STOPS_A_STEP == 0)
        st->step *= 2;
    return kernel_now(st->sim->kernel) + st->step;
}

static enum simulation_end
run_stretches(struct state *st)
{
    const struct run_spec *spec = &st->r->run->spec;
    enum simulation_end end;

    while ((end = simulation_run(st->sim, next_stop(st))) == SIMULATION_PAUSED) {
        if (st->samples != NULL)
            samples_take(st->samples);
        if (st->r->progress && spec->until != SIM_NEVER)
            progress_show("run", (double)kernel_now(st->sim->kernel) / (double)spec->until);
        if (interrupted()) {
            kernel_settle(st->sim->kernel);
            st->sim->elapsed = kernel_now(st->sim->kernel);
            return SIMULATION_STOPPED;
        }
    }
    if (st->r->progress)
        progress_show("", -1);
    return end;
}

/* What the end means to the user. */
static const struct {
    int code;
    bool complete;
    const char *text;
} ends[] = {
    [SIMULATION_DONE] = { EXIT_DONE, true, "the last task has ended" },
    [SIMULATION_UNTIL] = { EXIT_DONE, true, "the time given with --until was reached" },
    [SIMULATION_FAILED] = { EXIT_POLICY, false, "the run could not go on" },
    [SIMULATION_BROKEN] = { EXIT_INVARIANT, false, "an invariant broke" },
    [SIMULATION_STOPPED] = { EXIT_INTERRUPTED, false, "interrupted" },
};

static bool
write_resolved(const struct run_one *r, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);

    resolved_write(r->run, r->dir, text);
    return write_whole_file(r->dir, "resolved.yaml", text->str, error);
}

/* "runnable task stall: hog[3] failed to run for 30.012s" */
static const char *
exit_reason(const struct kernel *k, struct arena *a)
{
    const struct scx_exit_info *info = ext_exit_info(k);

    if (ext_exit_word(k) == NULL)
        return NULL;
    return info->msg[0] != '\0' ? arena_printf(a, "%s: %s", info->reason, info->msg) : info->reason;
}

static bool
write_results(struct state *st, enum simulation_end end, GError **error)
{
    const struct run_spec *spec = &st->r->run->spec;
    const struct kernel *k = st->sim->kernel;
    const struct run_info info = {
        .topology = spec->machine->name,
        .workload = spec->workload->name,
        .policy = spec->policy.name,
        .seed = spec->seed,
        .complete = ends[end].complete,
        .elapsed = st->sim->elapsed,
        .events = k->engine.nr_events,
        .ext_exit_kind = ext_exit_word(k),
        .ext_exit_reason = exit_reason(k, st->sim->arena),
    };
    if (st->r->rows != NULL && info.complete)
        run_report_rows(k, &info, st->r->scopes, st->r->rows);
    if (st->r->dir == NULL)
        return true;
    const struct manifest manifest = {
        .command_line = st->r->command_line,
        .end = st->sim->failure != NULL ? st->sim->failure : ends[end].text,
        .seed = spec->seed,
        .events = k->engine.nr_events,
        .complete = ends[end].complete,
        .wall_s = (double)(g_get_monotonic_time() - st->started) / 1e6,
        .spec = spec,
        .resolved = st->r->run,
    };
    return run_report_write(st->r->dir, k, &info, st->samples, error) &&
           write_resolved(st->r, error) && manifest_write(&manifest, st->r->dir, error);
}

static void
warn(struct run_one *r, const char *text)
{
    if (r->warnings != NULL && text != NULL)
        g_ptr_array_add(r->warnings, g_strdup(text));
}

static void
collect_warnings(struct state *st)
{
    const struct run_spec *spec = &st->r->run->spec;

    for (const struct kernel_note *n = st->sim->kernel->notes; n != NULL; n = n->next)
        warn(st->r, n->text);
    warn(st->r, workload_remark(st->sim->workload));
    if (ext_exit_word(st->sim->kernel) != NULL) {
        g_autofree char *text =
            g_strdup_printf("policy %s left at %.3f s: %s; its tasks went on under the fair class",
                            spec->policy.name, (double)ext_left_at(st->sim->kernel) / 1e9,
                            exit_reason(st->sim->kernel, st->sim->arena));
        warn(st->r, text);
    }
    if (spec->force_seq != 0 && !st->sim->kernel->probe.forced) {
        g_autofree char *text = g_strdup_printf(
            "there was no decision %" G_GUINT64_FORMAT " to force", spec->force_seq);
        warn(st->r, text);
    }
    if (st->wasted != NULL) {
        g_autofree char *text = wasted_sentence(st->sim->kernel->wasted);
        warn(st->r, text);
    }
    sim_time wish = st->r->run->sample_interval;
    sim_time interval = st->samples != NULL ? samples_interval(st->samples) : wish;
    if (wish != 0 && interval != wish) {
        g_autofree char *text = g_strdup_printf(
            "report.sample_interval: too many samples; one every %" G_GUINT64_FORMAT "ns is kept",
            interval);
        warn(st->r, text);
    }
}

/* An exit code; the error is set unless it is EXIT_DONE. */
static int
start_watching(struct state *st, GError **error)
{
    struct run_one *r = st->r;

    if (r->dir == NULL)
        return EXIT_DONE;
    if (r->run->decisions != 0) {
        st->decisions = decisions_start(st->sim->kernel, r->run->decisions, r->dir, error);
        if (st->decisions == NULL)
            return EXIT_OUTPUT;
    }
    if (r->run->spec.policy.params.sched.wasted_cores) {
        st->wasted = wasted_csv_start(st->sim->kernel, r->dir, error);
        if (st->wasted == NULL) {
            csv_close(st->decisions, NULL);
            return EXIT_OUTPUT;
        }
    }
    if (r->trace == NULL)
        return EXIT_DONE;
    st->trace = trace_start(st->sim->kernel, r->trace, error);
    if (st->trace != NULL)
        return EXIT_DONE;
    csv_close(st->decisions, NULL);
    csv_close(st->wasted, NULL);
    return error != NULL && g_error_matches(*error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE)
               ? EXIT_INPUT
               : EXIT_OUTPUT;
}

/* A forced choice that is none shows itself only when its decision comes, but is bad input. */
static int
exit_code(const struct state *st, enum simulation_end end)
{
    bool bad_choice = end == SIMULATION_FAILED && st->sim->failure != NULL &&
                      g_str_has_prefix(st->sim->failure, "--force-decision");

    return bad_choice ? EXIT_INPUT : ends[end].code;
}

static int
simulate(struct state *st)
{
    g_autoptr(GError) error = NULL;
    struct run_one *r = st->r;
    int code = start_watching(st, &error);

    if (code != EXIT_DONE) {
        r->failure = g_strdup(error->message);
        return code;
    }
    enum simulation_end end = run_stretches(st);
    collect_warnings(st);
    if (end != SIMULATION_DONE && end != SIMULATION_UNTIL)
        r->failure = g_strdup(st->sim->failure != NULL ? st->sim->failure : ends[end].text);
    bool fine = trace_finish(st->trace, r->warnings, &error);
    fine &= csv_close(st->decisions, fine ? &error : NULL);
    fine &= csv_close(st->wasted, fine ? &error : NULL);
    if (!fine || !write_results(st, end, &error)) {
        g_free(r->failure);
        r->failure = g_strdup(error->message);
        return EXIT_OUTPUT;
    }
    g_autoptr(GError) no_plot = NULL;
    if (r->plot && !plot_folder(r->dir, PLOT_SVG, &no_plot)) {
        g_autofree char *text = g_strdup_printf("no pictures: %s", no_plot->message);
        warn(r, text);
    }
    return exit_code(st, end);
}

int
run_one(struct run_one *r)
{
    struct arena *a = arena_new();
    struct state st = { .r = r, .started = g_get_monotonic_time(), .step = MSEC(1) };
    const char *why = NULL;
    int code = EXIT_INPUT;

    st.sim = simulation_new(a, &r->run->spec, &why);
    if (st.sim == NULL) {
        r->failure = g_strdup(why);
    } else {
        if (r->dir != NULL)
            st.samples = samples_new(st.sim->kernel, r->run->sample_interval);
        code = simulate(&st);
        samples_free(st.samples);
    }
    arena_free(a);
    return code;
}
