/*
 * Measurements of a memory system as text: what Intel's Memory Latency Checker prints, or CSV.
 *
 * CSV has a header. A column with `latency` in its name is one (ns), a column with `bandwidth` or a
 * unit of it (`GB_per_s`, `MB/s`, `mb_s`, `GiB/s`...) is the other, `mix` says what is read and
 * written ("ALL Reads", "100% read", "3:1 Reads-Writes"); other columns of text (`machine`,
 * `scope`) tell curves apart, except `source` and `method`; other columns of numbers are passed
 * over. The MLC text is searched for its table of loaded latencies and the lines of peak bandwidth
 * by mix.
 */
#pragma once

#include "config/diag.h"

/* Shares of the bytes that a mix writes; -1: the text does not say (a triad that passes the caches
 * by). */
struct measured_point {
    unsigned line;
    double written;
    double latency_ns; /* 0: not measured */
    double gb_per_s;   /* above 0 */
};

struct measured_curve {
    char *name;     /* "ivb-2s-2680v2, whole machine"; may be empty */
    GArray *points; /* struct measured_point, as in the file */
};

/* All curves of a file ("-": standard input), struct measured_curve *, in the order of the file;
 * g_ptr_array_unref(). NULL: messages in diag. */
GPtrArray *measured_load(const char *path, struct diag *d);
