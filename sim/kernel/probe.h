/*
 * The probe: every decision can be asked for its reason.
 *
 * Each point where the kernel or a policy chooses (a CPU for a wake-up, a task to run, a group and
 * a queue to pull from, a page to move, a node to prefer) reports here what was chosen, the rule by
 * its kernel name, and, if someone listens, the candidates with their scores and the inputs. The
 * decision point takes its choice from probe_decide()'s return, so that a run can be replayed with
 * one decision changed.
 *
 * Every decision gets the next number, recorded or not, so numbers are the same whatever is
 * recorded. Off, a decision costs one increment and one test, and nobody builds a list:
 *
 *     if (probe_wants(k, DECISION_WAKE))
 *         for_each_cpu (c, span)
 *             probe_candidate(k, "cpu", c, score(c));
 *     cpu = (int)probe_decide(k, DECISION_WAKE, RULE_WAKE_IDLE_CPU, p, this_cpu, cpu);
 */
#pragma once

#include "base/base.h"

struct kernel;
struct task;

/* kind, its name in decisions.csv, what `chosen` is */
#define DECISION_KINDS(X)                                                                          \
    X(DECISION_WAKE, "wake", "CPU for a woken task")                                               \
    X(DECISION_FORK, "fork", "CPU for a new task")                                                 \
    X(DECISION_PICK, "pick", "task to run next, -1: idle")                                         \
    X(DECISION_PREEMPT, "preempt", "1: the woken task preempts, 0: it waits")                      \
    X(DECISION_BALANCE_GROUP, "balance_group", "first CPU of the group to pull from, -1: none")    \
    X(DECISION_BALANCE_QUEUE, "balance_queue", "CPU to pull from, -1: none")                       \
    X(DECISION_BALANCE_TASK, "balance_task", "1: the task moves, 0: it stays")                     \
    X(DECISION_ALLOC, "alloc", "node for a stretch of new pages")                                  \
    X(DECISION_SCAN, "scan", "pages that a NUMA scan may mark")                                    \
    X(DECISION_HINT_FAULT, "hint_fault",                                                           \
      "1: the page moves to the faulting CPU's node, 0: it stays")                                 \
    X(DECISION_PREFERRED_NODE, "preferred_node", "preferred node of a task")                       \
    X(DECISION_NUMA_GROUP, "numa_group",                                                           \
      "1: the task joins the other's NUMA group, 0: it does not")                                  \
    X(DECISION_TASK_NUMA, "task_numa", "CPU that a task moves to for its memory, -1: stays")       \
    X(DECISION_EXEC, "exec", "CPU for a task that executes another program")                       \
    X(DECISION_SCAN_VMA, "scan_vma", "1: a NUMA scan marks in the VMA, 0: it is skipped")

enum decision_kind {
#define X(kind, name, doc) kind,
    DECISION_KINDS(X)
#undef X
        DECISION_KIND_NR
};

extern const char *const decision_kind_names[DECISION_KIND_NR + 1];
extern const char *const decision_kind_docs[DECISION_KIND_NR];

/* Whoever records: the report. Strings are valid during the call only. */
struct decision {
    uint64_t seq, cause_seq;
    sim_time time;
    enum decision_kind kind;
    const char *rule;
    const struct task *task; /* or NULL */
    int cpu;                 /* where it was decided, or -1 */
    int64_t chosen;
    const char *candidates, *inputs; /* "cpu3=100 cpu4=80", "nr_running=2 ..." */
};

/* Who only wants to know which decision was the last: no lists are built for it. */
struct probe_note {
    uint64_t seq;
    enum decision_kind kind;
    const char *rule;
    int64_t chosen;
};

struct probe {
    uint64_t seq;
    uint32_t wanted;    /* bit per kind */
    uint32_t noted;     /* likewise, for note() */
    uint64_t force_seq; /* 0: none */
    int64_t force_choice;
    bool forced; /* the forced decision was met */
    void (*record)(void *sink, const struct decision *d);
    void *sink;
    void (*note)(void *sink, const struct probe_note *n, const struct task *p, int cpu);
    void *note_sink;
    uint32_t candidates_len, inputs_len;
    char candidates[65536], inputs[65536];
};

int64_t probe_report(struct kernel *k, enum decision_kind kind, const char *rule, struct task *p,
                     int cpu, int64_t chosen, uint64_t seq);

/* name and id together name the candidate ("cpu", 3 -> "cpu3"). A full list ends in "...=". */
void probe_candidate(struct kernel *k, const char *name, int64_t id, int64_t score);
void probe_input(struct kernel *k, const char *name, int64_t value);
void probe_input_of(struct kernel *k, const char *name, int64_t id, int64_t value);
