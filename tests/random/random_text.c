#include "random_text.h"

#include <stdarg.h>
#include <stdio.h>

uint32_t
program_dice(struct program *g, uint32_t n)
{
    return (uint32_t)rng_below(&g->rng, n);
}

void
program_put(struct program *g, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(g->text + g->len, TEXT_MAX - g->len, fmt, ap);
    va_end(ap);
    sim_assert(n >= 0 && g->len + (uint32_t)n < TEXT_MAX);
    g->len += (uint32_t)n;
}

void
program_line(struct program *g)
{
    program_put(g, "\n%*s", (int)(4 * g->indent), "");
}

/* ---- names ---- */

void
program_see(struct program *g, char kind, const char *name)
{
    if (g->nr_names == NAMES_MAX)
        g->nr_names--;
    struct text_name *n = &g->names[g->nr_names++];
    n->kind = kind;
    snprintf(n->name, sizeof(n->name), "%s", name);
}

const char *
program_name(struct program *g, char kind)
{
    char name[8];

    snprintf(name, sizeof(name), "v%u", g->next_name++ % 100000);
    program_see(g, kind, name);
    return g->names[g->nr_names - 1].name;
}

/* One of those that hold this, or NULL. */
static const char *
seen(struct program *g, char kind)
{
    uint32_t nr = 0;

    for (uint32_t i = 0; i < g->nr_names; i++)
        nr += g->names[i].kind == kind;
    if (nr == 0)
        return NULL;
    uint32_t chosen = program_dice(g, nr);
    for (uint32_t i = 0; i < g->nr_names; i++)
        if (g->names[i].kind == kind && chosen-- == 0)
            return g->names[i].name;
    return NULL;
}

bool
program_sees(const struct program *g, char kind)
{
    for (uint32_t i = 0; i < g->nr_names; i++)
        if (g->names[i].kind == kind)
            return true;
    return false;
}

/* ---- calls ---- */

struct call {
    const char *name, *args;
    char result;          /* 0: none, or one that may be nil */
    const char *contexts; /* one of them; "*": anywhere */
};

static const struct call calls[] = {
    { "kick_cpu", "cF", 0, "*" },
    { "test_and_clear_cpu_idle", "c", 'b', "*" },
    { "pick_idle_cpu", "m", 0, "*" },
    { "pick_any_cpu", "m", 0, "*" },
    { "select_cpu_and", "pcim", 0, "E" },
    { "dsq_nr_queued", "q", 'i', "*" },
    { "dsq_peek", "q", 0, "*" },
    { "dsq_move_to_local", "q", 'b', "D" },
    { "dispatch_nr_slots", "", 'i', "D" },
    { "reenqueue_local", "", 'i', "R" },
    { "queue_len", "0", 'i', "*" },
    { "queue_peek", "0", 0, "*" },
    { "cpu_curr", "c", 0, "*" },
    { "cpu_node", "c", 'n', "*" },
    { "cpu_llc", "c", 'i', "*" },
    { "cpu_sibling", "c", 0, "*" },
    { "cpuperf_cap", "c", 'i', "*" },
    { "cpuperf_set", "cP", 0, "*" },
    { "nr_nodes", "", 'i', "*" },
    { "node_distance", "nn", 'i', "*" },
    { "nearest_node", "ni", 0, "*" },
    { "node_free_pages", "n", 'i', "*" },
    { "task_slice", "t", 'i', "*" },
    { "task_dsq_vtime", "t", 'i', "*" },
    { "task_set_slice", "ts", 0, "*" },
    { "task_set_dsq_vtime", "ti", 0, "*" },
    { "task_weight", "t", 'i', "*" },
    { "task_queued", "t", 'b', "*" },
    { "task_running", "t", 'b', "*" },
    { "task_cpu", "t", 'c', "*" },
    { "task_comm", "t", 'w', "*" },
    { "task_process", "t", 'w', "*" },
    { "task_tgid", "t", 'i', "*" },
    { "task_nice", "t", 'i', "*" },
    { "task_policy", "t", 'i', "*" },
    { "task_nr_cpus_allowed", "t", 'i', "*" },
    { "task_cgroup", "t", 0, "*" },
    { "task_sum_exec", "t", 'i', "*" },
    { "task_times", "t", 'i', "*" },
    { "task_node", "t", 0, "*" },
    { "task_pages", "tn", 'i', "*" },
    { "task_faults", "tn", 'i', "*" },
    { "task_access_share", "tn", 'i', "*" },
    { "task_preferred_node", "t", 0, "*" },
    { "task_hint", "tw", 0, "*" },
    { "set_nice", "tN", 0, "*" },
    { "request_balance", "c", 0, "*" },
    { "migrate_pages", "tnni", 'i', "UT" },
    { "set_mempolicy", "tMi", 'i', "*" },
    { "now", "", 'i', "*" },
    { "hz", "", 'i', "*" },
    { "timer_start", "0D", 0, "*" },
    { "timer_cancel", "0", 0, "*" },
    { "stat", "Si", 0, "*" },
    { "stat_add", "S", 0, "*" },
    { "random", "0", 'i', "*" },
};

static bool
may_call(const struct program *g, const struct call *c)
{
    for (const char *arg = c->args; *arg != '\0'; arg++)
        if ((*arg == KIND_TASK || *arg == KIND_OWN) && !program_sees(g, *arg))
            return false;
    return c->contexts[0] == '*' || strpbrk(c->contexts, g->contexts) != NULL;
}

static void
put_call(struct program *g, const struct call *c, uint32_t depth)
{
    program_put(g, "scx.%s(", c->name);
    for (const char *arg = c->args; *arg != '\0'; arg++) {
        program_put(g, arg > c->args ? ", " : "");
        program_expression(g, *arg, depth);
    }
    program_put(g, ")");
}

/* One that gives such a result, or NULL after some tries. */
static const struct call *
call_for(struct program *g, char result)
{
    for (uint32_t tries = 0; tries < 40; tries++) {
        const struct call *c = &calls[program_dice(g, ARRAY_LEN(calls))];

        if ((result == 0 || c->result == result) && may_call(g, c))
            return c;
    }
    return NULL;
}

void
program_call(struct program *g)
{
    const struct call *c = call_for(g, 0);

    if (c != NULL)
        put_call(g, c, 2);
}

void
program_unsound_call(struct program *g)
{
    static const char *const more[] = { "create_dsq",     "destroy_dsq", "timers_new",
                                        "queue_new",      "exit",        "error",
                                        "dsq_insert",     "dsq_move",    "dsq_insert_vtime",
                                        "idle_smtmask",   "dump",        "pick_idle_cpu_node",
                                        "select_cpu_dfl", "queue_pop",   "dispatch_cancel",
                                        "task_disallow" };
    uint32_t n = program_dice(g, ARRAY_LEN(calls) + ARRAY_LEN(more));

    program_put(g, "scx.%s(", n < ARRAY_LEN(calls) ? calls[n].name : more[n - ARRAY_LEN(calls)]);
    g->unsound = true;
    for (uint32_t i = program_dice(g, 5); i > 0; i--) {
        program_expression(g, "icntdsmbw"[program_dice(g, 9)], 1);
        program_put(g, i > 1 ? ", " : "");
    }
    g->unsound = false;
    program_put(g, ")");
}

/* ---- expressions ---- */

static void
put_int(struct program *g, uint32_t depth)
{
    static const char *const operators[] = { "+", "-", "*", "&", "|", "~", ">>" };
    const struct call *c;

    switch (depth > 0 ? program_dice(g, 8) : program_dice(g, 3)) {
    case 0:
        program_put(g, "%u", program_dice(g, 1u << program_dice(g, 24)));
        return;
    case 1:
        program_put(g, "count%u", program_dice(g, 3));
        return;
    case 2:
        program_put(g, "scx.random(%u, %u)", program_dice(g, 16), 1 + program_dice(g, 1000));
        return;
    case 3:
        program_put(g, "(kept[");
        put_int(g, depth - 1);
        program_put(g, " & 63] or 0)");
        return;
    case 4:
        c = call_for(g, KIND_INT);
        if (c != NULL) {
            program_put(g, "(");
            put_call(g, c, depth - 1);
            program_put(g, ")");
            return;
        }
        program_put(g, "#tostring(count0)");
        return;
    case 5:
        program_put(g, "(");
        put_int(g, depth - 1);
        program_put(g, program_dice(g, 2) ? " // (1 | " : " %% (1 | ");
        put_int(g, depth - 1);
        program_put(g, "))");
        return;
    default:
        program_put(g, "(");
        put_int(g, depth - 1);
        program_put(g, " %s ", operators[program_dice(g, ARRAY_LEN(operators))]);
        put_int(g, depth - 1);
        program_put(g, ")");
    }
}

static void
put_mask(struct program *g, uint32_t depth)
{
    static const char *const two[] = { "mask_and", "mask_or", "mask_andnot" };

    switch (depth > 0 ? program_dice(g, 5) : 0) {
    case 1:
        program_put(g, "scx.task_cpumask(");
        program_expression(g, program_sees(g, KIND_TASK) ? KIND_TASK : KIND_OWN, 0);
        program_put(g, ")");
        return;
    case 2:
        program_put(g, "scx.llc_cpumask(");
        program_expression(g, KIND_CPU, depth - 1);
        program_put(g, ")");
        return;
    case 3:
        program_put(g, "scx.%s(", two[program_dice(g, ARRAY_LEN(two))]);
        put_mask(g, depth - 1);
        program_put(g, ", ");
        put_mask(g, depth - 1);
        program_put(g, ")");
        return;
    case 4:
        program_put(g, "scx.mask_of(");
        program_expression(g, KIND_CPU, depth - 1);
        program_put(g, ")");
        return;
    default:
        program_put(g, "scx.%s()", program_dice(g, 2) ? "online_cpumask" : "idle_cpumask");
    }
}

static void
put_bool(struct program *g, uint32_t depth)
{
    static const char *const relations[] = { "<", "<=", "==", "~=", ">", ">=" };
    const struct call *c = depth > 0 && program_dice(g, 4) == 0 ? call_for(g, KIND_BOOL) : NULL;

    if (c != NULL) {
        put_call(g, c, depth - 1);
        return;
    }
    put_int(g, depth > 0 ? depth - 1 : 0);
    program_put(g, " %s ", relations[program_dice(g, ARRAY_LEN(relations))]);
    put_int(g, depth > 0 ? depth - 1 : 0);
}

static void
put_dsq(struct program *g)
{
    switch (program_dice(g, 6)) {
    case 0:
        program_put(g, "scx.DSQ_LOCAL");
        return;
    case 1:
        program_put(g, "scx.DSQ_GLOBAL");
        return;
    case 2:
        if (program_sees(g, KIND_OWN)) {
            const char *p = seen(g, KIND_OWN);

            program_put(g,
                        "scx.DSQ_LOCAL_ON | (scx.pick_any_cpu(scx.task_cpumask(%s)) or "
                        "scx.task_cpu(%s))",
                        p, p);
            return;
        }
        /* fall through */
    default:
        program_put(g, "%u", program_dice(g, SCRIPT_FIFOS));
    }
}

static void
put_junk(struct program *g)
{
    static const char *const junk[] = { "nil",
                                        "-1",
                                        "1 << 40",
                                        "\"x\"",
                                        "{}",
                                        "0.5",
                                        "math.huge",
                                        "math.mininteger",
                                        "0/0",
                                        "true",
                                        "function() end",
                                        "math.maxinteger",
                                        "scx",
                                        "12345",
                                        "string.rep",
                                        "scx.DSQ_LOCAL_ON",
                                        "scx.DSQ_LOCAL_ON | 77" };

    program_put(g, "%s", junk[program_dice(g, ARRAY_LEN(junk))]);
}

static void
put_task(struct program *g, char kind)
{
    const char *p = seen(g, kind);

    if (p == NULL)
        p = seen(g, kind == KIND_OWN ? KIND_TASK : KIND_OWN);
    program_put(g, "%s", p != NULL ? p : "1");
}

void
program_expression(struct program *g, char kind, uint32_t depth)
{
    static const char *const slices[] = {
        "0", "1", "scx.SLICE_INF", "scx.SLICE_DFL", "scx.SLICE_DFL", "1000000", "5000000", "100000"
    };
    const char *name = program_dice(g, 2) ? seen(g, kind) : NULL;

    if (g->unsound && program_dice(g, 2) == 0) {
        put_junk(g);
        return;
    }
    if (name != NULL) {
        program_put(g, "%s", name);
        return;
    }
    switch (kind) {
    case KIND_CPU:
        program_put(g, program_dice(g, 3) ? "scx.random(0, scx.nr_cpu_ids())" : "scx.this_cpu()");
        break;
    case KIND_NODE:
        program_put(g, "scx.random(1, scx.nr_nodes())");
        break;
    case KIND_TASK:
    case KIND_OWN:
        put_task(g, kind);
        break;
    case KIND_DSQ:
        put_dsq(g);
        break;
    case KIND_VTIME:
        program_put(g, "%u", SCRIPT_FIFOS + program_dice(g, SCRIPT_VTIMES));
        break;
    case KIND_QUEUE:
        program_put(g, "%u", program_dice(g, SCRIPT_DSQS));
        break;
    case KIND_SLICE:
        program_put(g, "%s", slices[program_dice(g, ARRAY_LEN(slices))]);
        break;
    case KIND_MASK:
        put_mask(g, depth);
        break;
    case KIND_BOOL:
        put_bool(g, depth);
        break;
    case KIND_WORD:
        program_put(g, "string.rep(\"ab\", %u)", program_dice(g, 40));
        break;
    case 'F': /* how to kick */
        program_put(g, "%s",
                    (const char *[]){ "0", "scx.KICK_IDLE", "scx.KICK_PREEMPT",
                                      "scx.KICK_WAIT" }[program_dice(g, 4)]);
        break;
    case 'N': /* a nice level */
        program_put(g, "%d", (int)program_dice(g, 40) - 20);
        break;
    case 'D': /* how long a timer waits: time must pass */
        program_put(g, "20000 + scx.random(2, 5000000)");
        break;
    case 'P': /* of the highest frequency */
        program_put(g, "%u", program_dice(g, 1025));
        break;
    case 'M': /* a memory policy */
        program_put(g, "%u", program_dice(g, 7));
        break;
    case 'S': /* a number of the results */
        program_put(g, "\"one\"");
        break;
    case '0':
        program_put(g, "0");
        break;
    default:
        put_int(g, depth);
    }
}
