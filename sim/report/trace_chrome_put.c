/* Events as lines of JSON, and what is drawn on the rows of CPUs. */
#include "report/trace_chrome_impl.h"

/* {"ph":"B","ts":1.000,"pid":1,"tid":0 */
void
chrome_begin(struct trace_writer *w, char ph, uint32_t pid, uint32_t tid)
{
    struct chrome *c = w->priv;
    char head[] = "{\"ph\":\"B\"";

    head[7] = ph;
    trace_out_text(w->out, c->begun ? ",\n" : "\n");
    trace_out_text(w->out, head);
    if (ph != 'M') {
        trace_out_text(w->out, ",\"ts\":");
        trace_out_us(w->out, c->now);
        w->nr_events++;
    }
    trace_out_text(w->out, ",\"pid\":");
    trace_out_uint(w->out, pid);
    trace_out_text(w->out, ",\"tid\":");
    trace_out_uint(w->out, tid);
    c->begun = true;
}

void
chrome_put_text(struct trace_writer *w, const char *before, const char *text)
{
    trace_out_text(w->out, before);
    trace_out_escaped(w->out, text);
    trace_out_text(w->out, "\"");
}

void
chrome_put_number(struct trace_writer *w, const char *before, uint64_t number)
{
    trace_out_text(w->out, before);
    trace_out_uint(w->out, number);
}

void
chrome_end(struct trace_writer *w)
{
    trace_out_text(w->out, "}");
}

void
chrome_put_name(struct trace_writer *w, const char *what, uint32_t pid, uint32_t tid,
                const char *name, uint32_t order)
{
    chrome_begin(w, 'M', pid, tid);
    trace_out_text(w->out, ",\"name\":\"");
    trace_out_text(w->out, what);
    chrome_put_text(w, "_name\",\"args\":{\"name\":\"", name);
    trace_out_text(w->out, "}}");
    chrome_begin(w, 'M', pid, tid);
    trace_out_text(w->out, ",\"name\":\"");
    trace_out_text(w->out, what);
    chrome_put_number(w, "_sort_index\",\"args\":{\"sort_index\":", order);
    trace_out_text(w->out, "}}");
}

void
chrome_put_arrow(struct trace_writer *w, char ph, uint32_t pid, uint32_t tid, const char *kind,
                 uint64_t id)
{
    chrome_begin(w, ph, pid, tid);
    chrome_put_text(w, ",\"cat\":\"", kind);
    chrome_put_text(w, ",\"name\":\"", kind);
    chrome_put_number(w, ",\"id\":", id);
    if (ph == 'f')
        trace_out_text(w->out, ",\"bp\":\"e\"");
    chrome_end(w);
}

/* ---- rows of CPUs ---- */

uint32_t
chrome_cpu_pid(const struct trace_writer *w, int32_t cpu)
{
    return PID_NODES + (uint32_t)w->kernel->machine->cpus[cpu].node;
}

void
chrome_cpu_begin(struct trace_writer *w, int32_t cpu, const struct task *p)
{
    struct chrome *c = w->priv;

    chrome_begin(w, 'B', chrome_cpu_pid(w, cpu), (uint32_t)cpu);
    chrome_put_text(w, ",\"cat\":\"run\",\"name\":\"", p->name);
    chrome_put_number(w, ",\"args\":{\"pid\":", trace_pid(p));
    trace_out_text(w->out, "}}");
    c->open[cpu] = true;
}

void
chrome_cpu_end(struct trace_writer *w, int32_t cpu, const char *why)
{
    struct chrome *c = w->priv;

    chrome_begin(w, 'E', chrome_cpu_pid(w, cpu), (uint32_t)cpu);
    if (why != NULL) {
        chrome_put_text(w, ",\"args\":{\"end\":\"", why);
        trace_out_text(w->out, "}");
    }
    chrome_end(w);
    c->open[cpu] = false;
}
