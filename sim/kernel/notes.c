/*
 * Notes: what placement or mechanisms have to tell the user about this run (a binding that was
 * overridden, memory that did not fit). The run layer shows them.
 */
#include "kernel/kernel.h"

#include <stdarg.h>
#include <stdio.h>

void
kernel_note(struct kernel *k, const char *fmt, ...)
{
    struct kernel_note *note = arena_new_object(k->arena, struct kernel_note);
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    note->text = arena_strdup(k->arena, text);
    if (k->notes == NULL)
        k->notes = note;
    else
        k->last_note->next = note;
    k->last_note = note;
}
