/*
 * Worker processes.
 *
 * Processes and not threads: an assertion that fails in one run aborts that run, and the comparison
 * goes on and says so. A child leaves by _exit(), so that it flushes nothing that its parent has
 * buffered.
 */
#include "cli/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct pool {
    struct job_result *results;
    pid_t *pids;
    guint nr, next, alive, done;
    const char *scratch;
};

static char *
errors_path(const struct pool *p, guint index)
{
    return g_strdup_printf("%s/stderr-%u", p->scratch, index);
}

static void
redirect_stderr(const char *path)
{
    int file = g_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (file >= 0) {
        dup2(file, STDERR_FILENO);
        close(file);
    }
}

static bool
start(struct pool *p, int (*job)(guint, void *), void *data)
{
    g_autofree char *path = errors_path(p, p->next);
    pid_t pid = fork();

    if (pid == 0) {
        redirect_stderr(path);
        int code = job(p->next, data);
        fflush(stderr);
        _exit(code);
    }
    if (pid < 0)
        return false;
    p->pids[p->next++] = pid;
    p->alive++;
    return true;
}

static void
take_result(struct pool *p, pid_t pid, int status)
{
    for (guint i = 0; i < p->next; i++) {
        if (p->pids[i] != pid)
            continue;
        g_autofree char *path = errors_path(p, i);
        struct job_result *r = &p->results[i];
        p->pids[i] = 0;
        p->alive--;
        p->done++;
        r->ended =
            !WIFSIGNALED(status) || (WTERMSIG(status) != SIGINT && WTERMSIG(status) != SIGTERM);
        r->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        r->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        if (!g_file_get_contents(path, &r->errors, NULL, NULL))
            r->errors = g_strdup("");
        g_unlink(path);
    }
}

/* Ctrl-C reaches the children by itself, and they then keep what they have; a signal to us alone is
 * passed on. As another signal, because a second one of the same kind would kill them. */
static void
stop_all(const struct pool *p)
{
    for (guint i = 0; i < p->next; i++)
        if (p->pids[i] != 0)
            kill(p->pids[i], SIGTERM);
}

static void
wait_for_one(struct pool *p, bool (*stop)(void))
{
    int status;
    pid_t pid;

    while ((pid = wait(&status)) < 0 && errno == EINTR)
        if (stop())
            stop_all(p);
    if (pid > 0)
        take_result(p, pid, status);
    else
        p->alive = 0;
}

struct job_result *
workers_run(guint nr, guint parallel, const char *scratch, int (*job)(guint index, void *data),
            bool (*stop)(void), void (*progress)(guint done, guint nr), void *data)
{
    struct pool p = { .results = g_new0(struct job_result, nr + 1),
                      .pids = g_new0(pid_t, nr + 1),
                      .nr = nr,
                      .scratch = scratch };

    fflush(NULL);
    while (p.alive > 0 || (p.next < nr && !stop())) {
        if (progress != NULL)
            progress(p.done, nr);
        bool started = p.next < nr && p.alive < parallel && !stop() && start(&p, job, data);
        if (!started && p.alive == 0)
            break; /* not even one process can be made */
        if (!started)
            wait_for_one(&p, stop);
    }
    g_free(p.pids);
    return p.results;
}

void
workers_free(struct job_result *results, guint nr)
{
    for (guint i = 0; i < nr; i++)
        g_free(results[i].errors);
    g_free(results);
}
