/*
 * Expressions evaluated: the variables of a machine, and a postfix program over a small stack. What
 * can go wrong with numbers goes wrong here, and is returned as a phrase that a message can end in.
 */
#include "workload/expr.h"

struct wexpr
wexpr_const(struct arena *a, uint64_t value)
{
    struct wexpr_op *op = arena_new_object(a, struct wexpr_op);

    *op = (struct wexpr_op){ WEXPR_CONST, value };
    return (struct wexpr){ .nr = 1, .ops = op };
}

static const char *
apply(enum wexpr_code code, uint64_t a, uint64_t b, uint64_t *result)
{
    switch (code) {
    case WEXPR_ADD:
        return __builtin_add_overflow(a, b, result) ? "is too large" : NULL;
    case WEXPR_SUB:
        *result = a - b;
        return a < b ? "is less than zero" : NULL;
    case WEXPR_MUL:
        return __builtin_mul_overflow(a, b, result) ? "is too large" : NULL;
    case WEXPR_DIV:
        *result = b == 0 ? 0 : a / b;
        return b == 0 ? "divides by zero" : NULL;
    case WEXPR_MOD:
        *result = b == 0 ? 0 : a % b;
        return b == 0 ? "divides by zero" : NULL;
    case WEXPR_MIN:
        *result = SIM_MIN(a, b);
        return NULL;
    default:
        *result = SIM_MAX(a, b);
        return NULL;
    }
}

static const char *
draw(struct rng *rng, uint64_t *value)
{
    if (*value == 0)
        return "is random() of nothing";
    *value = rng != NULL ? rng_below(rng, *value) : 0;
    return NULL;
}

const char *
wexpr_eval(const struct wexpr *e, const struct wenv *env, uint64_t *value)
{
    uint64_t stack[WEXPR_OPS_MAX];
    uint32_t top = 0;

    sim_assert(e->nr > 0);
    for (uint32_t i = 0; i < e->nr; i++) {
        const struct wexpr_op *op = &e->ops[i];

        if (op->code == WEXPR_CONST || op->code == WEXPR_VAR) {
            stack[top++] = op->code == WEXPR_CONST ? op->value : env->v[op->value];
            continue;
        }
        const char *why;
        if (op->code == WEXPR_RANDOM) {
            why = draw(env->rng, &stack[top - 1]);
        } else {
            why = apply(op->code, stack[top - 2], stack[top - 1], &stack[top - 2]);
            top--;
        }
        if (why != NULL)
            return why;
    }
    *value = stack[0];
    return NULL;
}

void
wenv_init(struct wenv *env, const struct machine *m)
{
    uint64_t smallest = UINT64_MAX, fastest = 0;

    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        if (m->nodes[n].mem_bytes > 0)
            smallest = SIM_MIN(smallest, m->nodes[n].mem_bytes);
        fastest = SIM_MAX(fastest, m->nodes[n].bandwidth);
    }
    *env = (struct wenv){ .v = {
                              [WVAR_CPUS] = cpumask_weight(m->online),
                              [WVAR_CPU_IDS] = m->nr_cpus,
                              [WVAR_NODES] = (uint64_t)__builtin_popcountll(machine_cpu_nodes(m)),
                              [WVAR_MEMORY_NODES] =
                                  (uint64_t)__builtin_popcountll(machine_memory_nodes(m)),
                              [WVAR_CORES] = m->nr_cores,
                              [WVAR_LLCS] = m->nr_llcs,
                              [WVAR_PACKAGES] = m->nr_packages,
                              [WVAR_LLC_SIZE] = m->cache.llc_bytes,
                              [WVAR_NODE_SIZE] = smallest,
                              [WVAR_NODE_BANDWIDTH] = fastest,
                          } };
}
