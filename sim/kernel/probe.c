#include "kernel/probe.h"

#include "base/text.h"
#include "kernel/kernel.h"

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
    char item[96], *end = item + sizeof(item), *at = text_add(item, end, *len ? " " : "");

    at = text_add(at, end, name);
    if (id != NULL)
        at = text_add_int(at, end, *id);
    at = text_add_int(text_add(at, end, "="), end, value);
    uint32_t n = (uint32_t)(at - item);
    if (*len + n + 8 < size) {
        memcpy(list + *len, item, (size_t)n + 1);
        *len += n;
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

void
probe_input_of(struct kernel *k, const char *name, int64_t id, int64_t value)
{
    append(k->probe.inputs, sizeof(k->probe.inputs), &k->probe.inputs_len, name, &id, value);
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

/* The choices that a decision of this kind can have at all: the decision point knows which of them
 * are open to it, but takes a yes or no, or a queue, as it comes. */
static bool
choice_has_sense(const struct kernel *k, enum decision_kind kind, int64_t chosen, int64_t choice)
{
    switch (kind) {
    case DECISION_PREEMPT:
    case DECISION_BALANCE_TASK:
    case DECISION_HINT_FAULT:
        return choice == 0 || choice == 1;
    case DECISION_PICK: /* a CPU with waiting tasks is never idle: all books say so */
        return choice >= 0 || (choice == -1 && chosen == -1);
    case DECISION_BALANCE_GROUP:
    case DECISION_BALANCE_QUEUE:
        return choice >= -1 && choice < (int64_t)k->machine->nr_cpus;
    case DECISION_SCAN:
        return choice >= 0;
    default:
        return true;
    }
}

static int64_t
force(struct kernel *k, enum decision_kind kind, int64_t chosen)
{
    int64_t choice = k->probe.force_choice;

    k->probe.forced = true;
    if (choice_has_sense(k, kind, chosen, choice))
        return choice;
    kernel_fail(k, "--force-decision: %lld is no choice here; %s is: %s", (long long)choice,
                decision_kind_names[kind], decision_kind_docs[kind]);
    return chosen;
}

int64_t
probe_report(struct kernel *k, enum decision_kind kind, const char *rule, struct task *p, int cpu,
             int64_t chosen, uint64_t seq)
{
    struct probe *pr = &k->probe;

    if (seq == pr->force_seq) {
        chosen = force(k, kind, chosen);
        rule = "forced";
    }
    if (pr->noted >> kind & 1) {
        struct probe_note n = { seq, kind, rule, chosen };

        pr->note(pr->note_sink, &n, p, cpu);
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
