/* Progress on a terminal, and the keys that interrupt. Nothing when piped. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/run_one.h"

enum { BAR = 30 };

void
progress_show(const char *what, double done)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (done < 0) {
        fputs("\r\033[K", stderr);
    } else {
        int filled = (int)(CLAMP(done, 0, 1) * BAR);
        fprintf(stderr, "\r\033[K%s %3.0f%% [%.*s%*s]", what, CLAMP(done, 0, 1) * 100, filled,
                "##############################", BAR - filled, "");
    }
    fflush(stderr);
}

static volatile sig_atomic_t caught;

/* A second one ends the program at once. */
static void catch (int number)
{
    caught = 1;
    signal(number, SIG_DFL);
}

void
interrupt_catch(void)
{
    signal(SIGINT, catch);
    signal(SIGTERM, catch);
}

bool
interrupted(void)
{
    return caught != 0;
}
