/*
 * Quirks of NUMA balancing in 6.12 (numa-balancing.md section 6): what looks like a defect, or
 * contradicts the kernel's own comments, and is what it does. All are on; NO_NAME in
 * numa_balancing.quirks repairs one, so that its effect can be measured.
 */
#pragma once

/* name, what the kernel does; what NO_NAME does instead */
#define NUMA_QUIRKS(X)                                                                             \
    X(LOCAL_TAG, "local faults leave the page's access tag alone; NO: they refresh it")            \
    X(WRITE_FORGETS,                                                                               \
      "the first write to a page that a fault has moved unsets its access tag, as if nobody had "  \
      "used it; NO: the tag stays")                                                                \
    X(PRIVATE_BACKOFF,                                                                             \
      "faults that are all private and remote, or one failed migration, double the scan period; "  \
      "NO: they adapt it as other faults do")                                                      \
    X(PRIVATE_SLOW,                                                                                \
      "mostly private faults slow the scan even if they are remote; NO: remote ones speed it up")  \
    X(SEARCH_DISTANCE,                                                                             \
      "the search for a node uses the distance to the node tried before; NO: to the node itself")  \
    X(IDLE_OVERRIDE,                                                                               \
      "a node with room and an idle CPU replaces a better choice made before; NO: only if it "     \
      "gains more")                                                                                \
    X(IDLE_BLOCKED, "an idle CPU of the preferred node is left idle if that side would then run "  \
                    "more tasks; NO: "                                                             \
                    "it is taken")                                                                 \
    X(THREAD_STAGGER,                                                                              \
      "scans of new threads are staggered by 8 ms, a mix-up of ms and ns; NO: by scan periods")    \
    X(THP_LOCAL_MARKS,                                                                             \
      "scans mark huge pages of a single thread even if they are local; NO: as 4 KiB pages, not")  \
    X(THP_COUNTS_ONCE,                                                                             \
      "numa_hint_faults count a huge page once, fault arrays 512 times; NO: both 512 times")       \
    X(FAIR_SCANS_ONLY, "only tasks of the fair class scan; NO: those of all classes")              \
    X(GROUP_TIE,                                                                                   \
      "of two groups of one size the one at the lower address joins (here: the older); NO: the "   \
      "younger joins")                                                                             \
    X(PID_BITS,                                                                                    \
      "access tags hold 8 bits of a pid: tasks 256 apart look alike, 255 looks unset; NO: tags "   \
      "are exact")                                                                                 \
    X(PREFERRED_KEPT,                                                                              \
      "preferred policies are not remapped when the cpuset changes; NO: they are, as documented")  \
    X(CANDIDATES_HOT,                                                                              \
      "pgpromote_candidate misses promotions while there is much free space; NO: counts all")      \
    X(HIT_ALLOCATIONS, "numa_hit counts allocations of any size; NO: 4 KiB pages")                 \
    X(EXEC_KEEPS_PREFERRED,                                                                        \
      "exec keeps the preferred node, a thread inherits it; NO: both begin without")               \
    X(BALANCED_REBIND,                                                                             \
      "a cpuset's first change takes the nodes of a BIND with balancing for all that was allowed " \
      "before; NO: they keep their place among those")

enum numa_quirk {
#define X(name, doc) NUMA_QUIRK_##name,
    NUMA_QUIRKS(X)
#undef X
        NUMA_QUIRK_NR
};

extern const char *const numa_quirk_names[NUMA_QUIRK_NR + 1];
extern const char *const numa_quirk_docs[NUMA_QUIRK_NR];

/* numa_quirk(k, LOCAL_TAG): does it do as the kernel does? */
#define numa_quirk(k, name) ((k)->params.numa.quirks >> NUMA_QUIRK_##name & 1)
