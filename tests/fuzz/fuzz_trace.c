/*
 * Any bytes are a trace or a message, and never both; and what is read can be replayed: by its
 * dependencies and as it was, on a machine of two CPUs, to an end.
 */
#include "config/import_trace_replay.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every story and the script must be readable from end to end. */
static void
check_replay(const struct replay *r)
{
    static const int numbers[REPLAY_OP_NR] = {
        [REPLAY_RUN] = 1,   [REPLAY_WAKE] = 4, [REPLAY_FORK] = 1,  [REPLAY_WAIT] = 6,
        [REPLAY_SLEEP] = 2, [REPLAY_NICE] = 1, [REPLAY_GO_ON] = 1, [REPLAY_EXEC] = 1
    };

    for (uint32_t i = 0; i < r->nr_tasks; i++) {
        const uint8_t *at = r->tasks[i].code, *end = at + r->tasks[i].code_len;

        while (at < end) {
            uint8_t op = *at++;
            if (op >= REPLAY_OP_NR)
                abort();
            for (int n = 0; n < numbers[op]; n++) {
                if (at >= end)
                    abort();
                replay_number(&at, end);
            }
        }
        if (r->tasks[i].process >= r->nr_processes)
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct trace_options o = { .placement = size % 2 != 0 };
    struct trace_compiler *c = trace_compiler_new(&o);
    const struct trace_sink sink = { c, trace_compiler_event };
    struct arena *a = arena_new();
    struct trace_counts counts;
    struct trace_story_counts n;
    struct diag d;

    diag_init(&d);
    looks_like_trace((const char *)data, size);
    if (trace_read_memory("fuzz", data, size, &sink, &counts, &d) == diag_failed(&d))
        abort();
    if (!diag_failed(&d)) {
        g_array_unref(trace_compiler_stories(c, &n));
        check_replay(trace_compiler_replay(c, a));
    }
    trace_compiler_free(c);
    diag_clear(&d);
    arena_free(a);
    return 0;
}
