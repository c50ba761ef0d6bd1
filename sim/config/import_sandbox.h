/*
 * A function in a process of its own, for libraries that hostile input can crash. What it leaves in
 * `out` comes back through a pipe; whatever else happens to the process stays there.
 */
#pragma once

#include <glib.h>

#include "base/base.h"

struct sandbox_limits {
    guint wall_seconds, cpu_seconds;
    guint64
        memory_bytes; /* address space; not limited under AddressSanitizer, which needs it all */
    gsize output_bytes;
};

enum sandbox_end {
    SANDBOX_DONE,
    SANDBOX_CRASHED, /* by a signal or a wrong exit code, out of memory among them */
    SANDBOX_TOO_LONG,
    SANDBOX_TOO_MUCH, /* output */
    SANDBOX_NO_PROCESS,
};

typedef void (*sandbox_function)(void *argument, GString *out);

/* `out` is filled only when SANDBOX_DONE is returned. */
enum sandbox_end sandbox_run(sandbox_function f, void *argument,
                             const struct sandbox_limits *limits, GString *out);

/*
 * The same for answers that are too long to be kept: the function writes to `fd` (with
 * sandbox_write(), which ends the process when nobody reads) and the caller reads from s->fd until
 * its end, then asks how it ended. output_bytes does not count here.
 */
struct sandbox {
    int pid, fd;
};
typedef void (*sandbox_writer)(void *argument, int fd);
bool sandbox_start(struct sandbox *s, sandbox_writer f, void *argument,
                   const struct sandbox_limits *limits);
void sandbox_write(int fd, const char *text, gsize len);
/* Closes the pipe; whoever still writes is ended. */
enum sandbox_end sandbox_finish(struct sandbox *s);

/* "crashed", "took too long"... */
const char *sandbox_end_text(enum sandbox_end end);
