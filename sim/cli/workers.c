/*
 * Worker processes.
 *
 * Processes and not threads: an assertion that fails in one run aborts that run, and the others go
 * on. And not a process for each run: a fork copies page tables, and its first writes copy pages,
 * which is a millisecond that a sweep of thousands of short runs would pay thousands of times.
 *
 * A worker has two pipes, one for the numbers of jobs and one for what they leave, and a file for
 * its stderr, of which we see the end also when it has crashed. A child leaves by _exit(), so that
 * it flushes nothing that its parent has buffered.
 */
#include "cli/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"

enum { LOOK_MS = 250 };          /* for a signal that came just before we began to wait */
enum { KEPT_BYTES = 256 << 20 }; /* of freed memory, by a worker */

struct worker {
    pid_t pid; /* 0: there is none */
    int jobs, results;
    FILE *errors;
    bool busy;
    guint index;
};

struct pool {
    const struct workers *w;
    struct worker *workers;
    guint next, ended;
    GString *out;
    bool no_more, stopped;
};

/* What a worker says of a job, before its bytes. */
struct answer {
    int code;
    guint32 bytes;
};

static bool
read_all(int file, void *to, gsize len)
{
    for (gsize at = 0; at < len;) {
        ssize_t n = read(file, (char *)to + at, len - at);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        at += n > 0 ? (gsize)n : 0;
    }
    return true;
}

static bool
write_all(int file, const void *from, gsize len)
{
    for (gsize at = 0; at < len;) {
        ssize_t n = write(file, (const char *)from + at, len - at);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? (gsize)n : 0;
    }
    return true;
}

/* ---- in the worker ---- */

static void
serve(const struct pool *p, const struct worker *self)
{
    guint32 index;

    while (read_all(self->jobs, &index, sizeof(index))) {
        g_string_truncate(p->out, 0);
        struct answer a = { .code = p->w->job(index, p->out, p->w->data) };
        a.bytes = (guint32)p->out->len;
        fflush(stderr);
        if (!write_all(self->results, &a, sizeof(a)) ||
            !write_all(self->results, p->out->str, p->out->len))
            return;
    }
}

/* The pipes of the others would stay open as long as we live. */
static void
close_others(const struct pool *p)
{
    for (guint i = 0; i < p->w->parallel; i++)
        if (p->workers[i].pid != 0) {
            close(p->workers[i].jobs);
            close(p->workers[i].results);
        }
}

/* What one run has freed the next one takes, without asking the system for it again. */
static void
keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

static void
be_worker(const struct pool *p, struct worker *self, int jobs, int results, pid_t parent)
{
    keep_memory();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* whoever would take our results is gone */
    if (getppid() != parent)
        _exit(EXIT_INTERRUPTED);
    close_others(p);
    self->jobs = jobs;
    self->results = results;
    dup2(fileno(self->errors), STDERR_FILENO);
    serve(p, self);
    _exit(0);
}

/* ---- in the parent ---- */

static bool
worker_start(struct pool *p, struct worker *self)
{
    int jobs[2] = { -1, -1 }, results[2] = { -1, -1 };
    pid_t parent = getpid();

    *self = (struct worker){ .errors = tmpfile() };
    bool fine = self->errors != NULL && pipe(jobs) == 0 && pipe(results) == 0;
    if (fine) {
        fcntl(fileno(self->errors), F_SETFL, O_APPEND); /* we cut it, and it begins anew */
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            close(jobs[1]);
            close(results[0]);
            be_worker(p, self, jobs[0], results[1], parent);
        }
        self->pid = pid > 0 ? pid : 0;
    }
    if (jobs[0] >= 0)
        close(jobs[0]);
    if (results[1] >= 0)
        close(results[1]);
    self->jobs = jobs[1];
    self->results = results[0];
    if (self->pid != 0)
        return true;
    if (jobs[1] >= 0)
        close(jobs[1]);
    if (results[0] >= 0)
        close(results[0]);
    if (self->errors != NULL)
        fclose(self->errors);
    return false;
}

static int
worker_end(struct worker *self)
{
    int status = 0;

    close(self->jobs);
    while (waitpid(self->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    close(self->results);
    fclose(self->errors);
    self->pid = 0;
    return status;
}

/* What the job wrote to stderr; the next one begins with nothing. */
static char *
take_errors(const struct worker *self)
{
    int file = fileno(self->errors);
    off_t len = lseek(file, 0, SEEK_END);
    char *text = g_malloc0((gsize)MAX(len, 0) + 1);

    if (len > 0 && pread(file, text, (gsize)len, 0) != len)
        *text = '\0';
    if (len > 0 && ftruncate(file, 0) != 0)
        *text = '\0';
    return text;
}

static void
hand_over(struct pool *p, struct worker *self, const struct job_result *r)
{
    self->busy = false;
    p->ended++;
    if (!p->w->done(self->index, r, p->out, p->w->data))
        p->no_more = true;
}

static void
take_crash(struct pool *p, struct worker *self)
{
    struct job_result r = { .ended = true, .code = -1, .errors = take_errors(self) };
    bool busy = self->busy;
    int status = worker_end(self);

    if (WIFSIGNALED(status)) {
        r.signal = WTERMSIG(status);
        r.ended = !p->stopped || (r.signal != SIGINT && r.signal != SIGTERM);
    } else if (WIFEXITED(status)) {
        r.code = WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : -1;
    }
    g_string_truncate(p->out, 0);
    if (busy)
        hand_over(p, self, &r);
    g_free(r.errors);
}

static void
take_result(struct pool *p, struct worker *self)
{
    struct answer a;

    bool fine = read_all(self->results, &a, sizeof(a));
    if (fine) {
        g_string_set_size(p->out, a.bytes);
        fine = read_all(self->results, p->out->str, a.bytes);
    }
    if (!fine) {
        take_crash(p, self);
        return;
    }
    struct job_result r = { .ended = true, .code = a.code, .errors = take_errors(self) };
    hand_over(p, self, &r);
    g_free(r.errors);
}

/* Ctrl-C reaches the workers by itself, and they then keep what they have; a signal to us alone is
 * passed on. As another signal, because a second one of the same kind would kill them. */
static void
stop_all(struct pool *p)
{
    for (guint i = 0; i < p->w->parallel && !p->stopped; i++)
        if (p->workers[i].pid != 0)
            kill(p->workers[i].pid, SIGTERM);
    p->stopped = true;
}

static bool
may_start(struct pool *p)
{
    if (p->w->stop())
        stop_all(p);
    return p->next < p->w->nr && !p->no_more && !p->stopped;
}

/* Gives work to whoever has none. Returns how many have some. */
static guint
deal(struct pool *p)
{
    guint busy = 0;

    for (guint i = 0; i < p->w->parallel; i++) {
        struct worker *self = &p->workers[i];
        if (!self->busy && may_start(p) && (self->pid != 0 || worker_start(p, self))) {
            guint32 index = self->index = p->next++;
            self->busy = true;
            write_all(self->jobs, &index, sizeof(index)); /* if it is dead, its pipe says so */
        }
        busy += self->busy;
    }
    return busy;
}

static void
wait_for_some(struct pool *p)
{
    g_autofree struct pollfd *files = g_new(struct pollfd, p->w->parallel);

    for (guint i = 0; i < p->w->parallel; i++)
        files[i] = (struct pollfd){ .fd = p->workers[i].busy ? p->workers[i].results : -1,
                                    .events = POLLIN };
    if (poll(files, p->w->parallel, LOOK_MS) <= 0)
        return;
    for (guint i = 0; i < p->w->parallel; i++)
        if (p->workers[i].busy && files[i].revents != 0)
            take_result(p, &p->workers[i]);
}

bool
workers_run(const struct workers *w)
{
    struct workers own = *w;
    struct pool p = { .w = &own, .out = g_string_new(NULL) };
    bool began = false;

    own.parallel = MAX(1, MIN(w->parallel, w->nr));
    p.workers = g_new0(struct worker, own.parallel);
    while (deal(&p) > 0) {
        began = true;
        if (w->progress != NULL)
            w->progress(p.ended, w->nr, w->data);
        wait_for_some(&p);
    }
    for (guint i = 0; i < own.parallel; i++)
        if (p.workers[i].pid != 0)
            worker_end(&p.workers[i]);
    g_free(p.workers);
    g_string_free(p.out, TRUE);
    return began || w->nr == 0 || p.stopped || p.no_more;
}

/* ---- what it all comes to ---- */

int
job_code(const struct job_result *r)
{
    if (!r->ended)
        return EXIT_INTERRUPTED;
    return r->signal != 0 || r->code < 0 || r->code > EXIT_INTERRUPTED ? EXIT_INVARIANT : r->code;
}

int
worse_code(int a, int b)
{
    static const int worst_first[] = { EXIT_INTERRUPTED, EXIT_OUTPUT, EXIT_INVARIANT, EXIT_POLICY,
                                       EXIT_INPUT };

    for (guint i = 0; i < G_N_ELEMENTS(worst_first); i++)
        if (a == worst_first[i] || b == worst_first[i])
            return worst_first[i];
    return MAX(a, b);
}
