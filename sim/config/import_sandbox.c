/*
 * The sandbox is a plain fork: the child inherits the input in memory, so that nothing has to be
 * passed to it, and has only a pipe to answer. It has limits on memory, CPU time and files, no
 * standard streams (a library that prints would spoil ours), and dies with its parent.
 *
 * A helper program would be cleaner where the parent has threads, but a program has to be found on
 * the disk of the user first. Imports happen before anything runs, in a process of one thread.
 */
#include "config/import_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifndef HAVE_ASAN
#define HAVE_ASAN 0
#endif

static void
limit(int resource, guint64 most)
{
    const struct rlimit r = { .rlim_cur = most, .rlim_max = most };

    setrlimit(resource, &r);
}

static void
close_standard_streams(void)
{
    int null = open("/dev/null", O_RDWR);

    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
}

void
sandbox_write(int fd, const char *text, gsize len)
{
    while (len > 0) {
        gssize n = write(fd, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(1);
        text += n;
        len -= (gsize)n;
    }
}

_Noreturn static void
child(sandbox_writer f, void *argument, const struct sandbox_limits *limits, int fd)
{
    static const int defaults[] = { SIGSEGV, SIGBUS,  SIGFPE,  SIGILL, SIGABRT,
                                    SIGINT,  SIGTERM, SIGPIPE, SIGALRM };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (gsize i = 0; i < ARRAY_LEN(defaults); i++)
        signal(defaults[i], SIG_DFL);
    close_standard_streams();
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CPU, limits->cpu_seconds);
    if (!HAVE_ASAN)
        limit(RLIMIT_AS, limits->memory_bytes);
    alarm(limits->wall_seconds);
    f(argument, fd);
    _exit(0);
}

bool
sandbox_start(struct sandbox *s, sandbox_writer f, void *argument,
              const struct sandbox_limits *limits)
{
    int fds[2];

    if (pipe(fds) != 0)
        return false;
    s->pid = fork();
    if (s->pid == 0) {
        close(fds[0]);
        child(f, argument, limits, fds[1]);
    }
    close(fds[1]);
    s->fd = fds[0];
    if (s->pid < 0)
        close(fds[0]);
    return s->pid > 0;
}

enum sandbox_end
sandbox_finish(struct sandbox *s)
{
    int status = 0;

    close(s->fd);
    while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGALRM))
        return SANDBOX_TOO_LONG; /* that is how the limits of CPU time and of time end a process */
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return SANDBOX_CRASHED;
    return SANDBOX_DONE;
}

/* ---- an answer that is kept ---- */

struct whole {
    sandbox_function f;
    void *argument;
};

static void
write_whole(void *argument, int fd)
{
    const struct whole *w = argument;
    g_autoptr(GString) out = g_string_new(NULL);

    w->f(w->argument, out);
    sandbox_write(fd, out->str, out->len);
}

/* Until the end of the answer, which the child's own limits force, or more than is allowed. */
static enum sandbox_end
read_answer(int fd, const struct sandbox_limits *limits, GString *out)
{
    char buffer[16384];

    for (;;) {
        gssize n = read(fd, buffer, sizeof(buffer));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return SANDBOX_DONE;
        g_string_append_len(out, buffer, n);
        if (out->len > limits->output_bytes)
            return SANDBOX_TOO_MUCH;
    }
}

enum sandbox_end
sandbox_run(sandbox_function f, void *argument, const struct sandbox_limits *limits, GString *out)
{
    struct whole w = { f, argument };
    struct sandbox s;

    if (!sandbox_start(&s, write_whole, &w, limits))
        return SANDBOX_NO_PROCESS;
    enum sandbox_end end = read_answer(s.fd, limits, out);
    if (end != SANDBOX_DONE)
        kill(s.pid, SIGKILL);
    enum sandbox_end how = sandbox_finish(&s);
    if (end == SANDBOX_DONE)
        end = how;
    if (end != SANDBOX_DONE)
        g_string_truncate(out, 0);
    return end;
}

const char *
sandbox_end_text(enum sandbox_end end)
{
    static const char *const texts[] = {
        [SANDBOX_DONE] = "did its work",
        [SANDBOX_CRASHED] = "crashed or ran out of memory",
        [SANDBOX_TOO_LONG] = "took too long",
        [SANDBOX_TOO_MUCH] = "answered without end",
        [SANDBOX_NO_PROCESS] = "could not be started in a process of its own",
    };

    return texts[end];
}
