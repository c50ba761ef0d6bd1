/*
 * A random script: some operations with a few statements each, and around them what a policy needs
 * to keep its tasks running: enqueue inserts the task or keeps it, dispatch gives out what was kept
 * and serves every queue. Sound statements have arguments of the right kinds and calls that the
 * operation may make; a script with a `danger` does something else in one of so many calls.
 */
#include "random_script.h"

#include <stdio.h>

#include "random_text.h"
#include "script/script.h"

struct operation {
    const char *name, *args; /* kinds; '?': of no use to a program */
    const char *contexts, *result;
    bool always;
};

static const struct operation operations[] = {
    { "select_cpu", "pci", "SE", "c", false },
    { "enqueue", "pi", "E", NULL, true },
    { "dequeue", "ti", "-", NULL, true },
    { "dispatch", "c?", "D", NULL, true },
    { "tick", "t", "-", NULL, false },
    { "runnable", "ti", "-", NULL, false },
    { "running", "t", "-", NULL, false },
    { "stopping", "tb", "-", NULL, false },
    { "quiescent", "ti", "-", NULL, false },
    { "yield", "t?", "-", "b", false },
    { "set_weight", "ti", "-", NULL, false },
    { "set_cpumask", "t", "-", NULL, false },
    { "update_idle", "cb", "-", NULL, false },
    { "cpu_acquire", "c", "-", NULL, false },
    { "cpu_release", "ci?", "R", NULL, false },
    { "init_task", "tb?", "U", NULL, false },
    { "exit_task", "tb", "-", NULL, true },
    { "enable", "t", "-", NULL, false },
    { "disable", "t", "-", NULL, false },
    { "cgroup_init", "?iiii", "U", NULL, false },
    { "cgroup_prep_move", "t??", "U", NULL, false },
    { "cgroup_move", "t??", "-", NULL, false },
    { "cgroup_set_weight", "?i", "U", NULL, false },
    { "cpu_online", "c", "U", NULL, false },
    { "cpu_offline", "c", "U", NULL, false },
    { "init", "", "U", NULL, true },
    { "exit", "i", "-", NULL, false },
    { "timer", "i", "UT", NULL, false },
    { "balance", "cc", "D", "b", false },
    { "alloc", "tcni?", "-", "n", false },
    { "hint_fault", "tcnnib", "-", "b01", false },
    { "scan", "ti", "-", "i", false },
};

enum { DEPTH = 3, STATEMENTS = 5 };

static void statements(struct program *g, uint32_t danger, uint32_t nr, uint32_t depth);

/* ---- what ends a policy, or should not ---- */

static void
put_danger(struct program *g)
{
    static const char *const texts[] = {
        "while true do count0 = count0 + 1 end",
        "local s = \"x\" while true do s = s .. s end",
        "local t = {} for i = 1, 1 << 40 do t[i] = i end",
        "local function f(n) return 1 + f(n + 1) end f(0)",
        "error(\"on purpose\")",
        "pcall(error, \"caught\")",
        "pcall(function() while true do end end)",
        "string.rep(\"x\", 1 << 40)",
        "scx.dsq_insert(1, 999, 0, 0)",
        "scx.exit(3, \"enough\")",
        "scx.error(\"enough\")",
        "count0 = nil",
        "kept = nil",
        "do return \"x\" end",
        "do return -7 end",
        "setmetatable({}, {})",
        "table.sort({3, 1, 2}, function() return true end)",
    };
    uint32_t n = program_dice(g, 2 * ARRAY_LEN(texts));

    if (n < ARRAY_LEN(texts))
        program_put(g, "%s", texts[n]);
    else
        program_unsound_call(g);
}

static void
danger(struct program *g, uint32_t one_in)
{
    program_put(g, "if scx.random(3, %u) == 0 then ", one_in);
    put_danger(g);
    program_put(g, " end");
}

/* ---- statements ---- */

static void
block(struct program *g, uint32_t one_in, uint32_t depth)
{
    uint32_t before = g->nr_names;

    g->indent++;
    statements(g, one_in, 1 + program_dice(g, 2), depth - 1);
    g->indent--;
    g->nr_names = before;
    program_line(g);
    program_put(g, "end");
}

static void
condition(struct program *g, uint32_t one_in, uint32_t depth)
{
    program_put(g, "if ");
    program_expression(g, KIND_BOOL, 2);
    program_put(g, " then");
    block(g, one_in, depth);
}

/* Tasks that wait in a DSQ are alive. */
static void
over_tasks(struct program *g, uint32_t one_in, uint32_t depth)
{
    uint32_t before = g->nr_names;

    program_put(g, "for _, t in ipairs(scx.dsq_tasks(");
    program_expression(g, KIND_QUEUE, 0);
    program_put(g, program_dice(g, 2) ? ")) do" : ", true)) do");
    program_see(g, KIND_TASK, "t");
    if (strpbrk(g->contexts, "DT") != NULL && program_dice(g, 2)) {
        g->indent++;
        program_line(g);
        program_put(g, "scx.dsq_move(%u, t, %u)", program_dice(g, SCRIPT_FIFOS),
                    program_dice(g, SCRIPT_FIFOS));
        g->indent--;
    }
    block(g, one_in, depth);
    g->nr_names = before;
}

static void
local_value(struct program *g)
{
    static const char kinds[] = { KIND_INT, KIND_INT, KIND_CPU, KIND_NODE, KIND_MASK, KIND_BOOL };
    char kind = kinds[program_dice(g, ARRAY_LEN(kinds))];

    program_put(g, "local v%u = ", g->next_name);
    program_expression(g, kind, 2);
    program_name(g, kind); /* in sight from here on */
}

static void
statement(struct program *g, uint32_t one_in, uint32_t depth)
{
    switch (program_dice(g, depth > 0 ? 11 : 6)) {
    case 0:
        program_put(g, "count%u = ", program_dice(g, 3));
        program_expression(g, KIND_INT, 3);
        return;
    case 1:
        local_value(g);
        return;
    case 2:
        program_put(g, "kept[");
        program_expression(g, KIND_INT, 1);
        program_put(g, " & 63] = ");
        program_expression(g, KIND_INT, 2);
        return;
    case 3:
        program_put(g, "count%u = #", program_dice(g, 3));
        program_expression(g, KIND_WORD, 0);
        return;
    case 6:
    case 7:
        condition(g, one_in, depth);
        return;
    case 8:
        program_put(g, "for i%u = 1, %u do", depth, 1 + program_dice(g, 6));
        block(g, one_in, depth);
        return;
    case 9:
        over_tasks(g, one_in, depth);
        return;
    case 10:
        program_put(g, "helper(");
        program_expression(g, KIND_INT, 2);
        program_put(g, ")");
        return;
    default:
        program_put(g, "local _ = ");
        uint32_t before = g->len;
        program_call(g);
        if (g->len == before)
            program_put(g, "0");
    }
}

static void
statements(struct program *g, uint32_t one_in, uint32_t nr, uint32_t depth)
{
    for (uint32_t i = 0; i < nr && g->len < TEXT_MAX / 2; i++) {
        program_line(g);
        if (one_in > 0 && program_dice(g, 6) == 0)
            danger(g, one_in);
        else
            statement(g, one_in, depth);
    }
}

/* ---- what keeps tasks running ---- */

static void
insert(struct program *g)
{
    program_line(g);
    if (program_dice(g, 3) == 0) {
        program_put(g, "scx.dsq_insert_vtime(a, ");
        program_expression(g, KIND_VTIME, 0);
        program_put(g, ", ");
        program_expression(g, KIND_SLICE, 0);
        program_put(g, ", scx.task_dsq_vtime(a) + ");
        program_expression(g, KIND_INT, 1);
    } else {
        program_put(g, "scx.dsq_insert(a, ");
        program_expression(g, KIND_DSQ, 0);
        program_put(g, ", ");
        program_expression(g, KIND_SLICE, 0);
    }
    program_put(g, ", %s)", program_dice(g, 4) ? "b" : "b | scx.ENQ_PREEMPT");
}

/* Into one queue, or into another, or nowhere yet: then dispatch has it. */
static void
enqueue_end(struct program *g)
{
    program_line(g);
    program_put(g, "if ");
    program_expression(g, KIND_BOOL, 2);
    program_put(g, " then");
    g->indent++;
    insert(g);
    g->indent--;
    program_put(g, " elseif ");
    program_expression(g, KIND_BOOL, 1);
    program_put(g, " and scx.queue_push(0, a) then mine[a] = true else");
    g->indent++;
    insert(g);
    g->indent--;
    program_put(g, " end");
    if (program_dice(g, 3))
        program_put(g, " scx.kick_cpu(scx.task_cpu(a), scx.KICK_IDLE)");
}

static void
dispatch_end(struct program *g)
{
    uint32_t first = program_dice(g, SCRIPT_DSQS), forgets = program_dice(g, 12);

    program_line(g);
    program_put(g, "for _ = 1, %u do local t = scx.queue_pop(0) ", 1 + program_dice(g, 6));
    program_put(g, "if t and mine[t] then mine[t] = nil scx.dsq_insert(t, %s, %u) end end",
                program_dice(g, 3) ? "scx.DSQ_LOCAL" : "0", 1000 << program_dice(g, 16));
    for (uint32_t i = 0; i < SCRIPT_DSQS; i++) {
        if (forgets == i)
            continue; /* its tasks wait for the watchdog */
        program_line(g);
        program_put(g, "if scx.dsq_move_to_local(%u) then return end", (first + i) % SCRIPT_DSQS);
    }
}

static void
init_begin(struct program *g, bool has_timer)
{
    for (uint32_t i = 0; i < SCRIPT_DSQS; i++) {
        program_line(g);
        program_put(g, "scx.create_dsq(%u)", i);
    }
    program_line(g);
    program_put(g, "scx.queue_new(%u)", 1u << program_dice(g, 8));
    program_line(g);
    program_put(g, "scx.timers_new(1)");
    if (has_timer)
        program_put(g, " scx.timer_start(0, 1000000)");
}

static void
forget_task(struct program *g)
{
    program_line(g);
    program_put(g, "mine[a] = nil");
}

static void
result(struct program *g, const char *kinds)
{
    program_line(g);
    program_put(g, "return ");
    if (strcmp(kinds, "b01") == 0)
        program_put(g, "%d", (int)program_dice(g, 3) - 1);
    else if (*kinds == KIND_CPU && program_sees(g, KIND_OWN))
        program_put(g, program_dice(g, 2) ? "(scx.select_cpu_dfl(a, b, c))" : "b");
    else
        program_expression(g, *kinds, 1);
}

/* ---- the whole ---- */

static void
operation(struct program *g, const struct operation *op, uint32_t one_in, bool has_timer)
{
    bool insertable = strcmp(op->name, "enqueue") == 0;

    g->contexts = op->contexts;
    g->nr_names = 0;
    g->indent = 0;
    program_line(g);
    program_put(g, "function policy.%s(", op->name);
    for (uint32_t i = 0; op->args[i] != '\0'; i++) {
        char name[] = { (char)('a' + i), '\0' };

        program_put(g, i > 0 ? ", %s" : "%s", name);
        if (op->args[i] != '?')
            program_see(g, op->args[i], name);
        if (op->args[i] == KIND_OWN)
            program_see(g, KIND_TASK, name);
    }
    program_put(g, ")");
    g->indent = 1;
    if (strcmp(op->name, "init") == 0)
        init_begin(g, has_timer);
    if (op->args[0] == KIND_TASK && op->always)
        forget_task(g);
    statements(g, one_in, program_dice(g, STATEMENTS), DEPTH);
    if (insertable)
        enqueue_end(g);
    else if (strcmp(op->name, "dispatch") == 0)
        dispatch_end(g);
    else if (op->result != NULL && (program_dice(g, 4) > 0 || one_in == 0))
        result(g, op->result);
    g->indent = 0;
    program_line(g);
    program_put(g, "end");
}

static void
head(struct program *g)
{
    static const char *const flags[] = { "ENQ_LAST", "ENQ_EXITING", "SWITCH_PARTIAL",
                                         "BUILTIN_IDLE_PER_NODE" };

    program_put(g, "local count0, count1, count2, kept, mine = 1, 2, 3, {}, {}");
    program_put(g, "\nlocal policy = {name = \"dice\", stats = {\"one\"}, timeout_ms = %u,",
                50 + program_dice(g, 200));
    program_put(g, " flags = {\"KEEP_BUILTIN_IDLE\"");
    for (uint32_t i = 0; i < ARRAY_LEN(flags); i++)
        if (program_dice(g, 6) == 0)
            program_put(g, ", \"%s\"", flags[i]);
    program_put(g, "}}\nlocal function helper(n)");
    g->contexts = "-";
    g->indent = 1;
    program_see(g, KIND_INT, "n");
    statements(g, 0, 3, 0);
    program_put(g, "\nend");
}

const char *
random_script_text(const struct random_case *c, struct arena *a)
{
    static const uint32_t dangers[] = { 0, 0, 10000, 1000, 100, 2 };
    struct program g = { .text = arena_alloc(a, TEXT_MAX) };
    bool has_timer;

    rng_init(&g.rng, c->seed, "script", 0);
    uint32_t one_in = dangers[program_dice(&g, ARRAY_LEN(dangers))];
    uint32_t tenths = 1 + program_dice(&g, 9);
    has_timer = program_dice(&g, 10) < tenths;
    head(&g);
    for (uint32_t i = 0; i < ARRAY_LEN(operations); i++) {
        const struct operation *op = &operations[i];
        bool timer = strcmp(op->name, "timer") == 0;

        if (op->always || (timer ? has_timer : program_dice(&g, 10) < tenths))
            operation(&g, op, one_in, has_timer);
    }
    program_put(&g, "\nreturn policy\n");
    return g.text;
}

/* Budgets from far too small to generous. */
static const void *
limits(const struct random_case *c, const struct sched_ops *ops, struct arena *a)
{
    static const char *const instructions[] = { "100", "500", "2000", "20000", "100000" };
    static const char *const memory[] = { "64KiB", "128KiB", "1MiB" };
    void *params = arena_alloc(a, ops->priv_size);
    char why[256];

    fields_init(ops->params, params, a);
    if (case_pick(c, "script limits", 0, 2) == 0)
        return params;
    field_set(fields_find(ops->params, "max_instructions"), params,
              instructions[case_pick(c, "script limits", 1, ARRAY_LEN(instructions))], a, why,
              sizeof(why));
    field_set(fields_find(ops->params, "max_memory"), params,
              memory[case_pick(c, "script limits", 2, ARRAY_LEN(memory))], a, why, sizeof(why));
    return params;
}

const struct sched_ops *
random_script(const struct random_case *c, struct arena *a, const void **params, const char **why)
{
    const char *text = random_script_text(c, a);
    const struct sched_ops *ops = script_load("dice.lua", text, strlen(text), a, why);

    if (ops != NULL)
        *params = limits(c, ops, a);
    return ops;
}
