/*
 * trace.dat through libtracecmd.
 *
 * The format is a copy of the kernel's ring buffers with a description of every event, and the
 * library that reads it was not made for hostile files. So it works in a process of its own, on a
 * copy of the file that has been unpacked, and says what it finds as text: the kernel's form with
 * raw values and nanoseconds. From there on it is a trace like any other, read by the same code.
 */
#include "config/import_trace_dat.h"

#include "config/import_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <trace-cmd.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };
static const guint64 largest = (guint64)16 << 30;

struct trace_dat {
    struct sandbox child;
    bool ended;
};

bool
trace_dat_is(const char *data, gsize len)
{
    return len >= TRACE_DAT_MAGIC && memcmp(data, "\x17\x08\x44tracing", TRACE_DAT_MAGIC) == 0;
}

/* ---- in the child ---- */

struct teller {
    int fd;
    struct trace_seq seq;
};

static int
tell_event(struct tracecmd_input *in, struct tep_record *record, int cpu, void *priv)
{
    struct tep_handle *tep = tracecmd_get_tep(in);
    struct teller *t = priv;

    trace_seq_reset(&t->seq);
    if (record->missed_events != 0)
        trace_seq_printf(&t->seq, "CPU:%d [LOST %lld EVENTS]\n", cpu,
                         record->missed_events > 0 ? record->missed_events : 0);
    tep_print_event(tep, &t->seq, record, "%16s-%d [%03d] %s %9.1d: %s: %s\n", TEP_PRINT_COMM,
                    TEP_PRINT_PID, TEP_PRINT_CPU, TEP_PRINT_LATENCY, TEP_PRINT_TIME, TEP_PRINT_NAME,
                    TEP_PRINT_INFO_RAW);
    trace_seq_terminate(&t->seq);
    sandbox_write(t->fd, t->seq.buffer, t->seq.len);
    return 0;
}

static void
tell_all(void *argument, int fd)
{
    struct teller t = { .fd = fd };
    const int *file = argument;

    tracecmd_set_loglevel(TEP_LOG_NONE);
    struct tracecmd_input *in = tracecmd_open_fd(*file, TRACECMD_FL_LOAD_NO_PLUGINS);
    if (in == NULL)
        _exit(1);
    trace_seq_init(&t.seq);
    if (tracecmd_iterate_events(in, NULL, 0, tell_event, &t) < 0)
        _exit(1);
}

/* ---- here ---- */

static bool
write_out(int fd, const char *data, gssize len)
{
    while (len > 0) {
        gssize n = write(fd, data, (gsize)len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= n;
    }
    return true;
}

/* A file without a name, so that nothing is left behind whatever happens. -1: a message in diag. */
static int
copy_out(const char *file, gssize (*read)(void *from, char *to, gsize most), void *from,
         struct diag *d)
{
    g_autofree char *name = NULL, *chunk = g_malloc(CHUNK);
    g_autoptr(GError) error = NULL;
    int fd = g_file_open_tmp("trace-XXXXXX", &name, &error);
    guint64 sum = 0;
    gssize got;

    if (fd < 0) {
        diag_error(d, file, 0, 0, NULL, "no room to unpack it: %s", error->message);
        return -1;
    }
    g_unlink(name);
    while ((got = read(from, chunk, CHUNK)) > 0) {
        sum += (guint64)got;
        if (sum > largest || !write_out(fd, chunk, got)) {
            diag_error(d, file, 0, 0, NULL, "no room to unpack it; expected at most 16 GiB");
            got = -1;
            break;
        }
    }
    if (got < 0) {
        close(fd);
        return -1;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

struct trace_dat *
trace_dat_open(const char *file, gssize (*read)(void *from, char *to, gsize most), void *from,
               struct diag *d)
{
    static const struct sandbox_limits limits = { .wall_seconds = 1800,
                                                  .cpu_seconds = 900,
                                                  .memory_bytes = (guint64)1 << 30 };
    int fd = copy_out(file, read, from, d);

    if (fd < 0)
        return NULL;
    struct trace_dat *dat = g_new0(struct trace_dat, 1);
    bool started = sandbox_start(&dat->child, tell_all, &fd, &limits);
    close(fd);
    if (started)
        return dat;
    diag_error(d, file, 0, 0, NULL, "libtracecmd could not be started in a process of its own");
    g_free(dat);
    return NULL;
}

gssize
trace_dat_read(void *from, char *to, gsize most)
{
    struct trace_dat *dat = from;
    gssize got;

    do
        got = read(dat->child.fd, to, most);
    while (got < 0 && errno == EINTR);
    dat->ended = got <= 0;
    return got;
}

void
trace_dat_close(struct trace_dat *dat, const char *file, struct diag *d)
{
    if (!dat->ended)
        kill(dat->child.pid, SIGKILL);
    enum sandbox_end end = sandbox_finish(&dat->child);
    if (dat->ended && end != SANDBOX_DONE)
        diag_error(d, file, 0, 0, NULL, "libtracecmd %s on it; expected a complete trace.dat",
                   sandbox_end_text(end));
    g_free(dat);
}
