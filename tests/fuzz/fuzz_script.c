/* Any text is a script or a message; it ends within its limits, and the same way each time. */
#include "script/box.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct box *
run(const struct box_limits *limits, const uint8_t *data, size_t size, bool *done)
{
    struct box *b = box_new(limits);

    if (b == NULL)
        abort();
    *done = box_load(b, "fuzz.lua", (const char *)data, size);
    if (b->peak > limits->memory || (!*done && b->message[0] == '\0'))
        abort();
    return b;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct box_limits limits;
    struct arena *a = arena_new();
    bool done[2];

    fields_init(box_limit_fields, &limits, a);
    arena_free(a);
    limits.load_instructions = 20000;
    limits.memory = 256 << 10;
    struct box *one = run(&limits, data, size, &done[0]);
    struct box *two = run(&limits, data, size, &done[1]);
    if (done[0] != done[1] || one->work != two->work || one->peak != two->peak ||
        strcmp(one->message, two->message) != 0)
        abort();
    box_free(one);
    box_free(two);
    return 0;
}
