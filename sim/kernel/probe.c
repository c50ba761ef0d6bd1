#include "kernel/probe.h"

#include "kernel/kernel.h"

#include <stdio.h>

#define X(kind, name, doc) name,
const char *const decision_kind_names[DECISION_KIND_NR + 1] = { DECISION_KINDS(X) NULL };
#undef X
#define X(kind, name, doc) doc,
const char *const decision_kind_docs[DECISION_KIND_NR] = { DECISION_KINDS(X) };
#undef X

/* Appends "name[id]=value"; a list that is full ends in "...=1". */
static void
append(char *list, uint32_t size, uint32_t *len, const char *name, const int64_t *id, int64_t value)
{
    char item[96], number[24] = "";

    if (id != NULL)
        snprintf(number, sizeof(number), "%lld", (long long)*id);
    int n = snprintf(item, sizeof(item), "%s%s%s=%lld", *len ? " " : "", name, number,
                     (long long)value);
    if (*len + (uint32_t)n + 8 < size) {
        memcpy(list + *len, item, (size_t)n + 1);
        *len += (uint32_t)n;
    } else if (*len + 8 < size) {
        memcpy(list + *len, " ...=1", 7);
        *len = size;
    }
}

void
probe_candidate(struct kernel *k, const char *name, int64_t id, int64_t score)
{
    append(k->probe.candidates, sizeof(k->probe.candidates), &k->probe.candidates_len, name, &id,
           score);
}

void
probe_input(struct kernel *k, const char *name, int64_t value)
{
    append(k->probe.inputs, sizeof(k->probe.inputs), &k->probe.inputs_len, name, NULL, value);
}

/* The cause is the last decision about the same task; for a decision about a CPU, the last one
 * there. */
static uint64_t
cause_of(const struct kernel *k, const struct task *p, int cpu)
{
    if (p != NULL)
        return p->decision;
    return cpu >= 0 ? k->rqs[cpu].decision : 0;
}

int64_t
probe_report(struct kernel *k, enum decision_kind kind, const char *rule, struct task *p, int cpu,
             int64_t chosen, uint64_t seq)
{
    struct probe *pr = &k->probe;

    if (seq == pr->force_seq) {
        chosen = pr->force_choice;
        pr->forced = true;
        rule = "forced";
    }
    if (pr->wanted >> kind & 1 && pr->record != NULL) {
        struct decision d = {
            .seq = seq,
            .cause_seq = cause_of(k, p, cpu),
            .time = k->engine.now,
            .kind = kind,
            .rule = rule,
            .task = p,
            .cpu = cpu,
            .chosen = chosen,
            .candidates = pr->candidates_len ? pr->candidates : "",
            .inputs = pr->inputs_len ? pr->inputs : "",
        };
        pr->record(pr->sink, &d);
    }
    pr->candidates_len = pr->inputs_len = 0;
    return chosen;
}
