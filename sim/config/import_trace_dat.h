/* trace.dat, the binary file of trace-cmd: as text of the kernel's own form. Internal. */
#pragma once

#include "config/import_trace.h"

enum { TRACE_DAT_MAGIC = 10 };

bool trace_dat_is(const char *data, gsize len);

struct trace_dat;

/* Takes the whole file from `read`. NULL: a message in diag. */
struct trace_dat *trace_dat_open(const char *file, gssize (*read)(void *from, char *to, gsize most),
                                 void *from, struct diag *d);
gssize trace_dat_read(void *dat, char *to, gsize most);
/* Also says how it ended. */
void trace_dat_close(struct trace_dat *dat, const char *file, struct diag *d);
