/*
 * Reading a trace: bytes become lines, lines become events, events go to the sink.
 *
 * There is one buffer of a line's largest length twice over, whatever the size of the file, and
 * libarchive unpacks as it reads. What a trace may do to us is bounded by what it may make us do: a
 * line has a limit, a file must show its first event early, and names of events that we do not know
 * are kept up to a number.
 *
 * A line that is no event is skipped and counted; an event that we know and cannot read is an
 * error, because a schedule with holes that nobody marked would be replayed as if it were true.
 */
#include "config/import_trace.h"

#include "config/import_trace_dat.h"
#include "config/import_trace_line.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

enum {
    LINE_MOST = 64 * 1024,
    BUFFER = 4 * LINE_MOST,
    FIRST_EVENT_BY = 10000, /* lines */
    TYPES_MOST = 1000,
    LOOK_MOST = 64 * 1024,
};

struct scan {
    const char *file;
    struct diag *d;
    const struct trace_sink *sink;
    struct trace_counts *counts;
    GHashTable *skipped; /* names of events */
    uint64_t last_time, nr_events;
    bool failed;
};

static void
scan_fail(struct scan *s, gsize column, const char *fmt, const char *what)
{
    diag_error(s->d, s->file, (unsigned)MIN(s->counts->lines, UINT_MAX), (unsigned)column, NULL,
               fmt, what);
    s->failed = true;
}

static void
count_type(struct scan *s, struct span name)
{
    s->counts->skipped_events++;
    if (g_hash_table_size(s->skipped) < TYPES_MOST && span_len(name) < 200)
        g_hash_table_add(s->skipped, g_strndup(name.at, span_len(name)));
}

static void
scan_event(struct scan *s, struct span line, const struct trace_head *h)
{
    enum trace_event_kind kind = trace_kind_of(h->event);
    struct trace_counts *c = s->counts;
    struct trace_fault fault;
    struct trace_event e;

    if (c->dialect == NULL)
        c->dialect = h->dialect;
    s->nr_events++;
    if (kind == TRACE_KIND_NR) {
        count_type(s, h->event);
        return;
    }
    if (!trace_event_read(kind, h, &e, &fault)) {
        g_autofree char *what =
            g_strdup_printf("%s: expected %s", trace_kind_names[kind], fault.expected);
        scan_fail(s, (gsize)(fault.at - line.at) + 1, "%s", what);
        return;
    }
    if (e.time < s->last_time) {
        c->backward++;
        e.time = s->last_time;
    }
    s->last_time = e.time;
    c->nr_cpus = MAX(c->nr_cpus, e.cpu + 1);
    c->events[kind]++;
    e.counts = c;
    s->sink->event(s->sink->priv, &e);
}

/* The header that our own traces have. */
static bool
is_ours(struct span line)
{
    static const char mark[] = "# simulated by numasim";

    return span_len(line) >= sizeof(mark) - 1 && memcmp(line.at, mark, sizeof(mark) - 1) == 0;
}

static void
scan_line(struct scan *s, struct span line)
{
    struct trace_head h;
    uint64_t lost = 0;

    s->counts->lines++;
    if (line.end > line.at && line.end[-1] == '\r')
        line.end--;
    switch (trace_line_split(line, &h, &lost)) {
    case TRACE_LINE_EVENT:
        scan_event(s, line, &h);
        return;
    case TRACE_LINE_LOST:
        s->counts->lost += lost;
        s->counts->lost_marks++;
        return;
    case TRACE_LINE_OTHER:
        s->counts->other_lines++;
        break;
    case TRACE_LINE_EMPTY:
        s->counts->simulated |= is_ours(line);
        break;
    }
    if (s->nr_events == 0 && s->counts->lines >= FIRST_EVENT_BY)
        scan_fail(s, 1, "%s",
                  "no event of a trace so far; expected lines as of perf script or trace-cmd "
                  "report: NAME PID [CPU] SECONDS.FRACTION: EVENT: ...");
}

/* ---- bytes into lines ---- */

typedef gssize (*read_function)(void *from, char *to, gsize most);

/* All whole lines of the buffer; what is left moves to its beginning. */
static gsize
scan_buffer(struct scan *s, char *buffer, gsize len)
{
    char *at = buffer, *end = buffer + len, *newline;

    while (!s->failed && (newline = memchr(at, '\n', (gsize)(end - at))) != NULL) {
        scan_line(s, (struct span){ at, newline });
        at = newline + 1;
    }
    if (end - at > LINE_MOST && !s->failed) {
        s->counts->lines++;
        scan_fail(s, LINE_MOST, "%s", "the line is longer than 64 KiB; expected lines of text");
    }
    memmove(buffer, at, (gsize)(end - at));
    return (gsize)(end - at);
}

static void
scan_all(struct scan *s, read_function read, void *from)
{
    g_autofree char *buffer = g_malloc(BUFFER + 1);
    gsize len = 0;
    gssize got;

    while (!s->failed && (got = read(from, buffer + len, BUFFER - len)) > 0) {
        s->counts->bytes += (guint64)got;
        len = scan_buffer(s, buffer, len + (gsize)got);
    }
    buffer[len] = '\0';
    if (!s->failed && len > 0)
        scan_line(s, (struct span){ buffer, buffer + len });
}

/* ---- unpacking ---- */

struct unpack {
    struct archive *a;
    const char *file;
    struct diag *d;
};

static struct archive *
unpack_new(void)
{
    struct archive *a = archive_read_new();

    archive_read_support_filter_gzip(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
    return a;
}

static gssize
unpack_read(void *from, char *to, gsize most)
{
    struct unpack *u = from;
    la_ssize_t got = archive_read_data(u->a, to, most);

    if (got < 0)
        diag_error(u->d, u->file, 0, 0, NULL, "cannot be read: %s; expected a complete file",
                   archive_error_string(u->a) != NULL ? archive_error_string(u->a) : "damaged");
    return got;
}

/* 1: there is something to read; 0: it is empty; -1: a message in diag. */
static int
unpack_begin(struct unpack *u, int opened)
{
    struct archive_entry *entry;
    int got = opened == ARCHIVE_OK ? archive_read_next_header(u->a, &entry) : opened;

    if (got == ARCHIVE_OK || got == ARCHIVE_WARN)
        return 1;
    if (got == ARCHIVE_EOF)
        return 0;
    diag_error(u->d, u->file, 0, 0, NULL, "cannot be read: %s",
               archive_errno(u->a) > 0 ? g_strerror(archive_errno(u->a))
                                       : archive_error_string(u->a));
    return -1;
}

/* ---- the way in ---- */

static void
say_counts(const struct scan *s)
{
    const struct trace_counts *c = s->counts;

    if (c->skipped_events > 0)
        diag_note(s->d, "%s: %u event type%s not used, %" G_GUINT64_FORMAT " lines skipped",
                  s->file, c->skipped_types, c->skipped_types == 1 ? " is" : "s are",
                  c->skipped_events);
    if (c->other_lines > 0)
        diag_note(s->d, "%s: %" G_GUINT64_FORMAT " lines are no events and were skipped", s->file,
                  c->other_lines);
    if (c->lost_marks > 0)
        diag_note(s->d,
                  "%s: the recorder lost events %" G_GUINT64_FORMAT " times (%" G_GUINT64_FORMAT
                  " that it counted)",
                  s->file, c->lost_marks, c->lost);
    if (c->backward > 0)
        diag_note(s->d, "%s: %" G_GUINT64_FORMAT " time stamps go back and were raised", s->file,
                  c->backward);
}

static bool
finish(struct scan *s)
{
    s->counts->skipped_types = g_hash_table_size(s->skipped);
    if (!diag_failed(s->d) && s->nr_events == 0)
        diag_error(s->d, s->file, 0, 0, NULL, "no event of a trace in the whole file");
    if (!diag_failed(s->d))
        say_counts(s);
    g_hash_table_unref(s->skipped);
    return !diag_failed(s->d);
}

/* The beginning decides between text and trace.dat; what was read for that comes first. */
struct replayed {
    struct unpack *u;
    char head[LOOK_MOST];
    gsize len, done;
};

static gssize
replayed_read(void *from, char *to, gsize most)
{
    struct replayed *r = from;
    gsize n = MIN(most, r->len - r->done);

    if (n == 0)
        return unpack_read(r->u, to, most);
    memcpy(to, r->head + r->done, n);
    r->done += n;
    return (gssize)n;
}

static void
fill_head(struct replayed *r)
{
    gssize got = 1;

    while (r->len < TRACE_DAT_MAGIC && got > 0) {
        got = unpack_read(r->u, r->head + r->len, LOOK_MOST - r->len);
        r->len += got > 0 ? (gsize)got : 0;
    }
}

static void
scan_archive(struct scan *s, struct unpack *u)
{
    g_autofree struct replayed *r = g_new0(struct replayed, 1);

    r->u = u;
    fill_head(r);
    if (diag_failed(s->d))
        return;
    if (!trace_dat_is(r->head, r->len)) {
        scan_all(s, replayed_read, r);
        return;
    }
    struct trace_dat *dat = trace_dat_open(s->file, replayed_read, r, s->d);
    if (dat == NULL)
        return;
    scan_all(s, trace_dat_read, dat);
    s->counts->dialect = "trace.dat";
    trace_dat_close(dat, s->file, s->d);
}

static bool
read_opened(struct scan *s, struct unpack *u, int opened)
{
    s->skipped = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    *s->counts = (struct trace_counts){ 0 };
    if (unpack_begin(u, opened) > 0)
        scan_archive(s, u);
    archive_read_free(u->a);
    return finish(s);
}

bool
trace_read_file(const char *path, const struct trace_sink *sink, struct trace_counts *counts,
                struct diag *d)
{
    struct scan s = { .file = path, .d = d, .sink = sink, .counts = counts };
    struct unpack u = { .a = unpack_new(), .file = path, .d = d };
    const char *from = strcmp(path, "-") == 0 ? NULL : path;

    return read_opened(&s, &u, archive_read_open_filename(u.a, from, LOOK_MOST));
}

bool
trace_read_memory(const char *name, const void *data, gsize len, const struct trace_sink *sink,
                  struct trace_counts *counts, struct diag *d)
{
    struct scan s = { .file = name, .d = d, .sink = sink, .counts = counts };
    struct unpack u = { .a = unpack_new(), .file = name, .d = d };

    return read_opened(&s, &u, archive_read_open_memory(u.a, data, len));
}

/* ---- is it one? ---- */

bool
looks_like_trace(const char *text, gsize len)
{
    const char *at = text, *end = text + MIN(len, (gsize)LOOK_MOST);

    if (trace_dat_is(text, len))
        return true;
    while (at < end) {
        const char *newline = memchr(at, '\n', (gsize)(end - at));
        struct trace_head h;
        uint64_t lost;

        if (newline == NULL)
            return false;
        if (trace_line_split((struct span){ at, newline }, &h, &lost) == TRACE_LINE_EVENT)
            return true;
        at = newline + 1;
    }
    return false;
}

bool
looks_like_trace_file(const char *path)
{
    struct diag d;
    struct unpack u = { .a = unpack_new(), .file = path, .d = &d };
    g_autofree struct replayed *r = g_new0(struct replayed, 1);
    gssize got = 1;

    diag_init(&d);
    r->u = &u;
    if (unpack_begin(&u, archive_read_open_filename(u.a, path, LOOK_MOST)) > 0)
        while (r->len < LOOK_MOST - 1 && got > 0) {
            got = unpack_read(&u, r->head + r->len, LOOK_MOST - 1 - r->len);
            r->len += got > 0 ? (gsize)got : 0;
        }
    archive_read_free(u.a);
    diag_clear(&d);
    return looks_like_trace(r->head, r->len);
}
