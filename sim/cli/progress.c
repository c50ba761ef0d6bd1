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

static void
note_interrupt(int number)
{
    (void)number;
    caught = 1;
}

/* A second one ends the program at once. Whoever waits is woken: no SA_RESTART. */
void
interrupt_catch(void)
{
    struct sigaction action = { .sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool
interrupted(void)
{
    return caught != 0;
}
