/*
 * A line of a trace: who, where, when, what.
 *
 *     perf        COMM PID[/TID] [CPU] SECONDS.FRACTION: [PERIOD] SYSTEM:EVENT: PAYLOAD
 *     tracefs     COMM-PID (TGID) [CPU] FLAGS SECONDS.FRACTION: EVENT: PAYLOAD
 *     report      COMM-PID [CPU] SECONDS.FRACTION: EVENT: PAYLOAD
 *     latency     COMM-PID CPUFLAGS SECONDS.FRACTION: EVENT: PAYLOAD
 *
 * The name of a task may hold blanks, colons, brackets and dashes, so nothing can be split from the
 * left. The time stamp is the anchor: the first word of digits, a dot, six or nine digits and a
 * colon that follows a CPU. A name has 15 bytes at most, too few to hold a CPU and such a time
 * stamp, so the first one is the right one. Everything before it is read backwards from there.
 */
#include "config/import_trace_line.h"

enum { DIGITS_MOST = 19 };

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool
span_number(struct span s, uint64_t most, uint64_t *value)
{
    uint64_t v = 0;

    if (s.at >= s.end || span_len(s) > DIGITS_MOST)
        return false;
    for (const char *c = s.at; c < s.end; c++) {
        if (!is_digit(*c))
            return false;
        v = v * 10 + (uint64_t)(*c - '0');
    }
    *value = v;
    return v <= most;
}

static struct span
trim_end(struct span s)
{
    while (s.end > s.at && is_blank(s.end[-1]))
        s.end--;
    return s;
}

static struct span
trim(struct span s)
{
    while (s.at < s.end && is_blank(*s.at))
        s.at++;
    return trim_end(s);
}

/* Takes the last word off the end. */
static struct span
last_word(struct span *s)
{
    struct span word = { NULL, NULL };

    *s = trim_end(*s);
    word.end = word.at = s->end;
    while (word.at > s->at && !is_blank(word.at[-1]))
        word.at--;
    s->end = word.at;
    *s = trim_end(*s);
    return word;
}

/* "[003]" */
static bool
read_cpu(struct span word, uint64_t *cpu)
{
    return span_len(word) >= 3 && word.at[0] == '[' && word.end[-1] == ']' &&
           span_number((struct span){ word.at + 1, word.end - 1 }, TRACE_CPUS_MAX - 1, cpu);
}

/* irqs off, need resched, interrupt, depth of preempt_disable, of migrate_disable */
static bool
read_flags(struct span word, bool *irq)
{
    if (span_len(word) < 4 || span_len(word) > 8)
        return false;
    for (const char *c = word.at; c < word.end; c++)
        if (strchr(".dDbBXNnplLhHsSzZ0123456789abcdef#+!*@$", *c) == NULL)
            return false;
    *irq = strchr("hHsSzZ", word.at[2]) != NULL;
    return true;
}

/* "7d..2.": the CPU and the flags in one word */
static bool
read_cpu_flags(struct span word, uint64_t *cpu, bool *irq)
{
    struct span digits = { word.at, word.at };

    while (digits.end < word.end && is_digit(*digits.end))
        digits.end++;
    return span_number(digits, TRACE_CPUS_MAX - 1, cpu) &&
           read_flags((struct span){ digits.end, word.end }, irq);
}

/* "12", "-1", "12/34": a thread's own number is the last one. */
static bool
read_perf_pid(struct span word, int32_t *pid)
{
    const char *slash = memchr(word.at, '/', span_len(word));
    uint64_t v;

    if (span_len(word) == 2 && memcmp(word.at, "-1", 2) == 0) {
        *pid = -1;
        return true;
    }
    if (slash != NULL) {
        if (!span_number((struct span){ word.at, slash }, TRACE_PID_MAX, &v))
            return false;
        word.at = slash + 1;
    }
    if (!span_number(word, TRACE_PID_MAX, &v))
        return false;
    *pid = (int32_t)v;
    return true;
}

/* "( 123)" or "(-----)" at the end is taken off. */
static void
take_tgid(struct span *who, int32_t *tgid)
{
    const char *open = who->end;
    uint64_t v;

    *tgid = -1;
    if (who->at == who->end || who->end[-1] != ')')
        return;
    while (open > who->at && *open != '(')
        open--;
    if (*open != '(' || who->end - open > 12 || open == who->at)
        return;
    if (span_number(trim((struct span){ open + 1, who->end - 1 }), TRACE_PID_MAX, &v))
        *tgid = (int32_t)v;
    else if (open[1] != '-')
        return;
    *who = trim_end((struct span){ who->at, open });
}

/* "COMM-PID": the last dash parts them. */
static bool
read_ftrace_task(struct span who, struct trace_head *h)
{
    const char *dash = who.end;
    uint64_t v;

    take_tgid(&who, &h->tgid);
    for (dash = who.end; dash > who.at && dash[-1] != '-'; dash--)
        if (!is_digit(dash[-1]))
            return false;
    if (dash == who.at || !span_number((struct span){ dash, who.end }, TRACE_PID_MAX, &v))
        return false;
    h->pid = (int32_t)v;
    h->comm = trim((struct span){ who.at, dash - 1 });
    return true;
}

static bool
read_perf_task(struct span who, struct trace_head *h)
{
    struct span word = last_word(&who);

    h->tgid = -1;
    h->comm = trim(who);
    return read_perf_pid(word, &h->pid);
}

/* What stands before the time stamp. */
static bool
read_front(struct span front, struct trace_head *h)
{
    struct span rest = front, word = last_word(&rest);
    uint64_t cpu = 0;
    bool flags = false;

    h->irq = false;
    if (read_cpu_flags(word, &cpu, &h->irq)) {
        h->dialect = "trace-cmd report -l";
        h->cpu = (uint32_t)cpu;
        return read_ftrace_task(rest, h);
    }
    if (!read_cpu(word, &cpu)) {
        flags = read_flags(word, &h->irq);
        word = last_word(&rest);
        if (!read_cpu(word, &cpu))
            return false;
    }
    h->cpu = (uint32_t)cpu;
    if (read_perf_task(rest, h)) {
        h->dialect = "perf script";
        h->irq = false;
        return true;
    }
    h->dialect = flags ? "ftrace text" : "trace-cmd report";
    return read_ftrace_task(rest, h);
}

/* A time stamp that ends before `colon`: where it begins, or NULL. */
static const char *
time_before(const char *begin, const char *colon, uint64_t *ns)
{
    const char *dot = colon, *at;
    uint64_t whole, fraction;

    while (dot > begin && is_digit(dot[-1]))
        dot--;
    if ((colon - dot != 6 && colon - dot != 9) || dot - begin < 2 || dot[-1] != '.')
        return NULL;
    for (at = dot - 1; at > begin && is_digit(at[-1]); at--)
        continue;
    if (at == begin || !is_blank(at[-1]) ||
        !span_number((struct span){ at, dot - 1 }, UINT64_C(10000000000) - 1, &whole) ||
        !span_number((struct span){ dot, colon }, UINT64_MAX, &fraction))
        return NULL;
    *ns = whole * 1000000000 + fraction * (colon - dot == 6 ? 1000 : 1);
    return at;
}

/* Behind the time stamp: a period (perf), the event with or without its system, the payload. */
static bool
read_event(struct span rest, struct trace_head *h)
{
    const char *blank;
    uint64_t period;

    rest = trim(rest);
    for (int i = 0; i < 2; i++) {
        blank = rest.at;
        while (blank < rest.end && !is_blank(*blank))
            blank++;
        if (!span_number((struct span){ rest.at, blank }, UINT64_MAX, &period))
            break;
        rest = trim((struct span){ blank, rest.end });
    }
    if (blank == rest.at || blank[-1] != ':')
        return false;
    h->event = (struct span){ rest.at, blank - 1 };
    for (const char *c = rest.at; c < blank - 1; c++)
        if (*c == ':')
            h->event.at = c + 1;
    h->payload = trim((struct span){ blank, rest.end });
    return span_len(h->event) > 0;
}

/* "CPU:3 [LOST 12 EVENTS]", "CPU:3 [12 EVENTS DROPPED]", "CPU:3 [EVENTS DROPPED]" */
static bool
is_lost_mark(struct span line, uint64_t *lost)
{
    const char *open = memchr(line.at, '[', span_len(line));

    if (span_len(line) < 4 || memcmp(line.at, "CPU:", 4) != 0 || open == NULL ||
        line.end[-1] != ']')
        return false;
    struct span inside = { open + 1, line.end - 1 };
    struct span digits = inside;
    *lost = 0;
    while (digits.at < digits.end && !is_digit(*digits.at))
        digits.at++;
    for (digits.end = digits.at; digits.end < inside.end && is_digit(*digits.end);)
        digits.end++;
    span_number(digits, UINT64_MAX, lost);
    return g_strstr_len(inside.at, (gssize)span_len(inside), "EVENTS") != NULL;
}

/* "cpus=8", "version = 6", "CPU 3 is empty": trace-cmd says so before its events. */
static bool
is_header(struct span line)
{
    static const char *const begins[] = { "cpus=", "version = ", "CPU " };

    for (gsize i = 0; i < ARRAY_LEN(begins); i++)
        if (span_len(line) >= strlen(begins[i]) &&
            memcmp(line.at, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

enum trace_line_kind
trace_line_split(struct span line, struct trace_head *head, uint64_t *lost)
{
    const char *colon = line.at;

    line = trim(line);
    if (span_len(line) == 0 || *line.at == '#')
        return TRACE_LINE_EMPTY;
    while (colon < line.end && (colon = memchr(colon, ':', (gsize)(line.end - colon))) != NULL) {
        const char *at = time_before(line.at, colon, &head->time);

        if (at != NULL && read_front((struct span){ line.at, at }, head))
            return read_event((struct span){ colon + 1, line.end }, head) ? TRACE_LINE_EVENT
                                                                          : TRACE_LINE_OTHER;
        colon++;
    }
    if (is_lost_mark(line, lost))
        return TRACE_LINE_LOST;
    return is_header(line) ? TRACE_LINE_EMPTY : TRACE_LINE_OTHER;
}
