/* What the files of a run's folder are written from. */
#pragma once

#include "report/run_report.h"

struct report {
    const char *dir;
    const struct kernel *k;
    const struct run_info *info;
    const struct samples *samples;
    struct arena *arena;
};

/* Files about the machine: cpus.csv, nodes.csv, links.csv, traffic.csv. */
void report_cpus(const struct report *r, struct csv *c);
void report_nodes(const struct report *r, struct csv *c);
void report_links(const struct report *r, struct csv *c);
void report_devices(const struct report *r, struct csv *c);
bool report_has_devices(const struct kernel *k);
void report_traffic(const struct report *r, struct csv *c);
/* requests.csv: only where there are requests. */
bool report_has_requests(const struct kernel *k);
void report_requests(const struct report *r, struct csv *c);
/* ext.csv: only with a programmable policy. */
bool report_has_ext(const struct kernel *k);
void report_ext(const struct report *r, struct csv *c);
